//! Clients made from stubs: everything works with them, and what they say is checked like what a server says.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "tests panic on the unexpected")]

use std::{
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use umapi::{
    CallFinished, CallOptions, Client, Command, CommandOutcome, Error, Journal, JournalEntry, JournalFuture,
    MembershipOutcome, NewUser, Observer, Outcome, OutcomeKnown, Page, PageRead, Progress, RunOptions, StepError,
    StepState, StopHandle,
    model::{ErrorCode, Group, GroupType, NewUserGroup, Operation, User, UserGroupChange, UserGroupRights},
    raw,
    stub::{AnyRequest, CommandBatch, ErrorBuilder, MembersQuery, MembershipBatch, Stub, UserLookup, UsersQuery},
    time::ManualClock,
};

const GRACE: Duration = Duration::from_millis(5);

fn user(email: &str) -> User {
    User::default().with_email(email)
}

fn adds(count: usize) -> Vec<Command> {
    (0..count).map(|number| Command::user(format!("u{number}@example.com")).add_to(["Design"]).into()).collect()
}

/// A small organization, which notes what it was asked.
#[derive(Clone, Default)]
struct Organization(Arc<Mutex<Vec<String>>>);

impl Organization {
    fn note(&self, text: String) {
        self.0.lock().unwrap().push(text);
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl Stub for Organization {
    async fn get_user(&self, lookup: UserLookup) -> Result<Option<User>, Error> {
        self.note(format!("{lookup:?}"));
        Ok(lookup.name().starts_with("ann").then(|| user(lookup.name())))
    }

    async fn list_users(&self, query: UsersQuery, page: u32) -> Result<Page<User>, Error> {
        self.note(format!("users {:?} {page}", query.domain));
        let mut all =
            Page::new([user(&format!("a{page}@example.com")), user(&format!("b{page}@example.com"))], page == 2);
        all.total = Some(6);
        Ok(all)
    }

    async fn list_members(&self, query: MembersQuery, page: u32) -> Result<Page<User>, Error> {
        self.note(format!("members of {} {page}", query.group));
        match query.group.as_str() {
            "Nix" => Err(ErrorBuilder::not_found(ErrorCode::GroupNotFound).message("no Nix").into()),
            _ => Ok(Page::new([user("ann@example.com")], true)),
        }
    }

    async fn list_groups(&self, page: u32) -> Result<Page<Group>, Error> {
        self.note(format!("groups {page}"));
        let design = Group::new("Design").with_type(GroupType::UserGroup);
        Ok(Page::new([design, Group::new("Photoshop").with_type(GroupType::ProductProfile)], true))
    }

    async fn execute(&self, batch: CommandBatch) -> Result<Vec<CommandOutcome>, Error> {
        self.note(format!("{} commands, test {}", batch.commands.len(), batch.test_only));
        let outcome = |command: Command| match command.root() {
            "u1@example.com" => CommandOutcome::rejected(command, StepError::new(ErrorCode::UserNotFound)),
            _ => CommandOutcome::completed(command),
        };
        Ok(batch.commands.into_iter().map(outcome).collect())
    }

    async fn change_memberships(&self, batch: MembershipBatch) -> Result<Vec<MembershipOutcome>, Error> {
        self.note(format!("{} memberships", batch.changes.len()));
        Ok(batch.changes.into_iter().map(MembershipOutcome::completed).collect())
    }

    async fn request(&self, request: AnyRequest) -> Result<raw::Response, Error> {
        self.note(format!("{} {}", request.method, request.path));
        match request.operation {
            Operation::GetUserGroup => Ok(raw::Response::new(200, r#"{"groupId":7,"name":"Design"}"#)),
            Operation::CreateUserGroup => Ok(raw::Response::new(502, "<html>Bad gateway</html>")),
            Operation::DeleteUserGroup => Ok(raw::Response::new(204, "")),
            Operation::ListUserGroupUsers => Ok(raw::Response::new(200, r#"[{"email":"ann@example.com"}]"#)
                .with_header("x-page-count", "1")
                .with_header("x-total-count", "1")),
            Operation::ListGroups => Ok(raw::Response::new(200, "anything")),
            _ => Err(ErrorBuilder::throttled(Duration::from_secs(60)).into()),
        }
    }
}

#[tokio::test]
async fn single_calls_and_lists_come_from_the_stub() {
    let organization = Organization::default();
    let client = Client::from_stub(organization.clone());
    assert_eq!(client.users().get("ann@example.com").await.unwrap().unwrap().email.as_deref(), Some("ann@example.com"));
    assert_eq!(client.users().get_by_username("bob", "example.com").await.unwrap(), None);
    assert!(client.users().get_adobe_id("ann@b.c").await.unwrap().is_some());
    let lookups = organization.asked();
    assert_eq!(lookups[1], r#"Username { name: "bob", domain: "example.com" }"#);

    let mut list = client.users().domain("example.com").list();
    let mut emails = Vec::new();
    while let Some(user) = list.try_next().await.unwrap() {
        emails.extend(user.email);
    }
    assert_eq!((emails.len(), list.total(), list.changes().any()), (6, Some(6), false));
    let pages = [0, 1, 2].map(|page| format!(r#"users Some("example.com") {page}"#));
    assert_eq!(organization.asked(), pages, "each page is asked for once, when it is needed");

    let error = client.users().in_group("Nix").list().try_next().await.unwrap_err();
    assert!(error.is_not_found() && error.operation() == Some("listUsersInGroup"), "{error}");
    assert_eq!(client.users().in_group("Design").list().try_collect().await.unwrap().len(), 1);
    assert_eq!(client.groups().of_type(GroupType::UserGroup).list().try_collect().await.unwrap().len(), 1);
    assert!(client.groups().get("PHOTOSHOP").await.unwrap().is_some());
    assert_eq!(client.groups().directory().await.unwrap().groups().len(), 2);
}

#[tokio::test]
async fn names_and_options_are_checked_before_the_stub_is_asked() {
    let organization = Organization::default();
    let client = Client::from_stub(organization.clone());
    let bad = || CallOptions::new().request_id("a b");
    assert!(client.users().get("").await.unwrap_err().is_invalid_input());
    assert!(client.users().in_group("..").list().try_next().await.unwrap_err().is_invalid_input());
    assert!(client.users().get("ann").with_options(bad()).await.unwrap_err().is_invalid_input());
    assert!(client.users().list().with_options(bad()).try_next().await.unwrap_err().is_invalid_input());
    let run = RunOptions::new().calls(bad());
    let unfinished = client.execute(adds(2)).with_options(run).await.unwrap_err();
    assert_eq!(unfinished.into_report().not_sent().count(), 2);
    assert_eq!(organization.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn a_run_has_the_outcomes_of_the_stub() {
    let organization = Organization::default();
    let client = Client::from_stub(organization.clone());
    let mut commands = adds(25);
    commands[3] = Command::user("").into();
    let keyed = commands.into_iter().enumerate().map(|(number, command)| (format!("row {number}"), command));
    let report = client.execute(keyed).await.unwrap();
    assert_eq!((report.completed().count(), report.rejected().count()), (23, 2), "{report}");
    for (number, (key, outcome)) in report.outcomes().iter().enumerate() {
        assert_eq!((key, outcome.number()), (&format!("row {number}"), number));
    }
    assert_eq!(organization.asked(), ["24 commands, test false"], "what breaks a rule is not sent");
    // A broken step rejects the command as a client of the service does: nothing of it is done.
    let broken = Command::user("ann@example.com").add_to(["Design"]).add_to([""]);
    let report = client.execute([broken]).await.unwrap();
    let states: Vec<StepState> = report.outcomes()[0].steps().iter().map(|step| step.state()).collect();
    assert_eq!(states, [StepState::NotSent, StepState::Rejected]);
    assert_eq!(organization.asked(), Vec::<String>::new());
    let report = client.execute(adds(1)).with_options(RunOptions::new().test_only()).await.unwrap();
    assert!(report.is_test() && report.is_success());
    assert_eq!(organization.asked(), ["1 commands, test true"]);
    let report = client.execute([] as [Command; 0]).await.unwrap();
    assert!(report.outcomes().is_empty() && organization.asked().is_empty());
}

#[tokio::test]
async fn a_stream_has_the_outcomes_of_the_stub() {
    let organization = Organization::default();
    let client = Client::from_stub(organization.clone());
    let mut outcomes = client.execute_stream(futures_util::stream::iter(adds(2_500)));
    let mut numbers = Vec::new();
    let mut rejected = 0;
    while let Some(outcome) = outcomes.next().await {
        numbers.push(outcome.number());
        rejected += usize::from(outcome.is_rejected());
    }
    assert_eq!((numbers, rejected), ((0..2_500).collect::<Vec<_>>(), 1));
    assert!(outcomes.error().is_none() && outcomes.requests() == 3);
    assert_eq!(organization.asked().len(), 3);
}

#[tokio::test]
async fn memberships_have_the_outcomes_of_the_stub() {
    let organization = Organization::default();
    let client = Client::from_stub(organization.clone());
    let mut changes = client.memberships();
    for number in 0..20 {
        changes =
            changes.add(format!("u{number}@example.com"), "Design").remove(format!("u{number}@example.com"), "Sales");
    }
    let planned = changes.plan().await.unwrap();
    assert_eq!(planned.plan().memberships(), 40);
    let report = planned.await.unwrap();
    assert_eq!((report.completed().count(), report.outcomes()[39].number()), (40, 39));
    assert_eq!(organization.asked(), ["groups 0", "40 memberships"]);
}

#[tokio::test]
async fn other_requests_are_answered_as_requests() {
    let organization = Organization::default();
    let client = Client::from_stub(organization.clone());
    let groups = client.legacy().user_groups();
    assert_eq!(groups.get(7).await.unwrap().unwrap().name, "Design");
    assert!(groups.delete(7).await.unwrap());
    assert_eq!(groups.users(7).try_collect().await.unwrap().len(), 1);
    let response = client.request("GET", "/groups/{orgId}/0").send().await.unwrap();
    assert_eq!((response.status, response.body.as_slice()), (200, &b"anything"[..]));
    // A response is read like one of the service.
    let error = groups.create(&NewUserGroup::new("Design")).await.unwrap_err();
    assert!(error.status() == Some(502) && error.may_have_been_applied(), "{error}");
    let error = client.legacy().products().get("p").await.unwrap_err();
    assert!(error.is_throttled() && error.until().is_some(), "{error}");
    assert_eq!(organization.asked()[0], "GET /12345@AdobeOrg/user-groups/7");
}

/// Answers nothing.
struct Silent;

impl Stub for Silent {}

#[tokio::test]
async fn what_is_not_answered_is_named() {
    let client = Client::from_stub(Silent);
    let check = |error: &Error, method: &str| {
        let text = error.to_string();
        assert!(text.contains(&format!("the stub does not answer `{method}`")), "{text}");
        assert!(error.is_invalid_input() && !error.is_retryable(), "{text}");
    };
    check(&client.users().get("ann@example.com").await.unwrap_err(), "get_user");
    check(&client.users().list().try_next().await.unwrap_err(), "list_users");
    check(&client.users().in_group("Design").list().try_next().await.unwrap_err(), "list_members");
    check(&client.groups().directory().await.unwrap_err(), "list_groups");
    check(&client.legacy().products().get("p").await.unwrap_err(), "get_product");
    check(&client.legacy().user_groups().users(7).try_next().await.unwrap_err(), "list_user_group_users");
    check(&client.request("GET", "/groups/{orgId}/0").send().await.unwrap_err(), "request");
    check(client.execute(adds(1)).await.unwrap_err().error(), "execute");
    let planned = client.memberships().add("ann@example.com", "Design").plan().await.unwrap();
    check(planned.await.unwrap_err().error(), "change_memberships");
}

/// Executes with a function.
struct Executing<F>(F);

impl<F: Fn(Vec<Command>) -> Result<Vec<CommandOutcome>, Error> + Send + Sync + 'static> Stub for Executing<F> {
    async fn execute(&self, batch: CommandBatch) -> Result<Vec<CommandOutcome>, Error> {
        (self.0)(batch.commands)
    }
}

#[tokio::test]
async fn an_error_ends_a_run_with_everything_accounted_for() {
    let lost = ErrorBuilder::network("the connection was reset");
    for (error, is_unknown) in [
        (ErrorBuilder::rejected(403).code(ErrorCode::OrganizationMigrating), false),
        (lost.clone(), false),
        (lost.may_have_been_applied(), true),
        // The stub says that nothing was sent.
        (ErrorBuilder::deadline(), false),
        (ErrorBuilder::stopped(), false),
    ] {
        let error = error.build();
        let given = error.clone();
        let unfinished = Client::from_stub(Executing(move |_| Err(given.clone()))).execute(adds(3)).await.unwrap_err();
        assert_eq!(unfinished.error().status(), error.status());
        let report = unfinished.into_report();
        assert_eq!((report.unknown().count(), report.not_sent().count()), if is_unknown { (3, 0) } else { (0, 3) });
        assert_eq!(report.into_unsent().len(), if is_unknown { 0 } else { 3 }, "what was not sent is handed back");
    }
}

#[tokio::test]
async fn a_stream_ends_with_the_error_of_the_stub() {
    let asked = Arc::new(AtomicU32::new(0));
    let count = asked.clone();
    let stub = Executing(move |commands: Vec<Command>| match count.fetch_add(1, Ordering::SeqCst) {
        0 => Ok(commands.into_iter().map(CommandOutcome::completed).collect()),
        _ => Err(ErrorBuilder::rejected(503).into()),
    });
    let client = Client::from_stub(stub);
    let mut outcomes = client.execute_stream(futures_util::stream::iter(adds(5_000)));
    let (mut completed, mut not_sent) = (0, 0);
    while let Some(outcome) = outcomes.next().await {
        completed += usize::from(outcome.is_completed());
        not_sent += usize::from(outcome.is_not_sent());
    }
    assert_eq!((completed, not_sent, asked.load(Ordering::SeqCst)), (1_000, 1_000, 2), "the rest is not taken");
    assert_eq!(outcomes.error().and_then(Error::status), Some(503));
}

#[tokio::test]
async fn outcomes_that_do_not_match_their_commands_are_unknown() {
    type Lie = fn(Vec<Command>) -> Vec<CommandOutcome>;
    fn done(commands: Vec<Command>) -> Vec<CommandOutcome> {
        commands.into_iter().map(CommandOutcome::completed).collect()
    }
    fn other(command: &Command) -> umapi::UserCommand {
        Command::user(command.root()).add_to(["Sales"])
    }
    fn failure() -> ErrorBuilder {
        ErrorBuilder::connect("refused")
    }
    fn reject(command: umapi::UserCommand) -> CommandOutcome {
        CommandOutcome::of(command).reject(0, StepError::new(ErrorCode::GroupNotFound)).build().unwrap()
    }
    fn two_steps(root: &str) -> umapi::UserCommand {
        Command::user(root).add_to(["Design"]).remove_from(["Sales"])
    }
    let lies: [(Lie, usize); 9] = [
        (|_| Vec::new(), 0),
        (|commands| done(commands).into_iter().skip(1).collect(), 0),
        (|commands| done([commands.clone(), commands].concat()), 0),
        // The first one twice, and the last one not at all.
        (|commands| done(vec![commands[0].clone(), commands[0].clone(), commands[1].clone()]), 1),
        (|commands| done(commands.into_iter().rev().collect()), 1),
        (|commands| done(commands).into_iter().map(|outcome| outcome.with_number(7)).collect(), 3),
        // Of other commands on the same users.
        (|commands| commands.iter().map(|command| CommandOutcome::completed(two_steps(command.root()))).collect(), 0),
        // Of commands that nobody gave: they would be handed back, or described.
        (|commands| commands.iter().map(|command| CommandOutcome::not_sent(other(command), failure())).collect(), 0),
        (|commands| commands.iter().map(|command| reject(other(command))).collect(), 0),
    ];
    for (number, (lie, completed)) in lies.into_iter().enumerate() {
        let report = Client::from_stub(Executing(move |commands| Ok(lie(commands)))).execute(adds(3)).await.unwrap();
        let counts = (report.completed().count(), report.unknown().count());
        assert_eq!(counts, (completed, 3 - completed), "lie {number}: {report}");
        let numbers: Vec<usize> = report.outcomes().iter().map(CommandOutcome::number).collect();
        assert_eq!(numbers, [0, 1, 2], "lie {number}");
        for outcome in report.unknown() {
            assert!(matches!(outcome.outcome(), Outcome::Unknown { .. }) && outcome.to_string().contains("the stub"));
        }
        assert_eq!(report.into_unsent(), [], "lie {number}");
    }
}

/// Lies about lists and users.
struct Lying;

impl Stub for Lying {
    async fn get_user(&self, _: UserLookup) -> Result<Option<User>, Error> {
        Ok(Some(user("somebody.else@example.com")))
    }

    /// The same two pages in turn, for ever.
    async fn list_users(&self, _: UsersQuery, page: u32) -> Result<Page<User>, Error> {
        Ok(Page::new([user(&format!("u{}@example.com", page % 2))], false))
    }

    /// Empty pages, for ever.
    async fn list_members(&self, _: MembersQuery, _: u32) -> Result<Page<User>, Error> {
        Ok(Page::new([], false))
    }

    /// Says that there are more pages than there are.
    async fn list_groups(&self, page: u32) -> Result<Page<Group>, Error> {
        let mut all = Page::new([Group::new("Design")], page == 0);
        (all.page_count, all.total, all.index) = (Some(u32::MAX), Some(u64::MAX), u32::MAX);
        Ok(all)
    }

    async fn change_memberships(&self, batch: MembershipBatch) -> Result<Vec<MembershipOutcome>, Error> {
        Ok(batch.changes.into_iter().rev().map(MembershipOutcome::completed).collect())
    }
}

#[tokio::test]
async fn a_lying_stub_is_caught_as_a_server_is() {
    let client = Client::from_stub(Lying);
    let error = client.users().get("ann@example.com").await.unwrap_err();
    assert!(error.is_unreadable() && error.to_string().contains("another user"), "{error}");
    let error = client.users().list().try_collect().await.unwrap_err();
    assert!(error.is_endless(), "{error}");
    let error = client.users().in_group("Design").list().try_collect().await.unwrap_err();
    assert!(error.is_endless(), "{error}");
    assert_eq!(client.groups().list().try_collect().await.unwrap().len(), 1);
    let planned = client.memberships().add("a@b.c", "Design").add("d@e.f", "Sales").without_reading_groups().plan();
    let report = planned.await.unwrap().await.unwrap();
    assert_eq!(report.unknown().count(), 2, "{report}");
}

/// Notes every event that a stub can cause.
#[derive(Clone, Default)]
struct Events(Arc<Mutex<Vec<String>>>);

impl Events {
    fn note(&self, text: String) {
        self.0.lock().unwrap().push(text);
    }

    fn heard(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl Observer for Events {
    fn call_finished(&self, call: &CallFinished<'_>) {
        self.note(format!("call {} {} {}", call.operation, call.requests, call.error.is_some()));
    }

    fn page(&self, page: &PageRead<'_>) {
        self.note(format!("page {}", page.index));
    }

    fn outcome(&self, outcome: &OutcomeKnown<'_>) {
        let kind = outcome.outcome.to_string().split(':').next().unwrap_or_default().to_owned();
        self.note(format!("{} {} {kind}", outcome.items, outcome.number));
    }

    fn progress(&self, progress: &Progress) {
        self.note(format!("progress {}", progress.done));
    }
}

#[tokio::test]
async fn an_observer_hears_of_calls_pages_and_outcomes() {
    let events = Events::default();
    let builder = Client::builder("1F@AdobeOrg").stub(Organization::default()).observer(events.clone());
    let client = builder.build().unwrap();
    client.users().get("ann@example.com").await.unwrap();
    assert_eq!(client.users().get("bob@example.com").await.unwrap(), None);
    assert_eq!(events.heard(), ["call getUser 1 false"; 2], "absence is a result");
    client.groups().list().try_collect().await.unwrap();
    assert_eq!(events.heard(), ["call listGroups 1 false", "page 0"]);
    client.users().in_group("Nix").list().try_next().await.unwrap_err();
    assert_eq!(events.heard(), ["call listUsersInGroup 1 true"]);
    assert!(client.legacy().user_groups().get(7).await.unwrap().is_some());
    assert!(client.legacy().products().get("7").await.is_err());
    assert_eq!(events.heard(), ["call getUserGroup 1 false", "call getProduct 0 true"]);

    let mut commands = adds(3);
    commands[2] = Command::user("").into();
    let run = ["call executeActions 1 false", "commands 0 completed", "commands 1 rejected", "commands 2 rejected"];
    client.execute(commands.clone()).await.unwrap();
    assert_eq!(events.heard(), [&run[..], &["progress 3"]].concat());
    let mut stream = client.execute_stream(futures_util::stream::iter(commands));
    while stream.next().await.is_some() {}
    assert_eq!(events.heard(), [&run[..], &["progress 3"]].concat());
    let planned = client.memberships().add("a@b.c", "Design").without_reading_groups().plan();
    planned.await.unwrap().await.unwrap();
    assert_eq!(events.heard(), ["call executeActions 1 false", "memberships 0 completed", "progress 1"]);
}

#[tokio::test]
async fn a_call_without_time_asks_no_stub() {
    let organization = Organization::default();
    let client = Client::from_stub(organization.clone());
    let none = || CallOptions::new().deadline(Duration::ZERO);
    assert!(client.users().get("ann@example.com").with_options(none()).await.unwrap_err().is_timeout());
    assert!(client.legacy().user_groups().get(7).with_options(none()).await.unwrap_err().is_timeout());
    assert!(client.users().list().with_options(none()).try_next().await.unwrap_err().is_timeout());
    assert!(client.groups().list().with_options(none()).try_next().await.unwrap_err().is_timeout());
    let run = RunOptions::new().deadline(Duration::ZERO);
    let unfinished = client.execute(adds(2)).with_options(run).await.unwrap_err();
    assert_eq!(unfinished.report().not_sent().count(), 2, "{unfinished}");
    assert_eq!(organization.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn requests_out_of_bounds_are_not_made() {
    let organization = Organization::default();
    let groups = Client::from_stub(organization.clone()).legacy().user_groups();
    let error = groups.create(&NewUserGroup::new("x".repeat(256))).await.unwrap_err();
    assert!(error.is_invalid_input() && error.to_string().contains("name"), "{error}");
    assert!(groups.update(7, &UserGroupChange::default()).await.unwrap_err().is_invalid_input());
    let rights = UserGroupRights::default().with_add_users([""]);
    assert!(groups.change_rights(7, rights).await.unwrap_err().is_invalid_input());
    assert_eq!(organization.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn a_broken_rule_has_one_remedy() {
    let new = NewUser::federated("ann@example.com", "Ann", "Doe", "Germany");
    let report = Client::from_stub(Organization::default()).execute([Command::create_user(new)]).await.unwrap();
    let text = report.outcomes()[0].to_string();
    assert!(text.contains("US") && !text.contains("250") && !text.contains("Shorten"), "{text}");
    assert_eq!(report.outcomes()[0].errors()[0].remedy(), report.outcomes()[0].errors()[0].remedy.as_deref());
}

/// Never answers.
struct Hanging;

impl Stub for Hanging {
    async fn get_user(&self, _: UserLookup) -> Result<Option<User>, Error> {
        pending().await
    }

    async fn list_groups(&self, _: u32) -> Result<Page<Group>, Error> {
        pending().await
    }

    async fn execute(&self, _: CommandBatch) -> Result<Vec<CommandOutcome>, Error> {
        pending().await
    }
}

#[tokio::test]
async fn a_stub_that_hangs_meets_the_deadlines() {
    let manual = ManualClock::new().auto_advance(GRACE);
    let client = Client::builder("1F@AdobeOrg").stub(Hanging).clock(manual.clock()).build().unwrap();
    let options = || CallOptions::new().deadline(Duration::from_secs(7));
    let seconds = || manual.clock().now().since_origin().as_secs();
    assert!(client.users().get("ann").with_options(options()).await.unwrap_err().is_timeout());
    assert!(client.groups().get("Design").with_options(options()).await.unwrap_err().is_timeout());
    assert_eq!(seconds(), 14);
    let run = RunOptions::new().deadline(Duration::from_secs(5)).calls(options());
    let unfinished = client.execute(adds(2)).with_options(run).await.unwrap_err();
    assert_eq!((unfinished.report().unknown().count(), seconds()), (2, 19), "{unfinished}");
    let stop = StopHandle::new();
    stop.stop();
    let unfinished = client.execute(adds(2)).with_options(RunOptions::new().stop(&stop)).await.unwrap_err();
    assert!(unfinished.error().is_stopped());
    assert_eq!(unfinished.report().not_sent().count(), 2);
}

/// Notes the lines that were begun, and fails if told so.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u64>>>, bool);

impl Journal<u64> for Lines {
    fn begin(&self, commands: &[JournalEntry<'_, u64>]) -> JournalFuture {
        self.0.lock().unwrap().extend(commands.iter().map(|entry| *entry.key));
        let fails = self.1;
        Box::pin(async move { if fails { Err("the disk is full".into()) } else { Ok(()) } })
    }
}

impl Observer for Lines {
    fn progress(&self, progress: &Progress) {
        self.0.lock().unwrap().push(progress.done);
    }
}

#[tokio::test]
async fn journal_and_observer_work_with_a_stub() {
    let (journal, observer) = (Lines::default(), Lines::default());
    let builder = Client::builder("1F@AdobeOrg").stub(Organization::default()).observer(observer.clone());
    let client = builder.build().unwrap();
    assert_eq!(client.organization(), "1F@AdobeOrg");
    let keyed = || (10..).zip(adds(3)).collect::<Vec<(u64, Command)>>();
    client.execute(keyed()).with_journal(journal.clone()).await.unwrap();
    assert_eq!(
        (journal.0.lock().unwrap().as_slice(), observer.0.lock().unwrap().as_slice()),
        (&[10, 11, 12][..], &[3][..])
    );

    let failing = Lines(Arc::default(), true);
    let unfinished = client.execute(keyed()).with_journal(failing).await.unwrap_err();
    assert!(unfinished.error().is_journal(), "{unfinished}");
    assert_eq!(unfinished.into_report().into_unsent().len(), 3);
}

mockall::mock! {
    Service {}

    impl Stub for Service {
        async fn get_user(&self, user: UserLookup) -> Result<Option<User>, Error>;
        async fn execute(&self, batch: CommandBatch) -> Result<Vec<CommandOutcome>, Error>;
    }
}

#[tokio::test]
async fn a_stub_can_be_mocked() {
    let mut mock = MockService::new();
    mock.expect_get_user()
        .withf(|user| user.name() == "ann@example.com")
        .times(1)
        .returning(|lookup| Ok(Some(user(lookup.name()))));
    mock.expect_execute()
        .times(1)
        .returning(|batch| Ok(batch.commands.into_iter().map(CommandOutcome::completed).collect()));
    let client = Client::from_stub(mock);
    assert!(client.users().get("ann@example.com").await.unwrap().is_some());
    assert!(client.execute(adds(2)).await.unwrap().is_success());
}
