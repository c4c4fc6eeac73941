//! Parses the body of an action request: JSON, then commands with a root and steps.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use umapi_model::limits;

use super::{
    loose,
    outcome::{CommandRef, Rejection},
    rules::{self, group_root, identifier_length},
    steps::{ParsedStep, Root, expect_text, parse_step},
};
use crate::store::is_email_type;

/// JSON as it was sent: an object keeps a repeated key, because the service has error codes for that.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Number,
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    pub(super) fn object(&self) -> Option<&[(String, Self)]> {
        match self {
            Self::Object(fields) => Some(fields),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Json, E> {
        Ok(Json::Number)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Json, E> {
        Ok(Json::Number)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Json, E> {
        Ok(Json::Number)
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Json, E> {
        Ok(Json::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element()? {
            items.push(item);
        }
        Ok(Json::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Json::Object(fields))
    }
}

/// The size limits of one action request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestSizes {
    /// Bytes of the body.
    pub body_bytes: usize,
    /// Commands in a request.
    pub commands: usize,
    /// Steps in a command.
    pub steps: usize,
    /// Names in one list of an `add` or `remove`.
    pub names: usize,
    /// The most users a user group may have when a profile is assigned to it.
    pub group_members: i64,
}

impl Default for RequestSizes {
    /// The service's limits: 1 MB, 10 commands, 10 steps, 10 names, 200,000 users.
    fn default() -> Self {
        Self {
            body_bytes: limits::REQUEST_BYTES,
            commands: limits::COMMANDS_PER_REQUEST,
            steps: limits::STEPS_PER_COMMAND,
            names: limits::NAMES_PER_LIST,
            group_members: limits::GROUP_MEMBERS_FOR_PROFILE as i64,
        }
    }
}

/// How to parse an action request.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ParseOptions {
    pub(super) sizes: RequestSizes,
    /// Whether to accept shapes that real clients send although they are not documented.
    pub(super) loose: bool,
}

/// A parsed command: it can be run, or is rejected.
pub(super) struct Command {
    pub(super) command_ref: CommandRef,
    pub(super) body: Result<Runnable, Rejection>,
}

/// A command that can be run, although single steps may be rejected.
pub(super) struct Runnable {
    pub(super) root: Root,
    pub(super) steps: Vec<ParsedStep>,
}

/// Parses the body of an action request. A body that is not an array of 1 to 10 commands is rejected as a whole, and
/// the error says why.
pub(super) fn parse(body: &[u8], options: &ParseOptions) -> Result<Vec<Command>, String> {
    let limits = options.sizes;
    if body.len() > limits.body_bytes {
        return Err(format!("The request is larger than {} bytes", limits.body_bytes));
    }
    let json: Json = serde_json::from_slice(body).map_err(|_| "Expected a valid JSON payload".to_owned())?;
    let Json::Array(mut commands) = json else { return Err("The request must be an array of commands".to_owned()) };
    if options.loose {
        commands.iter_mut().for_each(loose::rewrite);
    }
    if commands.is_empty() || commands.len() > limits.commands {
        return Err(format!("The request must contain 1 to {} commands, not {}", limits.commands, commands.len()));
    }
    commands
        .iter()
        .zip(0_u32..)
        .map(|(command, index)| {
            let fields = command.object().ok_or_else(|| format!("Command {index} must be an object"))?;
            Ok(parse_command(index, fields, options))
        })
        .collect()
}

fn parse_command(index: u32, fields: &[(String, Json)], options: &ParseOptions) -> Command {
    let find = |wanted: &str| fields.iter().rfind(|(key, _)| key == wanted).map(|(_, value)| value);
    let text = |wanted| find(wanted).and_then(Json::text).map(str::to_owned);
    let command_ref =
        CommandRef { index, request_id: text("requestID"), user: text("user").or_else(|| text("usergroup")) };
    let body = parse_root(fields).and_then(|root| {
        let steps = find("do")
            .and_then(Json::array)
            .filter(|steps| !steps.is_empty())
            .ok_or_else(|| Rejection::new("error.command.steps.malformed", "do must be an array of steps"))?;
        if steps.len() > options.sizes.steps {
            return Err(Rejection::new(
                "error.command.add_remove.list_too_long",
                format!("Too many steps in command: {}, max {}", steps.len(), options.sizes.steps),
            ));
        }
        Ok(Runnable { steps: check_order(steps.iter().map(|step| parse_step(step, &root, options)).collect()), root })
    });
    Command { command_ref, body }
}

fn parse_root(fields: &[(String, Json)]) -> Result<Root, Rejection> {
    let (mut user, mut group, mut domain, mut use_adobe_id) = (None, None, None, false);
    for (key, value) in fields {
        match key.as_str() {
            "requestID" => {
                identifier_length("requestID", expect_text("requestID", value)?)?;
            }
            "user" | "usergroup" if *value == Json::Null => {}
            "user" => user = Some(expect_text("user", value)?),
            "usergroup" => group = Some(expect_text("usergroup", value)?),
            "useAdobeID" => {
                let Json::Bool(value) = value else {
                    return Err(Rejection::new("error.command.boolean_expected", "useAdobeID must be true or false"));
                };
                use_adobe_id = *value;
            }
            "domain" => {
                let value = value
                    .text()
                    .ok_or_else(|| Rejection::new("error.command.domain.string_expected", "domain must be a string"))?;
                identifier_length("domain", value)?;
                domain = Some(value.to_owned());
            }
            "do" => {}
            other => {
                return Err(Rejection::new(
                    "error.command.illegal_entry",
                    format!("Illegal entry in command: {other}"),
                ));
            }
        }
    }
    let named = |key| fields.iter().any(|(name, _)| name == key);
    match (user, group) {
        (Some(_), Some(_)) => {
            Err(Rejection::new("error.command.illegal_entry", "A command has a user or a usergroup, not both"))
        }
        (Some(name), None) if !name.is_empty() => user_root(name, domain, use_adobe_id),
        (None, Some(name)) if !name.is_empty() => {
            if domain.is_some() {
                return Err(with_email_type());
            }
            if named("useAdobeID") {
                return Err(Rejection::new(
                    "error.command.illegal_entry",
                    "useAdobeID is for a user, not for a usergroup",
                ));
            }
            group_root(name)?;
            Ok(Root::Group { name: name.to_owned() })
        }
        _ if named("user") => Err(Rejection::new("error.command.user.missing", "user must name a user")),
        _ => Err(Rejection::new("error.command.user_usergroup.missing", "A command must have a user or a usergroup")),
    }
}

fn user_root(name: &str, domain: Option<String>, use_adobe_id: bool) -> Result<Root, Rejection> {
    rules::user_root(name)?;
    if !is_email_type(name) && domain.is_none() {
        return Err(Rejection::new(
            "error.command.domain.missing",
            format!("domain must be given, because the user is not an email address: {name}"),
        ));
    }
    Ok(Root::User { name: name.to_owned(), domain, use_adobe_id })
}

/// Rejects `domain` beside an email address, or beside a user group.
pub(super) fn with_email_type() -> Rejection {
    Rejection::new(
        "error.command.domain.must_be_used_with_nonemail_username",
        "domain can only be used with a user that is not an email address",
    )
}

/// Checks that there is at most one create and that it is the first step, and that a removal from the organization or
/// domain is the last.
fn check_order(mut steps: Vec<ParsedStep>) -> Vec<ParsedStep> {
    let last = steps.len().saturating_sub(1);
    let mut creates = 0;
    for (i, parsed) in steps.iter_mut().enumerate() {
        let name = &parsed.name;
        let wrong = if parsed.is_create() {
            creates += 1;
            if creates > 1 {
                Some(("error.command.create.more_than_one", format!("{name}: a command can create only once")))
            } else if i > 0 {
                Some(("error.command.create.not_first", format!("{name} must be the first step of a command")))
            } else {
                None
            }
        } else if parsed.is_removal() && i < last {
            Some(("error.command.removefromorg.not_last", format!("{name} must be the last step of a command")))
        } else {
            None
        };
        if let Some((code, message)) = wrong {
            parsed.step = Err(Rejection::new(code, message));
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_key_is_kept() {
        let json: Json = serde_json::from_str(r#"{"a":[1,null,true],"a":"x"}"#).unwrap();
        assert_eq!(
            json,
            Json::Object(vec![
                ("a".into(), Json::Array(vec![Json::Number, Json::Null, Json::Bool(true)])),
                ("a".into(), Json::Text("x".into())),
            ])
        );
    }

    fn rejected(body: &str) -> String {
        match parse(body.as_bytes(), &ParseOptions::default()) {
            Err(message) => message,
            Ok(commands) => commands
                .into_iter()
                .map(|command| match command.body {
                    Err(rejection) => rejection.code.into_owned(),
                    Ok(runnable) => runnable
                        .steps
                        .into_iter()
                        .map(|parsed| parsed.step.map_or_else(|r| r.code.into_owned(), |_| "ok".to_owned()))
                        .collect::<Vec<_>>()
                        .join(","),
                })
                .collect(),
        }
    }

    #[test]
    fn a_body_that_is_not_an_array_of_commands_is_rejected() {
        for (body, part) in [
            ("{", "valid JSON"),
            ("{}", "an array"),
            ("[]", "1 to 10"),
            ("[1]", "Command 0"),
            (&format!("[{}]", ["{}"; 11].join(",")), "1 to 10"),
        ] {
            assert!(rejected(body).contains(part), "{body}: {}", rejected(body));
        }
    }

    #[test]
    fn creates_are_first_and_removals_last() {
        let create = r#"{"addAdobeID":{"email":"a@b.c"}}"#;
        let (update, remove) = (r#"{"update":{}}"#, r#"{"removeFromOrg":{}}"#);
        let steps = |steps: &[&str]| rejected(&format!(r#"[{{"user":"a@b.c","do":[{}]}}]"#, steps.join(",")));
        assert_eq!(steps(&[create, update, remove]), "ok,ok,ok");
        assert_eq!(steps(&[update, create]), "ok,error.command.create.not_first");
        assert_eq!(steps(&[create, create]), "ok,error.command.create.more_than_one");
        assert_eq!(steps(&[remove, update]), "error.command.removefromorg.not_last,ok");
    }
}
