use std::sync::OnceLock;

use jsonschema::Validator;
use serde_json::Value;

use super::document::Document;
use crate::engine::Rejection;

/// A parameter of a path or a query.
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) required: bool,
    kind: Kind,
    schema: Value,
    validator: OnceLock<Result<Validator, String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Path,
    Query,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Integer,
    Boolean,
    Text,
}

impl Parameter {
    /// A parameter of the description; one of a header is none of ours: every text will do there.
    pub(super) fn of(document: &Document, node: &Value) -> Option<Self> {
        let node = document.follow(node);
        let text = |key: &str| node.get(key).and_then(Value::as_str).unwrap_or_default();
        let place = match text("in") {
            "path" => Place::Path,
            "query" => Place::Query,
            _ => return None,
        };
        let mut schema = document.follow(node.get("schema").unwrap_or(&Value::Null)).clone();
        let kind = match schema.get("type").and_then(Value::as_str) {
            Some("integer") => Kind::Integer,
            Some("boolean") => Kind::Boolean,
            _ => Kind::Text,
        };
        // In answers an unknown value is to be expected; a request that has one is a mistake.
        if let Some(values) = schema.get("x-extensible-enum").cloned()
            && let Some(schema) = schema.as_object_mut()
        {
            schema.insert("enum".to_owned(), values);
        }
        let required = node.get("required") == Some(&Value::Bool(true));
        let schema = document.schema(&schema);
        Some(Self { name: text("name").to_owned(), place, required, kind, schema, validator: OnceLock::new() })
    }

    /// Whether the description allows this value. Clients write `True` too, which the service is known to take.
    pub(super) fn check(&self, text: &str) -> Result<(), Rejection> {
        let value = match self.kind {
            Kind::Integer => text.parse::<i64>().map(Value::from).ok(),
            Kind::Boolean => parse_boolean(text).map(Value::from),
            Kind::Text => Some(Value::from(text)),
        };
        let Some(value) = value else {
            let (code, what) = match self.kind {
                Kind::Boolean => ("error.command.boolean_expected", "true or false"),
                _ => ("error.command.malformed", "a whole number"),
            };
            return Err(Rejection::new(code, format!("{} must be {what}, not {text:?}", self.name)));
        };
        match self.validator() {
            Ok(validator) => validator.validate(&value).map_err(|error| self.refusal(&error.to_string(), text)),
            Err(reason) => Err(self.refusal(&reason, text)),
        }
    }

    pub(super) fn validator(&self) -> Result<&Validator, String> {
        let compile = || jsonschema::validator_for(&self.schema).map_err(|error| error.to_string());
        self.validator.get_or_init(compile).as_ref().map_err(Clone::clone)
    }

    fn refusal(&self, reason: &str, text: &str) -> Rejection {
        let code = match self.name.as_str() {
            "orgId" => return Rejection::new("error.organization.invalid_id", "Bad organization Id"),
            "groupName" => "error.group.invalid_name",
            "userString" | "email" => "error.user.name.invalid",
            _ if text.len() > 250 => "error.command.string.too_long",
            _ => "error.command.malformed",
        };
        Rejection::new(code, format!("{}: {reason}", self.name))
    }
}

/// A boolean of a query.
pub(crate) fn parse_boolean(text: &str) -> Option<bool> {
    match text {
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}
