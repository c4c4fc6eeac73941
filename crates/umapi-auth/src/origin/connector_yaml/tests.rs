//! Connector files of several versions of user-sync.

use super::*;
use crate::Login;

const KEYS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys");

fn read(yaml: &str) -> Result<Credentials, Error> {
    Credentials::from_connector_yaml(yaml, Path::new(KEYS))
}

/// Reads a file of user-sync 2.6 with the method `jwt` and these lines under `enterprise:`.
fn jwt(lines: &str) -> Result<Credentials, Error> {
    read(&format!(
        "server:\n  #host: usermanagement.adobe.io\n  timeout: 120\n  retries: 3\nenterprise:\n  org_id: 12345@AdobeOrg\n{lines}"
    ))
}

/// Reads a file of user-sync 2.10 with the method `oauth` and these lines at its end.
fn oauth(lines: &str) -> Result<Credentials, Error> {
    read(&format!(
        "authentication_method: oauth\nenterprise:\n  client_id: \"id\"\n  client_secret: \"s\"\n  org_id: \"12345@AdobeOrg\"\n{lines}"
    ))
}

#[test]
fn oauth_is_read() {
    let credentials = oauth("server:\n  #auth_host: ims-na1.adobelogin.com\n").unwrap();
    assert!(matches!(credentials.login(), Login::OAuthServerToServer(_)));
    assert_eq!((credentials.client_id(), credentials.organization()), ("id", Some("12345@AdobeOrg")));
    assert_eq!(credentials.secrets(), [Secret::from("s")]);
    assert_eq!(credentials.endpoint, Endpoint::default());
}

#[test]
fn a_service_account_is_read_by_newer_and_older_names() {
    let indented = include_str!("../../../tests/keys/pkcs1.pem").replace('\n', "\n    ");
    let one_line = include_str!("../../../tests/keys/pkcs8.pem").replace('\n', "\\n");
    for lines in [
        "  client_id: id\n  client_secret: s\n  tech_acct_id: 1@techacct.adobe.com\n  priv_key_path: pkcs1.pem\n".to_owned(),
        "  api_key: id\n  client_secret: s\n  tech_acct: 1@techacct.adobe.com\n  priv_key_path: user-sync.pem\n  priv_key_pass: correct horse\n".to_owned(),
        format!("  api_key: id\n  client_secret: s\n  tech_acct: 1@techacct.adobe.com\n  priv_key_data: |\n    {indented}\n"),
        format!("  api_key: id\n  client_secret: s\n  tech_acct: 1@techacct.adobe.com\n  priv_key_data: \"{one_line}\"\n"),
    ] {
        let credentials = jwt(&lines).unwrap();
        let Login::ServiceAccount(account) = credentials.login() else { panic!("not a service account") };
        assert_eq!((account.client_id.as_str(), account.technical_account()), ("id", "1@techacct.adobe.com"));
    }
}

#[test]
fn paths_are_relative_to_the_folder_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let key = include_str!("../../../tests/keys/pkcs8-des3.pem");
    std::fs::create_dir(folder.path().join("secrets")).unwrap();
    std::fs::write(folder.path().join("secrets/private.key"), key).unwrap();
    let path = folder.path().join("connector-umapi.yml");
    let yaml = "enterprise:\n  org_id: 12345@AdobeOrg\n  api_key: id\n  client_secret: s\n  tech_acct: 1@techacct.adobe.com\n  \
                priv_key_path: secrets/private.key\n  priv_key_pass: correct horse\n";
    std::fs::write(&path, yaml).unwrap();
    assert!(matches!(Credentials::from_connector_file(&path).unwrap().login(), Login::ServiceAccount(_)));
    std::fs::remove_file(folder.path().join("secrets/private.key")).unwrap();
    let error = Credentials::from_connector_file(&path).unwrap_err().to_string();
    assert!(error.contains("`enterprise.priv_key_path`: cannot read") && error.contains("private.key"), "{error}");
    let error = Credentials::from_connector_file(folder.path().join("no-such.yml")).unwrap_err().to_string();
    assert!(error.contains("no-such.yml"), "{error}");
}

#[test]
fn another_login_server_is_read_by_both_names() {
    for (lines, address) in [
        ("server:\n  ims_host: ims.example\n  auth_host: other.example\n", "https://ims.example"),
        ("server:\n  auth_host: localhost:8443\n  auth_endpoint: /ims/token/v2\n", "https://localhost:8443"),
        ("server:\n  auth_endpoint: /eu/ims/token/v3/\n", "https://ims-na1.adobelogin.com/eu"),
        ("server:\nssl_verify: False\n", "https://ims-na1.adobelogin.com"),
    ] {
        assert_eq!(oauth(lines).unwrap().endpoint.to_string(), address);
    }
    let lines = "  client_id: id\n  client_secret: s\n  tech_acct: 1@techacct.adobe.com\n  priv_key_path: pkcs8.pem\n";
    let yaml = format!(
        "server:\n  ims_host: ims.example\n  ims_endpoint_jwt: /ims/exchange/jwt/\nenterprise:\n  org_id: 12345@AdobeOrg\n{lines}"
    );
    assert_eq!(read(&yaml).unwrap().endpoint.to_string(), "https://ims.example");
}

#[test]
fn a_keyring_setting_is_named_with_its_replacement() {
    for (lines, setting, instead) in [
        ("  secure_client_id_key: planted\n", "secure_client_id_key", "enterprise.client_id"),
        ("  secure_api_key_key: planted\n", "secure_api_key_key", "enterprise.client_id"),
        ("  client_id: id\n  secure_client_secret_key: planted\n", "secure_client_secret_key", "UMAPI_CLIENT_SECRET"),
        (
            "  client_id: id\n  client_secret: s\n  secure_priv_key_data_key: planted\n",
            "secure_priv_key_data_key",
            "enterprise.priv_key_path",
        ),
        (
            "  priv_key_path: pkcs8-des3.pem\n  secure_priv_key_pass_key: planted\n",
            "secure_priv_key_pass_key",
            "enterprise.priv_key_pass",
        ),
        (
            "  priv_key_path: pkcs8-des3.pem\n  secure_priv_pass_key: planted\n",
            "secure_priv_pass_key",
            "enterprise.priv_key_pass",
        ),
    ] {
        let error = jwt(lines).unwrap_err().to_string();
        assert!(error.contains(&format!("`enterprise.{setting}`")) && error.contains(instead), "{error}");
        assert!(error.contains("keyring") && !error.contains("planted"), "{error}");
    }
    assert!(oauth("  secure_client_secret_key: beside the plain one\n").is_ok());
}

#[test]
fn a_wrong_field_is_named_and_no_secret_is_quoted() {
    let client = "  client_id: id\n  client_secret: planted\n";
    let account = "  client_id: id\n  client_secret: planted\n  tech_acct: 1@techacct.adobe.com\n";
    for (result, named) in [
        (read("enterprise: [planted"), "line"),
        (read("server: {}"), "`enterprise:`"),
        (read("authentication_method: saml\nenterprise: {}"), "saml"),
        (read(&format!("enterprise:\n{account}  priv_key_path: pkcs8.pem\n")), "`enterprise.org_id`"),
        (jwt("  client_secret: planted\n"), "`enterprise.client_id`"),
        (jwt("  client_id: id\n  client_secret: ''\n"), "`enterprise.client_secret`"),
        (jwt(client), "`enterprise.tech_acct_id`"),
        (jwt(account), "`enterprise.priv_key_path`"),
        (jwt(&format!("{account}  priv_key_path: no-such-file\n")), "no-such-file"),
        (jwt(&format!("{account}  priv_key_path: pkcs8-des3.pem\n")), "pkcs8-des3.pem): the private key is encrypted"),
        (
            jwt(&format!("{account}  priv_key_path: pkcs8-des3.pem\n  priv_key_pass: planted\n")),
            "passphrase of the private key is wrong",
        ),
        (jwt(&format!("{account}  priv_key_path: certificate.pem\n")), "this is a certificate"),
        (
            jwt(&format!("{account}  priv_key_data: planted\n")),
            "`enterprise.priv_key_data`: the private key is not PEM",
        ),
        (jwt(&format!("{account}  priv_key_data: planted\n  priv_key_path: pkcs8.pem\n")), "remove one of them"),
        (jwt(&format!("{client}  api_key: id\n")), "remove `api_key`"),
        (oauth("server:\n  ims_host: https://ims.example\n"), "`server.ims_host`"),
        (oauth("server:\n  auth_host: 'no host'\n"), "`server.auth_host`"),
        (oauth("server:\n  ims_endpoint_jwt: /ims/exchange/jwt\n"), "`server.ims_endpoint_jwt`"),
        (
            jwt(&format!("{account}  priv_key_path: pkcs8.pem\nauthentication_method: jwt\n"))
                .and_then(|_| oauth("server:\n  auth_endpoint: /other\n")),
            "`server.auth_endpoint`",
        ),
    ] {
        let error = result.unwrap_err();
        assert!(error.is_invalid_input() && error.to_string().contains(named), "{named}: {error}");
        assert!(!error.to_string().contains("planted"), "{error}");
    }
}
