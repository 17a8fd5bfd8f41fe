//! The measurements of a picture.

#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of at most 65536 pixels, and bytes made of rounded shares"
)]

use super::container::{self, Container, Format};
use super::edges::{self, Detail};
use super::light::{self, Lighting};
use super::palette::{self, ColourShare};
use super::pixels::Picture;

/// What was measured of a picture, as it is stored: EXIF orientation is told, not applied.
///
/// Colours and light are those of a copy reduced to at most 256 pixels a side. Where the picture
/// is transparent, light is measured over white, and colours count for their visible share.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Sight {
    /// The format, told from the bytes.
    pub format: Format,
    /// The size of the file, in bytes.
    pub bytes: usize,
    /// In pixels, as stored.
    pub width: u32,
    /// In pixels, as stored.
    pub height: u32,
    /// The number of frames that the file announces; 1 for a still picture.
    pub frames: u32,
    /// The EXIF orientation, 1 (upright) to 8, if the file has one.
    pub orientation: Option<u8>,
    /// Named colours, largest share first.
    pub colours: Vec<ColourShare>,
    /// The mean colour: red, green and blue.
    pub mean: [u8; 3],
    /// Mean luma, 0 (black) to 1 (white).
    pub brightness: f32,
    /// Twice the standard deviation of luma, 0 (flat) to 1 (half black, half white).
    pub contrast: f32,
    /// Mean of the difference between the strongest and the weakest channel, 0 to 1.
    pub saturation: f32,
    /// Mean red minus mean blue, -1 (cold) to 1 (warm).
    pub warmth: f32,
    /// 0 (smooth) to 1 (crisp); `None` where nothing has structure or the picture is tiny.
    pub sharpness: Option<f32>,
    /// How much is see-through, 0 to 1.
    pub transparency: f32,
    /// Where the light is.
    pub lighting: Lighting,
    /// Where the detail is, and which way edges run.
    pub detail: Detail,
    /// How alike the left half and the mirrored right half are, 0 (not) to 1 (the same).
    pub symmetry: f32,
    /// Whether it is one colour all over.
    pub flat: bool,
    /// Whether it has no colours other than black, white and grey.
    pub grayscale: bool,
    /// Whether it is mostly dark, without strong colour, and has a small bright part.
    pub night_like: bool,
}

pub(super) fn measure(encoded: &[u8], file: &Container, picture: &Picture) -> Sight {
    let grid = &picture.small;
    let flattened = grid.flattened();
    let alphas: Vec<f32> = grid.pixels.iter().map(|[.., a]| *a).collect();
    let visible: f32 = alphas.iter().sum();
    let count = alphas.len().max(1) as f32;
    // Nothing visible is white, as it is for the light.
    let weights = |visible: f32| {
        let hidden = visible <= 0.0;
        alphas.iter().map(move |a| if hidden { 1.0 } else { *a })
    };
    let seen: Vec<[f32; 3]> = if visible > 0.0 {
        grid.pixels
            .iter()
            .map(|[r, g, b, _]| [*r, *g, *b])
            .collect()
    } else {
        flattened.clone()
    };
    let lumas: Vec<f32> = flattened.iter().map(|p| light::luma(*p)).collect();
    let chromas: Vec<f32> = flattened.iter().map(|p| chroma(*p)).collect();
    let (brightness, deviation) = light::spread(&lumas);
    let (saturation, _) = light::spread(&chromas);
    let mean = palette::mean(&seen, weights(visible));
    let [red, _, blue] = palette::mean(&flattened, std::iter::repeat_n(1.0, flattened.len()));
    let coloured = chromas.iter().filter(|c| **c > 0.04).count() as f32;
    let dark = lumas.iter().filter(|v| **v < 0.25).count() as f32;
    let bright = lumas.iter().filter(|v| **v > 0.6).count() as f32;
    Sight {
        format: file.format,
        bytes: encoded.len(),
        width: picture.width,
        height: picture.height,
        frames: file.frames,
        orientation: container::orientation(encoded),
        colours: palette::shares(&seen, weights(visible)),
        mean: mean.map(|v| (v * 255.0).round() as u8),
        brightness,
        contrast: (deviation * 2.0).min(1.0),
        saturation,
        warmth: red - blue,
        sharpness: edges::sharpness(&picture.viewed),
        transparency: 1.0 - visible / count,
        lighting: light::lighting(&lumas, grid.width),
        detail: edges::detail(&lumas, grid.width),
        symmetry: edges::symmetry(&lumas, grid.width),
        flat: is_flat(&grid.pixels),
        grayscale: coloured < count * 0.005,
        night_like: saturation < 0.4
            && dark > count * 0.55
            && bright > count * 0.004
            && bright < count * 0.3,
    }
}

fn chroma([r, g, b]: [f32; 3]) -> f32 {
    r.max(g).max(b) - r.min(g).min(b)
}

fn is_flat(pixels: &[[f32; 4]]) -> bool {
    let mut low = [f32::MAX; 4];
    let mut high = [f32::MIN; 4];
    for pixel in pixels {
        for ((low, high), value) in low.iter_mut().zip(high.iter_mut()).zip(pixel) {
            *low = low.min(*value);
            *high = high.max(*value);
        }
    }
    low.iter().zip(high).all(|(low, high)| high - low < 0.02)
}
