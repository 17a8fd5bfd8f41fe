//! What a client's builder takes from the environment. The environment of a test is never changed:
//! each case is a run of this program with variables of its own.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test runs programs, and says when it fails"
)]

use std::process::Command;

use mesh_proto::SetUpError;
use mesh_proto::Target;

/// What a run sets explicitly: the key and the base URL, each after its mark.
const GIVEN: &str = "MESH_TEST_GIVEN";

const KEYS: [&str; 3] = ["MESHAPI_API_KEY", "MESH_API_KEY", "MESHAPI_BASE_URL"];

#[test]
fn what_is_not_set_comes_from_the_environment_and_what_is_set_wins() {
    let local = "http://localhost:8000";
    let mesh = "https://api.meshapi.ai";
    let both = [("MESHAPI_API_KEY", "rsk_env"), ("MESHAPI_BASE_URL", local)];
    for (variables, given, expected) in [
        (&both[..], "", format!("rsk_env {local}")),
        (&both, "from_env", format!("rsk_env {local}")),
        (&both, "key=rsk_own", format!("rsk_own {local}")),
        (
            &both,
            "base=https://own.test",
            "rsk_env https://own.test".to_owned(),
        ),
        (
            &both,
            "key=rsk_own base=https://own.test",
            "rsk_own https://own.test".to_owned(),
        ),
        (&both, "target", "rsk_target https://target.test".to_owned()),
        (&both, "key=", "the API key is empty".to_owned()),
        (
            &[("MESH_API_KEY", "rsk_old")],
            "",
            format!("rsk_old {mesh}"),
        ),
        (
            &[("MESH_API_KEY", "rsk_old"), ("MESHAPI_API_KEY", "rsk_new")],
            "",
            format!("rsk_new {mesh}"),
        ),
        (
            &[("MESH_API_KEY", "rsk_old"), ("MESHAPI_API_KEY", "")],
            "",
            format!("rsk_old {mesh}"),
        ),
        (&[], "", "set MESHAPI_API_KEY".to_owned()),
        (&[], "key=rsk_own", format!("rsk_own {mesh}")),
        (
            &[
                ("MESHAPI_API_KEY", "rsk_env"),
                ("MESHAPI_BASE_URL", "ftp://x"),
            ],
            "",
            "the base URL".to_owned(),
        ),
        (
            &[
                ("MESHAPI_API_KEY", "rsk_env"),
                ("MESHAPI_BASE_URL", "ftp://x"),
            ],
            "base=https://own.test",
            "rsk_env https://own.test".to_owned(),
        ),
    ] {
        runs(variables, given, &expected);
    }
}

#[test]
#[cfg(unix)]
fn a_variable_that_is_not_unicode_is_invalid_and_not_absent() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    let mut command = child("");
    command.env("MESHAPI_API_KEY", OsStr::from_bytes(b"rsk_\xfc"));
    ends(&mut command, "beyond ASCII");
}

fn runs(variables: &[(&str, &str)], given: &str, expected: &str) {
    let mut command = child(given);
    command.envs(variables.iter().copied());
    ends(&mut command, expected);
}

fn child(given: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([
        "--exact",
        "in_a_child_both_clients_are_built",
        "--nocapture",
    ]);
    for name in KEYS {
        command.env_remove(name);
    }
    command.env(GIVEN, given);
    command
}

fn ends(command: &mut Command, expected: &str) {
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    for client in ["blocking: ", "async: "] {
        let line = text
            .lines()
            .find_map(|line| Some(line.split_once(client)?.1))
            .unwrap_or_else(|| panic!("{client}{text}"));
        assert!(
            line.contains(expected),
            "{client}{line:?}, not {expected:?}"
        );
    }
}

/// What a run of [`child`] does; without its variable there is nothing to do.
#[test]
fn in_a_child_both_clients_are_built() {
    let Ok(given) = std::env::var(GIVEN) else {
        return;
    };
    macro_rules! built {
        ($client:ty) => {
            if given == "from_env" {
                <$client>::from_env()
            } else {
                let mut builder = <$client>::builder();
                for word in given.split_whitespace() {
                    builder = match word.split_once('=') {
                        Some(("key", key)) => builder.key(key),
                        Some(("base", base)) => builder.base_url(base),
                        _ => builder.target(
                            Target::of(Some("rsk_target"), Some("https://target.test")).unwrap(),
                        ),
                    };
                }
                builder.build()
            }
        };
    }
    let blocking = built!(mesh_blocking::Client);
    println!(
        "\nblocking: {}",
        shown(blocking.map(|it| it.target().clone()))
    );
    let client = built!(mesh_async::Client);
    println!("\nasync: {}", shown(client.map(|it| it.target().clone())));
}

fn shown(target: Result<Target, SetUpError>) -> String {
    match target {
        Ok(target) => format!("{} {}", target.key().reveal(), target.base()),
        Err(error) => error.to_string(),
    }
}
