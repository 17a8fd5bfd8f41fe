//! Buildings and people.

use super::super::brush::Brush;
use super::super::colour::{Rgb, darker, lighter};

pub(super) fn house(b: &mut Brush<'_>, main: Rgb) {
    b.bar(0.16, -0.42, 0.1, 0.24, [150, 96, 80]);
    b.bar(-0.36, -0.12, 0.72, 0.62, main);
    b.shape(&[(-0.47, -0.1), (0.0, -0.5), (0.47, -0.1)], roof(main));
    b.bar(-0.08, 0.18, 0.18, 0.32, [116, 76, 52]);
    b.plainly().disc(0.07, 0.35, 0.015, [244, 210, 110]);
    for x in [-0.29, 0.17] {
        b.bar(x, 0.02, 0.14, 0.14, [250, 226, 150]);
        b.plainly().bar(x + 0.062, 0.02, 0.016, 0.14, [110, 80, 60]);
        b.plainly().bar(x, 0.082, 0.14, 0.016, [110, 80, 60]);
    }
}

pub(super) fn castle(b: &mut Brush<'_>, main: Rgb) {
    let dark = darker(main, 0.25);
    b.bar(-0.3, -0.06, 0.6, 0.56, main);
    for x in [-0.3, -0.1, 0.1] {
        b.bar(x + 0.03, -0.14, 0.1, 0.09, main);
    }
    for x in [-0.44, 0.24] {
        b.bar(x, -0.24, 0.2, 0.74, main);
        b.shape(
            &[(x - 0.04, -0.24), (x + 0.1, -0.5), (x + 0.24, -0.24)],
            roof(main),
        );
        b.plainly().bar(x + 0.075, -0.1, 0.05, 0.12, dark);
    }
    b.blob(
        &[
            (-0.12, 0.5),
            (-0.12, 0.2),
            (0.0, 0.1),
            (0.12, 0.2),
            (0.12, 0.5),
        ],
        [84, 62, 50],
    );
}

pub(super) fn person(b: &mut Brush<'_>, main: Rgb) {
    let skin = [226, 180, 146];
    b.bar(-0.11, 0.16, 0.09, 0.32, [62, 68, 88]);
    b.bar(0.02, 0.16, 0.09, 0.32, [62, 68, 88]);
    b.line(&[(-0.14, -0.16), (-0.24, 0.06), (-0.22, 0.16)], 0.075, main);
    b.line(&[(0.14, -0.16), (0.24, 0.06), (0.22, 0.16)], 0.075, main);
    b.disc(-0.22, 0.18, 0.036, skin);
    b.disc(0.22, 0.18, 0.036, skin);
    b.blob(
        &[
            (-0.22, -0.26),
            (0.22, -0.26),
            (0.19, 0.0),
            (0.2, 0.26),
            (-0.2, 0.26),
            (-0.19, 0.0),
        ],
        main,
    );
    b.disc(0.0, -0.36, 0.125, skin);
    b.plainly().blob(
        &[
            (-0.17, -0.34),
            (-0.14, -0.52),
            (0.14, -0.52),
            (0.17, -0.34),
            (0.06, -0.42),
            (-0.08, -0.43),
        ],
        [84, 58, 44],
    );
    for x in [-0.045, 0.045] {
        b.plainly().disc(x, -0.35, 0.014, [40, 34, 34]);
    }
    b.plainly().line(
        &[(-0.035, -0.3), (0.0, -0.29), (0.035, -0.3)],
        0.011,
        [150, 80, 70],
    );
}

/// A roof that stands off from its wall.
fn roof(wall: Rgb) -> Rgb {
    let [r, g, b] = wall;
    if r > 150 && r > g.saturating_add(60) && r > b.saturating_add(60) {
        return [92, 70, 66];
    }
    if g > 100 || b > 100 || r < 90 {
        return [168, 72, 58];
    }
    lighter(wall, 0.5)
}
