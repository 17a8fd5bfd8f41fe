//! One logical call as a state machine: attempts, back-off, deadlines, streaming, errors. Every
//! transport drives this one and decides nothing itself.
//!
//! ```text
//!                       ┌───────────── wait ◄──────────────┐
//!                       ▼                                  │ a failure that may be repeated
//!   new ──► Send ──── head ────► Receive ──── end ─────────┤
//!             │                   │    ▲                   │
//!             └── fault ──┐       └ data ──► Event*        └──► Done
//!                         └────────────────────────────────────►
//! ```
//!
//! [`Call::poll`] gives a [`Step`]: something to do, with the only legal answers as its methods. A
//! loop over it is a whole driver; see the [crate's front page](crate).

mod advance;
mod inputs;
mod options;
mod retry;
mod settings;
mod step;
mod timing;

use std::fmt;
use std::time::Duration;

use http::Request;

pub use self::options::{CallOptions, InvalidRequestId};
use self::retry::{BeganReply, Jitter};
pub(crate) use self::retry::{hint, retry_after};
use self::settings::Withdrawn;
pub use self::settings::{
    Attempt, AttemptEnd, BadGateway, Limits, Observer, RetryBudget, RetryPolicy, Settings,
};
pub use self::step::{ExchangeLimits, Fault, FaultKind, Incoming, Outgoing, Sent, Stage, Step};
pub use self::timing::{Deadline, Deadlines, Moment};
use crate::body::{Body, Segment};
use crate::endpoint::{Decode, Endpoint};
use crate::error::{BuildError, CallError, Failure, Outcome};
use crate::head::{Answer, Head};
use crate::target::{ApiKey, Target};

/// One logical request, from the first attempt to the reply or the final error.
pub struct Call<E: Endpoint> {
    endpoint: E,
    request: Request<Body>,
    settings: Settings,
    /// What must not show in an error, whoever echoes it.
    key: ApiKey,
    jitter: Jitter,
    began: Since,
    now: Moment,
    attempt: u32,
    attempt_began: Moment,
    state: State<E::Decoder>,
    head: Option<Head>,
    partial: Option<E::Output>,
    /// What the call cost that has ended.
    outcome: Outcome,
}

enum State<D> {
    Sending {
        stage: Option<Stage>,
        since: Since,
    },
    Replying {
        decoder: D,
        began: BeganReply,
        body: Reading,
    },
    /// Reading the body of an error.
    Refused {
        head: Head,
        text: Vec<u8>,
        body: Reading,
    },
    /// An input has shown that the attempt has failed.
    Failed(Failed),
    /// The transport's own time limit has passed, most likely because ours has: `phase`, counted
    /// from `since`, or the whole call's.
    TimedOut {
        failed: Failed,
        phase: Deadline,
        since: Since,
    },
    Waiting {
        until: Moment,
        because: CallError,
        retry: Withdrawn,
    },
    Ended,
}

/// How an attempt failed.
struct Failed {
    failure: Failure,
    sent: Sent,
    began: BeganReply,
}

impl Failed {
    /// A failure after the whole request went out.
    fn after_sending(failure: Failure, began: BeganReply) -> Self {
        Self {
            failure,
            sent: Sent::Whole,
            began,
        }
    }
}

/// When something happened. An input carries no time, so the next poll dates it.
#[derive(Clone, Copy)]
enum Since {
    Undated,
    At(Moment),
}

struct Reading {
    since: Since,
    ended: bool,
}

/// What the machine does next, without the loans.
enum Next<E: Endpoint> {
    Send,
    Receive,
    Wait(Moment),
    Event(E::Event),
    Done(Result<Answer<E::Output>, CallError>),
}

impl<E: Endpoint> Call<E> {
    /// A call of `endpoint`, made at `now`; its time begins with the first poll. `seed` determines the jitter of its back-off: a call
    /// with the same seed, inputs and moments takes the same steps.
    ///
    /// Errors where the request cannot be built, or is larger than `settings.limits.request`.
    pub fn new(
        endpoint: E,
        target: &Target,
        settings: &Settings,
        now: Moment,
        seed: u64,
    ) -> Result<Self, BuildError> {
        let request = endpoint.request(target)?;
        check_size(request.body(), settings.limits.request)?;
        Ok(Self {
            endpoint,
            request,
            settings: settings.clone(),
            key: target.key().clone(),
            jitter: Jitter::new(seed),
            began: Since::Undated,
            now,
            attempt: 1,
            attempt_began: now,
            state: State::Sending {
                stage: None,
                since: Since::Undated,
            },
            head: None,
            partial: None,
            outcome: Outcome::NotSent,
        })
    }

    /// What to do at `now`. Gives the same step again until the step is answered, time passes a
    /// deadline, or an owned event or result is handed out. A `now` before an earlier one counts
    /// as that.
    ///
    /// Deadlines are noticed here, so that even a loop without timers ends; but what has arrived
    /// is never thrown away for being late.
    pub fn poll(&mut self, now: Moment) -> Step<'_, E> {
        self.now = self.now.max(now);
        match self.advance() {
            Next::Send => Step::Send(Outgoing { call: self }),
            Next::Receive => Step::Receive(Incoming { call: self }),
            Next::Wait(until) => Step::Wait(until),
            Next::Event(event) => Step::Event(event),
            Next::Done(result) => Step::Done(result),
        }
    }

    /// The number of the current attempt, from 1. A driver drops what it holds of the exchange
    /// when this changes.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// When to poll again if nothing else happens, or `None` once the call has ended.
    pub fn deadline(&self) -> Option<Moment> {
        let phase = match &self.state {
            State::Sending { stage, since } => {
                self.date(*since).plus(self.sending_limit(*stage).limit())
            }
            State::Replying { body, .. } | State::Refused { body, .. } => {
                self.date(body.since).plus(self.settings.deadlines.idle)
            }
            State::Waiting { until, .. } => *until,
            State::Failed(_) | State::TimedOut { .. } => self.now,
            State::Ended => return None,
        };
        Some(self.total().map_or(phase, |total| phase.min(total)))
    }

    /// The head of the current attempt's response, from the moment it has come.
    pub fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    /// The settings of the call.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What had been assembled of the reply when the call failed or was given up.
    pub fn into_partial(self) -> Option<E::Output> {
        match self.state {
            State::Replying { mut decoder, .. } => decoder.partial(),
            _ => self.partial,
        }
    }

    fn total(&self) -> Option<Moment> {
        let total = self.settings.deadlines.total?;
        Some(self.date(self.began).plus(total))
    }

    fn sending_limit(&self, stage: Option<Stage>) -> Deadline {
        let deadlines = &self.settings.deadlines;
        match stage {
            Some(Stage::Connecting) => Deadline::Connect(deadlines.connect),
            Some(Stage::Connected | Stage::BodySent) | None => {
                Deadline::Head(deadlines.head_for(self.endpoint.upstream_timeout()))
            }
        }
    }

    fn exchange_limits(&self) -> ExchangeLimits {
        let deadlines = &self.settings.deadlines;
        let total = self.total().map(|total| total.since(self.now));
        let left = |limit: Duration| total.map_or(limit, |total| limit.min(total));
        ExchangeLimits {
            connect: left(deadlines.connect),
            head: left(deadlines.head_for(self.endpoint.upstream_timeout())),
            idle: left(deadlines.idle),
            total,
        }
    }

    fn idle_limit(&self) -> Deadline {
        Deadline::Idle(self.settings.deadlines.idle)
    }

    /// The limit that has passed by now, if one has: the whole call's, or `phase` counted from
    /// `since`.
    fn passed(&self, since: Since, phase: Deadline) -> Option<Deadline> {
        if self.total().is_some_and(|total| self.now >= total) {
            return self.settings.deadlines.total.map(Deadline::Total);
        }
        (self.now >= self.date(since).plus(phase.limit())).then_some(phase)
    }

    fn date(&self, since: Since) -> Moment {
        match since {
            Since::Undated => self.now,
            Since::At(moment) => moment,
        }
    }
}

impl<E: Endpoint> fmt::Debug for Call<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Sending { .. } => "sending",
            State::Replying { .. } => "replying",
            State::Refused { .. } => "refused",
            State::Failed(_) | State::TimedOut { .. } => "failed",
            State::Waiting { .. } => "waiting",
            State::Ended => "ended",
        };
        f.debug_struct("Call")
            .field("path", &self.request.uri().path())
            .field("attempt", &self.attempt)
            .field("state", &state)
            .finish_non_exhaustive()
    }
}

/// Refuses a body that the gateway would refuse, and names the pictures that make it so.
pub(crate) fn check_size(body: &Body, limit: u64) -> Result<(), BuildError> {
    let size = body.len();
    if size <= limit {
        return Ok(());
    }
    let pictures = body
        .segments()
        .iter()
        .filter(|segment| !matches!(segment, Segment::Literal(_)));
    let mut largest: Vec<(usize, u64)> = pictures
        .enumerate()
        .map(|(index, picture)| (index + 1, picture.len()))
        .collect();
    largest.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    largest.truncate(3);
    Err(BuildError::TooLarge {
        size,
        limit,
        largest,
    })
}

#[cfg(test)]
mod tests;
