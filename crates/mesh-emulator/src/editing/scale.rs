//! Resampling.

use image::imageops::{self, FilterType};
use image::{Rgba, RgbaImage};

/// The picture with another number of pixels: a Catmull-Rom spline through those that there are.
/// Sides of 0 become 1.
pub fn resample(picture: &RgbaImage, width: u32, height: u32) -> RgbaImage {
    let (width, height) = (width.max(1), height.max(1));
    if picture.dimensions() == (width, height) {
        return picture.clone();
    }
    let filter = FilterType::CatmullRom;
    if picture.pixels().all(|pixel| pixel.0[3] == 255) {
        return imageops::resize(picture, width, height, filter);
    }
    // Colours of what cannot be seen must not show at its edges.
    let mut weighted = picture.clone();
    for Rgba([r, g, b, alpha]) in weighted.pixels_mut() {
        for value in [r, g, b] {
            *value = share(*value, *alpha);
        }
    }
    let mut scaled = imageops::resize(&weighted, width, height, filter);
    for Rgba([r, g, b, alpha]) in scaled.pixels_mut() {
        for value in [r, g, b] {
            *value = whole(*value, *alpha);
        }
    }
    scaled
}

/// The largest part of the middle that has the shape of a size, at that size.
pub fn cover(picture: &RgbaImage, width: u32, height: u32) -> RgbaImage {
    let (width, height) = (width.max(1), height.max(1));
    let (across, down) = picture.dimensions();
    let (kept_across, kept_down) = largest_within((across, down), (width, height));
    let left = (across - kept_across) / 2;
    let top = (down - kept_down) / 2;
    let part = imageops::crop_imm(picture, left, top, kept_across, kept_down).to_image();
    resample(&part, width, height)
}

/// The largest size of a shape within another size. Sides are at least 1 where they can be.
pub(super) fn largest_within((width, height): (u32, u32), shape: (u32, u32)) -> (u32, u32) {
    let (across, down) = (u64::from(shape.0.max(1)), u64::from(shape.1.max(1)));
    let rounded = |this: u32, by: u64, over: u64| {
        let side = (u64::from(this) * by + over / 2) / over;
        u32::try_from(side).unwrap_or(u32::MAX)
    };
    if u64::from(width) * down > u64::from(height) * across {
        let fitting = rounded(height, across, down);
        (fitting.clamp(1, width.max(1)).min(width), height)
    } else {
        let fitting = rounded(width, down, across);
        (width, fitting.clamp(1, height.max(1)).min(height))
    }
}

fn share(value: u8, alpha: u8) -> u8 {
    let product = (u32::from(value) * u32::from(alpha) + 127) / 255;
    u8::try_from(product).unwrap_or(u8::MAX)
}

fn whole(value: u8, alpha: u8) -> u8 {
    let alpha = u32::from(alpha).max(1);
    let quotient = (u32::from(value) * 255 + alpha / 2) / alpha;
    u8::try_from(quotient).unwrap_or(u8::MAX)
}
