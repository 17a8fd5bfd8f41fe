//! Whole calls of `mesh-proto` in seeded worlds and virtual time.

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

use self::coverage::Coverage;
use self::rules::Rule;

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
    // So that the worlds do not depend on the number of threads, each runs whole blocks of seeds.
    const BLOCK: u64 = 64;
    let done = std::sync::atomic::AtomicU64::new(0);
    let next = std::sync::atomic::AtomicU64::new(0);
    let work = || {
        use std::sync::atomic::Ordering::Relaxed;
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
                let lines = broken.map(|it| format!("  {:?}: {}\n", it.rule, it.what));
                self.failures.push(Failure {
                    seed,
                    broken: lines.collect(),
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
        cells.map(|cell| format!("{cell:?}\n")).collect()
    }

    /// The cells of the table that cannot happen and were seen, one a line.
    pub fn surprising(&self) -> String {
        let cells = self.coverage.surprising().into_iter();
        cells
            .map(|(cell, seed)| format!("{cell:?}: {}\n", command(seed)))
            .collect()
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
