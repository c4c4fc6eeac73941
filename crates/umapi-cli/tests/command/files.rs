//! Files as people have them: from Excel, PowerShell, the Admin Console and user-sync.

use umapi_emulator::Operation;

use crate::stage::{Stage, text};

fn utf16(text: &str) -> Vec<u8> {
    std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

/// The text in Windows-1252, for letters that are at the same place in Unicode.
fn western(text: &str) -> Vec<u8> {
    text.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap()).collect()
}

#[test]
fn german_excel_file_is_read() {
    let stage = Stage::new();
    let table = "E-Mail;First Name;Last Name;Country Code;Create;Add;;\r\nzo\u{eb}@example.com;Zoë;Müller;de;federated;Design;;\r\n;;;;;;;\r\n"
        .replace("zo\u{eb}@", "zoe@");
    let file = stage.file("joiners.csv", western(&table));
    stage
        .umapi(["run", text(&file)])
        .with_code(2)
        .saying("line 2, column 19: this is not UTF-8; read as Windows-1252 it is `Zoë`")
        .saying("add --encoding windows-1252");
    assert_eq!(stage.emulator.journal().count(Operation::ExecuteActions), 0);
    stage.umapi(["run", text(&file), "--encoding", "windows-1252"]).done().saying("1 completed");
    let user = stage.umapi(["users", "get", "zoe@example.com", "-f", "json"]).done().json();
    assert_eq!((&user["firstname"], &user["country"]), (&"Zoë".into(), &"DE".into()));
    let file = stage.file("unicode.csv", utf16("user\tgroup\r\nzoe@example.com\tDesign;Photoshop\r\n"));
    stage
        .umapi(["apply", text(&file), "--yes"])
        .with_code(2)
        .saying("this is UTF-16, not UTF-8")
        .saying("--encoding utf-16");
    stage.umapi(["apply", text(&file), "--yes", "--encoding", "utf-16"]).done().saying("1 to add");
    let names = stage.file("names.txt", utf16("zoe@example.com\r\n"));
    stage.umapi(["members", "remove", "Design", "--from", text(&names)]).with_code(2).saying("--encoding utf-16");
    stage.umapi(["members", "remove", "Design", "--from", text(&names), "--encoding", "utf-16"]).done();
    assert_eq!(stage.groups_of("zoe@example.com"), ["Photoshop"]);
    stage.umapi(["run", text(&file), "--encoding", "klingon"]).with_code(2).saying("unknown encoding `klingon`");
}

#[test]
fn delimiter_can_be_given() {
    let stage = Stage::new();
    let file = stage.file("a.csv", "user|add\njane@example.com|Design;Photoshop\n");
    stage.umapi(["run", text(&file)]).with_code(2).saying("line 1: unknown column `user|add`");
    stage.umapi(["run", text(&file), "--delimiter", "|"]).done().saying("1 completed");
    assert!(stage.groups_of("jane@example.com").contains(&"Photoshop".to_owned()));
    stage.umapi(["run", text(&file), "--delimiter", "ab"]).with_code(2).saying("cannot separate fields");
}

#[test]
fn csv_of_the_admin_console_is_read() {
    let stage = Stage::new();
    let file = stage.file(
        "console.csv",
        "\u{feff}Identity Type,Username,Domain,Email,First Name,Last Name,Country Code,ID,Product Configurations,Admin Roles,\
         Product Configurations Administered,User Groups,User Groups Administered,Products Administered,Developer Access,\
         Auto Assigned Products\r\n\
         Federated ID,zoe@example.com,example.com,zoe@example.com,Zoe,Kim,US,,\"Photoshop,All Apps\",,,Design,,,,\r\n\
         Federated ID,jane@example.com,example.com,jane@example.com,Jane,Roe,GB,,,,,Design,,,,\r\n",
    );
    stage.umapi(["run", text(&file)]).done().saying("2 completed; 1 request");
    assert_eq!(stage.groups_of("zoe@example.com"), ["All Apps", "Design", "Photoshop"]);
    assert!(stage.groups_of("jane@example.com").contains(&"Design".to_owned()));
    // As a list of memberships it is complete: Jane keeps Design alone.
    stage.umapi(["apply", text(&file), "--yes", "--max-removals", "100%"]).done().saying("0 to add, 2 to remove");
    stage.umapi(["apply", text(&file), "--yes"]).done().saying("nothing to change");
}

#[test]
fn users_file_of_user_sync_is_read() {
    let stage = Stage::new();
    let file = stage.file(
        "users-file.csv",
        "firstname,lastname,email,country,groups,type,username,domain\n\
         Zoe,Kim,zoe@example.com,us,\"Design,Photoshop\",federatedID\n\
         Richard,Roe,rroe@example.com,US,\"Design\"\n",
    );
    stage
        .umapi(["run", text(&file)])
        .with_code(2)
        .saying("line 3, column `type`: the type of the user is missing")
        .saying("--default-type");
    stage.umapi(["run", text(&file), "--default-type", "federated"]).done().saying("2 completed; 1 request");
    assert_eq!(stage.groups_of("zoe@example.com"), ["Design", "Photoshop"]);
    assert_eq!(stage.groups_of("rroe@example.com"), ["Design"]);
    stage.umapi(["apply", text(&file), "--yes"]).done().saying("nothing to change");
}

#[test]
fn single_json_command_is_run() {
    let stage = Stage::new();
    let file = stage.file(
        "command.json",
        utf16("{\r\n  \"user\": \"jane@example.com\",\r\n  \"do\": [ { \"add\": { \"group\": [ \"Design\" ] } } ]\r\n}\r\n"),
    );
    stage.umapi(["run", text(&file), "--encoding", "utf-16"]).done().saying("1 completed");
    assert!(stage.groups_of("jane@example.com").contains(&"Design".to_owned()));
    let cut = stage.file("cut.json", "{\"user\":\"jane@example.com\",\"do\":[\"System.Collections.Hashtable\"]}");
    stage.umapi(["run", text(&cut)]).with_code(2).saying("line 1").saying("ConvertTo-Json -Depth 10");
}

#[test]
fn name_with_outer_blanks_survives_export_and_apply() {
    let stage = Stage::new();
    let names = [" Design", "Sales ", " ; \\", "=1+1"];
    for name in names {
        stage.umapi(["groups", "create", name]).done();
    }
    let add: Vec<&str> = names[1..].iter().flat_map(|name| ["--group", name]).collect();
    stage.umapi([&["members", "add", names[0], "jane@example.com"][..], &add].concat()).done();
    let groups = stage.groups_of("jane@example.com");
    assert!(names.iter().all(|name| groups.contains(&(*name).to_owned())), "{groups:?}");
    let file = stage.path("users.csv");
    stage.umapi(["export", "--output", text(&file)]).done();
    stage.umapi(["apply", text(&file), "--yes", "--max-removals", "100%"]).done().saying("nothing to change");
    let all = stage.file("lists.yaml", "users:\n  jane@example.com: [' Design', 'Sales ', \" ; \\\\\", '=1+1']\n");
    stage.umapi(["apply", text(&all), "--yes", "--max-removals", "100%"]).done();
    let groups = stage.groups_of("jane@example.com");
    let own: Vec<&String> = groups.iter().filter(|name| !name.starts_with('_')).collect();
    assert_eq!(own, [" ; \\", " Design", "=1+1", "Sales "]);
}
