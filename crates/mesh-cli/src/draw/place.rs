//! Where `mesh draw` writes.

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use mesh_blocking::image::Destination;
use mesh_blocking::proto::image::MediaType;

use crate::arguments::Draw;
use crate::failure::{Failure, Kind};

/// Where a picture goes.
#[derive(Debug)]
pub(super) enum Place {
    StandardOutput,
    /// A pipe or a device, which is written to and never replaced.
    Device(PathBuf),
    Named(PathBuf),
    /// In this directory, named after the prompt.
    Unnamed,
}

impl Place {
    /// Finds out before anything is sent whether the picture can be written.
    pub(super) fn find(draw: &Draw) -> Result<Self, Failure> {
        let Some(path) = &draw.output else {
            tempfile::tempfile_in(".").map_err(|error| {
                Failure::new(
                    Kind::Usage,
                    format_args!("this directory: {}", error.kind()),
                )
            })?;
            return Ok(Self::Unnamed);
        };
        let usage = |message: &dyn std::fmt::Display| {
            Failure::new(Kind::Usage, format_args!("{}: {message}", path.display()))
        };
        if path.as_os_str() == "-" {
            return if io::stdout().is_terminal() {
                Err(Failure::new(
                    Kind::Usage,
                    "standard output is a terminal, which shows no picture",
                ))
            } else {
                Ok(Self::StandardOutput)
            };
        }
        let ends_as_directory = path
            .as_os_str()
            .to_string_lossy()
            .ends_with(std::path::is_separator);
        if path.is_dir() || path.file_name().is_none() || ends_as_directory {
            return Err(usage(&"a directory, not a file to write"));
        }
        if path.metadata().is_ok_and(|there| !there.is_file()) {
            return Ok(Self::Device(path.clone()));
        }
        if !draw.force
            && Destination::new(path).must_be_free().is_some()
            && path.symlink_metadata().is_ok()
        {
            return Err(usage(&"is there already; --force overwrites it"));
        }
        if !directory(path).is_dir() {
            return Err(usage(&"its directory does not exist"));
        }
        // What a link points to is what is meant.
        let path = path.canonicalize().unwrap_or_else(|_| path.clone());
        tempfile::tempfile_in(directory(&path)).map_err(|error| usage(&error.kind()))?;
        if is_too_long(&path) {
            return Err(usage(&"its name is too long"));
        }
        Ok(Self::Named(path))
    }
}

/// Whether the file system refuses a name as too long: the path, or what the extension makes of it.
fn is_too_long(path: &Path) -> bool {
    [MediaType::PNG, MediaType::WEBP]
        .iter()
        .filter_map(|it| Destination::new(path).names(it).next())
        .any(|name| {
            name.symlink_metadata()
                .is_err_and(|error| error.kind() == io::ErrorKind::InvalidFilename)
        })
}

fn directory(path: &Path) -> &Path {
    path.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// `a-watercolor-of-a-fox`
pub(super) fn named_after(prompt: &str) -> PathBuf {
    let words = prompt
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty());
    let mut stem = words.take(8).collect::<Vec<_>>().join("-").to_lowercase();
    while stem.len() > 60 {
        stem.pop();
    }
    if stem.is_empty() {
        stem.push_str("picture");
    }
    PathBuf::from(stem)
}
