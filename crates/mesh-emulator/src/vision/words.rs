//! Measurements as English prose.

#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "percentages are printed as whole numbers"
)]

use super::edges::EdgeDirection;
use super::palette::ColourShare;
use super::sight::Sight;
use super::topic::{self, Topic};

impl Sight {
    /// What can be said of the picture, in answer to a question: some 60 to 110 words.
    ///
    /// What the question asks for comes first, if it can be measured. The text names no objects,
    /// and says so if it is asked for them. The same sight and question give the same text.
    pub fn describe(&self, question: &str) -> String {
        let mut text: Vec<String> = Vec::new();
        let topics = topic::topics(question);
        text.extend(topics.iter().take(2).map(|t| self.answer(*t, question)));
        text.push(self.frame());
        text.push(self.colouring());
        if !self.flat {
            text.push(self.light());
            text.push(self.halves(topics.contains(&Topic::Where)));
            text.push(self.structure());
        }
        if self.symmetry > 0.8 && !self.flat {
            text.push("Its left and right halves nearly mirror each other.".to_owned());
        }
        if let Some(turn) = self.turn() {
            text.push(turn);
        }
        if self.transparency >= 0.005 && !topics.contains(&Topic::Transparency) {
            text.push(format!(
                "{} of it is transparent.",
                percent(self.transparency)
            ));
        }
        if topic::wants_objects(question) {
            text.push("This names no objects: an emulator measured the pixels.".to_owned());
        }
        text.join(" ")
    }

    fn answer(&self, topic: Topic, question: &str) -> String {
        match topic {
            Topic::Transparency if self.transparency < 0.005 => {
                "The picture is opaque: no part is transparent.".to_owned()
            }
            Topic::Transparency => format!(
                "Yes, {} of the picture is transparent.",
                percent(self.transparency)
            ),
            Topic::Sharpness => match self.sharpness {
                Some(value) => format!("It looks {} (sharpness {}).", sharp(value), percent(value)),
                None => "There is too little structure to tell sharp from blurry.".to_owned(),
            },
            Topic::Orientation => {
                let turned = match self.orientation {
                    None => "the file has no EXIF orientation",
                    Some(1) => "EXIF says that it is upright",
                    Some(_) => "EXIF says that it is meant to be shown turned",
                };
                format!(
                    "It is stored in {} orientation, and {turned}.",
                    self.proportion()
                )
            }
            Topic::Colour => self.about_colour(question),
            Topic::Brightness => format!(
                "It is {}: mean brightness {}.",
                brightness(self.brightness),
                percent(self.brightness)
            ),
            Topic::Contrast => format!(
                "The contrast is {} ({}).",
                contrast(self.contrast),
                percent(self.contrast)
            ),
            Topic::Warmth => format!(
                "The colours are {} (warmth {:+} %).",
                warmth(self.warmth),
                (self.warmth * 100.0).round() as i32
            ),
            Topic::Symmetry => format!(
                "The left half and the mirrored right half agree to {}.",
                percent(self.symmetry)
            ),
            Topic::Detail => format!(
                "Most detail is {}, least {}.",
                at(self.detail.busiest.name),
                at(self.detail.calmest.name)
            ),
            Topic::Size => {
                let megapixels = f64::from(self.width) * f64::from(self.height) / 1e6;
                format!(
                    "It is {} pixels wide and {} pixels high ({megapixels:.2} megapixels).",
                    self.width, self.height
                )
            }
            Topic::Format => format!("The file is a {}.", self.kind()),
            Topic::Where if self.lighting.is_even() => {
                format!(
                    "Light is even; most detail is {}.",
                    at(self.detail.busiest.name)
                )
            }
            Topic::Where => format!(
                "The brightest part is {}, the darkest {}, and most detail {}.",
                at(self.lighting.brightest.name),
                at(self.lighting.darkest.name),
                at(self.detail.busiest.name)
            ),
        }
    }

    fn about_colour(&self, question: &str) -> String {
        if let Some(hue) = topic::hue(question) {
            let share: f32 = self
                .colours
                .iter()
                .filter(|c| c.colour.rsplit(' ').next() == Some(hue))
                .map(|c| c.share)
                .sum();
            return if share > 0.0 {
                format!(
                    "{} of the picture is {hue}, dark and light shades included.",
                    percent(share)
                )
            } else {
                format!("No part worth naming is {hue}.")
            };
        }
        match self.colours.as_slice() {
            [] => "No colour covers enough to be named.".to_owned(),
            [only] => format!("The only colour is {}.", only.colour),
            [first, second, ..] => format!(
                "The main colour is {}, followed by {}.",
                first.colour, second.colour
            ),
        }
    }

    fn kind(&self) -> String {
        match self.frames {
            0 | 1 => format!("{} picture", self.format),
            frames => format!(
                "{} animation of {frames} frames, of which the first is described",
                self.format
            ),
        }
    }

    fn proportion(&self) -> &'static str {
        match self.width.cmp(&self.height) {
            std::cmp::Ordering::Greater => "landscape",
            std::cmp::Ordering::Less => "portrait",
            std::cmp::Ordering::Equal => "square",
        }
    }

    fn frame(&self) -> String {
        format!(
            "A {}, {} x {} pixels ({}), {} bytes.",
            self.kind(),
            self.width,
            self.height,
            self.proportion(),
            grouped(self.bytes)
        )
    }

    fn colouring(&self) -> String {
        let [r, g, b] = self.mean;
        if self.flat {
            let name = self
                .colours
                .first()
                .map_or("one colour", |c| c.colour.as_str());
            return format!(
                "It is a single flat {name} (#{r:02x}{g:02x}{b:02x}), mean brightness {}.",
                percent(self.brightness)
            );
        }
        let listed = list(&self.colours, 4);
        if self.grayscale {
            return format!("It has no colour, only {listed}.");
        }
        let colourful = match self.saturation {
            s if s < 0.1 => "very muted",
            s if s < 0.25 => "muted",
            s if s < 0.5 => "fairly colourful",
            _ => "vivid",
        };
        format!(
            "Its colours are {listed}; the mean is #{r:02x}{g:02x}{b:02x}, {} and {colourful} (saturation {}).",
            warmth(self.warmth),
            percent(self.saturation)
        )
    }

    fn light(&self) -> String {
        let night = if self.night_like {
            ", night-like with a small bright part"
        } else {
            ""
        };
        format!(
            "It is {} (mean brightness {}) with {} contrast ({}){night}.",
            brightness(self.brightness),
            percent(self.brightness),
            contrast(self.contrast),
            percent(self.contrast)
        )
    }

    fn halves(&self, told: bool) -> String {
        let light = &self.lighting;
        if light.is_even() {
            return "The light is even all over.".to_owned();
        }
        let lead = if told {
            "By".to_owned()
        } else {
            format!(
                "It is brightest {} and darkest {}; by",
                at(light.brightest.name),
                at(light.darkest.name)
            )
        };
        format!(
            "{lead} halves, left {}, right {}, upper {}, lower {}.",
            percent(light.left),
            percent(light.right),
            percent(light.top),
            percent(light.bottom)
        )
    }

    fn structure(&self) -> String {
        let edges = match self.detail.direction {
            EdgeDirection::None => return "It has hardly any edges.".to_owned(),
            EdgeDirection::Horizontal => "mostly horizontal edges",
            EdgeDirection::Vertical => "mostly vertical edges",
            EdgeDirection::Mixed => "edges in all directions",
        };
        let sharpness = self
            .sharpness
            .map_or_else(String::new, |value| format!(", and looks {}", sharp(value)));
        format!(
            "It has most detail {}, with {edges}{sharpness}.",
            at(self.detail.busiest.name)
        )
    }

    fn turn(&self) -> Option<String> {
        let how = match self.orientation? {
            2 => "mirrored left to right",
            3 => "turned by 180 degrees",
            4 => "mirrored top to bottom",
            5 => "mirrored and turned by 90 degrees anticlockwise",
            6 => "turned by 90 degrees clockwise",
            7 => "mirrored and turned by 90 degrees clockwise",
            8 => "turned by 90 degrees anticlockwise",
            _ => return None,
        };
        Some(format!(
            "EXIF says that it is meant to be shown {how}; this describes the stored pixels."
        ))
    }
}

/// Several pictures of one message: each in a sentence, then how they differ.
///
/// Of one picture this is its description; of none, a sentence that says so.
pub fn compare(sights: &[Sight], question: &str) -> String {
    match sights {
        [] => "There is no picture to look at.".to_owned(),
        [only] => only.describe(question),
        _ => {
            let mut text: Vec<String> = sights
                .iter()
                .enumerate()
                .map(|(index, sight)| format!("Image {}: {}", index + 1, sight.brief(question)))
                .collect();
            text.push(differences(sights));
            if topic::wants_objects(question) {
                text.push("Objects are not named: an emulator measured the pixels.".to_owned());
            }
            text.join(" ")
        }
    }
}

impl Sight {
    fn brief(&self, question: &str) -> String {
        let asked = topic::topics(question)
            .first()
            .map_or_else(String::new, |t| format!(" {}", self.answer(*t, question)));
        format!(
            "a {}, {} x {} pixels ({}), {}, {} (mean brightness {}).{asked}",
            self.kind(),
            self.width,
            self.height,
            self.proportion(),
            list(&self.colours, 3),
            brightness(self.brightness),
            percent(self.brightness)
        )
    }

    fn area(&self) -> f32 {
        self.width as f32 * self.height as f32
    }
}

fn differences(sights: &[Sight]) -> String {
    let two = sights.len() == 2;
    let lead = |value: &dyn Fn(&Sight) -> f32, step: f32| -> Option<usize> {
        let (best, high) = sights
            .iter()
            .map(value)
            .enumerate()
            .max_by(|a, b| a.1.total_cmp(&b.1))?;
        let next = sights
            .iter()
            .map(value)
            .enumerate()
            .filter(|(index, _)| *index != best)
            .map(|(_, v)| v)
            .fold(f32::MIN, f32::max);
        (high - next > step).then_some(best + 1)
    };
    let comparisons: [(Option<usize>, &str, &str); 4] = [
        (lead(&Sight::area, 0.5), "larger", "the largest"),
        (lead(&|s| s.brightness, 0.01), "brighter", "the brightest"),
        (
            lead(&|s| s.saturation, 0.01),
            "more colourful",
            "the most colourful",
        ),
        (
            lead(&|s| s.contrast, 0.01),
            "richer in contrast",
            "the richest in contrast",
        ),
    ];
    let said: Vec<String> = comparisons
        .iter()
        .filter_map(|(image, comparative, superlative)| {
            let how = if two { comparative } else { superlative };
            image.map(|image| format!("image {image} is {how}"))
        })
        .collect();
    if said.is_empty() {
        return "In size, brightness, colour and contrast they measure about the same.".to_owned();
    }
    format!("Compared: {}.", said.join(", "))
}

fn list(colours: &[ColourShare], most: usize) -> String {
    let named: Vec<String> = colours
        .iter()
        .filter(|c| c.share >= 0.02)
        .take(most)
        .map(|c| format!("{} ({})", c.colour, percent(c.share)))
        .collect();
    match named.as_slice() {
        [] => "many, none of which covers 2 %".to_owned(),
        [only] => only.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

fn percent(share: f32) -> String {
    let whole = (share * 100.0).round() as i32;
    if whole == 0 && share > 0.0 {
        return "under 1 %".to_owned();
    }
    format!("{whole} %")
}

fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn at(cell: &str) -> String {
    match cell {
        "left" | "right" => format!("on the {cell}"),
        "centre" => "in the centre".to_owned(),
        _ => format!("at the {cell}"),
    }
}

fn brightness(value: f32) -> &'static str {
    match value {
        v if v < 0.12 => "very dark",
        v if v < 0.28 => "dark",
        v if v < 0.42 => "dim",
        v if v < 0.62 => "moderately bright",
        v if v < 0.82 => "bright",
        _ => "very bright",
    }
}

fn contrast(value: f32) -> &'static str {
    match value {
        v if v < 0.2 => "low",
        v if v < 0.5 => "moderate",
        _ => "high",
    }
}

fn warmth(value: f32) -> &'static str {
    match value {
        v if v > 0.25 => "very warm",
        v if v > 0.06 => "warm",
        v if v < -0.25 => "very cool",
        v if v < -0.06 => "cool",
        _ => "neither warm nor cool",
    }
}

fn sharp(value: f32) -> &'static str {
    match value {
        v if v < 0.1 => "blurry",
        v if v < 0.4 => "soft",
        v if v < 0.7 => "fairly sharp",
        _ => "sharp",
    }
}
