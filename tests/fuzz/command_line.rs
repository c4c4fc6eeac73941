//! Fuzz target: files read by the command - commands in each format, memberships, the configuration.

use bolero::TypeGenerator;
use umapi_cli::reading::{self, Entry};

use crate::{
    fixed_seeds::target,
    payload::{Material, Payload},
};

const COMMANDS: Material = Material {
    examples: &[
        "user,do,email,firstname,lastname,country,groups,option\nann@example.com,create-federated,ann@example.com,Ann,Lee,US,Design;Photoshop,ignore\nbob@example.com,add,,,,,\"Design;A\\;B\",\n",
        "user,do,groups\r\nann@example.com,remove,all\r\n\r\n\"a,b@example.com\",add,\"x\"\"y\"\r\n",
        "user,action,groups\nann@example.com,add,Design\n",
        r#"[{"user":"ann@example.com","requestID":"1","do":[{"createFederatedID":{"email":"ann@example.com","country":"US","firstname":"A","lastname":"B"}},{"add":{"group":["Design"]}}]},{"usergroup":"Design","do":[{"remove":{"user":["bob@example.com"]}}]}]"#,
        "{\"user\":\"ann@example.com\",\"do\":[{\"remove\":\"all\"}]}\n\n{\"usergroup\":\"Design\",\"do\":[{\"createUserGroup\":{\"name\":\"Design\"}}]}\n",
    ],
    words: &[
        "user",
        "usergroup",
        "do",
        "action",
        "email",
        "username",
        "domain",
        "firstname",
        "lastname",
        "country",
        "groups",
        "group",
        "option",
        "requestID",
        "add",
        "remove",
        "all",
        "create-federated",
        "create-enterprise",
        "add-adobe-id",
        "update",
        "remove-from-org",
        "createFederatedID",
        "addAdobeID",
        "removeFromOrg",
        "Design",
        "ann@example.com",
        "US",
        "ignore",
        "update",
        ",",
        ";",
        "\\;",
        "\\",
        "\"",
        "\"\"",
        "\r\n",
        "\n",
        "\u{feff}",
        "{",
        "}",
        "[",
        "]",
        ":",
        "null",
        "é",
    ],
};

const MEMBERSHIPS: Material = Material {
    examples: &[
        "groups:\n  Design: [ann@example.com, bob@example.com]\n  Empty: []\nusers:\n  cat@example.com:\n    - Photoshop\n",
        r#"{"groups":{"Design":["ann@example.com"]},"users":{"cat@example.com":["Photoshop"]}}"#,
        "group,user\nDesign,ann@example.com;bob@example.com\nEmpty,\nDesign,cat@example.com\n",
        "email,groups,firstname\nann@example.com,Design;A\\;B,Ann\n",
    ],
    words: &[
        "groups",
        "users",
        "group",
        "user",
        "email",
        "Design",
        "DESIGN",
        "ann@example.com",
        "- ",
        ": ",
        "&a ",
        "*a",
        "<<",
        "!!str",
        "? ",
        "|",
        ">",
        "'",
        "\"",
        "{",
        "}",
        "[",
        "]",
        ",",
        ";",
        "\\",
        "#",
        "\t",
        "\r\n",
        "---",
        "\u{feff}",
        "~",
    ],
};

/// Every secret in these texts begins with this word, and nothing else contains it.
const PLANTED: &str = "planted";

const CONFIGURATION: Material = Material {
    examples: &[
        "default_profile = \"main\"\n\n[profiles.main]\norganization = \"12345@AdobeOrg\" # x\nclient_id = \"abc\"\nclient_secret = \"planted-1\"\n",
        "[profiles.old]\nconnector_file = \"connector-umapi.yml\"\n[profiles.\"a b\"]\nclient_secret = { env = \"S\" }\nprivate_key = { file = \"key.pem\" }\nprivate_key_passphrase = { keyring = \"k\" }\n",
        "[profiles.main]\nclient_secret = { plain = \"planted-2\" }\n",
        "[profiles.main]\nprivate_key = \"\"\"planted-3\nplanted-4\"\"\"\n",
    ],
    words: &[
        "default_profile",
        "[profiles.main]",
        "[profiles]",
        "[[profiles]]",
        "profiles.main.client_id",
        "organization",
        "client_id",
        "client_secret",
        "env",
        "file",
        "keyring",
        " = ",
        "\"",
        "\"\"\"",
        "'''",
        "'",
        "{",
        "}",
        "[",
        "]",
        ".",
        ",",
        "#",
        "\\u0000",
        "1979-05-27T07:32:00Z",
        "0x",
        "inf",
        "nan",
        "true",
        "\r\n",
        "\t",
        "é",
    ],
};

#[derive(Clone, Debug, TypeGenerator)]
struct File {
    text: Payload,
    form: Form,
}

#[derive(Clone, Copy, Debug, TypeGenerator)]
enum Form {
    Csv,
    Json,
    Ndjson,
}

impl Form {
    fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
        }
    }
}

/// Reads from memory, which cannot fail.
fn read(extension: &str, input: &[u8]) -> (Vec<Entry>, Option<String>) {
    reading::commands(extension, input).unwrap()
}

#[test]
fn each_command_of_a_file_is_read_or_reported_by_its_line() {
    target!(6_000).with_type::<File>().for_each(|file| {
        let bytes = file.text.bytes(COMMANDS);
        let (entries, header) = read(file.form.extension(), &bytes);
        let lines = bytes.iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
        let mut last = 1;
        for entry in &entries {
            assert!((last..=lines).contains(&entry.line), "line {} after {last}, of {lines}: {entry:?}", entry.line);
            // An incomplete command ends the file at its line.
            last = if entry.command.is_ok() { entry.line } else { last };
            match &entry.command {
                Ok(command) => {
                    let line = serde_json::to_string(command).unwrap();
                    let (again, _) = read("ndjson", line.as_bytes());
                    assert!(
                        matches!(&again[..], [Entry { command: Ok(same), .. }] if same == command),
                        "{line}: {again:?}"
                    );
                }
                Err((rule, text)) => {
                    assert!(!rule.is_empty());
                    if let (Form::Csv, Some(header)) = (file.form, &header)
                        && !text.is_empty()
                    {
                        is_rejected_again(header, text, rule);
                    }
                }
            }
        }
    });
}

/// A rejected command is written to a file of its own, to be corrected and run. There it must be rejected for the same
/// reason.
fn is_rejected_again(header: &str, text: &str, rule: &str) {
    let (again, _) = read("csv", format!("{header}\n{text}\n").as_bytes());
    let same = matches!(&again[..], [Entry { command: Err((same, _)), .. }] if same == rule);
    assert!(same, "{rule} of {text:?} under {header:?}: {again:?}");
}

#[test]
fn memberships_are_read_or_rejected_with_their_location() {
    target!(6_000).with_type::<(Payload, bool)>().for_each(|(payload, is_table)| {
        match reading::memberships(*is_table, &payload.text(MEMBERSHIPS)) {
            Ok(lists) => lists.iter().for_each(|(name, items)| {
                assert!(
                    !name.trim().is_empty() && items.iter().all(|item| !item.trim().is_empty()),
                    "{name}: {items:?}"
                );
            }),
            Err(wrong) => assert!(!wrong.is_empty()),
        }
    });
}

/// Removes the name of an unknown setting from an error. A name is not a secret, even where a secret was put in its
/// place.
fn without_name(wrong: &str) -> String {
    let parts = wrong.split_once("unknown field `").and_then(|(before, rest)| Some((before, rest.split_once('`')?.1)));
    parts.map_or_else(|| wrong.to_owned(), |(before, after)| format!("{before}{after}"))
}

#[test]
fn a_configuration_is_read_or_rejected_without_a_secret() {
    target!(6_000).with_type::<Payload>().for_each(|payload| {
        if let Err(wrong) = reading::profiles(&payload.text(CONFIGURATION)) {
            assert!(!without_name(&wrong).contains(PLANTED), "{wrong}");
            assert!(wrong.contains("config.toml"), "{wrong}");
        }
    });
}
