use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Where the services of an emulator listen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Addresses {
    /// HTTP: the User Management API, and the login if it has no port of its own.
    pub http: Option<SocketAddr>,
    /// HTTPS: the same.
    pub https: Option<SocketAddr>,
    /// HTTP: the login, if it has a port of its own.
    pub login_http: Option<SocketAddr>,
    /// HTTPS: the login, if it has a port of its own.
    pub login_https: Option<SocketAddr>,
    /// HTTP: the management API.
    pub management: Option<SocketAddr>,
}

/// The path of the User Management API below its origin, as in the description.
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

/// An address that listens everywhere is reached here.
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
    fn the_login_has_the_origin_of_the_api_unless_it_has_its_own() {
        let shared = Addresses { http: Some(([0, 0, 0, 0], 80).into()), ..Addresses::default() };
        assert_eq!(shared.um_http().unwrap(), "http://127.0.0.1:80/v2/usermanagement");
        assert_eq!(shared.ims_http().unwrap(), "http://127.0.0.1:80");
        assert_eq!(shared.um_https(), None);
        let apart = Addresses { login_http: Some((Ipv6Addr::LOCALHOST, 81).into()), ..shared };
        assert_eq!(apart.ims_http().unwrap(), "http://[::1]:81");
    }
}
