//! A chat answer as server-sent events (protocol reference, section 4.3).

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::chat_reply::Answer;
use super::draft::Draft;
use super::events;
use super::picture_shape::Choices;
use super::tokens;

/// The answer as a stream: the role, a keep-alive comment, the content piece by piece, the finish
/// reason, the usage, the end.
pub(super) fn streamed(mut answer: Answer<'_>, pace: Duration) -> Draft {
    let shaped = std::mem::take(&mut answer.shaped);
    let mut stream = Stream {
        pace,
        at: Duration::ZERO,
        frames: Vec::new(),
    };
    if shaped.choices == Choices::Present {
        stream.send(&delta(
            &answer,
            &json!({"role": "assistant", "content": ""}),
            None,
        ));
    }
    stream.push(events::PING);
    match shaped.content {
        Some(Value::String(text)) => {
            for piece in tokens::pieces(&text) {
                stream.send(&delta(&answer, &json!({ "content": piece }), None));
            }
        }
        Some(Value::Array(parts)) => {
            for part in parts {
                stream.send(&delta(&answer, &json!({"content": [part]}), None));
            }
        }
        _ => {}
    }
    if let Some(Value::Array(images)) = shaped.images {
        for image in images {
            stream.send(&delta(&answer, &json!({"images": [image]}), None));
        }
    }
    if let Some(refusal) = &answer.refusal {
        stream.send(&delta(&answer, &json!({ "refusal": refusal }), None));
    }
    if let Some(data) = shaped.data {
        let mut chunk = answer.frame(CHUNK);
        chunk.insert("choices".to_owned(), json!([]));
        chunk.insert("data".to_owned(), data);
        stream.send(&Value::Object(chunk));
    }
    if shaped.choices == Choices::Present {
        let reason = answer.ending.reason();
        stream.send(&delta(&answer, &json!({}), Some(reason)));
    }
    let mut last = answer.frame(CHUNK);
    last.insert("choices".to_owned(), json!([]));
    answer.close(&mut last);
    stream.send(&Value::Object(last));
    stream.push(events::DONE);
    Draft::events(stream.frames)
}

const CHUNK: &str = "chat.completion.chunk";

struct Stream {
    pace: Duration,
    at: Duration,
    frames: Vec<(Duration, Bytes)>,
}

impl Stream {
    fn send(&mut self, chunk: &Value) {
        self.push(events::event(chunk));
    }

    fn push(&mut self, frame: Bytes) {
        self.frames.push((self.at, frame));
        self.at = self.at.saturating_add(self.pace);
    }
}

fn delta(answer: &Answer<'_>, delta: &Value, finish_reason: Option<&str>) -> Value {
    let mut chunk = answer.frame(CHUNK);
    let choice =
        json!({"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": null});
    chunk.insert("choices".to_owned(), vec![choice].into());
    Value::Object(chunk)
}
