//! The key, the gateway's address, and what is said where they are missing or wrong.

use std::net::TcpListener;
use std::process::Command;

use mesh_conformance::Exchange;
use serde_json::json;

use crate::answers::{document, server};
use crate::running::{KEY, mesh, photo, run};

fn every_command() -> [Command; 3] {
    let (mut see, mut draw, mut models) = (mesh(), mesh(), mesh());
    see.arg("see").arg(photo("rocket.jpg"));
    draw.args(["draw", "a fox"]);
    models.arg("models");
    [see, draw, models]
}

#[test]
#[cfg(unix)]
fn a_variable_that_is_not_unicode_is_invalid_and_not_absent() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    for (name, value, code) in [
        ("MESHAPI_BASE_URL", &b"http://127.0.0.1:9/\xff"[..], 2),
        ("MESHAPI_BASE_URL", b"\xff", 2),
        ("MESHAPI_API_KEY", b"rsk_\xfe_0123456789", 3),
    ] {
        let ran = run(mesh()
            .arg("models")
            .env("MESHAPI_API_KEY", KEY)
            .env(name, OsStr::from_bytes(value)));
        assert_eq!(ran.code, Some(code), "{name}: {ran:?}");
        assert!(
            ran.line().starts_with(&format!("mesh: {name}: ")),
            "{ran:?}"
        );
    }
}

#[test]
fn without_a_key_one_line_says_what_to_set_and_what_else_there_is() {
    for mut command in every_command() {
        let ran = run(command.env("MESHAPI_API_KEY", " "));
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(3), ""), "{ran:?}");
        let line = ran.line();
        assert!(
            line.contains("MESHAPI_API_KEY") && line.contains("--offline"),
            "{line}"
        );
    }
}

#[test]
fn the_key_is_read_from_either_variable_the_first_before_the_second() {
    for (variables, key) in [
        (&[("MESH_API_KEY", KEY)][..], KEY),
        (&[("MESHAPI_API_KEY", KEY)], KEY),
        (
            &[("MESHAPI_API_KEY", KEY), ("MESH_API_KEY", "rsk_other")],
            KEY,
        ),
        (&[("MESHAPI_API_KEY", ""), ("MESH_API_KEY", KEY)], KEY),
    ] {
        let server = server(document(&json!([])));
        let ran = run(mesh()
            .arg("models")
            .env("MESHAPI_BASE_URL", server.base_url())
            .envs(variables.iter().copied()));
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let received = server.rest();
        assert_eq!(
            received[0].header("authorization"),
            Some(format!("Bearer {key}").as_str())
        );
    }
}

#[test]
fn a_key_that_no_header_can_carry_is_refused_without_being_shown() {
    let ran = run(mesh()
        .arg("models")
        .env("MESHAPI_API_KEY", format!("{KEY}\n{KEY}")));
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.line().contains("MESHAPI_API_KEY"), "{ran:?}");
}

#[test]
fn the_version_in_the_base_url_is_never_doubled() {
    for (ending, line) in [
        ("", "GET /v1/models"),
        ("/", "GET /v1/models"),
        ("/v1", "GET /v1/models"),
        ("/v1/", "GET /v1/models"),
        ("/behind/v1", "GET /behind/v1/models"),
    ] {
        let server = server(document(&json!([])));
        let ran = run(mesh()
            .arg("models")
            .env("MESHAPI_API_KEY", KEY)
            .env("MESHAPI_BASE_URL", format!("{}{ending}", server.base_url())));
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert_eq!(server.rest()[0].line, line, "{ending}");
    }
}

#[test]
fn a_base_url_that_cannot_be_one_is_wrong_usage() {
    for url in [
        "nonsense".to_owned(),
        "ftp://gateway.test".to_owned(),
        "http://gateway.test".to_owned(),
        format!("https://{KEY}@gateway.test"),
    ] {
        let ran = run(mesh()
            .arg("models")
            .env("MESHAPI_API_KEY", KEY)
            .env("MESHAPI_BASE_URL", &url));
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.line().contains("MESHAPI_BASE_URL"), "{ran:?}");
    }
}

#[test]
fn with_a_key_alone_the_gateway_is_meshs_own() {
    // A proxy that lets nobody through sees where the command wants to go, and nobody gets there.
    let proxy = server(Exchange::response(403, "", ""));
    let ran = run(mesh()
        .arg("see")
        .arg("https://example.com/image.jpg")
        .env("MESHAPI_API_KEY", KEY)
        .env("HTTPS_PROXY", proxy.base_url()));
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("https://api.meshapi.ai"), "{ran:?}");
    let asked = proxy.rest();
    assert!(!asked.is_empty());
    for request in asked {
        assert_eq!(request.line, "CONNECT api.meshapi.ai:443");
        assert!(!format!("{request:?}").contains(KEY));
    }
}

#[test]
fn unreadable_proxy_is_wrong_usage_and_nothing_is_sent() {
    let gateway = server(Exchange::answer(200, r#"{"data":[]}"#));
    for value in [
        "http://user:canary@proxy:port",
        "socks5://user:canary@proxy",
        "user:canary@",
    ] {
        let models = |base: String| {
            run(mesh()
                .arg("models")
                .env("MESHAPI_API_KEY", KEY)
                .env("MESHAPI_BASE_URL", base)
                .env("HTTPS_PROXY", value))
        };
        let ran = models("https://gateway.test".to_owned());
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.line().contains("HTTPS_PROXY"), "{ran:?}");
        assert!(!ran.stderr.contains("canary"), "{ran:?}");
        // A gateway on this machine is called without a proxy.
        let ran = models(gateway.base_url());
        assert_eq!(ran.code, Some(0), "{ran:?}");
    }
}

#[test]
fn dead_proxy_is_named() {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let ran = run(mesh()
        .arg("models")
        .env("MESHAPI_API_KEY", KEY)
        .env("all_proxy", format!("http://user:canary@127.0.0.1:{port}")));
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let named = format!("proxy http://127.0.0.1:{port} (set in all_proxy)");
    assert!(ran.stderr.contains(&named), "{ran:?}");
    assert!(!ran.stderr.contains("canary"), "{ran:?}");
}

#[test]
fn an_unreachable_gateway_is_told_by_its_address_and_the_reason() {
    // A port that was free a moment ago, and that nobody listens on.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let url = format!("http://127.0.0.1:{port}");
    let ran = run(mesh()
        .arg("see")
        .arg(photo("rocket.jpg"))
        .env("MESHAPI_API_KEY", KEY)
        .env("MESHAPI_BASE_URL", &url));
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{ran:?}");
    let last = ran.stderr.lines().last().unwrap();
    assert!(last.contains(&url) && last.contains("refused"), "{last}");
}
