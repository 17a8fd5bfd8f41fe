//! What a failed call may have cost.

use std::fmt;

/// What a failed call may have cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The gateway never had the whole request: nothing was done, nothing is billed.
    NotSent,
    /// The gateway said no before any work.
    Refused,
    /// The request went out, and nobody knows what became of it: it may have worked and be billed.
    /// So it is, too, where what answered was no gateway's reply: a page, or nothing.
    Unknown,
    /// An answer arrived and could not be read, or not to its end: it is billed.
    Delivered,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotSent => "the request was not sent",
            Self::Refused => "the gateway refused it before any work",
            Self::Unknown => "it is unknown whether the request was carried out; it may be billed",
            Self::Delivered => "an answer had been delivered; it is billed",
        })
    }
}
