//! The same program with an allocator that counts. Times taken here mean nothing.

use std::alloc::System;
use std::process::ExitCode;

use cap::Cap;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: Cap<&StatsAlloc<System>> = Cap::new(&INSTRUMENTED_SYSTEM, usize::MAX);

fn main() -> ExitCode {
    mesh_bench::count_with(&ALLOCATOR);
    mesh_bench::run()
}
