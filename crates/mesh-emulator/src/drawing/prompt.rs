//! A prompt is read word by word: what to draw, in which colours, how many, where and how.

use super::colour::{self, Rgb};
use super::vocabulary::{self, Word};

/// A thing that is drawn as a shape of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Apple,
    Balloon,
    Bicycle,
    Bird,
    Boat,
    Book,
    Butterfly,
    Car,
    Castle,
    Cat,
    Circle,
    Cloud,
    Cup,
    Diamond,
    Dog,
    Fish,
    Flower,
    Fox,
    Fruit,
    Heart,
    Horse,
    House,
    Leaf,
    Moon,
    Mushroom,
    Person,
    Pine,
    Plane,
    Rabbit,
    Rainbow,
    Rocket,
    Square,
    Star,
    Sun,
    /// A noun that has a colour and no shape here; the number gives it one.
    Thing(u64),
    Tree,
    Triangle,
}

/// A part of the surroundings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Feature {
    Background,
    City,
    Desert,
    Forest,
    Grass,
    Hill,
    Mountain,
    Night,
    Rain,
    Road,
    Sky,
    Snow,
    Space,
    Sunset,
    Table,
    Underwater,
    Wall,
    Water,
}

/// How the picture is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Style {
    #[default]
    Plain,
    Watercolour,
    Pencil,
    Pixels,
    Minimal,
    Photo,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Left,
    Right,
    Top,
    Bottom,
    Centre,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Subject {
    pub(super) kind: Kind,
    pub(super) colours: Vec<Rgb>,
    pub(super) count: usize,
    pub(super) place: Option<Place>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Surrounding {
    pub(super) feature: Feature,
    pub(super) colour: Option<Rgb>,
    pub(super) dark: bool,
}

/// What a prompt asks for.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Reading {
    pub(super) subjects: Vec<Subject>,
    pub(super) surroundings: Vec<Surrounding>,
    /// Colours that belong to nothing in particular.
    pub(super) loose: Vec<Rgb>,
    pub(super) style: Style,
    pub(super) transparent: bool,
}

impl Reading {
    pub(super) fn has(&self, feature: Feature) -> bool {
        self.surrounding(feature).is_some()
    }

    pub(super) fn surrounding(&self, feature: Feature) -> Option<&Surrounding> {
        self.surroundings.iter().find(|s| s.feature == feature)
    }

    /// The colour that the prompt gives to a part of the surroundings.
    pub(super) fn colour_of(&self, feature: Feature) -> Option<Rgb> {
        self.surrounding(feature).and_then(|s| s.colour)
    }

    /// Every colour that the prompt names, once each, in its order of use.
    pub(super) fn named(&self) -> Vec<Rgb> {
        let mut all: Vec<Rgb> = Vec::new();
        let bound = self.subjects.iter().flat_map(|s| s.colours.iter());
        let around = self.surroundings.iter().filter_map(|s| s.colour.as_ref());
        for colour in bound.chain(around).chain(&self.loose) {
            if all.len() < MOST_COLOURS && !all.contains(colour) {
                all.push(*colour);
            }
        }
        all
    }
}

/// Reads a prompt.
pub(super) fn read(prompt: &str) -> Reading {
    // What was cut to the most that is read may have something of the caller's behind it.
    const MOST_ADDED: usize = 1024;
    let tokens = tokens(super::first(prompt, super::MOST_READ + MOST_ADDED));
    let mut reader = Reader::default();
    let mut rest = tokens.iter().map(String::as_str).peekable();
    while let Some(token) = rest.next() {
        let pair = rest.peek().map(|next| format!("{token}{next}"));
        match pair.as_deref().and_then(vocabulary::compound) {
            Some(word) => {
                rest.next();
                reader.take(word, pair.as_deref().unwrap_or(token));
            }
            None => reader.take(vocabulary::word(token), token),
        }
    }
    reader.close(true);
    reader.reading.loose.truncate(MOST_COLOURS);
    reader.reading
}

/// The most things that are drawn, and the most colours that are kept of a prompt.
const MOST_SUBJECTS: usize = 64;
const MOST_COLOURS: usize = 64;

/// Words in lower case, and each mark of punctuation that parts phrases as a comma.
fn tokens(prompt: &str) -> Vec<String> {
    let mut tokens = vec![String::new()];
    for c in prompt.chars() {
        let last = tokens.last_mut();
        if c.is_alphanumeric() || c == '#' {
            if let Some(last) = last {
                last.extend(c.to_lowercase());
            }
        } else {
            if matches!(c, ',' | '.' | ';' | ':' | '!' | '?' | '\n') {
                tokens.push(",".to_owned());
            }
            tokens.push(String::new());
        }
    }
    tokens.retain(|t| !t.is_empty());
    tokens
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Last {
    Subject(usize),
    Surrounding(usize),
}

/// The reading so far, and the phrase that is open.
#[allow(
    clippy::struct_excessive_bools,
    reason = "a phrase is open in several ways at once"
)]
#[derive(Debug, Default)]
struct Reader {
    reading: Reading,
    colours: Vec<Rgb>,
    count: Option<usize>,
    unknown: Option<u64>,
    tone: Tone,
    /// A word that is a fruit as well as a colour, after an article.
    fruit: bool,
    /// The phrase began with 'on' or 'against'.
    behind: bool,
    /// The phrase began with 'is' or 'are'.
    copula: bool,
    article: bool,
    last: Option<Last>,
    /// The word before this one was a thing too: 'apple tree'.
    adjacent: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq)]
enum Tone {
    #[default]
    Plain,
    Dark,
    Light,
}

impl Reader {
    fn take(&mut self, word: Word, token: &str) {
        let adjacent = std::mem::take(&mut self.adjacent);
        match word {
            Word::Colour(colour) => self.colour(colour, token),
            Word::Thing(kind, plural) => self.thing(kind, plural, adjacent),
            Word::Around(feature) => self.around(feature),
            Word::Count(count) => {
                self.count = Some(count);
                self.article = true;
            }
            Word::Style(style) => self.reading.style = style,
            Word::Transparent => self.reading.transparent = true,
            Word::Dark => self.tone = Tone::Dark,
            Word::Light => self.tone = Tone::Light,
            Word::Place(place) => self.place(place),
            Word::Article => self.article = true,
            Word::Is => {
                self.close(true);
                self.copula = true;
            }
            Word::Behind => {
                self.close(true);
                self.behind = true;
            }
            Word::Join => self.close(false),
            Word::Part => self.close(true),
            Word::Filler => {}
            Word::Unknown => self.unknown = Some(super::dice::hash(token.as_bytes())),
        }
    }

    fn colour(&mut self, colour: Rgb, token: &str) {
        let colour = match self.tone {
            Tone::Plain => colour,
            Tone::Dark => colour::darker(colour, 0.4),
            Tone::Light => colour::lighter(colour, 0.5),
        };
        self.tone = Tone::Plain;
        self.fruit = self.article && self.colours.is_empty() && vocabulary::is_fruit(token);
        self.unknown = None;
        if self.colours.len() < MOST_COLOURS && !self.colours.contains(&colour) {
            self.colours.push(colour);
        }
    }

    fn thing(&mut self, kind: Kind, plural: bool, adjacent: bool) {
        let bare = self.colours.is_empty() && self.count.is_none() && !self.article;
        if adjacent {
            self.absorb(kind);
        } else if bare && self.reading.subjects.last().is_some_and(|s| s.kind == kind) {
            // 'A cup of coffee' is one thing.
        } else if self.reading.subjects.len() >= MOST_SUBJECTS {
            self.colours.clear();
        } else {
            let count = self
                .count
                .unwrap_or(if plural { vocabulary::several(kind) } else { 1 });
            let colours = std::mem::take(&mut self.colours);
            self.reading.subjects.push(Subject {
                kind,
                count: count.max(colours.len()).clamp(1, 24),
                colours,
                place: None,
            });
            self.last = Some(Last::Subject(self.reading.subjects.len() - 1));
        }
        self.reset();
        self.adjacent = true;
    }

    /// In 'apple tree' and 'city car' the last noun is the thing, and the colour is its own.
    fn absorb(&mut self, kind: Kind) {
        match self.last {
            Some(Last::Subject(index)) => {
                if let Some(subject) = self.reading.subjects.get_mut(index) {
                    subject.kind = kind;
                }
            }
            Some(Last::Surrounding(index)) => {
                let taken = self
                    .reading
                    .surroundings
                    .get_mut(index)
                    .and_then(|s| s.colour.take());
                self.reading.subjects.push(Subject {
                    kind,
                    count: 1,
                    colours: taken.into_iter().collect(),
                    place: None,
                });
                self.last = Some(Last::Subject(self.reading.subjects.len() - 1));
            }
            None => {}
        }
    }

    fn around(&mut self, feature: Feature) {
        let mut colours = std::mem::take(&mut self.colours).into_iter();
        let colour = colours.next();
        self.reading.loose.extend(colours);
        let dark = self.tone == Tone::Dark;
        let known = self
            .reading
            .surroundings
            .iter()
            .position(|s| s.feature == feature);
        let index = known.unwrap_or_else(|| {
            self.reading.surroundings.push(Surrounding {
                feature,
                colour: None,
                dark: false,
            });
            self.reading.surroundings.len() - 1
        });
        if let Some(surrounding) = self.reading.surroundings.get_mut(index) {
            match (surrounding.colour, colour) {
                (None, colour) => surrounding.colour = colour,
                (Some(_), Some(more)) => self.reading.loose.push(more),
                (Some(_), None) => {}
            }
            surrounding.dark |= dark;
        }
        self.last = Some(Last::Surrounding(index));
        self.reset();
        self.adjacent = true;
    }

    fn place(&mut self, place: Place) {
        self.close(true);
        if let Some(Last::Subject(index)) = self.last
            && let Some(subject) = self.reading.subjects.get_mut(index)
        {
            subject.place = Some(place);
        }
    }

    /// Ends a phrase. 'And' and commas part loosely: colours wait for their noun across them.
    fn close(&mut self, firmly: bool) {
        if self.colours.is_empty() {
            self.reset();
            return;
        }
        let one = self.count.unwrap_or(1);
        let last = self.last;
        match (self.copula, last, self.unknown) {
            (true, Some(Last::Subject(index)), _) => {
                let colours = std::mem::take(&mut self.colours);
                if let Some(subject) = self.reading.subjects.get_mut(index) {
                    subject.colours.extend(colours);
                    subject.count = subject.count.max(subject.colours.len()).min(24);
                }
            }
            (true, Some(Last::Surrounding(index)), _) => {
                let mut colours = std::mem::take(&mut self.colours);
                if let Some(surrounding) = self.reading.surroundings.get_mut(index)
                    && surrounding.colour.is_none()
                {
                    surrounding.colour = Some(colours.remove(0));
                }
                self.reading.loose.extend(colours);
            }
            (_, _, Some(seed)) => self.thing(Kind::Thing(seed), one > 1, false),
            _ if self.behind => self.around(Feature::Background),
            _ if self.fruit => self.thing(Kind::Fruit, one > 1, false),
            _ if !firmly => return,
            _ => self.reading.loose.append(&mut self.colours),
        }
        self.reset();
        self.adjacent = false;
    }

    fn reset(&mut self) {
        self.count = None;
        self.unknown = None;
        self.tone = Tone::Plain;
        self.fruit = false;
        self.behind = false;
        self.copula = false;
        self.article = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(prompt: &str) -> Subject {
        read(prompt).subjects.first().unwrap().clone()
    }

    #[test]
    fn colours_bind_to_what_follows() {
        let reading = read("A red house under a blue sky");
        assert_eq!(reading.subjects.len(), 1);
        assert_eq!(reading.subjects[0].kind, Kind::House);
        assert_eq!(reading.subjects[0].colours, [[255, 0, 0]]);
        assert_eq!(reading.colour_of(Feature::Sky), Some([0, 0, 255]));
        assert!(reading.loose.is_empty());
    }

    #[test]
    fn colours_bind_backwards_after_is() {
        assert_eq!(
            first("a cat that is black").colours,
            [colour::named("black").unwrap()]
        );
        let reading = read("a cat, the sky is pink");
        assert_eq!(reading.colour_of(Feature::Sky), colour::named("pink"));
    }

    #[test]
    fn counts_and_plurals() {
        assert_eq!(first("three red circles").count, 3);
        assert_eq!(first("two cats").count, 2);
        assert_eq!(first("12 butterflies").count, 12);
        assert_eq!(first("a fox").count, 1);
        assert!(first("foxes").count > 1);
        assert_eq!(first("red, green and blue balloons").colours.len(), 3);
        assert_eq!(first("9999999999999999999999 cats").count, 3);
    }

    #[test]
    fn the_last_noun_of_a_compound_is_the_thing() {
        let reading = read("a red apple tree");
        assert_eq!(reading.subjects.len(), 1);
        assert_eq!(reading.subjects[0].kind, Kind::Tree);
        let reading = read("a red city car");
        assert_eq!(reading.subjects[0].colours, [[255, 0, 0]]);
        assert!(reading.has(Feature::City));
    }

    #[test]
    fn on_a_colour_is_the_background() {
        let reading = read("a minimal logo of a green leaf on white");
        assert_eq!(reading.style, Style::Minimal);
        assert_eq!(
            reading.colour_of(Feature::Background),
            Some([255, 255, 255])
        );
        assert_eq!(reading.subjects[0].kind, Kind::Leaf);
    }

    #[test]
    fn colours_that_are_fruit() {
        assert_eq!(first("an orange on a table").kind, Kind::Fruit);
        assert_eq!(first("an orange fox").kind, Kind::Fox);
    }

    #[test]
    fn an_unknown_noun_keeps_its_colour() {
        let subject = first("a shiny green gizmo on a table");
        assert!(matches!(subject.kind, Kind::Thing(_)));
        assert_eq!(subject.colours, [[0, 128, 0]]);
    }

    #[test]
    fn a_long_prompt_is_read_as_far_as_its_beginning() {
        let mut long = "24 cats, a #010203 dog, ".repeat(40_000);
        let reading = read(&long);
        assert_eq!(reading.subjects.len(), MOST_SUBJECTS);
        assert!(reading.named().len() <= MOST_COLOURS);
        long.insert_str(0, "a red house, ");
        assert_eq!(first(&long).kind, Kind::House);
        let far = format!("{}, a fox", "very ".repeat(20_000));
        assert!(read(&far).subjects.is_empty());
        let colours: Vec<String> = (0..20_000).map(|it| format!("#{it:06x}")).collect();
        assert!(read(&colours.join(" ")).named().len() <= MOST_COLOURS);
        let cut = super::super::beginning(&far);
        assert_eq!(read(&format!("{cut}, a fox")).subjects.len(), 1);
    }

    #[test]
    fn compound_colours_are_one() {
        assert_eq!(
            read("a sky blue car").named(),
            [colour::named("skyblue").unwrap()]
        );
        assert!(!read("a sky blue car").has(Feature::Sky));
    }
}
