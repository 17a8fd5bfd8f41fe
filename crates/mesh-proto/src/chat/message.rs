//! A message of a conversation.

use serde_core::ser::Serializer;

use super::content::Content;
use super::tools::ToolCall;
use crate::body::Splice;
use crate::open_enum::open_enum;
use crate::wire::{Extra, Object, Wire, Written, read_fields, serialize_inline};

open_enum! {
    /// Who speaks.
    pub enum Role {
        /// The application.
        System = "system",
        /// The application, for some newer models.
        Developer = "developer",
        /// The person.
        User = "user",
        /// The model.
        Assistant = "assistant",
        /// A tool that the model called.
        Tool = "tool",
    }
}

/// A message of a conversation.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said; none where the model only calls tools.
    pub content: Option<Content>,
    /// The name of who speaks, where there are several.
    pub name: Option<String>,
    /// The calls of tools that the model made.
    pub tool_calls: Vec<ToolCall>,
    /// The call that this is the result of.
    pub tool_call_id: Option<String>,
    /// Fields that are not modelled here, sent as they are.
    pub extra: Extra,
}

read_fields! {
    Message from Self { content: None, ..Self::new(Role::User, "") }, {
        role: Role [required],
        content: Option<Content>,
        name: Option<String>,
        tool_calls: Vec<ToolCall>,
        tool_call_id: Option<String>,
    }
}

impl Message {
    /// A message of `role` that says `content`.
    pub fn new(role: Role, content: impl Into<Content>) -> Self {
        Self {
            role,
            content: Some(content.into()),
            name: None,
            tool_calls: Vec::new(),
            tool_call_id: None,
            extra: Extra::new(),
        }
    }
}

impl Message {
    /// The result of a tool call, to be sent back.
    pub fn tool_result(tool_call_id: impl Into<String>, content: impl Into<Content>) -> Self {
        Self {
            tool_call_id: Some(tool_call_id.into()),
            ..Self::new(Role::Tool, content)
        }
    }
}

impl Wire for Message {
    fn write<S: Serializer>(
        &self,
        splice: Option<&Splice>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let mut object = Object::begin(serializer, &self.extra)?;
        object.field("role", &self.role)?;
        object.field(
            "content",
            &self
                .content
                .as_ref()
                .map(|content| Written(content, splice)),
        )?;
        object.optional("name", self.name.as_ref())?;
        object.optional(
            "tool_calls",
            Some(&self.tool_calls).filter(|calls| !calls.is_empty()),
        )?;
        object.optional("tool_call_id", self.tool_call_id.as_ref())?;
        object.extra(&[])?;
        object.end()
    }
}

serialize_inline!(Message);
