//! The shapes of things. Each is drawn in the square of its brush, standing on its lower side.

mod animals;
mod emblems;
mod flyers;
mod objects;
mod plants;
mod structures;

use super::brush::Brush;
use super::colour::Rgb;
use super::prompt::Kind;

/// Where a thing belongs in a scene.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Home {
    Heaven,
    Air,
    Land,
    Water,
    Table,
    Page,
}

/// The home of a kind of thing.
pub(super) fn home(kind: Kind) -> Home {
    match kind {
        Kind::Sun | Kind::Moon | Kind::Star | Kind::Cloud | Kind::Rainbow => Home::Heaven,
        Kind::Bird | Kind::Balloon | Kind::Butterfly | Kind::Plane | Kind::Rocket => Home::Air,
        Kind::Boat | Kind::Fish => Home::Water,
        Kind::Apple | Kind::Cup | Kind::Book | Kind::Fruit => Home::Table,
        Kind::Circle
        | Kind::Diamond
        | Kind::Heart
        | Kind::Leaf
        | Kind::Square
        | Kind::Triangle
        | Kind::Thing(_) => Home::Page,
        _ => Home::Land,
    }
}

/// The size of a thing beside others, where 1 is a large animal.
pub(super) fn size(kind: Kind) -> f32 {
    match kind {
        Kind::Castle => 1.5,
        Kind::House | Kind::Tree | Kind::Pine => 1.3,
        Kind::Horse | Kind::Car | Kind::Bicycle | Kind::Boat => 1.05,
        Kind::Fox | Kind::Dog | Kind::Person => 0.95,
        Kind::Cat => 0.85,
        Kind::Rabbit | Kind::Mushroom | Kind::Cup => 0.75,
        Kind::Flower | Kind::Apple | Kind::Fruit | Kind::Book => 0.7,
        _ => 1.0,
    }
}

/// The colour of a thing whose colour nobody gave. `turn` tells several apart.
pub(super) fn own_colour(kind: Kind, turn: usize) -> Rgb {
    let pick = |colours: &[Rgb]| {
        let bound = colours.len().max(1);
        colours.get(turn % bound).copied().unwrap_or([90, 120, 160])
    };
    match kind {
        Kind::Apple => pick(&[[208, 48, 52], [126, 176, 64]]),
        Kind::Balloon => pick(&[
            [222, 72, 76],
            [250, 190, 64],
            [70, 140, 200],
            [120, 180, 110],
        ]),
        Kind::Bicycle => [46, 110, 140],
        Kind::Bird => pick(&[[72, 120, 176], [206, 96, 72], [120, 110, 160]]),
        Kind::Boat => pick(&[[172, 72, 60], [60, 92, 130]]),
        Kind::Book => pick(&[[120, 52, 60], [48, 90, 110]]),
        Kind::Butterfly => pick(&[[232, 140, 52], [110, 120, 210], [210, 90, 140]]),
        Kind::Car => pick(&[[206, 62, 56], [58, 116, 170], [240, 190, 70]]),
        Kind::Castle => [168, 160, 156],
        Kind::Cat => pick(&[[142, 124, 110], [70, 68, 76], [216, 150, 88]]),
        Kind::Circle => pick(&[[226, 96, 82], [70, 130, 180], [245, 190, 80]]),
        Kind::Cloud => [250, 251, 253],
        Kind::Cup => pick(&[[236, 228, 214], [176, 70, 56]]),
        Kind::Diamond => [96, 196, 216],
        Kind::Dog => pick(&[[176, 124, 76], [96, 80, 70], [216, 190, 150]]),
        Kind::Fish => pick(&[[246, 146, 52], [90, 160, 210], [240, 210, 90]]),
        Kind::Flower => pick(&[
            [226, 80, 110],
            [246, 190, 60],
            [150, 110, 200],
            [240, 120, 70],
        ]),
        Kind::Fox => [222, 108, 38],
        Kind::Fruit => [246, 152, 40],
        Kind::Heart => pick(&[[220, 50, 70], [240, 120, 150]]),
        Kind::Horse => pick(&[[126, 78, 46], [70, 56, 50]]),
        Kind::House => pick(&[[224, 196, 156], [190, 110, 90], [160, 180, 190]]),
        Kind::Leaf => [84, 150, 70],
        Kind::Moon => [246, 236, 196],
        Kind::Mushroom => [206, 58, 48],
        Kind::Person => pick(&[[64, 108, 160], [190, 80, 70], [90, 140, 100]]),
        Kind::Pine => pick(&[[46, 98, 74], [58, 114, 82]]),
        Kind::Plane => [226, 230, 236],
        Kind::Rabbit => pick(&[[190, 172, 156], [238, 234, 230]]),
        Kind::Rainbow => [226, 70, 70],
        Kind::Rocket => [232, 234, 240],
        Kind::Square => pick(&[[80, 130, 180], [230, 150, 70]]),
        Kind::Star => [255, 214, 84],
        Kind::Sun => [255, 196, 56],
        Kind::Tree => pick(&[[92, 150, 76], [70, 130, 72], [122, 164, 82]]),
        Kind::Triangle => pick(&[[86, 160, 130], [220, 110, 90]]),
        Kind::Thing(_) => [120, 110, 170],
    }
}

/// Draws a thing in the brush's square.
pub(super) fn paint(brush: &mut Brush<'_>, kind: Kind, main: Rgb) {
    match kind {
        Kind::Apple => objects::apple(brush, main),
        Kind::Balloon => flyers::balloon(brush, main),
        Kind::Bicycle => objects::bicycle(brush, main),
        Kind::Bird => flyers::bird(brush, main),
        Kind::Boat => objects::boat(brush, main),
        Kind::Book => objects::book(brush, main),
        Kind::Butterfly => flyers::butterfly(brush, main),
        Kind::Car => objects::car(brush, main),
        Kind::Castle => structures::castle(brush, main),
        Kind::Cat => animals::cat(brush, main),
        Kind::Circle => brush.disc(0.0, 0.0, 0.42, main),
        Kind::Cloud => emblems::cloud(brush, main),
        Kind::Cup => objects::cup(brush, main),
        Kind::Diamond => emblems::diamond(brush, main),
        Kind::Dog => animals::dog(brush, main),
        Kind::Fish => animals::fish(brush, main),
        Kind::Flower => plants::flower(brush, main),
        Kind::Fox => animals::fox(brush, main),
        Kind::Fruit => objects::fruit(brush, main),
        Kind::Heart => emblems::heart(brush, main),
        Kind::Horse => animals::horse(brush, main),
        Kind::House => structures::house(brush, main),
        Kind::Leaf => plants::leaf(brush, main),
        Kind::Moon => emblems::moon(brush, main),
        Kind::Mushroom => plants::mushroom(brush, main),
        Kind::Person => structures::person(brush, main),
        Kind::Pine => plants::pine(brush, main, false),
        Kind::Plane => flyers::plane(brush, main),
        Kind::Rabbit => animals::rabbit(brush, main),
        Kind::Rainbow => emblems::rainbow(brush, main),
        Kind::Rocket => flyers::rocket(brush, main),
        Kind::Square => brush.bar(-0.38, -0.38, 0.76, 0.76, main),
        Kind::Star => emblems::star(brush, main),
        Kind::Sun => emblems::sun(brush, main),
        Kind::Tree => plants::tree(brush, main),
        Kind::Triangle => brush.shape(&[(0.0, -0.42), (0.46, 0.4), (-0.46, 0.4)], main),
        Kind::Thing(seed) => emblems::thing(brush, main, seed),
    }
}

/// A pine that bears snow, for snowy woods.
pub(super) fn snowy_pine(brush: &mut Brush<'_>, main: Rgb) {
    plants::pine(brush, main, true);
}
