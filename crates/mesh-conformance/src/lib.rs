//! One set of scenarios, run through every driver of `mesh-proto`: the scenarios as data, servers
//! that do what a scenario's script says, and the drivers that are held against it.
//!
//! `cargo test -p mesh-conformance` runs them all, and prints which driver went through which;
//! `SCENARIOS.md` is that table.

#![allow(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test server has sockets and threads, and what goes wrong in it fails the test"
)]

mod driver;
mod http2;
mod memory;
pub mod routes;
mod run;
mod scenario;
mod scenarios;
mod script;
mod server;
mod table;

pub use self::driver::{Async, BareSocket, Blocking, Case, Driver, Reaches, Smol, Streamed};
pub use self::memory::{Memory, MemoryGateway};
pub use self::run::{FullListener, run};
pub use self::scenario::{Ask, End, Expected, Failed, Gateway, Need, Scenario, Why};
pub use self::scenarios::scenarios;
pub use self::script::{Act, Exchange, Framing, LastStream, Reads, Shown, head, stream_head};
pub use self::server::{Received, ScriptedServer};
pub use self::table::{Column, columns, table};
