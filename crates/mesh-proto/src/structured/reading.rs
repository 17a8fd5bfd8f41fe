//! The text of an answer as a value: JSON, alone or in one fenced block.

use serde_core::de::{Deserialize, DeserializeOwned, Deserializer, IgnoredAny};
use serde_json::Value;
use serde_json::error::Category;

use super::failure::ParseReason;
use super::place::place;
use super::schema::VALUE;
use crate::wire::only_field;

/// Reads `text`, in which the value stands under `value` where `is_wrapped`.
pub(super) fn read<T: DeserializeOwned>(text: &str, is_wrapped: bool) -> Result<T, ParseReason> {
    let json = unfenced(text);
    if json.is_empty() {
        return Err(ParseReason::Empty);
    }
    if let Err(error) = serde_json::from_str::<IgnoredAny>(json) {
        return Err(not_json(json, &error));
    }
    if !is_wrapped {
        return read_as(json);
    }
    match read_as::<Wrapped<T>>(json) {
        Ok(wrapped) => Ok(wrapped.value),
        // A model that was not told, or did not listen, gives the value itself.
        Err(reason) => read_as(json).map_err(|bare| {
            let names_it = serde_json::from_str::<Wrapped<IgnoredAny>>(json).is_ok();
            if names_it { reason } else { bare }
        }),
    }
}

struct Wrapped<T> {
    value: T,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Wrapped<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        only_field(deserializer, "Wrapped", &[VALUE]).map(|value| Self { value })
    }
}

fn read_as<T: DeserializeOwned>(json: &str) -> Result<T, ParseReason> {
    let error = match serde_json::from_str(json) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    // In strict form an optional field is null where it is missing, which only an Option reads.
    if let Ok(mut value) = serde_json::from_str(json)
        && without_nulls(&mut value)
        && let Ok(value) = serde_json::from_value(value)
    {
        return Ok(value);
    }
    let position = format!(" at line {} column {}", error.line(), error.column());
    let message = error.to_string();
    Err(ParseReason::Shape {
        place: place(json, error.line(), error.column()),
        message: crate::excerpt::message(message.strip_suffix(&position).unwrap_or(&message)),
    })
}

/// Takes out every field that is null; false where there is none. No deeper than the parser goes.
fn without_nulls(value: &mut Value) -> bool {
    match value {
        Value::Object(object) => {
            let before = object.len();
            object.retain(|_, value| !value.is_null());
            let mut found = object.len() < before;
            for value in object.values_mut() {
                found |= without_nulls(value);
            }
            found
        }
        Value::Array(items) => {
            let mut found = false;
            for item in items {
                found |= without_nulls(item);
            }
            found
        }
        _ => false,
    }
}

/// The content of the one fenced block that the text is, or the text.
fn unfenced(text: &str) -> &str {
    let text = text.trim_start_matches('\u{feff}').trim();
    let inner = || {
        let rest = text.strip_prefix("```")?.strip_suffix("```")?;
        let start = rest.find(|it: char| !it.is_ascii_alphanumeric())?;
        rest.get(start..).filter(|rest| !rest.contains("```"))
    };
    inner().map_or(text, str::trim)
}

fn not_json(text: &str, error: &serde_json::Error) -> ParseReason {
    let begins = text.starts_with(['{', '[']);
    let whole_first = serde_json::Deserializer::from_str(text)
        .into_iter::<IgnoredAny>()
        .next()
        .is_some_and(|first| first.is_ok());
    // What goes on after its JSON has ended is prose with JSON in it.
    if !begins || whole_first {
        return ParseReason::Prose;
    }
    let reason = error.to_string();
    ParseReason::Broken {
        is_cut: error.classify() == Category::Eof,
        message: crate::excerpt::message(&reason),
    }
}
