//! A small part of every row that is not slow, in this process: that each contestant does its work,
//! and that the document has the form that machines read. No figure is held against another.

use mesh_bench::row::{Effort, Row};
use mesh_bench::{Report, Runner, Scale, rows};

fn usual() -> impl Iterator<Item = Row> {
    rows().into_iter().filter(|row| row.effort == Effort::Usual)
}

#[test]
fn every_contestant_does_its_work_and_every_goal_is_about_one() {
    for row in usual() {
        let report = Report::of(&row, &Runner::Here, Scale::Quick, 1);
        let json = serde_json::to_value(&report).unwrap();
        let names: Vec<&str> = row.contestants.iter().map(|it| it.name).collect();

        let figures = json["figures"].as_array().unwrap();
        assert_eq!(figures.len(), names.len(), "{}", row.id);
        for (figure, name) in figures.iter().zip(&names) {
            assert_eq!(figure["name"], *name);
            // Python is there or not; all else always is.
            if *name != "official Python SDK" {
                assert_eq!(figure.get("missing"), None, "{}: {figure}", row.id);
                assert!(
                    figure["cpu"].as_f64().unwrap() > 0.0,
                    "{}: {figure}",
                    row.id
                );
            }
        }

        assert!(!row.goals.is_empty(), "{}", row.id);
        for goal in &row.goals {
            assert!(names.contains(&goal.of), "{}: {}", row.id, goal.text);
            assert!(
                goal.against.is_none_or(|it| names.contains(&it)),
                "{}: {}",
                row.id,
                goal.text
            );
        }
        for (verdict, goal) in json["goals"].as_array().unwrap().iter().zip(&row.goals) {
            assert_eq!(verdict["goal"], goal.text);
        }
    }
}

#[test]
fn rows_are_told_apart_by_their_ids() {
    let mut ids: Vec<&str> = rows().iter().map(|row| row.id).collect();
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count);
}
