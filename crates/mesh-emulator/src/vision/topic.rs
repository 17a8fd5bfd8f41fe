//! What a question about a picture is after.

/// A property that a question can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Topic {
    Transparency,
    Sharpness,
    Orientation,
    Colour,
    Brightness,
    Contrast,
    Warmth,
    Symmetry,
    Detail,
    Size,
    Format,
    Where,
}

/// Earlier topics lead: 'what colour is the brightest part' is about colour.
const WORDS: &[(Topic, &str)] = &[
    (
        Topic::Transparency,
        "transparent transparency alpha opaque see-through",
    ),
    (
        Topic::Sharpness,
        "sharp sharpness blur blurry blurred focus focused crisp",
    ),
    (
        Topic::Orientation,
        "orientation rotated rotate rotation sideways upside turned portrait landscape square exif",
    ),
    (
        Topic::Colour,
        "colour color colours colors coloured colored hue hues palette colourful colorful saturation \
         saturated monochrome grayscale greyscale",
    ),
    (
        Topic::Brightness,
        "bright brighter brightness brightest dark darker darkness darkest light lighter lighting lit dim exposure \
         exposed underexposed overexposed night day",
    ),
    (Topic::Contrast, "contrast"),
    (
        Topic::Warmth,
        "warm warmer warmth cool cooler cold temperature",
    ),
    (Topic::Symmetry, "symmetric symmetrical symmetry"),
    (Topic::Detail, "edges edge texture busy busiest"),
    (
        Topic::Size,
        "size dimension dimensions resolution width height wide tall pixels pixel megapixel megapixels big \
         large larger bigger bytes aspect ratio",
    ),
    (
        Topic::Format,
        "format filetype png jpeg jpg gif webp animated frames mime codec",
    ),
    (Topic::Where, "where position location side corner"),
];

const HUES: &str = "black white grey gray red orange brown beige yellow olive green teal cyan blue purple \
    magenta pink";

/// The properties that a question asks for, the leading one first.
pub(super) fn topics(question: &str) -> Vec<Topic> {
    let asked = words(question);
    let mut topics: Vec<Topic> = WORDS
        .iter()
        .filter(|(_, list)| {
            list.split_whitespace()
                .any(|w| asked.iter().any(|a| a == w))
        })
        .map(|(topic, _)| *topic)
        .collect();
    if hue(question).is_some() && !topics.contains(&Topic::Colour) {
        topics.push(Topic::Colour);
    }
    // 'Where is the light' asks for the place.
    if topics.contains(&Topic::Where) && topics.contains(&Topic::Brightness) {
        topics.retain(|t| *t != Topic::Brightness);
    }
    topics
}

/// The colour name that a question holds.
pub(super) fn hue(question: &str) -> Option<&'static str> {
    let asked = words(question);
    let found = HUES
        .split_whitespace()
        .find(|hue| asked.iter().any(|a| a == hue))?;
    Some(if found == "gray" { "grey" } else { found })
}

/// Whether a question wants things named, which measuring cannot do.
pub(super) fn wants_objects(question: &str) -> bool {
    const NAMING: &str = "who whom describe caption identify recognise recognize object objects people \
        person face text read written count animal happening depict depicts";
    const OPEN: &str =
        "what what's say says many explain see show shows shown scene contain contains";
    let asked = words(question);
    let any = |list: &str| {
        list.split_whitespace()
            .any(|w| asked.iter().any(|a| a == w))
    };
    any(NAMING) || (any(OPEN) && topics(question).is_empty())
}

fn words(question: &str) -> Vec<String> {
    question
        .split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '-')
        .filter(|w| !w.is_empty())
        .map(str::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_have_topics() {
        assert_eq!(topics("What colours do you see?"), [Topic::Colour]);
        assert_eq!(topics("How much blue is there?"), [Topic::Colour]);
        assert_eq!(hue("How much gray is there?"), Some("grey"));
        assert_eq!(topics("Where is it brightest?"), [Topic::Where]);
        assert_eq!(topics("Is it BLURRY?"), [Topic::Sharpness]);
        assert!(topics("What is in this image?").is_empty());
        assert!(wants_objects("What is in this image?"));
        assert!(!wants_objects("What colour is it?"));
        assert!(wants_objects(
            "Describe the colours of this image in detail."
        ));
        assert!(!wants_objects(""));
    }
}
