//! Which proxy leads to a host: one rule for both clients, read from the environment.
//!
//! For an https URL, the first of `HTTPS_PROXY`, `https_proxy`, `ALL_PROXY` and `all_proxy` that is
//! set names the proxy; for an http URL, `http_proxy` (in lower case only, as curl has it),
//! `ALL_PROXY` and `all_proxy`. An empty value is as good as none. Hosts in `NO_PROXY`, or else
//! `no_proxy`, and loopback hosts are connected to directly.

mod exempt;
mod url;

use std::ffi::OsString;
use std::fmt;
use std::net::IpAddr;

use http::Uri;
use mesh_proto::BaseUrl;
use mesh_proto::SetUpError;
use mesh_proto::download::Reach;

use self::exempt::Exempt;
use self::url::ProxyUrl;

const HTTPS: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
const HTTP: [&str; 3] = ["http_proxy", "ALL_PROXY", "all_proxy"];
const EXEMPT: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// The proxies that an environment names.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    https: Option<Setting>,
    http: Option<Setting>,
    exempt: Exempt,
}

/// A proxy, or why the value that names it cannot be read.
type Setting = Result<Proxy, String>;

/// A proxy that is spoken to in HTTP, over TLS or not. `Debug` and `Display` show no credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    variable: &'static str,
    url: ProxyUrl,
}

impl Proxies {
    /// The proxies in the environment of this process.
    pub fn from_env() -> Self {
        Self::from_variables(|name| std::env::var_os(name))
    }

    /// The proxies in an environment in which `value` looks a variable up.
    pub fn from_variables(value: impl Fn(&str) -> Option<OsString>) -> Self {
        let text = |name: &str| {
            let value = value(name)?.to_string_lossy().trim().to_owned();
            Some(value).filter(|value| !value.is_empty())
        };
        let first = |names: &[&'static str]| {
            let found = names.iter().find_map(|name| Some((*name, text(name)?)));
            found.map(|(variable, value)| match ProxyUrl::parse(&value) {
                Ok(url) => Ok(Proxy { variable, url }),
                Err(problem) => Err(format!("{variable} {problem}")),
            })
        };
        let exempt = EXEMPT.iter().find_map(|name| text(name));
        Self {
            https: first(&HTTPS),
            http: first(&HTTP),
            exempt: Exempt::parse(&exempt.unwrap_or_default()),
        }
    }

    /// The proxy for a URL: `None` if its host is to be connected to directly.
    ///
    /// # Errors
    ///
    /// Returns an error if the value that names the proxy cannot be read.
    pub fn route(&self, url: &Uri) -> Result<Option<&Proxy>, SetUpError> {
        let host = url.host().unwrap_or_default();
        let is_https = url.scheme_str() != Some("http");
        let port = url.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        let setting = if is_https { &self.https } else { &self.http };
        let Some(setting) = setting else {
            return Ok(None);
        };
        if is_loopback(host) || self.exempt.contains(host, port) {
            return Ok(None);
        }
        setting
            .as_ref()
            .map(Some)
            .map_err(|problem| unreadable(problem))
    }

    /// Checks the values that name the proxies for URLs within a reach.
    ///
    /// # Errors
    ///
    /// Returns an error if one of them cannot be read.
    pub fn check(&self, reach: Reach, base: &BaseUrl) -> Result<(), SetUpError> {
        let settings = match reach {
            Reach::Gateway => {
                let scheme = if base.is_https() { "https" } else { "http" };
                let url = format!("{scheme}://{}:{}/", base.host(), base.port());
                // What is no URI for the HTTP library fails there.
                return url.parse().map_or(Ok(()), |url| self.route(&url).map(drop));
            }
            Reach::Public => [&self.https, &None],
            Reach::Anywhere => [&self.https, &self.http],
        };
        let mut unread = settings.into_iter().flatten();
        let problem = unread.find_map(|setting| setting.as_ref().err());
        problem.map_or(Ok(()), |problem| Err(unreadable(problem)))
    }
}

impl Proxy {
    /// The URL of the proxy, with the credentials in it.
    pub fn url_with_credentials(&self) -> String {
        self.url.with_credentials()
    }

    /// Whether the connection to the proxy is over TLS.
    pub fn is_https(&self) -> bool {
        self.url.is_https()
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (set in {})", self.url, self.variable)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Proxy").field(&self.to_string()).finish()
    }
}

fn unreadable(problem: &str) -> SetUpError {
    SetUpError::Proxy(problem.to_owned())
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']).trim_end_matches('.');
    let last = host.rsplit('.').next().unwrap_or_default();
    match host.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => last.eq_ignore_ascii_case("localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Proxies {
        Proxies::from_variables(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| value.into())
        })
    }

    /// The proxy for a URL, `direct`, or the error.
    fn route(variables: &[(&str, &str)], url: &str) -> String {
        match proxies(variables).route(&url.parse().unwrap()) {
            Ok(Some(proxy)) => proxy.to_string(),
            Ok(None) => "direct".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn first_variable_that_is_set_and_not_empty_names_the_proxy() {
        let all = [
            ("HTTPS_PROXY", "http://a:1"),
            ("https_proxy", "http://b:2"),
            ("HTTP_PROXY", "http://never:3"),
            ("http_proxy", "http://c:4"),
            ("ALL_PROXY", "http://d:5"),
            ("all_proxy", "http://e:6"),
        ];
        for (from, url, expected) in [
            (0, "https://x.test/", "http://a:1 (set in HTTPS_PROXY)"),
            (1, "https://x.test/", "http://b:2 (set in https_proxy)"),
            (2, "https://x.test/", "http://d:5 (set in ALL_PROXY)"),
            (5, "https://x.test/", "http://e:6 (set in all_proxy)"),
            (0, "http://x.test/", "http://c:4 (set in http_proxy)"),
            (4, "http://x.test/", "http://d:5 (set in ALL_PROXY)"),
            (5, "http://x.test/", "http://e:6 (set in all_proxy)"),
            (6, "https://x.test/", "direct"),
        ] {
            assert_eq!(route(&all[from..], url), expected);
            let mut empty: Vec<_> = all.to_vec();
            for (_, value) in &mut empty[..from] {
                *value = " ";
            }
            assert_eq!(route(&empty, url), expected, "empty is unset");
        }
        // A client must not let a request's header, as CGI has it, name the proxy.
        assert_eq!(route(&all[2..3], "http://x.test/"), "direct");
        assert_eq!(route(&all[2..3], "https://x.test/"), "direct");
    }

    #[test]
    fn exempt_and_loopback_hosts_are_connected_to_directly() {
        let with = |name, value| [("ALL_PROXY", "http://p:1"), (name, value)];
        for name in EXEMPT {
            assert_eq!(route(&with(name, "x.test"), "https://x.test/"), "direct");
            assert_ne!(route(&with(name, "x.test"), "https://y.test/"), "direct");
            assert_eq!(
                route(&with(name, "x.test:8443"), "https://x.test:8443"),
                "direct"
            );
            assert_ne!(
                route(&with(name, "x.test:8443"), "https://x.test"),
                "direct"
            );
            assert_eq!(route(&with(name, "x.test:443"), "https://x.test"), "direct");
        }
        let both = [("ALL_PROXY", "p"), ("NO_PROXY", ""), ("no_proxy", "x.test")];
        assert_eq!(route(&both, "https://x.test/"), "direct");
        for url in [
            "http://localhost:1/",
            "https://a.LOCALHOST./",
            "http://127.1.2.3/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
        ] {
            assert_eq!(route(&with("NO_PROXY", ""), url), "direct", "{url}");
        }
    }

    #[test]
    fn unreadable_value_is_an_error_that_names_the_variable_and_shows_no_credentials() {
        for value in [
            "http://user:canary@proxy:port",
            "http://user:can/ary@proxy:3128",
            "socks5://user:canary@proxy",
            "http://user:canary@",
            "http://user:canary@a b",
            "http://user:canary%ff@proxy",
        ] {
            let variables = [("https_proxy", value), ("ALL_PROXY", "http://p:1")];
            let message = route(&variables, "https://x.test/");
            assert!(message.contains("https_proxy"), "{message}");
            assert!(!message.contains("ary"), "{message}");
            assert!(!format!("{:?}", proxies(&variables)).contains("ary"));
            assert_ne!(route(&variables, "http://x.test/"), message);
        }
    }

    #[test]
    fn reach_says_which_values_have_to_be_readable() {
        let check = |variables: &[(&str, &str)], reach, base: &str| {
            let base = BaseUrl::over_plain_http(base).unwrap();
            proxies(variables).check(reach, &base).is_ok()
        };
        let https = [("HTTPS_PROXY", "ftp://p")];
        let http = [("http_proxy", "ftp://p")];
        let exempt = [https[0], ("NO_PROXY", "x.test")];
        for (variables, reach, base, expected) in [
            (&https[..], Reach::Gateway, "https://x.test", false),
            (&https, Reach::Gateway, "http://x.test", true),
            (&https, Reach::Gateway, "https://127.0.0.1:9", true),
            (&exempt, Reach::Gateway, "https://x.test", true),
            (&https, Reach::Public, "https://127.0.0.1:9", false),
            (&http, Reach::Gateway, "http://x.test", false),
            (&http, Reach::Gateway, "https://x.test", true),
            (&http, Reach::Public, "http://x.test", true),
            (&http, Reach::Anywhere, "https://x.test", false),
        ] {
            assert_eq!(
                check(variables, reach, base),
                expected,
                "{variables:?} {base}"
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn value_that_is_not_unicode_is_unreadable() {
        use std::os::unix::ffi::OsStringExt as _;
        let proxies = Proxies::from_variables(|name| {
            (name == "HTTPS_PROXY").then(|| OsString::from_vec(b"http://pro\xffxy".to_vec()))
        });
        assert!(proxies.route(&Uri::from_static("https://x.test")).is_err());
    }
}
