//! Whole calls of `mesh-proto` in seeded worlds and virtual time, and a fleet of clients on paper.
//!
//! A world is made from one number: a client with its settings and its manners, a network that delays,
//! splits, cuts, stalls and garbles at any byte, a gateway that answers, dawdles, refuses, breaks and
//! echoes the key, and the calls that the client makes one after another. After each call every rule
//! of `rules.rs` is checked, and what happened is counted: which cause ended an attempt, where it was
//! then, and what came of it.
//!
//! ```text
//! cargo test -p mesh-simulation                                   50,000 calls, the table, the fleet
//! cargo run --release -p mesh-simulation -- --calls 1000000       the long run
//! cargo run --release -p mesh-simulation -- --seed 7 --calls 1    one world, with its trace
//! cargo run --release -p mesh-simulation -- --plot docs/retries.svg
//! ```
//!
//! A world that breaks a rule prints its trace and the one command that runs it again. The table's
//! cells are declared: one that can happen and is empty fails the test, and so does one that cannot
//! happen and is not.
//!
//! On two cores that others use as well, the 50,000 calls of the test take 18 s of processor time
//! without optimisation, and a million 50 s with it: 25 s to a minute by the clock.
//!
//! What is not compared: where bytes were garbled, nobody but the reader knows what a name or a picture
//! has become, and a garbled key is not known again. There, a chat's text is held against what stood
//! on the wire, and the rest is only held to ending, in time and within its budgets.

#![allow(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "what goes wrong in a simulation fails it"
)]

mod chance;
mod coverage;
mod drive;
pub mod fleet;
mod gateway;
mod hint;
mod network;
pub mod plot;
mod reading;
mod rules;
mod secret;
mod subject;
mod trace;
mod world;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use self::coverage::Coverage;
use self::rules::Rule;

/// So many seeds a thread takes at once.
const BLOCK: u64 = 64;

/// How many failed worlds are told in full.
const TOLD: usize = 5;

/// What came of many worlds.
#[derive(Debug, Default)]
pub struct Report {
    /// How many calls were made.
    pub calls: u64,
    /// How many worlds broke a rule.
    pub failed: u64,
    /// How often each rule was broken.
    broken: BTreeMap<Rule, u64>,
    failures: Vec<Failure>,
    coverage: Coverage,
}

/// A world in which a rule was broken.
#[derive(Debug)]
struct Failure {
    seed: u64,
    broken: String,
    trace: String,
}

/// Runs the worlds of `seed` and the numbers after it, until `calls` calls have been made: a world is
/// run to its end. `threads` share the work; the worlds are the same however many there are.
pub fn run(seed: u64, calls: u64, threads: u64) -> Report {
    let threads = threads.max(1);
    let (done, next) = (AtomicU64::new(0), AtomicU64::new(0));
    let work = || {
        let mut report = Report::default();
        while done.load(Relaxed) < calls {
            let block = next.fetch_add(1, Relaxed);
            let size = if calls < BLOCK { 1 } else { BLOCK };
            for offset in 0..size {
                let made = report.world(seed.wrapping_add(block * size + offset));
                done.fetch_add(made, Relaxed);
            }
        }
        report
    };
    let mut whole = Report::default();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        whole.add(work());
        for worker in workers {
            whole.add(worker.join().expect("a world catches its panics"));
        }
    });
    whole.failures.sort_by_key(|failure| failure.seed);
    whole
}

/// What happens in the world of `seed`, line by line.
pub fn trace(seed: u64) -> String {
    world::run(seed, &mut Coverage::default()).trace.to_string()
}

/// What runs the world of `seed` alone, with its trace.
fn command(seed: u64) -> String {
    format!("cargo run --release -p mesh-simulation -- --seed {seed} --calls 1")
}

impl Report {
    fn world(&mut self, seed: u64) -> u64 {
        let told = world::run(seed, &mut self.coverage);
        self.calls += told.calls;
        for broken in &told.broken {
            *self.broken.entry(broken.rule).or_default() += 1;
        }
        if !told.broken.is_empty() {
            self.failed += 1;
            let broken = told.broken.first().and_then(|it| self.broken.get(&it.rule));
            if self.failures.len() < TOLD || broken.is_some_and(|times| *times <= 2) {
                let broken = told.broken.iter();
                let lines: Vec<String> = broken
                    .map(|it| format!("  {:?}: {}\n", it.rule, it.what))
                    .collect();
                self.failures.push(Failure {
                    seed,
                    broken: lines.concat(),
                    trace: told.trace.to_string(),
                });
            }
        }
        told.calls
    }

    fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.failed += other.failed;
        for (rule, count) in other.broken {
            *self.broken.entry(rule).or_default() += count;
        }
        self.failures.extend(other.failures);
        self.coverage.add(other.coverage);
    }

    /// The cells of the table that can happen and were not seen, one a line.
    pub fn unseen(&self) -> String {
        let cells = self.coverage.empty().into_iter();
        let lines: Vec<String> = cells.map(|cell| format!("{cell:?}\n")).collect();
        lines.concat()
    }

    /// The cells of the table that cannot happen and were seen, one a line.
    pub fn surprising(&self) -> String {
        let cells = self.coverage.surprising().into_iter();
        let lines: Vec<String> = cells
            .map(|(cell, seed)| format!("{cell:?}: {}\n", command(seed)))
            .collect();
        lines.concat()
    }

    /// The failed worlds, the first few of them, each with its trace and the command that runs it
    /// again; empty where all went well.
    pub fn failures(&self) -> String {
        let failures = self.failures.iter();
        failures.map(ToString::to_string).collect()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "seed {} breaks\n{}{}",
            self.seed, self.broken, self.trace
        )?;
        writeln!(f, "run it again: {}", command(self.seed))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.coverage)?;
        for (rule, count) in &self.broken {
            writeln!(f, "{rule:?} broken {count} times")?;
        }
        writeln!(f, "{} calls, {} failed worlds", self.calls, self.failed)
    }
}
