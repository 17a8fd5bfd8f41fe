//! The colours that a prompt can name.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::many_single_char_names,
    reason = "a mix of two bytes, rounded and clamped, is a byte; channels are r, g and b"
)]

/// An opaque colour: red, green and blue, gamma-coded as in sRGB.
pub(super) type Rgb = [u8; 3];

/// The names, with their CSS values, save brown: the CSS one is a red.
const NAMES: &[(&str, Rgb)] = &[
    ("red", [255, 0, 0]),
    ("green", [0, 128, 0]),
    ("blue", [0, 0, 255]),
    ("yellow", [255, 255, 0]),
    ("orange", [255, 165, 0]),
    ("purple", [128, 0, 128]),
    ("violet", [238, 130, 238]),
    ("pink", [255, 192, 203]),
    ("brown", [139, 69, 19]),
    ("black", [0, 0, 0]),
    ("white", [255, 255, 255]),
    ("gray", [128, 128, 128]),
    ("grey", [128, 128, 128]),
    ("cyan", [0, 255, 255]),
    ("aqua", [0, 255, 255]),
    ("teal", [0, 128, 128]),
    ("turquoise", [64, 224, 208]),
    ("magenta", [255, 0, 255]),
    ("fuchsia", [255, 0, 255]),
    ("gold", [255, 215, 0]),
    ("golden", [255, 215, 0]),
    ("silver", [192, 192, 192]),
    ("silvery", [192, 192, 192]),
    ("beige", [245, 245, 220]),
    ("navy", [0, 0, 128]),
    ("navyblue", [0, 0, 128]),
    ("maroon", [128, 0, 0]),
    ("burgundy", [128, 0, 32]),
    ("lime", [0, 255, 0]),
    ("limegreen", [50, 205, 50]),
    ("olive", [128, 128, 0]),
    ("olivegreen", [128, 128, 0]),
    ("coral", [255, 127, 80]),
    ("crimson", [220, 20, 60]),
    ("scarlet", [255, 36, 0]),
    ("salmon", [250, 128, 114]),
    ("peach", [255, 218, 185]),
    ("tan", [210, 180, 140]),
    ("khaki", [240, 230, 140]),
    ("indigo", [75, 0, 130]),
    ("lavender", [230, 230, 250]),
    ("lilac", [200, 162, 200]),
    ("plum", [221, 160, 221]),
    ("mint", [152, 255, 152]),
    ("mintgreen", [152, 255, 152]),
    ("cream", [255, 253, 208]),
    ("ivory", [255, 255, 240]),
    ("amber", [255, 191, 0]),
    ("rust", [183, 65, 14]),
    ("ochre", [204, 119, 34]),
    ("azure", [0, 127, 255]),
    ("emerald", [80, 200, 120]),
    ("ruby", [224, 17, 95]),
    ("sapphire", [15, 82, 186]),
    ("charcoal", [54, 69, 79]),
    ("chocolate", [123, 63, 0]),
    ("skyblue", [135, 206, 235]),
    ("royalblue", [65, 105, 225]),
    ("seagreen", [46, 139, 87]),
    ("forestgreen", [34, 139, 34]),
    ("hotpink", [255, 105, 180]),
    ("lightblue", [173, 216, 230]),
    ("lightgreen", [144, 238, 144]),
    ("lightgray", [211, 211, 211]),
    ("lightgrey", [211, 211, 211]),
    ("lightyellow", [255, 255, 224]),
    ("darkblue", [0, 0, 139]),
    ("darkgreen", [0, 100, 0]),
    ("darkred", [139, 0, 0]),
    ("darkgray", [90, 90, 90]),
    ("darkgrey", [90, 90, 90]),
    ("darkorange", [255, 140, 0]),
];

/// The colour that a word names: a name from the table, or `#rgb` or `#rrggbb`.
pub(super) fn named(word: &str) -> Option<Rgb> {
    if let Some(digits) = word.strip_prefix('#') {
        return hex(digits);
    }
    NAMES
        .iter()
        .find_map(|(name, colour)| (*name == word).then_some(*colour))
}

fn hex(digits: &str) -> Option<Rgb> {
    let values: Vec<u8> = digits
        .chars()
        .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
        .collect::<Option<_>>()?;
    match values.as_slice() {
        [r, g, b] => Some([r * 17, g * 17, b * 17]),
        [r, s, g, h, b, c] => Some([r * 16 + s, g * 16 + h, b * 16 + c]),
        _ => None,
    }
}

/// The mix of two colours: 0 is the first, 1 the second.
pub(super) fn mix(one: Rgb, other: Rgb, share: f32) -> Rgb {
    let share = share.clamp(0.0, 1.0);
    let [r, g, b] = one;
    let [s, h, c] = other;
    let blend = |from: u8, to: u8| {
        let from = f32::from(from);
        (from + (f32::from(to) - from) * share).round() as u8
    };
    [blend(r, s), blend(g, h), blend(b, c)]
}

/// The colour in shade: 0 leaves it, 1 is black.
pub(super) fn darker(colour: Rgb, share: f32) -> Rgb {
    mix(colour, [0, 0, 0], share)
}

/// The colour in light: 0 leaves it, 1 is white.
pub(super) fn lighter(colour: Rgb, share: f32) -> Rgb {
    mix(colour, [255, 255, 255], share)
}

/// How light a colour looks, 0 to 1.
pub(super) fn lightness(colour: Rgb) -> f32 {
    let [r, g, b] = colour.map(f32::from);
    (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255.0
}

/// The distance of two colours in RGB, 0 to 442.
pub(super) fn distance(one: Rgb, other: Rgb) -> f32 {
    one.iter()
        .zip(other)
        .map(|(a, b)| {
            let d = f32::from(*a) - f32::from(b);
            d * d
        })
        .sum::<f32>()
        .sqrt()
}

/// The colour of a hue (in turns), at a saturation and lightness of 0 to 1.
pub(super) fn of_hue(turns: f32, saturation: f32, light: f32) -> Rgb {
    let chroma = (1.0 - (2.0 * light - 1.0).abs()) * saturation;
    let channel = |offset: f32| {
        let place = (turns + offset).rem_euclid(1.0) * 6.0;
        let wave = ((place - 3.0).abs() - 1.0).clamp(0.0, 1.0);
        ((light + chroma * (wave - 0.5)) * 255.0)
            .round()
            .clamp(0.0, 255.0) as u8
    };
    [channel(0.0), channel(2.0 / 3.0), channel(1.0 / 3.0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_digits_are_colours() {
        assert_eq!(named("crimson"), Some([220, 20, 60]));
        assert_eq!(named("#ff8800"), Some([255, 136, 0]));
        assert_eq!(named("#f80"), Some([255, 136, 0]));
        assert_eq!(named("#ff88"), None);
        assert_eq!(named("#"), None);
        assert_eq!(named("fox"), None);
    }

    #[test]
    fn hues_run_round_the_wheel() {
        assert_eq!(of_hue(0.0, 1.0, 0.5), [255, 0, 0]);
        assert_eq!(of_hue(1.0 / 3.0, 1.0, 0.5), [0, 255, 0]);
        assert_eq!(of_hue(2.0 / 3.0, 1.0, 0.5), [0, 0, 255]);
    }
}
