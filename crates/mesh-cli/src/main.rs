//! The command `mesh`: show pictures to models, have pictures drawn, find the models that can.
//!
//! Data goes to standard output, talk to standard error, and the exit code says how it ended: see
//! [`failure::Failure`].

#[allow(
    clippy::doc_markdown,
    rustdoc::bare_urls,
    reason = "its comments are the help text"
)]
mod arguments;
mod draw;
mod failure;
mod gateway;
mod interrupt;
mod models;
mod output;
mod see;
mod source;

use std::process::ExitCode;

use clap::Parser as _;

use crate::arguments::{Arguments, Command};
use crate::gateway::Gateway;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Err(error) = interrupt::watch() {
        output::say(format_args!("signals cannot be handled: {error}"));
    }
    let result = match &arguments.command {
        Command::See(see) => see::run(see, &arguments.gateway),
        Command::Draw(draw) => draw::run(draw, &arguments.gateway),
        Command::Models(models) => {
            Gateway::open(&arguments.gateway).and_then(|gateway| models::run(models, &gateway))
        }
    };
    let code = match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    };
    interrupt::yield_to_signal();
    code
}
