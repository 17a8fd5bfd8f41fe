//! Files that are no pictures, or not such as models take: one line, and nothing is sent.

use std::fs;

use crate::answers::{png, saying, server};
use crate::running::{Ran, offline, run, run_reading, speaking_to};

/// Bytes, and what the line must say of them.
const FILES: [(&str, &[u8], &str); 10] = [
    ("empty.png", b"", "empty"),
    ("text.jpg", b"This is a letter.\n", "text"),
    ("page.png", b"<!DOCTYPE html><html></html>", "HTML"),
    ("paper.png", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "PDF"),
    ("phone.jpg", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
    ("scan.jpg", b"II*\0\x08\0\0\0\0\0", "TIFF"),
    ("paint.png", b"BM\x36\0\0\0\0\0\0\0\x36\0\0\0", "BMP"),
    (
        "logo.png",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "SVG",
    ),
    (
        "new.webp",
        b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf",
        "AVIF",
    ),
    (
        "noise.gif",
        b"\xfe\x01\xff\x80noise",
        "data of an unknown kind",
    ),
];

fn is_told(ran: &Ran, name: &str, what: &str) {
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{ran:?}");
    let line = ran.line();
    assert!(line.contains(name) && line.contains(what), "{line}");
}

#[test]
fn what_is_no_portable_picture_is_named_for_what_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let server = server(saying("never asked"));
    for (name, bytes, what) in FILES {
        let path = directory.path().join(name);
        fs::write(&path, bytes).unwrap();
        is_told(
            &run(speaking_to(&server).arg("see").arg(&path)),
            path.to_str().unwrap(),
            what,
        );
        is_told(
            &run(offline().arg("see").arg(&path)),
            path.to_str().unwrap(),
            what,
        );
        is_told(
            &run_reading(speaking_to(&server).args(["see", "-"]), bytes),
            "standard input",
            what,
        );
    }
    assert_eq!(server.rest().len(), 0);
}

#[test]
fn what_cannot_be_read_is_named_with_the_reason() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing.jpg");
    is_told(
        &run(offline().arg("see").arg(&missing)),
        missing.to_str().unwrap(),
        "No such file",
    );
    is_told(
        &run(offline().arg("see").arg(directory.path())),
        directory.path().to_str().unwrap(),
        "directory",
    );
}

#[test]
fn one_bad_file_among_good_ones_is_the_one_that_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let (good, bad) = (
        directory.path().join("good.png"),
        directory.path().join("bad.png"),
    );
    fs::write(&good, png()).unwrap();
    fs::write(&bad, "hello").unwrap();
    let server = server(saying("never asked"));
    let ran = run(speaking_to(&server).arg("see").args([&good, &bad]));
    is_told(&ran, bad.to_str().unwrap(), "text");
    assert!(!ran.stderr.contains("good.png"), "{ran:?}");
    assert_eq!(server.rest().len(), 0);
}

#[test]
fn urls_that_are_no_pictures_addresses_are_wrong_usage() {
    for url in [
        "data:image/png;base64,!!!!",
        "https://",
        "data:image/png;base64,",
    ] {
        let ran = run(offline().args(["see", url]));
        assert_eq!(ran.code, Some(2), "{ran:?}");
        ran.line();
    }
}

#[test]
fn a_picture_too_large_to_be_taken_is_told_by_name_before_anything_is_sent() {
    let directory = tempfile::tempdir().unwrap();
    let (small, large) = (
        directory.path().join("small.png"),
        directory.path().join("large.png"),
    );
    fs::write(&small, png()).unwrap();
    let mut bytes = png();
    bytes.resize(25 << 20, 0);
    fs::write(&large, bytes).unwrap();
    let server = server(saying("never asked"));
    for pictures in [&[&large][..], &[&small, &large], &[&large, &small]] {
        let ran = run(speaking_to(&server).arg("see").args(pictures));
        is_told(&ran, large.to_str().unwrap(), "32.0 MiB");
        let (named, _) = ran.stderr.split_once("the request").unwrap();
        let first = named.split(", ").next().unwrap();
        assert!(
            first.contains("large.png"),
            "the largest comes first: {ran:?}"
        );
    }
    // A data URL is a picture of the request too, and takes a place among them.
    let inline = crate::answers::data_url(&png());
    let ran = run(speaking_to(&server).arg("see").arg(inline).arg(&large));
    is_told(&ran, large.to_str().unwrap(), "32.0 MiB");
    assert_eq!(server.rest().len(), 0);
}

#[test]
fn standard_input_that_is_too_large_is_called_so() {
    let mut bytes = png();
    bytes.resize(25 << 20, 0);
    let server = server(saying("never asked"));
    let ran = run_reading(speaking_to(&server).args(["see", "-"]), &bytes);
    is_told(&ran, "standard input", "32.0 MiB");
    assert_eq!(server.rest().len(), 0);
}
