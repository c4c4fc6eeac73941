//! `umapi auth`: check the login, get a token.

use std::time::{Duration, SystemTime};

use clap::{Args, Subcommand};
use serde::Serialize;
use umapi::auth::{Error, Login};

use crate::{
    config::{Access, PRODUCTION},
    connection::Connection,
    context::Context,
    failure::{Exit, Failure, Result},
    options::Format,
    output::{Column, Record, column, time},
};

/// Check the login, get an access token
#[derive(Debug, Subcommand)]
pub(crate) enum AuthCommand {
    Check(CheckArgs),
    Token(TokenArgs),
}

impl AuthCommand {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit> {
        match self {
            Self::Check(arguments) => arguments.run(context).await,
            Self::Token(arguments) => arguments.run(context).await,
        }
    }
}

/// Check the login: log in, and send one request to the service
///
/// The result shows the organization, the login, when the token expires, and whether the clock is right. An error says what
/// is missing and where to get it.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi auth check
  umapi auth check --profile main --format json")]
pub(crate) struct CheckArgs {}

/// The largest difference of clocks that the network can explain.
const TOLERATED_SKEW: Duration = Duration::from_secs(60);

/// The request of a check: a page of groups, which exists in few organizations. The service answers a page past the end with
/// an empty one. It limits how often the first page is read, and not how often this one is.
const CHECKED_PATH: &str = "/groups/{orgId}/1";

/// The result of a successful check.
#[derive(Serialize)]
struct LoginRecord {
    from: String,
    organization: String,
    login: &'static str,
    client_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    technical_account: Option<String>,
    server: String,
    login_server: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_valid_until: Option<String>,
    clock: String,
}

impl Record for LoginRecord {
    fn columns() -> Vec<Column<Self>> {
        vec![
            column("from", |login: &Self| (&login.from).into()),
            column("organization", |login| (&login.organization).into()),
            column("login", |login| login.login.into()),
            column("client_id", |login| (&login.client_id).into()),
            column("technical_account", |login| (&login.technical_account).into()),
            column("server", |login| (&login.server).into()),
            column("login_server", |login| (&login.login_server).into()),
            column("token_valid_until", |login| (&login.token_valid_until).into()),
            column("clock", |login| (&login.clock).into()),
        ]
    }
}

impl CheckArgs {
    async fn run(self, context: &Context) -> Result<Exit> {
        let connection = Connection::for_change(context, "login").await?;
        let access = &connection.access;
        let token = connection.session.token().await.map_err(|error| rejected(&error, access))?;
        let token_valid_until = token.expires().map(|end| time::utc_of(end, &context.clock));
        let answer = connection.client.request("GET", CHECKED_PATH).send().await;
        let answer = answer.map_err(|error| {
            let what = match error.status() {
                Some(401 | 403) => "the login succeeded, but the service rejects its token",
                None if error.is_connect() => "the login succeeded, but the service cannot be reached",
                _ => "the login succeeded, but a call of the service failed",
            };
            let failure = Failure::of_service(what, &error);
            match error.status() {
                Some(401 | 403) => failure.remedy(
                    "check in the Adobe Developer Console that the project of this client id has the User Management API, \
                     and that it belongs to this organization",
                ),
                _ => failure,
            }
        })?;
        let date = answer.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("date"));
        let (login, technical_account) = match access.credentials.login() {
            Login::ServiceAccount(account) => ("JWT exchange", Some(account.technical_account().to_owned())),
            _ => ("OAuth Server-to-Server", None),
        };
        let record = LoginRecord {
            from: access.origin.to_string(),
            organization: access.organization.clone(),
            login,
            client_id: access.credentials.client_id().to_owned(),
            technical_account,
            server: access.server.clone().unwrap_or_else(|| PRODUCTION.to_owned()),
            login_server: access.credentials.endpoint().to_string(),
            token_valid_until,
            clock: describe_clock(date.map(|(_, value)| value.as_str()), context.clock.wall()),
        };
        drop(connection);
        context.write_single(&record)?;
        Ok(Exit::Success)
    }
}

/// Compares the clock of this machine with the `Date` header of the service.
fn describe_clock(date: Option<&str>, now: SystemTime) -> String {
    let Some(server) = date.and_then(time::of_http) else {
        return "unknown: the service did not send its time".to_owned();
    };
    let (skew, direction) = match server.duration_since(now) {
        Ok(behind) => (behind, "behind"),
        Err(error) => (error.duration(), "ahead"),
    };
    match skew > TOLERATED_SKEW {
        true => format!("{} s {direction}; correct it, or logins will be rejected", skew.as_secs()),
        false => "right".to_owned(),
    }
}

/// Explains a rejected login: what is wrong, and where to correct it.
fn rejected(error: &Error, access: &Access) -> Failure {
    let failure = Failure::of_login(what_failed(error), error);
    let wrong_secret = format!(
        "copy the client secret again from the project in the Adobe Developer Console, and {}",
        access.secret_remedy
    );
    let remedy = if error.is_unknown_client() {
        "compare the client id with the one in the Adobe Developer Console (https://developer.adobe.com/console)"
    } else if error.is_wrong_secret() {
        &wrong_secret
    } else if error.is_invalid_signature() {
        "upload the certificate of this key to the project in the Adobe Developer Console, or create a new pair with \
         \"umapi cert new\""
    } else if error.is_invalid_scope() {
        "add the User Management API to the project in the Adobe Developer Console"
    } else if error.clock_skew().is_some() {
        "correct the clock of this machine"
    } else {
        return failure;
    };
    failure.remedy(remedy)
}

/// Only a server that was reached rejects a login.
fn what_failed(error: &Error) -> &'static str {
    match error.status() {
        Some(400..=499) => "the login was rejected",
        _ => "cannot log in",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_clock_is_reported() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let at = |seconds: i64| {
            let now = if seconds < 0 {
                now - Duration::from_secs(seconds.unsigned_abs())
            } else {
                now + Duration::from_secs(seconds.unsigned_abs())
            };
            describe_clock(Some("Sun, 06 Nov 1994 08:49:37 GMT"), now)
        };
        assert_eq!([at(0), at(59), at(-59)], ["right", "right", "right"]);
        assert!(at(600).starts_with("600 s ahead") && at(-600).starts_with("600 s behind"));
        assert!(describe_clock(None, now).contains("unknown"));
    }
}

/// Log in and write the access token to stdout, for another program
///
/// Until the token expires, it allows everything that the login allows. Keep it secret.
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  curl -H \"Authorization: Bearer $(umapi auth token)\" \\
      -H \"X-Api-Key: $CLIENT_ID\" \"$URL\"")]
pub(crate) struct TokenArgs {}

#[derive(Serialize)]
struct TokenRecord {
    access_token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_until: Option<String>,
}

impl Record for TokenRecord {
    fn columns() -> Vec<Column<Self>> {
        vec![
            column("access_token", |token: &Self| (&token.access_token).into()),
            column("valid_until", |token| (&token.valid_until).into()),
        ]
    }
}

impl TokenArgs {
    async fn run(self, context: &Context) -> Result<Exit> {
        let connection = Connection::for_change(context, "login").await?;
        let token = connection.session.token().await;
        let token = token.map_err(|error| Failure::of_login(what_failed(&error), &error))?;
        if context.format() == Format::Table {
            context.write(format!("{}\n", token.reveal()).as_bytes())?;
            return Ok(Exit::Success);
        }
        let valid_until = token.expires().map(|end| time::utc_of(end, &context.clock));
        let token = TokenRecord { access_token: token.reveal().to_owned(), valid_until };
        context.write_single(&token)?;
        Ok(Exit::Success)
    }
}
