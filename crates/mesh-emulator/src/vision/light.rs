//! How bright a picture is, and where.

#![allow(
    clippy::cast_precision_loss,
    reason = "counts and sides of a copy of at most 256 pixels a side"
)]

/// A cell of the picture divided in three rows of three.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    /// `top left`, `top`, `top right`, `left`, `centre`, `right`, `bottom left`, `bottom` or
    /// `bottom right`.
    pub name: &'static str,
    /// The mean of what was measured there, 0 to 1.
    pub value: f32,
}

/// Where the light is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lighting {
    /// The brightest cell.
    pub brightest: Cell,
    /// The darkest cell.
    pub darkest: Cell,
    /// Mean brightness of the left half, 0 to 1.
    pub left: f32,
    /// Mean brightness of the right half, 0 to 1.
    pub right: f32,
    /// Mean brightness of the upper half, 0 to 1.
    pub top: f32,
    /// Mean brightness of the lower half, 0 to 1.
    pub bottom: f32,
}

impl Lighting {
    /// Whether no part is clearly brighter than another.
    pub fn is_even(&self) -> bool {
        self.brightest.value - self.darkest.value < 0.04
    }
}

const NAMES: [&str; 9] = [
    "top left",
    "top",
    "top right",
    "left",
    "centre",
    "right",
    "bottom left",
    "bottom",
    "bottom right",
];

/// The luma of a colour, 0 to 1.
pub(super) fn luma([r, g, b]: [f32; 3]) -> f32 {
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

/// The cell with the highest mean, and the one with the lowest.
pub(super) fn extremes(values: &[f32], width: usize) -> (Cell, Cell) {
    let mut sums = [(0.0_f32, 0_u32); 9];
    let height = values.len() / width.max(1);
    for (y, row) in values.chunks(width.max(1)).enumerate() {
        for (x, value) in row.iter().enumerate() {
            // Centres of pixels decide, so that one row or column is the middle one.
            let column = (2 * x + 1) * 3 / (2 * width.max(1));
            let line = (2 * y + 1) * 3 / (2 * height.max(1));
            if let Some((sum, count)) = sums.get_mut(line * 3 + column) {
                *sum += value;
                *count += 1;
            }
        }
    }
    let mut high = Cell {
        name: "centre",
        value: f32::MIN,
    };
    let mut low = Cell {
        name: "centre",
        value: f32::MAX,
    };
    for ((sum, count), name) in sums.iter().zip(NAMES).filter(|((_, count), _)| *count > 0) {
        let value = sum / *count as f32;
        if value > high.value {
            high = Cell { name, value };
        }
        if value < low.value {
            low = Cell { name, value };
        }
    }
    if high.value < low.value {
        let nothing = Cell {
            name: "centre",
            value: 0.0,
        };
        return (nothing, nothing);
    }
    (high, low)
}

pub(super) fn lighting(lumas: &[f32], width: usize) -> Lighting {
    let (brightest, darkest) = extremes(lumas, width);
    let width = width.max(1);
    let height = lumas.len() / width;
    let half = |inside: &dyn Fn(usize, usize) -> bool| {
        let (mut sum, mut count) = (0.0, 0_u32);
        for (y, row) in lumas.chunks(width).enumerate() {
            for (x, value) in row.iter().enumerate() {
                if inside(x, y) {
                    sum += value;
                    count += 1;
                }
            }
        }
        sum / count.max(1) as f32
    };
    Lighting {
        brightest,
        darkest,
        left: half(&|x, _| 2 * x < width),
        right: half(&|x, _| 2 * x + 1 >= width),
        top: half(&|_, y| 2 * y < height),
        bottom: half(&|_, y| 2 * y + 1 >= height),
    }
}

/// Mean and standard deviation.
pub(super) fn spread(values: &[f32]) -> (f32, f32) {
    let count = values.len().max(1) as f32;
    let mean = values.iter().sum::<f32>() / count;
    let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f32>() / count;
    (mean, variance.sqrt())
}
