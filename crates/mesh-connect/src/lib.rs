//! How the clients of Mesh API reach a host: which certificates they trust, which addresses a name
//! may stand for, and how far a request has got on its way.
//!
//! A part of `mesh-blocking` (feature `ureq`) and `mesh-async` (feature `reqwest`), not meant to be
//! used alone: it changes with them.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this crate is where connections are made"
)]

#[cfg(feature = "reqwest")]
pub mod reqwest;
mod routes;
mod trust;
#[cfg(feature = "ureq")]
pub mod ureq;

pub use self::routes::Routes;
pub use self::trust::Authorities;
