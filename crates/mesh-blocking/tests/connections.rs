//! What goes over a connection, and what becomes of it.

#![allow(
    clippy::unwrap_used,
    reason = "a test runs servers, and fails by panicking"
)]

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mesh_blocking::{ChatRequest, Client, Endpoint, Error, Image, Outcome, Settings};
use mesh_conformance::{Act, Exchange, Framing, ScriptedServer, head, stream_head};
use mesh_proto::call::Failure;
use mesh_proto::call::{Deadline, FaultKind};

const EVENT: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\n";
const STREAM: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\ndata: [DONE]\n\n";
const REPLY: &str = r#"{"choices":[{"message":{"content":"hi"}}]}"#;

fn client(base_url: &str) -> Client {
    let builder = Client::builder().key("rsk_1").base_url(base_url);
    builder.build().unwrap()
}

/// A request that waits for the go-ahead.
fn upload() -> ChatRequest {
    let image = [&b"\x89PNG\r\n\x1a\n"[..], &vec![0; 2 << 20]].concat();
    ChatRequest::new("m").user(("look", Image::from_bytes(image).unwrap()))
}

fn streamed(client: &Client) -> String {
    let request = ChatRequest::new("m").user("hello");
    let mut stream = client.chat().completions().stream(&request).unwrap();
    stream.finish().unwrap().text().into_owned()
}

#[test]
fn a_stream_leaves_its_connection_to_the_next_call() {
    let body = format!("{:x}\r\n{STREAM}\r\n0\r\n\r\n", STREAM.len());
    let server = ScriptedServer::start([Exchange::new([stream_head(), Act::Raw(body.into())])]);
    let client = client(&server.base_url());
    for _ in 0..3 {
        assert_eq!(streamed(&client), "hi");
        assert_eq!(server.next().connection, 0);
    }
}

#[test]
fn a_stream_that_does_not_end_after_its_end_mark_is_not_waited_for() {
    let server = ScriptedServer::start([
        Exchange::stream([Act::Data(STREAM.into()), Act::Stall]),
        Exchange::events([STREAM]),
    ]);
    let client = client(&server.base_url());
    assert_eq!(streamed(&client), "hi");
    assert_eq!(server.ended(), 0);
    assert_eq!(streamed(&client), "hi");
    let connections = [server.next(), server.next()].map(|received| received.connection);
    assert_eq!(connections, [0, 1]);
}

#[test]
fn refused_expectation_is_sent_again_without_it() {
    // Whether the server looks at the body first or not.
    for read in [0, u64::MAX] {
        let refusal = Exchange::answer_with(417, &[("connection", "close")], "no expectations");
        let refusal = if read == 0 {
            refusal.reading(0)
        } else {
            refusal
        };
        let server = ScriptedServer::start([
            refusal.with_interim("").then(Act::Close),
            Exchange::answer(200, REPLY),
        ]);
        let attempts = Arc::new(AtomicUsize::new(0));
        let settings = Settings::default().with_observer({
            let attempts = attempts.clone();
            move |_| {
                attempts.fetch_add(1, Ordering::Relaxed);
            }
        });
        let builder = Client::builder().key("rsk_1").base_url(server.base_url());
        let client = builder.settings(settings).build().unwrap();
        let reply = client.chat().completions().create(&upload()).unwrap();
        assert_eq!(reply.text(), "hi");
        assert_eq!(attempts.load(Ordering::Relaxed), 1);
        let (first, second) = (server.next(), server.next());
        assert_eq!(first.header("expect"), Some("100-continue"));
        assert_eq!(second.header("expect"), None);
        let length = second.body.len().to_string();
        assert_eq!(second.header("content-length"), Some(length.as_str()));
        assert!(server.rest().is_empty());
    }
}

#[test]
fn second_response_decides_after_a_refused_expectation() {
    let server = ScriptedServer::start([
        Exchange::answer(417, "no").reading(0).then(Act::Close),
        Exchange::answer(417, "no"),
        Exchange::answer(200, REPLY),
    ]);
    let error = client(&server.base_url())
        .chat()
        .completions()
        .create(&upload());
    let Err(Error::Call(error)) = error else {
        unreachable!("{error:?}")
    };
    assert_eq!(error.status().map(|status| status.as_u16()), Some(417));
    assert_eq!(error.attempts(), 1);
    assert_eq!(server.rest().len(), 2);
}

#[test]
fn trailers_that_never_end_leave_the_reply() {
    let body = format!("{:x}\r\n{REPLY}\r\n0\r\n", REPLY.len());
    for trailers in ["", "x: y\r\n", "x: y", "\r", "x\rx\r\n"] {
        let server = ScriptedServer::start([Exchange::new([
            head(200, &[], Framing::Chunked),
            Act::Raw(body.clone().into()),
            Act::Raw(trailers.into()),
            Act::Stall,
        ])]);
        let mut settings = Settings::default();
        settings.deadlines.idle = Duration::from_millis(200);
        let builder = Client::builder().key("rsk_1").base_url(server.base_url());
        let client = builder.settings(settings).build().unwrap();
        let request = ChatRequest::new("m").user("hello");
        let reply = client.chat().completions().create(&request).unwrap();
        assert_eq!(reply.text(), "hi");
        assert_eq!(server.ended(), 0);
    }
}

#[test]
fn body_without_its_last_chunk_is_lost() {
    for last in ["", "0", "0\r", "\r\n", "5\r\n"] {
        let body = format!("{:x}\r\n{REPLY}\r\n{last}", REPLY.len());
        let server = ScriptedServer::start([Exchange::new([
            head(200, &[], Framing::Chunked),
            Act::Raw(body.into()),
            Act::Close,
        ])]);
        let request = ChatRequest::new("m").user("hello");
        let result = client(&server.base_url())
            .chat()
            .completions()
            .create(&request);
        let Err(Error::Call(error)) = result else {
            unreachable!("{last:?}: {result:?}")
        };
        assert!(
            matches!(error.failure(), Failure::Fault(fault)
                if [FaultKind::Lost, FaultKind::BadResponse].contains(&fault.kind)),
            "{last:?}: {error:?}"
        );
        assert_eq!(error.outcome(), Outcome::Unknown);
    }
}

#[test]
fn chunk_sizes_that_drip_in_are_no_sign_of_life() {
    // More of a chunk's line every 50 ms, for longer than the limit.
    let dripping =
        (0..100).flat_map(|_| [Act::Raw("0".into()), Act::Pause(Duration::from_millis(50))]);
    let acts = [
        stream_head(),
        Act::Raw(format!("{:x}\r\n{EVENT}\r\n", EVENT.len()).into()),
    ];
    let server = ScriptedServer::start([Exchange::new(acts.into_iter().chain(dripping))]);
    let mut settings = Settings::default();
    settings.deadlines.idle = Duration::from_millis(300);
    let builder = Client::builder().key("rsk_1").base_url(server.base_url());
    let client = builder.settings(settings).build().unwrap();
    let request = ChatRequest::new("m").user("hello");
    let mut stream = client.chat().completions().stream(&request).unwrap();
    let Err(Error::Call(error)) = stream.finish() else {
        unreachable!("a stream that has not ended")
    };
    assert!(
        matches!(error.failure(), Failure::Deadline(Deadline::Idle(_))),
        "{error:?}"
    );
}

#[test]
fn a_request_of_any_size_comes_as_it_is() {
    let server = ScriptedServer::start([Exchange::answer(200, REPLY)]);
    let client = client(&server.base_url());
    // Around what ureq sends at once, 128 KiB, in base64 and with the head before it.
    for size in [1_000, 97_500, 97_900, 98_300, 150_000, 400_000, 1_000_000] {
        let mut photo = b"\x89PNG\r\n\x1a\n".to_vec();
        photo.extend((0..size).map(|at: u32| at.to_le_bytes()[0] ^ at.to_le_bytes()[1]));
        let photo = Image::from_bytes(photo).unwrap();
        let request = ChatRequest::new("m").user(("What is it?", photo));
        client.chat().completions().create(&request).unwrap();

        let mut whole = Vec::new();
        let sent = request.request(client.target()).unwrap().into_body();
        sent.reader().read_to_end(&mut whole).unwrap();
        assert!(server.next().body == whole, "{size}");
    }
}
