//! Figures of the heap, where the program's allocator counts. Alone in its file, as it counts for all
//! threads of the process.

use std::alloc::System;

use cap::Cap;
use mesh_bench::{Report, Runner, Scale, count_with, rows};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: Cap<&StatsAlloc<System>> = Cap::new(&INSTRUMENTED_SYSTEM, usize::MAX);

#[test]
fn what_is_held_at_once_is_counted_and_what_takes_time_is_not_timed() {
    count_with(&ALLOCATOR);
    let rows = rows();
    let row = rows.iter().find(|row| row.id == "encode").unwrap();
    let report = Report::of(row, &Runner::Here, Scale::Quick, 1);
    let of = |name: &str| {
        let figure = report.figures.iter().find(|it| it.name == name);
        figure.unwrap().sample
    };

    // By hand the base64, the data URL and the body are held, each of them larger than the picture.
    let picture = f64::from(10 << 20) / 64.0;
    let by_hand = of("serde_json and base64");
    assert!(by_hand.heap.unwrap() > 2.0 * picture, "{by_hand:?}");
    let limit = of("SIMD base64 alone");
    assert_eq!((limit.heap, limit.calls), (Some(65536.0), Some(1.0)));
    assert_eq!(limit.cpu, None);

    // Ours holds none of them, however large the picture is.
    assert!(
        of("mesh").heap.unwrap() < picture / 10.0,
        "{:?}",
        of("mesh")
    );
}
