//! Where a picture is edited.

#![allow(clippy::cast_possible_truncation, reason = "means of bytes are bytes")]

use image::imageops::{self, FilterType};
use image::{GrayImage, Luma, Rgba, RgbaImage};

/// How much of each pixel is edited: 0 leaves it as it is to the last bit, 255 replaces it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask(GrayImage);

/// Below and above these a mask is taken for black and white, for JPEG leaves noise in both.
const NOISE: u8 = 16;

impl Mask {
    /// A mask in which white is edited, scaled to a size where it has another one. What is
    /// see-through counts as black.
    pub fn of_white(mask: &RgbaImage, width: u32, height: u32) -> Self {
        Self::of(mask, width, height, |[r, g, b, alpha]| {
            let luma = (u32::from(r) * 299 + u32::from(g) * 587 + u32::from(b) * 114 + 500) / 1000;
            (luma * u32::from(alpha) / 255) as u8
        })
    }

    /// A mask in which what is see-through is edited, which is `OpenAI`'s rule, scaled to a size
    /// where it has another one.
    pub fn of_transparent(mask: &RgbaImage, width: u32, height: u32) -> Self {
        Self::of(mask, width, height, |[.., alpha]| 255 - alpha)
    }

    /// A mask that edits everything.
    pub fn everywhere(width: u32, height: u32) -> Self {
        Self(GrayImage::from_pixel(width, height, Luma([255])))
    }

    /// A mask that edits everything but a rectangle.
    pub fn around(width: u32, height: u32, kept: (u32, u32, u32, u32)) -> Self {
        let (left, top, across, down) = kept;
        Self(GrayImage::from_fn(width, height, |x, y| {
            let is_kept = x.checked_sub(left).is_some_and(|x| x < across)
                && y.checked_sub(top).is_some_and(|y| y < down);
            Luma([if is_kept { 0 } else { 255 }])
        }))
    }

    fn of(mask: &RgbaImage, width: u32, height: u32, weight: impl Fn([u8; 4]) -> u8) -> Self {
        let (across, down) = mask.dimensions();
        let weights = GrayImage::from_fn(across, down, |x, y| {
            let Rgba(pixel) = mask
                .get_pixel_checked(x, y)
                .copied()
                .unwrap_or(Rgba([0; 4]));
            Luma([match weight(pixel) {
                low if low < NOISE => 0,
                high if high > 255 - NOISE => 255,
                between => between,
            }])
        });
        if (across, down) == (width, height) {
            return Self(weights);
        }
        Self(imageops::resize(
            &weights,
            width,
            height,
            FilterType::Nearest,
        ))
    }

    /// Width and height in pixels.
    pub fn dimensions(&self) -> (u32, u32) {
        self.0.dimensions()
    }

    /// The same mask in a larger sheet, where it stands so far from the left and the top; the rest
    /// is edited where `around` says.
    pub fn within(&self, around: &Self, left: u32, top: u32) -> Self {
        let mut larger = around.0.clone();
        imageops::replace(&mut larger, &self.0, i64::from(left), i64::from(top));
        Self(larger)
    }

    /// A mask that edits where either of two of the same size does.
    pub fn or(&self, other: &Self) -> Self {
        let mut either = self.0.clone();
        for (x, y, Luma([weight])) in either.enumerate_pixels_mut() {
            *weight = (*weight).max(other.weight(x, y));
        }
        Self(either)
    }

    /// How much of a pixel is edited.
    pub fn weight(&self, x: u32, y: u32) -> u8 {
        self.0.get_pixel_checked(x, y).map_or(0, |pixel| pixel.0[0])
    }

    /// The rectangle (left, top, width, height) that holds all that is edited, if anything is.
    pub fn bounds(&self) -> Option<(u32, u32, u32, u32)> {
        self.bounds_where(|weight| weight > 0)
    }

    /// The rectangle that holds all that is left as it is, if anything is.
    pub fn kept_bounds(&self) -> Option<(u32, u32, u32, u32)> {
        self.bounds_where(|weight| weight == 0)
    }

    fn bounds_where(&self, counts: impl Fn(u8) -> bool) -> Option<(u32, u32, u32, u32)> {
        let mut found: Option<(u32, u32, u32, u32)> = None;
        for (x, y, Luma([weight])) in self.0.enumerate_pixels() {
            if counts(*weight) {
                found = Some(match found {
                    None => (x, y, x, y),
                    Some((left, top, right, bottom)) => {
                        (left.min(x), top.min(y), right.max(x), bottom.max(y))
                    }
                });
            }
        }
        let (left, top, right, bottom) = found?;
        Some((left, top, right - left + 1, bottom - top + 1))
    }

    /// The mask with an edge that fades over so many pixels, inwards: what it leaves alone, it
    /// still leaves alone.
    pub fn feathered(&self, pixels: u32) -> Self {
        let (width, height) = self.0.dimensions();
        let radius = pixels.min(width.max(height));
        if radius == 0 {
            return self.clone();
        }
        let rows = blurred(&self.0, radius);
        let turned = imageops::rotate90(&rows);
        let blurred = imageops::rotate270(&blurred(&turned, radius));
        Self(GrayImage::from_fn(width, height, |x, y| {
            let blurred = blurred
                .get_pixel_checked(x, y)
                .map_or(0, |pixel| pixel.0[0]);
            // At the edge of a straight line half of the neighbourhood is edited.
            let inwards = blurred.saturating_sub(128).saturating_mul(2);
            let inwards = if blurred == 255 { 255 } else { inwards };
            Luma([inwards.min(self.weight(x, y))])
        }))
    }

    /// The second picture over the first, where and as far as the mask says. Where a picture has no
    /// pixel, the first one's stays.
    pub fn blend(&self, below: &RgbaImage, above: &RgbaImage) -> RgbaImage {
        let mut blended = below.clone();
        for (x, y, pixel) in blended.enumerate_pixels_mut() {
            if let Some(other) = above.get_pixel_checked(x, y) {
                *pixel = mixed(*pixel, *other, self.weight(x, y));
            }
        }
        blended
    }
}

/// Each row as means over so many pixels to both sides; beyond its ends a row goes on as it ends.
fn blurred(weights: &GrayImage, radius: u32) -> GrayImage {
    let (width, height) = weights.dimensions();
    let mut blurred = weights.clone();
    let window = u64::from(radius) * 2 + 1;
    for y in 0..height {
        let at = |x: i64| {
            let x = u32::try_from(x.max(0))
                .unwrap_or(0)
                .min(width.saturating_sub(1));
            weights
                .get_pixel_checked(x, y)
                .map_or(0, |pixel| u64::from(pixel.0[0]))
        };
        let reach = i64::from(radius);
        let mut sum: u64 = (-reach..=reach).map(at).sum();
        for x in 0..width {
            if let Some(pixel) = blurred.get_pixel_mut_checked(x, y) {
                *pixel = Luma([(sum / window) as u8]);
            }
            let x = i64::from(x);
            sum = sum + at(x + reach + 1) - at(x - reach);
        }
    }
    blurred
}

/// A mix of two pixels, the second one's share from 0 to 255. At 0 and 255 they are exact.
pub(super) fn mixed(one: Rgba<u8>, other: Rgba<u8>, share: u8) -> Rgba<u8> {
    match share {
        0 => return one,
        255 => return other,
        _ => {}
    }
    let one_share = (255 - u32::from(share)) * u32::from(one.0[3]);
    let other_share = u32::from(share) * u32::from(other.0[3]);
    weighted(one, one_share, other, other_share)
}

/// A pixel over another one, as it looks through what is see-through.
pub(super) fn over(below: Rgba<u8>, above: Rgba<u8>) -> Rgba<u8> {
    let opacity = u32::from(above.0[3]);
    if opacity == 0 {
        return below;
    }
    let seen_through = u32::from(below.0[3]) * (255 - opacity);
    weighted(above, opacity * 255, below, seen_through)
}

/// The mean colour of two pixels by their shares, which are in 1/65025 and add up to its opacity.
fn weighted(one: Rgba<u8>, one_share: u32, other: Rgba<u8>, other_share: u32) -> Rgba<u8> {
    let both = (one_share + other_share).max(1);
    let mut mean = one;
    for (value, other) in mean.0.iter_mut().zip(other.0) {
        let sum = u32::from(*value) * one_share + u32::from(other) * other_share;
        *value = ((sum + both / 2) / both) as u8;
    }
    mean.0[3] = ((one_share + other_share + 127) / 255) as u8;
    mean
}
