//! Calls on scripts, in virtual time.

use std::sync::{Arc, Mutex};

use http::response;
use proptest::prelude::*;

use super::*;
use crate::chat::{ChatReply, ChatRequest};
use crate::endpoint::{ChatStream, ListModels, Replay};
use crate::error::{DecodeError, ErrorCode, Outcome};
use crate::target::BaseUrl;

/// What a server and a network do in one exchange, step by step.
#[derive(Clone, Debug)]
enum Act {
    Stage(Stage),
    Head(u16, Vec<(&'static str, String)>),
    Data(String),
    End,
    Fault(FaultKind, Sent),
    Pass(Duration),
}

fn head(status: u16) -> Act {
    Act::Head(status, vec![("x-request-id", "req_1".to_owned())])
}

fn data(text: &str) -> Act {
    Act::Data(text.to_owned())
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
                Some(Act::Data(text)) => incoming.data(text.as_bytes()),
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

#[test]
fn what_is_repeated_and_what_a_failure_may_have_cost() {
    use FaultKind::{Connect, Lost, Other, TimedOut};
    use Outcome::{Delivered, NotSent, Refused, Unknown};

    // What happens; attempts of a read; attempts of a generation; outcome.
    let rows: &[(Vec<Act>, u32, u32, Outcome)] = &[
        (vec![Act::Fault(Connect, Sent::Whole)], 3, 3, NotSent),
        (vec![Act::Fault(Lost, Sent::Whole)], 3, 1, Unknown),
        (vec![Act::Fault(Lost, Sent::Part)], 3, 3, NotSent),
        (vec![Act::Fault(Lost, Sent::Nothing)], 3, 3, NotSent),
        (vec![Act::Fault(TimedOut, Sent::Whole)], 3, 1, Unknown),
        (vec![Act::Fault(Other, Sent::Whole)], 3, 1, Unknown),
        (vec![Act::Stage(Stage::Connecting)], 3, 3, NotSent),
        (
            // A stage may be outdated by the time of the fault, whose word counts.
            vec![Act::Stage(Stage::Connecting), Act::Fault(Lost, Sent::Whole)],
            3,
            1,
            Unknown,
        ),
        (vec![Act::Stage(Stage::Connected)], 3, 1, Unknown),
        (vec![], 3, 1, Unknown),
        (vec![head(200)], 3, 1, Unknown),
        (
            vec![head(200), data("{"), Act::Fault(Lost, Sent::Whole)],
            3,
            1,
            Unknown,
        ),
        (whole(200, "{"), 1, 1, Delivered),
        (whole(200, "<html>"), 1, 1, Delivered),
        (whole(200, ""), 1, 1, Delivered),
        (error(200, "upstream_error"), 1, 1, Unknown),
        (error(200, "rate_limit_exceeded"), 1, 1, Refused),
        (error(400, "invalid_request"), 1, 1, Refused),
        (error(401, "unauthorized"), 1, 1, Refused),
        (error(402, "insufficient_credits"), 1, 1, Refused),
        (error(404, "model_not_found"), 1, 1, Refused),
        (error(408, "unheard_of"), 3, 1, Refused),
        (error(422, "validation_error"), 1, 1, Refused),
        (error(429, "rate_limit_exceeded"), 3, 3, Refused),
        (error(429, "batch_limit_exceeded"), 1, 1, Refused),
        (error(429, "insufficient_quota"), 1, 1, Refused),
        (error(429, "spend_limit_exceeded"), 1, 1, Refused),
        (error(500, "internal_error"), 3, 1, Unknown),
        (error(500, "provider_job_failed"), 1, 1, Unknown),
        (error(501, "not_implemented"), 1, 1, Unknown),
        (error(502, "upstream_error"), 3, 1, Unknown),
        (error(503, "provider_not_available"), 3, 3, Refused),
        (error(503, "provider_job_failed"), 1, 1, Refused),
        (error(504, "gateway_timeout"), 3, 1, Unknown),
        (whole(413, "<html>"), 1, 1, Refused),
        (
            vec![head(503), Act::Fault(Lost, Sent::Whole)],
            3,
            3,
            Refused,
        ),
        (vec![head(302)], 1, 1, Refused),
    ];
    for (exchange, read, generation, outcome) in rows {
        assert_eq!(
            fate(ListModels::new(), exchange.clone()),
            (*read, Some(*outcome)),
            "{exchange:?}"
        );
        assert_eq!(
            fate(chat(), exchange.clone()),
            (*generation, Some(*outcome)),
            "{exchange:?}"
        );
        assert_eq!(
            fate(stream(), exchange.clone()).0,
            *generation,
            "{exchange:?}"
        );
    }
}

#[test]
fn a_bad_gateway_is_repeated_only_when_the_caller_says_so() {
    let mut settings = Settings::default();
    settings.retry.bad_gateway = BadGateway::Retry;
    for status in [502, 504] {
        let run = run(
            chat(),
            &settings,
            &[error(status, "upstream_error"), whole(200, REPLY)],
        );
        assert_eq!(run.result.unwrap().text(), "hi");
        assert_eq!(run.began.len(), 2);
    }
}

#[test]
fn nothing_is_repeated_after_the_first_event() {
    let after_event = |mut acts: Vec<Act>| {
        acts.insert(0, head(200));
        acts.insert(1, data(CHUNK));
        run(stream(), &Settings::default(), &[acts])
    };
    for acts in [
        vec![Act::Fault(FaultKind::Connect, Sent::Nothing)],
        vec![Act::Fault(FaultKind::Lost, Sent::Whole)],
        vec![Act::End],
        vec![],
        vec![data(
            "data: {\"error\":{\"code\":\"rate_limit_exceeded\",\"message\":\"m\"}}\n\n",
        )],
        vec![data("data: not json\n\n")],
        vec![data("data: {\"cut"), Act::End],
    ] {
        let run = after_event(acts.clone());
        let error = run.result.unwrap_err();
        assert_eq!((error.attempts(), run.events.len()), (1, 1), "{acts:?}");
        assert_eq!(error.outcome(), Outcome::Delivered, "{acts:?}");
        assert_eq!(run.partial.unwrap().text(), "hi", "{acts:?}");
    }
}

#[test]
fn an_end_without_its_mark_is_truncated_and_keeps_what_came() {
    for tail in ["", "data: {\"choices\":[{\"del", "data: [DON", ": ping\n\n"] {
        let run = run(
            stream(),
            &Settings::default(),
            &[vec![head(200), data(CHUNK), data(tail), Act::End]],
        );
        let error = run.result.unwrap_err();
        assert_eq!(
            *error.failure(),
            Failure::Decode(DecodeError::Truncated),
            "{tail:?}"
        );
        assert_eq!(
            (error.outcome(), error.request_id()),
            (Outcome::Delivered, Some("req_1"))
        );
        assert_eq!(run.partial.unwrap().text(), "hi");
    }
    // The end mark itself may lack its blank line.
    let run = run(
        stream(),
        &Settings::default(),
        &[vec![head(200), data(CHUNK), data("data: [DONE]"), Act::End]],
    );
    assert_eq!(run.result.unwrap().text(), "hi");
}

#[test]
fn the_end_mark_ends_the_call_whatever_follows() {
    let acts = vec![head(200), data(&format!("{CHUNK}{DONE}data: garbage"))];
    let run = run(stream(), &Settings::default(), &[acts]);
    assert_eq!(run.result.unwrap().text(), "hi");
    assert_eq!(run.at, run.began[0], "nothing was waited for");
}

#[test]
fn back_off_lies_under_its_ceiling_and_over_the_hint() {
    let hinted = |hint: &str| {
        vec![
            Act::Head(429, vec![("retry-after", hint.to_owned())]),
            data(r#"{"error":{"message":"m"}}"#),
            Act::End,
        ]
    };
    let waits = run(
        chat(),
        &Settings::default(),
        &[error(503, "provider_not_available")],
    )
    .waits;
    assert_eq!(waits.len(), 2);
    assert!(
        waits[0] <= Duration::from_millis(500) && waits[1] <= seconds(1),
        "{waits:?}"
    );
    let waits = run(
        chat(),
        &Settings::default(),
        &[hinted("9"), whole(200, REPLY)],
    )
    .waits;
    assert!(
        waits[0] >= seconds(9) && waits[0] <= seconds(9) + Duration::from_millis(500),
        "{waits:?}"
    );

    let too_long = run(chat(), &Settings::default(), &[hinted("61")]);
    let error = too_long.result.unwrap_err();
    assert_eq!(
        (error.attempts(), error.retry_after()),
        (1, Some(seconds(61)))
    );
    assert_eq!(too_long.at, too_long.began[0], "it failed at once");

    let mut settings = Settings::default();
    settings.deadlines.total = Some(seconds(5));
    let beyond_total = run(chat(), &settings, &[hinted("5")]);
    assert_eq!(
        beyond_total
            .result
            .unwrap_err()
            .api()
            .unwrap()
            .status
            .as_u16(),
        429
    );
    assert_eq!(beyond_total.at, beyond_total.began[0], "it failed at once");
}

#[test]
fn the_same_seed_takes_the_same_steps() {
    let waits = || run(chat(), &Settings::default(), &[error(503, "x")]).waits;
    assert_eq!(waits(), waits());
}

#[test]
fn deadlines_are_noticed_in_every_phase() {
    let limits = |exchange: Vec<Act>| {
        let settings = Settings {
            retry: RetryPolicy::never(),
            ..Settings::default()
        };
        let run = run(stream(), &settings, &[exchange]);
        let Failure::Deadline(deadline) = *run.result.unwrap_err().failure() else {
            panic!("no deadline")
        };
        (deadline, run.at.since(run.began[0]))
    };
    let pass = |time| Act::Pass(seconds(time));
    assert_eq!(limits(vec![]), (Deadline::Head(seconds(330)), seconds(330)));
    assert_eq!(
        limits(vec![Act::Stage(Stage::Connecting)]),
        (Deadline::Connect(seconds(10)), seconds(10))
    );
    let sent = vec![
        Act::Stage(Stage::Connecting),
        pass(9),
        Act::Stage(Stage::Connected),
        pass(100),
        Act::Stage(Stage::BodySent),
    ];
    assert_eq!(
        limits(sent),
        (Deadline::Head(seconds(330)), seconds(9 + 100 + 330))
    );
    let idle = vec![
        head(200),
        pass(299),
        data(": ping\n\n"),
        pass(299),
        data(CHUNK),
    ];
    assert_eq!(
        limits(idle),
        (Deadline::Idle(seconds(300)), seconds(299 + 299 + 300))
    );
}

#[test]
fn the_callers_own_time_is_not_the_gateways_silence() {
    let mut now = Moment::ORIGIN;
    let mut call = Call::new(stream(), &target(), &Settings::default(), now, 0).unwrap();
    // The first poll begins the call, however late it is.
    now = now.plus(seconds(1000));
    let Step::Send(outgoing) = call.poll(now) else {
        panic!()
    };
    outgoing.head(parts(200, &[]));
    for _ in 0..3 {
        let Step::Receive(incoming) = call.poll(now) else {
            panic!()
        };
        incoming.data(CHUNK.as_bytes());
        assert!(matches!(call.poll(now), Step::Event(_)));
        now = now.plus(seconds(1000));
    }
    let Step::Receive(incoming) = call.poll(now) else {
        panic!()
    };
    incoming.data(DONE.as_bytes());
    assert!(matches!(call.poll(now), Step::Done(Ok(_))));
}

#[test]
fn a_limit_beyond_all_time_is_no_limit() {
    let mut settings = Settings::default();
    settings.deadlines.idle = Duration::MAX;
    settings.deadlines.head = Some(Duration::MAX);
    settings.deadlines.total = Some(Duration::MAX);
    let exchange = vec![
        Act::Pass(seconds(1 << 40)),
        head(200),
        Act::Pass(seconds(1 << 40)),
        data(REPLY),
        Act::End,
    ];
    assert!(run(chat(), &settings, &[exchange]).result.is_ok());
}

#[test]
fn the_head_may_take_as_long_as_the_request_says_and_a_little_more() {
    let mut request = chat();
    request.timeout = Some(600.0);
    let error = run(request, &Settings::default(), &[vec![]])
        .result
        .unwrap_err();
    assert_eq!(
        *error.failure(),
        Failure::Deadline(Deadline::Head(seconds(630)))
    );
}

#[test]
fn the_total_limit_counts_waits_and_spares_what_has_arrived() {
    let mut settings = Settings::default();
    settings.deadlines.total = Some(seconds(60));
    let stalled = run(stream(), &settings, &[vec![head(200), data(CHUNK)]]);
    let error = stalled.result.unwrap_err();
    assert_eq!(
        *error.failure(),
        Failure::Deadline(Deadline::Total(seconds(60)))
    );
    assert_eq!((error.attempts(), error.outcome()), (1, Outcome::Delivered));

    let late = vec![
        head(200),
        Act::Pass(seconds(59)),
        data(CHUNK),
        data(&format!("{CHUNK}{DONE}")),
    ];
    assert_eq!(
        run(stream(), &settings, &[late]).result.unwrap().text(),
        "hihi"
    );

    // The last bytes come in the very read that outlasts the limit.
    let mut call = Call::new(stream(), &target(), &settings, Moment::ORIGIN, 0).unwrap();
    let Step::Send(outgoing) = call.poll(Moment::ORIGIN) else {
        panic!()
    };
    outgoing.head(parts(200, &[]));
    let Step::Receive(incoming) = call.poll(Moment::ORIGIN) else {
        panic!()
    };
    incoming.data(format!("{CHUNK}{DONE}").as_bytes());
    let late = Moment::after_origin(seconds(61));
    assert!(matches!(call.poll(late), Step::Event(_)));
    assert!(matches!(call.poll(late), Step::Done(Ok(_))));
}

#[test]
fn polls_repeat_a_step_until_it_is_answered_and_the_end_is_the_end() {
    let mut call = Call::new(chat(), &target(), &Settings::default(), Moment::ORIGIN, 0).unwrap();
    for _ in 0..3 {
        assert!(matches!(call.poll(Moment::ORIGIN), Step::Send(_)));
    }
    let Step::Send(outgoing) = call.poll(Moment::ORIGIN) else {
        panic!()
    };
    outgoing.head(parts(200, &[]));
    for _ in 0..3 {
        assert!(matches!(call.poll(Moment::ORIGIN), Step::Receive(_)));
    }
    let Step::Receive(incoming) = call.poll(Moment::ORIGIN) else {
        panic!()
    };
    incoming.data(REPLY.as_bytes());
    let Step::Receive(incoming) = call.poll(Moment::ORIGIN) else {
        panic!()
    };
    incoming.end();
    assert!(matches!(call.poll(Moment::ORIGIN), Step::Done(Ok(_))));
    for _ in 0..3 {
        let Step::Done(Err(error)) = call.poll(Moment::ORIGIN) else {
            panic!()
        };
        assert_eq!(*error.failure(), Failure::Finished);
    }
    assert_eq!(call.deadline(), None);
}

#[test]
fn no_error_shows_the_key_whoever_echoes_it() {
    let envelope = r#"{"error":{"code":"unauthorized","message":"bad key rsk_canary","details":{"got":"Bearer rsk_canary"}}}"#;
    let location = Act::Head(
        307,
        vec![("location", "https://evil.test/?k=rsk_canary".to_owned())],
    );
    for exchange in [
        whole(401, envelope),
        whole(401, "<html>rsk_canary"),
        whole(200, envelope),
        whole(200, "<html>rsk_canary"),
        whole(200, "{\"rsk_canary\":}"),
        vec![location, Act::End],
        vec![
            Act::Head(200, vec![("content-encoding", "rsk_canary".to_owned())]),
            Act::End,
        ],
    ] {
        let error = run(
            chat(),
            &Settings::default(),
            std::slice::from_ref(&exchange),
        )
        .result
        .unwrap_err();
        let shown = format!(
            "{error} {error:?} {:?}",
            error.api().map(|api| api.details.clone())
        );
        assert!(!shown.contains("canary"), "{shown}");
        let error = run(stream(), &Settings::default(), &[exchange])
            .result
            .unwrap_err();
        assert!(!format!("{error} {error:?}").contains("canary"));
    }
}

#[test]
fn a_redirect_is_told_and_not_followed() {
    let exchange = vec![Act::Head(
        308,
        vec![("location", "https://elsewhere.test/v1".to_owned())],
    )];
    let error = run(ListModels::new(), &Settings::default(), &[exchange])
        .result
        .unwrap_err();
    assert!(
        matches!(error.failure(), Failure::Redirect { location: Some(to), .. } if to == "https://elsewhere.test/v1")
    );
    assert_eq!(error.attempts(), 1);
}

#[test]
fn an_encoding_that_nobody_asked_for_is_an_error_of_its_own() {
    let exchange = vec![Act::Head(
        200,
        vec![("content-encoding", "zstd".to_owned())],
    )];
    let error = run(chat(), &Settings::default(), &[exchange])
        .result
        .unwrap_err();
    assert_eq!(
        *error.failure(),
        Failure::Decode(DecodeError::Encoding("zstd".to_owned()))
    );
    let exchange = vec![
        Act::Head(200, vec![("content-encoding", "identity".to_owned())]),
        data(REPLY),
        Act::End,
    ];
    assert!(
        run(chat(), &Settings::default(), &[exchange])
            .result
            .is_ok()
    );
}

#[test]
fn an_error_in_a_stream_has_the_heads_request_id() {
    for frame in [
        r#"data: {"error":{"code":"gateway_timeout","message":"too slow"}}"#,
        r#"data: {"error":"too slow"}"#,
        "event: error\ndata: {\"message\":\"too slow\"}",
    ] {
        let exchange = vec![head(200), data(&format!("{frame}\n\n{DONE}")), Act::End];
        let error = run(stream(), &Settings::default(), &[exchange])
            .result
            .unwrap_err();
        let api = error.api().unwrap();
        assert_eq!(
            (api.message.as_str(), api.request_id()),
            ("too slow", Some("req_1")),
            "{frame}"
        );
        assert_eq!(
            (error.outcome(), error.attempts()),
            (Outcome::Unknown, 1),
            "{frame}"
        );
    }
    // An error is one whatever stands beside it, and what stands beside it is kept.
    let beside = r#"data: {"error":{"code":"upstream_error","message":"m"},"choices":[{"delta":{"content":" there"},"finish_reason":"error"}]}"#;
    let exchange = vec![head(200), data(&format!("{CHUNK}{beside}\n\n{DONE}"))];
    let broken = run(stream(), &Settings::default(), &[exchange]);
    assert_eq!(broken.result.unwrap_err().api().unwrap().message, "m");
    assert_eq!(broken.partial.unwrap().text(), "hi there");
    let exchange = vec![
        head(200),
        data(&format!(
            "{CHUNK}data: {{\"error\":{{\"code\":\"brand_new\",\"message\":\"m\"}}}}\n\n"
        )),
    ];
    let error = run(stream(), &Settings::default(), &[exchange])
        .result
        .unwrap_err();
    assert_eq!(
        error.api().unwrap().code,
        Some(ErrorCode::Other("brand_new".to_owned()))
    );
    assert_eq!(error.outcome(), Outcome::Delivered);
}

#[test]
fn limits_on_size_are_errors_and_not_memory() {
    let mut settings = Settings::default();
    settings.limits.reply = 100;
    settings.limits.frame = 100;
    settings.limits.error_body = 100;
    let long = "x".repeat(101);
    let reply = run(chat(), &settings, &[vec![head(200), data(&long), Act::End]])
        .result
        .unwrap_err();
    assert_eq!(
        *reply.failure(),
        Failure::Decode(DecodeError::TooLarge {
            what: "reply",
            limit: 100
        })
    );
    let announced = vec![
        Act::Head(200, vec![("content-length", "101".to_owned())]),
        data("x"),
    ];
    let reply = run(chat(), &settings, &[announced]).result.unwrap_err();
    assert_eq!(
        *reply.failure(),
        Failure::Decode(DecodeError::TooLarge {
            what: "reply",
            limit: 100
        })
    );
    let frame = run(
        stream(),
        &settings,
        &[vec![head(200), data("data: "), data(&long)]],
    )
    .result
    .unwrap_err();
    assert_eq!(
        *frame.failure(),
        Failure::Decode(DecodeError::TooLarge {
            what: "frame",
            limit: 100
        })
    );
    // An error's body is read as far as the limit, and its end is not waited for.
    let body = run(chat(), &settings, &[vec![head(400), data(&long)]]);
    assert_eq!(body.result.unwrap_err().status().unwrap().as_u16(), 400);
    assert_eq!(body.at, body.began[0]);
}

#[test]
fn a_request_beyond_the_limit_is_not_sent_and_names_its_pictures() {
    let picture = |size: usize| {
        let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
        bytes.resize(size, 0);
        crate::image::Image::from_bytes(bytes).unwrap()
    };
    let pictures = vec![
        picture(1 << 20),
        picture(14 << 20),
        picture(2 << 20),
        picture(9 << 20),
    ];
    let request = ChatRequest::new("m").user(("look", pictures));
    let error =
        Call::new(&request, &target(), &Settings::default(), Moment::ORIGIN, 0).unwrap_err();
    let BuildError::TooLarge { limit, largest, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(*limit, 33_554_432);
    assert_eq!(
        largest.iter().map(|(place, _)| *place).collect::<Vec<_>>(),
        [2, 4, 3]
    );
    assert!(
        error.to_string().contains("picture 2 with 18.6 MiB"),
        "{error}"
    );
}

#[test]
fn a_dead_gateway_sees_few_retries_and_a_failing_one_all_of_them() {
    let settings = Settings::default();
    let mut sends = 0;
    for _ in 0..1000 {
        sends += run(chat(), &settings, &[error(503, "x")]).began.len();
    }
    assert!(sends <= 1100, "{sends} sends for 1000 calls");

    let settings = Settings::default();
    let (mut sends, mut successes) = (0, 0);
    for number in 0..1000 {
        // Every third attempt fails.
        let exchange = if number % 3 == 0 {
            vec![error(503, "x"), whole(200, REPLY)]
        } else {
            vec![whole(200, REPLY)]
        };
        let run = run(chat(), &settings, &exchange);
        sends += run.began.len();
        successes += usize::from(run.result.is_ok());
    }
    assert_eq!((successes, sends), (1000, 1334));
}

#[test]
fn an_observer_is_told_of_every_attempt() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let sink = told.clone();
    let settings = Settings::default()
        .with_observer(move |attempt| sink.lock().unwrap().push(attempt.clone()));
    let run = run(
        chat(),
        &settings,
        &[
            error(503, "x"),
            vec![Act::Fault(FaultKind::Connect, Sent::Nothing)],
            whole(200, REPLY),
        ],
    );
    assert!(run.result.is_ok());
    let told = told.lock().unwrap();
    let seen: Vec<_> = told
        .iter()
        .map(|attempt| {
            (
                attempt.number,
                attempt.status.map(|it| it.as_u16()),
                attempt.end,
            )
        })
        .collect();
    let fault = Fault::new(FaultKind::Connect).after(Sent::Nothing);
    assert_eq!(
        seen,
        [
            (1, Some(503), AttemptEnd::Failed(Outcome::Refused)),
            (2, None, AttemptEnd::Fault(fault, Outcome::NotSent)),
            (3, Some(200), AttemptEnd::Success),
        ]
    );
    assert_eq!(
        told.iter()
            .filter_map(|attempt| attempt.next)
            .collect::<Vec<_>>(),
        run.waits
    );
    assert!(
        told.iter()
            .all(|attempt| attempt.path == "/v1/chat/completions")
    );
}

#[test]
fn an_answer_to_an_earlier_attempt_cannot_be_given() {
    let mut call = Call::new(
        ListModels::new(),
        &target(),
        &Settings::default(),
        Moment::ORIGIN,
        0,
    )
    .unwrap();
    let Step::Send(outgoing) = call.poll(Moment::ORIGIN) else {
        panic!()
    };
    outgoing.fault(Fault::new(FaultKind::Connect));
    let Step::Wait(until) = call.poll(Moment::ORIGIN) else {
        panic!()
    };
    assert_eq!(call.attempt(), 1);
    let Step::Send(outgoing) = call.poll(until) else {
        panic!()
    };
    assert_eq!(outgoing.attempt(), 2);
}

#[test]
fn a_document_instead_of_a_stream_is_read_as_what_it_is() {
    let whole_reply = run(stream(), &Settings::default(), &[whole(200, REPLY)]);
    assert_eq!(
        whole_reply
            .events
            .iter()
            .map(|chunk| chunk.text().into_owned())
            .collect::<String>(),
        "hi"
    );
    assert_eq!(whole_reply.result.unwrap().text(), "hi");
    let html = run(
        stream(),
        &Settings::default(),
        &[whole(200, " <html>down</html>")],
    )
    .result
    .unwrap_err();
    assert!(
        matches!(
            html.failure(),
            Failure::Decode(DecodeError::NotJson {
                what: "HTML or XML",
                ..
            })
        ),
        "{html}"
    );
    let empty = run(stream(), &Settings::default(), &[whole(200, "\n")])
        .result
        .unwrap_err();
    assert!(
        matches!(
            empty.failure(),
            Failure::Decode(DecodeError::NotJson {
                what: "an empty body",
                ..
            })
        ),
        "{empty}"
    );
    let text = run(
        stream(),
        &Settings::default(),
        &[whole(200, "upstream connect error")],
    )
    .result
    .unwrap_err();
    assert!(
        matches!(text.failure(), Failure::Decode(DecodeError::NotJson { what: "text", excerpt }) if excerpt == "upstream connect error"),
        "{text}"
    );
    for body in [
        r#"{"detail":"overloaded"}"#,
        r#"{"message":"overloaded"}"#,
        r#"{"error":"overloaded","choices":[]}"#,
    ] {
        for error in [
            run(chat(), &Settings::default(), &[whole(200, body)])
                .result
                .unwrap_err(),
            run(stream(), &Settings::default(), &[whole(200, body)])
                .result
                .unwrap_err(),
        ] {
            assert_eq!(error.api().unwrap().message, "overloaded", "{body}");
        }
    }
    let shape = run(
        chat(),
        &Settings::default(),
        &[whole(200, r#"{"status":"ok"}"#)],
    )
    .result
    .unwrap_err();
    assert!(
        matches!(shape.failure(), Failure::Decode(DecodeError::Json { .. })),
        "{shape}"
    );
    let silent = run(
        chat(),
        &Settings::default(),
        &[whole(200, r#"{"choices":[{"message":{"content":""}}]}"#)],
    );
    assert_eq!(silent.result.unwrap().text(), "");
    let events = run(chat(), &Settings::default(), &[whole(200, CHUNK)])
        .result
        .unwrap_err();
    assert!(
        matches!(
            events.failure(),
            Failure::Decode(DecodeError::NotJson {
                what: "an event stream",
                ..
            })
        ),
        "{events}"
    );
}

fn act() -> impl Strategy<Value = Act> {
    let kinds = prop::sample::select(vec![
        FaultKind::Connect,
        FaultKind::Lost,
        FaultKind::TimedOut,
        FaultKind::BodyRefused,
        FaultKind::Other,
    ]);
    let sent = prop::sample::select(vec![Sent::Nothing, Sent::Part, Sent::Whole]);
    let stages = prop::sample::select(vec![Stage::Connecting, Stage::Connected, Stage::BodySent]);
    let statuses = prop::sample::select(vec![
        200, 200, 200, 204, 301, 400, 401, 408, 429, 500, 502, 503, 504,
    ]);
    let hints = prop::sample::select(vec![
        "0",
        "3",
        "70",
        "-1",
        "inf",
        "x",
        "Wed, 21 Oct 2026 07:28:30 GMT",
    ]);
    let texts = prop::sample::select(vec![
        CHUNK,
        DONE,
        ": ping\n\n",
        "data: {\"choices\":[],\"usage\":{}}\n\n",
        "data: {\"error\":{\"code\":\"upstream_error\",\"message\":\"m\"}}\n\n",
        "data: nonsense\n\n",
        "data: {\"choices\":[{\"delta\":{\"con",
        REPLY,
        "[]",
        "<html>",
        "\n",
        "{",
    ]);
    prop_oneof![
        1 => stages.prop_map(Act::Stage),
        3 => (statuses, hints).prop_map(|(status, hint)| Act::Head(status, vec![("retry-after", hint.to_owned())])),
        4 => texts.prop_map(data),
        2 => Just(Act::End),
        1 => (kinds, sent).prop_map(|(kind, sent)| Act::Fault(kind, sent)),
        1 => (0_u64..400_000).prop_map(|milliseconds| Act::Pass(Duration::from_millis(milliseconds))),
    ]
}

/// Drives a call with whatever comes, and holds it to its promises.
fn survives<E: Endpoint>(
    endpoint: E,
    acts: &[Act],
    total: Option<u64>,
    seed: u64,
) -> Result<(), TestCaseError> {
    let told = Arc::new(Mutex::new(Vec::new()));
    let sink = told.clone();
    let mut settings = Settings::default()
        .with_observer(move |attempt| sink.lock().unwrap().push(attempt.clone()));
    settings.deadlines.total = total.map(Duration::from_millis);
    let replay = endpoint.replay();
    let begin = Moment::after_origin(seconds(5));
    let mut now = begin;
    let mut call = Call::new(endpoint, &target(), &settings, now, seed).unwrap();
    let mut acts = acts.iter().cloned();
    let (mut events, mut sends, mut attempt) = (0, 0, 0);
    // Each poll consumes an act, hands out an event, or lets time pass to a deadline: three attempts
    // of a few phases each.
    for _ in 0..acts.len() * 3 + 100 {
        let deadline = call.deadline();
        match call.poll(now) {
            Step::Send(mut outgoing) => {
                if outgoing.attempt() != attempt {
                    attempt = outgoing.attempt();
                    sends += 1;
                    prop_assert_eq!(events, 0, "an attempt after an event");
                    prop_assert!(
                        total.is_none_or(|total| now.since(begin) < Duration::from_millis(total))
                            || sends == 1
                    );
                }
                match acts.next() {
                    Some(Act::Stage(stage)) => outgoing.progress(stage),
                    Some(Act::Head(status, headers)) => outgoing.head(parts(status, &headers)),
                    Some(Act::Fault(kind, sent)) => outgoing.fault(Fault::new(kind).after(sent)),
                    Some(Act::Pass(duration)) => now = now.plus(duration),
                    Some(Act::Data(_) | Act::End) => {}
                    None => now = deadline.unwrap_or(now).max(now),
                }
            }
            Step::Receive(incoming) => match acts.next() {
                Some(Act::Data(text)) => incoming.data(text.as_bytes()),
                Some(Act::End) => incoming.end(),
                Some(Act::Fault(kind, sent)) => incoming.fault(Fault::new(kind).after(sent)),
                Some(Act::Pass(duration)) => now = now.plus(duration),
                Some(Act::Stage(_) | Act::Head(..)) => {}
                None => now = deadline.unwrap_or(now).max(now),
            },
            Step::Wait(until) => {
                prop_assert!(until >= now);
                prop_assert!(until.since(now) <= seconds(60 + 30));
                now = until;
            }
            Step::Event(_) => events += 1,
            Step::Done(result) => {
                prop_assert!(sends <= 3);
                if let Err(error) = result {
                    prop_assert_eq!(error.attempts(), sends);
                    prop_assert!(
                        events == 0 || error.outcome() == Outcome::Delivered,
                        "{}",
                        error
                    );
                }
                let repeated = told
                    .lock()
                    .unwrap()
                    .iter()
                    .filter(|attempt| attempt.next.is_some())
                    .count();
                prop_assert_eq!(u32::try_from(repeated).unwrap() + 1, sends);
                for attempt in told
                    .lock()
                    .unwrap()
                    .iter()
                    .filter(|attempt| attempt.next.is_some())
                {
                    let (AttemptEnd::Failed(outcome)
                    | AttemptEnd::Fault(_, outcome)
                    | AttemptEnd::Deadline(_, outcome)) = attempt.end
                    else {
                        return Err(TestCaseError::fail("a success was repeated"));
                    };
                    let is_free = matches!(outcome, Outcome::NotSent | Outcome::Refused);
                    prop_assert!(
                        is_free || replay == Replay::Always,
                        "{:?} was repeated",
                        attempt.end
                    );
                }
                return Ok(());
            }
        }
    }
    Err(TestCaseError::fail("the call never ends"))
}

proptest! {
    #[test]
    fn any_interleaving_ends_within_its_budgets(
        acts in proptest::collection::vec(act(), 0..40),
        total in proptest::option::of(1_u64..600_000),
        seed: u64,
    ) {
        survives(stream(), &acts, total, seed)?;
        survives(chat(), &acts, total, seed)?;
        survives(ListModels::new(), &acts, total, seed)?;
    }
}

#[test]
fn a_reply_is_the_same_plain_and_streamed() {
    let chunks = concat!(
        "data: {\"id\":\"c\",\"created\":1,\"model\":\"m\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n",
        "data: {\"id\":\"c\",\"choices\":[{\"index\":1,\"delta\":{\"content\":\"zwei\"}},{\"index\":0,\"delta\":{\"content\":\"ei\"}}]}\n\n",
        "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"ns\"},\"finish_reason\":\"stop\"}]}\n\n",
        "data: {\"id\":\"c\",\"choices\":[{\"index\":1,\"delta\":{},\"finish_reason\":\"length\"}]}\n\n",
        "data: {\"id\":\"c\",\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2,\"total_tokens\":3},\"cost\":\"0.001\"}\n\n",
        "data: [DONE]\n\n",
    );
    let plain: ChatReply = serde_json::from_str(
        r#"{"id":"c","created":1,"model":"m","choices":[
            {"index":0,"message":{"role":"assistant","content":"eins"},"finish_reason":"stop"},
            {"index":1,"message":{"content":"zwei"},"finish_reason":"length"}],
            "usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3},"cost":"0.001"}"#,
    )
    .unwrap();
    let run = run(stream(), &Settings::default(), &[whole(200, chunks)]);
    assert_eq!(run.result.unwrap().into_value(), plain);
}
