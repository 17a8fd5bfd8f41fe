//! By which name the caller asks.
//!
//! The page and its pictures need no key, and show what programs sent. A web page that a browser
//! runs may let its own name stand for this machine (DNS rebinding) and then read whatever answers
//! to that name; so they answer to this machine's names alone.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::header;
use http::request;
use http::uri::Authority;
use mesh_proto::error::ErrorCode;

use super::errors::Refused;

/// The host and port by which the caller names the gateway.
pub(super) fn named(head: &request::Parts) -> Option<String> {
    let named = head
        .headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .or_else(|| head.uri.authority().map(Authority::as_str))?;
    Host::read(named).map(|_| named.to_owned())
}

/// Refuses a request that names a host which is not this machine: anything but `localhost`, a name
/// below it, a loopback address, or `listens_on`, where the gateway listens; where others reach it
/// there, also by a name without a dot. One that names no host comes from no browser.
pub(super) fn check_own(head: &request::Parts, listens_on: Option<IpAddr>) -> Result<(), Refused> {
    let in_headers = head.headers.get_all(header::HOST).iter();
    let mut hosts = in_headers
        .map(|host| host.to_str().ok())
        .chain(head.uri.authority().map(|it| Some(it.as_str())));
    if hosts.all(|host| host.is_some_and(|it| is_own(it, listens_on))) {
        return Ok(());
    }
    Err(Refused::with_status(
        http::StatusCode::MISDIRECTED_REQUEST,
        ErrorCode::Other("misdirected_request".to_owned()),
        "The page and its pictures are for this machine: ask for them at localhost or at the address that the emulator listens on.",
    ))
}

/// A host of a `Host` header or an authority, without its port.
enum Host<'h> {
    Address(IpAddr),
    /// Without the dot that may end it.
    Name(&'h str),
}

impl<'h> Host<'h> {
    /// Reads a host and an optional port. `None` for anything else: user information, a zone of an
    /// IPv6 address, text around the brackets, an empty label, a port that is not a number of 16
    /// bits.
    fn read(named: &'h str) -> Option<Self> {
        if let Some(rest) = named.strip_prefix('[') {
            let (address, rest) = rest.split_once(']')?;
            if !rest.is_empty() && !is_port(rest.strip_prefix(':')?) {
                return None;
            }
            let address = address.parse::<Ipv6Addr>().ok()?;
            return Some(Self::Address(address.into()));
        }
        let host = match named.split_once(':') {
            Some((host, port)) if is_port(port) => host,
            Some(_) => return None,
            None => named,
        };
        if let Ok(address) = host.parse::<Ipv4Addr>() {
            return Some(Self::Address(address.into()));
        }
        let name = host.strip_suffix('.').unwrap_or(host);
        name.split('.').all(is_label).then_some(Self::Name(name))
    }
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

fn is_label(label: &str) -> bool {
    !label.is_empty()
        && label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

fn is_own(named: &str, listens_on: Option<IpAddr>) -> bool {
    let name = match Host::read(named) {
        None => return false,
        Some(Host::Address(address)) => {
            let address = address.to_canonical();
            // Nobody lets an address stand for another one. Who listens on all of them has them all.
            return address.is_loopback()
                || listens_on
                    .is_some_and(|it| it.is_unspecified() || it.to_canonical() == address);
        }
        Some(Host::Name(name)) => name,
    };
    let last = name.rsplit('.').next().unwrap_or_default();
    // Where others are to reach it they may have a name for it, as containers do. One without a dot
    // is nobody's on the internet.
    let is_for_others = listens_on.is_some_and(|it| !it.is_loopback());
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit());
    last.eq_ignore_ascii_case("localhost") || (is_for_others && !name.contains('.') && !is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_known_by_its_names_and_addresses() {
        let here = ["127.0.0.1", "127.8.9.10", "[::1]", "[::ffff:127.0.0.1]"];
        let names = [
            "localhost",
            "LOCALHOST",
            "localhost.",
            "emulator.localhost",
            "localhost:80",
            "localhost.:65535",
            "127.0.0.1:0",
            "[::1]:8080",
            "my_app.my-host.localhost:1",
        ];
        let elsewhere = [
            "evil.example",
            "localhost.evil.example",
            "notlocalhost",
            "127.0.0.1.evil.example",
            "10.0.0.7",
            "[fd00::7]",
            "0.0.0.0",
            "2130706433",
            "",
            // What is no host, although a part of it looks like one of this machine.
            "[::1].evil.example",
            "[::1]evil.example",
            "evil.example[::1]",
            "[::1]:80.evil.example",
            "[::1",
            "::1]",
            "::1",
            "[[::1]]",
            "[127.0.0.1]",
            "[::1%lo]",
            "[::1%25lo]",
            "[fe80::1%25eth0]",
            "[]",
            "user@localhost",
            "localhost@evil.example",
            "user:secret@127.0.0.1",
            "localhost..",
            ".localhost",
            "a..localhost",
            ".",
            "127.0.0.1.",
            "127.1",
            "0x7f.0.0.1",
            "localhost:",
            "localhost:http",
            "localhost:+80",
            "localhost:-1",
            "localhost:65536",
            "localhost:80:80",
            "localhost:80.evil.example",
            "[::1]:",
            "[::1]:x",
            "[::1]:99999",
            "localhost/evil.example",
            "localhost evil.example",
            "localhost,evil.example",
            "localhost#evil.example",
            "localh\u{f6}st.localhost",
        ];
        for host in here.iter().chain(&names) {
            assert!(is_own(host, None), "{host}");
        }
        for host in elsewhere {
            assert!(!is_own(host, None), "{host}");
        }
        let given = |address: &str| Some(address.parse().unwrap());
        for (host, address, own) in [
            ("10.0.0.7", "10.0.0.7", true),
            ("10.0.0.8", "10.0.0.7", false),
            ("[fd00::7]", "fd00::7", true),
            ("10.0.0.7", "::ffff:10.0.0.7", true),
            ("10.0.0.7", "0.0.0.0", true),
            ("10.0.0.7", "::", true),
            ("evil.example", "0.0.0.0", false),
            ("emulator", "0.0.0.0", true),
            ("emulator", "10.0.0.7", true),
            ("emulator", "127.0.0.1", false),
            ("", "0.0.0.0", false),
            ("emulator:80", "0.0.0.0", true),
            ("2130706433", "0.0.0.0", false),
            ("[::1].evil.example", "0.0.0.0", false),
            ("evil@emulator", "0.0.0.0", false),
            ("127.0.0.1", "10.0.0.7", true),
        ] {
            assert_eq!(is_own(host, given(address)), own, "{host} {address}");
        }
    }
}
