//! The words that a prompt may use, and what each means to the one who draws.

use super::colour::{self, Rgb};
use super::prompt::{Feature, Kind, Place, Style};

/// What a word says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Word {
    Colour(Rgb),
    /// A thing, and whether there are several of it.
    Thing(Kind, bool),
    Around(Feature),
    Count(usize),
    Style(Style),
    Transparent,
    Dark,
    Light,
    Place(Place),
    Article,
    Is,
    Behind,
    /// Parts phrases loosely: 'and'.
    Join,
    /// Parts phrases: 'under'.
    Part,
    /// Says nothing by itself: 'tones'.
    Filler,
    Unknown,
}

/// The meaning of one word.
pub(super) fn word(token: &str) -> Word {
    if let Some(colour) = colour::named(token) {
        return Word::Colour(colour);
    }
    if let Some(word) = plain(token) {
        return word;
    }
    if let Some(kind) = find(THINGS, token) {
        return Word::Thing(kind, false);
    }
    if let Some(feature) = find(AROUND, token) {
        return Word::Around(feature);
    }
    if matches!(token, "people" | "men" | "women" | "children") {
        return Word::Thing(Kind::Person, true);
    }
    for singular in singulars(token) {
        if let Some(kind) = find(THINGS, &singular) {
            return Word::Thing(kind, true);
        }
        if let Some(feature) = find(AROUND, &singular) {
            return Word::Around(feature);
        }
        if let Some(colour) = colour::named(&singular).filter(|_| is_fruit(&singular)) {
            return Word::Colour(colour);
        }
    }
    match token.parse::<usize>() {
        Ok(count @ 1..=24) => Word::Count(count),
        Ok(_) => Word::Filler,
        Err(_) => Word::Unknown,
    }
}

/// The meaning of two words written as one, where they mean something together.
pub(super) fn compound(pair: &str) -> Option<Word> {
    let colour = colour::named(pair).filter(|_| !pair.starts_with('#'));
    colour
        .map(Word::Colour)
        .or_else(|| find(STYLES, pair).map(Word::Style))
        .or_else(|| find(AROUND, pair).map(Word::Around))
        .or(match pair {
            "hotair" | "madeof" => Some(Word::Filler),
            _ => None,
        })
}

/// Whether a colour's name is a fruit's too.
pub(super) fn is_fruit(token: &str) -> bool {
    matches!(
        token.trim_end_matches('s').trim_end_matches("he"),
        "orange" | "lime" | "olive" | "peac" | "plum"
    )
}

/// How many a plural without a number is.
pub(super) fn several(kind: Kind) -> usize {
    match kind {
        Kind::Star => 7,
        Kind::Tree | Kind::Pine | Kind::Flower | Kind::Leaf => 5,
        Kind::Bird | Kind::Balloon | Kind::Circle | Kind::Heart => 4,
        _ => 3,
    }
}

fn find<T: Copy>(table: &[(T, &str)], token: &str) -> Option<T> {
    table
        .iter()
        .find(|(_, words)| words.split(' ').any(|w| w == token))
        .map(|(value, _)| *value)
}

fn singulars(token: &str) -> impl Iterator<Item = String> {
    let cut = |end: &str, put: &str| {
        token
            .strip_suffix(end)
            .filter(|stem| stem.len() > 1)
            .map(|stem| format!("{stem}{put}"))
    };
    [
        cut("s", ""),
        cut("es", ""),
        cut("ies", "y"),
        cut("ves", "f"),
    ]
    .into_iter()
    .flatten()
}

fn plain(token: &str) -> Option<Word> {
    let place = match token {
        "left" => Some(Place::Left),
        "right" => Some(Place::Right),
        "top" => Some(Place::Top),
        "bottom" => Some(Place::Bottom),
        "centre" | "center" | "middle" | "centered" | "centred" => Some(Place::Centre),
        _ => None,
    };
    if let Some(place) = place {
        return Some(Word::Place(place));
    }
    if let Some(style) = find(STYLES, token) {
        return Some(Word::Style(style));
    }
    if let Some(count) = find(COUNTS, token) {
        return Some(Word::Count(count));
    }
    Some(match token {
        "a" | "an" | "the" => Word::Article,
        "is" | "are" | "painted" | "coloured" | "colored" => Word::Is,
        "on" | "against" => Word::Behind,
        "and" | "or" | "," | "of" | "plus" => Word::Join,
        "transparent" | "transparency" => Word::Transparent,
        "dark" | "deep" | "darker" => Word::Dark,
        "light" | "pale" | "pastel" | "lighter" => Word::Light,
        _ if PARTS.split(' ').any(|w| w == token) => Word::Part,
        _ if FILLERS.split(' ').any(|w| w == token) => Word::Filler,
        _ => return None,
    })
}

const PARTS: &str = "in under over above below behind with by near beside at inside into through \
    to from around between across along beneath underneath before after while that which who \
    leaning sitting standing flying swimming sleeping running jumping wearing holding floating \
    sailing riding walking resting";

const FILLERS: &str = "tone tones colour colours color colors coloured palette hue hues shade \
    shades accent accents style bright vivid very big small tiny large huge little cute lovely \
    beautiful simple image picture painting drawing render illustration artwork art design logo abstract pattern composition \
    icon emblem poster scene view s it its some my one's this two's background's";

const COUNTS: &[(usize, &str)] = &[
    (1, "one single lone"),
    (2, "two pair couple both"),
    (3, "three few trio"),
    (4, "four several"),
    (5, "five"),
    (6, "six"),
    (7, "seven many"),
    (8, "eight"),
    (9, "nine"),
    (10, "ten"),
    (11, "eleven"),
    (12, "twelve dozen"),
];

const STYLES: &[(Style, &str)] = &[
    (
        Style::Watercolour,
        "watercolor watercolour watercolors watercolours aquarelle gouache",
    ),
    (
        Style::Pencil,
        "sketch sketched pencil lineart outline doodle linedrawing",
    ),
    (
        Style::Pixels,
        "pixelart pixel pixelated 8bit 16bit retrogame",
    ),
    (
        Style::Minimal,
        "minimal minimalist minimalistic flat logo icon flatdesign",
    ),
    (
        Style::Photo,
        "photo photograph photorealistic photography realistic cinematic",
    ),
];

const AROUND: &[(Feature, &str)] = &[
    (Feature::Background, "background backdrop canvas"),
    (
        Feature::City,
        "city skyline town cityscape skyscraper street downtown",
    ),
    (Feature::Desert, "desert sand sandy dune beach sahara"),
    (Feature::Forest, "forest wood woods woodland jungle"),
    (
        Feature::Grass,
        "grass meadow field lawn garden park ground farm",
    ),
    (Feature::Hill, "hill hilly valley countryside"),
    (
        Feature::Mountain,
        "mountain mountainous alps peak volcano cliff",
    ),
    (Feature::Night, "night midnight nighttime starry moonlit"),
    (Feature::Rain, "rain rainy raining storm stormy"),
    (Feature::Road, "road highway path"),
    (Feature::Sky, "sky skies"),
    (
        Feature::Snow,
        "snow snowy snowfall winter wintry ice icy arctic christmas",
    ),
    (Feature::Space, "space galaxy universe cosmos nebula orbit"),
    (Feature::Sunset, "sunset sunrise dusk dawn twilight evening"),
    (Feature::Table, "table desk kitchen shelf"),
    (Feature::Underwater, "underwater reef aquarium"),
    (Feature::Wall, "wall room fence"),
    (
        Feature::Water,
        "sea ocean lake river water wave pond harbour harbor bay",
    ),
];

const THINGS: &[(Kind, &str)] = &[
    (Kind::Apple, "apple cherry pomegranate"),
    (Kind::Balloon, "balloon"),
    (Kind::Bicycle, "bicycle bike motorcycle motorbike scooter"),
    (
        Kind::Bird,
        "bird parrot robin sparrow eagle owl duck penguin crow seagull gull swan chicken dove",
    ),
    (
        Kind::Boat,
        "boat ship sailboat yacht sailing vessel ferry canoe",
    ),
    (Kind::Book, "book notebook letter"),
    (Kind::Butterfly, "butterfly moth"),
    (
        Kind::Car,
        "car truck bus van taxi automobile vehicle jeep train tram",
    ),
    (Kind::Castle, "castle fortress palace tower lighthouse"),
    (Kind::Cat, "cat kitten kitty tiger lion leopard panther"),
    (
        Kind::Circle,
        "circle dot ball sphere disc disk ring planet bubble orb",
    ),
    (Kind::Cloud, "cloud cloudy"),
    (Kind::Cup, "cup coffee mug tea teacup espresso cappuccino"),
    (Kind::Diamond, "diamond gem crystal jewel rhombus"),
    (
        Kind::Dog,
        "dog puppy wolf hound terrier labrador corgi bear panda",
    ),
    (Kind::Fish, "fish goldfish shark whale dolphin"),
    (
        Kind::Flower,
        "flower rose tulip daisy sunflower poppy blossom lily",
    ),
    (Kind::Fox, "fox"),
    (Kind::Fruit, "fruit lemon melon grape tomato pumpkin"),
    (Kind::Heart, "heart love valentine"),
    (Kind::Horse, "horse pony donkey zebra unicorn deer cow"),
    (
        Kind::House,
        "house home cottage cabin barn hut building shed church",
    ),
    (Kind::Leaf, "leaf"),
    (Kind::Moon, "moon crescent"),
    (Kind::Mushroom, "mushroom toadstool"),
    (
        Kind::Person,
        "person man woman girl boy child human figure robot astronaut knight",
    ),
    (Kind::Pine, "pine fir spruce conifer"),
    (Kind::Plane, "plane airplane aeroplane aircraft jet"),
    (Kind::Rabbit, "rabbit bunny hare"),
    (Kind::Rainbow, "rainbow"),
    (Kind::Rocket, "rocket spaceship spacecraft missile shuttle"),
    (Kind::Square, "square cube box block rectangle"),
    (Kind::Star, "star"),
    (Kind::Sun, "sun sunny sunshine"),
    (Kind::Tree, "tree oak birch palm maple willow bush"),
    (Kind::Triangle, "triangle pyramid"),
];
