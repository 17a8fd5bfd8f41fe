//! Errors inside a success: what a provider's failure looks like behind real gateways, in a stream
//! and as a document, which have to mean the same.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says when it fails"
)]

use bytes::Bytes;
use mesh_proto::call::{CallError, Failure};
use mesh_proto::endpoint::{ChatStream, ImageStream};
use mesh_proto::error::Absence;
use mesh_proto::error::{ApiError, DecodeError, ErrorCode, Outcome};
use mesh_proto::images::{ImageRequest, SequentialGeneration};
use mesh_proto::{ApiKey, Call, ChatRequest, Endpoint, Moment, Settings, Step, Target};

fn chat() -> ChatRequest {
    ChatRequest::new("m").user("u")
}

fn chat_stream() -> ChatStream {
    ChatStream::new(&chat()).unwrap()
}

/// What a call of `endpoint` ends with that is answered with `body`, and what there is of a reply.
fn call<E: Endpoint>(
    endpoint: E,
    status: u16,
    body: &str,
) -> (Result<E::Output, CallError>, Option<E::Output>) {
    let target = Target::production(ApiKey::new("rsk_1").unwrap());
    let now = Moment::ORIGIN;
    let mut call = Call::new(endpoint, &target, &Settings::default(), now, 1).unwrap();
    let mut pieces = body.as_bytes().chunks(7);
    loop {
        match call.poll(now) {
            Step::Send(outgoing) => {
                let head = http::Response::builder().status(status).body(()).unwrap();
                outgoing.head(head.into_parts().0);
            }
            Step::Receive(incoming) => match pieces.next() {
                Some(piece) => incoming.data(piece),
                None => incoming.end(),
            },
            Step::Event(_) => {}
            Step::Wait(_) => panic!("a repeat"),
            Step::Done(result) => {
                return (result.map(|answer| answer.value), call.into_partial());
            }
        }
    }
}

fn frames(data: &[&str]) -> String {
    let frames = data.iter().flat_map(|data| ["data: ", data, "\n\n"]);
    frames.collect()
}

fn error_in<E: Endpoint>(endpoint: &E, body: String) -> Option<ApiError> {
    match endpoint.read(http::Response::new(Bytes::from(body))) {
        Err(Failure::Decode(DecodeError::Api(error))) => Some(*error),
        Err(failure) => panic!("{failure:?}"),
        Ok(_) => None,
    }
}

#[test]
fn an_answer_that_its_provider_ended_with_an_error_is_no_success_and_is_kept() {
    for (last, message) in [
        (
            r#""finish_reason":"error","error":{"code":502,"message":"Upstream idle timeout exceeded"}"#,
            "Upstream idle timeout exceeded",
        ),
        (
            r#""finish_reason":"error""#,
            "the model's provider ended the answer with an error",
        ),
        (
            r#""finish_reason":"error","native_finish_reason":"MALFORMED_FUNCTION_CALL""#,
            "the model's provider ended the answer with an error (MALFORMED_FUNCTION_CALL)",
        ),
    ] {
        let stream = frames(&[
            r#"{"choices":[{"index":0,"delta":{"content":"A fo"}}]}"#,
            &format!(r#"{{"choices":[{{"index":0,"delta":{{"content":"x"}},{last}}}]}}"#),
            "[DONE]",
        ]);
        let (result, partial) = call(chat_stream(), 200, &stream);
        let error = result.unwrap_err();
        assert_eq!(error.api().unwrap().message, message);
        assert_eq!(error.outcome(), Outcome::Delivered);
        assert_eq!(partial.unwrap().text(), "A fox");

        let whole =
            format!(r#"{{"choices":[{{"index":0,"message":{{"content":"A fox"}},{last}}}]}}"#);
        let (result, partial) = call(chat(), 200, &whole);
        assert_eq!(result.unwrap_err().api().unwrap().message, message);
        assert_eq!(partial.unwrap().text(), "A fox");
        // A document in place of a stream.
        let (result, partial) = call(chat_stream(), 200, &whole);
        assert_eq!(result.unwrap_err().api().unwrap().message, message);
        assert_eq!(partial.unwrap().text(), "A fox");
    }
}

#[test]
fn a_failure_beside_the_choices_is_an_error() {
    let groq =
        r#"{"choices":[{"index":0,"delta":{}}],"x_groq":{"id":"r","error":"over_capacity"}}"#;
    let error = error_in(&chat_stream(), frames(&[groq, "[DONE]"]));
    assert_eq!(error.unwrap().message, "over_capacity");
    let fine = r#"{"choices":[{"index":0,"delta":{"content":"a"}}],"x_groq":{"id":"r"},"base_resp":{"status_code":0,"status_msg":""}}"#;
    assert_eq!(error_in(&chat_stream(), frames(&[fine, "[DONE]"])), None);
}

#[test]
fn an_error_without_an_envelope_is_one_in_a_stream_and_as_a_document() {
    for (body, message, code) in [
        (
            r#"{"detail":"Upstream went away"}"#,
            "Upstream went away",
            None,
        ),
        (
            r#"{"message":"quota used up","code":"insufficient_credits"}"#,
            "quota used up",
            Some("insufficient_credits"),
        ),
        (
            r#"{"type":"error","code":"server_error","message":"boom"}"#,
            "boom",
            Some("server_error"),
        ),
        (
            r#"{"object":"error","message":"EngineDead","type":"InternalServerError","code":500}"#,
            "EngineDead",
            Some("InternalServerError"),
        ),
        (
            r#"{"detail":[{"loc":["body","n"],"msg":"too big","type":"x"}]}"#,
            "body.n: too big",
            None,
        ),
        (
            r#"{"object":"error","message":{"detail":[{"loc":["body","n"],"msg":"too big","type":"x"}]},"type":"invalid_request_error"}"#,
            "body.n: too big",
            Some("invalid_request_error"),
        ),
        (r#"{"error":[{"message":"m","code":"c"}]}"#, "m", Some("c")),
        (r#"{"error":true,"message":"m"}"#, "m", None),
        (r#"[{"error":{"message":"m"}}]"#, "m", None),
        (
            r#"{"choices":null,"data":null,"base_resp":{"status_code":1008,"status_msg":"insufficient balance"}}"#,
            "insufficient balance",
            Some("1008"),
        ),
        (
            r#"{"choices":null,"data":null,"base_resp":{"status_code":1002}}"#,
            "1002",
            Some("1002"),
        ),
        (
            r#"{"result":null,"success":false,"errors":[{"code":7009,"message":"Upstream service unavailable"}],"messages":[]}"#,
            "Upstream service unavailable",
            Some("7009"),
        ),
        (
            r#"{"success":false,"message":"no channel is free"}"#,
            "no channel is free",
            None,
        ),
        (
            r#"{"type":"about:blank","title":"Model is loading","status":500}"#,
            "Model is loading",
            None,
        ),
        (
            r#"{"statusCode":500,"message":["a","b"],"error":"Internal Server Error"}"#,
            "a; b",
            None,
        ),
        (
            r#"{"code":"1113","msg":"no balance","data":null}"#,
            "no balance",
            Some("1113"),
        ),
    ] {
        let image = ImageRequest::new("m", "a fox");
        let image_stream = ImageStream::new(&image).unwrap();
        for error in [
            error_in(&chat(), body.to_owned()),
            error_in(&chat_stream(), frames(&[body, "[DONE]"])),
            error_in(&chat_stream(), body.to_owned()),
            error_in(&image, body.to_owned()),
            error_in(&image_stream, frames(&[body, "[DONE]"])),
            error_in(&image_stream, body.to_owned()),
        ] {
            let error = error.expect(body);
            assert_eq!(error.message, message, "{body}");
            let told = error.code.as_ref().map(ErrorCode::as_str);
            assert_eq!(told, code, "{body}");
        }
    }
}

#[test]
fn what_says_nothing_of_an_error_goes_by() {
    for body in [
        r#"{"choices":[],"prompt_filter_results":[]}"#,
        r#"{"type":"ping"}"#,
        r#"{"type":"message_start","message":{"detail":1}}"#,
        r#"{"object":"image.chunk","message":"drawing"}"#,
        r#"{"status":"processing","message":"drawing"}"#,
        r#"{"code":0,"message":"success"}"#,
        r#"{"choices":[],"usage":{"total_tokens":1},"message":"m"}"#,
        r#"{"error":null}"#,
        r#"{"error":false,"message":1}"#,
        r#"{"error":[]}"#,
    ] {
        assert_eq!(
            error_in(&chat_stream(), frames(&[body, "[DONE]"])),
            None,
            "{body}"
        );
        let picture = r#"{"data":[{"url":"https://a.b/c.png"}]}"#;
        let stream = ImageStream::new(&ImageRequest::new("m", "a fox")).unwrap();
        let error = error_in(&stream, frames(&[body, picture, "[DONE]"]));
        assert_eq!(error, None, "{body}");
    }
}

#[test]
fn the_status_that_an_error_tells_inside_a_success_counts() {
    for (code, quota, rate, auth, outcome) in [
        ("402", true, false, false, Outcome::Refused),
        ("\"429\"", false, true, false, Outcome::Refused),
        ("401", false, false, true, Outcome::Refused),
        ("500", false, false, false, Outcome::Unknown),
        ("1113", false, false, false, Outcome::Unknown),
    ] {
        let body = format!(r#"{{"error":{{"code":{code},"message":"m"}}}}"#);
        let results = [
            call(chat(), 200, &body).0.unwrap_err(),
            call(chat_stream(), 200, &body).0.unwrap_err(),
            call(chat_stream(), 200, &frames(&[&body, "[DONE]"]))
                .0
                .unwrap_err(),
        ];
        for failed in results {
            let error = failed.api().unwrap();
            assert_eq!(
                (error.is_quota(), error.is_rate_limit(), error.is_auth()),
                (quota, rate, auth),
                "{code}"
            );
            assert_eq!(failed.outcome(), outcome, "{code}");
            assert_eq!(error.status.as_u16(), 200);
        }
    }
}

const PICTURE: &str =
    r#"{"type":"image_generation.partial_succeeded","image_index":1,"url":"https://a.b/c.png"}"#;
const FAILED: &str = r#"{"type":"image_generation.partial_failed","image_index":0,"error":{"code":"OutputImageSensitiveContentDetected","message":"too bold"}}"#;
const COMPLETED: &str = r#"{"type":"image_generation.completed","usage":{"generated_images":1}}"#;

#[test]
fn one_failed_picture_does_not_end_a_series() {
    let mut series = ImageRequest::new("m", "a fox");
    series.sequential_image_generation = Some(SequentialGeneration::Auto);
    let endpoint = || ImageStream::new(&series).unwrap();
    let (result, _) = call(
        endpoint(),
        200,
        &frames(&[FAILED, PICTURE, COMPLETED, "[DONE]"]),
    );
    let reply = result.unwrap();
    assert_eq!(reply.images().len(), 1);
    assert!(reply.usage.is_some());

    let (result, _) = call(endpoint(), 200, &frames(&[FAILED, COMPLETED, "[DONE]"]));
    let error = result.unwrap_err();
    let absence = error.no_picture().unwrap();
    assert_eq!(absence.reason, Absence::ContentFilter);
    assert_eq!(absence.text, "too bold");
}

#[test]
fn a_failed_picture_of_a_plain_answer_says_why() {
    for (item, reason, text) in [
        (
            r#"{"error":{"code":"OutputImageSensitiveContentDetected","message":"too bold"}}"#,
            Absence::ContentFilter,
            "too bold",
        ),
        (
            r#"{"error":{"code":"InternalServiceError","message":"broken"}}"#,
            Absence::Empty,
            "broken",
        ),
        (r#"{"error":"broken"}"#, Absence::Empty, "broken"),
        (r#"{"error":{"code":"odd"}}"#, Absence::Empty, "odd"),
    ] {
        let body = format!(r#"{{"data":[{item}]}}"#);
        let (result, _) = call(ImageRequest::new("m", "a fox"), 200, &body);
        let error = result.unwrap_err();
        let absence = error.no_picture().unwrap();
        assert_eq!((absence.reason, &*absence.text), (reason, text));
    }
}
