use std::collections::BTreeSet;

use mesh_proto::image::{GeneratedImage, PictureError};

use super::*;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\nthe rest";

fn names_in(directory: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(directory).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

fn save(to: impl Into<Destination>, image: &GeneratedImage) -> Result<Saved, SaveError> {
    let mut draft = Draft::create(to)?;
    let mut picture = draft.begin(image)?;
    while draft.copy(&mut picture)?.is_continue() {}
    draft.finish()
}

fn png() -> GeneratedImage {
    GeneratedImage::from_bytes(PNG)
}

#[test]
fn a_picture_is_where_the_result_says() {
    let directory = tempfile::tempdir().unwrap();
    let saved = save(directory.path().join("fox"), &png()).unwrap();
    assert_eq!(saved.path, directory.path().join("fox.png"));
    assert_eq!((saved.length, saved.media_type), (16, MediaType::PNG));
    assert_eq!(fs::read(saved.path).unwrap(), PNG);
    assert_eq!(names_in(directory.path()), ["fox.png".to_owned()].into());

    let vague = GeneratedImage::from_url("data:image/x-new;base64,AAEC");
    let saved = save(directory.path().join("new"), &vague).unwrap();
    assert!(saved.path.ends_with("new.x-new"));
    assert_eq!(saved.evidence, Evidence::Declared);
}

#[test]
fn what_is_there_stays_unless_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("fox.png");
    fs::write(&path, "old").unwrap();
    for given in ["fox.png", "fox"] {
        let refused = save(directory.path().join(given), &png()).unwrap_err();
        assert!(matches!(&refused, SaveError::Exists(there) if *there == path));
        assert!(refused.to_string().contains("`Existing`"), "{refused}");
    }
    assert_eq!(fs::read(&path).unwrap(), b"old");
    let numbered = Destination::new(&path).existing(Existing::Number);
    for name in ["fox-2.png", "fox-3.png"] {
        let saved = save(numbered.clone(), &png()).unwrap();
        assert_eq!(saved.path, directory.path().join(name));
    }
    let replaced = Destination::new(&path).existing(Existing::Replace);
    assert_eq!(save(replaced, &png()).unwrap().path, path);
    assert_eq!(fs::read(&path).unwrap(), PNG);
    assert_eq!(names_in(directory.path()).len(), 3);
}

#[test]
fn of_many_that_want_one_name_each_gets_its_own() {
    let directory = tempfile::tempdir().unwrap();
    for place in [place_if_free, reserve] {
        let path = directory.path().join("contested");
        let won: usize = std::thread::scope(|scope| {
            let runs: Vec<_> = (0..8)
                .map(|number: usize| {
                    let temporary = directory.path().join(format!("draft-{number}"));
                    fs::write(&temporary, number.to_string()).unwrap();
                    let path = &path;
                    scope.spawn(move || match place(&temporary, path) {
                        Ok(()) => 1,
                        Err(error) => {
                            assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
                            0
                        }
                    })
                })
                .collect();
            runs.into_iter().map(|run| run.join().unwrap()).sum()
        });
        assert_eq!(won, 1);
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn nothing_is_left_of_what_fails() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("fox");
    let broken = format!("{}!", "iVBORw0KGgoA".repeat(20_000));
    for (image, expected) in [
        (GeneratedImage::from_base64(broken), "not base64"),
        (GeneratedImage::from_base64(""), "no bytes"),
        (
            GeneratedImage::from_bytes(&b"<html>"[..]),
            "not a picture but HTML",
        ),
        (
            GeneratedImage::from_bytes("gr\u{fc}n ".repeat(2_000)),
            "not a picture but text",
        ),
    ] {
        let error = save(&path, &image).unwrap_err();
        assert!(matches!(error, SaveError::Picture(_)), "{error:?}");
        assert!(error.to_string().contains(expected), "{error}");
    }
    drop(Draft::create(&path).unwrap());
    assert!(names_in(directory.path()).is_empty());

    let remote = GeneratedImage::from_url("https://example.com/a.png");
    let error = save(&path, &remote).unwrap_err();
    assert!(matches!(error, SaveError::Picture(PictureError::Remote(_))));
}

#[test]
fn a_place_that_cannot_be_is_told_with_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let inner = directory.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let slash = format!("{}/new/", directory.path().display());
    for (path, expected) in [
        (directory.path().join("none/fox"), "create its directory"),
        (inner.clone(), "name a file in it"),
        (slash.into(), "name a file in it"),
        (PathBuf::new(), "name a file in it"),
    ] {
        let error = save(path, &png()).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
    let long = inner.join("x".repeat(300));
    assert!(matches!(save(&long, &png()), Err(SaveError::File { .. })));
    assert!(names_in(&inner).is_empty());
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let mut draft = Draft::create(directory.path().join("fox")).unwrap();
    let mut picture = draft.begin(&png()).unwrap();
    draft.flush().unwrap();
    draft.file = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let error = draft.copy(&mut picture).unwrap_err();
    assert!(error.to_string().contains("make room"), "{error}");
}

#[test]
fn what_begins_anew_is_the_last_beginning() {
    let directory = tempfile::tempdir().unwrap();
    let mut draft = Draft::create(directory.path().join("fox")).unwrap();
    for body in [&b"GIF89a and a long rest of it"[..], PNG] {
        draft.push(Piece::Begin { declared: None });
        draft.push(Piece::Bytes(body.to_vec().into()));
        draft.flush().unwrap();
    }
    let saved = draft.finish().unwrap();
    assert_eq!((saved.length, &saved.media_type), (16, &MediaType::PNG));
    assert_eq!(fs::read(saved.path).unwrap(), PNG);
}

#[test]
fn a_draft_does_not_show_the_picture() {
    let directory = tempfile::tempdir().unwrap();
    let mut draft = Draft::create(directory.path().join("fox")).unwrap();
    let bytes = [PNG, &vec![b'x'; TURN]].concat();
    let mut picture = draft.begin(&GeneratedImage::from_bytes(bytes)).unwrap();
    assert!(draft.copy(&mut picture).unwrap().is_continue());
    draft.push(Piece::Bytes(PNG.into()));
    for telling in ["PNG", "xxx", "120, 120"] {
        assert!(!format!("{draft:?}").contains(telling));
    }
}
