//! Image edits: what each operation needs, and both forms on the wire ([protocol reference, section
//! 5.3](mesh_proto::protocol#53-image-edits)).

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::too_many_lines,
    clippy::unwrap_used,
    reason = "a test says when it fails, and a table is as long as it is"
)]

use std::io::Read as _;

use bytes::Bytes;
use mesh_proto::call::Failure;
use mesh_proto::error::Absence;
use mesh_proto::error::{BuildError, DecodeError};
use mesh_proto::image::Image;
use mesh_proto::images::{EditEncoding, EditRequest, Operation, UpscaleFactor};
use mesh_proto::{ApiKey, Call, Endpoint, Moment, Settings, Target};
use serde_json::{Value, json};

const MAGIC: &[u8] = b"\x89PNG\r\n\x1a\n";
const DATA_URL: &str = "data:image/png;base64,iVBORw0KGgo=";
const MODEL: &str = "openai/gpt-image-1";

fn target() -> Target {
    Target::production(ApiKey::new("rsk_1").unwrap())
}

fn sent(request: &EditRequest) -> (http::Request<()>, Vec<u8>) {
    let (head, body) = request.request(&target()).unwrap().into_parts();
    let mut bytes = Vec::new();
    body.reader().read_to_end(&mut bytes).unwrap();
    assert_eq!(body.len(), bytes.len() as u64);
    (http::Request::from_parts(head, ()), bytes)
}

fn bytes() -> Image {
    Image::from_bytes(MAGIC).unwrap()
}

fn data_url() -> Image {
    Image::from_url(DATA_URL).unwrap()
}

#[test]
fn the_request_has_every_field_of_the_reference() {
    let fields = json!({
        "model": MODEL, "prompt": "night", "operation": "edit", "n": 2, "size": "1024x1024",
        "response_format": "b64_json", "background": "opaque", "aspect_ratio": "16:9",
        "resolution": "2K", "upscale_factor": "x4", "expand_factor": 0.25, "mask_feather": 3,
        "quality_tier": "pro", "brand_new": [1], "image": DATA_URL, "mask": DATA_URL,
        "reference_images": [DATA_URL, DATA_URL]
    });
    let request: EditRequest = serde_json::from_value(fields.clone()).unwrap();
    let (head, body) = sent(&request);
    assert_eq!(head.uri(), "https://api.meshapi.ai/v1/images/edits");
    assert_eq!(head.headers()["content-type"], "application/json");
    assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), fields);
    assert_eq!(serde_json::to_vec(&request).unwrap(), body);
}

#[test]
fn what_others_stored_is_read() {
    // The forms that the reference allows in JSON, and a number that is a text.
    for image in [
        json!(DATA_URL),
        json!({"url": DATA_URL}),
        json!("iVBORw0KGgo="),
    ] {
        let request: EditRequest = serde_json::from_value(json!({
            "model": MODEL, "prompt": "x", "image": image, "expand_factor": "0.25", "reference_images": image
        }))
        .unwrap();
        assert_eq!(request.expand_factor, Some(0.25));
        assert_eq!(request.reference_images.len(), 1);
        let form = request.encoding(EditEncoding::Multipart);
        let (_, body) = sent(&form);
        assert!(memchr::memmem::find(&body, MAGIC).is_some());
    }
}

#[test]
fn json_fields_stand_in_their_documented_order() {
    let request = EditRequest::mix(MODEL, data_url(), [data_url()], "side by side");
    let (_, body) = sent(&request);
    let expected = format!(
        r#"{{"model":"openai/gpt-image-1","prompt":"side by side","operation":"mix","image":"{DATA_URL}","reference_images":"{DATA_URL}"}}"#
    );
    let list = expected.replace(
        &format!(r#""reference_images":"{DATA_URL}""#),
        &format!(r#""reference_images":["{DATA_URL}"]"#),
    );
    assert_eq!(String::from_utf8(body).unwrap(), list);
}

#[test]
fn bytes_go_out_as_a_form_with_those_bytes() {
    let request = EditRequest::inpaint(MODEL, bytes(), data_url(), "a \"hat\"\r\n--x");
    let (head, body) = sent(&request);
    let content_type = head.headers()["content-type"].to_str().unwrap();
    let boundary = content_type
        .strip_prefix("multipart/form-data; boundary=")
        .unwrap();
    let mut expected = Vec::new();
    for (name, text) in [
        ("model", MODEL),
        ("prompt", "a \"hat\"\r\n--x"),
        ("operation", "inpaint"),
    ] {
        expected.extend_from_slice(
            format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n"
            )
            .as_bytes(),
        );
    }
    for name in ["image", "mask"] {
        expected.extend_from_slice(
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{name}.png\"\r\nContent-Type: image/png\r\n\r\n")
                .as_bytes(),
        );
        expected.extend_from_slice(MAGIC);
        expected.extend_from_slice(b"\r\n");
    }
    expected.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    assert_eq!(body, expected);

    let mut more = EditRequest::mix(MODEL, bytes(), [bytes(), bytes()], "x");
    more.extra.insert("fast".to_owned(), json!(true));
    more.extra.insert("options".to_owned(), json!({"a": [1]}));
    more.extra.insert("nothing".to_owned(), Value::Null);
    let (_, body) = sent(&more);
    let text = String::from_utf8_lossy(&body);
    assert_eq!(text.matches("name=\"reference_images\"").count(), 2);
    assert!(text.contains("name=\"fast\"\r\n\r\ntrue\r\n"), "{text}");
    assert!(text.contains("name=\"options\"\r\n\r\n{\"a\":[1]}\r\n"));
    assert!(!text.contains("nothing"));

    // Who wants the other form says so.
    let (head, body) = sent(&request.clone().encoding(EditEncoding::Json));
    assert_eq!(head.headers()["content-type"], "application/json");
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["image"], DATA_URL);
}

#[test]
fn what_an_operation_lacks_is_named_before_anything_is_sent() {
    let operation =
        |operation: Operation| EditRequest::new(MODEL, bytes(), "").operation(operation);
    let with = |mut request: EditRequest, change: fn(&mut EditRequest)| {
        change(&mut request);
        request
    };
    let reframe = || EditRequest::reframe(MODEL, bytes(), "16:9");
    let remote = || Image::from_url("https://example.com/a.png").unwrap();
    let edit = || EditRequest::new(MODEL, bytes(), "x");
    for (field, request) in [
        ("model", EditRequest::new(" ", bytes(), "x")),
        ("prompt", EditRequest::new(MODEL, bytes(), " ")),
        ("prompt", EditRequest::outpaint(MODEL, bytes(), bytes(), "")),
        ("prompt", EditRequest::mix(MODEL, bytes(), [bytes()], "")),
        ("mask", operation(Operation::Inpaint)),
        (
            "mask",
            with(operation(Operation::Outpaint), |it| {
                it.prompt = "x".to_owned();
            }),
        ),
        ("upscale_factor", operation(Operation::Upscale)),
        (
            "upscale_factor",
            EditRequest::upscale(MODEL, bytes(), UpscaleFactor::from("x3")),
        ),
        (
            "reference_images",
            EditRequest::mix(MODEL, bytes(), [], "x"),
        ),
        (
            "reference_images",
            EditRequest::mix(MODEL, bytes(), vec![bytes(); 4], "x"),
        ),
        ("aspect_ratio", operation(Operation::Reframe)),
        ("aspect_ratio", EditRequest::reframe(MODEL, bytes(), "5:1")),
        ("n", with(reframe(), |it| it.n = Some(2))),
        (
            "n",
            with(EditRequest::mix(MODEL, bytes(), [bytes()], "x"), |it| {
                it.n = Some(3);
            }),
        ),
        ("n", with(edit(), |it| it.n = Some(0))),
        ("n", with(edit(), |it| it.n = Some(11))),
        ("operation", edit().operation(Operation::from("sharpen"))),
        (
            "expand_factor",
            with(edit(), |it| it.expand_factor = Some(f64::NAN)),
        ),
        (
            "expand_factor",
            with(edit(), |it| it.expand_factor = Some(0.0)),
        ),
        ("image", EditRequest::new(MODEL, remote(), "x")),
        ("mask", edit().mask(remote())),
        ("reference_images", edit().reference(remote())),
    ] {
        let error = request.request(&target()).unwrap_err();
        let BuildError::Invalid { field: named, rule } = &error else {
            panic!("{error:?}")
        };
        assert_eq!(named, field, "{rule}");
        assert!(!rule.is_empty());
    }
    // What is wrong with a URL is said, and what to do instead.
    let error = edit().mask(remote()).request(&target()).unwrap_err();
    assert!(
        error.to_string().contains("send bytes or a data URL"),
        "{error}"
    );
    for request in [
        edit(),
        reframe(),
        EditRequest::remove_background(MODEL, bytes()),
        EditRequest::upscale(MODEL, bytes(), UpscaleFactor::X2),
        EditRequest::outpaint(MODEL, bytes(), bytes(), "x"),
        EditRequest::mix(MODEL, bytes(), vec![bytes(); 3], "x"),
        EditRequest::inpaint(MODEL, bytes(), bytes(), ""),
        with(EditRequest::new(MODEL, bytes(), ""), |it| {
            it.extra.insert("operation".to_owned(), json!("sharpen"));
        }),
    ] {
        let (_, body) = sent(&request);
        let text = String::from_utf8_lossy(&body);
        assert!(
            text.contains("name=\"prompt\"\r\n\r\n"),
            "it is sent even where it is empty"
        );
    }
}

#[test]
fn a_form_over_the_limit_names_its_largest_files() {
    let large = Image::from_bytes([MAGIC, &vec![0; 20 << 20]].concat()).unwrap();
    let request = EditRequest::new(MODEL, bytes(), "x")
        .mask(large.clone())
        .reference(large);
    let error = Call::new(request, &target(), &Settings::default(), Moment::ORIGIN, 1).unwrap_err();
    let BuildError::TooLarge { largest, .. } = error else {
        panic!("{error}")
    };
    let size = (20 << 20) + MAGIC.len() as u64;
    assert_eq!(largest, [(2, size), (3, size), (1, MAGIC.len() as u64)]);
}

#[test]
fn the_reply_is_that_of_a_generation() {
    let request = EditRequest::new(MODEL, bytes(), "x");
    let read = |body: &'static str| request.read(http::Response::new(Bytes::from(body)));
    let reply = read(r#"{"data":[{"b64_json":"iVBORw0KGgo="}]}"#).unwrap();
    assert_eq!(reply.images()[0].bytes().unwrap(), MAGIC);
    let declined = read(r#"{"data":[]}"#).unwrap_err();
    assert!(
        matches!(&declined, Failure::Decode(DecodeError::NoPicture(absence)) if absence.reason == Absence::Empty),
        "{declined:?}"
    );
}
