//! How ours grows: four times the bytes or the events, ten times the messages.

use std::hint::black_box;

use bytes::Bytes;
use mesh_proto::images::ImageRequest;
use mesh_proto::{ChatRequest, Endpoint};

use super::picture_event;
use crate::clients::{ours_about, ours_read, target};
use crate::inputs::{self, PIECE, pieces};
use crate::measure::{Sample, repeat};
use crate::row::{Effort, Goal, Heap, Measure, Row, limit, ours};
use crate::runner::Scale;
use crate::{Failure, plain};

/// What is linear, measured on a machine that others use, too.
const SLACK: f64 = 1.25;

type Take = fn(Scale) -> Result<Sample, Failure>;

pub(super) fn rows() -> Vec<Row> {
    let by_four = |id, title, few: Take, many: Take| Row {
        id,
        title,
        unit: "work",
        heap: Heap::Fresh,
        effort: Effort::Usual,
        contestants: vec![ours("once", few), ours("four times", many)],
        goals: vec![
            Goal::times(
                "time grows by ≤ 4 × 1.25",
                "four times",
                Measure::Cpu,
                4.0 * SLACK,
                "once",
            ),
            Goal::times(
                "memory grows by ≤ 4 × 1.25",
                "four times",
                Measure::Heap,
                4.0 * SLACK,
                "once",
            ),
        ],
    };
    let request = by_four(
        "growth-request",
        "Growth: a request's picture from 4 MiB to 16 MiB",
        |scale| request(scale, 4 << 20),
        |scale| request(scale, 16 << 20),
    );
    let reply = by_four(
        "growth-reply",
        "Growth: a reply's picture from 4 MiB to 16 MiB",
        |scale| reply(scale, 4 << 20),
        |scale| reply(scale, 16 << 20),
    );
    vec![
        held_against(
            request,
            "SIMD base64 alone, four times",
            "four times take ≤ 1.25 × base64 alone",
            base64_alone,
        ),
        held_against(
            reply,
            "borrowed parse, decoding in place, four times",
            "four times take ≤ 1.25 × parse and decode",
            in_place,
        ),
        by_four(
            "growth-event",
            "Growth: an event's picture from 4 MiB to 16 MiB",
            |scale| picture_event::mesh(scale, 4 << 20),
            |scale| picture_event::mesh(scale, 16 << 20),
        ),
        by_four(
            "growth-events",
            "Growth: a stream from 50,000 events to 200,000",
            |scale| events(scale, 50_000),
            |scale| events(scale, 200_000),
        ),
        Row {
            id: "growth-messages",
            title: "Growth: a conversation from 100 messages to 1,000",
            unit: "request",
            // Fresh, only the longer one would be newly mapped.
            heap: Heap::Warm,
            effort: Effort::Usual,
            contestants: vec![
                ours("once", |scale| messages(scale, 100)),
                ours("ten times", |scale| messages(scale, 1000)),
            ],
            goals: vec![
                Goal::times(
                    "time grows by ≤ 10 × 1.25",
                    "ten times",
                    Measure::Cpu,
                    10.0 * SLACK,
                    "once",
                ),
                Goal::times(
                    "memory grows by ≤ 10 × 1.25",
                    "ten times",
                    Measure::Heap,
                    10.0 * SLACK,
                    "once",
                ),
            ],
        },
    ]
}

/// The larger picture may not fit into the machine's cache: the limit shows what that costs.
fn held_against(mut row: Row, name: &'static str, goal: &'static str, take: Take) -> Row {
    row.contestants.push(limit(name, take));
    row.goals.retain(|goal| goal.measure != Measure::Cpu);
    let goal = Goal::times(goal, "four times", Measure::Cpu, SLACK, name);
    row.goals.push(goal);
    row
}

fn base64_alone(scale: Scale) -> Result<Sample, Failure> {
    let picture = inputs::picture(scale.bytes(16 << 20));
    repeat(
        scale.times(15),
        || Ok(()),
        |()| {
            plain::encode_alone(&picture);
            Ok(())
        },
    )
}

fn in_place(scale: Scale) -> Result<Sample, Failure> {
    let body = inputs::image_reply(scale.bytes(16 << 20));
    repeat(
        scale.times(9),
        || Ok(body.clone()),
        |mut body| {
            black_box(plain::decode_in_place(&mut body)?);
            Ok(())
        },
    )
}

fn read(
    request: &ChatRequest,
    target: &mesh_proto::Target,
    piece: &mut [u8],
) -> Result<(), Failure> {
    let request = request.request(target)?;
    let mut reader = request.body().reader();
    while reader.read(piece) > 0 {
        black_box(&piece);
    }
    Ok(())
}

fn request(scale: Scale, size: usize) -> Result<Sample, Failure> {
    let request = ours_about(&[inputs::picture(scale.bytes(size))])?;
    let target = target()?;
    let mut piece = vec![0; 64 << 10];
    repeat(
        scale.times(15),
        || Ok(()),
        |()| read(&request, &target, &mut piece),
    )
}

fn reply(scale: Scale, size: usize) -> Result<Sample, Failure> {
    let body = inputs::image_reply(scale.bytes(size));
    let request = ImageRequest::new("google/imagen-4", "a rocket");
    repeat(
        scale.times(9),
        || Ok(body.clone()),
        |body| {
            let images = ours_read(&request, Bytes::from(body))?.into_images();
            let image = images.into_iter().next().ok_or("no picture")?;
            black_box(image.into_bytes()?);
            Ok(())
        },
    )
}

fn events(scale: Scale, count: usize) -> Result<Sample, Failure> {
    use mesh_proto::endpoint::{ChatStream, Decode as _, Decoded};

    let endpoint = ChatStream::new(&crate::clients::ours_short())?;
    let (parts, ()) = http::Response::new(()).into_parts();
    let head = mesh_proto::Head::from(&parts);
    let body = inputs::chat_stream(scale.count(count));
    repeat(
        scale.times(5),
        || Ok(()),
        |()| {
            let mut decoder = endpoint.decoder(&head, &mesh_proto::call::Limits::default())?;
            for piece in pieces(&body, PIECE) {
                decoder.push(piece)?;
                while let Decoded::Event(chunk) = decoder.next()? {
                    black_box(&chunk);
                }
            }
            black_box(decoder.finish()?);
            Ok(())
        },
    )
}

fn messages(scale: Scale, count: usize) -> Result<Sample, Failure> {
    let said = "What do you see in the lower left corner? ".repeat(5);
    let mut request = ChatRequest::new("openai/gpt-4o");
    for _ in 0..scale.count(count) {
        request = request.user(said.as_str());
    }
    let target = target()?;
    let mut piece = vec![0; 64 << 10];
    repeat(
        scale.times(25),
        || Ok(()),
        |()| read(&request, &target, &mut piece),
    )
}
