//! Pictures in other frames: extended, outpainted, mixed.

use image::{Rgba, RgbaImage, imageops};

use super::fill::fill_from_around;
use super::mask::{Mask, mixed, over};
use super::prompted::drawn_for;
use super::scale::{cover, largest_within};
use crate::drawing;

/// A picture in a larger sheet.
#[derive(Clone, Debug)]
pub struct Placed {
    /// The sheet. What is not the picture is see-through.
    pub sheet: RgbaImage,
    /// Everything but the picture.
    pub around: Mask,
    /// How far the picture is from the left.
    pub left: u32,
    /// How far the picture is from the top.
    pub top: u32,
}

/// A picture in a sheet of a size, no smaller than itself, so far from the left and the top; in the
/// middle where it would not fit there.
pub fn framed(picture: &RgbaImage, (width, height): (u32, u32), at: Option<(u32, u32)>) -> Placed {
    let (across, down) = picture.dimensions();
    let (width, height) = (width.max(across), height.max(down));
    let (left, top) = at
        .filter(|(left, top)| *left <= width - across && *top <= height - down)
        .unwrap_or(((width - across) / 2, (height - down) / 2));
    let mut sheet = RgbaImage::new(width, height);
    imageops::replace(&mut sheet, picture, i64::from(left), i64::from(top));
    Placed {
        sheet,
        around: Mask::around(width, height, (left, top, across, down)),
        left,
        top,
    }
}

/// What is masked, drawn from a prompt, and fading into what is around it. A prompt without words
/// only goes on with what is there. `number` makes another drawing of the same prompt.
pub fn outpaint(sheet: &RgbaImage, mask: &Mask, prompt: &str, number: u32) -> RgbaImage {
    let smooth = fill_from_around(sheet, mask);
    if prompt.trim().is_empty() {
        return smooth;
    }
    let (width, height) = sheet.dimensions();
    let drawn = drawn_for(prompt, number, (width, height));
    let fade = (width.min(height) / 24).max(1);
    let scene = mask.feathered(fade).blend(&smooth, &drawn);
    mask.blend(sheet, &scene)
}

/// The picture in a frame of a shape (width : height), whole, with mirrored and softened edges
/// beyond it. The smallest such frame, to the pixel.
pub fn extended(picture: &RgbaImage, shape: (u32, u32)) -> RgbaImage {
    let placed = framed(picture, extended_size(picture.dimensions(), shape), None);
    let (width, height) = placed.sheet.dimensions();
    let (across, down) = picture.dimensions();
    let mirrored = RgbaImage::from_fn(width, height, |x, y| {
        let x = mirror(x, placed.left, across);
        let y = mirror(y, placed.top, down);
        picture
            .get_pixel_checked(x, y)
            .copied()
            .unwrap_or(Rgba([0; 4]))
    });
    let smooth = fill_from_around(&placed.sheet, &placed.around);
    let mut scene = mirrored;
    for (x, y, pixel) in scene.enumerate_pixels_mut() {
        if let Some(other) = smooth.get_pixel_checked(x, y) {
            *pixel = mixed(*pixel, *other, 144);
        }
    }
    placed.around.blend(&placed.sheet, &scene)
}

/// The smallest size of a shape that holds a size.
pub(crate) fn extended_size((width, height): (u32, u32), (across, down): (u32, u32)) -> (u32, u32) {
    let (across, down) = (u64::from(across.max(1)), u64::from(down.max(1)));
    let rounded = |this: u32, by: u64, over: u64| {
        let side = (u64::from(this) * by + over / 2) / over;
        u32::try_from(side).unwrap_or(u32::MAX)
    };
    if u64::from(width) * down > u64::from(height) * across {
        (width, rounded(width, down, across).max(height))
    } else {
        (rounded(height, across, down).max(width), height)
    }
}

/// The place in a mirrored row of pictures.
fn mirror(at: u32, begin: u32, length: u32) -> u32 {
    let length = i64::from(length.max(1));
    let place = (i64::from(at) - i64::from(begin)).rem_euclid(2 * length);
    let place = if place < length {
        place
    } else {
        2 * length - 1 - place
    };
    u32::try_from(place).unwrap_or_default()
}

/// One picture of several, each with an equal share in every pixel, in the size of the first; the
/// others are cropped to its shape. What the prompt names as a thing is drawn on top.
pub fn mix(picture: &RgbaImage, others: &[RgbaImage], prompt: &str) -> RgbaImage {
    let (width, height) = picture.dimensions();
    let mut mix = picture.clone();
    for (count, other) in (2..).zip(others) {
        let other = cover(other, width, height);
        let share = u8::try_from(255 / count).unwrap_or(1);
        for (x, y, pixel) in mix.enumerate_pixels_mut() {
            if let Some(other) = other.get_pixel_checked(x, y) {
                *pixel = mixed(*pixel, *other, share);
            }
        }
    }
    if drawing::names_things(prompt) {
        let drawn = drawing::draw(&format!("{prompt}, transparent background"), width, height);
        for (x, y, pixel) in mix.enumerate_pixels_mut() {
            if let Some(above) = drawn.get_pixel_checked(x, y) {
                *pixel = over(*pixel, *above);
            }
        }
    }
    mix
}

/// The middle of a picture in a shape, which loses as little as can be.
pub(crate) fn cropped(picture: &RgbaImage, shape: (u32, u32)) -> RgbaImage {
    let (width, height) = largest_within(picture.dimensions(), shape);
    cover(picture, width, height)
}
