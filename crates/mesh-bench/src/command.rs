//! The command line.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::report::{self, Report};
use crate::row::{Effort, Row};
use crate::runner::{Runner, Scale};
use crate::{Failure, plot, rows};

#[allow(
    clippy::doc_markdown,
    clippy::struct_excessive_bools,
    reason = "its comments are the help text, its flags the switches"
)]
/// Measures mesh beside its peers and the limits of the machine, and prints the tables
#[derive(Debug, Parser)]
#[command(name = "mesh-bench", args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    inner: Option<Inner>,
    /// Measure only this row; may be given several times
    #[arg(long, value_name = "ROW")]
    only: Vec<String>,
    /// Measure the rows that take minutes, too
    #[arg(long)]
    all: bool,
    /// How often each contestant takes its turn
    #[arg(long, default_value_t = 5, value_name = "NUMBER")]
    rounds: usize,
    /// Do a small part of the work, to see that it runs; the figures mean nothing
    #[arg(long)]
    quick: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Write a chart for each row into this directory
    #[arg(long, value_name = "DIRECTORY")]
    plot: Option<PathBuf>,
    /// Print the ids of the rows, and measure nothing
    #[arg(long)]
    list: bool,
}

#[derive(Debug, Subcommand)]
enum Inner {
    /// Takes one sample in this process, and prints it as JSON
    #[command(hide = true)]
    Sample {
        row: String,
        contestant: String,
        #[arg(long)]
        quick: bool,
    },
}

/// Does what the command line says.
pub fn run() -> ExitCode {
    match obey(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("mesh-bench: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn obey(arguments: &Arguments) -> Result<(), Failure> {
    if let Some(Inner::Sample {
        row,
        contestant,
        quick,
    }) = &arguments.inner
    {
        return sample(row, contestant, scale(*quick));
    }
    let rows = rows();
    if arguments.list {
        for row in &rows {
            println!("{:<16} {}", row.id, row.title);
        }
        return Ok(());
    }
    let chosen = chosen(&rows, arguments)?;
    let runner = Runner::children()?;
    let mut reports = Vec::new();
    for row in chosen {
        let rounds = match row.effort {
            Effort::Usual => arguments.rounds.max(1),
            Effort::Minutes => 1,
        };
        let report = Report::of(row, &runner, scale(arguments.quick), rounds);
        if !arguments.json {
            println!("{report}");
        }
        reports.push(report);
    }
    if arguments.json {
        println!("{}", report::json(&reports)?);
    }
    if let Some(directory) = &arguments.plot {
        plot::write(&reports, directory)?;
    }
    Ok(())
}

fn scale(quick: bool) -> Scale {
    if quick { Scale::Quick } else { Scale::Full }
}

fn chosen<'r>(rows: &'r [Row], arguments: &Arguments) -> Result<Vec<&'r Row>, Failure> {
    let find = |id: &String| {
        let row = rows.iter().find(|row| row.id == id);
        row.ok_or_else(|| format!("no row is called {id}; --list shows them").into())
    };
    if arguments.only.is_empty() {
        let usual = |row: &&Row| arguments.all || row.effort == Effort::Usual;
        return Ok(rows.iter().filter(usual).collect());
    }
    arguments.only.iter().map(find).collect()
}

fn sample(row: &str, contestant: &str, scale: Scale) -> Result<(), Failure> {
    let rows = rows();
    let row = rows.iter().find(|known| known.id == row).ok_or("no row")?;
    let mut contestants = row.contestants.iter();
    let contestant = contestants.find(|known| known.name == contestant);
    let taken = (contestant.ok_or("no contestant")?.take)(scale)?;
    println!("{}", serde_json::to_string(&taken)?);
    Ok(())
}
