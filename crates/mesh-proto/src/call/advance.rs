//! What the call does next, and how an attempt ends.

use std::time::Duration;

use super::budget::Withdrawn;
use super::course::{Course, Failed, Phase, Reading, Since};
use super::retry::{self, BeganReply};
use super::{Attempt, AttemptEnd, Moment, Stage};
use crate::call::{CallError, Failure};
use crate::error::{ApiError, DecodeError};
use crate::head::Head;
use crate::outcome::Outcome;
use crate::secret;
use crate::secret::redact;

/// What a course leads to next.
pub(super) enum Turn {
    Send,
    Receive,
    Wait(Moment),
    Over(CallError),
}

impl Course {
    /// What is next, where no reply is being read.
    pub(super) fn advance(&mut self) -> Turn {
        loop {
            let step = match std::mem::replace(&mut self.phase, Phase::Ended) {
                Phase::Sending { stage, since } => self.send(stage, since),
                Phase::Refused { head, text, body } => self.read_error(head, text, body),
                Phase::Failed(failed) => Err(failed),
                Phase::TimedOut {
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
                Phase::Waiting {
                    until,
                    because,
                    retry,
                } => match self.wait(until, because, retry) {
                    Some(turn) => Ok(turn),
                    None => continue,
                },
                Phase::Replying { .. } | Phase::Ended => {
                    Ok(Turn::Over(self.error(Failure::Finished, self.outcome)))
                }
            };
            match step {
                Ok(turn) => return turn,
                Err(failed) => {
                    if let Some(error) = self.fail(failed) {
                        return Turn::Over(error);
                    }
                }
            }
        }
    }

    fn send(&mut self, stage: Option<Stage>, since: Since) -> Result<Turn, Failed> {
        if let Some(deadline) = self.passed(since, self.sending_limit(stage)) {
            let failure = Failure::Deadline(deadline);
            return Err(Failed {
                failure,
                sent: Stage::sent(stage),
                began: BeganReply::No,
            });
        }
        self.phase = Phase::Sending { stage, since };
        Ok(Turn::Send)
    }

    /// An error whose body does not end in time is told by what has come of it. One idle limit holds
    /// for all of the body: the status is known, and a body that drips must not hold the call.
    fn read_error(&mut self, head: Head, text: Vec<u8>, body: Reading) -> Result<Turn, Failed> {
        let is_whole = body.ended || text.len() >= self.settings.limits.error_body;
        if is_whole || self.passed(body.since, self.idle_limit()).is_some() {
            let mut error = ApiError::read_at(&head, &text, self.received);
            if !body.ended || body.broke_off || text.len() >= self.settings.limits.error_body {
                error.doubt_hint();
            }
            return Err(Failed::after_sending(
                Failure::Api(Box::new(error)),
                BeganReply::No,
            ));
        }
        self.phase = Phase::Refused { head, text, body };
        Ok(Turn::Receive)
    }

    /// Waits, or begins the next attempt.
    fn wait(&mut self, until: Moment, because: CallError, retry: Withdrawn) -> Option<Turn> {
        let is_stopped = self.attempt > self.settings.retry.max_retries;
        if is_stopped || self.total().is_some_and(|total| self.now >= total) {
            return Some(Turn::Over(because));
        }
        if self.now < until {
            self.phase = Phase::Waiting {
                until,
                because,
                retry,
            };
            return Some(Turn::Wait(until));
        }
        retry.spend();
        self.attempt += 1;
        self.attempt_began = self.now;
        self.head = None;
        self.received = None;
        self.phase = Phase::Sending {
            stage: None,
            since: Since::At(self.now),
        };
        None
    }

    /// Ends the call with a reply: gives the head that belongs to it.
    pub(super) fn succeed(&mut self) -> Result<Head, CallError> {
        self.phase = Phase::Ended;
        self.outcome = Outcome::Delivered;
        self.settings.budget.deposit();
        self.tell(AttemptEnd::Success, None);
        self.head
            .clone()
            .ok_or_else(|| self.error(Failure::Finished, self.outcome))
    }

    /// Ends the attempt: prepares the next one, or gives the error that the call ends with.
    fn fail(&mut self, failed: Failed) -> Option<CallError> {
        let Failed {
            mut failure,
            sent,
            began,
        } = failed;
        self.complete_and_redact(&mut failure);
        let status = self.head.as_ref().map(Head::status);
        let outcome = retry::outcome(&failure, sent, began, status);
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
        let is_repeatable =
            retry::is_repeatable(self.replay, &failure, outcome, &self.settings.retry);
        let retry = if is_repeatable {
            self.retry(hint)
        } else {
            None
        };
        self.tell(end, retry.as_ref().map(|(delay, _)| *delay));
        let error = self.error(failure, self.outcome);
        match retry {
            Some((delay, retry)) => {
                self.phase = Phase::Waiting {
                    until: self.now.plus(delay),
                    because: error,
                    retry,
                };
                None
            }
            None => Some(error),
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
        Some((delay, self.settings.budget.withdraw(self.now)?))
    }

    fn complete_and_redact(&self, failure: &mut Failure) {
        let secret = self.key.reveal();
        match failure {
            Failure::Api(error) => error.redact(secret),
            Failure::Decode(error) => {
                if let (DecodeError::Api(error), Some(head)) = (&mut *error, &self.head) {
                    error.complete_from(head, self.received);
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
        CallError::new(
            failure,
            outcome,
            self.replay,
            self.attempt,
            self.head.clone(),
        )
    }

    fn tell(&self, end: AttemptEnd, next: Option<Duration>) {
        if let Some(observer) = &self.settings.observer {
            observer.tell(&Attempt {
                number: self.attempt,
                path: secret::without(self.request.uri().path(), self.key.reveal()).into_owned(),
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
