//! Server-sent events as the gateway writes them.

use bytes::Bytes;
use serde_json::Value;

/// A comment that keeps a connection alive.
pub(super) const PING: Bytes = Bytes::from_static(b": ping\n\n");

/// The end of a stream.
pub(super) const DONE: Bytes = Bytes::from_static(b"data: [DONE]\n\n");

/// An event without a name.
pub(super) fn event(data: &Value) -> Bytes {
    Bytes::from(format!("data: {data}\n\n"))
}

/// An event whose name has a line of its own.
pub(super) fn named_event(name: &str, data: &Value) -> Bytes {
    Bytes::from(format!("event: {name}\ndata: {data}\n\n"))
}
