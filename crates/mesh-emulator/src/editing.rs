//! Operations on the pixels of pictures: what the images endpoint's edits are made of.
//!
//! Every function gives a new picture and depends on its arguments alone. Colours of what is
//! see-through count for their visible share.

mod background;
mod fill;
mod frame;
mod mask;
mod prompted;
mod scale;
mod tone;

pub use background::remove_background;
pub use fill::fill_from_around;
pub use frame::{Placed, extended, framed, mix, outpaint};
pub(crate) use frame::{cropped, extended_size};
pub use mask::Mask;
pub use prompted::{edit, inpaint};
pub use scale::{cover, resample};

/// The most pixels that an edited picture may have: 40 million.
pub const MOST_PIXELS: u64 = 40_000_000;

/// Whether a picture of this size may be made: sides of at least 1, and at most [`MOST_PIXELS`].
pub fn is_feasible(width: u32, height: u32) -> bool {
    (1..=MOST_PIXELS).contains(&(u64::from(width) * u64::from(height)))
}

#[cfg(test)]
mod tests;
