//! What a body says of when to ask again.

use std::time::{Duration, SystemTime};

use serde_json::{Map, Value};

use super::ApiError;
use super::envelope::field;
use crate::head::{Head, Hints, hint, wait_in};

/// The waits that stand in a body, until the response headers give the time to read them against.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct WaitHints {
    fields: Vec<(Unit, Value)>,
    /// Headers of a provider that the body quotes.
    quoted: Hints,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Unit {
    Seconds,
    Milliseconds,
    /// Google's: a duration as `41s`.
    Duration,
}

impl WaitHints {
    /// The waits in an envelope: its own, and those of the objects in it that describe the error.
    pub(super) fn of(envelope: &Map<String, Value>) -> Self {
        let mut hints = Self::default();
        let inner = match field(envelope, "error") {
            Some(Value::Array(errors)) => errors.first(),
            inner => inner,
        };
        let inner = inner.and_then(Value::as_object);
        let mut objects = Vec::new();
        for object in [inner, Some(envelope)].into_iter().flatten() {
            objects.push(object);
            let named = ["metadata", "details", "detail", "error", "data"];
            objects.extend(
                named
                    .iter()
                    .filter_map(|name| object.get(*name)?.as_object()),
            );
        }
        for object in &objects {
            hints.take(object);
        }
        for object in objects {
            if let Some(Value::Array(details)) = object.get("details") {
                let delays = details.iter().filter_map(|detail| detail.get("retryDelay"));
                let delays = delays.map(|delay| (Unit::Duration, delay.clone()));
                hints.fields.extend(delays);
            }
            if let Some(Value::Object(headers)) = object.get("headers")
                && hints.quoted.is_empty()
            {
                hints.quoted = Hints::from(headers);
            }
        }
        hints
    }

    fn take(&mut self, object: &Map<String, Value>) {
        const NAMES: [(&str, Unit); 7] = [
            ("retryafterseconds", Unit::Seconds),
            ("retryaftersecs", Unit::Seconds),
            ("retryafterms", Unit::Milliseconds),
            ("retryaftermilliseconds", Unit::Milliseconds),
            ("retryafter", Unit::Seconds),
            ("resetsinseconds", Unit::Seconds),
            ("retrydelay", Unit::Duration),
        ];
        let plain = |name: &str| -> String {
            let letters = name.chars().filter(char::is_ascii_alphanumeric);
            letters.map(|it| it.to_ascii_lowercase()).collect()
        };
        for (name, unit) in NAMES {
            let found = object.iter().find(|(known, _)| plain(known) == name);
            self.fields
                .extend(found.map(|(_, value)| (unit, value.clone())));
        }
    }

    /// The first wait that the body asks for and that can be read.
    fn field(&self, now: Option<SystemTime>) -> Option<Duration> {
        self.fields.iter().find_map(|(unit, value)| match unit {
            Unit::Seconds => wait_in(value, now),
            Unit::Milliseconds => {
                let milliseconds = match value {
                    Value::Number(number) => number.as_f64()?,
                    Value::String(text) => text.trim().parse().ok()?,
                    _ => return None,
                };
                hint(milliseconds / 1000.0)
            }
            Unit::Duration => wait_in(value.as_str().map(|_| value)?, now),
        })
    }
}

impl ApiError {
    /// Decides how long the gateway asks to wait. What is asked for in so many words goes before
    /// the reset of a limit, and the body before the headers, which are the gateway's, and those of
    /// a provider that the body quotes come last.
    pub(super) fn settle_wait(&mut self, head: Option<&Head>, received: Option<SystemTime>) {
        let own = head
            .map(|head| Hints::from(head.headers()))
            .unwrap_or_default();
        let quoted = &self.hints.quoted;
        let date = own.date();
        let now = date.or(received);
        let quoted_now = quoted.date().or(now);
        // The date in a `Retry-After` is the server's own, and only its clock can tell how far it is.
        let asked = self
            .hints
            .field(now)
            .or_else(|| own.retry_after(date))
            .or_else(|| quoted.retry_after(quoted.date().or(date)));
        self.asks_for_retry = asked.is_some();
        self.retry_after = asked.or_else(|| {
            let status = self.effective_status().unwrap_or(self.status);
            let reset = own.reset(status, now);
            reset.or_else(|| quoted.reset(status, quoted_now))
        });
    }
}
