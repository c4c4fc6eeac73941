//! `umapi config`: profiles, and where secrets are stored.

use base64::{Engine as _, prelude::BASE64_STANDARD as STANDARD};
use umapi_emulator::LimitSettings;

use crate::stage::{Ended, Stage, ended, ended_with, text};

fn umapi(stage: &Stage, arguments: &[&str]) -> Ended {
    ended(stage.bare_command().args(arguments))
}

#[test]
fn profile_is_added_and_used() {
    let stage = Stage::new();
    let credentials = stage.emulator.credentials();
    let (server, login) = (stage.emulator.um_url(), stage.emulator.ims_url());
    umapi(&stage, &["users", "list"]).with_code(2).saying("no organization is configured").saying("umapi config add");
    umapi(
        &stage,
        &[
            "config",
            "add",
            "main",
            "--organization",
            stage.emulator.org_id(),
            "--client-id",
            &credentials.client_id,
            "--server",
            &server,
            "--login-server",
            &login,
        ],
    )
    .done()
    .saying("umapi config set-secret main");
    umapi(&stage, &["users", "list"]).with_code(2).saying("`client_secret` is missing");
    let set = ["config", "set-secret", "main", "--to-file", "main.secret"];
    ended_with(stage.bare_command().args(set), &format!("{}\n", credentials.client_secret)).done();
    assert_eq!(umapi(&stage, &["users", "list", "-f", "csv"]).done().csv().len(), 9);
    let file = std::fs::read_to_string(stage.path("config.toml")).unwrap();
    assert!(!file.contains(&credentials.client_secret), "{file}");
    let shown = umapi(&stage, &["config", "show", "-f", "json"]).done();
    assert!(shown.json()["client_secret"].as_str().unwrap().ends_with("main.secret"));
    assert!(!shown.out.contains(&credentials.client_secret));
    assert_eq!(umapi(&stage, &["auth", "check", "-f", "json"]).done().json()["from"], "profile main");
}

/// A private key in PEM, encrypted and with the line ends of Windows.
fn encrypted(pem: &str, passphrase: &str) -> String {
    let lines: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let der = STANDARD.decode(lines).unwrap();
    let method = pkcs8::pkcs5::pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(2048, &[7; 8], [7; 16]).unwrap();
    let key = pkcs8::PrivateKeyInfoRef::try_from(der.as_slice()).unwrap();
    let key = key.encrypt_with_params(method, passphrase).unwrap();
    let lines = STANDARD.encode(key.as_bytes());
    let lines: Vec<&str> = lines.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!(
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\r\n{}\r\n-----END ENCRYPTED PRIVATE KEY-----\r\n",
        lines.join("\r\n")
    )
}

/// A stage with a file of each secret of its emulator, and profiles for each kind of login.
fn with_logins() -> Stage {
    let stage = Stage::new();
    let credentials = stage.emulator.credentials();
    stage.file("secret", &credentials.client_secret);
    stage.file("plain.key", &credentials.private_key_pem);
    stage.file("encrypted.key", encrypted(&credentials.private_key_pem, "open sesame"));
    stage.file("passphrase", "open sesame\r\n");
    let (client, secret) = (&credentials.client_id, &credentials.client_secret);
    let (account, organization) = (&credentials.technical_account_id, stage.emulator.org_id());
    // As an editor on Windows saves it.
    let console = serde_json::json!({
        "CLIENT_ID": client, "CLIENT_SECRET": secret, "TECHNICAL_ACCOUNT_ID": account, "ORG_ID": organization,
    });
    stage.file("jwt.json", format!("\u{feff}{}\r\n", serde_json::to_string_pretty(&console).unwrap()));
    let scopes: Vec<&str> = credentials.scopes.split(',').collect();
    let console = serde_json::json!({ "CLIENT_ID": client, "CLIENT_SECRETS": [secret], "ORG_ID": organization, "SCOPES": scopes });
    stage.file("oauth.json", console.to_string());
    let (server, login) = (stage.emulator.um_url(), stage.emulator.ims_url());
    let profile = |name: &str, fields: &str| {
        format!("[profiles.{name}]\n{fields}\nserver = \"{server}\"\nlogin_server = \"{login}\"\n\n")
    };
    let jwt = |key: &str| {
        format!(
            "organization = \"{organization}\"\nclient_id = \"{client}\"\nclient_secret = {{ file = \"secret\" }}\n\
             technical_account = \"{account}\"\nprivate_key = {{ file = \"{key}\" }}"
        )
    };
    let console = |file: &str, more: &str| format!("console_file = \"{file}\"{more}");
    let (plain, encrypted) =
        ("\nprivate_key = { file = \"plain.key\" }", "\nprivate_key = { file = \"encrypted.key\" }");
    let passphrase = "\nprivate_key_passphrase = { file = \"passphrase\" }";
    stage.file(
        "config.toml",
        [
            profile("jwt", &jwt("plain.key")),
            profile("jwt-encrypted", &(jwt("encrypted.key") + passphrase)),
            profile("jwt-locked", &jwt("encrypted.key")),
            profile("jwt-no-key", &jwt("secret")),
            profile("console-jwt", &console("jwt.json", plain)),
            profile("console-encrypted", &console("jwt.json", &format!("{encrypted}{passphrase}"))),
            profile("console-oauth", &console("oauth.json", "")),
            profile("console-oauth-key", &console("oauth.json", plain)),
            profile("console-half", &console("config.toml", "")),
            profile("console-gone", &console("gone.json", "")),
        ]
        .concat(),
    );
    stage
}

#[test]
fn every_kind_of_login_of_a_profile_works() {
    let stage = with_logins();
    for (profile, login) in [
        ("jwt", "JWT exchange"),
        ("jwt-encrypted", "JWT exchange"),
        ("console-jwt", "JWT exchange"),
        ("console-encrypted", "JWT exchange"),
        ("console-oauth", "OAuth Server-to-Server"),
    ] {
        let checked = umapi(&stage, &["--profile", profile, "auth", "check", "-f", "json"]).done().json();
        assert_eq!(
            (&checked["login"], &checked["organization"]),
            (&login.into(), &stage.emulator.org_id().into()),
            "{profile}"
        );
    }
}

#[test]
fn unusable_files_of_a_login_are_named_without_their_content() {
    let stage = with_logins();
    let secret = stage.emulator.credentials().client_secret.clone();
    for (profile, file, remedy) in [
        ("jwt-locked", "encrypted.key", "umapi config set-secret jwt-locked passphrase"),
        ("jwt-no-key", "secret", "umapi cert new"),
        ("console-oauth-key", "oauth.json", "umapi config unset console-oauth-key private-key"),
        ("console-half", "config.toml", "download the JSON file again"),
        ("console-gone", "gone.json", "download the JSON file again"),
    ] {
        let refused = umapi(&stage, &["--profile", profile, "users", "list"]).with_code(2).saying(file).saying(remedy);
        assert!(!refused.err.contains(&secret), "{profile}: {}", refused.err);
    }
}

#[cfg(unix)]
#[test]
fn files_with_secrets_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let stage = Stage::new();
    umapi(&stage, &["config", "add", "main", "--client-id", "abc"]).done();
    ended_with(stage.bare_command().args(["config", "set-secret", "main", "--to-file", "s"]), "s8e").done();
    for name in ["config.toml", "s"] {
        assert_eq!(std::fs::metadata(stage.path(name)).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
    }
    assert_eq!(std::fs::read_to_string(stage.path("s")).unwrap(), "s8e");
}

#[test]
fn profile_is_selected_among_several() {
    let stage = Stage::new();
    let add =
        |name| umapi(&stage, &["config", "add", name, "--organization", "1F@AdobeOrg", "--client-id", name]).done();
    add("one").saying("default profile: one");
    assert!(!add("two").err.contains("default"));
    // A job without --profile keeps its organization.
    umapi(&stage, &["users", "list"]).with_code(2).saying("profile \"one\"").saying("umapi config set-secret one");
    umapi(&stage, &["config", "use", "two"]).done();
    umapi(&stage, &["config", "use", "three"]).with_code(2).saying("one, two");
    let listed = umapi(&stage, &["config", "list", "-f", "csv"]).done().csv();
    assert_eq!(listed[1][..3], ["two", "yes", "1F@AdobeOrg"]);
    umapi(&stage, &["config", "remove", "two"]).with_code(2).saying("\"umapi config use one\"");
    umapi(&stage, &["config", "use", "one"]).done();
    umapi(&stage, &["config", "remove", "two"]).done();
    umapi(&stage, &["config", "remove", "one"]).done();
    assert_eq!(umapi(&stage, &["config", "list", "-f", "csv"]).done().csv().len(), 0);
    assert_eq!(umapi(&stage, &["config", "path"]).done().out.trim(), text(&stage.path("config.toml")));
    umapi(&stage, &["config", "add", "a b"]).with_code(2).saying("letters, digits");
    stage.file("config.toml", "[profiles.one]\n[profiles.two]\n");
    umapi(&stage, &["users", "list"]).with_code(2).saying("no organization is selected").saying("--profile one");
    // The only profile of an older file stays the default when another one is added.
    stage.file("config.toml", "[profiles.one]\n");
    umapi(&stage, &["config", "add", "two"]).done().saying("default profile: one");
}

#[test]
fn connector_file_of_user_sync_is_imported() {
    let stage = Stage::new();
    let credentials = stage.emulator.credentials();
    let file = stage.file(
        "connector-umapi.yml",
        format!(
            "authentication_method: oauth\nenterprise:\n  org_id: {}\n  client_id: {}\n  client_secret: {}\n",
            stage.emulator.org_id(),
            credentials.client_id,
            credentials.client_secret
        ),
    );
    umapi(&stage, &["config", "import", text(&file), "--name", "sync"]).done();
    umapi(
        &stage,
        &["config", "add", "sync", "--server", &stage.emulator.um_url(), "--login-server", &stage.emulator.ims_url()],
    )
    .done();
    assert_eq!(umapi(&stage, &["users", "list", "-p", "sync", "-f", "csv"]).done().csv().len(), 9);
    let config = std::fs::read_to_string(stage.path("config.toml")).unwrap();
    assert!(!config.contains(&credentials.client_secret), "{config}");
    let bad = stage.file("other.yml", "enterprise:\n  org_id: 1F@AdobeOrg\n");
    umapi(&stage, &["config", "import", text(&bad)]).with_code(2).saying("enterprise.client_id");
}

#[test]
fn mistakes_in_the_configuration_have_a_place() {
    let stage = Stage::new();
    stage.file("config.toml", "[profiles.main]\nclient_secret = \"s8e-in-plain\"\n");
    let refused = umapi(&stage, &["config", "list"])
        .with_code(2)
        .saying("line 2, column 17")
        .saying("a secret must not be in this file");
    assert!(!refused.err.contains("s8e-in-plain"));
}

/// The lines of a connector file for the emulator over TLS, without its client secret.
fn connector(stage: &Stage) -> String {
    let host_of = |url: &str| url.strip_prefix("https://").unwrap().split('/').next().unwrap().to_owned();
    format!(
        "authentication_method: oauth\nserver:\n  host: {}\n  auth_host: {}\n  timeout: 60\n  retries: 2\nenterprise:\n  org_id: \
         {}\n  client_id: {}\n",
        host_of(&stage.emulator.um_https_url().unwrap()),
        host_of(&stage.emulator.ims_https_url().unwrap()),
        stage.emulator.org_id(),
        stage.emulator.credentials().client_id,
    )
}

#[test]
fn addresses_of_a_connector_file_are_both_used_and_shown() {
    let stage = Stage::with(|builder| builder.https().limits(LimitSettings::off()));
    let roots = stage.file("ca.pem", stage.emulator.ca_pem().unwrap());
    let secret = &stage.emulator.credentials().client_secret;
    let file = stage.file("connector.yml", format!("\u{feff}{}  client_secret: {secret}\n", connector(&stage)));
    let (server, login) = (stage.emulator.um_https_url().unwrap(), stage.emulator.ims_https_url().unwrap());
    umapi(&stage, &["config", "import", text(&file), "--name", "sync"]).done().saying(&server).saying(&login);
    let shown = umapi(&stage, &["config", "show", "-f", "json"]).done().json();
    assert_eq!((&shown["server"], &shown["login_server"]), (&server.as_str().into(), &login.as_str().into()));
    // The certificates of the variable are trusted beside a profile.
    let trusting = |arguments: &[&str]| {
        ended(stage.bare_command().env("UMAPI_ROOT_CERTIFICATES", format!("\"{}\"", text(&roots))).args(arguments))
    };
    assert_eq!(trusting(&["users", "list", "-f", "csv"]).done().csv().len(), 9);
    let checked = trusting(&["auth", "check", "-f", "json"]).done().json();
    assert_eq!((&checked["server"], &checked["login_server"]), (&server.as_str().into(), &login.as_str().into()));
}

#[test]
fn connector_file_is_not_imported_in_part() {
    let stage = Stage::new();
    let line =
        "authentication_method: oauth\nenterprise:\n  org_id: 1F@AdobeOrg\n  client_id: id\n  client_secret: planted\n";
    for (lines, named) in [
        ("test_mode: true\n", "`test_mode` is not supported"),
        ("server:\n  hots: staging.example\n", "`server.hots` is not a setting"),
        ("server:\n  host: https://planted@um.example\n", "`server.host` must be a host name"),
        ("  tech_acct_id: 1@techacct.adobe.com\n", "`enterprise.tech_acct_id` is not used"),
        ("  secure_client_secret_key: x\n", "are both set"),
    ] {
        let file = stage.file("connector.yml", format!("{line}{lines}"));
        let refused = umapi(&stage, &["config", "import", text(&file)]).with_code(2).saying(named).saying("line ");
        assert!(!refused.err.contains("planted"), "{}", refused.err);
        assert!(!stage.path("config.toml").exists());
    }
    let file = stage.file("connector.yml", line.replace("authentication_method: oauth\n", ""));
    umapi(&stage, &["config", "import", text(&file)])
        .with_code(2)
        .saying("add the line `authentication_method: oauth`");
    // One address alone is what the file says, and worth a warning.
    let file = stage.file("connector.yml", format!("{line}server:\n  ims_host: ims.example\nssl_verify: False\n"));
    umapi(&stage, &["config", "import", text(&file)])
        .done()
        .saying("the login goes to https://ims.example, and its token to https://usermanagement.adobe.io")
        .saying("`ssl_verify` has no effect");
    // The file of another organization in its place is noticed.
    stage.file("connector.yml", line.replace("1F@", "2F@"));
    umapi(&stage, &["users", "list"]).with_code(2).saying("2F@AdobeOrg").saying("--organization 2F@AdobeOrg");
}

#[test]
fn secrets_of_user_sync_in_a_missing_keyring_are_named() {
    let stage = Stage::new();
    let file = stage.file(
        "connector.yml",
        "authentication_method: oauth\nenterprise:\n  org_id: 1F@AdobeOrg\n  client_id: id\n  secure_client_secret_key: ust\n",
    );
    // There is no desktop, and so no keyring of user-sync.
    let refused = ended(stage.bare_command().env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere").args([
        "config",
        "import",
        text(&file),
    ]));
    refused.with_code(2).saying("`ust` of the user `1F@AdobeOrg`").saying("`secure_…_key`");
}

#[test]
fn values_are_checked_before_a_profile_is_written() {
    let stage = Stage::new();
    stage.file("secret", "");
    let mistakes = umapi(
        &stage,
        &[
            "config",
            "add",
            "main",
            "--organization",
            "12345",
            "--server",
            "um.example",
            "--login-server",
            "http://ims.example",
            "--proxy",
            "http://ann:planted@proxy:8080",
            "--root-certificates",
            "no.pem",
            "--client-secret-file",
            "secret",
            "--private-key-file",
            "no.key",
        ],
    )
    .with_code(2);
    for named in [
        "`organization`",
        "`server`",
        "`login_server`",
        "`proxy`",
        "proxy-password",
        "no.pem",
        "secret: the text is empty",
        "no.key",
        "nothing was changed",
    ] {
        assert!(mistakes.err.contains(named), "{named}: {}", mistakes.err);
    }
    assert!(!mistakes.err.contains("planted") && !stage.path("config.toml").exists());
    let secret = umapi(&stage, &["config", "add", "main", "--client-secret-env", "p8e-planted"]).with_code(2);
    assert!(secret.err.contains("not the secret"), "{}", secret.err);
    // What an editor wrote is shown without the password, is not used, and can be corrected.
    stage.file("config.toml", "[profiles.main]\nproxy = \"http://ann:planted@proxy:8080\"\nserver = \"x\"\n");
    let shown = umapi(&stage, &["config", "show"]).with_code(2).saying("`proxy`").saying("`server`");
    assert!(shown.out.contains("http://…@proxy:8080") && !format!("{}{}", shown.out, shown.err).contains("planted"));
    umapi(&stage, &["users", "list"]).with_code(2).saying("`proxy`");
    umapi(&stage, &["config", "add", "main", "--proxy", "http://proxy:8080", "--proxy-user", "ann"])
        .done()
        .saying("proxy-password");
    umapi(&stage, &["config", "unset", "main", "server", "proxy", "proxy_user"]).done();
    assert_eq!(std::fs::read_to_string(stage.path("config.toml")).unwrap(), "[profiles.main]\n");
}

#[test]
fn fields_that_exclude_each_other_are_refused() {
    let stage = Stage::new();
    let json = stage.file(
        "console.json",
        "\u{feff}{\"CLIENT_ID\":\"id\",\"CLIENT_SECRETS\":[\"s\"],\"ORG_ID\":\"1F@AdobeOrg\",\"SCOPES\":[]}",
    );
    umapi(&stage, &["config", "add", "main", "--console-file", text(&json)]).done();
    umapi(&stage, &["config", "add", "main", "--client-id", "x"])
        .with_code(2)
        .saying("\"umapi config unset main client-id\"")
        .saying("nothing was changed");
    ended_with(stage.bare_command().args(["config", "set-secret", "main"]), "s8e").with_code(2).saying("console.json");
    stage.file("other.json", "{}");
    umapi(&stage, &["config", "add", "other", "--console-file", "other.json"]).with_code(2).saying("other.json");
}

#[test]
fn secret_is_stored_without_what_editors_add() {
    let stage = Stage::new();
    umapi(&stage, &["config", "add", "main", "--organization", "1F@AdobeOrg", "--client-id", "x"]).done();
    let set = |file: &str, input: &str| {
        ended_with(stage.bare_command().args(["config", "set-secret", "main", "--to-file", file]), input)
    };
    for input in ["\u{feff}s8e\r\n", "\n\n\"s8e\"\n", "'s8e'"] {
        set("main.secret", input).done();
        assert_eq!(std::fs::read_to_string(stage.path("main.secret")).unwrap(), "s8e");
    }
    for (input, named) in [("", "empty"), ("planted\nplanted\n", "2 lines"), ("\"planted", "one end only")] {
        let refused = set("main.secret", input).with_code(2).saying(named);
        assert!(!refused.err.contains("planted"), "{}", refused.err);
    }
    assert_eq!(std::fs::read_to_string(stage.path("main.secret")).unwrap(), "s8e");
    // A file that is something else stays as it is.
    stage.file("private.key", "key");
    set("private.key", "s8e").with_code(2).saying("exists already");
    assert_eq!(std::fs::read_to_string(stage.path("private.key")).unwrap(), "key");
}

#[cfg(unix)]
#[test]
fn files_that_others_can_read_are_named_or_refused() {
    use std::os::unix::fs::PermissionsExt;
    let stage = Stage::new();
    let open = |name: &str, mode| {
        std::fs::set_permissions(stage.path(name), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    stage.file("secret", &stage.emulator.credentials().client_secret);
    let credentials = stage.emulator.credentials();
    let (server, login) = (stage.emulator.um_url(), stage.emulator.ims_url());
    let add = [
        "config",
        "add",
        "main",
        "--organization",
        stage.emulator.org_id(),
        "--client-id",
        &credentials.client_id,
        "--server",
        &server,
        "--login-server",
        &login,
        "--client-secret-file",
        "secret",
    ];
    open("secret", 0o644);
    ended(stage.bare_command().args(add).arg("--strict-permissions")).with_code(2).saying("chmod 600");
    assert!(!stage.path("config.toml").exists());
    umapi(&stage, &add).done().saying("warning: other users can read or change");
    umapi(&stage, &["groups", "list"]).done().saying("chmod 600");
    umapi(&stage, &["groups", "list", "--strict-permissions"]).with_code(2).saying("secret").saying("chmod 600");
    ended(stage.bare_command().env("UMAPI_STRICT_PERMISSIONS", "1").args(["groups", "list"])).with_code(2);
    open("secret", 0o600);
    assert!(!umapi(&stage, &["groups", "list", "--strict-permissions"]).done().err.contains("other users"));
    open("config.toml", 0o666);
    umapi(&stage, &["groups", "list"]).done().saying("chmod go-w");
    umapi(&stage, &["groups", "list", "--strict-permissions"]).with_code(2).saying("chmod go-w");
}

#[test]
fn half_an_environment_is_refused() {
    let stage = Stage::new();
    umapi(&stage, &["config", "add", "main", "--organization", "1F@AdobeOrg", "--client-id", "x"]).done();
    umapi(&stage, &["config", "add", "main", "--client-secret-env", "UMAPI_CLIENT_SECRET"]).done();
    let with = |variables: &[(&str, &str)], arguments: &[&str]| {
        ended(stage.bare_command().envs(variables.iter().copied()).args(arguments))
    };
    with(&[("UMAPI_URL", "http://127.0.0.1:1"), ("UMAPI_CLIENT_ID", " ")], &["users", "list"])
        .with_code(2)
        .saying("UMAPI_URL is set, but UMAPI_CLIENT_ID is not")
        .saying("--profile main");
    // A variable that the profile names is not half a login.
    let addresses = ["--server", "http://127.0.0.1:1", "--login-server", "http://127.0.0.1:1"];
    ended(stage.bare_command().args(["config", "add", "main"]).args(addresses)).done();
    with(&[("UMAPI_CLIENT_SECRET", "\"s8e\"")], &["auth", "check"]).with_code(5);
    with(&[("UMAPI_URL", "http://127.0.0.1:2"), ("UMAPI_CLIENT_SECRET", "s")], &["auth", "check", "-p", "main"])
        .with_code(5)
        .saying("UMAPI_URL has no effect");
}

#[test]
fn remedies_carry_the_options_of_the_call() {
    let stage = Stage::new();
    let call = |arguments: &[&str]| {
        ended(stage.bare_command().env_remove("UMAPI_CONFIG").args(["--config", "my file.toml"]).args(arguments))
    };
    call(&["config", "add", "main"]).done().saying("--config 'my file.toml'\"");
    call(&["users", "list", "-p", "main"])
        .with_code(2)
        .saying("\"umapi config add main --client-id 01234567 --config 'my file.toml'\"");
}

#[test]
fn simultaneous_changes_are_all_kept() {
    let stage = Stage::new();
    let names: Vec<String> = (0..12).map(|number| format!("p{number}")).collect();
    let calls: Vec<_> = names
        .iter()
        .map(|name| stage.bare_command().args(["config", "add", name, "--client-id", name, "-q"]).spawn().unwrap())
        .collect();
    for mut call in calls {
        assert!(call.wait().unwrap().success());
    }
    assert_eq!(umapi(&stage, &["config", "list", "-f", "csv"]).done().csv().len(), names.len());
}

#[cfg(unix)]
#[test]
fn configuration_behind_a_link_or_protected_is_not_replaced() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let stage = Stage::new();
    let real = stage.file("dotfile.toml", "# mine\n[profiles.main]\n");
    symlink(&real, stage.path("config.toml")).unwrap();
    umapi(&stage, &["config", "add", "main", "--client-id", "x"]).done();
    assert!(stage.path("config.toml").is_symlink());
    assert!(std::fs::read_to_string(&real).unwrap().contains("# mine"));
    std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o444)).unwrap();
    umapi(&stage, &["config", "add", "main", "--client-id", "y"]).with_code(1).saying("it is read-only");
    assert!(!std::fs::read_to_string(&real).unwrap().contains("\"y\""));
    std::fs::remove_file(&real).unwrap();
    umapi(&stage, &["config", "list"]).with_code(2);
    umapi(&stage, &["config", "add", "main", "--client-id", "y"])
        .with_code(1)
        .saying("a link to a file that does not exist");
    assert!(stage.path("config.toml").is_symlink() && !real.exists());
}
