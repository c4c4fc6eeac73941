//! The address of a Redis server: `rediss://user@host:port/database`.

use std::fmt;

use umapi_http::Secret;
use url::{Host, Url};

use crate::Error;

const DEFAULT_PORT: u16 = 6379;
const EXAMPLE: &str = "rediss://redis.example:6380";

/// A server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Node {
    /// A name or an address, which has no brackets if it is IPv6.
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Node {
    pub(crate) fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// Parses the node of a redirection: `host:port`, where an empty host is the one that was asked.
    pub(crate) fn of_redirection(text: &str, asked: &Self) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let host = if host.is_empty() { asked.host.as_str() } else { host };
        let is_host = |c: char| c.is_ascii_alphanumeric() || "-._:".contains(c);
        let is_valid = host.len() <= 255 && host.chars().all(is_host);
        Some(Self { host: host.to_owned(), port: port.parse().ok()? }).filter(|_| is_valid)
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// The parts of a URL.
pub(crate) struct Address {
    pub(crate) node: Node,
    pub(crate) is_tls: bool,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<Secret>,
    pub(crate) database: i64,
}

impl Address {
    /// Parses a URL. The error does not quote it, because it may contain a password.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let invalid = |why: &str| Error::invalid(format!("the URL of Redis {why}; use a URL like {EXAMPLE}"));
        let url = Url::parse(text.trim()).map_err(|error| invalid(&format!("cannot be used ({error})")))?;
        let is_tls = match url.scheme() {
            "rediss" | "valkeys" => true,
            "redis" | "valkey" => false,
            "http" | "https" => return Err(invalid("is one of a web server")),
            _ => return Err(invalid("has an unsupported scheme")),
        };
        // The host of an unknown scheme is not parsed as an address.
        let host = match url.host() {
            Some(Host::Domain(name)) if !name.is_empty() => name.to_owned(),
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
            _ => return Err(invalid("has no host")),
        };
        if url.query().is_some() || url.fragment().is_some() {
            return Err(invalid("must not contain a query or a fragment"));
        }
        let database = match url.path().trim_matches('/') {
            "" => 0,
            number => number.parse::<u32>().map_err(|_| invalid("has a database that is not a number"))?.into(),
        };
        let decoded = |part: &str| match percent_decoded(part) {
            Some(text) => Ok(text),
            None => Err(invalid("has a user or a password that is not percent-encoded UTF-8")),
        };
        let user = Some(url.username()).filter(|user| !user.is_empty()).map(decoded).transpose()?;
        let password = url.password().map(decoded).transpose()?.map(Secret::from);
        let port = url.port().unwrap_or(DEFAULT_PORT);
        Ok(Self { node: Node { host, port }, is_tls, user, password, database })
    }
}

fn percent_decoded(text: &str) -> Option<String> {
    // The parser of forms decodes `+` too, which is a plain character here.
    let form = format!("x={}", text.replace('+', "%2B").replace('&', "%26"));
    let value = url::form_urlencoded::parse(form.as_bytes()).next()?.1.into_owned();
    (!value.contains(char::REPLACEMENT_CHARACTER)).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_url_are_read() {
        let address = Address::parse("rediss://ops%40x:p%2Bl+a&nted@redis.example:6380/2").unwrap();
        assert_eq!((address.node.to_string().as_str(), address.is_tls), ("redis.example:6380", true));
        assert_eq!((address.user.as_deref(), address.database), (Some("ops@x"), 2));
        assert_eq!(address.password.unwrap().reveal(), "p+l+a&nted");
        let plain = Address::parse("redis://[::1]").unwrap();
        assert_eq!(
            (plain.node.to_string().as_str(), plain.is_tls, plain.node.is_loopback()),
            ("[::1]:6379", false, true)
        );
        assert!(Address::parse("valkeys://cache").unwrap().is_tls);
    }

    #[test]
    fn an_unusable_url_is_explained_without_its_password() {
        for (text, named) in [
            ("redis.example:6379", "scheme"),
            ("https://u:planted@redis.example", "web server"),
            ("rediss://u:planted@", "cannot be used"),
            ("rediss://u:planted@h/two", "not a number"),
            ("rediss://u:planted@h/-1", "not a number"),
            ("rediss://u:planted@h?x=planted", "query"),
            ("rediss://u:planted%ff@h", "percent-encoded"),
            ("rediss://u:planted@h:99999", "port"),
            ("", "cannot be used"),
        ] {
            let error = Address::parse(text).map(drop).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(error.is_invalid_input() && shown.contains(named) && !shown.contains("planted"), "{text}: {shown}");
        }
    }

    #[test]
    fn a_redirection_names_a_node() {
        let asked = Node { host: "first".to_owned(), port: 1 };
        let node = |text: &str| Node::of_redirection(text, &asked).map(|node| node.to_string());
        assert_eq!(node("10.0.0.1:7001").as_deref(), Some("10.0.0.1:7001"));
        assert_eq!(node(":7001").as_deref(), Some("first:7001"));
        assert_eq!(node("fe80::1:7001").as_deref(), Some("[fe80::1]:7001"));
        for bad in ["", "x", "x:", "x:70000", "a b:1", "x\n:1", "?:x"] {
            assert_eq!(node(bad), None, "{bad:?}");
        }
    }
}
