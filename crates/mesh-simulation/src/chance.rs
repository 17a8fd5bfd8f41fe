//! Chance that one number determines.

use std::ops::RangeInclusive;
use std::time::Duration;

/// A sequence that its seed alone determines (SplitMix64).
#[derive(Clone, Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; 0 where that is 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let bound = u128::try_from(bound).unwrap_or_default();
        let scaled = (u128::from(self.next()) * bound) >> 64;
        usize::try_from(scaled).unwrap_or_default()
    }

    /// Whether an event of `percent` in a hundred happens.
    pub(crate) fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of `items`, which are not empty.
    pub(crate) fn of<T: Copy>(&mut self, items: &[T]) -> T {
        *items
            .get(self.below(items.len()))
            .expect("there is something to choose from")
    }

    /// A duration within `range`, in milliseconds.
    pub(crate) fn milliseconds(&mut self, range: RangeInclusive<u64>) -> Duration {
        let width = range.end().saturating_sub(*range.start()) + 1;
        let offset = self.below(usize::try_from(width).unwrap_or(usize::MAX));
        Duration::from_millis(range.start() + u64::try_from(offset).unwrap_or_default())
    }
}
