//! Answers as values: a question goes out with the schema of its answer, and what comes back is
//! read, and, if asked for, asked for again with a word on what was wrong ([protocol reference,
//! section 4.4](crate::protocol#44-structured-output-and-tools)).
//!
//! A [`Parse`] is such a question as a state machine. The clients' `parse` drives it; one's own
//! loop is three lines:
//!
//! ```
//! use mesh_proto::structured::{Parse, ParseError, Round, RoundFailure, Schema};
//! use mesh_proto::{Answer, ChatReply, ChatRequest, Head};
//! # let head = || { let (parts, ()) = http::Response::new(()).into_parts(); Head::from(&parts) };
//! # let mut replies = ["About 1200 kWh.", r#"{"kwh": 1200}"#].into_iter();
//! # let mut create = |request: &ChatRequest| -> Result<Answer<ChatReply>, RoundFailure> {
//! #     let content = replies.next().unwrap();
//! #     let value = serde_json::json!({"choices": [{"message": {"content": content}}]});
//! #     Ok(Answer { head: head(), value: serde_json::from_value(value).unwrap(), end: mesh_proto::head::ReplyEnd::Regular })
//! # };
//!
//! #[derive(serde::Deserialize)]
//! struct Meter { kwh: f64 }
//!
//! let schema = Schema::new("meter", serde_json::json!({
//!     "type": "object",
//!     "properties": {"kwh": {"type": "number"}},
//!     "required": ["kwh"],
//! }));
//! let question = ChatRequest::new("openai/gpt-4o").user("Read the meter.");
//! let mut parse = Parse::<Meter>::with_schema(question, &schema).corrections(1);
//! let meter = loop {
//!     let answer = create(parse.request());
//!     match parse.take(answer) {
//!         Round::Again(next) => parse = next,
//!         Round::Done(result) => break result?,
//!     }
//! };
//! assert_eq!(meter.kwh, 1200.0);
//! assert_eq!(meter.rounds.len(), 2, "both are billed");
//! # Ok::<(), ParseError>(())
//! ```

mod failure;
mod place;
mod reading;
mod schema;
mod strict;

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use serde_core::de::DeserializeOwned;

pub use self::failure::{ParseError, ParseReason, RoundFailure};
pub use self::schema::Schema;
use crate::chat::{
    ChatReply, ChatRequest, Content, Ending, FinishReason, Message, ResponseFormat, Role,
};
use crate::head::Answer;

/// A question whose answer is to be a `T`.
///
/// Made from a [`ChatRequest`] alone where the feature `schemars` is on, with the schema of `T`.
pub struct Parse<T> {
    request: ChatRequest,
    is_wrapped: bool,
    corrections: u32,
    rounds: Vec<Answer<ChatReply>>,
    answer: PhantomData<fn() -> T>,
}

/// What comes after an answer.
#[derive(Debug)]
#[must_use]
#[allow(
    clippy::large_enum_variant,
    reason = "it is taken apart as soon as it is there"
)]
pub enum Round<T> {
    /// It was not what was asked for: send the next request.
    Again(Parse<T>),
    /// The value, or why there is none.
    Done(Result<Parsed<T>, ParseError>),
}

/// A value out of an answer. Derefs to the value.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Parsed<T> {
    /// The value.
    pub value: T,
    /// Every answer that it took, in order, the bad ones before the good one; each is billed, and
    /// holds its own usage.
    pub rounds: Vec<Answer<ChatReply>>,
}

#[cfg(feature = "schemars")]
impl<T: schemars::JsonSchema> Parse<T> {
    /// A question with the schema of `T`, which takes the place of the request's own
    /// `response_format`.
    pub fn new(request: ChatRequest) -> Self {
        Self::with_schema(request, &Schema::of::<T>())
    }
}

#[cfg(feature = "schemars")]
impl<T: schemars::JsonSchema> From<ChatRequest> for Parse<T> {
    fn from(request: ChatRequest) -> Self {
        Self::new(request)
    }
}

#[cfg(feature = "schemars")]
impl<T: schemars::JsonSchema> From<&ChatRequest> for Parse<T> {
    fn from(request: &ChatRequest) -> Self {
        Self::new(request.clone())
    }
}

impl<T> Parse<T> {
    /// A question with a schema of one's own, which takes the place of the request's own
    /// `response_format`.
    pub fn with_schema(mut request: ChatRequest, schema: &Schema) -> Self {
        request.response_format = Some(ResponseFormat::from(schema));
        Self {
            request,
            is_wrapped: schema.is_wrapped(),
            corrections: 0,
            rounds: Vec::new(),
            answer: PhantomData,
        }
    }

    /// Sets how often the model is told what was wrong and asked again; 0 by default, as each
    /// round is billed. A refusal, a call of tools, and an answer that reached the most tokens are
    /// not asked for again.
    pub fn corrections(mut self, corrections: u32) -> Self {
        self.corrections = corrections;
        self
    }

    /// The request of the round that is due: the conversation so far, every bad answer in it.
    pub fn request(&self) -> &ChatRequest {
        &self.request
    }

    /// The answers so far, all of them bad; each is billed.
    pub fn rounds(&self) -> &[Answer<ChatReply>] {
        &self.rounds
    }
}

impl<T: DeserializeOwned> Parse<T> {
    /// Takes the answer to [`Parse::request`], or why there is none.
    ///
    /// Ends with a [`ParseError`] if no value comes out of it, or if the round failed. The error
    /// keeps the answers of earlier rounds.
    pub fn take(mut self, answer: Result<Answer<ChatReply>, RoundFailure>) -> Round<T> {
        let reply = match answer {
            Ok(reply) => reply,
            Err(failure) => return self.end(ParseReason::Round(failure)),
        };
        let read = read(&reply, self.is_wrapped);
        self.rounds.push(reply);
        let reason = match read {
            Ok(value) => {
                let rounds = self.rounds;
                return Round::Done(Ok(Parsed { value, rounds }));
            }
            Err(reason) => reason,
        };
        let left = self.corrections.checked_sub(1);
        match (left, reason.correction()) {
            (Some(left), Some(what)) => {
                self.corrections = left;
                self.correct(&what);
                Round::Again(self)
            }
            _ => self.end(reason),
        }
    }

    /// Adds the bad answer as it came, and what is wrong with it.
    fn correct(&mut self, what: &str) {
        let bad = self.rounds.last().map(|round| round.value.clone());
        if let Some(mut bad) = bad.and_then(ChatReply::into_message) {
            // Providers refuse a message of the model's that is null.
            if bad.content.is_none() {
                bad.content = Some(Content::from(""));
            }
            self.request.messages.push(bad);
        }
        let correction = format!(
            "That answer is {what}. Answer again, with nothing but JSON that follows the schema: no \
             other words, no fences."
        );
        self.request
            .messages
            .push(Message::new(Role::User, correction));
    }

    fn end(self, reason: ParseReason) -> Round<T> {
        Round::Done(Err(ParseError::new(reason, self.rounds)))
    }
}

fn read<T: DeserializeOwned>(reply: &ChatReply, is_wrapped: bool) -> Result<T, ParseReason> {
    let choice = reply.choices.first();
    let refusal = choice.and_then(|choice| choice.message.extra.get("refusal")?.as_str());
    if let Some(refusal) = refusal.filter(|text| !text.is_empty()) {
        return Err(ParseReason::Refused(refusal.to_owned()));
    }
    let reason = match reading::read(&reply.text(), is_wrapped) {
        // A value that is whole is whole, however the answer ended.
        Ok(value) => return Ok(value),
        Err(reason) => reason,
    };
    Err(match reply.finish_reason().map(FinishReason::ending) {
        Some(Ending::Filtered) => ParseReason::Refused(reply.text().into_owned()),
        Some(Ending::MostTokens) => ParseReason::CutOff,
        _ if !reply.tool_calls().is_empty() => ParseReason::ToolCalls,
        _ => reason,
    })
}

impl<T> Parsed<T> {
    /// The value without the answers that it took.
    pub fn into_value(self) -> T {
        self.value
    }
}

impl<T> Deref for Parsed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Parsed<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T> Clone for Parse<T> {
    fn clone(&self) -> Self {
        Self {
            request: self.request.clone(),
            is_wrapped: self.is_wrapped,
            corrections: self.corrections,
            rounds: self.rounds.clone(),
            answer: PhantomData,
        }
    }
}

impl<T> fmt::Debug for Parse<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parse")
            .field("request", &self.request)
            .field("corrections", &self.corrections)
            .field("rounds", &self.rounds)
            .finish_non_exhaustive()
    }
}
