//! A streamed chat reply is the same in any pieces, and is a reply like any other.

use mesh_proto::ChatRequest;
use mesh_proto::endpoint::ChatStream;

use super::{chat_reply, head, read_in_any_pieces};

pub(super) fn hold(data: &[u8]) {
    let stream = ChatStream::new(&ChatRequest::new("m").user("u")).unwrap();
    let (events, result, partial) = read_in_any_pieces(&stream, &head(200, &[]), data);
    for chunk in &events {
        let _ = (chunk.text(), format!("{chunk:?}"));
        let stored = serde_json::to_string(chunk).unwrap();
        assert_eq!(*chunk, serde_json::from_str(&stored).unwrap(), "{stored}");
    }
    if let Some(reply) = result.ok().or(partial) {
        chat_reply::inspect(&reply);
    }
}
