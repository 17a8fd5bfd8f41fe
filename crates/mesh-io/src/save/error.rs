//! Why a picture was not saved.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::path::PathBuf;

use mesh_proto::Error;
use mesh_proto::error::BuildError;
use mesh_proto::image::PictureError;

/// Why a picture was not saved. Nothing is left behind.
#[derive(Debug)]
#[non_exhaustive]
pub enum SaveError {
    /// It cannot be fetched from where it is.
    Fetch(Error),
    /// It is none, or its bytes cannot be decoded.
    Picture(PictureError),
    /// A file has its name already.
    Exists(PathBuf),
    /// The file cannot be written.
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

impl fmt::Display for SaveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fetch(error) => write!(f, "the picture cannot be fetched: {error}"),
            Self::Picture(error) => write!(f, "{error}; nothing is saved"),
            Self::Exists(path) => write!(
                f,
                "{} is there already: choose another name, or say with `Existing` to replace it or to number the picture",
                path.display()
            ),
            Self::File { path, error } => {
                write!(f, "{} cannot be written", path.display())?;
                f.write_str(match error.kind() {
                    io::ErrorKind::NotFound => "; create its directory first",
                    io::ErrorKind::IsADirectory => "; name a file in it",
                    io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                        "; make room, and save the picture again"
                    }
                    io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                        "; choose a directory that you may write to"
                    }
                    io::ErrorKind::InvalidFilename => "; choose another name",
                    _ => "",
                })
            }
        }
    }
}

impl StdError for SaveError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Fetch(error) => error.source(),
            Self::File { error, .. } => Some(error),
            Self::Picture(_) | Self::Exists(_) => None,
        }
    }
}

impl From<Error> for SaveError {
    fn from(error: Error) -> Self {
        Self::Fetch(error)
    }
}

impl From<BuildError> for SaveError {
    fn from(error: BuildError) -> Self {
        Self::Fetch(error.into())
    }
}

impl From<PictureError> for SaveError {
    fn from(error: PictureError) -> Self {
        Self::Picture(error)
    }
}
