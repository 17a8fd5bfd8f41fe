//! Edges, detail, sharpness and symmetry.

#![allow(
    clippy::cast_precision_loss,
    reason = "counts and sides of a copy of at most 1024 pixels a side"
)]

use image::DynamicImage;

use super::light::{self, Cell};

/// Which way most edges run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EdgeDirection {
    /// There are hardly any.
    None,
    /// Along the rows.
    Horizontal,
    /// Along the columns.
    Vertical,
    /// Both ways.
    Mixed,
}

/// Where the detail is, and how it runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detail {
    /// The mean strength of edges, 0 to 1; above 0.1 is busy.
    pub amount: f32,
    /// The cell with the most.
    pub busiest: Cell,
    /// The cell with the least.
    pub calmest: Cell,
    /// Which way edges run.
    pub direction: EdgeDirection,
}

/// The side of the patches in which sharpness is looked for.
const PATCH: u32 = 64;

pub(super) fn detail(lumas: &[f32], width: usize) -> Detail {
    let width = width.max(1);
    let rows: Vec<&[f32]> = lumas.chunks_exact(width).collect();
    let (mut across, mut down) = (0.0, 0.0);
    let mut strength = Vec::with_capacity(lumas.len());
    for (y, row) in rows.iter().enumerate() {
        let below = rows.get(y + 1).unwrap_or(row);
        let next = row.iter().skip(1).chain(row.last());
        for ((here, right), under) in row.iter().zip(next).zip(below.iter()) {
            let (dx, dy) = ((right - here).abs(), (under - here).abs());
            across += dx;
            down += dy;
            strength.push(dx.hypot(dy));
        }
    }
    let (amount, _) = light::spread(&strength);
    let (busiest, calmest) = light::extremes(&strength, width);
    let direction = if amount < 0.004 {
        EdgeDirection::None
    } else if down > across * 1.35 {
        EdgeDirection::Horizontal
    } else if across > down * 1.35 {
        EdgeDirection::Vertical
    } else {
        EdgeDirection::Mixed
    };
    Detail {
        amount,
        busiest,
        calmest,
        direction,
    }
}

/// How sharp the sharpest of nine patches is, 0 to 1; nothing where no patch has structure.
///
/// The measure is the variance of the Laplacian over the variance of the luma, so that a darker
/// copy is as sharp as its original.
pub(super) fn sharpness(viewed: &DynamicImage) -> Option<f32> {
    let (width, height) = (viewed.width(), viewed.height());
    let (w, h) = (PATCH.min(width), PATCH.min(height));
    if w < 8 || h < 8 {
        return None;
    }
    let places = (0..9_u32).map(|n| ((width - w) * (n % 3) / 2, (height - h) * (n / 3) / 2));
    places
        .filter_map(|(x, y)| patch(viewed, x, y, w, h))
        .max_by(f32::total_cmp)
}

fn patch(viewed: &DynamicImage, x: u32, y: u32, w: u32, h: u32) -> Option<f32> {
    let crop = viewed.crop_imm(x, y, w, h).to_luma8();
    let values: Vec<f32> = crop.as_raw().iter().map(|v| f32::from(*v)).collect();
    let (_, deviation) = light::spread(&values);
    if deviation < 8.0 {
        return None;
    }
    let rows: Vec<&[f32]> = values.chunks_exact(w as usize).collect();
    let mut curves = Vec::with_capacity(values.len());
    for three in rows.windows(3) {
        let &[above, row, below] = three else {
            continue;
        };
        for ((line, up), down) in row
            .windows(3)
            .zip(above.iter().skip(1))
            .zip(below.iter().skip(1))
        {
            if let [left, here, right] = line {
                curves.push(left + right + up + down - 4.0 * here);
            }
        }
    }
    let (_, curve) = light::spread(&curves);
    let ratio = (curve / deviation).powi(2);
    Some(ratio / (ratio + 0.25))
}

/// How alike the left and the right half are: 1 is a mirror image, 0 no more than chance.
pub(super) fn symmetry(lumas: &[f32], width: usize) -> f32 {
    let (_, deviation) = light::spread(lumas);
    if deviation < 0.01 {
        return 1.0;
    }
    let difference: f32 = lumas
        .chunks_exact(width.max(1))
        .flat_map(|row| row.iter().zip(row.iter().rev()))
        .map(|(a, b)| (a - b).abs())
        .sum();
    let mean = difference / lumas.len().max(1) as f32;
    (1.0 - mean / (1.13 * deviation)).clamp(0.0, 1.0)
}
