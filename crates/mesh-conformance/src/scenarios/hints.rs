//! `Retry-After`, in all its forms: a lower bound, and a reason to give up at once.

use std::time::Duration;

use mesh_proto::Outcome;

use super::{REPLY, error_body, milliseconds};
use crate::scenario::{Ask, Expected, Scenario};
use crate::script::Exchange;

/// The longest back-off where there is no hint.
const BASE: Duration = Duration::from_millis(4);

/// A gateway that is busy once, with these headers.
fn busy(name: &'static str, rule: &'static str, headers: &[(&'static str, &str)]) -> Scenario {
    busy_saying(name, rule, headers, error_body("rate_limit_exceeded"))
}

fn busy_saying(
    name: &'static str,
    rule: &'static str,
    headers: &[(&'static str, &str)],
    body: String,
) -> Scenario {
    Scenario::new(name, rule, Ask::Chat).answers([
        Exchange::answer_with(429, headers, body),
        Exchange::answer(200, REPLY),
    ])
}

/// A reply after a wait of at least `hint`, to which jitter only adds.
fn after(hint: Duration) -> Expected {
    Expected::reply("hi")
        .attempts(2)
        .waits(hint..=hint + BASE.max(hint / 2))
}

/// The gateway's error at once, with its hint.
fn at_once(hint: Duration) -> Expected {
    Expected::error(429, Some("rate_limit_exceeded"), Outcome::Refused).hint(hint)
}

pub(super) fn scenarios() -> Vec<Scenario> {
    let one = Duration::from_secs(1);
    let noon = ("date", "Wed, 21 Oct 2026 12:00:00 GMT");
    vec![
        busy(
            "hint_in_seconds",
            "the hint is a lower bound",
            &[("retry-after", "1")],
        )
        .accepts(after(one)),
        busy(
            "hint_as_a_date",
            "a date is read against the response's own `Date`, and nobody's clock",
            &[noon, ("retry-after", "Wed, 21 Oct 2026 12:00:01 GMT")],
        )
        .accepts(after(one)),
        busy(
            "hint_of_a_fraction",
            "a fraction of a second counts",
            &[("retry-after", "0.25")],
        )
        .accepts(after(milliseconds(250))),
        busy(
            "hint_of_zero",
            "zero is no wait but the jitter",
            &[("retry-after", "0")],
        )
        .accepts(after(Duration::ZERO)),
        busy(
            "hint_in_the_past",
            "a date in the past is no wait",
            &[noon, ("retry-after", "Wed, 21 Oct 2026 11:00:00 GMT")],
        )
        .accepts(after(Duration::ZERO)),
        busy(
            "hint_as_a_date_without_date",
            "a date against nothing says nothing",
            &[("retry-after", "Wed, 21 Oct 2037 11:00:00 GMT")],
        )
        .accepts(after(Duration::ZERO)),
        busy(
            "hint_that_is_negative",
            "a negative hint says nothing",
            &[("retry-after", "-5")],
        )
        .accepts(after(Duration::ZERO)),
        busy(
            "hint_that_is_infinite",
            "an infinite hint says nothing",
            &[("retry-after", "inf")],
        )
        .accepts(after(Duration::ZERO)),
        busy(
            "hint_that_is_no_number",
            "nor does one that is no number",
            &[("retry-after", "NaN")],
        )
        .accepts(after(Duration::ZERO)),
        busy(
            "hint_that_is_absurd",
            "an absurd hint fails at once with the real error",
            &[("retry-after", "1e300")],
        )
        .accepts(at_once(Duration::MAX)),
        busy(
            "hint_too_long",
            "a hint beyond a minute fails at once: a hidden wait is worse than an answer",
            &[("retry-after", "61")],
        )
        .accepts(at_once(Duration::from_secs(61))),
        busy(
            "hint_longer_than_the_call",
            "so does one beyond what is left of the call",
            &[("retry-after", "30")],
        )
        .with(|settings| settings.deadlines.total = Some(Duration::from_secs(20)))
        .accepts(at_once(Duration::from_secs(30))),
        busy_saying(
            "hint_in_the_body",
            "the body's hint stands before the head's",
            &[("retry-after", "3600")],
            r#"{"error":{"code":"rate_limit_exceeded","message":"m","retry_after_seconds":0.2}}"#
                .to_owned(),
        )
        .accepts(after(milliseconds(200))),
        busy_saying(
            "hint_in_the_body_that_is_none",
            "a body's hint that is none leaves the head's",
            &[("retry-after", "0.2")],
            r#"{"error":{"code":"rate_limit_exceeded","message":"m","retry_after_seconds":-3}}"#
                .to_owned(),
        )
        .accepts(after(milliseconds(200))),
    ]
}
