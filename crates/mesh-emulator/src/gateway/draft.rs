//! A response before it is known when it leaves.

use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Response, StatusCode};
use mesh_proto::Moment;
use serde_json::Value;

use super::{Reply, ReplyFrame};

/// A response whose frames leave so long after it begins.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) frames: Vec<(Duration, Bytes)>,
}

impl Draft {
    /// A body in one piece.
    pub(super) fn plain(status: StatusCode, content_type: &'static str, body: Bytes) -> Self {
        let headers = HeaderMap::from_iter([
            (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
            (header::CONTENT_LENGTH, HeaderValue::from(body.len())),
        ]);
        Self {
            status,
            headers,
            frames: vec![(Duration::ZERO, body)],
        }
    }

    /// A JSON document.
    pub(super) fn json(status: StatusCode, body: &Value) -> Self {
        Self::plain(status, "application/json", Bytes::from(body.to_string()))
    }

    /// Server-sent events.
    pub(super) fn events(frames: Vec<(Duration, Bytes)>) -> Self {
        let headers = HeaderMap::from_iter([
            (
                header::CONTENT_TYPE,
                HeaderValue::from_static("text/event-stream; charset=utf-8"),
            ),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        ]);
        Self {
            status: StatusCode::OK,
            headers,
            frames,
        }
    }

    /// The reply that begins now.
    pub(super) fn begin(self, now: Moment) -> Reply {
        let (mut head, ()) = Response::new(()).into_parts();
        head.status = self.status;
        head.headers = self.headers;
        let frames = self.frames.into_iter().map(|(after, bytes)| ReplyFrame {
            at: now.plus(after),
            bytes,
        });
        Reply {
            head,
            frames: frames.collect(),
        }
    }
}
