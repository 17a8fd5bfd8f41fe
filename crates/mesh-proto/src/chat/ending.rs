//! What the reason for which an answer ended says of the answer.

use super::reply::FinishReason;

/// How an answer ended: see [`FinishReason::ending`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// The model had said what it had to say, or calls tools.
    Whole,
    /// At the most tokens allowed.
    MostTokens,
    /// A content filter cut it off, or withheld it.
    Filtered,
    /// The provider gave up.
    Broken,
}

impl FinishReason {
    /// Whether it is a reason at all: some providers write an empty one into every chunk.
    pub(crate) fn is_given(&self) -> bool {
        let reason = self.as_str().trim();
        !reason.is_empty() && !reason.eq_ignore_ascii_case("null")
    }

    /// How the answer ended. Gateways pass on the words of their providers, in capitals or not, and
    /// most of them are other names for an ordinary end: only those that are known to say otherwise
    /// are taken so.
    ///
    /// ```
    /// use mesh_proto::chat::{Ending, FinishReason};
    ///
    /// assert_eq!(FinishReason::Length.ending(), Ending::MostTokens);
    /// assert_eq!(FinishReason::from("SAFETY").ending(), Ending::Filtered);
    /// assert_eq!(FinishReason::from("end_turn").ending(), Ending::Whole);
    /// ```
    pub fn ending(&self) -> Ending {
        match self.as_str().to_ascii_lowercase().as_str() {
            "length" | "max_tokens" | "max_output_tokens" | "model_length" => Ending::MostTokens,
            "content_filter" | "content_filtered" | "safety" | "image_safety" | "recitation"
            | "prohibited_content" | "blocklist" | "spii" | "sensitive" => Ending::Filtered,
            "error"
            | "unknown"
            | "abort"
            | "aborted"
            | "cancelled"
            | "canceled"
            | "insufficient_system_resource" => Ending::Broken,
            _ => Ending::Whole,
        }
    }
}
