//! Reading an error out of JSON, in whatever envelope it comes.

use http::StatusCode;
use serde_json::{Map, Value};

use super::ApiError;
use super::hints::WaitHints;
use super::signs::Signs;
use super::words::{is_code, is_generic, of_detail, words, words_beside};
use crate::error::ErrorCode;
use crate::excerpt::{excerpt, message};
use crate::wire::count_in;

impl ApiError {
    /// Reads an error out of a JSON object in any of the known envelopes, or `None` where it is
    /// none of them.
    pub(crate) fn from_envelope(status: StatusCode, envelope: &Map<String, Value>) -> Option<Self> {
        let mut error = Self::bare(status, String::new());
        let own = field(envelope, "error");
        let inner = match own {
            Some(Value::Array(errors)) => errors.first(),
            inner => inner,
        };
        match (inner, own) {
            (Some(Value::Object(inner)), _) => error.take_inner(inner, envelope),
            (Some(Value::String(text)), Some(Value::String(_))) => error.take_text(text, envelope),
            (Some(Value::String(_)), Some(texts)) => {
                error.message = words(texts).map(|it| message(&it)).unwrap_or_default();
            }
            _ => error.take_flat(envelope)?,
        }
        error.excerpt = serde_json::to_string(envelope)
            .map(|text| excerpt(text.as_bytes()))
            .unwrap_or_default();
        let first = match field(envelope, "errors") {
            Some(Value::Array(errors)) => errors.first().and_then(Value::as_object),
            _ => None,
        };
        // Some deployments put the code, the hint or the id beside the message, not under `error`.
        error.code = error
            .code
            .or_else(|| code(field(envelope, "code")))
            .or_else(|| first.and_then(code_in));
        error.told_status = error
            .told_status
            .or_else(|| status_in(envelope))
            .or_else(|| first.and_then(status_in));
        error.request_id = text(envelope.get("request_id")).or(error.request_id);
        error.signs = Signs::of(envelope, error.provider_error.as_ref());
        error.hints = WaitHints::of(envelope);
        error.settle_wait(None, None);
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

    /// Takes an error without an envelope of its own.
    fn take_flat(&mut self, fields: &Map<String, Value>) -> Option<()> {
        let told = fields.get("message");
        let within = match told {
            // Mistral's.
            Some(Value::Object(inner)) => inner.get("detail").filter(|it| says_something(it)),
            _ => None,
        };
        if let Some(detail) = fields
            .get("detail")
            .filter(|it| says_something(it))
            .or(within)
        {
            self.take_detail(detail);
        } else if let (false, Some(failed)) =
            (told.is_some_and(Value::is_string), failed_response(fields))
        {
            self.code = code(failed.get("status_code"));
            let words = failed.get("status_msg").and_then(Value::as_str);
            self.message = words.map(message).unwrap_or_default();
        } else if !self.status.is_success() || tells_failure(fields) {
            self.message = message(&words_beside(fields, &[])?);
            self.details = field(fields, "errors").filter(|it| !it.is_null()).cloned();
        } else {
            let words = told.and_then(Value::as_str);
            let words = words.or_else(|| fields.get("msg")?.as_str());
            self.message = message(words?);
        }
        let kind = fields.get("type").and_then(Value::as_str);
        if code(fields.get("code")).is_some() || kind.is_some_and(names_error) {
            self.code = self.code.take().or_else(|| code_in(fields));
        }
        Some(())
    }

    fn take_detail(&mut self, detail: &Value) {
        self.message = of_detail(detail);
        if let Value::Object(fields) = detail {
            self.code = code_in(fields);
            self.told_status = status_in(fields);
        }
        if !detail.is_string() {
            self.details = Some(detail.clone());
        }
    }

    /// Takes an error that is a text. What stands beside it may say more: some name the status
    /// here, or a code.
    fn take_text(&mut self, text: &str, envelope: &Map<String, Value>) {
        let own = words(&Value::String(text.to_owned())).unwrap_or_default();
        let is_code = is_code(&own);
        let beside = if is_generic(&own) || is_code || own.is_empty() {
            words_beside(envelope, &["error"]).filter(|it| !is_generic(it))
        } else {
            None
        };
        if is_code && beside.is_some() {
            self.code = Some(ErrorCode::from(own.as_str()));
        }
        self.message = message(&beside.unwrap_or(own));
    }

    fn take_inner(&mut self, inner: &Map<String, Value>, envelope: &Map<String, Value>) {
        let own = |name: &str| inner.get(name).filter(|value| !value.is_null());
        let nested = field(inner, "error").and_then(Value::as_object);
        self.code = code_in(inner).or_else(|| nested.and_then(code_in));
        self.told_status = status_in(inner).or_else(|| nested.and_then(status_in));
        self.details = own("details").cloned();
        self.provider_code = text(inner.get("provider_code"));
        self.provider_error = own("provider_error").cloned();
        self.request_id = text(inner.get("request_id"));
        let told = words_beside(inner, &[]);
        let is_bare = told.as_deref().is_none_or(is_generic);
        let told = match words_beside(envelope, &["error"]) {
            Some(beside) if is_bare && !is_generic(&beside) => Some(beside),
            _ => told,
        };
        let told = told.or_else(|| words(self.provider_error.as_ref()?));
        let behind = inner
            .get("metadata")
            .and_then(Value::as_object)
            .and_then(|metadata| self.take_metadata(metadata));
        self.message = match (told, behind) {
            (Some(told), Some(behind)) if !says(&told, &behind) => {
                message(&format!("{told}: {}", message(&behind)))
            }
            (Some(told), _) | (None, Some(told)) => message(&told),
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
        let words = words(&raw);
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

/// A field, whose name some write with a capital.
pub(super) fn field<'m>(fields: &'m Map<String, Value>, name: &str) -> Option<&'m Value> {
    fields.get(name).or_else(|| {
        let mut fields = fields.iter();
        let found = fields.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value)
    })
}

/// Whether a type, an object's name or a status is that of an error.
pub(crate) fn names_error(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.is_empty() || name.contains("error") || name.contains("fail") || name.contains("exception")
}

/// Whether a document says that there was no success, and why.
pub(crate) fn is_unsuccessful(document: &Map<String, Value>) -> bool {
    let is_false = |name: &&str| match document.get(*name) {
        Some(Value::Bool(success)) => !success,
        Some(Value::String(text)) => text.eq_ignore_ascii_case("false"),
        _ => false,
    };
    ["success", "ok"].iter().any(is_false) && words_beside(document, &[]).is_some()
}

/// Whether a document without a reply is an error by what stands in it.
fn tells_failure(document: &Map<String, Value>) -> bool {
    let has_errors = match document.get("errors") {
        Some(Value::Array(errors)) => !errors.is_empty(),
        Some(Value::Object(errors)) => !errors.is_empty(),
        _ => false,
    };
    has_errors || is_unsuccessful(document) || status_in(document).is_some()
}

/// `MiniMax`'s word on how a call went, where it did not go well.
pub(crate) fn failed_response(document: &Map<String, Value>) -> Option<&Map<String, Value>> {
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

pub(crate) fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

pub(crate) fn code(value: Option<&Value>) -> Option<ErrorCode> {
    text(value).map(|text| ErrorCode::from(text.as_str()))
}

/// The code of an error. OpenAI says the kind of error in `type` and leaves `code` null; Google and
/// many others have a status for a code, and its name beside it. A `type` that is a URL is that of
/// RFC 9457, and `__type` is Amazon's.
fn code_in(fields: &Map<String, Value>) -> Option<ErrorCode> {
    let told = field(fields, "code");
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
    let is_url = |kind: &ErrorCode| kind.as_str() == "about:blank" || kind.as_str().contains("://");
    code(told)
        .or_else(|| code(fields.get("type")).filter(|kind| !is_url(kind)))
        .or_else(|| code(fields.get("__type")))
}

/// Fields in which a status is written.
pub(super) const STATUSES: [&str; 7] = [
    "code",
    "status",
    "status_code",
    "statusCode",
    "raw_status_code",
    "http_status",
    "httpStatus",
];

/// The status that an error tells of itself, as its code or beside it.
pub(crate) fn status_in(fields: &Map<String, Value>) -> Option<StatusCode> {
    STATUSES
        .iter()
        .find_map(|name| error_status(fields.get(*name)?))
}

pub(super) fn error_status(value: &Value) -> Option<StatusCode> {
    let number = count_in(value).filter(|number| (400..=599).contains(number))?;
    StatusCode::from_u16(u16::try_from(number).ok()?).ok()
}
