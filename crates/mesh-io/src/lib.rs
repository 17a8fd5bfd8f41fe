//! The I/O that both clients of Mesh API do beside their calls: how they reach a host, and how they
//! save a picture.
//!
//! A part of `mesh-blocking` (feature `ureq`) and `mesh-async` (feature `reqwest`), not meant to be
//! used alone: it changes with them.

pub mod connect;
pub mod save;

use std::hash::{BuildHasher as _, RandomState};

/// The value of an environment variable. A character that is not Unicode is U+FFFD, so that a
/// value that cannot be used is invalid, and not absent.
pub fn variable(name: &str) -> Option<String> {
    let value = std::env::var_os(name)?;
    Some(value.to_string_lossy().into_owned())
}

/// A number that nobody can have guessed: the seed of a call, a part of a name.
pub fn chance() -> u64 {
    RandomState::new().hash_one(0)
}
