//! The surroundings that a prompt names or implies, decided before anything is drawn.

#![allow(
    clippy::struct_excessive_bools,
    reason = "a setting is a list of yes and no"
)]

use super::colour::{Rgb, darker, mix};
use super::prompt::{Feature, Kind, Reading, Style};
use super::subjects::{self, Home};

/// The surroundings of a scene, decided.
#[derive(Debug)]
pub(super) struct Setting {
    /// No scene: things on a page.
    pub(super) page: bool,
    pub(super) transparent: bool,
    pub(super) snow: bool,
    /// Where the ground begins, as a share of the height from above; 1 for no ground.
    pub(super) horizon: f32,
    /// Where things stand, as a share of the height from above.
    pub(super) foot: f32,
    pub(super) sky: (Rgb, Rgb),
    pub(super) ground: Option<Rgb>,
    pub(super) water: Option<Rgb>,
    pub(super) road: Option<Rgb>,
    pub(super) mountains: Option<Rgb>,
    pub(super) hills: Option<Rgb>,
    pub(super) forest: Option<Rgb>,
    pub(super) city: Option<Rgb>,
    pub(super) bricks: bool,
    pub(super) stars: bool,
    pub(super) bubbles: bool,
    pub(super) rain: bool,
    pub(super) meadow: bool,
}

impl Setting {
    pub(super) fn of(reading: &Reading) -> Self {
        let mind = Mind::of(reading);
        let (sky, flat) = mind.sky();
        let ground = mind.ground();
        let water = mind.water.then(|| {
            reading.colour_of(Feature::Water).unwrap_or_else(|| {
                let dark = reading.surrounding(Feature::Water).is_some_and(|s| s.dark);
                let own = if mind.night {
                    [24, 52, 92]
                } else {
                    [58, 130, 172]
                };
                if dark { darker(own, 0.45) } else { own }
            })
        });
        let given = |feature, own: Rgb| {
            reading
                .has(feature)
                .then(|| reading.colour_of(feature).unwrap_or(own))
        };
        let dim = |own: Rgb| {
            if mind.night {
                mix(own, [16, 24, 52], 0.55)
            } else {
                own
            }
        };
        let forest = if mind.snow {
            [96, 128, 132]
        } else {
            [62, 112, 78]
        };
        let horizon = match (mind.page, ground.is_some() || mind.indoors, water.is_some()) {
            (true, ..) => 1.0,
            (_, _, true) => 0.56,
            (_, true, _) => 0.66,
            _ => 1.0,
        };
        let horizon = if mind.aloft { 1.0 } else { horizon };
        Self {
            page: mind.page,
            transparent: reading.transparent,
            snow: mind.snow,
            horizon,
            foot: if mind.afloat { 0.8 } else { 0.9 },
            sky: if flat { (sky.0, sky.0) } else { sky },
            ground: ground.filter(|_| !mind.page && !mind.aloft),
            water: water.filter(|_| !mind.aloft),
            road: given(Feature::Road, [96, 96, 102]),
            mountains: given(Feature::Mountain, dim([120, 132, 158])),
            hills: given(Feature::Hill, dim([128, 176, 104])),
            forest: given(Feature::Forest, dim(forest)),
            city: given(Feature::City, dim([112, 122, 146])),
            bricks: reading.has(Feature::Wall) && reading.colour_of(Feature::Wall).is_none(),
            stars: (mind.night || mind.space) && !mind.page,
            bubbles: mind.underwater,
            rain: reading.has(Feature::Rain),
            meadow: ground.is_some()
                && !mind.snow
                && !mind.indoors
                && !reading.has(Feature::Desert),
        }
    }
}

/// What the prompt implies, before colours.
struct Mind<'a> {
    reading: &'a Reading,
    page: bool,
    night: bool,
    space: bool,
    underwater: bool,
    snow: bool,
    indoors: bool,
    water: bool,
    /// A boat carries the scene.
    afloat: bool,
    /// Nothing in the picture stands.
    aloft: bool,
}

impl<'a> Mind<'a> {
    fn of(reading: &'a Reading) -> Self {
        let shows = |kind| reading.subjects.iter().any(|s| s.kind == kind);
        let homed = |home| {
            reading
                .subjects
                .iter()
                .any(|s| subjects::home(s.kind) == home)
        };
        let only = |home| {
            reading
                .subjects
                .iter()
                .all(|s| subjects::home(s.kind) == home)
        };
        let bare = reading
            .surroundings
            .iter()
            .all(|s| s.feature == Feature::Background);
        let outdoors =
            homed(Home::Land) || homed(Home::Air) || homed(Home::Heaven) || homed(Home::Water);
        let page = bare
            && !reading.subjects.is_empty()
            && (reading.style == Style::Minimal
                || reading.transparent
                || reading.has(Feature::Background)
                || only(Home::Page));
        let day = [
            Feature::Sunset,
            Feature::Sky,
            Feature::Underwater,
            Feature::Snow,
            Feature::Rain,
        ]
        .iter()
        .any(|f| reading.has(*f))
            || shows(Kind::Sun)
            || shows(Kind::Rainbow)
            || shows(Kind::Cloud);
        let space = reading.has(Feature::Space) || (bare && shows(Kind::Rocket));
        let night =
            reading.has(Feature::Night) || (!day && (shows(Kind::Moon) || shows(Kind::Star)));
        let fish = shows(Kind::Fish) && !shows(Kind::Boat);
        let underwater = reading.has(Feature::Underwater) || fish;
        let indoors = reading.has(Feature::Wall)
            || reading.has(Feature::Table)
            || (bare && homed(Home::Table) && !outdoors);
        let water = (reading.has(Feature::Water) || shows(Kind::Boat)) && !underwater;
        let grounded = homed(Home::Land) || homed(Home::Table);
        let floor = [
            Feature::Grass,
            Feature::Snow,
            Feature::Desert,
            Feature::Road,
            Feature::Hill,
            Feature::Mountain,
            Feature::City,
            Feature::Forest,
            Feature::Table,
            Feature::Wall,
            Feature::Water,
        ]
        .iter()
        .any(|f| reading.has(*f));
        Self {
            reading,
            page,
            night,
            space,
            underwater,
            snow: reading.has(Feature::Snow),
            indoors,
            water,
            afloat: shows(Kind::Boat) || (water && !reading.has(Feature::Desert)),
            aloft: !floor && !grounded && !water && !underwater && (homed(Home::Air) || space),
        }
    }

    /// The colours above and at the horizon, and whether they were given and stay as they are.
    fn sky(&self) -> ((Rgb, Rgb), bool) {
        let reading = self.reading;
        let given = [
            Feature::Background,
            Feature::Wall,
            Feature::Sky,
            Feature::Night,
            Feature::Sunset,
            Feature::Space,
            Feature::Underwater,
        ]
        .into_iter()
        .find_map(|f| reading.colour_of(f))
        .or_else(|| {
            reading
                .colour_of(Feature::Water)
                .filter(|_| self.underwater)
        });
        if let Some(colour) = given {
            return ((colour, colour), true);
        }
        let pair = if self.page {
            let paper = if reading.named().contains(&[255, 255, 255]) {
                [226, 232, 238]
            } else {
                [255, 255, 255]
            };
            let tint = if reading.style == Style::Minimal {
                paper
            } else {
                [246, 242, 234]
            };
            (tint, tint)
        } else if self.underwater {
            ([64, 162, 190], [10, 62, 106])
        } else if self.space {
            ([10, 10, 28], [36, 24, 66])
        } else if reading.has(Feature::Sunset) {
            ([92, 66, 128], [252, 170, 104])
        } else if self.night {
            ([14, 22, 54], [52, 66, 112])
        } else if self.indoors {
            ([236, 226, 210], [244, 236, 224])
        } else if self.snow {
            ([190, 208, 226], [236, 241, 246])
        } else if reading.has(Feature::Rain) {
            ([132, 146, 162], [186, 196, 206])
        } else if reading.has(Feature::Desert) && !self.water {
            ([142, 196, 226], [250, 226, 184])
        } else {
            ([142, 198, 236], [224, 240, 248])
        };
        let dark = reading.surrounding(Feature::Sky).is_some_and(|s| s.dark);
        let pair = if dark {
            (darker(pair.0, 0.5), darker(pair.1, 0.4))
        } else {
            pair
        };
        (pair, reading.style == Style::Minimal)
    }

    fn ground(&self) -> Option<Rgb> {
        let reading = self.reading;
        if self.space || self.water {
            return reading.colour_of(Feature::Snow);
        }
        let given = [
            Feature::Snow,
            Feature::Desert,
            Feature::Grass,
            Feature::Hill,
            Feature::Table,
        ]
        .into_iter()
        .find_map(|f| reading.colour_of(f));
        let own = if self.underwater {
            [206, 186, 132]
        } else if self.snow {
            [242, 246, 250]
        } else if reading.has(Feature::Desert) {
            [232, 198, 134]
        } else if reading.has(Feature::Table) || (self.indoors && !reading.has(Feature::Wall)) {
            [166, 118, 78]
        } else if reading.has(Feature::Wall) {
            [178, 168, 156]
        } else if reading.has(Feature::City) {
            [140, 142, 148]
        } else {
            [134, 180, 98]
        };
        let own = if self.night && !self.indoors {
            mix(own, [20, 28, 58], 0.5)
        } else {
            own
        };
        Some(given.unwrap_or(own))
    }
}
