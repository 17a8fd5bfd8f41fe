//! One event with a whole picture in it.

use std::convert::Infallible;
use std::hint::black_box;

use async_openai::types::images::CreateImageRequest;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use mesh_proto::call::Limits;
use mesh_proto::endpoint::{Decode, Decoded, ImageStream};
use mesh_proto::images::ImageRequest;
use mesh_proto::{Endpoint, Head};
use sse_stream::SseByteStream;

use crate::Failure;
use crate::clients::{openai_offline, runtime};
use crate::inputs::{self, PIECE, pieces};
use crate::measure::{Sample, once, repeat};
use crate::plain::{BorrowedPictureEvent, PictureEvent};
use crate::python::{self, Work};
use crate::row::{Effort, Goal, Heap, Measure, Row, limit, ours, peer};
use crate::runner::Scale;

const SIZE: usize = 8 << 20;

pub(super) fn row() -> Row {
    #[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
    let event = (SIZE.div_ceil(3) * 4) as f64;
    Row {
        id: "picture-event",
        title: "One event with a picture of 8 MiB, in pieces of 16 KiB, fresh",
        unit: "event",
        heap: Heap::Fresh,
        effort: Effort::Usual,
        contestants: vec![
            ours("mesh", |scale| mesh(scale, SIZE)),
            ours("mesh, 32 MiB", |scale| mesh(scale, 4 * SIZE)),
            peer("async-openai", openai),
            peer("sse-stream and serde_json", sse_stream),
            peer("official Python SDK", official),
            limit("borrowed parse and one copy", one_copy),
        ],
        goals: vec![
            Goal::times(
                "≤ 1/200 of async-openai",
                "mesh",
                Measure::Cpu,
                1.0 / 200.0,
                "async-openai",
            ),
            Goal::times(
                "≤ sse-stream",
                "mesh",
                Measure::Cpu,
                1.0,
                "sse-stream and serde_json",
            ),
            Goal::at_most("≤ 2.2 × the event", "mesh", Measure::Heap, 2.2 * event),
            Goal::times(
                "32 MiB take ≤ 5 × the time",
                "mesh, 32 MiB",
                Measure::Cpu,
                5.0,
                "mesh",
            ),
        ],
    }
}

/// The event as a user gets it, with all that comes before and after.
pub(super) fn mesh(scale: Scale, size: usize) -> Result<Sample, Failure> {
    let endpoint = ImageStream::new(&ImageRequest::new("openai/gpt-image-1", "a rocket"))?;
    let (parts, ()) = http::Response::new(()).into_parts();
    let head = Head::from(&parts);
    let limits = Limits::default();
    let body = inputs::picture_event(scale.bytes(size));
    repeat(
        scale.times(7),
        || Ok(pieces(&body, PIECE).collect::<Vec<Bytes>>()),
        |pieces| {
            let mut decoder = endpoint.decoder(&head, &limits)?;
            let mut events = 0;
            for piece in pieces {
                decoder.push(piece)?;
                while let Decoded::Event(chunk) = decoder.next()? {
                    black_box(&chunk);
                    events += 1;
                }
            }
            decoder.end();
            black_box(decoder.finish()?);
            one_came(events)
        },
    )
}

fn one_came(events: usize) -> Result<(), Failure> {
    match events {
        1 => Ok(()),
        _ => Err(format!("{events} events instead of one").into()),
    }
}

/// Takes seconds for each event, so that once has to do.
fn openai(scale: Scale) -> Result<Sample, Failure> {
    let runtime = runtime()?;
    let body = inputs::picture_event(scale.bytes(SIZE));
    let client = openai_offline(move || {
        reqwest::Body::wrap_stream(stream::iter(pieces(&body, PIECE).map(Ok::<_, Infallible>)))
    })?;
    once(|| {
        runtime.block_on(async {
            let request = CreateImageRequest {
                prompt: "a rocket".to_owned(),
                ..CreateImageRequest::default()
            };
            let mut events = client.images().generate_stream(request).await?;
            let mut count = 0;
            while let Some(event) = events.next().await {
                black_box(event?);
                count += 1;
            }
            one_came(count)
        })
    })
}

fn sse_stream(scale: Scale) -> Result<Sample, Failure> {
    let runtime = runtime()?;
    let body = inputs::picture_event(scale.bytes(SIZE));
    repeat(
        scale.times(7),
        || Ok(stream::iter(pieces(&body, PIECE).map(Ok::<_, Infallible>))),
        |pieces| {
            runtime.block_on(async {
                let mut frames = SseByteStream::new(pieces);
                let mut count = 0;
                while let Some(frame) = frames.next().await {
                    let data = frame?.data.unwrap_or_default();
                    if data == "[DONE]" {
                        break;
                    }
                    let event: PictureEvent = serde_json::from_str(&data)?;
                    black_box(event);
                    count += 1;
                }
                one_came(count)
            })
        },
    )
}

fn official(scale: Scale) -> Result<Sample, Failure> {
    python::sample(&Work {
        name: "event",
        times: 1,
        size: scale.bytes(SIZE),
        count: 1,
        url: "",
    })
}

fn one_copy(scale: Scale) -> Result<Sample, Failure> {
    let body = inputs::picture_event(scale.bytes(SIZE));
    repeat(
        scale.times(7),
        || Ok(pieces(&body, PIECE).collect::<Vec<Bytes>>()),
        |pieces| {
            let mut whole = Vec::with_capacity(body.len());
            for piece in pieces {
                whole.extend_from_slice(&piece);
            }
            let end = memchr::memmem::find(&whole, b"\n\n").ok_or("no end")?;
            let data = whole.get("data: ".len()..end).ok_or("no data")?;
            let event: BorrowedPictureEvent<'_> = serde_json::from_slice(data)?;
            black_box(event);
            Ok(())
        },
    )
}
