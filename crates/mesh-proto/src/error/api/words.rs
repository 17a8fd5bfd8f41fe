//! The words of an error, wherever they stand: of several, the most specific.

use http::StatusCode;
use serde_json::{Map, Value};

use super::envelope::field;
use crate::error::ValidationFinding;
use crate::excerpt::message;
use crate::wire::from_text;

/// Where words stand, the likeliest place first.
const NAMES: [&str; 17] = [
    "message",
    "detail",
    "error_description",
    "msg",
    "errors",
    "error",
    "reason",
    "details",
    "error_message",
    "errorMessage",
    "error_msg",
    "errmsg",
    "description",
    "title",
    "faultstring",
    "fault",
    "exception",
];

/// How deep words are looked for.
const DEPTH: u8 = 4;

/// How many items of a list are told.
const ITEMS: usize = 10;

/// The most specific words in a value: a text, or what stands in a list or an object.
pub(super) fn words(value: &Value) -> Option<String> {
    words_in(value, DEPTH)
}

/// The same of an object's fields, but those of a name.
pub(super) fn words_beside(fields: &Map<String, Value>, but: &[&str]) -> Option<String> {
    of_fields(fields, but, DEPTH)
}

fn words_in(value: &Value, depth: u8) -> Option<String> {
    let depth = depth.checked_sub(1)?;
    match value {
        Value::String(text) => of_text(text.trim(), depth),
        Value::Array(items) => {
            if let Some(findings) = findings(value) {
                return Some(findings);
            }
            let mut all: Vec<String> = Vec::new();
            for words in items.iter().filter_map(|item| words_in(item, depth)) {
                if !all.contains(&words) {
                    all.push(words);
                }
            }
            all.truncate(ITEMS);
            (!all.is_empty()).then(|| all.join("; "))
        }
        Value::Object(fields) => of_fields(fields, &[], depth),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// A text, or the words of an error that is quoted in it as JSON.
fn of_text(text: &str, depth: u8) -> Option<String> {
    if text.starts_with(['{', '['])
        && let Ok(quoted) = from_text::<Value>(text)
        && let Some(words) = words_in(&quoted, depth)
    {
        return Some(words);
    }
    (!text.is_empty()).then(|| text.to_owned())
}

fn of_fields(fields: &Map<String, Value>, but: &[&str], depth: u8) -> Option<String> {
    let mut generic = None;
    for name in NAMES.iter().filter(|name| !but.contains(name)) {
        let Some(value) = field(fields, name) else {
            continue;
        };
        let words = match value {
            // Findings by the name of the field that they are about.
            Value::Object(by_field) if *name == "errors" => by_name(by_field, depth),
            value => words_in(value, depth),
        };
        let Some(words) = words else {
            continue;
        };
        if !is_generic(&words) {
            return Some(words);
        }
        generic = generic.or(Some(words));
    }
    generic
}

fn by_name(findings: &Map<String, Value>, depth: u8) -> Option<String> {
    let told: Vec<String> = findings
        .iter()
        .filter_map(|(name, words)| Some(format!("{name}: {}", words_in(words, depth)?)))
        .take(ITEMS)
        .collect();
    (!told.is_empty()).then(|| told.join("; "))
}

/// Whether words say no more than a status does.
pub(super) fn is_generic(words: &str) -> bool {
    const GENERIC: [&str; 11] = [
        "about:blank",
        "an error occurred",
        "error",
        "fail",
        "failed",
        "failure",
        "no message",
        "no message available",
        "one or more validation errors occurred.",
        "unknown",
        "unknown error",
    ];
    let words = words.trim().to_ascii_lowercase();
    let is_reason = |status: u16| {
        let status = StatusCode::from_u16(status).ok();
        status
            .and_then(|status| status.canonical_reason())
            .is_some_and(|reason| reason.eq_ignore_ascii_case(&words))
    };
    GENERIC.contains(&words.as_str())
        || words.bytes().all(|byte| byte.is_ascii_digit())
        || (400..=599).any(is_reason)
}

/// Whether a text is a code rather than words.
pub(super) fn is_code(text: &str) -> bool {
    !text.contains(|character: char| character.is_whitespace()) && text.contains('_')
}

/// The findings of a validation in one line: `body.temperature: must be at most 2`.
fn findings(detail: &Value) -> Option<String> {
    let findings = ValidationFinding::read_all(detail);
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
    (!lines.is_empty()).then(|| lines.join("; "))
}

/// The words of a `detail`, or all of it where there are none.
pub(super) fn of_detail(detail: &Value) -> String {
    message(&words(detail).unwrap_or_else(|| detail.to_string()))
}
