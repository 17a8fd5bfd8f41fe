//! Prints the tables: see [`mesh_bench`]. Times are taken here, with the system's own allocator;
//! figures of the heap come from `mesh-bench-heap`, as counting takes time.

use std::process::ExitCode;

fn main() -> ExitCode {
    mesh_bench::run()
}
