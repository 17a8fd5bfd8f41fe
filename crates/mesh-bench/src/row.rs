//! Rows of the table: work, who does it, and what is expected of ours.

use crate::Failure;
use crate::measure::Sample;
use crate::runner::Scale;

/// One kind of work.
#[derive(Clone, Debug)]
pub struct Row {
    /// What `--only` selects it by.
    pub id: &'static str,
    /// What is done.
    pub title: &'static str,
    /// What one figure of time is for, such as `call`.
    pub unit: &'static str,
    /// What the heap does with what is freed.
    pub heap: Heap,
    /// How costly the row is.
    pub effort: Effort,
    /// Who does it, ours first.
    pub contestants: Vec<Contestant>,
    /// What is expected.
    pub goals: Vec<Goal>,
}

/// What the heap does with what is freed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heap {
    /// As the system has it.
    System,
    /// Gives back each big buffer, so that each is newly mapped, as in a one-off call.
    Fresh,
    /// Keeps its pages.
    Warm,
}

impl Heap {
    /// The settings of glibc's allocator that make it so.
    pub(crate) fn variables(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::System => &[],
            Self::Fresh => &[("MALLOC_MMAP_THRESHOLD_", "131072")],
            Self::Warm => &[
                ("MALLOC_MMAP_MAX_", "0"),
                ("MALLOC_TRIM_THRESHOLD_", "4294967296"),
            ],
        }
    }
}

/// How costly a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// Part of every run.
    Usual,
    /// Takes minutes, so that it has to be asked for.
    Minutes,
}

/// One way to do the work.
#[derive(Clone, Copy, Debug)]
pub struct Contestant {
    /// Its name within the row.
    pub name: &'static str,
    /// What it is to us.
    pub role: Role,
    /// Takes one sample.
    pub(crate) take: fn(Scale) -> Result<Sample, Failure>,
}

/// What a contestant is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Mesh.
    Ours,
    /// Another client, or the same work done by hand.
    Peer,
    /// What no client can beat.
    Limit,
}

pub(crate) fn ours(name: &'static str, take: fn(Scale) -> Result<Sample, Failure>) -> Contestant {
    Contestant {
        name,
        role: Role::Ours,
        take,
    }
}

pub(crate) fn peer(name: &'static str, take: fn(Scale) -> Result<Sample, Failure>) -> Contestant {
    Contestant {
        name,
        role: Role::Peer,
        take,
    }
}

pub(crate) fn limit(name: &'static str, take: fn(Scale) -> Result<Sample, Failure>) -> Contestant {
    Contestant {
        name,
        role: Role::Limit,
        take,
    }
}

/// A bound: a figure of ours is at most `factor` times a figure of another's, plus `plus`.
#[derive(Clone, Copy, Debug)]
pub struct Goal {
    /// The bound in words.
    pub text: &'static str,
    /// Whose figure is bounded.
    pub of: &'static str,
    /// Which figure it is.
    pub measure: Measure,
    /// Whose figure it is held against, if anyone's.
    pub against: Option<&'static str>,
    /// How many times that.
    pub factor: f64,
    /// What is added, in the figure's own unit.
    pub plus: f64,
}

/// A figure of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Measure {
    /// CPU time, in nanoseconds.
    Cpu,
    /// The same with the server's, in nanoseconds.
    Both,
    /// Peak of the heap, in bytes.
    Heap,
    /// Calls of the heap.
    Calls,
    /// Growth of the process, in bytes.
    Resident,
    /// Connections.
    Connects,
    /// Crates.
    Crates,
    /// Size of the program, in bytes.
    Size,
}

impl Measure {
    /// The figure of `sample`.
    pub fn of(self, sample: &Sample) -> Option<f64> {
        match self {
            Self::Cpu => sample.cpu,
            Self::Both => sample.both,
            Self::Heap => sample.heap,
            Self::Calls => sample.calls,
            Self::Resident => sample.resident,
            Self::Connects => sample.connects,
            Self::Crates => sample.crates,
            Self::Size => sample.size,
        }
    }
}

impl Goal {
    /// The figure is at most so much.
    pub(crate) fn at_most(
        text: &'static str,
        of: &'static str,
        measure: Measure,
        plus: f64,
    ) -> Self {
        Self {
            text,
            of,
            measure,
            against: None,
            factor: 0.0,
            plus,
        }
    }

    /// The figure is at most so many times another's.
    pub(crate) fn times(
        text: &'static str,
        of: &'static str,
        measure: Measure,
        factor: f64,
        against: &'static str,
    ) -> Self {
        Self {
            text,
            of,
            measure,
            against: Some(against),
            factor,
            plus: 0.0,
        }
    }

    /// Allows for so much more.
    pub(crate) fn plus(self, plus: f64) -> Self {
        Self { plus, ..self }
    }
}
