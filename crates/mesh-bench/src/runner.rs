//! Takes samples, each in a process of its own.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::measure::Sample;
use crate::row::{Contestant, Effort, Row};
use crate::{Failure, python};

/// How much work is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// As the table states it.
    Full,
    /// A small part of it, to see that it runs.
    Quick,
}

impl Scale {
    /// A size in bytes.
    pub(crate) fn bytes(self, full: usize) -> usize {
        match self {
            Self::Full => full,
            Self::Quick => full / 64,
        }
    }

    /// A number of events or calls.
    pub(crate) fn count(self, full: usize) -> usize {
        match self {
            Self::Full => full,
            Self::Quick => full / 200 + 1,
        }
    }

    /// How often a work is done within a sample.
    pub(crate) fn times(self, full: usize) -> usize {
        match self {
            Self::Full => full,
            Self::Quick => 1,
        }
    }
}

/// Where samples are taken.
#[derive(Clone, Debug)]
pub enum Runner {
    /// In this process: the heap is as it is, and the process has its past.
    Here,
    /// In children of their own, with the programs for times and for the heap.
    Children {
        /// This program.
        times: PathBuf,
        /// The same with an allocator that counts.
        heap: PathBuf,
        /// The official Python SDK, where there is one.
        python: Option<PathBuf>,
    },
}

impl Runner {
    /// Children of this program, and of the one beside it that counts, which is built where it is
    /// missing.
    ///
    /// Errors where it cannot be built.
    pub fn children() -> Result<Self, Failure> {
        let times = env::current_exe()?;
        let directory = times.parent().ok_or("no directory")?;
        let heap = directory.join(format!("mesh-bench-heap{}", env::consts::EXE_SUFFIX));
        build(&heap)?;
        let python = python::install(&scratch(directory));
        Ok(Self::Children {
            times,
            heap,
            python,
        })
    }

    /// One sample of times, or of the heap.
    ///
    /// Errors where the work fails, or its child does.
    pub fn take(
        &self,
        row: &Row,
        contestant: &Contestant,
        scale: Scale,
        figures: Figures,
    ) -> Result<Sample, Failure> {
        let Self::Children {
            times,
            heap,
            python,
        } = self
        else {
            return (contestant.take)(scale);
        };
        let program = match figures {
            Figures::Times => times,
            Figures::Heap => heap,
        };
        let mut command = Command::new(program);
        command
            .args(["sample", row.id, contestant.name])
            .args((scale == Scale::Quick).then_some("--quick"))
            .envs(row.heap.variables().iter().copied())
            .stderr(Stdio::piped());
        if let Some(python) = python {
            command.env(python::VARIABLE, python);
        }
        let output = command.output()?;
        if !output.status.success() {
            let told = String::from_utf8_lossy(&output.stderr);
            let last = told.trim().lines().last().unwrap_or("it says nothing");
            return Err(last.to_owned().into());
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}

/// Which figures a sample is for: counting takes time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figures {
    /// CPU time and resident memory.
    Times,
    /// Peak and calls of the heap.
    Heap,
}

impl Figures {
    /// Whether a row has such figures at all.
    pub(crate) fn are_of(self, row: &Row) -> bool {
        self == Self::Times || row.effort == Effort::Usual
    }
}

/// Where things are put that a run leaves for the next.
pub(crate) fn scratch(beside: &Path) -> PathBuf {
    beside.join("mesh-bench-scratch")
}

/// Builds the program that counts: cargo does nothing where it is up to date.
fn build(heap: &Path) -> Result<(), Failure> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args([
            "build",
            "--quiet",
            "--package",
            "mesh-bench",
            "--bin",
            "mesh-bench-heap",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let built = command.status().is_ok_and(|status| status.success());
    if built || heap.is_file() {
        Ok(())
    } else {
        Err(format!("{} is missing, and cargo cannot build it", heap.display()).into())
    }
}
