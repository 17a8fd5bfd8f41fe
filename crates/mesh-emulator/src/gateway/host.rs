//! By which name the caller asks.
//!
//! The page and its pictures need no key, and show what programs sent. A web page that a browser
//! runs may let its own name stand for this machine (DNS rebinding) and then read whatever answers
//! to that name; so they answer to this machine's names alone.

use core::net::IpAddr;

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
    Some(authority(named)?.as_str().to_owned())
}

/// Refuses a request that names a host which is not this machine: anything but `localhost`, a name
/// below it, a loopback address, or `listens_on`, where the gateway listens; where others reach it
/// there, also by a name without a dot. One that names no host comes from no browser.
pub(super) fn check_own(head: &request::Parts, listens_on: Option<IpAddr>) -> Result<(), Refused> {
    let in_headers = head.headers.get_all(header::HOST).iter();
    let mut hosts = in_headers
        .map(|host| host.to_str().ok().and_then(authority))
        .chain(head.uri.authority().map(|it| authority(it.as_str())));
    let is_own = |host: Option<Authority>| host.is_some_and(|it| is_own(it.host(), listens_on));
    if hosts.all(is_own) {
        return Ok(());
    }
    Err(Refused::with_status(
        http::StatusCode::MISDIRECTED_REQUEST,
        ErrorCode::Other("misdirected_request".to_owned()),
        "The page and its pictures are for this machine: ask for them at localhost or at the address that the emulator listens on.",
    ))
}

fn authority(named: &str) -> Option<Authority> {
    if named.contains('@') {
        return None;
    }
    named.parse().ok()
}

fn is_own(host: &str, listens_on: Option<IpAddr>) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse::<IpAddr>() {
        let address = address.to_canonical();
        // Nobody lets an address stand for another one. Who listens on all of them has them all.
        return address.is_loopback()
            || listens_on.is_some_and(|it| it.is_unspecified() || it.to_canonical() == address);
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    let last = name.rsplit('.').next().unwrap_or_default();
    // Where others are to reach it they may have a name for it, as containers do. One without a dot
    // is nobody's on the internet.
    let is_for_others = listens_on.is_some_and(|it| !it.is_loopback());
    last.eq_ignore_ascii_case("localhost")
        || (is_for_others && !name.is_empty() && !name.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_known_by_its_names_and_addresses() {
        let here = ["127.0.0.1", "127.8.9.10", "[::1]", "[::ffff:127.0.0.1]"];
        let names = ["localhost", "LOCALHOST", "localhost.", "emulator.localhost"];
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
            ("127.0.0.1", "10.0.0.7", true),
        ] {
            assert_eq!(is_own(host, given(address)), own, "{host} {address}");
        }
    }
}
