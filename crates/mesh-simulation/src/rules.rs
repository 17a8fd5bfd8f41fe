//! What every call must keep to, whatever happens to it (DESIGN, sections 3 and 9).

use std::fmt;
use std::time::Duration;

use mesh_proto::call::Failure;
use mesh_proto::call::{AttemptEnd, BadGateway, Deadline, Moment, Sent, Settings};
use mesh_proto::error::{DecodeError, ErrorCode, Outcome};

use crate::drive::{Attempted, Ended, Manners};
use crate::gateway::{Conduct, HOPELESS};
use crate::network::{Phase, Weather};
use crate::reading::{Reading, read};
use crate::subject::Kind;

/// A rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rule {
    /// What a stream's events say is the beginning of what was sent.
    TextIsAPrefix,
    /// What a success says is the whole of what was sent, and so do its events.
    SuccessIsWhole,
    /// An answer that came as it was sent is read, and what is no answer is told as what it is.
    ReadAsItWasMeant,
    /// What is kept of a failed stream is what its events said.
    PartialIsWhatCame,
    /// Where an event was given, nothing is tried again.
    NoAttemptAfterAnEvent,
    /// No attempt, wait or read goes on at or beyond the limit for the whole call.
    NothingBeyondTheTotal,
    /// A phase ends when its time is over.
    DeadlinesAreKept,
    /// No limit is said to have passed before it has.
    DeadlinesAreNotEarly,
    /// The key is in nothing that can be printed.
    NoKeyShows,
    /// No more attempts than the policy allows.
    AttemptsWithinPolicy,
    /// No more retries than the client's budget has, and it is charged for each.
    RetriesWithinBudget,
    /// What an attempt is said to have cost agrees with what the gateway did.
    OutcomeAgrees,
    /// Where the driver knows that the gateway cannot have had the whole request, nothing was sent.
    NotSentIsSaid,
    /// Where the gateway did work that it bills, the call does not say that it cost nothing.
    BilledIsSaid,
    /// Nothing is billed twice, unless the caller takes that risk.
    NothingBilledTwice,
    /// A retry never comes before the gateway wants it.
    HintIsALowerBound,
    /// A back-off is no longer than the policy's, or the gateway's hint and some.
    BackOffIsBounded,
    /// Nothing is repeated where that harms or cannot help.
    RepeatsOnlyWhatMayBe,
    /// What may be repeated is.
    RepeatsWhatMayBe,
    /// A poll that is not answered changes nothing.
    PollIsIdempotent,
    /// After its end a call says that it has ended.
    FinishedStaysFinished,
    /// Every call ends, in bounded steps.
    EveryCallEnds,
    /// The observer is told of every attempt, in order, as it was.
    EveryAttemptIsTold,
    /// A repeated request is the same request.
    EveryAttemptSendsTheSame,
    /// What cannot happen did: the tables of what can are wrong.
    OnlyWhatCanHappen,
    /// Nothing panics.
    NoPanic,
}

impl Rule {
    pub(crate) fn broken(self, what: impl fmt::Display) -> Broken {
        Broken {
            rule: self,
            what: what.to_string(),
        }
    }
}

/// A rule that was broken, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Broken {
    pub(crate) rule: Rule,
    pub(crate) what: String,
}

/// A client's retry budget, as it should be: time counted forwards, ten seconds a retry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Purse {
    credit: Duration,
    at: Moment,
}

impl Purse {
    const RETRY: Duration = Duration::from_secs(10);
    const FULL: Duration = Duration::from_secs(100);

    pub(crate) fn new(at: Moment) -> Self {
        let credit = Self::FULL;
        Self { credit, at }
    }

    fn pass(&mut self, until: Moment) {
        self.put(until.since(self.at));
        self.at = until;
    }

    fn put(&mut self, credit: Duration) {
        self.credit = Self::FULL.min(self.credit + credit);
    }

    fn has_a_retry(&self) -> bool {
        self.credit >= Self::RETRY
    }

    fn left(&self) -> u64 {
        self.credit.as_secs() / Self::RETRY.as_secs()
    }
}

/// Checks a call that has ended, with what its client had to spend before it.
pub(crate) fn check(
    ended: &Ended,
    settings: &Settings,
    manners: Manners,
    purse: &mut Purse,
) -> Vec<Broken> {
    let mut check = Check {
        ended,
        settings,
        broken: Vec::new(),
    };
    check.what_was_said();
    check.what_was_meant();
    check.attempts(purse);
    check.outcome();
    check.time(manners);
    check.broken
}

struct Check<'c> {
    ended: &'c Ended,
    settings: &'c Settings,
    broken: Vec<Broken>,
}

impl Check<'_> {
    fn fail(&mut self, rule: Rule, what: impl fmt::Display) {
        self.broken.push(rule.broken(what));
    }

    fn what_was_said(&mut self) {
        let Some(last) = self.ended.attempts.last() else {
            return self.fail(Rule::EveryAttemptIsTold, "no attempt at all");
        };
        let exchange = &last.exchange;
        let events = &self.ended.events;
        let came = read(self.ended.kind, &exchange.delivered);
        // Half of a document says something only once the other half is there.
        let is_comparable = !(exchange.is_garbled() && self.ended.kind.is_pictures());
        if is_comparable && !came.said.starts_with(events.as_str()) {
            self.fail(Rule::TextIsAPrefix, format!("{events:?} of {came:?}"));
        }
        let sent = exchange.served.as_ref().map(|served| match &served.meant {
            Some(meant) => meant.clone(),
            None => {
                let frames = served.frames.iter().map(|(_, bytes)| &bytes[..]);
                read(self.ended.kind, &frames.collect::<Vec<_>>().concat()).said
            }
        });
        let sent = sent.unwrap_or_default();
        if !exchange.is_garbled() && !sent.starts_with(events.as_str()) {
            self.fail(Rule::TextIsAPrefix, format!("{events:?} of {sent:?}"));
        }
        match &self.ended.result {
            Ok(output) => self.success(output, &came, &sent),
            Err(_) => {
                let partial = self.ended.partial.as_deref().unwrap_or_default();
                if exchange.events > 0 && self.ended.kind == Kind::ChatStream && partial != events {
                    self.fail(
                        Rule::PartialIsWhatCame,
                        format!("{partial:?} of {events:?}"),
                    );
                }
            }
        }
    }

    /// What a body that came as it was sent is taken for.
    fn what_was_meant(&mut self) {
        let (Some(last), Err(error)) = (self.ended.attempts.last(), &self.ended.result) else {
            return;
        };
        let exchange = &last.exchange;
        let (Some(served), Failure::Decode(failure)) = (&exchange.served, error.failure()) else {
            return;
        };
        let is_cut = matches!(
            exchange.weather,
            Weather::CutBody | Weather::EndedBody | Weather::StalledBody
        );
        if is_cut || exchange.is_garbled() {
            return;
        }
        let is_meant = match served.conduct {
            Conduct::ErrorFirst | Conduct::ErrorMidway | Conduct::ErrorLast => {
                matches!(failure, DecodeError::Api(_))
            }
            Conduct::Page | Conduct::Empty | Conduct::OtherForm => {
                matches!(failure, DecodeError::NotJson { .. })
            }
            Conduct::Compressed => matches!(failure, DecodeError::Encoding(_)),
            Conduct::Declines => matches!(failure, DecodeError::NoPicture(_)),
            Conduct::NoEndMark => {
                let came = read(self.ended.kind, &exchange.delivered);
                *failure == DecodeError::Truncated && !came.is_whole
            }
            _ => false,
        };
        if !is_meant {
            self.fail(
                Rule::ReadAsItWasMeant,
                format!("{:?}: {failure}", served.conduct),
            );
        }
    }

    fn success(&mut self, output: &str, came: &Reading, sent: &str) {
        let is_garbled = self.ended.is_garbled();
        // A flipped bit in a name or a picture changes what is read in ways of each reader's own.
        let is_comparable = !is_garbled || matches!(self.ended.kind, Kind::Chat | Kind::ChatStream);
        if is_comparable && (!came.is_whole || output != came.said) {
            self.fail(Rule::SuccessIsWhole, format!("{output:?} of {came:?}"));
        }
        if !is_garbled && output != sent {
            self.fail(Rule::SuccessIsWhole, format!("{output:?} of {sent:?}"));
        }
        if self.ended.kind.is_streamed() && is_comparable && self.ended.events != output {
            let events = &self.ended.events;
            self.fail(
                Rule::SuccessIsWhole,
                format!("{output:?}, and {events:?} before"),
            );
        }
    }

    fn attempts(&mut self, purse: &mut Purse) {
        let attempts = &self.ended.attempts;
        let most = self.settings.retry.max_retries as usize + 1;
        if attempts.len() > most {
            self.fail(
                Rule::AttemptsWithinPolicy,
                format!("{} of {most}", attempts.len()),
            );
        }
        for (index, attempt) in attempts.iter().enumerate() {
            let next = attempts.get(index + 1);
            self.attempt(index, attempt, next);
            if let Some(told) = &attempt.told {
                purse.pass(told.ended);
            }
            if next.is_none() {
                self.whether_to_go_on(attempt, index, *purse);
                break;
            }
            if !purse.has_a_retry() {
                self.fail(Rule::RetriesWithinBudget, "a retry from an empty budget");
            }
            purse.credit = purse.credit.saturating_sub(Purse::RETRY);
        }
        match &self.ended.result {
            Ok(_) => purse.put(Purse::RETRY),
            Err(error) if error.attempts() as usize != attempts.len() => {
                self.fail(
                    Rule::EveryAttemptIsTold,
                    format!("{} said", error.attempts()),
                );
            }
            Err(_) => {}
        }
        purse.pass(self.ended.at);
        let left = self.settings.budget.left(self.ended.at);
        if purse.left() != u64::from(left) {
            self.fail(
                Rule::RetriesWithinBudget,
                format!("{left} left of {}", purse.left()),
            );
        }
    }

    /// One attempt, and the one after it.
    fn attempt(&mut self, index: usize, attempt: &Attempted, next: Option<&Attempted>) {
        let Some(told) = &attempt.told else {
            return self.fail(
                Rule::EveryAttemptIsTold,
                format!("not of attempt {}", index + 1),
            );
        };
        // A retry that was announced is not made where a late poll finds the call's time over.
        let total = self.settings.deadlines.total;
        let ran_out = total.is_some_and(|total| self.ended.at.since(self.ended.began) >= total);
        let is_as_it_was = told.number as usize == index + 1
            && told.began == attempt.began
            && (told.next.is_some() == next.is_some() || (next.is_none() && ran_out));
        if !is_as_it_was {
            self.fail(Rule::EveryAttemptIsTold, format!("{told:?}"));
        }
        let is_billed = attempt.is_billed();
        let had_all = attempt
            .exchange
            .handed_over
            .is_some_and(|at| at <= told.ended);
        let agrees = match outcome_of(told.end) {
            None | Some(Outcome::Unknown | Outcome::Delivered) => true,
            Some(Outcome::NotSent) => !had_all,
            // An event that was garbled may have hidden that work had begun.
            Some(Outcome::Refused) => !is_billed || attempt.exchange.is_garbled(),
        };
        if !agrees {
            let what = format!("{:?}, arrived: {had_all}, billed: {is_billed}", told.end);
            self.fail(Rule::OutcomeAgrees, what);
        }
        if let AttemptEnd::Fault(fault, outcome) = told.end
            && fault.sent < Sent::Whole
            && attempt.exchange.phase < Phase::ReadingError
            && outcome != Outcome::NotSent
        {
            self.fail(Rule::NotSentIsSaid, format!("{:?}", told.end));
        }
        let Some(next) = next else {
            return;
        };
        if attempt.exchange.events > 0 {
            self.fail(
                Rule::NoAttemptAfterAnEvent,
                format!("attempt {}", index + 2),
            );
        }
        let waited = next.began.since(told.ended);
        let hint = attempt.hint();
        if hint.is_some_and(|hint| waited < hint || hint > self.settings.retry.longest_hint) {
            self.fail(Rule::HintIsALowerBound, format!("{waited:?} of {hint:?}"));
        }
        let bound = back_off_bound(self.settings, index, attempt);
        if told.next.is_none_or(|next| next > bound) {
            self.fail(
                Rule::BackOffIsBounded,
                format!("{:?} of {bound:?}", told.next),
            );
        }
        let served = attempt.exchange.served.as_ref();
        let read_error = attempt.exchange.came_whole();
        let forbids = read_error && served.is_some_and(|served| served.forbids_repeating);
        let opted_in = self.settings.retry.bad_gateway == BadGateway::Retry
            && matches!(told.status.map(|it| it.as_u16()), Some(502..=504));
        let may_be_billed = matches!(
            outcome_of(told.end),
            None | Some(Outcome::Unknown | Outcome::Delivered)
        );
        if forbids || (self.ended.kind.is_generation() && may_be_billed && !opted_in) {
            self.fail(Rule::RepeatsOnlyWhatMayBe, format!("{:?}", told.end));
        }
        if is_billed && !opted_in && !attempt.exchange.is_garbled() {
            self.fail(Rule::NothingBilledTwice, format!("{:?}", told.end));
        }
    }

    /// A failure that may be repeated, with everything there to repeat it, is no end.
    fn whether_to_go_on(&mut self, last: &Attempted, index: usize, purse: Purse) {
        let (Err(error), Some(told)) = (&self.ended.result, &last.told) else {
            return;
        };
        let retry = &self.settings.retry;
        let can = index < retry.max_retries as usize
            && purse.has_a_retry()
            && self.settings.deadlines.total.is_none()
            && last.hint().is_none_or(|hint| hint <= retry.longest_hint);
        // Nobody but the core knows what it made of half an error.
        let is_plain = last.exchange.came_whole() || !matches!(error.failure(), Failure::Api(_));
        if can && is_plain && self.is_repeatable(error.failure(), last) {
            self.fail(Rule::RepeatsWhatMayBe, format!("{:?}", told.end));
        }
    }

    /// Whether a failure is one that may be repeated (DESIGN, section 3).
    fn is_repeatable(&self, failure: &Failure, last: &Attempted) -> bool {
        let reads = !self.ended.kind.is_generation();
        let Some(told) = &last.told else {
            return false;
        };
        match failure {
            Failure::Api(error) => {
                let code = error.code.as_ref().map(ErrorCode::as_str);
                let forbids = code.is_some_and(|code| HOPELESS.contains(&code));
                let opted_in = self.settings.retry.bad_gateway == BadGateway::Retry;
                !forbids
                    && match error.status.as_u16() {
                        429 => reads || !matches!(code, Some("408" | "499")),
                        503 => reads || opted_in || says_nothing_began(last, code),
                        502 | 504 => reads || opted_in,
                        408 | 500 => reads,
                        _ => false,
                    }
            }
            Failure::Deadline(Deadline::Total(_)) => false,
            Failure::Fault(_) | Failure::Deadline(_) => match outcome_of(told.end) {
                Some(Outcome::NotSent) => true,
                Some(Outcome::Unknown) => reads,
                _ => false,
            },
            _ => false,
        }
    }

    fn outcome(&mut self) {
        let Err(error) = &self.ended.result else {
            return;
        };
        let attempts = self.ended.attempts.iter();
        let billed = attempts
            .filter(|it| !it.exchange.is_garbled())
            .any(Attempted::is_billed);
        if billed && matches!(error.outcome(), Outcome::NotSent | Outcome::Refused) {
            self.fail(Rule::BilledIsSaid, format!("{error}"));
        }
        let has_events = self.ended.attempts.iter().any(|it| it.exchange.events > 0);
        if has_events && error.outcome() != Outcome::Delivered {
            self.fail(Rule::OutcomeAgrees, format!("{error}, after an event"));
        }
    }

    fn time(&mut self, manners: Manners) {
        let total = self.settings.deadlines.total;
        let took = self.ended.at.since(self.ended.began);
        if manners.is_prompt() && total.is_some_and(|total| took > total) {
            self.fail(
                Rule::NothingBeyondTheTotal,
                format!("{took:?} of {total:?}"),
            );
        }
        for attempt in &self.ended.attempts {
            let Some(told) = &attempt.told else {
                continue;
            };
            let AttemptEnd::Deadline(deadline, _) = told.end else {
                continue;
            };
            let since = match deadline {
                Deadline::Total(_) => self.ended.began,
                _ => attempt.began,
            };
            if told.ended.since(since) < deadline.limit() {
                self.fail(Rule::DeadlinesAreNotEarly, format!("{:?}", told.end));
            }
        }
    }
}

impl Attempted {
    /// Whether the gateway had the request and did work that it bills.
    pub(crate) fn is_billed(&self) -> bool {
        let ended = self.told.as_ref().map(|told| told.ended);
        let had_all = self
            .exchange
            .handed_over
            .is_some_and(|at| ended.is_some_and(|end| at <= end));
        had_all
            && self
                .exchange
                .served
                .as_ref()
                .is_some_and(|served| served.is_billed)
    }

    /// What the gateway asked for, as far as that arrived.
    fn hint(&self) -> Option<Duration> {
        let served = self.exchange.served.as_ref()?;
        if self.exchange.phase != Phase::ReadingError {
            return None;
        }
        let hint = &served.hint;
        if self.exchange.came_whole() {
            return hint.by_field.or(hint.by_header);
        }
        // The field may or may not have come, and stands before the header where it has.
        match hint.by_field {
            Some(_) => None,
            None => hint.by_header,
        }
    }
}

/// Whether a 503 says that nothing was begun: in the gateway's own word, or by a hint that its code
/// does not contradict.
fn says_nothing_began(last: &Attempted, code: Option<&str>) -> bool {
    match code {
        Some("provider_not_available" | "rate_limit_exceeded") => true,
        Some("upstream_error") => false,
        _ => last.exchange.came_whole() && last.hint().is_some(),
    }
}

fn back_off_bound(settings: &Settings, retries: usize, attempt: &Attempted) -> Duration {
    let doublings = u32::try_from(retries).unwrap_or(u32::MAX);
    let back_off = settings
        .retry
        .base
        .saturating_mul(2_u32.saturating_pow(doublings));
    let hint = match &attempt.exchange.served {
        Some(served) => served.hint.by_field.max(served.hint.by_header),
        None => None,
    };
    let longest = settings.retry.longest_hint;
    let hint = if attempt.exchange.is_garbled() {
        longest
    } else {
        hint.unwrap_or_default().min(longest)
    };
    back_off.max(hint / 2).min(settings.retry.cap) + hint
}

pub(crate) fn outcome_of(end: AttemptEnd) -> Option<Outcome> {
    match end {
        AttemptEnd::Failed(outcome)
        | AttemptEnd::Fault(_, outcome)
        | AttemptEnd::Deadline(_, outcome) => Some(outcome),
        _ => None,
    }
}
