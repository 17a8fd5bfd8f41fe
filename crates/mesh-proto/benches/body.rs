//! A body as it is read: literal bytes, and base64 that is encoded on the way.

use std::hint::black_box;

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use mesh_proto::body::{Body, Segment};

fn read(criterion: &mut Criterion) {
    let bytes = Bytes::from(vec![0x5a; 4 << 20]);
    let mut group = criterion.benchmark_group("body");
    for (name, segment) in [
        ("literal", Segment::Literal(bytes.clone())),
        ("base64", Segment::Base64(bytes)),
    ] {
        let body = Body::new([
            Segment::Literal(Bytes::from_static(b"{\"url\":\"")),
            segment,
        ]);
        group.throughput(Throughput::Bytes(body.len()));
        // A buffer that is no multiple of a group of base64 is the harder case.
        for size in [64 << 10, 1021] {
            let mut buffer = vec![0; size];
            group.bench_with_input(BenchmarkId::new(name, size), &body, |bencher, body| {
                bencher.iter(|| {
                    let mut reader = body.reader();
                    while reader.read(&mut buffer) > 0 {
                        black_box(&buffer);
                    }
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, read);
criterion_main!(benches);
