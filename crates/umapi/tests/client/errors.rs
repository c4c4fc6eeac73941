//! One error for everything that a caller does, with `?`.

use std::error::Error as StdError;

use umapi::{
    Client, Command, CommandOutcome, Counts, Error, HttpOptions, MembershipOutcome, NotSent, Outcome, Outcomes, Report,
    ResumeToken, UnknownReason,
};

use crate::service::{Reply, Seen, Service};

const DONE: &str = r#"{"result":"success","completed":1,"notCompleted":0,"completedInTestMode":0}"#;

fn forbidden() -> Reply {
    Reply::of(403, &[("x-request-id", "r-403")], r#"{"error_code":"403003","message":"Api Key is invalid"}"#)
}

fn users() -> Reply {
    Reply::json(
        r#"{"lastPage":true,"result":"success","users":[{"email":"ann@example.com"},{"email":"bob@example.com"}]}"#,
    )
}

/// A service with two users, which completes all changes, or accepts only so many.
async fn accepting(changes: usize) -> Service {
    let mut left = changes;
    Service::responding(move |request: &Seen| {
        if !request.path.starts_with("/action/") {
            return users();
        }
        left = left.wrapping_sub(1);
        if left == usize::MAX {
            left = 0;
            forbidden()
        } else {
            Reply::json(DONE)
        }
    })
    .await
}

fn leave(user: &str) -> Command {
    Command::user(user).remove_from_org()
}

/// Everything that a program does, with `?` alone.
async fn provision(client: &Client, token: &str) -> Result<usize, Error> {
    HttpOptions::new().build()?;
    token.parse::<ResumeToken>()?;
    let users = client.users().list().try_collect().await?;
    let commands: Vec<Command> = users.iter().filter_map(|user| Some(leave(user.email.as_ref()?))).collect();
    commands.iter().try_for_each(Command::check)?;
    let mut done = 0;
    for command in commands {
        done += client.execute([command]).await?.counts().completed;
    }
    let planned = client.memberships().add("ann@example.com", "_admin_Design").plan().await?;
    done += planned.await?.counts().completed;
    let mut outcomes: Outcomes = client.execute_stream(futures_util::stream::iter([leave("eve@example.com")])).boxed();
    while outcomes.next().await.is_some() {}
    Ok(done + outcomes.result()?.completed)
}

const TOKEN: &str = "umapi-2-0000000000000000-end";

#[tokio::test]
async fn the_question_mark_works_all_along() {
    let service = accepting(usize::MAX - 1).await;
    assert_eq!(provision(&service.client(), TOKEN).await.unwrap(), 4);
    let error = provision(&service.client(), "nonsense").await.unwrap_err();
    assert!(error.is_invalid_input() && error.counts().is_none(), "{error}");
}

#[tokio::test]
async fn every_part_fails_with_its_own_report() {
    for accepted in 0..4 {
        let error = provision(&accepting(accepted).await.client(), TOKEN).await.unwrap_err();
        assert!(error.is_forbidden() && error.request_id().is_some(), "{error}");
        assert_eq!(error.counts(), Some(Counts::new().with_not_sent(1)), "{accepted}");
        assert_eq!(error.report::<CommandOutcome>().is_some(), accepted < 2, "{accepted}");
        assert_eq!(error.report::<MembershipOutcome>().is_some(), accepted == 2, "{accepted}");
        let text = error.to_string();
        let counts = "; the run ended early: 1 ";
        assert!(text.contains(counts) && text.contains("1 not sent") && text.ends_with(')'), "{text}");
    }
}

#[tokio::test]
async fn the_error_of_a_run_gives_its_report_back() {
    async fn run(client: &Client) -> Result<Report<(u32, CommandOutcome)>, Error> {
        let options = umapi::RunOptions::new().in_flight(1);
        let commands = (0..30_u32).map(|key| (key, leave(&format!("u{key}@example.com"))));
        Ok(client.execute(commands).with_options(options).await?)
    }
    let mut number = 0;
    let service = Service::responding(move |_| {
        number += 1;
        if number == 1 { Reply::json(&DONE.replace(":1", ":10")) } else { forbidden() }
    })
    .await;
    let error = run(&service.client()).await.unwrap_err();
    assert_eq!(error.counts(), Some(Counts::new().with_completed(10).with_not_sent(20)));
    assert!(error.may_have_been_applied() && !error.is_retryable(), "ten of them were done: {error}");
    let report = error.report::<(u32, CommandOutcome)>().unwrap().clone();
    assert!(error.report::<CommandOutcome>().is_none());
    let Outcome::NotSent { why: NotSent::Failed(failure) } = report.outcomes()[29].1.outcome() else {
        panic!("{report}")
    };
    assert_eq!((failure.status(), failure.is_stopped()), (Some(403), false));
    // It is still the same after it was written and read.
    let json = serde_json::to_string(&report).unwrap();
    let read: Report<(u32, CommandOutcome)> = serde_json::from_str(&json).unwrap();
    assert_eq!(read, report);
    let unsent = read.into_unsent();
    assert_eq!((unsent.len(), &unsent[0]), (20, &(10, leave("u10@example.com"))));
}

#[tokio::test]
async fn other_errors_take_runs_too() {
    async fn run(client: &Client) -> Result<(), Box<dyn StdError + Send + Sync>> {
        client.users().list().try_next().await?;
        client.execute([leave("ann@example.com")]).await?;
        Ok(())
    }
    let service = accepting(0).await;
    let error = run(&service.client()).await.unwrap_err();
    let mut texts = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        texts.push(error.to_string());
        cause = error.source();
    }
    assert_eq!(texts[0], "the run ended early: 1 command in 1 request: 0 completed, 0 rejected, 1 not sent, 0 unknown");
    assert!(texts[1].contains("Api Key is invalid"), "{texts:?}");
    assert!(!texts[0].contains("Api Key"), "each text says its own part: {texts:?}");
}

#[tokio::test]
async fn a_stream_that_ends_early_counts_what_came_out() {
    let service = accepting(1).await;
    let commands = futures_util::stream::iter((0..25).map(|i| leave(&format!("u{i}@example.com"))));
    let options = umapi::RunOptions::new().in_flight(1);
    let mut outcomes = service.client().execute_stream(commands).with_options(options);
    assert_eq!(outcomes.result().unwrap(), Counts::new());
    let mut unknown = 0;
    while let Some(outcome) = outcomes.next().await {
        // "1 completed" does not fit ten commands.
        if let Outcome::Unknown { why: UnknownReason::Contradiction(_) } = outcome.outcome() {
            unknown += 1;
        }
    }
    let error = outcomes.result().unwrap_err();
    assert_eq!(error.counts().map(|counts| (counts.unknown, counts.total())), Some((unknown, 25)));
    assert!(unknown == 10 && error.may_have_been_applied(), "{error}");
}

#[test]
fn settings_and_logins_convert() {
    fn build() -> Result<(), Error> {
        HttpOptions::new().root_certificates(b"nonsense".to_vec()).build()?;
        Ok(())
    }
    assert!(build().unwrap_err().is_invalid_input());
    fn login() -> Result<(), Error> {
        umapi::auth::OAuthServerToServer::new("", "secret")?;
        Ok(())
    }
    let error = login().unwrap_err();
    assert!(error.is_invalid_input() && error.is_login(), "{error}");
    assert!(format!("{error:#}").starts_with("the credentials cannot be used: "), "{error:#}");
}
