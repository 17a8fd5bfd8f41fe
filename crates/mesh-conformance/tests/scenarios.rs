//! Every scenario through every driver: `cargo test -p mesh-conformance --test scenarios [PART]`
//! runs those whose driver and name hold PART, such as `smol` or `in memory: hint_`.

use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use mesh_conformance::{Column, Scenario, columns, scenarios};

/// How many run at once. Most of them wait for most of their time.
const THREADS: usize = 8;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--list") {
        return ExitCode::SUCCESS;
    }
    let parts: Vec<&String> = arguments
        .iter()
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let scenarios = scenarios();
    let columns = columns();
    // Driver by driver, so that the scenario that takes the most memory is not run by all at once.
    let all = columns
        .iter()
        .flat_map(|column| scenarios.iter().map(move |scenario| (scenario, *column)));
    let wanted: Vec<(&Scenario, Column)> = all
        .filter(|(scenario, column)| {
            let title = format!("{}: {}", column.name, scenario.name);
            parts.iter().all(|part| title.contains(part.as_str()))
        })
        .collect();
    let results = go_through(&wanted);

    let mut failed = 0;
    for scenario in &scenarios {
        let marks: Vec<String> = results
            .iter()
            .filter(|(of, ..)| *of == scenario.name)
            .map(|(_, column, result)| match result {
                Verdict::Passed(_) => format!("{}: pass", column.name),
                Verdict::Skipped(need) => format!("{}: skip (no {need})", column.name),
                Verdict::Failed(_) => format!("{}: FAIL", column.name),
            })
            .collect();
        if !marks.is_empty() {
            println!("{:<36} {}", scenario.name, marks.join(" | "));
        }
    }
    for (name, column, result) in &results {
        if let Verdict::Failed(why) = result {
            failed += 1;
            println!("\n{}: {name}\n{why}", column.name);
        }
    }
    let mut slowest: Vec<(Duration, String)> = results
        .iter()
        .filter_map(|(name, column, result)| match result {
            Verdict::Passed(took) => Some((*took, format!("{}: {name}", column.name))),
            _ => None,
        })
        .collect();
    slowest.sort();
    let passed = slowest.len();
    for (took, title) in slowest.iter().rev().take(3) {
        println!("{took:.1?} {title}");
    }
    println!(
        "\n{passed} passed, {} skipped, {failed} failed",
        results.len() - passed - failed
    );
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

enum Verdict {
    Passed(Duration),
    Skipped(&'static str),
    Failed(String),
}

type Row = (&'static str, Column, Verdict);

fn go_through(wanted: &[(&Scenario, Column)]) -> Vec<Row> {
    let next = Mutex::new(0);
    let results = Mutex::new(Vec::new());
    let work = || {
        loop {
            let index = {
                let mut next = next.lock().unwrap_or_else(PoisonError::into_inner);
                *next += 1;
                *next - 1
            };
            let Some((scenario, column)) = wanted.get(index) else {
                return;
            };
            let verdict = verdict(scenario, column);
            let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
            results.push((index, (scenario.name, *column, verdict)));
        }
    };
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(work);
        }
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, row)| row).collect()
}

fn verdict(scenario: &Scenario, column: &Column) -> Verdict {
    if let Some(need) = column.lacks(scenario) {
        return Verdict::Skipped(need.name());
    }
    let began = Instant::now();
    let run = std::panic::AssertUnwindSafe(|| column.run(scenario));
    match std::panic::catch_unwind(run) {
        Ok(Ok(())) => Verdict::Passed(began.elapsed()),
        Ok(Err(why)) => Verdict::Failed(why),
        Err(_) => Verdict::Failed("it panicked".to_owned()),
    }
}
