//! Small programs outside of the workspace, which are built as a user's would be.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;
use crate::runner::scratch;

/// A program of its own, outside of the workspace.
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) dependencies: &'static str,
    pub(crate) main: &'static str,
}

/// A program whose sources are written.
pub(crate) struct Written {
    name: &'static str,
    directory: PathBuf,
}

impl Program {
    /// Writes the sources, with the versions of the workspace's lock file.
    pub(crate) fn write(&self) -> Result<Written, Failure> {
        let beside = std::env::current_exe()?;
        let directory = scratch(beside.parent().ok_or("no directory")?).join(self.name);
        fs::create_dir_all(directory.join("src"))?;
        let crates = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
        let manifest = format!(
            "[package]\nname = \"{}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n{}\n\n[profile.release]\nstrip = true\n\n[workspace]\n",
            self.name,
            self.dependencies.replace("{crates}", crates),
        );
        fs::write(directory.join("Cargo.toml"), manifest)?;
        fs::write(directory.join("src/main.rs"), self.main.trim_start())?;
        // Newer versions than the workspace's would be other crates.
        let lock = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.lock");
        fs::copy(lock, directory.join("Cargo.lock"))?;
        Ok(Written {
            name: self.name,
            directory,
        })
    }
}

impl Written {
    /// Changes the program by one line, so that it has to be built again.
    pub(crate) fn change_a_line(&self) -> Result<(), Failure> {
        let main = self.directory.join("src/main.rs");
        let source = fs::read_to_string(&main)?;
        let changed = source.replacen("Hello", "Hello again", 1);
        if changed == source {
            return Err("no line to change".into());
        }
        fs::write(main, changed)?;
        Ok(())
    }

    /// Removes what was built.
    pub(crate) fn clean(&self) -> Result<(), Failure> {
        let target = self.target();
        if target.exists() {
            fs::remove_dir_all(target)?;
        }
        Ok(())
    }

    /// The size of the program that was built, in bytes.
    pub(crate) fn size(&self) -> Result<f64, Failure> {
        let size = fs::metadata(self.target().join("release").join(self.name))?.len();
        #[allow(clippy::cast_precision_loss, reason = "a few megabytes")]
        Ok(size as f64)
    }

    fn target(&self) -> PathBuf {
        self.directory.join("target")
    }

    /// How many crates it consists of.
    pub(crate) fn crates(&self) -> Result<f64, Failure> {
        crates_of(&self.directory)
    }

    /// Builds, and returns the CPU time of cargo and all its children in nanoseconds.
    pub(crate) fn build(&self) -> Result<f64, Failure> {
        build(&self.directory)
    }
}

fn crates_of(directory: &Path) -> Result<f64, Failure> {
    let tree = [
        "tree",
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--no-dedupe",
        "--format",
        "{p}",
    ];
    let output = Command::new("cargo")
        .args(tree)
        .current_dir(directory)
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().into());
    }
    let listed = String::from_utf8(output.stdout)?;
    let mut crates: Vec<&str> = listed.lines().filter(|line| !line.is_empty()).collect();
    crates.sort_unstable();
    crates.dedup();
    #[allow(clippy::cast_precision_loss, reason = "hundreds at most")]
    Ok(crates.len() as f64)
}

/// Builds, and gives the CPU time of cargo and all its children in nanoseconds, as the shell has it.
fn build(directory: &Path) -> Result<f64, Failure> {
    let script =
        "cargo fetch --quiet && cargo build --release --quiet --target-dir target && times";
    let output = Command::new("sh")
        .args(["-c", script])
        .current_dir(directory)
        .env_remove("CARGO_TARGET_DIR")
        .env("LC_ALL", "C")
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().into());
    }
    let told = String::from_utf8(output.stdout)?;
    let children = told.lines().last().ok_or("no times")?;
    let seconds = children
        .split_whitespace()
        .map(seconds)
        .sum::<Option<f64>>();
    Ok(seconds.ok_or("times in another form")? * 1e9)
}

/// `1m2.5s` in seconds.
fn seconds(text: &str) -> Option<f64> {
    let (minutes, seconds) = text.strip_suffix('s')?.split_once('m')?;
    Some(minutes.parse::<f64>().ok()? * 60.0 + seconds.parse::<f64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shell_tells_minutes_and_seconds() {
        assert_eq!(seconds("1m2.5s"), Some(62.5));
        assert_eq!(seconds("0m0.010000s"), Some(0.01));
        assert_eq!(seconds("3.2"), None);
    }
}
