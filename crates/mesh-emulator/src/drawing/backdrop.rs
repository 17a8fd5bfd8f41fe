//! What is behind, under and over the things of a scene.

#![allow(
    clippy::cast_precision_loss,
    reason = "counters of a few hills, windows and flakes"
)]

use tiny_skia::{
    Color, GradientStop, LinearGradient, Paint, Pixmap, Point, Rect, SpreadMode, Transform,
};

use super::brush::{Brush, Hand};
use super::colour::{self, Rgb, darker, lighter, mix};
use super::dice::Dice;
use super::prompt::Kind;
use super::setting::Setting;
use super::subjects;

/// Covers the whole sheet.
pub(super) fn sky(sheet: &mut Pixmap, hand: Hand, named: &[Rgb], setting: &Setting, dice: &Dice) {
    let (width, height) = (sheet.width() as f32, sheet.height() as f32);
    let (above, below) = setting.sky;
    let paper = hand == Hand::Pencil && !named.contains(&above);
    let (above, below) = if paper {
        ([251, 250, 246], [251, 250, 246])
    } else {
        (above, below)
    };
    cover(sheet, above, below, height * setting.horizon);
    let mut brush = Brush::new(sheet, hand, named);
    let mut brush = brush.plainly();
    let short = width.min(height);
    if hand == Hand::Wet && above != below {
        let mut dice = dice.part("washes");
        for _ in 0..9 {
            let tint = if dice.below(2) == 0 {
                lighter(above, 0.5)
            } else {
                mix(above, below, 0.3)
            };
            let at = (dice.between(0.0, width), dice.between(0.0, height * 0.7));
            let size = dice.between(0.12, 0.3) * short;
            for ring in 0..4 {
                let size = size * (1.0 - 0.14 * ring as f32);
                brush.veil(at, (size * 1.8, size), tint, 0.11);
            }
        }
    }
    if setting.stars && !paper {
        let mut dice = dice.part("stars");
        for _ in 0..70 {
            let (x, y) = (
                dice.between(0.0, width),
                dice.between(0.0, height * setting.horizon),
            );
            brush.glow(
                x,
                y,
                short * dice.between(0.0012, 0.004),
                [255, 252, 236],
                dice.between(0.5, 1.0),
            );
        }
    }
    if setting.bricks {
        let mut dice = dice.part("bricks");
        for row in 0..9 {
            for column in 0..8 {
                if dice.below(4) == 0 {
                    let x = (column as f32 + if row % 2 == 0 { 0.0 } else { 0.5 }) * width / 8.0;
                    brush.bar(
                        x,
                        row as f32 * height / 13.0,
                        width / 8.4,
                        height / 14.0,
                        darker(below, 0.06),
                    );
                }
            }
        }
    }
}

fn cover(sheet: &mut Pixmap, above: Rgb, below: Rgb, reach: f32) {
    let solid = |[r, g, b]: Rgb| Color::from_rgba8(r, g, b, 255);
    let gradient = LinearGradient::new(
        Point::from_xy(0.0, 0.0),
        Point::from_xy(0.0, reach.max(1.0)),
        vec![
            GradientStop::new(0.0, solid(above)),
            GradientStop::new(1.0, solid(below)),
        ],
        SpreadMode::Pad,
        Transform::identity(),
    );
    let rect = Rect::from_xywh(0.0, 0.0, sheet.width() as f32, sheet.height() as f32);
    match (gradient, rect) {
        (Some(shader), Some(rect)) if above != below => {
            let paint = Paint {
                shader,
                ..Paint::default()
            };
            sheet.fill_rect(rect, &paint, Transform::identity(), None);
        }
        _ => sheet.fill(solid(above)),
    }
}

/// Draws what lies between the sky and the things that stand in the scene.
pub(super) fn land(brush: &mut Brush<'_>, (w, h): (f32, f32), setting: &Setting, dice: &Dice) {
    if setting.page {
        return;
    }
    let brush = &mut brush.plainly();
    let line = h * setting.horizon.min(0.8);
    if let Some(colour) = setting.mountains {
        mountains(brush, (w, h), line, colour, &mut dice.part("mountains"));
    }
    if let Some(colour) = setting.city {
        city(brush, (w, h), line, colour, &mut dice.part("city"));
    }
    if let Some(colour) = setting.hills {
        let far = mix(colour, setting.sky.1, 0.35);
        hill(brush, (w, h), line - 0.1 * h, far, 0.3);
        hill(brush, (w, h), line - 0.05 * h, colour, 1.9);
    }
    if let Some(colour) = setting.forest {
        forest(
            brush,
            (w, h),
            line,
            colour,
            setting,
            &mut dice.part("forest"),
        );
    }
    if let Some(colour) = setting.ground.filter(|_| setting.horizon < 1.0) {
        hill(
            brush,
            (w, h),
            line,
            colour,
            dice.part("ground").between(0.0, 6.0),
        );
        tufts(
            brush,
            (w, h),
            line,
            colour,
            setting,
            &mut dice.part("tufts"),
        );
    }
    if let Some(colour) = setting.water {
        let line = h * 0.56;
        brush.bar(0.0, line, w, h - line + 1.0, colour);
        let mut dice = dice.part("waves");
        for _ in 0..26 {
            let (x, y) = (dice.between(0.0, w), dice.between(line + 0.03 * h, h));
            let reach = 0.03 * w * (0.5 + (y - line) / h * 3.0);
            brush.line(
                &[(x, y), (x + reach, y)],
                0.006 * h.min(w),
                lighter(colour, 0.25),
            );
        }
    }
    if let Some(colour) = setting.road {
        brush.bar(0.0, h * 0.8, w, h * 0.16, colour);
        for dash in 0..8 {
            let x = (dash as f32 + 0.2) * w / 8.0;
            brush.bar(x, h * 0.873, w / 14.0, h * 0.016, [244, 240, 226]);
        }
    }
}

fn mountains(brush: &mut Brush<'_>, (w, h): (f32, f32), line: f32, colour: Rgb, dice: &mut Dice) {
    for peak in 0..4 {
        let x = w * (0.12 + 0.26 * peak as f32 + dice.between(-0.05, 0.05));
        let top = line - h * dice.between(0.26, 0.44);
        let half = w * dice.between(0.22, 0.3);
        let foot = line + 0.03 * h;
        brush.shape(
            &[(x - half, foot), (x, top), (x + half, foot)],
            if peak % 2 == 0 {
                colour
            } else {
                darker(colour, 0.12)
            },
        );
        let cap = (line - top) * 0.26;
        let lean = half * cap / (foot - top);
        brush.shape(
            &[
                (x, top),
                (x + lean, top + cap),
                (x + lean * 0.35, top + cap * 0.75),
                (x, top + cap * 1.1),
                (x - lean * 0.4, top + cap * 0.7),
                (x - lean, top + cap),
            ],
            [248, 250, 252],
        );
    }
}

fn city(brush: &mut Brush<'_>, (w, h): (f32, f32), line: f32, colour: Rgb, dice: &mut Dice) {
    for block in 0..11 {
        let x = w * (block as f32 - 0.3) / 10.5;
        let wide = w * dice.between(0.075, 0.11);
        let top = line - h * dice.between(0.14, 0.42);
        let wall = if block % 3 == 0 {
            colour
        } else {
            mix(colour, darker(colour, 0.3), dice.between(0.1, 1.0))
        };
        brush.bar(x, top, wide, line - top + 0.05 * h, wall);
        let lit = [252, 224, 140];
        for floor in 0..8 {
            for window in 0..3 {
                let y = top + h * (0.018 + 0.04 * floor as f32);
                if y < line - 0.02 * h && dice.below(5) < 2 {
                    let x = x + wide * (0.14 + 0.28 * window as f32);
                    brush.bar(x, y, wide * 0.16, h * 0.018, lit);
                }
            }
        }
    }
}

fn forest(
    brush: &mut Brush<'_>,
    (w, h): (f32, f32),
    line: f32,
    colour: Rgb,
    setting: &Setting,
    dice: &mut Dice,
) {
    let near = colour;
    for (layer, count, size) in [(0, 11, 0.34), (1, 8, 0.46)] {
        let tint = if layer == 0 {
            mix(near, setting.sky.1, 0.45)
        } else {
            near
        };
        for tree in 0..count {
            let x = w * (tree as f32 + 0.5 + dice.between(-0.25, 0.25)) / count as f32;
            let centred = (x / w - 0.5).abs();
            if layer == 1 && centred < 0.16 {
                continue;
            }
            let side = h.min(w * 1.4) * size * dice.between(0.85, 1.15);
            let foot = line + h * (0.055 + 0.04 * layer as f32);
            let mut square = brush.placed(x, foot - side * 0.5, side);
            if setting.snow && layer == 1 {
                subjects::snowy_pine(&mut square, tint);
            } else {
                subjects::paint(&mut square, Kind::Pine, tint);
            }
        }
    }
}

/// Ground with a gently waving upper edge.
fn hill(brush: &mut Brush<'_>, (w, h): (f32, f32), line: f32, colour: Rgb, phase: f32) {
    let mut points: Vec<(f32, f32)> = (0..=24)
        .map(|step| {
            let t = step as f32 / 24.0;
            (
                t * w,
                line + h * 0.022 * ((t * 5.2 + phase).sin() + 0.5 * (t * 11.0 + phase * 2.0).sin()),
            )
        })
        .collect();
    points.extend([(w + 1.0, h + 1.0), (-1.0, h + 1.0)]);
    brush.shape(&points, colour);
}

fn tufts(
    brush: &mut Brush<'_>,
    (w, h): (f32, f32),
    line: f32,
    colour: Rgb,
    setting: &Setting,
    dice: &mut Dice,
) {
    let short = w.min(h);
    let shade = if setting.snow {
        mix(colour, [150, 176, 206], 0.4)
    } else {
        darker(colour, 0.16)
    };
    for _ in 0..22 {
        let (x, y) = (dice.between(0.0, w), dice.between(line + 0.07 * h, h));
        let size = short * dice.between(0.008, 0.018);
        if setting.meadow {
            brush.line(
                &[
                    (x - size, y - size * 1.4),
                    (x, y),
                    (x + size * 0.6, y - size * 1.7),
                ],
                size * 0.28,
                shade,
            );
        } else if setting.snow || setting.bubbles {
            brush.veil((x, y), (size * 4.0, size * 0.5), shade, 0.35);
        }
    }
}

/// Draws what falls or rises in front of everything.
pub(super) fn weather(brush: &mut Brush<'_>, (w, h): (f32, f32), setting: &Setting, dice: &Dice) {
    let brush = &mut brush.plainly();
    let short = w.min(h);
    let mut dice = dice.part("weather");
    if setting.snow {
        for _ in 0..150 {
            let (x, y) = (dice.between(0.0, w), dice.between(0.0, h));
            let size = short * dice.between(0.002, 0.0075);
            brush.glow(x, y, size, [255, 255, 255], dice.between(0.55, 0.95));
        }
    }
    if setting.rain {
        for _ in 0..90 {
            let (x, y) = (dice.between(0.0, w), dice.between(-0.05 * h, h));
            let drop = colour::mix([220, 230, 240], setting.sky.1, 0.2);
            brush.line(
                &[(x, y), (x - 0.01 * short, y + 0.04 * short)],
                0.0028 * short,
                drop,
            );
        }
    }
    if setting.bubbles {
        for _ in 0..22 {
            let (x, y) = (dice.between(0.0, w), dice.between(0.0, h));
            brush.ring(
                x,
                y,
                short * dice.between(0.005, 0.016),
                short * 0.003,
                [206, 236, 244],
            );
        }
    }
}
