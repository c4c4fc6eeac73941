//! `umapi sync` when a directory answers incompletely, and when it is killed.

use std::{
    fmt::Write as _,
    process::{Child, Stdio},
    time::Duration,
};

use tokio::runtime::Runtime;
use umapi_emulator::{
    FaultEffect, FaultRule, LimitSettings, Operation,
    store::{ChangeKind, LedgerEntry},
};

use crate::{
    directory_servers::{proxy, server::Slapd},
    stage::{Ended, Stage, wait},
    sync::{stage_with, sync},
};

/// How many times a run is killed. `UMAPI_KILLS` asks for more.
const KILLS: u32 = 5;

const RULES: &str = r#"
[people]
email = "{mail}"
country = "US"

[[map]]
from = "Everyone"
to = ["Design"]

[[map]]
from = "Staff"
to = ["Sales"]

[leavers]
remove = "now"

[guard]
leavers = "off"
removals_per_group = "off"
directory_shrinks = "off"
creations = "off"
licenses = "warn"
"#;

/// How many people the directory has, before somebody joins.
const PEOPLE: usize = 14;

/// People of whom all are in two groups of these names. A group without members has none.
fn ldif(people: usize, everyone: &str, staff: &str, members: usize) -> String {
    let mut ldif = String::from("dn: dc=example,dc=com\nobjectClass: domain\ndc: example\n\n");
    for number in 1..=people {
        let _ = write!(
            ldif,
            "dn: cn=p{number},dc=example,dc=com\nobjectClass: inetOrgPerson\ncn: p{number}\nsn: P\ngivenName: N\n\
             mail: p{number}@example.com\nentryUUID: 00000000-0000-4000-8000-{number:012}\n\n"
        );
    }
    for (number, name) in [everyone, staff].iter().enumerate().filter(|(_, name)| !name.is_empty()) {
        let members = if number == 0 { members } else { people };
        let class = match members {
            0 => format!("posixGroup\ngidNumber: {number}"),
            _ => "groupOfNames".to_owned(),
        };
        let _ = writeln!(ldif, "dn: cn={name},dc=example,dc=com\nobjectClass: {class}\ncn: {name}");
        for number in 1..=members {
            let _ = writeln!(ldif, "member: cn=p{number},dc=example,dc=com");
        }
        ldif.push('\n');
    }
    ldif
}

fn use_directory(stage: &Stage, url: &str) {
    let directory = format!(
        "[[org]]\nprofile = \"main\"\n\n[[directory]]\nkind = \"ldap\"\nname = \"hr\"\nurl = \"{url}\"\n\
         base = \"dc=example,dc=com\"\nuser = \"cn=admin,dc=example,dc=com\"\npassword = {{ file = \"ldap-secret\" }}\n\
         page_size = 4\ntimeout = 1\n"
    );
    stage.file("umapi-sync.toml", directory + RULES);
}

/// An organization in step with a directory, in which somebody joins then.
fn in_step() -> Option<Stage> {
    let server = Slapd::start(&ldif(PEOPLE, "Everyone", "Staff", PEOPLE), "")?;
    let stage = stage_with(LimitSettings::off());
    stage.file("ldap-secret", "secret");
    use_directory(&stage, &server.url);
    sync(&stage, &["apply", "--auto"]).done();
    sync(&stage, &["apply", "--auto"]).done().saying("nothing to change");
    Some(stage)
}

fn joiner() -> String {
    format!("p{}@example.com", PEOPLE + 1)
}

/// The directory with the person who joined.
fn joined() -> String {
    ldif(PEOPLE + 1, "Everyone", "Staff", PEOPLE + 1)
}

/// What was taken away from anybody since then.
fn losses(stage: &Stage, since: i64) -> Vec<LedgerEntry> {
    let mut changes = stage.emulator.ledger().since(since).unwrap();
    changes.retain(|change| {
        matches!(change.kind, ChangeKind::MemberRemoved | ChangeKind::UserLeft | ChangeKind::UserDeleted)
    });
    changes
}

fn additions(stage: &Stage, group: &str) -> usize {
    stage.emulator.ledger().changes_of_membership(&joiner(), group).unwrap().len()
}

/// Applies what a faulty directory says: nobody loses anything, and the exit code is not 0.
fn apply_faulty(stage: &Stage, name: &str) -> Ended {
    let since = stage.emulator.ledger().position().unwrap();
    let ended = sync(stage, &["apply", "--auto"]);
    assert_eq!(losses(stage, since), [], "{name}: {}", ended.err);
    assert!(!matches!(ended.code, None | Some(0 | 101)), "{name}: {:?} {}", ended.code, ended.err);
    ended
}

/// Applies the whole directory at last: the person who joined is everywhere, once.
fn apply_whole(stage: &Stage) {
    let server = Slapd::start(&joined(), "").unwrap();
    use_directory(stage, &server.url);
    let since = stage.emulator.ledger().position().unwrap();
    sync(stage, &["apply", "--auto"]).done();
    assert_eq!(losses(stage, since), []);
    assert_eq!((additions(stage, "Design"), additions(stage, "Sales")), (1, 1));
    assert_eq!(stage.emulator.ledger().repeated().unwrap(), []);
    sync(stage, &["apply", "--auto"]).done().saying("nothing to change");
}

#[test]
fn a_limit_of_the_server_takes_nothing_away() {
    let Some(stage) = in_step() else { return };
    for limit in ["sizelimit 5", "sizelimit size.soft=5 size.hard=5 size.pr=4 size.prtotal=5"] {
        let server = Slapd::start(&joined(), limit).unwrap();
        use_directory(&stage, &server.url);
        apply_faulty(&stage, limit).saying("size limit");
    }
    assert_eq!(additions(&stage, "Sales"), 1, "who is found through a group is added");
    apply_whole(&stage);
}

// user-sync #517 #521: the members of a vanished or renamed group lost their licenses.
#[test]
fn a_group_that_is_gone_or_empty_takes_nothing_away() {
    let Some(stage) = in_step() else { return };
    let all = PEOPLE + 1;
    for (name, ldif, why) in [
        ("renamed", ldif(all, "Everybody", "Staff", all), "there is no such group"),
        ("missing", ldif(all, "", "Staff", 0), "there is no such group"),
        ("empty", ldif(all, "Everyone", "Staff", 0), "it is empty, and it was not before"),
        ("nobody at all", ldif(0, "Everyone", "", 0), "it is empty, and it was not before"),
    ] {
        let server = Slapd::start(&ldif, "").unwrap();
        use_directory(&stage, &server.url);
        apply_faulty(&stage, name).saying(why);
        assert_eq!((additions(&stage, "Design"), additions(&stage, "Sales")), (0, 1), "{name}");
    }
    apply_whole(&stage);
}

#[test]
fn a_directory_that_cannot_be_used_changes_nothing() {
    let Some(stage) = in_step() else { return };
    let server = Slapd::start(&joined(), "").unwrap();
    let runtime = Runtime::new().unwrap();
    let before = stage.emulator.ledger().position().unwrap();
    use_directory(&stage, "ldap://127.0.0.1:1");
    apply_faulty(&stage, "unreachable").saying("could not be reached");
    use_directory(&stage, &runtime.block_on(proxy::silent()));
    apply_faulty(&stage, "silent").saying("did not answer in time");
    use_directory(&stage, &server.url);
    stage.file("ldap-secret", "wrong");
    apply_faulty(&stage, "refused").saying("user or password is wrong");
    stage.file("ldap-secret", "secret");
    use_directory(&stage, &server.url.replace("ldap://", "ldaps://"));
    apply_faulty(&stage, "no TLS");
    assert_eq!(stage.emulator.ledger().position().unwrap(), before);
    apply_whole(&stage);
}

#[test]
fn a_connection_cut_anywhere_takes_nothing_away() {
    let Some(stage) = in_step() else { return };
    let server = Slapd::start(&joined(), "").unwrap();
    let runtime = Runtime::new().unwrap();
    let mut was_whole = false;
    for bytes in (60..).step_by(331) {
        use_directory(&stage, &runtime.block_on(proxy::cut_after(&server, bytes)));
        let since = stage.emulator.ledger().position().unwrap();
        let ended = sync(&stage, &["apply", "--auto"]);
        assert_eq!(losses(&stage, since), [], "cut after {bytes} bytes: {}", ended.err);
        let is_in_step = (additions(&stage, "Design"), additions(&stage, "Sales")) == (1, 1);
        match ended.code {
            // Everything was read before the cut.
            Some(0) => {
                was_whole = is_in_step;
                break;
            }
            code => assert!(code.is_some_and(|code| code != 101), "cut after {bytes} bytes: {}", ended.err),
        }
        assert!(bytes < 50_000, "a read is shorter");
    }
    assert!(was_whole, "the last read was whole");
    apply_whole(&stage);
}

#[test]
fn a_server_that_stalls_anywhere_takes_nothing_away() {
    let Some(stage) = in_step() else { return };
    let server = Slapd::start(&joined(), "").unwrap();
    let runtime = Runtime::new().unwrap();
    for bytes in [10, 700, 1_500, 2_200, 3_000] {
        use_directory(&stage, &runtime.block_on(proxy::stall_after(&server, bytes)));
        apply_faulty(&stage, &format!("stalled after {bytes} bytes"));
    }
    apply_whole(&stage);
}

fn begin(stage: &Stage) -> Child {
    let mut command = stage.command();
    command.args(["sync", "apply", "--auto", "-f", "ndjson"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Kills runs at random moments: while they read, plan, remember and send. Returns how many were at work.
fn kill_runs(stage: &Stage, kills: u32, random: &mut fastrand::Rng) -> u32 {
    let mut interrupted = 0;
    for _ in 0..kills {
        let mut child = begin(stage);
        let position = || stage.emulator.ledger().position().unwrap();
        let enough = position() + random.i64(0..60);
        let mut patience = random.u32(20..2000);
        while position() < enough && patience > 0 && child.try_wait().unwrap().is_none() {
            wait(1);
            patience -= 1;
        }
        wait(random.u64(0..20));
        interrupted += u32::from(child.try_wait().unwrap().is_none());
        let _ = child.kill();
        child.wait().unwrap();
    }
    interrupted
}

#[test]
fn killed_runs_repeat_and_skip_nothing() {
    let kills = std::env::var("UMAPI_KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    let count = 40 * kills;
    let stage = stage_with(LimitSettings::off());
    // Slow enough for a kill to hit requests in flight, before and after they are applied.
    let slow = FaultEffect::slow_response(20, Duration::from_millis(1)).delayed(Duration::from_millis(3));
    stage.emulator.faults().add(FaultRule::on(Operation::ExecuteActions, slow)).unwrap();
    let rules = RULES.replace("{mail}", "{email}").replace("remove = \"now\"", "remove = \"never\"");
    let directory =
        "[[org]]\nprofile = \"main\"\n\n[[directory]]\nkind = \"file\"\nname = \"hr\"\npath = \"people.csv\"\n";
    stage.file("umapi-sync.toml", directory.to_owned() + &rules);
    let people = |group: fn(u32) -> &'static str| {
        let lines = (0..count).map(|number| format!("{number},p{number}@example.com,N,P,{}\n", group(number)));
        // Both groups exist all the time.
        let ends = "a,a@example.com,A,A,Everyone\nb,b@example.com,B,B,Staff\n";
        format!("id,email,givenName,sn,groups\n{}{ends}", lines.collect::<String>())
    };
    let mut random = fastrand::Rng::with_seed(17);
    let mut interrupted = 0;
    // Everybody joins; then a half moves from one group to the other.
    stage.file("people.csv", people(|_| "Everyone"));
    interrupted += kill_runs(&stage, kills.div_ceil(2), &mut random);
    sync(&stage, &["apply", "--auto", "--problems-only"]).done();
    stage.file("people.csv", people(|number| if number % 2 == 0 { "Everyone" } else { "Staff" }));
    interrupted += kill_runs(&stage, kills / 2, &mut random);
    sync(&stage, &["apply", "--auto", "--problems-only"]).done();
    sync(&stage, &["apply", "--auto"]).done().saying("nothing to change");
    assert!(interrupted > kills / 2, "{interrupted} of {kills} kills met a run at work");
    let ledger = stage.emulator.ledger();
    assert_eq!(ledger.repeated().unwrap(), []);
    for number in 0..count {
        let email = format!("p{number}@example.com");
        let kinds = |group| -> Vec<ChangeKind> {
            ledger.changes_of_membership(&email, group).unwrap().iter().map(|change| change.kind).collect()
        };
        let (design, sales): (&[ChangeKind], &[ChangeKind]) = match number % 2 {
            0 => (&[ChangeKind::MemberAdded], &[]),
            _ => (&[ChangeKind::MemberAdded, ChangeKind::MemberRemoved], &[ChangeKind::MemberAdded]),
        };
        assert_eq!((kinds("Design").as_slice(), kinds("Sales").as_slice()), (design, sales), "{email}");
    }
}
