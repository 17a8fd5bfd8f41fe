//! What an error says of itself in words for machines, anywhere in its body.

use serde_json::{Map, Value};

use super::envelope::{STATUSES, error_status};
use crate::error::meaning::{Meaning, meaning_of};

/// The meanings of all codes, types, statuses and reasons in a body.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Signs {
    /// What the gateway's own words mean.
    meanings: Vec<Meaning>,
    /// Whether any of them, or of its provider's, says that work had begun.
    pub(super) began: bool,
    /// Whether 408 or 499 is one of the numbers.
    pub(super) was_given_up: bool,
}

/// Fields in which words for machines stand.
const WORDS: [&str; 10] = [
    "code",
    "type",
    "__type",
    "status",
    "reason",
    "error",
    "error_code",
    "errorCode",
    "Code",
    "provider_code",
];

/// How deep the words are looked for.
const DEPTH: u8 = 6;

impl Signs {
    pub(super) fn of(envelope: &Map<String, Value>, provider_error: Option<&Value>) -> Self {
        let mut signs = Self::default();
        signs.read_fields(envelope, Whose::Gateway, DEPTH);
        // A provider's error may have stood in a text.
        if let Some(error) = provider_error {
            signs.read(error, Whose::Provider, DEPTH);
        }
        signs
    }

    pub(super) fn has(&self, is_it: impl Fn(Meaning) -> bool) -> bool {
        self.meanings.iter().copied().any(is_it)
    }

    fn read(&mut self, value: &Value, whose: Whose, depth: u8) {
        let Some(depth) = depth.checked_sub(1) else {
            return;
        };
        match value {
            Value::Object(fields) => self.read_fields(fields, whose, depth),
            Value::Array(items) => items.iter().for_each(|item| self.read(item, whose, depth)),
            _ => {}
        }
    }

    fn read_fields(&mut self, fields: &Map<String, Value>, whose: Whose, depth: u8) {
        for (name, value) in fields {
            let whose = match name.as_str() {
                "provider_code" | "provider_error" | "metadata" => Whose::Provider,
                _ => whose,
            };
            if STATUSES.contains(&name.as_str()) {
                let number = error_status(value).map(|status| status.as_u16());
                self.was_given_up |= matches!(number, Some(408 | 499));
                self.began |= matches!(number, Some(500 | 502 | 504));
            }
            match value {
                Value::String(word) if WORDS.contains(&name.as_str()) => {
                    let meaning = meaning_of(word);
                    self.began |= meaning == Some(Meaning::Began);
                    if whose == Whose::Gateway {
                        self.meanings.extend(meaning);
                    }
                }
                value => self.read(value, whose, depth),
            }
        }
    }
}

/// Whose word a field is.
#[derive(Clone, Copy, PartialEq)]
enum Whose {
    Gateway,
    Provider,
}
