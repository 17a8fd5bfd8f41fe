//! What a client's calls have in common: limits of time and size, the retry policy, the observer.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use super::budget::RetryBudget;
use super::{Deadline, Fault, Moment};
use super::{Deadlines, Limits};
use crate::outcome::Outcome;

/// How a client's calls behave. Cheap to clone; clones share the retry budget.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Settings {
    /// Limits of time.
    pub deadlines: Deadlines,
    /// When to try again.
    pub retry: RetryPolicy,
    /// Limits of size.
    pub limits: Limits,
    /// What all calls together may spend on retries.
    pub budget: RetryBudget,
    /// Who is told of each attempt.
    pub observer: Option<Observer>,
}

impl Settings {
    /// Tells `observe` of every attempt as it ends.
    pub fn with_observer(mut self, observe: impl Fn(&Attempt) + Send + Sync + 'static) -> Self {
        self.observer = Some(Observer(Arc::new(observe)));
        self
    }
}

/// When a call tries again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// How many attempts may follow the first. 2 by default.
    pub max_retries: u32,
    /// The back-off before the first retry lies between zero and this; it doubles with each. 0.5 s
    /// by default.
    pub base: Duration,
    /// The back-off never exceeds this. 30 s by default.
    pub cap: Duration,
    /// A `Retry-After` beyond this fails the call at once instead of keeping it waiting. 60 s by
    /// default. One within it is waited for, and up to half as long again, as others wait for the
    /// same moment.
    pub longest_hint: Duration,
    /// What a 502, a 504, or a 503 of unknown outcome means for work that may be billed.
    pub bad_gateway: BadGateway,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_retries: 2,
            base: Duration::from_millis(500),
            cap: Duration::from_secs(30),
            longest_hint: Duration::from_secs(60),
            bad_gateway: BadGateway::Fail,
        }
    }
}

impl RetryPolicy {
    /// One attempt, whatever happens.
    pub fn never() -> Self {
        Self {
            max_retries: 0,
            ..Self::default()
        }
    }
}

/// What a 502 or a 504 means for a generation, and a 503 that does not say that nothing began: a
/// proxy in the middle lost the answer, so the work may have been done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BadGateway {
    /// The call fails.
    #[default]
    Fail,
    /// The call tries again, at the risk of being billed twice.
    Retry,
}

/// Someone who is told of each attempt: see [`Settings::with_observer`].
#[derive(Clone)]
pub struct Observer(Arc<dyn Fn(&Attempt) + Send + Sync>);

impl Observer {
    pub(super) fn tell(&self, attempt: &Attempt) {
        (self.0)(attempt);
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}

/// One attempt of a call that has ended. Holds nothing of the request's or the reply's contents.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Attempt {
    /// Its number, from 1.
    pub number: u32,
    /// The path that was asked.
    pub path: String,
    /// When it began.
    pub began: Moment,
    /// When it ended.
    pub ended: Moment,
    /// The status, if a head arrived.
    pub status: Option<StatusCode>,
    /// The gateway's id for it.
    pub request_id: Option<String>,
    /// How it ended.
    pub end: AttemptEnd,
    /// How long the call waits before it tries again, if it does.
    pub next: Option<Duration>,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AttemptEnd {
    /// With a reply.
    Success,
    /// With an error of the gateway, or a reply that cannot be used.
    Failed(Outcome),
    /// With a fault of the transport.
    Fault(Fault, Outcome),
    /// By passing a time limit.
    Deadline(Deadline, Outcome),
}
