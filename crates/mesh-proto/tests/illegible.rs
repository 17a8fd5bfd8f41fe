//! Bodies with characters in them that are none, and marks before them, cost nobody the rest.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says when it fails"
)]

use bytes::Bytes;
use mesh_proto::call::Limits;
use mesh_proto::endpoint::{
    ChatStream, Decode, Decoded, Endpoint, ImageStream, ListErrorCodes, ListModels, SearchModels,
};
use mesh_proto::error::{ApiError, DecodeError, ErrorCode};
use mesh_proto::images::ImageRequest;
use mesh_proto::{ChatRequest, Head};

const PNG: &str = "iVBORw0KGgo=";
const MARK: &[u8] = b"\xef\xbb\xbf";

/// What is no character, as a gateway may write it, and how often that is one in its place.
const BAD: [(&[u8], usize); 4] = [
    (br"\udc00", 1),
    (br"\ud83d", 1),
    (b"\xff", 1),
    (b"\\uD83D\\u0061\xe9", 2),
];

fn head(status: u16) -> Head {
    let response = http::Response::builder().status(status).body(()).unwrap();
    Head::from(&response.into_parts().0)
}

/// Reads a body whole, and sees that pieces make no difference.
fn read<E: Endpoint>(endpoint: &E, body: &[u8]) -> Result<(E::Output, usize), DecodeError> {
    let read = |size: usize| {
        let mut decoder = endpoint.decoder(&head(200), &Limits::default())?;
        let mut events = 0;
        for piece in body.chunks(size) {
            decoder.push(Bytes::copy_from_slice(piece))?;
            while let Decoded::Event(_) = decoder.next()? {
                events += 1;
            }
        }
        decoder.end();
        while let Decoded::Event(_) = decoder.next()? {
            events += 1;
        }
        decoder.finish().map(|output| (output, events))
    };
    let whole = read(body.len().max(1));
    for size in [1, 2, 5] {
        match (&whole, read(size)) {
            (Ok((_, events)), Ok((_, again))) => assert_eq!(*events, again),
            (Err(error), Err(again)) => assert_eq!(*error, again),
            _ => panic!("{} in pieces of {size}", String::from_utf8_lossy(body)),
        }
    }
    whole
}

fn with(json: &str, bad: &[u8]) -> Vec<u8> {
    let mut pieces = json.split('@').map(str::as_bytes);
    let mut body = pieces.next().unwrap().to_vec();
    for piece in pieces {
        body.extend_from_slice(bad);
        body.extend_from_slice(piece);
    }
    body
}

fn chat() -> ChatRequest {
    ChatRequest::new("m").user("a fox")
}

fn drawing() -> ImageRequest {
    ImageRequest::new("m", "a fox")
}

#[test]
fn a_bad_character_costs_no_picture_of_a_document() {
    for (bad, count) in BAD {
        for before in [&b""[..], MARK, b"\n\xef\xbb\xbf\r\n"] {
            let body = |json: &str| [before, &with(json, bad)].concat();
            let reply = body(&format!(
                r#"{{"data":[{{"revised_prompt":"a @ b","b64_json":"{PNG}"}}]}}"#
            ));
            let (images, _) = read(&drawing(), &reply).unwrap();
            let image = &images.images()[0];
            assert_eq!(&image.bytes().unwrap()[1..4], b"PNG");
            let prompt = image.revised_prompt().unwrap();
            assert_eq!(prompt.matches('\u{fffd}').count(), count);
            let streamed = ImageStream::new(&drawing()).unwrap();
            assert_eq!(read(&streamed, &reply).unwrap().0.images().len(), 1);

            for message in [
                r#""content":"a @ b""#,
                r#""content":"","reasoning":"@""#,
                r#""role":"@","con@tent":"@","content":null"#,
            ] {
                let reply = body(&format!(
                    r#"{{"id":"@","object":"@","choices":[{{"message":{{{message},"images":["data:image/png;base64,{PNG}"]}}}}]}}"#
                ));
                let (reply, _) = read(&chat(), &reply).unwrap();
                assert_eq!(reply.images().len(), 1, "{message}");
            }
        }
    }
}

#[test]
fn half_an_emoji_costs_no_stream() {
    for (bad, count) in BAD {
        for before in [&b""[..], MARK] {
            // One frame is as large as one with a picture.
            for fill in [0, 100_000] {
                let delta = |delta: &str| {
                    let fill = "x".repeat(fill);
                    format!(
                        "data: {{\"id\":\"c\",\"x\":\"{fill}\",\"choices\":[{{\"index\":0,\"delta\":{delta}}}]}}\n\n"
                    )
                };
                let stream = [
                    delta(r#"{"content":"a@"}"#),
                    delta(r#"{"content":"@b"}"#),
                    delta(r#"{"content":"c"}"#),
                    delta(r#"{"reasoning":"@"}"#),
                    "data: [DONE]\n\n".to_owned(),
                ];
                let stream = [before, &with(&stream.concat(), bad)].concat();
                let (reply, events) = read(&ChatStream::new(&chat()).unwrap(), &stream).unwrap();
                assert_eq!(events, 4);
                let text = reply.text().into_owned();
                assert_eq!(text.matches('\u{fffd}').count(), 2 * count);
                assert!(text.starts_with('a') && text.ends_with("bc"), "{text}");
            }
        }
    }
}

#[test]
fn a_bad_character_costs_no_row_of_a_catalogue() {
    for (bad, _) in BAD {
        for before in [&b""[..], MARK] {
            let rows = r#"[{"id":"a","description":"@"},{"id":"b"},7,{"code":"x","message":"@"}]"#;
            for body in [
                with(rows, bad),
                with(&format!(r#"{{"@":"@","data":{rows}}}"#), bad),
            ] {
                let body = [before, &body].concat();
                let (list, _) = read(&ListModels::new(), &body).unwrap();
                assert_eq!((list.models.len(), list.odd.len()), (2, 2));
                let (page, _) = read(&SearchModels::new(), &body).unwrap();
                assert_eq!((page.items.len(), page.odd.len()), (2, 2));
                let (codes, _) = read(&ListErrorCodes::new(), &body).unwrap();
                assert_eq!(codes.codes.len(), 1);
            }
        }
    }
}

#[test]
fn a_bad_character_costs_no_error() {
    for (bad, count) in BAD {
        for before in [&b""[..], MARK] {
            let json = r#"{"error":{"code":"model_not_found","message":"no @"}}"#;
            let body = [before, &with(json, bad)].concat();
            let error = ApiError::read(&head(404), &body);
            assert_eq!(error.code, Some(ErrorCode::ModelNotFound));
            assert_eq!(error.message.matches('\u{fffd}').count(), count);
            for error in [
                read(&chat(), &body).map(drop).unwrap_err(),
                read(&drawing(), &body).map(drop).unwrap_err(),
                read(&ListModels::new(), &body).map(drop).unwrap_err(),
                read(&ChatStream::new(&chat()).unwrap(), &body)
                    .map(drop)
                    .unwrap_err(),
            ] {
                let DecodeError::Api(error) = error else {
                    panic!("{error:?}")
                };
                assert_eq!(error.code, Some(ErrorCode::ModelNotFound));
            }
        }
    }
}

#[test]
fn a_mark_alone_is_an_empty_body_and_half_of_one_is_not() {
    let stream = ChatStream::new(&chat()).unwrap();
    for (body, what) in [
        (MARK, "an empty body"),
        (b" \xef\xbb\xbf\n", "an empty body"),
        (b"\xef\xbb", "text"),
    ] {
        let error = read(&stream, body).map(drop).unwrap_err();
        assert!(
            matches!(error, DecodeError::NotJson { what: told, .. } if told == what),
            "{error:?}"
        );
    }
    assert!(matches!(
        read(&chat(), MARK).map(drop),
        Err(DecodeError::NotJson {
            what: "an empty body",
            ..
        })
    ));
}

#[test]
fn what_is_cut_off_within_a_pair_is_cut_off() {
    for body in [
        r#"{"choices":[{"message":{"content":"a\ud83d"#,
        r#"{"choices":[{"message":{"content":"a\udc00 b"#,
    ] {
        let error = read(&chat(), body.as_bytes()).map(drop).unwrap_err();
        assert_eq!(error, DecodeError::Truncated);
    }
}

#[test]
fn what_is_no_json_stays_an_error() {
    for body in [
        r#"{"data":[{"b64_json":"iVBORw0KGgo=","x":NaN,"y":"\ud800"}]}"#,
        r#"{"data":[{"b64_json":"iVBORw0KGgo=","x":1e999}]}"#,
        r#"{"data":[{"b64_json":"iVBORw0KGgo=","x":"\ud8"}]}"#,
    ] {
        let error = read(&drawing(), body.as_bytes()).map(drop).unwrap_err();
        assert!(matches!(error, DecodeError::Json { .. }), "{error:?}");
    }
}
