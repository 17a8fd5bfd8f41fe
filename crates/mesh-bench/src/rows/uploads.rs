//! Uploads of a picture of 10 MiB over loopback: one after another, and sixteen at once. Each begins
//! with the picture's bytes, which are the user's own; the server is in the process.

use std::hint::black_box;
use std::sync::{Arc, Barrier};
use std::thread;

use bytes::Bytes;

use crate::clients::{
    QUESTION, asynchronous, blocking, openai, openai_about, ours_about, raw_async, raw_blocking,
    raw_exchange, raw_post, runtime,
};
use crate::loopback::{self, Bare, Loopback};
use crate::measure::{Sample, growth_of, repeat};
use crate::python::{self, Work};
use crate::row::{Effort, Goal, Heap, Measure, Row, limit, ours, peer};
use crate::runner::Scale;
use crate::{Failure, heap, inputs, plain};

const SIZE: usize = 10 << 20;
const MANY: usize = 16;
const MEBIBYTE: f64 = 1024.0 * 1024.0;

pub(super) fn rows() -> Vec<Row> {
    let by_openai = |of| {
        Goal::times(
            match of {
                "mesh, blocking" => "blocking ≤ 1/5 of async-openai",
                _ => "async ≤ 1/5 of async-openai",
            },
            of,
            Measure::Cpu,
            0.2,
            "async-openai",
        )
    };
    // Bytes on their way are the work of both sides.
    let by_tcp = |of| {
        Goal::times(
            match of {
                "mesh, blocking" => "blocking ≤ 1.5 × TCP",
                _ => "async ≤ 1.5 × TCP",
            },
            of,
            Measure::Both,
            1.5,
            "bare TCP, body ready",
        )
    };
    let grown =
        |text, of, mebibytes: f64| Goal::at_most(text, of, Measure::Resident, mebibytes * MEBIBYTE);
    vec![
        Row {
            id: "upload",
            title: "Upload of a picture of 10 MiB over loopback",
            unit: "upload",
            heap: Heap::System,
            effort: Effort::Usual,
            contestants: vec![
                ours("mesh, blocking", |scale| mesh_blocking(scale, 1)),
                ours("mesh, async", |scale| mesh_async(scale, 1)),
                peer("async-openai", |scale| async_openai(scale, 1)),
                peer("raw reqwest, whole body", |scale| reqwest(scale, 1)),
                peer("raw ureq, whole body", |scale| ureq(scale, 1)),
                peer("official Python SDK", |scale| official(scale, 1)),
                limit("bare TCP, body ready", |scale| bare(scale, 1)),
            ],
            goals: vec![
                by_tcp("mesh, blocking"),
                by_tcp("mesh, async"),
                by_openai("mesh, blocking"),
                by_openai("mesh, async"),
            ],
        },
        Row {
            id: "uploads",
            title: "Sixteen such uploads at once",
            unit: "sixteen uploads",
            heap: Heap::System,
            effort: Effort::Usual,
            contestants: vec![
                ours("mesh, blocking", |scale| mesh_blocking(scale, MANY)),
                ours("mesh, async", |scale| mesh_async(scale, MANY)),
                peer("async-openai", |scale| async_openai(scale, MANY)),
                peer("raw reqwest, whole body", |scale| reqwest(scale, MANY)),
                peer("raw ureq, whole body", |scale| ureq(scale, MANY)),
                peer("official Python SDK", |scale| official(scale, MANY)),
                limit("bare TCP, body ready", |scale| bare(scale, MANY)),
            ],
            goals: vec![
                grown("blocking grows by ≤ 8 MiB", "mesh, blocking", 8.0),
                grown("async grows by ≤ 8 MiB", "mesh, async", 8.0),
            ],
        },
    ]
}

fn server() -> Result<Loopback, Failure> {
    Loopback::start(loopback::document(
        "application/json",
        &inputs::small_reply(),
    ))
}

/// The growth at the first time, and the time of later ones. `work` sends a picture so many times
/// at once; one without a picture comes first, so that what a client sets up is there.
fn sample(
    scale: Scale,
    count: usize,
    mut work: impl FnMut(&[Bytes]) -> Result<(), Failure>,
) -> Result<Sample, Failure> {
    let picture = inputs::picture(scale.bytes(SIZE));
    let small = [inputs::picture(8)];
    let pictures = vec![picture; count];
    work(&small)?;
    let grown = growth_of(|| work(&pictures))?;
    if heap::is_counted() {
        return Ok(grown);
    }
    let times = if count == 1 { 9 } else { 3 };
    let later = repeat(scale.times(times), || Ok(()), |()| work(&pictures))?;
    Ok(later.or(grown))
}

/// In a thread each, all at the same time.
fn at_once<T: Sync>(
    pictures: &[T],
    work: impl Fn(&T) -> Result<(), Failure> + Sync,
) -> Result<(), Failure> {
    let start = Barrier::new(pictures.len());
    thread::scope(|scope| {
        let tasks: Vec<_> = pictures
            .iter()
            .map(|picture| {
                scope.spawn(|| {
                    start.wait();
                    work(picture)
                })
            })
            .collect();
        tasks
            .into_iter()
            .try_for_each(|task| task.join().map_err(|_| "a thread panicked")?)
    })
}

fn mesh_blocking(scale: Scale, count: usize) -> Result<Sample, Failure> {
    let server = server()?;
    let client = blocking(&server.url())?;
    sample(scale, count, |pictures| {
        at_once(pictures, |picture| {
            let request = ours_about(std::slice::from_ref(picture))?;
            black_box(client.chat().completions().create(&request)?);
            Ok(())
        })
    })
}

fn ureq(scale: Scale, count: usize) -> Result<Sample, Failure> {
    let server = server()?;
    let (agent, url) = (raw_blocking(MANY), server.url());
    sample(scale, count, |pictures| {
        at_once(pictures, |picture| {
            let body = plain::Request::about(QUESTION, std::slice::from_ref(picture)).json()?;
            let reply = raw_exchange(&agent, &url, &body)?;
            black_box(plain::Reply::parse(&reply)?);
            Ok(())
        })
    })
}

/// In a task each, on one thread.
fn tasks<F>(scale: Scale, count: usize, work: impl Fn(Bytes) -> F) -> Result<Sample, Failure>
where
    F: Future<Output = Result<(), Failure>> + Send + 'static,
{
    let runtime = runtime()?;
    sample(scale, count, |pictures| {
        runtime.block_on(async {
            let tasks: Vec<_> = pictures
                .iter()
                .map(|picture| tokio::spawn(work(picture.clone())))
                .collect();
            for task in tasks {
                task.await??;
            }
            Ok(())
        })
    })
}

fn mesh_async(scale: Scale, count: usize) -> Result<Sample, Failure> {
    let server = server()?;
    let client = asynchronous(&server.url())?;
    tasks(scale, count, move |picture| {
        let client = client.clone();
        async move {
            let request = ours_about(&[picture])?;
            black_box(client.chat().completions().create(&request).await?);
            Ok(())
        }
    })
}

fn async_openai(scale: Scale, count: usize) -> Result<Sample, Failure> {
    let server = server()?;
    let client = openai(&server.url())?;
    tasks(scale, count, move |picture| {
        let client = client.clone();
        async move {
            let request = openai_about(&[picture]);
            black_box(client.chat().create(request).await?);
            Ok(())
        }
    })
}

fn reqwest(scale: Scale, count: usize) -> Result<Sample, Failure> {
    let server = server()?;
    let client = raw_async()?;
    let url: Arc<str> = server.url().into();
    tasks(scale, count, move |picture| {
        let (client, url) = (client.clone(), url.clone());
        async move {
            let body = plain::Request::about(QUESTION, &[picture]).json()?;
            let response = raw_post(&client, &url, body).send().await?;
            let reply = response.error_for_status()?.bytes().await?;
            black_box(plain::Reply::parse(&reply)?);
            Ok(())
        }
    })
}

fn official(scale: Scale, count: usize) -> Result<Sample, Failure> {
    let server = server()?;
    python::sample(&Work {
        name: "uploads",
        times: scale.times(3),
        size: scale.bytes(SIZE),
        count,
        url: &server.url(),
    })
}

fn bare(scale: Scale, count: usize) -> Result<Sample, Failure> {
    let server = server()?;
    let reply = loopback::document("application/json", &inputs::small_reply());
    let request = |picture: &Bytes| -> Result<Vec<u8>, Failure> {
        let body = plain::Request::about(QUESTION, std::slice::from_ref(picture)).json()?;
        Ok(loopback::request(&body))
    };
    let small = request(&inputs::picture(8))?;
    let large = request(&inputs::picture(scale.bytes(SIZE)))?;
    sample(scale, count, |pictures| {
        let is_small = pictures.first().is_some_and(|picture| picture.len() == 8);
        at_once(pictures, |_| {
            let mut client = Bare::connect(server.address())?;
            let request = if is_small { &small } else { &large };
            client.exchange(request, reply.len(), &mut [0; 4096])
        })
    })
}
