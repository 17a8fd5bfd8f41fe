//! The spliced body against plain serde, for any request.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test says when it fails"
)]

use std::io::Read as _;

use mesh_proto::chat::{Content, ImageOptions, Message, Part, Role};
use mesh_proto::image::{Detail, Image};
use mesh_proto::{ApiKey, ChatRequest, Endpoint, Target};
use proptest::prelude::*;
use serde_json::Value;

fn image() -> impl Strategy<Value = Image> {
    let bytes = proptest::collection::vec(any::<u8>(), 0..200).prop_map(|tail| {
        Image::from_bytes([&b"\x89PNG\r\n\x1a\n"[..], &tail[..]].concat()).unwrap()
    });
    let url = prop::sample::select(vec![
        "https://example.com/a.jpg",
        "https://example.com/ä\"quoted\\.jpg?q=\u{2028}",
        "data:image/png;base64,iVBORw0KGgo",
        "data:image/svg+xml,<svg a=\"b\"/>",
        "DATA:image/png;BASE64,iVBO Rw0K\nGgo=",
        "not a URL at all \u{1}",
    ])
    // Stored conversations hold URLs that nobody has checked.
    .prop_map(|url| serde_json::from_value(serde_json::json!({ "url": url })).unwrap());
    let detail = prop::sample::select(vec![
        None,
        Some(Detail::Low),
        Some(Detail::Other("x\"y".to_owned())),
    ]);
    (prop_oneof![bytes, url], detail).prop_map(|(image, detail): (Image, _)| match detail {
        Some(detail) => image.detail(detail),
        None => image,
    })
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<i32>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        proptest::collection::vec(any::<u8>(), 0..4).prop_map(Value::from),
    ]
}

fn content() -> impl Strategy<Value = Content> {
    let part = prop_oneof![
        "\\PC{0,20}".prop_map(Part::from),
        image().prop_map(Part::from)
    ];
    prop_oneof![
        "\\PC{0,40}".prop_map(Content::Text),
        proptest::collection::vec(part, 0..5).prop_map(Content::Parts)
    ]
}

fn request() -> impl Strategy<Value = ChatRequest> {
    let message = (
        prop::sample::select(vec![Role::User, Role::System, Role::Other("x".to_owned())]),
        content(),
        value(),
    )
        .prop_map(|(role, content, extra)| {
            let mut message = Message::new(role, content);
            message.extra.insert("x_extra".to_owned(), extra);
            message
        });
    let messages = proptest::collection::vec(message, 1..4);
    (
        messages,
        "[a-z/\"é]{1,10}",
        proptest::option::of(0.0..2.0),
        value(),
    )
        .prop_map(|(messages, model, temperature, extra)| {
            let mut request = ChatRequest::new(model);
            request.temperature = temperature;
            request.image = temperature.map(|_| ImageOptions::new().size("auto").n(1));
            request.extra.insert("x_extra".to_owned(), extra);
            request.messages = messages;
            request
        })
}

proptest! {
    #[test]
    fn equal_those_of_plain_serde(request in request()) {
        let target = Target::production(ApiKey::new("rsk_1").unwrap());
        let body = request.request(&target).unwrap().into_body();
        let mut spliced = Vec::new();
        body.reader().read_to_end(&mut spliced).unwrap();
        let plain = serde_json::to_vec(&request).unwrap();
        prop_assert_eq!(body.len(), plain.len() as u64);
        prop_assert_eq!(String::from_utf8(spliced).unwrap(), String::from_utf8(plain.clone()).unwrap());

        // A stored request is the same request.
        let stored: ChatRequest = serde_json::from_slice(&plain).unwrap();
        prop_assert_eq!(serde_json::to_vec(&stored).unwrap(), plain);
    }
}

#[test]
fn a_picture_is_not_copied_into_the_body() {
    let bytes = bytes::Bytes::from([&b"\x89PNG\r\n\x1a\n"[..], &vec![7; 100_000]].concat());
    let request = ChatRequest::new("m").user(("look", Image::from_bytes(bytes.clone()).unwrap()));
    let body = request
        .request(&Target::production(ApiKey::new("rsk_1").unwrap()))
        .unwrap()
        .into_body();
    let shared = body.segments().iter().any(|segment| match segment {
        mesh_proto::body::Segment::Base64(segment) => {
            segment.as_ptr() == bytes.as_ptr() && segment.len() == bytes.len()
        }
        _ => false,
    });
    assert!(shared, "{body:?}");
}
