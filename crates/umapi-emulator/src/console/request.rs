//! One request: what was received, what each part of the emulator did with it, what changed, and how to send it again.

use std::collections::BTreeMap;

use maud::{Markup, html};
use serde_json::Value;
use umapi_model::{AnyOperation, Operation};

use super::{
    Content, Context, Outcome, PageError, Section, faults,
    form::link,
    requests::status,
    snippets,
    words::{self, date_time, took},
};
use crate::{
    journal::{HttpExchange, Stage},
    limits::LimitScope,
    store::LedgerEntry,
};

/// The longest body that is shown, in bytes.
const LONGEST: usize = 100_000;

/// The most changes, and the most commands, that are shown.
const MOST: usize = 200;

/// The page of a request.
pub(super) fn page(context: &Context<'_>, seq: &str) -> Result<Outcome, PageError> {
    let missing = || PageError::not_found(format_args!("Request {seq} of the journal"));
    let seq: u64 = seq.parse().map_err(|_| missing())?;
    let exchange = context.app.journal.newest(seq..=seq, 1).pop().ok_or_else(missing)?;
    let changes = match exchange.effects {
        Some(range) => context.app.store.read(|r| r.changes_in(range, &exchange.request_id, MOST))?,
        None => Vec::new(),
    };
    let origin = context.app.console.origin(exchange.headers.get("host").map_or("localhost", String::as_str));
    let name = exchange.operation.map_or("Unknown path", AnyOperation::id);
    let body = html! {
        p.lead {
            (status(exchange.status)) " " code { (exchange.method) " " (exchange.path)
            @if let Some(query) = &exchange.query { "?" (query) } }
        }
        dl.facts {
            div { dt { "Received" } dd { (date_time(exchange.at)) } }
            div { dt { "Took" } dd { (took(exchange.took)) } }
            div { dt { "Client" } dd {
                @match &exchange.client {
                    Some(client) => a href=(link("/", &[("client", client)])) { (client) },
                    None => "none",
                }
            } }
            div { dt { "Request id" } dd { a href=(link("/", &[("id", &exchange.request_id)])) { (exchange.request_id) } } }
        }
        h2 { "What happened" }
        (steps(context, &exchange, &changes))
        h2 { "Request" }
        div.scroll tabindex="0" role="region" aria-label="Headers" {
            table {
                thead { tr { th { "Header" } th { "Value" } } }
                tbody { @for (name, value) in &exchange.headers { tr { td.nowrap { (name) } td.break { (value) } } } }
            }
        }
        (text("Body of the request", exchange.body.as_deref(), "The request has no body."))
        h2 { "Response" }
        (text("Body of the response", exchange.response.as_deref(), "The journal keeps the bodies of errors and of action requests only."))
        h2 { "Send it again" }
        @if exchange.body.as_ref().is_some_and(|body| body.len() > LONGEST) {
            p { "The body is too large to be shown." }
        } @else {
            p.quiet { "Secrets are not in the journal: put a token into the variable " code { "TOKEN" } "." }
            (snippet("curl", "curl", &snippets::curl(&exchange, &origin)))
            (snippet("rust", "Rust", &snippets::rust(&exchange, &origin)))
            @if let Some(command) = snippets::umapi(&exchange) { (snippet("umapi", "umapi api", &command)) }
        }
    };
    Ok(Outcome::Page(Content::new(Section::Requests, name, body)))
}

/// What each part of the emulator did, in its order.
fn steps(context: &Context<'_>, exchange: &HttpExchange, changes: &[LedgerEntry]) -> Markup {
    let is_login = matches!(exchange.operation, Some(AnyOperation::Login(_)));
    // Not reached: a rule answered, or reset the connection, before.
    let stage = exchange.stage;
    html! {
        ol.steps {
            @match exchange.operation {
                Some(operation) => li.ok { strong { "Path. " } "It is the operation " code { (operation.id()) } "." },
                None => li.stop { strong { "Path. " } "No operation has this path and method." },
            }
            @for id in &exchange.faults {
                li.fault { strong { "Fault rule " (id) ". " }
                    @match context.app.faults.get(*id) {
                        Some(state) => (faults::summary(&state.rule)),
                        None => "The rule was removed meanwhile.",
                    }
                }
            }
            @if stage.is_none() {
                li.stop { strong { "Stopped. " } "The connection was reset before the service saw the request, or the client hung up." }
            }
            @if stage == Some(Stage::Fault) { li.stop { strong { "Stopped. " } "The rule answered; the service did not see the request." } }
            @if let (false, Some(stage @ (Stage::Login | Stage::Limits | Stage::Description | Stage::Service))) = (is_login, stage) {
                @if stage == Stage::Login {
                    li.stop { strong { "Login. " } "Token, API key or organization were refused." }
                } @else {
                    li.ok { strong { "Login. " } "Token and API key are valid." }
                    @if stage == Stage::Limits {
                        li.stop { strong { "Rate limits. " } (exceeded(exchange)) }
                    } @else {
                        li.ok { strong { "Rate limits. " } "A call was left." }
                        @if stage == Stage::Description {
                            li.stop { strong { "Description. " } "The request does not match the description of the API." }
                        } @else {
                            li.ok { strong { "Description. " } "The request matches." }
                        }
                    }
                }
            }
            @if stage == Some(Stage::Service) {
                li.ok { strong { @if is_login { "Login service. " } @else { "Service. " } } (service(exchange, changes)) }
            }
            @match exchange.status {
                Some(code) => li.end { strong { "Response. " } (status(Some(code))) " after " (took(exchange.took)) "." },
                None => li.stop { strong { "Response. " } "None: the connection was reset." },
            }
        }
    }
}

fn exceeded(exchange: &HttpExchange) -> Markup {
    let Some(limit) = exchange.exceeded_limit else { return html! { "The limit was exceeded." } };
    let whose = if limit.scope == LimitScope::Client { "this client" } else { "all clients together" };
    html! {
        "The limit " code { (limit.name) } " of " (whose)
        @if limit.blocked { " was exceeded by an earlier call, and the client is still blocked." }
        @else { " was exceeded by this call." }
        " " a href="/console/limits" { "Limits" }
    }
}

/// What the service did: for an action request step by step, otherwise as a list of changes.
fn service(exchange: &HttpExchange, changes: &[LedgerEntry]) -> Markup {
    let commands = match exchange.body.as_deref().map(serde_json::from_str::<Value>) {
        Some(Ok(Value::Array(commands))) if exchange.operation == Some(Operation::ExecuteActions.into()) => commands,
        _ => Vec::new(),
    };
    let is_dry_run = exchange.query.as_deref().is_some_and(|query| {
        form_urlencoded::parse(query.as_bytes())
            .any(|(name, value)| name == "testOnly" && value.eq_ignore_ascii_case("true"))
    });
    let result: Value =
        exchange.response.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let is_unknown = exchange.response.is_none() || result["completed"].is_null();
    let (mut by_step, mut others) = (BTreeMap::<_, Vec<_>>::new(), Vec::new());
    for change in changes {
        match (change.cause.command, change.cause.step) {
            (Some(command), Some(step)) => by_step.entry((command as usize, step as usize)).or_default().push(change),
            _ => others.push(change),
        }
    }
    html! {
        @if is_dry_run { "A dry run: everything was checked, and nothing was changed. " }
        @else if changes.is_empty() { "Nothing was changed. " }
        @else { (words::count(changes.len(), "change was", "changes were")) " made" @if changes.len() >= MOST { " or more" } ". " }
        @if !others.is_empty() { ul { @for change in others { li { (words::change(change)) } } } }
        @if !commands.is_empty() {
            ol.commands {
                @for (i, command) in commands.iter().take(MOST).enumerate() {
                    li {
                        @let root = ["user", "usergroup"].into_iter().find_map(|key| command[key].as_str().map(|name| (key, name)));
                        @match root {
                            Some((key, name)) => { (key) " " strong { (name) } },
                            None => "a command without a user or user group",
                        }
                        ol {
                            @for (j, step) in command["do"].as_array().into_iter().flatten().enumerate() {
                                li {
                                    code { (step_name(step)) } " "
                                    (step_result(&result, i, j, by_step.get(&(i, j)).map_or(&[], Vec::as_slice), is_unknown, is_dry_run))
                                }
                            }
                        }
                    }
                }
            }
            @if commands.len() > MOST { p { "More commands are not shown." } }
        }
    }
}

fn step_name(step: &Value) -> String {
    let names: Vec<_> = step.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    if names.is_empty() { step.to_string().chars().take(40).collect() } else { names.join(", ") }
}

fn step_result(
    result: &Value,
    command: usize,
    step: usize,
    changes: &[&LedgerEntry],
    is_unknown: bool,
    is_dry_run: bool,
) -> Markup {
    let is_this = |entry: &&Value| entry["index"] == command && entry["step"] == step;
    let of = |list: &str| result[list].as_array().and_then(|list| list.iter().find(is_this));
    html! {
        @if let Some(error) = of("errors") {
            span.tag.bad { "failed" } " " (error["message"].as_str().unwrap_or_default())
            " (" code { (error["errorCode"].as_str().unwrap_or_default()) } ")"
        } @else if !changes.is_empty() {
            span.tag.good { "done" }
            ul { @for change in changes { li { (words::change(change)) } } }
        } @else if is_unknown {
            span.quiet { "nothing was changed; the response does not say why" }
        } @else if is_dry_run {
            span.quiet { "no error" }
        } @else {
            span.quiet { "no error, nothing to change" }
        }
        @if let Some(warning) = of("warnings") { p.quiet { (warning["message"].as_str().unwrap_or_default()) } }
    }
}

/// A body: JSON with indents, other text as it is.
fn text(label: &str, body: Option<&str>, none: &str) -> Markup {
    let Some(body) = body.filter(|body| !body.is_empty()) else { return html! { p.quiet { (none) } } };
    if body.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|end| body.is_char_boundary(*end)).unwrap_or(0);
        return html! {
            pre tabindex="0" role="region" aria-label=(label) { (body[..end]) }
            p.quiet { "Only the first " (words::bytes(end)) " of " (words::bytes(body.len())) " are shown." }
        };
    }
    let pretty = serde_json::from_str::<Value>(body).ok().and_then(|json| serde_json::to_string_pretty(&json).ok());
    html! { pre tabindex="0" role="region" aria-label=(label) { (pretty.as_deref().unwrap_or(body)) } }
}

fn snippet(id: &str, name: &str, text: &str) -> Markup {
    html! {
        div.snippet {
            h3 { (name) }
            button.quiet type="button" data-copy=(id) hidden { "Copy" span.unseen { " as " (name) } }
            pre id=(id) tabindex="0" role="region" aria-label=(name) { (text) }
        }
    }
}
