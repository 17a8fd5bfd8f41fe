//! Pictures as files.

use std::fmt;
use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder, RgbaImage};

/// The format of a picture file to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// PNG: lossless, with transparency.
    Png,
    /// JPEG: lossy, without transparency, which becomes white.
    Jpeg,
    /// WebP in its lossless mode, with transparency.
    Webp,
}

/// A picture that its format cannot hold.
///
/// WebP and JPEG have longest sides of 16383 and 65535 pixels, and no format here takes an empty
/// picture.
#[derive(Debug)]
pub struct CannotEncode {
    codec: Codec,
    reason: String,
}

impl CannotEncode {
    /// The format that was asked for.
    pub fn codec(&self) -> Codec {
        self.codec
    }
}

impl fmt::Display for CannotEncode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "cannot write this picture as {:?}: {}",
            self.codec, self.reason
        )
    }
}

impl std::error::Error for CannotEncode {}

/// Writes a picture as a file.
///
/// `quality_percent` matters for JPEG only: 1 to 100, cut to that range. The error is a picture
/// whose size the format cannot hold.
pub fn encode(
    picture: &RgbaImage,
    codec: Codec,
    quality_percent: u8,
) -> Result<Vec<u8>, CannotEncode> {
    let (width, height) = picture.dimensions();
    let refused = |reason: String| CannotEncode { codec, reason };
    if width == 0 || height == 0 {
        return Err(refused("it has no pixels".to_owned()));
    }
    let mut file = Cursor::new(Vec::new());
    let written = match codec {
        Codec::Png => {
            PngEncoder::new_with_quality(&mut file, CompressionType::Fast, FilterType::Adaptive)
                .write_image(picture, width, height, ExtendedColorType::Rgba8)
        }
        Codec::Jpeg => JpegEncoder::new_with_quality(&mut file, quality_percent.clamp(1, 100))
            .write_image(&on_white(picture), width, height, ExtendedColorType::Rgb8),
        Codec::Webp => WebPEncoder::new_lossless(&mut file).write_image(
            picture,
            width,
            height,
            ExtendedColorType::Rgba8,
        ),
    };
    written.map_err(|error| refused(error.to_string()))?;
    Ok(file.into_inner())
}

fn on_white(picture: &RgbaImage) -> Vec<u8> {
    let mut flat = Vec::with_capacity(picture.as_raw().len() / 4 * 3);
    for pixel in picture.as_raw().chunks_exact(4) {
        let &[r, g, b, alpha] = pixel else { continue };
        if alpha == 255 {
            flat.extend_from_slice(&[r, g, b]);
        } else {
            flat.extend([r, g, b].map(|value| over_white(value, alpha)));
        }
    }
    flat
}

fn over_white(value: u8, alpha: u8) -> u8 {
    let mixed = u32::from(value) * u32::from(alpha) + 255 * (255 - u32::from(alpha));
    u8::try_from((mixed + 127) / 255).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_codec_reads_back() {
        let picture = super::super::draw("a red circle, transparent background", 48, 32);
        for codec in [Codec::Png, Codec::Jpeg, Codec::Webp] {
            let file = encode(&picture, codec, 90).unwrap();
            let back = image::load_from_memory(&file).unwrap().to_rgba8();
            assert_eq!(back.dimensions(), (48, 32));
            if codec == Codec::Jpeg {
                assert!(back.get_pixel(0, 0).0.iter().all(|v| *v > 245));
            } else {
                assert_eq!(back.as_raw(), picture.as_raw());
            }
        }
    }

    #[test]
    fn what_a_format_cannot_hold_is_an_error() {
        let nothing = RgbaImage::new(0, 4);
        for codec in [Codec::Png, Codec::Jpeg, Codec::Webp] {
            assert_eq!(encode(&nothing, codec, 90).unwrap_err().codec(), codec);
        }
        assert!(encode(&RgbaImage::new(20_000, 1), Codec::Webp, 90).is_err());
    }
}
