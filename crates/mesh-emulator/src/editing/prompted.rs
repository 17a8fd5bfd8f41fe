//! Edits that a prompt describes, as far as it can be read.

use image::{Rgba, RgbaImage, imageops};

use super::background::{background_percent, remove_background};
use super::fill::fill_from_around;
use super::mask::{Mask, over};
use super::scale::resample;
use super::tone::{self, Change};
use crate::drawing::{self, Background};

/// The picture as a prompt asks, within the mask where there is one.
///
/// What is understood: changes of tone and place (`darker`, `black and white`, `blur`, `mirror`,
/// `rotate left`), another background (`on a white background`), another colour (`make it red`),
/// and things to add (`a red balloon`). A prompt that says none of these is drawn over the picture,
/// half of it to be seen through. `number` makes another drawing of the same prompt.
pub fn edit(picture: &RgbaImage, mask: Option<&Mask>, prompt: &str, number: u32) -> RgbaImage {
    let changes = Change::named(prompt);
    match mask {
        Some(mask) if changes.is_empty() => inpaint(picture, mask, prompt, number),
        Some(mask) => {
            // A turned picture has other sides than the mask.
            let turned = changed(picture, &changes);
            let (width, height) = picture.dimensions();
            mask.blend(picture, &resample(&turned, width, height))
        }
        None if !changes.is_empty() => changed(picture, &changes),
        None => unmasked(picture, prompt, number),
    }
}

fn changed(picture: &RgbaImage, changes: &[Change]) -> RgbaImage {
    changes
        .iter()
        .fold(picture.clone(), |picture, change| change.apply(&picture))
}

fn unmasked(picture: &RgbaImage, prompt: &str, number: u32) -> RgbaImage {
    let size = picture.dimensions();
    let colour = drawing::first_colour(prompt);
    let background = drawing::background(prompt);
    if background != Background::Unsaid && (1..95).contains(&background_percent(picture)) {
        let cut = remove_background(picture);
        let behind = match background {
            Background::Transparent => return cut,
            Background::Plain(colour) => flat(size, colour),
            Background::Scene | Background::Unsaid => drawn_for(prompt, number, size),
        };
        return on_top(&behind, &cut, u8::MAX);
    }
    match colour {
        Some(colour) if recolours(prompt) || !drawing::names_things(prompt) => {
            tone::tinted(picture, colour)
        }
        _ if drawing::names_things(prompt) => {
            on_top(picture, &drawn_for(&clear(prompt), number, size), u8::MAX)
        }
        _ => on_top(picture, &drawn_for(prompt, number, size), 128),
    }
}

/// What is masked, drawn anew from a prompt, or in another colour where that is what it asks for.
/// A prompt without words fills it from around, as if what was there had never been. What the mask
/// leaves alone stays as it is to the last bit.
pub fn inpaint(picture: &RgbaImage, mask: &Mask, prompt: &str, number: u32) -> RgbaImage {
    let Some((left, top, width, height)) = mask.bounds() else {
        return picture.clone();
    };
    if prompt.trim().is_empty() || removes(prompt) {
        return fill_from_around(picture, mask);
    }
    if let Some(colour) = drawing::first_colour(prompt).filter(|_| recolours(prompt)) {
        return mask.blend(picture, &tone::tinted(picture, colour));
    }
    let mut scene = picture.clone();
    let drawn = drawn_for(prompt, number, (width, height));
    imageops::replace(&mut scene, &drawn, i64::from(left), i64::from(top));
    mask.blend(picture, &scene)
}

/// A drawing of a prompt, another one for each number where the prompt leaves a choice.
pub(super) fn drawn_for(prompt: &str, number: u32, (width, height): (u32, u32)) -> RgbaImage {
    let spaces = " ".repeat(usize::try_from(number.min(16)).unwrap_or_default());
    let drawn = drawing::draw(&format!("{prompt}{spaces}"), width, height);
    // Drawings end at a longest side; sheets do not.
    resample(&drawn, width, height)
}

fn clear(prompt: &str) -> String {
    format!("{prompt}, transparent background")
}

fn flat((width, height): (u32, u32), [r, g, b]: [u8; 3]) -> RgbaImage {
    RgbaImage::from_pixel(width, height, Rgba([r, g, b, 255]))
}

/// A picture on another one, as far as `opacity` says.
fn on_top(below: &RgbaImage, above: &RgbaImage, opacity: u8) -> RgbaImage {
    let mut both = below.clone();
    for (x, y, pixel) in both.enumerate_pixels_mut() {
        if let Some(Rgba([r, g, b, alpha])) = above.get_pixel_checked(x, y).copied() {
            let alpha = u32::from(alpha) * u32::from(opacity) / 255;
            let alpha = u8::try_from(alpha).unwrap_or(u8::MAX);
            *pixel = over(*pixel, Rgba([r, g, b, alpha]));
        }
    }
    both
}

fn recolours(prompt: &str) -> bool {
    const VERBS: [&str; 10] = [
        "make", "turn", "paint", "colour", "color", "recolour", "recolor", "tint", "dye", "change",
    ];
    says(prompt, &VERBS)
}

fn removes(prompt: &str) -> bool {
    says(prompt, &["remove", "erase", "delete"])
}

fn says(prompt: &str, words: &[&str]) -> bool {
    let lower = prompt.to_lowercase();
    lower
        .split(|c: char| !c.is_alphanumeric())
        .any(|word| words.contains(&word))
}
