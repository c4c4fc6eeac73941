//! The outcome of every kind of call under every kind of fault, once and permanently, as a table.
//!
//! The table is `crates/umapi/src/guide/faults.md`, a page of the client's guide. The test writes it if
//! `UMAPI_WRITE_DOCS` is set, and otherwise compares it with the actual outcomes.

use std::{fmt::Write as _, fs, path::Path, time::Duration};

use serde_json::{Value, json};
use umapi::{Client, Command, Error, NewGroup, NewUser, NotSent, Outcome, ThrottlePolicy, UnknownReason, UserUpdate};
use umapi_emulator::{
    AnyOperation, Emulator, FaultEffect, FaultHandle, FaultResponse, FaultRule, LimitSettings, LoginOperation,
    Operation, seed::Seed,
};
use umapi_time::ManualClock;

use crate::faults::client_with;

type MakeFault = fn() -> FaultEffect;

/// The faults.
const FAULTS: [(&str, MakeFault); 25] = [
    ("connection reset, request not applied", FaultEffect::reset_before_applying),
    ("connection reset, request applied", FaultEffect::reset_after_applying),
    ("response cut off", || FaultEffect::cut_off(5)),
    ("response that is not JSON", FaultEffect::invalid_json),
    ("200 with an HTML page, not applied", || FaultResponse::html(200).into()),
    ("200 with the result of an error, not applied", || FaultResponse::json(200, failed_result()).into()),
    ("502 with an HTML page, not applied", || FaultResponse::html(502).into()),
    ("502 with an HTML page, applied", || FaultResponse::html(502).after_applying().into()),
    ("500, not applied", || FaultResponse::status(500).into()),
    ("503, not applied", || FaultResponse::status(503).into()),
    ("503, `Retry-After` of one hour", || FaultResponse::status(503).header("Retry-After", "3600").into()),
    ("504, applied", || FaultResponse::status(504).after_applying().into()),
    ("429, `Retry-After` of one hour", || FaultResponse::throttled(3600).into()),
    (NO_ANSWER, || FaultEffect::delay(Duration::from_secs(600))),
    (SLOW_ANSWER, || FaultEffect::slow_response(1, Duration::from_secs(60))),
    (TOKEN_EXPIRED, FaultEffect::expired_token),
    ("200 with an unknown `result`, applied", || patched(json!({ "result": "error.internal.exceptionflys" }))),
    ("200 with counts that contradict its `result`, applied", || patched(json!({ "completed": 0 }))),
    ("200 with an error of a command that was not sent, applied", || patched(json!({ "errors": [error(7, OTHER)] }))),
    ("200 with an error of another user, applied", || {
        patched(json!({ "result": "error", "completed": 0, "notCompleted": 1, "errors": [error(0, OTHER)] }))
    }),
    ("200 with another user", || patched(json!({ "user": { "email": OTHER, "username": OTHER } }))),
    ("200 without `user`, `users` and `lastPage`", || {
        patched(json!({ "user": null, "users": null, "lastPage": null }))
    }),
    (ENDLESS_BODY, || FaultResponse::text(200, "{\"result\":\"success\",").endless(" ".repeat(1 << 18))),
    ("400", || FaultResponse::status(400).into()),
    ("403", || FaultResponse::status(403).into()),
];

const OTHER: &str = "somebody.else@staff.example";
const ENDLESS_BODY: &str = "200 with an endless body";
const TOKEN_EXPIRED: &str = "access token expired";
const NO_ANSWER: &str = "no response for ten minutes";
const SLOW_ANSWER: &str = "response of one byte per minute";

/// A success response whose result is an error.
fn failed_result() -> Value {
    json!({ "result": "error.internal.exceptionflys", "lastPage": true, "users": [] })
}

fn patched(patch: Value) -> FaultEffect {
    FaultEffect::patched_response(patch)
}

/// An error entry of an action response.
fn error(command: usize, user: &str) -> Value {
    json!({ "index": command, "step": 0, "errorCode": "error.user.not_found", "message": "m", "user": user })
}

/// The kinds of calls.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Call {
    Login,
    GetUser,
    ListUsers,
    AddToGroup,
    CreateUser,
    CreateUserIgnoring,
    CreateExisting,
    UpdateUser,
    RemoveFromOrg,
    CreateGroup,
}

const CALLS: [Call; 10] = [
    Call::Login,
    Call::GetUser,
    Call::ListUsers,
    Call::AddToGroup,
    Call::CreateUser,
    Call::CreateUserIgnoring,
    Call::CreateExisting,
    Call::UpdateUser,
    Call::RemoveFromOrg,
    Call::CreateGroup,
];

impl Call {
    fn title(self) -> &'static str {
        match self {
            Self::Login => "login, then get a user",
            Self::GetUser => "a user",
            Self::ListUsers => "get a page of users",
            Self::AddToGroup => "add to a group",
            Self::CreateUser => "create a user",
            Self::CreateUserIgnoring => "create, ignore if exists",
            Self::CreateExisting => "create an existing user with other names",
            Self::UpdateUser => "update a user",
            Self::RemoveFromOrg => "remove from org",
            Self::CreateGroup => "create a group",
        }
    }

    fn operation(self) -> AnyOperation {
        match self {
            Self::Login => LoginOperation::RequestToken.into(),
            Self::GetUser => Operation::GetUser.into(),
            Self::ListUsers => Operation::ListUsers.into(),
            _ => Operation::ExecuteActions.into(),
        }
    }

    /// The command that changes the user or group of this cell. `None` if the call only reads.
    fn command(self, cell: usize) -> Option<Command> {
        let old = Command::user(old_user(cell));
        let new = NewUser::federated(format!("new{cell}@staff.example"), "First", "Last", "US");
        Some(match self {
            Self::Login | Self::GetUser | Self::ListUsers => return None,
            Self::AddToGroup => old.add_to(["Team"]).into(),
            Self::CreateUser => new.into(),
            Self::CreateUserIgnoring => new.ignore_if_exists().into(),
            Self::CreateExisting => NewUser::federated(old_user(cell), "First", "Last", "US").into(),
            Self::UpdateUser => old.update(UserUpdate::default().with_firstname("Second")).into(),
            Self::RemoveFromOrg => old.remove_from_org(),
            Self::CreateGroup => NewGroup::new(format!("Group {cell}")).into(),
        })
    }
}

fn old_user(cell: usize) -> String {
    format!("old{cell}@staff.example")
}

/// The duration of a fault.
#[derive(Clone, Copy)]
enum Lasts {
    Once,
    Always,
}

#[tokio::test]
async fn the_guide_page_on_faults_is_up_to_date() {
    let written = page().await;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/umapi/src/guide/faults.md");
    if std::env::var_os("UMAPI_WRITE_DOCS").is_some() {
        fs::write(&path, &written).unwrap();
    }
    let known = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        known == written,
        "crates/umapi/src/guide/faults.md is out of date; update it with `UMAPI_WRITE_DOCS=1 cargo test -p umapi-tests \
         --test client fault_matrix`. The new content is:\n{written}"
    );
}

async fn page() -> String {
    let mut fixture = Fixture::start().await;
    let mut page = String::from(
        "The outcome of every kind of call under every kind of fault.\n\n\
         A test of this project injects each fault below into the emulator, calls it with the client's default settings, and \
         writes this page. The number of requests is in parentheses. The emulator's ledger confirms every change: \
         *completed* changes were applied exactly once, *not sent* and *rejected* changes were not applied, and nothing was \
         applied twice. For *unknown* outcomes, the page says whether the change was applied.\n",
    );
    let titles = [
        (Lasts::Once, "The first exchange fails"),
        (Lasts::Always, "Every exchange fails, and no wait for a rate limit may exceed half an hour"),
    ];
    for (lasts, title) in titles {
        let _ = write!(page, "\n# {title}\n\n| fault |");
        CALLS.iter().for_each(|call| page.push_str(&format!(" {} |", call.title())));
        let _ = writeln!(page, "\n|{}", " --- |".repeat(CALLS.len() + 1));
        for (fault, make) in FAULTS {
            let _ = write!(page, "| {fault} |");
            for call in CALLS {
                let cell = match (call, fault) {
                    // A login has no token yet.
                    (Call::Login, TOKEN_EXPIRED) => "-".to_owned(),
                    (Call::Login, NO_ANSWER | SLOW_ANSWER) => "30 s of real time".to_owned(),
                    _ => fixture.run(call, make, lasts).await,
                };
                let _ = write!(page, " {cell} |");
            }
            page.push('\n');
        }
    }
    page
}

/// An emulator with one user for every cell.
struct Fixture {
    manual: ManualClock,
    emulator: Emulator,
    cells: usize,
}

impl Fixture {
    async fn start() -> Self {
        let cells = FAULTS.len() * CALLS.len() * 2;
        let user = |cell| {
            let email = old_user(cell);
            format!("      - {{ type: federatedID, email: {email}, firstname: Old, lastname: User, country: US }}\n")
        };
        let users: String = (0..cells).map(user).collect();
        let seed = format!(
            "organizations:\n  - id: 12345@AdobeOrg\n    directories: [{{ name: Staff, type: federated, domains: \
             [staff.example] }}]\n    userGroups: [{{ name: Team }}]\n    users:\n{users}"
        );
        let manual = ManualClock::new().auto_advance(Duration::from_millis(1));
        let builder = Emulator::builder().seed(Seed::from_yaml(&seed).unwrap()).clock(manual.clone());
        let emulator = builder.limits(LimitSettings::off()).without_management().start().await.unwrap();
        Self { manual, emulator, cells: 0 }
    }

    /// Makes a call with a new client. The fault affects the first exchange of the operation, or every one.
    async fn run(&mut self, call: Call, make: MakeFault, lasts: Lasts) -> String {
        let cell = self.cells;
        self.cells += 1;
        let rule = FaultRule::on(call.operation(), make());
        let rule = match lasts {
            Lasts::Once => rule.nth(1),
            Lasts::Always => rule,
        };
        let fault = self.emulator.faults().add(rule).unwrap();
        let client = client_with(&self.manual, &self.emulator, |builder| {
            builder.throttle_policy(match lasts {
                Lasts::Once => ThrottlePolicy::Wait,
                // `Wait` would never end if every response is a 429.
                Lasts::Always => ThrottlePolicy::WaitUpTo(Duration::from_secs(1800)),
            })
        });
        let before = self.emulator.ledger().position().unwrap();
        let text = match call.command(cell) {
            None => self.read(call, cell, &client, &fault).await,
            Some(command) => self.change(call, command, &client, &fault, before).await,
        };
        assert!(fault.fired() > 0, "{call:?}: no exchange failed");
        fault.remove();
        text
    }

    async fn read(&self, call: Call, cell: usize, client: &Client, fault: &FaultHandle) -> String {
        let email = old_user(cell);
        let read = match call {
            Call::ListUsers => client.users().list().try_next().await.map(|user| user.is_some()),
            _ => client.users().get(&email).await.map(|user| user.is_some_and(|user| user.email == Some(email))),
        };
        match read {
            Ok(is_right) => {
                assert!(is_right, "{call:?}: the response is the stored data");
                format!("read ({})", fault.matched())
            }
            Err(error) => format!("{} ({})", why(&error), fault.matched()),
        }
    }

    async fn change(&self, call: Call, command: Command, client: &Client, fault: &FaultHandle, before: i64) -> String {
        let report = match client.execute([command]).await {
            Ok(report) => report,
            Err(unfinished) => unfinished.into_report(),
        };
        let done = self.emulator.ledger().since(before).unwrap().len();
        let outcomes = report.outcomes();
        assert_eq!(outcomes.len(), 1, "{call:?}: one outcome");
        let sent = fault.matched();
        match outcomes[0].outcome() {
            Outcome::Completed => {
                assert_eq!(done, 1, "{call:?}: completed, so applied once");
                format!("completed ({sent})")
            }
            Outcome::Unknown { why: reason } => {
                assert!(done <= 1, "{call:?}: applied twice");
                let reason = match reason {
                    UnknownReason::NoResponse(failure) => why(Error::of(failure).unwrap()),
                    UnknownReason::Contradiction(_) => "contradiction".to_owned(),
                    UnknownReason::LostRequest(_) => "lost request".to_owned(),
                    _ => "unreadable".to_owned(),
                };
                format!("unknown: {reason} ({sent}), {}", if done == 1 { "applied" } else { "not applied" })
            }
            Outcome::NotSent { why: NotSent::Failed(error) } => {
                assert_eq!(done, 0, "{call:?}: not sent, so not applied");
                format!("not sent: {} ({sent})", why(Error::of(error).unwrap()))
            }
            Outcome::Rejected { errors } => {
                assert_eq!(done, 0, "{call:?}: rejected, so not applied");
                format!("rejected: `{}` ({sent})", errors[0].code)
            }
            other => panic!("{call:?}: {other:?}"),
        }
    }
}

/// The kind of an error in one or two words.
fn why(error: &Error) -> String {
    let login = if error.is_login() { "login: " } else { "" };
    let what = match error {
        _ if error.is_throttled() || error.login().is_some_and(umapi::auth::Error::is_throttled) => {
            "throttled".to_owned()
        }
        _ if error.is_timeout() => "timeout".to_owned(),
        _ if error.is_unreadable() => "unreadable".to_owned(),
        _ if error.is_network() => "network".to_owned(),
        _ => match error.status().or_else(|| error.login()?.status()) {
            Some(status @ ..400) => format!("unreadable ({status})"),
            Some(status) => status.to_string(),
            None => "rejected".to_owned(),
        },
    };
    format!("{login}{what}")
}
