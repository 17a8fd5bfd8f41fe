//! The figures that mesh holds itself to: ours, its peers' and the machine's limits, measured side by
//! side in one run. `cargo run --release -p mesh-bench` prints the tables.
//!
//! A [`Row`](row::Row) is one kind of work, a [`Contestant`](row::Contestant) one way to do it, a
//! [`Goal`](row::Goal) a bound on the one in terms of the others. Each sample is taken in a process of
//! its own, so that no contestant meets the heap that another has left, and the contestants take turns,
//! so that a busy machine is busy for all of them.

mod clients;
mod command;
mod heap;
mod inputs;
mod loopback;
mod measure;
mod plain;
mod plot;
mod program;
mod python;
mod report;
pub mod row;
mod rows;
mod runner;

pub use self::command::run;
pub use self::heap::{Counted, count_with};
pub use self::measure::Sample;
pub use self::report::{Figure, Report, Verdict};
pub use self::rows::rows;
pub use self::runner::{Runner, Scale};

/// Whatever keeps a sample from being taken; it is reported, never hidden.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
