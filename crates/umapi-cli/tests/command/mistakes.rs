//! Mistakes in input files: every message has the file and the line, says what to do, and speaks no language of a library.

use crate::stage::{Ended, Stage, text};

/// Words that only programmers of the libraries know.
const INTERNAL: [&str; 26] = [
    "serde",
    "saphyr",
    "granit",
    "struct ",
    "enum",
    "variant",
    "deserializ",
    "UserRef",
    "::",
    "DuplicateKeyPolicy",
    "with_login",
    "names 0",
    "elements",
    "untagged",
    "visitor",
    "sequence",
    "invalid type",
    "invalid length",
    "invalid value",
    "missing field",
    "unexpected token",
    "scalar",
    "expected ident",
    "while parsing",
    "did not match",
    "trailing characters",
];

#[track_caller]
fn plain(ended: &Ended, file: &str, input: &str) {
    assert_eq!(ended.code, Some(2), "{input}: {}", ended.err);
    for word in INTERNAL {
        assert!(!ended.err.contains(word), "`{word}` in the message for {input}: {}", ended.err);
    }
    assert!(ended.err.contains(file), "the file is not named for {input}: {}", ended.err);
    let causes: Vec<&str> = ended.err.lines().filter(|line| line.contains("cause: ")).collect();
    assert!(!causes.is_empty() && causes.iter().all(|cause| cause.contains("line ")), "{input}: {}", ended.err);
    let says_what_to_do = |cause: &&str| cause.contains("; ");
    assert!(ended.err.contains("help: ") || causes.iter().all(says_what_to_do), "{input}: {}", ended.err);
}

const COMMANDS: &[&str] = &[
    "",
    "7",
    "null",
    "[]",
    "[[]]",
    "\"text\"",
    "nonsense",
    "{",
    "{\"user\"",
    "{'user':1}",
    "{user:1}",
    "{\"user\":7,\"do\":[]}",
    "{\"user\":null,\"do\":[]}",
    "{\"user\":[],\"do\":[]}",
    "{\"user\":\"a@b.c\"}",
    "{\"user\":\"a@b.c\",\"do\":7}",
    "{\"user\":\"a@b.c\",\"do\":null}",
    "{\"user\":\"a@b.c\",\"do\":{}}",
    "{\"user\":\"a@b.c\",\"do\":[]}",
    "{\"user\":\"a@b.c\",\"do\":[7]}",
    "{\"user\":\"a@b.c\",\"do\":[null]}",
    "{\"user\":\"a@b.c\",\"do\":[[]]}",
    "{\"user\":\"a@b.c\",\"do\":[{}]}",
    "{\"user\":\"a@b.c\",\"do\":[\"add\"]}",
    "{\"user\":\"a@b.c\",\"do\":[{\"levitate\":{}}]}",
    "{\"user\":\"a@b.c\",\"do\":[{\"add\":7}]}",
    "{\"user\":\"a@b.c\",\"do\":[{\"add\":null}]}",
    "{\"user\":\"a@b.c\",\"do\":[{\"add\":[]}]}",
    "{\"user\":\"a@b.c\",\"do\":[{\"add\":{\"group\":\"x\"}}]}",
    "{\"user\":\"a@b.c\",\"do\":[{\"add\":{\"group\":[7]}}]}",
    "{\"user\":\"a@b.c\",\"do\":[{\"add\":{\"group\":[\"\"]}}]}",
    "{\"user\":\"a@b.c\",\"do\":[{\"add\":{\"group\":[\"x\"]},\"remove\":{\"group\":[\"x\"]}}]}",
    "{\"user\":\"a@b.c\",\"do\":[{\"remove\":\"some\"}]}",
    "{\"user\":\"a@b.c\",\"do\":[{\"remove\":7}]}",
    "{\"user\":\"a@b.c\",\"do\":[{\"removeFromOrg\":7}]}",
    "{\"user\":\"a@b.c\",\"do\":[{\"removeFromOrg\":{\"deleteAccount\":\"perhaps\"}}]}",
    "{\"user\":\"a@b.c\",\"do\":[{\"createFederatedID\":[]}]}",
    "{\"user\":\"a@b.c\",\"do\":[{\"createFederatedID\":{}}]}",
    "{\"user\":\"a@b.c\",\"do\":[{\"createFederatedID\":{\"email\":null}}]}",
    "{\"user\":\"a@b.c\",\"do\":[{\"addRoles\":{\"admin\":7}}]}",
    "{\"user\":\"a@b.c\",\"do\":[{\"update\":{}}]}",
    "{\"user\":\"a@b.c\",\"do\":[{\"update\":{\"color\":1}}]}",
    "{\"user\":\"a@b.c\",\"do\":[{\"resetPassword\":7}]}",
    "{\"user\":\"a@b.c\",\"requestID\":7,\"do\":[{\"update\":{\"lastname\":\"x\"}}]}",
    "{\"user\":\"a@b.c\",\"useAdobeID\":\"maybe\",\"do\":[]}",
    "{\"user\":\"a@b.c\",\"user\":\"x\",\"do\":[]}",
    "{\"user\":\"a@b.c\",\"usergroup\":\"x\",\"do\":[]}",
    "{\"user\":\"a@b.c\" \"do\":[]}",
    "{\"user\":\"a@b.c\",\"do\":[],}",
    "{\"user\":\"a\\x\",\"do\":[]}",
    "{\"user\":\"\\ud800\",\"do\":[]}",
    "{\"user\":\"a\tb\",\"do\":[]}",
    "{\"user\":1e999,\"do\":[]}",
    "{\"user\":01,\"do\":[]}",
    "{\"usergroup\":\"x\",\"do\":[{\"add\":{\"user\":7}}]}",
    "{\"usergroup\":\"x\",\"do\":[{\"remove\":\"some\"}]}",
    "{\"usergroup\":\"x\",\"do\":[{\"createUserGroup\":7}]}",
    "{\"usergroup\":\"x\",\"do\":[{\"deleteUserGroup\":{\"a\":1}}]}",
];

#[test]
fn mistakes_in_commands_are_told_in_plain_words() {
    let stage = Stage::new();
    for input in COMMANDS {
        // No lines and an empty array have no commands, which is not a mistake.
        let names: &[&str] = match *input {
            "" => &["a.json"],
            "[]" => &["a.ndjson"],
            _ => &["a.ndjson", "a.json"],
        };
        for name in names {
            let file = stage.file(name, input);
            plain(&stage.umapi(["run", text(&file)]), name, input);
            if !input.is_empty() {
                let file = stage.file(name, format!("[{input}]"));
                plain(&stage.umapi(["run", text(&file), "--input-format", "json"]), name, input);
            }
        }
    }
}

#[test]
fn mistakes_in_tables_are_told_in_plain_words() {
    let stage = Stage::new();
    for input in [
        "",
        "\n\n",
        "user\u{0}\n",
        "color\nx\n",
        "user,color,size\nx\n",
        "user,user\na,b\n",
        "user,add\na@b.c\n",
        "user,add\na@b.c,x,y\n",
        "user,add\na@b.c,\"x\n",
        "user,add\na@b.c,\"x\"y\n",
        "user,add\na@b.c,x\\y\n",
        "user,add\n,x\n",
        "user,create\na@b.c,martian\n",
        "user,remove_from_org\na@b.c,perhaps\n",
        "user,create,if_exists,country\na@b.c,adobe,perhaps,US\n",
        "user,create,firstname,lastname,country\na@b.c,federated,A,B,Germany\n",
        "user,create,firstname,lastname,country\na@b.c,federated,,,\n",
        "usergroup,firstname\nx,y\n",
        "firstname,lastname,email,country,groups\nA,B,,US,x\n",
        "Identity Type,Username,Domain,Email\nMartian ID,,,a@b.c\n",
        "user,add\na\u{200b}@b.c,x\n",
    ] {
        let file = stage.file("a.csv", input);
        plain(&stage.umapi(["run", text(&file)]), "a.csv", input);
    }
    for input in [
        "",
        "group\nx\n",
        "group,user,color\nx,y,z\n",
        "user,email,group\nx,y,z\n",
        "group,user\nDesign,a\\b\n",
        "group,user\n,a@b.c\n",
        "group,user,type\nDesign,a@b.c,martian\n",
        "group,user\nDesign,\"x\n",
    ] {
        let file = stage.file("b.csv", input);
        plain(&stage.umapi(["apply", text(&file), "--yes"]), "b.csv", input);
    }
}

#[test]
fn mistakes_in_documents_are_told_in_plain_words() {
    let stage = Stage::new();
    for input in [
        "",
        "~\n",
        "7\n",
        "- Design\n",
        "teams: {}\n",
        "groups: 7\n",
        "groups: [Design]\n",
        "groups:\n  Design: nobody\n",
        "groups:\n  Design:\n",
        "groups:\n  Design: {}\n",
        "groups:\n  Design: [7]\n",
        "groups:\n  Design: [~]\n",
        "groups:\n  Design: [[a@b.c]]\n",
        "groups:\n  Design: [{}]\n",
        "groups:\n  Design: [{user: [a]}]\n",
        "groups:\n  Design: [{user: a@b.c, type: martian}]\n",
        "groups:\n  Design: [{user: a@b.c, groups: []}]\n",
        "groups:\n  Design: [a@b.c]\n  Design: []\n",
        "groups:\n  [a, b]: []\n",
        "groups: {}\ngroups: {}\n",
        "users: 7\n",
        "users:\n- 7\n",
        "users:\n- {user: a@b.c}\n",
        "users:\n- {user: a@b.c, user: b@c.d, groups: []}\n",
        "users:\n  a@b.c: Design\n",
        "users:\n  a@b.c: [{x: y}]\n",
        "groups: {Design: [\n",
        "groups:\n\tDesign: []\n",
        "groups:\n  Design: 'x\n",
        "groups:\n  Design: [*x]\n",
        "groups:\n  Design: [@x]\n",
        "groups: a: b\n",
        "groups:\n  - a\n - b\n",
        "groups: {}\n---\nusers: {}\n",
        "%x\n",
        "{\"groups\": {\"Design\": [\"a@b.c\",}}",
        "{\"groups\": ",
        "a: &a [*a, *a]\n",
    ] {
        for name in ["a.yaml", "a.json"] {
            let file = stage.file(name, input);
            plain(&stage.umapi(["apply", text(&file), "--yes"]), name, input);
        }
    }
}

#[test]
fn mistakes_in_lists_of_names_are_all_told() {
    let stage = Stage::new();
    let file = stage.file("names.txt", "jane@example.com\nx y@z\n\na@b@c\nb\u{200b}@c.d\n");
    let ended = stage.umapi(["members", "add", "Design", "--from", text(&file)]);
    plain(&ended, "names.txt", "names");
    ended.saying("line 2: an email address has").saying("line 4: ").saying("line 5: ");
    let ended = stage.umapi(["members", "add", "Design", "a b@c.d", "e@f@g"]).with_code(2);
    ended.saying("no spaces, commas, semicolons, quotes, brackets or backslashes: \"a b@c.d\"").saying("\"e@f@g\"");
    let long = "x".repeat(300);
    let ended = stage.umapi(["members", "add", &long, "jane@example.com"]).with_code(2);
    let ended = ended.saying("the name of a group may have 255 characters").saying("nothing was sent");
    assert!(!ended.err.contains("membership 0"), "{}", ended.err);
}
