use std::net::IpAddr;

use super::TlsError;

/// The names that a server's certificate is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServerNames(Vec<String>);

impl ServerNames {
    /// This machine by its usual names, and others: those of the real service, for clients that cannot be told another.
    pub(crate) fn with(others: &[String]) -> Result<Self, TlsError> {
        let mut names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
        for name in others {
            if !is_name(name) {
                return Err(TlsError::Name { name: name.clone() });
            }
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        Ok(Self(names))
    }

    pub(super) fn into_vec(self) -> Vec<String> {
        self.0
    }
}

fn is_name(name: &str) -> bool {
    let labels_fit = |name: &str| {
        name.split('.').all(|label| {
            !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'*')
        })
    };
    name.parse::<IpAddr>().is_ok() || labels_fit(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_hosts_or_addresses_and_come_once() {
        let names = ServerNames::with(&["localhost".into(), "usermanagement.adobe.io".into(), "10.0.0.1".into()]);
        let expected = ["localhost", "127.0.0.1", "::1", "usermanagement.adobe.io", "10.0.0.1"];
        assert_eq!(names.unwrap().into_vec(), expected);
        for bad in ["", "a b", "https://x", "a..b", "x:1"] {
            assert!(ServerNames::with(&[bad.to_owned()]).is_err(), "{bad}");
        }
    }
}
