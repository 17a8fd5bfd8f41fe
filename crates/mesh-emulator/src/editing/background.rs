//! What is behind: told by the colours of the border, and by what is joined to it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};

use image::{Rgba, RgbaImage};

/// How far the background may be from the border's colour, of 442 steps, and how far from its
/// neighbour where a gradient leads away from it.
const NEAR: u32 = 48;
const FAR: u32 = 110;
const STEP: u32 = 10;

/// The picture with its background see-through: all that has about the colour of the border, or
/// fades from it, and is joined to the border. Where no colour has more than half of the border,
/// every one with a share of 5 % counts: a landscape is a background too.
pub fn remove_background(picture: &RgbaImage) -> RgbaImage {
    let behind = Behind::find(picture);
    let mut cut = picture.clone();
    for (x, y, pixel) in cut.enumerate_pixels_mut() {
        if behind.holds(x, y) {
            // White, so that viewers without transparency show no ghost.
            *pixel = Rgba([255, 255, 255, 0]);
        } else if behind.touches(x, y) {
            soften(pixel, &behind.colours);
        }
    }
    cut
}

/// How much of a picture is background, 0 to 100.
pub(super) fn background_percent(picture: &RgbaImage) -> u64 {
    let behind = Behind::find(picture);
    let found = behind.found.iter().filter(|it| **it).count() as u64;
    found * 100 / (behind.found.len() as u64).max(1)
}

struct Behind {
    width: u32,
    height: u32,
    colours: Vec<[u8; 3]>,
    found: Vec<bool>,
}

impl Behind {
    fn find(picture: &RgbaImage) -> Self {
        let (width, height) = picture.dimensions();
        let colours = border_colours(picture);
        let mut behind = Self {
            width,
            height,
            colours: colours.clone(),
            found: vec![false; picture.as_raw().len() / 4],
        };
        let mut open = VecDeque::new();
        for (x, y) in border(width, height) {
            if let Some(Rgba(pixel)) = picture.get_pixel_checked(x, y)
                && (pixel[3] == 0 || nearest(*pixel, &colours) <= NEAR)
                && behind.mark(x, y)
            {
                open.push_back((x, y, *pixel));
            }
        }
        while let Some((x, y, from)) = open.pop_front() {
            for (x, y) in neighbours(x, y) {
                let Some(Rgba(pixel)) = picture.get_pixel_checked(x, y) else {
                    continue;
                };
                let away = nearest(*pixel, &colours);
                let [r, g, b, alpha] = *pixel;
                let fades = away <= FAR && distance(from, [r, g, b]) <= STEP;
                if (alpha == 0 || away <= NEAR || fades) && behind.mark(x, y) {
                    open.push_back((x, y, *pixel));
                }
            }
        }
        behind
    }

    fn place(&self, x: u32, y: u32) -> Option<usize> {
        if x >= self.width || y >= self.height {
            return None;
        }
        usize::try_from(u64::from(y) * u64::from(self.width) + u64::from(x)).ok()
    }

    /// Marks a pixel; whether it was not yet.
    fn mark(&mut self, x: u32, y: u32) -> bool {
        let place = self.place(x, y);
        match place.and_then(|at| self.found.get_mut(at)) {
            Some(found) => !std::mem::replace(found, true),
            None => false,
        }
    }

    fn holds(&self, x: u32, y: u32) -> bool {
        let found = self.place(x, y).and_then(|at| self.found.get(at));
        found.copied().unwrap_or(false)
    }

    fn touches(&self, x: u32, y: u32) -> bool {
        neighbours(x, y).any(|(x, y)| self.holds(x, y))
    }
}

/// A pixel at the edge is a mix of both sides: the nearer it is to the background, the more of it
/// can be seen through.
fn soften(pixel: &mut Rgba<u8>, background: &[[u8; 3]]) {
    let away = nearest(pixel.0, background).min(FAR);
    let opacity = u32::from(pixel.0[3]) * away / FAR;
    pixel.0[3] = u8::try_from(opacity).unwrap_or(u8::MAX).max(1);
}

/// The means of the most frequent kinds of colour at the border.
fn border_colours(picture: &RgbaImage) -> Vec<[u8; 3]> {
    let (width, height) = picture.dimensions();
    let mut kinds: BTreeMap<[u8; 3], (u64, [u64; 3])> = BTreeMap::new();
    for (x, y) in border(width, height) {
        let Some(Rgba([r, g, b, alpha])) = picture.get_pixel_checked(x, y) else {
            continue;
        };
        if *alpha == 0 {
            continue;
        }
        let colour = [*r, *g, *b];
        let (count, sums) = kinds.entry(colour.map(|value| value / 32)).or_default();
        *count += 1;
        for (sum, value) in sums.iter_mut().zip(colour) {
            *sum += u64::from(value);
        }
    }
    let all: u64 = kinds.values().map(|(count, _)| count).sum();
    let mut kinds: Vec<(u64, [u64; 3])> = kinds.into_values().collect();
    kinds.sort_by_key(|(count, _)| Reverse(*count));
    let counting = match kinds.first() {
        Some((most, _)) if most * 2 > all => 1,
        _ => kinds
            .iter()
            .take_while(|(count, _)| count * 20 >= all)
            .count()
            .max(1),
    };
    let means = kinds
        .into_iter()
        .take(counting)
        .map(|(count, sums)| sums.map(|sum| u8::try_from(sum / count.max(1)).unwrap_or(u8::MAX)));
    means.collect()
}

fn nearest(pixel: [u8; 4], colours: &[[u8; 3]]) -> u32 {
    let distances = colours.iter().map(|colour| distance(pixel, *colour));
    distances.min().unwrap_or(u32::MAX)
}

fn border(width: u32, height: u32) -> impl Iterator<Item = (u32, u32)> {
    let (right, bottom) = (width.saturating_sub(1), height.saturating_sub(1));
    let rows = (0..width).flat_map(move |x| [(x, 0), (x, bottom)]);
    rows.chain((0..height).flat_map(move |y| [(0, y), (right, y)]))
}

fn neighbours(x: u32, y: u32) -> impl Iterator<Item = (u32, u32)> {
    // Before the first comes none, for nothing is that far to the right.
    [
        (x.wrapping_sub(1), y),
        (x.saturating_add(1), y),
        (x, y.wrapping_sub(1)),
        (x, y.saturating_add(1)),
    ]
    .into_iter()
}

fn distance([r, g, b, _]: [u8; 4], other: [u8; 3]) -> u32 {
    let squares: u32 = [r, g, b]
        .iter()
        .zip(other)
        .map(|(a, b)| u32::from(a.abs_diff(b)).pow(2))
        .sum();
    squares.isqrt()
}
