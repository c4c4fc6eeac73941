//! `umapi auth`: check the login, get a token.

use std::time::{Duration, SystemTime};

use clap::{Args, Subcommand};
use serde::Serialize;
use umapi::auth::{Error, Login};

use crate::{
    connection::Connection,
    context::Context,
    failure::{Exit, Failure, Result},
    options::Format,
    output::{Column, Record, column, time},
};

/// The login: check it, get a token.
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

/// Checks the login: logs in, and asks the service something.
///
/// Shows which login and which organization, until when the token is valid, and whether the clock is right. If something
/// is missing, says what, and where to get it.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi auth check
  umapi auth check --profile main --format json")]
pub(crate) struct CheckArgs {}

/// A difference of clocks up to this is the network's.
const TOLERATED_SKEW: Duration = Duration::from_secs(60);

/// What a good login looks like.
#[derive(Serialize)]
struct Checked {
    from: String,
    organization: String,
    login: &'static str,
    client_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    technical_account: Option<String>,
    server: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_valid_until: Option<String>,
    clock: String,
}

impl Record for Checked {
    fn columns() -> Vec<Column<Self>> {
        vec![
            column("from", |checked: &Self| (&checked.from).into()),
            column("organization", |checked| (&checked.organization).into()),
            column("login", |checked| checked.login.into()),
            column("client_id", |checked| (&checked.client_id).into()),
            column("technical_account", |checked| (&checked.technical_account).into()),
            column("server", |checked| (&checked.server).into()),
            column("token_valid_until", |checked| (&checked.token_valid_until).into()),
            column("clock", |checked| (&checked.clock).into()),
        ]
    }
}

impl CheckArgs {
    async fn run(self, context: &Context) -> Result<Exit> {
        let connection = Connection::for_change(context, "login").await?;
        let access = &connection.access;
        let token = connection.session.token().await.map_err(|error| refused(&error))?;
        let token_valid_until = token.expires().map(|end| time::utc_of(end, &context.clock));
        let answer = connection.client.request("GET", "/groups/{orgId}/0").send().await.map_err(|error| {
            let failure = Failure::of_service("the login is good, but the service refuses it", &error);
            match error.status() {
                Some(401 | 403) => failure.remedy(
                    "see in the Adobe Developer Console that the User Management API belongs to the project of this client \
                     id, and that the organization is the one that the project is in",
                ),
                _ => failure,
            }
        })?;
        let date = answer.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("date"));
        let (login, technical_account) = match access.credentials.login() {
            Login::ServiceAccount(account) => ("JWT exchange", Some(account.technical_account().to_owned())),
            _ => ("OAuth Server-to-Server", None),
        };
        let checked = Checked {
            from: access.origin.to_string(),
            organization: access.organization.clone(),
            login,
            client_id: access.credentials.client_id().to_owned(),
            technical_account,
            server: access.server.clone().unwrap_or_else(|| "production".to_owned()),
            token_valid_until,
            clock: describe_clock(date.map(|(_, value)| value.as_str()), context.clock.wall()),
        };
        drop(connection);
        context.write_single(&checked)?;
        Ok(Exit::Success)
    }
}

/// What the `Date` of the answer says of the clock of this machine.
fn describe_clock(date: Option<&str>, now: SystemTime) -> String {
    let Some(server) = date.and_then(time::of_http) else {
        return "the service did not say what time it is".to_owned();
    };
    let (skew, direction) = match server.duration_since(now) {
        Ok(behind) => (behind, "behind"),
        Err(error) => (error.duration(), "ahead"),
    };
    match skew > TOLERATED_SKEW {
        true => format!("{} s {direction}: set it right, or logins will be refused", skew.as_secs()),
        false => "right".to_owned(),
    }
}

/// Why there is no token, and where to get what is missing.
fn refused(error: &Error) -> Failure {
    let failure = Failure::of_login("the login is refused", error);
    let remedy = if error.is_unknown_client() {
        "compare the client id with that of the project in the Adobe Developer Console (https://developer.adobe.com/console)"
    } else if error.is_wrong_secret() {
        "copy the client secret again from the project in the Adobe Developer Console: umapi config set-secret"
    } else if error.is_invalid_signature() {
        "upload the certificate of this key to the project in the Adobe Developer Console; umapi cert new makes a pair"
    } else if error.is_invalid_scope() {
        "add the User Management API to the project in the Adobe Developer Console"
    } else if error.clock_skew().is_some() {
        "set the clock of this machine right"
    } else if error.is_network() {
        "check the network, the proxy, and the address of the login"
    } else {
        return failure;
    };
    failure.remedy(remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_off_is_noticed() {
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
        assert!(describe_clock(None, now).contains("did not say"));
    }
}

/// Logs in and writes the access token to stdout, for another program.
///
/// Whoever has the token can do everything that the login can, until it expires.
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  curl -H \"Authorization: Bearer $(umapi auth token)\" -H \"X-Api-Key: $CLIENT_ID\" …")]
pub(crate) struct TokenArgs {}

#[derive(Serialize)]
struct Token {
    access_token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_until: Option<String>,
}

impl Record for Token {
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
        let token = token.map_err(|error| Failure::of_login("the login is refused", &error))?;
        if context.format() == Format::Table {
            context.write(format!("{}\n", token.reveal()).as_bytes())?;
            return Ok(Exit::Success);
        }
        let valid_until = token.expires().map(|end| time::utc_of(end, &context.clock));
        let token = Token { access_token: token.reveal().to_owned(), valid_until };
        context.write_single(&token)?;
        Ok(Exit::Success)
    }
}
