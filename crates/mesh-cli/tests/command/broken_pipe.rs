//! Whoever has read enough closes the pipe, and nobody complains.

use mesh_conformance::{Act, Gate, sse_head};
use serde_json::json;

use crate::answers::{document, done, piece, server, stream};
use crate::running::{ended, offline, photo, speaking_to, start};

#[test]
fn a_list_that_nobody_reads_ends_quietly() {
    let gate = Gate::new();
    let answer = [
        vec![Act::Await(gate.clone())],
        document(&json!([{"id": "a/b"}])),
    ]
    .concat();
    let server = server(answer);
    let mut child = start(speaking_to(&server).arg("models"));
    drop(child.stdout.take());
    gate.open();
    let ran = ended(child);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
}

#[test]
fn an_answer_that_nobody_reads_ends_quietly() {
    let gate = Gate::new();
    let server = server(vec![
        sse_head(),
        Act::Await(gate.clone()),
        piece("one"),
        piece("two"),
        done(),
    ]);
    let mut child = start(speaking_to(&server).arg("see").arg(photo("rocket.jpg")));
    drop(child.stdout.take());
    gate.open();
    let ran = ended(child);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
}

#[test]
fn the_emulators_answer_may_go_unread_too() {
    for arguments in [
        &["models"][..],
        &["see", photo("rocket.jpg").to_str().unwrap()],
    ] {
        let mut child = start(offline().args(arguments));
        drop(child.stdout.take());
        let ran = ended(child);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(ran.line().contains("offline"), "{ran:?}");
    }
}

#[test]
fn talk_that_nobody_reads_does_not_keep_the_data_back() {
    let gate = Gate::new();
    let server = server(stream([
        Act::Await(gate.clone()),
        piece("A rocket."),
        Act::Close,
    ]));
    let mut child = start(speaking_to(&server).arg("see").arg(photo("rocket.jpg")));
    drop(child.stderr.take());
    gate.open();
    let ran = ended(child);
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (Some(6), "A rocket.\n"),
        "{ran:?}"
    );
}
