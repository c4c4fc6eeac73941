//! The host that a request names: with which port, and whether it is this machine.

use std::net::IpAddr;

/// The name or address of a host, without a port and without the brackets of an IPv6 address.
pub(crate) fn host_name(host: &str) -> &str {
    match host.strip_prefix('[') {
        Some(literal) => literal.split(']').next().unwrap_or_default(),
        None => match host.rsplit_once(':') {
            Some((name, port)) if !name.contains(':') && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        },
    }
}

/// Whether a name always means this machine: `localhost`, what is below it, and loopback addresses.
pub(crate) fn is_this_machine(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost"
        || name.ends_with(".localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether a name is an address. A web page cannot make an address mean another machine, as it can with a name of its own.
pub(crate) fn is_address(name: &str) -> bool {
    name.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_beside_ports() {
        for (host, name) in [
            ("localhost:8080", "localhost"),
            ("[::1]:8080", "::1"),
            ("::1", "::1"),
            ("a.example", "a.example"),
            ("127.0.0.1:1", "127.0.0.1"),
            ("a:b:1", "a:b:1"),
            ("", ""),
        ] {
            assert_eq!(host_name(host), name);
        }
    }

    #[test]
    fn only_names_that_cannot_move_are_this_machine() {
        for name in ["localhost", "LOCALHOST.", "api.localhost", "127.0.0.1", "127.9.9.9", "::1"] {
            assert!(is_this_machine(name), "{name}");
        }
        for name in ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "192.168.0.1", ""] {
            assert!(!is_this_machine(name), "{name}");
        }
        assert!(is_address("192.168.0.1") && !is_address("1.evil.example"));
    }
}
