//! A chat request with pictures, from their bytes to the last byte of its body.

use std::hint::black_box;

use bytes::Bytes;
use mesh_proto::Endpoint;

use crate::clients::{QUESTION, openai_about, openai_offline, ours_about, runtime, target};
use crate::measure::{Sample, repeat};
use crate::python::{self, Work};
use crate::row::{Contestant, Effort, Goal, Heap, Measure, Row, limit, ours, peer};
use crate::runner::Scale;
use crate::{Failure, inputs, plain};

pub(super) fn rows() -> Vec<Row> {
    let one = |id, title, heap| Row {
        id,
        title,
        unit: "request",
        heap,
        effort: Effort::Usual,
        contestants: contestants(
            |scale| mesh(scale, 1, 10 << 20),
            |scale| openai(scale, 1, 10 << 20),
            |scale| by_hand(scale, 1, 10 << 20),
            |scale| official(scale, 1, 10 << 20),
            |scale| alone(scale, 1, 10 << 20),
        ),
        goals: goals(),
    };
    let ten = |id, title, heap| Row {
        contestants: contestants(
            |scale| mesh(scale, 10, 2 << 20),
            |scale| openai(scale, 10, 2 << 20),
            |scale| by_hand(scale, 10, 2 << 20),
            |scale| official(scale, 10, 2 << 20),
            |scale| alone(scale, 10, 2 << 20),
        ),
        ..one(id, title, heap)
    };
    vec![
        one(
            "encode",
            "A chat request with one picture of 10 MiB, fresh",
            Heap::Fresh,
        ),
        one("encode-warm", "The same, warm", Heap::Warm),
        ten(
            "encode-ten",
            "A chat request with ten pictures of 2 MiB, fresh",
            Heap::Fresh,
        ),
        ten("encode-ten-warm", "The same, warm", Heap::Warm),
    ]
}

type Take = fn(Scale) -> Result<Sample, Failure>;

fn contestants(
    mesh: Take,
    openai: Take,
    by_hand: Take,
    official: Take,
    alone: Take,
) -> Vec<Contestant> {
    vec![
        ours("mesh", mesh),
        peer("async-openai", openai),
        peer("serde_json and base64", by_hand),
        peer("official Python SDK", official),
        limit("SIMD base64 alone", alone),
    ]
}

fn goals() -> Vec<Goal> {
    vec![
        Goal::times(
            "≤ 2 × SIMD alone",
            "mesh",
            Measure::Cpu,
            2.0,
            "SIMD base64 alone",
        ),
        Goal::at_most("≤ 128 KiB", "mesh", Measure::Heap, 128.0 * 1024.0),
    ]
}

fn pictures(scale: Scale, count: usize, size: usize) -> Vec<Bytes> {
    let picture = inputs::picture(scale.bytes(size));
    // Each has its own place in memory, as pictures do.
    let copies = std::iter::repeat_with(|| Bytes::copy_from_slice(&picture));
    copies.take(count).collect()
}

fn mesh(scale: Scale, count: usize, size: usize) -> Result<Sample, Failure> {
    let pictures = pictures(scale, count, size);
    let target = target()?;
    let mut piece = vec![0; 64 << 10];
    repeat(
        scale.times(9),
        || Ok(()),
        |()| {
            let request = ours_about(&pictures)?.request(&target)?;
            let mut reader = request.body().reader();
            while reader.read(&mut piece) > 0 {
                black_box(&piece);
            }
            Ok(())
        },
    )
}

fn openai(scale: Scale, count: usize, size: usize) -> Result<Sample, Failure> {
    let pictures = pictures(scale, count, size);
    let runtime = runtime()?;
    let reply = inputs::small_reply();
    let client = openai_offline(move || reply.clone().into())?;
    repeat(
        scale.times(9),
        || Ok(()),
        |()| {
            let request = openai_about(&pictures);
            black_box(runtime.block_on(client.chat().create(request))?);
            Ok(())
        },
    )
}

fn by_hand(scale: Scale, count: usize, size: usize) -> Result<Sample, Failure> {
    let pictures = pictures(scale, count, size);
    repeat(
        scale.times(9),
        || Ok(()),
        |()| {
            black_box(plain::Request::about(QUESTION, &pictures).json()?);
            Ok(())
        },
    )
}

fn official(scale: Scale, count: usize, size: usize) -> Result<Sample, Failure> {
    python::sample(&Work {
        name: "encode",
        times: scale.times(9),
        size: scale.bytes(size),
        count,
        url: "",
    })
}

fn alone(scale: Scale, count: usize, size: usize) -> Result<Sample, Failure> {
    let pictures = pictures(scale, count, size);
    repeat(
        scale.times(9),
        || Ok(()),
        |()| {
            for picture in &pictures {
                plain::encode_alone(picture);
            }
            Ok(())
        },
    )
}
