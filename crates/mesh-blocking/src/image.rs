//! Pictures from files.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

pub use mesh_io::save::{SaveError, Saved, abandon_drafts};
pub use mesh_proto::destination::{Destination, Existing};
use mesh_proto::image::MAX_FILE;
pub use mesh_proto::image::{Detail, GeneratedImage, Image, ImageError, ImageFileError};

/// Opens the file at `path` as a picture to be sent: PNG, JPEG, GIF or WebP.
///
/// Errors where it cannot be read, is larger than [`MAX_FILE`], or is anything else, and says what
/// it is.
pub fn open(path: impl AsRef<Path>) -> Result<Image, ImageFileError> {
    let path = path.as_ref();
    let bytes = read(path).map_err(|error| ImageFileError::read(path, error))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(ImageFileError::image(path, ImageError::TooLarge));
    }
    Image::from_bytes(bytes).map_err(|error| ImageFileError::image(path, error))
}

/// Reads one byte beyond the limit at most: a device may have no end.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let size = usize::try_from(file.metadata()?.len().min(MAX_FILE + 1)).unwrap_or(0);
    let mut bytes = Vec::with_capacity(size);
    file.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
