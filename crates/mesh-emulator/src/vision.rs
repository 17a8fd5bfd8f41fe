//! What can honestly be said of a picture from its pixels, in numbers and in words.
//!
//! A picture is decoded, measured on a reduced copy, and described. Nothing is recognised: no
//! object, no face, no letter.

mod container;
mod edges;
mod light;
mod palette;
mod pixels;
mod sight;
mod topic;
mod words;

use std::fmt;

use image::RgbaImage;

pub use container::Format;
pub use edges::{Detail, EdgeDirection};
pub use light::{Cell, Lighting};
pub use palette::ColourShare;
pub use sight::Sight;
pub use words::compare;

/// The most pixels that are decoded: 100 million.
pub const MOST_PIXELS: u64 = 100_000_000;

/// Why a picture could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CannotSee {
    /// There are no bytes.
    Empty,
    /// The bytes are none of PNG, JPEG, GIF and WebP.
    NotAPicture {
        /// What they are, where it can be told: `a PDF document`.
        looks_like: Option<&'static str>,
    },
    /// The file ends before the picture does.
    Truncated {
        /// What the file is the beginning of.
        format: Format,
    },
    /// The file is damaged: its content contradicts its format.
    Broken {
        /// What the file says it is.
        format: Format,
        /// What the decoder found wrong.
        reason: String,
    },
    /// The picture has more than [`MOST_PIXELS`] pixels; it was not decoded.
    TooLarge {
        /// What the file is.
        format: Format,
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
    },
}

impl fmt::Display for CannotSee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the picture has no bytes"),
            Self::NotAPicture {
                looks_like: Some(what),
            } => {
                write!(f, "this is {what}; pictures are PNG, JPEG, GIF or WebP")
            }
            Self::NotAPicture { looks_like: None } => {
                f.write_str("the bytes are not a PNG, JPEG, GIF or WebP picture")
            }
            Self::Truncated { format } => {
                write!(
                    f,
                    "the {format} picture is truncated: the file ends before the picture does"
                )
            }
            Self::Broken { format, reason } => {
                write!(f, "the {format} picture is damaged: {reason}")
            }
            Self::TooLarge {
                format,
                width,
                height,
            } => write!(
                f,
                "the {format} picture has {width} x {height} pixels, more than the {} million that are decoded",
                MOST_PIXELS / 1_000_000
            ),
        }
    }
}

impl std::error::Error for CannotSee {}

/// Looks at a picture file.
///
/// The format is told from the bytes. Of an animation the first frame is seen. The error says what
/// is wrong with the file; no bytes cause a panic.
pub fn look(encoded: &[u8]) -> Result<Sight, CannotSee> {
    let file = container::open(encoded)?;
    let picture = pixels::decode(encoded, file.format)?;
    Ok(sight::measure(encoded, &file, &picture))
}

/// The pixels of a picture file, as they are stored: EXIF orientation is not applied.
///
/// Errors and the frame of an animation are as with [`look`].
pub fn decode(encoded: &[u8]) -> Result<RgbaImage, CannotSee> {
    let file = container::open(encoded)?;
    pixels::whole(encoded, file.format).map(image::DynamicImage::into_rgba8)
}

#[cfg(test)]
mod tests;
