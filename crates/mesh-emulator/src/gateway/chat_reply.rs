//! A chat answer as one document (protocol reference, section 4.2).

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::draft::Draft;
use super::picture_shape::{Choices, Shaped};
use super::routing::{How, Routed};
use super::tokens::Ending;
use super::usage::Usage;

/// A chat answer, before it is one document or a stream.
#[derive(Debug)]
pub(super) struct Answer<'a> {
    pub(super) id: String,
    /// Seconds since 1970.
    pub(super) created: u64,
    pub(super) routed: &'a Routed,
    pub(super) shaped: Shaped,
    pub(super) refusal: Option<String>,
    pub(super) ending: Ending,
    pub(super) usage: Usage,
    /// Dollars as decimal text, where it is told.
    pub(super) cost: Option<String>,
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
        frame.insert("usage".to_owned(), self.usage.of_chat());
        if let Some(cost) = &self.cost {
            frame.insert("cost".to_owned(), cost.clone().into());
        }
        if self.routed.how == How::Auto {
            frame.insert("x_auto_routed".to_owned(), true.into());
            frame.insert(
                "x_resolved_model_id".to_owned(),
                self.routed.model.id.into(),
            );
        }
    }
}

/// The answer as one document.
pub(super) fn whole(mut answer: Answer<'_>) -> Draft {
    let mut document = answer.frame("chat.completion");
    let shaped = std::mem::take(&mut answer.shaped);
    if shaped.choices == Choices::Present {
        let mut message = Map::new();
        message.insert("role".to_owned(), "assistant".into());
        message.insert("content".to_owned(), shaped.content.unwrap_or_default());
        if let Some(images) = shaped.images {
            message.insert("images".to_owned(), images);
        }
        if let Some(refusal) = &answer.refusal {
            message.insert("refusal".to_owned(), refusal.clone().into());
        }
        let choice = json!({
            "index": 0,
            "message": message,
            "finish_reason": answer.ending.reason(),
            "logprobs": null,
        });
        document.insert("choices".to_owned(), vec![choice].into());
    }
    if let Some(data) = shaped.data {
        document.insert("data".to_owned(), data);
    }
    answer.close(&mut document);
    Draft::json(StatusCode::OK, &Value::Object(document))
}
