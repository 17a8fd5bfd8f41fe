//! Holds a driver against a scenario.

use std::error::Error as StdError;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mesh_proto::call::{Attempt, Deadline, RetryBudget};
use mesh_proto::call::{CallError, Failure};
use mesh_proto::chat::{ChatChunk, ChatReply, ChatRequest};
use mesh_proto::endpoint::{ChatStream, ImageStream, ListModels};
use mesh_proto::error::DecodeError;
use mesh_proto::images::{EditRequest, ImageChunk, ImageReply, ImageRequest};
use mesh_proto::models::ModelList;
use mesh_proto::{Answer, ApiKey, BaseUrl, Error, Head, Target};
use socket2::{Domain, Socket, Type};

use crate::driver::{Case, Driver, Reaches, Streamed};
use crate::http2::Http2Server;
use crate::memory::MemoryGateway;
use crate::scenario::{Ask, End, Expected, Failed, Gateway, Scenario, Why, picture};
use crate::script::{Exchange, Shown};
use crate::server::{Received, ScriptedServer};

/// What must show nowhere.
const KEY: &str = "rsk_canary";

/// Runs a scenario through a driver.
///
/// Errors where what comes out is none of what is accepted, with both.
pub fn run<D: Driver>(scenario: &Scenario) -> Result<(), String> {
    let (seen, requests) = match (&scenario.gateway, D::REACHES) {
        (_, Reaches::Memory) => {
            let gateway = Arc::new(MemoryGateway::new(scenario.gateway.clone()));
            let stage = Stage::new("http://127.0.0.1:1", Some(gateway.clone()));
            let seen = play::<D>(scenario, &stage, |_| {});
            let requests = gateway.received().clone();
            (seen, requests)
        }
        (Gateway::Plays(exchanges), Reaches::Http1) => {
            let elsewhere = ScriptedServer::start([Exchange::answer(200, "{}")]);
            let server = ScriptedServer::start_beside(exchanges.clone(), &elsewhere.base_url());
            let mut stage = Stage::new(&server.base_url(), None);
            stage.shown = server.shown().clone();
            let seen = play::<D>(scenario, &stage, |index| {
                if exchanges.get(index).is_some_and(Exchange::hangs_up) {
                    server.ended();
                }
            });
            if !elsewhere.rest().is_empty() {
                return Err("something was sent to another host".to_owned());
            }
            (seen, server.rest())
        }
        (Gateway::Plays(exchanges), Reaches::Http2) => {
            let server = Http2Server::start(exchanges.clone());
            let mut stage = Stage::new(&server.base_url(), None);
            stage.shown = server.shown().clone();
            let seen = play::<D>(scenario, &stage, |_| {});
            (seen, server.rest())
        }
        (Gateway::Refuses, _) => {
            let stage = Stage::new(&format!("http://{}", unused()), None);
            (play::<D>(scenario, &stage, |_| {}), Vec::new())
        }
        (Gateway::NeverAccepts, _) => {
            let full = FullListener::start();
            let stage = Stage::new(&format!("http://{}", full.address), None);
            (play::<D>(scenario, &stage, |_| {}), Vec::new())
        }
    };
    let seen = seen?;
    check_requests(&requests)?;
    let mut connections: Vec<_> = requests.iter().map(|request| request.connection).collect();
    connections.sort_unstable();
    connections.dedup();
    let matches = |expected: &&Expected| {
        seen.is(expected, D::REACHES)
            && requests.len() == expected.requests
            && expected
                .connections
                .is_none_or(|most| connections.len() <= most)
    };
    if scenario.accepted.iter().any(|expected| matches(&expected)) {
        return Ok(());
    }
    Err(format!(
        "accepted:\n  {:#?}\ncame out:\n  {seen:#?}\n  {} requests on {} connections",
        scenario.accepted,
        requests.len(),
        connections.len()
    ))
}

/// Where a scenario takes place.
struct Stage {
    base: String,
    memory: Option<Arc<MemoryGateway>>,
    shown: Shown,
}

impl Stage {
    fn new(base: &str, memory: Option<Arc<MemoryGateway>>) -> Self {
        Self {
            base: base.to_owned(),
            memory,
            shown: Shown::default(),
        }
    }
}

/// What a client showed of its last call.
#[derive(Debug)]
struct Seen {
    events: Vec<String>,
    end: SeenEnd,
    attempts: Vec<Attempt>,
}

#[derive(Debug)]
enum SeenEnd {
    Reply(String),
    Failure {
        error: Error,
        partial: Option<String>,
    },
}

/// Makes the calls; `between` is told the number of each that another one follows.
fn play<D: Driver>(
    scenario: &Scenario,
    stage: &Stage,
    between: impl Fn(usize),
) -> Result<Seen, String> {
    let attempts = Arc::new(Mutex::new(Vec::new()));
    let sink = attempts.clone();
    let mut settings = scenario.settings.clone().with_observer(move |attempt| {
        let mut attempts = sink.lock().unwrap_or_else(PoisonError::into_inner);
        attempts.push(attempt.clone());
    });
    // Settings share their budget with their clones, and each client has its own here.
    settings.budget = RetryBudget::new();
    let base = BaseUrl::new(&stage.base).expect("a base URL");
    let driver = D::new(&Case {
        target: Target::new(base, ApiKey::new(KEY).expect("a key")),
        settings,
        memory: stage.memory.clone(),
    });
    let mut events = Vec::new();
    let mut end = None;
    for call in 0..scenario.calls {
        if call > 0 {
            between(call - 1);
            driver.rest();
        }
        events.clear();
        attempts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        end = Some(ask(&driver, scenario.ask, &mut |event| {
            events.push(event);
            stage.shown.add();
        }));
    }
    let end = end.ok_or("no call")?;
    if let SeenEnd::Failure { error, .. } = &end {
        let headers = error.call().and_then(CallError::head).map(Head::headers);
        let told = format!("{error} {error:?} {} {headers:?}", causes(error));
        if told.contains("canary") {
            return Err(format!("the error shows the key: {told}"));
        }
    }
    let attempts = attempts
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    Ok(Seen {
        events,
        end,
        attempts,
    })
}

fn ask<D: Driver>(driver: &D, ask: Ask, seen: &mut dyn FnMut(String)) -> SeenEnd {
    let chat = ChatRequest::new("m").user("hello");
    match ask {
        Ask::Chat => plain(driver.send(&chat)),
        Ask::Seeing(size) => {
            let chat = ChatRequest::new("m").user(("look", picture(size)));
            plain(driver.send(&chat))
        }
        Ask::Models => plain(driver.send(&ListModels::new())),
        Ask::Draw => plain(driver.send(&ImageRequest::new("m", "a circle"))),
        Ask::Edit(size) => plain(driver.send(&EditRequest::new("m", picture(size), "night"))),
        Ask::ChatStream => {
            let endpoint = ChatStream::new(&chat).expect("a request");
            streamed(driver.stream(endpoint, &mut |event| seen(event.words())))
        }
        Ask::DrawStream(count) => {
            let mut request = ImageRequest::new("m", "a circle");
            request.n = Some(count);
            let endpoint = ImageStream::new(&request).expect("a request");
            streamed(driver.stream(endpoint, &mut |event| seen(event.words())))
        }
    }
}

fn plain<T: Words>(result: Result<Answer<T>, Error>) -> SeenEnd {
    streamed(Streamed {
        result,
        partial: None,
    })
}

fn streamed<T: Words>(streamed: Streamed<T>) -> SeenEnd {
    match streamed.result {
        Ok(answer) => SeenEnd::Reply(answer.words()),
        Err(error) => SeenEnd::Failure {
            error,
            partial: streamed.partial.map(|partial| partial.words()),
        },
    }
}

/// What something comes to in words.
trait Words {
    fn words(&self) -> String;
}

impl Words for ChatChunk {
    fn words(&self) -> String {
        self.text().into_owned()
    }
}

impl Words for ChatReply {
    fn words(&self) -> String {
        self.text().into_owned()
    }
}

impl Words for ModelList {
    fn words(&self) -> String {
        let ids: Vec<&str> = self.models.iter().map(|model| model.id.as_str()).collect();
        ids.join(" ")
    }
}

impl Words for ImageChunk {
    fn words(&self) -> String {
        let kind = if self.is_partial() {
            "partial"
        } else {
            "final"
        };
        format!("{kind} {}", sizes(&self.images()))
    }
}

impl Words for ImageReply {
    fn words(&self) -> String {
        sizes(&self.images())
    }
}

fn sizes(images: &[mesh_proto::image::GeneratedImage]) -> String {
    let sizes: Vec<String> = images
        .iter()
        .map(|image| {
            image
                .bytes()
                .map_or("?".to_owned(), |bytes| bytes.len().to_string())
        })
        .collect();
    format!("[{}]", sizes.join(" "))
}

impl Seen {
    fn is(&self, expected: &Expected, reaches: Reaches) -> bool {
        let ends = match (&self.end, &expected.end) {
            (SeenEnd::Reply(text), End::Reply(expected)) => text == expected,
            (SeenEnd::Failure { error, partial }, End::Failure(failed)) => {
                *partial == failed.partial
                    && is(error, failed)
                    && error
                        .call()
                        .is_none_or(|error| error.attempts() == expected.attempts)
            }
            _ => false,
        };
        let waited = self.attempts.iter().zip(self.attempts.iter().skip(1));
        let waits: Vec<Duration> = waited
            .map(|(before, after)| after.began.since(before.ended))
            .collect();
        let bounds = waits.iter().zip(&expected.waits);
        ends && self.events == expected.events
            && self.attempts.len() == expected.attempts as usize
            && (expected.waits.is_empty() || waits.len() == expected.waits.len())
            && bounds.into_iter().all(|(wait, bound)| {
                wait >= bound.start() && (reaches != Reaches::Memory || wait <= bound.end())
            })
    }
}

fn is(error: &Error, failed: &Failed) -> bool {
    let told = format!("{error} {}", causes(error));
    why(error) == failed.why
        && error.outcome() == failed.outcome
        && error.status().map(|status| status.as_u16()) == failed.status
        && error.code().map(mesh_proto::error::ErrorCode::as_str) == failed.code
        && error.request_id() == failed.request_id
        && error.retry_after() == failed.retry_after
        && failed.says.iter().all(|words| told.contains(words))
}

fn why(error: &Error) -> Why {
    let call = match error {
        Error::Build(_) => return Why::Build,
        Error::Call(call) => call,
        _ => return Why::Other,
    };
    match call.failure() {
        Failure::Api(_) => Why::Api,
        Failure::Decode(DecodeError::Api(_)) => Why::InBand,
        Failure::Decode(DecodeError::NotJson { .. }) => Why::NotJson,
        Failure::Decode(DecodeError::Json { .. }) => Why::Json,
        Failure::Decode(DecodeError::Truncated) => Why::Truncated,
        Failure::Decode(DecodeError::TooLarge { .. }) => Why::TooLarge,
        Failure::Decode(DecodeError::Encoding(_)) => Why::Encoding,
        Failure::Redirect { .. } => Why::Redirect,
        Failure::Fault(fault) => Why::Fault(fault.kind),
        Failure::Deadline(Deadline::Total(_)) => Why::Total,
        Failure::Deadline(Deadline::Connect(_)) => Why::Connect,
        Failure::Deadline(Deadline::Head(_)) => Why::Head,
        Failure::Deadline(Deadline::Idle(_)) => Why::Idle,
        _ => Why::Other,
    }
}

fn causes(error: &Error) -> String {
    let mut told = Vec::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        told.push(error.to_string());
        cause = error.source();
    }
    told.join(": ")
}

/// What holds for every request, whatever the scenario: the key and the length are right, nothing
/// is asked for that nobody could read, and a repeat is the same to the letter.
fn check_requests(requests: &[Received]) -> Result<(), String> {
    for request in requests {
        for (name, value) in [
            ("authorization", format!("Bearer {KEY}")),
            ("accept-encoding", "identity".to_owned()),
        ] {
            if request.header(name) != Some(&value) {
                return Err(format!("{name} is wrong in {:?}", request.headers));
            }
        }
        let is_whole = request.body.len() as u64 == request.length();
        if request.header("transfer-encoding").is_some()
            || (is_whole && requests.iter().any(|other| other.line != request.line))
        {
            return Err(format!("the request is framed wrongly: {request:?}"));
        }
        let lengths = requests.iter().map(Received::length);
        let bodies_agree = requests.iter().all(|other| {
            let both = other.body.len().min(request.body.len());
            other.body.get(..both) == request.body.get(..both)
        });
        if !bodies_agree || lengths.clone().any(|length| length != request.length()) {
            return Err("an attempt sent something else than the one before".to_owned());
        }
    }
    Ok(())
}

/// An address on which nobody listens.
fn unused() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a loopback port");
    listener.local_addr().expect("its address")
}

/// A listener whose queue is full: who connects is left waiting.
#[derive(Debug)]
pub struct FullListener {
    /// Its address.
    pub address: SocketAddr,
    _listener: Socket,
    _queued: Vec<TcpStream>,
}

impl FullListener {
    /// Starts to listen, and fills the queue.
    pub fn start() -> Self {
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        let any: SocketAddr = ([127, 0, 0, 1], 0).into();
        listener.bind(&any.into()).expect("a loopback port");
        listener.listen(0).expect("a listener");
        let address = listener.local_addr().ok().and_then(|it| it.as_socket());
        let address = address.expect("its address");
        let mut queued = Vec::new();
        let patience = Duration::from_millis(100);
        while let Ok(stream) = TcpStream::connect_timeout(&address, patience) {
            queued.push(stream);
        }
        Self {
            address,
            _listener: listener,
            _queued: queued,
        }
    }
}
