//! What is drawn when a prompt names nothing that has a shape: a composition from its letters.

#![allow(clippy::cast_precision_loss, reason = "counters of a few shapes")]

use super::brush::Brush;
use super::colour::{Rgb, darker, lighter, of_hue};
use super::dice::Dice;
use super::prompt::{Reading, Style};

/// Covers the sheet, unless it is to stay transparent, and draws overlapping forms on it.
pub(super) fn paint(brush: &mut Brush<'_>, (w, h): (f32, f32), reading: &Reading, dice: &Dice) {
    let mut dice = dice.part("composition");
    let hue = dice.between(0.0, 1.0);
    let spread = dice.between(0.08, 0.4);
    let mut palette: Vec<Rgb> = (0..5)
        .map(|turn| {
            let light = dice.between(0.42, 0.68);
            of_hue(hue + spread * turn as f32, dice.between(0.4, 0.75), light)
        })
        .collect();
    let mut ground = lighter(of_hue(hue + 0.5, 0.5, 0.6), 0.82);
    let mut given = reading.loose.iter().copied();
    if let Some(first) = given.next() {
        ground = first;
        let others: Vec<Rgb> = given.collect();
        palette = if others.is_empty() {
            [0.3, 0.55, 0.75]
                .iter()
                .map(|s| lighter(first, *s))
                .chain([darker(first, 0.3)])
                .collect()
        } else {
            others
        };
    }
    if !reading.transparent {
        brush.plainly().bar(0.0, 0.0, w, h, ground);
    }
    let motif = dice.below(4);
    let count = if reading.style == Style::Minimal {
        4
    } else {
        9
    };
    let reach = if reading.loose.is_empty() { 1.0 } else { 0.8 };
    let short = w.min(h);
    for turn in 0..count {
        let colour = palette
            .get(turn % palette.len().max(1))
            .copied()
            .unwrap_or(ground);
        let x = w * (dice.between(-0.02, 0.1) + 0.94 * (turn as f32 + 0.2) / count as f32);
        let y = h * dice.between(0.12, 0.88);
        let side = short * dice.between(0.2, 0.42) * reach;
        let mut square = brush.turned(x, y, side, dice.between(0.0, 360.0));
        match (motif + turn) % 4 {
            0 => square.disc(0.0, 0.0, 0.5, colour),
            1 => square.blob(
                &[
                    (-0.6, -0.2),
                    (0.1, -0.6),
                    (0.6, 0.0),
                    (0.2, 0.5),
                    (-0.4, 0.6),
                ],
                colour,
            ),
            2 => square.bar(-0.6, -0.22, 1.2, 0.44, colour),
            _ => {
                square.ring(0.0, 0.0, 0.42, 0.16, colour);
                square.disc(0.0, 0.0, 0.16, darker(colour, 0.2));
            }
        }
    }
}
