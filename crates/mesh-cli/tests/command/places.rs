//! Where `mesh draw` writes: files, links, pipes, standard output, and elsewhere rather than
//! nowhere.

use std::fs;
use std::path::Path;

use crate::answers::{data_url, pictures, png, server};
use crate::running::{names_in, posts, run, speaking_to};

const DRAW: [&str; 3] = ["draw", "a fox", "-o"];

#[test]
fn standard_output_gets_the_picture_and_nothing_else() {
    let server = server(pictures(&[&data_url(&png())]));
    let output = speaking_to(&server).args(DRAW).arg("-").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(output.stdout, png());
}

#[test]
#[cfg(unix)]
fn a_device_is_written_to_and_never_replaced() {
    use std::os::unix::fs::FileTypeExt as _;

    let server = server(pictures(&[&data_url(&png())]));
    let ran = run(speaking_to(&server).args(DRAW).arg("/dev/null"));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(
        fs::metadata("/dev/null")
            .unwrap()
            .file_type()
            .is_char_device()
    );
}

#[test]
#[cfg(unix)]
fn what_a_link_points_to_is_what_is_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let (target, link) = (
        directory.path().join("target.png"),
        directory.path().join("link.png"),
    );
    fs::write(&target, "old").unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    let server = server(pictures(&[&data_url(&png())]));
    let ran = run(speaking_to(&server).args(DRAW).arg(&link).arg("--force"));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(fs::read(&target).unwrap(), png());
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
}

#[test]
fn places_that_cannot_be_are_told_before_anything_is_sent() {
    let directory = tempfile::tempdir().unwrap();
    let slash = format!("{}/new/", directory.path().display());
    // The second one is too long only with its extension.
    let [too_long, longer_with_extension] =
        [260, 253].map(|length| format!("{}/{}", directory.path().display(), "y".repeat(length)));
    for place in [
        slash.as_str(),
        "/proc/fox.png",
        &too_long,
        &longer_with_extension,
    ] {
        let server = server(pictures(&[&data_url(&png())]));
        let ran = run(speaking_to(&server).args(DRAW).arg(place));
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.line().contains(place.trim_end_matches('/')), "{ran:?}");
        assert!(server.rest().is_empty(), "{place}");
    }
    assert!(names_in(directory.path()).is_empty());
}

#[test]
fn a_name_that_ends_with_a_dot_gets_its_extension() {
    let directory = tempfile::tempdir().unwrap();
    let server = server(pictures(&[&data_url(&png())]));
    let place = directory.path().join("fox.");
    let ran = run(speaking_to(&server).args(DRAW).arg(place));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(names_in(directory.path()), ["fox.png"]);
    assert!(ran.line().contains("; named .png, as that"), "{ran:?}");
}

#[test]
fn a_paid_picture_is_kept_elsewhere_where_its_own_place_fails() {
    let directory = tempfile::tempdir().unwrap();
    // The same image twice would be one.
    let images = [png(), [png(), vec![0]].concat()];
    let urls = images.each_ref().map(|it| data_url(it));
    let server = server(pictures(&[&urls[0], &urls[1]]));
    // Long enough for one file, and too long once two are numbered.
    let name = format!("{}.png", "x".repeat(250));
    let ran = run(speaking_to(&server)
        .current_dir(&directory)
        .env("TMPDIR", directory.path())
        .args(DRAW)
        .arg(name));
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let kept = ran.stderr.lines().map(|line| {
        let (_, path) = line.rsplit_once("the picture is in ").unwrap();
        fs::read(Path::new(path)).unwrap()
    });
    assert_eq!(kept.collect::<Vec<_>>(), images);
}

#[test]
fn a_size_of_no_known_form_is_wrong_usage() {
    for (size, code) in [
        ("banana", 2),
        ("1024", 2),
        ("0x5", 2),
        ("16:0", 2),
        ("16:9", 0),
        ("auto", 0),
        ("640x480", 0),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let server = server(pictures(&[&data_url(&png())]));
        let ran = run(speaking_to(&server)
            .current_dir(&directory)
            .args(["draw", "a fox", "--size", size]));
        assert_eq!(ran.code, Some(code), "{size}: {ran:?}");
        assert_eq!(posts(&server).len(), usize::from(code == 0), "{size}");
    }
}
