//! The requests of the Images & Vision guide, built with our types.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test says when it fails"
)]

use std::io::Read as _;

use mesh_proto::chat::{ImageFormat, ImageOptions, Quality};
use mesh_proto::endpoint::{ChatStream, ListModels};
use mesh_proto::image::{Detail, Image};
use mesh_proto::{ApiKey, ChatRequest, Endpoint, Target};
use serde_json::Value;

fn sent(endpoint: &impl Endpoint) -> http::Request<String> {
    let target = Target::production(ApiKey::new("rsk_1").unwrap());
    let (parts, body) = endpoint.request(&target).unwrap().into_parts();
    let mut text = String::new();
    body.reader().read_to_string(&mut text).unwrap();
    assert_eq!(text.len() as u64, body.len());
    http::Request::from_parts(parts, text)
}

const SEE: &str = r#"{
    "model": "openai/gpt-4o",
    "messages": [
      {
        "role": "user",
        "content": [
          {
            "type": "text",
            "text": "What is in this image?"
          },
          {
            "type": "image_url",
            "image_url": {
              "url": "https://example.com/image.jpg",
              "detail": "auto"
            }
          }
        ]
      }
    ]
  }"#;

const DRAW: &str = r#"{
    "model": "openai/gpt-image-1",
    "image": {
      "size": "1024x1024",
      "quality": "high",
      "response_format": "url"
    },
    "messages": [
      {
        "role": "user",
        "content": "Generate a watercolor of a fox in a snowy forest."
      }
    ]
  }"#;

#[test]
fn an_image_by_url() {
    let photo = Image::from_url("https://example.com/image.jpg")
        .unwrap()
        .detail(Detail::Auto);
    let request = sent(&ChatRequest::new("openai/gpt-4o").user(("What is in this image?", photo)));
    assert_eq!(
        serde_json::from_str::<Value>(request.body()).unwrap(),
        serde_json::from_str::<Value>(SEE).unwrap()
    );
    assert_eq!(request.uri(), "https://api.meshapi.ai/v1/chat/completions");
    assert_eq!(request.method(), "POST");
    assert_eq!(request.headers()["authorization"], "Bearer rsk_1");
    assert_eq!(request.headers()["content-type"], "application/json");
}

#[test]
fn an_image_as_base64() {
    let photo = Image::from_bytes(&b"\xff\xd8\xff\xe0"[..]).unwrap();
    let request = sent(&ChatRequest::new("openai/gpt-4o").user(("What is in this image?", photo)));
    assert!(
        request
            .body()
            .contains(r#"{"url":"data:image/jpeg;base64,/9j/4A=="}"#),
        "{}",
        request.body()
    );

    let to_the_letter = "data:image/jpeg;base64,/9j_4A";
    let photo = Image::from_url(to_the_letter).unwrap();
    let request = sent(&ChatRequest::new("openai/gpt-4o").user(("What is in this image?", photo)));
    assert!(request.body().contains(to_the_letter), "{}", request.body());
}

#[test]
fn a_picture_to_be_drawn() {
    let options = ImageOptions::new()
        .size("1024x1024")
        .quality(Quality::High)
        .response_format(ImageFormat::Url);
    let request = ChatRequest::new("openai/gpt-image-1")
        .image(options)
        .user("Generate a watercolor of a fox in a snowy forest.");
    let body = sent(&request).into_body();
    assert_eq!(
        serde_json::from_str::<Value>(&body).unwrap(),
        serde_json::from_str::<Value>(DRAW).unwrap()
    );
    // Our documented order: model, the mode's options, messages; compact.
    let order = r#"{"model":"openai/gpt-image-1","image":{"size":"1024x1024","quality":"high","response_format":"url"},"messages":["#;
    assert!(body.starts_with(order), "{body}");
}

#[test]
fn a_stream_is_asked_for_by_its_endpoint() {
    let mut request = ChatRequest::new("m").user("hello");
    request
        .extra
        .insert("stream".to_owned(), Value::from("never"));
    let streamed = sent(&ChatStream::new(&request).unwrap());
    assert!(
        streamed
            .body()
            .starts_with(r#"{"model":"m","stream":true,"#),
        "{}",
        streamed.body()
    );
    assert_eq!(streamed.headers()["accept"], "text/event-stream");
    let plain = sent(&request);
    assert!(!plain.body().contains("stream"), "{}", plain.body());
    assert_eq!(plain.headers()["accept"], "application/json");
}

#[test]
fn image_capable_models_are_found_in_the_catalogue() {
    let request = sent(&ListModels::new());
    assert_eq!(
        (request.method().as_str(), request.uri().path()),
        ("GET", "/v1/models")
    );
    let mut filtered = ListModels::new();
    filtered.free = Some(true);
    filtered.provider = Some("a b&c".to_owned());
    assert_eq!(
        sent(&filtered).uri().query(),
        Some("free=true&provider=a%20b%26c")
    );
}

#[test]
fn values_that_break_a_rule_are_named_before_anything_is_sent() {
    let target = Target::production(ApiKey::new("rsk_1").unwrap());
    let request = || ChatRequest::new("m").user("hello");
    let mut cases: Vec<(&str, ChatRequest)> = vec![
        ("messages", ChatRequest::new("m")),
        ("model", ChatRequest::new(" ").user("x")),
    ];
    let mut case = |field, change: fn(&mut ChatRequest)| {
        let mut request = request();
        change(&mut request);
        cases.push((field, request));
    };
    case("temperature", |request| request.temperature = Some(2.1));
    case("temperature", |request| {
        request.temperature = Some(f64::NAN);
    });
    case("top_p", |request| request.top_p = Some(-0.1));
    case("max_tokens", |request| request.max_tokens = Some(0));
    case("timeout", |request| request.timeout = Some(0.0));
    case("timeout", |request| request.timeout = Some(f64::INFINITY));
    case("image.n", |request| {
        request.image = Some(ImageOptions::new().n(11));
    });
    for (field, request) in cases {
        let error = request.request(&target).unwrap_err().to_string();
        assert!(error.starts_with(field), "{error}");
        assert!(ChatStream::new(&request).is_err());
    }
}
