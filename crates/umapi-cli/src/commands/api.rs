//! `umapi api`.

use std::{io::Write, path::PathBuf};

use clap::Args;

use crate::{
    connection::Connection,
    context::Context,
    failure::{Exit, Failure, Result},
    input::read_whole,
};

/// Sends any request of the API, with login, pace and retries.
///
/// Writes the body of the answer. For what no other command does. The paths are those of the service's documentation; {org} stands for the organization.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi api GET '/users/{org}/0'
  umapi api GET '/users/{org}/0' --query directOnly=false --include
  umapi api POST '/action/{org}' --query testOnly=true --input commands.json")]
pub(crate) struct ApiArgs {
    /// GET, POST, PUT or DELETE.
    method: String,

    /// The path, beginning with a `/`.
    path: String,

    /// Adds a parameter to the address; may be given several times.
    #[arg(long, value_name = "NAME=VALUE", value_parser = parameter)]
    query: Vec<(String, String)>,

    /// Sends the JSON of this file; `-` is stdin.
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,

    /// Writes the status and the headers of the answer before its body.
    #[arg(long, short)]
    include: bool,
}

impl ApiArgs {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit> {
        let body = self.input.as_deref().map(read_whole).transpose()?;
        let connection = Connection::for_change(context, "request").await?;
        let mut request = connection.client.request(&self.method, self.path.replace("{org}", "{orgId}"));
        for (name, value) in &self.query {
            request = request.query(name, value);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        let answer = request.send().await;
        drop(connection);
        match answer {
            Ok(answer) => {
                let mut text = Vec::new();
                if self.include {
                    writeln!(text, "{}", answer.status)?;
                    for (name, value) in &answer.headers {
                        writeln!(text, "{name}: {value}")?;
                    }
                    writeln!(text)?;
                }
                text.extend(for_reader(context, answer.body));
                context.write(&text)?;
                Ok(Exit::Success)
            }
            Err(error) => {
                if let Some(body) = error.body() {
                    context.write(&for_reader(context, body.as_bytes().to_vec()))?;
                }
                let failure = Failure::of_service(format!("{} {} was not done", self.method, self.path), &error);
                Err(if error.is_invalid_input() { failure.remedy("umapi api --help has examples") } else { failure })
            }
        }
    }
}

/// JSON is indented for people, and comes as it is for programs.
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
    let (name, value) = text.split_once('=').ok_or("a parameter is written NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}
