//! The gateway's address.

use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use http::uri::{self, Authority, PathAndQuery, Scheme, Uri};

use crate::build_error::BuildError;
use crate::host;

/// The gateway's address: scheme, host, port and, behind a proxy, a path prefix.
///
/// A trailing `/v1` is accepted and never doubled ([protocol reference, section 1](crate::protocol#1-transport-authentication-headers)).
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

    /// A base URL over `https`, or over `http` if the host is this machine: `localhost`,
    /// `127.0.0.0/8` or `[::1]`.
    ///
    /// Other spellings of these addresses are replaced by the plain one, and so are `0.0.0.0` and
    /// `[::]`, which servers print as the address that they listen on: `http://0.0.0.0:4000`
    /// becomes `http://127.0.0.1:4000`.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidBaseUrl`] for any other scheme, for plain `http` to another host, and for
    /// user information, a query or a fragment.
    pub fn new(url: impl AsRef<str>) -> Result<Self, InvalidBaseUrl> {
        let base = Self::over_plain_http(url)?;
        if base.scheme == Scheme::HTTPS || base.is_loopback() {
            Ok(base)
        } else if host::is_local_name(base.host()) {
            Err(InvalidBaseUrl::LocalName)
        } else {
            Err(InvalidBaseUrl::PlainHttp)
        }
    }

    /// As [`BaseUrl::new`], with plain `http` allowed to any host: the key and the pictures travel
    /// readable by everyone on the way.
    pub fn over_plain_http(url: impl AsRef<str>) -> Result<Self, InvalidBaseUrl> {
        let url = url.as_ref().trim();
        // `Uri` lets bytes through that a request line has no place for (RFC 3986, section 2).
        if !url.is_ascii() {
            return Err(InvalidBaseUrl::Malformed);
        }
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
        // A resolver may read another spelling otherwise, and would then be sent the key.
        let authority = match host::on_this_machine(authority.host()) {
            Some(plain) if plain != authority.host() => {
                let plain = format!("{plain}{port}");
                plain.parse().map_err(|_| InvalidBaseUrl::Malformed)?
            }
            _ => authority,
        };
        let path = parts.path_and_query.as_ref();
        let mut prefix = path.map_or("", |path| path.path()).trim_end_matches('/');
        while let Some(rest) = prefix.strip_suffix("/v1") {
            prefix = rest.trim_end_matches('/');
        }
        Ok(Self {
            scheme,
            authority,
            prefix: prefix.to_owned(),
        })
    }

    /// The host, an IPv6 address in its brackets, which a resolver does not take.
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
        host::on_this_machine(self.host()).is_some()
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

    /// The URL of `path_and_query`, which is not copied where there is no prefix.
    pub(super) fn join(&self, path_and_query: &Bytes) -> Result<Uri, BuildError> {
        let whole = if self.prefix.is_empty() {
            path_and_query.clone()
        } else {
            [self.prefix.as_bytes(), path_and_query].concat().into()
        };
        let mut parts = uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = PathAndQuery::from_maybe_shared(whole).ok();
        // Without a path these make no URL.
        Uri::from_parts(parts).map_err(|_| BuildError::path(path_and_query))
    }
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
    /// Plain `http` to a name that often means this machine and is not sure to.
    LocalName,
    /// A user name or a password before the host.
    UserInformation,
    /// A query or a fragment.
    QueryOrFragment,
}

impl fmt::Display for InvalidBaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the base URL is not of the form https://host[:port], in ASCII",
            Self::Scheme => "the base URL does not begin with https://",
            Self::PlainHttp => {
                "the base URL is plain http to another machine, which would show the key to everyone on the way; use https"
            }
            Self::LocalName => {
                "the base URL is plain http to a name that a resolver may look up on the network; write 127.0.0.1 for this machine"
            }
            Self::UserInformation => "the base URL holds a user name; the key goes into the API key",
            Self::QueryOrFragment => "the base URL holds a query or a fragment",
        })
    }
}

impl std::error::Error for InvalidBaseUrl {}

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
                "https://api.meshapi.ai/v1//v1",
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
                BaseUrl::new(base)
                    .unwrap()
                    .join(&"/v1/models".into())
                    .unwrap(),
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
            ("https://proxy.test/ä", InvalidBaseUrl::Malformed),
            ("https://proxy.test/\u{a0}/v1", InvalidBaseUrl::Malformed),
        ] {
            assert_eq!(BaseUrl::new(base), Err(error), "{base}");
        }
        for base in [
            "http://app.localhost:4000",
            "http://a.b.LOCALHOST./v1",
            "http://localhost.localdomain",
            "http://ip6-localhost",
        ] {
            let error = BaseUrl::new(base).unwrap_err();
            assert_eq!(error, InvalidBaseUrl::LocalName, "{base}");
            assert!(error.to_string().contains("write 127.0.0.1"));
        }
        for base in [
            "http://10.1:4000",
            "http://0x08080808",
            "http://[::ffff:10.0.0.1]",
            "http://[::127.0.0.1]",
            "http://127.0.0.1.evil.test.",
            "http://0.0.0.1",
        ] {
            assert_eq!(BaseUrl::new(base), Err(InvalidBaseUrl::PlainHttp), "{base}");
        }
        assert!(BaseUrl::over_plain_http("http://gateway.internal").is_ok());
    }

    #[test]
    fn this_machine_in_any_spelling_becomes_the_plain_one() {
        for (base, expected) in [
            ("http://0.0.0.0:4000", "http://127.0.0.1:4000"),
            ("http://127.1:4000", "http://127.0.0.1:4000"),
            ("http://127.0.0.53", "http://127.0.0.53"),
            ("http://2130706433:1/v1", "http://127.0.0.1:1"),
            ("http://0x7f.0.0.1/mesh", "http://127.0.0.1/mesh"),
            ("http://0177.1", "http://127.0.0.1"),
            ("http://127.0.0.1.:8000", "http://127.0.0.1:8000"),
            ("http://[::ffff:127.0.0.1]:4000", "http://127.0.0.1:4000"),
            ("http://[::]:4000/v1/", "http://[::1]:4000"),
            ("http://[0:0:0:0:0:0:0:1]", "http://[::1]"),
            ("http://localhost.:4000", "http://localhost:4000"),
            ("HTTP://LocalHost:4000", "http://LocalHost:4000"),
            ("https://0.0.0.0", "https://127.0.0.1"),
        ] {
            let read = BaseUrl::new(base).unwrap();
            assert_eq!(read.to_string(), expected, "{base}");
            assert!(read.is_loopback());
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
}
