//! Tests of reading a configuration.

use super::*;

/// The example of the documentation.
const EXAMPLE: &str = r#"
[[org]]
profile = "main"

[[org]]
profile = "emea-prod"
name = "emea"

[[directory]]
kind = "ldap"
preset = "ad"
url = ["ldaps://dc1.example.com", "ldaps://dc2.example.com"]
base = "DC=example,DC=com"
user = "sync@example.com"
password = { keyring = "sync/ldap" }

[people]
type = "federated"
email = "{mail}"
username = "{userPrincipalName}"
country = "{c|upper|or:US}"
update = ["firstname", "lastname", "email"]
skip = 'attr.employeeType == "contractor"'

[[map]]
from = "Adobe_All_Apps"
to = ["All Apps", "emea::Creative"]

[[map]]
from = '/ACL-(.+)/'
to = ["ACL $1"]
create = true

[protect]
groups = ["Board"]
types = ["adobeID"]

[leavers]
unmap = "now"
remove = "30d"
delete = "never"

[guard]
leavers = "5%"
removals_per_group = "20%"
creations = 500
directory_shrinks = "10%"
licenses = "stop"
on_trip = "quarantine"
"#;

fn mistakes(text: &str) -> Vec<String> {
    Config::parse(text).expect_err("it has mistakes").iter().map(ToString::to_string).collect()
}

#[test]
fn the_example_is_read() {
    let config = Config::parse(EXAMPLE).unwrap();
    assert_eq!(config.primary(), "main");
    assert_eq!(config.orgs[1].profile, "emea-prod");
    assert_eq!(config.leavers.remove, Stage::Days(30));
    assert_eq!(config.guard.removals_per_group, Limit::Percent(20.0));
    let query = config.query(&config.directories[0]);
    assert_eq!(query.groups, [GroupSelector::Named("Adobe_All_Apps".to_owned()), GroupSelector::All]);
    assert!(query.attributes.contains(&"employeeType".to_owned()), "{:?}", query.attributes);
    assert_eq!(config.hash.len(), 64);
}

#[test]
fn all_mistakes_are_told_with_their_places() {
    let wrong = EXAMPLE
        .replace("email = \"{mail}\"", "email = \"{mail\"")
        .replace("emea::Creative", "apac::Creative")
        .replace("country = ", "cuntry = ")
        .replace("remove = \"30d\"", "remove = \"soon\"")
        .replace("creations = 500", "creations = \"many\"")
        .replace("ACL $1", "_admin_$1x")
        .replace("preset = \"ad\"", "preset = \"domino\"");
    let found = mistakes(&wrong);
    for part in [
        "line 11, column 10: `domino` is none of ad, openldap, 389ds, freeipa",
        "line 19, column 9: `{mail`: `{` without a `}` after it",
        "line 21, column 1: there is no key `cuntry` here; did you mean `country`?",
        "line 27, column 6: there is no organization called `apac`; use main, emea",
        "`_admin_$1x` is an administrative group",
        "`$1x` in `_admin_$1x` stands for nothing",
        "line 40, column 10: `soon` is not a time",
        "line 46, column 13: `many` is not a limit",
    ] {
        assert!(found.iter().any(|mistake| mistake.contains(part)), "{part}\n{found:#?}");
    }
}

#[test]
fn a_missing_part_is_named() {
    assert_eq!(mistakes("").len(), 3);
    assert!(mistakes("")[0].contains("it lacks"));
    let found = mistakes("[org]\nprofile = 1\n[[directory]]\n[[map]]\nfrom = 3\nto = 1");
    for part in ["write [[org]] in place of [org]", "`kind` is missing", "a text in quotes is needed"] {
        assert!(found.iter().any(|mistake| mistake.contains(part)), "{part}\n{found:#?}");
    }
}

#[test]
fn broken_toml_is_told_with_its_place() {
    let found = mistakes("[[org]\nprofile = main\n");
    assert_eq!(found[0], "line 1, column 7: this is not TOML: unclosed array table, expected `]`");
}

#[test]
fn no_word_of_a_library_reaches_the_reader() {
    let texts = [
        "[[org]]\nprofile = []",
        "[[org]]\nprofile = {}",
        "org = 3",
        "[[map]]\nfrom = 'a'\nto = {a=1}",
        "[guard]\nleavers = 3.5",
        "[guard]\nleavers = []",
        "[people]\nupdate = 'x'",
        "[people]\nupdate = ['x']",
        "[[directory]]\nkind = 'ldap'\nurl = 3\nbase = 'x'",
        "[[directory]]\nkind = 'ldap'\nurl = 'x'\nbase = 'x'\npassword = 'p'",
        "[[directory]]\nkind = 'file'\npath = 3",
        "[[directory]]\nkind = 'exec'\ncommand = 'x'\ntimeout = -1",
    ];
    for text in texts {
        for mistake in mistakes(text) {
            for word in ["struct", "variant", "enum", "serde", "expected", "sequence", "untagged", "u32", "i64", "unit"]
            {
                assert!(!mistake.contains(word), "{text:?}: {mistake}");
            }
        }
    }
}

#[test]
fn each_wrong_value_is_named_with_its_line_and_the_way_out() {
    let two = |what: &str, more: &str| format!("{what}\n\n{more}\n\n[people]");
    let org = two("[[org]]\nprofile = \"third\"\nname = \"emea\"", "");
    let sync = two(
        "[[directory]]\nkind = \"file\"\npath = \"a.csv\"\nname = \"hr\"",
        "[[directory]]\nkind = \"file\"\npath = \"b.csv\"\nname = \"hr\"",
    );
    let exec = two("[[directory]]\nkind = \"exec\"\ncommand = []\nname = \"hr\"", "");
    for (right, wrong, rule, remedy) in [
        ("[people]", org.as_str(), "two organizations are called `emea`", "another `name`"),
        ("name = \"emea\"", "name = \"e::a\"", "contains no `::`", "another `name`"),
        ("[people]", &sync, "two directories are called `hr`", "another `name`"),
        ("[people]", &exec, "`command` is empty", "name the program"),
        ("preset = \"ad\"", "delta = true\nwhole_after_days = 0", "`whole_after_days` is 0", "leave out `delta`"),
        ("preset = \"ad\"", "whole_after_days = 7", "is for `delta = true`", "add delta = true"),
        ("preset = \"ad\"", "page_size = 0", "`page_size` is 0", "1 or more"),
        ("\"ldaps://dc2.example.com\"", "\"dc2.example.com\"", "`dc2.example.com` is not the address", "ldaps://"),
        ("[\"ldaps://dc1.example.com\", \"ldaps://dc2.example.com\"]", "[]", "`url` is empty", "name a server"),
        ("user = \"sync@example.com\"", "", "`password` without `user`", "give both"),
        ("password = { keyring = \"sync/ldap\" }", "", "`user` without `password`", "give both"),
        ("type = \"federated\"", "type = \"guest\"", "no type of account called `guest`", "use federated"),
        ("\"{c|upper|or:US}\"", "\"USA\"", "`USA` is not a country", "two letters"),
        ("'attr.employeeType == \"contractor\"'", "'attr.employeeType =='", "`skip`: ", ""),
        ("'/ACL-(.+)/'", "'/ACL-(.+/'", "ACL-(.+", ""),
        ("create = true", "directory = \"hr\"", "no directory called `hr`", "use "),
        ("[\"ACL $1\"]", "[\" \"]", "the name of a group is empty", "to = []"),
        ("types = [\"adobeID\"]", "types = [\"guest\"]", "no type of account called `guest`", "federatedID"),
        ("groups = [\"Board\"]", "users = [\"(\"]", "`(` is not a regular expression", "partner"),
        (
            "[[map]]\nfrom = \"Adobe_All_Apps\"\nto = [\"All Apps\", \"emea::Creative\"]\n\n[[map]]",
            "[map]",
            "write [[map]]",
            "",
        ),
        ("[protect]", "[[protect]]", "`protect` is a table, and stands once", "write [protect]"),
    ] {
        let text = EXAMPLE.replacen(right, wrong, 1);
        assert_ne!(text, EXAMPLE, "{right}");
        let found = mistakes(&text);
        let named = found
            .iter()
            .any(|mistake| mistake.starts_with("line ") && mistake.contains(rule) && mistake.contains(remedy));
        assert!(named, "{wrong}: {found:?}");
    }
}

#[test]
fn the_schema_agrees_with_the_reader() {
    let schema = serde_json::to_value(schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mistakes = |text: &str| -> Vec<String> {
        let value: toml::Value = toml::from_str(text).unwrap();
        validator.iter_errors(&serde_json::to_value(value).unwrap()).map(|error| error.to_string()).collect()
    };
    assert_eq!(mistakes(EXAMPLE), Vec::<String>::new());
    for (kind, rest) in [("file", "path = \"a.csv\""), ("exec", "command = [\"a\"]"), ("adobe", "profile = \"b\"")] {
        let directory = format!("[[directory]]\nname = \"second\"\nkind = \"{kind}\"\n{rest}\n");
        let text = format!("{EXAMPLE}{directory}");
        assert!(Config::parse(&text).is_ok(), "{text}");
        assert_eq!(mistakes(&text), Vec::<String>::new(), "{text}");
    }
    for (right, wrong) in [
        ("profile = \"main\"", "profiles = \"main\""),
        ("kind = \"ldap\"", "kind = \"nis\""),
        ("kind = \"ldap\"", "kind = \"ldap\"\npath = \"people.csv\""),
        ("base = \"DC=example,DC=com\"", ""),
        ("update = [\"firstname\"", "update = [\"shoe size\""),
        ("creations = 500", "creations = [500]"),
        ("[protect]", "[protects]"),
        ("from = \"Adobe_All_Apps\"", ""),
    ] {
        let text = EXAMPLE.replacen(right, wrong, 1);
        assert_ne!(text, EXAMPLE);
        assert!(Config::parse(&text).is_err(), "the reader refuses {wrong}");
        assert!(!mistakes(&text).is_empty(), "the schema refuses {wrong}");
    }
}

#[test]
fn a_password_in_the_configuration_is_refused_unquoted() {
    for (right, wrong) in [
        ("{ keyring = \"sync/ldap\" }", "\"hunter2\""),
        ("ldaps://dc1.example.com", "ldaps://sync:hunter2@dc1.example.com"),
        ("ldaps://dc1.example.com", "https://sync:hunter2@dc1.example.com"),
    ] {
        let found = mistakes(&EXAMPLE.replacen(right, wrong, 1)).join("\n");
        assert!(found.contains("password") && !found.contains("hunter2"), "{found}");
    }
}
