//! What a reply took.

use serde_core::Deserialize;
use serde_json::Value;

use crate::wire::{Extra, count, read_object, write_fields};

/// What a reply took, in tokens. Any of it may be missing.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Usage {
    /// In the request.
    pub prompt_tokens: Option<u64>,
    /// In the reply.
    pub completion_tokens: Option<u64>,
    /// In both.
    pub total_tokens: Option<u64>,
    /// What the request's tokens were.
    pub prompt_tokens_details: Option<TokenDetails>,
    /// What the reply's tokens were.
    pub completion_tokens_details: Option<TokenDetails>,
    /// Fields that are not modelled here.
    pub extra: Extra,
}

write_fields! {
    Usage {
        prompt_tokens,
        completion_tokens,
        total_tokens,
        prompt_tokens_details,
        completion_tokens_details,
    }
}

impl Usage {
    /// The tokens that choosing a model for `auto` took, which are billed too: the field
    /// `classifier_total_tokens`, or the sum of the two that it is made of.
    #[inline]
    pub fn classifier_tokens(&self) -> Option<u64> {
        let count = |name| self.extra.get(name).and_then(Value::as_u64);
        count("classifier_total_tokens").or_else(|| {
            let (prompt, completion) = (
                count("classifier_prompt_tokens"),
                count("classifier_completion_tokens"),
            );
            let parts = prompt.or(completion).is_some();
            parts.then(|| prompt.unwrap_or(0).saturating_add(completion.unwrap_or(0)))
        })
    }
}

read_object! {
    /// What tokens were. Any of it may be missing.
    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct TokenDetails {
        /// From the provider's cache, for less.
        pub cached_tokens: Option<u64> => count,
        /// Pictures.
        pub image_tokens: Option<u64> => count,
        /// Text.
        pub text_tokens: Option<u64> => count,
        /// Sound.
        pub audio_tokens: Option<u64> => count,
        /// Thought.
        pub reasoning_tokens: Option<u64> => count,
    }
}

/// Chat's names go before those of OpenAI's newer endpoints. Where both are there the second stays
/// among the fields that are not modelled, as does whatever cannot be read.
impl<'de> Deserialize<'de> for Usage {
    fn deserialize<D: serde_core::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        fn take<T>(
            fields: &mut Extra,
            names: [&str; 2],
            read: impl Fn(&Value) -> Option<T>,
        ) -> Option<T> {
            names.into_iter().find_map(|name| {
                let found = read(fields.get(name)?)?;
                fields.remove(name);
                Some(found)
            })
        }
        let number = |value: &Value| count(value).ok().flatten();
        let details = |value: &Value| TokenDetails::deserialize(value).ok();

        let mut extra = Extra::deserialize(deserializer)?;
        Ok(Self {
            prompt_tokens: take(&mut extra, ["prompt_tokens", "input_tokens"], number),
            completion_tokens: take(&mut extra, ["completion_tokens", "output_tokens"], number),
            total_tokens: take(&mut extra, ["total_tokens"; 2], number),
            prompt_tokens_details: take(
                &mut extra,
                ["prompt_tokens_details", "input_tokens_details"],
                details,
            ),
            completion_tokens_details: take(
                &mut extra,
                ["completion_tokens_details", "output_tokens_details"],
                details,
            ),
            extra,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn usage(value: Value) -> Usage {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn both_families_of_names_are_read() {
        let chat = usage(json!({
            "prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3,
            "prompt_tokens_details": {"cached_tokens": 4, "image_tokens": 5},
            "completion_tokens_details": {"reasoning_tokens": 6, "other": 7}
        }));
        let newer = usage(json!({
            "input_tokens": 1, "output_tokens": 2, "total_tokens": 3,
            "input_tokens_details": {"cached_tokens": 4, "image_tokens": 5},
            "output_tokens_details": {"reasoning_tokens": 6, "other": 7}
        }));
        assert_eq!(chat, newer);
        assert_eq!((chat.prompt_tokens, chat.total_tokens), (Some(1), Some(3)));
        let details = chat.completion_tokens_details.unwrap();
        assert_eq!(details.reasoning_tokens, Some(6));
        assert_eq!(details.extra["other"], 7);
    }

    #[test]
    fn what_is_odd_costs_nothing_and_is_kept() {
        let odd = json!({
            "prompt_tokens": 1, "input_tokens": 9, "completion_tokens": "many", "total_tokens": null,
            "prompt_tokens_details": [], "classifier_prompt_tokens": 2, "classifier_completion_tokens": 3
        });
        let read = usage(odd.clone());
        assert_eq!(
            (read.prompt_tokens, read.completion_tokens),
            (Some(1), None)
        );
        assert_eq!(read.classifier_tokens(), Some(5));
        assert_eq!(serde_json::to_value(&read).unwrap(), odd);
        assert_eq!(
            usage(json!({"classifier_total_tokens": 4})).classifier_tokens(),
            Some(4)
        );
        assert_eq!(usage(json!({})).classifier_tokens(), None);
    }
}
