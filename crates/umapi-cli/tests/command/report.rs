//! `umapi report`: reports of the emulator's organizations, snapshots, and everything that is wrong with files.

use std::path::{Path, PathBuf};

use umapi_emulator::{
    LimitSettings,
    seed::{Generate, Seed},
};

use crate::stage::{Ended, Stage, ended, text};

/// An organization that the emulator generates.
fn generated() -> Stage {
    let mut seed = Seed::from_yaml(include_str!("reports/organization.yaml")).unwrap();
    seed.organizations[0].generate = Some(Generate { users: 400, groups: 12, profiles: 6, seed: 7 });
    Stage::with(|builder| builder.limits(LimitSettings::off()).seed(seed))
}

/// Text with every time replaced by one, so that it can be compared.
fn timeless(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("20") {
        let is_time = |ending: &str| {
            let found = rest.get(at..at + 16 + ending.len());
            let template = format!("dddd-dd-dd{}dd:dd{ending}", if ending.starts_with(":ddZ") { "T" } else { " " });
            found.is_some_and(|found| {
                found
                    .chars()
                    .zip(template.chars())
                    .all(|(one, other)| one == other || (other == 'd' && one.is_ascii_digit()))
            })
        };
        let length = if is_time(":ddZ") {
            20
        } else if is_time(":dd UTC") {
            23
        } else {
            2
        };
        out += &rest[..at];
        out += if length == 2 { "20" } else { "TIME" };
        rest = &rest[at + length..];
    }
    out + rest
}

fn check_golden(name: &str, written: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/command/reports").join(name);
    let written = timeless(written);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &written).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    let difference = similar::TextDiff::from_lines(&expected, &written).unified_diff().to_string();
    assert!(difference.is_empty(), "{name} changed; to accept it, set UPDATE_GOLDEN=1:\n{difference}");
}

fn report(stage: &Stage, arguments: &[&str]) -> Ended {
    stage.umapi([&["report"], arguments].concat())
}

fn snapshots(stage: &Stage) -> Vec<PathBuf> {
    let folder = std::fs::read_dir(stage.path("kept")).unwrap();
    let mut paths: Vec<PathBuf> = folder.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Gives the only snapshot a name and a time of an earlier day.
fn age(stage: &Stage) -> PathBuf {
    let [kept] = &snapshots(stage)[..] else { panic!("{:?}", snapshots(stage)) };
    let content = std::fs::read_to_string(kept).unwrap();
    let (seal, rest) = content.split_once('\n').unwrap();
    let (head, body) = rest.split_once('\n').unwrap();
    let mut head: serde_json::Value = serde_json::from_str(head).unwrap();
    head["as_of"] = "2020-01-01T00:00:00Z".into();
    let head = format!("{head}\n");
    let mut seal: serde_json::Value = serde_json::from_str(seal).unwrap();
    seal["head"] = digest(&head).into();
    let earlier = stage.file("kept/2020-01-01T00-00-00Z.snapshot", format!("{seal}\n{head}{body}"));
    std::fs::remove_file(kept).unwrap();
    earlier
}

fn digest(text: &str) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn reports_of_a_generated_organization_are_golden() {
    let stage = generated();
    for name in ["licenses", "memberships"] {
        for format in ["html", "csv", "json"] {
            let file = format!("{name}.{format}");
            report(&stage, &[name, "--out", &file]).done().saying(&file);
            let written = std::fs::read_to_string(stage.path(&file)).unwrap();
            assert_eq!(written, report(&stage, &[name, "-f", format]).done().out.replace_times_of(&written), "{file}");
            check_golden(&file, &written);
        }
    }
}

/// The same text with the times of another one, which is a second older or not.
trait ReplaceTimes {
    fn replace_times_of(&self, other: &str) -> String;
}

impl ReplaceTimes for String {
    fn replace_times_of(&self, other: &str) -> String {
        if timeless(self) == timeless(other) { other.to_owned() } else { self.clone() }
    }
}

#[test]
fn changes_are_those_since_the_kept_snapshot() {
    let stage = generated();
    report(&stage, &["changes", "--snapshots", "kept"]).with_code(1).saying("no earlier snapshot").saying("--keep");
    report(&stage, &["licenses", "--keep", "--snapshots", "kept", "--out", "l.html"]).done().saying("snapshot kept in");
    let earlier = age(&stage);
    let users = stage.umapi(["users", "list", "-f", "csv"]).done().csv();
    let [gone, moved] = [&users[0][1], &users[1][1]];
    stage.umapi(["users", "remove", gone, "--yes"]).done();
    stage.umapi(["users", "create", "=new@example.com", "--type", "adobe"]);
    stage.umapi(["users", "create", "new@example.com", "--type", "adobe"]).done();
    stage.umapi(["groups", "create", "<script>x", "--if-exists", "ignore"]);
    stage.umapi(["groups", "create", "=Formula"]).done();
    stage.umapi(["members", "add", "=Formula", moved]).done();
    let json = report(&stage, &["changes", "--snapshots", "kept", "-f", "json"]).done().json();
    assert_eq!(json["since"], "2020-01-01T00:00:00Z");
    assert_eq!(json["tables"]["left"][0]["user"], gone.as_str());
    assert_eq!(json["tables"]["joined"].as_array().unwrap().len() as u64, json["figures"]["joined"].as_u64().unwrap());
    assert!(json["tables"]["joined"].to_string().contains("\"new@example.com\""), "{json}");
    assert_eq!(json["tables"]["moved"][0]["joined_groups"], serde_json::json!(["=Formula"]));
    let csv = report(&stage, &["changes", "--from", text(&earlier), "-f", "csv"]).done().out;
    assert!(csv.contains("'=Formula"), "{csv}");
    let raw = report(&stage, &["changes", "--from", text(&earlier), "-f", "csv", "--no-csv-safe"]).done().out;
    assert!(raw.contains(",=Formula") && !raw.contains("'=Formula"), "{raw}");
    // The trend has both.
    report(&stage, &["licenses", "--snapshots", "kept", "--out", "l.html"]).done();
    let page = std::fs::read_to_string(stage.path("l.html")).unwrap();
    assert!(page.contains("Licenses used over time"), "{page}");
    // Two files need no service.
    report(&stage, &["memberships", "--keep", "--snapshots", "kept", "--out", "m.html"]).done();
    let later = snapshots(&stage).pop().unwrap();
    let requests = stage.emulator.journal().all().len();
    let compared = report(&stage, &["changes", "--from", text(&earlier), "--to", text(&later), "-f", "json"]).done();
    assert_eq!(compared.json()["tables"], json["tables"]);
    assert_eq!(stage.emulator.journal().all().len(), requests);
    report(&stage, &["changes", "--from", text(&later), "--to", text(&earlier)]).with_code(2).saying("newer");
}

#[test]
fn unusable_snapshots_are_left_out_and_named() {
    let stage = Stage::new();
    report(&stage, &["licenses", "--keep", "--snapshots", "kept", "--out", "l.html"]).done();
    let good = age(&stage);
    let content = std::fs::read_to_string(&good).unwrap();
    let damaged = content.replace("example.com", "example.net");
    stage.file("kept/2021.snapshot", damaged);
    stage.file("kept/2022.snapshot", "{\"umapi_snapshot\":9}\n");
    stage.file("kept/2023.snapshot", "not mine");
    let other = Stage::with(|builder| builder.limits(LimitSettings::off()));
    report(&other, &["licenses", "--keep", "--snapshots", "kept", "--out", "l.html"]).done();
    std::fs::copy(snapshots(&other).pop().unwrap(), stage.path("kept/2024.snapshot")).unwrap();
    let changes = report(&stage, &["changes", "--snapshots", "kept", "-f", "json"]).done();
    assert_eq!(changes.json()["since"], "2020-01-01T00:00:00Z");
    for part in [
        "2021.snapshot is left out: it is damaged",
        "2022.snapshot is left out: it has the format 9",
        "2023.snapshot is left out: it is not a snapshot",
        "2024.snapshot is left out: it is of another organization",
    ] {
        assert!(changes.err.contains(part), "{part}: {}", changes.err);
        let name = part.split(' ').next().unwrap();
        assert!(changes.json()["notes"].to_string().contains(name), "{name}: {}", changes.out);
    }
    for (file, why) in [
        ("2021", "damaged"),
        ("2022", "newer"),
        ("2023", "not a snapshot"),
        ("2024", "another organization"),
        ("2025", "No such file"),
    ] {
        let path = stage.path(&format!("kept/{file}.snapshot"));
        report(&stage, &["changes", "--from", text(&path)]).with_code(2).saying(why);
    }
}

#[test]
fn places_that_cannot_be_written_cost_no_request() {
    let stage = Stage::new();
    std::fs::create_dir(stage.path("folder")).unwrap();
    stage.emulator.journal().clear();
    for (arguments, why) in [
        (["--out", "folder"], "folder is a folder"),
        (["--out", "nowhere/report.html"], "the folder nowhere does not exist"),
        (["--out", "report.pdf"], "does not end in .html, .csv, .json or .ndjson"),
        (["--out", "report"], "name the format with --format"),
    ] {
        report(&stage, &[&["licenses"], &arguments[..]].concat()).with_code(2).saying(why);
    }
    report(&stage, &["licenses", "--bom", "--out", "a.html"]).with_code(2).saying("--bom is for CSV only");
    stage.file("file", "");
    stage.umapi(["users", "list", "-f", "html"]).with_code(2).saying("only reports are written as HTML");
    assert_eq!(stage.emulator.journal().all().len(), 0);
    report(&stage, &["licenses", "--snapshots", "file", "--keep", "--out", "a.html"])
        .with_code(2)
        .saying("not a folder");
    assert!(!stage.path("a.html").exists());
}

#[cfg(target_os = "linux")]
#[test]
fn full_disks_and_readers_that_hang_up_are_told_apart() {
    use std::{io::Read as _, os::unix::fs::PermissionsExt as _, process::Stdio};
    let stage = generated();
    report(&stage, &["memberships", "-f", "csv", "--out", "/dev/full"]).with_code(1).saying("cannot write /dev/full");
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = stage.command();
    let child = command.args(["report", "memberships"]).stdout(full).stderr(Stdio::piped()).spawn().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot write the result"), "{output:?}");
    let mut command = stage.command();
    let mut child =
        command.args(["report", "memberships", "-q"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    child.wait().unwrap();
    assert_eq!(err, "");
    // A page that exists is replaced as a whole, and is for its owner only.
    stage.file("page.html", "old");
    report(&stage, &["memberships", "--out", "page.html"]).done();
    let mode = std::fs::metadata(stage.path("page.html")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn cached_lists_are_used_and_an_empty_organization_is_reported() {
    let seed = Seed::from_yaml(include_str!("reports/organization.yaml")).unwrap();
    let stage = Stage::with(|builder| builder.seed(seed));
    for name in ["licenses", "memberships", "licenses"] {
        ended(stage.cached_command().args(["report", name, "--out", "r.html"])).done();
        let page = std::fs::read_to_string(stage.path("r.html")).unwrap();
        assert!(page.contains("None.") && !page.contains("<tbody>"), "{page}");
    }
    let lists = stage.emulator.journal().all().iter().filter(|exchange| exchange.path.contains("/users/")).count();
    assert_eq!(lists, 1);
}
