//! Where calls go and as whom: the base URL, the API key, the dated version, the caller's headers.

mod base_url;
mod key;
mod version;

use std::fmt;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, request};

pub use self::base_url::{BaseUrl, InvalidBaseUrl};
pub use self::key::{ApiKey, InvalidKey};
pub use self::version::{ApiVersion, InvalidApiVersion};
use crate::body::Body;
use crate::build_error::BuildError;

/// A gateway and the key that opens it: what every request is addressed with.
///
/// ```
/// use mesh_proto::{ApiKey, BaseUrl, Target};
///
/// let target = Target::new(BaseUrl::new("http://localhost:8000/v1/")?, ApiKey::new("rsk_01J")?);
/// let request = target.request(http::Method::GET, "/v1/models")?.body(())?;
/// assert_eq!(request.uri(), "http://localhost:8000/v1/models");
/// assert!(!format!("{target:?}").contains("rsk_"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Target {
    base: BaseUrl,
    key: ApiKey,
    /// The caller's own.
    headers: HeaderMap,
}

impl Target {
    /// The gateway at `base`, opened with `key`.
    pub fn new(base: BaseUrl, key: ApiKey) -> Self {
        Self {
            base,
            key,
            headers: HeaderMap::new(),
        }
    }

    /// Mesh's production gateway.
    pub fn production(key: ApiKey) -> Self {
        Self::new(BaseUrl::production(), key)
    }

    /// The target that environment variables name: the key in `MESHAPI_API_KEY` or else
    /// `MESH_API_KEY`, the base URL in `MESHAPI_BASE_URL` or else Mesh's own. `variable` looks one
    /// up; an empty one counts as missing.
    ///
    /// Errors where there is no key, or one of them is not valid.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, TargetError> {
        Self::resolve(None, None, variable)
    }

    /// The target of a key and a base URL, each from its variable if it is `None`, as
    /// [`Target::from_variables`] reads them. A value that is given always wins, also if it is
    /// empty or invalid.
    ///
    /// # Errors
    ///
    /// Returns [`TargetError`] if there is no key, or a value is invalid.
    pub fn resolve(
        key: Option<&str>,
        base_url: Option<&str>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, TargetError> {
        let lookup = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let or_variable = |given: Option<&str>, names: &[&str]| match given {
            Some(given) => Some(given.to_owned()),
            None => names.iter().copied().find_map(lookup),
        };
        let key = or_variable(key, &KEY_VARIABLES);
        let base_url = or_variable(base_url, &[BASE_URL_VARIABLE]);
        Self::of(key.as_deref(), base_url.as_deref())
    }

    /// The target of a key and a base URL as texts; Mesh's own gateway where there is no URL.
    ///
    /// Errors where there is no key, or one of them is not valid.
    pub fn of(key: Option<&str>, base_url: Option<&str>) -> Result<Self, TargetError> {
        let key = ApiKey::new(key.ok_or(TargetError::NoKey)?).map_err(TargetError::Key)?;
        let base = match base_url {
            Some(url) => BaseUrl::new(url).map_err(TargetError::BaseUrl)?,
            None => BaseUrl::production(),
        };
        Ok(Self::new(base, key))
    }

    /// The base URL.
    pub fn base(&self) -> &BaseUrl {
        &self.base
    }

    /// The key. Its `Debug` is redacted.
    pub fn key(&self) -> &ApiKey {
        &self.key
    }

    /// Asks for a dated contract of the gateway (`X-Mesh-Version`, protocol reference section 2).
    /// Without one the key's own pin applies, then the gateway's baseline.
    pub fn with_version(mut self, version: &ApiVersion) -> Self {
        self.headers.insert(X_MESH_VERSION, version.header());
        self
    }

    /// Adds a header of the caller's to every request, in place of one of the same name.
    ///
    /// Errors on the headers that are the SDK's or the transport's own: `Authorization`,
    /// `Content-Type`, and those that frame the message; and on a value that is not ASCII, which
    /// servers read as they like (RFC 9110, section 5.5).
    pub fn with_header(
        mut self,
        name: HeaderName,
        value: HeaderValue,
    ) -> Result<Self, InvalidHeader> {
        let (name, value) = callers_own(name, value)?;
        self.headers.insert(name, value);
        Ok(self)
    }

    /// The same target with headers that stand before those it has. They are the caller's own.
    pub(crate) fn with_headers(mut self, headers: &HeaderMap) -> Self {
        for (name, value) in headers {
            self.headers.insert(name, value.clone());
        }
        self
    }

    /// Starts a request for `path_and_query` (beginning with `/v1`), with the headers of the
    /// [protocol reference, section 1](crate::protocol#1-transport-authentication-headers): authorization, SDK, and those of the caller.
    ///
    /// `Accept-Encoding: identity` is set because an answer that nobody can read is worse than a
    /// long one; a transport that decompresses may replace it.
    ///
    /// Errors where the path makes no URL together with the base.
    pub fn request(
        &self,
        method: Method,
        path_and_query: &str,
    ) -> Result<request::Builder, BuildError> {
        let path_and_query = Bytes::copy_from_slice(path_and_query.as_bytes());
        let uri = self.base.join(&path_and_query)?;
        let mut builder = request::Builder::new().method(method).uri(uri);
        if let Some(headers) = builder.headers_mut() {
            self.add_headers(headers);
        }
        Ok(builder)
    }

    /// As [`Target::request`], whole, with a path that need not be copied: a request that says what
    /// it takes, and of a body that it is JSON.
    pub(crate) fn json_request(
        &self,
        method: Method,
        path_and_query: &Bytes,
        accept: &'static str,
        body: Body,
    ) -> Result<Request<Body>, BuildError> {
        let uri = self.base.join(path_and_query)?;
        let mut headers = HeaderMap::new();
        self.add_headers(&mut headers);
        if !body.is_empty() {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
        }
        headers
            .entry(header::ACCEPT)
            .or_insert(HeaderValue::from_static(accept));
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        Ok(request)
    }

    fn add_headers(&self, headers: &mut HeaderMap) {
        headers.insert(header::AUTHORIZATION, self.key.authorization());
        headers.insert(
            header::ACCEPT_ENCODING,
            HeaderValue::from_static("identity"),
        );
        headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        headers.insert(X_MESHAPI_SDK, HeaderValue::from_static(SDK));
        for (name, value) in &self.headers {
            headers.insert(name, value.clone());
        }
    }
}

const JSON: &str = "application/json";

// What a caller's own headers hold may be a secret, too.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("base", &self.base)
            .field("key", &self.key)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

const RESERVED: [HeaderName; 9] = [
    header::AUTHORIZATION,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::EXPECT,
    header::HOST,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// A header that a caller may set.
pub(crate) fn callers_own(
    name: HeaderName,
    value: HeaderValue,
) -> Result<(HeaderName, HeaderValue), InvalidHeader> {
    if RESERVED.contains(&name) {
        return Err(InvalidHeader::Reserved(name));
    }
    // Visible characters, spaces and tabs.
    if value.to_str().is_err() {
        return Err(InvalidHeader::NotAscii(name));
    }
    Ok((name, value))
}

/// A header that a caller cannot set.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidHeader {
    /// It is the SDK's or the transport's own.
    Reserved(HeaderName),
    /// Its value is not ASCII.
    NotAscii(HeaderName),
}

impl fmt::Display for InvalidHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reserved(name) => write!(f, "the header {name} is the SDK's own"),
            Self::NotAscii(name) => write!(
                f,
                "the value of the header {name} is not ASCII; encode it, with percent signs say"
            ),
        }
    }
}

impl std::error::Error for InvalidHeader {}

const KEY_VARIABLES: [&str; 2] = ["MESHAPI_API_KEY", "MESH_API_KEY"];
const BASE_URL_VARIABLE: &str = "MESHAPI_BASE_URL";

/// Why there is no target to call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TargetError {
    /// No key is given.
    NoKey,
    /// What is given is no key.
    Key(InvalidKey),
    /// What is given is no base URL.
    BaseUrl(InvalidBaseUrl),
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoKey => f.write_str("there is no API key: set MESHAPI_API_KEY"),
            Self::Key(error) => error.fmt(f),
            Self::BaseUrl(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for TargetError {}

const SDK: &str = concat!("rust/", env!("CARGO_PKG_VERSION"));
pub(crate) const USER_AGENT: &str = concat!("mesh-rust/", env!("CARGO_PKG_VERSION"));
const X_MESHAPI_SDK: HeaderName = HeaderName::from_static("x-meshapi-sdk");
const X_MESH_VERSION: HeaderName = HeaderName::from_static("x-mesh-version");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_those_of_the_reference() {
        let target = Target::new(BaseUrl::production(), ApiKey::new(" rsk_canary\n").unwrap())
            .with_version(&ApiVersion::new("2026-09").unwrap());
        for name in RESERVED {
            let error = target
                .clone()
                .with_header(name, HeaderValue::from_static("x"));
            assert!(error.is_err());
        }
        let name = HeaderName::from_static("x-team");
        let value = HeaderValue::from_bytes("Zürich".as_bytes()).unwrap();
        let error = target.clone().with_header(name.clone(), value).unwrap_err();
        assert_eq!(error, InvalidHeader::NotAscii(name));
        let target = target
            .with_header(header::ACCEPT, HeaderValue::from_static("x/y"))
            .unwrap();
        let request = target
            .request(Method::GET, "/v1/models")
            .unwrap()
            .body(())
            .unwrap();
        let value = |name: &str| {
            request
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        assert_eq!(value("authorization"), Some("Bearer rsk_canary"));
        assert_eq!(value("x-meshapi-sdk"), Some(SDK));
        assert_eq!(value("x-mesh-version"), Some("2026-09"));
        assert_eq!(value("accept-encoding"), Some("identity"));
        assert!(!format!("{target:?} {request:?} {:?}", target.key()).contains("canary"));
    }

    #[test]
    fn a_request_says_what_it_takes_and_what_its_body_is() {
        let plain = Target::new(BaseUrl::production(), ApiKey::new("rsk_canary").unwrap());
        let own = plain
            .clone()
            .with_header(header::ACCEPT, HeaderValue::from_static("x/y"))
            .unwrap();
        let stream = "text/event-stream";
        for (target, accept, body, expected) in [
            (&plain, JSON, "{}", (JSON, Some(JSON))),
            (&plain, JSON, "", (JSON, None)),
            (&plain, stream, "{}", (stream, Some(JSON))),
            (&plain, stream, "", (stream, None)),
            (&own, JSON, "{}", ("x/y", Some(JSON))),
            (&own, stream, "", ("x/y", None)),
        ] {
            let path = Bytes::from_static(b"/v1/models");
            let body = Body::from(Bytes::from_static(body.as_bytes()));
            let request = target.json_request(Method::POST, &path, accept, body);
            let request = request.unwrap();
            let value = |name: HeaderName| Some(request.headers().get(name)?.to_str().unwrap());
            let said = (value(header::ACCEPT), value(header::CONTENT_TYPE));
            assert_eq!(said, (Some(expected.0), expected.1));
            assert_eq!(value(header::AUTHORIZATION), Some("Bearer rsk_canary"));
            assert_eq!(request.uri(), "https://api.meshapi.ai/v1/models");
        }
    }

    #[test]
    fn variables_name_the_target() {
        let from = |pairs: &[(&str, &str)]| {
            let find = |name: &str| {
                pairs
                    .iter()
                    .find(|(known, _)| *known == name)
                    .map(|(_, value)| (*value).to_owned())
            };
            Target::from_variables(find)
                .map(|target| (target.key().reveal().to_owned(), target.base().to_string()))
        };
        let target = |key: &str, base: &str| Ok((key.to_owned(), base.to_owned()));
        let mesh = "https://api.meshapi.ai";
        assert_eq!(from(&[]), Err(TargetError::NoKey));
        assert_eq!(from(&[("MESHAPI_API_KEY", " ")]), Err(TargetError::NoKey));
        assert_eq!(from(&[("MESH_API_KEY", "b")]), target("b", mesh));
        assert_eq!(
            from(&[("MESH_API_KEY", "b"), ("MESHAPI_API_KEY", "a")]),
            target("a", mesh)
        );
        assert_eq!(
            from(&[("MESHAPI_API_KEY", "a"), ("MESHAPI_BASE_URL", "")]),
            target("a", mesh)
        );
        let local = [
            ("MESHAPI_API_KEY", "a"),
            ("MESHAPI_BASE_URL", "http://localhost:8000/v1"),
        ];
        assert_eq!(from(&local), target("a", "http://localhost:8000"));
        let resolved = |key, base| {
            let find = |name: &str| {
                let (_, value) = local.iter().find(|(known, _)| *known == name)?;
                Some((*value).to_owned())
            };
            Target::resolve(key, base, find)
                .map(|target| (target.key().reveal().to_owned(), target.base().to_string()))
        };
        let other = "https://other.test";
        assert_eq!(resolved(None, None), target("a", "http://localhost:8000"));
        assert_eq!(
            resolved(Some("c"), None),
            target("c", "http://localhost:8000")
        );
        assert_eq!(resolved(None, Some(other)), target("a", other));
        assert_eq!(resolved(Some("c"), Some(other)), target("c", other));
        assert_eq!(
            resolved(Some(" "), None),
            Err(TargetError::Key(InvalidKey::Empty))
        );
        let plain = [
            ("MESHAPI_API_KEY", "a"),
            ("MESHAPI_BASE_URL", "http://example.com"),
        ];
        assert_eq!(
            from(&plain),
            Err(TargetError::BaseUrl(InvalidBaseUrl::PlainHttp))
        );
    }
}
