use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method};
use jsonschema::Validator;
use serde_json::Value;
use umapi_model::Operation;

use super::document::Document;
use super::parameter::{Parameter, Place};
use super::template::{PathParameters, Template};
use crate::engine::Rejection;
use crate::http::{Answer, Request};

/// An operation of the description, ready to be held against requests and answers.
pub(crate) struct Endpoint {
    pub(crate) operation: &'static Operation,
    pub(super) method: Method,
    pub(super) template: Template,
    parameters: Vec<Parameter>,
    body: Option<Schema>,
    responses: BTreeMap<u16, Response>,
}

/// What an answer with some status looks like.
struct Response {
    body: Option<Schema>,
    may_be_empty: bool,
    required_headers: Vec<String>,
}

/// A schema of JSON, compiled when it is first needed: an emulator is ready sooner so, and needs few of them.
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

    fn check(&self, body: &[u8]) -> Result<(), String> {
        let validator = self.validator()?;
        let value: Value = serde_json::from_slice(body).map_err(|error| format!("the body is no JSON: {error}"))?;
        validator.validate(&value).map_err(|error| match error.instance_path().as_str() {
            "" => error.to_string(),
            place => format!("{error} at {place}"),
        })
    }
}

impl Endpoint {
    pub(super) fn compile(
        document: &Arc<Document>,
        path: &str,
        item: &Value,
        operation: &'static Operation,
    ) -> Result<Self, String> {
        let method = operation.method.parse::<Method>().map_err(|error| error.to_string())?;
        let node = item.get(operation.method.to_lowercase()).unwrap_or(&Value::Null);
        let lists = [item.get("parameters"), node.get("parameters")];
        let parameters = lists.into_iter().flatten().filter_map(Value::as_array).flatten();
        let parameters = parameters.filter_map(|node| Parameter::of(document, node));
        let responses = node.get("responses").and_then(Value::as_object).into_iter().flatten();
        Ok(Self {
            operation,
            method,
            template: Template::new(document.base(), path),
            parameters: parameters.collect(),
            body: node.get("requestBody").and_then(|body| Schema::of(document, document.follow(body))),
            responses: responses
                .map(|(status, node)| {
                    let status = status.parse().map_err(|_| format!("no status: {status}"))?;
                    Ok((status, Response::compile(document, document.follow(node))))
                })
                .collect::<Result<_, String>>()?,
        })
    }

    /// Compiles every schema that is compiled when it is first needed. Answers how many there are.
    #[cfg(test)]
    pub(super) fn compile_all(&self) -> Result<usize, String> {
        let schemas = self.body.iter().chain(self.responses.values().filter_map(|response| response.body.as_ref()));
        let schemas = schemas.map(|schema| schema.validator().map(drop));
        let parameters = self.parameters.iter().map(|parameter| parameter.validator().map(drop));
        schemas.chain(parameters).try_fold(0, |count, compiled| compiled.map(|()| count + 1))
    }

    /// Whether the description allows the parameters of a request.
    pub(crate) fn check_parameters(&self, path: &PathParameters, request: &Request) -> Result<(), Rejection> {
        let query: Vec<(String, String)> = request.query_pairs().collect();
        for parameter in &self.parameters {
            let pairs = match parameter.place {
                Place::Path => path,
                Place::Query => &query,
            };
            let mut values = pairs.iter().filter(|(name, _)| *name == parameter.name).map(|(_, value)| value);
            match (values.next(), values.next()) {
                (None, _) if parameter.required => {
                    return Err(Rejection::new("error.command.malformed", format!("{} is missing", parameter.name)));
                }
                (None, _) => {}
                (Some(value), None) => parameter.check(value)?,
                (Some(_), Some(_)) => {
                    return Err(Rejection::new(
                        "error.command.malformed",
                        format!("{} is given twice", parameter.name),
                    ));
                }
            }
        }
        Ok(())
    }

    /// Whether there is such a parameter of the query.
    pub(crate) fn has_query(&self, name: &str) -> bool {
        self.parameters.iter().any(|parameter| parameter.place == Place::Query && parameter.name == name)
    }

    /// Whether the body of a request says that it is JSON, where JSON is asked for.
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

    /// Whether the description allows the body of a request.
    pub(crate) fn check_body(&self, request: &Request) -> Result<(), Rejection> {
        let Some(body) = &self.body else { return Ok(()) };
        body.check(&request.body).map_err(|reason| Rejection::new("error.command.malformed", reason))
    }

    /// Whether the description allows an answer.
    pub(crate) fn check_answer(&self, answer: &Answer) -> Result<(), String> {
        let status = answer.status.as_u16();
        let response = self.responses.get(&status).ok_or_else(|| format!("status {status} is not described"))?;
        for header in &response.required_headers {
            if !answer.headers.contains_key(header) {
                return Err(format!("header {header} is missing"));
            }
        }
        match &response.body {
            None if answer.body.is_empty() => Ok(()),
            None => Err(format!("status {status} has no body")),
            Some(_) if answer.body.is_empty() && response.may_be_empty => Ok(()),
            Some(schema) => {
                content_type(&answer.headers)?;
                schema.check(&answer.body)
            }
        }
    }
}

impl Response {
    fn compile(document: &Arc<Document>, node: &Value) -> Self {
        // Paged answers have all their headers, though the description does not make them required: other services in
        // front may cut them off, this one does not.
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
