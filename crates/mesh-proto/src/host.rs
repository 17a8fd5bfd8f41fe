//! Hosts in the spellings that URL parsers take, in the one spelling that every resolver reads alike.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::borrow::Cow;

/// The host of a URL, spelled plainly if it is this machine: `localhost`, a loopback address, or the
/// unspecified address that servers print as the one they listen on. `None` for any other host.
///
/// What is sent to the returned host stays on this machine, however a resolver would read `host`.
pub(crate) fn on_this_machine(host: &str) -> Option<Cow<'_, str>> {
    let name = host.strip_suffix('.').unwrap_or(host);
    if name.eq_ignore_ascii_case("localhost") {
        return Some(Cow::Borrowed(name));
    }
    let address = match bracketed(host) {
        Some(address) => match address.to_ipv4_mapped() {
            Some(mapped) => IpAddr::V4(mapped),
            None => IpAddr::V6(address),
        },
        None => IpAddr::V4(ipv4(host)?),
    };
    let spelled = match address {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.to_string(),
        IpAddr::V4(address) if address.is_loopback() => address.to_string(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED | Ipv6Addr::LOCALHOST) => "[::1]".to_owned(),
        _ => return None,
    };
    Some(if spelled == host {
        Cow::Borrowed(host)
    } else {
        Cow::Owned(spelled)
    })
}

/// Whether a host is a name that often means this machine, and that a resolver may look up on the
/// network all the same (RFC 6761, section 6.3).
pub(crate) fn is_local_name(host: &str) -> bool {
    const NAMES: [&str; 6] = [
        "localhost.localdomain",
        "localhost4",
        "localhost6",
        "ip6-localhost",
        "ip6-loopback",
        "loopback",
    ];
    let host = host.strip_suffix('.').unwrap_or(host);
    let last = host.rsplit('.').next().unwrap_or_default();
    last.eq_ignore_ascii_case("localhost")
        || NAMES.iter().any(|name| host.eq_ignore_ascii_case(name))
}

/// An IPv6 address in its brackets, without its zone.
fn bracketed(host: &str) -> Option<Ipv6Addr> {
    let inner = host.strip_prefix('[')?.strip_suffix(']')?;
    let address = inner.split('%').next().unwrap_or_default();
    address.parse().ok()
}

/// An IPv4 address in any form that URL parsers take (WHATWG URL, section 3.5): `127.1`,
/// `0x7f000001`, `2130706433`, `0177.0.0.1`.
pub(crate) fn ipv4(host: &str) -> Option<Ipv4Addr> {
    let host = host.strip_suffix('.').unwrap_or(host);
    let count = u32::try_from(host.split('.').count()).ok()?;
    let mut address: u32 = 0;
    for (place, part) in (0..4).zip(host.split('.')) {
        let number = number(part)?;
        // The last number fills the bytes that are left.
        let (most, shift) = if place + 1 == count {
            (u32::MAX >> (8 * place), 0)
        } else {
            (255, 24 - 8 * place)
        };
        if number > most {
            return None;
        }
        address |= number << shift;
    }
    (count <= 4).then(|| address.into())
}

/// A number in decimal, in octal after `0`, or in hexadecimal after `0x`.
fn number(text: &str) -> Option<u32> {
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let (digits, radix) = match (hexadecimal, text.strip_prefix('0')) {
        (Some(""), _) => return Some(0),
        (Some(digits), _) => (digits, 16),
        (None, Some(digits)) if !digits.is_empty() => (digits, 8),
        _ => (text, 10),
    };
    // A sign is no digit.
    if !digits.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    u32::from_str_radix(digits, radix).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ipv4_is_read_as_url_parsers_read_it() {
        for (host, expected) in [
            ("127.0.0.1", Some([127, 0, 0, 1])),
            ("127.0.0.1.", Some([127, 0, 0, 1])),
            ("127.1", Some([127, 0, 0, 1])),
            ("127.0.1", Some([127, 0, 0, 1])),
            ("127.65535", Some([127, 0, 255, 255])),
            ("2130706433", Some([127, 0, 0, 1])),
            ("0x7f000001", Some([127, 0, 0, 1])),
            ("0X7F.1", Some([127, 0, 0, 1])),
            ("0177.0.0.01", Some([127, 0, 0, 1])),
            ("0", Some([0, 0, 0, 0])),
            ("0x", Some([0, 0, 0, 0])),
            ("8.8.8.8", Some([8, 8, 8, 8])),
            ("1.2.3.4.5", None),
            ("256.0.0.1", None),
            ("1.16777216", None),
            ("4294967296", None),
            ("127.0.0.08", None),
            ("127..1", None),
            ("", None),
            (".", None),
            ("+1", None),
            ("-1", None),
            ("0x7g", None),
            ("a.test", None),
        ] {
            assert_eq!(ipv4(host), expected.map(Ipv4Addr::from), "{host}");
            if let (Some(read), Ok(url)) = (ipv4(host), url::Url::parse(&format!("http://{host}/")))
            {
                assert_eq!(url.host(), Some(url::Host::Ipv4(read)), "{host}");
            }
        }
    }

    #[test]
    fn this_machine_is_spelled_plainly() {
        for (host, expected) in [
            ("localhost", Some("localhost")),
            ("LOCALHOST.", Some("LOCALHOST")),
            ("127.0.0.1", Some("127.0.0.1")),
            ("127.2", Some("127.0.0.2")),
            ("127.0.0.1.", Some("127.0.0.1")),
            ("0.0.0.0", Some("127.0.0.1")),
            ("0", Some("127.0.0.1")),
            ("[::1]", Some("[::1]")),
            ("[0:0::0:1]", Some("[::1]")),
            ("[::]", Some("[::1]")),
            ("[::1%lo]", Some("[::1]")),
            ("[::ffff:127.0.0.1]", Some("127.0.0.1")),
            ("[::ffff:7f00:2]", Some("127.0.0.2")),
            ("[::ffff:0.0.0.0]", Some("127.0.0.1")),
            ("[::ffff:10.0.0.1]", None),
            ("[::127.0.0.1]", None),
            ("[64:ff9b::7f00:1]", None),
            ("0.0.0.1", None),
            ("10.1", None),
            ("127.0.0.1.test", None),
            ("127.0.0.1..", None),
            ("localhost.test", None),
            ("a.localhost", None),
            ("localhost..", None),
            ("::1", None),
            ("", None),
        ] {
            assert_eq!(on_this_machine(host).as_deref(), expected, "{host}");
        }
    }
}
