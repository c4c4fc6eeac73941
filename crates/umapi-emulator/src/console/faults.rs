//! The fault rules: their list with counts, and a form for a new one.
//!
//! The form becomes the JSON that the management API takes, so there is one way to make a rule.

use maud::{Markup, html};
use serde_json::{Map, Value, json};
use umapi_model::AnyOperation;

use super::{Content, Context, Outcome, PageError, Section, form::Fields, frame, words};
use crate::{app::AppState, faults::FaultRule, generated::action_step::ActionStep, manage::ManageError};

/// The outcomes of the form.
const OUTCOMES: [(&str, &str); 10] = [
    ("answer", "Answer with a status"),
    ("throttled", "Answer 429, too many requests"),
    ("html", "Answer with the page of a gateway"),
    ("resetBefore", "Reset the connection before applying"),
    ("resetAfter", "Apply, then reset the connection"),
    ("cutOff", "Apply, and cut the response off"),
    ("invalidJson", "Apply, and send invalid JSON"),
    ("expiredToken", "Revoke the token of the request"),
    ("step", "Fail steps of action requests"),
    ("delay", "Only delay"),
];

pub(super) fn page(context: &Context<'_>) -> Result<Outcome, PageError> {
    let rules = context.app.faults.list();
    let body = html! {
        p.quiet { "A rule makes calls fail. If several apply, delays add up, and for everything else the first one wins." }
        @if rules.is_empty() {
            p.empty { "No rules." }
        } @else {
            div.scroll tabindex="0" role="region" aria-label="Fault rules" {
                table data-live="/console/live/faults" {
                    thead { tr {
                        th { "Rule" } th { "What it does" } th.number { "Matched" } th.number { "Fired" } th { "State" }
                        th { span.unseen { "Change" } }
                    } }
                    tbody {
                        @for state in &rules {
                            @let id = state.id.to_string();
                            @let (is_on, switched) = if is_enabled(&state.rule) { ("on", "false") } else { ("off", "true") };
                            tr {
                                td { (id) }
                                td {
                                    (summary(&state.rule))
                                    details { summary { "As JSON" } pre { (pretty(&state.rule)) } }
                                }
                                (count(state.id, "matched", state.matched))
                                (count(state.id, "fired", state.fired))
                                td { (is_on) }
                                td.actions {
                                    (frame::button(context, "/console/faults/switch", if switched == "true" { "Switch on" } else { "Switch off" },
                                        &[("id", &id), ("enabled", switched)]))
                                    (frame::button(context, "/console/faults/remove", "Remove", &[("id", &id)]))
                                }
                            }
                        }
                    }
                }
            }
            div.toolbar { (frame::button(context, "/console/faults/clear", "Remove all rules", &[])) }
        }
        h2 { "Add a rule" }
        (form(context))
        details open[context.form.has("rule")] {
            summary { "Add a rule as JSON" }
            form method="post" action="/console/faults/json" {
                (context.token())
                label { "The rule, as in " code { "POST /faults" }
                    textarea name="rule" rows="8" spellcheck="false" {
                        (if context.form.has("rule") { context.form.raw("rule") } else { EXAMPLE })
                    }
                }
                button { "Add" }
            }
        }
    };
    Ok(Outcome::Page(Content::new(Section::Faults, "Faults", body)))
}

const EXAMPLE: &str = r#"{
  "operation": "listUsers",
  "outcome": { "type": "patch", "patch": { "lastPage": true } },
  "when": { "from": 2, "times": 1 }
}"#;

fn form(context: &Context<'_>) -> Markup {
    let form = &context.form;
    let value = |name: &str, default: &'static str| {
        if form.has(name) { form.raw(name).to_owned() } else { default.to_owned() }
    };
    let operations: Vec<_> = AnyOperation::all().map(|operation| (operation.id(), operation.id())).collect();
    let operations = [&[("*", "all operations")][..], &operations].concat();
    let named = ActionStep::ALL.map(|step| (step.name(), step.name()));
    let steps: Vec<_> = [("*", "every step")].into_iter().chain(named).collect();
    html! {
        form.sheet method="post" action="/console/faults/add" {
            (context.token())
            fieldset {
                legend { "Effect" }
                (frame::select("operation", "Operation", form.text("operation"), &operations))
                (frame::select("outcome", "Outcome", form.text("outcome"), &OUTCOMES))
                (frame::input("number", "status", "Status of an answer", &value("status", "503")))
                (frame::input("number", "retryAfter", "Retry-After, in seconds", &value("retryAfter", "")))
                (frame::input("text", "body", "Body of an answer", &value("body", "")))
                label.choice { input type="checkbox" name="applied" value="true" checked[form.has("applied")]; span { "Apply the request before an answer" } }
                (frame::input("number", "bytes", "Bytes before the cut", &value("bytes", "10")))
                (frame::input("number", "delay", "Delay, in milliseconds", &value("delay", "")))
            }
            fieldset {
                legend { "Steps of action requests" }
                (frame::select("step", "Step", form.text("step"), &steps))
                (frame::input("text", "code", "Error code", &value("code", "error.internal.create_failed")))
                (frame::input("text", "user", "Only for this user", &value("user", "")))
            }
            fieldset {
                legend { "Which calls" }
                (frame::input("number", "from", "From this call on", &value("from", "1")))
                (frame::input("number", "every", "Every nth call", &value("every", "1")))
                (frame::input("number", "times", "At most this many", &value("times", "")))
                (frame::input("text", "probability", "Probability, from 0 to 1", &value("probability", "")))
                (frame::input("number", "seed", "Seed of the probability", &value("seed", "")))
            }
            button { "Add" }
        }
    }
}

pub(super) fn submit(context: &Context<'_>, action: &str) -> Result<Outcome, PageError> {
    let faults = &context.app.faults;
    let id = || context.form.value::<u64>("id", "The rule").map(Option::unwrap_or_default);
    let existing = |existed: bool| match existed {
        true => Ok(()),
        false => Err(PageError::not_found(format_args!("The rule {}", context.form.text("id")))),
    };
    let done = match action {
        "add" => {
            add(context, rule_of(&context.form)?)?;
            "fault-added"
        }
        "json" => {
            let rule = serde_json::from_str(context.form.raw("rule"));
            add(context, rule.map_err(|error| PageError::invalid(format!("The rule is not JSON: {error}")))?)?;
            "fault-added"
        }
        "switch" => {
            existing(faults.enable(id()?, context.form.text("enabled") == "true"))?;
            "fault-changed"
        }
        "remove" => {
            existing(faults.remove(id()?))?;
            "fault-removed"
        }
        "clear" => {
            faults.clear();
            "faults-removed"
        }
        _ => return Err(context.no_page()),
    };
    Ok(Outcome::Redirect(format!("/console/faults?done={done}")))
}

fn add(context: &Context<'_>, rule: Value) -> Result<(), PageError> {
    let rule: FaultRule = serde_json::from_value(rule).map_err(|error| PageError::invalid(error.to_string()))?;
    context.app.faults.add(rule).map_err(ManageError::from)?;
    Ok(())
}

/// The JSON of the rule that a form describes. Fields that the outcome does not use are left out.
fn rule_of(form: &Fields) -> Result<Value, PageError> {
    let number = |name: &str, what: &str| form.value::<u64>(name, what);
    let kind = form.text("outcome");
    let mut rule = Map::new();
    let mut when = Map::new();
    for (field, what) in
        [("from", "The first call"), ("every", "The distance"), ("times", "The number of calls"), ("seed", "The seed")]
    {
        if let Some(value) = number(field, what)? {
            when.insert(field.to_owned(), value.into());
        }
    }
    if let Some(probability) = form.value::<f64>("probability", "The probability")? {
        when.insert("probability".to_owned(), json!(probability));
    }
    rule.insert("when".to_owned(), when.into());
    let operation = if kind == "step" { "executeActions" } else { form.text("operation") };
    rule.insert("operation".to_owned(), operation.into());
    if let Some(delay) = number("delay", "The delay")? {
        rule.insert("delayMilliseconds".to_owned(), delay.into());
    }
    let status = || number("status", "The status").map(|status| status.unwrap_or(503));
    let retry_after = number("retryAfter", "Retry-After")?;
    let headers: Map<String, Value> =
        retry_after.map(|seconds| ("Retry-After".to_owned(), seconds.to_string().into())).into_iter().collect();
    let applied = form.has("applied");
    let outcome = match kind {
        "answer" => {
            let mut answer = json!({"type": "answer", "status": status()?, "headers": headers, "applied": applied});
            match form.raw("body") {
                "" => {}
                // What is not JSON is sent as text.
                text => answer["body"] = serde_json::from_str(text).unwrap_or_else(|_| text.into()),
            }
            answer
        }
        "throttled" => json!({"type": "answer", "status": 429, "headers": headers, "applied": applied,
            "body": {"error_code": "429050", "message": "Too many requests"}}),
        "html" => json!({"type": "html", "status": status()?, "headers": headers, "applied": applied}),
        "resetBefore" => json!({"type": "reset", "applied": false}),
        "resetAfter" => json!({"type": "reset", "applied": true}),
        "cutOff" => json!({"type": "cutOff", "bytes": number("bytes", "The number of bytes")?.unwrap_or(0)}),
        "invalidJson" => json!({"type": "invalidJson"}),
        "expiredToken" => json!({"type": "expiredToken"}),
        "step" => {
            let mut step = json!({"type": "step", "step": form.text("step"), "code": form.text("code")});
            if !form.text("user").is_empty() {
                step["user"] = form.text("user").into();
            }
            step
        }
        "delay" => return Ok(rule.into()),
        other => return Err(PageError::invalid(format!("There is no outcome {other:?}"))),
    };
    rule.insert("outcome".to_owned(), outcome);
    Ok(rule.into())
}

fn document(rule: &FaultRule) -> Value {
    serde_json::to_value(rule).unwrap_or_default()
}

fn pretty(rule: &FaultRule) -> String {
    serde_json::to_string_pretty(rule).unwrap_or_default()
}

fn is_enabled(rule: &FaultRule) -> bool {
    document(rule)["enabled"] != false
}

/// What a rule does, in words.
pub(super) fn summary(rule: &FaultRule) -> String {
    let rule = document(rule);
    let mut parts = Vec::new();
    let operation = rule["operation"].as_str().unwrap_or("*");
    parts.push(if operation == "*" { "all operations".to_owned() } else { operation.to_owned() });
    if let Some(delay) = rule["delayMilliseconds"].as_u64() {
        parts.push(format!("delay {delay} ms"));
    }
    if rule["drip"].is_object() {
        parts.push("send slowly".to_owned());
    }
    let outcome = &rule["outcome"];
    let status = &outcome["status"];
    let applied = outcome["applied"] == true;
    parts.push(match outcome["type"].as_str().unwrap_or_default() {
        "answer" => format!("answer {status}{}", if applied { " after applying" } else { "" }),
        "html" => format!("answer {status} with a gateway's page"),
        "expiredToken" => "revoke the token".to_owned(),
        "reset" if applied => "apply, then reset the connection".to_owned(),
        "reset" => "reset the connection".to_owned(),
        "cutOff" => format!("cut off after {} bytes", outcome["bytes"]),
        "invalidJson" => "send invalid JSON".to_owned(),
        "patch" => "change the response".to_owned(),
        "step" => {
            let step = outcome["step"].as_str().filter(|step| *step != "*").unwrap_or("every step");
            let user = outcome["user"].as_str().map(|user| format!(" of {user}")).unwrap_or_default();
            format!("{step}{user} fails with {}", outcome["code"].as_str().unwrap_or_default())
        }
        _ => String::new(),
    });
    let when = &rule["when"];
    if when["from"].as_u64().is_some_and(|from| from > 1) {
        parts.push(format!("from call {}", when["from"]));
    }
    if when["every"].as_u64().is_some_and(|every| every > 1) {
        parts.push(format!("every {} calls", when["every"]));
    }
    if let Some(times) = when["times"].as_u64() {
        parts.push(if times == 1 { "at most once".to_owned() } else { format!("at most {times} times") });
    }
    if let Some(probability) = when["probability"].as_f64() {
        parts.push(format!("with probability {probability}"));
    }
    parts.retain(|part| !part.is_empty());
    parts.join(" · ")
}

fn count(id: u64, name: &str, number: u64) -> Markup {
    html! { td.number id=(format!("fault-{id}-{name}")) { (words::thousands(number)) } }
}

/// The counts of all rules.
pub(super) fn live(app: &AppState) -> Markup {
    html! {
        @for state in app.faults.list() {
            (count(state.id, "matched", state.matched))
            (count(state.id, "fired", state.fired))
        }
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::testing::request;

    fn rule(query: &str) -> Result<FaultRule, String> {
        let fields = Fields::of_query(&request(Method::GET, &format!("/?{query}"), &[], ""));
        let rule = rule_of(&fields).map_err(|error| error.message)?;
        serde_json::from_value(rule).map_err(|error| error.to_string())
    }

    #[test]
    fn every_outcome_of_the_form_is_a_rule() {
        for (outcome, _) in OUTCOMES {
            let rule = rule(&format!("operation=listUsers&outcome={outcome}&delay=5&step=add&code=error.x&times=2"));
            match outcome {
                "step" => assert!(rule.unwrap_err().contains("a delay or a drip needs its own rule")),
                _ => {
                    let summary = summary(&rule.unwrap());
                    assert!(
                        summary.starts_with("listUsers · delay 5 ms") && summary.ends_with("at most 2 times"),
                        "{summary}"
                    );
                }
            }
        }
        let step = rule("operation=*&outcome=step&step=add&user=a@b.c&code=error.x").unwrap();
        assert_eq!(summary(&step), "executeActions · add of a@b.c fails with error.x");
    }

    #[test]
    fn bodies_are_json_or_text_and_mistakes_are_named() {
        let body = |text: &str| {
            document(&rule(&format!("operation=*&outcome=answer&status=400&body={text}")).unwrap())["outcome"]["body"]
                .clone()
        };
        assert_eq!(body("%7B%22a%22:1%7D"), json!({"a": 1}));
        assert_eq!(body("{not+json"), json!("{not json"));
        assert!(rule("operation=*&outcome=answer&status=x").unwrap_err().contains("The status cannot be \"x\""));
        assert!(rule("operation=none&outcome=answer").unwrap_err().contains("none"));
        assert!(rule("operation=*&outcome=magic").unwrap_err().contains("magic"));
    }
}
