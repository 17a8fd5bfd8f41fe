//! Replies in forms that were not asked for, and bodies that are no reply.

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
use mesh_proto::download::{Download, DownloadBounds, Piece};
use mesh_proto::endpoint::{ChatStream, Decode, Decoded, Endpoint, ImageStream};
use mesh_proto::error::{ApiError, DecodeError};
use mesh_proto::head::ReplyEnd;
use mesh_proto::image::Image;
use mesh_proto::images::{EditRequest, ImageRequest, SequentialGeneration};
use mesh_proto::{Answer, ChatRequest, Head};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

fn chat() -> ChatRequest {
    ChatRequest::new("m").user("u")
}

fn drawing() -> ImageRequest {
    ImageRequest::new("m", "a fox")
}

fn response(coding: &str, body: &[u8]) -> http::Response<Bytes> {
    let response = http::Response::builder().header("content-encoding", coding);
    response.body(Bytes::copy_from_slice(body)).unwrap()
}

fn read<E: Endpoint>(endpoint: &E, body: &str) -> Result<Answer<E::Output>, DecodeError> {
    endpoint
        .read(response("", body.as_bytes()))
        .map_err(|failure| match failure {
            Failure::Decode(error) => error,
            other => panic!("{other:?}"),
        })
}

#[test]
fn body_that_is_no_chat_reply_is_an_error_in_plain_words() {
    for body in [
        "{}",
        "[]",
        "[{}]",
        "7",
        "\"hello\"",
        "null",
        r#"{"status":"ok"}"#,
        r#"{"data":null}"#,
        r#"{"data":[]}"#,
        r#"{"data":{}}"#,
        r#"{"data":7}"#,
        r#"{"choices":null}"#,
        r#"{"object":"list","data":[{"id":"openai/gpt-4o"}]}"#,
        r#"{"object":"list","data":[{"embedding":[1,2]}],"model":"m","usage":{"total_tokens":1}}"#,
        r#"{"id":"job_1","model":"m","created":1}"#,
        r#"{"output":"somewhere else"}"#,
    ] {
        let streamed = ChatStream::new(&chat()).unwrap();
        for error in [
            read(&chat(), body).map(drop).unwrap_err(),
            // Any other first letter is no document in place of a stream.
            match body.as_bytes()[0] {
                b'{' | b'[' => read(&streamed, body).map(drop).unwrap_err(),
                _ => continue,
            },
        ] {
            assert!(
                matches!(error, DecodeError::Json { .. }),
                "{body}: {error:?}"
            );
            let shown = error.to_string();
            assert!(!shown.contains("struct"), "{shown}");
            assert!(shown.contains(&format!("{body:?}")), "{shown}");
        }
    }
}

#[test]
fn what_has_anything_of_a_chat_reply_is_one() {
    for body in [
        r#"{"choices":[]}"#,
        r#"{"choices":[{}]}"#,
        r#"{"choices":[{"message":{"content":""}}]}"#,
        r#"{"choices":null,"usage":{"total_tokens":1}}"#,
        r#"{"data":[{"b64_json":"iVBORw0KGgo="}]}"#,
        r#"{"data":[{"url":null,"revised_prompt":"a fox"}]}"#,
        r#"{"images":["https://cdn.test/1.png"]}"#,
    ] {
        for answer in [
            read(&chat(), body),
            read(&ChatStream::new(&chat()).unwrap(), body),
        ] {
            assert_eq!(answer.expect(body).text(), "", "{body}");
        }
    }
}

#[test]
fn event_stream_that_answers_a_plain_request_is_read_as_its_reply() {
    let events = concat!(
        ": ping\n\ndata: {\"id\":\"c\",\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"a\"}}]}\n\n",
        "data: {\"id\":\"c\",\"choices\":[{\"delta\":{\"content\":\"b\"},\"finish_reason\":\"stop\"}]}\n\n",
        "data: {\"choices\":[],\"usage\":{\"total_tokens\":3}}\n\n",
        "data: [DONE]\n\n",
    );
    for before in ["", "\u{feff}", "\r\n", "event: message\n"] {
        let answer = read(&chat(), &format!("{before}{events}")).unwrap();
        assert_eq!(
            (answer.text().as_ref(), answer.end),
            ("ab", ReplyEnd::Regular)
        );
        assert_eq!(answer.usage.as_ref().unwrap().total_tokens, Some(3));
    }
    let picture = "data: {\"status\":\"processing\"}\n\ndata: {\"data\":[{\"b64_json\":\"iVBORw0KGgo=\"}]}\n\n";
    assert_eq!(read(&drawing(), picture).unwrap().images().len(), 1);
    let edit = EditRequest::new("m", Image::from_bytes(PNG.to_vec()).unwrap(), "night");
    assert_eq!(read(&edit, picture).unwrap().images().len(), 1);
    let error = read(&drawing(), "data: {\"status\":\"processing\"}\n\n").unwrap_err();
    assert_eq!(error, DecodeError::Truncated);
    let error = read(&chat(), "error: {\"message\":\"m\"}\n\n").unwrap_err();
    assert!(matches!(error, DecodeError::Api(error) if error.message == "m"));
}

#[test]
fn document_that_answers_a_stream_is_read_as_its_reply() {
    let reply = r#"{"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]}"#;
    assert_eq!(
        read(&ChatStream::new(&chat()).unwrap(), reply)
            .unwrap()
            .text(),
        "hi"
    );
    let images = r#"{"data":[{"b64_json":"iVBORw0KGgo="}]}"#;
    let stream = ImageStream::new(&drawing()).unwrap();
    assert_eq!(read(&stream, images).unwrap().images().len(), 1);
}

#[test]
fn series_of_images_without_its_mark_is_complete_once_its_last_event_has_come() {
    let mut request = drawing();
    request.sequential_image_generation = Some(SequentialGeneration::Auto);
    let stream = ImageStream::new(&request).unwrap();
    let picture =
        "data: {\"type\":\"image_generation.partial_succeeded\",\"b64_json\":\"iVBORw0KGgo=\"}\n\n";
    let last = "data: {\"type\":\"image_generation.completed\",\"usage\":{\"total_tokens\":1}}\n\n";
    let answer = read(&stream, &format!("{picture}{picture}{last}")).unwrap();
    assert_eq!(answer.end, ReplyEnd::WithoutMark);
    let marked = read(&stream, &format!("{picture}{last}data: [DONE]\n\n")).unwrap();
    assert_eq!(marked.end, ReplyEnd::Regular);
    for body in [picture.to_owned(), last.to_owned()] {
        assert_eq!(
            read(&stream, &body).unwrap_err(),
            DecodeError::Truncated,
            "{body}"
        );
    }
}

fn download() -> Download {
    Download::new("https://cdn.test/1.png", DownloadBounds::default()).unwrap()
}

/// The bytes of a download that comes in pieces of `size`.
fn pieces(coding: &str, body: &[u8], size: usize) -> Result<Vec<u8>, DecodeError> {
    let head = Head::from(&response(coding, b"").into_parts().0);
    let mut decoder = download().in_pieces().decoder(&head, &Limits::default())?;
    let mut bytes = Vec::new();
    let mut take = |decoder: &mut <mesh_proto::download::DownloadPieces as Endpoint>::Decoder| {
        while let Decoded::Event(piece) = decoder.next()? {
            if let Piece::Bytes(piece) = piece {
                bytes.extend_from_slice(&piece);
            }
        }
        Ok::<(), DecodeError>(())
    };
    for chunk in body.chunks(size) {
        decoder.push(Bytes::copy_from_slice(chunk))?;
        take(&mut decoder)?;
    }
    decoder.end();
    take(&mut decoder)?;
    Ok(bytes)
}

#[test]
fn image_under_a_coding_that_is_not_one_is_plain() {
    let long = [PNG, &[7; 10_000]].concat();
    let garbled: Vec<u8> = (0..10_000_u32).map(|it| (it * 7 % 251) as u8).collect();
    for coding in ["aws-chunked", "UTF-8", "none", "undefined", "binary", ""] {
        for body in [PNG, &long] {
            let whole = download().read(response(coding, body)).unwrap();
            assert_eq!(whole.bytes().unwrap(), body);
            for size in [1, 5, 4096, 20_000] {
                assert_eq!(pieces(coding, body, size).unwrap(), body);
            }
        }
        if coding.is_empty() {
            continue;
        }
        let named = DecodeError::Encoding(coding.to_owned());
        for body in [&b"\x1f\x8b\x08\0"[..], &garbled] {
            let Failure::Decode(error) = download().read(response(coding, body)).unwrap_err()
            else {
                panic!("{coding}")
            };
            assert_eq!(error, named);
            for size in [1, 5, 4096, 20_000] {
                assert_eq!(pieces(coding, body, size).unwrap_err(), named);
            }
        }
    }
    for coding in ["gzip", "BR", "aws-chunked, zstd", "deflate"] {
        assert!(matches!(
            download().read(response(coding, PNG)),
            Err(Failure::Decode(DecodeError::Encoding(_)))
        ));
    }
}

#[test]
fn error_body_under_a_coding_that_is_not_one_is_read() {
    let head = |coding: &str| {
        let response = http::Response::builder().status(500);
        let response = response
            .header("content-encoding", coding)
            .body(())
            .unwrap();
        Head::from(&response.into_parts().0)
    };
    for coding in ["aws-chunked", "UTF-8", "none", "undefined", "binary", ""] {
        let error = ApiError::read(&head(coding), br#"{"error":{"message":"m"}}"#);
        assert_eq!(error.message, "m");
        assert_eq!(
            ApiError::read(&head(coding), b"out of memory").message,
            "out of memory"
        );
    }
    for (coding, body, named) in [
        ("aws-chunked", &b"\x1f\x8b\x08\0"[..], "gzip"),
        ("aws-chunked", b"\xff\0\x01", "aws-chunked"),
        ("zstd", b"\xff\xfe", "zstd"),
    ] {
        let error = ApiError::read(&head(coding), body);
        assert!(
            error.message.contains(&format!("{named:?}")),
            "{}",
            error.message
        );
    }
}
