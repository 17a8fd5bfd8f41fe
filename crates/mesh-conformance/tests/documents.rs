//! What the documents name exists: files that they link to, and items in backticks.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test reads files, and says when it fails"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const DOCUMENTS: [&str; 5] = [
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "README.md",
    "SECURITY.md",
];

/// Names of other programs and of the wire that no code spells out.
const FOREIGN: [&str; 1] = ["access_control_allow_origin"];

#[test]
fn what_the_documents_name_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut words = BTreeSet::new();
    for directory in ["crates", "examples", "fuzz", "wasm"] {
        collect(&root.join(directory), &mut words);
    }
    assert!(words.contains("what_the_documents_name_exists"));
    let mut missing = Vec::new();
    for document in DOCUMENTS {
        let text = fs::read_to_string(root.join(document)).unwrap();
        for name in names(&text) {
            let known = name
                .split("::")
                .all(|part| words.contains(part) || FOREIGN.contains(&part));
            if !known {
                missing.push(format!("{document}: `{name}`"));
            }
        }
        for link in links(&text) {
            if !root.join(link).exists() {
                missing.push(format!("{document}: {link}"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// The paths and the names of several words in backticks: `Type::member`, `a_name_of_a_test`.
fn names(text: &str) -> impl Iterator<Item = &str> {
    let in_backticks = text
        .lines()
        .flat_map(|line| line.split('`').skip(1).step_by(2));
    in_backticks.filter_map(|quoted| {
        let name = quoted.split(['(', '<', '!']).next().unwrap_or_default();
        let name = name.strip_suffix("::").unwrap_or(name);
        let is_name = name
            .chars()
            .all(|it| it.is_ascii_alphanumeric() || it == '_' || it == ':')
            && name.starts_with(|it: char| it.is_ascii_alphabetic());
        let is_path = name.contains("::");
        (is_name && (is_path || name.matches('_').count() >= 2)).then_some(name)
    })
}

/// Relative links, without their fragments.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| {
        let link = rest.split([')', '#']).next()?;
        (!link.is_empty() && !link.contains("://")).then_some(link)
    })
}

/// Every word of the Rust code beneath a directory, comments left out.
fn collect(directory: &Path, words: &mut BTreeSet<String>) {
    let mut paths: Vec<PathBuf> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    while let Some(path) = paths.pop() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" {
            let entries = fs::read_dir(&path).unwrap();
            paths.extend(entries.map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|it| it == "rs") {
            words.extend(name.strip_suffix(".rs").map(str::to_owned));
            let text = fs::read_to_string(&path).unwrap();
            for line in text.lines() {
                let code = line.split("//").next().unwrap_or_default();
                let parts = code.split(|it: char| !(it.is_ascii_alphanumeric() || it == '_'));
                words.extend(parts.map(str::to_owned));
            }
        } else if path.is_dir() || name == "Cargo.toml" {
            words.insert(name);
        }
    }
}
