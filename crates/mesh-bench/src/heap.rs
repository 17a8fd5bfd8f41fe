//! What a piece of work takes from the heap.

use std::alloc::System;
use std::sync::OnceLock;

use cap::Cap;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

/// The allocator that counts: the peak by `cap`, the calls by `stats_alloc`.
pub type Counted = Cap<&'static StatsAlloc<System>>;

static COUNTED: OnceLock<&Counted> = OnceLock::new();

/// Says that `allocator` is the program's, so that figures of the heap can be had.
pub fn count_with(allocator: &'static Counted) {
    // Whoever says so twice says the same.
    let _set = COUNTED.set(allocator);
}

/// Whether figures of the heap can be had.
pub(crate) fn is_counted() -> bool {
    COUNTED.get().is_some()
}

/// What the heap was asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken {
    /// The most that was held at once beyond what was held before, in bytes.
    pub(crate) peak: usize,
    /// How often something was allocated or grown.
    pub(crate) calls: usize,
}

/// Runs `work`, and says what it took from the heap, in all threads together.
pub(crate) fn watch<T>(work: impl FnOnce() -> T) -> (T, Option<Taken>) {
    let Some(heap) = COUNTED.get() else {
        return (work(), None);
    };
    // The peak cannot be reset, only reached: what is reserved here is never touched.
    let padding: Vec<u8> = Vec::with_capacity(heap.max_allocated() - heap.allocated());
    let peak = heap.max_allocated();
    let before = INSTRUMENTED_SYSTEM.stats();
    let done = work();
    let after = INSTRUMENTED_SYSTEM.stats();
    let taken = Taken {
        peak: heap.max_allocated() - peak,
        calls: after.allocations + after.reallocations - before.allocations - before.reallocations,
    };
    drop(padding);
    (done, Some(taken))
}
