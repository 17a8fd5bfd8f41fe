//! What is masked, made from what is around it: a pyramid of means, down and up again.

#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sides of at most some hundreds, and means of bytes that are bytes"
)]

use image::imageops::{self, FilterType};
use image::{Rgba, RgbaImage};

use super::mask::Mask;

/// The longest side on which it is worked out. The result has no detail, and needs no more.
const SIDE: u32 = 256;

/// The picture with what is masked filled smoothly from the pixels around it.
pub fn fill_from_around(picture: &RgbaImage, mask: &Mask) -> RgbaImage {
    let (width, height) = picture.dimensions();
    let block = width.max(height).div_ceil(SIDE).max(1);
    let known = Grid::of(picture, mask, block);
    let filled = known.filled();
    let smooth = imageops::resize(&filled.picture(), width, height, FilterType::Triangle);
    mask.blend(picture, &smooth)
}

/// Cells with the sum of the known colours in them, and how much is known.
struct Grid {
    width: usize,
    height: usize,
    cells: Vec<([f32; 4], f32)>,
}

impl Grid {
    fn of(picture: &RgbaImage, mask: &Mask, block: u32) -> Self {
        let (width, height) = picture.dimensions();
        let (across, down) = (
            width.div_ceil(block) as usize,
            height.div_ceil(block) as usize,
        );
        let mut cells = vec![([0.0; 4], 0.0); across * down];
        for (x, y, Rgba(pixel)) in picture.enumerate_pixels() {
            if mask.weight(x, y) > 0 {
                continue;
            }
            let place = (y / block) as usize * across + (x / block) as usize;
            if let Some((sum, weight)) = cells.get_mut(place) {
                for (sum, value) in sum.iter_mut().zip(pixel) {
                    *sum += f32::from(*value);
                }
                *weight += 1.0;
            }
        }
        for (sum, weight) in &mut cells {
            if *weight > 0.0 {
                *sum = sum.map(|value| value / *weight);
                *weight = 1.0;
            }
        }
        Self {
            width: across,
            height: down,
            cells,
        }
    }

    /// The same with every cell known: what is not takes the colour of a coarser grid.
    fn filled(&self) -> Self {
        let is_done = self.cells.iter().all(|(_, weight)| *weight >= 1.0);
        if is_done || self.cells.len() <= 1 {
            let all_known = |cell: &([f32; 4], f32)| match cell {
                (_, weight) if *weight > 0.0 => (cell.0, 1.0),
                _ => ([128.0, 128.0, 128.0, 255.0], 1.0),
            };
            return Self {
                cells: self.cells.iter().map(all_known).collect(),
                ..*self
            };
        }
        let coarse = self.halved().filled();
        let cells = (0..self.height).flat_map(|y| (0..self.width).map(move |x| (x, y)));
        let cells = cells.map(|(x, y)| {
            let (own, weight) = self.cell(x, y);
            let guess = coarse.between(x as f32 / 2.0 - 0.25, y as f32 / 2.0 - 0.25);
            let both = own.iter().zip(guess);
            let mut mixed = [0.0; 4];
            for (value, (own, guess)) in mixed.iter_mut().zip(both) {
                *value = own * weight + guess * (1.0 - weight);
            }
            (mixed, 1.0)
        });
        Self {
            cells: cells.collect(),
            ..*self
        }
    }

    fn halved(&self) -> Self {
        let (width, height) = (self.width.div_ceil(2), self.height.div_ceil(2));
        let cells = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let cells = cells.map(|(x, y)| {
            let mut sum = [0.0; 4];
            let mut known = 0.0;
            for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                let (colour, weight) = self.cell(2 * x + dx, 2 * y + dy);
                for (sum, value) in sum.iter_mut().zip(colour) {
                    *sum += value * weight;
                }
                known += weight;
            }
            if known > 0.0 {
                (sum.map(|value| value / known), known.min(1.0))
            } else {
                (sum, 0.0)
            }
        });
        Self {
            cells: cells.collect(),
            width,
            height,
        }
    }

    fn cell(&self, x: usize, y: usize) -> ([f32; 4], f32) {
        if x >= self.width {
            return ([0.0; 4], 0.0);
        }
        self.cells
            .get(y * self.width + x)
            .copied()
            .unwrap_or_default()
    }

    /// The colour between cells, which lies on the straight lines through the four around.
    fn between(&self, x: f32, y: f32) -> [f32; 4] {
        let (right, bottom) = ((self.width - 1) as f32, (self.height - 1) as f32);
        let (x, y) = (x.clamp(0.0, right), y.clamp(0.0, bottom));
        let (left, top) = (x.floor() as usize, y.floor() as usize);
        let (across, down) = (x.fract(), y.fract());
        let mut sum = [0.0; 4];
        for (dx, dy, share) in [
            (0, 0, (1.0 - across) * (1.0 - down)),
            (1, 0, across * (1.0 - down)),
            (0, 1, (1.0 - across) * down),
            (1, 1, across * down),
        ] {
            if share > 0.0 {
                let (colour, _) = self.cell(left + dx, top + dy);
                for (sum, value) in sum.iter_mut().zip(colour) {
                    *sum += value * share;
                }
            }
        }
        sum
    }

    fn picture(&self) -> RgbaImage {
        let (width, height) = (self.width as u32, self.height as u32);
        RgbaImage::from_fn(width, height, |x, y| {
            let (colour, _) = self.cell(x as usize, y as usize);
            Rgba(colour.map(|value| value.round().clamp(0.0, 255.0) as u8))
        })
    }
}
