//! What the gateway, or something before it, refuses.

use mesh_proto::Outcome;
use mesh_proto::call::FaultKind;

use super::{LIMIT, data, error, error_body, raw};
use crate::scenario::{Ask, Expected, Need, Scenario, Why};
use crate::script::{Act, Exchange, Framing, head};

/// Larger than what the sockets on the way take without a reader.
const PICTURE: usize = 20 << 20;

pub(super) fn scenarios() -> Vec<Scenario> {
    let mut all = forms();
    all.extend(uploads());
    all
}

/// The forms that errors come in.
fn forms() -> Vec<Scenario> {
    let chat = |name, rule| Scenario::new(name, rule, Ask::Chat);
    vec![
        chat("key_refused", "a refused key is an error that does not show it, though the gateway echoes it")
            .answers([Exchange::answer_with(
                401,
                &[("x-echo", "Bearer rsk_canary")],
                r#"{"error":{"code":"unauthorized","message":"rsk_canary is no key"},"request_id":"req_2"}"#,
            )])
            .accepts(
                Expected::error(401, Some("unauthorized"), Outcome::Refused)
                    .id("req_2")
                    .says("[key] is no key"),
            ),
        chat("id_in_the_head", "without an id in the body, the head's is the one to quote")
            .answers([Exchange::answer(404, r#"{"error":{"code":"model_not_found","message":"no"}}"#)])
            .accepts(Expected::error(404, Some("model_not_found"), Outcome::Refused)),
        chat("detail_as_text", "FastAPI's `detail` is a message")
            .answers([Exchange::answer(404, r#"{"detail":"no such model"}"#)])
            .accepts(Expected::error(404, None, Outcome::Refused).says("no such model")),
        chat("detail_as_list", "FastAPI's findings name their fields")
            .answers([Exchange::answer(
                422,
                r#"{"detail":[{"loc":["body","temperature"],"msg":"at most 2","type":"x"}]}"#,
            )])
            .accepts(
                Expected::error(422, None, Outcome::Refused).says("body.temperature: at most 2"),
            ),
        chat("error_as_page", "an error that is a page is shown in its beginning")
            .answers([Exchange::answer(413, "<html>Request Entity Too Large</html>")])
            .accepts(Expected::error(413, None, Outcome::Refused).says("Entity Too Large")),
        chat("error_without_body", "an error without body is told by its status")
            .answers([Exchange::answer(500, "")])
            .accepts(
                Expected::error(500, None, Outcome::Unknown).says("Internal Server Error"),
            ),
        chat("error_too_large", "of an error only the beginning is read")
            .with(|settings| settings.limits.error_body = 100)
            .answers([Exchange::new([
                head(400, &[], Framing::Chunked),
                data("the beginning "),
                data("x ".repeat(50_000)),
                Act::Stall,
            ])])
            .accepts(Expected::error(400, None, Outcome::Refused).says("the beginning")),
        chat("error_that_stalls", "an error whose body stalls is told by what has come of it")
            .with(|settings| settings.deadlines.idle = LIMIT)
            .answers([Exchange::new([
                head(400, &[], Framing::Chunked),
                data("the beginning"),
                Act::Stall,
            ])])
            .accepts(Expected::error(400, None, Outcome::Refused).says("the beginning")),
        chat("error_that_breaks_off", "so is one that breaks off")
            // Over HTTP/2 a reset overtakes a head that has not left yet.
.needs(&[Need::Http1])
.answers([Exchange::new([
                head(400, &[], Framing::Length(1000)),
                data("the beginning"),
                Act::Close,
            ])])
            .accepts(Expected::error(400, None, Outcome::Refused).says("the beginning")),
        Scenario::new("error_to_a_stream", "a stream is refused like anything else", Ask::ChatStream)
            .answers([error(402, "insufficient_credits")])
            .accepts(Expected::error(402, Some("insufficient_credits"), Outcome::Refused)),
        chat("redirect", "a redirect is an error that shows where to; the key goes nowhere else")
            .answers([Exchange::answer_with(
                307,
                &[("location", "{elsewhere}/v1/chat/completions")],
                "",
            )])
            .accepts(
                Expected::failure_after(307, Why::Redirect, Outcome::Refused)
                    .says("/v1/chat/completions"),
            ),
        Scenario::new("redirect_of_a_read", "the same of a read", Ask::Models)
            .answers([Exchange::answer_with(302, &[("location", "{elsewhere}/v1/models")], "")])
            .accepts(
                Expected::failure_after(302, Why::Redirect, Outcome::Refused).says("/v1/models"),
            ),
        Scenario::new("redirect_to_itself", "the same where it leads to the same host", Ask::Models)
            .answers([
                Exchange::answer_with(301, &[("location", "/v1/models/")], ""),
                Exchange::answer(200, "[]"),
            ])
            .accepts(
                Expected::failure_after(301, Why::Redirect, Outcome::Refused).says("/v1/models/"),
            ),
        chat("not_modified", "a 304 is no redirect: nobody asked whether anything has changed")
            .answers([Exchange::new([head(304, &[], Framing::NoBody)])])
            .accepts(Expected::error(304, None, Outcome::Unknown).says("Not Modified")),
    ]
}

/// Answers to a request that is still on its way.
fn uploads() -> Vec<Scenario> {
    let refusal = || {
        Exchange::answer_with(413, &[("connection", "close")], error_body("invalid_input"))
            .reading(0)
    };
    let refused = || Expected::error(413, Some("invalid_input"), Outcome::Refused);
    let unheard = |kind| Expected::failure(Why::Fault(kind), Outcome::NotSent).attempts(3);
    let seeing = |name, rule| Scenario::new(name, rule, Ask::Seeing(PICTURE)).needs(&[Need::Http1]);
    vec![
        Scenario::new(
            "refused_after_upload",
            "a 413 after the whole upload is heard",
            Ask::Seeing(1 << 20),
        )
        .answers([error(413, "invalid_input")])
        .accepts(refused()),
        seeing(
            "refused_while_uploading",
            "a 413 before the upload is through is heard",
        )
        .answers([refusal().then(Act::Stall)])
        .accepts(refused()),
        // Who does not wait for the go-ahead may find the connection reset before it has read the
        // refusal; it has not sent the whole then, and tries again.
        seeing(
            "refused_while_uploading_and_closed",
            "the same from one that closes at once; or else it was not sent",
        )
        .with(|settings| settings.retry.max_retries = 2)
        .answers([refusal().then(Act::Close)])
        .accepts(refused())
        .accepts(refused().attempts(2))
        .accepts(refused().attempts(3))
        .accepts(unheard(FaultKind::Lost))
        .accepts(unheard(FaultKind::BodyRefused)),
        seeing(
            "closed_while_uploading",
            "a connection that closes amid the upload was not sent, and is tried again",
        )
        .answers([
            Exchange::new([Act::Close]).reading(1000),
            Exchange::answer(200, super::REPLY),
        ])
        .accepts(Expected::reply("hi").attempts(2)),
        seeing(
            "answered_before_the_upload_ends",
            "an answer before the upload is through is the answer",
        )
        .answers([Exchange::new([
            raw(format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{}",
                super::REPLY.len(),
                super::REPLY
            )),
            Act::Stall,
        ])
        .reading(1 << 20)])
        .accepts(Expected::reply("hi")),
        Scenario::new(
            "larger_than_the_gateway_takes",
            "a request over 32 MiB fails before it is sent, and names the picture",
            Ask::Seeing(25 << 20),
        )
        .answers([Exchange::answer(200, super::REPLY)])
        .accepts(
            Expected::failure(Why::Build, Outcome::NotSent)
                .attempts(0)
                .says("picture 1 with 33.3 MiB"),
        ),
    ]
}
