//! The last touch of a style: paper, light at the edges.

#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "tiles of some dozens of pixels, and opacities of 0 to 255"
)]

use tiny_skia::{
    BlendMode, Color, FilterQuality, GradientStop, Paint, Pattern, Pixmap, Point,
    PremultipliedColorU8, RadialGradient, Rect, SpreadMode, Transform,
};

use super::dice::Dice;
use super::prompt::{Reading, Style};

/// The side of the tile of noise that is spread over the sheet.
const TILE: u32 = 48;

/// Finishes a sheet. `strength` is 0 for nothing to 1.
///
/// What is transparent stays so. A colour moves by less than 20 of 442 steps, save in the corners
/// of a photo.
pub(super) fn apply(sheet: &mut Pixmap, reading: &Reading, dice: &Dice, strength: f32) {
    if strength <= 0.0 {
        return;
    }
    match reading.style {
        Style::Watercolour => {
            let short = sheet.width().min(sheet.height()) as f32;
            texture(sheet, &mut dice.part("wash"), short / 9.0, 13.0 * strength);
            texture(
                sheet,
                &mut dice.part("paper"),
                (short / 420.0).max(0.7),
                12.0 * strength,
            );
        }
        Style::Pencil => {
            let short = sheet.width().min(sheet.height()) as f32;
            texture(
                sheet,
                &mut dice.part("paper"),
                (short / 420.0).max(0.7),
                10.0 * strength,
            );
        }
        Style::Photo => vignette(sheet, 0.34 * strength),
        Style::Plain | Style::Pixels | Style::Minimal => {}
    }
}

/// Spreads noise in which each grain is some pixels wide and at most so many steps strong.
fn texture(sheet: &mut Pixmap, dice: &mut Dice, grain: f32, strength: f32) {
    let Some(mut tile) = Pixmap::new(TILE, TILE) else {
        return;
    };
    for pixel in tile.pixels_mut() {
        let value = dice.between(-strength, strength);
        let alpha = value.abs() as u8;
        let shade = if value > 0.0 { alpha } else { 0 };
        *pixel = PremultipliedColorU8::from_rgba(shade, shade, shade, alpha)
            .unwrap_or(PremultipliedColorU8::TRANSPARENT);
    }
    let shift = Transform::from_scale(grain, grain);
    let shader = Pattern::new(
        tile.as_ref(),
        SpreadMode::Repeat,
        FilterQuality::Bilinear,
        1.0,
        shift,
    );
    spread(
        sheet,
        &Paint {
            shader,
            blend_mode: BlendMode::SourceAtop,
            ..Paint::default()
        },
    );
}

fn vignette(sheet: &mut Pixmap, strength: f32) {
    let (w, h) = (sheet.width() as f32, sheet.height() as f32);
    let centre = Point::from_xy(w / 2.0, h / 2.0);
    let dark = |opacity: f32| {
        let mut colour = Color::BLACK;
        colour.set_alpha(opacity.clamp(0.0, 1.0));
        colour
    };
    let stops = vec![
        GradientStop::new(0.0, dark(0.0)),
        GradientStop::new(0.62, dark(0.0)),
        GradientStop::new(1.0, dark(strength)),
    ];
    let radius = w.hypot(h) / 2.0;
    let gradient = RadialGradient::new(
        centre,
        0.0,
        centre,
        radius,
        stops,
        SpreadMode::Pad,
        Transform::identity(),
    );
    if let Some(shader) = gradient {
        spread(
            sheet,
            &Paint {
                shader,
                blend_mode: BlendMode::SourceAtop,
                ..Paint::default()
            },
        );
    }
}

fn spread(sheet: &mut Pixmap, paint: &Paint<'_>) {
    if let Some(rect) = Rect::from_xywh(0.0, 0.0, sheet.width() as f32, sheet.height() as f32) {
        sheet.fill_rect(rect, paint, Transform::identity(), None);
    }
}
