//! What the call does next, and how an attempt ends.

use std::time::Duration;

use super::retry::{self, BeganReply};
use super::settings::Withdrawn;
use super::{Attempt, AttemptEnd, Call, Failed, Moment, Next, Reading, Since, Stage, State};
use crate::endpoint::{Decode, Decoded, Endpoint};
use crate::error::{ApiError, CallError, DecodeError, Failure, Outcome, redact};
use crate::head::{Answer, Head};

impl<E: Endpoint> Call<E> {
    pub(super) fn advance(&mut self) -> Next<E> {
        loop {
            self.date_inputs();
            if let Some(next) = self.read_reply() {
                return next;
            }
            let step = match std::mem::replace(&mut self.state, State::Ended) {
                State::Sending { stage, since } => self.send(stage, since),
                State::Replying { decoder, began, .. } => self.finish(decoder, began),
                State::Refused { head, text, body } => self.read_error(head, text, body),
                State::Failed(failed) => Err(failed),
                State::TimedOut {
                    failed,
                    phase,
                    since,
                } => Err(match self.passed(since, phase) {
                    Some(deadline) => Failed {
                        failure: Failure::Deadline(deadline),
                        ..failed
                    },
                    None => failed,
                }),
                State::Waiting {
                    until,
                    because,
                    retry,
                } => match self.wait(until, because, retry) {
                    Some(next) => Ok(next),
                    None => continue,
                },
                State::Ended => Ok(Next::Done(Err(self.error(Failure::Finished, self.outcome)))),
            };
            match step {
                Ok(next) => return next,
                Err(failed) => {
                    if let Some(error) = self.fail(failed) {
                        return Next::Done(Err(error));
                    }
                }
            }
        }
    }

    fn send(&mut self, stage: Option<Stage>, since: Since) -> Result<Next<E>, Failed> {
        if let Some(deadline) = self.passed(since, self.sending_limit(stage)) {
            let failure = Failure::Deadline(deadline);
            return Err(Failed {
                failure,
                sent: Stage::sent(stage),
                began: BeganReply::No,
            });
        }
        self.state = State::Sending { stage, since };
        Ok(Next::Send)
    }

    /// What comes next of a reply, or `None` where there is none or nothing more of it. The decoder
    /// stays where it is: it is large, and events are many.
    fn read_reply(&mut self) -> Option<Next<E>> {
        let State::Replying {
            decoder,
            began,
            body,
        } = &mut self.state
        else {
            return None;
        };
        let failure = match decoder.next() {
            Ok(Decoded::Event(event)) => {
                *began = BeganReply::Events;
                // How long the caller takes over an event is not the gateway's silence.
                body.since = Since::Undated;
                return Some(Next::Event(event));
            }
            Ok(Decoded::Starved) if !body.ended => {
                let since = body.since;
                match self.passed(since, self.idle_limit()) {
                    Some(deadline) => Failure::Deadline(deadline),
                    None => return Some(Next::Receive),
                }
            }
            Ok(Decoded::Starved | Decoded::Complete) => return None,
            Err(error) => Failure::Decode(error),
        };
        self.break_off(failure);
        None
    }

    /// Fails a reply that is being read, and keeps what there is of it.
    pub(super) fn break_off(&mut self, failure: Failure) {
        if let State::Replying { decoder, began, .. } = &mut self.state {
            self.partial = decoder.partial();
            self.state = State::Failed(Failed::after_sending(failure, *began));
        }
    }

    fn finish(&mut self, mut decoder: E::Decoder, began: BeganReply) -> Result<Next<E>, Failed> {
        decoder
            .finish()
            .map(|value| Next::Done(self.succeed(value)))
            .map_err(|error| {
                self.partial = decoder.partial();
                Failed::after_sending(Failure::Decode(error), began)
            })
    }

    /// An error whose body does not end in time is told by what has come of it.
    fn read_error(&mut self, head: Head, text: Vec<u8>, body: Reading) -> Result<Next<E>, Failed> {
        let is_whole = body.ended || text.len() >= self.settings.limits.error_body;
        if is_whole || self.passed(body.since, self.idle_limit()).is_some() {
            let error = ApiError::read(&head, &text);
            return Err(Failed::after_sending(
                Failure::Api(Box::new(error)),
                BeganReply::No,
            ));
        }
        self.state = State::Refused { head, text, body };
        Ok(Next::Receive)
    }

    /// Waits, or begins the next attempt.
    fn wait(&mut self, until: Moment, because: CallError, retry: Withdrawn) -> Option<Next<E>> {
        if self.total().is_some_and(|total| self.now >= total) {
            return Some(Next::Done(Err(because)));
        }
        if self.now < until {
            self.state = State::Waiting {
                until,
                because,
                retry,
            };
            return Some(Next::Wait(until));
        }
        retry.spend();
        self.attempt += 1;
        self.attempt_began = self.now;
        self.head = None;
        self.state = State::Sending {
            stage: None,
            since: Since::At(self.now),
        };
        None
    }

    fn succeed(&mut self, value: E::Output) -> Result<Answer<E::Output>, CallError> {
        self.outcome = Outcome::Delivered;
        self.settings.budget.deposit();
        self.tell(AttemptEnd::Success, None);
        match self.head.clone() {
            Some(head) => Ok(Answer { head, value }),
            None => Err(self.error(Failure::Finished, self.outcome)),
        }
    }

    /// Ends the attempt: prepares the next one, or gives the error that the call ends with.
    fn fail(&mut self, failed: Failed) -> Option<CallError> {
        let Failed {
            mut failure,
            sent,
            began,
        } = failed;
        self.complete_and_redact(&mut failure);
        let outcome = retry::outcome(&failure, sent, began);
        self.outcome = retry::together(self.outcome, outcome);
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
        let is_repeatable = retry::is_repeatable(
            self.endpoint.replay(),
            &failure,
            outcome,
            &self.settings.retry,
        );
        let retry = if is_repeatable {
            self.retry(hint)
        } else {
            None
        };
        self.tell(end, retry.as_ref().map(|(delay, _)| *delay));
        let error = self.error(failure, self.outcome);
        match retry {
            Some((delay, retry)) => {
                self.partial = None;
                self.state = State::Waiting {
                    until: self.now.plus(delay),
                    because: error,
                    retry,
                };
                None
            }
            None => {
                if is_repeatable && self.attempt > 1 {
                    self.settings.budget.empty();
                }
                Some(error)
            }
        }
    }

    /// How long to wait before the next attempt, and its place in the budget, or `None` where there
    /// may be none: the retries or the budget are used up, or the wait would be longer than it may
    /// be.
    fn retry(&mut self, hint: Option<Duration>) -> Option<(Duration, Withdrawn)> {
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
        if !fits {
            return None;
        }
        Some((delay, self.settings.budget.withdraw()?))
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

    pub(super) fn error(&self, failure: Failure, outcome: Outcome) -> CallError {
        CallError::new(
            failure,
            outcome,
            self.endpoint.replay(),
            self.attempt,
            self.head.clone(),
        )
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
}
