//! An error that the gateway reports, in every form of the [protocol reference, section 7](crate::protocol#7-errors).

mod envelope;
mod hints;
mod judge;
mod signs;
mod words;

use std::fmt;
use std::time::{Duration, SystemTime};

use http::StatusCode;
use serde_json::Value;

pub(super) use self::envelope::{
    code, envelope, failed_response, is_unsuccessful, names_error, status_in, text,
};
use self::hints::WaitHints;
use self::signs::Signs;
use super::{DecodeError, ErrorCode, ValidationFinding, Wait};
use crate::excerpt::{excerpt, message};
use crate::head::{Coding, Head};
use crate::secret::{self, redact};
use crate::wire::{from_text, legible, without_mark};

/// An error that the gateway, or something before it, reports.
///
/// Read from the standard envelope, FastAPI's `detail`, a bare `message` or `error`, OpenAI's
/// envelope, a problem document (RFC 9457) and others of their kind, or no JSON at all, in which case
/// the message is an excerpt of the body, or the title of a web page.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct ApiError {
    /// The status of the response: 200 where the error came inside a stream.
    pub status: StatusCode,
    /// The stable code, if there is one.
    pub code: Option<ErrorCode>,
    /// The message for a person, never empty.
    pub message: String,
    /// Details of the envelope, or FastAPI's `detail` where it is not a mere text.
    pub details: Option<Value>,
    /// The provider's own code.
    pub provider_code: Option<String>,
    /// The provider's own error.
    pub provider_error: Option<Value>,
    request_id: Option<String>,
    retry_after: Option<Duration>,
    excerpt: String,
    /// The status that the body tells of itself, where it does.
    told_status: Option<StatusCode>,
    /// Whether a moderation gives its reasons.
    is_flagged: bool,
    /// What the body says in words for machines.
    signs: Signs,
    /// What the body says of when to ask again.
    hints: WaitHints,
    /// Whether a retry is asked for in so many words.
    asks_for_retry: bool,
    /// Whether a web server asks for a proof that a person is there.
    is_challenge: bool,
}

impl ApiError {
    /// Reads the body of a response that is not a success.
    ///
    /// ```
    /// use mesh_proto::error::{ApiError, ErrorCode};
    /// use mesh_proto::head::Head;
    ///
    /// let response = http::Response::builder().status(404).header("x-request-id", "req_1").body(())?;
    /// let head = Head::from(&response.into_parts().0);
    /// let error = ApiError::read(&head, br#"{"error":{"code":"model_not_found","message":"No such model"}}"#);
    /// assert_eq!(error.code, Some(ErrorCode::ModelNotFound));
    /// assert_eq!(error.to_string(), "No such model (404, model_not_found, request req_1)");
    /// # Ok::<(), http::Error>(())
    /// ```
    pub fn read(head: &Head, body: &[u8]) -> Self {
        Self::read_at(head, body, None)
    }

    /// The same of a response that was received at a time that is known.
    pub(crate) fn read_at(head: &Head, body: &[u8], received: Option<SystemTime>) -> Self {
        let status = head.status();
        let body = without_mark(body);
        let document = from_text::<Value>(&legible(body)).ok();
        let is_cut =
            document.is_none() && matches!(body.trim_ascii_start().first(), Some(b'{' | b'['));
        let mut error = match document {
            Some(Value::String(text)) => Self::bare(status, message(&text)),
            Some(told) => {
                let is_object = told.is_object();
                let envelope = envelope(told);
                let read = envelope
                    .as_ref()
                    .and_then(|it| Self::from_envelope(status, it));
                read.unwrap_or_else(|| {
                    let mut bare = Self::bare(status, excerpt(body));
                    bare.details = envelope.filter(|_| is_object).map(Value::Object);
                    bare
                })
            }
            None => Self::bare(status, shown(head, body)),
        };
        if error.message.is_empty() {
            let reason = status.canonical_reason();
            reason
                .unwrap_or("no message")
                .clone_into(&mut error.message);
        }
        error.excerpt = shown(head, body);
        if let Some(challenge) = challenge(head, &error.message) {
            error.is_challenge = true;
            error.message = message(&format!("{challenge}: {}", error.message));
        }
        error.complete_from(head, received);
        if is_cut {
            error.doubt_hint();
        }
        error
    }

    fn bare(status: StatusCode, message: String) -> Self {
        Self {
            status,
            code: None,
            message,
            details: None,
            provider_code: None,
            provider_error: None,
            request_id: None,
            retry_after: None,
            excerpt: String::new(),
            told_status: None,
            is_flagged: false,
            signs: Signs::default(),
            hints: WaitHints::default(),
            asks_for_retry: false,
            is_challenge: false,
        }
    }

    /// An error inside a success that is told in no envelope.
    pub(crate) fn untold(words: &str) -> Self {
        let mut error = Self::bare(StatusCode::OK, message(words));
        error.excerpt.clone_from(&error.message);
        error
    }

    /// Fills in from the response's head what the body does not say.
    pub(crate) fn complete_from(&mut self, head: &Head, received: Option<SystemTime>) {
        if self.request_id.is_none() {
            self.request_id = head.request_id().map(str::to_owned);
        }
        self.settle_wait(Some(head), received);
    }

    pub(crate) fn redact(&mut self, secret: &str) {
        redact(&mut self.message, secret);
        redact(&mut self.excerpt, secret);
        for text in [&mut self.provider_code, &mut self.request_id]
            .into_iter()
            .flatten()
        {
            redact(text, secret);
        }
        if let Some(ErrorCode::Other(text)) = &mut self.code {
            redact(text, secret);
        }
        for value in [&mut self.details, &mut self.provider_error]
            .into_iter()
            .flatten()
        {
            redact_value(value, secret);
        }
    }

    /// The id to quote to support: the body's, then the header's.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// How long the gateway asks to wait: the body's `retry_after_seconds`, `retry_after`,
    /// `retry_after_ms` or Google's `retryDelay`, then the headers `retry-after-ms` and `Retry-After`,
    /// then those of a provider under `metadata.headers`, then the reset of a rate limit that is used
    /// up (see [`Head::retry_after`]). Moments are read against the response's own `Date`; those of
    /// fields and resets, of a response without one, against the time that the driver gives. A wait
    /// that stands only in a message is not read.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The findings of the gateway's validation, where [`ApiError::details`] has FastAPI's shape;
    /// none otherwise.
    pub fn validation(&self) -> Vec<ValidationFinding> {
        let details = self.details.as_ref();
        details.map(ValidationFinding::read_all).unwrap_or_default()
    }

    /// The beginning of what came, in one line and without base64: for logs.
    pub fn excerpt(&self) -> &str {
        &self.excerpt
    }
}

/// The beginning of a body, or what it is where it is no text.
fn shown(head: &Head, body: &[u8]) -> String {
    let is_control = |byte: &u8| byte.is_ascii_control() && !byte.is_ascii_whitespace();
    let (real, unknown) = match head.coding() {
        Coding::Real(name) => (Some(name), None),
        Coding::Unknown(name) => (None, Some(name)),
        Coding::None => (None, None),
    };
    let is_text = std::str::from_utf8(body).is_ok();
    if is_text || (real.is_none() && !body.iter().any(is_control)) {
        return excerpt(body);
    }
    let magic = body.starts_with(b"\x1f\x8b").then(|| "gzip".to_owned());
    match real.or(magic).or(unknown) {
        Some(coding) => DecodeError::encoded(&coding).to_string(),
        None => "the reply is no text".to_owned(),
    }
}

/// A web server's challenge to a program, which says nothing of the key, by the header that names it
/// or the title of its page.
fn challenge(head: &Head, title: &str) -> Option<&'static str> {
    let has = |name: &'static str, word: &str| {
        let value = head.header(name);
        value.is_some_and(|value| value.to_ascii_lowercase().contains(word))
    };
    let is_titled = |title_of: &str| title.to_ascii_lowercase().starts_with(title_of);
    if has("cf-mitigated", "challenge") {
        Some("bot challenge by Cloudflare (cf-mitigated: challenge)")
    } else if has("x-amzn-waf-action", "challenge") || has("x-amzn-waf-action", "captcha") {
        Some("bot challenge by AWS WAF (x-amzn-waf-action)")
    } else if has("server", "cloudflare")
        && (is_titled("just a moment...") || is_titled("attention required! | cloudflare"))
    {
        Some("bot challenge by Cloudflare")
    } else {
        None
    }
}

fn redact_value(value: &mut Value, key: &str) {
    match value {
        Value::String(text) => redact(text, key),
        Value::Array(items) => items.iter_mut().for_each(|item| redact_value(item, key)),
        Value::Object(fields) => {
            // A key that is echoed as a field's name takes the whole object with it.
            if fields
                .keys()
                .any(|name| secret::holds(name.as_bytes(), key))
            {
                *value = Value::String(secret::TAKEN_OUT.to_owned());
            } else {
                fields
                    .values_mut()
                    .for_each(|field| redact_value(field, key));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}", self.message, self.status.as_u16())?;
        let repeats_status = |code: &&ErrorCode| code.as_str() == self.status.as_str();
        if let Some(code) = self.code.as_ref().filter(|code| !repeats_status(code)) {
            write!(f, ", {}", excerpt(code.as_str().as_bytes()))?;
        }
        if let Some(code) = &self.provider_code {
            write!(f, ", provider says {}", excerpt(code.as_bytes()))?;
        }
        if let Some(id) = &self.request_id {
            write!(f, ", request {}", excerpt(id.as_bytes()))?;
        }
        f.write_str(")")?;
        if let Some(hint) = self.retry_after {
            write!(f, "; try again in {}", Wait(hint))?;
        }
        Ok(())
    }
}

// All of it is somebody else's text and may echo what was sent.
impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |text: &str| excerpt(text.as_bytes());
        let shown = |value: &Option<Value>| value.as_ref().map(|value| text(&value.to_string()));
        f.debug_struct("ApiError")
            .field("status", &self.status)
            .field("code", &self.code.as_ref().map(|code| text(code.as_str())))
            .field("message", &self.message)
            .field("details", &shown(&self.details))
            .field("provider_code", &self.provider_code.as_deref().map(text))
            .field("provider_error", &shown(&self.provider_error))
            .field("request_id", &self.request_id.as_deref().map(text))
            .field("retry_after", &self.retry_after)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for ApiError {}

#[cfg(test)]
mod tests;
