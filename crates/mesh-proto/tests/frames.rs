//! What gateways write in place of a frame or a field, and what it is read as.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says when it fails"
)]

use bytes::Bytes;
use mesh_proto::call::Failure;
use mesh_proto::call::Limits;
use mesh_proto::chat::ReplyMessage;
use mesh_proto::endpoint::{
    ChatStream, Decode, Decoded, Endpoint, ImageStream, ListApiVersions, ListErrorCodes,
    ListModels, SearchModels,
};
use mesh_proto::error::DecodeError;
use mesh_proto::images::{ImageReply, ImageRequest};
use mesh_proto::{ChatReply, ChatRequest, Head};

/// What came of a body: how many events, the reply, and what there is of it after a failure.
struct Read<T> {
    events: usize,
    result: Result<T, DecodeError>,
    partial: Option<T>,
}

/// Reads a body that came in pieces of `size`.
fn read_pieces<E: Endpoint>(endpoint: &E, body: &str, size: usize) -> Read<E::Output> {
    let head = Head::from(&http::Response::new(()).into_parts().0);
    let mut decoder = endpoint.decoder(&head, &Limits::default()).unwrap();
    let mut events = 0;
    let result = (|| {
        for piece in body.as_bytes().chunks(size) {
            decoder.push(Bytes::copy_from_slice(piece))?;
            loop {
                match decoder.next()? {
                    Decoded::Event(_) => events += 1,
                    Decoded::Starved => break,
                    Decoded::Complete => return decoder.finish(),
                }
            }
        }
        decoder.end();
        while let Decoded::Event(_) = decoder.next()? {
            events += 1;
        }
        decoder.finish()
    })();
    Read {
        events,
        result,
        partial: decoder.partial(),
    }
}

/// Reads a body whole, after it has been seen that pieces make no difference.
fn read<E: Endpoint<Output: PartialEq + std::fmt::Debug>>(
    endpoint: &E,
    body: &str,
) -> Read<E::Output> {
    let whole = read_pieces(endpoint, body, body.len().max(1));
    for size in [1, 3, 20] {
        let again = read_pieces(endpoint, body, size);
        assert_eq!(again.events, whole.events, "{body}");
        assert_eq!(again.result, whole.result, "{body}");
        assert_eq!(again.partial, whole.partial, "{body}");
    }
    whole
}

fn chat(body: &str) -> Read<ChatReply> {
    let request = ChatRequest::new("m").user("u");
    read(&ChatStream::new(&request).unwrap(), body)
}

fn images(body: &str) -> Read<ImageReply> {
    let request = ImageRequest::new("m", "a fox");
    read(&ImageStream::new(&request).unwrap(), body)
}

fn delta(delta: &str) -> String {
    format!(r#"data: {{"choices":[{{"index":0,"delta":{delta},"finish_reason":null}}]}}"#)
}

fn says(text: &str) -> String {
    delta(&format!(r#"{{"content":"{text}"}}"#))
}

const END: &str = r#"data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
const PICTURE: &str = r#"data: {"status":"completed","data":[{"b64_json":"iVBORw0KGgo="}]}"#;

#[test]
fn number_or_boolean_as_content_is_its_text() {
    for written in [
        "6",
        "-0",
        "0.005",
        "0.10",
        "1e3",
        "6.0",
        "1E-7",
        "1e999",
        "12345678901234567890123",
        "true",
        "false",
    ] {
        let plain = |message: &str| {
            let body = format!(r#"{{"choices":[{{"message":{message}}}]}}"#);
            read(&ChatRequest::new("m").user("u"), &body)
                .result
                .unwrap()
        };
        let streamed = |before: &str, piece: &str| {
            let body = [&delta(before), &delta(piece), END, "data: [DONE]\n"].join("\n\n");
            chat(&body).result.unwrap()
        };
        let content = format!(r#"{{"content":{written}}}"#);
        assert_eq!(plain(&content).text(), written);
        let reply = streamed(r#"{"content":"There are "}"#, &content);
        assert_eq!(reply.text(), format!("There are {written}"));
        let parts = format!(r#"{{"content":[{{"type":"text","text":{written}}}]}}"#);
        assert_eq!(plain(&parts).text(), written);
        assert_eq!(
            streamed(r#"{"content":"a"}"#, &parts).text(),
            format!("a{written}")
        );

        let reasoning = format!(r#"{{"reasoning_content":{written}}}"#);
        let message = |reply: &ChatReply| -> ReplyMessage { reply.choices[0].message.clone() };
        assert_eq!(message(&plain(&reasoning)).reasoning(), written);
        let reply = streamed(r#"{"reasoning_content":"a"}"#, &reasoning);
        assert_eq!(message(&reply).reasoning(), format!("a{written}"));
        // A boolean is no text there before there is one: it may say whether the model refuses.
        for name in ["reasoning", "refusal"] {
            let piece = format!(r#"{{"{name}":{written}}}"#);
            let reply = streamed(&format!(r#"{{"{name}":"a"}}"#), &piece);
            let told = message(&reply).extra[name].clone();
            assert_eq!(told.as_str(), Some(&*format!("a{written}")));
        }
        let call = |arguments: &str| {
            format!(r#"{{"tool_calls":[{{"index":0,"function":{{"arguments":{arguments}}}}}]}}"#)
        };
        let reply = streamed(&call("\"a\""), &call(written));
        assert_eq!(
            reply.tool_calls()[0].function.arguments,
            format!("a{written}")
        );
    }
    let refusal = r#"{"choices":[{"message":{"content":"hi","refusal":false}}]}"#;
    let reply = read(&ChatRequest::new("m").user("u"), refusal)
        .result
        .unwrap();
    assert_eq!(reply.refusal(), None);
}

#[test]
fn number_beside_a_picture_is_text_too() {
    let picture = "A".repeat(40_000);
    let body = [
        &delta(&format!(
            r#"{{"content":6,"images":["data:image/png;base64,{picture}"]}}"#
        )),
        "data: [DONE]\n",
    ]
    .join("\n\n");
    let request = ChatRequest::new("m").user("u");
    let reply = read_pieces(&ChatStream::new(&request).unwrap(), &body, body.len());
    assert_eq!(reply.result.unwrap().text(), "6");
}

#[test]
fn error_line_is_an_error_with_its_message() {
    let llama = r#"error: {"code":400,"message":"the request exceeds the available context size","type":"invalid_request_error"}"#;
    for (line, message) in [
        (llama, "the request exceeds the available context size"),
        (r#"error:{"error":{"message":"m"}}"#, "m"),
        (r#"error: {"detail":"m"}"#, "m"),
        (r#"Error: {"message":"m"}"#, "m"),
        (r#"{"error":{"message":"m"}}"#, "m"),
        (
            r#"error: {"x":1}"#,
            r#"the stream reported an error without a message: {"x":1}"#,
        ),
        (
            "event: error\ndata: {}",
            "the stream reported an error without a message: {}",
        ),
    ] {
        for before in [String::new(), says("Hello") + "\n\n", says("Hello") + "\n"] {
            for after in ["\n\ndata: [DONE]\n\n", "\n\n", ""] {
                // An event's type is that of all its lines.
                if line.starts_with("event") && before.ends_with("}\n") {
                    continue;
                }
                // What begins with an object is a document.
                if line.starts_with('{') && before.is_empty() {
                    continue;
                }
                let read = chat(&format!("{before}{line}{after}"));
                let Err(DecodeError::Api(error)) = read.result else {
                    panic!("{before}{line}{after}: {:?}", read.result)
                };
                assert_eq!(error.message, message);
                let text = read.partial.map(|it| it.text().into_owned());
                let said = if before.is_empty() { "" } else { "Hello" };
                assert_eq!(text.unwrap_or_default(), said);
                assert_eq!(read.events, usize::from(!before.is_empty()));
            }
        }
        let read = images(&format!("{line}\n\n"));
        assert!(matches!(read.result, Err(DecodeError::Api(error)) if error.message == message));
    }
    // Any other field of that name is unknown, as in the standard.
    let body = format!("error: none\nerror\n{}\n\ndata: [DONE]\n\n", says("Hello"));
    assert_eq!(chat(&body).result.unwrap().text(), "Hello");
}

#[test]
fn sign_of_life_is_skipped() {
    let mut signs = vec![
        "event: ping\ndata: {\"type\":\"ping\"}".to_owned(),
        "event: heartbeat\ndata: alive".to_owned(),
    ];
    for word in [
        "ping",
        "heartbeat",
        "keepalive",
        "keep-alive",
        "Ping",
        "KEEP-ALIVE",
    ] {
        signs.push(format!("data: {word}"));
        signs.push(format!("event: {word}\ndata: {word}"));
        signs.push(format!("event: {word}\ndata: 2026-11-28T01:00:00Z"));
    }
    for sign in signs {
        let body = [
            &sign,
            &says("Hello"),
            &sign,
            &says(" world"),
            END,
            &sign,
            "data: [DONE]\n",
        ];
        let read = chat(&body.join("\n\n"));
        assert_eq!(read.events, 3, "{sign}");
        assert_eq!(read.result.unwrap().text(), "Hello world");
        let read = images(&[&sign, PICTURE, ""].join("\n\n"));
        assert_eq!((read.events, read.result.is_ok()), (1, true), "{sign}");
    }
}

#[test]
fn other_spellings_of_the_end_mark_end_a_stream() {
    for mark in ["[DONE]", "DONE", "\"[DONE]\""] {
        for between in ["\n\n", "\n"] {
            let body = format!(
                "{}\n\n{END}{between}data: {mark}\n\ndata: oops\n\n",
                says("Hello")
            );
            assert_eq!(chat(&body).result.unwrap().text(), "Hello", "{body}");
        }
        let series =
            "data: {\"status\":\"processing\",\"data\":[{\"b64_json\":\"iVBORw0KGgo=\"}]}\n\n";
        let read = images(&format!("{series}data: {mark}\n\n"));
        assert_eq!(read.result.unwrap().images().len(), 1);
    }
}

#[test]
fn lines_that_are_documents_are_events() {
    let glued = [
        &says("a"),
        &says("b"),
        "data: ping",
        "data:",
        &says("c"),
        END,
    ]
    .join("\n");
    for body in [
        format!("{glued}\n\ndata: [DONE]\n\n"),
        format!("{glued}\ndata: [DONE]\n\n"),
        format!("{glued}\ndata: [DONE]"),
    ] {
        let read = chat(&body);
        assert_eq!(read.events, 4);
        assert_eq!(read.result.unwrap().text(), "abc");
    }
    // One document on several lines stays one.
    let one = says("a").replace(",\"", ",\ndata: \"");
    let read = chat(&format!("{one}\n\ndata: [DONE]\n\n"));
    assert_eq!(
        (read.events, read.result.unwrap().text().into_owned()),
        (1, "a".to_owned())
    );
    // Large ones, with a picture.
    let body = format!(
        "data: {{\"status\":\"processing\",\"x\":\"{}\"}}\n{PICTURE}\n\n",
        "x".repeat(40_000)
    );
    let request = ImageRequest::new("m", "a fox");
    let read = read_pieces(&ImageStream::new(&request).unwrap(), &body, body.len());
    assert_eq!(read.events, 2);
    assert_eq!(read.result.unwrap().images().len(), 1);
}

#[test]
fn any_other_frame_that_does_not_parse_is_an_error_with_its_excerpt() {
    for frame in [
        "data: pong".to_owned(),
        "data: pinging".to_owned(),
        "data: [done]".to_owned(),
        "data: \"DONE\"".to_owned(),
        "event: pings\ndata: x".to_owned(),
        "data: 7".to_owned(),
        "data: {\"choices\" oops}".to_owned(),
        // One of the lines is not a document.
        format!("{}\ndata: {{\"choices\" oops}}", says("lost?")),
        format!("{}\ndata: oops", says("lost?")),
        format!("{}\ndata: 7", says("kept")),
    ] {
        let body = [&says("Hello"), &frame, "data: [DONE]\n"].join("\n\n");
        let read = chat(&body);
        let Err(DecodeError::Json { excerpt, .. }) = &read.result else {
            panic!("{frame}: {:?}", read.result)
        };
        assert!(!excerpt.is_empty(), "{frame}");
        let text = read.partial.unwrap().text().into_owned();
        assert!(text == "Hello" || text == "Hellokept", "{frame}");
    }
}

#[test]
fn null_list_is_an_empty_list() {
    fn list<E: Endpoint>(endpoint: &E, body: &str) -> Result<E::Output, DecodeError> {
        let response = http::Response::new(Bytes::copy_from_slice(body.as_bytes()));
        match endpoint.read(response) {
            Ok(answer) => Ok(answer.into_value()),
            Err(Failure::Decode(error)) => Err(error),
            Err(other) => panic!("{other:?}"),
        }
    }
    for body in [
        r#"{"object":"list","data":null}"#,
        r#"{"data":null}"#,
        r#"{"data":null,"error":null}"#,
        r#"{"code":200,"message":"ok","data":null}"#,
        "null",
    ] {
        assert!(
            list(&ListModels::new(), body).unwrap().models.is_empty(),
            "{body}"
        );
        assert_eq!(
            list(&SearchModels::new(), body).unwrap().rows(),
            0,
            "{body}"
        );
        assert!(
            list(&ListApiVersions::new(), body)
                .unwrap()
                .versions
                .is_empty(),
            "{body}"
        );
        assert!(
            list(&ListErrorCodes::new(), body).unwrap().codes.is_empty(),
            "{body}"
        );
    }
    let models = r#"{"models":null}"#;
    assert!(list(&ListModels::new(), models).unwrap().models.is_empty());
    assert_eq!(list(&SearchModels::new(), models).unwrap().rows(), 0);
    let page = r#"{"items":null,"total":0,"limit":20,"brands":null}"#;
    assert_eq!(list(&SearchModels::new(), page).unwrap().total, Some(0));
    for name in ["errors", "codes"] {
        let body = format!(r#"{{"{name}":null}}"#);
        assert!(
            list(&ListErrorCodes::new(), &body)
                .unwrap()
                .codes
                .is_empty()
        );
    }
    // A list under another name counts before null does.
    let both = r#"{"data":null,"models":[{"id":"a"}]}"#;
    assert_eq!(list(&ListModels::new(), both).unwrap().models.len(), 1);
    assert_eq!(list(&SearchModels::new(), both).unwrap().rows(), 1);

    for body in [
        r#"{"data":null,"error":{"message":"m"}}"#,
        r#"{"error":"m","object":"list","data":null}"#,
        r#"{"success":false,"message":"m","data":null}"#,
        r#"{"code":"unauthorized","message":"m","data":null}"#,
    ] {
        for error in [
            list(&ListModels::new(), body).map(drop),
            list(&SearchModels::new(), body).map(drop),
            list(&ListApiVersions::new(), body).map(drop),
            list(&ListErrorCodes::new(), body).map(drop),
        ] {
            assert!(
                matches!(&error, Err(DecodeError::Api(error)) if error.message == "m"),
                "{body}: {error:?}"
            );
        }
    }
}
