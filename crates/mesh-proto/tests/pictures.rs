//! The shapes in which pictures come out of chat ([protocol reference, section 6](mesh_proto::protocol#6-image-results-a-client-must-accept)), plain and
//! streamed.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::too_many_lines,
    clippy::unwrap_used,
    reason = "a test says when it fails, and a table is as long as it is"
)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use mesh_proto::ChatRequest;
use mesh_proto::chat::ChatReply;
use mesh_proto::endpoint::{ChatStream, Endpoint, ImageStream};
use mesh_proto::image::{GeneratedImage, MediaType, find_in_document};
use mesh_proto::images::ImageRequest;
use serde_json::{Value, json};

const PNG: &str = "iVBORw0KGgo=";
const MAGIC: &[u8] = b"\x89PNG\r\n\x1a\n";
const DATA_URL: &str = "data:image/webp;base64,iVBORw0KGgo=";
const REMOTE: &str = "https://cdn.test/a.png";

/// What one picture of a shape is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Picture {
    Inline,
    Remote,
}

fn is(image: &GeneratedImage, expected: Picture) -> bool {
    match expected {
        Picture::Inline => {
            image.bytes().is_ok_and(|bytes| &bytes[..] == MAGIC)
                && image.media_type().unwrap().0 == MediaType::PNG
        }
        Picture::Remote => image.remote_url() == Some(REMOTE),
    }
}

fn plain(reply: &Value) -> ChatReply {
    let response = http::Response::new(Bytes::from(reply.to_string()));
    ChatRequest::new("m")
        .user("x")
        .read(response)
        .expect("a reply")
        .into_value()
}

fn streamed(chunks: &[Value]) -> ChatReply {
    let frames: Vec<String> = chunks
        .iter()
        .map(|chunk| format!("data: {chunk}\n\n"))
        .collect();
    let frames = frames.concat();
    let response = http::Response::new(Bytes::from(format!("{frames}data: [DONE]\n\n")));
    let endpoint = ChatStream::new(&ChatRequest::new("m").user("x")).unwrap();
    endpoint.read(response).expect("a reply").into_value()
}

const JPEG: &str = "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB";

#[test]
fn relative_urls_count_in_fields_for_images_and_in_markdown_if_nothing_else_does() {
    let fields = |url: &str| {
        [
            json!({"content": "", "images": [url]}),
            json!({"content": "", "images": [{"type": "image_url", "image_url": {"url": url}}]}),
            json!({"content": "", "images": [{"image_url": url}]}),
            json!({"content": [{"type": "image_url", "image_url": {"url": url}}]}),
            json!({"content": [{"type": "image_url", "image_url": url}]}),
            json!({"content": "", "image": {"url": url}}),
        ]
    };
    for url in [
        "/images/fox.png",
        "images/fox.png",
        "./fox",
        "../a/fox.webp",
        "//cdn.test/fox.png",
        "/v1/files/abc?download=1",
        "fox.png",
        "/images/my fox.png",
        "images/my red fox.png",
        "gs://bucket/fox.png",
        "sandbox:/mnt/data/fox.png",
    ] {
        for message in fields(url) {
            let reply = json!({"choices": [{"message": message}]});
            let images = plain(&reply).drawn().unwrap();
            assert_eq!(images.len(), 1, "{message}");
            assert_eq!(images[0].remote_url(), Some(url), "{message}");
            assert_eq!(find_in_document(&reply).len(), 1, "{message}");
            let delta = json!({"choices": [{"delta": message}]});
            assert_eq!(streamed(&[delta]).images()[0].remote_url(), Some(url));
        }
        let body = Bytes::from(json!({"data": [{"url": url, "b64_json": null}]}).to_string());
        let request = ImageRequest::new("m", "fox");
        let reply = request.read(http::Response::new(body)).unwrap();
        assert_eq!(reply.images()[0].remote_url(), Some(url));
        let frames = format!(
            "data: {}\n\ndata: [DONE]\n\n",
            json!({"data": [{"url": url}]})
        );
        let stream = ImageStream::new(&request).unwrap();
        let reply = stream.read(http::Response::new(frames.into())).unwrap();
        assert_eq!(reply.images()[0].remote_url(), Some(url));
    }
    for text in [
        "",
        "none",
        "pending",
        "n/a",
        "It failed / try again",
        "see images/fox.png",
        "#fox",
    ] {
        for message in fields(text) {
            let reply = plain(&json!({"choices": [{"message": message}]}));
            assert!(reply.images().is_empty(), "{message}");
        }
    }

    let said = |content: Value| {
        let reply = json!({"choices": [{"message": content}]});
        let found: Vec<_> = plain(&reply)
            .images()
            .iter()
            .map(|image| image.remote_url().map(str::to_owned))
            .collect();
        let in_document = find_in_document(&reply);
        assert_eq!(in_document.len(), found.len(), "{reply}");
        found
    };
    let path = [Some("/images/fox.png".to_owned())];
    for text in [
        "![fox](/images/fox.png)",
        "Here: ![a fox](</images/fox.png> \"fox\") done",
        "/images/fox.png",
    ] {
        assert_eq!(said(json!({"content": text})), path, "{text}");
        let part = json!({"content": [{"type": "text", "text": text}]});
        assert_eq!(said(part), path, "{text}");
        let beside = json!({"content": text, "images": [DATA_URL]});
        assert_eq!(said(beside), [None], "{text}");
    }
    for text in [
        "[fox](/images/fox.png)",
        "![fox](#fox)",
        "see /images/fox.png",
        "and/or",
        "[{\"url\": \"/about\"}]",
    ] {
        assert!(said(json!({"content": text})).is_empty(), "{text}");
    }
}

#[test]
fn base64_that_nothing_marks_is_an_image_in_every_place_of_a_message() {
    let png = STANDARD.encode([MAGIC, &[7; 60]].concat());
    for base64 in [&png, &JPEG.to_owned()] {
        let lines = base64.as_bytes().chunks(20);
        let lines: Vec<&str> = lines.map(|it| std::str::from_utf8(it).unwrap()).collect();
        let wrapped = format!("{}\n", lines.join("\n"));
        for text in [
            base64.clone(),
            format!(" {base64}\n"),
            wrapped.clone(),
            format!("```\n{base64}\n```"),
            format!("```base64\n{wrapped}```"),
            format!("`{base64}`"),
            format!("![fox]({base64})"),
            base64.replace('+', "-").replace('/', "_"),
        ] {
            for content in [json!(text), json!([{"type": "text", "text": text}])] {
                let reply = json!({"choices": [{"message": {"content": content}}]});
                let images = plain(&reply).drawn().unwrap();
                assert_eq!(images.len(), 1, "{text}");
                let (media_type, _) = images[0].media_type().unwrap();
                assert!(media_type.is_portable(), "{text}");
                assert_eq!(find_in_document(&reply).len(), 1);
            }
        }
    }
    for text in [
        format!("Here it is:\n\n{png}\n\nDone."),
        format!("image: {png}"),
        format!("{png} and {JPEG}"),
    ] {
        let reply = plain(&json!({"choices": [{"message": {"content": text}}]}));
        let expected = if text.contains(JPEG) { 2 } else { 1 };
        assert_eq!(reply.images().len(), expected, "{text}");
    }
    for text in [
        "/9j/",
        "/a/work/of/art",
        "/9j/ is how the base64 of a JPEG begins, as everybody knows who has seen one",
        "iVBORw0KGgo is how the base64 of a PNG begins",
        "aGVsbG8gd29ybGQsIHRoaXMgaXMgYSBsb25nIHRleHQgd2l0aG91dCBhbnkgcGljdHVyZSBpbiBpdA==",
    ] {
        let reply = plain(&json!({"choices": [{"message": {"content": text}}]}));
        assert!(reply.images().is_empty(), "{text}");
    }
}

/// Messages of each row, with the pictures in them.
fn messages() -> Vec<(&'static str, Value, Vec<Picture>)> {
    use Picture::{Inline, Remote};

    let markdown = format!("Here: ![a fox]({DATA_URL}) and ![b]({REMOTE}) done");
    let as_text = json!({"created": 1, "data": [{"b64_json": PNG}, {"url": REMOTE}]}).to_string();
    vec![
        (
            "7",
            json!({"content": "here", "images": [{"type": "image_url", "image_url": {"url": DATA_URL}}]}),
            vec![Inline],
        ),
        (
            "7 object",
            json!({"content": null, "images": [{"url": REMOTE}]}),
            vec![Remote],
        ),
        (
            "7 bare",
            json!({"images": [DATA_URL, REMOTE]}),
            vec![Inline, Remote],
        ),
        (
            "7 base64",
            json!({"images": [{"b64_json": PNG}]}),
            vec![Inline],
        ),
        (
            "7 bare base64",
            json!({"images": [PNG, "no picture"]}),
            vec![Inline],
        ),
        (
            "8",
            json!({"content": [{"type": "text", "text": "x"}, {"type": "image_url", "image_url": {"url": DATA_URL}}]}),
            vec![Inline],
        ),
        (
            "8 bare",
            json!({"content": [{"type": "image_url", "image_url": REMOTE}]}),
            vec![Remote],
        ),
        (
            "9 image",
            json!({"content": [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}]}),
            vec![Inline],
        ),
        (
            "9 output_image",
            json!({"content": [{"type": "output_image", "b64_json": PNG}]}),
            vec![Inline],
        ),
        (
            "9 inline_data",
            json!({"content": [{"inline_data": {"mime_type": "image/png", "data": PNG}}]}),
            vec![Inline],
        ),
        (
            "9 inlineData",
            json!({"content": [{"inlineData": {"mimeType": "image/png", "data": PNG}}]}),
            vec![Inline],
        ),
        ("10 data URL", json!({"content": DATA_URL}), vec![Inline]),
        (
            "10 odd case",
            json!({"content": " DATA:image/png;base64,iVBORw0KGgo= "}),
            vec![Inline],
        ),
        (
            "10 Markdown",
            json!({"content": markdown}),
            vec![Inline, Remote],
        ),
        ("10 JSON", json!({"content": as_text}), vec![Inline, Remote]),
        (
            "10 fenced JSON",
            json!({"content": format!("```json\n{as_text}\n```")}),
            vec![Inline, Remote],
        ),
        (
            "10 in a part",
            json!({"content": [{"type": "text", "text": markdown}]}),
            vec![Inline, Remote],
        ),
        (
            "10 URL",
            json!({"content": format!(" {REMOTE}\n")}),
            vec![Remote],
        ),
        (
            "10 URL of a page",
            json!({"content": "https://cdn.test/a"}),
            vec![],
        ),
        (
            "no data",
            json!({"content": "I would send data:image/png if I could"}),
            vec![],
        ),
        (
            "a link",
            json!({"content": format!("Wow![1] see [docs]({REMOTE})")}),
            vec![],
        ),
        (
            "an answer",
            json!({"content": "{\"result\":\"approved\",\"url\":\"https://cdn.test/a.png\"}"}),
            vec![],
        ),
        (
            "null first",
            json!({"images": [{"b64_json": null, "image_base64": PNG}]}),
            vec![Inline],
        ),
        (
            "prose",
            json!({"content": "I cannot draw https://cdn.test/a.png, sorry [link](https://cdn.test)"}),
            vec![],
        ),
        (
            "both places",
            json!({"content": DATA_URL, "images": [{"image_url": {"url": DATA_URL}}]}),
            vec![Inline],
        ),
        (
            "image of LiteLLM",
            json!({"content": "", "image": {"url": DATA_URL, "detail": "auto"}}),
            vec![Inline],
        ),
        (
            "image as text",
            json!({"content": null, "image": PNG}),
            vec![Inline],
        ),
        (
            "image and images",
            json!({"image": {"url": DATA_URL}, "images": [{"image_url": {"url": DATA_URL}}]}),
            vec![Inline],
        ),
        (
            "no image",
            json!({"content": "x", "image": {"id": 1}}),
            vec![],
        ),
        (
            "multi_mod_content",
            json!({"content": "", "multi_mod_content": [
                {"text": "Here"}, {"inline_data": {"mime_type": "image/png", "data": PNG}}
            ]}),
            vec![Inline],
        ),
        (
            "Markdown in angle brackets",
            json!({"content": format!("![a](<{REMOTE}>) and ![b](<{DATA_URL}>)")}),
            vec![Remote, Inline],
        ),
        (
            "Markdown without a type",
            json!({"content": format!(
                "![a](data:;base64,{PNG}) ![b](<data:application/octet-stream;base64,{PNG}>)"
            )}),
            vec![Inline, Inline],
        ),
        (
            "Markdown of another type",
            json!({"content": format!(
                "![a](data:text/plain;base64,aGVsbG8=) [a](data:;base64,{PNG}) ![a](<b>) ![a](data:)"
            )}),
            vec![],
        ),
        (
            "images as JSON",
            json!({"content": json!({"images": [{"bytesBase64Encoded": PNG}]}).to_string()}),
            vec![Inline],
        ),
        ("nothing", json!({"content": ""}), vec![]),
        (
            "odd",
            json!({"content": "", "images": [null, 7, {"image_url": null}, {}]}),
            vec![],
        ),
    ]
}

fn check(row: &str, reply: &ChatReply, expected: &[Picture]) {
    let images = reply.images();
    assert_eq!(images.len(), expected.len(), "{row}: {images:?}");
    for (image, expected) in images.iter().zip(expected) {
        assert!(is(image, *expected), "{row}: {image:?} is not {expected:?}");
    }
    assert!(
        !format!("{reply:?} {images:?}").contains(PNG.trim_end_matches('=')) || PNG.len() < 48,
        "{row}"
    );
}

#[test]
fn every_shape_of_a_message_is_found() {
    for (row, message, expected) in messages() {
        let document = json!({"choices": [{"index": 0, "message": message}]});
        check(row, &plain(&document), &expected);
        let found = find_in_document(&document);
        assert_eq!(found.len(), expected.len(), "{row}");
        // A stream that is answered with a document.
        let endpoint = ChatStream::new(&ChatRequest::new("m").user("x")).unwrap();
        let whole = endpoint.read(http::Response::new(document.to_string().into()));
        check(row, &whole.unwrap(), &expected);
    }
}

#[test]
fn every_shape_of_a_delta_is_found() {
    for (row, message, expected) in messages() {
        let first = json!({"choices": [{"index": 0, "delta": {"role": "assistant"}}]});
        let whole = json!({"choices": [{"index": 0, "delta": message.clone()}]});
        check(row, &streamed(&[first.clone(), whole]), &expected);

        // The content's text and the lists split over two deltas.
        let (mut one, mut two) = (message.clone(), message.clone());
        match message.get("content") {
            Some(Value::String(text)) => {
                let middle = text
                    .char_indices()
                    .nth(text.chars().count() / 2)
                    .map_or(0, |(at, _)| at);
                one["content"] = text[..middle].into();
                two["content"] = text[middle..].into();
            }
            _ => {
                two.as_object_mut().unwrap().remove("content");
            }
        }
        one.as_object_mut().unwrap().remove("images");
        let deltas = [one, two].map(|delta| json!({"choices": [{"index": 0, "delta": delta}]}));
        check(row, &streamed(&[&[first], &deltas[..]].concat()), &expected);
    }
}

/// The images endpoints find as many pictures in a body, and in its event.
fn draws(row: &str, body: &str, expected: usize) {
    let mut request = ImageRequest::new("m", "x");
    request.n = Some(9);
    let endpoint = ImageStream::new(&request).unwrap();
    let response = || http::Response::new(Bytes::from(body.to_owned()));
    let reply = endpoint.read(response());
    let images = reply.map(|reply| reply.images().len());
    assert_eq!(images.unwrap_or(0), expected, "{row}: {body}");
    if !body.starts_with("data:") {
        let reply = request.read(response());
        let images = reply.map(|reply| reply.images().len());
        assert_eq!(images.unwrap_or(0), expected, "{row}: {body}");
    }
}

#[test]
fn data_beside_or_instead_of_choices_is_found() {
    for (row, data, expected) in [
        (
            "1",
            json!([{"url": DATA_URL, "revised_prompt": "a red fox"}]),
            vec![Picture::Inline],
        ),
        ("2", json!([{"url": REMOTE}]), vec![Picture::Remote]),
        (
            "3",
            json!([{"b64_json": PNG, "url": null}]),
            vec![Picture::Inline],
        ),
        (
            "4",
            json!([{"b64_json": DATA_URL}, {"b64_json": "iVBORw0KGgo"}, {"b64_json": "iVBO\nRw0K\r\nGgo="}]),
            vec![Picture::Inline; 3],
        ),
        ("5", json!([{}, {"url": "", "b64_json": null}]), vec![]),
        (
            "Vertex",
            json!([{"bytesBase64Encoded": PNG, "mimeType": "image/png"}]),
            vec![Picture::Inline],
        ),
        (
            "both",
            json!([{"b64_json": PNG, "url": REMOTE}]),
            vec![Picture::Inline],
        ),
    ] {
        for name in ["data", "images"] {
            // What holds no picture and nothing that is known is no reply.
            if name == "data" || !expected.is_empty() {
                let mut document = json!({"created": "soon", "usage": 7});
                document[name] = data.clone();
                check(row, &plain(&document), &expected);
                assert_eq!(find_in_document(&document).len(), expected.len(), "{row}");
                let endpoint = ChatStream::new(&ChatRequest::new("m").user("x")).unwrap();
                let body = document.to_string();
                let whole = endpoint.read(http::Response::new(body.clone().into()));
                check(row, &whole.unwrap(), &expected);
                draws(row, &body, expected.len());
                draws(
                    row,
                    &format!("data: {body}\n\ndata: [DONE]\n\n"),
                    expected.len(),
                );
            }
            let mut beside = json!({"choices": [{"message": {"content": "x"}}]});
            beside[name] = data.clone();
            check(row, &plain(&beside), &expected);
            let mut beside = json!({"choices": []});
            beside[name] = data.clone();
            check(row, &streamed(&[beside]), &expected);
        }
    }
    let reply = plain(&json!({"data": [{"url": DATA_URL, "revised_prompt": "a red fox"}]}));
    assert_eq!(reply.images()[0].revised_prompt(), Some("a red fox"));
}

#[test]
fn odd_metadata_never_loses_a_picture() {
    let message = json!({"role": 7, "content": "x", "images": [DATA_URL]});
    for (field, odd) in [
        ("id", json!(7)),
        ("created", json!("1e400")),
        ("created", json!(1.5)),
        ("model", json!([])),
        ("usage", json!("none")),
        (
            "usage",
            json!({"prompt_tokens": "7", "completion_tokens": -1, "total_tokens": {}}),
        ),
        ("system_fingerprint", json!({})),
        ("data", json!({})),
        ("unheard_of", json!({"deep": [1]})),
    ] {
        let mut reply = json!({"choices": [{"index": "0", "message": message, "finish_reason": {"odd": true}, "logprobs": 1}]});
        reply[field] = odd;
        check(field, &plain(&reply), &[Picture::Inline]);
        let mut chunk = json!({"choices": [{"index": null, "delta": message, "finish_reason": 3}]});
        chunk[field] = reply[field].clone();
        check(field, &streamed(&[chunk]), &[Picture::Inline]);
    }
}

#[test]
fn a_field_that_comes_twice_loses_no_picture() {
    let message = format!(
        r#"{{"role":"user","content":"no","role":"assistant","content":"yes","tool_calls":[],"images":[],"images":["{DATA_URL}"],"tool_calls":[{{"id":"a","id":"b","function":{{"name":"f"}},"function":{{"name":"g","name":"h"}}}}]}}"#
    );
    for said in ["message", "delta"] {
        let body = format!(
            r#"{{"id":"a","usage":{{"total_tokens":1,"total_tokens":2}},"object":"x","choices":[],"id":"b","object":"y","choices":[{{"index":1,"index":0,"{said}":null,"{said}":{message},"{said}":{message}}}]}}"#
        );
        let reply: ChatReply = if said == "message" {
            let response = http::Response::new(Bytes::from(body));
            ChatRequest::new("m")
                .user("u")
                .read(response)
                .unwrap()
                .value
        } else {
            let stream = format!("data: {body}\n\ndata: [DONE]\n\n");
            let endpoint = ChatStream::new(&ChatRequest::new("m").user("u")).unwrap();
            endpoint
                .read(http::Response::new(stream.into()))
                .unwrap()
                .value
        };
        assert_eq!(reply.images().len(), 1);
        assert_eq!((reply.id.as_deref(), &*reply.text()), (Some("b"), "yes"));
        assert_eq!(reply.tool_calls()[0].id.as_deref(), Some("b"));
        assert_eq!(reply.tool_calls()[0].function.name, "h");
        assert_eq!(reply.usage.unwrap().total_tokens, Some(2));
    }
}

#[test]
fn a_text_full_of_beginnings_is_read_in_one_go() {
    for mark in [
        "![",
        "data:image/",
        "](http",
        "](<http",
        "![a](<data:;base64,",
        "![a](data:;base64,AAEC) ",
        "![x](http",
        "![](",
        "data:image/png;base64,",
    ] {
        let reply = plain(
            &json!({"choices": [{"message": {"content": format!("- {}", mark.repeat(300_000))}}]}),
        );
        assert!(reply.images().len() <= 1, "{mark}");
    }
}

#[test]
fn nulls_where_a_choice_or_a_message_should_be_cost_no_picture() {
    let data = json!([{"b64_json": PNG}]);
    for choices in [json!(null), json!([null]), json!([{"message": null}])] {
        check(
            "null",
            &plain(&json!({"choices": choices, "data": data})),
            &[Picture::Inline],
        );
        check(
            "null",
            &streamed(&[json!({"choices": choices, "data": data})]),
            &[Picture::Inline],
        );
    }
    check(
        "one object",
        &plain(&json!({"data": {"b64_json": PNG}})),
        &[Picture::Inline],
    );
}

#[test]
fn fields_that_are_not_modelled_go_together_as_deltas_do() {
    let delta = |delta: Value| json!({"choices": [{"index": 0, "delta": delta, "native_finish_reason": "stop"}]});
    let reply = streamed(&[
        delta(
            json!({"audio": {"id": "a", "data": "AA"}, "reasoning": "be", "reasoning_details": [1]}),
        ),
        delta(
            json!({"audio": {"data": "BB", "expires_at": 7}, "reasoning": "cause", "reasoning_details": [2]}),
        ),
    ]);
    let choice = &reply.choices[0];
    assert_eq!(choice.extra["native_finish_reason"], "stop");
    assert_eq!(
        choice.message.extra["audio"],
        json!({"id": "a", "data": "AABB", "expires_at": 7})
    );
    assert_eq!(choice.message.extra["reasoning"], "because");
    assert_eq!(choice.message.extra["reasoning_details"], json!([1, 2]));
}

#[test]
fn what_is_not_modelled_is_kept() {
    let reply = json!({
        "id": "c", "object": "chat.completion", "cost": "0.0012", "x_auto_routed": true,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": [{"type": "new", "a": 1}], "reasoning_details": [{"b": 2}]}}],
        "usage": {"prompt_tokens": 1, "classifier_tokens": 9}
    });
    let stored = serde_json::to_value(plain(&reply)).unwrap();
    assert_eq!(stored, reply);
}

#[test]
fn a_picture_is_decoded_in_the_memory_that_it_was_received_in() {
    let raw: Vec<u8> = [
        MAGIC,
        &(0..300_000_u32)
            .map(|n| n.to_le_bytes()[0])
            .collect::<Vec<u8>>(),
    ]
    .concat();
    let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &raw);
    let url = format!("data:image/png;base64,{base64}");
    for message in [
        json!({"images": [{"type": "image_url", "image_url": {"url": url}}]}),
        json!({"images": [{"b64_json": base64}]}),
        json!({"content": [{"type": "image_url", "image_url": {"url": url}}]}),
    ] {
        let text = json!({"choices": [{"message": message}]}).to_string();
        let body = Bytes::from(text.clone());
        let memory = body.as_ptr_range();
        let reply = ChatRequest::new("m")
            .user("x")
            .read(http::Response::new(body))
            .unwrap();
        let [image] = reply.into_value().into_images().try_into().unwrap();
        let bytes = image.into_bytes().unwrap();
        assert_eq!(bytes, raw);
        assert!(memory.contains(&bytes.as_ptr()), "{text:.80}");

        // What somebody else still holds is left as it is.
        let body = Bytes::from(text);
        let reply = ChatRequest::new("m")
            .user("x")
            .read(http::Response::new(body))
            .unwrap();
        let [image] = reply.images().try_into().unwrap();
        assert_eq!(image.clone().into_bytes().unwrap(), raw);
        assert_eq!(reply.images()[0].bytes().unwrap(), &raw);
    }
}
