//! The official Python SDK, from its package, where Python and the network are there.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::measure::Sample;
use crate::{Failure, heap};

/// The package and the version that is measured.
const PACKAGE: &str = "meshapi==0.1.11";

const SCRIPT: &str = include_str!("python.py");

/// Where the parent has put the package.
pub(crate) const VARIABLE: &str = "MESH_BENCH_PYTHON";

/// Why the row is missing where it is.
pub(crate) const MISSING: &str = "not available here: no Python, or no package index";

/// Installs the package beneath `directory`, unless it is there; nothing where it cannot be had.
pub(crate) fn install(directory: &Path) -> Option<PathBuf> {
    let target = directory.join("python");
    let is_there = || target.join("meshapi").is_dir() && target.join("httpx").is_dir();
    if !is_there() {
        let pip = ["-m", "pip", "install", "--quiet", "--target"];
        let status = Command::new("python3")
            .args(pip)
            .arg(&target)
            .arg(PACKAGE)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        status.ok()?;
    }
    is_there().then_some(target)
}

/// What the SDK is to do.
pub(crate) struct Work<'a> {
    pub(crate) name: &'static str,
    pub(crate) times: usize,
    /// Of each picture, in bytes.
    pub(crate) size: usize,
    pub(crate) count: usize,
    pub(crate) url: &'a str,
}

/// One sample, as Python itself measures it.
pub(crate) fn sample(work: &Work<'_>) -> Result<Sample, Failure> {
    let package = std::env::var_os(VARIABLE).ok_or(MISSING)?;
    if heap::is_counted() {
        return Ok(Sample::default());
    }
    let output = Command::new("python3")
        .args(["-c", SCRIPT, work.name])
        .args([work.times, work.size, work.count].map(|number| number.to_string()))
        .arg(work.url)
        .env("PYTHONPATH", package)
        .env("NO_PROXY", "*")
        .output()?;
    if !output.status.success() {
        let told = String::from_utf8_lossy(&output.stderr);
        let last = told.trim().lines().last().unwrap_or("it says nothing");
        return Err(format!("Python: {last}").into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
