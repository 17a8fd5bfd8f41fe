//! An error that the gateway reports, in every form of the protocol reference, section 7.

use std::fmt;
use std::time::Duration;

use http::StatusCode;
use serde_json::{Map, Value};

use super::{ErrorCode, ValidationFinding, Wait, excerpt, message, redact};
use crate::call::retry_after;
use crate::head::Head;

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
        let envelope = std::str::from_utf8(body)
            .ok()
            .and_then(|body| serde_json::from_str::<Value>(body).ok());
        let mut error = match envelope {
            Some(Value::Object(envelope)) => Self::from_envelope(head.status(), &envelope)
                .unwrap_or_else(|| {
                    let mut bare = Self::bare(head.status(), excerpt(body));
                    bare.details = Some(Value::Object(envelope));
                    bare
                }),
            Some(Value::String(text)) => Self::bare(head.status(), message(&text)),
            _ => Self::bare(head.status(), excerpt(body)),
        };
        if error.message.is_empty() {
            let reason = head.status().canonical_reason();
            reason
                .unwrap_or("no message")
                .clone_into(&mut error.message);
        }
        error.excerpt = excerpt(body);
        error.complete_from(head);
        error
    }

    /// Reads an error out of a JSON object in any of the known envelopes, or `None` where it is
    /// none of them.
    pub(crate) fn from_envelope(status: StatusCode, envelope: &Map<String, Value>) -> Option<Self> {
        let mut error = Self::bare(status, String::new());
        error.excerpt = serde_json::to_string(envelope)
            .map(|text| excerpt(text.as_bytes()))
            .unwrap_or_default();
        match (
            envelope.get("error"),
            envelope.get("detail"),
            envelope.get("message"),
        ) {
            (Some(Value::Object(inner)), _, _) => error.take_inner(inner),
            (Some(Value::String(text)), _, _) | (_, Some(Value::String(text)), _) => {
                error.message = message(text);
            }
            (_, Some(detail @ (Value::Array(_) | Value::Object(_))), _) => {
                error.message = validation_message(detail);
                error.details = Some(detail.clone());
            }
            (_, _, Some(Value::String(text))) => error.message = message(text),
            _ => return None,
        }
        // Some deployments put the code, the hint or the id beside the message, not under `error`.
        error.code = error.code.or_else(|| code(envelope.get("code")));
        error.retry_after = error
            .retry_after
            .or_else(|| seconds(envelope.get("retry_after_seconds")));
        error.request_id = text(envelope.get("request_id")).or(error.request_id);
        if error.message.is_empty() {
            error.message = error
                .code
                .as_ref()
                .map(|code| message(code.as_str()))
                .filter(|code| !code.is_empty())
                .unwrap_or_else(|| "no message".to_owned());
        }
        Some(error)
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
        }
    }

    fn take_inner(&mut self, inner: &Map<String, Value>) {
        // OpenAI says the kind of error in `type` and leaves `code` null.
        self.code = code(inner.get("code")).or_else(|| code(inner.get("type")));
        self.message = text(inner.get("message"))
            .map(|text| message(&text))
            .unwrap_or_default();
        self.details = inner
            .get("details")
            .filter(|value| !value.is_null())
            .cloned();
        self.provider_code = text(inner.get("provider_code"));
        self.provider_error = inner
            .get("provider_error")
            .filter(|value| !value.is_null())
            .cloned();
        self.retry_after = seconds(inner.get("retry_after_seconds"));
        self.request_id = text(inner.get("request_id"));
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
            && (self.status == StatusCode::TOO_MANY_REQUESTS
                || matches!(
                    self.code,
                    Some(ErrorCode::RateLimitExceeded | ErrorCode::UpstreamRateLimitError)
                ))
    }

    /// Whether this is about what the account has left: waiting does not help.
    pub fn is_quota(&self) -> bool {
        self.status == StatusCode::PAYMENT_REQUIRED
            || matches!(
                self.code,
                Some(
                    ErrorCode::InsufficientCredits
                        | ErrorCode::SpendLimitExceeded
                        | ErrorCode::BatchLimitExceeded
                        | ErrorCode::InsufficientQuota
                )
            )
    }

    /// Whether the key is missing, wrong, or may not do this. The code decides where it is known:
    /// providers answer 403 for other reasons, too.
    pub fn is_auth(&self) -> bool {
        match &self.code {
            Some(ErrorCode::Unauthorized | ErrorCode::Forbidden | ErrorCode::ModelExcluded) => true,
            Some(ErrorCode::Other(_)) | None => {
                matches!(
                    self.status,
                    StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
                )
            }
            Some(_) => false,
        }
    }

    /// Whether the content policy forbade it.
    pub fn is_content_policy(&self) -> bool {
        self.code == Some(ErrorCode::ContentPolicyViolation)
    }

    /// The status, or for an error inside a success the one that its code usually goes with.
    pub(crate) fn effective_status(&self) -> Option<StatusCode> {
        if self.status.is_success() {
            self.code.as_ref().and_then(ErrorCode::usual_status)
        } else {
            Some(self.status)
        }
    }
}

fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn code(value: Option<&Value>) -> Option<ErrorCode> {
    text(value).map(|text| ErrorCode::from(text.as_str()))
}

/// Seconds as a number or as text. Negative, infinite and unreadable ones say nothing.
fn seconds(value: Option<&Value>) -> Option<Duration> {
    let seconds = match value? {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    crate::call::hint(seconds)
}

/// A list of findings in one line: `body.temperature: must be at most 2`.
fn validation_message(detail: &Value) -> String {
    let findings = ValidationFinding::read_all(detail);
    if findings.is_empty() {
        return message(&detail.to_string());
    }
    let lines: Vec<String> = findings
        .into_iter()
        .map(|finding| {
            if finding.location.is_empty() {
                finding.message
            } else {
                format!("{}: {}", finding.location.join("."), finding.message)
            }
        })
        .collect();
    message(&lines.join("; "))
}

fn redact_value(value: &mut Value, secret: &str) {
    match value {
        Value::String(text) => redact(text, secret),
        Value::Array(items) => items.iter_mut().for_each(|item| redact_value(item, secret)),
        Value::Object(fields) => {
            // A key that is echoed as a field's name takes the whole object with it.
            if !secret.is_empty() && fields.keys().any(|name| name.contains(secret)) {
                *value = Value::String("[key]".to_owned());
            } else {
                fields
                    .values_mut()
                    .for_each(|field| redact_value(field, secret));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}", self.message, self.status.as_u16())?;
        if let Some(code) = &self.code {
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
