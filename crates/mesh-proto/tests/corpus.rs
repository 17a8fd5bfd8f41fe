//! The corpus of shapes: every row of the [protocol reference, section 6](mesh_proto::protocol#6-image-results-a-client-must-accept), as files, plain and
//! streamed. `tests/corpus/README.md` says what is in a file.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says when it fails, and reads its files"
)]

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use mesh_proto::call::Failure;
use mesh_proto::call::{Limits, RetryPolicy};
use mesh_proto::endpoint::{ChatStream, Decode, Decoded, Endpoint, ImageStream, ListModels};
use mesh_proto::error::{ApiError, DecodeError, ErrorCode, ValidationFinding};
use mesh_proto::image::{Dimensions, Evidence, GeneratedImage, find_in_document};
use mesh_proto::images::ImageRequest;
use mesh_proto::{ApiKey, Call, ChatRequest, Moment, Settings, Step, Target};
use serde_json::Value;

fn cases(directory: &str) -> Vec<(String, Value)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/corpus")
        .join(directory);
    let files = std::fs::read_dir(path).expect("the corpus");
    let mut cases: Vec<(String, Value)> = files
        .map(|file| {
            let path = file.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, serde_json::from_str(&text).expect("JSON"))
        })
        .collect();
    cases.sort_by(|one, other| one.0.cmp(&other.0));
    cases
}

fn assert_pictures(name: &str, found: &[GeneratedImage], expected: &Value) {
    let expected = expected.as_array().unwrap();
    assert_eq!(found.len(), expected.len(), "{name}: {found:?}");
    for (image, expected) in found.iter().zip(expected) {
        assert_eq!(
            image.revised_prompt(),
            expected["revised_prompt"].as_str(),
            "{name}"
        );
        if let Some(url) = expected["url"].as_str() {
            assert_eq!(image.remote_url(), Some(url), "{name}");
            continue;
        }
        let bytes = STANDARD
            .decode(expected["base64"].as_str().unwrap())
            .unwrap();
        assert_eq!(image.bytes().unwrap(), &bytes, "{name}");
        let (media_type, evidence) = image.media_type().unwrap();
        assert_eq!(media_type.as_str(), expected["media_type"], "{name}");
        assert_eq!(evidence, Evidence::MagicBytes, "{name}");
        if let Some(width) = expected["width"].as_u64() {
            let Dimensions { width: w, height } = image.dimensions().unwrap().unwrap();
            let size = (u64::from(w), u64::from(height));
            assert_eq!(
                size,
                (width, expected["height"].as_u64().unwrap()),
                "{name}"
            );
        }
    }
}

fn frame(item: &Value) -> String {
    match item {
        Value::String(comment) if comment.starts_with(':') => format!("{comment}\n\n"),
        Value::String(text) => format!("data: {text}\n\n"),
        _ => match item.get("event").and_then(Value::as_str) {
            Some(event) => format!("event: {event}\ndata: {}\n\n", item["data"]),
            None => format!("data: {item}\n\n"),
        },
    }
}

/// Reads a stream in pieces of `size` bytes, and gives its reply and how many pictures were shown
/// as earlier states.
fn read<E: Endpoint>(
    endpoint: &E,
    stream: &str,
    size: usize,
    mut event: impl FnMut(E::Event),
) -> Result<E::Output, DecodeError> {
    let head = mesh_proto::Head::from(&http::Response::new(()).into_parts().0);
    let mut decoder = endpoint.decoder(&head, &Limits::default())?;
    for piece in stream.as_bytes().chunks(size) {
        decoder.push(Bytes::copy_from_slice(piece))?;
        while let Decoded::Event(item) = decoder.next()? {
            event(item);
        }
    }
    decoder.end();
    while let Decoded::Event(item) = decoder.next()? {
        event(item);
    }
    decoder.finish()
}

fn chat() -> ChatRequest {
    ChatRequest::new("m").user("a fox")
}

fn drawing(case: &Value) -> ImageRequest {
    let mut request = ImageRequest::new("m", "a fox");
    request.n = case["n"].as_u64().and_then(|n| u32::try_from(n).ok());
    request
}

fn assert_declined(name: &str, error: &DecodeError, expected: &Value) {
    let DecodeError::NoPicture(absence) = error else {
        panic!("{name}: {error:?}")
    };
    assert_eq!(
        format!("{:?}", absence.reason),
        expected["reason"],
        "{name}"
    );
    assert_eq!(absence.text, expected["text"], "{name}");
}

fn plain(name: &str, case: &Value) {
    let body = &case["plain"];
    let response = || http::Response::new(Bytes::from(body.to_string()));
    match case["endpoint"].as_str().unwrap() {
        "chat" => {
            let reply = chat().read(response()).unwrap();
            assert_pictures(name, &reply.images(), &case["pictures"]);
            assert_pictures(name, &reply.drawn().unwrap(), &case["pictures"]);
            // A reply that was stored holds the same pictures.
            let stored = serde_json::to_string(&reply.value).unwrap();
            let stored: mesh_proto::ChatReply = serde_json::from_str(&stored).unwrap();
            assert_pictures(name, &stored.images(), &case["pictures"]);
        }
        "images" => match drawing(case).read(response()) {
            Ok(reply) => assert_pictures(name, &reply.images(), &case["pictures"]),
            Err(Failure::Decode(error)) => assert_declined(name, &error, &case["no_picture"]),
            Err(failure) => panic!("{name}: {failure:?}"),
        },
        _ => {}
    }
    assert_pictures(name, &find_in_document(body), &case["pictures"]);
}

fn streamed(name: &str, case: &Value) {
    let items = case["stream"].as_array().unwrap();
    let stream: String = items.iter().map(frame).collect();
    for size in [1, 7, 4096, stream.len()] {
        match case["endpoint"].as_str().unwrap() {
            "chat" => {
                let endpoint = ChatStream::new(&chat()).unwrap();
                let reply = read(&endpoint, &stream, size, |_| {}).unwrap();
                assert_pictures(name, &reply.images(), &case["pictures"]);
            }
            "images" => {
                let endpoint = ImageStream::new(&drawing(case)).unwrap();
                let mut earlier = 0;
                let reply = read(&endpoint, &stream, size, |chunk| {
                    if chunk.is_partial() {
                        earlier += chunk.images().len() as u64;
                    }
                });
                assert_eq!(earlier, case["partial"].as_u64().unwrap_or(0), "{name}");
                match reply {
                    Ok(reply) => assert_pictures(name, &reply.images(), &case["pictures"]),
                    Err(error) => assert_declined(name, &error, &case["no_picture"]),
                }
            }
            _ => {
                let events = items.iter().map(|item| find_in_document(&item["data"]));
                let with_pictures: Vec<_> = events.filter(|found| !found.is_empty()).collect();
                assert!(!with_pictures.is_empty(), "{name}");
                for found in with_pictures {
                    assert_pictures(name, &found, &case["pictures"]);
                }
            }
        }
    }
}

#[test]
fn every_row_of_the_reference_is_read_plain_and_streamed() {
    let (mut plain_rows, mut streamed_rows) = (BTreeSet::new(), BTreeSet::new());
    for (name, case) in cases("images") {
        let row = case["row"].as_u64().unwrap();
        if case.get("plain").is_some() {
            plain_rows.insert(row);
            plain(&name, &case);
        }
        if case.get("stream").is_some() {
            streamed_rows.insert(row);
            streamed(&name, &case);
        }
    }
    // Rows 6 and 12 are of streams alone, and row 14 is a document.
    let both: BTreeSet<u64> = plain_rows.union(&streamed_rows).copied().collect();
    assert_eq!(both, (1..=14).collect());
    assert_eq!(
        plain_rows,
        both.iter()
            .copied()
            .filter(|row| ![6, 12].contains(row))
            .collect()
    );
    assert_eq!(
        streamed_rows,
        both.iter().copied().filter(|row| *row != 14).collect()
    );
}

/// What a call does with one answer: its error, and whether it would be tried again.
fn answered<E: Endpoint>(
    endpoint: E,
    head: &http::Response<()>,
    body: &str,
) -> Result<mesh_proto::call::CallError, Retried>
where
    E::Output: std::fmt::Debug,
{
    let target = Target::production(ApiKey::new("rsk_1").unwrap());
    let now = Moment::ORIGIN;
    let mut call = Call::new(endpoint, &target, &Settings::default(), now, 1).unwrap();
    let mut body = [body].into_iter().filter(|body| !body.is_empty());
    loop {
        match call.poll(now) {
            Step::Send(outgoing) => outgoing.head(head.clone().into_parts().0),
            Step::Receive(incoming) => match body.next() {
                Some(piece) => incoming.data(piece.as_bytes()),
                None => incoming.end(),
            },
            Step::Event(_) => {}
            Step::Wait(_) => return Err(Retried),
            Step::Done(result) => return Ok(result.unwrap_err()),
        }
    }
}

#[derive(Debug)]
struct Retried;

fn assert_error(name: &str, error: &ApiError, case: &Value) {
    let expected = &case["error"];
    assert_eq!(
        u64::from(error.status.as_u16()),
        expected["status"],
        "{name}"
    );
    let code = error.code.as_ref().map(ErrorCode::as_str);
    assert_eq!(code, expected["code"].as_str(), "{name}");
    assert_eq!(error.message, expected["message"], "{name}");
    assert_eq!(
        error.provider_code.as_deref(),
        expected["provider_code"].as_str(),
        "{name}"
    );
    assert_eq!(
        error.request_id(),
        expected["request_id"].as_str(),
        "{name}"
    );
    let hint = expected["retry_after"].as_u64().map(Duration::from_secs);
    assert_eq!(error.retry_after(), hint, "{name}");
    let fields: Vec<String> = error
        .validation()
        .iter()
        .map(ValidationFinding::field)
        .collect();
    let wanted: Vec<&str> = expected["fields"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|field| field.as_str().unwrap())
        .collect();
    assert_eq!(fields, wanted, "{name}");
    if let Some(excerpt) = expected["excerpt"].as_str() {
        assert!(
            error.excerpt().contains(excerpt),
            "{name}: {}",
            error.excerpt()
        );
    }
    if case["text"] != "" {
        assert!(!error.excerpt().is_empty(), "{name}");
    }
    let is = |what: &str| case["is"].as_array().unwrap().iter().any(|it| it == what);
    assert_eq!(error.is_rate_limit(), is("rate_limit"), "{name}");
    assert_eq!(error.is_quota(), is("quota"), "{name}");
    assert_eq!(error.is_auth(), is("auth"), "{name}");
    assert_eq!(error.is_content_policy(), is("content_policy"), "{name}");
    if let Some(hidden) = case["hidden"].as_str() {
        let shown = format!("{error} {error:?} {}", error.excerpt());
        assert!(!shown.contains(hidden), "{name}: {shown}");
    }
}

#[test]
fn every_form_of_error_is_read_and_weighed() {
    for (name, case) in cases("errors") {
        let mut head = http::Response::builder();
        if let Some(status) = case["status"].as_u64() {
            head = head.status(u16::try_from(status).unwrap());
        }
        for (field, value) in case["headers"].as_object().unwrap() {
            head = head.header(field, value.as_str().unwrap());
        }
        let head = head.body(()).unwrap();
        let (error, outcome) = if let Some(items) = case["stream"].as_array() {
            let stream: String = items
                .iter()
                .map(|item| {
                    item["raw"]
                        .as_str()
                        .map_or_else(|| frame(item), str::to_owned)
                })
                .collect();
            let endpoint = ChatStream::new(&chat()).unwrap();
            let error = answered(endpoint, &head, &stream).expect("an error in a stream is final");
            (error.api().unwrap().clone(), error.outcome())
        } else {
            let body = match case["text"].as_str() {
                Some(text) => text.to_owned(),
                None => case["body"].to_string(),
            };
            let read = answered(ListModels::new(), &head, &body);
            assert_eq!(read.is_err(), case["read_is_retried"] == true, "{name}");
            let generation = answered(chat(), &head, &body);
            assert_eq!(
                generation.is_err(),
                case["generation_is_retried"] == true,
                "{name}"
            );
            let response = head.map(|()| Bytes::from(body));
            let Failure::Api(error) = chat().read(response.clone()).unwrap_err() else {
                panic!("{name}")
            };
            // The last attempt's error is the call's.
            let target = Target::production(ApiKey::new("rsk_1").unwrap());
            let mut settings = Settings::default();
            settings.retry = RetryPolicy::never();
            let mut call = Call::new(chat(), &target, &settings, Moment::ORIGIN, 1).unwrap();
            let (parts, body) = response.into_parts();
            if let Step::Send(outgoing) = call.poll(Moment::ORIGIN) {
                outgoing.head(parts);
            }
            if let Step::Receive(incoming) = call.poll(Moment::ORIGIN) {
                incoming.data(&body);
            }
            if let Step::Receive(incoming) = call.poll(Moment::ORIGIN) {
                incoming.end();
            }
            let Step::Done(Err(failed)) = call.poll(Moment::ORIGIN) else {
                panic!("{name}")
            };
            assert_eq!(failed.api(), Some(&*error), "{name}");
            (*error, failed.outcome())
        };
        assert_error(&name, &error, &case);
        assert_eq!(format!("{outcome:?}"), case["outcome"], "{name}");
    }
}

#[test]
fn every_code_of_the_reference_is_in_the_corpus() {
    let codes: BTreeSet<String> = cases("errors")
        .into_iter()
        .filter(|(name, _)| name.starts_with("code-"))
        .filter_map(|(_, case)| Some(case["error"]["code"].as_str()?.to_owned()))
        .collect();
    let unknown: Vec<&String> = codes
        .iter()
        .filter(|code| matches!(ErrorCode::from(code.as_str()), ErrorCode::Other(_)))
        .collect();
    assert_eq!(unknown, ["brand_new_code"]);
    assert_eq!(codes.len(), 33);
}
