//! What came out: figures, verdicts, the table, JSON.

use std::fmt::{self, Write as _};

use serde::Serialize;

use crate::Failure;
use crate::measure::Sample;
use crate::row::{Goal, Measure, Role, Row};
use crate::runner::{Figures, Runner, Scale};

/// A row with its figures.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The row's id.
    pub id: &'static str,
    /// What is done.
    pub title: &'static str,
    /// What one figure of time is for.
    pub unit: &'static str,
    /// Who took what.
    pub figures: Vec<Figure>,
    /// What was expected, and whether it is so.
    pub goals: Vec<Verdict>,
}

/// What one contestant took: the medians of several runs.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    /// Its name.
    pub name: &'static str,
    /// What it is to us.
    pub role: Role,
    /// What it took.
    #[serde(flatten)]
    pub sample: Sample,
    /// Why there is nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
}

/// A goal and what became of it.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    /// The goal in words.
    pub goal: &'static str,
    /// Whose figure it is.
    pub of: &'static str,
    /// Which figure.
    pub measure: Measure,
    /// The figure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// What it may be at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bound: Option<f64>,
    /// Whether it is, where both were measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub met: Option<bool>,
}

impl Report {
    /// Measures a row: the contestants take turns, `rounds` times.
    pub fn of(row: &Row, runner: &Runner, scale: Scale, rounds: usize) -> Self {
        let mut taken: Vec<(Vec<Sample>, Option<String>)> =
            vec![(Vec::new(), None); row.contestants.len()];
        let mut turn = |figures: Figures| {
            for (contestant, (samples, missing)) in row.contestants.iter().zip(&mut taken) {
                if missing.is_some() {
                    continue;
                }
                match runner.take(row, contestant, scale, figures) {
                    Ok(sample) => samples.push(sample),
                    Err(error) => *missing = Some(error.to_string()),
                }
            }
        };
        for _ in 0..rounds {
            turn(Figures::Times);
        }
        if matches!(runner, Runner::Children { .. }) && Figures::Heap.are_of(row) {
            turn(Figures::Heap);
        }
        let figures: Vec<Figure> = row
            .contestants
            .iter()
            .zip(taken)
            .map(|(contestant, (samples, missing))| Figure {
                name: contestant.name,
                role: contestant.role,
                sample: Sample::median(&samples),
                missing,
            })
            .collect();
        let goals = row.goals.iter().map(|goal| Verdict::of(goal, &figures));
        Self {
            id: row.id,
            title: row.title,
            unit: row.unit,
            goals: goals.collect(),
            figures,
        }
    }
}

impl Verdict {
    fn of(goal: &Goal, figures: &[Figure]) -> Self {
        let figure = |name: &str| {
            let figure = figures.iter().find(|figure| figure.name == name)?;
            goal.measure.of(&figure.sample)
        };
        let value = figure(goal.of);
        let bound = match goal.against {
            None => Some(goal.plus),
            Some(against) => figure(against).map(|other| goal.factor * other + goal.plus),
        };
        Self {
            goal: goal.text,
            of: goal.of,
            measure: goal.measure,
            value,
            bound,
            met: value.zip(bound).map(|(value, bound)| value <= bound),
        }
    }
}

const COLUMNS: &[(&str, Measure)] = &[
    ("CPU", Measure::Cpu),
    ("with server", Measure::Both),
    ("heap peak", Measure::Heap),
    ("heap calls", Measure::Calls),
    ("resident", Measure::Resident),
    ("connects", Measure::Connects),
    ("crates", Measure::Crates),
    ("size", Measure::Size),
];

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "## {} ({})\n", self.title, self.id)?;
        let columns: Vec<&(&str, Measure)> = COLUMNS
            .iter()
            .filter(|(_, measure)| {
                let mut figures = self.figures.iter();
                figures.any(|figure| measure.of(&figure.sample).is_some())
            })
            .collect();
        let mut heads = vec![format!("per {}", self.unit), String::new()];
        heads.extend(columns.iter().map(|(head, _)| (*head).to_owned()));
        let mut table = vec![heads];
        for figure in &self.figures {
            let role = match figure.role {
                Role::Ours => "ours",
                Role::Peer => "peer",
                Role::Limit => "limit",
            };
            let mut cells = vec![figure.name.to_owned(), role.to_owned()];
            match &figure.missing {
                Some(missing) => cells.push(missing.clone()),
                None => cells.extend(columns.iter().map(|(_, measure)| {
                    let value = measure.of(&figure.sample);
                    value.map_or_else(|| "–".to_owned(), |value| shown(*measure, value))
                })),
            }
            table.push(cells);
        }
        f.write_str(&aligned(&table))?;
        writeln!(f)?;
        for verdict in &self.goals {
            let shown = |value: Option<f64>| {
                value.map_or_else(|| "–".to_owned(), |value| shown(verdict.measure, value))
            };
            let met = match verdict.met {
                Some(true) => "met",
                Some(false) => "NOT MET",
                None => "not measured",
            };
            writeln!(
                f,
                "- {met}: {}: {} of {} at most",
                verdict.goal,
                shown(verdict.value),
                shown(verdict.bound)
            )?;
        }
        Ok(())
    }
}

/// A table in Markdown.
fn aligned(table: &[Vec<String>]) -> String {
    let columns = table.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = table.iter().filter_map(|row| row.get(column));
        cells
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
            .max(3)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for (number, row) in table.iter().enumerate() {
        for (column, width) in widths.iter().enumerate() {
            let cell = row.get(column).map_or("", String::as_str);
            let _written = write!(text, "| {cell:<width$} ");
        }
        text.push_str("|\n");
        if number == 0 {
            for width in &widths {
                let _written = write!(text, "|{}", "-".repeat(width + 2));
            }
            text.push_str("|\n");
        }
    }
    text
}

/// A figure for people.
pub(crate) fn shown(measure: Measure, value: f64) -> String {
    match measure {
        Measure::Cpu | Measure::Both if value >= 1e9 => format!("{:.2} s", value / 1e9),
        Measure::Cpu | Measure::Both if value >= 1e6 => format!("{:.2} ms", value / 1e6),
        Measure::Cpu | Measure::Both => format!("{:.1} µs", value / 1e3),
        Measure::Heap | Measure::Resident | Measure::Size if value >= 1_048_576.0 => {
            format!("{:.2} MiB", value / 1_048_576.0)
        }
        Measure::Heap | Measure::Resident | Measure::Size => format!("{:.1} KiB", value / 1024.0),
        Measure::Calls if value.fract() != 0.0 => format!("{value:.1}"),
        Measure::Calls | Measure::Connects | Measure::Crates => format!("{value:.0}"),
    }
}

/// The reports as one JSON document.
///
/// Errors never, in practice: a report is plain data.
pub(crate) fn json(reports: &[Report]) -> Result<String, Failure> {
    #[derive(Serialize)]
    struct Document<'r> {
        cores: usize,
        rows: &'r [Report],
    }

    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Ok(serde_json::to_string_pretty(&Document {
        cores,
        rows: reports,
    })?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(name: &'static str, cpu: Option<f64>) -> Figure {
        Figure {
            name,
            role: Role::Peer,
            sample: Sample {
                cpu,
                ..Sample::default()
            },
            missing: None,
        }
    }

    #[test]
    fn a_goal_is_met_up_to_its_bound_and_unknown_without_figures() {
        let goal = Goal::times("half", "a", Measure::Cpu, 0.5, "b").plus(1.0);
        let met = |a, b| Verdict::of(&goal, &[figure("a", a), figure("b", b)]).met;
        assert_eq!(met(Some(6.0), Some(10.0)), Some(true));
        assert_eq!(met(Some(6.1), Some(10.0)), Some(false));
        assert_eq!(met(Some(6.0), None), None);
        assert_eq!(met(None, Some(10.0)), None);
        assert_eq!(Verdict::of(&goal, &[]).met, None);
    }
}
