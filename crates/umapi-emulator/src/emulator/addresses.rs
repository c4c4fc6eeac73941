//! The addresses that an emulator listens on.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The addresses that an emulator listens on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Addresses {
    /// HTTP: the User Management API, and the login unless it has its own port.
    pub http: Option<SocketAddr>,
    /// HTTPS, for the same APIs.
    pub https: Option<SocketAddr>,
    /// HTTP: the login, if it has its own port.
    pub login_http: Option<SocketAddr>,
    /// HTTPS: the login, if it has its own port.
    pub login_https: Option<SocketAddr>,
    /// HTTP: the management API.
    pub management: Option<SocketAddr>,
}

/// The path of the User Management API, as in the description.
const USER_MANAGEMENT: &str = "/v2/usermanagement";

impl Addresses {
    pub(super) fn um_http(&self) -> Option<String> {
        self.http.map(|address| format!("http://{}{USER_MANAGEMENT}", reachable(address)))
    }

    pub(super) fn um_https(&self) -> Option<String> {
        self.https.map(|address| format!("https://{}{USER_MANAGEMENT}", reachable(address)))
    }

    pub(super) fn ims_http(&self) -> Option<String> {
        self.login_http.or(self.http).map(|address| format!("http://{}", reachable(address)))
    }

    pub(super) fn ims_https(&self) -> Option<String> {
        self.login_https.or(self.https).map(|address| format!("https://{}", reachable(address)))
    }

    pub(super) fn management(&self) -> Option<String> {
        self.management.map(|address| format!("http://{}", reachable(address)))
    }
}

/// The address that reaches a listener: a listener on all addresses is reached on this machine.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_login_shares_the_port_of_the_api_by_default() {
        let shared = Addresses { http: Some(([0, 0, 0, 0], 80).into()), ..Addresses::default() };
        assert_eq!(shared.um_http().unwrap(), "http://127.0.0.1:80/v2/usermanagement");
        assert_eq!(shared.ims_http().unwrap(), "http://127.0.0.1:80");
        assert_eq!(shared.um_https(), None);
        let apart = Addresses { login_http: Some((Ipv6Addr::LOCALHOST, 81).into()), ..shared };
        assert_eq!(apart.ims_http().unwrap(), "http://[::1]:81");
    }
}
