//! Checks of one exchange: against the description, and against what DIFFERENCES.md says about responses.

use std::collections::BTreeSet;

use http::{HeaderMap, HeaderValue, Method, header::CONTENT_TYPE};
use serde_json::Value;
use umapi_model::{ErrorCode, Operation};
use umapi_recording::ListOrder;

use super::{Claim, Exchange, Tallies};
use crate::{
    contract::{Api, Contract, NoRoute, Route},
    http::Request,
};

const APIS: [Api; 2] = [Api::UserManagement, Api::Login];

/// The fields of an error, in the order in which the service writes them.
const FIELDS: [&str; 6] = ["index", "step", "message", "errorCode", "requestID", "user"];

/// Checks an exchange.
pub(super) fn check(exchange: Exchange<'_>, contract: &Contract, tallies: &mut Tallies) {
    let entry = exchange.entry;
    if !entry.has_response() || entry.umapi.omitted.is_some() {
        tallies.unread += 1;
        return;
    }
    let Some(request) = request(exchange) else {
        tallies.unread += 1;
        return;
    };
    let (line, status) = (exchange.line, entry.response.status);
    request_id(exchange, tallies);
    let body = exchange.response();
    match contract.route(&APIS, &request.method, &request.path, true) {
        Route::Found { endpoint, path } => {
            // A proxy or a gateway may answer in place of the service.
            let is_described = endpoint.describes(status);
            if is_described {
                let text = entry.response.content.text.as_deref().unwrap_or_default();
                let mismatches = endpoint.mismatches(status, text.as_bytes());
                let text =
                    (!mismatches.is_empty()).then(|| format!("{}: {}", endpoint.target.id(), mismatches.join("; ")));
                tallies.judge(Claim::Description, line, text);
            } else {
                tallies.news(line, format!("the status {status}"));
            }
            // The form of a login is not JSON.
            if exchange.operation().is_some() {
                let problem = endpoint.check_parameters(&path, &request).and_then(|()| endpoint.check_body(&request));
                let is_accepted = (200..300).contains(&status)
                    && body
                        .as_ref()
                        .and_then(|body| body.get("errors"))
                        .and_then(Value::as_array)
                        .is_none_or(Vec::is_empty);
                if let Err(problem) = problem {
                    let text = format!("{} was accepted, though {}", endpoint.target.id(), problem.message);
                    tallies.judge(Claim::Strictness, line, is_accepted.then_some(text));
                }
            }
            if request.path.ends_with('/') {
                let text = (status == 404 && code(body.as_ref()) == Some("404000"))
                    .then(|| "the path with a final slash is unknown".to_owned());
                tallies.judge(Claim::FinalSlash, line, text);
            }
        }
        Route::None(NoRoute::BadOrganization) | Route::Status => {}
        Route::None(reason) => {
            let expected = if matches!(reason, NoRoute::UnknownPath) { (404, "404000") } else { (405, "405000") };
            let found = (status, code(body.as_ref()).unwrap_or("none"));
            let text = (found != expected).then(|| format!("status {} with the code {}", found.0, found.1));
            tallies.judge(Claim::UnknownPath, line, text);
        }
    }
    if let Some(body) = &body {
        refusal(exchange, body, tallies);
        legacy_code(exchange, body, tallies);
        messages(exchange, body, tallies);
        if (200..300).contains(&status) {
            list(exchange, body, tallies);
            if exchange.operation() == Some(Operation::ExecuteActions) {
                actions(exchange, body, tallies);
            }
        }
    }
    past_the_end(exchange, body.as_ref(), tallies);
}

/// The request of an entry, as the emulator gets it.
pub(super) fn request(exchange: Exchange<'_>) -> Option<Request> {
    let entry = exchange.entry;
    let (path, query) =
        exchange.target().split_once('?').map_or((exchange.target(), None), |(path, query)| (path, Some(query)));
    let mut headers = HeaderMap::new();
    let body = entry.request_body().unwrap_or_default();
    if !body.is_empty() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    Some(Request {
        id: format!("line-{}", exchange.line),
        method: Method::from_bytes(entry.request.method.as_bytes()).ok()?,
        path: path.to_owned(),
        query: query.map(str::to_owned),
        headers,
        body: body.to_owned().into(),
    })
}

/// The code of an error, in any shape.
pub(super) fn code(body: Option<&Value>) -> Option<&str> {
    let body = body?;
    ["error_code", "errorCode", "result"].iter().find_map(|name| body.get(name)).and_then(Value::as_str)
}

fn request_id(exchange: Exchange<'_>, tallies: &mut Tallies) {
    let Some(sent) = exchange.entry.request_headers("x-request-id").next() else { return };
    let text = match exchange.header("x-request-id") {
        Some(received) if received == sent => None,
        Some(_) => Some("the response has another id".to_owned()),
        None => Some("the response has no `X-Request-Id`".to_owned()),
    };
    tallies.judge(Claim::RequestIdEchoed, exchange.line, text);
}

/// Which codes a refused login or API key gets.
fn refusal(exchange: Exchange<'_>, body: &Value, tallies: &mut Tallies) {
    if exchange.operation().is_none() {
        return;
    }
    let known: &[&str] = match exchange.entry.response.status {
        401 => &["401013", "error.unauthorized"],
        403 => &["403000", "403003", "error.organization.migrating"],
        _ => return,
    };
    let found = code(Some(body)).unwrap_or("none");
    let text =
        (!known.contains(&found)).then(|| format!("status {} with the code {found}", exchange.entry.response.status));
    tallies.judge(Claim::Refusals, exchange.line, text);
}

/// The codes of the deprecated endpoints.
fn legacy_code(exchange: Exchange<'_>, body: &Value, tallies: &mut Tallies) {
    let is_legacy =
        |operation: Operation| operation.path().contains("/user-groups") || operation.path().contains("/products");
    let is_error = matches!(exchange.entry.response.status, 400 | 404 | 405..=428);
    if !is_error || !exchange.operation().is_some_and(is_legacy) {
        return;
    }
    let found = code(Some(body)).unwrap_or("none");
    let is_known = ErrorCode::CATALOG.iter().any(|entry| entry.code == found);
    let status = exchange.entry.response.status;
    tallies.judge(Claim::Codes, exchange.line, (!is_known).then(|| format!("status {status} with the code {found}")));
}

/// Compares the messages of known codes with those that the emulator sends.
fn messages(exchange: Exchange<'_>, body: &Value, tallies: &mut Tallies) {
    let mut errors: Vec<&Value> = vec![body];
    for list in ["errors", "warnings"] {
        errors.extend(body.get(list).and_then(Value::as_array).into_iter().flatten());
    }
    for error in errors {
        let text = |names: &[&str]| names.iter().find_map(|name| error.get(name)).and_then(Value::as_str);
        let (Some(code), Some(message)) =
            (text(&["errorCode", "warningCode", "error_code", "result"]), text(&["message", "errorMessage"]))
        else {
            continue;
        };
        let Some(entry) = ErrorCode::CATALOG.iter().find(|entry| entry.code == code) else { continue };
        if entry.messages.is_empty() || message == code {
            continue;
        }
        let is_known = entry.messages.iter().any(|known| has_shape(known, message));
        let text = (!is_known).then(|| format!("{code}: `{message}`, not `{}`", entry.messages.join("` or `")));
        tallies.judge(Claim::Messages, exchange.line, text);
    }
}

/// Whether a message has the words of a template, with anything in its places.
fn has_shape(template: &str, message: &str) -> bool {
    let literals = template.split('{').enumerate().map(|(index, part)| match index {
        0 => part,
        _ => part.split_once('}').map_or("", |(_, literal)| literal),
    });
    let mut rest = message;
    for (index, literal) in literals.enumerate() {
        match rest.find(literal) {
            Some(0) if index == 0 => rest = &rest[literal.len()..],
            Some(at) if index > 0 => rest = &rest[at + literal.len()..],
            _ => return false,
        }
    }
    true
}

/// What pages say about their list.
fn list(exchange: Exchange<'_>, body: &Value, tallies: &mut Tallies) {
    let line = exchange.line;
    let items = ["users", "groups"]
        .iter()
        .find_map(|name| body.get(name))
        .or(body.is_array().then_some(body))
        .and_then(Value::as_array);
    let Some(items) = items else { return };
    let is_list_of_users = matches!(exchange.operation(), Some(Operation::ListUsers | Operation::ListUsersInGroup));
    let facts = &exchange.entry.umapi.facts;
    for (order, what) in [
        (facts.emails, "users are not in the order of their addresses"),
        (facts.group_ids, "groups are not in the order of their ids"),
    ] {
        let Some(order) = order else { continue };
        let mut text = (order == ListOrder::Unordered).then(|| what.to_owned());
        if let Some(text) = &mut text
            && facts.emails_by_code_point.is_some_and(|order| order != ListOrder::Unordered)
        {
            text.push_str(", but in that of code points");
        }
        tallies.judge(Claim::OrderOfLists, line, text);
    }
    let count = items.len() as u64;
    let [total, pages, current, size] =
        ["x-total-count", "x-page-count", "x-current-page", "x-page-size"].map(|name| exchange.number(name));
    if let (Some(size), Some(pages), Some(total)) = (size, pages, total) {
        let expected = if pages == 1 { total } else { count };
        let text = (size != expected).then(|| {
            format!("`X-Page-Size` is {size}, with {count} entries on the page, {total} in all, {pages} pages")
        });
        tallies.judge(Claim::PageSize, line, text);
    }
    if let Some(total) = total {
        if total < count {
            let text = format!("`X-Total-Count` is {total}, with {count} entries on the page");
            tallies.contradict(Claim::TotalCount, line, text);
        } else if is_list_of_users {
            tallies.agree(Claim::TotalCount);
        }
    }
    if let (Some(last), Some(pages), Some(current)) = (body.get("lastPage").and_then(Value::as_bool), pages, current) {
        let is_last = is_last(current, pages);
        let text =
            (last != is_last).then(|| format!("`lastPage` is {last} on page {current} (`X-Current-Page`) of {pages}"));
        tallies.judge(Claim::LastPage, line, text);
    }
    if is_list_of_users {
        let other = items.iter().filter_map(|user| user.get("status")?.as_str()).find(|status| *status != "active");
        if !items.is_empty() {
            tallies.judge(
                Claim::ListedUsersAreActive,
                line,
                other.map(|status| format!("a user with the status `{status}` is listed")),
            );
        }
    }
    if exchange.operation() == Some(Operation::ListGroups) {
        for group in items.iter().filter(|group| group["type"] == "PRODUCT_PROFILE") {
            let text = match group.get("licenseQuota") {
                Some(Value::String(quota))
                    if quota == "UNLIMITED" || quota.bytes().all(|byte| byte.is_ascii_digit()) =>
                {
                    None
                }
                Some(quota) => Some(format!("the quota of a profile is {quota}")),
                None => Some("a profile has no `licenseQuota`".to_owned()),
            };
            tallies.judge(Claim::Quota, line, text);
        }
    }
}

/// Whether a page is the last of so many. Both numbers are the server's, and may be anything.
fn is_last(current: u64, pages: u64) -> bool {
    current.checked_add(1).is_none_or(|next| next >= pages)
}

/// A page past the end of a list.
fn past_the_end(exchange: Exchange<'_>, body: Option<&Value>, tallies: &mut Tallies) {
    let asked: Option<u64> = exchange.entry.parameter("page").and_then(|page| page.parse().ok());
    let Some(asked) = asked else { return };
    let is_groups = exchange.operation() == Some(Operation::ListGroups);
    match (exchange.number("x-current-page"), exchange.number("x-page-count"), body) {
        (Some(current), Some(pages), Some(_)) if asked >= pages.max(1) => {
            let text = (is_groups || current.checked_add(1) != Some(pages.max(1)))
                .then(|| format!("page {asked} of {pages} is page {current}"));
            tallies.judge(Claim::PastTheEnd, exchange.line, text);
        }
        (_, _, Some(body)) if is_groups && body["result"] == "Not found" => tallies.agree(Claim::PastTheEnd),
        _ => {}
    }
}

/// What the response to an action request says.
fn actions(exchange: Exchange<'_>, body: &Value, tallies: &mut Tallies) {
    let line = exchange.line;
    let Some(commands) = exchange.entry.request_body().and_then(|text| serde_json::from_str::<Vec<Value>>(text).ok())
    else {
        return;
    };
    let count = |name: &str| body.get(name).and_then(Value::as_u64).unwrap_or_default();
    let errors: Vec<&Value> = body.get("errors").and_then(Value::as_array).into_iter().flatten().collect();
    let [completed, not_completed, tested] = [count("completed"), count("notCompleted"), count("completedInTestMode")];
    let failed: BTreeSet<u64> = errors.iter().filter_map(|error| error["index"].as_u64()).collect();
    // Wider than the counts: a server can send any.
    let sum = [completed, not_completed, tested].into_iter().map(u128::from).sum::<u128>();
    let text = if sum != commands.len() as u128 {
        Some(format!(
            "{completed} completed, {not_completed} not, {tested} in test mode, of {} commands",
            commands.len()
        ))
    } else if failed.len() as u64 != not_completed {
        Some(format!("{not_completed} commands are not completed, and {} have an error", failed.len()))
    } else {
        None
    };
    tallies.judge(Claim::CountsOfCommands, line, text);
    let is_test = exchange.entry.query("testOnly").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let wrong = if is_test { completed > 0 } else { tested > 0 };
    tallies.judge(
        Claim::TestModeChangesNothing,
        line,
        wrong.then(|| format!("testOnly={is_test}, {completed} completed, {tested} in test mode")),
    );
    // Two errors of one command: the step after a failed one was tried.
    if errors.len() > failed.len() {
        tallies.agree(Claim::LaterSteps);
    }
    let text = exchange.entry.response.content.text.as_deref().unwrap_or_default();
    if errors.len() == 1
        && let Some(start) = text.find("\"errors\"")
    {
        let places: Vec<usize> =
            FIELDS.iter().filter_map(|field| text[start..].find(&format!("\"{field}\":"))).collect();
        tallies.judge(
            Claim::FieldsOfErrors,
            line,
            (!places.is_sorted()).then(|| "the fields have another order".to_owned()),
        );
    }
}
