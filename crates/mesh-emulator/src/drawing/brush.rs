//! The hand that fills and strokes shapes, in units of the thing being drawn.

use tiny_skia::{
    Color, FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, Rect, Stroke, Transform,
};

use super::colour::{self, Rgb};

/// How the edge of a shape is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hand {
    Clean,
    /// A halo that bleeds outwards and a rim where the pigment gathers.
    Wet,
    /// Outlines; what the prompt gives no colour stays nearly paper.
    Pencil,
    /// No anti-aliasing.
    Blocks,
}

/// Where shapes go. A shape's coordinates are in units of the brush's own square, whose centre is
/// (0, 0) and whose sides are 1 long; y points down.
#[derive(Debug)]
pub(super) struct Brush<'a> {
    sheet: &'a mut Pixmap,
    at: Transform,
    hand: Hand,
    named: &'a [Rgb],
    plain: bool,
}

impl<'a> Brush<'a> {
    /// A brush whose units are the pixels of the sheet. `named` are the colours that no hand
    /// may change.
    pub(super) fn new(sheet: &'a mut Pixmap, hand: Hand, named: &'a [Rgb]) -> Self {
        Self {
            sheet,
            at: Transform::identity(),
            hand,
            named,
            plain: false,
        }
    }

    /// The same brush with its square centred at a point of the present square.
    pub(super) fn placed(&mut self, x: f32, y: f32, side: f32) -> Brush<'_> {
        self.turned(x, y, side, 0.0)
    }

    /// As `placed`, turned clockwise by some degrees.
    pub(super) fn turned(&mut self, x: f32, y: f32, side: f32, degrees: f32) -> Brush<'_> {
        let at = self
            .at
            .pre_translate(x, y)
            .pre_scale(side, side)
            .pre_rotate(degrees);
        Brush {
            sheet: self.sheet,
            at,
            hand: self.hand,
            named: self.named,
            plain: self.plain,
        }
    }

    /// The same brush, looking the other way.
    pub(super) fn mirrored(&mut self) -> Brush<'_> {
        Brush {
            at: self.at.pre_scale(-1.0, 1.0),
            sheet: self.sheet,
            hand: self.hand,
            named: self.named,
            plain: self.plain,
        }
    }

    /// The same brush without halos or outlines, for backdrops and small marks.
    pub(super) fn plainly(&mut self) -> Brush<'_> {
        Brush {
            at: self.at,
            sheet: self.sheet,
            hand: self.hand,
            named: self.named,
            plain: true,
        }
    }

    pub(super) fn hand(&self) -> Hand {
        self.hand
    }

    pub(super) fn disc(&mut self, x: f32, y: f32, radius: f32, colour: Rgb) {
        self.oval(x, y, radius, radius, colour);
    }

    pub(super) fn oval(&mut self, x: f32, y: f32, across: f32, down: f32, colour: Rgb) {
        if let Some(path) = oval_path(x, y, across, down) {
            self.fill(&path, colour);
        }
    }

    pub(super) fn bar(&mut self, x: f32, y: f32, width: f32, height: f32, colour: Rgb) {
        if let Some(rect) = Rect::from_xywh(x, y, width, height) {
            self.fill(&PathBuilder::from_rect(rect), colour);
        }
    }

    /// A closed shape with corners.
    pub(super) fn shape(&mut self, points: &[(f32, f32)], colour: Rgb) {
        if let Some(path) = corners(points, true) {
            self.fill(&path, colour);
        }
    }

    /// A closed shape without corners, drawn towards each of the points.
    pub(super) fn blob(&mut self, points: &[(f32, f32)], colour: Rgb) {
        if let Some(path) = round(points) {
            self.fill(&path, colour);
        }
    }

    /// A line with round ends.
    pub(super) fn line(&mut self, points: &[(f32, f32)], width: f32, colour: Rgb) {
        if let Some(path) = corners(points, false) {
            self.stroke(&path, width, self.toned(colour), 1.0);
        }
    }

    pub(super) fn ring(&mut self, x: f32, y: f32, radius: f32, width: f32, colour: Rgb) {
        if let Some(path) = oval_path(x, y, radius, radius) {
            self.stroke(&path, width, self.toned(colour), 1.0);
        }
    }

    /// A translucent disc, with an opacity of 0 to 1.
    pub(super) fn glow(&mut self, x: f32, y: f32, radius: f32, colour: Rgb, opacity: f32) {
        if let Some(path) = oval_path(x, y, radius, radius) {
            self.put(&path, self.toned(colour), opacity);
        }
    }

    /// A translucent oval, for shadows and washes.
    pub(super) fn veil(&mut self, centre: (f32, f32), size: (f32, f32), colour: Rgb, opacity: f32) {
        if let Some(path) = oval_path(centre.0, centre.1, size.0, size.1) {
            self.put(&path, self.toned(colour), opacity);
        }
    }

    /// What the hand makes of a colour.
    fn toned(&self, colour: Rgb) -> Rgb {
        if self.hand != Hand::Pencil || self.named.contains(&colour) {
            return colour;
        }
        let light = colour::lightness(colour);
        let gray = colour::mix([110, 110, 112], [252, 251, 247], light.sqrt() * 0.6 + 0.4);
        let vivid = colour.iter().any(|value| *value > 90);
        if light < 0.2 && !vivid && !self.plain {
            [72, 72, 76]
        } else {
            gray
        }
    }

    fn fill(&mut self, path: &Path, colour: Rgb) {
        let toned = self.toned(colour);
        if self.plain {
            self.put(path, toned, 1.0);
            return;
        }
        match self.hand {
            Hand::Clean | Hand::Blocks => self.put(path, toned, 1.0),
            Hand::Wet => {
                self.stroke(path, 0.045, toned, 0.16);
                self.stroke(path, 0.022, toned, 0.25);
                self.put(path, toned, 1.0);
                self.stroke(path, 0.007, colour::darker(toned, 0.45), 0.35);
            }
            Hand::Pencil => {
                self.put(path, toned, 1.0);
                self.stroke(path, 0.011, [58, 58, 62], 0.9);
            }
        }
    }

    fn put(&mut self, path: &Path, colour: Rgb, opacity: f32) {
        let paint = self.paint(colour, opacity);
        self.sheet
            .fill_path(path, &paint, FillRule::Winding, self.at, None);
    }

    fn stroke(&mut self, path: &Path, width: f32, colour: Rgb, opacity: f32) {
        let paint = self.paint(colour, opacity);
        let stroke = Stroke {
            width,
            line_cap: LineCap::Round,
            line_join: LineJoin::Round,
            ..Stroke::default()
        };
        self.sheet.stroke_path(path, &paint, &stroke, self.at, None);
    }

    fn paint(&self, colour: Rgb, opacity: f32) -> Paint<'static> {
        let mut paint = Paint {
            anti_alias: self.hand != Hand::Blocks,
            ..Paint::default()
        };
        let [r, g, b] = colour;
        let mut colour = Color::from_rgba8(r, g, b, 255);
        colour.set_alpha(opacity.clamp(0.0, 1.0));
        paint.set_color(colour);
        paint
    }
}

fn oval_path(x: f32, y: f32, across: f32, down: f32) -> Option<Path> {
    let rect = Rect::from_xywh(x - across, y - down, across * 2.0, down * 2.0)?;
    PathBuilder::from_oval(rect)
}

fn corners(points: &[(f32, f32)], closed: bool) -> Option<Path> {
    let (first, rest) = points.split_first()?;
    let mut path = PathBuilder::new();
    path.move_to(first.0, first.1);
    for (x, y) in rest {
        path.line_to(*x, *y);
    }
    if closed {
        path.close();
    }
    path.finish()
}

fn round(points: &[(f32, f32)]) -> Option<Path> {
    let last = points.last()?;
    let first = points.first()?;
    let middle =
        |a: &(f32, f32), b: &(f32, f32)| (f32::midpoint(a.0, b.0), f32::midpoint(a.1, b.1));
    let start = middle(last, first);
    let mut path = PathBuilder::new();
    path.move_to(start.0, start.1);
    let following = points.iter().skip(1).chain(std::iter::once(first));
    for (point, next) in points.iter().zip(following) {
        let end = middle(point, next);
        path.quad_to(point.0, point.1, end.0, end.1);
    }
    path.close();
    path.finish()
}
