//! Stored prompts ([protocol reference, section 4](mesh_proto::protocol#4-chat-completions) and [section 10](mesh_proto::protocol#10-other-endpoints-that-take-images)).

use std::collections::BTreeMap;

use serde_json::Value;

use super::errors::{FieldProblem, Refused};
use super::ids;
use super::validate::{Fields, Problems};

/// A stored prompt, which chat's `template` names and whose `{{slots}}` its `variables` fill.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Template {
    /// Its name.
    pub name: String,
    /// Its other name: a UUID, in lower case.
    pub id: String,
    /// The prompt, with slots such as `{{subject}}`.
    pub text: String,
}

impl Template {
    /// A template whose UUID is made from its name.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        let name = name.into();
        Self {
            id: uuid(&name),
            name,
            text: text.into(),
        }
    }

    /// Whether a request means this one: by its name, or its UUID in any case.
    pub(super) fn is_called(&self, asked: &str) -> bool {
        self.name == asked || self.id.eq_ignore_ascii_case(asked)
    }

    /// The text with its slots filled: 422 where a slot has no variable. White space in a slot does
    /// not count, and variables without a slot are left over.
    pub(super) fn render(&self, variables: &BTreeMap<&str, &str>) -> Result<String, Refused> {
        let mut rendered = String::new();
        let mut missing = Vec::new();
        let mut rest = self.text.as_str();
        while let Some((before, after)) = rest.split_once("{{") {
            let Some((slot, after)) = after.split_once("}}") else {
                break;
            };
            rendered.push_str(before);
            match variables.get(slot.trim()) {
                Some(value) => rendered.push_str(value),
                None => missing.push(FieldProblem {
                    place: vec!["body".into(), "variables".into(), slot.trim().into()],
                    message: "Field required".to_owned(),
                    kind: "missing",
                }),
            }
            rest = after;
        }
        if !missing.is_empty() {
            return Err(Refused::Fields(missing));
        }
        rendered.push_str(rest);
        Ok(rendered)
    }
}

/// Reads `variables`: a map of strings.
pub(super) fn variables<'b>(
    fields: &Fields<'b>,
    problems: &mut Problems,
) -> BTreeMap<&'b str, &'b str> {
    let Some(inner) = fields.object("variables", problems) else {
        return BTreeMap::new();
    };
    let names = fields.get("variables").and_then(Value::as_object);
    let mut variables = BTreeMap::new();
    for (name, _) in names.into_iter().flatten() {
        if problems.is_full() {
            break;
        }
        if let Some(value) = inner.required_text(name, problems) {
            variables.insert(name.as_str(), value);
        }
    }
    variables
}

/// A UUID of the form for hashes of one's own, version 8.
fn uuid(name: &str) -> String {
    let bits = u128::from(ids::fingerprint(name)) << 64
        | u128::from(ids::fingerprint(&format!("{name} again")));
    let version = bits & !(0xf << 76) | 0x8 << 76;
    let variant = version & !(0x3 << 62) | 0x2 << 62;
    let digits = format!("{variant:032x}");
    let mut uuid = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if matches!(place, 8 | 12 | 16 | 20) {
            uuid.push('-');
        }
        uuid.push(digit);
    }
    uuid
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn slots_are_filled() {
        let template = Template::new("describe", "Describe {{ subject }} in {{words}} words{{}");
        let variables = BTreeMap::from([("subject", "a {{cat}}"), ("words", "5"), ("more", "x")]);
        let rendered = template.render(&variables).unwrap();
        assert_eq!(rendered, "Describe a {{cat}} in 5 words{{}");
        let Err(Refused::Fields(missing)) = template.render(&BTreeMap::new()) else {
            panic!()
        };
        assert_eq!(missing.len(), 2);
        assert!(template.is_called("describe") && template.is_called(&template.id.to_uppercase()));
        assert!(!template.is_called("Describe"));
        assert_eq!(template.id.len(), 36);
        assert_eq!(template.id.as_bytes()[14], b'8');
    }

    proptest! {
        #[test]
        fn any_text_is_rendered_or_lacks_something(text in "[{}a ]{0,30}", value in "[{}b]{0,5}") {
            let variables = BTreeMap::from([("a", value.as_str())]);
            match Template::new("x", text.clone()).render(&variables) {
                Ok(rendered) => prop_assert!(rendered.len() <= text.len() + 5 * text.len()),
                Err(Refused::Fields(missing)) => prop_assert!(!missing.is_empty()),
                Err(other) => panic!("{other:?}"),
            }
        }
    }
}
