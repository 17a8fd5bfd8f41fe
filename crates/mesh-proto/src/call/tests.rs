//! Calls on scripts, in virtual time.

mod ends;
mod interleavings;
mod limits;
mod replies;
mod retries;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, response};
use proptest::prelude::*;

use super::*;
use crate::chat::{ChatReply, ChatRequest};
use crate::endpoint::{ChatStream, ListModels};
use crate::error::{DecodeError, ErrorCode};
use crate::head::ReplyEnd;
use crate::image::Image;
use crate::images::{EditRequest, ImageRequest};
use crate::outcome::Outcome;
use crate::replay::Replay;
use crate::target::{ApiKey, BaseUrl};

/// What a server and a network do in one exchange, step by step.
#[derive(Clone, Debug)]
enum Act {
    Stage(Stage),
    Head(u16, Vec<(&'static str, String)>),
    Data(Vec<u8>),
    End,
    Fault(FaultKind, Sent),
    Pass(Duration),
}

fn head(status: u16) -> Act {
    Act::Head(status, vec![("x-request-id", "req_1".to_owned())])
}

fn data(text: &str) -> Act {
    Act::Data(text.as_bytes().into())
}

fn whole(status: u16, body: &str) -> Vec<Act> {
    vec![head(status), data(body), Act::End]
}

fn error(status: u16, code: &str) -> Vec<Act> {
    whole(
        status,
        &format!(r#"{{"error":{{"code":"{code}","message":"m"}}}}"#),
    )
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// What a run showed.
struct Run<E: Endpoint> {
    events: Vec<E::Event>,
    result: Result<Answer<E::Output>, CallError>,
    waits: Vec<Duration>,
    partial: Option<E::Output>,
    at: Moment,
    /// When each attempt began.
    began: Vec<Moment>,
}

fn target() -> Target {
    Target::new(BaseUrl::production(), ApiKey::new("rsk_canary").unwrap())
}

fn run<E: Endpoint>(endpoint: E, settings: &Settings, exchanges: &[Vec<Act>]) -> Run<E> {
    let mut now = Moment::after_origin(seconds(1000));
    let mut call = Call::new(endpoint, &target(), settings, now, 7).unwrap();
    let (mut events, mut waits, mut began) = (Vec::new(), Vec::new(), Vec::new());
    let mut acts = Vec::new();
    let mut attempt = 0;
    for _ in 0..100_000 {
        match call.poll(now) {
            Step::Send(mut outgoing) => {
                if outgoing.attempt() != attempt {
                    attempt = outgoing.attempt();
                    began.push(now);
                    let index = began.len() - 1;
                    acts = exchanges
                        .get(index)
                        .or(exchanges.last())
                        .cloned()
                        .unwrap_or_default();
                    acts.reverse();
                }
                match acts.pop() {
                    Some(Act::Stage(stage)) => outgoing.progress(stage),
                    Some(Act::Head(status, headers)) => outgoing.head(parts(status, &headers)),
                    Some(Act::Fault(kind, sent)) => outgoing.fault(Fault::new(kind).after(sent)),
                    Some(Act::Pass(duration)) => now = now.plus(duration),
                    Some(other) => panic!("{other:?} is no answer to Send"),
                    None => now = call.deadline().expect("a limit on sending"),
                }
            }
            Step::Receive(incoming) => match acts.pop() {
                Some(Act::Data(text)) => incoming.data(&text),
                Some(Act::End) => incoming.end(),
                Some(Act::Fault(kind, sent)) => incoming.fault(Fault::new(kind).after(sent)),
                Some(Act::Pass(duration)) => now = now.plus(duration),
                Some(other) => panic!("{other:?} is no answer to Receive"),
                None => now = call.deadline().expect("a limit on receiving"),
            },
            Step::Wait(until) => {
                waits.push(until.since(now));
                now = until;
            }
            Step::Event(event) => events.push(event),
            Step::Done(result) => {
                return Run {
                    events,
                    result,
                    waits,
                    partial: call.into_partial(),
                    at: now,
                    began,
                };
            }
        }
    }
    panic!("the call never ends")
}

fn parts(status: u16, headers: &[(&'static str, String)]) -> response::Parts {
    let mut builder = http::Response::builder().status(status);
    for (name, value) in headers {
        builder = builder.header(*name, value);
    }
    builder.body(()).unwrap().into_parts().0
}

fn chat() -> ChatRequest {
    ChatRequest::new("m").user("hello")
}

fn stream() -> ChatStream {
    ChatStream::new(&chat()).unwrap()
}

fn image() -> ImageRequest {
    ImageRequest::new("m", "a fox")
}

fn edit() -> EditRequest {
    let png = b"\x89PNG\r\n\x1a\n".as_slice();
    EditRequest::new("m", Image::from_bytes(png).unwrap(), "a fox")
}

const REPLY: &str = r#"{"choices":[{"message":{"content":"hi"}}]}"#;
const CHUNK: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\n";
const DONE: &str = "data: [DONE]\n\n";

/// Attempts and outcome of a call whose every exchange goes the same way.
fn fate<E: Endpoint>(endpoint: E, exchange: Vec<Act>) -> (u32, Option<Outcome>) {
    let run = run(endpoint, &Settings::default(), &[exchange]);
    match run.result {
        Ok(_) => (u32::try_from(run.began.len()).unwrap(), None),
        Err(error) => {
            assert_eq!(error.attempts() as usize, run.began.len());
            (error.attempts(), Some(error.outcome()))
        }
    }
}
