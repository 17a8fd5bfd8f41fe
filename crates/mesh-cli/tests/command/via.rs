//! Where `mesh draw` asks: at the endpoint that the user or the catalogue names, or else at chat.

use mesh_conformance::{Act, Exchange, ScriptedServer};
use serde_json::{Value, json};

use crate::answers::{data_url, document, error, pictures, png};
use crate::running::{Ran, names_in, offline, run, speaking_to};

const CHAT: &str = "POST /v1/chat/completions";
const IMAGES: &str = "POST /v1/images/generations";

/// Draws, with further arguments, and gives the lines of the requests and the last one's body.
fn draws(exchanges: Vec<Exchange>, arguments: &[&str]) -> (Ran, Vec<String>, Value) {
    let directory = tempfile::tempdir().unwrap();
    let server = ScriptedServer::start(exchanges);
    let ran = run(speaking_to(&server)
        .current_dir(&directory)
        .args(["draw", "a fox", "-m", "maker/model", "-o", "fox.png"])
        .args(arguments));
    let received = server.rest();
    let body = received.last().map(|it| serde_json::from_slice(&it.body));
    assert_eq!(
        ran.code == Some(0),
        names_in(directory.path()) == ["fox.png"]
    );
    (
        ran,
        received.into_iter().map(|it| it.line).collect(),
        body.unwrap().unwrap_or_default(),
    )
}

fn in_chat() -> Exchange {
    pictures(&[&data_url(&png())])
}

fn at_images() -> Exchange {
    document(&json!({"created": 1, "data": [{"url": data_url(&png())}]}))
}

fn row(fields: &Value) -> Exchange {
    let mut row = json!({"id": "maker/model"});
    for (name, value) in fields.as_object().unwrap() {
        row[name] = value.clone();
    }
    document(&row)
}

#[test]
fn what_the_user_says_is_where_it_asks_and_no_catalogue_is_read() {
    let (ran, lines, body) = draws(vec![in_chat()], &["--via", "chat"]);
    assert_eq!(
        (ran.code, lines),
        (Some(0), vec![CHAT.to_owned()]),
        "{ran:?}"
    );
    assert_eq!(body["messages"][0]["content"], "a fox");
    let arguments = [
        "--via",
        "images",
        "--quality",
        "high",
        "--response-format",
        "b64_json",
    ];
    let (ran, lines, body) = draws(vec![at_images()], &arguments);
    assert_eq!(
        (ran.code, lines),
        (Some(0), vec![IMAGES.to_owned()]),
        "{ran:?}"
    );
    let expected = json!({
        "model": "maker/model", "prompt": "a fox", "size": "1024x1024", "quality": "high",
        "response_format": "b64_json",
    });
    assert_eq!(body, expected);
}

#[test]
fn the_catalogue_says_where_and_chat_is_for_what_it_does_not_say() {
    let asked = "GET /v1/models/maker/model";
    for (fields, line) in [
        (json!({"output_modalities": ["image"]}), IMAGES),
        (
            json!({"supported_endpoints": ["/v1/images/generations"]}),
            IMAGES,
        ),
        (json!({"model_type": "image"}), IMAGES),
        (json!({"output_modalities": ["image", "text"]}), CHAT),
        (
            json!({"supports_completions_api": true, "model_type": "image"}),
            CHAT,
        ),
        (json!({}), CHAT),
    ] {
        let answer = if line == CHAT { in_chat() } else { at_images() };
        let (ran, lines, _) = draws(vec![row(&fields), answer], &[]);
        assert_eq!(ran.code, Some(0), "{fields}: {ran:?}");
        assert_eq!(lines, [asked, line], "{fields}");
        ran.line();
    }
}

#[test]
fn the_list_is_read_if_there_are_no_rows_by_themselves() {
    let missing = Exchange::response(404, "", r#"{"detail":"Not Found"}"#);
    let list = json!({"data": [{"id": "other", "model_type": "text"}, {"id": "maker/model", "model_type": "image"}]});
    let (ran, lines, _) = draws(vec![missing.clone(), document(&list), at_images()], &[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(
        lines,
        ["GET /v1/models/maker/model", "GET /v1/models", IMAGES]
    );
    let (ran, lines, _) = draws(vec![missing.clone(), missing, in_chat()], &[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(lines.last().unwrap(), CHAT);
}

#[test]
fn a_catalogue_that_fails_fails_no_drawing() {
    for failing in [
        error(401, "unauthorized", "No"),
        error(404, "model_not_found", "No such model"),
        error(429, "rate_limit_exceeded", "Slow down"),
        error(500, "internal_error", "It broke"),
        Exchange::response(200, "content-type: text/html\r\n", "<html>Hello</html>"),
        Exchange::response(200, "", "[1, 2, 3]"),
        Exchange::response(307, "location: https://elsewhere.test/\r\n", ""),
        Exchange::new([Act::Close]),
        Exchange::new([Act::Reset]),
    ] {
        let (ran, lines, _) = draws(vec![failing, in_chat()], &[]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert_eq!(lines, ["GET /v1/models/maker/model", CHAT]);
        // It is not spoken of either.
        assert!(ran.line().contains("wrote fox.png"), "{ran:?}");
    }
}

#[test]
fn a_gateway_without_the_endpoint_is_told_with_the_other_way() {
    let missing = || Exchange::response(404, "", r#"{"detail":"Not Found"}"#);
    let (ran, _, _) = draws(vec![row(&json!({})), missing()], &[]);
    assert!(ran.line().contains("`--via images`"), "{ran:?}");
    let (ran, _, _) = draws(vec![row(&json!({"model_type": "image"})), missing()], &[]);
    assert!(ran.line().contains("`--via chat`"), "{ran:?}");
    let no_chat = error(404, "invalid_request_error", "This is not a chat model");
    let (ran, _, _) = draws(vec![row(&json!({})), no_chat], &[]);
    assert!(ran.line().contains("`--via images`"), "{ran:?}");
    for (exchanges, arguments) in [
        (vec![missing()], &["--via", "chat"][..]),
        (
            vec![row(&json!({})), error(404, "model_not_found", "No")],
            &[],
        ),
        (
            vec![row(&json!({})), error(500, "internal_error", "No")],
            &[],
        ),
    ] {
        let (ran, _, _) = draws(exchanges, arguments);
        assert!(!ran.line().contains("--via"), "{ran:?}");
    }
}

#[test]
fn a_refusal_at_the_images_endpoint_is_5() {
    let nothing = document(&json!({"created": 1, "data": []}));
    let (ran, _, _) = draws(vec![nothing], &["--via", "images"]);
    assert_eq!(ran.code, Some(5), "{ran:?}");
}

#[test]
fn the_emulator_draws_both_ways() {
    for via in ["chat", "images"] {
        let directory = tempfile::tempdir().unwrap();
        let ran = run(offline().current_dir(&directory).args([
            "draw", "a fox", "--size", "64x64", "-o", "fox", "--via", via,
        ]));
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert_eq!(names_in(directory.path()).len(), 1, "{ran:?}");
    }
}
