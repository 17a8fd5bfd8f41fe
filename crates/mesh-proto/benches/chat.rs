//! Chat as JSON: a chunk of a stream, a whole reply.

#![allow(clippy::expect_used, reason = "the input is what it is said to be")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mesh_proto::chat::{ChatChunk, ChatReply};

const CHUNK: &[u8] = br#"{"id":"chatcmpl-01JB","object":"chat.completion.chunk","created":1790000000,"model":"openai/gpt-4o-mini","choices":[{"index":0,"delta":{"content":" word"},"finish_reason":null}]}"#;

const REPLY: &[u8] = br#"{"id":"chatcmpl-01JB","object":"chat.completion","created":1790000000,"model":"openai/gpt-4o-mini","choices":[{"index":0,"message":{"role":"assistant","content":"The meter reads 4711 kilowatt hours."},"finish_reason":"stop"}],"usage":{"prompt_tokens":14,"completion_tokens":60,"total_tokens":74,"prompt_tokens_details":{"cached_tokens":0}},"system_fingerprint":"fp_01JB"}"#;

fn parse(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("chat");
    group.throughput(Throughput::Bytes(CHUNK.len() as u64));
    group.bench_function("a chunk", |bencher| {
        bencher.iter(|| {
            let chunk: ChatChunk = serde_json::from_slice(black_box(CHUNK)).expect("a chunk");
            chunk
        });
    });
    group.throughput(Throughput::Bytes(REPLY.len() as u64));
    group.bench_function("a reply", |bencher| {
        bencher.iter(|| {
            let reply: ChatReply = serde_json::from_slice(black_box(REPLY)).expect("a reply");
            reply
        });
    });
    group.finish();
}

criterion_group!(benches, parse);
criterion_main!(benches);
