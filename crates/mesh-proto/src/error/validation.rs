//! What a validation found, as FastAPI tells it.

use std::fmt;

use serde_json::Value;

use crate::excerpt::{excerpt, message};

/// One finding of a validation: `{"loc": […], "msg": …, "type": …}` ([protocol reference, section
/// 7](crate::protocol#7-errors)).
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ValidationFinding {
    /// Where it is, from the outside in, such as `body`, `messages`, `0`, `role`. May be empty.
    pub location: Vec<String>,
    /// The rule that is broken.
    pub message: String,
    /// The rule's name, such as `missing` or `less_than_equal`.
    pub kind: Option<String>,
}

impl ValidationFinding {
    /// The field: its location without the outermost `body`, `query` or `path`, as
    /// `messages.0.role`. Empty where the whole is meant.
    pub fn field(&self) -> String {
        let inner = match self.location.split_first() {
            Some((outermost, inner)) if ["body", "query", "path"].contains(&outermost.as_str()) => {
                inner
            }
            _ => self.location.as_slice(),
        };
        inner.join(".")
    }

    /// The findings in a list that has FastAPI's shape; none in any other value.
    pub(super) fn read_all(details: &Value) -> Vec<Self> {
        let items = details.as_array().into_iter().flatten();
        items.filter_map(Self::read).collect()
    }

    fn read(finding: &Value) -> Option<Self> {
        let text = |name| finding.get(name).and_then(Value::as_str).map(str::to_owned);
        let message = text("msg");
        let location = finding.get("loc").and_then(Value::as_array);
        if message.is_none() && location.is_none() {
            return None;
        }
        Some(Self {
            location: location
                .into_iter()
                .flatten()
                .map(|part| {
                    part.as_str()
                        .map_or_else(|| part.to_string(), str::to_owned)
                })
                .collect(),
            message: message.unwrap_or_else(|| "not valid".to_owned()),
            kind: text("type"),
        })
    }
}

// A finding may quote what was sent.
impl fmt::Debug for ValidationFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind.as_deref();
        f.debug_struct("ValidationFinding")
            .field("location", &excerpt(self.location.join(".").as_bytes()))
            .field("message", &message(&self.message))
            .field("kind", &kind.map(|kind| excerpt(kind.as_bytes())))
            .finish()
    }
}
