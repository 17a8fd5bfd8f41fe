//! Which addresses are on the public Internet, by the IANA special-purpose address registries.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address is on the public Internet: not this machine's, not a private network's, not
/// reserved (IANA IPv4 and IPv6 special-purpose address registries). An address that leads to an
/// IPv4 address is public if that one is.
///
/// ```
/// use mesh_proto::download::is_public;
///
/// assert!(is_public([8, 8, 8, 8].into()));
/// assert!(!is_public([169, 254, 169, 254].into()));
/// ```
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match led_to(address) {
            Some(inner) => is_public_v4(inner),
            None => is_public_v6(address),
        },
    }
}

/// What the registries call globally reachable.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Globally {
    Reachable,
    Unreachable,
}
use Globally::{Reachable, Unreachable};

/// The IPv4 registry, and multicast (RFC 5771). The longest prefix decides; every other address is
/// public.
const IPV4: [([u8; 4], u32, Globally); 20] = [
    ([0, 0, 0, 0], 8, Unreachable),
    ([10, 0, 0, 0], 8, Unreachable),
    ([100, 64, 0, 0], 10, Unreachable),
    ([127, 0, 0, 0], 8, Unreachable),
    ([169, 254, 0, 0], 16, Unreachable),
    ([172, 16, 0, 0], 12, Unreachable),
    ([192, 0, 0, 0], 24, Unreachable),
    ([192, 0, 0, 9], 32, Reachable),
    ([192, 0, 0, 10], 32, Reachable),
    ([192, 0, 2, 0], 24, Unreachable),
    ([192, 31, 196, 0], 24, Reachable),
    ([192, 52, 193, 0], 24, Reachable),
    ([192, 88, 99, 0], 24, Unreachable),
    ([192, 168, 0, 0], 16, Unreachable),
    ([192, 175, 48, 0], 24, Reachable),
    ([198, 18, 0, 0], 15, Unreachable),
    ([198, 51, 100, 0], 24, Unreachable),
    ([203, 0, 113, 0], 24, Unreachable),
    ([224, 0, 0, 0], 4, Unreachable),
    ([240, 0, 0, 0], 4, Unreachable),
];

/// The IPv6 registry, within what is allocated as global unicast. The longest prefix decides; every
/// other address is not public. Prefixes that lead to IPv4 addresses are not in it, but for Teredo:
/// what that leads to is chosen by whoever makes the address.
const IPV6: [([u16; 8], u32, Globally); 15] = [
    ([0x2000, 0, 0, 0, 0, 0, 0, 0], 3, Reachable),
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23, Unreachable),
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 32, Unreachable),
    ([0x2001, 1, 0, 0, 0, 0, 0, 1], 128, Reachable),
    ([0x2001, 1, 0, 0, 0, 0, 0, 2], 128, Reachable),
    ([0x2001, 1, 0, 0, 0, 0, 0, 3], 128, Reachable),
    ([0x2001, 2, 0, 0, 0, 0, 0, 0], 48, Unreachable),
    ([0x2001, 3, 0, 0, 0, 0, 0, 0], 32, Reachable),
    ([0x2001, 4, 0x112, 0, 0, 0, 0, 0], 48, Reachable),
    ([0x2001, 0x10, 0, 0, 0, 0, 0, 0], 28, Unreachable),
    ([0x2001, 0x20, 0, 0, 0, 0, 0, 0], 28, Reachable),
    ([0x2001, 0x30, 0, 0, 0, 0, 0, 0], 28, Reachable),
    ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32, Unreachable),
    ([0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0], 48, Reachable),
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20, Unreachable),
];

fn is_public_v4(address: Ipv4Addr) -> bool {
    let address = address.to_bits();
    let entries = IPV4.iter().filter(|(prefix, length, _)| {
        let different = address ^ Ipv4Addr::from(*prefix).to_bits();
        different.leading_zeros() >= *length
    });
    let longest = entries.max_by_key(|(_, length, _)| *length);
    longest.is_none_or(|(_, _, reach)| *reach == Reachable)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let address = address.to_bits();
    let entries = IPV6.iter().filter(|(prefix, length, _)| {
        let different = address ^ Ipv6Addr::from(*prefix).to_bits();
        different.leading_zeros() >= *length
    });
    let longest = entries.max_by_key(|(_, length, _)| *length);
    longest.is_some_and(|(_, _, reach)| *reach == Reachable)
}

/// The IPv4 address that an IPv6 address leads to: mapped (RFC 4291), through NAT64 with the
/// well-known prefix (RFC 6052), or through 6to4 (RFC 3056).
fn led_to(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let ([0, 0, 0, 0, 0, 0xffff, high, low]
    | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
    | [0x2002, high, low, ..]) = address.segments()
    else {
        return None;
    };
    Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_public<const N: usize>(table: [(&str, bool); N]) {
        for (address, expected) in table {
            assert_eq!(is_public(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn the_ipv4_registry_decides_at_both_ends_of_each_prefix() {
        assert_public([
            ("0.0.0.0", false),
            ("0.255.255.255", false),
            ("1.0.0.0", true),
            ("1.1.1.1", true),
            ("8.8.8.8", true),
            ("9.255.255.255", true),
            ("10.0.0.0", false),
            ("10.255.255.255", false),
            ("11.0.0.0", true),
            ("100.63.255.255", true),
            ("100.64.0.0", false),
            ("100.127.255.255", false),
            ("100.128.0.0", true),
            ("127.0.0.1", false),
            ("127.255.255.255", false),
            ("169.253.255.255", true),
            ("169.254.169.254", false),
            ("169.255.0.0", true),
            ("172.15.255.255", true),
            ("172.16.0.0", false),
            ("172.31.255.255", false),
            ("172.32.0.1", true),
            ("192.0.0.1", false),
            ("192.0.0.9", true),
            ("192.0.0.10", true),
            ("192.0.0.170", false),
            ("192.0.1.0", true),
            ("192.0.2.1", false),
            ("192.31.196.1", true),
            ("192.52.193.1", true),
            ("192.88.98.255", true),
            ("192.88.99.0", false),
            ("192.88.99.255", false),
            ("192.88.100.0", true),
            ("192.168.0.1", false),
            ("192.169.0.0", true),
            ("192.175.48.1", true),
            ("198.17.255.255", true),
            ("198.18.0.1", false),
            ("198.19.255.255", false),
            ("198.20.0.0", true),
            ("198.51.100.1", false),
            ("203.0.113.1", false),
            ("203.0.114.0", true),
            ("223.255.255.255", true),
            ("224.0.0.1", false),
            ("239.255.255.255", false),
            ("240.0.0.1", false),
            ("255.255.255.255", false),
        ]);
    }

    #[test]
    fn special_addresses_are_not_public() {
        assert_public([
            ("::", false),
            ("::1", false),
            ("::7f00:1", false),
            ("::808:808", false),
            ("::ffff:127.0.0.1", false),
            ("::ffff:192.88.99.1", false),
            ("::ffff:8.8.8.8", true),
            ("::ffff:0:808:808", false),
            ("64:ff9b::7f00:1", false),
            ("64:ff9b::a00:1", false),
            ("64:ff9b::808:808", true),
            ("64:ff9b::1:808:808", false),
            ("64:ff9b:1::808:808", false),
            ("64:ff9b:1:ffff::808:808", false),
            ("100::1", false),
            ("100:0:0:1::1", false),
            ("1fff:ffff::1", false),
            ("2000::1", true),
            ("2001::1", false),
            ("2001:0:4136:e378:8000:63bf:3fff:fdd2", false),
            ("2001:1::", false),
            ("2001:1::1", true),
            ("2001:1::2", true),
            ("2001:1::3", true),
            ("2001:1::4", false),
            ("2001:2::1", false),
            ("2001:2:0:ffff::1", false),
            ("2001:3::1", true),
            ("2001:4:112::1", true),
            ("2001:4:113::1", false),
            ("2001:10::1", false),
            ("2001:1f:ffff::1", false),
            ("2001:20::1", true),
            ("2001:30::1", true),
            ("2001:40::1", false),
            ("2001:1ff::1", false),
            ("2001:200::1", true),
            ("2001:4860:4860::8888", true),
            ("2001:db7::1", true),
            ("2001:db8::1", false),
            ("2001:db8:ffff::1", false),
            ("2001:db9::1", true),
            ("2002:7f00:1::", false),
            ("2002:c058:6301::", false),
            ("2002:808:808::", true),
            ("2606:4700::1111", true),
            ("2620:4f:8000::1", true),
            ("3ffe:ffff::1", true),
            ("3fff::1", false),
            ("3fff:fff::1", false),
            ("3fff:1000::1", true),
            ("4000::1", false),
            ("5f00::1", false),
            ("fc00::1", false),
            ("fdff::1", false),
            ("fe80::1", false),
            ("fec0::1", false),
            ("ff02::1", false),
        ]);
    }
}
