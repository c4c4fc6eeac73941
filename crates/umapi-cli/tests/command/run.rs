//! `umapi run`.

use umapi_emulator::Operation;

use crate::stage::{Stage, text};

const NDJSON: &str = r#"{"usergroup":"Draw","do":[{"createUserGroup":{}}]}
{"user":"new@example.com","requestID":"7","do":[{"createFederatedID":{"email":"new@example.com","firstname":"N","lastname":"P","country":"US"}},{"add":{"group":["Draw","Design"]}}]}
{"user":"jane@example.com","do":[{"update":{"lastname":"Kim"}}]}
"#;

const CSV: &str = "\
user,usergroup,create,email,firstname,lastname,country,add
,Draw,yes,,,,,
new@example.com,,federated,,N,P,US,Draw;Design
jane@example.com,,,,,Kim,,
";

#[test]
fn every_file_format_does_the_same() {
    let json = format!("[{}]", NDJSON.trim().replace('\n', ",\n"));
    for (name, content, first_line) in [("a.ndjson", NDJSON, 1), ("a.json", &json, 1), ("a.csv", CSV, 2)] {
        let stage = Stage::new();
        let file = stage.file(name, content);
        let ran = stage.umapi(["run", text(&file), "-f", "json"]).done().saying("3 completed");
        let mut lines: Vec<u64> =
            ran.json().as_array().unwrap().iter().map(|outcome| outcome["line"].as_u64().unwrap()).collect();
        lines.sort_unstable();
        assert_eq!(lines, [first_line, first_line + 1, first_line + 2], "{name}");
        assert_eq!(stage.groups_of("new@example.com"), ["Design", "Draw"]);
        let jane = stage.umapi(["users", "get", "jane@example.com", "-f", "json"]).done().json();
        assert_eq!(jane["lastname"], "Kim");
    }
}

#[test]
fn commands_can_come_from_stdin() {
    let stage = Stage::new();
    let csv = stage.umapi_with(["run", "-", "--input-format", "csv", "-f", "csv"], CSV).done();
    assert_eq!(csv.lines()[0], "number,line,subject,outcome,codes,message,requests,warnings");
    assert_eq!(csv.csv().len(), 3);
    stage.umapi_with(["run", "-"], CSV).with_code(2).saying("--input-format");
    let table = stage
        .umapi_with(["run", "-", "--input-format", "ndjson"], NDJSON)
        .with_code(1)
        .saying("1 completed, 2 rejected");
    assert!(table.lines()[0].starts_with("number\tsubject\toutcome"), "{}", table.out);
}

#[test]
fn file_with_mistakes_sends_nothing() {
    let stage = Stage::new();
    let bad = format!("{NDJSON}{{\"user\":\"x\",\"do\":[]}}\n\nnot json\n{NDJSON}");
    let file = stage.file("bad.ndjson", &bad);
    let refused = stage.umapi(["run", text(&file)]).with_code(2);
    refused
        .saying("2 of 8 commands are not valid")
        .saying("cause: line 4, column ")
        .saying("cause: line 6, column 2: this is not valid JSON: a value was expected")
        .saying("--keep-going");
    assert_eq!(stage.emulator.journal().count(Operation::ExecuteActions), 0);

    let kept =
        stage.umapi(["run", text(&file), "--keep-going", "-f", "json"]).with_code(1).saying("2 invalid commands in ");
    assert_eq!(kept.json().as_array().unwrap().len(), 6);
    let set_aside = std::fs::read_to_string(stage.path("bad.bad.ndjson")).unwrap();
    assert_eq!(set_aside, "{\"user\":\"x\",\"do\":[]}\nnot json\n");
    stage.umapi(["run", text(&file), "--keep-going"]).with_code(2).saying("--bad-file");
}

#[test]
fn invalid_commands_keep_their_format() {
    let stage = Stage::new();
    let csv = stage.file(
        "a.csv",
        "user,add,remove\njane@example.com,Design,\njane@example.com,,\nnobody@example.com,\"a\\b, c\",\n",
    );
    stage.umapi(["run", text(&csv), "--keep-going"]).with_code(1);
    let set_aside = std::fs::read_to_string(stage.path("a.bad.csv")).unwrap();
    assert_eq!(set_aside, "user,add,remove\njane@example.com,,\nnobody@example.com,\"a\\b, c\",\n");
    let json = stage.file("b.json", "[{\"user\":\"jane@example.com\",\"do\":[{\"remove\":\"all\"}]},\n{\"user\":\n7}]");
    stage.umapi(["run", text(&json), "--keep-going", "--bad-file", "c.json"]).with_code(1);
    assert_eq!(std::fs::read_to_string(stage.path("c.json")).unwrap(), "[\n{\"user\":\n7}\n]\n");
    let broken = stage.file("d.json", "[{\"user\":\"jane@example.com\",\"do\":[{\"remove\":\"all\"}]}");
    stage.umapi(["run", text(&broken), "--keep-going"]).with_code(2).saying("the array has no end");
}

#[test]
fn rejected_command_is_named_by_its_line() {
    let stage = Stage::new();
    let file = stage.file("a.csv", "user,add\n\njane@example.com,Design\nzoe@example.com,Design\n");
    let ran = stage
        .umapi(["run", text(&file), "-f", "json", "--problems-only"])
        .with_code(1)
        .saying("1 completed, 1 rejected");
    let outcome = &ran.json()[0];
    assert_eq!(
        (&outcome["number"], &outcome["line"], &outcome["subject"]),
        (&2.into(), &4.into(), &"zoe@example.com".into())
    );
    assert!(!outcome["requests"][0].as_str().unwrap().is_empty());
    let tried = stage.umapi(["run", text(&file), "--dry-run"]);
    assert!(tried.err.contains("dry run"), "{}", tried.err);
}

#[test]
fn empty_file_sends_nothing() {
    let stage = Stage::new();
    for (name, content) in [("a.ndjson", ""), ("a.json", "[]"), ("a.csv", "user,add\n")] {
        let file = stage.file(name, content);
        stage.umapi(["run", text(&file)]).done().saying("0 completed; 0 requests");
    }
    stage.umapi(["run", "/nowhere.csv"]).with_code(2).saying("cannot read /nowhere.csv");
    stage.umapi(["run", "commands.txt"]).with_code(2).saying("--input-format");
}
