//! The command `mesh-simulation`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

/// Whole calls of mesh-proto in seeded worlds and virtual time.
#[derive(Debug, Parser)]
struct Arguments {
    /// The first world's seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many calls to make at least; with 1, the world's trace is printed.
    #[arg(long, default_value_t = 50_000)]
    calls: u64,
    /// How many threads share the work.
    #[arg(long, default_value_t = 2)]
    threads: u64,
    /// Writes the plot of a fleet's retries to this file instead.
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(file) = arguments.plot {
        return match std::fs::write(&file, mesh_simulation::plot::retries()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{}: {error}", file.display());
                ExitCode::FAILURE
            }
        };
    }
    let report = mesh_simulation::run(arguments.seed, arguments.calls, arguments.threads);
    if arguments.calls == 1 {
        print!("{}", mesh_simulation::trace(arguments.seed));
    } else {
        print!("{report}");
    }
    print!("{}{}", report.surprising(), report.failures());
    if report.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
