//! Where calls go and as whom: the base URL, the API key, the dated version, the caller's headers.

use std::fmt;
use std::str::FromStr;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::{Authority, Scheme, Uri};
use http::{Method, request};

use crate::error::BuildError;

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
#[derive(Clone, Debug)]
pub struct Target {
    base: BaseUrl,
    key: ApiKey,
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
        let lookup = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let key = KEY_VARIABLES.into_iter().find_map(lookup);
        Self::of(key.as_deref(), lookup(BASE_URL_VARIABLE).as_deref())
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

    /// Adds a header of the caller's to every request, in place of one of the same name. The
    /// `Authorization` header is the key's and stays it.
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        if name != header::AUTHORIZATION {
            self.headers.insert(name, value);
        }
        self
    }

    /// Starts a request for `path_and_query` (beginning with `/v1`), with the headers of the
    /// protocol reference, section 1: authorization, SDK, and those of the caller.
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
        let uri = self.base.join(path_and_query)?;
        let mut builder = request::Builder::new().method(method).uri(uri);
        if let Some(headers) = builder.headers_mut() {
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
        Ok(builder)
    }
}

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

/// A secret that opens the gateway: `rsk_` and a ULID for inference. Never shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(HeaderValue);

impl ApiKey {
    /// A key, with white space around it taken off.
    ///
    /// Errors where nothing is left, or a character is in it that no header may carry. The form
    /// beyond that is the gateway's to judge.
    pub fn new(key: impl AsRef<str>) -> Result<Self, InvalidKey> {
        let key = key.as_ref().trim();
        if key.is_empty() {
            return Err(InvalidKey::Empty);
        }
        if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidKey::Character);
        }
        let mut value =
            HeaderValue::from_str(&format!("Bearer {key}")).map_err(|_| InvalidKey::Character)?;
        value.set_sensitive(true);
        Ok(Self(value))
    }

    /// The value of the `Authorization` header, marked sensitive.
    pub fn authorization(&self) -> HeaderValue {
        self.0.clone()
    }

    /// The secret itself.
    pub fn reveal(&self) -> &str {
        self.0
            .to_str()
            .ok()
            .and_then(|value| value.strip_prefix("Bearer "))
            .unwrap_or_default()
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(redacted)")
    }
}

/// What keeps a text from being an API key. Never says the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidKey {
    /// Nothing but white space.
    Empty,
    /// A line break, a space or a character beyond ASCII inside it.
    Character,
}

impl fmt::Display for InvalidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the API key is empty",
            Self::Character => {
                "the API key has a line break, a space or a character beyond ASCII inside it; check how it was copied"
            }
        })
    }
}

impl std::error::Error for InvalidKey {}

/// The gateway's address: scheme, host, port and, behind a proxy, a path prefix.
///
/// A trailing `/v1` is accepted and never doubled (protocol reference, section 1).
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl {
    scheme: Scheme,
    authority: Authority,
    prefix: String,
}

impl BaseUrl {
    /// Mesh's production gateway, `https://api.meshapi.ai`.
    pub fn production() -> Self {
        Self {
            scheme: Scheme::HTTPS,
            authority: Authority::from_static("api.meshapi.ai"),
            prefix: String::new(),
        }
    }

    /// A base URL over `https`, or over `http` where the host is loopback: `localhost`,
    /// `127.0.0.0/8` or `[::1]`.
    ///
    /// Errors on any other scheme, on plain `http` elsewhere, and on what a base has no place for:
    /// user information, a query, a fragment.
    pub fn new(url: impl AsRef<str>) -> Result<Self, InvalidBaseUrl> {
        let base = Self::over_plain_http(url)?;
        if base.scheme == Scheme::HTTP && !base.is_loopback() {
            return Err(InvalidBaseUrl::PlainHttp);
        }
        Ok(base)
    }

    /// As [`BaseUrl::new`], with plain `http` allowed to any host: the key and the pictures travel
    /// readable by everyone on the way.
    pub fn over_plain_http(url: impl AsRef<str>) -> Result<Self, InvalidBaseUrl> {
        let url = url.as_ref().trim();
        if url.contains(['?', '#']) {
            return Err(InvalidBaseUrl::QueryOrFragment);
        }
        let parts = Uri::from_str(url)
            .map_err(|_| InvalidBaseUrl::Malformed)?
            .into_parts();
        let scheme = match parts.scheme {
            Some(scheme) if scheme == Scheme::HTTP || scheme == Scheme::HTTPS => scheme,
            _ => return Err(InvalidBaseUrl::Scheme),
        };
        let authority = parts.authority.ok_or(InvalidBaseUrl::Malformed)?;
        if authority.as_str().contains('@') {
            return Err(InvalidBaseUrl::UserInformation);
        }
        let port = authority
            .as_str()
            .strip_prefix(authority.host())
            .unwrap_or_default();
        if authority.host().is_empty() || (!port.is_empty() && authority.port_u16().is_none()) {
            return Err(InvalidBaseUrl::Malformed);
        }
        let path = parts
            .path_and_query
            .as_ref()
            .map_or("", |path| path.path())
            .trim_end_matches('/');
        let prefix = path
            .strip_suffix("/v1")
            .unwrap_or(path)
            .trim_end_matches('/')
            .to_owned();
        Ok(Self {
            scheme,
            authority,
            prefix,
        })
    }

    /// The host, an IPv6 address in its brackets.
    pub fn host(&self) -> &str {
        self.authority.host()
    }

    /// The port, given or the scheme's own.
    pub fn port(&self) -> u16 {
        let own = if self.scheme == Scheme::HTTP { 80 } else { 443 };
        self.authority.port_u16().unwrap_or(own)
    }

    /// Whether it is reached over TLS.
    pub fn is_https(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    /// Whether the host is this machine: `localhost`, `127.0.0.0/8` or `[::1]`.
    pub fn is_loopback(&self) -> bool {
        is_loopback(self.host())
    }

    /// Whether `other` has this scheme, host and port (RFC 6454).
    pub fn is_same_origin(&self, other: &Uri) -> bool {
        let own_port = if other.scheme() == Some(&Scheme::HTTP) {
            80
        } else {
            443
        };
        other.scheme() == Some(&self.scheme)
            && other
                .host()
                .is_some_and(|host| host.eq_ignore_ascii_case(self.host()))
            && other.port_u16().unwrap_or(own_port) == self.port()
    }

    fn join(&self, path_and_query: &str) -> Result<Uri, BuildError> {
        Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(format!("{}{path_and_query}", self.prefix))
            .build()
            .map_err(|_| BuildError::path(path_and_query))
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || bare
            .parse()
            .is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority, self.prefix)
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BaseUrl({self})")
    }
}

impl FromStr for BaseUrl {
    type Err = InvalidBaseUrl;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        Self::new(url)
    }
}

/// What keeps a text from being a base URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidBaseUrl {
    /// Not an absolute URL with a host.
    Malformed,
    /// A scheme other than `https` and `http`.
    Scheme,
    /// Plain `http` to a host that is not this machine.
    PlainHttp,
    /// A user name or a password before the host.
    UserInformation,
    /// A query or a fragment.
    QueryOrFragment,
}

impl fmt::Display for InvalidBaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the base URL is not of the form https://host[:port]",
            Self::Scheme => "the base URL does not begin with https://",
            Self::PlainHttp => {
                "the base URL is plain http to another machine, which would show the key to everyone on the way; use https"
            }
            Self::UserInformation => "the base URL holds a user name; the key goes into the API key",
            Self::QueryOrFragment => "the base URL holds a query or a fragment",
        })
    }
}

impl std::error::Error for InvalidBaseUrl {}

/// The label of a dated contract, `YYYY-MM` (protocol reference, section 2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiVersion(String);

impl ApiVersion {
    /// A label such as `2026-09`. Errors on any other form: the gateway refuses those before it
    /// looks at the key.
    pub fn new(label: &str) -> Result<Self, InvalidApiVersion> {
        let (year, month) = label.split_once('-').ok_or(InvalidApiVersion)?;
        let digits = |text: &str, count| {
            text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())
        };
        if digits(year, 4) && digits(month, 2) && (1..=12).contains(&month.parse().unwrap_or(0)) {
            Ok(Self(label.to_owned()))
        } else {
            Err(InvalidApiVersion)
        }
    }

    /// The label.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn header(&self) -> HeaderValue {
        HeaderValue::from_str(&self.0).unwrap_or_else(|_| HeaderValue::from_static(""))
    }
}

/// A version label that is not of the form `YYYY-MM`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidApiVersion;

impl fmt::Display for InvalidApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the API version is not of the form YYYY-MM")
    }
}

impl std::error::Error for InvalidApiVersion {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v1_is_accepted_and_never_doubled() {
        for (base, url) in [
            ("https://api.meshapi.ai", "https://api.meshapi.ai/v1/models"),
            (
                "https://api.meshapi.ai/",
                "https://api.meshapi.ai/v1/models",
            ),
            (
                "https://api.meshapi.ai/v1",
                "https://api.meshapi.ai/v1/models",
            ),
            (
                " https://api.meshapi.ai/v1// ",
                "https://api.meshapi.ai/v1/models",
            ),
            ("http://localhost:8000", "http://localhost:8000/v1/models"),
            ("http://[::1]:8000/v1", "http://[::1]:8000/v1/models"),
            (
                "http://127.0.0.2:1/mesh/v1/",
                "http://127.0.0.2:1/mesh/v1/models",
            ),
            (
                "https://proxy.test/notv1",
                "https://proxy.test/notv1/v1/models",
            ),
        ] {
            assert_eq!(
                BaseUrl::new(base).unwrap().join("/v1/models").unwrap(),
                url,
                "{base}"
            );
        }
    }

    #[test]
    fn a_base_that_would_leak_or_mislead_is_refused() {
        for (base, error) in [
            ("http://api.meshapi.ai", InvalidBaseUrl::PlainHttp),
            ("http://localhost.evil.test", InvalidBaseUrl::PlainHttp),
            ("http://127.0.0.1.evil.test", InvalidBaseUrl::PlainHttp),
            (
                "https://rsk_1@api.meshapi.ai",
                InvalidBaseUrl::UserInformation,
            ),
            (
                "https://api.meshapi.ai/?a=b",
                InvalidBaseUrl::QueryOrFragment,
            ),
            (
                "https://api.meshapi.ai/#v1",
                InvalidBaseUrl::QueryOrFragment,
            ),
            ("ftp://api.meshapi.ai", InvalidBaseUrl::Scheme),
            ("api.meshapi.ai", InvalidBaseUrl::Scheme),
            ("https://api.meshapi.ai:99999", InvalidBaseUrl::Malformed),
            ("https://", InvalidBaseUrl::Malformed),
            ("", InvalidBaseUrl::Malformed),
            ("https://a b", InvalidBaseUrl::Malformed),
        ] {
            assert_eq!(BaseUrl::new(base), Err(error), "{base}");
        }
        assert!(BaseUrl::over_plain_http("http://gateway.internal").is_ok());
    }

    #[test]
    fn headers_are_those_of_the_reference() {
        let target = Target::new(BaseUrl::production(), ApiKey::new(" rsk_canary\n").unwrap())
            .with_version(&ApiVersion::new("2026-09").unwrap())
            .with_header(
                header::AUTHORIZATION,
                HeaderValue::from_static("Bearer other"),
            );
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
        let plain = [
            ("MESHAPI_API_KEY", "a"),
            ("MESHAPI_BASE_URL", "http://example.com"),
        ];
        assert_eq!(
            from(&plain),
            Err(TargetError::BaseUrl(InvalidBaseUrl::PlainHttp))
        );
    }

    #[test]
    fn keys_that_no_header_may_carry_are_refused_without_being_shown() {
        assert_eq!(ApiKey::new(" \n").unwrap_err(), InvalidKey::Empty);
        for key in ["rsk_a\nb", "rsk_a b", "rsk_ä", "rsk_\u{0}"] {
            assert_eq!(ApiKey::new(key).unwrap_err(), InvalidKey::Character);
        }
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let base = BaseUrl::new("http://localhost:80").unwrap();
        for (url, same) in [
            ("http://LOCALHOST/a", true),
            ("http://localhost:80/", true),
            ("http://localhost:81/", false),
            ("https://localhost:80/", false),
            ("http://127.0.0.1/", false),
        ] {
            assert_eq!(base.is_same_origin(&url.parse().unwrap()), same, "{url}");
        }
    }

    #[test]
    fn version_labels_are_dates() {
        assert_eq!(ApiVersion::new("2026-09").unwrap().as_str(), "2026-09");
        for label in [
            "",
            "2026",
            "2026-13",
            "2026-9",
            "2026-09-01",
            "latest",
            "２０２６-09",
        ] {
            assert!(ApiVersion::new(label).is_err(), "{label}");
        }
    }
}
