//! Lists, look-ups and exports, in every format.

use umapi_emulator::{FaultResponse, FaultRule, Operation, PageSizes};

use crate::stage::{Stage, ended, text};

#[test]
fn every_format_has_the_same_users() {
    let stage = Stage::with(|builder| {
        let mut sizes = PageSizes::default();
        sizes.users = 3;
        builder.page_sizes(sizes).limits(umapi_emulator::LimitSettings::off())
    });
    let emails = |values: Vec<serde_json::Value>| -> Vec<String> {
        values.iter().map(|user| user["email"].as_str().unwrap().to_owned()).collect()
    };
    let json = stage.umapi(["users", "list", "-f", "json"]).done();
    let expected = emails(json.json().as_array().unwrap().clone());
    assert_eq!(expected.len(), 9);
    let ndjson = stage.umapi(["users", "list", "-f", "ndjson"]).done();
    assert_eq!(emails(ndjson.lines().iter().map(|line| serde_json::from_str(line).unwrap()).collect()), expected);
    let csv = stage.umapi(["users", "list", "-f", "csv"]).done();
    assert_eq!(csv.lines()[0], "id,email,username,domain,firstname,lastname,country,status,type,groups");
    assert_eq!(csv.csv().into_iter().map(|mut line| line.swap_remove(1)).collect::<Vec<_>>(), expected);
    let table = stage.umapi(["users", "list"]).done();
    assert_eq!(table.lines()[0], "email\tfirstname\tlastname\tcountry\ttype\tgroups");
    let first: Vec<&str> = table.lines()[1..].iter().map(|line| line.split('\t').next().unwrap()).collect();
    assert_eq!(first, expected);
    assert_eq!(table.err, "", "a pipe is quiet");
}

#[test]
fn lists_can_be_filtered() {
    let stage = Stage::new();
    let count = |arguments: &[&str]| stage.umapi([arguments, &["-f", "ndjson"]].concat()).done().lines().len();
    assert_eq!(count(&["users", "list", "--domain", "enterprise.example"]), 2);
    assert_eq!(count(&["users", "list", "--group", "design"]), 2);
    assert_eq!(count(&["users", "list", "--limit", "4"]), 4);
    assert_eq!(count(&["groups", "members", "R&D / Labs (100 %)"]), 1);
    let of_cloud = |more: &[&str]| count(&[&["groups", "members", "Document Cloud 1"], more].concat());
    let (all, active, inactive) =
        (of_cloud(&[]), of_cloud(&["--status", "active"]), of_cloud(&["--status", "inactive"]));
    assert!(active > 0 && inactive > 0 && active + inactive == all, "{active} and {inactive} of {all}");
    assert_eq!(count(&["groups", "list", "--type", "user-group"]), 4);
    assert_eq!(count(&["profiles", "list"]), 4);
    assert_eq!(count(&["profiles", "list", "--product", "adobe photoshop"]), 1);
    assert_eq!(count(&["products", "list"]), 3);
}

#[test]
fn indirect_memberships_are_shown_on_request() {
    let stage = Stage::new();
    let groups = |more: &[&str]| {
        let listed =
            stage.umapi([&["users", "list", "--domain", "example.com", "-f", "json"], more].concat()).done().json();
        let user = listed.as_array().unwrap().iter().find(|user| user["email"] == "jdoe@example.com").unwrap().clone();
        user["groups"].as_array().unwrap().len()
    };
    assert_eq!((groups(&[]), groups(&["--all-memberships"])), (3, 5));
}

#[test]
fn users_groups_and_products_are_found_by_name() {
    let stage = Stage::new();
    let one = stage.umapi(["users", "get", "JANE@example.com", "-f", "json"]).done().json();
    assert_eq!((&one["email"], &one["country"]), (&"jane@example.com".into(), &"GB".into()));
    let shown = stage.umapi(["users", "get", "lee", "--domain", "usernames.example"]).done();
    assert!(shown.out.contains("username   lee\n"), "{}", shown.out);
    let both = stage.umapi(["users", "get", "jane@example.com", "zoe@example.com", "-f", "csv"]);
    assert_eq!(both.csv().len(), 1);
    both.with_code(1).saying("error: user \"zoe@example.com\" does not exist\n  cause: ");
    stage.umapi(["users", "get", "ann@mail.example", "--adobe-id"]).done();
    let group = stage.umapi(["groups", "get", "photoshop", "-f", "json"]).done().json();
    assert_eq!((&group["name"], &group["license_quota"]), (&"Photoshop".into(), &"5".into()));
    stage.umapi(["groups", "get", "Nothing"]).with_code(1).saying("umapi groups list");
    let id = stage.umapi(["products", "list", "-f", "json"]).done().json()[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(stage.umapi(["products", "get", &id, "-f", "json"]).done().json()["profile_count"], 2);
    stage.umapi(["products", "get", "nothing"]).with_code(1).saying("product \"nothing\" does not exist");
    stage.umapi(["groups", "members", "Nothing"]).with_code(1).saying("cannot list the members of Nothing");
}

#[test]
fn export_is_written_as_a_whole() {
    let stage = Stage::new();
    let path = stage.path("users.csv");
    stage.umapi(["export", "--output", text(&path)]).done().saying("9 users in ");
    let written = std::fs::read_to_string(&path).unwrap();
    assert_eq!(written, stage.umapi(["users", "list", "-f", "csv"]).done().out);
    let ndjson = stage.umapi(["export", "-f", "ndjson", "--domain", "enterprise.example"]).done();
    assert_eq!(ndjson.lines().len(), 2);
    assert_eq!(stage.umapi(["export", "-f", "json"]).done().json().as_array().unwrap().len(), 9);
    stage.umapi(["export", "-o", "/nowhere/users.csv"]).with_code(1).saying("cannot write /nowhere/users.csv");
    // A failed export leaves the previous file.
    stage.emulator.faults().add(FaultRule::on(Operation::ListUsers, FaultResponse::status(403))).unwrap();
    stage.umapi(["export", "-o", text(&path)]).with_code(3).saying("cannot export the users");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), written);
}

#[test]
fn local_organization_needs_no_login() {
    let stage = Stage::new();
    let listed = ended(stage.bare_command().args(["--emulator", "users", "list", "-f", "csv"])).done();
    assert_eq!(listed.csv().len(), 9);
}

#[cfg(unix)]
#[test]
fn closed_pipe_of_a_list_is_not_an_error() {
    use std::{io::Read, process::Stdio};
    let stage = Stage::with(|builder| {
        let mut sizes = PageSizes::default();
        sizes.users = 1;
        builder.page_sizes(sizes).limits(umapi_emulator::LimitSettings::off())
    });
    let mut command = stage.command();
    let mut child =
        command.args(["users", "list", "-f", "json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(0), ""));
}
