//! Colours by name, told apart in Oklab.

#![allow(
    clippy::many_single_char_names,
    reason = "the axes of colour spaces have letters for names"
)]

/// A named colour and how much of the picture it covers.
#[derive(Debug, Clone, PartialEq)]
pub struct ColourShare {
    /// One of black, white, grey, red, orange, brown, beige, yellow, olive, green, teal, cyan,
    /// blue, purple, magenta and pink; `dark` or `light` may precede it.
    pub colour: String,
    /// Of the visible picture, 0 to 1.
    pub share: f32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) tone: &'static str,
    pub(super) hue: &'static str,
}

/// Shares of named colours, largest first; shares below 0.5 % are left out.
pub(super) fn shares(pixels: &[[f32; 3]], weights: impl Iterator<Item = f32>) -> Vec<ColourShare> {
    let mut sums: Vec<(Named, f32)> = Vec::new();
    let mut whole = 0.0;
    let mut last: Option<([f32; 3], Named)> = None;
    for (pixel, weight) in pixels.iter().zip(weights) {
        let named = match last {
            Some((same, named)) if same.map(f32::to_bits) == pixel.map(f32::to_bits) => named,
            _ => name(*pixel),
        };
        last = Some((*pixel, named));
        whole += weight;
        match sums.iter_mut().find(|(known, _)| *known == named) {
            Some((_, sum)) => *sum += weight,
            None => sums.push((named, weight)),
        }
    }
    let whole = whole.max(f32::MIN_POSITIVE);
    let mut shares: Vec<ColourShare> = sums
        .into_iter()
        .map(|(named, sum)| ColourShare {
            colour: [named.tone, named.hue].concat(),
            share: sum / whole,
        })
        .filter(|s| s.share >= 0.005)
        .collect();
    shares.sort_by(|a, b| {
        b.share
            .total_cmp(&a.share)
            .then_with(|| a.colour.cmp(&b.colour))
    });
    shares
}

/// The name of a colour whose channels are 0 to 1.
pub(super) fn name(pixel: [f32; 3]) -> Named {
    let (light, a, b) = oklab(pixel);
    let chroma = a.hypot(b);
    let hue = b.atan2(a).to_degrees().rem_euclid(360.0);
    let named = |tone, hue| Named { tone, hue };
    if light < 0.18 || (light < 0.27 && chroma < 0.045) {
        return named("", "black");
    }
    if chroma < 0.028 || (light > 0.96 && chroma < 0.045) {
        return match light {
            l if l > 0.93 => named("", "white"),
            l if l > 0.77 => named("light ", "grey"),
            l if l > 0.46 => named("", "grey"),
            _ => named("dark ", "grey"),
        };
    }
    let toned = |dark: f32, pale: f32, hue| match light {
        l if l < dark => named("dark ", hue),
        l if l > pale => named("light ", hue),
        _ => named("", hue),
    };
    let pale = light > 0.78 && chroma < 0.1;
    match hue {
        h if !(14.0..345.0).contains(&h) && light > 0.6 => named("", "pink"),
        h if !(14.0..345.0).contains(&h) => toned(0.42, 2.0, "red"),
        h if h < 46.0 && light > 0.7 => named("", "pink"),
        h if h < 46.0 && (chroma < 0.13 || (h > 38.0 && light < 0.5)) => toned(0.38, 0.62, "brown"),
        h if h < 42.0 => toned(0.45, 2.0, "red"),
        h if h < 86.0 && pale => named("", "beige"),
        h if h < 86.0 && light > 0.62 && chroma > 0.105 => named("", "orange"),
        h if h < 98.0 && (light < 0.62 || chroma < 0.1) && !pale => toned(0.38, 0.64, "brown"),
        h if h < 115.0 && pale => named("", "beige"),
        h if h < 120.0 && light > 0.7 => toned(0.0, 2.0, "yellow"),
        h if h < 120.0 => toned(0.36, 2.0, "olive"),
        h if h < 166.0 => toned(0.42, 0.87, "green"),
        h if h < 215.0 && light < 0.7 => toned(0.4, 2.0, "teal"),
        h if h < 215.0 => named("", "cyan"),
        h if h < 286.0 => toned(0.36, 0.7, "blue"),
        h if h < 320.0 || light < 0.52 => toned(0.33, 0.7, "purple"),
        _ if chroma > 0.2 => named("", "magenta"),
        _ => named("", "pink"),
    }
}

/// Lightness 0 to 1, and the green-red and blue-yellow axes.
pub(super) fn oklab(pixel: [f32; 3]) -> (f32, f32, f32) {
    let [r, g, b] = pixel.map(linear);
    let l = (0.412_221_5 * r + 0.536_332_5 * g + 0.051_446 * b).cbrt();
    let m = (0.211_903_5 * r + 0.680_699_5 * g + 0.107_397 * b).cbrt();
    let s = (0.088_302_5 * r + 0.281_718_8 * g + 0.629_978_7 * b).cbrt();
    (
        0.210_454_3 * l + 0.793_617_8 * m - 0.004_072 * s,
        1.977_998_5 * l - 2.428_592_2 * m + 0.450_593_7 * s,
        0.025_904 * l + 0.782_771_8 * m - 0.808_675_8 * s,
    )
}

fn linear(value: f32) -> f32 {
    if value <= 0.040_45 {
        value / 12.92
    } else {
        ((value + 0.055) / 1.055).powf(2.4)
    }
}

/// The mean colour, weighted.
pub(super) fn mean(pixels: &[[f32; 3]], weights: impl Iterator<Item = f32>) -> [f32; 3] {
    let mut sum = [0.0; 3];
    let mut whole = 0.0;
    for ([r, g, b], weight) in pixels.iter().zip(weights) {
        let [sr, sg, sb] = sum;
        sum = [sr + r * weight, sg + g * weight, sb + b * weight];
        whole += weight;
    }
    sum.map(|v| if whole > 0.0 { v / whole } else { 1.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_colours_that_people_name_get_their_names() {
        let same = [
            "red",
            "green",
            "blue",
            "yellow",
            "orange",
            "purple",
            "pink",
            "brown",
            "black",
            "white",
            "gray",
            "cyan",
            "teal",
            "magenta",
            "beige",
            "olive",
            "navy",
            "maroon",
            "gold",
            "silver",
            "crimson",
            "violet",
            "turquoise",
            "lime",
            "indigo",
            "skyblue",
        ];
        for word in same {
            let rgb = crate::drawing::named_colour(word)
                .unwrap()
                .map(|v| f32::from(v) / 255.0);
            let named = name(rgb);
            let said = [named.tone, named.hue].concat();
            let fits = match word {
                "gray" => said == "grey",
                "navy" => said == "dark blue",
                "maroon" => said == "dark red",
                "gold" => said == "yellow" || said == "orange",
                "silver" => said == "light grey",
                "crimson" => said == "red",
                "violet" => said == "pink" || said == "magenta",
                "turquoise" => said == "cyan",
                "lime" => said == "green",
                "indigo" => said.ends_with("purple"),
                "skyblue" => said == "light blue",
                "beige" => said == "beige" || said == "white",
                word => said == word,
            };
            assert!(fits, "{word} is called {said}");
        }
    }
}
