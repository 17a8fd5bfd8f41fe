//! What a user relies on over real sockets, through every driver.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test has sockets and threads, and says when it fails"
)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use mesh_conformance::{
    Act, Async, Blocking, Case, Driver, Gate, ScriptedServer, chunk, response, sse_head,
};
use mesh_proto::call::{Deadline, FaultKind, RetryPolicy, Settings};
use mesh_proto::error::{CallError, DecodeError, Failure};
use mesh_proto::image::{GeneratedImage, Image};
use mesh_proto::{ApiKey, BaseUrl, ChatRequest, Error, Outcome, Target};

const REPLY: &str = r#"{"choices":[{"message":{"content":"hi"}}]}"#;
/// Long enough for a busy machine to get as far as the scenario has it, and short enough to wait for.
const LIMIT: Duration = Duration::from_millis(500);
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

fn delta(text: &str) -> Act {
    chunk(&format!(
        "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n"
    ))
}

fn done() -> Act {
    chunk("data: [DONE]\n\n")
}

fn ok() -> Vec<Act> {
    vec![response(200, "x-request-id: req_1\r\n", REPLY)]
}

fn chat() -> ChatRequest {
    ChatRequest::new("m").user("hello")
}

fn case(server: &ScriptedServer) -> Case {
    let mut settings = Settings::default();
    settings.retry.base = Duration::from_millis(1);
    let target = Target::new(
        BaseUrl::new(server.base_url()).unwrap(),
        ApiKey::new("rsk_canary").unwrap(),
    );
    Case { target, settings }
}

fn call_error(error: Error) -> CallError {
    match error {
        Error::Call(error) => error,
        other => panic!("{other:?}"),
    }
}

fn a_reply_carries_its_head<D: Driver>() {
    let server = ScriptedServer::start([ok()]);
    let answer = D::new(&case(&server)).create(&chat()).unwrap();
    assert_eq!(
        (answer.text().as_ref(), answer.head.request_id()),
        ("hi", Some("req_1"))
    );
    let request = server.next();
    assert_eq!(request.line, "POST /v1/chat/completions HTTP/1.1");
    for (name, value) in [
        ("authorization", "Bearer rsk_canary"),
        ("content-type", "application/json"),
        ("accept-encoding", "identity"),
        ("accept", "application/json"),
    ] {
        assert_eq!(request.header(name), Some(value));
    }
    assert_eq!(
        request
            .headers
            .iter()
            .filter(|(name, _)| name == "user-agent")
            .count(),
        1
    );
    assert_eq!(
        request.header("content-length"),
        Some(request.body.len().to_string().as_str())
    );
}

fn events_are_shown_as_they_come<D: Driver>() {
    let gate = Gate::new();
    let server = ScriptedServer::start([vec![
        sse_head(),
        delta("one"),
        Act::Await(gate.clone()),
        delta("two"),
        done(),
    ]]);
    let streamed = D::new(&case(&server)).stream(&chat(), &mut |_| gate.open());
    assert_eq!(streamed.texts, ["one", "two"]);
    let reply = streamed.result.unwrap();
    assert_eq!(
        (reply.text().as_ref(), reply.head.request_id()),
        ("onetwo", Some("req_1"))
    );
}

fn a_stream_that_is_cut_keeps_what_came<D: Driver>() {
    for cut in [vec![], vec![Act::Send(b"40\r\ndata: {\"choi".to_vec())]] {
        let server =
            ScriptedServer::start([
                [vec![sse_head(), delta("one")], cut, vec![Act::Close]].concat()
            ]);
        let streamed = D::new(&case(&server)).stream(&chat(), &mut |_| {});
        let error = call_error(streamed.result.unwrap_err());
        assert_eq!(
            (error.outcome(), error.attempts(), error.request_id()),
            (Outcome::Delivered, 1, Some("req_1"))
        );
        assert!(
            matches!(error.failure(), Failure::Fault(fault) if fault.kind == FaultKind::Lost),
            "{error:?}"
        );
        assert_eq!(streamed.partial.unwrap().text(), "one");
        assert_eq!(server.rest().len(), 1);
    }
}

fn a_stream_without_its_end_mark_is_truncated<D: Driver>() {
    let server = ScriptedServer::start([vec![
        sse_head(),
        delta("one"),
        Act::Send(b"0\r\n\r\n".to_vec()),
    ]]);
    let streamed = D::new(&case(&server)).stream(&chat(), &mut |_| {});
    let error = call_error(streamed.result.unwrap_err());
    assert_eq!(*error.failure(), Failure::Decode(DecodeError::Truncated));
    assert_eq!(streamed.partial.unwrap().text(), "one");
}

fn a_connection_lost_before_the_head_repeats_only_a_read<D: Driver>() {
    let server = ScriptedServer::start([vec![Act::Close]]);
    let error = call_error(D::new(&case(&server)).create(&chat()).unwrap_err());
    assert_eq!((error.outcome(), error.attempts()), (Outcome::Unknown, 1));
    assert_eq!(server.rest().len(), 1);

    let server =
        ScriptedServer::start([vec![Act::Close], vec![response(200, "", r#"[{"id":"a"}]"#)]]);
    assert_eq!(D::new(&case(&server)).list().unwrap().models.len(), 1);
    assert_eq!(server.rest().len(), 2);
}

fn a_gateway_that_sheds_load_is_asked_again<D: Driver>() {
    let server = ScriptedServer::start([
        vec![response(503, "", "{}")],
        vec![response(429, "retry-after: 0\r\n", "{}")],
        ok(),
    ]);
    let told = Arc::new(Mutex::new(Vec::new()));
    let mut case = case(&server);
    let sink = told.clone();
    case.settings = case.settings.with_observer(move |attempt| {
        sink.lock()
            .unwrap()
            .push(attempt.status.map(|it| it.as_u16()));
    });
    assert_eq!(D::new(&case).create(&chat()).unwrap().text(), "hi");
    assert_eq!(*told.lock().unwrap(), [Some(503), Some(429), Some(200)]);
    let bodies: Vec<_> = server
        .rest()
        .into_iter()
        .map(|request| request.body)
        .collect();
    assert!(bodies.len() == 3 && bodies.iter().all(|body| *body == bodies[0]));
}

fn nobody_there_is_not_sent<D: Driver>() {
    let unused = {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.local_addr().unwrap()
    };
    let server = ScriptedServer::start([ok()]);
    let mut case = case(&server);
    case.target = Target::new(
        BaseUrl::new(format!("http://{unused}")).unwrap(),
        ApiKey::new("rsk_canary").unwrap(),
    );
    let error = call_error(D::new(&case).create(&chat()).unwrap_err());
    assert_eq!((error.outcome(), error.attempts()), (Outcome::NotSent, 3));
    assert!(
        matches!(error.failure(), Failure::Fault(fault) if fault.kind == FaultKind::Connect),
        "{error:?}"
    );
    let first = std::error::Error::source(&error);
    let causes = std::iter::successors(first, |cause| cause.source());
    let chain: Vec<String> = causes.map(ToString::to_string).collect();
    let chain = chain.join(": ");
    assert!(chain.to_lowercase().contains("refused"), "{chain}");
}

fn a_name_without_an_address_is_not_sent<D: Driver>() {
    let server = ScriptedServer::start([ok()]);
    let mut case = case(&server);
    // Reserved for names that are none (RFC 6761, section 6.4).
    let base = BaseUrl::over_plain_http("http://nobody.invalid").unwrap();
    case.target = Target::new(base, ApiKey::new("rsk_canary").unwrap());
    let driver = D::new(&case);
    for error in [
        driver.create(&chat()).unwrap_err(),
        driver.list().unwrap_err(),
    ] {
        let error = call_error(error);
        assert!(
            matches!(error.failure(), Failure::Fault(fault) if fault.kind == FaultKind::Connect),
            "{error:?}"
        );
        assert_eq!((error.outcome(), error.attempts()), (Outcome::NotSent, 3));
    }
}

fn a_wrong_key_is_refused_and_not_shown<D: Driver>() {
    let body = r#"{"error":{"code":"unauthorized","message":"rsk_canary is not a key"},"request_id":"req_2"}"#;
    let server = ScriptedServer::start([vec![response(401, "", body)]]);
    let error = call_error(D::new(&case(&server)).create(&chat()).unwrap_err());
    assert_eq!(
        (error.outcome(), error.request_id()),
        (Outcome::Refused, Some("req_2"))
    );
    assert_eq!(error.api().unwrap().message, "[key] is not a key");
    assert!(!format!("{error} {error:?}").contains("canary"));
}

fn a_redirect_is_not_followed<D: Driver>() {
    let elsewhere = ScriptedServer::start([ok()]);
    let location = format!("location: {}/v1\r\n", elsewhere.base_url());
    for status in [301, 302, 303, 307, 308] {
        let server = ScriptedServer::start([vec![response(status, &location, "")]]);
        let error = call_error(D::new(&case(&server)).create(&chat()).unwrap_err());
        assert!(
            matches!(error.failure(), Failure::Redirect { .. }),
            "{error:?}"
        );
        let error = call_error(D::new(&case(&server)).list().unwrap_err());
        assert!(
            matches!(error.failure(), Failure::Redirect { .. }),
            "{error:?}"
        );
    }
    assert!(elsewhere.rest().is_empty());
}

fn a_large_picture_goes_out_with_its_exact_length<D: Driver>() {
    use base64::Engine as _;

    let mut picture = PNG.to_vec();
    picture
        .extend((0..20 << 20).map(|index: u32| index.wrapping_mul(2_654_435_761).to_be_bytes()[0]));
    let server = ScriptedServer::start([ok()]);
    let request = ChatRequest::new("m").user(("look", Image::from_bytes(picture.clone()).unwrap()));
    D::new(&case(&server)).create(&request).unwrap();
    let received = server.next();
    assert_eq!(received.header("transfer-encoding"), None);
    assert_eq!(
        received.header("content-length"),
        Some(received.body.len().to_string().as_str())
    );
    let text = std::str::from_utf8(&received.body).unwrap();
    let encoded = text
        .split_once("base64,")
        .unwrap()
        .1
        .split_once('"')
        .unwrap()
        .0;
    assert!(
        base64::engine::general_purpose::STANDARD
            .decode(encoded)
            .unwrap()
            == picture
    );
}

fn refused_while_uploading<D: Driver>(end: Act) -> CallError {
    let picture = [PNG, &vec![0; 20 << 20]].concat();
    let refusal = response(413, "connection: close\r\n", "<html>too large");
    let server = ScriptedServer::start([vec![Act::IgnoreBody, refusal, end]]);
    let request = ChatRequest::new("m").user(("look", Image::from_bytes(picture).unwrap()));
    let mut case = case(&server);
    case.settings.retry = RetryPolicy::never();
    call_error(D::new(&case).create(&request).unwrap_err())
}

fn a_refusal_while_uploading_is_told<D: Driver>() {
    let error = refused_while_uploading::<D>(Act::Close);
    // Who does not wait for the go-ahead may find the connection closed before it reads the refusal.
    match error.status() {
        Some(status) => assert_eq!((status.as_u16(), error.outcome()), (413, Outcome::Refused)),
        None => assert_eq!(error.outcome(), Outcome::NotSent, "{error:?}"),
    }
}

#[test]
fn who_waits_for_the_go_ahead_hears_an_early_refusal() {
    // Whether the server hangs up or keeps the connection.
    for end in [Act::Close, Act::AwaitHangUp] {
        let error = refused_while_uploading::<Blocking>(end);
        assert_eq!(
            error.status().map(|status| status.as_u16()),
            Some(413),
            "{error:?}"
        );
        assert_eq!((error.outcome(), error.attempts()), (Outcome::Refused, 1));
    }
}

fn connections_are_kept<D: Driver>() {
    let server = ScriptedServer::start([ok()]);
    let driver = D::new(&case(&server));
    for _ in 0..10 {
        driver.create(&chat()).unwrap();
    }
    // A thread of its own may give a connection back a moment after the reply is out.
    let most = server
        .rest()
        .iter()
        .map(|request| request.connection)
        .max()
        .unwrap();
    assert!(most <= 1, "{} connections for 10 calls", most + 1);
}

fn a_connection_that_died_is_replaced<D: Driver>() {
    let server = ScriptedServer::start([[ok(), vec![Act::CloseAndReport]].concat(), ok()]);
    let driver = D::new(&case(&server));
    driver.create(&chat()).unwrap();
    let closed = [server.next(), server.next()].map(|request| request.connection);
    driver.rest();
    driver.create(&chat()).unwrap();
    assert_eq!((closed, server.next().connection), ([0, 0], 1));
}

fn an_encoding_that_nobody_asked_for_is_told<D: Driver>() {
    let server =
        ScriptedServer::start([vec![response(200, "content-encoding: gzip\r\n", "\u{1f}x")]]);
    let error = call_error(D::new(&case(&server)).create(&chat()).unwrap_err());
    assert_eq!(
        *error.failure(),
        Failure::Decode(DecodeError::Encoding("gzip".to_owned()))
    );
}

fn a_silent_gateway_meets_the_total_limit<D: Driver>() {
    let gate = Gate::new();
    let server = ScriptedServer::start([vec![Act::Await(gate.clone())]]);
    let mut case = case(&server);
    case.settings.deadlines.total = Some(LIMIT);
    let error = call_error(D::new(&case).create(&chat()).unwrap_err());
    assert_eq!(
        *error.failure(),
        Failure::Deadline(Deadline::Total(LIMIT)),
        "{error:?}"
    );
    assert_eq!(error.outcome(), Outcome::Unknown);
    gate.open();
}

fn the_head_may_take_longer_than_the_pause_between_pieces<D: Driver>() {
    // The second request's head comes only when the first call, which has the same limits, has
    // stood still for longer than a piece may take.
    let gate = Gate::new();
    let stalled = ScriptedServer::start([vec![sse_head(), delta("one"), Act::Await(Gate::new())]]);
    let slow = ScriptedServer::start([vec![Act::Await(gate.clone()), response(200, "", REPLY)]]);
    let limited = |server: &ScriptedServer| {
        let mut case = case(server);
        case.settings.deadlines.idle = Duration::from_millis(200);
        case
    };
    let slow_case = limited(&slow);
    let waiting = std::thread::spawn(move || {
        D::new(&slow_case)
            .create(&chat())
            .map(|reply| reply.text().into_owned())
    });
    slow.next();
    D::new(&limited(&stalled))
        .stream(&chat(), &mut |_| {})
        .result
        .unwrap_err();
    gate.open();
    assert_eq!(waiting.join().unwrap().unwrap(), "hi");
}

fn a_stream_that_stands_still_meets_the_idle_limit<D: Driver>() {
    let gate = Gate::new();
    let server = ScriptedServer::start([vec![sse_head(), delta("one"), Act::Await(gate.clone())]]);
    let mut case = case(&server);
    case.settings.deadlines.idle = LIMIT;
    let streamed = D::new(&case).stream(&chat(), &mut |_| {});
    let error = call_error(streamed.result.unwrap_err());
    assert_eq!(
        *error.failure(),
        Failure::Deadline(Deadline::Idle(LIMIT)),
        "{error:?}"
    );
    assert_eq!(streamed.partial.unwrap().text(), "one");
    gate.open();
}

fn a_picture_is_fetched_without_the_key<D: Driver>() {
    let body = "\u{0}not a picture\u{0}";
    let redirect = response(302, "location: /moved.png\r\n", "");
    let server = ScriptedServer::start([
        vec![redirect],
        vec![response(200, "content-type: image/x-new\r\n", body)],
    ]);
    let driver = D::new(&case(&server));
    let image = GeneratedImage::from_url(format!("{}/a.png", server.base_url()))
        .with_revised_prompt(Some("p".to_owned()));
    let fetched = driver.download(&image).unwrap();
    assert_eq!(fetched.bytes().unwrap(), body.as_bytes());
    assert_eq!(fetched.media_type().unwrap().0.as_str(), "image/x-new");
    assert_eq!(fetched.revised_prompt(), Some("p"));
    let requests = server.rest();
    assert_eq!(
        requests
            .iter()
            .map(|request| request.line.as_str())
            .collect::<Vec<_>>(),
        ["GET /a.png HTTP/1.1", "GET /moved.png HTTP/1.1"]
    );
    assert!(
        requests
            .iter()
            .all(|request| !format!("{request:?}").contains("canary"))
    );
}

fn a_picture_is_not_fetched_from_a_private_place<D: Driver>() {
    let private = ScriptedServer::start([ok()]);
    let elsewhere = format!("http://127.0.0.1:{}/a.png", private.port());
    let redirect = format!("location: {elsewhere}\r\n");
    let server = ScriptedServer::start([vec![response(302, &redirect, "")]]);
    let driver = D::new(&case(&server));
    for url in [
        elsewhere,
        format!("https://localhost:{}/", private.port()),
        format!("{}/b.png", server.base_url()),
    ] {
        let error = driver.download(&GeneratedImage::from_url(url)).unwrap_err();
        assert!(matches!(error, Error::Build(_)), "{error:?}");
    }
    assert!(private.rest().is_empty());
}

fn an_abandoned_stream_closes_its_connection<D: Driver>() {
    let server = ScriptedServer::start([vec![sse_head(), delta("one"), Act::AwaitHangUp]]);
    let driver = D::new(&case(&server));
    driver.abandon(&chat(), server);
}

macro_rules! through_every_driver {
    ($($scenario:ident,)*) => {
        mod blocking {
            $(#[test] fn $scenario() { super::$scenario::<super::Blocking>(); })*
        }
        mod async_current_thread {
            $(#[test] fn $scenario() { super::$scenario::<super::Async<1>>(); })*
        }
        mod async_multi_thread {
            $(#[test] fn $scenario() { super::$scenario::<super::Async<2>>(); })*
        }
    };
}

through_every_driver! {
    a_reply_carries_its_head,
    events_are_shown_as_they_come,
    a_stream_that_is_cut_keeps_what_came,
    a_stream_without_its_end_mark_is_truncated,
    a_connection_lost_before_the_head_repeats_only_a_read,
    a_gateway_that_sheds_load_is_asked_again,
    nobody_there_is_not_sent,
    a_name_without_an_address_is_not_sent,
    a_wrong_key_is_refused_and_not_shown,
    a_redirect_is_not_followed,
    a_large_picture_goes_out_with_its_exact_length,
    a_refusal_while_uploading_is_told,
    connections_are_kept,
    a_connection_that_died_is_replaced,
    an_encoding_that_nobody_asked_for_is_told,
    a_silent_gateway_meets_the_total_limit,
    the_head_may_take_longer_than_the_pause_between_pieces,
    a_stream_that_stands_still_meets_the_idle_limit,
    a_picture_is_fetched_without_the_key,
    a_picture_is_not_fetched_from_a_private_place,
    an_abandoned_stream_closes_its_connection,
}
