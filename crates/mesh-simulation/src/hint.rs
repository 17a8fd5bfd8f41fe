//! How a gateway says when to come again, in every form that has been seen, and what each form means.

use std::time::{Duration, UNIX_EPOCH};

use http::HeaderMap;
use http::header::{DATE, HeaderValue, RETRY_AFTER};
use serde_json::{Map, Value, json};

use crate::chance::Chance;

/// What the gateway wants, as it says it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hint {
    header: Option<(String, Option<String>)>,
    field: Option<Value>,
    /// What the header alone means.
    pub(crate) by_header: Option<Duration>,
    /// What the body's field means, which stands before the header.
    pub(crate) by_field: Option<Duration>,
}

impl Hint {
    /// What headers mean in whole seconds, and the field of an error's body beside them.
    pub(crate) fn read(headers: &HeaderMap, body: &[u8]) -> Self {
        let header = headers.get(RETRY_AFTER).and_then(|it| it.to_str().ok());
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let field = body.pointer("/error/retry_after_seconds");
        Self {
            by_header: header
                .and_then(|it| it.parse().ok())
                .map(Duration::from_secs),
            by_field: field.and_then(Value::as_u64).map(Duration::from_secs),
            ..Self::default()
        }
    }

    pub(crate) fn any(chance: &mut Chance) -> Self {
        let mut hint = Self::default();
        if chance.percent(60) {
            hint.say_in_header(chance);
        }
        if chance.percent(30) {
            hint.say_in_field(chance);
        }
        hint
    }

    fn say_in_header(&mut self, chance: &mut Chance) {
        // 2026-10-21, 07:28:00 UTC.
        let now = UNIX_EPOCH + Duration::from_secs(1_792_567_680);
        let date = httpdate::fmt_http_date(now);
        let whole = chance.of(&[0, 1, 2, 5, 59, 60, 61, 3600]);
        let meant = Duration::from_secs(whole);
        let (value, date, by_header) = match chance.below(10) {
            0..=3 => (whole.to_string(), None, Some(meant)),
            4 => (
                httpdate::fmt_http_date(now + meant),
                Some(date),
                Some(meant),
            ),
            5 => {
                let past = httpdate::fmt_http_date(now - meant);
                (past, Some(date), Some(Duration::ZERO))
            }
            // Nobody knows the gateway's clock.
            6 => (httpdate::fmt_http_date(now + meant), None, None),
            7 => ("1.5".to_owned(), None, Some(Duration::from_millis(1500))),
            8 => ("9".repeat(40), None, Some(Duration::MAX)),
            _ => {
                let nonsense = chance.of(&["-1", "inf", "NaN", "soon", ""]);
                (nonsense.to_owned(), None, None)
            }
        };
        self.header = Some((value, date));
        self.by_header = by_header;
    }

    fn say_in_field(&mut self, chance: &mut Chance) {
        let (field, by_field) = match chance.below(7) {
            0 => (json!(0), Some(0.0)),
            1 => (json!(3), Some(3.0)),
            2 => (json!(2.25), Some(2.25)),
            3 => (json!("4"), Some(4.0)),
            4 => (json!(100), Some(100.0)),
            5 => (json!(-2), None),
            _ => (Value::Null, None),
        };
        self.field = Some(field);
        self.by_field = by_field.map(Duration::from_secs_f64);
    }

    pub(crate) fn write(&self, headers: &mut HeaderMap, error: &mut Map<String, Value>) {
        let ascii = |text: &str| HeaderValue::from_str(text).expect("hints are ASCII");
        if let Some((value, date)) = &self.header {
            headers.insert(RETRY_AFTER, ascii(value));
            if let Some(date) = date {
                headers.insert(DATE, ascii(date));
            }
        }
        if let Some(field) = &self.field {
            error.insert("retry_after_seconds".to_owned(), field.clone());
        }
    }
}
