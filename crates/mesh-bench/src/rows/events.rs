//! Streams of many small events: as frames, as typed chat deltas, in large pieces and in tiny ones.

use std::convert::Infallible;
use std::hint::black_box;

use bytes::Bytes;
use eventsource_stream::Eventsource as _;
use futures_util::StreamExt as _;
use futures_util::stream;
use mesh_proto::call::Limits;
use mesh_proto::chat::ChatChunk;
use mesh_proto::endpoint::{ChatStream, Decode, Decoded};
use mesh_proto::sse::Decoder;
use mesh_proto::{Endpoint, Head};
use sse_stream::{Sse, SseByteStream, SseStream};

use crate::Failure;
use crate::clients::{openai_offline, openai_short, ours_short, runtime};
use crate::inputs::{self, PIECE, pieces};
use crate::measure::{Sample, repeat};
use crate::plain::{BorrowedChunk, Chunk};
use crate::python::{self, Work};
use crate::row::{Effort, Goal, Heap, Measure, Row, limit, ours, peer};
use crate::runner::Scale;

const MANY: usize = 200_000;
const FEW: usize = 20_000;

pub(super) fn rows() -> Vec<Row> {
    vec![
        frames(),
        deltas(),
        tiny(
            "pieces-64",
            "64 bytes",
            [
                |scale| mesh_deltas(scale, FEW, 64),
                |scale| openai_deltas(scale, FEW, 64),
                |scale| sse_stream_deltas(scale, FEW, 64),
                |scale| sse_stream_body_deltas(scale, FEW, 64),
            ],
        ),
        tiny(
            "pieces-1",
            "1 byte",
            [
                |scale| mesh_deltas(scale, FEW, 1),
                |scale| openai_deltas(scale, FEW, 1),
                |scale| sse_stream_deltas(scale, FEW, 1),
                |scale| sse_stream_body_deltas(scale, FEW, 1),
            ],
        ),
    ]
}

fn frames() -> Row {
    Row {
        id: "frames",
        title: "200,000 small events in pieces of 16 KiB, as frames",
        unit: "200,000 events",
        heap: Heap::System,
        effort: Effort::Usual,
        contestants: vec![
            ours("mesh", mesh_frames),
            peer("sse-stream", sse_stream_frames),
            peer("eventsource-stream", eventsource_frames),
            limit("memchr", memchr_alone),
        ],
        goals: vec![
            Goal::times(
                "≤ 1/2 of sse-stream",
                "mesh",
                Measure::Cpu,
                0.5,
                "sse-stream",
            ),
            // The one frame in each of the pieces that is cut in two may take a buffer or two.
            Goal::at_most(
                "nothing allocated per frame",
                "mesh",
                Measure::Calls,
                6000.0,
            ),
        ],
    }
}

fn deltas() -> Row {
    Row {
        id: "deltas",
        title: "The same as typed chat deltas",
        unit: "200,000 events",
        heap: Heap::System,
        effort: Effort::Usual,
        contestants: vec![
            ours("mesh", |scale| mesh_deltas(scale, MANY, PIECE)),
            peer("async-openai", |scale| openai_deltas(scale, MANY, PIECE)),
            peer("sse-stream and serde_json", |scale| {
                sse_stream_deltas(scale, MANY, PIECE)
            }),
            peer("official Python SDK", official),
            limit("serde_json alone, owned", owned_alone),
            limit("serde_json alone, borrowed", borrowed_alone),
            limit("serde_json into ChatChunk", ours_alone),
        ],
        goals: vec![
            Goal::times(
                "≤ 1.3 × serde_json into the same types",
                "mesh",
                Measure::Cpu,
                1.3,
                "serde_json into ChatChunk",
            ),
            Goal::times(
                "≤ 1/3 of async-openai",
                "mesh",
                Measure::Cpu,
                1.0 / 3.0,
                "async-openai",
            ),
            // The reply's text of 0.8 MiB in a buffer that doubles, and what is being read.
            Goal::at_most("≤ 2 MiB", "mesh", Measure::Heap, 2.0 * 1024.0 * 1024.0),
        ],
    }
}

fn tiny(
    id: &'static str,
    size: &'static str,
    [mesh, openai, sse_stream, sse_body]: [fn(Scale) -> Result<Sample, Failure>; 4],
) -> Row {
    let is_bytes = size == "1 byte";
    Row {
        id,
        title: if is_bytes {
            "20,000 events in pieces of 1 byte, as typed chat deltas"
        } else {
            "20,000 events in pieces of 64 bytes, as typed chat deltas"
        },
        unit: "20,000 events",
        heap: Heap::System,
        effort: Effort::Usual,
        contestants: vec![
            ours("mesh", mesh),
            peer("async-openai", openai),
            peer("sse-stream and serde_json", sse_stream),
            peer("sse-stream over a body", sse_body),
            limit("serde_json alone, owned", |scale| owned(scale, FEW)),
        ],
        goals: vec![Goal::times(
            if is_bytes {
                "≤ sse-stream over a body"
            } else {
                "≤ sse-stream"
            },
            "mesh",
            Measure::Cpu,
            1.0,
            // With an HTTP client that is how it is used; in larger pieces it makes no difference.
            if is_bytes {
                "sse-stream over a body"
            } else {
                "sse-stream and serde_json"
            },
        )],
    }
}

/// What arrives, in pieces.
fn arriving(
    scale: Scale,
    count: usize,
    size: usize,
) -> impl FnMut() -> Result<Vec<Bytes>, Failure> {
    let body = inputs::chat_stream(scale.count(count));
    move || Ok(pieces(&body, size).collect())
}

fn endless(
    pieces: Vec<Bytes>,
) -> impl futures_core::Stream<Item = Result<Bytes, Infallible>> + Send {
    stream::iter(pieces.into_iter().map(Ok))
}

/// Whether as many events came as had been made, with or without the end mark.
fn all_came(count: usize, expected: usize) -> Result<(), Failure> {
    if count == expected || count == expected + 1 {
        Ok(())
    } else {
        Err(format!("{count} events of {expected}").into())
    }
}

fn mesh_frames(scale: Scale) -> Result<Sample, Failure> {
    repeat(scale.times(5), arriving(scale, MANY, PIECE), |pieces| {
        let mut decoder = Decoder::new();
        let mut count = 0;
        for piece in pieces {
            decoder.push(piece);
            while let Some(frame) = decoder.next()? {
                black_box(frame.data());
                count += 1;
            }
        }
        all_came(count, scale.count(MANY))
    })
}

fn sse_stream_frames(scale: Scale) -> Result<Sample, Failure> {
    let runtime = runtime()?;
    repeat(scale.times(5), arriving(scale, MANY, PIECE), |pieces| {
        runtime.block_on(async {
            let mut events = SseByteStream::new(endless(pieces));
            let mut count = 0;
            while let Some(event) = events.next().await {
                black_box(event?);
                count += 1;
            }
            all_came(count, scale.count(MANY))
        })
    })
}

fn eventsource_frames(scale: Scale) -> Result<Sample, Failure> {
    let runtime = runtime()?;
    repeat(scale.times(5), arriving(scale, MANY, PIECE), |pieces| {
        runtime.block_on(async {
            let mut events = endless(pieces).eventsource();
            let mut count = 0;
            while let Some(event) = events.next().await {
                black_box(event.map_err(|error| error.to_string())?);
                count += 1;
            }
            all_came(count, scale.count(MANY))
        })
    })
}

fn memchr_alone(scale: Scale) -> Result<Sample, Failure> {
    repeat(scale.times(5), arriving(scale, MANY, PIECE), |pieces| {
        let mut count = 0;
        for piece in pieces {
            for end in memchr::memchr_iter(b'\n', &piece) {
                black_box(end);
                count += 1;
            }
        }
        // Two ends of lines for each event.
        all_came(count / 2, scale.count(MANY))
    })
}

fn mesh_deltas(scale: Scale, count: usize, size: usize) -> Result<Sample, Failure> {
    let endpoint = ChatStream::new(&ours_short())?;
    let (parts, ()) = http::Response::new(()).into_parts();
    let head = Head::from(&parts);
    let limits = Limits::default();
    repeat(scale.times(5), arriving(scale, count, size), |pieces| {
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
        all_came(events, scale.count(count))
    })
}

fn openai_deltas(scale: Scale, count: usize, size: usize) -> Result<Sample, Failure> {
    let runtime = runtime()?;
    let body = inputs::chat_stream(scale.count(count));
    let client = openai_offline(move || {
        reqwest::Body::wrap_stream(stream::iter(pieces(&body, size).map(Ok::<_, Infallible>)))
    })?;
    repeat(
        scale.times(3),
        || Ok(()),
        |()| {
            runtime.block_on(async {
                let request = openai_short();
                let mut chunks = client.chat().create_stream(request).await?;
                let mut events = 0;
                while let Some(chunk) = chunks.next().await {
                    black_box(chunk?);
                    events += 1;
                }
                all_came(events, scale.count(count))
            })
        },
    )
}

fn sse_stream_deltas(scale: Scale, count: usize, size: usize) -> Result<Sample, Failure> {
    typed(scale, count, size, |pieces| {
        SseByteStream::new(endless(pieces))
    })
}

/// The same through its adapter for bodies, as with an HTTP client.
fn sse_stream_body_deltas(scale: Scale, count: usize, size: usize) -> Result<Sample, Failure> {
    typed(scale, count, size, |pieces| {
        Box::pin(SseStream::from_bytes_stream(endless(pieces)))
    })
}

fn typed<S>(
    scale: Scale,
    count: usize,
    size: usize,
    decode: impl Fn(Vec<Bytes>) -> S,
) -> Result<Sample, Failure>
where
    S: futures_core::Stream<Item = Result<Sse, sse_stream::Error>> + Unpin,
{
    let runtime = runtime()?;
    repeat(scale.times(5), arriving(scale, count, size), |pieces| {
        runtime.block_on(async {
            let mut frames = decode(pieces);
            let mut events = 0;
            while let Some(frame) = frames.next().await {
                let data = frame?.data.unwrap_or_default();
                if data == "[DONE]" {
                    break;
                }
                let chunk: Chunk = serde_json::from_str(&data)?;
                black_box(chunk);
                events += 1;
            }
            all_came(events, scale.count(count))
        })
    })
}

fn official(scale: Scale) -> Result<Sample, Failure> {
    python::sample(&Work {
        name: "deltas",
        times: scale.times(3),
        size: 0,
        count: scale.count(MANY),
        url: "",
    })
}

fn owned_alone(scale: Scale) -> Result<Sample, Failure> {
    owned(scale, MANY)
}

fn owned(scale: Scale, count: usize) -> Result<Sample, Failure> {
    parsed(scale, count, |frame| {
        let chunk: Chunk = serde_json::from_slice(frame)?;
        black_box(chunk);
        Ok(())
    })
}

fn borrowed_alone(scale: Scale) -> Result<Sample, Failure> {
    parsed(scale, MANY, |frame| {
        let chunk: BorrowedChunk<'_> = serde_json::from_slice(frame)?;
        black_box(chunk);
        Ok(())
    })
}

fn ours_alone(scale: Scale) -> Result<Sample, Failure> {
    parsed(scale, MANY, |frame| {
        let chunk: ChatChunk = serde_json::from_slice(frame)?;
        black_box(chunk);
        Ok(())
    })
}

fn parsed(
    scale: Scale,
    count: usize,
    mut parse: impl FnMut(&[u8]) -> Result<(), Failure>,
) -> Result<Sample, Failure> {
    let frames = inputs::chunks(scale.count(count));
    repeat(
        scale.times(5),
        || Ok(()),
        |()| frames.iter().try_for_each(|frame| parse(frame)),
    )
}
