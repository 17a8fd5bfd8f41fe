//! Which requests take a moment at most.

use serde_json::Value;

use super::document::Document;
use super::models::Model;

/// The most bytes of a body that is looked into for this.
const MOST_BYTES: usize = 64 * 1024;

/// Whether a chat request is short, shows no pictures, and asks no model for any.
pub(super) fn is_light_chat(body: &[u8]) -> bool {
    if body.len() > MOST_BYTES {
        return false;
    }
    // What is not JSON is refused in no time.
    let Ok(document) = Document::read(body) else {
        return true;
    };
    let body = &document.value;
    let draws = |id: &Value| {
        let model = id.as_str().and_then(Model::find);
        model.is_some_and(Model::draws)
    };
    let mut models = body
        .get("models")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let asks_for_picture = body.get("image").is_some_and(|it| !it.is_null())
        || body.get("modality").is_some_and(|it| it == "image")
        || body.get("model").is_some_and(draws)
        || models.any(draws);
    let messages = body.get("messages").and_then(Value::as_array);
    let mut parts = messages
        .into_iter()
        .flatten()
        .filter_map(|message| message.get("content")?.as_array())
        .flatten();
    let shows_picture = parts.any(|part| part.get("type").is_some_and(|it| it == "image_url"));
    !asks_for_picture && !shows_picture
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_are_light_and_pictures_are_not() {
        let words = json!([{"role": "user", "content": "hello"}]);
        let shown = json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}]);
        for (body, expected) in [
            (json!({"messages": words}), true),
            (
                json!({"messages": words, "model": "openai/gpt-4o", "tools": []}),
                true,
            ),
            (json!({"messages": [{}, {}]}), true),
            (json!([]), true),
            (json!({"messages": shown}), false),
            (
                json!({"messages": words, "model": "openai/gpt-image-1"}),
                false,
            ),
            (
                json!({"messages": words, "models": ["x", "openai/gpt-image-1"]}),
                false,
            ),
            (json!({"messages": words, "image": {}}), false),
            (json!({"messages": words, "modality": "image"}), false),
            (
                json!({"messages": words, "user": "x".repeat(MOST_BYTES)}),
                false,
            ),
        ] {
            let text = body.to_string();
            assert_eq!(is_light_chat(text.as_bytes()), expected, "{text:.200}");
        }
        assert!(is_light_chat(b"{"));
    }
}
