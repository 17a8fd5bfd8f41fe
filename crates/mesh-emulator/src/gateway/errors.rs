//! Errors as the gateway writes them ([protocol reference, section 7](mesh_proto::protocol#7-errors)).

use bytes::Bytes;
use http::StatusCode;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use mesh_proto::error::ErrorCode;
use serde_json::{Value, json};

use super::draft::Draft;
use super::secrets::without_keys;
use super::switches::ErrorForm;

/// Why a request is not answered.
#[derive(Debug)]
pub(super) enum Refused {
    /// An error with a stable code.
    Error(Box<GatewayError>),
    /// Fields that break rules: 422.
    Fields(Vec<FieldProblem>),
    /// The edge's 413: HTML, without a request id.
    TooLarge,
}

/// An error with a stable code.
#[derive(Debug)]
pub(super) struct GatewayError {
    pub(super) status: StatusCode,
    pub(super) code: ErrorCode,
    pub(super) message: String,
    pub(super) told: Told,
    pub(super) retry_after_seconds: Option<u64>,
    pub(super) headers: HeaderMap,
}

/// The form that the protocol reference documents for an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// The standard envelope.
    Envelope,
    /// `{"detail": "text"}`.
    Detail,
}

/// One rule that a field breaks.
#[derive(Debug, PartialEq)]
pub(super) struct FieldProblem {
    pub(super) place: Vec<Value>,
    pub(super) message: String,
    pub(super) kind: &'static str,
}

impl Refused {
    /// An error with the status that usually goes with its code.
    pub(super) fn because(code: ErrorCode, message: impl Into<String>) -> Self {
        let status = code.usual_status().unwrap_or(StatusCode::BAD_REQUEST);
        Self::with_status(status, code, message)
    }

    /// An error with another status than usually goes with its code.
    pub(super) fn with_status(
        status: StatusCode,
        code: ErrorCode,
        message: impl Into<String>,
    ) -> Self {
        Self::Error(Box::new(GatewayError {
            status,
            code,
            message: message.into(),
            told: Told::Envelope,
            retry_after_seconds: None,
            headers: HeaderMap::new(),
        }))
    }

    /// An error that is told as `{"detail": "text"}`.
    pub(super) fn detail(status: StatusCode, code: ErrorCode, message: impl Into<String>) -> Self {
        Self::Error(Box::new(GatewayError {
            status,
            code,
            message: message.into(),
            told: Told::Detail,
            retry_after_seconds: None,
            headers: HeaderMap::new(),
        }))
    }

    /// A body that is no object.
    pub(super) fn not_an_object() -> Self {
        Self::Fields(vec![FieldProblem {
            place: vec!["body".into()],
            message: "Input should be a valid dictionary".to_owned(),
            kind: "dict_type",
        }])
    }

    /// A model that cannot do what it is asked for: `what` follows its name.
    pub(super) fn incapable(model: &str, what: &str) -> Self {
        Self::because(
            ErrorCode::ModelCapabilityNotSupported,
            format!("The model {model} {what}."),
        )
    }

    /// 405, with the methods that are allowed.
    pub(super) fn wrong_method(allowed: &'static str) -> Self {
        Self::Error(Box::new(GatewayError {
            status: StatusCode::METHOD_NOT_ALLOWED,
            code: ErrorCode::Other("method_not_allowed".to_owned()),
            message: format!("This path answers {allowed} only."),
            told: Told::Envelope,
            retry_after_seconds: None,
            headers: HeaderMap::from_iter([(header::ALLOW, HeaderValue::from_static(allowed))]),
        }))
    }

    /// 429, to be tried again after so many seconds, which `retry_after` tells as a header does.
    pub(super) fn rate_limited(
        requests_per_minute: u32,
        seconds: u64,
        retry_after: Option<HeaderValue>,
    ) -> Self {
        let retry_after = retry_after.map(|it| (header::RETRY_AFTER, it));
        Self::Error(Box::new(GatewayError {
            status: StatusCode::TOO_MANY_REQUESTS,
            code: ErrorCode::RateLimitExceeded,
            message: format!(
                "This key has {requests_per_minute} requests per minute. Retry in {seconds} s."
            ),
            told: Told::Envelope,
            retry_after_seconds: Some(seconds),
            headers: retry_after.into_iter().collect(),
        }))
    }

    /// The response that says it.
    pub(super) fn draft(self, form: ErrorForm, request_id: &str) -> Draft {
        match self {
            Self::TooLarge => Draft::plain(
                StatusCode::PAYLOAD_TOO_LARGE,
                "text/html",
                Bytes::from_static(TOO_LARGE_PAGE),
            ),
            Self::Fields(problems) => fields(&problems, form, request_id),
            Self::Error(error) => {
                let message = without_keys(&error.message);
                let mut body = match (form, error.told) {
                    (ErrorForm::Documented, Told::Envelope) | (ErrorForm::Envelope, _) => {
                        envelope(error.code.as_str(), &message, request_id)
                    }
                    (bare, _) => bare_text(bare, &message),
                };
                if let (Some(seconds), Some(Value::Object(inner))) =
                    (error.retry_after_seconds, body.get_mut("error"))
                {
                    inner.insert("retry_after_seconds".to_owned(), seconds.into());
                }
                let mut draft = Draft::json(error.status, &body);
                draft.headers.extend(owned(error.headers));
                draft
            }
        }
    }
}

const TOO_LARGE_PAGE: &[u8] = b"<html>\r\n<head><title>413 Request Entity Too Large</title></head>\r\n<body>\r\n<center><h1>413 Request Entity Too Large</h1></center>\r\n</body>\r\n</html>\r\n";

fn fields(problems: &[FieldProblem], form: ErrorForm, request_id: &str) -> Draft {
    let detail: Vec<Value> = problems
        .iter()
        .map(|it| json!({"loc": it.place, "msg": without_keys(&it.message), "type": it.kind}))
        .collect();
    let text = || {
        let told: Vec<String> = problems
            .iter()
            .map(|it| format!("{}: {}", dotted(&it.place), without_keys(&it.message)))
            .collect();
        told.join("; ")
    };
    let body = match form {
        ErrorForm::Documented => json!({ "detail": detail }),
        ErrorForm::Envelope => {
            let mut body = envelope(ErrorCode::ValidationError.as_str(), &text(), request_id);
            if let Some(Value::Object(inner)) = body.get_mut("error") {
                inner.insert("details".to_owned(), detail.into());
            }
            body
        }
        bare => bare_text(bare, &text()),
    };
    Draft::json(StatusCode::UNPROCESSABLE_ENTITY, &body)
}

fn envelope(code: &str, message: &str, request_id: &str) -> Value {
    json!({"error": {"code": code, "message": message}, "request_id": request_id})
}

fn bare_text(form: ErrorForm, message: &str) -> Value {
    match form {
        ErrorForm::MessageOnly => json!({ "message": message }),
        ErrorForm::ErrorText => json!({ "error": message }),
        _ => json!({ "detail": message }),
    }
}

fn dotted(place: &[Value]) -> String {
    let steps: Vec<String> = place
        .iter()
        .map(|step| {
            step.as_str()
                .map_or_else(|| step.to_string(), str::to_owned)
        })
        .collect();
    steps.join(".")
}

fn owned(headers: HeaderMap) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    headers
        .into_iter()
        .filter_map(|(name, value)| Some((name?, value)))
}
