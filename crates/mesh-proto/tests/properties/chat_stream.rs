//! A streamed chat reply is the same in any pieces, its chunks are those of its frames each read
//! alone, and it is a reply like any other.

use bytes::Bytes;
use mesh_proto::ChatRequest;
use mesh_proto::chat::ChatChunk;
use mesh_proto::endpoint::ChatStream;
use mesh_proto::sse::Decoder;
use serde_json::Value;

use super::{chat_reply, head, read, read_in_any_pieces};

pub(super) fn hold(data: &[u8]) {
    let stream = ChatStream::new(&ChatRequest::new("m").user("u")).unwrap();
    let (events, result, partial) = read_in_any_pieces(&stream, &head(200, &[]), data);
    for chunk in &events {
        let _ = (chunk.text(), format!("{chunk:?}"));
        let stored = serde_json::to_string(chunk).unwrap();
        assert_eq!(*chunk, serde_json::from_str(&stored).unwrap(), "{stored}");
    }
    let text = data.trim_ascii_start();
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let first = text.trim_ascii_start().first();
    if !first.is_some_and(|first| b"{[<".contains(first)) {
        let mut alone = alone(&stream, data).into_iter();
        let has_messages = has_messages(data);
        for chunk in &events {
            let is_same = |alone: ChatChunk| {
                alone == *chunk
                    || (has_messages && without_choices(&alone) == without_choices(chunk))
            };
            assert!(alone.any(is_same), "{chunk:?}");
        }
    }
    if let Some(reply) = result.ok().or(partial) {
        chat_reply::inspect(&reply);
    }
}

/// Whether a frame has a message or a text in place of a delta: what was received before is removed
/// from those.
fn has_messages(stream: &[u8]) -> bool {
    let mut decoder = Decoder::new();
    decoder.push(Bytes::copy_from_slice(stream));
    decoder.end();
    while let Ok(Some(frame)) = decoder.next() {
        let lossy = String::from_utf8_lossy(frame.data());
        for text in [&*lossy].into_iter().chain(lossy.lines()) {
            let chunk: Value = serde_json::from_str(text).unwrap_or_default();
            let choices = chunk["choices"]
                .as_array()
                .map(Vec::as_slice)
                .unwrap_or_default();
            if choices
                .iter()
                .any(|it| it.get("message").or(it.get("text")).is_some())
            {
                return true;
            }
        }
    }
    false
}

fn without_choices(chunk: &ChatChunk) -> ChatChunk {
    let mut chunk = chunk.clone();
    chunk.choices.clear();
    chunk
}

/// The chunks of a stream, each frame read as a stream of its own. Some of them are no events.
fn alone(endpoint: &ChatStream, stream: &[u8]) -> Vec<ChatChunk> {
    let mut decoder = Decoder::new();
    decoder.push(Bytes::copy_from_slice(stream));
    decoder.end();
    let mut chunks = Vec::new();
    while let Ok(Some(frame)) = decoder.next() {
        let lines = frame.data().trim_ascii().split(|byte| *byte == b'\n');
        let lines = lines.flat_map(|line| [b"data:", line, b"\n"].concat());
        let event = [b"event:", frame.event(), b"\n"].concat();
        let own: Vec<u8> = event.into_iter().chain(lines).chain(*b"\n").collect();
        chunks.extend(read(endpoint, &head(200, &[]), &[&own]).0);
    }
    chunks
}
