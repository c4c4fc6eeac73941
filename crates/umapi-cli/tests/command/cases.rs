//! Hostile input files: none of them is repaired in silence. The inputs are in the folder `cases`.

use std::path::PathBuf;

use umapi_emulator::{FaultEffect, FaultRule, LimitSettings, Operation};

use crate::stage::{Ended, Stage, text, wait};

fn case(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "command", "cases", name].iter().collect()
}

/// An organization with the users and groups that the cases name.
fn stage() -> Stage {
    Stage::with(|builder| builder.seed_file(case("organization.yaml")).limits(LimitSettings::off()))
}

/// An organization in which an address has a Federated ID and an Adobe ID.
fn twins() -> Stage {
    Stage::with(|builder| builder.seed_file(case("twin-seed.yaml")).limits(LimitSettings::off()))
}

/// The groups of the Adobe ID and of the Federated ID of Ann.
fn groups_of_twins(stage: &Stage) -> [Vec<String>; 2] {
    [&["--adobe-id"][..], &[]].map(|option| {
        let arguments = [&["users", "get", "ann@example.com", "-f", "json"], option].concat();
        let shown = stage.umapi(arguments).done().json();
        let groups = shown["groups"].as_array().into_iter().flatten();
        let mut groups: Vec<String> = groups.map(|name| name.as_str().unwrap().to_owned()).collect();
        groups.sort_unstable();
        groups
    })
}

/// Runs a case that must be refused before anything is sent.
fn refused(command: &str, name: &str) -> Ended {
    let stage = stage();
    let mut arguments = vec![command.to_owned(), text(&case(name)).to_owned()];
    if command == "apply" {
        arguments.extend(["--yes", "--max-removals", "100%"].map(str::to_owned));
    }
    let ended = stage.umapi(arguments).with_code(2);
    assert_eq!(stage.emulator.journal().count(umapi_emulator::Operation::ExecuteActions), 0, "{name}");
    ended
}

#[test]
fn stray_quotation_mark_does_not_swallow_rows() {
    let ended = refused("run", "unbalanced-leavers.csv");
    ended.saying("line 3, column 22: a quotation mark opens a field that is not closed on this line");
}

#[test]
fn backslash_does_not_escape_a_quotation_mark() {
    let ended = refused("run", "backslash-quote.csv");
    ended.saying("line 2, column 21: the field goes on after its closing quotation mark").saying(r#""O""Neil""#);
}

#[test]
fn row_with_another_number_of_fields_is_refused() {
    for command in ["apply", "run"] {
        let ended = refused(command, "apply-extra-field.csv");
        if command == "apply" {
            ended.saying("line 2: the row has 3 fields, the header has 2");
        }
    }
    let stage = stage();
    for (name, content) in [("a.csv", "user,group\nbob@example.com\n"), ("b.csv", "group,user\nDesign\n")] {
        let file = stage.file(name, content);
        stage
            .umapi(["apply", text(&file), "--yes", "--max-removals", "100%"])
            .with_code(2)
            .saying("line 2: the row has 1 field, the header has 2");
    }
    let file = stage.file("c.csv", "user,add,remove\r\n\r\nbob@example.com,Design\r\n");
    stage.umapi(["run", text(&file)]).with_code(2).saying("line 3: the row has 2 fields, the header has 3");
    assert_eq!(stage.groups_of("bob@example.com"), ["Design", "Photoshop"]);
}

#[test]
fn invisible_characters_are_refused_and_shown() {
    refused("run", "zwsp.csv").saying("line 2, column `user`: `ann@example.com<U+200B>` contains").saying("U+200B");
    let stage = stage();
    for (name, content) in [
        ("a.ndjson", "{\"user\":\"ann@example.com\\u202e\",\"do\":[{\"add\":{\"group\":[\"Design\"]}}]}\n"),
        ("b.ndjson", "{\"user\":\"ann@example.com\",\"do\":[{\"add\":{\"group\":[\"De\\u0007sign\"]}}]}\n"),
        ("c.csv", "user,create,firstname,lastname,country\nnew@example.com,federated,A\u{feff}nn,Lee,US\n"),
    ] {
        let file = stage.file(name, content);
        stage.umapi(["run", text(&file)]).with_code(2).saying("line").saying("U+");
    }
    for (name, content) in [
        ("d.yaml", "groups:\n  Design: [\"ann@example.com\\u200b\"]\n"),
        ("e.csv", "group,user\nDes\u{200f}ign,ann@example.com\n"),
    ] {
        let file = stage.file(name, content);
        stage.umapi(["apply", text(&file), "--yes"]).with_code(2).saying("line 2").saying("U+200");
    }
    stage.umapi(["members", "add", "Design", "zoe@example.com\u{200b}"]).with_code(2).saying("U+200B");
    let names = stage.file("names.txt", "ann@example.com\nbob@\u{202e}example.com\n\u{200b}\n");
    let ended = stage.umapi(["members", "add", "Design", "--from", text(&names)]).with_code(2);
    ended.saying("line 2: ").saying("U+202E");
    assert_eq!(stage.emulator.journal().count(umapi_emulator::Operation::ExecuteActions), 0);
}

#[test]
fn semicolons_and_empty_trailing_columns_are_read() {
    let stage = stage();
    stage.umapi(["run", text(&case("semicolon.csv"))]).done().saying("1 completed");
    assert_eq!(stage.groups_of("zoe@example.com"), ["Design"]);
    stage.umapi(["run", text(&case("trailing-columns.csv"))]).done().saying("1 completed");
    let list = stage.file("list.csv", "sep=;\r\nuser;group\r\nzoe@example.com;\"Design;Photoshop\"\r\n");
    stage.umapi(["apply", text(&list), "--yes"]).done().saying("1 to add");
}

#[test]
fn wrong_encoding_is_named_with_its_line() {
    refused("apply", "yaml-latin1.yaml")
        .saying("yaml-latin1.yaml")
        .saying("line 2, column 4: this is not UTF-8")
        .saying("save the file as UTF-8");
}

#[test]
fn change_of_the_file_during_a_run_changes_nothing() {
    let stage = stage();
    stage
        .emulator
        .faults()
        .add(FaultRule::on(Operation::ExecuteActions, FaultEffect::delay(std::time::Duration::from_millis(5))))
        .unwrap();
    let line = |number: u32| {
        let email = format!("new{number}@example.com");
        format!(
            "{{\"user\":\"{email}\",\"do\":[{{\"createFederatedID\":{{\"email\":\"{email}\",\"firstname\":\"N\",\
             \"lastname\":\"P\",\"country\":\"US\"}}}}]}}\n"
        )
    };
    let content: String = (0..400).map(line).collect();
    let file = stage.file("a.ndjson", &content);
    let mut command = stage.command();
    command.args(["run", text(&file), "-f", "ndjson"]);
    let child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    while stage.emulator.journal().count(umapi_emulator::Operation::ExecuteActions) == 0 {
        wait(1);
    }
    std::fs::write(&file, &content[..content.len() / 2]).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 400, "every command has an outcome");
}

#[test]
fn unedited_export_changes_nothing() {
    let stage = twins();
    let file = stage.path("users.csv");
    stage.umapi(["export", "--output", text(&file)]).done();
    stage.umapi(["apply", text(&file), "--yes", "--max-removals", "100%"]).done().saying("nothing to change");
    assert_eq!(stage.emulator.journal().count(Operation::ExecuteActions), 0);
}

#[test]
fn removal_reaches_the_account_that_is_a_member() {
    let stage = twins();
    let file = case("twin-b.yaml");
    let arguments = ["apply", text(&file), "--yes", "--max-removals", "100%", "-f", "json"];
    let done = stage.umapi(arguments).done().saying("0 to add, 1 to remove");
    assert_eq!(done.json()[0]["outcome"], "completed");
    assert_eq!(groups_of_twins(&stage), [vec![], vec!["Design".to_owned()]]);
    stage.umapi(arguments).done().saying("nothing to change");
}

#[test]
fn address_of_two_accounts_needs_a_type() {
    let stage = twins();
    for (name, content) in [
        ("a.yaml", "groups:\n  Illustrator: [ann@example.com]\n"),
        ("b.yaml", "users:\n  ann@example.com: []\n"),
        ("c.csv", "user,group\nann@example.com,Illustrator\n"),
    ] {
        let file = stage.file(name, content);
        stage
            .umapi(["apply", text(&file), "--yes", "--max-removals", "100%"])
            .with_code(2)
            .saying("line 2")
            .saying("`ann@example.com` is the name of 2 accounts: federatedID of example.com, adobeID")
            .saying("nothing was changed");
    }
    stage
        .umapi(["members", "add", "Illustrator", "ann@example.com"])
        .with_code(2)
        .saying("`ann@example.com` is the name of 2 accounts")
        .saying("--adobe-id");
    assert_eq!(stage.emulator.journal().count(Operation::ExecuteActions), 0);
    let table = stage.file("d.csv", "group,user,type\nIllustrator,ann@example.com,adobeID\n");
    stage.umapi(["apply", text(&table), "--yes"]).done();
    assert_eq!(
        groups_of_twins(&stage),
        [vec!["Illustrator".to_owned(), "Photoshop".to_owned()], vec!["Design".to_owned()]]
    );
    stage.umapi(["members", "add", "Illustrator", "ann@example.com", "--domain", "example.com"]).with_code(2);
    stage.umapi(["members", "remove", "Illustrator", "ann@example.com", "--adobe-id"]).done();
    assert_eq!(groups_of_twins(&stage)[0], ["Photoshop"]);
    let list =
        stage.file("e.yaml", "users:\n- {user: ann@example.com, type: federatedID, groups: [Design, Illustrator]}\n");
    stage.umapi(["apply", text(&list), "--yes"]).done();
    assert_eq!(
        groups_of_twins(&stage),
        [vec!["Photoshop".to_owned()], vec!["Design".to_owned(), "Illustrator".to_owned()]]
    );
}

#[test]
fn plan_of_twins_can_be_saved_and_run() {
    let stage = twins();
    let (file, plan) = (case("twin-b.yaml"), stage.path("plan.ndjson"));
    stage.umapi(["apply", text(&file), "--plan-only", "--plan-out", text(&plan)]).done();
    stage.umapi(["run", text(&plan)]).done().saying("1 completed");
    stage.umapi(["apply", text(&file), "--yes"]).done().saying("nothing to change");
}

#[test]
fn typo_in_a_list_removes_nobody() {
    let stage = stage();
    let file = stage.file("a.yaml", "groups:\n  Design: [ann@example.com, bbo@example.com, mail@example.com]\n");
    stage
        .umapi(["apply", text(&file), "--yes"])
        .with_code(1)
        .saying("line 2, column 29: `bbo@example.com` is not in the organization; did you mean bob@example.com?")
        .saying("nobody is removed from \"Design\" (1 removal not made)")
        .saying("1 to add, 0 to remove");
    assert_eq!(stage.groups_of("bob@example.com"), ["Design", "Photoshop"]);
    assert_eq!(stage.groups_of("mail@example.com"), ["Design"]);
    let file = stage.file("b.yaml", "groups:\n  Desing: []\n");
    stage
        .umapi(["apply", text(&file)])
        .with_code(2)
        .saying("group \"Desing\" does not exist")
        .saying("did you mean Design?");
}

#[test]
fn removing_an_unknown_user_is_not_completed() {
    let stage = stage();
    let removed =
        stage.umapi(["members", "remove", "Design", "bob@example.com", "bbo@example.com", "-f", "json"]).with_code(6);
    let outcomes = removed.saying("1 completed, 1 not found").json();
    assert_eq!((&outcomes[0]["outcome"], &outcomes[1]["outcome"]), (&"completed".into(), &"not-found".into()));
    assert_eq!((&outcomes[1]["number"], &outcomes[1]["user"]), (&2.into(), &"bbo@example.com".into()));
    assert_eq!(stage.groups_of("bob@example.com"), ["Photoshop"]);
}

#[test]
fn mistyped_leaver_is_not_completed() {
    let stage = stage();
    let file = stage.file(
        "leavers.csv",
        "user,domain,create,firstname,lastname,country,remove,remove_from_org\n\
         bob@example.com,,,,,,,yes\n\
         bbo@example.com,,,,,,,yes\n\
         bob,example.com,,,,,,yes\n\
         new@example.com,,federated,N,P,US,,\n\
         new@example.com,,,,,,,yes\n\
         mail@example.com,,,,,,,yes\n",
    );
    let journal = stage.path("a.journal");
    let arguments = ["run", text(&file), "--journal", text(&journal), "-f", "json"];
    let outcomes = |ended: &Ended| -> Vec<(u64, u64, String)> {
        let json = ended.json();
        let of = |outcome: &serde_json::Value| {
            let text = outcome["outcome"].as_str().unwrap().to_owned();
            (outcome["number"].as_u64().unwrap(), outcome["line"].as_u64().unwrap(), text)
        };
        let mut outcomes: Vec<_> = json.as_array().unwrap().iter().map(of).collect();
        outcomes.sort_unstable();
        outcomes
    };
    let first = stage.umapi(arguments).with_code(6).saying("4 completed, 2 not found");
    let words = ["completed", "not-found", "not-found", "completed", "completed", "completed"];
    let expected: Vec<_> = (1..).zip(words).map(|(number, word)| (number, number + 1, word.to_owned())).collect();
    assert_eq!(outcomes(&first), expected);
    // The users are gone now, which does not change the report.
    let sent = stage.emulator.journal().count(Operation::ExecuteActions);
    assert_eq!(outcomes(&stage.umapi(arguments).with_code(6)), expected);
    assert_eq!(stage.emulator.journal().count(Operation::ExecuteActions), sent);
}

#[test]
fn removing_unknown_users_from_groups_is_not_completed() {
    let stage = stage();
    let file = stage.file(
        "a.ndjson",
        "{\"user\":\"bbo@example.com\",\"do\":[{\"remove\":{\"group\":[\"Design\"]}}]}\n\
         {\"usergroup\":\"Design\",\"do\":[{\"remove\":{\"user\":[\"bbo@example.com\"]}}]}\n\
         {\"usergroup\":\"Design\",\"do\":[{\"remove\":{\"user\":[\"ann@example.com\",\"bbo@example.com\"]}}]}\n",
    );
    let ran = stage.umapi(["run", text(&file), "-f", "json"]).with_code(1).json();
    let words: Vec<_> = ran.as_array().unwrap().iter().map(|outcome| outcome["outcome"].as_str().unwrap()).collect();
    assert_eq!(words, ["rejected", "rejected", "rejected"], "{ran}");
}

#[test]
fn names_are_compared_in_one_unicode_form() {
    let stage = Stage::with(|builder| builder.seed_file(case("umlauts.yaml")).limits(LimitSettings::off()));
    let file = case("yaml-nfd-user.yaml");
    stage.umapi(["apply", text(&file), "--yes"]).done().saying("nothing to change");
}

#[test]
fn leaver_with_two_accounts_is_warned_about() {
    let stage = twins();
    let file = stage.file("a.csv", "user,remove_from_org\nann@example.com,yes\n");
    let warning = "line 2: `ann@example.com` is the name of 2 accounts";
    stage.umapi(["run", text(&file), "--dry-run"]).done().saying(warning);
    let plan = stage.umapi(["apply", text(&case("twin-b.yaml")), "--plan-only", "-f", "json"]).done().json();
    assert_eq!((&plan[0]["user"], &plan[0]["type"]), (&"ann@example.com".into(), &"adobeID".into()));
}
