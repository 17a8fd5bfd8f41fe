//! Whether to try again, and when: the table of rules in one place.

use std::time::Duration;

use http::StatusCode;
use http::header::{self, HeaderMap};

use super::settings::{BadGateway, RetryPolicy};
use super::{Deadline, Fault, FaultKind, Sent};
use crate::endpoint::Replay;
use crate::error::{ApiError, DecodeError, Failure, Outcome};

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

fn api_outcome(error: &ApiError) -> Outcome {
    match error.effective_status().map(|status| status.as_u16()) {
        Some(400..=499 | 503) => Outcome::Refused,
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
            if error
                .code
                .as_ref()
                .is_some_and(crate::error::ErrorCode::forbids_repeating)
            {
                return false;
            }
            match error.status.as_u16() {
                429 | 503 => true,
                502 | 504 => reads || policy.bad_gateway == BadGateway::Retry,
                408 | 500 => reads,
                _ => false,
            }
        }
    }
}

/// How long to wait before the attempt that follows `retries` earlier retries: full jitter under an
/// exponential ceiling, added to the gateway's hint where there is one. Hints point many clients to
/// one moment, the beginning of the next minute say (protocol reference, section 8): those of a
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

/// A hint in seconds: `None` where it is negative or no number; one that is too long to be written
/// down is the longest there is.
pub(crate) fn hint(seconds: f64) -> Option<Duration> {
    if seconds.is_finite() && seconds >= 0.0 {
        Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
    } else {
        None
    }
}

/// The `Retry-After` header: seconds, or an HTTP date read against the response's own `Date`, as
/// nobody's clock is known here (RFC 9110, section 10.2.3). A date in the past is no wait.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return hint(seconds);
    }
    let until = httpdate::parse_http_date(value).ok()?;
    let date = httpdate::parse_http_date(headers.get(header::DATE)?.to_str().ok()?).ok()?;
    Some(until.duration_since(date).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(retry_after_value: &str, date: Option<&str>) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(header::RETRY_AFTER, retry_after_value.parse().unwrap());
        if let Some(date) = date {
            headers.insert(header::DATE, date.parse().unwrap());
        }
        retry_after(&headers)
    }

    #[test]
    fn retry_after_in_all_its_forms() {
        let date = Some("Wed, 21 Oct 2026 07:28:00 GMT");
        for (value, expected) in [
            ("7", Some(Duration::from_secs(7))),
            (" 0 ", Some(Duration::ZERO)),
            ("1.5", Some(Duration::from_millis(1500))),
            ("-1", None),
            ("inf", None),
            ("NaN", None),
            ("soon", None),
            ("1e300", Some(Duration::MAX)),
            (
                "Wed, 21 Oct 2026 07:28:30 GMT",
                Some(Duration::from_secs(30)),
            ),
            ("Wed, 21 Oct 2026 07:27:30 GMT", Some(Duration::ZERO)),
            (
                "Wednesday, 21-Oct-26 07:29:00 GMT",
                Some(Duration::from_secs(60)),
            ),
        ] {
            assert_eq!(after(value, date), expected, "{value}");
        }
        assert_eq!(after("Wed, 21 Oct 2026 07:28:30 GMT", None), None);
    }

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
