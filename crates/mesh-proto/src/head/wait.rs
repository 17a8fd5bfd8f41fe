//! How long a server asks to wait, in all the headers and forms that say so.
//!
//! What says it in so many words goes first: `retry-after-ms`, which is finer, then `Retry-After`.
//! The reset of a rate limit counts only where that limit is used up: where its own `remaining` is
//! zero, or in a 429. Values that are none of the forms are ignored.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::StatusCode;
use http::header::HeaderMap;
use serde_json::{Map, Value};

/// Headers as pairs of a name in lower case and a value, wherever they stand.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Hints(Vec<(String, String)>);

impl From<&HeaderMap> for Hints {
    fn from(headers: &HeaderMap) -> Self {
        let pairs = headers.iter().filter_map(|(name, value)| {
            let name = name.as_str();
            let value = is_hint(name).then(|| value.to_str().ok())??;
            Some((name.to_owned(), value.trim().to_owned()))
        });
        Self(pairs.collect())
    }
}

impl From<&Map<String, Value>> for Hints {
    /// Headers that stand in a body, such as those of a provider that a gateway quotes.
    fn from(headers: &Map<String, Value>) -> Self {
        let pairs = headers.iter().filter_map(|(name, value)| {
            let name = name.to_ascii_lowercase();
            let value = match value {
                Value::Array(values) => values.first()?,
                value => value,
            };
            let value = match value {
                Value::String(text) => text.trim().to_owned(),
                Value::Number(number) => number.to_string(),
                _ => return None,
            };
            is_hint(&name).then_some((name, value))
        });
        Self(pairs.collect())
    }
}

fn is_hint(name: &str) -> bool {
    name == "date" || name.starts_with("retry-after") || name.contains("limit")
}

impl Hints {
    fn get(&self, name: &str) -> Option<&str> {
        let known = self.0.iter().find(|(known, _)| known == name);
        known.map(|(_, value)| value.as_str())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// When the response was made, by the server's own clock.
    pub(crate) fn date(&self) -> Option<SystemTime> {
        httpdate::parse_http_date(self.get("date")?).ok()
    }

    /// The wait that is asked for in so many words.
    pub(crate) fn retry_after(&self, now: Option<SystemTime>) -> Option<Duration> {
        let milliseconds = self.get("retry-after-ms").and_then(|value| {
            let milliseconds: f64 = value.parse().ok()?;
            hint(milliseconds / 1000.0)
        });
        milliseconds.or_else(|| wait(self.get("retry-after")?, now))
    }

    /// How long until a limit that is used up begins anew, of several the last.
    pub(crate) fn reset(&self, status: StatusCode, now: Option<SystemTime>) -> Option<Duration> {
        let limits: Vec<Limit> = self.limits(now);
        let is_refused = status == StatusCode::TOO_MANY_REQUESTS;
        let longest = |is_it: &dyn Fn(&Limit) -> bool| {
            let waits = limits.iter().filter(|limit| is_it(limit));
            waits.map(|limit| limit.reset).max()
        };
        longest(&|limit| limit.remaining == Some(0.0))
            .or_else(|| is_refused.then(|| longest(&|it| it.remaining.is_none()))?)
            // Something is left of each, and the request needed more than that.
            .or_else(|| is_refused.then(|| longest(&|it| it.reset <= A_MINUTE))?)
    }

    /// The limits whose reset is given.
    fn limits(&self, now: Option<SystemTime>) -> Vec<Limit> {
        let mut limits = Vec::new();
        for (name, value) in &self.0 {
            if matches!(name.as_str(), "ratelimit" | "x-ratelimit") {
                limits.extend(structured(value));
            } else if let Some((what, unit)) = resets(name)
                && let Some(reset) = reset(value, unit, now)
            {
                let remaining = self.remaining(&what);
                limits.push(Limit { reset, remaining });
            }
        }
        limits
    }

    fn remaining(&self, what: &[&str]) -> Option<f64> {
        self.0.iter().find_map(|(name, value)| {
            let rest = of_limits(name)?;
            let (words, remaining): (Vec<&str>, Vec<&str>) =
                rest.split('-').partition(|word| *word != "remaining");
            if remaining.is_empty() || words != what {
                return None;
            }
            value.split(',').next()?.trim().parse().ok()
        })
    }
}

/// A reset that is near enough to be believed where something is left.
const A_MINUTE: Duration = Duration::from_secs(60);

struct Limit {
    reset: Duration,
    /// How much is left, where that is given.
    remaining: Option<f64>,
}

/// What follows the prefix of a header about limits.
fn of_limits(name: &str) -> Option<&str> {
    const PREFIXES: [&str; 7] = [
        "x-ratelimit-",
        "x-rate-limit-",
        "ratelimit-",
        "rate-limit-",
        "anthropic-ratelimit-",
        "ratelimitbysize-",
        "x-ratelimitbysize-",
    ];
    PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix))
}

#[derive(Clone, Copy)]
enum Unit {
    Seconds,
    Milliseconds,
}

/// What a header gives the reset of, and in which unit plain numbers are.
fn resets(name: &str) -> Option<(Vec<&str>, Unit)> {
    let mut unit = Unit::Seconds;
    let mut is_reset = false;
    let mut what = Vec::new();
    for word in of_limits(name)?.split('-') {
        match word {
            "reset" => is_reset = true,
            "after" | "at" => {}
            "ms" => unit = Unit::Milliseconds,
            word => what.push(word),
        }
    }
    is_reset.then_some((what, unit))
}

/// The limits of a structured header: `"minute";r=0;t=30`, or `limit=10, remaining=0, reset=30`.
fn structured(value: &str) -> Vec<Limit> {
    let field = |limit: &str, names: [&str; 2]| -> Option<f64> {
        limit.split([';', ',']).find_map(|part| {
            let (name, value) = part.split_once('=')?;
            names
                .contains(&name.trim())
                .then(|| value.trim().parse().ok())?
        })
    };
    let read = |limit: &str| {
        Some(Limit {
            reset: hint(field(limit, ["t", "reset"])?)?,
            remaining: field(limit, ["r", "remaining"]),
        })
    };
    if value.contains(';') {
        value.split(',').filter_map(read).collect()
    } else {
        read(value).into_iter().collect()
    }
}

/// How long until a reset: from now on, or at a moment.
fn reset(value: &str, unit: Unit, now: Option<SystemTime>) -> Option<Duration> {
    let Ok(number) = value.parse::<f64>() else {
        return wait(value, now);
    };
    match moment(number) {
        Some(moment) => Some(moment.duration_since(now?).unwrap_or_default()),
        None => match unit {
            Unit::Seconds => hint(number),
            Unit::Milliseconds => hint(number / 1000.0),
        },
    }
}

/// The moment that a number stands for which is too large for a wait: seconds or milliseconds since
/// 1970, in this century.
fn moment(number: f64) -> Option<SystemTime> {
    let seconds = match number {
        1e9..5e9 => number,
        1e12..5e12 => number / 1000.0,
        _ => return None,
    };
    UNIX_EPOCH.checked_add(Duration::try_from_secs_f64(seconds).ok()?)
}

/// A wait as a number of seconds, as a duration such as `1.5s`, `6m0s` or `120ms`, or as a date
/// (RFC 9110, section 10.2.3, or RFC 3339), which is read against `now`. A date in the past is no
/// wait.
pub(crate) fn wait(value: &str, now: Option<SystemTime>) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return hint(seconds);
    }
    if let Some(duration) = duration(value) {
        return Some(duration);
    }
    let until = httpdate::parse_http_date(value)
        .ok()
        .or_else(|| internet_date(value))?;
    Some(until.duration_since(now?).unwrap_or_default())
}

/// A wait in a field of a body, which may be a number, a text, or a moment.
pub(crate) fn wait_in(value: &Value, now: Option<SystemTime>) -> Option<Duration> {
    match value {
        Value::Number(number) => {
            let number = number.as_f64()?;
            match moment(number) {
                Some(moment) => Some(moment.duration_since(now?).unwrap_or_default()),
                None => hint(number),
            }
        }
        Value::String(text) => reset(text.trim(), Unit::Seconds, now),
        _ => None,
    }
}

/// A hint in seconds: `None` where it is negative or not a number; one that is too long to be
/// written down is the longest there is.
pub(crate) fn hint(seconds: f64) -> Option<Duration> {
    if seconds.is_finite() && seconds >= 0.0 {
        Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
    } else {
        None
    }
}

/// A duration as Go writes it: `1.5s`, `6m0s`, `1h2m3s`, `120ms`, `1d`.
fn duration(value: &str) -> Option<Duration> {
    let mut rest = value;
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|it: char| !it.is_ascii_digit() && it != '.')?;
        let (number, unit) = rest.split_at(digits);
        let letters = unit
            .find(|it: char| !it.is_alphabetic())
            .unwrap_or(unit.len());
        let (unit, after) = unit.split_at(letters);
        let unit = match unit {
            "d" => 86_400.0,
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "\u{b5}s" | "\u{3bc}s" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        seconds += number.parse::<f64>().ok()? * unit;
        rest = after;
    }
    (!value.is_empty()).then(|| hint(seconds))?
}

/// A moment as RFC 3339 writes it: `2026-10-21T07:28:00Z`, with a fraction or an offset.
fn internet_date(value: &str) -> Option<SystemTime> {
    let (date, time) = value.split_once(['T', 't', ' '])?;
    let zone = time.find(['Z', 'z', '+', '-'])?;
    let (time, zone) = time.split_at(zone);
    let [year, month, day] = three(date, '-')?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
    let [hour, minute, second] = three(time, ':')?;
    let is_valid = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !is_valid {
        return None;
    }
    let offset = match zone.split_at_checked(1)? {
        ("Z" | "z", "") => 0,
        (sign, offset) => {
            let (hours, minutes) = offset.split_once(':')?;
            let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
            if !(0..24).contains(&hours) || !(0..60).contains(&minutes) {
                return None;
            }
            let offset = hours * 3600 + minutes * 60;
            if sign == "-" { -offset } else { offset }
        }
    };
    let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset;
    let fraction: f64 = format!("0.{fraction}").parse().unwrap_or_default();
    UNIX_EPOCH
        .checked_add(Duration::from_secs(u64::try_from(seconds).ok()?))?
        .checked_add(Duration::try_from_secs_f64(fraction).ok()?)
}

fn three(text: &str, between: char) -> Option<[i64; 3]> {
    let mut parts = text.split(between).map(|part| {
        let is_number = !part.is_empty() && part.bytes().all(|it| it.is_ascii_digit());
        is_number.then(|| part.parse().ok())?
    });
    let all = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(all)
}

/// The days from 1970 to a date of the Gregorian calendar: months are counted from March, so that
/// the leap day is the last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-10-21, 07:28:00 UTC.
    const NOW: u64 = 1_792_567_680;
    const DATE: &str = "Wed, 21 Oct 2026 07:28:00 GMT";

    fn now() -> Option<SystemTime> {
        UNIX_EPOCH.checked_add(Duration::from_secs(NOW))
    }

    fn hints(pairs: &[(&str, &str)]) -> Hints {
        let pairs = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Hints(pairs.collect())
    }

    fn seconds(seconds: f64) -> Option<Duration> {
        Duration::try_from_secs_f64(seconds).ok()
    }

    #[test]
    fn retry_after_in_all_its_forms() {
        for (value, expected) in [
            ("7", seconds(7.0)),
            (" 0 ", seconds(0.0)),
            ("1.5", seconds(1.5)),
            ("1.5s", seconds(1.5)),
            ("6m0s", seconds(360.0)),
            ("-1", None),
            ("inf", None),
            ("NaN", None),
            ("soon", None),
            ("", None),
            ("5 s", None),
            ("1e300", Some(Duration::MAX)),
            ("Wed, 21 Oct 2026 07:28:30 GMT", seconds(30.0)),
            ("Wed, 21 Oct 2026 07:27:30 GMT", seconds(0.0)),
            ("Wednesday, 21-Oct-26 07:29:00 GMT", seconds(60.0)),
            ("2026-10-21T07:28:30Z", seconds(30.0)),
        ] {
            let told = hints(&[("retry-after", value), ("date", DATE)]);
            assert_eq!(told.retry_after(told.date()), expected, "{value}");
        }
        let undated = hints(&[("retry-after", "Wed, 21 Oct 2026 07:28:30 GMT")]);
        assert_eq!(undated.retry_after(undated.date()), None);
    }

    #[test]
    fn milliseconds_go_before_seconds_unless_they_are_nonsense() {
        for (milliseconds, expected) in [
            ("1500", 1.5),
            ("0", 0.0),
            ("12.5", 0.0125),
            ("-1", 9.0),
            ("soon", 9.0),
            ("NaN", 9.0),
        ] {
            let told = hints(&[("retry-after", "9"), ("retry-after-ms", milliseconds)]);
            assert_eq!(told.retry_after(None), seconds(expected), "{milliseconds}");
        }
    }

    #[test]
    fn a_reset_in_all_its_forms() {
        for (value, expected) in [
            ("2", seconds(2.0)),
            ("1.5", seconds(1.5)),
            ("1.5s", seconds(1.5)),
            ("120ms", seconds(0.12)),
            ("6m0s", seconds(360.0)),
            ("1h0m1.5s", seconds(3601.5)),
            ("1d", seconds(86_400.0)),
            ("1792567690", seconds(10.0)),
            ("1792567690.5", seconds(10.5)),
            ("1792567690000", seconds(10.0)),
            ("1792567670", seconds(0.0)),
            ("Wed, 21 Oct 2026 07:28:30 GMT", seconds(30.0)),
            ("2026-10-21T07:28:30Z", seconds(30.0)),
            ("2026-10-21T07:28:30.25Z", seconds(30.25)),
            ("2026-10-21T09:28:30+02:00", seconds(30.0)),
            ("2026-10-21T02:28:30-05:00", seconds(30.0)),
            ("-1", None),
            ("soon", None),
            ("6x", None),
            ("6m0", None),
            ("1.2.3s", None),
            ("2026-13-21T07:28:30Z", None),
            ("2026-10-21T07:28Z", None),
            ("", None),
        ] {
            for name in [
                "x-ratelimit-reset",
                "ratelimit-reset",
                "x-ratelimit-reset-tokens",
            ] {
                let told = hints(&[(name, value)]);
                let status = StatusCode::TOO_MANY_REQUESTS;
                assert_eq!(told.reset(status, now()), expected, "{name}: {value}");
                assert_eq!(told.reset(StatusCode::OK, now()), None, "{name}: {value}");
            }
        }
        // Nobody's clock is known.
        let epoch = hints(&[("x-ratelimit-reset", "1792567690")]);
        assert_eq!(epoch.reset(StatusCode::TOO_MANY_REQUESTS, None), None);
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        for text in [
            "Thu, 01 Jan 1970 00:00:00 GMT",
            "Thu, 29 Feb 2024 23:59:59 GMT",
            "Fri, 01 Mar 2024 00:00:00 GMT",
            "Fri, 31 Dec 2100 12:00:00 GMT",
            "Mon, 01 Mar 2100 00:00:00 GMT",
        ] {
            let expected = httpdate::parse_http_date(text).unwrap();
            let mut parts = text.split(' ').skip(1);
            let [day, month, year, time] = std::array::from_fn(|_| parts.next().unwrap());
            let month = 1 + "JanFebMarAprMayJunJulAugSepOctNovDec".find(month).unwrap() / 3;
            let internet = format!("{year}-{month:02}-{day}T{time}Z");
            assert_eq!(internet_date(&internet), Some(expected), "{internet}");
        }
    }

    #[test]
    fn only_a_limit_that_is_used_up_is_waited_for() {
        let (refused, fine, busy) = (
            StatusCode::TOO_MANY_REQUESTS,
            StatusCode::OK,
            StatusCode::SERVICE_UNAVAILABLE,
        );
        for (headers, status, expected) in [
            (
                &[
                    ("x-ratelimit-reset-requests", "1s"),
                    ("x-ratelimit-reset-tokens", "4s"),
                ][..],
                refused,
                seconds(4.0),
            ),
            (
                &[
                    ("x-ratelimit-remaining-requests", "59"),
                    ("x-ratelimit-reset-requests", "9s"),
                    ("x-ratelimit-remaining-tokens", "0"),
                    ("x-ratelimit-reset-tokens", "2s"),
                ],
                refused,
                seconds(2.0),
            ),
            (
                &[
                    ("x-ratelimit-remaining-tokens-minute", "12"),
                    ("x-ratelimit-reset-tokens-minute", "20"),
                    ("x-ratelimit-remaining-requests-day", "500"),
                    ("x-ratelimit-reset-requests-day", "43200"),
                ],
                refused,
                seconds(20.0),
            ),
            (
                &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "3")],
                fine,
                seconds(3.0),
            ),
            (
                &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "3")],
                busy,
                seconds(3.0),
            ),
            (
                &[("x-ratelimit-remaining", "1"), ("x-ratelimit-reset", "3")],
                busy,
                None,
            ),
            (&[("x-ratelimit-reset", "3")], busy, None),
            (
                &[
                    ("anthropic-ratelimit-tokens-remaining", "0"),
                    ("anthropic-ratelimit-tokens-reset", "2026-10-21T07:28:05Z"),
                ],
                refused,
                seconds(5.0),
            ),
            (&[("x-ratelimit-reset-after", "2.5")], refused, seconds(2.5)),
            (&[("x-ratelimit-reset-ms", "2500")], refused, seconds(2.5)),
            (
                &[("ratelimit", "\"minute\";r=0;t=30, \"day\";r=5;t=900")],
                refused,
                seconds(30.0),
            ),
            (
                &[("ratelimit", "limit=10, remaining=0, reset=7")],
                refused,
                seconds(7.0),
            ),
            (&[("x-ratelimit-limit", "10")], refused, None),
        ] {
            assert_eq!(hints(headers).reset(status, now()), expected, "{headers:?}");
        }
    }
}
