//! A large picture costs its own bytes, once: what sending it takes at its peak.

#![cfg(target_os = "linux")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test runs programs, opens files, tells what it measured, and fails by panicking"
)]

use std::path::Path;
use std::process::Command;
use std::{env, fs};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mesh_conformance::{Exchange, ScriptedServer};
use mesh_proto::ChatRequest;
use mesh_proto::image::Image;

/// 20 MiB.
const PICTURE: usize = 20 << 20;

/// What sending may cost beside the picture: 16 MiB, the program itself included.
const BESIDE: usize = 16 << 20;

/// Where the picture lies and whom it goes to: said to the process that is measured.
const FILE: &str = "MESH_MEMORY_FILE";
const GATEWAY: &str = "MESH_MEMORY_GATEWAY";

#[test]
fn the_blocking_transport_holds_a_picture_once() {
    measure(
        "the_blocking_transport_holds_a_picture_once",
        |file, url| {
            let client = mesh_blocking::Client::builder().key("rsk_1").base_url(url);
            let picture = mesh_blocking::image::open(file).unwrap();
            let request = asking(picture);
            let client = client.build().unwrap();
            client.chat().completions().create(&request).unwrap();
        },
    );
}

#[test]
fn the_async_transport_holds_a_picture_once() {
    measure("the_async_transport_holds_a_picture_once", |file, url| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let client = mesh_async::Client::builder().key("rsk_1").base_url(url);
            let picture = mesh_async::image::open(file).await.unwrap();
            let request = asking(picture);
            let client = client.build().unwrap();
            client.chat().completions().create(&request).await.unwrap();
        });
    });
}

fn asking(picture: Image) -> ChatRequest {
    ChatRequest::new("openai/gpt-4o").user(("What is in this image?", picture))
}

/// Runs the test that calls this again, in a process of its own that does nothing but `send`, and
/// looks at what came to the server and what the process took. The server is here, so that what it
/// holds does not count.
fn measure(test: &str, send: impl FnOnce(&str, &str)) {
    if let (Ok(file), Ok(url)) = (env::var(FILE), env::var(GATEWAY)) {
        send(&file, &url);
        println!("{}", fs::read_to_string("/proc/self/status").unwrap());
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("large.png");
    let picture = write_picture(&file);
    let reply = r#"{"choices":[{"message":{"content":"large"}}]}"#;
    let server = ScriptedServer::start([Exchange::answer(200, reply)]);
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(FILE, &file)
        .env(GATEWAY, server.base_url())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");

    let received = server.rest();
    assert_eq!(received.len(), 1);
    let (request, body) = (&received[0], &received[0].body);
    assert_eq!(
        request.header("content-length"),
        Some(body.len().to_string().as_str())
    );
    assert_eq!(request.header("transfer-encoding"), None);
    let body: serde_json::Value = serde_json::from_slice(body).unwrap();
    let url = body["messages"][0]["content"][1]["image_url"]["url"].as_str();
    assert!(
        url == Some(&format!(
            "data:image/png;base64,{}",
            STANDARD.encode(picture)
        )),
        "the picture arrives as it was"
    );

    let peak = peak(&told);
    println!(
        "{test}: {} KiB at the peak, {} KiB beside the picture",
        peak >> 10,
        peak.saturating_sub(PICTURE) >> 10
    );
    assert!(peak > PICTURE, "{peak} bytes cannot hold the picture");
    assert!(peak < PICTURE + BESIDE, "{peak} bytes at the peak");
}

/// A file that begins as a PNG and holds every byte value in no order that compresses.
fn write_picture(path: &Path) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut state = 1_u32;
    while bytes.len() < PICTURE {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        bytes.push(state.to_be_bytes()[0]);
    }
    fs::write(path, &bytes).unwrap();
    bytes
}

/// The most memory that was resident at any time, in bytes, as `/proc/self/status` has it (proc(5)).
fn peak(status: &str) -> usize {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .expect("a peak");
    let kibibytes = line.trim().trim_end_matches(" kB");
    kibibytes.parse::<usize>().unwrap() << 10
}
