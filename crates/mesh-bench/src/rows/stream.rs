//! A streamed chat of a thousand chunks that come in a burst over loopback.

use std::hint::black_box;

use futures_util::StreamExt as _;
use tokio::runtime::Runtime;

use crate::clients::{
    asynchronous, blocking, openai, openai_short, ours_short, raw_short, runtime,
};
use crate::loopback::{self, Bare, Loopback};
use crate::measure::{Sample, repeat};
use crate::plain::Chunk;
use crate::python::{self, Work};
use crate::row::{Effort, Goal, Heap, Measure, Row, limit, ours, peer};
use crate::runner::Scale;
use crate::{Failure, inputs};

const CHUNKS: usize = 1000;

pub(super) fn row() -> Row {
    Row {
        id: "stream",
        title: "A stream of 1,000 chunks in a burst over loopback",
        unit: "stream",
        heap: Heap::System,
        effort: Effort::Usual,
        contestants: vec![
            ours("mesh, blocking", mesh_blocking),
            ours("mesh, async", |scale| mesh_async(scale, Place::Task)),
            ours("mesh, async, in block_on", |scale| {
                mesh_async(scale, Place::BlockOn)
            }),
            peer("async-openai", |scale| async_openai(scale, Place::Task)),
            peer("async-openai, in block_on", |scale| {
                async_openai(scale, Place::BlockOn)
            }),
            peer("official Python SDK", official),
            limit("bare TCP and serde_json", bare),
        ],
        goals: vec![
            Goal::times(
                "blocking ≥ 2 × faster than async-openai",
                "mesh, blocking",
                Measure::Cpu,
                1.0 / 2.0,
                "async-openai",
            ),
            Goal::times(
                "async ≥ 1.5 × faster than async-openai",
                "mesh, async",
                Measure::Cpu,
                1.0 / 1.5,
                "async-openai",
            ),
        ],
    }
}

/// Where a future runs. A service runs its work in tasks; what `block_on` polls itself is woken
/// through the I/O driver, chunk by chunk.
#[derive(Clone, Copy)]
enum Place {
    Task,
    BlockOn,
}

fn run(
    runtime: &Runtime,
    place: Place,
    work: impl Future<Output = Result<(), Failure>> + Send + 'static,
) -> Result<(), Failure> {
    match place {
        Place::Task => runtime.block_on(runtime.spawn(work))?,
        Place::BlockOn => runtime.block_on(work),
    }
}

fn server(scale: Scale) -> Result<Loopback, Failure> {
    let stream = inputs::chat_stream(scale.count(CHUNKS));
    Loopback::start(loopback::events(&stream))
}

fn all_came(count: usize, scale: Scale) -> Result<(), Failure> {
    if count == scale.count(CHUNKS) {
        Ok(())
    } else {
        Err(format!("{count} chunks").into())
    }
}

fn mesh_blocking(scale: Scale) -> Result<Sample, Failure> {
    let server = server(scale)?;
    let client = blocking(&server.url())?;
    repeat(
        scale.times(25),
        || Ok(()),
        |()| {
            let mut count = 0;
            for chunk in client.chat().completions().stream(&ours_short())? {
                black_box(chunk?);
                count += 1;
            }
            all_came(count, scale)
        },
    )
}

fn mesh_async(scale: Scale, place: Place) -> Result<Sample, Failure> {
    let server = server(scale)?;
    let client = asynchronous(&server.url())?;
    let runtime = runtime()?;
    repeat(
        scale.times(25),
        || Ok(()),
        |()| {
            let client = client.clone();
            run(&runtime, place, async move {
                let mut chunks = client.chat().completions().stream(&ours_short())?;
                let mut count = 0;
                while let Some(chunk) = chunks.next().await {
                    black_box(chunk?);
                    count += 1;
                }
                all_came(count, scale)
            })
        },
    )
}

fn async_openai(scale: Scale, place: Place) -> Result<Sample, Failure> {
    let server = server(scale)?;
    let client = openai(&server.url())?;
    let runtime = runtime()?;
    repeat(
        scale.times(25),
        || Ok(()),
        |()| {
            let client = client.clone();
            run(&runtime, place, async move {
                let request = openai_short();
                let mut chunks = client.chat().create_stream(request).await?;
                let mut count = 0;
                while let Some(chunk) = chunks.next().await {
                    black_box(chunk?);
                    count += 1;
                }
                all_came(count, scale)
            })
        },
    )
}

fn official(scale: Scale) -> Result<Sample, Failure> {
    let server = server(scale)?;
    python::sample(&Work {
        name: "stream",
        times: scale.times(15),
        size: 8,
        count: 1,
        url: &server.url(),
    })
}

fn bare(scale: Scale) -> Result<Sample, Failure> {
    let frames = inputs::chunks(scale.count(CHUNKS));
    let server = server(scale)?;
    let length = loopback::events(&inputs::chat_stream(frames.len())).len();
    let mut client = Bare::connect(server.address())?;
    let request = loopback::request(&raw_short().streamed().json()?);
    let mut buffer = vec![0; 64 << 10];
    repeat(
        scale.times(25),
        || Ok(()),
        |()| {
            client.exchange(&request, length, &mut buffer)?;
            for frame in &frames {
                let chunk: Chunk = serde_json::from_slice(frame)?;
                black_box(chunk);
            }
            Ok(())
        },
    )
}
