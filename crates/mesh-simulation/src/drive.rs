//! One call, driven through its exchanges in virtual time: the in-memory link.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use mesh_proto::Target;
use mesh_proto::body::Body;
use mesh_proto::call::{
    Attempt, Call, ExchangeLimits, Fault, FaultKind, Moment, Sent, Settings, Stage, Step,
};
use mesh_proto::call::{CallError, Failure};

use crate::chance::Chance;
use crate::gateway::Gateway;
use crate::network::{Beginning, Exchange, Happening, Phase, Weather};
use crate::rules::{Broken, Rule};
use crate::secret;
use crate::subject::{Kind, Subject};
use crate::trace::{Note, Trace};

/// What kind of driver it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manners {
    /// Whether it says how far an exchange has got.
    pub(crate) tells: bool,
    /// Whether it sits in a read until something comes or the transport's own limit passes.
    pub(crate) blocks: bool,
    /// How late it wakes up at most.
    pub(crate) lag: Duration,
    /// How long the caller takes over an event at most.
    pub(crate) dawdles: Duration,
}

impl Manners {
    pub(crate) fn any(chance: &mut Chance) -> Self {
        let seldom = |chance: &mut Chance, most| {
            if chance.percent(10) {
                Duration::from_secs(most)
            } else {
                Duration::ZERO
            }
        };
        Self {
            tells: chance.percent(70),
            blocks: chance.percent(20),
            lag: seldom(chance, 3),
            dawdles: seldom(chance, 400),
        }
    }

    /// Whether it polls at the moment of every deadline.
    pub(crate) fn is_prompt(self) -> bool {
        !self.blocks && self.lag.is_zero() && self.dawdles.is_zero()
    }
}

/// A world as a call sees it.
pub(crate) struct Surroundings<'w> {
    pub(crate) target: &'w Target,
    pub(crate) settings: &'w Settings,
    pub(crate) gateway: &'w mut Gateway,
    /// What the network does all the time, where it is always the same.
    pub(crate) always: Option<Weather>,
    pub(crate) manners: Manners,
    pub(crate) chance: &'w mut Chance,
    pub(crate) trace: &'w mut Trace,
    pub(crate) now: Moment,
}

/// An attempt: what happened, and what the core said of it.
#[derive(Debug)]
pub(crate) struct Attempted {
    pub(crate) began: Moment,
    pub(crate) exchange: Exchange,
    pub(crate) told: Option<Attempt>,
}

/// What a call came to.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) kind: Kind,
    pub(crate) began: Moment,
    pub(crate) at: Moment,
    pub(crate) attempts: Vec<Attempted>,
    /// What the events said, one after another.
    pub(crate) events: String,
    pub(crate) result: Result<String, CallError>,
    /// What had been assembled where it failed.
    pub(crate) partial: Option<String>,
    pub(crate) broken: Vec<Broken>,
}

/// What a poll asks for, without its loans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Send(u32),
    Receive,
    Wait(Moment),
}

/// Drives a call of `endpoint` to its end.
///
/// Errors where the request cannot be built.
pub(crate) fn drive<E: Subject>(
    kind: Kind,
    endpoint: E,
    upstream: Option<Duration>,
    surroundings: Surroundings<'_>,
) -> Ended {
    let told = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&told);
    let settings = surroundings.settings.clone().with_observer(move |attempt| {
        sink.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(attempt.clone());
    });
    let began = surroundings.now;
    let seed = surroundings.chance.next();
    let call = Call::new(endpoint, surroundings.target, &settings, began, seed)
        .expect("a request that can be built");
    let mut drive = Drive {
        kind,
        upstream,
        world: surroundings,
        began,
        attempts: Vec::new(),
        limits: None,
        fed_at: began,
        moved_at: began,
        stage: None,
        first_body: None,
        events: String::new(),
        broken: Vec::new(),
        polls: 0,
    };
    drive.world.trace.note(began, Note::Call(kind));
    let result = drive.run(call);
    let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
    let mut ended = drive.finish(result);
    for attempt in told.drain(..) {
        if secret::is_shown(&format!("{attempt:?}")) && !ended.is_garbled() {
            ended.broken.push(Rule::NoKeyShows.broken("in an Attempt"));
        }
        match ended.attempts.iter_mut().find(|it| it.told.is_none()) {
            Some(attempted) => attempted.told = Some(attempt),
            None => ended
                .broken
                .push(Rule::EveryAttemptIsTold.broken("one too many")),
        }
    }
    ended
}

impl Ended {
    pub(crate) fn is_garbled(&self) -> bool {
        self.attempts.iter().any(|it| it.exchange.is_garbled())
    }
}

impl Exchange {
    /// Whether bytes came that are not what the gateway sent.
    pub(crate) fn is_garbled(&self) -> bool {
        self.garbled_from
            .is_some_and(|from| self.delivered.len() > from)
    }

    /// How many bytes of a body the gateway sent.
    pub(crate) fn sent_length(&self) -> usize {
        let frames = self.served.iter().flat_map(|served| &served.frames);
        frames.map(|(_, bytes)| bytes.len()).sum()
    }

    /// Whether all of the body came, as it was sent, and its end.
    pub(crate) fn came_whole(&self) -> bool {
        self.is_ended && !self.is_garbled() && self.delivered.len() == self.sent_length()
    }
}

struct Drive<'w> {
    kind: Kind,
    upstream: Option<Duration>,
    world: Surroundings<'w>,
    began: Moment,
    attempts: Vec<Attempted>,
    limits: Option<(Moment, ExchangeLimits)>,
    /// When the core was last told something, or began to wait for something.
    fed_at: Moment,
    /// When the exchange last got on, whether or not the driver says so.
    moved_at: Moment,
    stage: Option<Stage>,
    first_body: Option<Bytes>,
    events: String,
    broken: Vec<Broken>,
    polls: usize,
}

impl Drive<'_> {
    fn run<E: Subject>(
        &mut self,
        mut call: Call<E>,
    ) -> (Result<String, CallError>, Option<String>) {
        loop {
            self.polls += 1;
            if self.polls > 20_000 || self.broken.len() > 20 {
                let what = format!("given up after {} polls", self.polls);
                self.broken.push(Rule::EveryCallEnds.broken(what));
                return (Ok(String::new()), None);
            }
            let now = self.world.now;
            let asked = match call.poll(now) {
                Step::Event(event) => {
                    self.take_event::<E>(&event);
                    continue;
                }
                Step::Done(result) => return self.take_end(call, result),
                step => Asked::of(&step),
            };
            let deadline = call.deadline().unwrap_or(now);
            self.check_step(asked, deadline);
            let again = call.poll(now);
            if asked != Asked::of(&again) {
                let what = format!("{asked:?}, then {again:?}");
                self.broken.push(Rule::PollIsIdempotent.broken(what));
            }
            match again {
                Step::Send(mut outgoing) => {
                    if self.attempts.len() < usize::try_from(outgoing.attempt()).unwrap_or_default()
                    {
                        self.begin(outgoing.request(), outgoing.attempt());
                        self.limits = Some((now, outgoing.limits()));
                    }
                    match self.next(deadline) {
                        Some(Happening::Stage(stage)) if self.world.manners.tells => {
                            self.stage = Some(stage);
                            outgoing.progress(stage);
                        }
                        Some(Happening::Stage(_)) | None => {}
                        Some(Happening::Head(head)) => outgoing.head(head),
                        Some(Happening::Fault(fault)) => outgoing.fault(fault),
                        Some(other) => self.misplaced(&other),
                    }
                }
                Step::Receive(incoming) => match self.next(deadline) {
                    Some(Happening::Data(bytes)) if bytes.len() % 2 == 0 => incoming.data(&bytes),
                    Some(Happening::Data(bytes)) => incoming.bytes(bytes),
                    Some(Happening::End) => incoming.end(),
                    Some(Happening::Fault(fault)) => incoming.fault(fault),
                    Some(other) => self.misplaced(&other),
                    None => {}
                },
                Step::Wait(until) => {
                    self.world.trace.note(now, Note::Wait(until));
                    self.world.now = until.plus(self.lag());
                }
                Step::Event(_) | Step::Done(_) => {}
            }
        }
    }

    fn misplaced(&mut self, happening: &Happening) {
        let what = format!("{happening:?} at the wrong time");
        self.broken.push(Rule::OnlyWhatCanHappen.broken(what));
    }

    fn lag(&mut self) -> Duration {
        let most = u64::try_from(self.world.manners.lag.as_millis()).unwrap_or_default();
        if most == 0 {
            Duration::ZERO
        } else {
            self.world.chance.milliseconds(0..=most)
        }
    }

    /// Begins the exchange of an attempt.
    fn begin(&mut self, request: &Request<Body>, attempt: u32) {
        let now = self.world.now;
        let body = read(request.body(), self.world.chance);
        let first = self.first_body.get_or_insert_with(|| body.clone());
        let length = u64::try_from(body.len()).unwrap_or_default();
        if *first != body || request.body().len() != length {
            let what = format!("{} bytes of {}", body.len(), request.body().len());
            self.broken
                .push(Rule::EveryAttemptSendsTheSame.broken(what));
        }
        let weather = match self.world.always {
            Some(weather) => weather,
            None => Weather::any(self.world.chance),
        };
        let mut asked = Request::builder()
            .method(request.method())
            .uri(request.uri())
            .body(body.clone())
            .expect("a request");
        *asked.headers_mut() = request.headers().clone();
        let (gateway, kind) = (&mut *self.world.gateway, self.kind);
        let beginning = Beginning {
            at: now,
            body_length: body.len(),
            tells: self.world.manners.tells,
            chance: self.world.chance,
        };
        let exchange = beginning.plan(weather, |at, chance| gateway.serve(kind, asked, at, chance));
        let trace = &mut *self.world.trace;
        trace.note(now, Note::Attempt(attempt, weather));
        if let Some(served) = &exchange.served {
            trace.note(now, Note::Served(served.conduct, served.is_billed));
        }
        self.fed_at = now;
        self.moved_at = now;
        self.stage = None;
        self.attempts.push(Attempted {
            began: now,
            exchange,
            told: None,
        });
    }

    /// Lets time pass until something happens, or `deadline`, and gives what happened.
    fn next(&mut self, deadline: Moment) -> Option<Happening> {
        let lag = self.lag();
        let limit = self.transports_limit();
        let exchange = &mut self.attempts.last_mut()?.exchange;
        let due = exchange.plan.front().map(|(at, _)| *at);
        let wake = if self.world.manners.blocks {
            limit
        } else {
            deadline.plus(lag)
        };
        if due.is_none_or(|due| due > wake) {
            self.world.now = self.world.now.max(wake);
            self.world.trace.note(self.world.now, Note::Deadline);
            if self.world.manners.blocks {
                self.fed_at = self.world.now;
                let sent = match exchange.phase {
                    Phase::Connecting => Sent::Nothing,
                    Phase::Uploading => Sent::Part,
                    _ => Sent::Whole,
                };
                let fault = Fault::new(FaultKind::TimedOut);
                let exact = self.world.manners.tells;
                return Some(Happening::Fault(if exact {
                    fault.after(sent)
                } else {
                    fault
                }));
            }
            return None;
        }
        let (at, happening) = exchange.plan.pop_front()?;
        self.world.now = self.world.now.max(at);
        self.moved_at = self.world.now;
        if self.world.manners.tells || !matches!(happening, Happening::Stage(_)) {
            self.fed_at = self.world.now;
        }
        let note = match &happening {
            Happening::Stage(stage) => {
                exchange.phase = match stage {
                    Stage::Connecting => Phase::Connecting,
                    Stage::Connected => Phase::Uploading,
                    _ => Phase::AwaitingHead,
                };
                Note::Stage(*stage)
            }
            Happening::Head(head) => {
                exchange.phase = if head.status.is_success() {
                    Phase::Reading
                } else {
                    Phase::ReadingError
                };
                Note::Head(head.status.as_u16())
            }
            Happening::Data(bytes) => {
                exchange.delivered.extend_from_slice(bytes);
                Note::Data(bytes.len())
            }
            Happening::End => {
                exchange.is_ended = true;
                Note::End
            }
            Happening::Fault(fault) => {
                exchange.has_faulted = true;
                Note::Fault(*fault)
            }
        };
        self.world.trace.note(self.world.now, note);
        Some(happening)
    }

    /// When a transport gives up by itself that cannot be interrupted and was told the limits.
    fn transports_limit(&self) -> Moment {
        let Some((began, limits)) = self.limits else {
            return self.world.now;
        };
        let phase = match self.attempts.last().map(|it| it.exchange.phase) {
            Some(Phase::Connecting) => limits.connect,
            Some(Phase::Uploading | Phase::AwaitingHead) | None => limits.head,
            Some(_) => limits.idle,
        };
        let phase = self.moved_at.plus(phase);
        limits
            .total
            .map_or(phase, |total| phase.min(began.plus(total)))
    }

    fn take_event<E: Subject>(&mut self, event: &E::Event) {
        let now = self.world.now;
        let said = E::event(event);
        self.events += &said;
        let is_garbled = self.attempts.iter().any(|it| it.exchange.is_garbled());
        if !is_garbled && secret::is_shown(&format!("{event:?}")) {
            self.broken.push(Rule::NoKeyShows.broken("in an event"));
        }
        if let Some(attempted) = self.attempts.last_mut() {
            attempted.exchange.events += 1;
            attempted.exchange.phase = Phase::Streaming;
        }
        self.world.trace.note(now, Note::Event(said));
        let most = u64::try_from(self.world.manners.dawdles.as_millis()).unwrap_or_default();
        if most > 0 && self.world.chance.percent(30) {
            self.world.now = now.plus(self.world.chance.milliseconds(0..=most));
        }
        self.fed_at = self.world.now;
        self.moved_at = self.world.now;
    }

    fn take_end<E: Subject>(
        &mut self,
        mut call: Call<E>,
        result: Result<mesh_proto::Answer<E::Output>, CallError>,
    ) -> (Result<String, CallError>, Option<String>) {
        let now = self.world.now;
        for later in [now, now.plus(Duration::from_secs(1_000))] {
            let is_finished = matches!(
                call.poll(later),
                Step::Done(Err(error)) if *error.failure() == Failure::Finished
            );
            if !is_finished || call.deadline().is_some() {
                self.broken
                    .push(Rule::FinishedStaysFinished.broken("after Done"));
            }
        }
        let mut shown = format!("{call:?}");
        let result = match result {
            Ok(answer) => {
                self.world.trace.note(now, Note::Succeeded);
                let _ = write!(shown, "{:?}", answer.head);
                Ok(E::output(&answer.value))
            }
            Err(error) => {
                self.world.trace.note(now, Note::Failed(error.to_string()));
                let _ = write!(shown, "{error} {error:?} {:?}", error.head());
                if let Some(api) = error.api() {
                    let _ = write!(shown, "{api:?} {:?} {}", api.validation(), api.excerpt());
                    let _ = write!(shown, "{:?} {:?}", api.details, api.provider_error);
                }
                for value in error
                    .head()
                    .into_iter()
                    .flat_map(|head| head.headers().values())
                {
                    let _ = write!(shown, "{}", String::from_utf8_lossy(value.as_bytes()));
                }
                Err(error)
            }
        };
        let is_garbled = self.attempts.iter().any(|it| it.exchange.is_garbled());
        if !is_garbled && secret::is_shown(&shown) {
            self.broken.push(Rule::NoKeyShows.broken(shown));
        }
        let partial = call.into_partial().map(|partial| E::output(&partial));
        (result, partial)
    }

    fn finish(self, (result, partial): (Result<String, CallError>, Option<String>)) -> Ended {
        Ended {
            kind: self.kind,
            began: self.began,
            at: self.world.now,
            attempts: self.attempts,
            events: self.events,
            result,
            partial,
            broken: self.broken,
        }
    }

    /// What a step at this moment must keep to.
    fn check_step(&mut self, asked: Asked, deadline: Moment) {
        let now = self.world.now;
        let deadlines = self.world.settings.deadlines;
        let total = deadlines.total.map(|total| self.began.plus(total));
        if deadline <= now {
            let what = format!("{asked:?} although its deadline has passed");
            self.broken.push(Rule::DeadlinesAreKept.broken(what));
        }
        if total.is_some_and(|total| now >= total || deadline > total) {
            let what = format!("{asked:?} until {deadline:?} with {total:?} for the call");
            self.broken.push(Rule::NothingBeyondTheTotal.broken(what));
        }
        let head = deadlines.head.unwrap_or_else(|| {
            let upstream = self.upstream.unwrap_or(Duration::from_secs(300));
            upstream + Duration::from_secs(30)
        });
        let limit = match (asked, self.stage) {
            (Asked::Send(attempt), _) if self.attempts.len() < attempt as usize => {
                if let Some(last) = self.attempts.last()
                    && last.exchange.events > 0
                {
                    self.broken
                        .push(Rule::NoAttemptAfterAnEvent.broken(attempt));
                }
                return;
            }
            (Asked::Send(_), Some(Stage::Connecting)) => deadlines.connect,
            (Asked::Send(_), _) => head,
            (Asked::Receive, _) => deadlines.idle,
            (Asked::Wait(until), _) => {
                if until <= now || total.is_some_and(|total| until >= total) {
                    let what = format!("a wait until {until:?} with {total:?} for the call");
                    self.broken.push(Rule::NothingBeyondTheTotal.broken(what));
                }
                return;
            }
        };
        if now.since(self.fed_at) >= limit || deadline > self.fed_at.plus(limit) {
            let what = format!("{asked:?}: {:?} of {limit:?}", now.since(self.fed_at));
            self.broken.push(Rule::DeadlinesAreKept.broken(what));
        }
    }
}

impl Asked {
    fn of<E: Subject>(step: &Step<'_, E>) -> Self {
        match step {
            Step::Send(outgoing) => Self::Send(outgoing.attempt()),
            Step::Wait(until) => Self::Wait(*until),
            Step::Receive(_) | Step::Event(_) | Step::Done(_) => Self::Receive,
        }
    }
}

/// A body, read in pieces of any size.
fn read(body: &Body, chance: &mut Chance) -> Bytes {
    let mut reader = body.reader();
    let mut whole = Vec::new();
    let mut buffer = [0; 512];
    loop {
        let size = 1 + chance.below(buffer.len());
        let read = reader.read(buffer.get_mut(..size).unwrap_or_default());
        if read == 0 {
            return whole.into();
        }
        whole.extend_from_slice(buffer.get(..read).unwrap_or_default());
    }
}
