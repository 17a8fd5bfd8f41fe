//! A call's way to its end, whatever it asks for: everything but the reply itself, which alone
//! depends on the endpoint.

use std::time::{Duration, SystemTime};

use http::{Request, response};

use super::budget::Withdrawn;
use super::retry::{BeganReply, Jitter};
use super::settings::Settings;
use super::{Deadline, ExchangeLimits, Fault, FaultKind, Moment, Sent, Stage};
use crate::body::Body;
use crate::call::{CallError, Failure};
use crate::head::Head;
use crate::outcome::Outcome;
use crate::replay::Replay;
use crate::target::ApiKey;

pub(super) struct Course {
    pub(super) request: Request<Body>,
    pub(super) replay: Replay,
    pub(super) upstream_timeout: Option<Duration>,
    pub(super) settings: Settings,
    /// What must not show in an error, whoever echoes it.
    pub(super) key: ApiKey,
    pub(super) jitter: Jitter,
    pub(super) began: Since,
    pub(super) now: Moment,
    pub(super) attempt: u32,
    pub(super) attempt_began: Moment,
    pub(super) phase: Phase,
    pub(super) head: Option<Head>,
    /// When the head was received, where the driver says so.
    pub(super) received: Option<SystemTime>,
    /// What the call cost that has ended.
    pub(super) outcome: Outcome,
}

pub(super) enum Phase {
    Sending {
        stage: Option<Stage>,
        since: Since,
    },
    /// Reading a reply, for which the call holds a decoder.
    Replying {
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
pub(super) struct Failed {
    pub(super) failure: Failure,
    pub(super) sent: Sent,
    pub(super) began: BeganReply,
}

impl Failed {
    /// A failure after the whole request went out.
    pub(super) fn after_sending(failure: Failure, began: BeganReply) -> Self {
        Self {
            failure,
            sent: Sent::Whole,
            began,
        }
    }
}

/// When something happened. An input carries no time, so the next poll dates it.
#[derive(Clone, Copy)]
pub(super) enum Since {
    Undated,
    At(Moment),
}

pub(super) struct Reading {
    pub(super) since: Since,
    pub(super) ended: bool,
    /// Whether it ended because the connection did.
    pub(super) broke_off: bool,
}

impl Reading {
    fn begun() -> Self {
        Self {
            since: Since::Undated,
            ended: false,
            broke_off: false,
        }
    }
}

impl Course {
    /// When to poll again if nothing else happens, or `None` once the call has ended.
    pub(super) fn deadline(&self) -> Option<Moment> {
        let phase = match &self.phase {
            Phase::Sending { stage, since } => {
                self.date(*since).plus(self.sending_limit(*stage).limit())
            }
            Phase::Replying { body, .. } | Phase::Refused { body, .. } => {
                self.date(body.since).plus(self.settings.deadlines.idle)
            }
            Phase::Waiting { until, .. } => *until,
            Phase::Failed(_) | Phase::TimedOut { .. } => self.now,
            Phase::Ended => return None,
        };
        Some(self.total().map_or(phase, |total| phase.min(total)))
    }

    pub(super) fn exchange_limits(&self) -> ExchangeLimits {
        let deadlines = &self.settings.deadlines;
        let total = self.total().map(|total| total.since(self.now));
        let left = |limit: Duration| total.map_or(limit, |total| limit.min(total));
        ExchangeLimits {
            connect: left(deadlines.connect),
            head: left(deadlines.head_for(self.upstream_timeout)),
            idle: left(deadlines.idle),
            total,
        }
    }

    pub(super) fn total(&self) -> Option<Moment> {
        let total = self.settings.deadlines.total?;
        Some(self.date(self.began).plus(total))
    }

    pub(super) fn sending_limit(&self, stage: Option<Stage>) -> Deadline {
        let deadlines = &self.settings.deadlines;
        match stage {
            Some(Stage::Connecting) => Deadline::Connect(deadlines.connect),
            Some(Stage::Connected | Stage::BodySent) | None => {
                Deadline::Head(deadlines.head_for(self.upstream_timeout))
            }
        }
    }

    pub(super) fn idle_limit(&self) -> Deadline {
        Deadline::Idle(self.settings.deadlines.idle)
    }

    /// The limit that has passed by now, if one has: the whole call's, or `phase` counted from
    /// `since`.
    pub(super) fn passed(&self, since: Since, phase: Deadline) -> Option<Deadline> {
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

/// What a driver says, taken in.
impl Course {
    pub(super) fn date_inputs(&mut self) {
        let now = Since::At(self.now);
        if let Since::Undated = self.began {
            self.began = now;
            self.attempt_began = self.now;
        }
        let since = match &mut self.phase {
            Phase::Sending { since, .. } => since,
            Phase::Replying { body, .. } | Phase::Refused { body, .. } => &mut body.since,
            Phase::Failed { .. }
            | Phase::TimedOut { .. }
            | Phase::Waiting { .. }
            | Phase::Ended => {
                return;
            }
        };
        if let Since::Undated = since {
            *since = now;
        }
    }

    /// Progress, and when that was, where the driver knows.
    pub(super) fn take_progress(&mut self, reached: Stage, at: Option<Moment>) {
        if let Phase::Sending { stage, since } = &mut self.phase
            && stage.is_none_or(|stage| stage < reached)
        {
            *stage = Some(reached);
            // Connecting begins with the attempt, whenever the driver gets to say so.
            if reached > Stage::Connecting {
                *since = at.map_or(Since::Undated, |at| Since::At(at.max(self.now)));
            }
        }
    }

    /// The response's head, without the key in it.
    pub(super) fn redacted(&self, parts: response::Parts) -> Head {
        Head::redacted(parts, self.key.reveal())
    }

    /// The head is that of a reply, or of an error, or shows by itself that the attempt has failed.
    pub(super) fn take_head(&mut self, head: Head, body: Result<Follows, Failure>) {
        self.phase = match body {
            Ok(Follows::Reply) => Phase::Replying {
                began: BeganReply::Head,
                body: Reading::begun(),
            },
            Ok(Follows::Error) => Phase::Refused {
                head: head.clone(),
                text: Vec::new(),
                body: Reading::begun(),
            },
            Err(failure) => Phase::Failed(Failed::after_sending(failure, BeganReply::Head)),
        };
        self.head = Some(head);
    }

    /// A piece of the body: what of it is the error's.
    pub(super) fn take_bytes(&mut self, chunk: &[u8]) {
        let limit = self.settings.limits.error_body;
        match &mut self.phase {
            Phase::Replying { body, .. } => body.since = Since::Undated,
            Phase::Refused { text, .. } => {
                let room = limit.saturating_sub(text.len());
                text.extend_from_slice(chunk.get(..chunk.len().min(room)).unwrap_or_default());
            }
            _ => {}
        }
    }

    pub(super) fn take_end(&mut self) {
        if let Phase::Replying { body, .. } | Phase::Refused { body, .. } = &mut self.phase {
            body.ended = true;
        }
    }

    pub(super) fn take_fault(&mut self, fault: Fault) {
        let (phase, since, sent, began) = match &mut self.phase {
            Phase::Sending { stage, since } => {
                let (stage, since) = (*stage, *since);
                (self.sending_limit(stage), since, fault.sent, BeganReply::No)
            }
            Phase::Replying { began, body } => {
                let (since, began) = (body.since, *began);
                (self.idle_limit(), since, Sent::Whole, began)
            }
            // What has come of an error tells it.
            Phase::Refused { body, .. } => {
                body.ended = true;
                body.broke_off = true;
                return;
            }
            _ => return,
        };
        let failed = Failed {
            failure: Failure::Fault(fault),
            sent,
            began,
        };
        self.phase = if fault.kind == FaultKind::TimedOut {
            Phase::TimedOut {
                failed,
                phase,
                since,
            }
        } else {
            Phase::Failed(failed)
        };
    }
}

/// What a response's head says that follows.
pub(super) enum Follows {
    Reply,
    Error,
}
