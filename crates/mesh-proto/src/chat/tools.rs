//! Tools that a model may call, and its calls of them ([protocol reference, section 4](crate::protocol#4-chat-completions) and [section 4.4](crate::protocol#44-structured-output-and-tools)).

use serde_core::de::{Deserialize, Deserializer};
use serde_core::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

use crate::open_enum::open_enum;
use crate::wire::{Manner, Object, count_in, lenient, null_is_default, wire_object};

open_enum! {
    /// A kind of tool.
    #[derive(Default)]
    pub enum ToolKind {
        /// A function of the caller's.
        #[default]
        Function = "function",
    }
}

wire_object! {
    /// A tool that the model may call.
    ///
    /// ```
    /// use mesh_proto::chat::Tool;
    ///
    /// let schema = serde_json::json!({"type": "object", "properties": {"page": {"type": "integer"}}});
    /// let tool = Tool::function("turn_to", "Turns to a page", schema);
    /// assert_eq!(serde_json::to_value(&tool)?["function"]["name"], "turn_to");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Clone, PartialEq)]
    pub struct Tool {
        /// What kind of tool it is.
        pub kind: ToolKind = "type",
        /// The function, where it is one.
        pub function: Option<Function>,
    }
}

impl Tool {
    /// A function with a description for the model and the JSON Schema of its arguments.
    pub fn function(
        name: impl Into<String>,
        description: impl Into<String>,
        parameters: Value,
    ) -> Self {
        let function = Function {
            name: name.into(),
            description: Some(description.into()),
            parameters: Some(parameters),
            ..Function::blank()
        };
        Self {
            function: Some(function),
            ..Self::blank()
        }
    }
}

wire_object! {
    /// A function that the model may call.
    #[derive(Clone, PartialEq)]
    pub struct Function as request {
        /// Its name.
        pub name: String [required],
        /// What it does, for the model.
        pub description: Option<String>,
        /// The JSON Schema of its arguments.
        pub parameters: Option<Value>,
        /// Whether the arguments have to follow the schema to the letter.
        pub strict: Option<bool>,
    }
}

/// Whether the model has to call a tool.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ToolChoice {
    /// It decides.
    Auto,
    /// It must not.
    None,
    /// It must call some tool.
    Required,
    /// It must call this function.
    Function(String),
    /// A choice that is not known here, as it came.
    Other(Value),
}

impl Serialize for ToolChoice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str("auto"),
            Self::None => serializer.serialize_str("none"),
            Self::Required => serializer.serialize_str("required"),
            Self::Function(name) => {
                let mut fields = serializer.serialize_map(None)?;
                fields.serialize_entry("function", &Named(name))?;
                fields.serialize_entry("type", "function")?;
                fields.end()
            }
            Self::Other(value) => value.serialize(serializer),
        }
    }
}

/// A function by its name.
struct Named<'n>(&'n str);

impl Serialize for Named<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_map(None)?;
        fields.serialize_entry("name", self.0)?;
        fields.end()
    }
}

impl<'de> Deserialize<'de> for ToolChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Ok(match value.as_str() {
            Some("auto") => Self::Auto,
            Some("none") => Self::None,
            Some("required") => Self::Required,
            _ => {
                let named = Self::Function(
                    value
                        .pointer("/function/name")
                        .and_then(Value::as_str)
                        .unwrap_or_default()
                        .to_owned(),
                );
                // Only what says nothing else is the plain form.
                if serde_json::to_value(&named).is_ok_and(|plain| plain == value) {
                    named
                } else {
                    Self::Other(value)
                }
            }
        })
    }
}

wire_object! {
    /// A call of a tool by the model. To be sent back as it came, `thought_signature` in `extra`
    /// included.
    #[derive(Clone, Default, PartialEq)]
    pub struct ToolCall {
        /// The call's id, which its result refers to.
        pub id: Option<String> => lenient,
        /// What kind of tool is called.
        pub kind: ToolKind = "type" => null_is_default,
        /// The function that is called.
        pub function: CalledFunction => null_is_default,
    }
}

impl ToolCall {
    /// The provider's signature of the thought behind the call, to be sent back as it came.
    pub fn thought_signature(&self) -> Option<&str> {
        self.extra.get("thought_signature").and_then(Value::as_str)
    }
}

wire_object! {
    /// The function of a call.
    #[derive(Clone, Default, PartialEq)]
    pub struct CalledFunction {
        /// Its name.
        pub name: String => null_is_default,
        /// Its arguments: a JSON object as text, which the model wrote and which may be broken.
        pub arguments: String [private] => text_or_json,
    }
}

/// A piece of a call in a stream. Any of it may be missing.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ToolCallDelta {
    /// Which of the message's calls it belongs to, from 0.
    pub index: Option<u64>,
    /// The rest, as far as it has come.
    pub call: ToolCall,
}

impl<'de> Deserialize<'de> for ToolCallDelta {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut call = ToolCall::deserialize(deserializer)?;
        let index = call.extra.remove("index");
        Ok(Self {
            index: index.as_ref().and_then(count_in),
            call,
        })
    }
}

impl Serialize for ToolCallDelta {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = Object::begin(Manner::default(), serializer, &self.call.extra)?;
        object.optional("index", self.index.as_ref())?;
        self.call.write_fields(&mut object)?;
        object.end()
    }
}

/// Some models write the arguments as the object itself.
fn text_or_json<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => other.to_string(),
    })
}

/// What form the answer shall have ([protocol reference, section 4.4](crate::protocol#44-structured-output-and-tools)).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ResponseFormat {
    /// Text.
    Text,
    /// A JSON object of any shape.
    JsonObject,
    /// JSON that follows a schema.
    JsonSchema {
        /// The schema's name.
        name: String,
        /// The JSON Schema.
        schema: Value,
        /// Whether it has to be followed to the letter.
        strict: Option<bool>,
    },
    /// A form that is not known here, as it came.
    Other(Value),
}

impl Serialize for ResponseFormat {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = match self {
            Self::Other(value) => return value.serialize(serializer),
            _ => serializer.serialize_map(None)?,
        };
        if let Self::JsonSchema {
            name,
            schema,
            strict,
        } = self
        {
            fields.serialize_entry("json_schema", &Followed(name, schema, *strict))?;
        }
        let kind = match self {
            Self::Text => "text",
            Self::JsonObject => "json_object",
            Self::JsonSchema { .. } | Self::Other(_) => "json_schema",
        };
        fields.serialize_entry("type", kind)?;
        fields.end()
    }
}

/// What an answer has to follow: the schema's name, the schema, and whether to the letter.
struct Followed<'f>(&'f str, &'f Value, Option<bool>);

impl Serialize for Followed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_map(None)?;
        fields.serialize_entry("name", self.0)?;
        fields.serialize_entry("schema", self.1)?;
        if let Some(strict) = self.2 {
            fields.serialize_entry("strict", &strict)?;
        }
        fields.end()
    }
}

impl<'de> Deserialize<'de> for ResponseFormat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let text = |place| value.pointer(place).and_then(Value::as_str);
        let known = match text("/type") {
            Some("text") => Self::Text,
            Some("json_object") => Self::JsonObject,
            Some("json_schema") => Self::JsonSchema {
                name: text("/json_schema/name").unwrap_or_default().to_owned(),
                schema: value
                    .pointer("/json_schema/schema")
                    .cloned()
                    .unwrap_or_default(),
                strict: value
                    .pointer("/json_schema/strict")
                    .and_then(Value::as_bool),
            },
            _ => return Ok(Self::Other(value)),
        };
        // Only what says nothing else is the plain form.
        Ok(
            if serde_json::to_value(&known).is_ok_and(|plain| plain == value) {
                known
            } else {
                Self::Other(value)
            },
        )
    }
}
