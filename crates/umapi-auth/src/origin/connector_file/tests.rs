//! Connector files of several versions of user-sync.

use super::*;
use crate::Login;

const OAUTH: &str = "authentication_method: oauth\nenterprise:\n  client_id: \"id\"\n  client_secret: \"s\"\n  org_id: \"12345@AdobeOrg\"\n";
const KEYS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys");

fn parse(yaml: &str) -> Result<ConnectorFile, Error> {
    ConnectorFile::parse(yaml, Path::new(KEYS))
}

fn read(yaml: &str) -> Result<Credentials, Error> {
    parse(yaml)?.credentials()
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
    assert_eq!(credentials.client_secrets(), [Secret::from("s")]);
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
    let file = ConnectorFile::read(&path).unwrap();
    assert_eq!(file.private_key_path(), Some(folder.path().join("secrets/private.key").as_path()));
    assert!(matches!(file.credentials().unwrap().login(), Login::ServiceAccount(_)));
    std::fs::remove_file(folder.path().join("secrets/private.key")).unwrap();
    let error = file.credentials().unwrap_err().to_string();
    assert!(error.contains("`enterprise.priv_key_path`: cannot read") && error.contains("private.key"), "{error}");
    assert!(error.starts_with(&path.display().to_string()), "{error}");
    let error = ConnectorFile::read(folder.path().join("no-such.yml")).unwrap_err().to_string();
    assert!(error.contains("no-such.yml"), "{error}");
}

#[test]
fn another_login_server_is_read_by_both_names() {
    for (lines, address) in [
        ("server:\n  ims_host: ims.example\n", "https://ims.example"),
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
fn every_setting_of_the_server_is_read() {
    let file = |lines: &str| parse(&format!("{OAUTH}{lines}")).unwrap();
    let plain = file("");
    assert_eq!((plain.service_url(), plain.timeout(), plain.attempts()), (None, None, None));
    let all = file("server:\n  host: um.example:8443\n  endpoint: /v2/um/\n  timeout: 90\n  retries: '5'\n");
    assert_eq!(all.service_url(), Some("https://um.example:8443/v2/um"));
    assert_eq!((all.timeout(), all.attempts()), (Some(Duration::from_secs(90)), Some(5)));
    assert_eq!(file("server:\n  host: um.example\n").service_url(), Some("https://um.example/v2/usermanagement"));
    assert_eq!(file("server:\n  endpoint: /stage\n").service_url(), Some("https://usermanagement.adobe.io/stage"));
    assert_eq!(file("server:\n  host: usermanagement.adobe.io\n  endpoint: /v2/usermanagement\n").service_url(), None);
}

#[test]
fn a_setting_without_effect_is_reported() {
    for lines in ["ssl_cert_verify: False\n", "ssl_verify: no\n", "server:\n  ssl_verify: off\n"] {
        let file = parse(&format!("{OAUTH}{lines}")).unwrap();
        assert!(file.ignored()[0].contains("ssl_"), "{:?}", file.ignored());
        assert!(file.ignored()[0].contains("root certificates"), "{:?}", file.ignored());
    }
    let file =
        parse(&format!("{OAUTH}ssl_cert_verify: yes\ntrusted: true\nlogger_name: x\ntest_mode: false\n")).unwrap();
    assert!(file.ignored().is_empty());
}

#[test]
fn values_in_the_keyring_are_asked_for() {
    let yaml = "authentication_method: oauth\nenterprise:\n  org_id: 1F@AdobeOrg\n  secure_client_id_key: ust id\n  \
                secure_client_secret_key: ust secret\n";
    let file = parse(yaml).unwrap();
    assert_eq!(file.client_id(), None);
    let entries: Vec<_> = file.keyring_entries().map(|entry| (entry.service(), entry.user())).collect();
    assert_eq!(entries, [("ust id", "1F@AdobeOrg"), ("ust secret", "1F@AdobeOrg")]);
    let credentials = file.credentials_with(|entry| Ok::<_, Error>(Some(Secret::from(entry.service())))).unwrap();
    assert_eq!((credentials.client_id(), credentials.client_secrets()), ("ust id", &[Secret::from("ust secret")][..]));
    let missing = file.credentials_with(|_| Ok::<_, Error>(None)).unwrap_err().to_string();
    assert!(missing.contains("line 4, column 25: `enterprise.secure_client_id_key`"), "{missing}");
    assert!(missing.contains("`ust id` of the user `1F@AdobeOrg`"), "{missing}");
    let locked = file.credentials_with(|_| Err("it is locked")).unwrap_err().to_string();
    assert!(locked.contains("`enterprise.secure_client_id_key`: it is locked"), "{locked}");

    let lines = "  client_id: id\n  client_secret: s\n  tech_acct: 1@techacct.adobe.com\n  secure_priv_key_data_key: key\n  \
                 secure_priv_key_pass_key: pass\n";
    let file = parse(&format!("enterprise:\n  org_id: 12345@AdobeOrg\n{lines}")).unwrap();
    let credentials = file.credentials_with(|entry| {
        Ok::<_, Error>(Some(Secret::from(match entry.service() {
            "key" => include_str!("../../../tests/keys/user-sync.pem"),
            _ => "correct horse",
        })))
    });
    assert!(matches!(credentials.unwrap().login(), Login::ServiceAccount(_)));
}

#[test]
fn a_keyring_setting_is_named_with_its_replacement() {
    let account = "  client_id: id\n  client_secret: s\n  tech_acct: 1@techacct.adobe.com\n";
    let key = "  priv_key_path: pkcs8-des3.pem\n";
    for (lines, setting, instead) in [
        (format!("{account}  secure_priv_key_data_key: planted\n"), "secure_priv_key_data_key", "priv_key_data"),
        (format!("{account}{key}  secure_priv_key_pass_key: planted\n"), "secure_priv_key_pass_key", "priv_key_pass"),
        (format!("{account}{key}  secure_priv_pass_key: planted\n"), "secure_priv_pass_key", "priv_key_pass"),
        (account.replace("client_id:", "secure_client_id_key:") + key, "secure_client_id_key", "client_id"),
        (account.replace("client_id:", "secure_api_key_key:") + key, "secure_api_key_key", "client_id"),
        (
            account.replace("client_secret:", "secure_client_secret_key:") + key,
            "secure_client_secret_key",
            "client_secret",
        ),
    ] {
        let error = jwt(&lines).unwrap_err().to_string();
        assert!(error.contains(&format!("`enterprise.{setting}`")), "{error}");
        assert!(error.contains(&format!("`enterprise.{instead}`")), "{error}");
        assert!(error.contains("keyring") && !error.contains("planted"), "{error}");
    }
}

#[test]
fn all_mistakes_are_listed_with_their_lines() {
    let yaml =
        "authentication_metod: oauth\nserver:\n  hots: staging.example\n  timeout: soon\nenterprise:\n  org_id: 1F\n";
    let error = parse(yaml).unwrap_err().to_string();
    for named in [
        "line 1, column 23: `authentication_metod` is not a setting of user-sync",
        "line 3, column 9: `server.hots`",
        "line 4, column 12: `server.timeout` must be a number",
        "line 6, column 11: `enterprise.org_id`",
        "`enterprise.client_id` is missing",
        "`enterprise.client_secret` is missing",
        "`authentication_method` is missing",
    ] {
        assert!(error.contains(named), "{named}: {error}");
    }
    assert!(error.starts_with("connector-umapi.yml: 7 mistakes\n") && error.lines().count() == 8, "{error}");
}

#[test]
fn settings_that_contradict_each_other_are_rejected() {
    for (lines, named) in [
        ("  secure_client_secret_key: x\n", "`enterprise.secure_client_secret_key` are both set"),
        ("  api_key: id\n", "`enterprise.api_key` mean the same"),
        ("  tech_acct_id: 1@techacct.adobe.com\n", "`enterprise.tech_acct_id` is not used with"),
        ("  priv_key_path: key\n", "`enterprise.priv_key_path` is not used with"),
        ("server:\n  ims_host: a.example\n  auth_host: b.example\n", "`server.auth_host` mean the same"),
        ("server:\n  ims_endpoint_jwt: /ims/token/v2\n  auth_endpoint: /ims/token/v2\n", "mean the same"),
        ("test_mode: True\n", "`test_mode` is not supported"),
        ("test_mode: maybe\n", "`test_mode` is not supported"),
        ("ssl_verify: maybe\n", "`ssl_verify` must be true or false"),
        ("server:\n  host: https://um.example/\n", "`server.host` must be a host name"),
        ("server:\n  host: planted@um.example\n", "`server.host` must be a host name"),
        ("server:\n  host: 'no host'\n", "`server.host`: the URL of the service"),
        ("server:\n  endpoint: v2\n", "`server.endpoint` must be a path"),
        ("server:\n  endpoint: /v2?x\n", "`server.endpoint`: the URL of the service"),
        ("server:\n  retries: 0\n", "`server.retries` must be"),
        ("server:\n  timeout: -1\n", "`server.timeout` must be"),
        ("server:\n  host: a.example\n  host: b.example\n", "line 8, column 3: the setting is there twice"),
        ("  client_secret: planted\n", "there twice"),
        ("  org_id2: x\nserver:\n  auth_endpoint: /ims planted\n", "`server.auth_endpoint` is not an endpoint"),
        ("server:\n  endpoint: planted\n", "`server.endpoint` must be a path"),
        ("  planted-1: x\n", "`enterprise.…` is not a setting"),
    ] {
        let error = parse(&format!("{OAUTH}{lines}")).unwrap_err().to_string();
        assert!(error.contains(named) && !error.contains("planted"), "{named}: {error}");
    }
}

#[test]
fn a_file_as_windows_editors_save_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("connector-umapi.yml");
    let text = format!("\u{feff}{}", OAUTH.replace('\n', "\r\n"));
    std::fs::write(&path, &text).unwrap();
    assert_eq!(ConnectorFile::read(&path).unwrap().client_id(), Some("id"));
    std::fs::write(&path, text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>()).unwrap();
    assert_eq!(ConnectorFile::read(&path).unwrap().client_id(), Some("id"));
    std::fs::write(&path, b"enterprise:\n  client_secret: planted\xff\n").unwrap();
    let error = ConnectorFile::read(&path).unwrap_err().to_string();
    assert!(error.contains("save it as UTF-8") && !error.contains("planted"), "{error}");
}

#[test]
fn a_wrong_field_is_named_and_no_secret_is_quoted() {
    let client = "  client_id: id\n  client_secret: planted\n";
    let account = "  client_id: id\n  client_secret: planted\n  tech_acct: 1@techacct.adobe.com\n";
    for (result, named) in [
        (read("enterprise: [planted"), "line"),
        (read("server: {}"), "`enterprise.org_id` is missing"),
        (read(""), "`enterprise.org_id` is missing"),
        (read("enterprise: planted"), "line 1, column 13: this is not the YAML of user-sync"),
        (read("authentication_method: saml\nenterprise: {}"), "`authentication_method` must be `jwt` or `oauth`"),
        (read(&format!("enterprise:\n{account}  priv_key_path: pkcs8.pem\n")), "`enterprise.org_id`"),
        (jwt("  client_secret: planted\n"), "`enterprise.client_id`"),
        (jwt("  client_id: id\n  client_secret: ''\n"), "`enterprise.client_secret`"),
        (jwt(client), "`authentication_method` is missing"),
        (jwt(&format!("{client}  priv_key_path: pkcs8.pem\n")), "`enterprise.tech_acct_id`"),
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

#[test]
fn deep_nesting_is_refused() {
    for levels in [50, 250, 100_000] {
        let nested = format!("a: {}{}", "[".repeat(levels), "]".repeat(levels));
        let error = parse(&format!("{OAUTH}{nested}\n")).unwrap_err().to_string();
        assert!(error.contains("line ") && error.contains("the YAML of user-sync"), "{error}");
    }
}
