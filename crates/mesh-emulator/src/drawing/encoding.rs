//! Pictures as files.

use std::borrow::Cow;
use std::fmt;
use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder, Rgba, RgbaImage};

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

impl Codec {
    /// What requests call it: `png`, `jpeg`, `webp`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpeg",
            Self::Webp => "webp",
        }
    }

    /// Its media type: `image/png`.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Webp => "image/webp",
        }
    }
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
/// `quality_percent`, cut to 1..=100, matters for JPEG, and for WebP, which has fewer shades of each
/// colour below 100. The error is a picture whose size the format cannot hold.
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
            &in_fewer_shades(picture, quality_percent),
            width,
            height,
            ExtendedColorType::Rgba8,
        ),
    };
    written.map_err(|error| refused(error.to_string()))?;
    Ok(file.into_inner())
}

/// The picture on white, without transparency.
pub fn flatten(picture: &RgbaImage) -> RgbaImage {
    let mut flat = picture.clone();
    for Rgba([r, g, b, alpha]) in flat.pixels_mut() {
        for value in [r, g, b] {
            *value = over_white(*value, *alpha);
        }
        *alpha = 255;
    }
    flat
}

/// The pixels with channels rounded to multiples, of 16 at the lowest quality; black and white
/// stay.
fn in_fewer_shades(picture: &RgbaImage, quality_percent: u8) -> Cow<'_, [u8]> {
    let step = 1 + u32::from(100_u8.saturating_sub(quality_percent)) * 15 / 100;
    if quality_percent >= 100 {
        return Cow::Borrowed(picture.as_raw());
    }
    let step = step.max(2);
    let round = |value: &u8| {
        let rounded = (u32::from(*value) + step / 2) / step * step;
        match *value {
            0 | 255 => *value,
            _ => u8::try_from(rounded).unwrap_or(u8::MAX),
        }
    };
    Cow::Owned(picture.as_raw().iter().map(round).collect())
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
            let file = encode(&picture, codec, 100).unwrap();
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
    fn lower_quality_is_another_file_and_a_smaller_jpeg() {
        let picture = super::super::draw("a forest at sunset, watercolor", 96, 64);
        for codec in [Codec::Jpeg, Codec::Webp] {
            let [low, high] = [10, 100].map(|percent| encode(&picture, codec, percent).unwrap());
            assert!(low.len() < high.len(), "{codec:?}");
        }
        let clear = super::super::draw("a red circle, transparent background", 48, 32);
        assert!(flatten(&clear).pixels().all(|pixel| pixel.0[3] == 255));
        assert_eq!(flatten(&clear).get_pixel(0, 0).0, [255; 4]);
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
