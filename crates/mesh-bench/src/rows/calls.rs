//! Calls with a reply of 600 bytes, over kept-alive connections on loopback: one after another, and
//! 64 at once. The goals are of both sides together: who wakes whom, and who waits, is the work
//! of both.

use std::hint::black_box;
use std::sync::Arc;
use std::thread;

use crate::clients::{
    asynchronous, blocking, openai, openai_short, ours_short, raw_async, raw_blocking,
    raw_blocking_by_default, raw_exchange, raw_post, raw_short, runtime, threaded_runtime,
};
use crate::loopback::{self, Bare, Loopback};
use crate::measure::{Sample, once, repeat};
use crate::python::{self, Work};
use crate::row::{Effort, Goal, Heap, Measure, Row, limit, ours, peer};
use crate::runner::Scale;
use crate::{Failure, inputs, plain};

const CALLS: usize = 2000;
const TASKS: usize = 64;
const EACH: usize = 100;

pub(super) fn rows() -> Vec<Row> {
    vec![one(), many()]
}

fn one() -> Row {
    let ceiling = |text, of, against| Goal::times(text, of, Measure::Both, 1.15, against);
    let heap = |text, of, against| Goal::times(text, of, Measure::Calls, 1.0, against).plus(20.0);
    Row {
        id: "call",
        title: "One call with a reply of 600 bytes, over a kept connection on loopback",
        unit: "call",
        heap: Heap::System,
        effort: Effort::Usual,
        contestants: vec![
            ours("mesh, blocking", mesh_blocking),
            ours("mesh, async", mesh_async),
            peer("raw ureq", ureq),
            peer("raw reqwest", reqwest),
            peer("async-openai", async_openai),
            peer("official Python SDK", official),
            limit("bare TCP", bare),
        ],
        goals: vec![
            ceiling("blocking ≤ 1.15 × raw ureq", "mesh, blocking", "raw ureq"),
            ceiling("async ≤ 1.15 × raw reqwest", "mesh, async", "raw reqwest"),
            heap(
                "blocking ≤ 20 more heap calls than raw ureq",
                "mesh, blocking",
                "raw ureq",
            ),
            heap(
                "async ≤ 20 more heap calls than raw reqwest",
                "mesh, async",
                "raw reqwest",
            ),
        ],
    }
}

fn many() -> Row {
    #[allow(clippy::cast_precision_loss, reason = "64")]
    let tasks = TASKS as f64;
    // The rate of calls, on two cores that are busy all the time.
    let rate = |text, of, against| Goal::times(text, of, Measure::Both, 1.0 / 0.95, against);
    Row {
        id: "in-flight",
        title: "64 calls in flight, each with a reply of 600 bytes",
        unit: "call",
        heap: Heap::System,
        effort: Effort::Usual,
        contestants: vec![
            ours("mesh, async", mesh_async_many),
            ours("mesh, blocking", mesh_blocking_many),
            peer("async-openai", async_openai_many),
            peer("raw reqwest", reqwest_many),
            peer("raw ureq", ureq_many),
            peer("raw ureq, default pool", ureq_by_default_many),
            limit("bare TCP", bare_many),
        ],
        goals: vec![
            rate("blocking ≥ 0.95 × raw ureq", "mesh, blocking", "raw ureq"),
            rate("async ≥ 0.95 × raw reqwest", "mesh, async", "raw reqwest"),
            Goal::at_most(
                "blocking: one connect per thread",
                "mesh, blocking",
                Measure::Connects,
                tasks,
            ),
            Goal::at_most(
                "async: two connects per task at most",
                "mesh, async",
                Measure::Connects,
                // A task dials while it waits for a connection that another is about to give back.
                2.0 * tasks,
            ),
        ],
    }
}

fn server() -> Result<Loopback, Failure> {
    Loopback::start(loopback::document(
        "application/json",
        &inputs::small_reply(),
    ))
}

/// Many calls one after another, as often as a sample repeats.
fn sequence(
    scale: Scale,
    mut call: impl FnMut() -> Result<(), Failure>,
) -> Result<Sample, Failure> {
    let calls = scale.count(CALLS);
    let sample = repeat(
        scale.times(3),
        || Ok(()),
        |()| (0..calls).try_for_each(|_| call()),
    )?;
    Ok(sample.each_of(calls))
}

fn mesh_blocking(scale: Scale) -> Result<Sample, Failure> {
    let server = server()?;
    let client = blocking(&server.url())?;
    sequence(scale, || {
        black_box(client.chat().completions().create(&ours_short())?);
        Ok(())
    })
}

fn mesh_async(scale: Scale) -> Result<Sample, Failure> {
    let server = server()?;
    let client = asynchronous(&server.url())?;
    let runtime = runtime()?;
    sequence(scale, || {
        let request = ours_short();
        let reply = runtime.block_on(client.chat().completions().create(&request));
        black_box(reply?);
        Ok(())
    })
}

fn ureq(scale: Scale) -> Result<Sample, Failure> {
    let server = server()?;
    let (agent, url) = (raw_blocking(TASKS), server.url());
    sequence(scale, || by_ureq(&agent, &url))
}

fn by_ureq(agent: &ureq::Agent, url: &str) -> Result<(), Failure> {
    let body = raw_exchange(agent, url, &raw_short().json()?)?;
    black_box(plain::Reply::parse(&body)?);
    Ok(())
}

fn reqwest(scale: Scale) -> Result<Sample, Failure> {
    let server = server()?;
    let (client, url, runtime) = (raw_async()?, server.url(), runtime()?);
    sequence(scale, || runtime.block_on(by_reqwest(&client, &url)))
}

async fn by_reqwest(client: &reqwest::Client, url: &str) -> Result<(), Failure> {
    let body = raw_short().json()?;
    let response = raw_post(client, url, body).send().await?;
    let body = response.error_for_status()?.bytes().await?;
    black_box(plain::Reply::parse(&body)?);
    Ok(())
}

fn async_openai(scale: Scale) -> Result<Sample, Failure> {
    let server = server()?;
    let client = openai(&server.url())?;
    let runtime = runtime()?;
    sequence(scale, || {
        let request = openai_short();
        black_box(runtime.block_on(client.chat().create(request))?);
        Ok(())
    })
}

fn official(scale: Scale) -> Result<Sample, Failure> {
    let server = server()?;
    let calls = scale.count(CALLS / 4);
    let sample = python::sample(&Work {
        name: "calls",
        times: scale.times(3),
        size: 8,
        count: calls,
        url: &server.url(),
    })?;
    Ok(sample.each_of(calls))
}

fn bare(scale: Scale) -> Result<Sample, Failure> {
    let server = server()?;
    let mut client = Bare::connect(server.address())?;
    let (request, length) = bare_exchange()?;
    let mut buffer = vec![0; 4096];
    sequence(scale, || client.exchange(&request, length, &mut buffer))
}

fn bare_exchange() -> Result<(Vec<u8>, usize), Failure> {
    let reply = loopback::document("application/json", &inputs::small_reply());
    Ok((loopback::request(&raw_short().json()?), reply.len()))
}

/// The calls of all threads together, with the connections that they took, from the first on.
fn threads(
    scale: Scale,
    call: impl Fn(&Loopback) -> Result<(), Failure> + Send + Sync + 'static,
) -> Result<Sample, Failure> {
    let server = Arc::new(server()?);
    let (call, each) = (Arc::new(call), scale.count(EACH));
    in_flight(&server, each, || {
        let tasks: Vec<_> = (0..TASKS)
            .map(|_| {
                let (call, server) = (call.clone(), server.clone());
                thread::spawn(move || (0..each).try_for_each(|_| call(&server)))
            })
            .collect();
        tasks
            .into_iter()
            .try_for_each(|task| task.join().map_err(|_| "a thread panicked")?)
    })
}

fn in_flight(
    server: &Loopback,
    each: usize,
    all: impl FnOnce() -> Result<(), Failure>,
) -> Result<Sample, Failure> {
    let sample = once(all)?.each_of(TASKS * each);
    #[allow(clippy::cast_precision_loss, reason = "a few thousand")]
    let connects = server.connects() as f64;
    Ok(Sample {
        connects: Some(connects),
        heap: None,
        ..sample
    })
}

fn mesh_blocking_many(scale: Scale) -> Result<Sample, Failure> {
    let client = std::sync::OnceLock::new();
    threads(scale, move |server| {
        let client = match client.get() {
            Some(client) => client,
            None => {
                let made = blocking(&server.url())?;
                client.get_or_init(|| made)
            }
        };
        black_box(client.chat().completions().create(&ours_short())?);
        Ok(())
    })
}

fn ureq_many(scale: Scale) -> Result<Sample, Failure> {
    let agent = raw_blocking(TASKS);
    threads(scale, move |server| by_ureq(&agent, &server.url()))
}

fn ureq_by_default_many(scale: Scale) -> Result<Sample, Failure> {
    let agent = raw_blocking_by_default();
    threads(scale, move |server| by_ureq(&agent, &server.url()))
}

fn bare_many(scale: Scale) -> Result<Sample, Failure> {
    let server = Arc::new(server()?);
    let each = scale.count(EACH);
    let (request, length) = bare_exchange()?;
    let request: Arc<[u8]> = request.into();
    in_flight(&server, each, || {
        let tasks: Vec<_> = (0..TASKS)
            .map(|_| {
                let (address, request) = (server.address(), request.clone());
                thread::spawn(move || {
                    let mut client = Bare::connect(address)?;
                    let mut buffer = vec![0; 4096];
                    (0..each).try_for_each(|_| client.exchange(&request, length, &mut buffer))
                })
            })
            .collect();
        tasks
            .into_iter()
            .try_for_each(|task| task.join().map_err(|_| "a thread panicked")?)
    })
}

/// The calls of all tasks together, with the connections that they took.
fn tasks<F>(
    scale: Scale,
    server: &Loopback,
    call: impl Fn() -> F + Send + Sync + 'static,
) -> Result<Sample, Failure>
where
    F: Future<Output = Result<(), Failure>> + Send,
{
    let runtime = threaded_runtime()?;
    let (call, each) = (Arc::new(call), scale.count(EACH));
    in_flight(server, each, || {
        runtime.block_on(async {
            let tasks: Vec<_> = (0..TASKS)
                .map(|_| {
                    let call = call.clone();
                    tokio::spawn(async move {
                        for _ in 0..each {
                            call().await?;
                        }
                        Ok::<(), Failure>(())
                    })
                })
                .collect();
            for task in tasks {
                task.await??;
            }
            Ok(())
        })
    })
}

fn mesh_async_many(scale: Scale) -> Result<Sample, Failure> {
    let server = server()?;
    let client = asynchronous(&server.url())?;
    tasks(scale, &server, move || {
        let client = client.clone();
        async move {
            black_box(client.chat().completions().create(&ours_short()).await?);
            Ok(())
        }
    })
}

fn async_openai_many(scale: Scale) -> Result<Sample, Failure> {
    let server = server()?;
    let client = openai(&server.url())?;
    tasks(scale, &server, move || {
        let client = client.clone();
        async move {
            let request = openai_short();
            black_box(client.chat().create(request).await?);
            Ok(())
        }
    })
}

fn reqwest_many(scale: Scale) -> Result<Sample, Failure> {
    let server = server()?;
    let client = raw_async()?;
    let url: Arc<str> = server.url().into();
    tasks(scale, &server, move || {
        let (client, url) = (client.clone(), url.clone());
        async move { by_reqwest(&client, &url).await }
    })
}
