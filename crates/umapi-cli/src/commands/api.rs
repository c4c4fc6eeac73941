//! `umapi api`: send any request of the API.

use std::{io::Write, path::PathBuf};

use clap::Args;
use umapi::{Command, StopHandle};

use crate::{
    batch::keep_cache,
    cache::{CachedList, RunChanges},
    connection::Connection,
    context::Context,
    failure::{Exit, Failure, Result},
    input::read_whole,
};

/// Send any request of the API, with login, rate limits and retries
///
/// Writes the body of the response to stdout. Use the paths of the service's documentation; {org} is replaced with the
/// organization id.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi api GET '/users/{org}/0'
  umapi api GET '/users/{org}/0' --query directOnly=false --include
  umapi api POST '/action/{org}' --query testOnly=true --input commands.json")]
pub(crate) struct ApiArgs {
    /// The method: GET, POST, PUT or DELETE
    method: String,

    /// The path, e.g. '/users/{org}/0'
    path: String,

    /// Add a query parameter; can be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = parameter)]
    query: Vec<(String, String)>,

    /// Send the JSON in this file; `-` is stdin
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,

    /// Write the status and the headers of the response before the body
    #[arg(long, short)]
    include: bool,
}

impl ApiArgs {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit> {
        let body = self.input.as_deref().map(read_whole).transpose()?;
        let connection = Connection::for_change(context, "request").await?;
        let counted = self.counted_list();
        if let Some(list) = counted {
            connection.wait_for_first_page(context, list).await?;
        }
        self.note_change(context, &connection, body.as_deref());
        let mut request = connection.client.request(&self.method, self.path.replace("{org}", "{orgId}"));
        for (name, value) in &self.query {
            request = request.query(name, value);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        // A request that may change something is finished, so that its outcome is known.
        let stop = StopHandle::new();
        let interrupt = (!self.is_read()).then(|| context.interrupts.stop(&stop));
        if stop.is_stopped() {
            return Err(Failure::new(Exit::Interrupted, "interrupted; the request was not sent"));
        }
        let response = request.send().await;
        drop(interrupt);
        if let (Some(list), Some(cache), Ok(_)) = (counted, &connection.cache, &response) {
            keep_cache(context, cache.record_first_page(list, context.clock.wall()));
        }
        drop(connection);
        match response {
            Ok(response) => {
                let mut text = Vec::new();
                let is_web_page = response.headers.iter().any(|(name, value)| {
                    name.eq_ignore_ascii_case("content-type") && value.to_ascii_lowercase().starts_with("text/html")
                });
                if self.include {
                    writeln!(text, "{}", response.status)?;
                    for (name, value) in &response.headers {
                        writeln!(text, "{name}: {value}")?;
                    }
                    writeln!(text)?;
                }
                text.extend(for_reader(context, response.body));
                context.write(&text)?;
                if is_web_page {
                    return Err(self.not_of_the_service());
                }
                Ok(if stop.is_stopped() { Exit::Interrupted } else { Exit::Success })
            }
            Err(error) => {
                if let Some(body) = error.body() {
                    // The failure is more important than output that cannot be written.
                    let _ = context.write(&for_reader(context, body.as_bytes().to_vec()));
                }
                let failure = Failure::of_service(format!("{} {} failed", self.method, self.path), &error);
                Err(if error.is_invalid_input() {
                    failure.remedy("see the examples in \"umapi api --help\"")
                } else {
                    failure
                })
            }
        }
    }
}

impl ApiArgs {
    /// The failure of a request that got a web page with a status of success, which no API sends.
    fn not_of_the_service(&self) -> Failure {
        let unknown =
            if self.is_read() { "" } else { "; the change may have been made, so check before you repeat it" };
        Failure::new(Exit::Network, format!("{} {} failed", self.method, self.path))
            .why(format!("a web page came in place of the service's response, probably of a proxy or gateway{unknown}"))
            .remedy("check the address of the service and the proxy")
    }

    /// The list whose first page this reads, which the service limits by the hour.
    fn counted_list(&self) -> Option<CachedList> {
        let parts: Vec<&str> = self.path.trim_matches('/').split('/').collect();
        match parts.as_slice() {
            ["groups", _, "0"] if self.is_read() => Some(CachedList::Groups),
            ["users", _, "0"] if self.is_read() => Some(CachedList::Users),
            _ => None,
        }
    }

    fn is_read(&self) -> bool {
        self.method.eq_ignore_ascii_case("GET")
    }

    /// Notes for the cached lists what the request changes. What is not known drops them.
    fn note_change(&self, context: &Context, connection: &Connection, body: Option<&[u8]>) {
        let is_test = self.query.iter().any(|(name, value)| name == "testOnly" && value.eq_ignore_ascii_case("true"));
        let Some(cache) = connection.cache.as_ref().filter(|_| !self.is_read() && !is_test) else { return };
        let commands: Option<Vec<Command>> = body.and_then(|body| serde_json::from_slice(body).ok());
        let noted = match commands {
            Some(commands) if self.path.trim_start_matches('/').starts_with("action/") => {
                RunChanges::begin(Some(cache), commands.len() as u64, false).and_then(|changes| {
                    (0..).zip(&commands).try_for_each(|(number, command)| changes.before(number, command))
                })
            }
            _ => cache.drop_all(),
        };
        keep_cache(context, noted);
    }
}

/// Indents JSON on a terminal. Other programs get the body as it is.
fn for_reader(context: &Context, body: Vec<u8>) -> Vec<u8> {
    let is_json = |body: &[u8]| serde_json::from_slice::<serde_json::Value>(body).ok();
    if context.terminal.is_stdout
        && let Some(value) = is_json(&body)
        && let Ok(mut pretty) = serde_json::to_vec_pretty(&value)
    {
        pretty.push(b'\n');
        return pretty;
    }
    body
}

fn parameter(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("a query parameter has the form NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}
