//! Tests of the log of user-sync, whole and broken.

use super::*;
use crate::plan::OrgPlan;

const LOG: &str = "\
2026-01-30 02:00:00 11 INFO main - ========== Start Run (User Sync version: 2.10.0) ==========
2026-01-30 02:00:01 11 INFO processor - Queuing new user with user key: federatedID,old@example.com,,old@example.com
2026-01-31 02:00:00 12 INFO main - ========== Start Run (User Sync version: 2.10.0) (TEST MODE) ==========
2026-01-31 02:00:01 12 INFO main - User Sync 2.10.0 - Python 3.9.6 - Linux x
2026-01-31 02:00:02 12 INFO processor - Queuing new user with user key: federatedID,ann@example.com,,ann@example.com
2026-01-31 02:00:02 12 INFO processor - Auto create user-group enabled: Creating 'ACL 'X'' on 'primary org'
2026-01-31 02:00:02 12 INFO processor - Managing groups for user key: federatedID,bob,example.com,bob@example.com added: {'design', \"o'hara\"} removed: set()
2026-01-31 02:00:02 12 INFO processor - Managing groups in emea for user key: federatedID,bob,example.com,bob@example.com added: set() removed: {'x\\xe9'}
2026-01-31 02:00:02 12 INFO processor - Updating info for user key: federatedID,cat,example.com,cat@example.com changes: {'firstname': 'Cat'}
2026-01-31 02:00:03 12 INFO processor - Removing mapped groups from Adobe-only user: federatedID,dan@example.com,,dan@example.com
2026-01-31 02:00:03 12 INFO processor - Removing Adobe-only user: federatedID,eve@example.com,,eve@example.com
2026-01-31 02:00:03 12 INFO processor - Deleting Adobe-only user: federatedID,fay@example.com,,fay@example.com
2026-01-31 02:00:03 12 WARNING processor - Skipping user creation for: x - AdobeID already exists with x
Traceback (most recent call last):
  Queuing new user with user key: federatedID,no@example.com,,no@example.com
2026-01-31 02:00:04 12 INFO processor - ------------------------------ Action Summary (TEST MODE) ------------------------------
2026-01-31 02:00:04 12 INFO main - ========== End Run (User Sync version: 2.10.0) (TEST MODE) (Total time: 0:00:04) ==========
";

fn plan(changes: &[&str]) -> Plan {
    let mut plan = Plan::new("x");
    let changes = changes.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    plan.orgs = vec![OrgPlan { org: "main".to_owned(), changes, ..OrgPlan::default() }];
    plan
}

fn add(user: &str, group: &str) -> String {
    format!(
        "{{\"user\":{{\"name\":\"{user}\"}},\"action\":{{\"add\":{{\"group\":\"{group}\",\"kind\":\"profile\"}}}},\"reason\":\"selected\"}}"
    )
}

fn create(user: &str) -> String {
    format!(
        "{{\"user\":{{\"name\":\"{user}\"}},\"action\":{{\"create_user\":{{\"email\":\"{user}\",\"first_name\":null,\"last_name\":null,\"country\":null}}}},\"reason\":\"selected\"}}"
    )
}

fn remove(user: &str, group: &str) -> String {
    format!(
        "{{\"user\":{{\"name\":\"{user}\"}},\"action\":{{\"remove\":{{\"group\":\"{group}\",\"kind\":\"profile\"}}}},\"reason\":\"sources_gone\"}}"
    )
}

fn lines(compared: &[Compared]) -> Vec<String> {
    let line = |row: &Compared| {
        let (user, group) = (row.user.as_deref().unwrap_or("-"), row.group.as_deref().unwrap_or("-"));
        format!("{} {user} {} {group}: {}", row.org, row.action, row.who.as_str())
    };
    compared.iter().map(line).collect()
}

#[test]
fn both_sides_are_told_side_by_side() {
    let log = PeerLog::parse(LOG);
    assert_eq!((log.runs(), log.is_test(), log.shape()), (2, true, LogShape::Whole));
    assert_eq!(log.problems().len(), 1);
    assert!(!log.knows_groups_of_new());
    let ours = [
        create("Ann@example.com"),
        add("ann@example.com", "Design"),
        add("bob@example.com", "Design"),
        remove("dan@example.com", "Design"),
        add("guy@example.com", "Design"),
    ];
    let ours: Vec<&str> = ours.iter().map(String::as_str).collect();
    assert_eq!(
        lines(&compare(&plan(&ours), &log, "main")),
        [
            "emea bob@example.com remove xé: only user-sync",
            "main - create-group acl 'x': only user-sync",
            "main ann@example.com add design: not logged",
            "main ann@example.com create-user -: both",
            "main bob@example.com add design: both",
            "main bob@example.com add o'hara: only user-sync",
            "main cat update-user -: only user-sync",
            "main dan@example.com remove design: both",
            "main eve@example.com leave -: only user-sync",
            "main fay@example.com delete-account -: only user-sync",
            "main guy@example.com add design: only umapi",
        ]
    );
}

#[test]
fn windows_line_ends_and_marks_change_nothing() {
    let windows = format!("\u{feff}{}", LOG.replace('\n', "\r\n"));
    let (unix, windows) = (PeerLog::parse(LOG), PeerLog::parse(&windows));
    assert_eq!(unix.changes(), windows.changes());
    assert_eq!((windows.runs(), windows.shape()), (2, LogShape::Whole));
}

#[test]
fn a_log_that_is_cut_anywhere_never_counts_as_whole() {
    let end = LOG.find("- Action Summary").unwrap();
    for at in (0..end).filter(|at| LOG.is_char_boundary(*at)) {
        let log = PeerLog::parse(&LOG[..at]);
        assert_ne!(log.shape(), LogShape::Whole, "{at}");
        let ours = add("guy@example.com", "Design");
        let compared = compare(&plan(&[&ours]), &log, "main");
        assert!(compared.iter().all(|row| row.who != Who::OnlyUmapi), "{at}");
    }
}

#[test]
fn other_levels_and_real_runs_are_seen() {
    let warnings: String =
        LOG.lines().filter(|line| line.contains(" WARNING ")).map(|line| format!("{line}\n")).collect();
    assert_eq!(PeerLog::parse(&warnings).shape(), LogShape::NoInfo);
    assert_eq!(PeerLog::parse("Hello\nworld").shape(), LogShape::Foreign);
    assert_eq!(PeerLog::parse("").shape(), LogShape::Foreign);
    let real = PeerLog::parse(&LOG.replace(" (TEST MODE)", ""));
    assert!(!real.is_test() && real.shape() == LogShape::Whole);
}

#[test]
fn debug_messages_name_the_groups_of_new_users() {
    let debug = "2026-01-31 02:00:03 12 DEBUG umapi.action - Added action: {\"user\": \"Ann@example.com\", \"requestID\": \"action_1\", \"do\": [{\"createFederatedID\": {\"email\": \"ann@example.com\"}}, {\"add\": {\"group\": [\"design\"]}}]}\n";
    let log = PeerLog::parse(&LOG.replacen("2026-01-31 02:00:03", &format!("{debug}2026-01-31 02:00:03"), 1));
    assert!(log.knows_groups_of_new());
    let ours = [create("ann@example.com"), add("ann@example.com", "Design")];
    let compared = compare(&plan(&[&ours[0], &ours[1]]), &log, "main");
    let adds: Vec<&Compared> = compared.iter().filter(|row| row.user.as_deref() == Some("ann@example.com")).collect();
    assert!(adds.iter().all(|row| row.who == Who::Both), "{adds:#?}");
}

/// From a run of user-sync 2.10.0rc2 with a CSV file, shortened.
const REAL: &str = r#"2026-11-26 14:01:19 14476 INFO config - Using main config file: user-sync-config.yml (encoding utf8)
2026-11-26 14:01:19 14476 INFO main - ========== Start Run (User Sync version: 2.10.0rc2) (TEST MODE) ======
2026-11-26 14:01:19 14476 INFO main - --test-mode
2026-11-26 14:01:19 14476 INFO umapi_client.auth - Auth type: OAuthS2S
2026-11-26 14:01:19 14476 DEBUG processor - Excluding adobe user (due to type): adobeID,admin@mail.example,,admin@mail.example
2026-11-26 14:01:19 14476 INFO processor - Updating info for user key: federatedID,jdoe@example.com,,jdoe@example.com changes: {'firstname': 'Johnny'}
2026-11-26 14:01:19 14476 INFO processor - Managing groups for user key: federatedID,jdoe@example.com,,jdoe@example.com added: {'all apps'} removed: set()
2026-11-26 14:01:19 14476 INFO user_sync.connector.connector_umapi - 10/10 (100.0%) 
2026-11-26 14:01:19 14476 INFO processor - Queuing new user with user key: federatedID,bob.o'hara@example.com,,bob.o'hara@example.com
2026-11-26 14:01:19 14476 INFO processor - Removing mapped groups from Adobe-only user: enterpriseID,carla@enterprise.example,,carla@enterprise.example
2026-11-26 14:01:19 14476 DEBUG user_sync.connector.connector_umapi.action - Added action: {"user": "bob.o'hara@example.com", "requestID": "action_4", "do": [{"createFederatedID": {"email": "bob.o'hara@example.com", "option": "updateIfAlreadyExists", "firstname": "Bob", "lastname": "O'Hara", "country": "US"}}, {"add": {"group": ["sales"]}}]}
2026-11-26 14:01:19 14476 DEBUG user_sync.connector.connector_umapi.action - Added action: {"user": "carla@enterprise.example", "requestID": "action_6", "do": [{"remove": {"group": ["sales"]}}]}
2026-11-26 14:01:19 14476 INFO processor - ---------------------------- Action Summary (TEST MODE) ----------------------------
2026-11-26 14:01:19 14476 INFO processor -   Number of UMAPI actions sent (total, success, error): (6, 6, 0)
2026-11-26 14:01:19 14476 INFO main - ========== End Run (User Sync version: 2.10.0rc2) (TEST MODE) (Total time: 0:00:00) 
"#;

#[test]
fn the_log_of_a_real_run_is_read() {
    let log = PeerLog::parse(REAL);
    assert_eq!((log.shape(), log.runs(), log.is_test(), log.knows_groups_of_new()), (LogShape::Whole, 1, true, true));
    assert_eq!(log.problems(), []);
    let ours =
        [create("bob.o'hara@example.com"), add("bob.o'hara@example.com", "Sales"), add("jdoe@example.com", "All Apps")];
    let ours: Vec<&str> = ours.iter().map(String::as_str).collect();
    let compared = compare(&plan(&ours), &log, "main");
    let only: Vec<String> = compared
        .iter()
        .filter(|row| row.who == Who::OnlyUserSync)
        .map(|row| format!("{} {} {:?}", row.user.as_deref().unwrap_or_default(), row.action, row.group))
        .collect();
    assert_eq!(only, [r#"carla@enterprise.example remove Some("sales")"#, "jdoe@example.com update-user None"]);
    assert_eq!(compared.iter().filter(|row| row.who == Who::Both).count(), 3);
}

#[test]
fn who_leaves_for_both_leaves_the_groups_for_both() {
    let log = PeerLog::parse(&REAL.replace("Removing mapped groups from Adobe-only user", "Removing Adobe-only user"));
    let ours = remove("carla@enterprise.example", "Sales");
    let compared = compare(&plan(&[&ours]), &log, "main");
    let carla: Vec<&Compared> =
        compared.iter().filter(|row| row.user.as_deref() == Some("carla@enterprise.example")).collect();
    assert_eq!(
        carla.iter().map(|row| (row.action, row.who)).collect::<Vec<_>>(),
        [("leave", Who::OnlyUserSync), ("remove", Who::Both)]
    );
}

#[test]
fn odd_messages_are_no_changes_and_no_panics() {
    for message in [
        "Managing groups for user key: a added: {'x removed: set()",
        "Managing groups for user key: a added: {'x\\",
        "Managing groups for user key: a added: {'x\\u12",
        "Managing groups for user key: a added: {'é' removed",
        "Managing groups in ",
        "Auto create user-group enabled: Creating 'x",
        "Added action: {",
        "Queuing new user for umapi x",
    ] {
        let log = PeerLog::parse(&format!("2026-01-31 02:00:03 12 INFO processor - {message}"));
        assert!(log.changes().is_empty(), "{message}");
    }
    let old = PeerLog::parse(
        "2016-01-31 02:00:03 12 INFO processor - Managing groups for user key: federatedID,a@b.c, added: set([u'x', 'y']) removed: set([])",
    );
    assert_eq!(old.changes().len(), 1);
}
