//! Where a client connects to, for each way in which a proxy can be set: one table for both clients.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use mesh_proto::BaseUrl;
use mesh_proto::download::Reach;

/// One request, and the settings that it is sent with.
#[derive(Debug)]
pub struct Route {
    /// How far the client reaches.
    pub reach: Reach,
    /// The gateway.
    pub base: BaseUrl,
    /// What is asked for, with GET.
    pub url: String,
    /// The environment.
    pub variables: Vec<(&'static str, String)>,
    /// The proxy that is set in the builder.
    pub proxy: Option<String>,
    /// The hosts that the proxy in the builder is not for.
    pub no_proxy: &'static str,
}

/// The addresses of a name: every name in `.test` stands for this machine.
pub fn hosts(name: &str) -> Vec<IpAddr> {
    let is_test = name.rsplit('.').next() == Some("test");
    is_test
        .then_some(IpAddr::V4(Ipv4Addr::LOCALHOST))
        .into_iter()
        .collect()
}

/// Listens on loopback, notes what each connection begins with, and refuses it.
struct Listener {
    port: u16,
    heard: Receiver<String>,
}

impl Listener {
    fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a loopback port");
        let port = listener.local_addr().expect("its address").port();
        let (sender, heard) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let mut piece = [0; 4096];
                let mut text = String::new();
                while !text.ends_with("\r\n\r\n") && !text.starts_with('\u{16}') {
                    match stream.read(&mut piece) {
                        Ok(0) | Err(_) => break,
                        Ok(count) => {
                            let piece = piece.get(..count).unwrap_or_default();
                            text.push_str(&String::from_utf8_lossy(piece));
                        }
                    }
                }
                if sender.send(text).is_err() {
                    return;
                }
                let _gone =
                    stream.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
            }
        });
        Self { port, heard }
    }
}

/// What is seen of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    /// The host is connected to.
    Direct,
    /// The proxy is asked for a tunnel to the host.
    Proxy,
    /// Nothing is connected to, as the host's addresses are private.
    Private,
}

/// The reach, the URL, `HTTPS_PROXY` and `NO_PROXY`, the proxy in the builder and its exempt hosts,
/// and what is seen.
type Row = (
    Reach,
    &'static str,
    (Option<&'static str>, &'static str),
    (Option<&'static str>, &'static str),
    Seen,
);

fn rows() -> Vec<Row> {
    use Reach::{Anywhere, Gateway, Public};
    use Seen::{Direct, Private, Proxy};

    let named = || Some("http://proxy.test:{proxy}");
    let address = || Some("http://127.0.0.1:{proxy}");
    let image = "https://images.test:{host}/a.png";
    let of_proxy = "https://proxy.test:{host}/a.png";
    vec![
        (Public, image, (None, ""), (None, ""), Private),
        (Anywhere, image, (None, ""), (None, ""), Direct),
        (Gateway, image, (None, ""), (None, ""), Direct),
        (Public, image, (named(), ""), (None, ""), Proxy),
        (Public, image, (address(), ""), (None, ""), Proxy),
        (Anywhere, image, (named(), ""), (None, ""), Proxy),
        (Gateway, image, (named(), ""), (None, ""), Proxy),
        (Public, image, (named(), "images.test"), (None, ""), Private),
        (Public, image, (address(), ".TEST"), (None, ""), Private),
        (Public, image, (address(), "*"), (None, ""), Private),
        (
            Anywhere,
            image,
            (named(), "images.test"),
            (None, ""),
            Direct,
        ),
        (Gateway, image, (named(), "images.test"), (None, ""), Direct),
        (Public, image, (named(), "other.test"), (None, ""), Proxy),
        // The proxy's own host passes as a proxy, and not as a host.
        (Public, of_proxy, (named(), ""), (None, ""), Proxy),
        (
            Public,
            of_proxy,
            (named(), "proxy.test"),
            (None, ""),
            Private,
        ),
        (
            Public,
            of_proxy,
            (None, ""),
            (named(), "proxy.test"),
            Private,
        ),
        (Public, image, (None, ""), (named(), ""), Proxy),
        (Public, image, (None, ""), (address(), ""), Proxy),
        (Anywhere, image, (None, ""), (named(), ""), Proxy),
        (Gateway, image, (None, ""), (address(), ""), Proxy),
        (Public, image, (None, ""), (named(), "images.test"), Private),
        (
            Anywhere,
            image,
            (None, ""),
            (named(), "images.test"),
            Direct,
        ),
        // The builder's comes before the environment's, whatever that exempts.
        (
            Public,
            image,
            (Some("http://127.0.0.1:1"), ""),
            (named(), ""),
            Proxy,
        ),
        (
            Public,
            image,
            (address(), "images.test"),
            (named(), ""),
            Proxy,
        ),
    ]
}

/// Sends a request in each way with `send`, which returns the error that it ends with and its
/// causes, and checks where it went.
///
/// # Panics
///
/// Panics if a request went elsewhere.
#[allow(clippy::panic, reason = "a test fails by panicking")]
pub fn check(send: impl Fn(&Route) -> String) {
    for row in rows() {
        let (host, proxy) = (Listener::start(), Listener::start());
        let fill = |text: &str| {
            let text = text.replace("{host}", &host.port.to_string());
            text.replace("{proxy}", &proxy.port.to_string())
        };
        let (reach, url, (variable, exempt), (builder, no_proxy), expected) = row;
        let mut variables = vec![("NO_PROXY", exempt.to_owned())];
        variables.extend(variable.map(|value| ("HTTPS_PROXY", fill(value))));
        let url = fill(url);
        let base = if reach == Reach::Gateway {
            url.trim_end_matches("/a.png")
        } else {
            "http://127.0.0.1:9"
        };
        let error = send(&Route {
            reach,
            base: BaseUrl::new(base).expect("a base URL"),
            url: url.clone(),
            variables,
            proxy: builder.map(fill),
            no_proxy,
        });
        let at_host: Vec<_> = host.heard.try_iter().collect();
        let at_proxy: Vec<_> = proxy.heard.try_iter().collect();
        let seen = match (&at_host[..], &at_proxy[..]) {
            ([tls], []) if tls.starts_with('\u{16}') => Seen::Direct,
            ([], [connect]) => {
                let to = url.trim_start_matches("https://");
                let to = to.trim_end_matches("/a.png");
                let line = format!("CONNECT {to} HTTP/1.1\r\n");
                assert!(connect.starts_with(&line), "{row:?}: {connect}");
                Seen::Proxy
            }
            ([], []) if error.contains("private network") => Seen::Private,
            _ => panic!("{row:?}: {at_host:?} {at_proxy:?} {error}"),
        };
        assert_eq!(seen, expected, "{row:?}: {error}");
        let names_proxy = error.contains("proxy") || error.contains("CONNECT");
        assert!(seen != Seen::Proxy || names_proxy, "{row:?}: {error}");
    }
}

/// Checks how a proxy of the environment with credentials is used, and named if it is dead.
///
/// # Panics
///
/// Panics if the credentials do not arrive, or are shown.
pub fn check_credentials(send: impl Fn(&Route) -> String) {
    let proxy = Listener::start();
    let route = |url: &str, value: String| Route {
        reach: Reach::Gateway,
        base: BaseUrl::over_plain_http(url).expect("a base URL"),
        url: url.to_owned(),
        variables: vec![("all_proxy", value)],
        proxy: None,
        no_proxy: "",
    };
    let url = "https://gateway.test:9443";
    let port = proxy.port;
    let error = send(&route(url, format!("us%C3%A9r:can%3Aary@127.0.0.1:{port}")));
    let connect = proxy.heard.try_iter().next().expect("a request");
    let credentials = "proxy-authorization: basic dXPDqXI6Y2FuOmFyeQ==";
    let connect = connect.replace("Basic", "basic");
    assert!(
        connect.lines().any(|line| {
            let (name, value) = line.split_once(':').unwrap_or_default();
            format!("{}:{value}", name.to_lowercase()) == credentials
        }),
        "{connect}"
    );
    let named = format!("http://127.0.0.1:{port} (set in all_proxy)");
    assert!(error.contains(&named), "{error}");
    assert!(!error.contains("ary"), "{error}");

    let unused = TcpListener::bind(("127.0.0.1", 0)).expect("a loopback port");
    let dead = unused.local_addr().expect("its address");
    drop(unused);
    for url in [url, "http://gateway.test:9080"] {
        let error = send(&route(url, format!("http://user:canary@{dead}")));
        let named = format!("http://{dead} (set in all_proxy)");
        assert!(error.contains(&named), "{error}");
        assert!(
            error.contains("could not connect through the proxy"),
            "{error}"
        );
        assert!(!error.contains("canary"), "{error}");
    }

    let value = "socks5://user:canary@127.0.0.1:1".to_owned();
    let error = send(&route(url, value));
    assert!(error.contains("all_proxy names a socks5 proxy"), "{error}");
    assert!(!error.contains("canary"), "{error}");
}
