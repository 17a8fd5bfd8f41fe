//! A chat answer as server-sent events ([protocol reference, section 4.3](mesh_proto::protocol#43-streams)).

use std::time::Duration;

use bytes::Bytes;
use mesh_proto::error::ErrorCode;
use serde_json::{Map, Value, json};

use super::chat_reply::Answer;
use super::chat_tools::ToolCall;
use super::draft::Draft;
use super::events;
use super::picture_shape::Choices;
use super::secrets::without_keys;
use super::switches::{PicturePieces, ToolPieces};
use super::tokens;

/// The answer as a stream: the role, a keep-alive comment, what was thought, the content piece by
/// piece, the finish reason, the usage, the end.
pub(super) fn streamed(answer: &Answer<'_>, pace: Duration) -> Draft {
    let shaped = &answer.shaped;
    let mut stream = Stream {
        answer,
        pace,
        at: Duration::ZERO,
        frames: Vec::new(),
    };
    if shaped.choices == Choices::Present {
        stream.delta(&json!({"role": "assistant", "content": ""}));
    }
    stream.push(events::PING);
    if let Some(thoughts) = &answer.thoughts {
        stream.delta(&json!({ "reasoning_details": thoughts }));
    }
    match &shaped.content {
        Some(Value::String(text)) => {
            for piece in tokens::pieces(text) {
                stream.delta(&json!({ "content": piece }));
            }
        }
        Some(Value::Array(parts)) => stream.pictures("content", parts),
        _ => {}
    }
    if let Some(Value::Array(images)) = &shaped.images {
        stream.pictures("images", images);
    }
    for (index, call) in answer.calls.iter().enumerate() {
        stream.call(index, call);
    }
    if let Some(refusal) = &answer.refusal {
        stream.delta(&json!({ "refusal": refusal }));
    }
    if let Some(data) = &shaped.data {
        let mut chunk = answer.frame(CHUNK);
        chunk.insert("choices".to_owned(), json!([]));
        chunk.insert("data".to_owned(), data.clone());
        stream.send(&Value::Object(chunk));
    }
    if shaped.choices == Choices::Present {
        stream.finish();
    }
    let mut last = answer.frame(CHUNK);
    last.insert("choices".to_owned(), json!([]));
    answer.close(&mut last);
    stream.send(&Value::Object(last));
    stream.push(events::DONE);
    Draft::events(stream.frames)
}

/// A document as one chunk, and the end.
pub(super) fn replayed(document: Value) -> Draft {
    let mut chunk = match document {
        Value::Object(chunk) => chunk,
        _ => Map::new(),
    };
    chunk.insert("object".to_owned(), CHUNK.into());
    let choices = chunk.get_mut("choices").and_then(Value::as_array_mut);
    for choice in choices.into_iter().flatten() {
        if let Some(choice) = choice.as_object_mut()
            && let Some(message) = choice.remove("message")
        {
            choice.insert("delta".to_owned(), message);
        }
    }
    let chunk = events::event(&Value::Object(chunk));
    Draft::events(vec![
        (Duration::ZERO, chunk),
        (Duration::ZERO, events::DONE),
    ])
}

/// A stream that only says why there is none.
pub(super) fn failed(code: &ErrorCode, message: &str, request_id: &str) -> Draft {
    Draft::events(failure(Duration::ZERO, code, message, request_id).into())
}

/// The stream as far as it gets until a moment, where it ends with an error if it goes on.
pub(super) fn cut_off(mut draft: Draft, after: Duration, request_id: &str) -> Draft {
    if draft.frames.last().is_some_and(|(at, _)| *at > after) {
        draft.frames.retain(|(at, _)| *at <= after);
        let message = "The answer takes longer than the timeout that was asked for.";
        let code = ErrorCode::GatewayTimeout;
        draft
            .frames
            .extend(failure(after, &code, message, request_id));
    }
    draft
}

fn failure(
    at: Duration,
    code: &ErrorCode,
    message: &str,
    request_id: &str,
) -> [(Duration, Bytes); 2] {
    let error = json!({
        "error": {"code": code.as_str(), "message": without_keys(message)},
        "request_id": request_id,
    });
    [(at, events::event(&error)), (at, events::DONE)]
}

const CHUNK: &str = "chat.completion.chunk";

struct Stream<'a> {
    answer: &'a Answer<'a>,
    pace: Duration,
    at: Duration,
    frames: Vec<(Duration, Bytes)>,
}

impl Stream<'_> {
    fn send(&mut self, chunk: &Value) {
        self.push(events::event(chunk));
    }

    fn push(&mut self, frame: Bytes) {
        self.frames.push((self.at, frame));
        self.at = self.at.saturating_add(self.pace);
    }

    /// A piece of every choice.
    fn delta(&mut self, delta: &Value) {
        self.choices(delta, None);
    }

    fn finish(&mut self) {
        let reason = self.answer.ending.reason();
        self.choices(&json!({}), Some(reason));
    }

    fn choices(&mut self, delta: &Value, finish_reason: Option<&str>) {
        for index in 0..self.answer.count {
            let choice = json!({
                "index": index,
                "delta": delta,
                "finish_reason": finish_reason,
                "logprobs": null,
            });
            let mut chunk = self.answer.frame(CHUNK);
            chunk.insert("choices".to_owned(), vec![choice].into());
            self.send(&Value::Object(chunk));
        }
    }

    fn pictures(&mut self, name: &str, pictures: &[Value]) {
        for (index, picture) in pictures.iter().enumerate() {
            let is_text = picture.get("type").is_some_and(|kind| kind == "text");
            if self.answer.picture_pieces == PicturePieces::Whole || is_text || !picture.is_object()
            {
                self.delta(&json!({ name: [picture] }));
                continue;
            }
            let (first, second) = halves(picture);
            for mut half in [first, second] {
                if let Some(half) = half.as_object_mut() {
                    half.insert("index".to_owned(), index.into());
                }
                self.delta(&json!({ name: [half] }));
            }
        }
    }

    fn call(&mut self, index: usize, call: &ToolCall) {
        let pieces = self.answer.tool_pieces;
        let mut opening = call.opening();
        if let (ToolPieces::Indexed, Some(opening)) = (pieces, opening.as_object_mut()) {
            opening.insert("index".to_owned(), index.into());
        }
        self.delta(&json!({"tool_calls": [opening]}));
        for piece in tokens::pieces(&call.arguments) {
            let function = json!({ "arguments": piece });
            let piece = match pieces {
                ToolPieces::Indexed => json!({"index": index, "function": function}),
                ToolPieces::ById => json!({"id": call.id, "function": function}),
                ToolPieces::Bare => json!({ "function": function }),
            };
            self.delta(&json!({"tool_calls": [piece]}));
        }
    }
}

/// A value whose long texts are cut in two, as two values with a half of each.
fn halves(value: &Value) -> (Value, Value) {
    const LONG: usize = 64;
    match value {
        Value::String(text) if text.len() > LONG => {
            let middle = text.chars().count() / 2;
            let first: String = text.chars().take(middle).collect();
            let second: String = text.chars().skip(middle).collect();
            (first.into(), second.into())
        }
        Value::Object(fields) => {
            let halved = fields.iter().map(|(name, value)| {
                let (first, second) = halves(value);
                ((name.clone(), first), (name.clone(), second))
            });
            let (first, second): (Map<_, _>, Map<_, _>) = halved.unzip();
            (first.into(), second.into())
        }
        other => (other.clone(), other.clone()),
    }
}
