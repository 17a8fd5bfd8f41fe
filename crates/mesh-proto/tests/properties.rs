//! The properties that the fuzz targets check, on their seeds, on what becomes of those when bytes
//! are changed, and on anything: so they hold where there is no fuzzer, too.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test says when it fails, and reads its seeds"
)]

#[path = "properties/mod.rs"]
mod properties;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};

use properties::PROPERTIES;

fn fuzz(directory: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz")
        .join(directory)
}

/// The stems of what is in a directory.
fn names(directory: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(directory).expect("a directory");
    entries
        .map(|entry| {
            entry
                .unwrap()
                .path()
                .file_stem()
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        })
        .collect()
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let directory = fuzz("seeds").join(target);
    let files = std::fs::read_dir(&directory).expect("a directory of seeds");
    let mut seeds: Vec<Vec<u8>> = files
        .map(|file| std::fs::read(file.unwrap().path()).unwrap())
        .collect();
    seeds.sort();
    assert!(!seeds.is_empty(), "no seeds for {target}");
    seeds
}

/// One change to an input.
#[derive(Clone, Debug)]
enum Change {
    Cut(Index, Index),
    Repeat(Index, Index),
    Insert(Index, Vec<u8>),
    Replace(Index, u8),
    Splice(Index, Index),
}

fn changed(mut input: Vec<u8>, change: &Change, seeds: &[Vec<u8>]) -> Vec<u8> {
    let at = |index: &Index| index.index(input.len() + 1);
    match change {
        Change::Cut(from, to) => {
            let (from, to) = (at(from), at(to));
            input.drain(from.min(to)..from.max(to));
        }
        Change::Repeat(from, to) => {
            let (from, to) = (at(from), at(to));
            let piece = input[from.min(to)..from.max(to)].to_vec();
            input.splice(from.max(to)..from.max(to), piece);
        }
        Change::Insert(place, bytes) => {
            let place = at(place);
            input.splice(place..place, bytes.iter().copied());
        }
        Change::Replace(place, byte) => {
            let place = at(place);
            if let Some(old) = input.get_mut(place) {
                *old = *byte;
            }
        }
        Change::Splice(place, seed) => {
            let place = at(place);
            input.truncate(place);
            let other = &seeds[seed.index(seeds.len())];
            input.extend_from_slice(&other[place.min(other.len())..]);
        }
    }
    input
}

fn inputs(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        any::<u8>(),
        prop::sample::select(&b"\"\\{}[],:;%=.@/ \r\n\0a0"[..])
    ];
    let change = prop_oneof![
        (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Change::Cut(from, to)),
        (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Change::Repeat(from, to)),
        (
            any::<Index>(),
            proptest::collection::vec(any::<u8>(), 0..12)
        )
            .prop_map(|(place, bytes)| Change::Insert(place, bytes)),
        (any::<Index>(), byte).prop_map(|(place, byte)| Change::Replace(place, byte)),
        (any::<Index>(), any::<Index>()).prop_map(|(place, seed)| Change::Splice(place, seed)),
    ];
    let like_a_seed = (
        prop::sample::select(seeds.clone()),
        proptest::collection::vec(change, 1..6),
    )
        .prop_map(move |(seed, changes)| {
            changes
                .iter()
                .fold(seed, |input, change| changed(input, change, &seeds))
        });
    prop_oneof![
        6 => like_a_seed,
        1 => proptest::collection::vec(any::<u8>(), 0..400),
        1 => "\\PC{0,80}".prop_map(String::into_bytes),
    ]
}

fn hold(target: &str) {
    let seeds = seeds(target);
    for seed in &seeds {
        properties::hold(target, seed);
    }
    let config = Config {
        failure_persistence: None,
        ..Config::default()
    };
    let check = |input: Vec<u8>| {
        properties::hold(target, &input);
        Ok(())
    };
    if let Err(error) = TestRunner::new(config).run(&inputs(seeds), check) {
        panic!("{error}");
    }
}

macro_rules! on_seeds_and_beyond {
    ($($target:ident,)*) => {
        $(#[test] fn $target() { hold(stringify!($target)); })*

        #[test]
        fn every_property_has_its_test_its_target_and_its_seeds() {
            let listed: BTreeSet<String> =
                PROPERTIES.iter().map(|(name, _)| (*name).to_owned()).collect();
            let tested: BTreeSet<String> =
                [$(stringify!($target)),*].into_iter().map(str::to_owned).collect();
            assert_eq!(tested, listed);
            assert_eq!(names(&fuzz("fuzz_targets")), listed);
            assert_eq!(names(&fuzz("seeds")), listed);
        }
    };
}

on_seeds_and_beyond! {
    addresses,
    base64,
    body_reader,
    call_machine,
    chat_reply,
    chat_stream,
    data_url,
    error_body,
    find_in_document,
    image_reply,
    image_stream,
    media_type,
    model_list,
    multipart,
    redirects,
    sse,
}
