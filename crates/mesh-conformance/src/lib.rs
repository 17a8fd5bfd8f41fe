//! One set of scenarios, run through every driver of `mesh-proto`: a server that does what its
//! script says, and the drivers that are held against it.
//!
//! The scenarios are in `tests/`, each a function that every driver goes through.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test server has sockets and threads, and what goes wrong in it fails the test"
)]

mod driver;
mod server;

pub use self::driver::{Async, Blocking, Case, Driver, Streamed};
pub use self::server::{Act, Gate, Received, ScriptedServer, chunk, response, sse_head};
