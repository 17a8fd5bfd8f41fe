//! The key is never shown, not even where a gateway echoes it. [`crate::running::ended`] looks at
//! the output of every run.

use mesh_conformance::Exchange;
use serde_json::json;

use crate::answers::{
    chunk, document, done, end_of_body, error, event, pictures, piece, reply, server, stream,
};
use crate::running::{KEY, Ran, run, speaking_to};

/// Asks in every way, and expects to fail without the key being shown.
fn fails(answer: &Exchange) {
    let directory = tempfile::tempdir().unwrap();
    let ways: [&[&str]; 3] = [
        &["see", "https://example.com/image.jpg"],
        &["draw", "a fox", "-o", "fox.png"],
        &["models"],
    ];
    for arguments in ways {
        let server = server(answer.clone());
        let ran: Ran = run(speaking_to(&server).current_dir(&directory).args(arguments));
        assert_ne!(ran.code, Some(0), "{ran:?}");
        assert!(!ran.stderr.is_empty(), "{ran:?}");
    }
}

#[test]
fn an_error_that_echoes_the_key() {
    fails(&error(
        401,
        "unauthorized",
        &format!("The key {KEY} is not valid"),
    ));
    fails(&error(429, KEY, &format!("{KEY}: slow down")));
    let id = format!("x-request-id: {KEY}\r\nretry-after: 61\r\n");
    fails(&Exchange::response(
        403,
        &id,
        &format!("<html>{KEY} is not known</html>"),
    ));
    fails(&Exchange::response(
        400,
        "",
        &json!({"detail": [{"loc": [KEY], "msg": KEY}]}).to_string(),
    ));
}

#[test]
fn a_redirect_that_echoes_the_key() {
    fails(&Exchange::response(
        307,
        &format!("location: https://elsewhere.test/?key={KEY}\r\n"),
        "",
    ));
}

#[test]
fn a_reply_that_cannot_be_read_and_echoes_the_key() {
    fails(&Exchange::response(
        200,
        "",
        &format!("<html>Welcome, {KEY}</html>"),
    ));
    fails(&Exchange::response(
        200,
        "",
        &format!("{{\"choices\": \"{KEY}\", \"data\": 1}}"),
    ));
    fails(&Exchange::response(
        200,
        &format!("content-encoding: {KEY}\r\n"),
        "x",
    ));
}

#[test]
fn a_request_id_that_echoes_the_key() {
    fails(&Exchange::response(
        200,
        &format!("x-request-id: {KEY}\r\n"),
        "<html></html>",
    ));
}

#[test]
fn a_key_at_the_edge_of_an_excerpt() {
    // Excerpts and messages are cut short; a key that is cut with them must not be left standing in
    // part.
    for length in [240, 2_000] {
        for kept in [8, KEY.len() - 1] {
            let padding = ".".repeat(length - kept);
            let body = format!("{padding}{KEY} {}", "and so on ".repeat(20));
            let envelope = json!({"error": {"code": "unauthorized", "message": body}});
            for body in [body.clone(), envelope.to_string()] {
                let server = server(Exchange::response(401, "", &body));
                let ran = run(speaking_to(&server).args(["see", "https://example.com/a.jpg"]));
                assert_eq!(ran.code, Some(3));
                assert!(!ran.stderr.contains("rsk_01CA"), "{}", ran.stderr);
            }
        }
    }
}

#[test]
fn a_refusal_that_echoes_the_key() {
    let refusal =
        json!({"role": "assistant", "content": null, "refusal": format!("Not for {KEY}")});
    let prose = json!({"role": "assistant", "content": format!("Not for {KEY}")});
    fails_to_draw(reply(&refusal, "stop"));
    fails_to_draw(reply(&prose, "stop"));
    let delta = json!({"choices": [{"index": 0, "delta": {"refusal": format!("Not for {KEY}")}}]});
    let server = server(stream([event(&delta), done()]));
    let ran = run(speaking_to(&server).args(["see", "https://example.com/a.jpg"]));
    assert_eq!(ran.code, Some(5), "{ran:?}");
}

#[test]
fn a_picture_that_echoes_the_key() {
    fails_to_draw(pictures(&[&format!("https://10.0.0.1/{KEY}.png")]));
    fails_to_draw(pictures(&[&format!("data:image/png;base64,{KEY}!")]));
    fails_to_draw(pictures(&[&format!("data:{KEY};base64,aGVsbG8=")]));
}

fn fails_to_draw(answer: Exchange) {
    let directory = tempfile::tempdir().unwrap();
    let server = server(answer);
    let ran = run(speaking_to(&server)
        .current_dir(&directory)
        .args(["draw", "a fox", "-o", "fox.png"]));
    assert_ne!(ran.code, Some(0), "{ran:?}");
}

#[test]
fn a_catalogue_that_echoes_the_key() {
    let server = server(document(
        &json!([{"id": "a/b"}, {"id": 1, "name": KEY}, KEY]),
    ));
    let ran = run(speaking_to(&server).arg("models"));
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

#[test]
fn a_stream_that_breaks_and_echoes_the_key() {
    for broken in [
        chunk(format!("data: {{\"choices\": {KEY}}}\n\n")),
        event(&json!({"error": {"code": KEY, "message": KEY}})),
    ] {
        let server = server(stream([piece("A rocket"), broken, end_of_body()]));
        let ran = run(speaking_to(&server).args(["see", "https://example.com/a.jpg"]));
        assert_eq!(
            (ran.code, ran.stdout.as_str()),
            (Some(6), "A rocket\n"),
            "{ran:?}"
        );
    }
}
