//! What a single call does differently from its client.

use std::fmt;
use std::time::Duration;

use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::Deadlines;
use super::settings::{RetryPolicy, Settings};
use crate::target::{ApiVersion, InvalidHeader, Target, callers_own};

/// What some calls do differently from their client: time limits, retries, headers.
///
/// ```
/// use std::time::Duration;
/// use mesh_proto::call::{CallOptions, RetryPolicy};
///
/// let options = CallOptions::new()
///     .total(Duration::from_secs(60))
///     .retry(RetryPolicy::never())
///     .request_id("order-17")?;
/// # Ok::<(), mesh_proto::call::InvalidRequestId>(())
/// ```
#[derive(Clone, Default)]
pub struct CallOptions {
    total: Option<Duration>,
    deadlines: Option<Deadlines>,
    retry: Option<RetryPolicy>,
    version: Option<ApiVersion>,
    headers: HeaderMap,
}

impl CallOptions {
    /// Nothing different.
    pub fn new() -> Self {
        Self::default()
    }

    /// Limits the whole call, waits between attempts included.
    pub fn total(mut self, limit: Duration) -> Self {
        self.total = Some(limit);
        self
    }

    /// Sets all limits of time.
    pub fn deadlines(mut self, deadlines: Deadlines) -> Self {
        self.deadlines = Some(deadlines);
        self
    }

    /// Sets when to try again.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = Some(policy);
        self
    }

    /// Asks for a dated contract.
    pub fn version(mut self, version: ApiVersion) -> Self {
        self.version = Some(version);
        self
    }

    /// Skips the gateway's response cache (`X-Mesh-Cache: no-store`).
    pub fn no_store(mut self) -> Self {
        let name = HeaderName::from_static("x-mesh-cache");
        self.headers
            .insert(name, HeaderValue::from_static("no-store"));
        self
    }

    /// Adds a header.
    ///
    /// Errors as [`Target::with_header`] does.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Result<Self, InvalidHeader> {
        let (name, value) = callers_own(name, value)?;
        self.headers.insert(name, value);
        Ok(self)
    }

    /// Sets the id by which the gateway knows the request, 1 to 64 of letters, digits, `.`, `_`,
    /// `:` and `-` ([protocol reference, section 1](crate::protocol#1-transport-authentication-headers)).
    ///
    /// Errors on any other text, which the gateway would silently replace.
    pub fn request_id(mut self, id: &str) -> Result<Self, InvalidRequestId> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
        if id.is_empty() || id.len() > 64 || !id.bytes().all(allowed) {
            return Err(InvalidRequestId);
        }
        let value = HeaderValue::from_str(id).map_err(|_| InvalidRequestId)?;
        self.headers
            .insert(HeaderName::from_static("x-request-id"), value);
        Ok(self)
    }

    /// The target and the settings of a call that is made with these options.
    pub fn apply(&self, target: &Target, settings: &Settings) -> (Target, Settings) {
        let mut target = target.clone();
        if let Some(version) = &self.version {
            target = target.with_version(version);
        }
        target = target.with_headers(&self.headers);
        let mut settings = settings.clone();
        settings.deadlines = self.deadlines.unwrap_or(settings.deadlines);
        settings.deadlines.total = self.total.or(settings.deadlines.total);
        settings.retry = self.retry.unwrap_or(settings.retry);
        (target, settings)
    }
}

// What a caller's own headers hold may be a secret.
impl fmt::Debug for CallOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallOptions")
            .field("total", &self.total)
            .field("deadlines", &self.deadlines)
            .field("retry", &self.retry)
            .field("version", &self.version)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .finish()
    }
}

/// A request id that the gateway would not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidRequestId;

impl fmt::Display for InvalidRequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a request id has 1 to 64 letters, digits, dots, underscores, colons and hyphens",
        )
    }
}

impl std::error::Error for InvalidRequestId {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::{ApiKey, BaseUrl};

    #[test]
    fn options_stand_before_the_clients_own() {
        let target = Target::new(BaseUrl::production(), ApiKey::new("rsk_1").unwrap());
        let options = CallOptions::new()
            .total(Duration::from_secs(1))
            .no_store()
            .request_id("a.b:c-d_1")
            .unwrap();
        let (target, settings) = options.apply(&target, &Settings::default());
        assert_eq!(settings.deadlines.total, Some(Duration::from_secs(1)));
        assert_eq!(settings.retry, RetryPolicy::default());
        let request = target
            .request(http::Method::GET, "/v1/models")
            .unwrap()
            .body(())
            .unwrap();
        assert_eq!(request.headers()["x-request-id"], "a.b:c-d_1");
        assert_eq!(request.headers()["x-mesh-cache"], "no-store");
        for id in ["", "a b", "ä", &"a".repeat(65)] {
            assert!(CallOptions::new().request_id(id).is_err());
        }
    }
}
