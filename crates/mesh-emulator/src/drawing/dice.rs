//! Choices that look free and are fixed by what is asked for.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "24 bits of the state are drawn, and an f32 holds them"
)]

/// A stream of numbers that is the same for the same seed, on every machine.
#[derive(Debug, Clone)]
pub(super) struct Dice(u64);

/// FNV-1a, 64 bits.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

impl Dice {
    pub(super) fn seeded(prompt: &str, width: u32, height: u32) -> Self {
        let seed = hash(prompt.as_bytes())
            ^ hash(&width.to_le_bytes())
            ^ hash(&height.to_le_bytes()).rotate_left(32);
        Self(seed)
    }

    /// A stream of its own for one part of the picture, so that parts do not shift each other.
    pub(super) fn part(&self, name: &str) -> Self {
        Self(self.0 ^ hash(name.as_bytes()))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `low` (included) to `high` (excluded).
    pub(super) fn between(&mut self, low: f32, high: f32) -> f32 {
        let unit = (self.next() >> 40) as f32 / 16_777_216.0;
        low + (high - low) * unit
    }

    /// A whole number below `bound`; 0 if `bound` is 0.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        let bound = bound.max(1) as u64;
        (self.next() % bound) as usize
    }
}
