//! Plants.

#![allow(
    clippy::cast_precision_loss,
    reason = "counters of a few petals and tiers"
)]

use std::f32::consts::TAU;

use super::super::brush::Brush;
use super::super::colour::{Rgb, darker, lighter};

const BARK: Rgb = [112, 78, 54];
const STEM: Rgb = [78, 140, 70];

pub(super) fn tree(b: &mut Brush<'_>, main: Rgb) {
    b.shape(
        &[(-0.06, 0.08), (0.06, 0.08), (0.085, 0.5), (-0.085, 0.5)],
        BARK,
    );
    b.blob(
        &[
            (-0.2, -0.42),
            (0.06, -0.54),
            (0.28, -0.4),
            (0.46, -0.2),
            (0.42, 0.06),
            (0.2, 0.2),
            (-0.14, 0.2),
            (-0.4, 0.1),
            (-0.48, -0.14),
            (-0.34, -0.3),
        ],
        main,
    );
    let mut leaves = b.plainly();
    leaves.disc(-0.16, -0.24, 0.1, lighter(main, 0.18));
    leaves.disc(0.14, -0.08, 0.08, darker(main, 0.14));
    leaves.disc(0.12, -0.32, 0.06, lighter(main, 0.12));
}

pub(super) fn pine(b: &mut Brush<'_>, main: Rgb, snowy: bool) {
    b.bar(-0.045, 0.3, 0.09, 0.2, BARK);
    for tier in (0..4).rev() {
        let top = -0.5 + 0.16 * tier as f32;
        let low = top + 0.36;
        let half = 0.15 + 0.075 * tier as f32;
        b.shape(
            &[
                (0.0, top),
                (half, low),
                (half * 0.5, low - 0.035),
                (0.0, low),
                (-half * 0.5, low - 0.035),
                (-half, low),
            ],
            darker(main, 0.07 * tier as f32),
        );
        if snowy {
            let snow = [246, 249, 252];
            let mut cap = b.plainly();
            for side in [-1.0, 1.0] {
                let (far, near) = (side * half, side * half * 0.42);
                cap.shape(
                    &[
                        (far, low),
                        (near, low - 0.2),
                        (side * half * 0.5, low - 0.11),
                        (side * half * 0.66, low - 0.09),
                    ],
                    snow,
                );
            }
            if tier == 0 {
                cap.shape(
                    &[
                        (0.0, top),
                        (half * 0.45, low - 0.2),
                        (0.0, low - 0.22),
                        (-half * 0.45, low - 0.2),
                    ],
                    snow,
                );
            }
        }
    }
}

pub(super) fn flower(b: &mut Brush<'_>, main: Rgb) {
    b.line(&[(0.0, -0.1), (0.02, 0.2), (0.0, 0.5)], 0.035, STEM);
    b.blob(
        &[(0.01, 0.34), (0.1, 0.16), (0.26, 0.14), (0.2, 0.28)],
        STEM,
    );
    b.blob(
        &[(0.0, 0.42), (-0.1, 0.24), (-0.26, 0.22), (-0.2, 0.36)],
        STEM,
    );
    for petal in 0..8 {
        let angle = TAU * petal as f32 / 8.0;
        b.disc(0.19 * angle.cos(), -0.2 + 0.19 * angle.sin(), 0.11, main);
    }
    b.disc(
        0.0,
        -0.2,
        0.11,
        if main == [246, 190, 60] {
            [120, 78, 40]
        } else {
            [250, 200, 70]
        },
    );
}

pub(super) fn leaf(b: &mut Brush<'_>, main: Rgb) {
    let mut b = b.turned(0.0, 0.0, 1.0, 35.0);
    b.line(&[(0.0, 0.3), (0.0, 0.5)], 0.035, darker(main, 0.25));
    b.blob(
        &[
            (0.0, -0.62),
            (0.16, -0.36),
            (0.3, -0.08),
            (0.2, 0.26),
            (0.0, 0.42),
            (-0.2, 0.26),
            (-0.3, -0.08),
            (-0.16, -0.36),
        ],
        main,
    );
    let mut veins = b.plainly();
    let pale = lighter(main, 0.45);
    veins.line(&[(0.0, -0.36), (0.0, 0.34)], 0.016, pale);
    for step in 0..4 {
        let y = -0.16 + 0.13 * step as f32;
        veins.line(&[(0.0, y + 0.06), (0.15, y - 0.06)], 0.01, pale);
        veins.line(&[(0.0, y + 0.06), (-0.15, y - 0.06)], 0.01, pale);
    }
}

pub(super) fn mushroom(b: &mut Brush<'_>, main: Rgb) {
    b.blob(
        &[
            (-0.12, 0.0),
            (0.12, 0.0),
            (0.12, 0.3),
            (0.16, 0.52),
            (-0.16, 0.52),
            (-0.12, 0.3),
        ],
        [240, 228, 208],
    );
    b.blob(
        &[
            (-0.46, 0.14),
            (-0.44, -0.16),
            (-0.2, -0.44),
            (0.2, -0.44),
            (0.44, -0.16),
            (0.46, 0.14),
            (0.0, 0.08),
        ],
        main,
    );
    let mut dots = b.plainly();
    for (x, y, r) in [
        (-0.18, -0.14, 0.06),
        (0.08, -0.26, 0.05),
        (0.2, -0.06, 0.065),
        (-0.03, 0.0, 0.04),
        (-0.28, 0.02, 0.04),
    ] {
        dots.disc(x, y, r, [250, 244, 236]);
    }
}
