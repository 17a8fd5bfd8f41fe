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
mod budget;
mod course;
mod error;
mod options;
mod retry;
mod settings;
mod step;

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, response};

use self::advance::Turn;
pub use self::budget::RetryBudget;
use self::course::{Course, Failed, Follows, Phase, Since};
pub use self::error::CallError;
pub use self::options::{CallOptions, InvalidRequestId};
use self::retry::{BeganReply, Jitter};
pub use self::settings::{Attempt, AttemptEnd, BadGateway, Observer, RetryPolicy, Settings};
pub use self::step::{ExchangeLimits, Incoming, Outgoing, Step};
use crate::body::{Body, Segment};
use crate::build_error::BuildError;
use crate::endpoint::{Decode, Decoded, Endpoint, Verdict};
pub use crate::error::Failure;
pub use crate::fault::{
    CertificateFault, Fault, FaultKind, MAX_RESPONSE_HEAD_BYTES, MAX_RESPONSE_HEADERS, Sent, Stage,
};
use crate::head::{Answer, Head};
pub use crate::limits::Limits;
pub use crate::outcome::Outcome;
use crate::target::Target;
pub use crate::timing::{Deadline, Deadlines, Moment};

/// One logical request, from the first attempt to the reply or the final error.
pub struct Call<E: Endpoint> {
    endpoint: E,
    course: Course,
    /// What reads the reply, while there is one to read.
    decoder: Option<E::Decoder>,
    /// What there is of a reply that has failed.
    partial: Option<E::Output>,
}

/// What comes next of a reply.
enum Read<E: Endpoint> {
    Event(E::Event),
    Done(Result<Answer<E::Output>, CallError>),
    Starved,
    /// There is none, or it has failed.
    Nothing,
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
        let course = Course {
            request,
            replay: endpoint.replay(),
            upstream_timeout: endpoint.upstream_timeout(),
            settings: settings.clone(),
            key: target.key().clone(),
            jitter: Jitter::new(seed),
            began: Since::Undated,
            now,
            attempt: 1,
            attempt_began: now,
            phase: Phase::Sending {
                stage: None,
                since: Since::Undated,
            },
            head: None,
            received: None,
            outcome: Outcome::NotSent,
        };
        Ok(Self {
            endpoint,
            course,
            decoder: None,
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
        self.course.now = self.course.now.max(now);
        self.course.date_inputs();
        match self.read_reply() {
            Read::Event(event) => return Step::Event(event),
            Read::Done(result) => return Step::Done(result),
            Read::Starved => return Step::Receive(Incoming { call: self }),
            Read::Nothing => {}
        }
        match self.course.advance() {
            Turn::Receive => Step::Receive(Incoming { call: self }),
            Turn::Over(error) => Step::Done(Err(error)),
            Turn::Send => {
                self.begin_anew();
                Step::Send(Outgoing { call: self })
            }
            Turn::Wait(until) => {
                self.begin_anew();
                Step::Wait(until)
            }
        }
    }

    /// The number of the current attempt, from 1. A driver drops what it holds of the exchange
    /// when this changes.
    pub fn attempt(&self) -> u32 {
        self.course.attempt
    }

    /// When to poll again if nothing else happens, or `None` once the call has ended.
    pub fn deadline(&self) -> Option<Moment> {
        self.course.deadline()
    }

    /// The head of the current attempt's response, from the moment it has come.
    pub fn head(&self) -> Option<&Head> {
        self.course.head.as_ref()
    }

    /// The settings of the call.
    pub fn settings(&self) -> &Settings {
        &self.course.settings
    }

    /// Allows no further attempt: a call that waits for one ends with the last failure, and one that
    /// has an attempt under way with the end of that.
    pub fn stop_retrying(&mut self) {
        self.course.settings.retry.max_retries = 0;
    }

    /// What had been assembled of the reply when the call failed or was given up.
    pub fn into_partial(self) -> Option<E::Output> {
        match self.decoder {
            Some(mut decoder) => decoder.partial(),
            None => self.partial,
        }
    }

    /// Another attempt begins with nothing.
    fn begin_anew(&mut self) {
        self.partial = None;
    }

    fn read_reply(&mut self) -> Read<E> {
        let (Phase::Replying { began, body }, Some(decoder)) =
            (&mut self.course.phase, &mut self.decoder)
        else {
            return Read::Nothing;
        };
        let next = decoder.next();
        if decoder.has_begun() {
            *began = BeganReply::Events;
        }
        let failure = match next {
            Ok(Decoded::Event(event)) => {
                *began = BeganReply::Events;
                // How long the caller takes over an event is not the gateway's silence.
                body.since = Since::Undated;
                return Read::Event(event);
            }
            Ok(Decoded::Starved) if !body.ended => {
                let since = body.since;
                match self.course.passed(since, self.course.idle_limit()) {
                    Some(_) if decoder.is_sufficient() => {
                        self.take_end();
                        return self.read_reply();
                    }
                    Some(deadline) => Failure::Deadline(deadline),
                    None => return Read::Starved,
                }
            }
            Ok(Decoded::Starved | Decoded::Complete) => match decoder.finish() {
                Ok(value) => {
                    let end = decoder.reply_end();
                    self.decoder = None;
                    let head = self.course.succeed();
                    return Read::Done(head.map(|head| Answer { head, value, end }));
                }
                Err(error) => Failure::Decode(error),
            },
            Err(error) => Failure::Decode(error),
        };
        self.break_off(failure);
        Read::Nothing
    }

    /// Fails a reply that is being read, and keeps what there is of it.
    fn break_off(&mut self, failure: Failure) {
        let failure = match (failure, &self.course.head) {
            (Failure::Decode(error), Some(head)) => Failure::Decode(error.under(head)),
            (failure, _) => failure,
        };
        if let Phase::Replying { began, .. } = self.course.phase {
            self.keep_partial();
            self.course.phase = Phase::Failed(Failed::after_sending(failure, began));
        }
    }

    fn keep_partial(&mut self) {
        if let Some(mut decoder) = self.decoder.take() {
            self.partial = decoder.partial();
        }
    }
}

/// What a driver says. An input carries no time: the next poll dates it.
impl<E: Endpoint> Call<E> {
    fn take_head(&mut self, parts: response::Parts) {
        if is_too_large(&parts.headers) {
            self.course.take_fault(Fault::new(FaultKind::HeadTooLarge));
            return;
        }
        let head = self.course.redacted(parts);
        let body = match Verdict::of(&head) {
            Verdict::Error => Ok(Follows::Error),
            Verdict::Failure(failure) => Err(failure),
            Verdict::Success => match self.endpoint.decoder(&head, &self.course.settings.limits) {
                Ok(decoder) => {
                    self.decoder = Some(decoder);
                    Ok(Follows::Reply)
                }
                Err(error) => Err(Failure::Decode(error)),
            },
        };
        self.course.take_head(head, body);
    }

    fn take_bytes(&mut self, chunk: Bytes) {
        self.course.take_bytes(&chunk);
        if let Some(decoder) = &mut self.decoder
            && let Err(error) = decoder.push(chunk)
        {
            self.break_off(Failure::Decode(error));
        }
    }

    fn take_end(&mut self) {
        if let Some(decoder) = &mut self.decoder {
            decoder.end();
        }
        self.course.take_end();
    }

    fn take_fault(&mut self, fault: Fault) {
        if self.decoder.as_ref().is_some_and(Decode::is_sufficient) {
            self.take_end();
            return;
        }
        self.keep_partial();
        self.course.take_fault(fault);
    }
}

impl<E: Endpoint> fmt::Debug for Call<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.course.phase {
            Phase::Sending { .. } => "sending",
            Phase::Replying { .. } => "replying",
            Phase::Refused { .. } => "refused",
            Phase::Failed(_) | Phase::TimedOut { .. } => "failed",
            Phase::Waiting { .. } => "waiting",
            Phase::Ended => "ended",
        };
        f.debug_struct("Call")
            .field("path", &self.course.request.uri().path())
            .field("attempt", &self.course.attempt)
            .field("state", &state)
            .finish_non_exhaustive()
    }
}

/// Whether there are more headers than a response may have: the same for every transport.
fn is_too_large(headers: &HeaderMap) -> bool {
    let bytes = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + ": \r\n".len() + value.len())
        .sum::<usize>();
    headers.len() > MAX_RESPONSE_HEADERS || bytes > MAX_RESPONSE_HEAD_BYTES
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
    let mut largest: Vec<(usize, u64)> = Vec::new();
    for (index, picture) in pictures.enumerate() {
        let size = picture.len();
        let place = largest.partition_point(|(_, known)| *known >= size);
        largest.insert(place, (index + 1, size));
        largest.truncate(3);
    }
    Err(BuildError::TooLarge {
        size,
        limit,
        largest,
    })
}

#[cfg(test)]
mod tests;
