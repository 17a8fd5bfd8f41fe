//! What is tried again, and what never is.

use mesh_proto::Outcome;
use mesh_proto::call::{BadGateway, FaultKind};

use super::{REPLY, error, raw, says};
use crate::scenario::{Ask, Expected, Gateway, Need, Scenario, Why};
use crate::script::{Act, Exchange};

const MODELS: &str = r#"[{"id":"a"}]"#;

pub(super) fn scenarios() -> Vec<Scenario> {
    let mut all = statuses();
    all.extend(never());
    all.extend(connections());
    all
}

fn chat(name: &'static str, rule: &'static str) -> Scenario {
    Scenario::new(name, rule, Ask::Chat)
}

fn read(name: &'static str, rule: &'static str) -> Scenario {
    Scenario::new(name, rule, Ask::Models)
}

fn reply() -> Exchange {
    Exchange::answer(200, REPLY)
}

fn models() -> Exchange {
    Exchange::answer(200, MODELS)
}

/// By status.
fn statuses() -> Vec<Scenario> {
    let page = |status| Exchange::answer(status, "<html>");
    let busy = || error(503, "provider_not_available");
    vec![
        chat(
            "busy_twice",
            "a 503 and a 429 are tried again, with the same request",
        )
        .answers([
            error(503, "provider_not_available"),
            error(429, "rate_limit_exceeded"),
            reply(),
        ])
        .accepts(Expected::reply("hi").attempts(3)),
        Scenario::new(
            "stream_busy_once",
            "so is a stream that has not begun",
            Ask::ChatStream,
        )
        .answers([
            error(503, "provider_not_available"),
            Exchange::events([super::delta("one"), super::DONE.to_owned()]),
        ])
        .accepts(Expected::stream(["one"]).attempts(2)),
        Scenario::new(
            "picture_busy_once",
            "so is a request of 6 MiB, to the letter",
            Ask::Seeing(6 << 20),
        )
        .answers([error(503, "model_policy_unavailable"), reply()])
        .accepts(Expected::reply("hi").attempts(2)),
        chat(
            "unavailable_page",
            "a 503 that is a router's page may have been billed, and is not repeated",
        )
        .answers([page(503), reply()])
        .accepts(Expected::error(503, None, Outcome::Unknown)),
        Scenario::new(
            "stream_unavailable_page",
            "nor when streaming",
            Ask::ChatStream,
        )
        .answers([page(503), reply()])
        .accepts(Expected::error(503, None, Outcome::Unknown)),
        Scenario::new(
            "draw_unavailable_page",
            "nor when generating an image",
            Ask::Draw,
        )
        .answers([page(503), reply()])
        .accepts(Expected::error(503, None, Outcome::Unknown)),
        chat(
            "unavailable_page_with_a_hint",
            "a 503 that asks for a retry was refused, whatever its body is",
        )
        .answers([
            Exchange::answer_with(503, &[("retry-after", "0")], "<html>"),
            reply(),
        ])
        .accepts(Expected::reply("hi").attempts(2)),
        chat(
            "unavailable_after_work",
            "unless a code in it says that work had begun",
        )
        .answers([
            Exchange::answer_with(
                503,
                &[("retry-after", "0")],
                super::error_body("upstream_error"),
            ),
            reply(),
        ])
        .accepts(
            Expected::error(503, Some("upstream_error"), Outcome::Unknown)
                .hint(super::milliseconds(0)),
        ),
        read(
            "read_of_an_unavailable_page",
            "a read is repeated after any 503",
        )
        .answers([page(503), models()])
        .accepts(Expected::reply("a").attempts(2)),
        chat(
            "busy_for_good",
            "two retries, and then the gateway's own error",
        )
        .answers([error(503, "provider_not_available")])
        .accepts(
            Expected::error(503, Some("provider_not_available"), Outcome::Refused).attempts(3),
        ),
        chat("no_retries", "no retries where none are wanted")
            .with(|settings| settings.retry.max_retries = 0)
            .answers([error(503, "provider_not_available")])
            .accepts(Expected::error(
                503,
                Some("provider_not_available"),
                Outcome::Refused,
            )),
        chat(
            "back_off",
            "the back-off doubles, up to its cap, with full jitter",
        )
        .with(|settings| {
            settings.retry.max_retries = 3;
            settings.retry.cap = super::milliseconds(7);
        })
        .answers([busy(), busy(), busy(), reply()])
        .accepts(
            Expected::reply("hi")
                .attempts(4)
                .waits(super::milliseconds(0)..=super::milliseconds(4))
                .waits(super::milliseconds(0)..=super::milliseconds(7))
                .waits(super::milliseconds(0)..=super::milliseconds(7)),
        ),
        chat(
            "bad_gateway",
            "a 502 may have been billed, and is not repeated",
        )
        .answers([page(502), reply()])
        .accepts(Expected::error(502, None, Outcome::Unknown)),
        chat("gateway_timeout", "nor is a 504")
            .answers([error(504, "gateway_timeout"), reply()])
            .accepts(Expected::error(
                504,
                Some("gateway_timeout"),
                Outcome::Unknown,
            )),
        chat(
            "bad_gateway_by_choice",
            "a 502, a 503 and a 504 are tried again by who chooses to",
        )
        .with(|settings| {
            settings.retry.bad_gateway = BadGateway::Retry;
            settings.retry.max_retries = 3;
        })
        .answers([page(502), page(503), page(504), reply()])
        .accepts(Expected::reply("hi").attempts(4)),
        chat("internal_error", "a 500 is not repeated, by choice or not")
            .with(|settings| settings.retry.bad_gateway = BadGateway::Retry)
            .answers([error(500, "internal_error"), reply()])
            .accepts(Expected::error(
                500,
                Some("internal_error"),
                Outcome::Unknown,
            )),
        chat("request_timeout", "nor is a 408, which may be billed")
            .answers([page(408), reply()])
            .accepts(Expected::error(408, None, Outcome::Unknown)),
        chat("closed_request", "nor is a 499, which may be billed")
            .answers([page(499), reply()])
            .accepts(Expected::error(499, None, Outcome::Unknown)),
        chat(
            "request_timeout_in_a_success",
            "a 408 inside a success may be billed",
        )
        .answers([Exchange::answer(200, super::error_body("408")), reply()])
        .accepts(Expected::failure_after(200, Why::InBand, Outcome::Unknown).code("408")),
        chat(
            "wait_in_milliseconds",
            "a wait in milliseconds goes before one in seconds",
        )
        .answers([
            Exchange::answer_with(
                429,
                &[("retry-after-ms", "0"), ("retry-after", "3600")],
                super::error_body("rate_limit_exceeded"),
            ),
            reply(),
        ])
        .accepts(Expected::reply("hi").attempts(2)),
        chat(
            "wait_until_a_reset",
            "the reset of a limit that is used up is waited for",
        )
        .answers([Exchange::answer_with(
            429,
            &[
                ("x-ratelimit-remaining-tokens", "0"),
                ("x-ratelimit-reset-tokens", "1h0m0s"),
                ("x-ratelimit-remaining-requests", "5"),
                ("x-ratelimit-reset-requests", "1s"),
            ],
            super::error_body("rate_limit_exceeded"),
        )])
        .accepts(
            Expected::error(429, Some("rate_limit_exceeded"), Outcome::Refused)
                .hint(super::milliseconds(3_600_000)),
        ),
        read(
            "read_of_a_failing_gateway",
            "a read is repeated after 500 and 502",
        )
        .answers([error(500, "internal_error"), page(502), models()])
        .accepts(Expected::reply("a").attempts(3)),
        read(
            "read_of_a_slow_gateway",
            "a read is repeated after 408 and 504",
        )
        .answers([page(408), page(504), models()])
        .accepts(Expected::reply("a").attempts(3)),
        read("read_of_what_is_not_there", "a 404 is an answer")
            .answers([page(404), models()])
            .accepts(Expected::error(404, None, Outcome::Refused)),
        chat(
            "retry_budget",
            "a gateway that is down sees ten retries of a client's calls, then each call once",
        )
        .calls(20)
        .answers([error(503, "provider_not_available")])
        .accepts(
            Expected::error(503, Some("provider_not_available"), Outcome::Refused).requests(30),
        )
        // Ten seconds put one retry back, should a driver take that long.
        .accepts(
            Expected::error(503, Some("provider_not_available"), Outcome::Refused).requests(31),
        ),
        chat(
            "retry_budget_after_a_failed_call",
            "a call that fails leaves the calls after it their retries",
        )
        .calls(3)
        .answers([error(503, "provider_not_available")])
        .accepts(
            Expected::error(503, Some("provider_not_available"), Outcome::Refused)
                .attempts(3)
                .requests(9),
        ),
    ]
}

/// By code.
fn never() -> Vec<Scenario> {
    vec![
        read(
            "job_failed",
            "`provider_job_failed` is never repeated: a repeat may start a second paid job",
        )
        .answers([error(500, "provider_job_failed"), models()])
        .accepts(Expected::error(
            500,
            Some("provider_job_failed"),
            Outcome::Unknown,
        )),
        Scenario::new("draw_job_failed", "nor when drawing", Ask::Draw)
            .answers([error(503, "provider_job_failed")])
            .accepts(Expected::error(
                503,
                Some("provider_job_failed"),
                Outcome::Unknown,
            )),
        chat(
            "no_credits",
            "`insufficient_credits` is never repeated, whatever the status",
        )
        .answers([error(429, "insufficient_credits"), reply()])
        .accepts(Expected::error(
            429,
            Some("insufficient_credits"),
            Outcome::Refused,
        )),
        chat("spend_limit", "nor is `spend_limit_exceeded`")
            .answers([error(503, "spend_limit_exceeded"), reply()])
            .accepts(Expected::error(
                503,
                Some("spend_limit_exceeded"),
                Outcome::Refused,
            )),
        chat(
            "batch_limit",
            "nor is `batch_limit_exceeded`, though it comes with a hint",
        )
        .answers([
            Exchange::answer_with(
                429,
                &[("retry-after", "0")],
                super::error_body("batch_limit_exceeded"),
            ),
            reply(),
        ])
        .accepts(
            Expected::error(429, Some("batch_limit_exceeded"), Outcome::Refused)
                .hint(super::milliseconds(0)),
        ),
        chat(
            "quota",
            "nor is a provider's exhausted quota, a 429 like that of the rate",
        )
        .answers([error(429, "insufficient_quota"), reply()])
        .accepts(Expected::error(
            429,
            Some("insufficient_quota"),
            Outcome::Refused,
        )),
        chat("invalid", "nor is what is not valid")
            .answers([error(503, "validation_error"), reply()])
            .accepts(Expected::error(
                503,
                Some("validation_error"),
                Outcome::Refused,
            )),
    ]
}

/// By what becomes of the connection.
fn connections() -> Vec<Scenario> {
    let lost = || Expected::failure(Why::Fault(FaultKind::Lost), Outcome::Unknown);
    let half_a_head = || raw("HTTP/1.1 200 O");
    vec![
        chat(
            "lost_before_the_head",
            "a request that went out whole is not repeated: it may be billed",
        )
        .answers([Exchange::new([Act::Close]), reply()])
        .accepts(lost()),
        chat("reset_before_the_head", "nor where the connection is reset")
            .answers([Exchange::new([Act::Reset]), reply()])
            .accepts(lost()),
        chat("lost_inside_the_head", "nor in the middle of the head")
            .needs(&[Need::Http1])
            .answers([Exchange::new([half_a_head(), Act::Close]), reply()])
            .accepts(lost())
            .accepts(Expected::failure(
                Why::Fault(FaultKind::Other),
                Outcome::Unknown,
            )),
        read(
            "read_lost_before_the_head",
            "a read is repeated where the connection is lost",
        )
        .answers([Exchange::new([Act::Close]), models()])
        .accepts(Expected::reply("a").attempts(2)),
        read("read_reset_before_the_head", "and where it is reset")
            .answers([Exchange::new([Act::Reset]), models()])
            .accepts(Expected::reply("a").attempts(2)),
        read("read_lost_inside_the_head", "and in the middle of the head")
            .needs(&[Need::Http1])
            .answers([Exchange::new([half_a_head(), Act::Reset]), models()])
            .accepts(Expected::reply("a").attempts(2)),
        Scenario::new(
            "stream_lost_after_a_retry",
            "a stream that began after a retry is not begun again",
            Ask::ChatStream,
        )
        .answers([
            error(503, "provider_not_available"),
            Exchange::stream([says("one"), Act::AwaitEvents(1), Act::Close]),
        ])
        .accepts(
            Expected::failure_after(200, Why::Fault(FaultKind::Lost), Outcome::Delivered)
                .events(["one"])
                .partial("one")
                .attempts(2),
        ),
        chat(
            "nobody_there",
            "a refused connection was not sent, and is tried again",
        )
        .of(Gateway::Refuses)
        .accepts(
            Expected::failure(Why::Fault(FaultKind::Connect), Outcome::NotSent)
                .attempts(3)
                .requests(0),
        ),
    ]
}
