//! `umapi auth` and `umapi cert`.

use crate::stage::{Stage, ended, text};

#[test]
fn auth_check_shows_the_login() {
    let stage = Stage::new();
    let checked = stage.umapi(["auth", "check", "-f", "json"]).done().json();
    assert_eq!(checked["from"], "environment variables");
    assert_eq!(checked["organization"], stage.emulator.org_id());
    assert_eq!(checked["login"], "OAuth Server-to-Server");
    assert_eq!(checked["clock"], "right");
    assert!(checked["token_valid_until"].as_str().unwrap().ends_with('Z'));
    let token = stage.umapi(["auth", "token"]).done();
    assert_eq!((token.lines().len(), token.lines()[0].split('.').count()), (1, 3));
    let token = stage.umapi(["auth", "token", "-f", "json"]).done().json();
    assert_eq!(token["access_token"].as_str().unwrap().split('.').count(), 3);
}

#[test]
fn auth_check_supports_the_jwt_exchange() {
    let stage = Stage::new();
    let credentials = stage.emulator.credentials();
    let key = stage.file("private.key", &credentials.private_key_pem);
    let mut command = stage.command();
    command
        .env("UMAPI_TECHNICAL_ACCOUNT_ID", &credentials.technical_account_id)
        .env("UMAPI_PRIVATE_KEY_PATH", &key)
        .args(["auth", "check", "-f", "json"]);
    let checked = ended(&mut command).done().json();
    assert_eq!(
        (&checked["login"], &checked["technical_account"]),
        (&"JWT exchange".into(), &credentials.technical_account_id.as_str().into())
    );
}

#[test]
fn rejected_login_exits_with_3_and_says_what_to_do() {
    let stage = Stage::new();
    let with = |name: &str, value: &str| ended(stage.command().env(name, value).args(["auth", "check"]));
    with("UMAPI_CLIENT_SECRET", "wrong").with_code(3).saying("copy the client secret again");
    with("UMAPI_CLIENT_ID", "unknown").with_code(3).saying("compare the client id");
    with("UMAPI_ORG_ID", "9999@AdobeOrg").with_code(3).saying("the service rejects its token");
    with("UMAPI_ORG_ID", "9999").with_code(2).saying("12345@AdobeOrg");
    with("UMAPI_IMS_URL", "http://127.0.0.1:1").with_code(5);
    ended(stage.command().env("UMAPI_CLIENT_SECRET", "wrong").args(["users", "list"]))
        .with_code(3)
        .saying("umapi auth check");
}

#[cfg(unix)]
#[test]
fn cert_new_writes_a_private_key_and_a_certificate() {
    use std::os::unix::fs::PermissionsExt;
    let stage = Stage::new();
    let folder = stage.path("keys");
    let made =
        ended(stage.bare_command().args(["cert", "new", "--out-dir", text(&folder), "--days", "30", "-f", "json"]))
            .done();
    let key_path = folder.join("private.key");
    assert_eq!(made.json()["private_key"], text(&key_path));
    assert_eq!(std::fs::metadata(&key_path).unwrap().permissions().mode() & 0o777, 0o600);
    let key = std::fs::read_to_string(&key_path).unwrap();
    assert!(umapi::auth::PrivateKey::from_pem(&key, None).unwrap().bits() >= 2048);
    let certificate = std::fs::read_to_string(folder.join("certificate_pub.crt")).unwrap();
    assert!(certificate.starts_with("-----BEGIN CERTIFICATE-----"));
    ended(stage.bare_command().args(["cert", "new", "--out-dir", text(&folder)])).with_code(2).saying("exists already");
    assert_eq!(std::fs::read_to_string(&key_path).unwrap(), key);
}

#[cfg(unix)]
#[test]
fn non_unicode_address_does_not_fall_back_to_production() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    let stage = Stage::new();
    let url = OsStr::from_bytes(b"http://127.0.0.1\xff");
    ended(stage.command().env("UMAPI_URL", url).args(["auth", "check"])).with_code(2).saying("UMAPI_URL");
}
