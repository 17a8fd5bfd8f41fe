//! What an HTTP/2 gateway refuses before it begins. Each request that a library sends again beneath
//! the client is counted at the gateway, too.

use mesh_proto::Outcome;
use mesh_proto::call::FaultKind;

use super::{DONE, REPLY, delta};
use crate::scenario::{Ask, Expected, Need, Scenario, Why};
use crate::script::{Act, Exchange, LastStream, stream_head};

/// Reads no body, and says that it did nothing.
fn refused() -> Exchange {
    Exchange::new([Act::Refuse])
}

fn above_the_last() -> Exchange {
    Exchange::new([Act::GoAway(LastStream::Before)])
}

fn scenario(name: &'static str, rule: &'static str, ask: Ask) -> Scenario {
    Scenario::new(name, rule, ask).needs(&[Need::Http2])
}

fn not_sent() -> Expected {
    Expected::failure(Why::Fault(FaultKind::Lost), Outcome::NotSent)
}

pub(super) fn scenarios() -> Vec<Scenario> {
    let models = r#"{"data":[{"id":"m"}]}"#;
    let rows = [
        (
            [
                "refused_stream",
                "refused_stream_of_a_read",
                "refused_upload",
            ],
            "a refused stream was not processed, and is sent again by the client alone",
            refused as fn() -> Exchange,
        ),
        (
            ["above_goaway", "read_above_goaway", "upload_above_goaway"],
            "so was a stream above the last one of a GOAWAY",
            above_the_last,
        ),
    ];
    let mut all = Vec::new();
    for ([chat, read, upload], rule, refuse) in rows {
        let once = |name, ask| {
            scenario(name, rule, ask)
                .with(|settings| settings.retry.max_retries = 0)
                .answers([refuse()])
                .accepts(not_sent())
        };
        all.push(once(chat, Ask::Chat));
        all.push(once(read, Ask::Models));
        all.push(
            scenario(upload, rule, Ask::Seeing(1 << 20))
                .answers([refuse().reading(0), Exchange::answer(200, REPLY)])
                .accepts(Expected::reply("hi").attempts(2)),
        );
    }
    all.extend([
        scenario(
            "refused_twice_and_served",
            "each attempt is one request at the gateway",
            Ask::Models,
        )
        .answers([refused(), above_the_last(), Exchange::answer(200, models)])
        .accepts(Expected::reply("m").attempts(3)),
        scenario(
            "refused_within_a_stream",
            "what has begun to answer has begun, whatever the reset says",
            Ask::ChatStream,
        )
        .answers([Exchange::new([
            stream_head(),
            Act::Data(delta("one").into()),
            Act::AwaitEvents(1),
            Act::Refuse,
        ])])
        .accepts(
            Expected::failure_after(200, Why::Fault(FaultKind::Lost), Outcome::Delivered)
                .events(["one"])
                .partial("one"),
        ),
        scenario(
            "goaway_behind_a_request",
            "a request that a GOAWAY covers is answered",
            Ask::ChatStream,
        )
        .answers([Exchange::new([
            Act::GoAway(LastStream::This),
            stream_head(),
            Act::Data(delta("one").into()),
            Act::Data(DONE.into()),
            Act::End,
        ])])
        .accepts(Expected::stream(["one"])),
        scenario(
            "goaway_between_calls",
            "after a GOAWAY the next call takes another connection, and is sent once",
            Ask::Chat,
        )
        .calls(4)
        .answers([Exchange::answer(200, REPLY).then(Act::GoAway(LastStream::This))])
        .accepts(Expected::reply("hi").requests(4)),
    ]);
    all
}
