//! A signal that ends the command: no temporary file stays, finished files do, and what may be
//! billed is said.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command};

use mesh_conformance::{Act, Exchange, Framing, ScriptedServer};

use crate::answers::{data_url, pictures, png, server, silent_row};
use crate::running::{Ran, ended, names_in, photo, speaking_to, start};

const SIGNALS: [(&str, i32); 2] = [("INT", 130), ("TERM", 143)];

fn send(signal: &str, child: &Child) {
    let status = Command::new("kill")
        .args([format!("-{signal}"), child.id().to_string()])
        .status()
        .unwrap();
    assert!(status.success());
}

/// Sends a signal, and expects the code of its end.
fn ends(signal: &str, child: Child, code: i32) -> Ran {
    send(signal, &child);
    let ran = ended(child);
    assert_eq!(ran.code, Some(code), "{ran:?}");
    ran
}

/// The first bytes of an image, and nothing after them.
fn stalling() -> Exchange {
    let head = Act::Head {
        status: 200,
        headers: vec![("content-type", "image/png".to_owned())],
        framing: Framing::Length(1 << 20),
    };
    Exchange::new([head, Act::Data(png().into()), Act::Stall])
}

fn draw(server: &ScriptedServer, directory: &Path) -> Child {
    start(
        speaking_to(server)
            .current_dir(directory)
            .args(["draw", "a fox", "-o", "fox"]),
    )
}

#[test]
fn a_download_leaves_nothing_and_its_url_is_said() {
    for (signal, code) in SIGNALS {
        let directory = tempfile::tempdir().unwrap();
        let server = ScriptedServer::start_telling(|base_url| {
            let url = format!("{base_url}/1.png?signature=x");
            vec![silent_row(), pictures(&[&url]), stalling()]
        });
        let child = draw(&server, directory.path());
        for _ in 0..3 {
            server.next();
        }
        let names = names_in(directory.path());
        assert!(
            names.len() == 1 && names[0].starts_with(".mesh-"),
            "{names:?}"
        );
        let ran = ends(signal, child, code);
        assert_eq!(names_in(directory.path()), [""; 0]);
        let url = format!("{}/1.png?signature=x", server.base_url());
        assert!(ran.line().contains("is billed"), "{ran:?}");
        assert!(ran.line().contains(&url), "{ran:?}");
    }
}

#[test]
fn a_finished_file_stays_while_the_next_one_is_fetched() {
    let directory = tempfile::tempdir().unwrap();
    let server = ScriptedServer::start_telling(|base_url| {
        let url = format!("{base_url}/2.png");
        vec![
            silent_row(),
            pictures(&[&data_url(&png()), &url]),
            stalling(),
        ]
    });
    let child = draw(&server, directory.path());
    for _ in 0..3 {
        server.next();
    }
    let ran = ends("INT", child, 130);
    assert_eq!(names_in(directory.path()), ["fox-1.png"]);
    assert_eq!(fs::read(directory.path().join("fox-1.png")).unwrap(), png());
    let last = ran.stderr.lines().last().unwrap();
    assert!(
        last.contains("an image was made") && last.contains("/2.png"),
        "{ran:?}"
    );
}

#[test]
fn a_request_under_way_may_be_billed() {
    for (signal, code) in SIGNALS {
        let directory = tempfile::tempdir().unwrap();
        let server = ScriptedServer::start([silent_row(), Exchange::new([Act::Stall])]);
        let child = draw(&server, directory.path());
        server.next();
        server.next();
        let ran = ends(signal, child, code);
        assert!(ran.line().contains("may be billed"), "{ran:?}");
        assert_eq!(names_in(directory.path()), [""; 0]);

        let server = server_that_stalls();
        let child = start(speaking_to(&server).arg("see").arg(photo("rocket.jpg")));
        server.next();
        let ran = ends(signal, child, code);
        assert!(ran.line().contains("may be billed"), "{ran:?}");
    }
}

fn server_that_stalls() -> ScriptedServer {
    server(Exchange::new([Act::Stall]))
}

#[test]
fn a_wait_is_said_before_it_begins_and_a_signal_ends_it() {
    let busy = r#"{"error":{"code":"rate_limit_exceeded","message":"Slow down"}}"#;
    for (signal, code) in SIGNALS {
        let directory = tempfile::tempdir().unwrap();
        let busy = Exchange::response(429, "retry-after: 50\r\n", busy);
        let server = ScriptedServer::start([silent_row(), busy]);
        let mut child = draw(&server, directory.path());
        // The line arrives while the command waits: it is not yet over when it has been read.
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        stderr.read_line(&mut line).unwrap();
        assert!(line.contains("429 Too Many Requests"), "{line}");
        assert!(
            line.contains("trying again in 5")
                || line.contains("trying again in 6")
                || line.contains("trying again in 7"),
            "{line}"
        );
        assert_eq!(server.rest().len(), 2);
        ends(signal, child, code);
        let mut last = String::new();
        stderr.read_line(&mut last).unwrap();
        assert!(last.contains("nothing is billed"), "{last}");
        assert_eq!(names_in(directory.path()), [""; 0]);
    }
}
