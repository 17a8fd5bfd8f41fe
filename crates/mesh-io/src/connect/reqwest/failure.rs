//! What hyper says of a response that it could not read.

use std::io;

use mesh_proto::call::FaultKind;
use reqwest::Error;

use crate::connect::fault::find;

/// What a failure is to the core that is neither a limit nor one of connecting.
pub(super) fn broken_response(error: &Error) -> FaultKind {
    match find::<hyper::Error>(error) {
        // hyper has a method for this in servers only.
        Some(error) if error.is_parse() && error.to_string().contains("too large") => {
            FaultKind::HeadTooLarge
        }
        Some(error) if error.is_parse() => FaultKind::BadResponse,
        _ => FaultKind::Lost,
    }
}

/// Whether a body failed in its trailers: all of the body was received before. Only hyper's words
/// show it.
pub fn is_in_trailers(error: &Error) -> bool {
    const WORDS: [&str; 3] = [
        "chunk trailers",
        "Invalid trailer end LF",
        "Invalid chunk end LF",
    ];
    find::<io::Error>(error).is_some_and(|error| {
        let shown = error.to_string();
        WORDS.iter().any(|words| shown.starts_with(words))
    })
}
