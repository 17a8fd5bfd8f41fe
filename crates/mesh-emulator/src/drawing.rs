//! Pictures drawn from prompts: the same words and size give the same picture, always.
//!
//! A prompt is read for things, their colours and number, the surroundings and the style; what it
//! names is drawn with vectors. A prompt that names nothing known gets a composition of its own.

mod backdrop;
mod brush;
mod colour;
mod composition;
mod dice;
mod encoding;
mod finish;
mod prompt;
mod scene;
mod setting;
mod subjects;
mod vocabulary;

use image::RgbaImage;
use tiny_skia::Pixmap;

pub use encoding::{CannotEncode, Codec, encode, flatten};

/// The longest side that is drawn, in pixels; longer ones are cut to it.
pub const LONGEST_SIDE: u32 = 8192;

/// The most characters of a prompt that are read.
pub const MOST_READ: usize = 8192;

/// The beginning of a prompt, as far as it is read.
pub(crate) fn beginning(prompt: &str) -> &str {
    first(prompt, MOST_READ)
}

fn first(text: &str, characters: usize) -> &str {
    let end = text.char_indices().nth(characters);
    end.and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

/// Draws what a prompt asks for.
///
/// Of a prompt the first [`MOST_READ`] characters count, and what is behind them only makes another
/// choice. The size is in pixels, each side cut to 1..=[`LONGEST_SIDE`]. The picture depends on the three
/// arguments alone. Each of up to four colours that the prompt names (from about 70 names, and
/// `#rrggbb`) covers at least 3 % of the pixels exactly, or nearly where a style has texture, in
/// pictures that have at least some dozens of pixels. The background is opaque unless the prompt
/// says `transparent`.
pub fn draw(prompt: &str, width: u32, height: u32) -> RgbaImage {
    let width = width.clamp(1, LONGEST_SIDE);
    let height = height.clamp(1, LONGEST_SIDE);
    let dice = dice::Dice::seeded(prompt, width, height);
    let reading = prompt::read(prompt);
    let drawn = Pixmap::new(width, height).map(|mut sheet| {
        scene::fill(&mut sheet, &reading, &dice);
        sheet.take_demultiplied()
    });
    drawn
        .and_then(|pixels| RgbaImage::from_raw(width, height, pixels))
        .unwrap_or_else(|| RgbaImage::new(width, height))
}

/// The colour, red, green and blue, that a word of a prompt names: `crimson`, `#ff8800`.
///
/// Names are in lower case. `None` for words that are no colour.
pub fn named_colour(word: &str) -> Option<[u8; 3]> {
    colour::named(word)
}

/// What a prompt says of the background.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Background {
    /// Nothing.
    Unsaid,
    Transparent,
    Plain([u8; 3]),
    /// There is one, or surroundings that make one.
    Scene,
}

/// What a prompt says of the background.
pub(crate) fn background(prompt: &str) -> Background {
    let reading = prompt::read(prompt);
    if reading.transparent {
        return Background::Transparent;
    }
    let plain = prompt::Feature::Background;
    match (reading.colour_of(plain), reading.surroundings.is_empty()) {
        (Some(colour), _) => Background::Plain(colour),
        (None, true) => Background::Unsaid,
        (None, false) if reading.has(plain) && reading.surroundings.len() == 1 => {
            match reading.loose.first() {
                Some(colour) => Background::Plain(*colour),
                None => Background::Scene,
            }
        }
        (None, false) => Background::Scene,
    }
}

/// Whether a prompt names things that are drawn as such.
pub(crate) fn names_things(prompt: &str) -> bool {
    !prompt::read(prompt).subjects.is_empty()
}

/// The first colour that a prompt names.
pub(crate) fn first_colour(prompt: &str) -> Option<[u8; 3]> {
    prompt::read(prompt).named().first().copied()
}

#[cfg(test)]
mod tests;
