//! Pictures drawn as a request asks.

use bytes::Bytes;
use image::imageops::{self, FilterType};
use image::{Rgba, RgbaImage};
use mesh_proto::error::ErrorCode;

use super::drawing_options::{DrawingOptions, Effort};
use super::errors::Refused;
use super::sizes::Size;
use crate::drawing::{self, CannotEncode, Codec};
use crate::vision::Sight;

/// The prompts that the emulator's policy forbids hold these words, in any case.
const FORBIDDEN: &str = "refuse this";

/// What is said to a prompt that the policy forbids.
pub(super) const DECLINED: &str =
    "The emulator's policy forbids this prompt, which asks to be refused.";

/// Whether the policy forbids a prompt.
pub(super) fn is_forbidden(prompt: &str) -> bool {
    prompt.to_lowercase().contains(FORBIDDEN)
}

/// The prompt as far as it is read, and the colours of the pictures that came with it, so that they
/// count.
pub(super) fn prompt_with(question: &str, sights: &[Sight]) -> String {
    const MOST_SIGHTS: usize = 16;
    let mut prompt = drawing::beginning(question.trim()).to_owned();
    let sights = sights.iter().take(MOST_SIGHTS);
    for colour in sights.flat_map(|sight| sight.colours.iter().take(2)) {
        prompt.push_str(", ");
        prompt.push_str(&colour.colour);
    }
    prompt
}

/// As many pictures as asked, each another one where the prompt leaves any choice; other ones for
/// another seed. Each is finished before the next is drawn, so that only files pile up.
pub(super) fn paint<T>(
    prompt: &str,
    seed: Option<u32>,
    options: DrawingOptions,
    finish: &dyn Fn(&RgbaImage) -> Result<T, Refused>,
) -> Result<Vec<T>, Refused> {
    let seeded = seed.map(|seed| format!("{prompt}{}", seed_mark(seed)));
    let drawn = seeded.as_deref().unwrap_or(prompt);
    let fixed = seed.filter(|_| is_alike(prompt, drawn));
    match fixed {
        Some(seed) => (0..options.count)
            .map(|number| finish(&framed_by_seed(drawn, options, seed, number)))
            .collect(),
        None => {
            let first = render(drawn, options.size, options.effort);
            let others = (1..options.count).map(|number| another(drawn, options, number, &first));
            std::iter::once(finish(&first))
                .chain(others.map(|picture| finish(&picture)))
                .collect()
        }
    }
}

impl From<CannotEncode> for Refused {
    fn from(error: CannotEncode) -> Self {
        Self::because(ErrorCode::InternalError, error.to_string())
    }
}

/// A picture as a PNG file.
pub(super) fn png(picture: &RgbaImage) -> Result<Bytes, Refused> {
    Ok(drawing::encode(picture, Codec::Png, 100)?.into())
}

/// A seed in white space, which changes nothing in what a prompt says, and makes it another prompt.
fn seed_mark(seed: u32) -> String {
    let bits = (0..u32::BITS).map(|bit| if seed >> bit & 1 == 0 { ' ' } else { '\t' });
    std::iter::once('\t').chain(bits).collect()
}

/// Whether two prompts give the same small picture, for the one fixes everything.
fn is_alike(prompt: &str, other: &str) -> bool {
    const SIDE: u32 = 64;
    drawing::draw(prompt, SIDE, SIDE) == drawing::draw(other, SIDE, SIDE)
}

fn another(prompt: &str, options: DrawingOptions, number: u32, first: &RgbaImage) -> RgbaImage {
    // As with seeds; a number of spaces is no seed's mark.
    let spaces = " ".repeat(usize::try_from(number).unwrap_or_default());
    let picture = render(&format!("{prompt}{spaces}"), options.size, options.effort);
    if picture != *first {
        return picture;
    }
    // A prompt that fixes everything is framed in another way at least.
    framed(prompt, options, |margin_x, margin_y| {
        (margin_x * (number % 3) / 2, margin_y * (number / 3 % 3) / 2)
    })
}

fn framed_by_seed(prompt: &str, options: DrawingOptions, seed: u32, number: u32) -> RgbaImage {
    // The numbers of one seed are not those of the next.
    let place = u64::from(seed) * 10 + u64::from(number);
    framed(prompt, options, |margin_x, margin_y| {
        let (columns, rows) = (u64::from(margin_x) + 1, u64::from(margin_y) + 1);
        let within = |at: u64, margin: u32| u32::try_from(at).unwrap_or(margin);
        let left = within(place % columns, margin_x);
        (left, within(place / columns % rows, margin_y))
    })
}

/// A part of a larger sheet: `place` tells where it begins, from the margins that there are.
fn framed(
    prompt: &str,
    options: DrawingOptions,
    place: impl FnOnce(u32, u32) -> (u32, u32),
) -> RgbaImage {
    let Size { width, height } = options.size;
    let margin = |side: u32| (side / 8).max(2);
    let larger = Size {
        width: width + margin(width),
        height: height + margin(height),
    };
    let sheet = render(prompt, larger, options.effort);
    let (left, top) = place(margin(width), margin(height));
    imageops::crop_imm(&sheet, left, top, width, height).to_image()
}

fn render(prompt: &str, size: Size, effort: Effort) -> RgbaImage {
    match effort {
        Effort::Full => drawing::draw(prompt, size.width, size.height),
        Effort::Draft => {
            let draft = drawing::draw(prompt, size.width.div_ceil(2), size.height.div_ceil(2));
            imageops::resize(&draft, size.width, size.height, FilterType::Nearest)
        }
    }
}

/// The picture as it looks so many steps before it is done: in blocks, twice as large for each
/// step, and paler, so that even a picture of one colour is not yet what it will be.
pub(super) fn unfinished(picture: &RgbaImage, steps: u32) -> RgbaImage {
    const SHADES: u32 = 16;
    let steps = steps.min(8);
    let (width, height) = picture.dimensions();
    let block = (width.min(height) / 64).max(1) << steps;
    let middle = |at: u32, side: u32| (at / block * block + block / 2).min(side.saturating_sub(1));
    let pale = |value: u8| {
        let mixed = (u32::from(value) * (SHADES - steps) + 128 * steps) / SHADES;
        u8::try_from(mixed).unwrap_or(u8::MAX)
    };
    RgbaImage::from_fn(width, height, |x, y| {
        let sampled = picture.get_pixel_checked(middle(x, width), middle(y, height));
        let Rgba([r, g, b, alpha]) = sampled.copied().unwrap_or(Rgba([128; 4]));
        Rgba([pale(r), pale(g), pale(b), alpha])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: DrawingOptions = DrawingOptions {
        count: 3,
        size: Size {
            width: 48,
            height: 32,
        },
        effort: Effort::Full,
        format: None,
    };

    fn painted(prompt: &str, seed: Option<u32>) -> Vec<RgbaImage> {
        paint(prompt, seed, OPTIONS, &|picture| Ok(picture.clone())).unwrap()
    }

    #[test]
    fn seeds_and_numbers_make_other_pictures() {
        for prompt in [
            "a red circle on white",
            "a forest at night",
            "plain grey",
            "gizmo",
        ] {
            let mut seen: Vec<RgbaImage> = Vec::new();
            for seed in [None, Some(0), Some(1), Some(2)] {
                let pictures = painted(prompt, seed);
                assert_eq!(pictures, painted(prompt, seed), "{prompt} {seed:?}");
                for picture in pictures {
                    assert_eq!(picture.dimensions(), (48, 32));
                    assert!(!seen.contains(&picture), "{prompt} {seed:?}");
                    seen.push(picture);
                }
            }
        }
    }

    #[test]
    fn unfinished_pictures_are_coarser_step_by_step() {
        for (width, height) in [(16, 16), (256, 64), (16, 300)] {
            let last = drawing::draw("a forest at night", width, height);
            let colours = |picture: &RgbaImage| {
                let all: std::collections::BTreeSet<[u8; 4]> =
                    picture.pixels().map(|pixel| pixel.0).collect();
                all.len()
            };
            let mut before = colours(&last);
            for steps in 1..=3 {
                let earlier = unfinished(&last, steps);
                assert_eq!(earlier.dimensions(), last.dimensions());
                assert_ne!(earlier, last);
                assert!(colours(&earlier) <= before);
                before = colours(&earlier);
            }
        }
        let flat = RgbaImage::from_pixel(16, 16, Rgba([255; 4]));
        assert_ne!(unfinished(&flat, 1), flat);
    }
}
