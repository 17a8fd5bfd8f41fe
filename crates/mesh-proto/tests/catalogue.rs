//! The catalogue in the shapes in which it comes.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test says when it fails"
)]

use bytes::Bytes;
use mesh_proto::Endpoint;
use mesh_proto::endpoint::ListModels;
use mesh_proto::error::{DecodeError, Failure};
use mesh_proto::models::{Capability, ModelList};
use serde_json::{Value, json};

fn list(body: &Value) -> ModelList {
    ListModels::new()
        .read(http::Response::new(Bytes::from(body.to_string())))
        .expect("a list")
        .into_value()
}

#[test]
fn a_bare_array_and_an_envelope_are_the_same() {
    let rows = json!([
        {"id": "openai/gpt-4o", "input_modalities": ["text", "image"], "output_modalities": ["text"], "supports_tools": true},
        {"id": "plain", "context_length": "128000", "is_free": "maybe", "pricing": {"prompt": "None"}},
        {"id": "google/imagen-4", "input_modalities": ["text"], "output_modalities": ["image", "hologram"], "model_type": "image"},
    ]);
    let bare = list(&rows);
    assert_eq!(bare, list(&json!({"data": rows, "object": "list"})));
    assert_eq!(
        bare.seeing()
            .map(|model| model.id.as_str())
            .collect::<Vec<_>>(),
        ["openai/gpt-4o"]
    );
    assert_eq!(
        bare.drawing()
            .map(|model| model.id.as_str())
            .collect::<Vec<_>>(),
        ["google/imagen-4"]
    );
    assert_eq!(bare.models[1].sees(), Capability::Unknown);
    assert_eq!(bare.models[1].context_length, Some(128_000));
    assert_eq!(bare.models[2].sees(), Capability::No);
    assert_eq!(bare.models[0].extra["supports_tools"], true);
}

#[test]
fn an_odd_row_hides_nobody_else() {
    let odd = list(
        &json!([{"id": "a"}, {"name": "no id"}, 7, {"id": 8}, {"id": "b", "input_modalities": "text"}]),
    );
    assert_eq!(
        odd.models
            .iter()
            .map(|model| model.id.as_str())
            .collect::<Vec<_>>(),
        ["a", "b"]
    );
    assert_eq!(
        odd.odd.iter().map(|row| row.place).collect::<Vec<_>>(),
        [1, 2, 3]
    );
}

#[test]
fn what_is_no_list_is_an_error_that_says_so() {
    let read = |body: &'static str| {
        ListModels::new().read(http::Response::new(Bytes::from_static(body.as_bytes())))
    };
    assert!(matches!(
        read("<html>"),
        Err(Failure::Decode(DecodeError::NotJson { .. }))
    ));
    assert!(matches!(
        read(""),
        Err(Failure::Decode(DecodeError::NotJson { .. }))
    ));
    assert!(matches!(
        read("[{\"id\""),
        Err(Failure::Decode(DecodeError::Truncated))
    ));
    assert!(matches!(
        read("{\"data\":[{\"id\":\"a\"}"),
        Err(Failure::Decode(DecodeError::Truncated))
    ));
    assert!(matches!(
        read("{\"models\":1}"),
        Err(Failure::Decode(DecodeError::Json { .. }))
    ));
    assert!(matches!(
        read("{\"error\":{\"message\":\"m\"}}"),
        Err(Failure::Decode(DecodeError::Api(_)))
    ));
}
