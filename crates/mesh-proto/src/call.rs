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

mod options;
mod retry;
mod settings;
mod step;
mod timing;

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, response};

pub use self::options::{CallOptions, InvalidRequestId};
use self::retry::{BeganReply, Jitter};
pub(crate) use self::retry::{hint, retry_after};
pub use self::settings::{
    Attempt, AttemptEnd, BadGateway, Limits, Observer, RetryBudget, RetryPolicy, Settings,
};
pub use self::step::{ExchangeLimits, Fault, FaultKind, Incoming, Outgoing, Sent, Stage, Step};
pub use self::timing::{Deadline, Deadlines, Moment};
use crate::body::{Body, Segment};
use crate::endpoint::{Decode, Decoded, Endpoint, Verdict};
use crate::error::{ApiError, BuildError, CallError, DecodeError, Failure, Outcome, redact};
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
    began: Moment,
    now: Moment,
    attempt: u32,
    attempt_began: Moment,
    state: State<E::Decoder>,
    head: Option<Head>,
    partial: Option<E::Output>,
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
    Failed {
        failure: Failure,
        sent: Sent,
        began: BeganReply,
    },
    /// The transport's own time limit has passed, most likely because ours has: `phase`, counted
    /// from `since`, or the whole call's.
    TimedOut {
        fault: Fault,
        phase: Deadline,
        since: Since,
        sent: Sent,
        began: BeganReply,
    },
    Waiting {
        until: Moment,
        because: CallError,
    },
    Ended,
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
    /// Starts a call of `endpoint` at `now`. `seed` determines the jitter of its back-off: a call
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
            began: now,
            now,
            attempt: 1,
            attempt_began: now,
            state: State::Sending {
                stage: None,
                since: Since::At(now),
            },
            head: None,
            partial: None,
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
            State::Failed { .. } | State::TimedOut { .. } => self.now,
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

    fn advance(&mut self) -> Next<E> {
        loop {
            self.date_inputs();
            let (failure, sent, began) = match std::mem::replace(&mut self.state, State::Ended) {
                State::Sending { stage, since } => {
                    match self.passed(since, self.sending_limit(stage)) {
                        Some(deadline) => (
                            Failure::Deadline(deadline),
                            Stage::sent(stage),
                            BeganReply::No,
                        ),
                        None => {
                            self.state = State::Sending { stage, since };
                            return Next::Send;
                        }
                    }
                }
                State::Replying {
                    mut decoder,
                    began,
                    body,
                } => {
                    let failure = match decoder.next() {
                        Ok(Decoded::Event(event)) => {
                            self.state = State::Replying {
                                decoder,
                                began: BeganReply::Events,
                                body,
                            };
                            return Next::Event(event);
                        }
                        Ok(Decoded::Starved) if !body.ended => {
                            match self.passed(body.since, self.idle_limit()) {
                                Some(deadline) => Failure::Deadline(deadline),
                                None => {
                                    self.state = State::Replying {
                                        decoder,
                                        began,
                                        body,
                                    };
                                    return Next::Receive;
                                }
                            }
                        }
                        Ok(Decoded::Starved | Decoded::Complete) => match decoder.finish() {
                            Ok(value) => return Next::Done(self.succeed(value)),
                            Err(error) => Failure::Decode(error),
                        },
                        Err(error) => Failure::Decode(error),
                    };
                    self.partial = decoder.partial();
                    (failure, Sent::Whole, began)
                }
                State::Refused { head, text, body } => {
                    let is_whole = body.ended || text.len() >= self.settings.limits.error_body;
                    // An error whose body does not end in time is told by what has come of it.
                    if !is_whole && self.passed(body.since, self.idle_limit()).is_none() {
                        self.state = State::Refused { head, text, body };
                        return Next::Receive;
                    }
                    let error = ApiError::read(&head, &text);
                    (Failure::Api(Box::new(error)), Sent::Whole, BeganReply::No)
                }
                State::Failed {
                    failure,
                    sent,
                    began,
                } => (failure, sent, began),
                State::TimedOut {
                    fault,
                    phase,
                    since,
                    sent,
                    began,
                } => {
                    let deadline = self.passed(since, phase);
                    (
                        deadline.map_or(Failure::Fault(fault), Failure::Deadline),
                        sent,
                        began,
                    )
                }
                State::Waiting { until, because } => {
                    if self.total().is_some_and(|total| self.now >= total) {
                        return Next::Done(Err(because));
                    }
                    if self.now < until {
                        self.state = State::Waiting { until, because };
                        return Next::Wait(until);
                    }
                    self.attempt += 1;
                    self.attempt_began = self.now;
                    self.head = None;
                    self.state = State::Sending {
                        stage: None,
                        since: Since::At(self.now),
                    };
                    continue;
                }
                State::Ended => {
                    return Next::Done(Err(self.error(Failure::Finished, Outcome::Unknown)));
                }
            };
            if let Some(error) = self.fail(failure, sent, began) {
                return Next::Done(Err(error));
            }
        }
    }

    fn succeed(&mut self, value: E::Output) -> Result<Answer<E::Output>, CallError> {
        self.settings.budget.deposit();
        self.tell(AttemptEnd::Success, None);
        match self.head.clone() {
            Some(head) => Ok(Answer { head, value }),
            None => Err(self.error(Failure::Finished, Outcome::Delivered)),
        }
    }

    /// Ends the attempt: prepares the next one, or gives the error that the call ends with.
    fn fail(&mut self, mut failure: Failure, sent: Sent, began: BeganReply) -> Option<CallError> {
        self.complete_and_redact(&mut failure);
        let outcome = retry::outcome(&failure, sent, began);
        let end = match &failure {
            Failure::Fault(fault) => AttemptEnd::Fault(*fault, outcome),
            Failure::Deadline(deadline) => AttemptEnd::Deadline(*deadline, outcome),
            _ => AttemptEnd::Failed(outcome),
        };
        let hint = if let Failure::Api(error) = &failure {
            error.retry_after()
        } else {
            None
        };
        let is_repeatable = began != BeganReply::Events
            && retry::is_repeatable(
                self.endpoint.replay(),
                &failure,
                outcome,
                &self.settings.retry,
            );
        let delay = if is_repeatable {
            self.delay(hint)
        } else {
            None
        };
        self.tell(end, delay);
        let error = self.error(failure, outcome);
        match delay {
            Some(delay) => {
                self.partial = None;
                self.state = State::Waiting {
                    until: self.now.plus(delay),
                    because: error,
                };
                None
            }
            None => Some(error),
        }
    }

    /// How long to wait before the next attempt, or `None` where there may be none: the retries or
    /// the budget are used up, or the wait would be longer than it may be.
    fn delay(&mut self, hint: Option<Duration>) -> Option<Duration> {
        let retries = self.attempt - 1;
        if retries >= self.settings.retry.max_retries
            || hint.is_some_and(|hint| hint > self.settings.retry.longest_hint)
        {
            return None;
        }
        let delay = retry::delay(&self.settings.retry, retries, hint, &mut self.jitter);
        let fits = self
            .total()
            .is_none_or(|total| self.now.plus(delay) < total);
        (fits && self.settings.budget.withdraw()).then_some(delay)
    }

    fn complete_and_redact(&self, failure: &mut Failure) {
        let secret = self.key.reveal();
        match failure {
            Failure::Api(error) => error.redact(secret),
            Failure::Decode(error) => {
                if let (DecodeError::Api(error), Some(head)) = (&mut *error, &self.head) {
                    error.complete_from(head);
                }
                error.redact(secret);
            }
            Failure::Redirect {
                location: Some(location),
                ..
            } => redact(location, secret),
            Failure::Redirect { .. }
            | Failure::Fault(_)
            | Failure::Deadline(_)
            | Failure::Finished => {}
        }
    }

    fn error(&self, failure: Failure, outcome: Outcome) -> CallError {
        CallError::new(failure, outcome, self.attempt, self.head.clone())
    }

    fn tell(&self, end: AttemptEnd, next: Option<Duration>) {
        if let Some(observer) = &self.settings.observer {
            observer.tell(&Attempt {
                number: self.attempt,
                path: self.request.uri().path().to_owned(),
                began: self.attempt_began,
                ended: self.now,
                status: self.head.as_ref().map(Head::status),
                request_id: self
                    .head
                    .as_ref()
                    .and_then(Head::request_id)
                    .map(str::to_owned),
                end,
                next,
            });
        }
    }

    fn total(&self) -> Option<Moment> {
        self.settings
            .deadlines
            .total
            .map(|total| self.began.plus(total))
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

    fn date_inputs(&mut self) {
        let now = Since::At(self.now);
        let since = match &mut self.state {
            State::Sending { since, .. } => since,
            State::Replying { body, .. } | State::Refused { body, .. } => &mut body.since,
            State::Failed { .. }
            | State::TimedOut { .. }
            | State::Waiting { .. }
            | State::Ended => {
                return;
            }
        };
        if let Since::Undated = since {
            *since = now;
        }
    }

    fn take_head(&mut self, parts: &response::Parts) {
        let head = Head::from(parts);
        let body = Reading {
            since: Since::Undated,
            ended: false,
        };
        self.state = match Verdict::of(&head) {
            Verdict::Success => match self.endpoint.decoder(&head, &self.settings.limits) {
                Ok(decoder) => State::Replying {
                    decoder,
                    began: BeganReply::Head,
                    body,
                },
                Err(error) => State::failed(Failure::Decode(error), BeganReply::Head),
            },
            Verdict::Error => State::Refused {
                head: head.clone(),
                text: Vec::new(),
                body,
            },
            Verdict::Failure(failure) => State::failed(failure, BeganReply::Head),
        };
        self.head = Some(head);
    }

    fn take_bytes(&mut self, chunk: Bytes) {
        let limit = self.settings.limits.error_body;
        match &mut self.state {
            State::Replying {
                decoder,
                body,
                began,
            } => {
                body.since = Since::Undated;
                if let Err(error) = decoder.push(chunk) {
                    self.partial = decoder.partial();
                    self.state = State::failed(Failure::Decode(error), *began);
                }
            }
            State::Refused { text, body, .. } => {
                body.since = Since::Undated;
                text.extend_from_slice(
                    chunk
                        .get(..chunk.len().min(limit.saturating_sub(text.len())))
                        .unwrap_or_default(),
                );
            }
            _ => {}
        }
    }

    fn take_end(&mut self) {
        match &mut self.state {
            State::Replying { decoder, body, .. } => {
                decoder.end();
                body.ended = true;
            }
            State::Refused { body, .. } => body.ended = true,
            _ => {}
        }
    }

    fn take_fault(&mut self, fault: Fault) {
        let (phase, since, sent, began) = match &mut self.state {
            State::Sending { stage, since } => {
                let (stage, since) = (*stage, *since);
                let sent = fault.sent.min(Stage::sent(stage));
                (self.sending_limit(stage), since, sent, BeganReply::No)
            }
            State::Replying {
                decoder,
                began,
                body,
            } => {
                self.partial = decoder.partial();
                let (since, began) = (body.since, *began);
                (self.idle_limit(), since, Sent::Whole, began)
            }
            // What has come of an error tells it.
            State::Refused { body, .. } => {
                body.ended = true;
                return;
            }
            _ => return,
        };
        self.state = if fault.kind == FaultKind::TimedOut {
            State::TimedOut {
                fault,
                phase,
                since,
                sent,
                began,
            }
        } else {
            State::Failed {
                failure: Failure::Fault(fault),
                sent,
                began,
            }
        };
    }
}

impl<D> State<D> {
    /// A failure after the request went out.
    fn failed(failure: Failure, began: BeganReply) -> Self {
        Self::Failed {
            failure,
            sent: Sent::Whole,
            began,
        }
    }
}

impl<E: Endpoint> fmt::Debug for Call<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Sending { .. } => "sending",
            State::Replying { .. } => "replying",
            State::Refused { .. } => "refused",
            State::Failed { .. } | State::TimedOut { .. } => "failed",
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
fn check_size(body: &Body, limit: u64) -> Result<(), BuildError> {
    let size = body.len();
    if size <= limit {
        return Ok(());
    }
    let pictures = body
        .segments()
        .iter()
        .filter(|segment| matches!(segment, Segment::Base64(_)));
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
