//! A message of a conversation.

use super::content::Content;
use super::tools::ToolCall;
use crate::open_enum::open_enum;
use crate::wire::{Blank, Wire, wire_object};

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

/// What a message that is read begins with.
impl Blank for Role {
    fn blank() -> Self {
        Self::User
    }
}

wire_object! {
    /// A message of a conversation.
    #[derive(Clone, PartialEq)]
    pub struct Message as request {
        /// Who speaks.
        pub role: Role [required],
        /// What is said; none where the model only calls tools.
        pub content: Option<Content> [always] <= Wire::write,
        /// The name of who speaks, where there are several.
        pub name: Option<String>,
        /// The calls of tools that the model made.
        pub tool_calls: Vec<ToolCall>,
        /// The call that this is the result of.
        pub tool_call_id: Option<String>,
    }
}

impl Message {
    /// A message of `role` that says `content`.
    pub fn new(role: Role, content: impl Into<Content>) -> Self {
        Self {
            role,
            content: Some(content.into()),
            ..Self::blank()
        }
    }

    /// The result of a tool call, to be sent back.
    pub fn tool_result(tool_call_id: impl Into<String>, content: impl Into<Content>) -> Self {
        Self {
            tool_call_id: Some(tool_call_id.into()),
            ..Self::new(Role::Tool, content)
        }
    }
}
