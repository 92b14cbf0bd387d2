//! Which addresses are public: a pure table, no look-ups.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// IPv4 that is not a public host, by the IANA special-purpose registry and two additions of ours.
const V4: &[(Ipv4Addr, u32, &str)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8, "this network"),
    (Ipv4Addr::new(10, 0, 0, 0), 8, "private"),
    (Ipv4Addr::new(100, 64, 0, 0), 10, "carrier-grade NAT"),
    (Ipv4Addr::new(127, 0, 0, 0), 8, "loopback"),
    // Looks public; on Azure it is the host's own control agent.
    (Ipv4Addr::new(168, 63, 129, 16), 32, "cloud control"),
    (Ipv4Addr::new(169, 254, 0, 0), 16, "link-local"),
    (Ipv4Addr::new(172, 16, 0, 0), 12, "private"),
    (Ipv4Addr::new(192, 0, 0, 0), 24, "protocol assignments"),
    (Ipv4Addr::new(192, 0, 2, 0), 24, "documentation"),
    (Ipv4Addr::new(192, 88, 99, 0), 24, "6to4 relay"),
    (Ipv4Addr::new(192, 168, 0, 0), 16, "private"),
    (Ipv4Addr::new(198, 18, 0, 0), 15, "benchmarking"),
    (Ipv4Addr::new(198, 51, 100, 0), 24, "documentation"),
    (Ipv4Addr::new(203, 0, 113, 0), 24, "documentation"),
    (Ipv4Addr::new(224, 0, 0, 0), 4, "multicast"),
    (Ipv4Addr::new(240, 0, 0, 0), 4, "reserved"),
];

/// IPv6 that carries an IPv4 address inside, or that is not a public host. What is carried does not
/// matter: who controls the name could carry a private one, so none of these is ever called.
const V6: &[(Ipv6Addr, u32, &str)] = &[
    (Ipv6Addr::UNSPECIFIED, 128, "unspecified"),
    (Ipv6Addr::LOCALHOST, 128, "loopback"),
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96, "IPv4-mapped"),
    (Ipv6Addr::UNSPECIFIED, 96, "IPv4-compatible"),
    (Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, 0, 0), 96, "IPv4-translated"),
    (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96, "NAT64"),
    (Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48, "local NAT64"),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 32, "Teredo"),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, "protocol assignments"),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, "documentation"),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, "6to4"),
    (Ipv6Addr::new(0x3ffe, 0, 0, 0, 0, 0, 0, 0), 16, "former 6bone"),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, "documentation"),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, "unique local"),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10, "link-local"),
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10, "site-local"),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8, "multicast"),
];

/// All that IANA has given out as global unicast so far.
const GLOBAL_UNICAST: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// Why an address is not a public host, as the name of its range; `None` for a public one.
pub fn not_public(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(v4) => V4.iter().find(|(net, len, _)| v4_within(v4, *net, *len)).map(|r| r.2),
        IpAddr::V6(v6) => {
            let known = V6.iter().find(|(net, len, _)| v6_within(v6, *net, *len)).map(|r| r.2);
            let unassigned = !v6_within(v6, GLOBAL_UNICAST.0, GLOBAL_UNICAST.1);
            known.or(unassigned.then_some("unassigned"))
        }
    }
}

/// An address block: `10.0.0.0/8`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Network {
    base: IpAddr,
    prefix: u32,
}

impl Network {
    /// One address.
    pub(super) fn single(address: IpAddr) -> Self {
        Self { base: address, prefix: if address.is_ipv4() { 32 } else { 128 } }
    }

    /// A block whose host bits are zero; anything else is `None`.
    pub(super) fn new(base: IpAddr, prefix: u32) -> Option<Self> {
        let zero = match base {
            IpAddr::V4(v4) if prefix <= 32 => v4.to_bits() & !v4_mask(prefix) == 0,
            IpAddr::V6(v6) if prefix <= 128 => v6.to_bits() & !v6_mask(prefix) == 0,
            _ => false,
        };
        zero.then_some(Self { base, prefix })
    }

    /// Whether the address lies in the block; an IPv4-mapped one counts as the IPv4 that it is.
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        match (self.base, address.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(v4)) => v4_within(v4, net, self.prefix),
            (IpAddr::V6(net), IpAddr::V6(v6)) => v6_within(v6, net, self.prefix),
            _ => false,
        }
    }
}

fn v4_mask(prefix: u32) -> u32 {
    u32::MAX.checked_shl(32 - prefix).unwrap_or(0)
}

fn v6_mask(prefix: u32) -> u128 {
    u128::MAX.checked_shl(128 - prefix).unwrap_or(0)
}

fn v4_within(address: Ipv4Addr, net: Ipv4Addr, prefix: u32) -> bool {
    (address.to_bits() ^ net.to_bits()) & v4_mask(prefix) == 0
}

fn v6_within(address: Ipv6Addr, net: Ipv6Addr, prefix: u32) -> bool {
    (address.to_bits() ^ net.to_bits()) & v6_mask(prefix) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn v6(text: &str) -> Ipv6Addr {
        text.parse().unwrap()
    }

    #[test]
    fn every_range_is_blocked_from_its_first_to_its_last_address() {
        for (net, prefix, name) in V4 {
            let last = net.to_bits() | !v4_mask(*prefix);
            for bits in [net.to_bits(), last] {
                assert_eq!(not_public(Ipv4Addr::from_bits(bits).into()), Some(*name));
            }
        }
        for (net, prefix, name) in V6 {
            let last = net.to_bits() | !v6_mask(*prefix);
            for bits in [net.to_bits(), last] {
                assert!(not_public(Ipv6Addr::from_bits(bits).into()).is_some(), "{name}");
            }
        }
    }

    #[test]
    fn the_neighbours_of_blocked_ranges_are_public() {
        for text in [
            "1.0.0.0",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "168.63.129.15",
            "168.63.129.17",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "191.255.255.255",
            "192.0.1.0",
            "192.0.3.0",
            "192.88.98.255",
            "192.88.100.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "198.51.99.255",
            "198.51.101.0",
            "203.0.112.255",
            "203.0.114.0",
            "223.255.255.255",
            "8.8.8.8",
            "2606:4700:4700::1111",
            "2001:200::1",
            "2001:db7:ffff::1",
            "2001:db9::1",
            "2003::1",
            "2a00::1",
            "3ffd::1",
        ] {
            assert_eq!(not_public(text.parse().unwrap()), None, "{text}");
        }
    }

    #[test]
    fn well_known_traps_are_blocked() {
        for text in [
            "0.0.0.0",
            "127.0.0.1",
            "127.1.2.3",
            "10.1.2.3",
            "172.31.255.255",
            "192.168.0.1",
            "169.254.169.254",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "198.19.0.1",
            "224.0.0.1",
            "239.255.255.255",
            "255.255.255.255",
            "::",
            "::1",
            "::2",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::127.0.0.1",
            "::ffff:0:127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::808:808",
            "64:ff9b:1::a00:1",
            "64:ff9b:1:ffff::1",
            "2001::1",
            "2001:0:7f00:1::80ff:fffe",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:808:808::1",
            "3fff::1",
            "3fff:fff::1",
            "4000::1",
            "100::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "feff::1",
            "ff02::1",
            "ff0e::1",
        ] {
            assert!(not_public(text.parse().unwrap()).is_some(), "{text}");
        }
    }

    #[test]
    fn a_network_has_no_host_bits_and_contains_what_it_says() {
        let net = Network::new("10.0.0.0".parse().unwrap(), 8).unwrap();
        assert!(net.contains("10.255.255.255".parse().unwrap()));
        assert!(net.contains("::ffff:10.0.0.1".parse().unwrap()));
        assert!(!net.contains("11.0.0.0".parse().unwrap()));
        assert!(!net.contains("64:ff9b::a00:1".parse().unwrap()));
        assert_eq!(Network::new("10.0.0.1".parse().unwrap(), 8), None);
        assert_eq!(Network::new("10.0.0.0".parse().unwrap(), 33), None);
        assert_eq!(Network::new("fd00::1".parse().unwrap(), 64), None);
        let all = Network::new("::".parse().unwrap(), 0).unwrap();
        assert!(all.contains("2a00::1".parse().unwrap()));
        assert!(!all.contains("8.8.8.8".parse().unwrap()));
    }

    proptest! {
        #[test]
        fn what_the_standard_library_knows_is_blocked(bits in any::<u32>()) {
            let v4 = Ipv4Addr::from_bits(bits);
            let special = v4.is_private() || v4.is_loopback() || v4.is_link_local()
                || v4.is_broadcast() || v4.is_documentation() || v4.is_multicast()
                || v4.is_unspecified();
            prop_assert!(!special || not_public(v4.into()).is_some(), "{v4}");
        }

        #[test]
        fn no_form_of_ipv6_smuggles_an_ipv4_address(bits in any::<u32>(), low in any::<u64>()) {
            let high = u128::from(bits);
            for hidden in [
                v6("::ffff:0:0").to_bits() | high,
                high,
                v6("::ffff:0:0:0").to_bits() | high,
                v6("64:ff9b::").to_bits() | high,
                v6("64:ff9b:1::").to_bits() | (high << 16) | u128::from(low & 0xffff),
                v6("2002::").to_bits() | (high << 80) | u128::from(low),
                v6("2001::").to_bits() | (u128::from(low >> 32) << 64) | u128::from(!bits),
            ] {
                let address = Ipv6Addr::from_bits(hidden);
                prop_assert!(not_public(address.into()).is_some(), "{address}");
            }
        }

        #[test]
        fn only_global_unicast_is_public(bits in any::<u128>()) {
            let address = Ipv6Addr::from_bits(bits);
            if not_public(address.into()).is_none() {
                prop_assert_eq!(bits >> 125, 1);
                prop_assert!(!address.is_multicast() && !address.is_unique_local()
                    && !address.is_unicast_link_local() && !address.is_loopback());
            }
        }
    }
}
