//! `SCENARIOS.md` is what runs.

#![allow(
    clippy::unwrap_used,
    reason = "a test reads files and the environment, and fails by panicking"
)]

use std::collections::BTreeSet;
use std::fs;

use mesh_conformance::{columns, scenarios, table};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/SCENARIOS.md");

#[test]
fn the_table_is_what_runs() {
    let table = table(&scenarios());
    if std::env::var_os("MESH_WRITE_SCENARIOS").is_some() {
        fs::write(FILE, &table).unwrap();
    }
    let written = fs::read_to_string(FILE).unwrap_or_default();
    assert!(
        written == table,
        "SCENARIOS.md is out of date: run this test with MESH_WRITE_SCENARIOS=1"
    );
}

#[test]
fn a_scenario_has_a_name_of_its_own_and_most_go_through_every_driver() {
    let scenarios = scenarios();
    let names: BTreeSet<_> = scenarios.iter().map(|scenario| scenario.name).collect();
    assert_eq!(names.len(), scenarios.len());
    let columns = columns();
    let on = |scenario| {
        columns
            .iter()
            .filter(|it| it.lacks(scenario).is_none())
            .count()
    };
    let on_five = scenarios.iter().filter(|it| on(it) >= 5).count();
    let on_all = scenarios
        .iter()
        .filter(|it| on(it) == columns.len())
        .count();
    assert!(
        on_five >= 60 && on_all >= 45,
        "{on_five} on five drivers, {on_all} on all"
    );
}
