//! Signs and things of the sky.

#![allow(
    clippy::cast_precision_loss,
    reason = "counters of a few points of a shape"
)]

use std::f32::consts::TAU;

use super::super::brush::Brush;
use super::super::colour::{Rgb, darker, lighter, of_hue};

pub(super) fn star(b: &mut Brush<'_>, main: Rgb) {
    b.shape(&spikes(5, 0.48, 0.21), main);
}

pub(super) fn sun(b: &mut Brush<'_>, main: Rgb) {
    b.plainly().glow(0.0, 0.0, 0.5, main, 0.18);
    b.shape(&spikes(14, 0.48, 0.37), lighter(main, 0.25));
    b.disc(0.0, 0.0, 0.35, main);
}

pub(super) fn moon(b: &mut Brush<'_>, main: Rgb) {
    let mut points = Vec::new();
    for step in 0..=24 {
        let turn = TAU * (0.11 + 0.78 * step as f32 / 24.0) - 0.35;
        points.push((0.42 * turn.cos(), 0.42 * turn.sin()));
    }
    for step in 0..=24 {
        let turn = TAU * (0.165 + 0.67 * (24 - step) as f32 / 24.0) - 0.35;
        points.push((0.18 * 0.94 + 0.34 * turn.cos(), -0.06 + 0.34 * turn.sin()));
    }
    b.shape(&points, main);
}

pub(super) fn cloud(b: &mut Brush<'_>, main: Rgb) {
    let mut soft = b.plainly();
    soft.blob(
        &[
            (-0.46, 0.2),
            (-0.5, 0.02),
            (-0.3, -0.1),
            (0.3, -0.08),
            (0.5, 0.02),
            (0.46, 0.2),
            (0.3, 0.25),
            (-0.3, 0.25),
        ],
        main,
    );
    soft.disc(-0.22, -0.02, 0.17, main);
    soft.disc(0.02, -0.1, 0.22, main);
    soft.disc(0.25, 0.0, 0.16, main);
}

pub(super) fn rainbow(b: &mut Brush<'_>, first: Rgb) {
    let bands = [
        first,
        [240, 150, 60],
        [250, 220, 80],
        [100, 180, 90],
        [80, 140, 210],
        [130, 90, 180],
    ];
    for (turn, colour) in bands.iter().enumerate() {
        let radius = 0.47 - 0.045 * turn as f32;
        let arc: Vec<(f32, f32)> = (0..=32)
            .map(|step| {
                let angle = TAU * (0.5 + 0.5 * step as f32 / 32.0);
                (radius * angle.cos(), 0.25 + radius * angle.sin())
            })
            .collect();
        b.plainly().line(&arc, 0.048, *colour);
    }
}

pub(super) fn heart(b: &mut Brush<'_>, main: Rgb) {
    let points: Vec<(f32, f32)> = (0..48)
        .map(|step| {
            let t = TAU * step as f32 / 48.0;
            let x = 16.0 * t.sin().powi(3);
            let y =
                13.0 * t.cos() - 5.0 * (2.0 * t).cos() - 2.0 * (3.0 * t).cos() - (4.0 * t).cos();
            (x * 0.028, -y * 0.028 - 0.06)
        })
        .collect();
    b.shape(&points, main);
}

pub(super) fn diamond(b: &mut Brush<'_>, main: Rgb) {
    b.shape(
        &[
            (-0.25, -0.34),
            (0.25, -0.34),
            (0.45, -0.1),
            (0.0, 0.44),
            (-0.45, -0.1),
        ],
        main,
    );
    let mut facets = b.plainly();
    facets.shape(
        &[(-0.25, -0.34), (0.0, -0.34), (-0.16, -0.1), (-0.45, -0.1)],
        lighter(main, 0.4),
    );
    facets.shape(
        &[(0.16, -0.1), (0.45, -0.1), (0.0, 0.44)],
        darker(main, 0.25),
    );
}

/// A thing without a shape of its own gets one that its name decides.
pub(super) fn thing(b: &mut Brush<'_>, main: Rgb, seed: u64) {
    let bits = |shift: u32, bound: u64| ((seed >> shift) % bound) as f32;
    let lobes = 3.0 + bits(3, 5);
    let swell = 0.05 + 0.02 * bits(11, 5);
    let lean = TAU * bits(17, 64) / 64.0;
    let points: Vec<(f32, f32)> = (0..60)
        .map(|step| {
            let t = TAU * step as f32 / 60.0;
            let r = 0.36 + swell * (lobes * t + lean).sin();
            (r * t.cos(), r * t.sin())
        })
        .collect();
    b.blob(&points, main);
    let mark = of_hue(bits(23, 100) / 100.0, 0.45, 0.75);
    b.plainly()
        .oval(-0.1, -0.12, 0.07, 0.045, lighter(main, 0.55));
    b.plainly().disc(0.1, 0.1, 0.05, mark);
}

fn spikes(count: usize, outer: f32, inner: f32) -> Vec<(f32, f32)> {
    (0..count * 2)
        .map(|step| {
            let angle = TAU * (step as f32 / (count * 2) as f32 - 0.25);
            let radius = if step % 2 == 0 { outer } else { inner };
            (radius * angle.cos(), radius * angle.sin())
        })
        .collect()
}
