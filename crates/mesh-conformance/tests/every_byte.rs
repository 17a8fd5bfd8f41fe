//! A connection that breaks after any byte, in virtual time: what a stream shows is the beginning
//! of the truth or the whole of it, nothing is repeated that may have cost something, and what came
//! is kept.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::sync::Arc;

use bytes::Bytes;
use mesh_conformance::{Act, Case, Driver, Exchange, Gateway, Memory, MemoryGateway};
use mesh_proto::call::Failure;
use mesh_proto::call::{FaultKind, Settings};
use mesh_proto::endpoint::{ChatStream, ListModels};
use mesh_proto::{ApiKey, BaseUrl, ChatRequest, Outcome, Target};

const HEAD: &str = "HTTP/1.1 200 OK\r\nx-request-id: req_1\r\ntransfer-encoding: chunked\r\n\r\n";

/// How a connection may end.
const ENDS: [Act; 2] = [Act::Close, Act::Reset];

/// A driver whose gateway plays these exchanges, and the gateway.
fn before(exchanges: Vec<Exchange>) -> (Memory, Arc<MemoryGateway>) {
    let gateway = Arc::new(MemoryGateway::new(Gateway::Plays(exchanges)));
    let base = BaseUrl::new("http://127.0.0.1:1").unwrap();
    let driver = Memory::new(&Case {
        target: Target::new(base, ApiKey::new("rsk_1").unwrap()),
        settings: Settings::default(),
        memory: Some(gateway.clone()),
    });
    (driver, gateway)
}

fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

fn cut(whole: &str, at: usize, end: &Act) -> Exchange {
    let part = whole.as_bytes().get(..at).unwrap();
    Exchange::new([Act::Raw(Bytes::copy_from_slice(part)), end.clone()])
}

#[test]
fn a_stream_is_a_beginning_of_the_truth_or_the_whole_of_it() {
    let words = ["größer", " als ", "🦀", "\u{2028}", "!"];
    let frames = words.map(|word| {
        chunk(&format!(
            ": ping\r\n\r\ndata: {{\"choices\":[{{\"delta\":{{\"content\":\"{word}\"}}}}]}}\r\n\r\n"
        ))
    });
    let begun = [HEAD, &frames.concat()].concat();
    let done = chunk("data: [DONE]\r\n\r\n");
    // Once the end mark's line has ended but for its blank line, the end of input would end it,
    // which a lost connection is not.
    let whole = [&begun, &done, "0\r\n\r\n"].concat();
    let needed = begun.len() + done.len() - "\n\r\n".len();
    for end in ENDS {
        for at in 0..=whole.len() {
            let (driver, gateway) = before(vec![cut(&whole, at, &end)]);
            let endpoint = ChatStream::new(&ChatRequest::new("m").user("hello")).unwrap();
            let mut events = Vec::new();
            let streamed = driver.stream(endpoint, &mut |chunk| {
                events.push(chunk.text().into_owned());
            });
            assert_eq!(gateway.received().len(), 1, "asked once, cut at {at}");
            assert!(words.starts_with(&events.iter().map(String::as_str).collect::<Vec<_>>()));
            let error = match streamed.result {
                Ok(reply) => {
                    assert!(at >= needed, "whole, though cut at {at}");
                    assert_eq!(reply.text(), words.concat());
                    continue;
                }
                Err(error) => error,
            };
            assert!(at < needed, "cut at {at}: {error}");
            let outcome = if events.is_empty() {
                Outcome::Unknown
            } else {
                Outcome::Delivered
            };
            assert_eq!(error.outcome(), outcome, "cut at {at}");
            let failure = error.call().unwrap().failure();
            assert!(
                matches!(failure, Failure::Fault(fault) if fault.kind == FaultKind::Lost),
                "cut at {at}: {error}"
            );
            let kept = streamed.partial.map(|partial| partial.text().into_owned());
            assert_eq!(kept.unwrap_or_default(), events.concat(), "cut at {at}");
            assert_eq!(error.request_id().is_some(), at >= HEAD.len());
        }
    }
}

#[test]
fn a_stream_whose_body_ends_early_says_so_wherever_it_ends() {
    let frames = ["one", "two"].map(|word| {
        format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{word}\"}}}}]}}\n\n")
    });
    let begun = frames.concat();
    let whole = format!("{begun}data: [DONE]\n\n");
    // The end of input ends the last line and the last frame.
    let needed = begun.len() + "data: [DONE]".len();
    for at in 0..=whole.len() {
        let part = whole.as_bytes().get(..at).unwrap();
        let (driver, _) = before(vec![Exchange::events([part.to_vec()])]);
        let endpoint = ChatStream::new(&ChatRequest::new("m").user("hello")).unwrap();
        let mut told = String::new();
        let streamed = driver.stream(endpoint, &mut |chunk| told.push_str(&chunk.text()));
        assert_eq!(streamed.result.is_ok(), at >= needed, "cut at {at}");
        assert!("onetwo".starts_with(&told));
        if let Err(error) = streamed.result {
            // What does not yet show itself as a stream may be anybody's.
            let outcome = if at < "data".len() {
                Outcome::Unknown
            } else {
                Outcome::Delivered
            };
            assert_eq!(error.outcome(), outcome, "cut at {at}: {error}");
            let kept = streamed.partial.map(|partial| partial.text().into_owned());
            assert_eq!(kept.unwrap_or_default(), told, "cut at {at}");
        }
    }
}

#[test]
fn a_read_is_repeated_wherever_its_connection_breaks() {
    let whole = [HEAD, &chunk(r#"[{"id":"a"}]"#), "0\r\n\r\n"].concat();
    for end in ENDS {
        for at in 0..=whole.len() {
            let again = Exchange::answer(200, r#"[{"id":"a"}]"#);
            let (driver, gateway) = before(vec![cut(&whole, at, &end), again]);
            let models = driver.send(ListModels::new()).unwrap();
            assert_eq!(models.models.len(), 1);
            let asked = gateway.received().len();
            assert_eq!(asked, if at < whole.len() { 2 } else { 1 }, "cut at {at}");
        }
    }
}
