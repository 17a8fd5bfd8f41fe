//! A scene is laid out, drawn, finished in its style, and checked for the colours it was asked for.

#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sides are at most 8192 pixels and counts at most some dozens"
)]

use tiny_skia::{Color, FilterQuality, Paint, Pixmap, PixmapPaint, PixmapRef, Rect, Transform};

use super::brush::{Brush, Hand};
use super::colour::{self, Rgb};
use super::dice::Dice;
use super::prompt::{Kind, Place, Reading, Style, Subject};
use super::setting::Setting;
use super::subjects::{self, Home};
use super::{backdrop, composition, finish};

/// The longest side of the drafts on which shares of colours are measured.
const DRAFT_SIDE: u32 = 200;

/// The longest side of pixel art, in its own large pixels.
const BLOCKS: u32 = 72;

/// What a named colour must cover, with something to spare over the 3 % that are promised.
const SHARE: f32 = 0.036;

/// How near to a named colour a pixel counts as it.
const NEAR: f32 = 20.0;

/// Fills a sheet with what was read from a prompt.
pub(super) fn fill(sheet: &mut Pixmap, reading: &Reading, dice: &Dice) {
    if reading.style == Style::Pixels
        && let Some(mut small) = shrunk(sheet, BLOCKS)
    {
        compose(&mut small, reading, dice);
        enlarge(&small, sheet);
        return;
    }
    compose(sheet, reading, dice);
}

fn compose(sheet: &mut Pixmap, reading: &Reading, dice: &Dice) {
    let named = reading.named();
    let mut plan = Plan {
        swell: 1.0,
        texture: 1.0,
    };
    let mut missing = Vec::new();
    if !named.is_empty() {
        for (swell, texture) in [(1.0, 1.0), (1.3, 1.0), (1.6, 0.5), (1.9, 0.0)] {
            plan = Plan { swell, texture };
            let Some(mut draft) = shrunk(sheet, DRAFT_SIDE) else {
                break;
            };
            render(&mut draft, reading, dice, plan, &named);
            missing = absent(&draft, &named);
            if missing.is_empty() {
                break;
            }
        }
    }
    render(sheet, reading, dice, plan, &named);
    mat(sheet, &missing);
}

/// How large things are drawn, and how strong the texture is.
#[derive(Debug, Clone, Copy)]
struct Plan {
    swell: f32,
    texture: f32,
}

fn render(sheet: &mut Pixmap, reading: &Reading, dice: &Dice, plan: Plan, named: &[Rgb]) {
    let (width, height) = (sheet.width() as f32, sheet.height() as f32);
    let hand = match reading.style {
        Style::Watercolour => Hand::Wet,
        Style::Pencil => Hand::Pencil,
        Style::Pixels => Hand::Blocks,
        _ => Hand::Clean,
    };
    let setting = Setting::of(reading);
    if reading.subjects.is_empty() && reading.surroundings.is_empty() {
        let mut brush = Brush::new(sheet, hand, named);
        composition::paint(&mut brush, (width, height), reading, dice);
    } else {
        if !reading.transparent {
            backdrop::sky(sheet, hand, named, &setting, dice);
        }
        let layout = Layout {
            width,
            height,
            dice,
            setting: &setting,
            swell: plan.swell,
        };
        let mut brush = Brush::new(sheet, hand, named);
        layout.place(&mut brush, reading, &[Home::Heaven]);
        if !reading.transparent {
            backdrop::land(&mut brush, (width, height), &setting, dice);
        }
        layout.place(&mut brush, reading, &[Home::Water, Home::Land, Home::Table]);
        layout.place(&mut brush, reading, &[Home::Page, Home::Air]);
        if !reading.transparent {
            backdrop::weather(&mut brush, (width, height), &setting, dice);
        }
    }
    finish::apply(sheet, reading, dice, plan.texture);
}

struct Layout<'a> {
    width: f32,
    height: f32,
    dice: &'a Dice,
    setting: &'a Setting,
    swell: f32,
}

impl Layout<'_> {
    /// Draws the things of some homes, all in one arrangement.
    fn place(&self, brush: &mut Brush<'_>, reading: &Reading, homes: &[Home]) {
        let mut things: Vec<(Kind, Rgb, Option<Place>)> = Vec::new();
        let wanted = reading
            .subjects
            .iter()
            .filter(|s| homes.contains(&self.home(s.kind)));
        for subject in wanted {
            things.extend(each(subject));
        }
        let crowd = things.len();
        if crowd == 0 {
            return;
        }
        let mut dice = self.dice.part(&format!("{homes:?}"));
        if homes.contains(&Home::Heaven) {
            for (turn, thing) in things.iter().enumerate() {
                self.in_heaven(brush, *thing, turn, crowd, &mut dice);
            }
        } else if homes.contains(&Home::Land) {
            self.on_land(brush, &things, &mut dice);
        } else {
            let others = reading
                .subjects
                .iter()
                .any(|s| matches!(self.home(s.kind), Home::Land | Home::Water | Home::Table));
            self.on_page(brush, &things, others, &mut dice);
        }
    }

    fn home(&self, kind: Kind) -> Home {
        match (subjects::home(kind), self.setting.page) {
            (_, true) => Home::Page,
            (Home::Water, _) if kind == Kind::Fish => Home::Air,
            (home, false) => home,
        }
    }

    fn short(&self) -> f32 {
        self.width.min(self.height)
    }

    fn in_heaven(
        &self,
        brush: &mut Brush<'_>,
        (kind, colour, place): (Kind, Rgb, Option<Place>),
        turn: usize,
        crowd: usize,
        dice: &mut Dice,
    ) {
        let base = match kind {
            Kind::Rainbow => 0.8,
            Kind::Cloud => 0.34,
            Kind::Star => 0.26,
            _ => 0.3,
        };
        let crowded = (crowd as f32).sqrt().max(1.0);
        let side =
            (self.short() * base * self.swell * 1.25 / (0.25 + crowded)).min(self.height * 0.9);
        let step = (turn as f32 + 0.5) / crowd as f32;
        let lone = if kind == Kind::Rainbow { 0.5 } else { 0.76 };
        let x = match place {
            Some(Place::Left) => 0.22,
            Some(Place::Right) => 0.78,
            Some(Place::Centre) => 0.5,
            _ if crowd == 1 => lone,
            _ => step + dice.between(-0.06, 0.06) / crowd as f32,
        };
        let top = self.setting.horizon.min(0.72);
        let y = match kind {
            Kind::Rainbow => top * 0.75,
            _ if crowd == 1 => top * 0.3,
            _ => {
                top * (0.34
                    + if turn.is_multiple_of(2) { 0.22 } else { -0.06 }
                    + dice.between(-0.05, 0.05))
            }
        };
        let tilt = if kind == Kind::Star {
            dice.between(-12.0, 12.0)
        } else {
            0.0
        };
        let x = (x * self.width).clamp(side * 0.5, (self.width - side * 0.5).max(side * 0.5));
        let y = (y * self.height).max(side * 0.48);
        subjects::paint(&mut brush.turned(x, y, side, tilt), kind, colour);
    }

    fn on_land(
        &self,
        brush: &mut Brush<'_>,
        things: &[(Kind, Rgb, Option<Place>)],
        dice: &mut Dice,
    ) {
        let total: f32 = things.iter().map(|(kind, ..)| subjects::size(*kind)).sum();
        let rows = if total > 3.4 && self.width < self.height * 2.0 {
            2
        } else {
            1
        };
        let per_row = things.len().div_ceil(rows);
        let widest: f32 = things
            .chunks(per_row)
            .map(|row| row.iter().map(|(kind, ..)| subjects::size(*kind)).sum())
            .fold(0.85, f32::max);
        let largest = things
            .iter()
            .map(|(kind, ..)| subjects::size(*kind))
            .fold(0.85, f32::max);
        let tall = if rows == 2 { 0.42 } else { 0.58 };
        let unit = (self.width * 0.94 / widest)
            .min(self.height * tall * self.swell.min(1.5) / largest)
            .min(self.width * 0.86);
        let foot = self.setting.foot;
        for (turn, row) in things.chunks(per_row).enumerate() {
            let back = (rows - 1 - turn) as f32;
            let line: f32 = row
                .iter()
                .map(|(kind, ..)| subjects::size(*kind) * unit)
                .sum();
            let mut x = (self.width - line) / 2.0 + back * unit * 0.1;
            let gap = (self.width - line) / (row.len() as f32 + 1.0);
            if row.len() > 1 {
                x = gap;
            }
            for (kind, colour, place) in row {
                let side = subjects::size(*kind) * unit;
                let centre = match place {
                    Some(Place::Left) => side.max(self.width * 0.5) * 0.5,
                    Some(Place::Right) => self.width - side.max(self.width * 0.5) * 0.5,
                    _ => x + side / 2.0,
                };
                x += side + if row.len() > 1 { gap } else { 0.0 };
                let drop = dice.between(-0.012, 0.012) - back * 0.17;
                let base = (foot + drop) * self.height;
                self.shadow(brush, *kind, (centre, base), side);
                let mut square = brush.placed(centre, base - side * 0.5, side);
                let turned = things.len() > 1 && dice.below(3) == 0;
                if turned {
                    self.one(&mut square.mirrored(), *kind, *colour);
                } else {
                    self.one(&mut square, *kind, *colour);
                }
            }
        }
    }

    fn one(&self, square: &mut Brush<'_>, kind: Kind, colour: Rgb) {
        if kind == Kind::Pine && self.setting.snow {
            subjects::snowy_pine(square, colour);
        } else {
            subjects::paint(square, kind, colour);
        }
    }

    fn shadow(&self, brush: &mut Brush<'_>, kind: Kind, (x, y): (f32, f32), side: f32) {
        if self.setting.transparent || brush.hand() == Hand::Blocks {
            return;
        }
        let (colour, opacity) = if kind == Kind::Boat {
            ([255, 255, 255], 0.35)
        } else {
            ([30, 34, 60], 0.16)
        };
        brush.plainly().veil(
            (x + side * 0.04, y),
            (side * 0.42, side * 0.045),
            colour,
            opacity,
        );
    }

    /// Things without ground under them, in rows that make the most of the room.
    fn on_page(
        &self,
        brush: &mut Brush<'_>,
        things: &[(Kind, Rgb, Option<Place>)],
        others: bool,
        dice: &mut Dice,
    ) {
        let count = things.len();
        let (width, height) = (
            self.width,
            if others {
                self.height * 0.42
            } else {
                self.height
            },
        );
        let columns = (1..=count)
            .max_by(|a, b| {
                cell(width, height, count, *a).total_cmp(&cell(width, height, count, *b))
            })
            .unwrap_or(1);
        let rows = count.div_ceil(columns);
        let filled = match (self.setting.page, others, count) {
            (true, _, 1) => 0.62,
            (false, _, 1) => 0.5,
            _ => 0.72,
        };
        let side = cell(width, height, count, columns) * (filled * self.swell).min(0.98);
        for (turn, (kind, colour, place)) in things.iter().enumerate() {
            let row = turn / columns;
            let in_row = if row + 1 == rows {
                count - row * columns
            } else {
                columns
            };
            let column = (turn % columns) as f32;
            let mut x = (column + 0.5) / in_row as f32 * width;
            let mut y = (row as f32 + 0.5) / rows as f32 * height;
            match place {
                Some(Place::Left) if count == 1 => x = (width * 0.27).max(side * 0.5),
                Some(Place::Right) if count == 1 => x = (width * 0.73).min(width - side * 0.5),
                Some(Place::Top) if count == 1 => y = (height * 0.27).max(side * 0.5),
                Some(Place::Bottom) if count == 1 => y = (height * 0.73).min(height - side * 0.5),
                _ if count == 1 && others => x = width * 0.3,
                _ => {}
            }
            let lean = if subjects::home(*kind) == Home::Air && !self.setting.page {
                x += dice.between(-0.04, 0.04) * side;
                y += dice.between(-0.05, 0.05) * side;
                dice.between(-8.0, 8.0)
            } else {
                0.0
            };
            let mut square = brush.turned(x, y, side, lean);
            self.one(&mut square, *kind, *colour);
        }
    }
}

/// The side of the squares into which some things fit in so many columns.
fn cell(width: f32, height: f32, count: usize, columns: usize) -> f32 {
    let rows = count.div_ceil(columns.max(1));
    (width / columns.max(1) as f32).min(height / rows.max(1) as f32)
}

fn each(subject: &Subject) -> impl Iterator<Item = (Kind, Rgb, Option<Place>)> {
    let colours = subject.colours.len();
    (0..subject.count).map(move |turn| {
        let given = subject.colours.get(turn % colours.max(1)).copied();
        let colour = given.unwrap_or_else(|| subjects::own_colour(subject.kind, turn));
        (subject.kind, colour, subject.place)
    })
}

/// The named colours that cover too little of a sheet.
fn absent(sheet: &Pixmap, named: &[Rgb]) -> Vec<Rgb> {
    let mut counts = vec![0_u32; named.len()];
    let mut seen = 0_u32;
    for pixel in sheet.data().chunks_exact(4).step_by(2) {
        let &[r, g, b, alpha] = pixel else { continue };
        seen += 1;
        if alpha < 250 {
            continue;
        }
        for (colour, count) in named.iter().zip(counts.iter_mut()) {
            if colour::distance(*colour, [r, g, b]) <= NEAR {
                *count += 1;
            }
        }
    }
    let least = SHARE * seen as f32;
    named
        .iter()
        .zip(counts)
        .filter(|(_, count)| (*count as f32) < least)
        .map(|(colour, _)| *colour)
        .collect()
}

/// Frames the picture in the colours for which it has no room inside.
fn mat(sheet: &mut Pixmap, missing: &[Rgb]) {
    if missing.is_empty() {
        return;
    }
    let (width, height) = (sheet.width() as f32, sheet.height() as f32);
    let room = (0.9 / missing.len() as f32).min(0.045);
    let (long, short) = (width.max(height), width.min(height));
    let mut inset = 0.0_f32;
    for colour in missing {
        if long > short * 2.5 {
            let bar = (long * room / 2.0).round().max(1.0);
            for at in [inset, long - inset - bar] {
                if width >= height {
                    block(sheet, at, 0.0, bar, height, *colour);
                } else {
                    block(sheet, 0.0, at, width, bar, *colour);
                }
            }
            inset += bar;
        } else {
            let (w, h) = (width - 2.0 * inset, height - 2.0 * inset);
            let band = (room * width * height / (2.0 * (w + h)).max(1.0) * 1.08)
                .ceil()
                .max(1.0);
            block(sheet, inset, inset, w, band, *colour);
            block(sheet, inset, height - inset - band, w, band, *colour);
            block(sheet, inset, inset, band, h, *colour);
            block(sheet, width - inset - band, inset, band, h, *colour);
            inset += band;
        }
    }
}

fn block(sheet: &mut Pixmap, x: f32, y: f32, width: f32, height: f32, colour: Rgb) {
    let mut paint = Paint {
        anti_alias: false,
        ..Paint::default()
    };
    let [red, green, blue] = colour;
    paint.set_color(Color::from_rgba8(red, green, blue, 255));
    if let Some(rect) = Rect::from_xywh(x, y, width, height) {
        sheet.fill_rect(rect, &paint, Transform::identity(), None);
    }
}

/// An empty sheet of the same shape whose longest side is at most some pixels.
fn shrunk(sheet: &Pixmap, longest: u32) -> Option<Pixmap> {
    let (width, height) = (sheet.width(), sheet.height());
    let scale = (longest as f32 / width.max(height) as f32).min(1.0);
    let side = |full: u32| ((full as f32 * scale).round() as u32).max(1);
    Pixmap::new(side(width), side(height))
}

fn enlarge(small: &Pixmap, sheet: &mut Pixmap) {
    let across = sheet.width() as f32 / small.width() as f32;
    let down = sheet.height() as f32 / small.height() as f32;
    let paint = PixmapPaint {
        quality: FilterQuality::Nearest,
        ..PixmapPaint::default()
    };
    let source: PixmapRef<'_> = small.as_ref();
    sheet.draw_pixmap(
        0,
        0,
        source,
        &paint,
        Transform::from_scale(across, down),
        None,
    );
}
