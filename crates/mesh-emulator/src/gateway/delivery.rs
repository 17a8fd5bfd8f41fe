//! Whether an answer comes at once or as a stream.

use super::validate::{Fields, Problems};

/// How the answer comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    Whole,
    Streamed,
}

impl Delivery {
    /// Reads `stream`.
    pub(super) fn read(fields: &Fields<'_>, problems: &mut Problems) -> Self {
        match fields.boolean("stream", problems) {
            Some(true) => Self::Streamed,
            Some(false) | None => Self::Whole,
        }
    }
}
