//! Samples: CPU time, heap, resident memory.

use std::fs;
use std::time::Duration;

use cpu_time::ProcessTime;
use serde::{Deserialize, Serialize};

use crate::{Failure, heap, loopback};

/// What one contestant took for one unit of its row's work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Sample {
    /// CPU time of the whole process, all threads but those of a server, user and system, in
    /// nanoseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<f64>,
    /// The same with the threads of the server, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub both: Option<f64>,
    /// The most bytes that were held on the heap at once, beyond those held before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heap: Option<f64>,
    /// How often the heap was asked for something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls: Option<f64>,
    /// By how many bytes the process grew at its peak.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resident: Option<f64>,
    /// How many connections the server saw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connects: Option<f64>,
    /// How many crates are compiled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crates: Option<f64>,
    /// The size of a stripped program in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<f64>,
}

impl Sample {
    /// The same for one of `count` units that were measured together. The peak is that of all.
    #[must_use]
    pub(crate) fn each_of(mut self, count: usize) -> Self {
        #[allow(clippy::cast_precision_loss, reason = "counts are small")]
        let count = count as f64;
        self.cpu = self.cpu.map(|cpu| cpu / count);
        self.both = self.both.map(|both| both / count);
        self.calls = self.calls.map(|calls| calls / count);
        self
    }

    /// Every figure that another sample has and this one lacks, taken from there.
    #[must_use]
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            cpu: self.cpu.or(other.cpu),
            both: self.both.or(other.both),
            heap: self.heap.or(other.heap),
            calls: self.calls.or(other.calls),
            resident: self.resident.or(other.resident),
            connects: self.connects.or(other.connects),
            crates: self.crates.or(other.crates),
            size: self.size.or(other.size),
        }
    }

    /// The median of each figure.
    pub(crate) fn median(samples: &[Self]) -> Self {
        let of = |figure: fn(&Self) -> Option<f64>| {
            let mut values: Vec<f64> = samples.iter().filter_map(figure).collect();
            values.sort_by(f64::total_cmp);
            values.get(values.len() / 2).copied()
        };
        Self {
            cpu: of(|it| it.cpu),
            both: of(|it| it.both),
            heap: of(|it| it.heap),
            calls: of(|it| it.calls),
            resident: of(|it| it.resident),
            connects: of(|it| it.connects),
            crates: of(|it| it.crates),
            size: of(|it| it.size),
        }
    }
}

/// CPU time of this process so far.
#[derive(Clone, Copy, Debug)]
struct Spent {
    all: Duration,
    servers: Duration,
}

impl Spent {
    fn now() -> Self {
        let servers = loopback::spent();
        Self {
            all: ProcessTime::now().as_duration(),
            servers,
        }
    }

    fn since(self, before: Self) -> Self {
        Self {
            all: self.all.saturating_sub(before.all),
            servers: self.servers.saturating_sub(before.servers),
        }
    }
}

/// Does the same work `times` times, after a first time that does not count, and gives the median.
/// What `prepare` makes is not part of the work. Where the heap is counted, once is enough: it takes
/// the same each time.
pub(crate) fn repeat<I>(
    times: usize,
    mut prepare: impl FnMut() -> Result<I, Failure>,
    mut work: impl FnMut(I) -> Result<(), Failure>,
) -> Result<Sample, Failure> {
    work(prepare()?)?;
    let times = if heap::is_counted() { 1 } else { times };
    let mut samples = Vec::with_capacity(times);
    for _ in 0..times {
        let input = prepare()?;
        samples.push(once(|| work(input))?);
    }
    Ok(Sample::median(&samples))
}

/// Does the work once.
pub(crate) fn once(work: impl FnOnce() -> Result<(), Failure>) -> Result<Sample, Failure> {
    let before = Spent::now();
    let (done, taken) = heap::watch(work);
    let spent = Spent::now().since(before);
    done?;
    Ok(sample(spent, taken))
}

#[allow(
    clippy::cast_precision_loss,
    reason = "times and sizes are far below 2^52"
)]
fn sample(spent: Spent, taken: Option<heap::Taken>) -> Sample {
    let nanoseconds = |time: Duration| time.as_nanos() as f64;
    // Counting takes time.
    let is_timed = taken.is_none();
    let is_served = is_timed && !spent.servers.is_zero();
    let own = spent.all.saturating_sub(spent.servers);
    Sample {
        cpu: is_timed.then(|| nanoseconds(own)),
        both: is_served.then(|| nanoseconds(spent.all)),
        heap: taken.map(|taken| taken.peak as f64),
        calls: taken.map(|taken| taken.calls as f64),
        ..Sample::default()
    }
}

/// Does the work once, and says by how much the process grew at its peak. For work that is the first
/// of its kind in a process.
pub(crate) fn growth_of(work: impl FnOnce() -> Result<(), Failure>) -> Result<Sample, Failure> {
    // Sets the peak back to what is resident now.
    fs::write("/proc/self/clear_refs", "5")?;
    let before = resident("VmRSS:")?;
    let sample = once(work)?;
    let grown = resident("VmHWM:")? - before;
    // A process that counts has a heap of its own kind.
    Ok(Sample {
        resident: (!heap::is_counted()).then_some(grown.max(0.0)),
        ..sample
    })
}

fn resident(field: &str) -> Result<f64, Failure> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kibibytes: f64 = kibibytes.ok_or("no resident size")?.parse()?;
    Ok(kibibytes * 1024.0)
}
