//! Results for people and for spreadsheets: tables, CSV with a byte order mark, CSV without formulas.

use serde_json::json;
use umapi_emulator::{FaultResponse, FaultRule, Operation};

use crate::stage::{Stage, text};

/// A stage on which the service lists these users.
fn listing(users: &serde_json::Value) -> Stage {
    let stage = Stage::new();
    let response = json!({"result": "success", "lastPage": true, "users": users});
    stage.emulator.faults().add(FaultRule::on(Operation::ListUsers, FaultResponse::json(200, response))).unwrap();
    stage
}

#[test]
fn export_for_excel_begins_with_a_byte_order_mark() {
    let stage = Stage::new();
    let path = stage.path("users.csv");
    stage.umapi(["export", "--bom", "--output", text(&path)]).done();
    let written = std::fs::read_to_string(&path).unwrap();
    assert_eq!(written.strip_prefix('\u{feff}').unwrap(), stage.umapi(["export"]).done().out);
    stage.umapi(["apply", text(&path), "--yes"]).done().saying("nothing to change");
    stage.umapi(["export", "--bom", "-f", "json"]).with_code(2).saying("--bom and --csv-safe are for CSV only");
}

#[test]
fn safe_export_contains_no_formulas() {
    let stage = listing(&json!([
        {"email": "ann@example.com", "firstname": "=HYPERLINK(\"http://x\",\"y\")", "lastname": "-Lee", "groups": ["Design", "@x"]}
    ]));
    let exported = stage.umapi(["export", "--csv-safe"]).done();
    let row = &exported.csv()[0];
    assert_eq!((row[1].as_str(), row[4].as_str()), ("ann@example.com", "'=HYPERLINK(\"http://x\",\"y\")"));
    assert_eq!((row[5].as_str(), row[9].as_str()), ("'-Lee", "Design;'@x"));
    let plain = stage.umapi(["export"]).done();
    assert_eq!(plain.csv()[0][5], "-Lee");
}

#[cfg(unix)]
mod on_terminal {
    use std::process::Command;

    use rexpect::session::spawn_command;

    use super::*;

    /// What a terminal with this many columns shows.
    fn shown(stage: &Stage, columns: usize, arguments: &[&str]) -> Vec<String> {
        let shell = format!("stty rows 24 cols {columns}; exec '{}' \"$@\"", env!("CARGO_BIN_EXE_umapi"));
        let called = stage.command();
        let mut command = Command::new("sh");
        command
            .args(["-c", &shell, "umapi"])
            .args(called.get_args())
            .args(arguments)
            .envs(called.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .env("NO_COLOR", "1");
        let shown = spawn_command(command, Some(30_000)).unwrap().exp_eof().unwrap();
        // The terminal of the test has bytes for characters.
        shown.lines().map(str::trim_end).filter(|line| line.is_ascii()).map(str::to_owned).collect()
    }

    #[test]
    fn table_fits_the_terminal_and_keeps_addresses_whole() {
        let address = "maximilian.mustermann-schmidt@department.example.com";
        let stage = listing(&json!([
            {"email": address, "firstname": "Maximilian", "lastname": "Mustermann", "country": "DE", "type": "federatedID",
             "groups": ["Creative Cloud All Apps", "Design"]},
        ]));
        for columns in [120, 140] {
            let lines = shown(&stage, columns, &["users", "list", "--quiet"]);
            assert!(lines.iter().any(|line| line.starts_with(address)), "{lines:?}");
            assert!(lines.iter().all(|line| line.chars().count() <= columns), "{lines:?}");
        }
        let stage = Stage::new();
        let lines = shown(&stage, 80, &["users", "list", "--quiet"]);
        assert!(lines.iter().all(|line| line.chars().count() <= 80), "{lines:?}");
        assert!(lines.iter().any(|line| line.starts_with("nobody@example.com ")), "{lines:?}");
        let lines = shown(&stage, 80, &["profiles", "list", "--quiet"]);
        let end = |word: &str| lines.iter().find_map(|line| Some(line.find(word)? + word.len()));
        assert!(end("MEMBER_COUNT").is_some() && lines[1].len() >= end("MEMBER_COUNT").unwrap(), "{lines:?}");
    }

    #[test]
    fn enormous_name_in_a_table_takes_a_moment() {
        let huge = "name ".repeat(200_000);
        let users: Vec<_> = (0..20)
            .map(|number| json!({"email": format!("u{number}@example.com"), "firstname": huge, "groups": [huge, "x"]}))
            .collect();
        let stage = listing(&json!(users[..2]));
        let lines = shown(&stage, 80, &["users", "list", "--quiet"]);
        assert!(lines.len() < 2000 && lines.iter().any(|line| line.starts_with("u1@example.com")), "{}", lines.len());
    }

    #[test]
    fn export_cannot_control_the_terminal() {
        let stage = listing(&json!([{"email": "a\u{202e}b@example.com", "firstname": "\u{1b}]0;owned\u{7}"}]));
        for arguments in [&["export", "--quiet"][..], &["export", "--quiet", "-f", "ndjson"]] {
            let lines = shown(&stage, 80, arguments).join("\n");
            assert!(lines.contains("202") && !lines.contains(['\u{202e}', '\u{1b}', '\u{7}']), "{lines:?}");
        }
    }
}
