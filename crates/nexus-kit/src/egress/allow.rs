//! `EGRESS_ALLOW`: what an operator opened although the guard would refuse it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::address::Network;

/// An entry of `EGRESS_ALLOW` that is none; the text names it and what an entry looks like.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "EGRESS_ALLOW: {entry:?} {problem}; an entry is a host, host:port, address, address:port or \
     network, such as hooks.example.com, 10.0.0.5:8080, [fd00::5]:8080 or 10.0.0.0/8"
)]
pub struct EgressConfigError {
    /// The entry as written.
    pub entry: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

/// The entries, read once.
#[derive(Clone, Debug, Default)]
pub(super) struct AllowList {
    names: Vec<(String, Option<u16>)>,
    networks: Vec<(Network, Option<u16>)>,
}

enum Entry {
    Name(String, Option<u16>),
    Network(Network, Option<u16>),
}

impl AllowList {
    /// Reads every entry; blank ones, as a trailing comma leaves them, are nothing.
    pub(super) fn parse(entries: &[String]) -> Result<Self, EgressConfigError> {
        let mut list = Self::default();
        for entry in entries.iter().map(|e| e.trim()).filter(|e| !e.is_empty()) {
            let read = parse_entry(entry)
                .map_err(|problem| EgressConfigError { entry: entry.to_owned(), problem })?;
            match read {
                Entry::Name(name, port) => list.names.push((name, port)),
                Entry::Network(network, port) => list.networks.push((network, port)),
            }
        }
        Ok(list)
    }

    /// Whether a name (lower-case ASCII, no trailing dot) is opened on a port. Only the name itself:
    /// what is below it is another's to give away.
    pub(super) fn opens_name(&self, name: &str, port: u16) -> bool {
        self.names.iter().any(|(n, p)| n == name && p.is_none_or(|p| p == port))
    }

    /// Whether an address is opened on a port.
    pub(super) fn opens_address(&self, address: IpAddr, port: u16) -> bool {
        self.networks.iter().any(|(n, p)| n.contains(address) && p.is_none_or(|p| p == port))
    }
}

fn parse_entry(entry: &str) -> Result<Entry, &'static str> {
    if entry.contains("://") {
        return Err("is a URL");
    }
    if entry.contains('*') {
        return Err("has a wildcard, which is not supported");
    }
    if entry.contains('@') {
        return Err("has a user name");
    }
    if let Some((base, prefix)) = entry.split_once('/') {
        let base: IpAddr = base.parse().map_err(|_| "is not a network")?;
        let prefix = decimal(prefix).ok_or("has no prefix length")?;
        let network = Network::new(plain(base)?, prefix.into())
            .ok_or("has bits set beyond its prefix length")?;
        return Ok(Entry::Network(network, None));
    }
    if let Some(rest) = entry.strip_prefix('[') {
        let (address, port) = rest.split_once(']').ok_or("has no closing bracket")?;
        let address: Ipv6Addr = address.parse().map_err(|_| "is not an address")?;
        let port = match port.strip_prefix(':') {
            Some(port) => Some(self::port(port)?),
            None if port.is_empty() => None,
            None => return Err("has text after its bracket"),
        };
        return Ok(Entry::Network(Network::single(plain(address.into())?), port));
    }
    if let Ok(address) = entry.parse::<IpAddr>() {
        return Ok(Entry::Network(Network::single(plain(address)?), None));
    }
    let (host, port) = match entry.split_once(':') {
        Some((host, port)) => (host, Some(self::port(port)?)),
        None => (entry, None),
    };
    if let Ok(address) = host.parse::<Ipv4Addr>() {
        return Ok(Entry::Network(Network::single(address.into()), port));
    }
    match url::Host::parse(host) {
        Ok(url::Host::Domain(name)) => {
            let name = name.strip_suffix('.').unwrap_or(&name);
            if name.is_empty() { Err("is not a host") } else { Ok(Entry::Name(name.into(), port)) }
        }
        // 0x7f.1 and its like: what it opens must be plain to whoever reads the setting.
        Ok(_) => Err("is an address in an unusual spelling"),
        Err(_) => Err("is not a host"),
    }
}

fn plain(address: IpAddr) -> Result<IpAddr, &'static str> {
    if address.to_canonical() == address { Ok(address) } else { Err("is IPv4 written as IPv6") }
}

fn port(text: &str) -> Result<u16, &'static str> {
    decimal(text).filter(|port| *port > 0).ok_or("has no valid port")
}

fn decimal(text: &str) -> Option<u16> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(entries: &[&str]) -> Result<AllowList, EgressConfigError> {
        AllowList::parse(&entries.iter().map(|e| (*e).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn names_addresses_and_networks_with_and_without_port() {
        let list = list(&[
            " Hooks.Example.com ",
            "sink.internal:8080",
            "10.0.0.5",
            "10.0.0.6:9000",
            "fd00::5",
            "[fd00::6]",
            "[fd00::7]:9000",
            "172.16.0.0/12",
            "fd01::/16",
            "한글.kr",
            "dot.example.",
            "",
        ])
        .unwrap();
        assert!(list.opens_name("hooks.example.com", 1));
        assert!(!list.opens_name("x.hooks.example.com", 1));
        assert!(list.opens_name("sink.internal", 8080));
        assert!(!list.opens_name("sink.internal", 8081));
        assert!(list.opens_name("xn--bj0bj06e.kr", 443));
        assert!(list.opens_name("dot.example", 443));
        let opens = |text: &str, port| list.opens_address(text.parse().unwrap(), port);
        assert!(opens("10.0.0.5", 1) && opens("::ffff:10.0.0.5", 1));
        assert!(opens("10.0.0.6", 9000) && !opens("10.0.0.6", 9001));
        assert!(opens("fd00::5", 1) && opens("fd00::6", 1));
        assert!(opens("fd00::7", 9000) && !opens("fd00::7", 1));
        assert!(opens("172.31.255.255", 1) && !opens("172.32.0.0", 1));
        assert!(opens("fd01:1::1", 1) && !opens("fd02::1", 1));
    }

    #[test]
    fn a_bad_entry_is_named() {
        for bad in [
            "https://example.com",
            "*.example.com",
            "user@example.com",
            "10.0.0.0/33",
            "10.0.0.1/8",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "example.com/8",
            "fd00::1/64",
            "[fd00::1",
            "[fd00::1]x",
            "[fd00::1]:0",
            "[10.0.0.1]",
            "example.com:",
            "example.com:0",
            "example.com:65536",
            "example.com:+80",
            "example.com:80:81",
            "0x7f.1",
            "2130706433",
            "127.1",
            "a b",
            "::ffff:10.0.0.1",
            "::ffff:10.0.0.0/104",
            ".",
            "exa%mple",
            "10.0.0.256",
        ] {
            let error = list(&["fine.example", bad]).unwrap_err();
            assert_eq!(error.entry, bad);
            assert!(error.to_string().contains(&format!("{bad:?}")), "{error}");
        }
    }
}
