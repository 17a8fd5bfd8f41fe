//! How likely the tokens of an answer were: long lists of small objects, kept as their JSON text.

use std::collections::BTreeMap;
use std::fmt;

use serde_core::de::{Deserialize, DeserializeOwned, Deserializer, Error as _};
use serde_core::ser::{Error as _, Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

use crate::wire::transcode;
use crate::wire::weight::{self, Weight};

/// The `logprobs` of an answer. A long answer has hundreds of thousands of them, so they are kept
/// as compact JSON text, and read when they are asked for.
#[derive(Clone, PartialEq)]
pub struct Logprobs(Form);

#[derive(Clone, PartialEq)]
enum Form {
    /// The text of each field.
    Object(BTreeMap<String, String>),
    /// The text of what is not an object.
    Other(String),
}

impl Logprobs {
    /// The value as a `T`, such as a struct of one's own or a `serde_json::Value`, which takes about
    /// 15 times as much memory as the text.
    ///
    /// Errors where it is not a `T`.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&serde_json::to_string(self)?)
    }

    /// What it takes of the heap.
    pub(super) fn weight(&self) -> usize {
        match &self.0 {
            Form::Object(fields) => {
                let fields = fields.iter();
                let within = fields.map(|(name, text)| weight_of(name, text));
                within.fold(weight::OBJECT, usize::saturating_add)
            }
            Form::Other(text) => text.len(),
        }
    }

    /// Adds what a later chunk says: lists grow, everything else is replaced unless it is null.
    pub(super) fn append(&mut self, more: &Self, weight: &mut Weight) {
        match (&mut self.0, &more.0) {
            (Form::Object(known), Form::Object(more)) => {
                for (name, more) in more {
                    match known.get_mut(name) {
                        Some(known) => append_text(known, more, weight),
                        None => {
                            weight.add(weight_of(name, more));
                            known.insert(name.clone(), more.clone());
                        }
                    }
                }
            }
            (Form::Other(known), Form::Other(more)) => append_text(known, more, weight),
            (known, _) => {
                weight.add(more.weight());
                *known = more.0.clone();
            }
        }
    }
}

fn weight_of(name: &str, text: &str) -> usize {
    let within = name.len().saturating_add(text.len());
    within.saturating_add(weight::FIELD)
}

/// The items of a list, as text.
fn items(list: &str) -> Option<&str> {
    list.strip_prefix('[')?.strip_suffix(']')
}

fn append_text(known: &mut String, more: &str, weight: &mut Weight) {
    if let (Some(begun), Some(items)) = (items(known), items(more)) {
        let is_empty = begun.is_empty();
        if !items.is_empty() {
            weight.add(items.len().saturating_add(1));
            known.pop();
            known.push_str(if is_empty { "" } else { "," });
            known.push_str(items);
            known.push(']');
        }
    } else if more != "null" && known != more {
        weight.add(more.len());
        more.clone_into(known);
    }
}

impl<'de> Deserialize<'de> for Logprobs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut text = Vec::new();
        transcode(deserializer, &mut serde_json::Serializer::new(&mut text))?;
        let mut text = String::from_utf8(text).map_err(D::Error::custom)?;
        if !text.starts_with('{') {
            text.shrink_to_fit();
            return Ok(Self(Form::Other(text)));
        }
        let fields: BTreeMap<String, Box<RawValue>> =
            serde_json::from_str(&text).map_err(D::Error::custom)?;
        let fields = fields.into_iter();
        let fields = fields.map(|(name, text)| (name, String::from(Box::<str>::from(text))));
        Ok(Self(Form::Object(fields.collect())))
    }
}

/// JSON text, written as the value that it is.
struct Written<'t>(&'t str);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = serde_json::Deserializer::from_str(self.0);
        transcode(&mut text, serializer).map_err(S::Error::custom)
    }
}

impl Serialize for Logprobs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Form::Object(fields) => {
                let mut object = serializer.serialize_map(Some(fields.len()))?;
                for (name, text) in fields {
                    object.serialize_entry(name, &Written(text))?;
                }
                object.end()
            }
            Form::Other(text) => Written(text).serialize(serializer),
        }
    }
}

// The tokens are what the model said.
impl fmt::Debug for Logprobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Logprobs")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn logprobs(value: &Value) -> Logprobs {
        serde_json::from_str(&value.to_string()).unwrap()
    }

    #[test]
    fn any_value_is_written_as_it_was_read() {
        for value in [
            json!({"content": [{"token": "\u{e9}\"\\\n", "logprob": -0.125, "bytes": [195, 169],
                "top_logprobs": [{"token": "a", "logprob": -1e-9, "bytes": null}]}], "refusal": null}),
            json!({"tokens": ["a"], "top_logprobs": [{"a": -1}], "within": {"a": {"b": [true]}}}),
            json!([1, 2]),
            json!({}),
            json!(7),
            json!("[a]"),
        ] {
            let read = logprobs(&value);
            assert_eq!(serde_json::to_value(&read).unwrap(), value);
            assert_eq!(read.read::<Value>().unwrap(), value);
            assert_eq!(serde_json::from_value::<Logprobs>(value).unwrap(), read);
        }
    }

    #[test]
    fn lists_grow_and_the_rest_is_replaced() {
        for (known, more, both) in [
            (
                json!({"content": [{"token": "a"}], "refusal": null}),
                json!({"content": [{"token": "b"}, 1], "refusal": null}),
                json!({"content": [{"token": "a"}, {"token": "b"}, 1], "refusal": null}),
            ),
            (
                json!({"a": []}),
                json!({"a": [1], "b": [2]}),
                json!({"a": [1], "b": [2]}),
            ),
            (json!({"a": [1]}), json!({"a": []}), json!({"a": [1]})),
            (json!({"a": [1]}), json!({"a": null}), json!({"a": [1]})),
            (json!({"a": null}), json!({"a": [1]}), json!({"a": [1]})),
            (
                json!({"a": "[", "b": 1}),
                json!({"a": "]", "b": 2}),
                json!({"a": "]", "b": 2}),
            ),
            (json!([1]), json!([2, 3]), json!([1, 2, 3])),
            (json!(1), json!({"a": [1]}), json!({"a": [1]})),
        ] {
            let mut appended = logprobs(&known);
            appended.append(&logprobs(&more), &mut Weight::default());
            assert_eq!(appended, logprobs(&both), "{known} and {more}");
        }
    }
}
