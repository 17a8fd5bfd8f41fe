//! The URL of a proxy, as an environment variable has it: `[scheme://][user[:password]@]host[:port]`.

use std::fmt;
use std::net::Ipv6Addr;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

#[derive(Clone, PartialEq, Eq)]
pub(super) struct ProxyUrl {
    is_https: bool,
    user: Option<String>,
    password: Option<String>,
    /// An IPv6 address stands in brackets.
    host: String,
    port: u16,
}

impl ProxyUrl {
    /// # Errors
    ///
    /// Returns what is wrong with the value, as the rest of a sentence. It shows nothing of it but
    /// a scheme.
    pub(super) fn parse(value: &str) -> Result<Self, String> {
        let (scheme, rest) = value.split_once("://").unwrap_or(("http", value));
        let is_https = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            scheme @ ("socks" | "socks4" | "socks4a" | "socks5" | "socks5h") => {
                return Err(format!(
                    "names a {scheme} proxy, which is not supported: use an http or https proxy"
                ));
            }
            _ => {
                return Err(
                    "has a scheme that is not supported: use an http or https proxy".to_owned(),
                );
            }
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (credentials, address) = match authority.rsplit_once('@') {
            Some((credentials, address)) => (Some(credentials), address),
            None => (None, authority),
        };
        let (user, password) = match credentials {
            Some(credentials) => match credentials.split_once(':') {
                Some((user, password)) => (Some(decode(user)?), Some(decode(password)?)),
                None => (Some(decode(credentials)?), None),
            },
            None => (None, None),
        };
        let (host, port) = split(address)?;
        let port = match port {
            Some(port) => port
                .parse()
                .ok()
                .filter(|number| *number > 0 && !port.starts_with('+'))
                .ok_or("is not a proxy URL: its port is not a number from 1 to 65535")?,
            None if is_https => 443,
            None => 80,
        };
        Ok(Self {
            is_https,
            user,
            password,
            host: host.to_ascii_lowercase(),
            port,
        })
    }

    pub(super) fn is_https(&self) -> bool {
        self.is_https
    }

    pub(super) fn with_credentials(&self) -> String {
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let credentials = match (&self.user, &self.password) {
            (Some(user), Some(password)) => format!("{}:{}@", encoded(user), encoded(password)),
            (Some(user), None) => format!("{}@", encoded(user)),
            (None, _) => String::new(),
        };
        let scheme = self.scheme();
        format!("{scheme}://{credentials}{}:{}", self.host, self.port)
    }

    fn scheme(&self) -> &'static str {
        if self.is_https { "https" } else { "http" }
    }
}

impl fmt::Display for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", self.scheme(), self.host, self.port)
    }
}

fn decode(text: &str) -> Result<String, String> {
    let decoded = percent_decode_str(text).decode_utf8();
    let decoded = decoded.map_err(|_| "has credentials that are not percent-encoded UTF-8")?;
    Ok(decoded.into_owned())
}

/// The host and the port of an address.
fn split(address: &str) -> Result<(&str, Option<&str>), &'static str> {
    let (host, port) = match address.rfind(']') {
        Some(end) => match address.split_at_checked(end + 1) {
            Some((host, "")) => (host, None),
            Some((host, port)) => (host, Some(port.strip_prefix(':').unwrap_or(port))),
            None => (address, None),
        },
        None => match address.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (address, None),
        },
    };
    let is_valid = match host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
    {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => {
            let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            host.bytes().any(|byte| byte != b'.') && host.bytes().all(is_part)
        }
    };
    if is_valid {
        Ok((host, port))
    } else {
        Err("is not a proxy URL: its host is neither a name in ASCII nor an address")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_name_a_proxy() {
        for (value, expected) in [
            ("proxy", "http://proxy:80"),
            ("proxy:3128", "http://proxy:3128"),
            ("HTTP://Proxy.Corp/", "http://proxy.corp:80"),
            ("https://proxy/path?a=b", "https://proxy:443"),
            ("http://10.0.0.1:8080", "http://10.0.0.1:8080"),
            ("http://[::1]", "http://[::1]:80"),
            ("[fe80::1]:3128", "http://[fe80::1]:3128"),
            ("http://user:pass@proxy", "http://user:pass@proxy:80"),
            ("user:pass@proxy:1", "http://user:pass@proxy:1"),
            ("http://user@proxy", "http://user@proxy:80"),
            ("http://user:@proxy", "http://user:@proxy:80"),
            ("http://:pass@proxy", "http://:pass@proxy:80"),
            (
                "http://us%3Aer:p@ss@proxy",
                "http://us%3Aer:p%40ss@proxy:80",
            ),
            (
                "http://user:a%2Fb%25+@proxy",
                "http://user:a%2Fb%25%2B@proxy:80",
            ),
        ] {
            let url = ProxyUrl::parse(value).unwrap();
            assert_eq!(url.with_credentials(), expected);
            assert!(!url.to_string().contains('@'), "{url}");
        }
    }

    #[test]
    fn values_that_do_not() {
        for (value, words) in [
            ("ftp://proxy", "scheme"),
            ("://proxy", "scheme"),
            ("socks5h://proxy", "socks5h"),
            ("SOCKS://proxy", "socks proxy"),
            ("http://", "host"),
            ("http://.", "host"),
            ("http:///path", "host"),
            ("not a proxy", "host"),
            ("\"http://proxy\"", "scheme"),
            ("http://pr\u{f6}xy", "host"),
            ("http://[::1", "host"),
            ("http://::1", "host"),
            ("http://[proxy]", "host"),
            ("http://[::1]3128x", "port"),
            ("http://proxy:", "port"),
            ("http://proxy:0", "port"),
            ("http://proxy:+1", "port"),
            ("http://proxy:65536", "port"),
            ("http://proxy:1:2", "port"),
            ("http://%ff@proxy", "credentials"),
        ] {
            let Err(problem) = ProxyUrl::parse(value) else {
                panic!("{value} is taken");
            };
            assert!(problem.contains(words), "{value}: {problem}");
        }
    }
}
