//! The hosts that `NO_PROXY` lists, matched as curl does it: a name also covers the names below it,
//! an address may have a prefix length, `*` is every host. Beyond curl, `*.` stands for a leading
//! dot, an entry may name a port, and blanks separate entries as commas do.

use std::net::IpAddr;

#[derive(Clone, Debug, Default)]
pub(super) struct Exempt(Vec<(Pattern, Option<u16>)>);

#[derive(Clone, Debug)]
enum Pattern {
    Everything,
    /// An address, and how many of its first bits count.
    Network(IpAddr, u32),
    /// A name without the dots around it.
    Name(String),
}

impl Exempt {
    /// Entries that match nothing are left out.
    pub(super) fn parse(list: &str) -> Self {
        let entries = list.split(|c: char| c == ',' || c.is_whitespace());
        Self(entries.filter_map(entry).collect())
    }

    pub(super) fn contains(&self, host: &str, port: u16) -> bool {
        let host = host.trim_matches(['[', ']']);
        let host = host.strip_suffix('.').unwrap_or(host);
        let address: Option<IpAddr> = host.parse().ok();
        self.0.iter().any(|(pattern, only)| {
            only.is_none_or(|only| only == port)
                && match pattern {
                    Pattern::Everything => true,
                    Pattern::Network(network, bits) => {
                        address.is_some_and(|address| is_within(address, *network, *bits))
                    }
                    Pattern::Name(name) => address.is_none() && is_below(host, name),
                }
        })
    }
}

fn entry(entry: &str) -> Option<(Pattern, Option<u16>)> {
    if let Some(network) = network(entry) {
        return Some((network, None));
    }
    let (host, port) = match entry.rsplit_once(':') {
        Some((host, port)) => (host, Some(port.parse().ok()?)),
        None => (entry, None),
    };
    if host == "*" {
        return Some((Pattern::Everything, port));
    }
    if let Some(network) = network(host) {
        return Some((network, port));
    }
    let name = host.strip_prefix('*').unwrap_or(host);
    let name = name.strip_prefix('.').unwrap_or(name);
    let name = name.strip_suffix('.').unwrap_or(name);
    (!name.is_empty()).then(|| (Pattern::Name(name.to_owned()), port))
}

fn network(entry: &str) -> Option<Pattern> {
    let (address, bits) = match entry.split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse::<u32>().ok()?)),
        None => (entry, None),
    };
    let bare = address
        .strip_prefix('[')
        .and_then(|address| address.strip_suffix(']'));
    let address: IpAddr = bare.unwrap_or(address).parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.unwrap_or(most);
    (bits <= most).then_some(Pattern::Network(address, bits))
}

fn is_within(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    let differing = match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            (address.to_bits() ^ network.to_bits()).leading_zeros()
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            (address.to_bits() ^ network.to_bits()).leading_zeros()
        }
        _ => return false,
    };
    differing >= bits
}

/// Whether a host is `name`, or a name below it.
fn is_below(host: &str, name: &str) -> bool {
    let Some(start) = host.len().checked_sub(name.len()) else {
        return false;
    };
    host.get(start..)
        .is_some_and(|end| end.eq_ignore_ascii_case(name))
        && host
            .get(..start)
            .is_some_and(|start| start.is_empty() || start.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_match_hosts_as_curl_has_it() {
        for (list, host, expected) in [
            ("", "x.test", false),
            ("*", "x.test", true),
            ("*", "10.0.0.1", true),
            ("a.test,*", "x.test", true),
            ("x.test", "x.test", true),
            ("x.test", "X.TEST.", true),
            ("X.Test.", "x.test", true),
            ("x.test", "a.x.test", true),
            (".x.test", "a.x.test", true),
            (".x.test", "x.test", true),
            ("*.x.test", "a.x.test", true),
            ("x.test", "ax.test", false),
            (".x.test", "ax.test", false),
            ("a.x.test", "x.test", false),
            ("a.test, x.test", "x.test", true),
            ("a.test x.test", "x.test", true),
            (",,x.test,", "x.test", true),
            (".", "x.test", false),
            ("x.test/24", "x.test", false),
            ("test", "x.test", true),
            ("\u{f6}.test", "x.test", false),
            ("10.0.0.1", "10.0.0.1", true),
            ("10.0.0.1", "10.0.0.2", false),
            ("0.0.1", "10.0.0.1", false),
            ("10.0.0.0/8", "10.200.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/33", "10.0.0.1", false),
            ("10.0.0.0/x", "10.0.0.0", false),
            ("0.0.0.0/0", "11.0.0.1", true),
            ("0.0.0.0/0", "[2606::1]", false),
            ("10.0.0.0/31", "10.0.0.1", true),
            ("10.0.0.0/31", "10.0.0.2", false),
            ("fe80::/10", "[febf::1]", true),
            ("fe80::/10", "[fec0::1]", false),
            ("[fe80::1]", "[fe80::1]", true),
            ("fe80:0::1", "[fe80::1]", true),
            ("10.0.0.0/8", "10.x.test", false),
            ("x.test:443", "x.test", true),
            ("x.test:80", "x.test", false),
            ("x.test:port", "x.test", false),
            ("10.0.0.1:443", "10.0.0.1", true),
            ("10.0.0.1:80", "10.0.0.1", false),
            ("[fe80::1]:443", "[fe80::1]", true),
            ("[fe80::1]:80", "[fe80::1]", false),
            ("*:443", "x.test", true),
            ("*:80", "x.test", false),
        ] {
            assert_eq!(
                Exempt::parse(list).contains(host, 443),
                expected,
                "{list:?} {host}"
            );
        }
    }
}
