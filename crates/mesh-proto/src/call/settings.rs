//! What a client's calls have in common: limits of time and size, the retry policy, the retry
//! budget, the observer.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use http::StatusCode;

use super::timing::Deadlines;
use super::{Deadline, Fault, Moment};
use crate::error::Outcome;

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
    /// What a 502 or 504 means for work that may be billed.
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

/// What a 502 or a 504 means for a generation: a proxy in the middle lost the answer, so the work
/// may have been done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BadGateway {
    /// The call fails.
    #[default]
    Fail,
    /// The call tries again, at the risk of being billed twice.
    Retry,
}

/// How large things may get, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// A request's body. 33,554,432 by default, the gateway's own limit.
    pub request: u64,
    /// A reply that is one document. 256 MiB by default: ten large pictures as base64.
    pub reply: usize,
    /// One frame of a stream. 64 MiB by default.
    pub frame: usize,
    /// The body of an error; what is beyond is not read. 64 KiB by default.
    pub error_body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request: 33_554_432,
            reply: 256 << 20,
            frame: crate::sse::DEFAULT_LIMIT,
            error_body: 64 << 10,
        }
    }
}

/// What all calls that share it may spend on retries, so that a fleet does not hammer a gateway
/// that is down.
///
/// A bucket of ten retries: each retry takes one, each success puts one back, and a call that fails
/// although it was repeated empties it. So a gateway that hiccups for a moment, or fails now and
/// then, sees every retry it would see without a budget. One that is dead sees no more of a client
/// than the retries of the calls that were under way when it died, ten at most, and two by default
/// where its calls follow each other: 1.1 sends per call from the twentieth call on.
#[derive(Clone, Debug)]
pub struct RetryBudget(Arc<AtomicU32>);

impl RetryBudget {
    const SIZE: u32 = 10;

    /// A full bucket, shared by nobody yet.
    pub fn new() -> Self {
        Self(Arc::new(AtomicU32::new(Self::SIZE)))
    }

    /// How many retries are left.
    pub fn left(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    /// Takes one retry out, where one is left.
    pub(super) fn withdraw(&self) -> Option<Withdrawn> {
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            })
            .is_ok()
            .then(|| Withdrawn {
                budget: self.clone(),
                is_spent: false,
            })
    }

    pub(super) fn deposit(&self) {
        let _full = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                (left < Self::SIZE).then_some(left + 1)
            });
    }

    pub(super) fn empty(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// A retry that was taken out of a budget. It goes back where it is not made: the call's time ran
/// out while it waited, or nobody polls it any more.
pub(super) struct Withdrawn {
    budget: RetryBudget,
    is_spent: bool,
}

impl Withdrawn {
    /// The retry is made.
    pub(super) fn spend(mut self) {
        self.is_spent = true;
    }
}

impl Drop for Withdrawn {
    fn drop(&mut self) {
        if !self.is_spent {
            self.budget.deposit();
        }
    }
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self::new()
    }
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
