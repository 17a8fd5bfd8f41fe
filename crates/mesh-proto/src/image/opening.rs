//! What a picture is, told while it is written somewhere.

use std::fmt;

use super::media_type::MediaType;
use super::output::{Evidence, PictureError, what_is};

/// How many bytes at the beginning of a picture tell what it is.
const TELLING: usize = 4096;

/// The beginning of a picture whose bytes go by, kept as far as it tells what the whole is.
///
/// ```
/// use mesh_proto::image::{Evidence, MediaType, Opening};
///
/// let mut opening = Opening::new(None);
/// for piece in [&b"\x89PN"[..], b"G\r\n\x1a\n", b"...."] {
///     opening.take(piece);
/// }
/// assert_eq!(opening.media_type()?, (MediaType::PNG, Evidence::MagicBytes));
/// assert_eq!(opening.length(), 12);
/// # Ok::<(), mesh_proto::image::PictureError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Opening {
    declared: Option<MediaType>,
    first: Vec<u8>,
    length: u64,
}

impl Opening {
    /// The beginning of a picture of which nothing has come yet.
    pub fn new(declared: Option<MediaType>) -> Self {
        Self {
            declared,
            first: Vec::new(),
            length: 0,
        }
    }

    /// Takes note of the next bytes.
    pub fn take(&mut self, piece: &[u8]) {
        let missing = TELLING.saturating_sub(self.first.len()).min(piece.len());
        self.first
            .extend_from_slice(piece.get(..missing).unwrap_or_default());
        self.length += piece.len() as u64;
    }

    /// How many bytes have gone by.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Whether nothing that follows can change what it is.
    pub fn is_telling(&self) -> bool {
        self.first.len() == TELLING
    }

    /// What it is, and how that is known. Errors as
    /// [`GeneratedImage::media_type`](super::GeneratedImage::media_type) does.
    pub fn media_type(&self) -> Result<(MediaType, Evidence), PictureError> {
        if self.first.is_empty() {
            return Err(PictureError::Empty);
        }
        let mut first = &self.first[..];
        // A text that is cut within a character is a text still.
        if self.is_telling()
            && let Err(error) = std::str::from_utf8(first)
            && error.error_len().is_none()
        {
            first = first.get(..error.valid_up_to()).unwrap_or_default();
        }
        what_is(first, self.declared.as_ref())
    }
}

impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opening")
            .field("declared", &self.declared)
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}
