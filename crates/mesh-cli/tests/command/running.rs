//! Running the command, and what came of it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use mesh_conformance::{Received, ScriptedServer};

/// A key that no output may ever show.
pub(crate) const KEY: &str = "rsk_01CANARYCANARYCANARYCANARY";

/// The command, knowing nothing of the variables of whoever runs the tests.
pub(crate) fn mesh() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mesh"));
    for (name, _) in std::env::vars_os() {
        let upper = name.to_string_lossy().to_uppercase();
        if upper.starts_with("MESHAPI_") || upper.starts_with("MESH_") || upper.ends_with("_PROXY")
        {
            command.env_remove(name);
        }
    }
    command
}

/// The command with the emulator.
pub(crate) fn offline() -> Command {
    let mut command = mesh();
    command.arg("--offline");
    command
}

/// The command with a key, speaking to a server.
pub(crate) fn speaking_to(server: &ScriptedServer) -> Command {
    let mut command = mesh();
    command
        .env("MESHAPI_BASE_URL", server.base_url())
        .env("MESHAPI_API_KEY", KEY);
    command
}

/// What a run came to.
#[derive(Debug, PartialEq)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// The only line of standard error.
    pub(crate) fn line(&self) -> &str {
        let mut lines = self.stderr.lines();
        match (lines.next(), lines.next()) {
            (Some(line), None) => line,
            _ => panic!("not one line: {self:?}"),
        }
    }
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Ran {
    ended(start(command))
}

/// Starts a command whose output is read; it has nothing to read itself.
pub(crate) fn start(command: &mut Command) -> Child {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Runs a command that reads `input`.
pub(crate) fn run_reading(command: &mut Command, input: &[u8]) -> Ran {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    ended(child)
}

/// Waits for the end. No run of any test shows the key.
pub(crate) fn ended(child: Child) -> Ran {
    let Output {
        status,
        stdout,
        stderr,
    } = child.wait_with_output().unwrap();
    let ran = Ran {
        code: status.code(),
        stdout: String::from_utf8(stdout).unwrap(),
        stderr: String::from_utf8(stderr).unwrap(),
    };
    assert!(
        !ran.stdout.contains(KEY) && !ran.stderr.contains(KEY),
        "the key is shown: {ran:?}"
    );
    ran
}

/// A photograph of `examples/photos`.
pub(crate) fn photo(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../examples/photos")
        .join(name)
}

/// The requests that a server got and that may be billed: all but those for its catalogue.
pub(crate) fn posts(server: &ScriptedServer) -> Vec<Received> {
    let mut received = server.rest();
    received.retain(|request| !request.line.starts_with("GET /v1/models"));
    received
}

/// The body of the one request that may be billed.
pub(crate) fn only_body(server: &ScriptedServer) -> serde_json::Value {
    let received = posts(server);
    assert_eq!(received.len(), 1);
    serde_json::from_slice(&received[0].body).unwrap()
}

/// The names in a directory, sorted.
pub(crate) fn names_in(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = directory
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
