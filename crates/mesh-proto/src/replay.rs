//! Whether a request may be sent again.

/// Whether a request may be sent again after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replay {
    /// Repeating costs nothing: reads. Not after the first event of a stream.
    Always,
    /// As [`Replay::Always`], and after events, too: those of each attempt begin with one that says
    /// that the earlier ones no longer hold.
    Anew,
    /// Only where work plainly did not start, because every attempt may be billed: generation.
    Unprocessed,
    /// Never.
    Never,
}
