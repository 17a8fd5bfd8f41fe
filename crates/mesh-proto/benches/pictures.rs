//! Pictures that came back: found in a reply, and decoded.

#![allow(clippy::expect_used, reason = "the input is what it is said to be")]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use mesh_proto::image::{GeneratedImage, find_in_document};
use serde_json::{Value, json};

/// A PNG's magic bytes, and whatever follows.
fn base64(length: usize) -> String {
    let mut text = "iVBORw0KGgo".to_owned();
    text.push_str(&"AbCd+/09".repeat(length / 8));
    text.truncate(length / 4 * 4);
    text
}

fn decode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode");
    let plain = base64(1 << 20);
    let wrapped = plain.as_bytes().chunks(76).map(|line| {
        let line = std::str::from_utf8(line).expect("ASCII");
        format!("{line}\r\n")
    });
    let wrapped: String = wrapped.collect();
    let url_safe = plain.replace('+', "-").replace('/', "_");
    for (name, text) in [
        ("plain base64", plain),
        ("URL-safe base64", url_safe),
        ("base64 with line ends", wrapped),
    ] {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || GeneratedImage::from_base64(text.as_str()),
                |image| black_box(image.bytes().expect("a picture").len()),
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

fn extract(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("extract");
    let url = format!("data:image/png;base64,{}", base64(1 << 20));
    let prose = format!("Here it is: ![a rocket]({url}) Anything else?");
    let message = |message: Value| json!({"choices": [{"index": 0, "message": message}]});
    for (name, reply, count) in [
        (
            "images",
            message(json!({"images": [{"image_url": {"url": url}}]})),
            1,
        ),
        ("data", json!({"data": [{"b64_json": base64(1 << 20)}]}), 1),
        ("Markdown", message(json!({"content": prose})), 1),
        (
            "a megabyte of prose",
            message(json!({"content": "No picture (at all) in these words. ".repeat(30_000)})),
            0,
        ),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| assert_eq!(find_in_document(black_box(&reply)).len(), count));
        });
    }
    group.finish();
}

criterion_group!(benches, decode, extract);
criterion_main!(benches);
