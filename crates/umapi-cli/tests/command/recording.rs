//! `--record`, and what can be done with a recording.

use umapi_emulator::{
    LimitSettings, judge,
    recording::{Recording, Replay},
};

use crate::stage::{Stage, ended};

/// Names of the default organization of the emulator, which no recording may contain.
const NAMES: &[&str] = &[
    "jdoe",
    "example.com",
    "John",
    "Doe",
    "Müller",
    "Ольга",
    "佐藤",
    "Design",
    "Sales",
    "Photoshop",
    "12345@AdobeOrg",
    "Document Cloud",
    "p8e-PUBLIC",
    "00000000000000000000000000e2e0ca",
    "eyJ",
];

#[test]
fn recording_has_no_names_and_is_private() {
    let stage = Stage::new();
    let file = stage.path("traffic.jsonl");
    let path = file.to_str().unwrap();
    stage.umapi(["--record", path, "users", "list"]).done().saying("recorded 2 exchanges in").saying("look through it");
    let text = std::fs::read_to_string(&file).unwrap();
    for name in NAMES {
        assert!(!text.contains(name), "{name} is in the recording");
    }
    assert!(text.contains("federatedID") && text.contains("listUsers") && text.contains("requestToken"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    stage.umapi(["--record", "-", "users", "list"]).with_code(2).saying("name a file");
    assert!(!stage.path("-").exists());
    // A list of the cache sends nothing.
    let cached = stage.path("cached.jsonl");
    let list = |arguments: &[&str]| ended(stage.cached_command().args(arguments)).done();
    list(&["users", "list"]);
    list(&["--record", cached.to_str().unwrap(), "users", "list"]).saying("nothing is recorded in");
    // Another call does not overwrite it.
    stage.umapi(["--record", path, "users", "list"]).with_code(2).saying("exists already");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
}

#[test]
fn folder_in_the_environment_gets_a_file_for_each_call() {
    let stage = Stage::new();
    let folder = stage.path("recordings");
    std::fs::create_dir(&folder).unwrap();
    for arguments in [&["groups", "list"][..], &["members", "add", "Design", "jane@example.com"]] {
        ended(stage.command().env("UMAPI_RECORD", &folder).args(arguments)).done();
    }
    let mut names: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["umapi-0001.jsonl", "umapi-0002.jsonl"]);
    // A command that calls nobody records nothing.
    ended(stage.command().env("UMAPI_RECORD", &folder).args(["config", "path"])).done();
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 2);
}

/// A key as an administrator makes it.
const KEY: &str = "7f3c1d0a-5b6c-4d7e-8f90-a1b2c3d4e5f6";

#[test]
fn calls_with_one_key_add_to_one_recording() {
    let stage = Stage::new();
    let file = stage.path("proof.jsonl");
    let record = |key: &str, arguments: &[&str]| {
        ended(stage.command().env("UMAPI_RECORD", &file).env("UMAPI_RECORD_KEY", key).args(arguments))
    };
    record(KEY, &["users", "list"]).done().saying("recorded 2 exchanges in");
    record(KEY, &["groups", "list"]).done();
    record(KEY, &["members", "add", "Sales", "jdoe@example.com"]).done();
    let text = std::fs::read_to_string(&file).unwrap();
    for name in NAMES.iter().chain(&[KEY, "7f3c1d0a5b6c4d7e8f90a1b2c3d4e5f6"]) {
        assert!(!text.contains(name), "{name} is in the recording");
    }
    let recording = Recording::open(&file).unwrap();
    let count = |operation: &str| {
        let entries = recording.entries().map(Result::unwrap);
        entries.filter(|entry| entry.umapi.operation.as_deref() == Some(operation)).count()
    };
    assert_eq!((count("requestToken"), count("executeActions")), (3, 1), "three calls, and one change");
    // The changes are compared, because complete lists come before them in the same recording.
    let comparison = judge::compare(&recording).unwrap();
    assert!(!comparison.has_contradictions(), "{comparison}");
    assert_eq!(comparison.notes, ["5 results were compared with those of an emulator."], "none comes before the lists");

    for (key, part) in [
        ("00112233-4455-6677-8899-aabbccddeeff", "another key"),
        // As a shell leaves it if uuidgen is not installed.
        ("", "it does not have 32 hexadecimal digits"),
        ("swordfish", "UMAPI_RECORD_KEY: the key of the recording cannot be used"),
    ] {
        let refused = record(key, &["users", "list"]).with_code(2).saying(part);
        assert!(key.is_empty() || !refused.err.contains(key), "{}", refused.err);
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text, "nothing was added");
}

#[test]
fn calls_at_the_same_time_share_a_recording() {
    let stage = Stage::new();
    let file = stage.path("proof.jsonl");
    std::thread::scope(|scope| {
        for name in ["jdoe@example.com", "jane@example.com", "nobody@example.com"] {
            let mut command = stage.command();
            command.env("UMAPI_RECORD", &file).env("UMAPI_RECORD_KEY", KEY).args(["users", "get", name]);
            scope.spawn(move || ended(&mut command));
        }
    });
    let recording = Recording::open(&file).unwrap();
    assert_eq!((recording.len(), recording.is_cut_off()), (6, false));
}

#[cfg(target_os = "linux")]
#[test]
fn recording_that_cannot_be_written_stops_before_anything_is_sent() {
    let stage = Stage::new();
    stage.umapi(["--record", "/dev/full", "users", "list"]).with_code(2).saying("/dev/full");
    stage.umapi(["--record", "/nonexistent/r.jsonl", "users", "list"]).with_code(2).saying("/nonexistent/r.jsonl");
    assert_eq!(stage.emulator.journal().all().len(), 0);
}

#[test]
fn recording_is_replayed_with_its_own_names() {
    let stage = Stage::new();
    let file = stage.path("traffic.jsonl");
    stage.umapi(["--record", file.to_str().unwrap(), "users", "get", "jdoe@example.com"]).done();
    let recording = Recording::open(&file).unwrap();
    let user =
        recording.entries().flatten().find_map(|entry| entry.parameter("userString").map(str::to_owned)).unwrap();
    let replay = Replay::new(recording).unwrap();
    let replayed = Stage::with(|builder| builder.limits(LimitSettings::off()).replay(replay));
    let shown = replayed.umapi(["users", "get", &user, "-f", "json"]).done().json();
    assert_eq!((&shown["email"], &shown["type"]), (&user.as_str().into(), &"federatedID".into()));
    replayed.umapi(["users", "get", "other@x.example"]).saying("the nearest request, in line");
}

#[test]
fn recording_of_the_emulator_agrees_with_the_emulator() {
    let stage = Stage::new();
    let folder = stage.path("recordings");
    std::fs::create_dir(&folder).unwrap();
    let commands = stage.file(
        "commands.ndjson",
        "{\"user\":\"jdoe@example.com\",\"do\":[{\"add\":{\"group\":[\"Sales\"]}}]}\n\
         {\"user\":\"nobody@nowhere.example\",\"do\":[{\"add\":{\"group\":[\"Sales\"]}}]}\n",
    );
    let record = |arguments: &[&str]| ended(stage.command().env("UMAPI_RECORD", &folder).args(arguments));
    record(&["users", "list"]).done();
    record(&["groups", "list"]).done();
    record(&["run", commands.to_str().unwrap()]);
    for number in 1..=3 {
        let comparison =
            judge::compare(&Recording::open(folder.join(format!("umapi-{number:04}.jsonl"))).unwrap()).unwrap();
        assert!(!comparison.has_contradictions(), "{comparison}");
        assert!(comparison.news.is_empty(), "{comparison}");
    }
    let file = folder.join("umapi-0001.jsonl");
    let shown = stage.umapi(["emulator", "compare-recording", file.to_str().unwrap()]).done();
    assert!(shown.out.contains("U1: Lists of users are in the order of their addresses"), "{}", shown.out);
}

#[test]
fn comparison_tells_a_contradiction_from_a_file_that_cannot_be_read() {
    let stage = Stage::new();
    let entry = "{\"startedDateTime\":\"2000-01-01T00:00:00.000Z\",\"time\":1,\
        \"request\":{\"method\":\"GET\",\"url\":\"https://um.example/v2/usermanagement/planted\"},\
        \"response\":{\"status\":200,\"content\":{\"size\":2,\"text\":\"{}\"}}}\n";
    let file = stage.file("odd.jsonl", format!("\u{feff}{{\"_umapi\":{{\"recording\":1}}}}\r\n{entry}"));
    let compare = |file: &std::path::Path| stage.umapi(["emulator", "compare-recording", file.to_str().unwrap()]);
    let odd = compare(&file).with_code(1).saying("contradicts what is listed above");
    assert!(
        odd.out.contains("1 exchange\n") && !odd.err.contains("cannot run the emulator"),
        "{} {}",
        odd.out,
        odd.err
    );
    compare(&stage.file("text.jsonl", "hello\n")).with_code(2).saying("line 1: it is not a recording");
}
