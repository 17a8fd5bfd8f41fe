//! Whoever has read enough closes the pipe, and nobody complains.

use mesh_conformance::Act;
use serde_json::json;

use crate::answers::{document, done, piece, server, stream};
use crate::running::{ended, offline, photo, speaking_to, start};

#[test]
fn a_list_that_nobody_reads_ends_quietly() {
    let mut answer = document(&json!([{"id": "a/b"}]));
    answer.acts.insert(0, Act::AwaitEvents(1));
    let server = server(answer);
    let mut child = start(speaking_to(&server).arg("models"));
    drop(child.stdout.take());
    server.shown().add();
    let ran = ended(child);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
}

#[test]
fn an_answer_that_nobody_reads_ends_quietly() {
    let server = server(stream([
        Act::AwaitEvents(1),
        piece("one"),
        piece("two"),
        done(),
    ]));
    let mut child = start(speaking_to(&server).arg("see").arg(photo("rocket.jpg")));
    drop(child.stdout.take());
    server.shown().add();
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
    let server = server(stream([
        Act::AwaitEvents(1),
        piece("A rocket."),
        Act::Close,
    ]));
    let mut child = start(speaking_to(&server).arg("see").arg(photo("rocket.jpg")));
    drop(child.stderr.take());
    server.shown().add();
    let ran = ended(child);
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (Some(6), "A rocket.\n"),
        "{ran:?}"
    );
}
