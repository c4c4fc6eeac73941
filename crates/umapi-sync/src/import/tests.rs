//! Tests of the importer, with files in the form of user-sync's examples.

use std::collections::BTreeMap;

use super::{texts::pattern_rule, *};
use crate::config::{LeaverScope, Limit, PeopleScope, Stage};

const MAIN: &str = r#"
adobe_users:
  exclude_identity_types:
    - adobeID
  exclude_adobe_groups:
    - _org_admin
  exclude_users:
    - ".*@partner\\.example"
    - "(?<=x)y"
  connectors:
    umapi: "connector-umapi.yml"
  update_attributes:
    - firstname
    - email
directory_users:
  user_identity_type: federatedID
  default_country_code: NO
  connectors:
    ldap: "connector-ldap.yml"
    csv: "connector-csv.yml"
  groups:
    - directory_group: "Artists"
      adobe_groups:
        - "Design"
        - "emea::Creative"
    - directory_group: "Select"
      adobe_groups:
  additional_groups:
    - source: "ACL-(.+)"
      target: "ACL-Grp-\\1"
    - source: "Team[0-9]"
      target: "$T"
  group_sync_options:
    auto_create: True
limits:
  max_adobe_only_users: 200
logging:
  log_to_file: True
invocation_defaults:
  adobe_only_user_action: remove
  connector: ldap
  process_groups: Yes
  strategy: sync
  test_mode: No
  update_user_info: Yes
  user_filter: ".*@example\\.com"
  users: mapped
  color: blue
"#;

const LDAP: &str = r#"
username: "sync@example.com"
password: "hush-hush"
host: "ldap.example.com"
base_dn: "DC=example,DC=com"
search_page_size: 500
all_users_filter: "(&(objectClass=user)(objectCategory=person))"
group_filter_format: "(&(|(objectCategory=group)(objectClass=groupOfNames))(cn={group}))"
group_member_filter_format: "(memberOf={group_dn})"
require_tls_cert: False
user_email_format: "{mail}"
user_username_format: "{userPrincipalName}"
user_identity_type_format: "{idType}ID"
"#;

const UMAPI: &str = "authentication_method: oauth\nenterprise:\n  client_id: id\n  client_secret: hush-hush\n  org_id: o\nuses_business_id: True\n";

fn imported(files: &[(&str, &str)]) -> Imported {
    let files: BTreeMap<&str, &str> = files.iter().copied().collect();
    let mut load =
        |name: &str| files.get(name).map(ToString::to_string).ok_or_else(|| "there is no such file".to_owned());
    let imported = import("main.yml", files["main.yml"], SHIM, &mut load).unwrap();
    if let Err(mistakes) = imported.parse() {
        panic!("{}\n{mistakes:#?}", imported.config);
    }
    imported
}

fn reason<'i>(imported: &'i Imported, key: &str) -> &'i str {
    imported.notes.iter().find(|note| note.key == key).map_or("", |note| &note.reason)
}

fn full() -> Imported {
    let main = MAIN.replace("umapi: \"connector-umapi.yml\"", "umapi: [\"connector-umapi.yml\", {emea: \"emea.yml\"}]");
    imported(&[("main.yml", &main), ("connector-ldap.yml", LDAP), ("connector-umapi.yml", UMAPI), ("emea.yml", UMAPI)])
}

#[test]
fn every_setting_becomes_its_counterpart() {
    let imported = full();
    let config = imported.parse().unwrap();
    let orgs: Vec<&str> = config.orgs.iter().map(|org| org.name.as_str()).collect();
    assert_eq!(orgs, ["main", "emea"]);
    assert_eq!(imported.logins.len(), 2);
    let to: Vec<String> = config.maps[0].to.iter().map(|to| format!("{:?}::{}", to.org, to.group)).collect();
    assert_eq!(to, ["None::Design", "Some(\"emea\")::Creative"]);
    assert!(config.maps.iter().all(|map| map.create) && config.maps[1].to.is_empty());
    assert_eq!(config.guard.leavers, Limit::Count(200));
    assert_eq!(
        (config.leavers.unmap, config.leavers.remove, config.leavers.delete),
        (Stage::Now, Stage::Now, Stage::Never)
    );
    assert_eq!((config.leavers.who, config.scope), (LeaverScope::Everyone, PeopleScope::Mapped));
    assert!(
        config.protect.covers(None, &["Ann@Partner.example"]) && !config.protect.covers(None, &["ann@example.com"])
    );
    assert_eq!(config.people.update.len(), 2);
    for line in [
        "country = \"{c|upper|or:NO}\"",
        "type = \"{idType|or:federated}ID\"",
        "group_filter = \"(&(|(objectCategory=group)(objectClass=groupOfNames)))\"",
        "group_name = \"cn\"",
        "nested = false",
        "page_size = 500",
        "url = [\"ldap://ldap.example.com\"]",
    ] {
        assert!(imported.config.contains(line), "{line}\n{}", imported.config);
    }
}

#[test]
fn what_has_no_counterpart_is_named_with_its_line() {
    let imported = full();
    for (key, part) in [
        ("adobe_users.exclude_users", "(?<=x)y"),
        ("logging", "stderr"),
        ("invocation_defaults.color", "no setting of user-sync"),
        ("require_tls_cert", "always verified"),
        ("uses_business_id", "does not need it"),
        ("directory_users.connectors.csv", "another [[directory]]"),
        ("invocation_defaults.user_filter", "not leavers"),
    ] {
        assert!(reason(&imported, key).contains(part), "{key}: {:#?}", imported.notes);
    }
    let color = imported.notes.iter().find(|note| note.key.ends_with("color")).unwrap();
    assert_eq!((color.file.as_str(), color.line), ("main.yml", MAIN.lines().count()));
}

#[test]
fn secrets_stay_where_they_are() {
    let imported = full();
    assert!(!imported.config.contains("hush-hush") && !format!("{:?}", imported.notes).contains("hush-hush"));
    assert!(reason(&imported, "password").contains("not copied"));
    let broken = import("main.yml", "a: 'hush-hush\n b: [", SHIM, &mut |_| Err(String::new())).unwrap_err();
    assert!(!format!("{broken:?}").contains("hush-hush"));
}

#[test]
fn patterns_match_what_python_matched() {
    for (source, target, from, to) in [
        ("ACL-(.+)", "ACL-Grp-\\1", "/ACL-(.+)/", "ACL-Grp-${1}"),
        ("(?P<a>.+)-ACL", "x\\g<a>", "/(?:(?P<a>.+)-ACL)(.*)/", "x${a}${2}"),
        ("^Team[0-9]", "$T", "/(?:Team[0-9])(.*)/", "$$T${1}"),
        ("Team-(\\d+)$", "T\\1x", "/Team-(\\d+)/", "T${1}x"),
        ("a|b.+", "c", "/(?:a|b.+)(.*)/", "c${1}"),
    ] {
        assert_eq!(pattern_rule(source, target), Some((from.to_owned(), to.to_owned())));
    }
    assert_eq!(pattern_rule("(?<!x)a", "b"), None);
}

#[test]
fn filters_of_groups_lose_their_name_only() {
    let filter = connectors::group_filter;
    assert_eq!(filter("(cn={group})"), Some(("cn".to_owned(), None)));
    assert_eq!(
        filter("(&(objectClass=group)(sAMAccountName={group}))"),
        Some(("sAMAccountName".to_owned(), Some("(&(objectClass=group))".to_owned())))
    );
    assert_eq!(filter("(|(cn={group})(ou=x))"), None);
    assert_eq!(filter("(&(a=b)(|(cn={group})(ou=x)))"), None);
    assert_eq!(filter("(|(cn={group})(ou={group}))"), None);
}

#[test]
fn conditions_of_okta_that_name_statuses_are_taken_over() {
    let statuses = |condition: &str| connectors::okta_statuses(condition).map(|statuses| statuses.join(" "));
    for (condition, expected) in [
        ("user.status == \"ACTIVE\"", "ACTIVE"),
        (" user.status=='ACTIVE' or user.status == 'LOCKED_OUT'", "ACTIVE LOCKED_OUT"),
        ("user.status in ['ACTIVE', \"RECOVERY\"]", "ACTIVE RECOVERY"),
    ] {
        assert_eq!(statuses(condition).as_deref(), Some(expected), "{condition}");
    }
    for other in
        ["user.status != \"ACTIVE\"", "user.profile.department == \"A\"", "True", "user.status == \"GONE\"", ""]
    {
        assert_eq!(statuses(other), None, "{other}");
    }
}

#[test]
fn a_small_configuration_gets_the_defaults_of_user_sync() {
    let main = "adobe_users:\n  connectors:\n    umapi: u.yml\ndirectory_users:\n  connectors:\n    ldap: l.yml\n  groups:\n    - directory_group: A\n      adobe_groups: [B]\nlimits:\n  max_adobe_only_users: 5%\n";
    let ldap = "host: ldaps://a\nbase_dn: dc=a\n";
    let small = imported(&[("main.yml", main), ("u.yml", UMAPI), ("l.yml", ldap)]);
    let config = small.parse().unwrap();
    assert_eq!(config.guard.leavers, Limit::Percent(5.0));
    // process_groups is off by default, and everybody is read.
    assert!(config.maps[0].to.is_empty() && small.config.contains("process_groups is off"));
    assert_eq!((config.scope, config.leavers.unmap), (PeopleScope::All, Stage::Never));
    assert!(small.config.contains("login = \"anonymous\"") && small.config.contains("type = \"enterpriseID\""));
}

#[test]
fn each_kind_of_directory_gives_a_valid_file() {
    let main = |kind: &str, connector: &str| {
        format!(
            "adobe_users:\n  connectors:\n    umapi: u.yml\ndirectory_users:\n  user_identity_type: federatedID\n  connectors:\n    {kind}: c.yml\n  groups: []\nlimits:\n  max_adobe_only_users: 1\ninvocation_defaults:\n  connector: {connector}\n"
        )
    };
    let csv =
        "delimiter: \";\"\nstring_encoding: cp1252\nemail_column_name: E-Mail Adresse\ngroups_column_name: teams\n";
    let text = main("csv", "[csv, people.csv]");
    let csv = imported(&[("main.yml", &text), ("u.yml", UMAPI), ("c.yml", csv)]);
    for line in [
        "path = \"people.csv\"",
        "delimiter = \";\"",
        "encoding = \"windows-1252\"",
        "email = \"{E-Mail Adresse}\"",
        "groups = \"teams\"",
        "type = \"{type|or:federatedID}\"",
    ] {
        assert!(csv.config.contains(line), "{line}\n{}", csv.config);
    }
    let okta = "host: x-admin.okta.com\napi_token: hush-hush\nuser_email_format: \"{email}\"\ngroup_filter_format: \"{group}\"\n";
    let text = main("okta", "okta");
    let okta = imported(&[("main.yml", &text), ("u.yml", UMAPI), ("c.yml", okta)]);
    assert!(reason(&okta, "api_token").contains("umapi sync secret sync/okta") && !okta.config.contains("hush-hush"));
    for line in [
        "kind = \"okta\"",
        "url = \"https://x.okta.com\"",
        "token = { keyring = \"sync/okta\" }",
        "enabled = [\"ACTIVE\"]",
        "email = \"{email}\"",
        "firstname = \"{firstName}\"",
    ] {
        assert!(okta.config.contains(line), "{line}\n{}", okta.config);
    }
    let config = okta.parse().unwrap();
    assert!(
        matches!(&config.directories[0].settings, umapi_directory::DirectorySettings::Okta(settings) if settings.token.is_some())
    );
    let console = "authentication_method: oauth\nidentity_type_filter: federatedID\nserver:\nintegration:\n  org_id: o\n  client_id: i\n  client_secret: s\n";
    let text = main("adobe_console", "adobe_console");
    let console = imported(&[("main.yml", &text), ("u.yml", UMAPI), ("c.yml", console)]);
    assert!(
        console.config.contains("attr.type != \\\"federatedID\\\"") && console.logins.len() == 2,
        "{}",
        console.config
    );
}

#[test]
fn a_hook_over_a_file_is_run_by_a_program() {
    let main = MAIN
        .replace("connector: ldap", "connector: [csv, people.csv]")
        .replace("        - \"emea::Creative\"\n", "")
        .replace("directory_users:\n", "directory_users:\n  extension: hook.yml\n");
    let hook = "extended_attributes: [bc]\nextended_adobe_groups: [\"Company 1\"]\nafter_mapping_hook: |\n  if source_attributes.get('bc'):\n    target_groups.add('Company 1')\n";
    let hooked =
        imported(&[("main.yml", &main), ("connector-csv.yml", ""), ("connector-umapi.yml", UMAPI), ("hook.yml", hook)]);
    let shim = hooked.shim.as_deref().unwrap();
    assert!(shim.contains("target_groups.add('Company 1')"));
    assert!(hooked.config.contains("from = \"adobe:Company 1\"") && hooked.config.contains("from = \"adobe:Design\""));
    assert!(hooked.config.contains("command = [\"python3\", \"user-sync-hook.py\", \"people.csv\"]"));
    let ldap = main.replace("connector: [csv, people.csv]", "connector: ldap");
    let unhooked = imported(&[
        ("main.yml", &ldap),
        ("connector-ldap.yml", LDAP),
        ("connector-umapi.yml", UMAPI),
        ("hook.yml", hook),
    ]);
    assert!(unhooked.shim.is_none() && reason(&unhooked, "directory_users.extension").contains("not run"));
}

#[test]
fn what_differs_is_among_the_notes_too() {
    let with = |from: &str, to: &str| {
        let main = MAIN.replace(from, to);
        imported(&[
            ("main.yml", &main),
            ("connector-ldap.yml", LDAP),
            ("connector-umapi.yml", UMAPI),
            ("emea.yml", UMAPI),
        ])
    };
    for (from, to, key, fate) in [
        ("users: mapped", "users: [group, Artists]", "invocation_defaults.users", Fate::Changed),
        ("action: remove", "action: remove-adobe-groups", "invocation_defaults.adobe_only_user_action", Fate::Missing),
        ("action: remove", "action: [write-file, x.csv]", "invocation_defaults.adobe_only_user_action", Fate::Changed),
        ("action: remove", "action: explode", "invocation_defaults.adobe_only_user_action", Fate::Missing),
        ("users: mapped", "users: mapped\n  adobe_users: mapped", "invocation_defaults.adobe_users", Fate::Changed),
        ("users: mapped", "users: mapped", "limits.max_adobe_only_users", Fate::Changed),
        ("users: mapped", "users: mapped", "adobe_users.exclude_adobe_groups", Fate::Needless),
    ] {
        let imported = with(from, to);
        let note = imported.notes.iter().find(|note| note.key == key);
        assert_eq!(note.map(|note| note.fate), Some(fate), "{to}\n{:#?}", imported.notes);
    }
}

#[test]
fn patterns_beside_a_hook_reach_only_what_it_gives() {
    let extension = "extended_adobe_groups: [Extra]\nafter_mapping_hook: |\n  pass\n";
    let main = MAIN
        .replace("connector: ldap", "connector: [csv, people.csv]")
        .replace("default_country_code", "extension: hook.yml\n  default_country_code")
        .replace("source: \"ACL-(.+)\"", "source: \".+\"")
        .replace("ACL-Grp-\\\\1", "emea::All (g\\\\g<0>)");
    let main = main.replace("umapi: \"connector-umapi.yml\"", "umapi: [\"connector-umapi.yml\", {emea: \"emea.yml\"}]");
    let imported = imported(&[
        ("main.yml", &main),
        ("hook.yml", extension),
        ("connector-csv.yml", "{}"),
        ("connector-umapi.yml", UMAPI),
        ("emea.yml", UMAPI),
    ]);
    let config = imported.parse().unwrap();
    let patterns: Vec<&crate::config::MapRule> =
        config.maps.iter().filter(|map| matches!(map.from, crate::config::GroupPattern::Matching(_))).collect();
    assert_eq!(patterns.len(), 2, "{}", imported.config);
    for map in &patterns {
        assert!(!map.from.matches("adobe:Design") && !map.from.matches("Artists"), "{}", map.from);
    }
    let expanded = patterns[0].from.expand("adobe:emea::All (gArtists)", &patterns[0].to[0]);
    assert_eq!(expanded.as_deref(), Some("All (gArtists)"));
    assert_eq!(patterns[0].to[0].org.as_deref(), Some("emea"));
    assert_eq!(patterns[1].from.expand("adobe:$Ted", &patterns[1].to[0]).as_deref(), Some("$Ted"), "the rest stays");
    let shim = imported.shim.as_deref().unwrap();
    assert!(shim.contains(r#"ADDITIONAL = [[".+","emea::All (g\\g<0>)"],["Team[0-9]","$T"]]"#), "{shim}");
}

#[test]
fn files_that_cannot_be_read_are_told_at_once() {
    let mistakes = import("main.yml", MAIN, SHIM, &mut |_| Err("there is no such file".to_owned())).unwrap_err();
    let text: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    assert_eq!(text.len(), 2, "{text:?}");
    assert!(text[0].contains("connector-umapi.yml: there is no such file"), "{text:?}");
    for broken in ["a: 1\na: 2\n", "- x\n", "a: [", "a:\n\t- b"] {
        assert!(import("main.yml", broken, SHIM, &mut |_| Ok(String::new())).is_err(), "{broken:?}");
    }
}
