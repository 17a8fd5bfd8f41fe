//! What is checked before a request is read: version, size, route, key, rate, in this order.

use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use http::StatusCode;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use mesh_proto::Moment;
use mesh_proto::error::ErrorCode;

use super::errors::Refused;
use super::ids::fingerprint;
use super::route::Route;
use super::secrets::Credential;
use super::settings::GatewaySettings;
use super::switches::RetryAfter;

/// The most bytes of a request's body, 32 MiB ([protocol reference, section 8](mesh_proto::protocol#8-limits-timeouts-retries)).
pub const MOST_BODY_BYTES: u64 = 33_554_432;

/// A dated contract ([protocol reference, section 2](mesh_proto::protocol#2-dated-versions)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// `2026-08`.
    Baseline,
    /// `2026-09`.
    Latest,
}

impl Version {
    pub(super) const ALL: [Self; 2] = [Self::Baseline, Self::Latest];

    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Baseline => "2026-08",
            Self::Latest => "2026-09",
        }
    }

    /// The version that the headers ask for, the baseline where they ask for none.
    pub(super) fn asked(headers: &HeaderMap) -> Result<Self, Refused> {
        let mut asked = None;
        for value in headers.get_all("x-mesh-version") {
            let known = value
                .to_str()
                .ok()
                .and_then(|label| Self::ALL.into_iter().find(|it| it.label() == label));
            match (known, asked) {
                (Some(version), None) => asked = Some(version),
                (Some(version), Some(before)) if version == before => {}
                _ => {
                    return Err(Refused::because(
                        ErrorCode::InvalidApiVersion,
                        "X-Mesh-Version must be one of 2026-08 and 2026-09, given once.",
                    ));
                }
            }
        }
        Ok(asked.unwrap_or(Self::Baseline))
    }
}

/// The fingerprint of the caller's key, or why it is not let in: 401, or 403 for a key of another
/// kind.
pub(super) fn check_key(
    headers: &HeaderMap,
    route: &Route,
    settings: &GatewaySettings,
) -> Result<u64, Refused> {
    let value = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    match Credential::read(value) {
        Credential::Inference(key) if settings.refused_keys.iter().any(|it| it == key) => Err(
            Refused::because(ErrorCode::Unauthorized, "This API key is not valid."),
        ),
        Credential::Inference(key) => Ok(fingerprint(key)),
        Credential::Dashboard(token) if route.is_of_models() => Ok(fingerprint(token)),
        Credential::Dashboard(_) => Err(Refused::because(
            ErrorCode::Unauthorized,
            "A token of the dashboard reads the catalogue of models only; inference takes an rsk_ key.",
        )),
        Credential::Administration => Err(Refused::because(
            ErrorCode::Forbidden,
            "A mak_ key administers keys only; inference takes an rsk_ key.",
        )),
        Credential::Unknown => {
            let needed = "Authorization: Bearer rsk_ and at least 6 letters or digits.";
            let message = if has_key(headers) {
                format!("This API key is not valid here: it is not of the form {needed}")
            } else {
                format!("An API key is needed: {needed}")
            };
            Err(Refused::because(ErrorCode::Unauthorized, message))
        }
    }
}

/// Whether a key was sent, whatever it looks like.
fn has_key(headers: &HeaderMap) -> bool {
    let value = headers.get(header::AUTHORIZATION);
    value.is_some_and(|value| {
        let value = value.as_bytes().trim_ascii();
        !value.is_empty() && !value.eq_ignore_ascii_case(b"bearer")
    })
}

/// Refuses a body that is encoded, as a whole or for its way: here bodies are read as they come.
pub(super) fn check_codings(headers: &HeaderMap) -> Result<(), Refused> {
    let coding = |name, plain| {
        let mut codings = headers.get_all(name).iter().flat_map(|value| {
            let value = value.to_str().unwrap_or("?");
            value.split(',').map(str::trim)
        });
        codings
            .find(|it| !it.is_empty() && !it.eq_ignore_ascii_case(plain))
            .map(str::to_owned)
    };
    if let Some(coding) = coding(header::CONTENT_ENCODING, "identity") {
        return Err(Refused::with_status(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ErrorCode::Other("unsupported_media_type".to_owned()),
            format!("Content-Encoding: {coding} is not taken; send the body without one."),
        ));
    }
    if let Some(coding) = coding(header::TRANSFER_ENCODING, "chunked") {
        return Err(Refused::with_status(
            StatusCode::NOT_IMPLEMENTED,
            ErrorCode::Other("not_implemented".to_owned()),
            format!("Transfer-Encoding: {coding} is not understood; chunked alone is."),
        ));
    }
    Ok(())
}

/// Seconds since 1970 as HTTP writes a date; `None` after the year 9999.
fn http_date(seconds: u64) -> Option<HeaderValue> {
    const LAST: u64 = 253_402_300_799;
    let at = UNIX_EPOCH.checked_add(Duration::from_secs(seconds))?;
    let date = (seconds <= LAST).then(|| httpdate::fmt_http_date(at))?;
    HeaderValue::from_str(&date).ok()
}

/// How many requests each key made in the present minute.
#[derive(Debug, Default)]
pub(super) struct RateWindow {
    minute: u64,
    made: BTreeMap<u64, u32>,
}

impl RateWindow {
    /// Counts a request, or refuses it with 429; where there is a limit, the headers tell of it.
    pub(super) fn count(
        &mut self,
        key: u64,
        settings: &GatewaySettings,
        now: Moment,
        headers: &mut HeaderMap,
    ) -> Result<(), Refused> {
        let Some(most) = settings.requests_per_minute else {
            return Ok(());
        };
        let seconds = now.since_origin().as_secs();
        if self.minute != seconds / 60 {
            self.minute = seconds / 60;
            self.made.clear();
        }
        let made = self.made.entry(key).or_default();
        let is_over = *made >= most;
        if !is_over {
            *made += 1;
        }
        let left = 60 - seconds % 60;
        for (name, value) in [
            ("x-ratelimit-limit-requests", u64::from(most)),
            (
                "x-ratelimit-remaining-requests",
                u64::from(most - (*made).min(most)),
            ),
            ("x-ratelimit-reset-requests", left),
        ] {
            let name = HeaderName::from_static(name);
            headers.insert(name, HeaderValue::from(value));
        }
        if !is_over {
            return Ok(());
        }
        let retry_after = match settings.switches.retry_after {
            RetryAfter::Seconds => Some(HeaderValue::from(left)),
            RetryAfter::Date => {
                let at = settings
                    .epoch_seconds
                    .saturating_add(seconds)
                    .saturating_add(left);
                http_date(at)
            }
            RetryAfter::BodyAlone => None,
        };
        Err(Refused::rate_limited(most, left, retry_after))
    }
}
