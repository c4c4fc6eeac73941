//! Tests the logic of a program with a stub in place of the service: no network, no credentials, no clock.
//!
//! `cargo test --example unit_tests` runs the tests at its end, and `cargo run --example unit_tests` the same in sequence.

use umapi::{
    Client, Command, CommandOutcome, Error, NewUser, Outcome,
    model::{ErrorCode, User},
    stub::{CommandBatch, ErrorBuilder, Stub, UserLookup},
};

/// What the portal tells somebody who asks for access.
#[derive(Debug, PartialEq, Eq)]
enum Reply {
    Welcome,
    HasAccessAlready,
    AskAgainLater,
    AskAnAdministrator(String),
}

/// The code under test: it takes a client, and does not know the stub.
async fn give_access(client: &Client, email: &str) -> Result<Reply, Error> {
    match client.users().get(email).await {
        Ok(Some(user)) if user.groups.iter().flatten().any(|group| group == "Design") => {
            return Ok(Reply::HasAccessAlready);
        }
        Ok(_) => {}
        Err(error) if error.is_retryable() => return Ok(Reply::AskAgainLater),
        Err(error) => return Err(error),
    }
    let new = NewUser::federated(email, "Ann", "Example", "US").ignore_if_exists();
    let report = client.execute([Command::create_user(new).add_to(["Design"])]).await?;
    Ok(match report.outcomes().first().map(CommandOutcome::outcome) {
        Some(Outcome::Completed) => Reply::Welcome,
        Some(Outcome::Rejected { errors }) => {
            Reply::AskAnAdministrator(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
        }
        _ => Reply::AskAgainLater,
    })
}

/// A directory with one user, and with what becomes of commands.
struct Directory<F> {
    ann: Result<Option<User>, ErrorBuilder>,
    outcome: F,
}

impl<F: Fn(Command) -> CommandOutcome + Send + Sync + 'static> Stub for Directory<F> {
    async fn get_user(&self, user: UserLookup) -> Result<Option<User>, Error> {
        assert_eq!(user, UserLookup::Email("ann@example.com".to_owned()));
        Ok(self.ann.clone()?)
    }

    async fn execute(&self, batch: CommandBatch) -> Result<Vec<CommandOutcome>, Error> {
        Ok(batch.commands.into_iter().map(&self.outcome).collect())
    }
}

async fn reply(ann: Result<Option<User>, ErrorBuilder>, outcome: fn(Command) -> CommandOutcome) -> Reply {
    let client = Client::from_stub(Directory { ann, outcome });
    match give_access(&client, "ann@example.com").await {
        Ok(reply) => reply,
        Err(error) => Reply::AskAnAdministrator(error.to_string()),
    }
}

/// A new user is welcome, and a member has access already.
async fn members_and_others() {
    assert_eq!(reply(Ok(None), CommandOutcome::completed).await, Reply::Welcome);
    let member = User::default().with_email("ann@example.com").with_groups(["Design".to_owned()]);
    assert_eq!(reply(Ok(Some(member)), CommandOutcome::completed).await, Reply::HasAccessAlready);
}

/// An outage is temporary; a rejected command is not.
async fn failures() {
    let outage = ErrorBuilder::network("the connection was reset");
    assert_eq!(reply(Err(outage.clone()), CommandOutcome::completed).await, Reply::AskAgainLater);
    let lost = |command| CommandOutcome::unknown(command, ErrorBuilder::rejected(502).may_have_been_applied());
    assert_eq!(reply(Ok(None), lost).await, Reply::AskAgainLater);
    let full = |command| {
        let error =
            umapi::StepError::new(ErrorCode::from("error.license.quota_exceeded")).with_message("no license is left");
        CommandOutcome::rejected(command, error)
    };
    let why = "no license is left (error.license.quota_exceeded)".to_owned();
    assert_eq!(reply(Ok(None), full).await, Reply::AskAnAdministrator(why));
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    members_and_others().await;
    failures().await;
}

#[cfg(test)]
mod tests {
    #[tokio::test]
    async fn members_are_recognized() {
        super::members_and_others().await;
    }

    #[tokio::test]
    async fn failures_are_told_apart() {
        super::failures().await;
    }
}
