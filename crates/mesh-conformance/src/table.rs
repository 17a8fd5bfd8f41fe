//! Which driver goes through which scenario.

use crate::driver::{Async, BareSocket, Blocking, Driver, Smol};
use crate::memory::Memory;
use crate::run::run;
use crate::scenario::{Need, Scenario};

/// A driver in the table.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// What it is called.
    pub name: &'static str,
    can: &'static [Need],
    run: fn(&Scenario) -> Result<(), String>,
}

impl Column {
    fn of<D: Driver>() -> Self {
        Self {
            name: D::NAME,
            can: D::CAN,
            run: run::<D>,
        }
    }

    /// What the scenario needs that the driver lacks.
    pub fn lacks(&self, scenario: &Scenario) -> Option<Need> {
        let mut needs = scenario.needs.iter().copied();
        needs.find(|need| !self.can.contains(need))
    }

    /// Runs a scenario. Errors with what was accepted and what came out.
    pub fn run(&self, scenario: &Scenario) -> Result<(), String> {
        (self.run)(scenario)
    }
}

/// All drivers.
pub fn columns() -> Vec<Column> {
    vec![
        Column::of::<Blocking>(),
        Column::of::<Async<1>>(),
        Column::of::<Async<2>>(),
        Column::of::<Async<1, true>>(),
        Column::of::<BareSocket>(),
        Column::of::<Smol>(),
        Column::of::<Memory>(),
    ]
}

/// Every scenario with its rule and the drivers that go through it, in Markdown.
pub fn table(scenarios: &[Scenario]) -> String {
    let columns = columns();
    let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
    let mut lines = vec![
        "# The scenarios".to_owned(),
        String::new(),
        "What every client does the same, and which driver goes through it; a driver that lacks what a scenario needs skips it. Written by `MESH_WRITE_SCENARIOS=1 cargo test -p mesh-conformance --test table`; the same test fails where this is not what runs.".to_owned(),
        String::new(),
        format!("| Scenario | Rule | {} |", names.join(" | ")),
        format!("|---|---|{}", "---|".repeat(columns.len())),
    ];
    for scenario in scenarios {
        let marks = columns.iter().map(|column| match column.lacks(scenario) {
            None => "✓".to_owned(),
            Some(need) => format!("no {}", need.name()),
        });
        let marks: Vec<String> = marks.collect();
        let marks = marks.join(" | ");
        lines.push(format!(
            "| `{}` | {} | {marks} |",
            scenario.name, scenario.rule
        ));
    }
    let on_all = scenarios
        .iter()
        .filter(|scenario| columns.iter().all(|it| it.lacks(scenario).is_none()));
    let counts = columns.iter().map(|column| {
        let run = scenarios.iter().filter(|it| column.lacks(it).is_none());
        format!("{} {}", column.name, run.count())
    });
    let counts: Vec<String> = counts.collect();
    lines.push(String::new());
    lines.push(format!(
        "{} scenarios, {} of them through every driver: {}.",
        scenarios.len(),
        on_all.count(),
        counts.join("; ")
    ));
    lines.join("\n") + "\n"
}
