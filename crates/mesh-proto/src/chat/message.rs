//! A message of a conversation.

use serde::Deserialize;
use serde::ser::Serializer;

use super::content::Content;
use crate::body::Splice;
use crate::open_enum::open_enum;
use crate::wire::{Extra, Object, Wire, Written, serialize_inline};

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
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said; none where the model only calls tools.
    #[serde(default)]
    pub content: Option<Content>,
    /// Fields that are not modelled here, sent as they are.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Message {
    /// A message of `role` that says `content`.
    pub fn new(role: Role, content: impl Into<Content>) -> Self {
        Self {
            role,
            content: Some(content.into()),
            extra: Extra::new(),
        }
    }
}

impl Wire for Message {
    fn write<S: Serializer>(
        &self,
        splice: Option<&Splice>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let mut object = Object::begin(serializer)?;
        object.field("role", &self.role)?;
        object.field(
            "content",
            &self
                .content
                .as_ref()
                .map(|content| Written(content, splice)),
        )?;
        object.extra(&self.extra, &[])?;
        object.end()
    }
}

serialize_inline!(Message);
