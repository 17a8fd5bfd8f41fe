//! An error that the gateway reports, in every form of the protocol reference, section 7.

mod envelope;

use std::fmt;
use std::time::Duration;

use http::StatusCode;
use serde_json::Value;

pub(crate) use self::envelope::envelope;
use super::{DecodeError, ErrorCode, ValidationFinding, Wait, excerpt, message, redact, secret};
use crate::call::retry_after;
use crate::head::Head;
use crate::wire::{from_text, legible, without_mark};

/// An error that the gateway, or something before it, reports.
///
/// Read from the standard envelope, FastAPI's `detail`, a bare `message` or `error`, OpenAI's
/// envelope, or no JSON at all, in which case the message is an excerpt of the body.
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
        let status = head.status();
        let body = without_mark(body);
        let mut error = match from_text::<Value>(&legible(body)).ok() {
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
        error.complete_from(head);
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
        }
    }

    /// An error inside a success that is told in no envelope.
    pub(crate) fn untold(words: &str) -> Self {
        let mut error = Self::bare(StatusCode::OK, message(words));
        error.excerpt.clone_from(&error.message);
        error
    }

    /// Fills in from the response's head what the body does not say.
    pub(crate) fn complete_from(&mut self, head: &Head) {
        if self.request_id.is_none() {
            self.request_id = head.request_id().map(str::to_owned);
        }
        if self.retry_after.is_none() {
            self.retry_after = retry_after(head.headers());
        }
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

    /// How long the gateway asks to wait: the body's `retry_after_seconds`, then the `Retry-After`
    /// header, whose date is read against the response's own `Date`.
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

    /// Whether this is about how fast the key asks: waiting helps.
    pub fn is_rate_limit(&self) -> bool {
        !self.is_quota()
            && (self.effective_status() == Some(StatusCode::TOO_MANY_REQUESTS)
                || matches!(
                    self.code,
                    Some(ErrorCode::RateLimitExceeded | ErrorCode::UpstreamRateLimitError)
                ))
    }

    /// Whether this is about what the account has left: waiting does not help.
    pub fn is_quota(&self) -> bool {
        self.effective_status() == Some(StatusCode::PAYMENT_REQUIRED)
            || self.code.as_ref().is_some_and(ErrorCode::is_quota)
    }

    /// Whether the key is missing, wrong, or may not do this. The code decides where it is known:
    /// providers answer 403 for other reasons, too.
    pub fn is_auth(&self) -> bool {
        match &self.code {
            Some(ErrorCode::Unauthorized | ErrorCode::Forbidden | ErrorCode::ModelExcluded) => true,
            Some(ErrorCode::Other(_)) | None => {
                !self.is_content_policy()
                    && matches!(
                        self.effective_status(),
                        Some(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
                    )
            }
            Some(_) => false,
        }
    }

    /// Whether the content policy forbade it.
    pub fn is_content_policy(&self) -> bool {
        match &self.code {
            Some(ErrorCode::Other(_)) | None if self.is_flagged => true,
            code => code.as_ref().is_some_and(ErrorCode::is_content_policy),
        }
    }

    /// The status, or for an error inside a success the one that it tells of itself, or that its
    /// code usually goes with.
    pub(crate) fn effective_status(&self) -> Option<StatusCode> {
        if self.status.is_success() {
            let usual = || self.code.as_ref().and_then(ErrorCode::usual_status);
            self.told_status.or_else(usual)
        } else {
            Some(self.status)
        }
    }
}

/// The beginning of a body, or what it is where it is no text.
fn shown(head: &Head, body: &[u8]) -> String {
    let is_control = |byte: &u8| byte.is_ascii_control() && !byte.is_ascii_whitespace();
    let told = head.encoding().map(|it| excerpt(it.as_bytes()));
    let is_text = std::str::from_utf8(body).is_ok();
    if is_text || (told.is_none() && !body.iter().any(is_control)) {
        return excerpt(body);
    }
    let magic = body.starts_with(b"\x1f\x8b").then(|| "gzip".to_owned());
    match told.or(magic) {
        Some(encoding) => DecodeError::Encoding(encoding).to_string(),
        None => "the reply is no text".to_owned(),
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
mod tests {
    use super::*;

    fn head(status: u16, headers: &[(&str, &str)]) -> Head {
        let mut builder = http::Response::builder().status(status);
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        Head::from(&builder.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn every_form_gives_message_code_and_id() {
        let header = [("x-request-id", "req_header")];
        for (status, body, code, message, id) in [
            (
                429,
                r#"{"error":{"code":"rate_limit_exceeded","message":"Slow down","retry_after_seconds":7},"request_id":"req_body"}"#,
                Some("rate_limit_exceeded"),
                "Slow down",
                "req_body",
            ),
            (
                404,
                r#"{"detail":"Model not found"}"#,
                None,
                "Model not found",
                "req_header",
            ),
            (
                422,
                r#"{"detail":[{"loc":["body","messages",0,"role"],"msg":"field required","type":"missing"},{"loc":["body","n"],"msg":"too big","type":"x"}]}"#,
                None,
                "body.messages.0.role: field required; body.n: too big",
                "req_header",
            ),
            (500, r#"{"message":"broken"}"#, None, "broken", "req_header"),
            (500, r#"{"error":"broken"}"#, None, "broken", "req_header"),
            (
                400,
                r#"{"error":{"code":"brand_new"}}"#,
                Some("brand_new"),
                "brand_new",
                "req_header",
            ),
            (
                400,
                r#"{"error":{"message":"m","type":"invalid_request","code":null}}"#,
                Some("invalid_request"),
                "m",
                "req_header",
            ),
            (
                413,
                "<html><h1>413</h1>\n</html>",
                None,
                "<html><h1>413</h1> </html>",
                "req_header",
            ),
            (502, "", None, "Bad Gateway", "req_header"),
            (
                500,
                r#"{"unknown":1}"#,
                None,
                r#"{"unknown":1}"#,
                "req_header",
            ),
            (500, "[1", None, "[1", "req_header"),
            (500, r#""text""#, None, "text", "req_header"),
        ] {
            let error = ApiError::read(&head(status, &header), body.as_bytes());
            assert_eq!(error.status.as_u16(), status);
            assert_eq!(error.code.as_ref().map(ErrorCode::as_str), code, "{body}");
            assert_eq!(error.message, message, "{body}");
            assert_eq!(error.request_id(), Some(id), "{body}");
        }
    }

    #[test]
    fn a_code_that_repeats_the_status_is_said_once() {
        let body = br#"{"error":{"code":402,"message":"Insufficient credits"}}"#;
        let error = ApiError::read(&head(402, &[]), body);
        assert_eq!(error.to_string(), "Insufficient credits (402)");
        let error = ApiError::read(&head(400, &[]), body);
        assert_eq!(error.to_string(), "Insufficient credits (400, 402)");
    }

    #[test]
    fn a_body_that_is_no_text_is_named_and_not_shown() {
        let gzip = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xabVJ-*\xca/R\xb2";
        for (headers, body, message) in [
            (
                &[("content-encoding", "gzip")][..],
                &gzip[..],
                r#"the reply is encoded as "gzip", which nobody asked for"#,
            ),
            (
                &[],
                gzip,
                r#"the reply is encoded as "gzip", which nobody asked for"#,
            ),
            (
                &[("content-encoding", "br")],
                b"\x0b\x02\x80\xff",
                r#"the reply is encoded as "br", which nobody asked for"#,
            ),
            (&[], b"\x0b\x02\x80\xff", "the reply is no text"),
            (&[("content-encoding", "gzip")], b"down", "down"),
            (&[("content-encoding", "gzip")], br#"{"message":"m"}"#, "m"),
            (&[], b"Acc\xe8s", "Acc\u{fffd}s"),
        ] {
            let error = ApiError::read(&head(400, headers), body);
            assert_eq!(error.message, message);
            assert!(!error.excerpt().contains('\u{1f}'));
        }
    }

    #[test]
    fn the_bodys_hint_goes_before_the_headers() {
        let head = head(429, &[("retry-after", "9")]);
        for (hint, seconds) in [
            ("7", 7.0),
            ("\"7.5\"", 7.5),
            ("-1", 9.0),
            ("null", 9.0),
            ("[]", 9.0),
        ] {
            let body =
                format!(r#"{{"error":{{"code":"x","message":"m","retry_after_seconds":{hint}}}}}"#);
            let error = ApiError::read(&head, body.as_bytes());
            assert_eq!(
                error.retry_after(),
                Some(Duration::from_secs_f64(seconds)),
                "{hint}"
            );
        }
    }

    #[test]
    fn quota_and_rate_are_told_apart() {
        for (status, code, rate, quota) in [
            (429, "rate_limit_exceeded", true, false),
            (429, "unheard_of", true, false),
            (429, "insufficient_quota", false, true),
            (429, "batch_limit_exceeded", false, true),
            (402, "insufficient_credits", false, true),
            (402, "unheard_of", false, true),
            (500, "internal_error", false, false),
        ] {
            let body = format!(r#"{{"error":{{"code":"{code}","message":"m"}}}}"#);
            let error = ApiError::read(&head(status, &[]), body.as_bytes());
            assert_eq!(
                (error.is_rate_limit(), error.is_quota()),
                (rate, quota),
                "{status} {code}"
            );
        }
    }

    #[test]
    fn a_403_is_about_the_key_only_where_its_code_does_not_say_otherwise() {
        for (status, code, auth) in [
            (401, "unauthorized", true),
            (403, "forbidden", true),
            (403, "unheard_of", true),
            (403, "content_policy_violation", false),
            (403, "invalid_input", false),
            (400, "invalid_request", false),
        ] {
            let body = format!(r#"{{"error":{{"code":"{code}","message":"m"}}}}"#);
            assert_eq!(
                ApiError::read(&head(status, &[]), body.as_bytes()).is_auth(),
                auth,
                "{status} {code}"
            );
        }
    }

    #[test]
    fn an_echoed_key_is_taken_out_wherever_it_stands() {
        let body = r#"{"error":{"code":"c rsk_canary","message":"bad key rsk_canary","details":{"a":["Bearer rsk_canary"],"b":{"rsk_canary":1}},
            "provider_code":"rsk_canary","provider_error":"rsk_canary"},"request_id":"rsk_canary"}"#;
        let mut error = ApiError::read(&head(401, &[]), body.as_bytes());
        error.redact("rsk_canary");
        assert!(
            !format!(
                "{error:?} {error} {:?} {:?}",
                error.details, error.provider_error
            )
            .contains("canary")
        );
        assert_eq!(error.message, "bad key [key]");
    }
}
