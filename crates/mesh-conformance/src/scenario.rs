//! A scenario as data: what is asked, what the gateway does, and what must come out of it.

use std::ops::RangeInclusive;
use std::time::Duration;

use mesh_proto::call::{FaultKind, Settings};
use mesh_proto::{Outcome, image};

use crate::script::Exchange;

/// One thing that every client does the same.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its name, which is unique.
    pub name: &'static str,
    /// The rule that it holds clients to.
    pub rule: &'static str,
    /// What a driver must be able to do for it.
    pub needs: &'static [Need],
    /// What is asked.
    pub ask: Ask,
    /// How often, with one client, one call after the other. What is accepted holds for the last.
    pub calls: usize,
    /// Limits and retries.
    pub settings: Settings,
    /// Whom it is asked.
    pub gateway: Gateway,
    /// What may come out, one of these. There is more than one where it depends on who is faster.
    pub accepted: Vec<Expected>,
}

/// Something that not every driver can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// To speak HTTP/1.1: the script is about its bytes.
    Http1,
    /// To speak HTTP/2.
    Http2,
    /// To keep connections, and use them for the next call.
    KeptConnections,
}

impl Need {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Http1 => "HTTP/1.1",
            Self::Http2 => "HTTP/2",
            Self::KeptConnections => "kept connections",
        }
    }
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// A chat, answered with one document.
    Chat,
    /// A chat, answered with a stream.
    ChatStream,
    /// A chat with a picture of this many bytes.
    Seeing(usize),
    /// The catalogue.
    Models,
    /// A picture.
    Draw,
    /// A picture of this many bytes to be changed, sent as a form.
    Edit(usize),
    /// So many pictures, answered with a stream.
    DrawStream(u32),
}

/// Who answers.
#[derive(Clone, Debug)]
pub enum Gateway {
    /// A server that does this, request by request, and the last beyond.
    Plays(Vec<Exchange>),
    /// Nobody: connections are refused.
    Refuses,
    /// Nobody: connections are never accepted, nor refused.
    NeverAccepts,
}

/// What comes out of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Expected {
    /// The events, in words.
    pub events: Vec<String>,
    /// How it ends.
    pub end: End,
    /// How many attempts the call makes.
    pub attempts: u32,
    /// How many requests the gateway sees, in all calls.
    pub requests: usize,
    /// How long the call waits before each further attempt. The upper bound is for time that is
    /// virtual: no real clock can be held to it.
    pub waits: Vec<RangeInclusive<Duration>>,
    /// The most connections that all calls may take.
    pub connections: Option<usize>,
}

/// How a call ends.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    /// With this reply, in words.
    Reply(String),
    /// With an error.
    Failure(Failed),
}

/// An error, as far as a user decides by it.
#[derive(Clone, Debug, PartialEq)]
pub struct Failed {
    /// What went wrong.
    pub why: Why,
    /// What it may have cost.
    pub outcome: Outcome,
    /// The status of the last response.
    pub status: Option<u16>,
    /// The gateway's code.
    pub code: Option<&'static str>,
    /// The id to quote.
    pub request_id: Option<&'static str>,
    /// The gateway's hint.
    pub retry_after: Option<Duration>,
    /// What had been put together, in words.
    pub partial: Option<String>,
    /// What the message says, among other things.
    pub says: Vec<&'static str>,
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The request cannot be built.
    Build,
    /// The gateway reports an error by its status.
    Api,
    /// The gateway reports an error inside a success.
    InBand,
    /// The reply is no JSON at all.
    NotJson,
    /// The reply is not the JSON that it should be.
    Json,
    /// The reply ends before its end.
    Truncated,
    /// The reply, or a frame of it, is larger than the limit.
    TooLarge,
    /// The reply is compressed.
    Encoding,
    /// The gateway redirects.
    Redirect,
    /// The transport failed.
    Fault(FaultKind),
    /// The limit for the whole call.
    Total,
    /// The limit for connecting.
    Connect,
    /// The limit for the head.
    Head,
    /// The limit between pieces.
    Idle,
    /// Anything else.
    Other,
}

impl Scenario {
    /// A scenario in which `ask` is answered by nobody yet.
    pub fn new(name: &'static str, rule: &'static str, ask: Ask) -> Self {
        let mut settings = Settings::default();
        settings.retry.base = Duration::from_millis(4);
        settings.deadlines.head = Some(PATIENCE);
        settings.deadlines.idle = PATIENCE;
        Self {
            name,
            rule,
            needs: &[],
            ask,
            calls: 1,
            settings,
            gateway: Gateway::Plays(Vec::new()),
            accepted: Vec::new(),
        }
    }

    /// Answers with these exchanges.
    pub fn answers(mut self, exchanges: impl IntoIterator<Item = Exchange>) -> Self {
        self.gateway = Gateway::Plays(exchanges.into_iter().collect());
        self
    }

    /// Lets it be asked of somebody else.
    pub fn of(mut self, gateway: Gateway) -> Self {
        self.gateway = gateway;
        self
    }

    /// Changes limits and retries.
    pub fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }

    /// Needs this of a driver.
    pub fn needs(mut self, needs: &'static [Need]) -> Self {
        self.needs = needs;
        self
    }

    /// Asks so often.
    pub fn calls(mut self, calls: usize) -> Self {
        self.calls = calls;
        self
    }

    /// Accepts this, too.
    pub fn accepts(mut self, expected: Expected) -> Self {
        self.accepted.push(expected);
        self
    }
}

/// What a scenario that is not about time waits at most, so that a client that hangs fails it.
const PATIENCE: Duration = Duration::from_secs(30);

impl Expected {
    /// A reply to the first attempt.
    pub fn reply(text: impl Into<String>) -> Self {
        Self::ending(End::Reply(text.into()))
    }

    /// A stream whose events are these texts, and whose reply is all of them together.
    pub fn stream<const N: usize>(texts: [&str; N]) -> Self {
        Self::reply(texts.concat()).events(texts)
    }

    /// An error of the first attempt, without response.
    pub fn failure(why: Why, outcome: Outcome) -> Self {
        Self::ending(End::Failure(Failed {
            why,
            outcome,
            status: None,
            code: None,
            request_id: None,
            retry_after: None,
            partial: None,
            says: Vec::new(),
        }))
    }

    /// An error of the first attempt, after a head with this status and the request id `req_1`.
    pub fn failure_after(status: u16, why: Why, outcome: Outcome) -> Self {
        Self::failure(why, outcome).fails(|failed| {
            failed.status = Some(status);
            failed.request_id = Some("req_1");
        })
    }

    /// An error that the gateway reports with a status and, maybe, a code.
    pub fn error(status: u16, code: Option<&'static str>, outcome: Outcome) -> Self {
        Self::failure_after(status, Why::Api, outcome).fails(|failed| failed.code = code)
    }

    fn ending(end: End) -> Self {
        Self {
            events: Vec::new(),
            end,
            attempts: 1,
            requests: 1,
            waits: Vec::new(),
            connections: None,
        }
    }

    /// These events.
    pub fn events<const N: usize>(mut self, events: [&str; N]) -> Self {
        self.events = events.map(str::to_owned).to_vec();
        self
    }

    /// So many attempts, each of which the gateway sees.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self.requests = attempts as usize;
        self
    }

    /// So many requests at the gateway.
    pub fn requests(mut self, requests: usize) -> Self {
        self.requests = requests;
        self
    }

    /// A wait of so long before the next attempt.
    pub fn waits(mut self, wait: RangeInclusive<Duration>) -> Self {
        self.waits.push(wait);
        self
    }

    /// At most so many connections.
    pub fn connections(mut self, most: usize) -> Self {
        self.connections = Some(most);
        self
    }

    /// Changes what is expected of the error.
    pub fn fails(mut self, change: impl FnOnce(&mut Failed)) -> Self {
        if let End::Failure(failed) = &mut self.end {
            change(failed);
        }
        self
    }

    /// This code.
    pub fn code(self, code: &'static str) -> Self {
        self.fails(|failed| failed.code = Some(code))
    }

    /// This request id.
    pub fn id(self, id: &'static str) -> Self {
        self.fails(|failed| failed.request_id = Some(id))
    }

    /// This much put together.
    pub fn partial(self, text: impl Into<String>) -> Self {
        self.fails(|failed| failed.partial = Some(text.into()))
    }

    /// These words in the message.
    pub fn says(self, words: &'static str) -> Self {
        self.fails(|failed| failed.says.push(words))
    }

    /// This hint.
    pub fn hint(self, hint: Duration) -> Self {
        self.fails(|failed| failed.retry_after = Some(hint))
    }
}

/// A picture of so many bytes for [`Ask::Seeing`].
pub(crate) fn picture(size: usize) -> image::Image {
    let mut bytes = vec![0xa5; size];
    for (byte, magic) in bytes.iter_mut().zip(b"\x89PNG\r\n\x1a\n") {
        *byte = *magic;
    }
    image::Image::from_bytes(bytes).expect("a picture")
}
