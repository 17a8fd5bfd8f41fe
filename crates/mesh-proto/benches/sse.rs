//! Bytes to frames: many small events, one large one, and the smallest pieces.

#![allow(clippy::expect_used, reason = "the input is within every limit")]

use std::hint::black_box;

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use mesh_proto::sse::Decoder;

const EVENT: &str = "data: {\"id\":\"chatcmpl-01JB\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" word\"}}]}\n\n";

fn frames(stream: &Bytes, piece: usize) -> usize {
    let mut decoder = Decoder::new();
    let mut count = 0;
    for start in (0..stream.len()).step_by(piece) {
        decoder.push(stream.slice(start..stream.len().min(start + piece)));
        while let Some(frame) = decoder.next().expect("frames within the limit") {
            black_box(frame.data());
            count += 1;
        }
    }
    count
}

fn decode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sse");
    let small = Bytes::from(EVENT.repeat(10_000));
    for piece in [16 << 10, 64, 1] {
        group.throughput(Throughput::Bytes(small.len() as u64));
        group.bench_with_input(
            BenchmarkId::new("10,000 events in pieces of", piece),
            &piece,
            |bencher, &piece| bencher.iter(|| assert_eq!(frames(&small, piece), 10_000)),
        );
    }
    for size in [1 << 20, 4 << 20] {
        let large = Bytes::from(format!("data: {}\n\n", "x".repeat(size)));
        group.throughput(Throughput::Bytes(large.len() as u64));
        group.bench_with_input(
            BenchmarkId::new("one event in pieces of 16 KiB", size),
            &large,
            |bencher, large| bencher.iter(|| assert_eq!(frames(large, 16 << 10), 1)),
        );
    }
    group.finish();
}

criterion_group!(benches, decode);
criterion_main!(benches);
