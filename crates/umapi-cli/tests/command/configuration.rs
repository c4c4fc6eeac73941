//! `umapi config`: profiles, and where secrets are stored.

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
