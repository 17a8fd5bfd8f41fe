//! Limits of time. The limits are those of milliseconds that a test can wait for.

use mesh_proto::Outcome;

use super::{DONE, LIMIT, REPLY, data, delta, error, milliseconds, says};
use crate::scenario::{Ask, Expected, Gateway, Scenario, Why};
use crate::script::{Act, Exchange, Framing, head};

pub(super) fn scenarios() -> Vec<Scenario> {
    let stalls = || Exchange::new([Act::Stall]);
    let body = super::error_body("model_not_found");
    let drips = body.as_bytes().chunks(1).flat_map(|byte| {
        [
            Act::Data(byte.to_vec().into()),
            Act::Pause(milliseconds(100)),
        ]
    });
    let stream = |name, rule| Scenario::new(name, rule, Ask::ChatStream);
    let pings =
        |count| (0..count).flat_map(|_| [data(": ping\n\n"), Act::Pause(milliseconds(100))]);
    vec![
        Scenario::new(
            "no_connection",
            "no connection within the limit was not sent",
            Ask::Chat,
        )
        .with(|settings| {
            settings.deadlines.connect = LIMIT;
            settings.retry.max_retries = 0;
        })
        .of(Gateway::NeverAccepts)
        .accepts(Expected::failure(Why::Connect, Outcome::NotSent).requests(0)),
        Scenario::new("no_connection_again", "and is tried again", Ask::Models)
            .with(|settings| {
                settings.deadlines.connect = milliseconds(100);
                settings.retry.max_retries = 1;
            })
            .of(Gateway::NeverAccepts)
            .accepts(
                Expected::failure(Why::Connect, Outcome::NotSent)
                    .attempts(2)
                    .requests(0),
            ),
        Scenario::new(
            "no_head",
            "no head within the limit may be billed, and is not repeated",
            Ask::Chat,
        )
        .with(|settings| settings.deadlines.head = Some(LIMIT))
        .answers([stalls(), Exchange::answer(200, REPLY)])
        .accepts(Expected::failure(Why::Head, Outcome::Unknown)),
        Scenario::new("no_head_to_a_read", "a read is asked again", Ask::Models)
            .with(|settings| settings.deadlines.head = Some(LIMIT))
            .answers([stalls(), Exchange::answer(200, r#"[{"id":"a"}]"#)])
            .accepts(Expected::reply("a").attempts(2)),
        Scenario::new(
            "slow_head",
            "the wait for the head is not the wait between pieces",
            Ask::Chat,
        )
        .with(|settings| settings.deadlines.idle = milliseconds(200))
        .answers([Exchange::new([
            Act::Pause(milliseconds(500)),
            head(200, &[], Framing::Length(REPLY.len() as u64)),
            data(REPLY),
            Act::End,
        ])])
        .accepts(Expected::reply("hi")),
        Scenario::new(
            "silence",
            "the limit for the whole call holds while the head is waited for",
            Ask::Chat,
        )
        .with(|settings| settings.deadlines.total = Some(LIMIT))
        .answers([stalls()])
        .accepts(Expected::failure(Why::Total, Outcome::Unknown)),
        stream(
            "stall",
            "a stream that stands still ends, and what came is kept",
        )
        .with(|settings| settings.deadlines.idle = LIMIT)
        .answers([Exchange::stream([says("one"), Act::Stall])])
        .accepts(
            Expected::failure_after(200, Why::Idle, Outcome::Delivered)
                .events(["one"])
                .partial("one"),
        ),
        stream(
            "stall_inside_a_frame",
            "so does one that stands still in the middle of a frame",
        )
        .with(|settings| settings.deadlines.idle = LIMIT)
        .answers([Exchange::stream([
            says("one"),
            data("data: {\"ch"),
            Act::Stall,
        ])])
        .accepts(
            Expected::failure_after(200, Why::Idle, Outcome::Delivered)
                .events(["one"])
                .partial("one"),
        ),
        stream(
            "stall_after_the_head",
            "one that never begins may be billed, and is not repeated",
        )
        .with(|settings| settings.deadlines.idle = LIMIT)
        .answers([Exchange::stream([Act::Stall]), Exchange::events([DONE])])
        .accepts(Expected::failure_after(200, Why::Idle, Outcome::Unknown)),
        Scenario::new(
            "reply_that_stalls",
            "a document that stands still may be billed",
            Ask::Chat,
        )
        .with(|settings| settings.deadlines.idle = LIMIT)
        .answers([Exchange::new([
            head(200, &[], Framing::Length(1000)),
            data(REPLY),
            Act::Stall,
        ])])
        .accepts(Expected::failure_after(200, Why::Idle, Outcome::Unknown)),
        Scenario::new(
            "read_that_stalls",
            "a read that stands still is asked again",
            Ask::Models,
        )
        .with(|settings| settings.deadlines.idle = LIMIT)
        .answers([
            Exchange::new([
                head(200, &[], Framing::Length(1000)),
                data("[{"),
                Act::Stall,
            ]),
            Exchange::answer(200, r#"[{"id":"a"}]"#),
        ])
        .accepts(Expected::reply("a").attempts(2)),
        stream(
            "comments_for_long",
            "comments are signs of life, however long they go on",
        )
        .with(|settings| settings.deadlines.idle = LIMIT)
        .answers([Exchange::stream(
            pings(8).chain([data(delta("one") + DONE), Act::End]),
        )])
        .accepts(Expected::stream(["one"])),
        stream(
            "comments_for_too_long",
            "the limit for the whole call holds for a stream that lives",
        )
        .with(|settings| settings.deadlines.total = Some(milliseconds(600)))
        .answers([Exchange::stream(
            [says("one"), Act::AwaitEvents(1)]
                .into_iter()
                .chain(pings(100)),
        )])
        .accepts(
            Expected::failure_after(200, Why::Total, Outcome::Delivered)
                .events(["one"])
                .partial("one"),
        ),
        Scenario::new(
            "no_time_to_wait",
            "a wait that the limit for the whole call cuts short is not begun",
            Ask::Chat,
        )
        .with(|settings| {
            settings.deadlines.total = Some(std::time::Duration::from_secs(10));
            settings.retry.longest_hint = std::time::Duration::from_secs(1000);
        })
        .answers([
            Exchange::answer_with(
                503,
                &[("retry-after", "10")],
                super::error_body("provider_not_available"),
            ),
            Exchange::answer(200, REPLY),
        ])
        .accepts(
            Expected::error(503, Some("provider_not_available"), Outcome::Refused)
                .hint(std::time::Duration::from_secs(10)),
        ),
        Scenario::new(
            "error_that_drips",
            "one idle limit holds for all of an error's body, which is read as far as it came",
            Ask::Chat,
        )
        .with(|settings| settings.deadlines.idle = LIMIT)
        .answers([Exchange::new(
            [head(404, &[], Framing::Length(body.len() as u64))]
                .into_iter()
                .chain(drips)
                .chain([Act::End]),
        )])
        .accepts(Expected::error(404, None, Outcome::Refused)),
        Scenario::new(
            "busy_then_silent",
            "the last failure is the one that is told",
            Ask::Chat,
        )
        .with(|settings| settings.deadlines.head = Some(LIMIT))
        .answers([error(503, "provider_not_available"), stalls()])
        .accepts(Expected::failure(Why::Head, Outcome::Unknown).attempts(2)),
    ]
}
