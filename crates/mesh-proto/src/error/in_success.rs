//! Whether a success is an error. Every decoder asks [`Success::error`]; nothing else decides it.
//!
//! A gateway reports an error inside a success where the status was sent before it happened, which
//! is every stream, and where it reports its own errors with status 200. One order of questions
//! finds it, in documents, frames and rows of lists alike. The first that finds an error ends it:
//!
//! 1. **Envelope**: `error` with an object, a text, `true` or a list of them; a `base_resp` with
//!    another code than 0; `success` or `ok` that is false beside a message.
//! 2. **Ends of the answer**: an envelope in `x_groq`, then in each choice an envelope or the finish
//!    reason `error`.
//! 3. **Words**: a message in any other form, such as `message`, `msg`, `detail` or `errors` at the
//!    top level.
//! 4. **Name of the event**: an event named `error` is an error even without a message.
//!
//! [`Found`] says which of them are asked: the more there is of a reply, the surer an error has to
//! be.

use std::fmt;

use http::StatusCode;
use serde_json::{Map, Value};

use super::ApiError;
use super::api::{code, envelope, failed_response, is_unsuccessful, names_error, status_in, text};
use crate::excerpt::excerpt;
use crate::wire::{from_text, legible, weight};

/// How much of its reply an endpoint finds in a success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// All that was asked for. Nothing beside it undoes it.
    Whole,
    /// An answer as a document, which an error may have cut short: its ends are asked (2).
    Answer,
    /// Fields of a reply: its envelope and its ends are asked (1 and 2).
    Part,
    /// The reply's fields, with nothing in them. Its words are asked, too (3), unless they report
    /// success, or have no code and name themselves something else, such as progress.
    Blank,
    /// None of the reply's fields: any words in it are an error (3).
    Nothing,
}

/// A part of an answer that an error may end by itself.
#[derive(Clone, Copy)]
pub struct End<'s> {
    /// Why it ended, if it did.
    pub finish_reason: Option<&'s str>,
    /// Its fields that are not modelled.
    pub extra: &'s Map<String, Value>,
}

// All of it is a provider's text.
impl fmt::Debug for End<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = self.finish_reason.map(|it| excerpt(it.as_bytes()));
        f.debug_struct("End")
            .field("finish_reason", &reason)
            .finish_non_exhaustive()
    }
}

/// A success as its endpoint sees it.
pub(crate) struct Success<'s, I> {
    fields: &'s Map<String, Value>,
    found: Found,
    ends: Option<I>,
    /// The data of an event that is named an error.
    named: Option<&'s [u8]>,
}

impl<'s> Success<'s, std::iter::Empty<End<'s>>> {
    /// A success with these fields: all of a document, or those that its endpoint does not model.
    pub(crate) fn of(fields: &'s Map<String, Value>, found: Found) -> Self {
        Self {
            fields,
            found,
            ends: None,
            named: None,
        }
    }

    /// The same of an answer with these choices.
    pub(crate) fn with_ends<I>(self, ends: I) -> Success<'s, I> {
        Success {
            fields: self.fields,
            found: self.found,
            ends: Some(ends),
            named: self.named,
        }
    }
}

impl<'s, I: IntoIterator<Item = End<'s>>> Success<'s, I> {
    /// The same of an event that is named an error, with its data.
    pub(crate) fn named_error(self, data: &'s [u8]) -> Self {
        Self {
            named: Some(data),
            ..self
        }
    }

    /// The error that the success is, if it is one.
    pub(crate) fn error(self) -> Option<ApiError> {
        let Self {
            fields,
            found,
            ends,
            named,
        } = self;
        let asked = if named.is_some() && found != Found::Blank {
            Found::Nothing
        } else {
            found
        };
        if asked == Found::Whole {
            return None;
        }
        let envelope = match asked {
            Found::Answer => None,
            _ => in_envelope(fields),
        };
        envelope
            .or_else(|| at_an_end(fields, ends?))
            .or_else(|| match (asked, named) {
                (Found::Nothing, _) | (Found::Blank, Some(_)) => in_words(fields),
                (Found::Blank, None) if !is_else(fields) => in_words(fields),
                _ => None,
            })
            .or_else(|| Some(without_message(named.filter(|_| found == Found::Blank)?)))
    }
}

/// The error that a body is which is no reply. Of a list, its first item is asked.
pub(crate) fn error_in_body(body: &[u8]) -> Option<ApiError> {
    if weight::exceeded(body, weight::ENVELOPE).is_some() {
        return None;
    }
    let document = envelope(from_text(&legible(body)).ok()?)?;
    Success::of(&document, Found::Part).error()
}

fn in_envelope(document: &Map<String, Value>) -> Option<ApiError> {
    let is_error = match document.get("error") {
        Some(Value::Object(_) | Value::String(_) | Value::Bool(true)) => true,
        Some(Value::Array(errors)) => {
            matches!(errors.first(), Some(Value::Object(_) | Value::String(_)))
        }
        _ => failed_response(document).is_some() || is_unsuccessful(document),
    };
    is_error.then(|| in_words(document))?
}

fn in_words(document: &Map<String, Value>) -> Option<ApiError> {
    ApiError::from_envelope(StatusCode::OK, document)
}

/// Groq reports a failure in an object of its own, `OpenRouter` in the choice or by its finish
/// reason alone.
fn at_an_end<'s>(
    fields: &Map<String, Value>,
    ends: impl IntoIterator<Item = End<'s>>,
) -> Option<ApiError> {
    let groq = fields.get("x_groq").and_then(Value::as_object);
    groq.and_then(in_envelope)
        .or_else(|| ends.into_iter().find_map(ended_by))
}

fn ended_by(end: End<'_>) -> Option<ApiError> {
    const ERROR: &str = "error";
    if let Some(error) = in_envelope(end.extra) {
        return Some(error);
    }
    if !end.finish_reason?.eq_ignore_ascii_case(ERROR) {
        return None;
    }
    let own = end.extra.get("native_finish_reason");
    let own = own.and_then(Value::as_str);
    let own = own.filter(|own| !own.is_empty() && !own.eq_ignore_ascii_case(ERROR));
    let own = own.map(|own| format!(" ({})", excerpt(own.as_bytes())));
    Some(ApiError::untold(&format!(
        "the model's provider ended the answer with an error{}",
        own.unwrap_or_default()
    )))
}

fn without_message(data: &[u8]) -> ApiError {
    ApiError::untold(&format!(
        "the stream reported an error without a message: {}",
        excerpt(data)
    ))
}

/// Whether a document without a reply reports success, or is news such as progress.
fn is_else(document: &Map<String, Value>) -> bool {
    let names_else = |name: &&str| {
        let named = document.get(*name).and_then(Value::as_str);
        named.is_some_and(|it| !names_error(it))
    };
    let has_code = code(document.get("code")).is_some() || status_in(document).is_some();
    reports_success(document) || (!has_code && ["type", "object", "status"].iter().any(names_else))
}

fn reports_success(document: &Map<String, Value>) -> bool {
    let is_good = |name: &&str| {
        text(document.get(*name)).is_some_and(|it| {
            ["0", "200", "ok", "success"].contains(&it.to_ascii_lowercase().as_str())
        })
    };
    document.get("success") == Some(&Value::Bool(true)) || ["code", "status"].iter().any(is_good)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The message of the error that a success is in whose choice the provider reports one, too.
    fn message(document: &Value, found: Found, named: Option<&[u8]>) -> Option<String> {
        let choice = json!({"native_finish_reason": "overload"});
        let end = End {
            finish_reason: Some("error"),
            extra: choice.as_object()?,
        };
        let success = Success::of(document.as_object()?, found);
        let error = match (document.get("choices"), named) {
            (Some(_), _) => success.with_ends([end]).error(),
            (None, Some(data)) => success.named_error(data).error(),
            (None, None) => success.error(),
        };
        error.map(|error| error.message)
    }

    #[test]
    fn questions_are_asked_in_their_order_and_by_what_was_found() {
        const ENDED: &str = "the model's provider ended the answer with an error (overload)";
        let all = json!({
            "error": "envelope", "x_groq": {"error": "groq"}, "choices": [], "message": "words",
        });
        let mut groq = all.clone();
        let mut ended = all.clone();
        let mut words = all.clone();
        for (document, without) in [
            (&mut groq, &["error"][..]),
            (&mut ended, &["error", "x_groq"]),
            (&mut words, &["error", "x_groq", "choices"]),
        ] {
            let fields = document.as_object_mut().unwrap();
            fields.retain(|name, _| !without.contains(&name.as_str()));
        }
        let news = json!({"object": "progress", "message": "words"});
        let whole = [None; 5];
        for (found, expected) in [
            (Found::Whole, whole),
            (
                Found::Answer,
                [Some("groq"), Some("groq"), Some(ENDED), None, None],
            ),
            (
                Found::Part,
                [Some("envelope"), Some("groq"), Some(ENDED), None, None],
            ),
            (
                Found::Blank,
                [
                    Some("envelope"),
                    Some("groq"),
                    Some(ENDED),
                    Some("words"),
                    None,
                ],
            ),
            (
                Found::Nothing,
                [
                    Some("envelope"),
                    Some("groq"),
                    Some(ENDED),
                    Some("words"),
                    Some("words"),
                ],
            ),
        ] {
            let told = [&all, &groq, &ended, &words, &news].map(|it| message(it, found, None));
            assert_eq!(told.each_ref().map(Option::as_deref), expected, "{found:?}");
        }
    }

    #[test]
    fn event_named_error_is_an_error_without_a_message_only_where_it_has_no_reply() {
        let empty = json!({"x": 1});
        let words = json!({"object": "progress", "message": "words"});
        let data = Some(&b"{\"x\":1}"[..]);
        let untold = "the stream reported an error without a message: {\"x\":1}";
        for (document, found, expected) in [
            (&empty, Found::Blank, Some(untold)),
            (&empty, Found::Part, None),
            (&words, Found::Blank, Some("words")),
            (&words, Found::Part, Some("words")),
            (&words, Found::Whole, Some("words")),
        ] {
            assert_eq!(
                message(document, found, data).as_deref(),
                expected,
                "{found:?}"
            );
        }
    }
}
