//! One operation of a description: what its parameters, its body and its responses must be like.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use http::{HeaderMap, Method, header::CONTENT_TYPE};
use jsonschema::Validator;
use serde_json::Value;

use super::{
    ParameterValue, Target,
    document::Document,
    template::{PathParameters, Template},
};
use crate::{
    engine::Rejection,
    http::{Request, Response},
};

/// The most mismatches of one response that are named.
const MAX_MISMATCHES: usize = 5;

/// An operation of a description, ready to check requests and responses.
pub(crate) struct Endpoint {
    pub(crate) target: Target,
    pub(super) method: Method,
    pub(super) template: Template,
    parameters: Vec<Parameter>,
    body: Option<Schema>,
    responses: BTreeMap<u16, ResponseRules>,
}

/// The rules of the responses with one status.
struct ResponseRules {
    body: Option<Schema>,
    may_be_empty: bool,
    required_headers: Vec<String>,
}

/// A JSON schema, compiled on first use: an emulator starts sooner that way, and needs few of them.
struct Schema {
    document: Arc<Document>,
    node: Value,
    validator: OnceLock<Result<Validator, String>>,
}

impl Schema {
    /// The JSON schema of a request body or a response.
    fn of(document: &Arc<Document>, node: &Value) -> Option<Self> {
        let node = node.pointer("/content/application~1json/schema")?.clone();
        Some(Self { document: Arc::clone(document), node, validator: OnceLock::new() })
    }

    fn validator(&self) -> Result<&Validator, String> {
        let compile =
            || jsonschema::validator_for(&self.document.schema(&self.node)).map_err(|error| error.to_string());
        self.validator.get_or_init(compile).as_ref().map_err(Clone::clone)
    }

    /// Everything that does not match.
    fn mismatches(&self, body: &[u8]) -> Vec<String> {
        let validator = match self.validator() {
            Ok(validator) => validator,
            Err(reason) => return vec![reason],
        };
        let Ok(value) = serde_json::from_slice::<Value>(body) else { return vec!["the body is not JSON".to_owned()] };
        let located = validator.iter_errors(&value).map(|error| {
            // The value itself may be a whole page.
            let text: String = error.to_string().chars().take(300).collect();
            format!("{text} at `{}`", error.instance_path().as_str())
        });
        located.take(MAX_MISMATCHES).collect()
    }

    fn check(&self, body: &[u8]) -> Result<(), String> {
        let validator = self.validator()?;
        let value: Value = serde_json::from_slice(body).map_err(|error| format!("the body is not JSON: {error}"))?;
        validator.validate(&value).map_err(|error| match error.instance_path().as_str() {
            "" => error.to_string(),
            location => format!("{error} at {location}"),
        })
    }
}

impl Endpoint {
    pub(super) fn compile(document: &Arc<Document>, path: &str, item: &Value, target: Target) -> Result<Self, String> {
        let method = target.method().parse::<Method>().map_err(|error| error.to_string())?;
        let node = item.get(target.method().to_lowercase()).unwrap_or(&Value::Null);
        let lists = [item.get("parameters"), node.get("parameters")];
        let parameters = lists.into_iter().flatten().filter_map(Value::as_array).flatten();
        let parameters = parameters.filter_map(|node| Parameter::of(document, node));
        let responses = node.get("responses").and_then(Value::as_object).into_iter().flatten();
        Ok(Self {
            target,
            method,
            template: Template::new(document.base(), path),
            parameters: parameters.collect(),
            body: node.get("requestBody").and_then(|body| Schema::of(document, document.follow(body))),
            responses: responses
                .map(|(status, node)| {
                    let status = status.parse().map_err(|_| format!("not a status: {status}"))?;
                    Ok((status, ResponseRules::compile(document, document.follow(node))))
                })
                .collect::<Result<_, String>>()?,
        })
    }

    /// Compiles every schema that is otherwise compiled on first use. Returns their number.
    #[cfg(test)]
    pub(super) fn compile_all(&self) -> Result<usize, String> {
        let schemas = self.body.iter().chain(self.responses.values().filter_map(|response| response.body.as_ref()));
        let schemas = schemas.map(|schema| schema.validator().map(drop));
        let parameters = self.parameters.iter().map(|parameter| parameter.validator().map(drop));
        schemas.chain(parameters).try_fold(0, |count, compiled| compiled.map(|()| count + 1))
    }

    /// Checks the parameters of a request.
    pub(crate) fn check_parameters(&self, path: &PathParameters, request: &Request) -> Result<(), Rejection> {
        let query: Vec<(String, String)> = request.query_pairs().collect();
        for parameter in &self.parameters {
            let pairs = match parameter.location {
                Location::Path => path,
                Location::Query => &query,
            };
            let mut values = pairs.iter().filter(|(name, _)| *name == parameter.name).map(|(_, value)| value);
            match (values.next(), values.next()) {
                (None, _) if parameter.required => {
                    return Err(Rejection::new("error.command.malformed", format!("{} is missing", parameter.name)));
                }
                (None, _) => {}
                (Some(value), None) => parameter.check(value)?,
                (Some(_), Some(_)) => {
                    let message = format!("{} is given twice", parameter.name);
                    return Err(Rejection::new("error.command.malformed", message));
                }
            }
        }
        Ok(())
    }

    /// Whether the query has a parameter of this name.
    pub(crate) fn has_query(&self, name: &str) -> bool {
        self.parameters.iter().any(|parameter| parameter.location == Location::Query && parameter.name == name)
    }

    /// Checks that the body of a request is declared as JSON, if the operation takes JSON.
    pub(crate) fn check_content_type(&self, request: &Request) -> Result<(), Rejection> {
        match request.header(CONTENT_TYPE.as_str()) {
            _ if self.body.is_none() => Ok(()),
            Some(stated) if is_json(stated) => Ok(()),
            stated => {
                let stated = stated.unwrap_or("missing");
                let message = format!("Content-Type must be application/json, and is {stated}");
                Err(Rejection::new("error.command.malformed", message))
            }
        }
    }

    /// Checks the body of a request.
    pub(crate) fn check_body(&self, request: &Request) -> Result<(), Rejection> {
        let Some(body) = &self.body else { return Ok(()) };
        body.check(&request.body).map_err(|reason| Rejection::new("error.command.malformed", reason))
    }

    /// Whether the description has a status.
    pub(crate) fn describes(&self, status: u16) -> bool {
        self.responses.contains_key(&status)
    }

    /// Everything in a response of the real service that does not match the description.
    pub(crate) fn mismatches(&self, status: u16, body: &[u8]) -> Vec<String> {
        let Some(rules) = self.responses.get(&status) else { return vec![format!("status {status} is not described")] };
        match &rules.body {
            None if body.is_empty() => Vec::new(),
            None => vec![format!("status {status} has a body")],
            Some(_) if body.is_empty() && (rules.may_be_empty || status >= 400) => Vec::new(),
            Some(_) if body.is_empty() => vec![format!("status {status} has no body")],
            Some(schema) => schema.mismatches(body),
        }
    }

    /// Checks a response. The error says what does not match.
    pub(crate) fn check_response(&self, response: &Response) -> Result<(), String> {
        let status = response.status.as_u16();
        let rules = self.responses.get(&status).ok_or_else(|| format!("status {status} is not described"))?;
        for header in &rules.required_headers {
            if !response.headers.contains_key(header) {
                return Err(format!("header {header} is missing"));
            }
        }
        match &rules.body {
            None if response.body.is_empty() => Ok(()),
            None => Err(format!("status {status} must not have a body")),
            Some(_) if response.body.is_empty() && rules.may_be_empty => Ok(()),
            Some(schema) => {
                content_type(&response.headers)?;
                schema.check(&response.body)
            }
        }
    }
}

impl ResponseRules {
    fn compile(document: &Arc<Document>, node: &Value) -> Self {
        // Paged responses have all their headers, though the description does not require them: other servers in front
        // of the service may remove them, this one does not.
        let headers = node.get("headers").and_then(Value::as_object).into_iter().flatten();
        let paging = headers.map(|(name, _)| name).filter(|name| name.ends_with("-Count") || name.contains("-Page"));
        Self {
            body: Schema::of(document, node),
            may_be_empty: node.get("x-umapi-may-be-empty") == Some(&Value::Bool(true)),
            required_headers: paging.cloned().collect(),
        }
    }
}

fn content_type(headers: &HeaderMap) -> Result<(), String> {
    match headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) {
        Some(stated) if is_json(stated) => Ok(()),
        stated => Err(format!("Content-Type must be application/json, and is {}", stated.unwrap_or("missing"))),
    }
}

fn is_json(content_type: &str) -> bool {
    content_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

/// A parameter of a path or a query.
struct Parameter {
    name: String,
    location: Location,
    required: bool,
    value_type: ValueType,
    schema: Value,
    validator: OnceLock<Result<Validator, String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Location {
    Path,
    Query,
}

#[derive(Debug, Clone, Copy)]
enum ValueType {
    Integer,
    Boolean,
    Text,
}

impl Parameter {
    /// A parameter of the description. `None` for a header, whose value is not checked.
    fn of(document: &Document, node: &Value) -> Option<Self> {
        let node = document.follow(node);
        let text = |key: &str| node.get(key).and_then(Value::as_str).unwrap_or_default();
        let location = match text("in") {
            "path" => Location::Path,
            "query" => Location::Query,
            _ => return None,
        };
        let mut schema = document.follow(node.get("schema").unwrap_or(&Value::Null)).clone();
        let value_type = match schema.get("type").and_then(Value::as_str) {
            Some("integer") => ValueType::Integer,
            Some("boolean") => ValueType::Boolean,
            _ => ValueType::Text,
        };
        // A response may have a value that is not listed; in a request it is an error.
        if let Some(values) = schema.get("x-extensible-enum").cloned()
            && let Some(schema) = schema.as_object_mut()
        {
            schema.insert("enum".to_owned(), values);
        }
        let required = node.get("required") == Some(&Value::Bool(true));
        let schema = document.schema(&schema);
        Some(Self { name: text("name").to_owned(), location, required, value_type, schema, validator: OnceLock::new() })
    }

    /// Checks a value.
    fn check(&self, text: &str) -> Result<(), Rejection> {
        let value = match self.value_type {
            ValueType::Integer => text.parse::<i64>().map(Value::from).ok(),
            ValueType::Boolean => bool::parse(text).map(Value::from),
            ValueType::Text => Some(Value::from(text)),
        };
        let Some(value) = value else {
            let (code, what) = match self.value_type {
                ValueType::Boolean => ("error.command.boolean_expected", "true or false"),
                _ => ("error.command.malformed", "a whole number"),
            };
            return Err(Rejection::new(code, format!("{} must be {what}, not {text:?}", self.name)));
        };
        match self.validator() {
            Ok(validator) => validator.validate(&value).map_err(|error| self.rejection(&error.to_string(), text)),
            Err(reason) => Err(self.rejection(&reason, text)),
        }
    }

    fn validator(&self) -> Result<&Validator, String> {
        let compile = || jsonschema::validator_for(&self.schema).map_err(|error| error.to_string());
        self.validator.get_or_init(compile).as_ref().map_err(Clone::clone)
    }

    fn rejection(&self, reason: &str, text: &str) -> Rejection {
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
