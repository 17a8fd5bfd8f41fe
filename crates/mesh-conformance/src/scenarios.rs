//! The scenarios, by what they are about.

#![allow(
    clippy::too_many_lines,
    reason = "a list of scenarios is as long as it is"
)]

mod connections;
mod deadlines;
mod endings;
mod errors;
mod hints;
mod http2;
mod images;
mod replies;
mod retries;
mod streams;

use std::time::Duration;

use bytes::Bytes;

use crate::scenario::Scenario;
use crate::script::{Act, Exchange};

/// All of them.
pub fn scenarios() -> Vec<Scenario> {
    [
        replies::scenarios(),
        streams::scenarios(),
        endings::scenarios(),
        errors::scenarios(),
        retries::scenarios(),
        hints::scenarios(),
        deadlines::scenarios(),
        images::scenarios(),
        connections::scenarios(),
        http2::scenarios(),
    ]
    .concat()
}

/// A chat's reply, which says `hi`.
const REPLY: &str = r#"{"choices":[{"message":{"content":"hi"}}]}"#;

/// The end mark of a stream.
const DONE: &str = "data: [DONE]\n\n";

/// Long enough for a busy machine to get as far as the scenario has it, and short enough to wait for.
const LIMIT: Duration = Duration::from_millis(400);

/// A frame that says `text`.
fn delta(text: &str) -> String {
    format!("data: {}\n\n", delta_json(text))
}

fn delta_json(text: &str) -> String {
    format!(r#"{{"choices":[{{"index":0,"delta":{{"content":"{text}"}}}}]}}"#)
}

/// A frame as a piece of a body.
fn says(text: &str) -> Act {
    data(delta(text))
}

fn data(text: impl Into<Bytes>) -> Act {
    Act::Data(text.into())
}

fn raw(text: impl Into<Bytes>) -> Act {
    Act::Raw(text.into())
}

/// The gateway's standard error.
fn error_body(code: &str) -> String {
    format!(r#"{{"error":{{"code":"{code}","message":"told"}},"request_id":"req_1"}}"#)
}

fn error(status: u16, code: &str) -> Exchange {
    Exchange::answer(status, error_body(code))
}

fn milliseconds(count: u64) -> Duration {
    Duration::from_millis(count)
}
