//! A call that is given up: its connection closes at once, nothing of it stays behind, and what
//! had arrived is at hand.

#![cfg(target_os = "linux")]
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test has threads and a clock, opens /proc, and says when it fails"
)]

use std::time::{Duration, Instant};

use mesh_conformance::{Act, Async, Blocking, Case, Driver, Exchange, ScriptedServer};
use mesh_examples::smol_runtime;
use mesh_proto::endpoint::ChatStream;
use mesh_proto::{ApiKey, BaseUrl, Call, ChatRequest, Moment, Settings, Target};

const FRAME: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"one\"}}]}\n\n";

/// How many streams are given up in all, and by how many threads at once.
const STREAMS: usize = 10_000;
const THREADS: usize = 4;

fn chat() -> ChatRequest {
    ChatRequest::new("m").user("hello")
}

/// A server that says one word and waits.
fn hesitating() -> ScriptedServer {
    ScriptedServer::start([Exchange::stream([Act::Data(FRAME.into()), Act::Stall])])
}

fn case(server: &ScriptedServer) -> Case {
    let base = BaseUrl::new(server.base_url()).unwrap();
    Case {
        target: Target::new(base, ApiKey::new("rsk_1").unwrap()),
        settings: Settings::default(),
        memory: None,
    }
}

/// The threads and the open files of this process (proc(5)).
fn held() -> (usize, usize) {
    let count = |path| std::fs::read_dir(path).unwrap().count();
    (count("/proc/self/task"), count("/proc/self/fd"))
}

/// Waits until no more is held than `before`, and a few that the test's own machinery may hold.
fn is_free_again(before: (usize, usize)) {
    let most = (before.0 + 8, before.1 + 16);
    let began = Instant::now();
    while held().0 > most.0 || held().1 > most.1 {
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "{:?} threads and files are held, {before:?} were before",
            held()
        );
        std::thread::yield_now();
    }
}

fn give_up(client: &mesh_blocking::Client) -> Option<String> {
    let mut stream = client.chat().completions().stream(&chat()).unwrap();
    stream.next().unwrap().unwrap();
    stream
        .into_partial()
        .map(|partial| partial.text().into_owned())
}

async fn give_up_async(client: &mesh_async::Client) -> Option<String> {
    let mut stream = client.chat().completions().stream(&chat()).unwrap();
    stream.next().await.unwrap().unwrap();
    stream
        .into_partial()
        .map(|partial| partial.text().into_owned())
}

#[test]
fn a_blocking_stream_that_is_dropped_closes_its_connection() {
    let server = hesitating();
    assert_eq!(
        give_up(&Blocking::new(&case(&server)).0).as_deref(),
        Some("one")
    );
    server.ended();
}

fn an_async_stream_that_is_dropped_closes_its_connection<D: Driver>(
    abandon: impl FnOnce(&D, ScriptedServer),
) {
    let server = hesitating();
    let driver = D::new(&case(&server));
    abandon(&driver, server);
}

/// Gives a stream up, and waits in the runtime, which closes connections while it runs, until the
/// server has seen it.
fn abandon<const N: usize, const HTTP2: bool>(driver: &Async<N, HTTP2>, server: ScriptedServer) {
    driver.runtime.block_on(async {
        let partial = give_up_async(&driver.client).await;
        assert_eq!(partial.as_deref(), Some("one"));
        let seen = tokio::task::spawn_blocking(move || server.ended());
        seen.await.unwrap();
    });
}

#[test]
fn an_async_stream_in_one_thread_that_is_dropped_closes_its_connection() {
    an_async_stream_that_is_dropped_closes_its_connection::<Async<1>>(abandon);
}

#[test]
fn an_async_stream_in_many_threads_that_is_dropped_closes_its_connection() {
    an_async_stream_that_is_dropped_closes_its_connection::<Async<2>>(abandon);
}

/// A server that ends the stream and keeps the connection.
fn lingering() -> ScriptedServer {
    let whole = format!("{FRAME}data: [DONE]\n\n");
    ScriptedServer::start([Exchange::stream([Act::Data(whole.into()), Act::Stall])])
}

#[test]
fn a_blocking_stream_at_its_end_holds_no_connection() {
    let server = lingering();
    let client = Blocking::new(&case(&server)).0;
    let mut stream = client.chat().completions().stream(&chat()).unwrap();
    assert_eq!(stream.by_ref().count(), 1);
    server.ended();
    assert_eq!(stream.finish().unwrap().text(), "one");
}

#[test]
fn an_async_stream_at_its_end_holds_no_connection() {
    let server = lingering();
    let driver = Async::<1>::new(&case(&server));
    driver.runtime.block_on(async {
        let mut stream = driver.client.chat().completions().stream(&chat()).unwrap();
        stream.next().await.unwrap().unwrap();
        assert!(stream.next().await.is_none());
        let seen = tokio::task::spawn_blocking(move || server.ended());
        seen.await.unwrap();
        assert_eq!(stream.finish().await.unwrap().text(), "one");
    });
}

#[test]
fn a_call_that_is_dropped_before_its_head_closes_its_connection() {
    let server = ScriptedServer::start([Exchange::new([Act::Stall])]);
    let driver = Async::<1>::new(&case(&server));
    driver.runtime.block_on(async {
        let request = chat();
        let asked = tokio::task::spawn_blocking(move || {
            server.next();
            server
        });
        let asking = async { panic!("{:?}", driver.client.send(&request).await) };
        let server = smol::future::or(asking, async { asked.await.unwrap() }).await;
        let seen = tokio::task::spawn_blocking(move || server.ended());
        seen.await.unwrap();
    });
}

#[test]
fn a_strangers_call_that_is_dropped_closes_its_connection_and_keeps_what_came() {
    let server = hesitating();
    let target = case(&server).target;
    let endpoint = ChatStream::new(&chat()).unwrap();
    let mut call = Call::new(endpoint, &target, &Settings::default(), Moment::ORIGIN, 0).unwrap();
    let (sender, receiver) = smol::channel::unbounded();
    smol::block_on(smol::future::or(
        async {
            let driving = smol_runtime::drive(&mut call, Instant::now(), |_| {
                sender.try_send(()).unwrap();
            });
            let reply = driving.await;
            panic!("{reply:?}")
        },
        async { receiver.recv().await.unwrap() },
    ));
    server.ended();
    assert_eq!(call.into_partial().unwrap().text(), "one");
}

/// All in one test, because what it counts is the whole process's.
#[test]
fn ten_thousand_abandoned_streams_leave_nothing_behind() {
    if std::env::var_os(ALONE).is_none() {
        // The other tests of this program have threads and sockets, too.
        let alone = std::process::Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "ten_thousand_abandoned_streams_leave_nothing_behind",
                "--nocapture",
            ])
            .env(ALONE, "yes")
            .output()
            .unwrap();
        assert!(
            alone.status.success(),
            "{}",
            String::from_utf8_lossy(&alone.stderr)
        );
        return;
    }
    let began = Instant::now();
    let third = STREAMS / 3;
    let server = hesitating();
    let before = held();

    let client = Blocking::new(&case(&server)).0;
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| (0..third.div_ceil(THREADS)).for_each(|_| drop(give_up(&client))));
        }
    });
    is_free_again(before);
    println!("{third} in mesh-blocking: {:.1?}", began.elapsed());

    abandon_many(&Async::<1>::new(&case(&server)), third);
    println!("{third} in one thread: {:.1?}", began.elapsed());
    abandon_many(
        &Async::<2>::new(&case(&server)),
        third.max(STREAMS - 2 * third),
    );
    println!("{third} in many threads: {:.1?}", began.elapsed());
    is_free_again(before);
}

const ALONE: &str = "MESH_CANCELLATION_ALONE";

/// While the client and its runtime live on: what is left is theirs alone.
fn abandon_many<const N: usize>(driver: &Async<N>, count: usize) {
    let metrics = driver.runtime.metrics();
    driver.runtime.block_on(give_up_async(&driver.client));
    let before = held();
    driver.runtime.block_on(async {
        let each = count.div_ceil(THREADS);
        let tasks = (0..THREADS).map(|_| {
            let client = driver.client.clone();
            tokio::spawn(async move {
                for _ in 0..each {
                    give_up_async(&client).await;
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
        let began = Instant::now();
        while metrics.num_alive_tasks() > 0 {
            assert!(
                began.elapsed() < Duration::from_secs(30),
                "{} tasks are alive",
                metrics.num_alive_tasks()
            );
            tokio::task::yield_now().await;
        }
    });
    is_free_again(before);
}
