//! The programs as a reader runs them, and the drivers' size as the documentation promises it.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test runs programs, opens sockets, and fails by panicking"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const PHOTOS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/photos");

/// The program, which `cargo test` builds beside the tests.
fn program(name: &str) -> Command {
    let test = std::env::current_exe().unwrap();
    let built = test.parent().and_then(Path::parent).unwrap();
    let path = built.join("examples").join(name);
    assert!(
        path.exists(),
        "run all tests of the package: {} is not built",
        path.display()
    );
    let mut command = Command::new(path);
    for variable in ["MESHAPI_API_KEY", "MESH_API_KEY", "MESHAPI_BASE_URL"] {
        command.env_remove(variable);
    }
    command
}

fn said(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn photo(name: &str) -> PathBuf {
    Path::new(PHOTOS).join(name)
}

#[test]
fn a_bare_socket_describes_a_photograph() {
    let told = said(program("bare_socket").arg(photo("coffee.png")));
    assert!(
        told.contains("600 x 400 pixels") && told.contains("(req_"),
        "{told}"
    );
}

#[test]
fn a_runtime_without_a_client_draws_a_picture() {
    let told = said(program("smol_runtime").arg("a red circle"));
    assert!(told.starts_with("processing\n"), "{told}");
    assert!(told.contains("width: 1024, height: 1024"), "{told}");
}

#[test]
fn a_script_goes_through_a_folder() {
    let told = said(&mut program("blocking_script"));
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines.len(), 4, "{told}");
    assert!(lines[0].contains("not a picture"), "{told}");
    assert!(
        lines[3].starts_with("rocket.jpg: A JPEG picture, 640 x 427"),
        "{told}"
    );
}

#[test]
fn a_photograph_is_asked_about_checked_and_edited() {
    let directory = tempfile::tempdir().unwrap();
    let told = said(program("pictures").env("TMPDIR", directory.path()));
    for part in [
        "asking about 256 × 171",
        "after 1 round(s)",
        "openai/gpt-4o: ",
        "meter-at-night.png",
    ] {
        assert!(told.contains(part), "{part:?} in {told}");
    }
}

#[test]
fn the_readme_shows_what_the_program_does() {
    let readme = include_str!("../../README.md");
    let program = include_str!("../programs/pictures.rs");
    let (_, shown) = readme
        .split_once("## More that pictures need\n\n```rust\n")
        .unwrap();
    let (shown, _) = shown.split_once("```").unwrap();
    let lines: Vec<&str> = program.lines().map(str::trim).collect();
    for line in shown.lines().map(str::trim).filter(|line| !line.is_empty()) {
        assert!(lines.contains(&line), "{line}");
    }
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn a_service_describes_what_is_posted_to_it() {
    let service = program("async_service")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut service = Running(service);
    let mut address = String::new();
    let mut output = BufReader::new(service.0.stdout.take().unwrap());
    output.read_line(&mut address).unwrap();
    let address = address.trim().trim_start_matches("http://");
    let post = |body: &[u8]| {
        let mut socket = TcpStream::connect(address).unwrap();
        let head = format!("POST / HTTP/1.0\r\ncontent-length: {}\r\n\r\n", body.len());
        socket.write_all(head.as_bytes()).unwrap();
        socket.write_all(body).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        answer
    };
    let answer = post(&std::fs::read(photo("chelsea.png")).unwrap());
    assert!(
        answer.starts_with("HTTP/1.0 200") && answer.contains("451 x 300"),
        "{answer}"
    );
    let answer = post(b"hello");
    assert!(
        answer.starts_with("HTTP/1.0 400") && answer.contains("not a picture"),
        "{answer}"
    );
}

#[test]
fn a_driver_is_at_most_sixty_lines() {
    for source in [
        include_str!("../src/bare_socket.rs"),
        include_str!("../src/smol_runtime.rs"),
    ] {
        let drive = source.split_once("fn drive<").unwrap().1;
        let lines = drive.split_once("\n}\n").unwrap().0.lines().count() + 1;
        assert!(lines <= 60, "{lines} lines");
    }
}
