//! The command as a user runs it: its output, its files, its exit codes.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test runs programs and opens files, and fails by panicking"
)]

mod answers;
mod bad_files;
mod broken_pipe;
mod draw;
mod exit_codes;
mod images;
#[cfg(unix)]
mod interrupts;
mod models;
mod places;
mod running;
mod secrets;
mod see;
mod set_up;
mod via;
mod words;
