//! Decoding, and the reduced copies on which pictures are measured.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "sides of pictures fit an f32 well enough for scaling"
)]

use std::io::Cursor;

use image::error::ImageError;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use super::container::Format;
use super::{CannotSee, MOST_PIXELS};

/// The longest side of the copy on which colours and light are measured.
const MEASURED_SIDE: u32 = 256;

/// The longest side of the copy on which sharpness is measured: about what a screen shows.
const VIEWED_SIDE: u32 = 1024;

/// The most memory that a decoder may take: 16 bits each of four channels of the largest picture.
const MOST_MEMORY: u64 = MOST_PIXELS * 8;

/// A decoded picture, reduced.
#[derive(Debug)]
pub(super) struct Picture {
    /// Of the stored picture, in pixels.
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) small: Grid,
    /// At most [`VIEWED_SIDE`] long.
    pub(super) viewed: DynamicImage,
}

/// Pixels in rows, red, green, blue and alpha, each 0 to 1.
#[derive(Debug)]
pub(super) struct Grid {
    pub(super) width: usize,
    pub(super) pixels: Vec<[f32; 4]>,
}

impl Grid {
    /// What vision models get: transparency over white.
    pub(super) fn flattened(&self) -> Vec<[f32; 3]> {
        self.pixels
            .iter()
            .map(|[r, g, b, a]| [r, g, b].map(|v| v * a + 1.0 - a))
            .collect()
    }
}

/// Decodes a picture within limits, every pixel of it.
pub(super) fn whole(bytes: &[u8], format: Format) -> Result<DynamicImage, CannotSee> {
    let broken = |error: &ImageError| CannotSee::Broken {
        format,
        reason: error.to_string(),
    };
    let kind = match format {
        Format::Png => ImageFormat::Png,
        Format::Jpeg => ImageFormat::Jpeg,
        Format::Gif => ImageFormat::Gif,
        Format::Webp => ImageFormat::WebP,
    };
    let mut reader = ImageReader::with_format(Cursor::new(bytes), kind);
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_MEMORY);
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(|e| broken(&e))?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(CannotSee::TooLarge {
            format,
            width,
            height,
        });
    }
    if width == 0 || height == 0 {
        let reason = format!("its size is {width} x {height} pixels");
        return Err(CannotSee::Broken { format, reason });
    }
    DynamicImage::from_decoder(decoder).map_err(|e| broken(&e))
}

/// Decodes a picture within limits, and reduces it.
pub(super) fn decode(bytes: &[u8], format: Format) -> Result<Picture, CannotSee> {
    let whole = whole(bytes, format)?;
    let (width, height) = (whole.width(), whole.height());
    let viewed = reduced(whole, VIEWED_SIDE);
    let small = fitted(viewed.width(), viewed.height(), MEASURED_SIDE).map_or_else(
        || viewed.to_rgba8(),
        |(w, h)| viewed.thumbnail_exact(w, h).to_rgba8(),
    );
    let pixels = small
        .as_raw()
        .chunks_exact(4)
        .filter_map(|p| p.first_chunk::<4>())
        .map(|p| p.map(|v| f32::from(v) / 255.0))
        .collect();
    let small = Grid {
        width: small.width() as usize,
        pixels,
    };
    Ok(Picture {
        width,
        height,
        small,
        viewed,
    })
}

fn reduced(picture: DynamicImage, longest: u32) -> DynamicImage {
    match fitted(picture.width(), picture.height(), longest) {
        Some((width, height)) => picture.thumbnail_exact(width, height),
        None => picture,
    }
}

/// The size at which the longest side is as given; nothing if it is not longer.
fn fitted(width: u32, height: u32, longest: u32) -> Option<(u32, u32)> {
    let long = width.max(height);
    if long <= longest {
        return None;
    }
    let scale = longest as f32 / long as f32;
    let side = |full: u32| ((full as f32 * scale).round() as u32).max(1);
    Some((side(width), side(height)))
}
