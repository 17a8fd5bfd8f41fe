//! Answers as values, from the emulator on a real socket: what the picture measures, in the caller's
//! own type.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says when it fails"
)]

use mesh_blocking::image::Image;
use mesh_blocking::proto::structured::{ParseReason, Schema};
use mesh_blocking::{ChatRequest, Client, Error, Outcome, Parse};
use mesh_emulator::Server;
use schemars::JsonSchema;
use serde::Deserialize;

#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
struct Seen {
    width: u32,
    height: u32,
    /// The main one.
    colour: String,
    format: Option<String>,
    #[serde(default)]
    grayscale: bool,
}

fn client(server: &Server) -> Client {
    let builder = Client::builder().key(server.key());
    builder.base_url(server.base_url()).build().unwrap()
}

fn photo() -> Image {
    let photo = include_bytes!("../../../examples/photos/rocket.jpg");
    Image::from_bytes(&photo[..]).unwrap()
}

#[test]
fn a_photograph_is_measured_into_a_type() {
    let server = Server::start(mesh_emulator::Gateway::default()).unwrap();
    let client = client(&server);
    let request = ChatRequest::new("openai/gpt-4o").user(("What is it?", photo()));
    let seen = client.chat().completions().parse::<Seen>(&request).unwrap();
    assert_eq!((seen.width, seen.height), (640, 427));
    assert_eq!(seen.format.as_deref(), Some("JPEG"));
    assert!(!seen.colour.is_empty() && !seen.grayscale);
    assert_eq!(seen.rounds.len(), 1);
    assert!(seen.rounds.iter().all(|round| round.usage.is_some()));

    let palette = client
        .chat()
        .completions()
        .parse::<Vec<String>>(request)
        .unwrap();
    assert!(!palette.is_empty());
}

#[test]
fn a_schema_of_ones_own_will_do() {
    let server = Server::start(mesh_emulator::Gateway::default()).unwrap();
    let schema = Schema::new(
        "size",
        serde_json::json!({"type": "object", "properties": {"width": {"type": "integer"}}}),
    );
    let request = ChatRequest::new("openai/gpt-4o").user(("How wide?", photo()));
    let parse = Parse::<serde_json::Value>::with_schema(request, &schema);
    let seen = client(&server).chat().completions().parse(parse).unwrap();
    assert_eq!(seen.value, serde_json::json!({"width": 640}));
}

#[test]
fn an_answer_that_is_no_value_is_kept_in_every_round() {
    let server = Server::start(mesh_emulator::Gateway::default()).unwrap();
    // The emulator follows the schema that it is shown, and this one asks for something else.
    let schema = Schema::new(
        "size",
        serde_json::json!({"type": "object", "properties": {"width": {"type": "string"}}}),
    );
    let request = ChatRequest::new("openai/gpt-4o").user(("How wide?", photo()));
    let parse = Parse::<Seen>::with_schema(request, &schema).corrections(2);
    let error = client(&server)
        .chat()
        .completions()
        .parse(parse)
        .unwrap_err();
    assert_eq!(error.outcome(), Outcome::Delivered);
    let Error::Parse(error) = error else {
        panic!("{error:?}")
    };
    assert!(
        matches!(error.reason(), ParseReason::Shape { place, .. } if place == "width"),
        "{error}"
    );
    let ids: Vec<_> = error
        .rounds()
        .iter()
        .map(|round| round.head.request_id().unwrap())
        .collect();
    assert_eq!(ids.len(), 3);
    assert!(ids[0] != ids[1] && ids[1] != ids[2]);
    assert!(error.rounds().iter().all(|round| round.usage.is_some()));
}

#[test]
fn a_call_that_is_refused_is_told_as_by_any_other_method() {
    let server = Server::start(mesh_emulator::Gateway::default()).unwrap();
    let request = ChatRequest::new("nobody/nothing").user("x");
    let error = client(&server)
        .chat()
        .completions()
        .parse::<Seen>(&request)
        .unwrap_err();
    assert_eq!(error.outcome(), Outcome::Refused);
    assert!(error.api().is_some());
}
