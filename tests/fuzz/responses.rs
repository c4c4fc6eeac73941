//! Fuzz target: responses of the service to the client.

use std::{panic::AssertUnwindSafe, time::Duration};

use bolero::TypeGenerator;
use futures_util::StreamExt;
use umapi::{
    Client, Command, Error, HttpClient, HttpOptions, NewGroup, NewUser, RateLimits, Report, RunOptions, StandardRetry,
    auth::FixedToken,
};
use umapi_time::Clock;

use crate::{
    fixed_seeds::target,
    payload::Material,
    peer::{Peer, Response},
};

const TOKEN: &str = "planted-token-of-this-test";
/// Maximum number of attempts for one request, without those after a rate limit or an expired token.
const ATTEMPTS: u32 = 2;

pub(crate) const SERVICE: Material = Material {
    examples: &[
        r#"{"lastPage":false,"result":"success","users":[{"id":"1@a","email":"ann@example.com","status":"active","groups":["Design"],"username":"ann@example.com","domain":"example.com","firstname":"Ann","lastname":"Lee","country":"US","type":"federatedID","tags":["x"],"adminRoles":["org"]},{"email":"bob@example.com","type":"adobeID"}]}"#,
        r#"{"lastPage":true,"result":"success","groupName":"Design","users":[{"email":"cat@example.com","type":"unknown","status":"new"}]}"#,
        r#"{"result":"success","user":{"email":"ann@example.com","type":"enterpriseID","username":"ANN","country":"UD"}}"#,
        r#"{"lastPage":true,"result":"success","groups":[{"type":"PRODUCT_PROFILE","groupName":"Photoshop","memberCount":3,"groupId":42,"adminGroupName":"_admin_Photoshop","licenseQuota":"11","productName":"P","isReadOnly":true}]}"#,
        r#"{"lastPage":true,"result":"Not found"}"#,
        r#"{"result":"partial","completed":1,"notCompleted":2,"completedInTestMode":0,"errors":[{"index":1,"step":0,"message":"User Id does not exist: a@b.c","errorCode":"error.user.nonexistent","requestID":"two","user":"ann@example.com"},{"index":2,"step":"1","errorCode":"error.group.not_found","user":"bob@example.com"}],"warnings":[{"warningCode":"warning.command.deprecated","index":0,"step":0,"message":"x","user":"y"}]}"#,
        r#"{"result":"success","completed":3,"notCompleted":0,"completedInTestMode":0}"#,
        r#"{"result":"error.user.not_found","message":"User not found ann@example.com"}"#,
        r#"{"error_code":"429050","message":"Too many requests"}"#,
        r#"{"errorCode":"PLC_NOT_FOUND","errorMessage":"PLC_NOT_FOUND"}"#,
        r#"[{"id":"1","email":"ann@example.com","firstName":"Ann","userType":"federatedID"}]"#,
        "<html><body>Bad gateway</body></html>",
        "",
    ],
    words: &[
        "lastPage",
        "result",
        "users",
        "user",
        "groups",
        "groupName",
        "email",
        "username",
        "status",
        "type",
        "success",
        "partial",
        "error",
        "completed",
        "notCompleted",
        "completedInTestMode",
        "errors",
        "warnings",
        "index",
        "step",
        "message",
        "errorCode",
        "requestID",
        "error.user.not_found",
        "error.user.already_in_org",
        "error.group.not_found",
        "error.command.malformed",
        "error.throttled_by_external_service",
        "429050",
        "ann@example.com",
        "Design",
        "true",
        "false",
        "null",
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "\r\n\r\n",
        "content-length: 3",
        "0\r\n\r\n",
        "transfer-encoding: chunked",
        "retry-after: 1",
    ],
};

#[derive(Clone, Debug, TypeGenerator)]
struct Exchange {
    #[generator(bolero::produce::<Vec<Response>>().with().len(1..=4_usize))]
    responses: Vec<Response>,
    call: Call,
}

/// The call of the client.
#[derive(Clone, Copy, Debug, TypeGenerator)]
enum Call {
    Users,
    UsersByPage,
    UsersWithoutRepetition,
    MembersOfGroup,
    User,
    Groups,
    LegacyUsers,
    Commands { is_test: bool, many: bool },
    Stream,
}

/// The server, and the HTTP client that connects to it.
struct Stage {
    peer: Peer,
    http: HttpClient,
}

impl Stage {
    fn new() -> Self {
        Self { peer: Peer::new(), http: HttpOptions::new().max_idle_connections(0).build().unwrap() }
    }

    fn client(&self, clock: Clock) -> Client {
        let builder =
            Client::builder("1F@AdobeOrg").token_source("key", FixedToken::new(TOKEN)).base_url(&self.peer.url);
        let builder = builder.clock(clock).rate_limits(RateLimits::unlimited()).http(self.http.clone());
        let retry = StandardRetry::default().attempts(ATTEMPTS).first_wait(Duration::ZERO);
        builder.retry(retry).attempt_timeout(Duration::from_secs(60)).build().unwrap()
    }

    fn check(&self, exchange: &Exchange) {
        let Exchange { responses, call } = exchange;
        let (errors, requests) = self.peer.run(responses, SERVICE, |clock| call.make(self.client(clock)));
        // Every response may cause another request. After the last response, all requests fail, at most one per
        // command.
        let most = responses.len() + 6 * ATTEMPTS as usize;
        assert!(requests <= most, "{requests} requests for {} responses", responses.len());
        for error in errors {
            let shown = format!("{error} {error:?} {:?}", error.body());
            assert!(!shown.contains(TOKEN), "{shown}");
        }
    }
}

impl Call {
    /// Makes the call to its end, also after errors. Returns the errors, which must have a text.
    async fn make(self, client: Client) -> Vec<Error> {
        match self {
            Self::Users => all(client.users().list()).await,
            Self::UsersByPage => all(client.users().domain("example.com").list().by_page()).await,
            Self::UsersWithoutRepetition => all(client.users().list().dedup()).await,
            Self::MembersOfGroup => all(client.users().in_group("Design/1").list()).await,
            Self::User => client.users().get("ann@example.com").await.err().into_iter().collect(),
            Self::Groups => all(client.groups().list()).await,
            Self::LegacyUsers => all(client.legacy().users().list()).await,
            Self::Commands { is_test, many } => execute(&client, is_test, if many { 12 } else { 3 }).await,
            Self::Stream => outcomes(&client).await,
        }
    }
}

/// Reads a list to its end, or until it fails twice in a row.
async fn all<T>(list: impl StreamExt<Item = Result<T, Error>>) -> Vec<Error> {
    let mut errors = Vec::new();
    let mut list = std::pin::pin!(list);
    let mut failed = 0;
    while let Some(item) = list.next().await {
        match item {
            Ok(_) => failed = 0,
            Err(error) => {
                failed += 1;
                errors.push(error);
            }
        }
        if failed == 2 {
            break;
        }
    }
    errors
}

fn commands(count: usize) -> impl Iterator<Item = Command> {
    (0..count).map(|number| match number % 3 {
        0 => Command::create_user(NewUser::federated(format!("u{number}@example.com"), "A", "B", "US"))
            .add_to(["Design"])
            .into(),
        1 => Command::user(format!("u{number}@example.com")).remove_from_org(),
        _ => Command::create_group(NewGroup::new(format!("Group {number}"))).add_users(["ann@example.com"]).into(),
    })
}

async fn execute(client: &Client, is_test: bool, count: usize) -> Vec<Error> {
    let execute = client.execute(commands(count));
    let ended = if is_test { execute.with_options(RunOptions::new().test_only()) } else { execute }.await;
    let (report, error) = match ended {
        Ok(report) => (report, None),
        Err(unfinished) => (unfinished.report().clone(), Some(unfinished.error().clone())),
    };
    each_has_one_outcome(&report, count);
    error.into_iter().collect()
}

fn each_has_one_outcome(report: &Report, count: usize) {
    let numbers: Vec<usize> = report.outcomes().iter().map(|outcome| outcome.number()).collect();
    assert_eq!(numbers, (0..count).collect::<Vec<_>>(), "{report}");
    assert_eq!(report.counts().total(), count, "{report}");
    for outcome in report.outcomes() {
        assert!(!outcome.to_string().is_empty());
        assert!(outcome.steps().iter().all(|step| step.step < 2), "{outcome}: {:?}", outcome.steps());
    }
}

async fn outcomes(client: &Client) -> Vec<Error> {
    let mut outcomes = std::pin::pin!(client.execute_stream(futures_util::stream::iter(commands(3))));
    let mut numbers = Vec::new();
    while let Some(outcome) = outcomes.next().await {
        numbers.push(outcome.number());
    }
    numbers.sort_unstable();
    assert_eq!(numbers, [0, 1, 2]);
    outcomes.error().cloned().into_iter().collect()
}

#[test]
fn each_command_has_one_outcome_for_any_response() {
    let stage = AssertUnwindSafe(Stage::new());
    target!(1_500).with_type::<Exchange>().for_each(|exchange| stage.check(exchange));
}
