//! What a driver says, taken in. An input carries no time: the next poll dates it.

use bytes::Bytes;
use http::response;

use super::retry::BeganReply;
use super::{Call, Failed, Fault, FaultKind, Reading, Sent, Since, State};
use crate::endpoint::{Decode, Endpoint, Verdict};
use crate::error::Failure;
use crate::head::Head;

impl<E: Endpoint> Call<E> {
    pub(super) fn date_inputs(&mut self) {
        let now = Since::At(self.now);
        if let Since::Undated = self.began {
            self.began = now;
            self.attempt_began = self.now;
        }
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

    pub(super) fn take_head(&mut self, parts: response::Parts) {
        let head = Head::redacted(parts, self.key.reveal());
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
                Err(error) => State::Failed(Failed::after_sending(
                    Failure::Decode(error),
                    BeganReply::Head,
                )),
            },
            Verdict::Error => State::Refused {
                head: head.clone(),
                text: Vec::new(),
                body,
            },
            Verdict::Failure(failure) => {
                State::Failed(Failed::after_sending(failure, BeganReply::Head))
            }
        };
        self.head = Some(head);
    }

    pub(super) fn take_bytes(&mut self, chunk: Bytes) {
        let limit = self.settings.limits.error_body;
        match &mut self.state {
            State::Replying { decoder, body, .. } => {
                body.since = Since::Undated;
                if let Err(error) = decoder.push(chunk) {
                    self.break_off(Failure::Decode(error));
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

    pub(super) fn take_end(&mut self) {
        match &mut self.state {
            State::Replying { decoder, body, .. } => {
                decoder.end();
                body.ended = true;
            }
            State::Refused { body, .. } => body.ended = true,
            _ => {}
        }
    }

    pub(super) fn take_fault(&mut self, fault: Fault) {
        let (phase, since, sent, began) = match &mut self.state {
            State::Sending { stage, since } => {
                let (stage, since) = (*stage, *since);
                (self.sending_limit(stage), since, fault.sent, BeganReply::No)
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
        let failed = Failed {
            failure: Failure::Fault(fault),
            sent,
            began,
        };
        self.state = if fault.kind == FaultKind::TimedOut {
            State::TimedOut {
                failed,
                phase,
                since,
            }
        } else {
            State::Failed(failed)
        };
    }
}
