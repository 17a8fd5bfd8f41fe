//! What a program does that a signal ends. A process does it once, so this test has one of its own.

#![allow(
    clippy::unwrap_used,
    reason = "a test opens files, and says when it fails"
)]

use std::fs;
use std::io;
use std::path::Path;

use mesh_io::save::{Draft, SaveError, abandon_drafts};
use mesh_proto::image::GeneratedImage;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\nthe rest";

fn names_in(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn written(path: &Path) -> Draft {
    let mut draft = Draft::create(path).unwrap();
    let mut image = draft.begin(&GeneratedImage::from_bytes(PNG)).unwrap();
    while draft.copy(&mut image).unwrap().is_continue() {}
    draft
}

#[test]
fn abandoned_drafts_leave_nothing_and_finished_files_stay() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    written(&path("finished")).finish().unwrap();
    let empty = Draft::create(path("empty")).unwrap();
    let whole = written(&path("whole"));
    drop(written(&path("dropped")));
    assert_eq!(names_in(directory.path()).len(), 3);

    abandon_drafts();
    assert_eq!(names_in(directory.path()), ["finished.png"]);

    // What goes on for a moment leaves nothing either.
    let interrupted = |error: SaveError| match error {
        SaveError::File { error, .. } => error.kind() == io::ErrorKind::Interrupted,
        _ => false,
    };
    assert!(interrupted(whole.finish().unwrap_err()));
    assert!(interrupted(Draft::create(path("late")).unwrap_err()));
    drop(empty);
    abandon_drafts();
    assert_eq!(names_in(directory.path()), ["finished.png"]);
    assert_eq!(fs::read(path("finished.png")).unwrap(), PNG);
}
