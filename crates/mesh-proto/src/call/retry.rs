//! Whether to try again, and when: the table of rules in one place.

use std::time::Duration;

use http::StatusCode;

use super::settings::{BadGateway, RetryPolicy};
use super::{Deadline, Fault, FaultKind, Sent};
use crate::call::Failure;
use crate::error::{ApiError, DecodeError};
use crate::outcome::Outcome;
use crate::replay::Replay;

/// What a failed attempt may have cost.
pub(super) fn outcome(
    failure: &Failure,
    sent: Sent,
    began_reply: BeganReply,
    status: Option<StatusCode>,
) -> Outcome {
    match failure {
        Failure::Fault(_) | Failure::Deadline(_) => match (began_reply, sent) {
            (BeganReply::Events, _) => Outcome::Delivered,
            (BeganReply::Head, _) | (BeganReply::No, Sent::Whole) => Outcome::Unknown,
            (BeganReply::No, Sent::Nothing | Sent::Part) => Outcome::NotSent,
        },
        Failure::Api(error) => api_outcome(error),
        Failure::Decode(DecodeError::Api(error)) => match began_reply {
            BeganReply::Events => Outcome::Delivered,
            BeganReply::Head | BeganReply::No => api_outcome(error),
        },
        // No gateway may have been there at all: a portal, or a web page at a wrong base URL.
        Failure::Decode(DecodeError::NotJson { .. }) if began_reply != BeganReply::Events => {
            Outcome::Unknown
        }
        // The work is still to be done, as the gateway says itself.
        Failure::Decode(DecodeError::Json { .. }) if status == Some(StatusCode::ACCEPTED) => {
            Outcome::Unknown
        }
        Failure::Decode(_) => Outcome::Delivered,
        Failure::Redirect { .. } => Outcome::Refused,
        Failure::Finished => Outcome::Unknown,
    }
}

/// What a call may have cost of which earlier attempts cost `before` and the last one `last`: a
/// repeat that is refused does not undo what may have been billed before it.
pub(super) fn together(before: Outcome, last: Outcome) -> Outcome {
    match (before, last) {
        (Outcome::Unknown | Outcome::Delivered, Outcome::NotSent | Outcome::Refused) => {
            Outcome::Unknown
        }
        (_, last) => last,
    }
}

/// How much of a reply an attempt had got when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BeganReply {
    No,
    /// The head of a success.
    Head,
    /// At least one event of a stream.
    Events,
}

/// What an error of the gateway says of the work. Codes of quota, auth, policy and validation are
/// refusals at any status. 408 and 499 say that someone stopped waiting, not that no work was done.
/// A 503 comes from routers after the work began, too, so it is a refusal only where the gateway
/// says that nothing began, or asks for a retry and no code contradicts it.
fn api_outcome(error: &ApiError) -> Outcome {
    if error.refuses() {
        return Outcome::Refused;
    }
    if error.was_given_up() {
        return Outcome::Unknown;
    }
    match error.decisive_status().map(|status| status.as_u16()) {
        Some(429) => Outcome::Refused,
        Some(503) | None if error.says_nothing_began() => Outcome::Refused,
        Some(400..=499) if !error.says_work_began() => Outcome::Refused,
        _ => Outcome::Unknown,
    }
}

/// Whether a repeat of a failed attempt is allowed by what it was and what it may have cost. After
/// the first event of a stream something has been delivered, and nothing is repeated, unless the
/// events of another attempt take the place of those.
pub(super) fn is_repeatable(
    replay: Replay,
    failure: &Failure,
    outcome: Outcome,
    policy: &RetryPolicy,
) -> bool {
    let reads = match replay {
        Replay::Never => return false,
        Replay::Always | Replay::Anew => true,
        Replay::Unprocessed => false,
    };
    match failure {
        Failure::Deadline(Deadline::Total(_))
        | Failure::Decode(_)
        | Failure::Redirect { .. }
        | Failure::Finished
        | Failure::Fault(Fault {
            kind: FaultKind::Certificate(_) | FaultKind::HeadTooLarge | FaultKind::Cancelled,
            ..
        }) => false,
        Failure::Fault(_) | Failure::Deadline(_) => {
            outcome == Outcome::NotSent
                || (reads && outcome == Outcome::Unknown)
                || replay == Replay::Anew
        }
        Failure::Api(error) => {
            let is_accepted = policy.bad_gateway == BadGateway::Retry;
            !error.forbids_repeating()
                && match error.status.as_u16() {
                    429 => reads || outcome == Outcome::Refused,
                    503 => reads || outcome == Outcome::Refused || is_accepted,
                    502 | 504 => reads || is_accepted,
                    408 | 500 => reads,
                    _ => false,
                }
        }
    }
}

/// How long to wait before the attempt that follows `retries` earlier retries: full jitter under an
/// exponential ceiling, added to the gateway's hint where there is one. Hints point many clients to
/// one moment, the beginning of the next minute say ([protocol reference, section 8](crate::protocol#8-limits-timeouts-retries)): those of a
/// hint come spread over half of it, so that they are no wave.
pub(super) fn delay(
    policy: &RetryPolicy,
    retries: u32,
    hint: Option<Duration>,
    jitter: &mut Jitter,
) -> Duration {
    let hint = hint.unwrap_or_default();
    let factor = 2_u32.saturating_pow(retries);
    let back_off = policy.base.saturating_mul(factor);
    let ceiling = back_off.max(hint / 2).min(policy.cap);
    hint.saturating_add(jitter.below(ceiling))
}

/// The chance in a call: a sequence that its seed alone determines (SplitMix64).
#[derive(Clone, Copy, Debug)]
pub(super) struct Jitter(u64);

impl Jitter {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A duration from zero to `ceiling`, each as likely.
    fn below(&mut self, ceiling: Duration) -> Duration {
        let nanoseconds = ceiling
            .as_nanos()
            .saturating_mul(u128::from(self.next() >> 32))
            >> 32;
        Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_fills_the_ceiling_and_only_adds_to_a_hint() {
        let policy = RetryPolicy::default();
        let mut jitter = Jitter::new(1);
        for (retries, ceiling) in [
            (0, 500),
            (1, 1_000),
            (5, 16_000),
            (40, 30_000),
            (u32::MAX, 30_000),
        ] {
            let ceiling = Duration::from_millis(ceiling);
            let delays: Vec<_> = (0..2000)
                .map(|_| delay(&policy, retries, None, &mut jitter))
                .collect();
            let (least, most) = (*delays.iter().min().unwrap(), *delays.iter().max().unwrap());
            assert!(
                least < ceiling / 20 && most > ceiling * 19 / 20 && most <= ceiling,
                "{least:?} {most:?}"
            );
        }
        let hint = Duration::from_secs(9);
        assert!((0..2000).all(|_| delay(&policy, 0, Some(hint), &mut jitter) >= hint));
    }
}
