//! The values of a profile: what each of them must be, and how it is shown.

use std::{fs, path::Path};

use umapi::{
    Client, HttpOptions, Proxy,
    auth::{Endpoint, FixedToken, Secret},
    raw::UserManagement,
};

/// The address of the service in production.
pub(crate) const PRODUCTION: &str = UserManagement::PRODUCTION;

/// Checks the address of a service.
pub(crate) fn check_server(address: &str) -> Result<(), String> {
    // A client that sends nothing checks its address.
    let client = Client::builder("1@AdobeOrg").token_source("id", FixedToken::new("token")).base_url(address).build();
    client.map(drop).map_err(|error| error.to_string())
}

/// Checks the address of a login.
pub(crate) fn check_login_server(address: &str) -> Result<(), String> {
    Endpoint::parse(address).map(drop).map_err(|error| error.to_string())
}

/// Reads the address of a proxy. The error does not quote it: it may contain a password.
pub(crate) fn parse_proxy(address: &str) -> Result<Proxy, String> {
    if address.contains('@') {
        return Err(
            "the proxy has a user or a password in its URL; remove them there, and set them as `proxy_user` and \
                    `proxy_password`"
                .to_owned(),
        );
    }
    Proxy::new(address).map_err(|error| error.to_string())
}

/// Checks the id of a client or another id that is sent as it is.
pub(crate) fn check_id(id: &str) -> Result<(), String> {
    if id.is_empty() || id.contains(|c: char| c.is_whitespace() || c.is_control() || "\"'`".contains(c)) {
        return Err("an id has no blanks and no quotes; copy it again from the Adobe Developer Console".to_owned());
    }
    Ok(())
}

/// Checks the id of a technical account.
pub(crate) fn check_technical_account(id: &str) -> Result<(), String> {
    if id.ends_with("@techacct.adobe.com") {
        return Ok(());
    }
    Err(format!("`{id}` is not the id of a technical account, e.g. 6@techacct.adobe.com (not its email address)"))
}

/// Checks the name of an environment variable. The error does not quote it: it may be the secret itself.
pub(crate) fn check_variable(name: &str) -> Result<(), String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !name.is_empty() && name.chars().all(is_name) && !name.starts_with(|c: char| c.is_ascii_digit()) {
        return Ok(());
    }
    Err("the name of an environment variable has only letters, digits and `_`, e.g. MAIN_SECRET; give the name of the \
         variable, not the secret"
        .to_owned())
}

/// Reads a file of certificates to trust.
pub(crate) fn read_root_certificates(path: &Path) -> Result<Vec<u8>, String> {
    let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    // A byte order mark would hide the first certificate.
    let pem = match Secret::decode(&bytes) {
        Ok(text) => text.reveal().as_bytes().to_vec(),
        Err(_) => bytes,
    };
    let used = HttpOptions::new().without_proxy().root_certificates(pem.clone()).build();
    used.map(|_| pem).map_err(|error| format!("{}: {error}", path.display()))
}

/// An address without the user and the password that it may contain by mistake.
pub(crate) fn without_login(address: &str) -> String {
    let (scheme, rest) = address.split_once("//").map_or(("", address), |(scheme, rest)| (scheme, rest));
    match rest.rsplit_once('@') {
        Some((_, host)) if scheme.is_empty() => format!("…@{host}"),
        Some((_, host)) => format!("{scheme}//…@{host}"),
        None => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_checked_and_no_secret_is_quoted() {
        for (result, named) in [
            (check_server("um.example"), "URL of the service"),
            (check_server("http://um.example"), "plain HTTP"),
            (check_login_server("https://a:planted@ims.example"), "URL of the login server"),
            (parse_proxy("http://ann:planted@proxy:8080").map(drop), "`proxy_user`"),
            (parse_proxy("dom\\user:planted@proxy").map(drop), "`proxy_user`"),
            (parse_proxy("proxy").map(drop), "URL"),
            (check_id("0123 "), "no blanks"),
            (check_id("\"0123\""), "quotes"),
            (check_technical_account("x@example.com"), "techacct"),
            (check_variable("p8e-planted"), "not the secret"),
            (check_variable("$NAME"), "letters"),
            (read_root_certificates(Path::new("/nowhere/ca.pem")).map(drop), "/nowhere/ca.pem"),
        ] {
            let error = result.unwrap_err();
            assert!(error.contains(named) && !error.contains("planted"), "{named}: {error}");
        }
        assert_eq!(check_server("https://um.example/v2"), Ok(()));
        assert_eq!(check_variable("_MAIN_SECRET2"), Ok(()));
        assert!(parse_proxy("http://proxy.example:8080").is_ok());
    }

    #[test]
    fn certificates_are_read_as_editors_save_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let pem = rcgen::generate_simple_self_signed(["ca.example".to_owned()]).unwrap().cert.pem();
        fs::write(&path, format!("\u{feff}{pem}")).unwrap();
        assert_eq!(read_root_certificates(&path).unwrap(), pem.as_bytes());
        fs::write(&path, b"\x30\x82\xff\xfe").unwrap();
        assert!(read_root_certificates(&path).unwrap_err().contains("BEGIN CERTIFICATE"));
    }

    #[test]
    fn address_is_shown_without_a_login() {
        assert_eq!(without_login("http://ann:p@ss@proxy:1"), "http://…@proxy:1");
        assert_eq!(without_login("ann:pass@proxy"), "…@proxy");
        assert_eq!(without_login("https://um.example/v2"), "https://um.example/v2");
    }
}
