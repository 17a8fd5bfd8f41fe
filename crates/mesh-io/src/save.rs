//! Puts a picture into a file: piece by piece under a temporary name, and at the end into its place
//! at once. A program uses what the clients have for it.
//!
//! ```
//! use mesh_proto::image::GeneratedImage;
//! use mesh_io::save::Draft;
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("fox");
//!
//! let mut draft = Draft::create(path)?; // or "fox"
//! let mut picture = draft.begin(&GeneratedImage::from_base64("iVBORw0KGgo="))?;
//! while draft.copy(&mut picture)?.is_continue() {}
//! let saved = draft.finish()?;
//! assert!(saved.path.ends_with("fox.png"));
//! # assert_eq!(std::fs::read(saved.path)?.len(), 8);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod drafts;
mod error;
#[cfg(feature = "reqwest")]
mod saving;

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek as _, Write as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use mesh_proto::destination::{Destination, Existing};
use mesh_proto::download::Piece;
use mesh_proto::image::{Evidence, GeneratedImage, MediaType, Opening, PictureReader};

pub use self::drafts::abandon_drafts;
pub use self::error::SaveError;
#[cfg(feature = "reqwest")]
pub use self::saving::Saving;

/// A picture that has been saved.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Saved {
    /// Where it is.
    pub path: PathBuf,
    /// Its size in bytes.
    pub length: u64,
    /// What it is.
    pub media_type: MediaType,
    /// How that is known.
    pub evidence: Evidence,
}

/// A picture on its way into a file, under a temporary name in the directory where it is to be.
/// Dropped before it is finished, it leaves nothing.
pub struct Draft {
    to: Destination,
    file: File,
    temporary: PathBuf,
    opening: Opening,
    /// What is to be written next.
    queue: Vec<Piece>,
    queued: usize,
    buffer: Vec<u8>,
    is_settled: bool,
}

/// How much is decoded at a time: whole groups of base64.
const PIECE: usize = 48 << 10;

/// How much is written before the caller is asked whether to go on.
const TURN: usize = 144 << 10;

impl Draft {
    /// Creates the temporary file.
    ///
    /// Errors where no file can be created there, and already now where one is that may not be
    /// touched.
    pub fn create(to: impl Into<Destination>) -> Result<Self, SaveError> {
        let to = to.into();
        let failed = |error| SaveError::File {
            path: to.path().to_owned(),
            error,
        };
        let path = to.path();
        let shown = path.as_os_str().to_string_lossy();
        if path.file_name().is_none() || shown.ends_with(std::path::is_separator) || path.is_dir() {
            return Err(failed(io::ErrorKind::IsADirectory.into()));
        }
        if let Some(name) = to.must_be_free()
            && name.symlink_metadata().is_ok()
        {
            return Err(SaveError::Exists(name.to_owned()));
        }
        let (file, temporary) = drafts::create(|| create_beside(path)).map_err(failed)?;
        Ok(Self {
            file,
            temporary,
            opening: Opening::new(None),
            queue: Vec::new(),
            queued: 0,
            buffer: Vec::new(),
            is_settled: false,
            to,
        })
    }

    /// Where it is to be.
    pub fn destination(&self) -> &Destination {
        &self.to
    }

    /// Begins with a picture whose bytes are there, to be copied from the reader that this gives.
    ///
    /// Errors as [`GeneratedImage::reader`] does.
    pub fn begin(&mut self, picture: &GeneratedImage) -> Result<PictureReader, SaveError> {
        let declared = picture.declared().cloned();
        self.push(Piece::Begin { declared });
        Ok(picture.reader()?)
    }

    /// Takes a piece, to be written by [`Draft::flush`]. Touches no file.
    pub fn push(&mut self, piece: Piece) {
        match &piece {
            Piece::Bytes(bytes) => self.queued += bytes.len(),
            _ => {
                self.queue.clear();
                self.queued = 0;
            }
        }
        self.queue.push(piece);
    }

    /// Whether so many bytes wait to be written that it is time to.
    pub fn is_full(&self) -> bool {
        self.queued >= TURN
    }

    /// Writes what waits to be written.
    ///
    /// Errors where the file cannot be written, or what is written is no picture.
    pub fn flush(&mut self) -> Result<(), SaveError> {
        self.queued = 0;
        for piece in std::mem::take(&mut self.queue) {
            match piece {
                Piece::Begin { declared } => {
                    self.file
                        .set_len(0)
                        .and_then(|()| self.file.rewind())
                        .map_err(|error| self.failed(error))?;
                    self.opening = Opening::new(declared);
                }
                Piece::Bytes(bytes) => self.write(&bytes)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Writes the next pieces of a picture, a few at most, and says whether there may be more.
    ///
    /// Errors as [`PictureReader::read`] and [`Draft::flush`] do.
    pub fn copy(&mut self, picture: &mut PictureReader) -> Result<ControlFlow<()>, SaveError> {
        self.flush()?;
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.resize(PIECE, 0);
        for _ in 0..TURN / PIECE {
            let count = picture.read(&mut buffer)?;
            self.write(buffer.get(..count).unwrap_or_default())?;
            if count < buffer.len() {
                return Ok(ControlFlow::Break(()));
            }
        }
        self.buffer = buffer;
        Ok(ControlFlow::Continue(()))
    }

    /// Brings all of the picture to the disk: what takes long of [`Draft::finish`].
    ///
    /// Errors as [`Draft::flush`] does, and where there is no picture.
    pub fn settle(&mut self) -> Result<(), SaveError> {
        self.flush()?;
        self.opening.media_type()?;
        if !self.is_settled {
            self.file.sync_data().map_err(|error| self.failed(error))?;
            self.is_settled = true;
        }
        Ok(())
    }

    /// Puts the picture into its place, once all of it is on the disk: it is there whole, or not at
    /// all.
    ///
    /// Errors as [`Draft::settle`] does, and where every name that the picture may have is taken.
    pub fn finish(mut self) -> Result<Saved, SaveError> {
        self.settle()?;
        let (media_type, evidence) = self.opening.media_type()?;
        let mut taken = self.to.path().to_owned();
        for path in self.to.names(&media_type) {
            let placed = drafts::place(|| match self.to.when_existing() {
                Existing::Replace => fs::rename(&self.temporary, &path),
                _ => place_if_free(&self.temporary, &path),
            });
            match placed {
                Ok(()) => {
                    return Ok(Saved {
                        path,
                        length: self.opening.length(),
                        media_type,
                        evidence,
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => taken = path,
                Err(error) => return Err(SaveError::File { path, error }),
            }
        }
        Err(SaveError::Exists(taken))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), SaveError> {
        self.is_settled = false;
        let was_telling = self.opening.is_telling();
        self.opening.take(bytes);
        // What turns out to be no picture is not written to its end.
        if !was_telling && self.opening.is_telling() {
            self.opening.media_type()?;
        }
        self.file
            .write_all(bytes)
            .map_err(|error| self.failed(error))
    }

    fn failed(&self, error: io::Error) -> SaveError {
        SaveError::File {
            path: self.to.path().to_owned(),
            error,
        }
    }
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft")
            .field("to", &self.to)
            .field("opening", &self.opening)
            .finish_non_exhaustive()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        drafts::remove(&self.temporary);
    }
}

/// Creates a file in the directory of `path` whose name nobody can have guessed. It may be read by
/// whoever may read what the user creates.
fn create_beside(path: &Path) -> io::Result<(File, PathBuf)> {
    loop {
        let chance = crate::chance();
        let temporary = path.with_file_name(format!(".mesh-{chance:016x}"));
        let created = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&temporary);
        match created {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            created => return created.map(|file| (file, temporary)),
        }
    }
}

/// Gives the file `temporary` the name `path`, unless a file has it. `temporary` may stay.
fn place_if_free(temporary: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(temporary, path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => reserve(temporary, path),
        linked => linked,
    }
}

/// The same where a file can have one name only: takes the name first, and then replaces what is
/// our own.
fn reserve(temporary: &Path, path: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).open(path)?;
    fs::rename(temporary, path).inspect_err(|_| {
        let _gone = fs::remove_file(path);
    })
}

#[cfg(test)]
mod tests;
