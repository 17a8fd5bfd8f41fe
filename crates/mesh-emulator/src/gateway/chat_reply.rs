//! A chat answer as one document ([protocol reference, section 4.2](mesh_proto::protocol#42-response)).

use http::StatusCode;
use http::header::{HeaderName, HeaderValue};
use serde_json::{Map, Value, json};

use super::chat_tools::ToolCall;
use super::delivery::Delivery;
use super::draft::Draft;
use super::picture_shape::{Choices, Shaped};
use super::routing::{How, Routed};
use super::switches::{PicturePieces, ToolPieces};
use super::tokens::Ending;
use super::usage::Usage;

/// A chat answer, before it is one document or a stream.
#[derive(Debug)]
pub(super) struct Answer<'a> {
    pub(super) id: String,
    /// Seconds since 1970.
    pub(super) created: u64,
    pub(super) routed: &'a Routed,
    /// How many choices it has, all alike.
    pub(super) count: u32,
    pub(super) shaped: Shaped,
    pub(super) calls: Vec<ToolCall>,
    /// What was thought, where it is told.
    pub(super) thoughts: Option<Value>,
    pub(super) refusal: Option<String>,
    pub(super) ending: Ending,
    pub(super) usage: Usage,
    /// Dollars as decimal text, where it is told.
    pub(super) cost: Option<String>,
    pub(super) tool_pieces: ToolPieces,
    pub(super) picture_pieces: PicturePieces,
}

impl Answer<'_> {
    /// What every document and chunk of the answer has.
    pub(super) fn frame(&self, object: &str) -> Map<String, Value> {
        let mut frame = Map::new();
        frame.insert("id".to_owned(), self.id.clone().into());
        frame.insert("object".to_owned(), object.into());
        frame.insert("created".to_owned(), self.created.into());
        frame.insert("model".to_owned(), self.routed.model.id.into());
        frame.insert("system_fingerprint".to_owned(), "mesh-emulator".into());
        frame
    }

    /// Adds the usage, the cost and the routing.
    pub(super) fn close(&self, frame: &mut Map<String, Value>) {
        let mut usage = self.usage.of_chat();
        if let How::Auto(auto) = self.routed.how {
            let (input, output) = (auto.classifier_tokens, 1);
            if let Some(usage) = usage.as_object_mut() {
                usage.insert("classifier_prompt_tokens".to_owned(), input.into());
                usage.insert("classifier_completion_tokens".to_owned(), output.into());
            }
            frame.insert("x_auto_routed".to_owned(), true.into());
            frame.insert(
                "x_resolved_model_id".to_owned(),
                self.routed.model.id.into(),
            );
            frame.insert(
                "x_classifier_usage".to_owned(),
                json!([{"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output}]),
            );
            if let Some(reason) = auto.fallback {
                frame.insert("x_auto_routed_fallback".to_owned(), true.into());
                frame.insert("x_auto_routed_fallback_reason".to_owned(), reason.into());
            }
        }
        frame.insert("usage".to_owned(), usage);
        if let Some(cost) = &self.cost {
            frame.insert("cost".to_owned(), cost.clone().into());
        }
    }

    /// The answer as one document.
    pub(super) fn document(&self) -> Value {
        let mut document = self.frame("chat.completion");
        if self.shaped.choices == Choices::Present {
            let message = self.message();
            let choices = (0..self.count).map(|index| {
                json!({
                    "index": index,
                    "message": message,
                    "finish_reason": self.ending.reason(),
                    "logprobs": null,
                })
            });
            document.insert("choices".to_owned(), choices.collect());
        }
        if let Some(data) = &self.shaped.data {
            document.insert("data".to_owned(), data.clone());
        }
        self.close(&mut document);
        Value::Object(document)
    }

    fn message(&self) -> Map<String, Value> {
        let content = self.shaped.content.clone().unwrap_or_default();
        let mut message = Map::new();
        message.insert("role".to_owned(), "assistant".into());
        message.insert("content".to_owned(), content);
        let calls: Vec<Value> = self.calls.iter().map(ToolCall::whole).collect();
        for (name, value) in [
            ("images", self.shaped.images.clone()),
            ("refusal", self.refusal.clone().map(Value::from)),
            ("reasoning_details", self.thoughts.clone()),
            (
                "tool_calls",
                Some(calls).filter(|it| !it.is_empty()).map(Value::from),
            ),
        ] {
            if let Some(value) = value {
                message.insert(name.to_owned(), value);
            }
        }
        message
    }
}

/// The answer as one document.
pub(super) fn whole(answer: &Answer<'_>) -> Draft {
    Draft::json(StatusCode::OK, &answer.document())
}

/// An earlier answer's document under an id and a moment of its own: as it is, or replayed as one
/// chunk ([protocol reference, section 4.3](mesh_proto::protocol#43-streams)).
pub(super) fn replayed(mut document: Value, id: String, created: u64, delivery: Delivery) -> Draft {
    if let Some(fields) = document.as_object_mut() {
        fields.insert("id".to_owned(), id.into());
        fields.insert("created".to_owned(), created.into());
    }
    let mut draft = match delivery {
        Delivery::Whole => Draft::json(StatusCode::OK, &document),
        Delivery::Streamed => super::chat_stream::replayed(document),
    };
    let hit = HeaderValue::from_static("HIT");
    draft
        .headers
        .insert(HeaderName::from_static("x-cache"), hit);
    draft
}
