//! Reading an error out of JSON, in whatever envelope it comes.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Map, Value};

use super::ApiError;
use crate::error::{ErrorCode, ValidationFinding, excerpt, message};
use crate::wire::count_in;

impl ApiError {
    /// Reads an error out of a JSON object in any of the known envelopes, or `None` where it is
    /// none of them.
    pub(crate) fn from_envelope(status: StatusCode, envelope: &Map<String, Value>) -> Option<Self> {
        let mut error = Self::bare(status, String::new());
        let inner = match envelope.get("error") {
            Some(Value::Array(errors)) => errors.first(),
            inner => inner,
        };
        match inner {
            Some(Value::Object(inner)) => error.take_inner(inner),
            Some(Value::String(text)) => error.message = message(text),
            _ => error.take_flat(envelope)?,
        }
        error.excerpt = serde_json::to_string(envelope)
            .map(|text| excerpt(text.as_bytes()))
            .unwrap_or_default();
        // Some deployments put the code, the hint or the id beside the message, not under `error`.
        error.code = error.code.or_else(|| code(envelope.get("code")));
        error.told_status = error.told_status.or_else(|| status_in(envelope));
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

    /// The error inside a success, where `document` tells one beyond doubt: under `error`, or by a
    /// `base_resp` that is none of success.
    pub(crate) fn in_band(document: &Map<String, Value>) -> Option<Self> {
        let tells = match document.get("error") {
            Some(Value::Object(_) | Value::String(_) | Value::Bool(true)) => true,
            Some(Value::Array(errors)) => {
                matches!(errors.first(), Some(Value::Object(_) | Value::String(_)))
            }
            _ => failed_response(document).is_some(),
        };
        if tells {
            Self::from_envelope(StatusCode::OK, document)
        } else {
            None
        }
    }

    /// The error inside a success that `document` is, where it says nothing of a reply: its words
    /// are an error, unless it says that all is well, or has no code and calls itself something
    /// else, such as news of the work.
    pub(crate) fn in_place_of_reply(document: &Map<String, Value>) -> Option<Self> {
        let is_else = |name: &&str| {
            let named = document.get(*name).and_then(Value::as_str);
            named.is_some_and(|it| !names_error(it))
        };
        if says_success(document)
            || (code(document.get("code")).is_none()
                && ["type", "object", "status"].iter().any(is_else))
        {
            return None;
        }
        Self::from_envelope(StatusCode::OK, document)
    }

    /// Takes an error without an envelope of its own.
    fn take_flat(&mut self, fields: &Map<String, Value>) -> Option<()> {
        if let Some(detail) = fields.get("detail").filter(|it| says_something(it)) {
            self.take_detail(detail);
        } else {
            match (fields.get("message"), failed_response(fields)) {
                (Some(Value::String(text)), _) => self.message = message(text),
                // Mistral's.
                (Some(Value::Object(inner)), _)
                    if inner.get("detail").is_some_and(says_something) =>
                {
                    self.take_detail(inner.get("detail")?);
                }
                (_, Some(failed)) => {
                    self.code = code(failed.get("status_code"));
                    let words = failed.get("status_msg").and_then(Value::as_str);
                    self.message = words.map(message).unwrap_or_default();
                }
                _ => self.message = message(fields.get("msg")?.as_str()?),
            }
        }
        let kind = fields.get("type").and_then(Value::as_str);
        if code(fields.get("code")).is_some() || kind.is_some_and(names_error) {
            self.code = self.code.take().or_else(|| code_in(fields));
        }
        Some(())
    }

    fn take_detail(&mut self, detail: &Value) {
        if let Value::String(text) = detail {
            self.message = message(text);
        } else {
            self.message = validation_message(detail);
            self.details = Some(detail.clone());
        }
    }

    fn take_inner(&mut self, inner: &Map<String, Value>) {
        let own = |name: &str| inner.get(name).filter(|value| !value.is_null());
        self.code = code_in(inner);
        self.told_status = status_in(inner);
        let words = text(inner.get("message"));
        self.details = own("details").cloned();
        self.provider_code = text(inner.get("provider_code"));
        self.provider_error = own("provider_error").cloned();
        self.retry_after = seconds(inner.get("retry_after_seconds"))
            .or_else(|| self.details.as_ref().and_then(retry_info));
        self.request_id = text(inner.get("request_id"));
        let behind = inner
            .get("metadata")
            .and_then(Value::as_object)
            .and_then(|metadata| self.take_metadata(metadata));
        self.message = match (words, behind) {
            (Some(words), Some(behind)) if !says(&words, &behind) => {
                message(&format!("{words}: {behind}"))
            }
            (Some(words), _) | (None, Some(words)) => message(&words),
            (None, None) => String::new(),
        };
    }

    /// Takes what `OpenRouter` says beside its message, and gives the provider's own words.
    fn take_metadata(&mut self, metadata: &Map<String, Value>) -> Option<String> {
        let reasons = metadata.get("reasons").and_then(Value::as_array);
        self.is_flagged = reasons.is_some_and(|reasons| !reasons.is_empty());
        if self.details.is_none() {
            self.details = Some(Value::Object(metadata.clone()));
        }
        let raw = match metadata.get("raw")? {
            Value::String(text) => {
                serde_json::from_str(text).unwrap_or_else(|_| excerpt(text.as_bytes()).into())
            }
            raw => raw.clone(),
        };
        let words = words(&raw).map(str::to_owned);
        if self.provider_error.is_none() && !raw.is_null() {
            self.provider_error = Some(raw);
        }
        words
    }
}

/// The object that an envelope is: itself, or the first of a list, as Google's are.
pub(crate) fn envelope(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(envelope) => Some(envelope),
        Value::Array(items) => match items.into_iter().next() {
            Some(Value::Object(envelope)) => Some(envelope),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a type, an object's name or a status is that of an error.
pub(crate) fn names_error(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.is_empty() || name.contains("error") || name.contains("fail") || name.contains("exception")
}

/// Whether a document says by its code that all went well.
fn says_success(document: &Map<String, Value>) -> bool {
    let is_good = |name: &&str| {
        text(document.get(*name)).is_some_and(|told| {
            ["0", "200", "ok", "success"].contains(&told.to_ascii_lowercase().as_str())
        })
    };
    document.get("success") == Some(&Value::Bool(true)) || ["code", "status"].iter().any(is_good)
}

/// `MiniMax`'s word on how a call went, where it did not go well.
fn failed_response(document: &Map<String, Value>) -> Option<&Map<String, Value>> {
    let response = document.get("base_resp")?.as_object()?;
    (count_in(response.get("status_code")?)? != 0).then_some(response)
}

fn says_something(detail: &Value) -> bool {
    matches!(
        detail,
        Value::String(_) | Value::Array(_) | Value::Object(_)
    )
}

/// Whether `words` say what `more` says, whatever its case.
fn says(words: &str, more: &str) -> bool {
    words.to_lowercase().contains(&more.to_lowercase())
}

/// The words of an error in any envelope.
fn words(error: &Value) -> Option<&str> {
    match error {
        Value::String(text) => Some(text.trim()).filter(|text| !text.is_empty()),
        Value::Array(items) => words(items.first()?),
        Value::Object(fields) => ["error", "message", "detail", "msg"]
            .iter()
            .find_map(|name| words(fields.get(*name)?)),
        _ => None,
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

/// The code of an error. OpenAI says the kind of error in `type` and leaves `code` null; Google and
/// many others have a status for a code, and its name beside it.
fn code_in(fields: &Map<String, Value>) -> Option<ErrorCode> {
    let told = fields.get("code");
    let name = |name: &str| {
        let named = fields.get(name).and_then(Value::as_str)?;
        let is_name = named.starts_with(|first: char| first.is_ascii_alphabetic())
            && !named.eq_ignore_ascii_case("error")
            && !named.contains([':', '/', ' ']);
        is_name.then(|| ErrorCode::from(named))
    };
    if told.and_then(error_status).is_some() {
        return name("status")
            .or_else(|| name("type"))
            .or_else(|| code(told));
    }
    code(told).or_else(|| code(fields.get("type")))
}

/// The status that an error tells of itself, as its code or beside it.
fn status_in(fields: &Map<String, Value>) -> Option<StatusCode> {
    ["code", "status", "status_code", "raw_status_code"]
        .iter()
        .find_map(|name| error_status(fields.get(*name)?))
}

fn error_status(value: &Value) -> Option<StatusCode> {
    let number = count_in(value).filter(|number| (400..=599).contains(number))?;
    StatusCode::from_u16(u16::try_from(number).ok()?).ok()
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

/// Google's hint: a duration as `41s`, among the details.
fn retry_info(details: &Value) -> Option<Duration> {
    details.as_array()?.iter().find_map(|detail| {
        let delay = detail.get("retryDelay")?.as_str()?;
        crate::call::hint(delay.trim().strip_suffix('s')?.parse().ok()?)
    })
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
