//! What a reply took.

use std::fmt;

use serde_core::Deserialize;
use serde_core::de::{Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};

use crate::wire::{Extra, Name, count, count_in, read_object, write_fields};

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
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Usage;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_unit<E>(self) -> Result<Usage, E> {
                Ok(Usage::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Usage, A::Error> {
                let mut extra = Extra::new();
                let mut known = [const { None }; NAMES.len()];
                while let Some(Name(name)) = fields.next_key()? {
                    let value = fields.next_value()?;
                    let place = NAMES.iter().position(|known| *known == name);
                    match place.and_then(|place| known.get_mut(place)) {
                        Some(known) => *known = Some(value),
                        None => {
                            extra.insert(name.into_owned(), value);
                        }
                    }
                }
                let details = |value: &Value| TokenDetails::deserialize(value).ok();
                let known = &mut NAMES.into_iter().zip(known);
                Ok(Usage {
                    prompt_tokens: first(known, &mut extra, count_in),
                    completion_tokens: first(known, &mut extra, count_in),
                    total_tokens: first(known, &mut extra, count_in),
                    prompt_tokens_details: first(known, &mut extra, details),
                    completion_tokens_details: first(known, &mut extra, details),
                    extra,
                })
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

/// The usage where the reply has none in its own place: in the first choice that has one, as
/// Moonshot's, or in Groq's own object.
pub(super) fn usage_beside<'r>(
    extra: &Extra,
    choices: impl Iterator<Item = (&'r Extra, &'r Extra)>,
) -> Option<Usage> {
    let within = |fields: &Map<String, Value>| {
        let usage = fields.get("usage").filter(|usage| usage.is_object())?;
        Usage::deserialize(usage).ok()
    };
    let mut choices = choices;
    choices
        .find_map(|(choice, message)| within(choice).or_else(|| within(message)))
        .or_else(|| within(extra.get("x_groq")?.as_object()?))
}

/// The fields' names, two for each.
const NAMES: [&str; 10] = [
    "prompt_tokens",
    "input_tokens",
    "completion_tokens",
    "output_tokens",
    "total_tokens",
    "total_tokens",
    "prompt_tokens_details",
    "input_tokens_details",
    "completion_tokens_details",
    "output_tokens_details",
];

/// The first of the next two that can be read; the other goes into `extra`.
fn first<T>(
    known: &mut impl Iterator<Item = (&'static str, Option<Value>)>,
    extra: &mut Extra,
    read: fn(&Value) -> Option<T>,
) -> Option<T> {
    let mut found = None;
    for (name, value) in known.take(2) {
        let Some(value) = value else { continue };
        if found.is_none() {
            found = read(&value);
            if found.is_some() {
                continue;
            }
        }
        extra.insert(name.to_owned(), value);
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::chat::ChatReply;

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

    /// The same by way of a whole map, name by name.
    fn through_a_map(mut extra: Extra) -> Usage {
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
        let number = count_in;
        let details = |value: &Value| TokenDetails::deserialize(value).ok();
        Usage {
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
        }
    }

    proptest! {
        #[test]
        fn it_reads_what_the_whole_map_says(
            fields in proptest::collection::vec(
                (
                    prop::sample::select(vec![
                        "prompt_tokens",
                        "input_tokens",
                        "completion_tokens",
                        "output\\u005ftokens",
                        "total_tokens",
                        "prompt_tokens_details",
                        "input_tokens_details",
                        "completion_tokens_details",
                        "output_tokens_details",
                        "cost",
                        "",
                    ]),
                    prop::sample::select(vec![
                        "1", "2.0", "-1", "\"3\"", "\"many\"", "null", "true", "[]", "{}",
                        "{\"cached_tokens\":1}", "{\"cached_tokens\":1,\"cached_tokens\":2}",
                        "{\"other\":null}", "1e999", "{",
                    ]),
                ),
                0..8,
            ),
        ) {
            let fields: Vec<_> = fields
                .iter()
                .map(|(name, value)| format!("\"{name}\":{value}"))
                .collect();
            let text = format!("{{{}}}", fields.join(","));
            let read = serde_json::from_str::<Usage>(&text).map_err(|error| error.to_string());
            let whole = serde_json::from_str(&text).map(through_a_map);
            prop_assert_eq!(&read, &whole.map_err(|error| error.to_string()));

            let within = format!("{{\"usage\":{text}}}");
            let reply = serde_json::from_str::<ChatReply>(&within);
            prop_assert_eq!(reply.ok().map(|reply| reply.usage), read.ok().map(Some));
        }
    }

    #[test]
    fn a_usage_that_is_no_object_is_none() {
        for odd in [
            "null",
            "1",
            "-1",
            "1.5",
            "true",
            "\"many\"",
            "\"\\n\"",
            "[{\"a\":1}]",
        ] {
            let reply: ChatReply =
                serde_json::from_str(&format!("{{\"usage\":{odd},\"id\":\"a\"}}")).unwrap();
            assert_eq!(
                (reply.usage, reply.id.as_deref()),
                (None, Some("a")),
                "{odd}"
            );
        }
        assert!(serde_json::from_str::<ChatReply>("{\"usage\":[{\"a\":}]}").is_err());
    }
}
