//! A picture that came back, read a piece at a time.

use std::fmt;

use bytes::{Buf as _, Bytes};

use super::data_url::InvalidDataUrl;
use super::output::PictureError;
use crate::base64::{self, Characters, InvalidBase64};

/// The bytes of a picture, decoded while they are read: see
/// [`GeneratedImage::reader`](super::GeneratedImage::reader).
///
/// ```
/// use mesh_proto::image::GeneratedImage;
///
/// let mut reader = GeneratedImage::from_base64("iVBORw0KGgo=").reader()?;
/// let mut piece = [0; 5];
/// assert_eq!(reader.read(&mut piece)?, 5);
/// assert_eq!(piece, *b"\x89PNG\r");
/// assert_eq!(reader.read(&mut piece)?, 3);
/// assert_eq!(reader.read(&mut piece)?, 0);
/// # Ok::<(), mesh_proto::image::PictureError>(())
/// ```
pub struct PictureReader {
    source: Source,
    given: u64,
    failed: Option<PictureError>,
}

enum Source {
    Bytes(Bytes),
    Characters(Characters),
    Base64(base64::Reader, fn(InvalidBase64) -> PictureError),
}

impl PictureReader {
    pub(super) fn of_bytes(bytes: Bytes) -> Self {
        Self::of(Source::Bytes(bytes))
    }

    /// A picture that stands in a data URL as it is, but for percent signs.
    pub(super) fn of_characters(text: Characters) -> Self {
        Self::of(Source::Characters(text))
    }

    pub(super) fn of_base64(text: Characters) -> Self {
        Self::of(Source::Base64(
            base64::Reader::new(text),
            PictureError::Base64,
        ))
    }

    pub(super) fn of_data_url(text: Characters) -> Self {
        Self::of(Source::Base64(base64::Reader::new(text), |error| {
            PictureError::DataUrl(InvalidDataUrl::Base64(error))
        }))
    }

    fn of(source: Source) -> Self {
        Self {
            source,
            given: 0,
            failed: None,
        }
    }

    /// Fills `out` with the next bytes, and gives how many those are: fewer than it holds only at
    /// the end, and none after it.
    ///
    /// Errors where what follows is not the base64 that it is said to be, or there are no bytes at
    /// all, and from then on.
    pub fn read(&mut self, out: &mut [u8]) -> Result<usize, PictureError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let result = match &mut self.source {
            Source::Bytes(bytes) => {
                let count = bytes.len().min(out.len());
                if let Some(out) = out.get_mut(..count) {
                    bytes.copy_to_slice(out);
                }
                Ok(count)
            }
            Source::Characters(text) => Ok(out
                .iter_mut()
                .zip(text)
                .map(|(place, byte)| *place = byte)
                .count()),
            Source::Base64(reader, error) => reader.read(out).map_err(*error),
        };
        let result = match result {
            Ok(0) if self.given == 0 && !out.is_empty() => Err(PictureError::Empty),
            result => result,
        };
        match &result {
            Ok(count) => self.given += *count as u64,
            Err(error) => self.failed = Some(error.clone()),
        }
        result
    }
}

impl fmt::Debug for PictureReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PictureReader after {} bytes", self.given)
    }
}
