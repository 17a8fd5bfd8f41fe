//! What comes before a reply's body, and stays at hand with it.

mod wait;

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{StatusCode, response};

pub(crate) use self::wait::{Hints, hint, wait_in};
use crate::secret;

/// The head of a response: its status, and what the gateway says of the call in its headers
/// ([protocol reference, section 1](crate::protocol#1-transport-authentication-headers)). Every header is optional. Cheap to clone.
#[derive(Clone, PartialEq)]
pub struct Head {
    status: StatusCode,
    headers: Arc<HeaderMap>,
}

impl Head {
    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// All headers, as they came.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The first value of a header as text, or `None` where it is missing or not ASCII.
    pub fn header(&self, name: impl Into<HeaderNameOrText>) -> Option<&str> {
        self.headers.get(name.into().0.as_ref()?)?.to_str().ok()
    }

    /// How the body is encoded, as the headers say.
    pub(crate) fn coding(&self) -> Coding {
        let values = self.headers.get_all(header::CONTENT_ENCODING).into_iter();
        let texts = values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let all = texts.collect::<Vec<_>>().join(",");
        let codings = all.split(',').map(str::trim);
        let codings = codings.filter(|it| !it.is_empty() && !it.eq_ignore_ascii_case("identity"));
        let (real, unknown): (Vec<_>, Vec<_>) = codings.partition(|it| is_real_coding(it));
        if !real.is_empty() {
            Coding::Real(real.join(", "))
        } else if unknown.is_empty() {
            Coding::None
        } else {
            Coding::Unknown(unknown.join(", "))
        }
    }

    /// The id of the request, to quote to support: `req_` and a ULID, or the caller's own.
    pub fn request_id(&self) -> Option<&str> {
        self.header("x-request-id")
    }

    /// The dated contract that served the call.
    pub fn served_version(&self) -> Option<&str> {
        self.header("x-mesh-version")
            .or_else(|| self.header("mesh-version"))
    }

    /// How often the gateway itself tried, for plain chat.
    pub fn routing_attempts(&self) -> Option<u32> {
        self.header("x-mesh-routing-attempts")?.trim().parse().ok()
    }

    /// Whether the gateway rerouted the call to a fallback.
    pub fn is_routing_fallback(&self) -> bool {
        self.is_true("x-mesh-routing-fallback")
    }

    /// Whether the caller's own provider key failed and the platform's was used.
    pub fn is_byok_fallback(&self) -> bool {
        self.is_true("x-byok-fallback-triggered")
    }

    /// The model that was chosen for `auto`.
    pub fn resolved_model(&self) -> Option<&str> {
        self.header("x-resolved-model-id")
    }

    /// Whether the model was chosen by the gateway (`model: "auto"`).
    pub fn is_auto_routed(&self) -> bool {
        self.is_true("x-auto-routed")
    }

    /// The provider that served the call. Newer gateways do not disclose it.
    pub fn served_provider(&self) -> Option<&str> {
        self.header("x-mesh-served-provider")
    }

    /// How long the provider took.
    pub fn provider_latency(&self) -> Option<Duration> {
        let milliseconds: f64 = self.header("x-provider-latency-ms")?.trim().parse().ok()?;
        Duration::try_from_secs_f64(milliseconds / 1000.0).ok()
    }

    /// How long the gateway asks to wait before the next request: `retry-after-ms`, then
    /// `Retry-After`, then the reset of a rate limit that is used up (`x-ratelimit-reset-*` where
    /// the status is 429, or what remains of that limit is zero). Dates are read against the
    /// response's own `Date`.
    pub fn retry_after(&self) -> Option<Duration> {
        let hints = Hints::from(&*self.headers);
        let now = hints.date();
        hints
            .retry_after(now)
            .or_else(|| hints.reset(self.status, now))
    }

    /// What the headers `x-ratelimit-*` say, by what follows that prefix in lower case, such as
    /// `remaining-requests`: their exact names are not documented.
    pub fn rate_limits(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().filter_map(|(name, value)| {
            let name = name.as_str();
            let what = ["x-ratelimit-", "ratelimit-"]
                .iter()
                .find_map(|prefix| name.strip_prefix(prefix))?;
            Some((what, value.to_str().ok()?))
        })
    }

    /// How many requests are left before the gateway refuses the next, where it says so in one of
    /// the usual names.
    pub fn remaining_requests(&self) -> Option<u64> {
        self.remaining("requests")
    }

    /// How many tokens are left before the gateway refuses the next request, where it says so in
    /// one of the usual names.
    pub fn remaining_tokens(&self) -> Option<u64> {
        self.remaining("tokens")
    }

    fn remaining(&self, what: &str) -> Option<u64> {
        let mut names = vec![
            format!("remaining-{what}"),
            format!("{what}-remaining"),
            format!("{what}-minute-remaining"),
        ];
        if what == "requests" {
            names.push("remaining".to_owned());
        }
        names.iter().find_map(|name| {
            let (_, value) = self.rate_limits().find(|(known, _)| known == name)?;
            value.trim().parse().ok()
        })
    }

    /// Whether the answer came from the gateway's cache.
    pub fn is_cache_hit(&self) -> bool {
        self.header("x-cache")
            .is_some_and(|value| value.trim().eq_ignore_ascii_case("hit"))
    }

    /// Since when what was called is deprecated, as the gateway writes it.
    pub fn deprecation(&self) -> Option<&str> {
        self.header("deprecation")
    }

    /// When what was called goes away, as the gateway writes it.
    pub fn sunset(&self) -> Option<&str> {
        self.header("sunset")
    }

    /// The head of a response, without a key that a server echoes in it.
    pub(crate) fn redacted(mut parts: response::Parts, key: &str) -> Self {
        let is_named = |name: &HeaderName| secret::holds(name.as_str().as_bytes(), key);
        for (name, value) in &mut parts.headers {
            if secret::is_in_header(name, value.as_bytes(), key) {
                *value = HeaderValue::from_static(secret::TAKEN_OUT);
            }
        }
        // A name is in lower case, and nothing in it is escaped but by percent signs.
        let names: Vec<HeaderName> = parts
            .headers
            .keys()
            .filter(|it| is_named(it))
            .cloned()
            .collect();
        for name in names {
            parts.headers.remove(name);
            let value = HeaderValue::from_static(secret::TAKEN_OUT);
            parts.headers.insert(NAME_TAKEN_OUT, value);
        }
        Self {
            status: parts.status,
            headers: Arc::new(parts.headers),
        }
    }

    fn is_true(&self, name: &'static str) -> bool {
        self.header(name)
            .is_some_and(|value| value.trim().eq_ignore_ascii_case("true") || value.trim() == "1")
    }
}

/// What stands in place of a header whose name held the key.
const NAME_TAKEN_OUT: HeaderName = HeaderName::from_static("x-redacted-key");

/// How a body is encoded (RFC 9110, section 8.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    /// Not at all.
    None,
    /// In a way that changes its bytes. No request asks for one.
    Real(String),
    /// In a way that is no content coding, such as `aws-chunked`, `utf-8` or `none`. Storage services
    /// and misconfigured servers write these, and the bytes are plain nearly always.
    Unknown(String),
}

/// Whether a content coding is one of the IANA registry.
fn is_real_coding(coding: &str) -> bool {
    const REAL: [&str; 12] = [
        "aes128gcm",
        "br",
        "compress",
        "dcb",
        "dcz",
        "deflate",
        "exi",
        "gzip",
        "pack200-gzip",
        "x-compress",
        "x-gzip",
        "zstd",
    ];
    REAL.iter().any(|it| it.eq_ignore_ascii_case(coding))
}

/// A header's name, given as a [`HeaderName`] or as text in any case.
#[derive(Clone, Debug)]
pub struct HeaderNameOrText(Option<HeaderName>);

impl From<HeaderName> for HeaderNameOrText {
    fn from(name: HeaderName) -> Self {
        Self(Some(name))
    }
}

impl From<&str> for HeaderNameOrText {
    fn from(name: &str) -> Self {
        Self(name.parse().ok())
    }
}

impl From<&response::Parts> for Head {
    fn from(parts: &response::Parts) -> Self {
        Self {
            status: parts.status,
            headers: Arc::new(parts.headers.clone()),
        }
    }
}

impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Servers have been seen to echo the authorization in headers of any name.
        f.debug_struct("Head")
            .field("status", &self.status)
            .field(
                "request_id",
                &self
                    .request_id()
                    .map(|id| crate::excerpt::excerpt(id.as_bytes())),
            )
            .field(
                "headers",
                &self
                    .headers
                    .keys()
                    .map(HeaderName::as_str)
                    .collect::<Vec<_>>(),
            )
            .finish()
    }
}

/// A reply together with the head it came under. Derefs to the reply.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer<T> {
    /// The head.
    pub head: Head,
    /// The reply itself: what is worth storing.
    pub value: T,
    /// How the reply ended.
    pub end: ReplyEnd,
}

/// How a reply ended that is complete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplyEnd {
    /// As its form requires: a document with its last byte, a stream with `[DONE]` or its last image.
    #[default]
    Regular,
    /// A stream ended without `[DONE]`, after every choice had its finish reason. Nothing of the
    /// answer is missing; a usage that would have followed may be.
    WithoutMark,
}

impl<T> Answer<T> {
    /// The reply without its head.
    pub fn into_value(self) -> T {
        self.value
    }
}

impl<T> Deref for Answer<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Answer<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(headers: &[(&str, &str)]) -> Head {
        let mut builder = http::Response::builder();
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        Head::from(&builder.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn headers_are_read_as_the_reference_has_them() {
        let full = head(&[
            ("X-Request-Id", "req_1"),
            ("Mesh-Version", "2026-08"),
            ("X-Mesh-Routing-Attempts", "2"),
            ("X-Mesh-Routing-Fallback", "true"),
            ("x-cache", "HIT"),
            ("X-Auto-Routed", "true"),
            ("X-Resolved-Model-Id", "openai/gpt-4o"),
            ("X-Mesh-Served-Provider", "openai"),
            ("x-provider-latency-ms", "1250.5"),
            ("x-ratelimit-limit-requests", "60"),
            ("X-RateLimit-Remaining-Requests", "59"),
            ("x-ratelimit-remaining-tokens", "1000"),
            ("Retry-After", "3"),
            ("Deprecation", "@1790000000"),
            ("Sunset", "Wed, 11 Nov 2026 00:00:00 GMT"),
        ]);
        assert_eq!(full.request_id(), Some("req_1"));
        assert_eq!(full.served_version(), Some("2026-08"));
        assert_eq!(full.routing_attempts(), Some(2));
        assert!(full.is_routing_fallback() && full.is_cache_hit() && !full.is_byok_fallback());
        assert!(full.is_auto_routed());
        assert_eq!(full.resolved_model(), Some("openai/gpt-4o"));
        assert_eq!(full.served_provider(), Some("openai"));
        assert_eq!(
            full.provider_latency(),
            Some(Duration::from_micros(1_250_500))
        );
        assert_eq!(full.remaining_requests(), Some(59));
        assert_eq!(full.remaining_tokens(), Some(1000));
        assert_eq!(full.rate_limits().count(), 3);
        assert_eq!(full.retry_after(), Some(Duration::from_secs(3)));
        assert_eq!(full.deprecation(), Some("@1790000000"));
        assert!(full.sunset().is_some());

        let empty = head(&[]);
        assert_eq!(empty.request_id(), None);
        assert_eq!(empty.remaining_requests(), None);
        assert_eq!(
            head(&[("x-provider-latency-ms", "-1")]).provider_latency(),
            None
        );
        assert!(!empty.is_cache_hit() && !empty.is_routing_fallback());
    }

    #[test]
    fn content_codings_are_real_or_unknown() {
        let real = |name: &str| Coding::Real(name.to_owned());
        let unknown = |name: &str| Coding::Unknown(name.to_owned());
        for (values, coding) in [
            (&[][..], Coding::None),
            (&[""], Coding::None),
            (&[" , "], Coding::None),
            (&["Identity"], Coding::None),
            (&["gzip"], real("gzip")),
            (&["BR"], real("BR")),
            (&["aws-chunked, gzip"], real("gzip")),
            (&["aws-chunked", "zstd, deflate"], real("zstd, deflate")),
            (&["x-gzip"], real("x-gzip")),
            (&["aws-chunked"], unknown("aws-chunked")),
            (&["UTF-8"], unknown("UTF-8")),
            (&["none"], unknown("none")),
            (&["identity, undefined"], unknown("undefined")),
            (&["binary", ""], unknown("binary")),
        ] {
            let headers: Vec<_> = values.iter().map(|it| ("content-encoding", *it)).collect();
            assert_eq!(head(&headers).coding(), coding, "{values:?}");
        }
    }

    #[test]
    fn debug_does_not_show_what_a_server_may_echo() {
        let head = head(&[("x-echo", "Bearer rsk_canary"), ("x-request-id", "req_1")]);
        assert!(!format!("{head:?}").contains("canary"));
    }
}
