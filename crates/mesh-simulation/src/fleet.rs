//! Many clients against one gateway, in virtual time: what their retries come to where it sheds load,
//! fails now and then, or is dead for a while.
//!
//! The clients are `mesh-proto`'s own calls, each client with a budget of its own; beside them
//! stand clients with a fixed delay and no budget, for comparison.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use http::response::Parts;
use mesh_proto::call::{Call, Fault, FaultKind, Moment, Settings, Step};
use mesh_proto::{ApiKey, BaseUrl, ChatRequest, Target};

use crate::chance::Chance;

/// Clients that make calls at a steady rate.
#[derive(Clone, Copy, Debug)]
pub struct Fleet {
    /// How many clients there are.
    pub clients: usize,
    /// How many calls each makes.
    pub calls_each: usize,
    /// When each makes its calls.
    pub pace: Pace,
    /// How they try again.
    pub patience: Patience,
    /// What chance is made from.
    pub seed: u64,
}

/// When a client makes its calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// One in each interval of this length, at any moment in it, whatever became of those before.
    Every(Duration),
    /// The next this long after the end of the one before; the first within as long from the start.
    After(Duration),
}

/// How a client tries again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// As `mesh-proto` does by default.
    Ours,
    /// This long after each failure, three times, whatever the gateway says.
    Fixed(Duration),
}

/// What a gateway does to what comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It answers.
    Well,
    /// It answers 503 to three of every ten requests, in no order.
    FailsThreeInTen,
    /// It answers 503.
    Unavailable,
    /// It answers 429 with the hint to come again after the present minute.
    RateLimited,
    /// Nothing can connect.
    Dead,
    /// It answers so many requests in each tenth of a second, and 429 with the hint to come again in a
    /// second to those beyond.
    Sheds(u32),
}

/// A request as it came to the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// When.
    pub at: Duration,
    /// Whether it repeats an earlier one.
    pub is_retry: bool,
    /// Whether it was answered.
    pub is_answered: bool,
}

/// A call as it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finished {
    /// When it was made.
    pub began: Duration,
    /// When it ended.
    pub ended: Duration,
    /// How many requests it took.
    pub sends: u32,
    /// Whether it succeeded.
    pub is_success: bool,
}

/// What came of a fleet.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Every request, in order.
    pub arrivals: Vec<Arrival>,
    /// Every call, as they ended.
    pub calls: Vec<Finished>,
}

impl Outcome {
    /// Requests for each that was answered.
    pub fn sends_per_success(&self) -> f64 {
        let successes = self.calls.iter().filter(|call| call.is_success).count();
        ratio(self.arrivals.len(), successes)
    }

    /// Requests for each call.
    pub fn sends_per_call(&self) -> f64 {
        ratio(self.arrivals.len(), self.calls.len())
    }

    /// The share of calls that succeeded, of those that began in the span.
    pub fn success(&self, from: Duration, to: Duration) -> f64 {
        let calls = self
            .calls
            .iter()
            .filter(|call| (from..to).contains(&call.began));
        let (mut all, mut successes) = (0, 0);
        for call in calls {
            all += 1;
            successes += usize::from(call.is_success);
        }
        ratio(successes, all)
    }

    /// How many retries came in each `bin` of the span.
    pub fn retries(&self, from: Duration, to: Duration, bin: Duration) -> Vec<usize> {
        let retries = self.arrivals.iter().filter(|arrival| arrival.is_retry);
        histogram(retries, from, to, bin)
    }

    /// How many requests came in each `bin` of the span.
    pub fn sends(&self, from: Duration, to: Duration, bin: Duration) -> Vec<usize> {
        histogram(self.arrivals.iter(), from, to, bin)
    }
}

/// The fullest bin in terms of their mean.
pub fn peak_over_mean(bins: &[usize]) -> f64 {
    let peak = bins.iter().max().copied().unwrap_or_default();
    ratio(peak * bins.len(), bins.iter().sum())
}

fn histogram<'a>(
    arrivals: impl Iterator<Item = &'a Arrival>,
    from: Duration,
    to: Duration,
    bin: Duration,
) -> Vec<usize> {
    let place = |at: Duration| at.saturating_sub(from).as_nanos() / bin.as_nanos().max(1);
    let count = usize::try_from(place(to)).unwrap_or_default();
    let mut bins = vec![0; count];
    for arrival in arrivals.filter(|it| (from..to).contains(&it.at)) {
        let place = usize::try_from(place(arrival.at)).unwrap_or(usize::MAX);
        if let Some(bin) = bins.get_mut(place) {
            *bin += 1;
        }
    }
    bins
}

#[allow(
    clippy::cast_precision_loss,
    reason = "counts of a simulation are far below 2^52"
)]
fn ratio(above: usize, below: usize) -> f64 {
    above as f64 / below.max(1) as f64
}

/// A gateway whose health changes with time.
#[derive(Clone, Debug)]
pub struct Timeline(pub Vec<(Duration, Health)>);

impl Timeline {
    /// The same health from beginning to end.
    pub fn always(health: Health) -> Self {
        Self(vec![(Duration::ZERO, health)])
    }

    fn at(&self, now: Moment) -> Health {
        let now = now.since_origin();
        let begun = self.0.iter().rev().find(|(from, _)| *from <= now);
        begun.map_or(Health::Well, |(_, health)| *health)
    }
}

/// What a request gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Got {
    Answer,
    Unavailable,
    Later(u64),
    NoConnection,
}

struct Gateway<'t> {
    timeline: &'t Timeline,
    /// What is left of the present ten: who of them fails.
    lots: Vec<bool>,
    window: u128,
    in_window: u32,
}

impl Gateway<'_> {
    fn serve(&mut self, now: Moment, chance: &mut Chance) -> Got {
        match self.timeline.at(now) {
            Health::Well => Got::Answer,
            Health::Unavailable => Got::Unavailable,
            Health::RateLimited => Got::Later(60 - now.since_origin().as_secs() % 60),
            Health::Dead => Got::NoConnection,
            Health::FailsThreeInTen => {
                if self.lots.is_empty() {
                    self.lots = (0..10).map(|place| place < 3).collect();
                }
                let place = chance.below(self.lots.len());
                if self.lots.swap_remove(place) {
                    Got::Unavailable
                } else {
                    Got::Answer
                }
            }
            Health::Sheds(capacity) => {
                let window = now.since_origin().as_millis() / 100;
                if window != self.window {
                    self.window = window;
                    self.in_window = 0;
                }
                self.in_window += 1;
                if self.in_window > capacity {
                    Got::Later(1)
                } else {
                    Got::Answer
                }
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// A client makes a call.
    Begin(usize),
    /// What a call's request got arrives.
    Reply(usize),
    /// A call has waited.
    Wake(usize),
}

struct Running<'e> {
    client: usize,
    began: Moment,
    sends: u32,
    got: Option<Got>,
    state: State<'e>,
}

enum State<'e> {
    Ours(Box<Call<&'e ChatRequest>>),
    Fixed(Duration),
}

struct Scene<'e> {
    fleet: Fleet,
    target: Target,
    settings: Vec<Settings>,
    request: &'e ChatRequest,
    gateway: Gateway<'e>,
    chance: Chance,
    due: BinaryHeap<Reverse<(Moment, usize, Due)>>,
    /// So that what is due at one moment comes in the order in which it was found.
    order: usize,
    running: BTreeMap<usize, Running<'e>>,
    made: Vec<usize>,
    outcome: Outcome,
}

impl Fleet {
    /// Lets the fleet make all of its calls.
    pub fn run(self, timeline: &Timeline) -> Outcome {
        let request = ChatRequest::new("openai/gpt-4o").user("Good morning");
        let key = ApiKey::new("rsk_01EXAMPLE").expect("a key");
        let mut scene = Scene {
            fleet: self,
            target: Target::new(BaseUrl::production(), key),
            settings: (0..self.clients).map(|_| Settings::default()).collect(),
            request: &request,
            gateway: Gateway {
                timeline,
                lots: Vec::new(),
                window: 0,
                in_window: 0,
            },
            chance: Chance::new(self.seed),
            due: BinaryHeap::new(),
            order: 0,
            running: BTreeMap::new(),
            made: vec![0; self.clients],
            outcome: Outcome::default(),
        };
        scene.run();
        scene.outcome
    }
}

impl Scene<'_> {
    fn run(&mut self) {
        for client in 0..self.fleet.clients {
            match self.fleet.pace {
                Pace::Every(interval) => {
                    for number in 0..self.fleet.calls_each {
                        let number = u32::try_from(number).unwrap_or(u32::MAX);
                        let at = interval.saturating_mul(number) + self.within(interval);
                        self.plan(Moment::after_origin(at), Due::Begin(client));
                    }
                }
                Pace::After(pause) => {
                    let at = Moment::after_origin(self.within(pause));
                    self.plan(at, Due::Begin(client));
                }
            }
        }
        while let Some(Reverse((now, _, due))) = self.due.pop() {
            match due {
                Due::Begin(client) => self.begin(client, now),
                Due::Reply(id) | Due::Wake(id) => self.go_on(id, now),
            }
        }
    }

    fn plan(&mut self, at: Moment, due: Due) {
        self.order += 1;
        self.due.push(Reverse((at, self.order, due)));
    }

    fn within(&mut self, span: Duration) -> Duration {
        let most = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let micros = u64::try_from(self.chance.below(most)).unwrap_or_default();
        Duration::from_micros(micros)
    }

    fn begin(&mut self, client: usize, now: Moment) {
        let settings = self.settings.get(client).expect("settings of each client");
        if let Some(made) = self.made.get_mut(client) {
            *made += 1;
        }
        let state = match self.fleet.patience {
            Patience::Fixed(delay) => State::Fixed(delay),
            Patience::Ours => {
                let seed = self.chance.next();
                let call = Call::new(self.request, &self.target, settings, now, seed);
                State::Ours(Box::new(call.expect("a request")))
            }
        };
        let id = self.order;
        self.order += 1;
        let running = Running {
            client,
            began: now,
            sends: 0,
            got: None,
            state,
        };
        self.running.insert(id, running);
        self.go_on(id, now);
    }

    /// Does what a call has to do now.
    fn go_on(&mut self, id: usize, now: Moment) {
        let Some(mut running) = self.running.remove(&id) else {
            return;
        };
        let next = match &mut running.state {
            State::Ours(call) => ours(call, now, running.sends, running.got.take()),
            State::Fixed(delay) => match running.got.take() {
                None => Next::Send,
                Some(Got::Answer) => Next::End(true),
                Some(_) if running.sends <= 3 => Next::Wait(now.plus(*delay)),
                Some(_) => Next::End(false),
            },
        };
        match next {
            Next::Send => {
                let got = self.gateway.serve(now, &mut self.chance);
                self.outcome.arrivals.push(Arrival {
                    at: now.since_origin(),
                    is_retry: running.sends > 0,
                    is_answered: got == Got::Answer,
                });
                running.sends += 1;
                running.got = Some(got);
                let latency = Duration::from_millis(20) + self.within(Duration::from_millis(60));
                self.plan(now.plus(latency), Due::Reply(id));
            }
            Next::Wait(until) => self.plan(until, Due::Wake(id)),
            Next::End(is_success) => {
                self.outcome.calls.push(Finished {
                    began: running.began.since_origin(),
                    ended: now.since_origin(),
                    sends: running.sends,
                    is_success,
                });
                let client = running.client;
                let made = self.made.get(client).copied().unwrap_or(usize::MAX);
                if let Pace::After(pause) = self.fleet.pace
                    && made < self.fleet.calls_each
                {
                    self.plan(now.plus(pause), Due::Begin(client));
                }
                return;
            }
        }
        self.running.insert(id, running);
    }
}

enum Next {
    Send,
    Wait(Moment),
    End(bool),
}

/// Polls a call until it has something to do that takes time.
fn ours(call: &mut Call<&ChatRequest>, now: Moment, sends: u32, mut got: Option<Got>) -> Next {
    loop {
        match call.poll(now) {
            Step::Send(outgoing) => match got {
                None if outgoing.attempt() > sends => return Next::Send,
                None | Some(Got::NoConnection) => {
                    outgoing.fault(Fault::new(FaultKind::Connect));
                    got = None;
                }
                Some(got) => outgoing.head(head(got)),
            },
            Step::Receive(incoming) => match got.take() {
                Some(Got::Answer) => {
                    incoming.data(br#"{"choices":[{"message":{"content":"Good morning"}}]}"#);
                }
                Some(Got::Later(_)) => incoming.data(RATE_LIMITED),
                Some(_) => incoming.data(UNAVAILABLE),
                None => incoming.end(),
            },
            Step::Wait(until) => return Next::Wait(until),
            Step::Event(event) => match event {},
            Step::Done(result) => return Next::End(result.is_ok()),
        }
    }
}

const RATE_LIMITED: &[u8] = br#"{"error":{"code":"rate_limit_exceeded","message":"later"}}"#;
const UNAVAILABLE: &[u8] = br#"{"error":{"code":"provider_not_available","message":"later"}}"#;

fn head(got: Got) -> Parts {
    let mut builder = http::Response::builder().status(match got {
        Got::Answer => 200,
        Got::Later(_) => 429,
        Got::Unavailable | Got::NoConnection => 503,
    });
    if got == Got::Unavailable {
        // Without a hint it is a router's, and may be billed.
        builder = builder.header("retry-after", "0");
    }
    if let Got::Later(seconds) = got {
        builder = builder.header("retry-after", seconds);
    }
    builder.body(()).expect("a head").into_parts().0
}
