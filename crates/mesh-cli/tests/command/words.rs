//! What is said of what went wrong: in plain words, and true.

use std::fs;

use mesh_conformance::Exchange;
use serde_json::json;

use crate::answers::{
    document, done, end_of_body, error, event, finish, png, reply, saying, server, stream,
};
use crate::running::{Ran, mesh, offline, only_body, run, speaking_to};

fn see(answer: Exchange) -> Ran {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("photo.png"), png()).unwrap();
    fs::write(directory.path().join("other.png"), png()).unwrap();
    let server = server(answer);
    run(speaking_to(&server)
        .current_dir(&directory)
        .args(["see", "photo.png", "other.png"]))
}

#[test]
fn a_404_of_no_gateway_asks_to_check_the_base_url() {
    let json = "content-type: application/json\r\n";
    for (status, headers, body) in [
        (404, json, r#"{"detail":"Not Found"}"#),
        (405, json, r#"{"detail":"Method Not Allowed"}"#),
        (
            404,
            json,
            r#"{"error":"Not Found","path":"/v1/chat/completions","status":404}"#,
        ),
        (
            404,
            json,
            r#"{"error":{"message":"Invalid URL (POST /v1/chat/completions)","code":null}}"#,
        ),
        (
            404,
            json,
            r#"{"error":{"code":"not_found","message":"no such route"}}"#,
        ),
        (
            404,
            json,
            r#"{"message":"no Route matched with those values"}"#,
        ),
        (
            404,
            "content-type: text/html\r\n",
            "<html><head><title>404 Not Found</title></head></html>",
        ),
        (404, "content-type: text/plain\r\n", "404 page not found"),
        (404, "", ""),
    ] {
        let ran = see(Exchange::response(status, headers, body));
        assert_eq!(ran.code, Some(1), "{ran:?}");
        let line = ran.line();
        assert!(line.contains("check MESHAPI_BASE_URL"), "{line}");
        assert!(line.contains("; asked http://127.0.0.1:"), "{line}");
    }
    for answer in [
        error(404, "model_not_found", "No such model"),
        error(404, "not_found", "The model `x` does not exist"),
        error(400, "invalid_input", "Not Found"),
    ] {
        let ran = see(answer);
        assert!(!ran.line().contains("MESHAPI_BASE_URL"), "{ran:?}");
    }
}

#[test]
fn an_answer_of_tool_calls_alone_says_which_tools() {
    let call = json!({"index": 0, "id": "call_1", "type": "function",
        "function": {"name": "get_weather", "arguments": "{}"}});
    let delta = json!({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]});
    for answer in [
        stream([event(&delta), finish("tool_calls"), done(), end_of_body()]),
        reply(
            &json!({"content": null, "tool_calls": [call]}),
            "tool_calls",
        ),
    ] {
        let ran = see(answer);
        assert_eq!(ran.code, Some(5), "{ran:?}");
        assert!(
            ran.line().contains("called tools") && ran.line().contains("get_weather"),
            "{ran:?}"
        );
        assert!(!ran.line().contains("nothing"), "{ran:?}");
    }
}

#[test]
fn a_file_that_the_gateway_finds_damaged_is_named() {
    let finding = |place: serde_json::Value| json!({"detail": [{"loc": place, "msg": "truncated", "type": "x"}]});
    for answer in [
        error(
            400,
            "invalid_input",
            "messages[0].content[2]: the PNG is truncated",
        ),
        error(
            400,
            "invalid_input",
            "messages.0.content.2.image_url.url: the PNG is truncated",
        ),
        Exchange::response(
            422,
            "",
            &finding(json!(["body", "messages", 0, "content", 2, "image_url"])).to_string(),
        ),
    ] {
        let ran = see(answer);
        let line = ran.line();
        assert!(line.contains("other.png"), "{line}");
        assert!(
            !line.contains("photo.png") && !line.contains("content"),
            "{line}"
        );
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cut.png");
    fs::write(&path, &png()[..60]).unwrap();
    let ran = run(offline().arg("see").arg(&path));
    let line = ran.stderr.lines().last().unwrap();
    assert!(line.contains("cut.png"), "{line}");
    assert!(!line.contains("messages"), "{line}");
}

#[test]
fn a_reply_of_another_shape_names_no_type_of_the_program() {
    for body in [
        json!([]),
        json!(1),
        json!("text"),
        json!({"choices": 7}),
        json!({"choices": [7]}),
    ] {
        let ran = see(document(&body));
        assert!(!ran.line().contains("struct"), "{ran:?}");
    }
}

#[test]
fn a_file_url_is_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a b.png");
    fs::write(&path, png()).unwrap();
    let plain = path.to_str().unwrap();
    for url in [
        format!("file://{plain}"),
        format!("file://{}", plain.replace(' ', "%20")),
        format!("FILE://localhost{}", plain.replace(' ', "%20")),
        format!("file:{plain}"),
    ] {
        let server = server(saying("A rocket."));
        let ran = run(speaking_to(&server).args(["see", &url]));
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let body = only_body(&server);
        let sent = body["messages"][0]["content"][1]["image_url"]["url"]
            .as_str()
            .unwrap();
        assert!(sent.starts_with("data:image/png;base64,"), "{url}");
    }
    let ran = run(mesh().args(["see", "file://server/share/a.png"]));
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.line().contains("another machine"), "{ran:?}");
    let ran = run(mesh().args(["see", "file:///no/such/file.png"]));
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(
        ran.line().contains("/no/such/file.png: No such file"),
        "{ran:?}"
    );
}

#[test]
#[cfg(unix)]
fn a_file_whose_name_is_not_utf8_is_opened_and_named() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(OsStr::from_bytes(b"b\xfcro.png"));
    fs::write(&path, png()).unwrap();
    let server = server(saying("A rocket."));
    let ran = run(speaking_to(&server).arg("see").arg(&path));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    fs::write(&path, "text").unwrap();
    let ran = run(speaking_to(&server).arg("see").arg(&path));
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(
        ran.line()
            .contains("b\u{fffd}ro.png: not a picture but text"),
        "{ran:?}"
    );
}

#[test]
fn a_short_key_stays_in_the_url_of_a_billed_image() {
    let server = server(crate::answers::pictures(&["https://10.0.0.1/ollama/1.png"]));
    let directory = tempfile::tempdir().unwrap();
    let ran = run(speaking_to(&server)
        .env("MESHAPI_API_KEY", "ollama")
        .current_dir(&directory)
        .args(["draw", "a fox", "-o", "fox.png"]));
    assert!(
        ran.line().contains("https://10.0.0.1/ollama/1.png"),
        "{ran:?}"
    );
}
