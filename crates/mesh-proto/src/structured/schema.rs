//! The schema of an answer.

use std::fmt;

use serde_json::{Value, json};

use super::strict::{resolve, strict};
use crate::chat::ResponseFormat;

/// How long a schema's name is at most.
const LONGEST_NAME: usize = 64;

/// Under this name stands an answer that is no object: providers take only objects.
pub(super) const VALUE: &str = "value";

/// A JSON Schema that an answer has to follow, in the form in which it is sent ([protocol
/// reference, section 4.4](crate::protocol#44-structured-output-and-tools)).
///
/// Providers follow a schema to the letter only in a strict form: every object closed, every
/// property required, nothing but common keywords. The schema is brought into that form: optional
/// properties become nullable, `oneOf` becomes `anyOf`, and limits that strict modes do not know
/// are told to the model in the description. Where that cannot be done without changing what the
/// schema allows (a map with any keys, say), it is sent as it is and without `strict`;
/// [`Schema::obstacle`] then says why.
///
/// Names become what providers take: letters, digits, `_` and `-`, 64 at most.
///
/// ```
/// use mesh_proto::structured::Schema;
///
/// let schema = Schema::new("meter reading", serde_json::json!({
///     "type": "object",
///     "properties": {"kwh": {"type": "number"}, "note": {"type": "string"}},
///     "required": ["kwh"],
/// }));
/// assert_eq!(schema.name(), "meter_reading");
/// assert!(schema.is_strict());
/// assert_eq!(schema.as_json()["properties"]["note"]["type"], serde_json::json!(["string", "null"]));
/// ```
#[derive(Clone, PartialEq)]
pub struct Schema {
    name: String,
    sent: Value,
    is_wrapped: bool,
    obstacle: Option<String>,
}

impl Schema {
    /// A schema written by hand. Anything is taken; what is no schema is sent as it is, for the
    /// gateway to judge.
    pub fn new(name: impl AsRef<str>, schema: Value) -> Self {
        let (mut sent, obstacle) = match strict(&schema) {
            Ok(made) => (made, None),
            Err(obstacle) => (schema, Some(obstacle)),
        };
        let is_wrapped = !is_object(&sent);
        if is_wrapped {
            sent = wrapped(sent, obstacle.is_none());
        }
        Self {
            name: sanitised(name.as_ref()),
            sent,
            is_wrapped,
            obstacle,
        }
    }

    /// The schema of a type, as serde reads it: fields with a default are optional.
    ///
    /// ```
    /// use mesh_proto::structured::Schema;
    ///
    /// #[derive(schemars::JsonSchema)]
    /// struct Meter { kwh: f64, note: Option<String> }
    ///
    /// let schema = Schema::of::<Meter>();
    /// assert_eq!((schema.name(), schema.is_strict()), ("Meter", true));
    /// ```
    #[cfg(feature = "schemars")]
    pub fn of<T: schemars::JsonSchema>() -> Self {
        let generator = schemars::generate::SchemaSettings::draft2020_12().into_generator();
        Self::new(
            T::schema_name(),
            generator.into_root_schema_for::<T>().to_value(),
        )
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The schema as it is sent. What is no object at its top stands in one, under `value`.
    pub fn as_json(&self) -> &Value {
        &self.sent
    }

    /// Whether it is sent as one to be followed to the letter.
    pub fn is_strict(&self) -> bool {
        self.obstacle.is_none()
    }

    /// What keeps the schema from the strict form: where, and why.
    pub fn obstacle(&self) -> Option<&str> {
        self.obstacle.as_deref()
    }

    /// Whether the answer stands in an object, under `value`.
    pub(super) fn is_wrapped(&self) -> bool {
        self.is_wrapped
    }
}

impl From<&Schema> for ResponseFormat {
    fn from(schema: &Schema) -> Self {
        Self::JsonSchema {
            name: schema.name.clone(),
            schema: schema.sent.clone(),
            strict: schema.is_strict().then_some(true),
        }
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schema")
            .field("name", &self.name)
            .field("is_strict", &self.is_strict())
            .finish_non_exhaustive()
    }
}

fn sanitised(name: &str) -> String {
    let name: String = name
        .trim()
        .chars()
        .map(|it| {
            if it.is_ascii_alphanumeric() || it == '-' {
                it
            } else {
                '_'
            }
        })
        .take(LONGEST_NAME)
        .collect();
    if name.is_empty() {
        "answer".to_owned()
    } else {
        name
    }
}

/// Whether every value that follows the schema is an object, as far as its top says.
fn is_object(schema: &Value) -> bool {
    let mut schema = schema;
    let root = schema;
    // A reference to a reference is rare, and a circle of them never ends.
    for _ in 0..8 {
        match schema.get("$ref").and_then(Value::as_str) {
            Some(reference) => match resolve(root, reference) {
                Some(target) => schema = target,
                None => return false,
            },
            None => {
                return match schema.get("type") {
                    Some(kind) => kind == "object" && schema.get("anyOf").is_none(),
                    None => schema.get("properties").is_some(),
                };
            }
        }
    }
    false
}

fn wrapped(mut schema: Value, is_strict: bool) -> Value {
    let mut definitions = Vec::new();
    if let Value::Object(object) = &mut schema {
        for name in ["$schema", "$defs", "definitions"] {
            definitions.extend(object.remove_entry(name));
        }
    }
    move_references(&mut schema, 0);
    for (_, definition) in &mut definitions {
        move_references(definition, 0);
    }
    let mut whole = json!({"type": "object", "properties": {VALUE: schema}, "required": [VALUE]});
    if let Value::Object(whole) = &mut whole {
        whole.extend(definitions);
        if is_strict {
            whole.insert("additionalProperties".to_owned(), Value::Bool(false));
        }
    }
    whole
}

/// Lets references to what has moved lead there.
fn move_references(value: &mut Value, depth: usize) {
    if depth > 512 {
        return;
    }
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                match value {
                    Value::String(reference) if name == "$ref" => {
                        if let Some(path) = reference.strip_prefix('#')
                            && !path.starts_with("/$defs/")
                            && !path.starts_with("/definitions/")
                        {
                            *reference = format!("#/properties/{VALUE}{path}");
                        }
                    }
                    value => move_references(value, depth + 1),
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                move_references(item, depth + 1);
            }
        }
        _ => {}
    }
}
