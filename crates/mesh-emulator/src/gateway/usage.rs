//! How many tokens an answer took, as each endpoint tells it.

use serde_json::{Value, json};

/// How many tokens an answer took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Usage {
    /// In the request, pictures included.
    pub(super) prompt: u64,
    /// Of these, for pictures.
    pub(super) pictures: u64,
    /// In the answer.
    pub(super) completion: u64,
}

impl Usage {
    /// As chat tells it.
    pub(super) fn of_chat(self) -> Value {
        json!({
            "prompt_tokens": self.prompt,
            "completion_tokens": self.completion,
            "total_tokens": self.total(),
            "prompt_tokens_details": {"cached_tokens": 0, "image_tokens": self.pictures},
            "completion_tokens_details": {"reasoning_tokens": 0},
        })
    }

    /// As the images endpoint tells it.
    pub(super) fn of_images(self) -> Value {
        json!({
            "prompt_tokens": self.prompt,
            "completion_tokens": self.completion,
            "total_tokens": self.total(),
            "input_tokens_details": self.input_details(),
            "output_tokens_details": self.output_details(),
        })
    }

    /// As `OpenAI`'s image events tell it.
    pub(super) fn of_image_events(self) -> Value {
        json!({
            "input_tokens": self.prompt,
            "output_tokens": self.completion,
            "total_tokens": self.total(),
            "input_tokens_details": self.input_details(),
            "output_tokens_details": self.output_details(),
        })
    }

    fn input_details(self) -> Value {
        let texts = self.prompt.saturating_sub(self.pictures);
        json!({"text_tokens": texts, "image_tokens": self.pictures})
    }

    fn output_details(self) -> Value {
        json!({"text_tokens": 0, "image_tokens": self.completion})
    }

    fn total(self) -> u64 {
        self.prompt.saturating_add(self.completion)
    }
}
