//! Changes of tone and place that a prompt can name.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "rounded and clamped values of bytes"
)]

use image::{Rgba, RgbaImage, imageops};

/// A change that needs nothing but the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Grayscale,
    Sepia,
    Invert,
    Blur,
    Sharpen,
    Brighter,
    Darker,
    Contrast,
    Vivid,
    Warmer,
    Cooler,
    MirrorAcross,
    MirrorDown,
    QuarterTurn,
    HalfTurn,
    BackTurn,
}

impl Change {
    /// What a prompt names, once each, in its order.
    pub(super) fn named(prompt: &str) -> Vec<Self> {
        let lower = prompt.to_lowercase();
        let words: Vec<&str> = lower
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .collect();
        let has = |word: &str| words.contains(&word);
        let mut changes = Vec::new();
        if lower.contains("black and white") || lower.contains("black-and-white") {
            changes.push(Self::Grayscale);
        }
        for word in &words {
            let change = match *word {
                "grayscale" | "greyscale" | "monochrome" | "desaturate" | "desaturated" => {
                    Self::Grayscale
                }
                "sepia" => Self::Sepia,
                "invert" | "inverted" | "negative" => Self::Invert,
                "blur" | "blurred" | "blurry" => Self::Blur,
                "sharpen" | "sharper" | "crisper" => Self::Sharpen,
                "brighter" | "brighten" | "lighten" | "lighter" => Self::Brighter,
                "darker" | "darken" => Self::Darker,
                "contrast" => Self::Contrast,
                "vivid" | "vibrant" | "saturate" | "saturated" => Self::Vivid,
                "warmer" => Self::Warmer,
                "cooler" | "colder" => Self::Cooler,
                "mirror" | "mirrored" | "flip" | "flipped"
                    if has("vertically") || has("vertical") =>
                {
                    Self::MirrorDown
                }
                "mirror" | "mirrored" | "flip" | "flipped" => Self::MirrorAcross,
                "rotate" | "rotated" if has("180") || has("upside") => Self::HalfTurn,
                "rotate" | "rotated"
                    if ["270", "left", "counterclockwise", "anticlockwise"]
                        .iter()
                        .any(|it| has(it)) =>
                {
                    Self::BackTurn
                }
                "rotate" | "rotated" => Self::QuarterTurn,
                _ => continue,
            };
            if !changes.contains(&change) {
                changes.push(change);
            }
        }
        changes
    }

    /// The picture so changed. Quarter turns swap its sides.
    pub(super) fn apply(self, picture: &RgbaImage) -> RgbaImage {
        match self {
            Self::MirrorAcross => imageops::flip_horizontal(picture),
            Self::MirrorDown => imageops::flip_vertical(picture),
            Self::QuarterTurn => imageops::rotate90(picture),
            Self::HalfTurn => imageops::rotate180(picture),
            Self::BackTurn => imageops::rotate270(picture),
            Self::Blur => imageops::fast_blur(picture, spread(picture)),
            Self::Sharpen => sharpened(picture),
            _ => {
                let mut changed = picture.clone();
                for Rgba([r, g, b, _]) in changed.pixels_mut() {
                    [*r, *g, *b] = self.colour([*r, *g, *b]);
                }
                changed
            }
        }
    }

    fn colour(self, colour: [u8; 3]) -> [u8; 3] {
        let values = colour.map(f32::from);
        let [r, g, b] = values;
        let luma = luma(colour);
        let scaled = |middle: f32, by: f32| values.map(|value| middle + (value - middle) * by);
        let changed = match self {
            Self::Grayscale => [luma; 3],
            Self::Sepia => [luma * 1.07 + 12.0, luma * 0.87 + 8.0, luma * 0.62],
            Self::Invert => values.map(|value| 255.0 - value),
            Self::Brighter => values.map(|value| value + (255.0 - value) * 0.3),
            Self::Darker => values.map(|value| value * 0.65),
            Self::Contrast => scaled(128.0, 1.4),
            Self::Vivid => scaled(luma, 1.5),
            Self::Warmer => [r * 1.08 + 8.0, g, b * 0.85],
            Self::Cooler => [r * 0.85, g, b * 1.08 + 8.0],
            _ => values,
        };
        changed.map(byte)
    }
}

/// The picture in the hue of a colour: lights and shades stay.
pub(super) fn tinted(picture: &RgbaImage, colour: [u8; 3]) -> RgbaImage {
    let mut tinted = picture.clone();
    let own = luma(colour);
    for Rgba([r, g, b, _]) in tinted.pixels_mut() {
        let light = luma([*r, *g, *b]);
        // The colour itself where it is as light, towards black and white elsewhere.
        let share = |value: f32| {
            if light <= own {
                value * light / own.max(1.0)
            } else {
                255.0 - (255.0 - value) * (255.0 - light) / (255.0 - own).max(1.0)
            }
        };
        // A flat picture takes the colour, and a white one does not stay white.
        let [x, y, z] = colour.map(|value| {
            let value = f32::from(value);
            byte(share(value) * 0.6 + value * 0.4)
        });
        [*r, *g, *b] = [x, y, z];
    }
    tinted
}

fn sharpened(picture: &RgbaImage) -> RgbaImage {
    let blurred = imageops::fast_blur(picture, 1.5);
    let mut sharp = picture.clone();
    for (pixel, soft) in sharp.pixels_mut().zip(blurred.pixels()) {
        for (value, soft) in pixel.0.iter_mut().zip(soft.0).take(3) {
            *value = byte(f32::from(*value) * 1.8 - f32::from(soft) * 0.8);
        }
    }
    sharp
}

fn spread(picture: &RgbaImage) -> f32 {
    let short = picture.width().min(picture.height()).min(4096);
    (f32::from(u16::try_from(short).unwrap_or(u16::MAX)) / 60.0).max(1.5)
}

fn luma([r, g, b]: [u8; 3]) -> f32 {
    0.299 * f32::from(r) + 0.587 * f32::from(g) + 0.114 * f32::from(b)
}

fn byte(value: f32) -> u8 {
    value.round().clamp(0.0, 255.0) as u8
}
