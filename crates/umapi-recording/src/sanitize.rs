//! From an exchange with names and secrets to an entry without them.
//!
//! Everything is left out that is not on a list: the names of fields, the values of enums, the codes and messages of the catalog
//! and the words of the service come from the descriptions. Numbers, truth values and the lengths of lists are kept, and ids
//! are not numbers.

use std::time::SystemTime;

use serde_json::Number;
use umapi_model::AnyOperation;

use crate::{
    description::{Description, Found, Kind, SCOPES, words},
    entry::{Additions, Content, Entry, HarRequest, HarResponse, Omitted, Pair, PostData, Timings},
    exchange::{Exchange, Response},
    facts::Facts,
    json::Node,
    message::{Known, message, of_kind, word_by_word},
    pseudonym::{Label, Pseudonyms},
    time::{Shift, rfc3339},
};

/// The hosts of production. The real one may be a gateway of the organization.
const SERVICE: &str = "https://usermanagement.adobe.io/v2/usermanagement";
const LOGIN: &str = "https://ims-na1.adobelogin.com";

/// The largest body that is recorded, in bytes.
const MAX_BODY: usize = 32 << 20;

/// The longest name of a field that is not described.
const MAX_FIELD: usize = 40;

/// The most headers of a message that are recorded.
const MAX_HEADERS: usize = 64;

/// Headers whose value is a number.
const NUMBERS: &[&str] =
    &["x-total-count", "x-page-count", "x-current-page", "x-page-size", "content-length", "retry-after"];

/// Values of headers that say nothing about who sends them.
const MEDIA_TYPES: &[&str] = &[
    "application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "text/html",
    "text/plain",
    "application/xml",
    "text/xml",
];
const PRAGMAS: &[&str] = &["umapi-sync-start", "umapi-sync-end", "no-cache"];

/// Takes names and secrets out of the exchanges of one recording.
pub(crate) struct Sanitizer {
    pseudonyms: Pseudonyms,
    shift: Option<Shift>,
}

impl Sanitizer {
    pub(crate) fn new(pseudonyms: Pseudonyms) -> Self {
        Self { pseudonyms, shift: None }
    }

    /// Goes on with a recording that others have begun.
    pub(crate) fn shifted(pseudonyms: Pseudonyms, shift: Shift) -> Self {
        Self { pseudonyms, shift: Some(shift) }
    }

    /// The entry of an exchange.
    pub(crate) fn entry(&mut self, exchange: &Exchange) -> Entry {
        let description = Description::get();
        let (path, query) = path_and_query(&exchange.url);
        let found = description.find(&exchange.method, path);
        let query: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let request_body = Body::read(&exchange.request_body, &exchange.request_headers);
        let response_body = exchange.response.as_ref().map(|response| Body::read(&response.body, &response.headers));
        let known = self.known(exchange, found.as_ref(), &query, &request_body, response_body.as_ref());
        let clean = Clean { pseudonyms: &self.pseudonyms, known: &known };

        let started = exchange.started.unwrap_or(SystemTime::UNIX_EPOCH);
        let shift = *self.shift.get_or_insert_with(|| Shift::of(started));
        let time = exchange.took.as_secs_f64() * 1000.0;
        let query: Vec<Pair> =
            query.iter().map(|(name, value)| Pair::new(clean.field(name), clean.text(name, value, None))).collect();
        let parameters: Vec<Pair> = found
            .iter()
            .flat_map(|found| &found.parameters)
            .map(|(name, value)| Pair::new(*name, clean.text(name, value, None)))
            .collect();
        let facts = match &response_body {
            Some(Body::Json(node)) => Facts::of(node),
            _ => Facts::default(),
        };
        let omitted = response_body.as_ref().and_then(Body::omitted);
        Entry {
            started_date_time: rfc3339(shift.apply(started)),
            time,
            request: HarRequest {
                method: clean.method(&exchange.method),
                url: clean.url(found.as_ref(), path, &parameters, &query),
                headers: clean.request_headers(&exchange.request_headers),
                query_string: query,
                post_data: clean.post_data(&request_body, &exchange.request_headers),
                headers_size: -1,
                body_size: size(&exchange.request_body),
                ..HarRequest::default()
            },
            response: match &exchange.response {
                Some(response) => clean.response(response, response_body.as_ref(), shift),
                None => HarResponse { headers_size: -1, body_size: -1, ..HarResponse::default() },
            },
            timings: Timings { wait: time, ..Timings::default() },
            umapi: Additions {
                operation: found.map(|found| found.operation.id().to_owned()),
                parameters,
                outcome: exchange.outcome,
                omitted,
                omitted_request: request_body.omitted(),
                facts,
            },
            ..Entry::default()
        }
    }

    /// The values of an exchange that may occur in its messages and in the names of its fields.
    fn known(
        &self,
        exchange: &Exchange,
        found: Option<&Found>,
        query: &[(String, String)],
        request: &Body,
        response: Option<&Body>,
    ) -> Known {
        let mut known = Known::default();
        for (name, value) in found.iter().flat_map(|found| &found.parameters) {
            learn(name, value, &mut known);
        }
        query.iter().for_each(|(name, value)| learn(name, value, &mut known));
        for body in [Some(request), response].into_iter().flatten() {
            match body {
                Body::Json(node) => learn_node("", node, &mut known),
                Body::Form(fields) => fields.iter().for_each(|(name, value)| learn(name, value, &mut known)),
                _ => {}
            }
        }
        let keys = exchange.request_headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("x-api-key"));
        keys.for_each(|(_, key)| known.add(key, Kind::ApiKey));
        known
    }
}

fn learn(field: &str, value: &str, known: &mut Known) {
    let description = Description::get();
    match description.kind(field) {
        Some(Kind::Code | Kind::Message | Kind::Listed | Kind::Quantity | Kind::Scope | Kind::TokenType) => {}
        Some(kind) => known.add(value, kind),
        None if description.is_quantity(field) => {}
        None if value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false") => {}
        None => known.add(value, if value.contains('@') { Kind::User } else { Kind::Text }),
    }
}

fn learn_node(field: &str, node: &Node, known: &mut Known) {
    match node {
        Node::Text(text) => learn(field, text, known),
        Node::List(items) => items.iter().for_each(|item| learn_node(field, item, known)),
        Node::Object(fields) => fields.iter().for_each(|(name, value)| learn_node(name, value, known)),
        Node::Null | Node::Bool(_) | Node::Number(_) => {}
    }
}

/// A body as far as it is understood.
enum Body {
    Empty,
    Json(Node),
    Form(Vec<(String, String)>),
    WebPage,
    Other,
    TooLarge,
}

impl Body {
    fn read(bytes: &[u8], headers: &[(String, String)]) -> Self {
        if bytes.is_empty() {
            return Self::Empty;
        }
        if bytes.len() > MAX_BODY {
            return Self::TooLarge;
        }
        let media_type = media_type(headers);
        if media_type == "application/x-www-form-urlencoded" {
            return Self::Form(form_urlencoded::parse(bytes).into_owned().collect());
        }
        match Node::parse(bytes) {
            Some(node) => Self::Json(node),
            None if media_type == "text/html" || bytes.trim_ascii_start().starts_with(b"<") => Self::WebPage,
            None => Self::Other,
        }
    }

    fn omitted(&self) -> Option<Omitted> {
        match self {
            Self::WebPage => Some(Omitted::WebPage),
            Self::Other => Some(Omitted::NotJson),
            Self::TooLarge => Some(Omitted::TooLarge),
            Self::Empty | Self::Json(_) | Self::Form(_) => None,
        }
    }
}

/// Cleans the parts of one exchange.
struct Clean<'a> {
    pseudonyms: &'a Pseudonyms,
    known: &'a Known,
}

impl Clean<'_> {
    fn node(&self, field: &str, node: &Node, code: Option<&str>) -> Node {
        match node {
            Node::Null | Node::Bool(_) => node.clone(),
            Node::Number(number) => Node::Number(self.number(field, number)),
            Node::Text(text) => Node::Text(self.text(field, text, code)),
            Node::List(items) => Node::List(items.iter().map(|item| self.node(field, item, code)).collect()),
            Node::Object(fields) => {
                let of = |name: &str| fields.iter().find(|(key, _)| key == name).and_then(|(_, value)| value.text());
                let code = ["errorCode", "warningCode", "error_code", "result", "error"].into_iter().find_map(of);
                // A new field is beside described ones. An object without any may have names as its keys.
                let is_described = fields.iter().any(|(key, _)| Description::get().has_field(key));
                let name =
                    |key: &str| if is_described { self.field(key) } else { self.pseudonyms.name(Label::Text, key) };
                Node::Object(fields.iter().map(|(key, value)| (name(key), self.node(key, value, code))).collect())
            }
        }
    }

    fn number(&self, field: &str, number: &Number) -> Number {
        let is_small = number.as_u64().is_some_and(|value| value <= 1);
        if is_small || Description::get().is_quantity(field) {
            return number.clone();
        }
        let text = number.to_string();
        let digits: String = text.chars().filter(char::is_ascii_digit).take(18).collect();
        let replaced = self.pseudonyms.digits(&digits);
        if text.starts_with('-') {
            return replaced.parse::<i64>().map_or_else(|_| Number::from(2), |value| Number::from(-value));
        }
        replaced.parse::<u64>().map_or_else(|_| Number::from(2), Number::from)
    }

    fn text(&self, field: &str, text: &str, code: Option<&str>) -> String {
        let description = Description::get();
        let is_digits = !text.is_empty() && text.len() <= 18 && text.bytes().all(|byte| byte.is_ascii_digit());
        let Some(kind) = description.kind(field) else { return self.undescribed(text) };
        match kind {
            _ if text.is_empty() => String::new(),
            _ if is_digits && description.is_quantity(field) => text.to_owned(),
            _ if matches!(text, "true" | "false" | "True" | "False")
                && !matches!(kind, Kind::User | Kind::Name | Kind::Group) =>
            {
                text.to_owned()
            }
            Kind::Code => self.code(field, text),
            Kind::Message => message(text, code, self.known, self.pseudonyms),
            Kind::Listed if description.is_listed(field, text) => text.to_owned(),
            Kind::Listed => self.unlisted(text),
            Kind::Quantity if is_digits || text.eq_ignore_ascii_case("unlimited") => text.to_owned(),
            Kind::TokenType if text.eq_ignore_ascii_case("bearer") => text.to_owned(),
            Kind::Scope => {
                let scope = |one: &str| match one {
                    known if SCOPES.contains(&known) => known.to_owned(),
                    other => self.pseudonyms.name(Label::Text, other),
                };
                let separator = if text.contains(',') { "," } else { " " };
                text.split(separator).map(scope).collect::<Vec<_>>().join(separator)
            }
            kind => of_kind(kind, text, self.pseudonyms),
        }
    }

    /// A code of the catalog is kept, and so is the number of a gateway. Of any other, the words of the service are kept.
    fn code(&self, field: &str, text: &str) -> String {
        let description = Description::get();
        let is_number = text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit());
        if description.code(text).is_some()
            || description.is_listed(field, text)
            || (is_number && !self.known.has_word(text))
        {
            return text.to_owned();
        }
        if text == "success" {
            return text.to_owned();
        }
        if text.contains(' ') { message(text, None, self.known, self.pseudonyms) } else { self.unlisted(text) }
    }

    /// A value that no description lists: its words of the service are kept.
    fn unlisted(&self, text: &str) -> String {
        let mut shown = String::new();
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
            if end > 0 {
                let word = &rest[..end];
                let is_known =
                    Description::get().knows_word(word) || Description::get().knows_word(&word.to_lowercase());
                shown.push_str(&if is_known && !self.known.has_word(word) {
                    word.to_owned()
                } else {
                    self.pseudonyms.name(Label::Word, word)
                });
                rest = &rest[end..];
            }
            let Some(separator) = rest.chars().next() else { break };
            let is_repeated = shown.ends_with("__") || shown.ends_with("..");
            shown.push(if matches!(separator, '.' | '_' | '-') && !is_repeated { separator } else { '_' });
            rest = &rest[separator.len_utf8()..];
            if shown.len() > 400 {
                break;
            }
        }
        shown
    }

    /// The value of a field that is not described.
    fn undescribed(&self, text: &str) -> String {
        if text.contains('@') {
            return self.pseudonyms.user(text);
        }
        let is_id =
            text.len() <= 100 && text.bytes().any(|byte| byte.is_ascii_digit()) && !text.contains(char::is_whitespace);
        if is_id { self.pseudonyms.id(text) } else { self.pseudonyms.name(Label::Text, text) }
    }

    /// The name of a field: kept if it is described, or looks like one and is not a value of the exchange.
    fn field(&self, name: &str) -> String {
        if Description::get().has_field(name) {
            return name.to_owned();
        }
        let is_name = !name.is_empty()
            && name.len() <= MAX_FIELD
            && name.bytes().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-'))
            && !self.known.has_word(name)
            && !words_of_field(name).any(|word| self.known.has_word(word));
        if is_name { name.to_owned() } else { self.pseudonyms.name(Label::Text, name) }
    }

    fn method(&self, method: &str) -> String {
        match method {
            "GET" | "POST" | "PUT" | "DELETE" | "PATCH" | "HEAD" | "OPTIONS" => method.to_owned(),
            other => self.pseudonyms.name(Label::Word, other),
        }
    }

    fn url(&self, found: Option<&Found>, path: &str, parameters: &[Pair], query: &[Pair]) -> String {
        let mut url = match found {
            Some(found) => {
                let base = if matches!(found.operation, AnyOperation::UserManagement(_)) { SERVICE } else { LOGIN };
                let mut path_of = found.operation.path().to_owned();
                for pair in parameters {
                    path_of = path_of.replace(&format!("{{{}}}", pair.name), &encode(&pair.value));
                }
                // A path may end with a slash, and whether the service accepts it is a question.
                let slash = if path.ends_with('/') { "/" } else { "" };
                format!("{base}{path_of}{slash}")
            }
            None => {
                let segments = path.split('/').map(|segment| match segment {
                    "" => String::new(),
                    "v2" | "usermanagement" | "ims" | "users" | "groups" | "action" => segment.to_owned(),
                    other => {
                        encode(&self.undescribed(&percent_encoding::percent_decode_str(other).decode_utf8_lossy()))
                    }
                });
                format!("https://usermanagement.adobe.io{}", segments.collect::<Vec<_>>().join("/"))
            }
        };
        if !query.is_empty() {
            let mut serializer = form_urlencoded::Serializer::new(String::new());
            query.iter().for_each(|pair| {
                serializer.append_pair(&pair.name, &pair.value);
            });
            url.push('?');
            url.push_str(&serializer.finish());
        }
        url
    }

    fn request_headers(&self, headers: &[(String, String)]) -> Vec<Pair> {
        let mut kept = Vec::new();
        for (name, value) in headers.iter().take(MAX_HEADERS) {
            let lower = name.to_lowercase();
            let value = match lower.as_str() {
                "content-type" => one_of(MEDIA_TYPES, value.split(';').next().unwrap_or_default().trim()),
                "pragma" => one_of(PRAGMAS, value.trim()),
                "x-request-id" => self.request_id(value),
                "x-api-key" => self.pseudonyms.name(Label::Key, value),
                // Everything else belongs to the program that sends it.
                _ => continue,
            };
            kept.push(Pair::new(lower, value));
        }
        kept
    }

    fn request_id(&self, value: &str) -> String {
        self.pseudonyms.id(value.get(..200).unwrap_or(value))
    }

    fn response_headers(&self, headers: &[(String, String)], shift: Shift) -> Vec<Pair> {
        let mut kept = Vec::new();
        for (name, value) in headers.iter().take(MAX_HEADERS) {
            let lower = name.to_lowercase();
            let trimmed = value.trim();
            let is_number =
                !trimmed.is_empty() && trimmed.len() <= 18 && trimmed.bytes().all(|byte| byte.is_ascii_digit());
            let value = match lower.as_str() {
                known if NUMBERS.contains(&known) && is_number => trimmed.to_owned(),
                "date" | "retry-after" => match httpdate::parse_http_date(trimmed) {
                    Ok(date) => httpdate::fmt_http_date(shift.apply(date)),
                    Err(_) => word_by_word(trimmed, self.known, self.pseudonyms),
                },
                known if NUMBERS.contains(&known) => word_by_word(trimmed, self.known, self.pseudonyms),
                "content-type" => one_of(MEDIA_TYPES, trimmed.split(';').next().unwrap_or_default().trim()),
                "x-request-id" | "x-debug-id" => self.request_id(trimmed),
                "www-authenticate" => self.challenge(trimmed),
                // A new header may be news. Its value may be anything.
                _ => {
                    kept.push(Pair::new(self.field(&lower), ""));
                    continue;
                }
            };
            kept.push(Pair::new(lower, value));
        }
        kept
    }

    /// `Bearer realm="JIL", error="invalid_token", error_description="The access token is invalid"`
    fn challenge(&self, value: &str) -> String {
        const KNOWN: &[&str] = &[
            "Bearer",
            "realm",
            "JIL",
            "error",
            "error_description",
            "invalid_token",
            "The access token is invalid",
            "invalid_request",
            "insufficient_scope",
            ", ",
            " ",
            "=",
        ];
        let mut shown = String::new();
        for (index, piece) in value.split('"').enumerate() {
            if index > 0 {
                shown.push('"');
            }
            if KNOWN.contains(&piece) {
                shown.push_str(piece);
                continue;
            }
            for part in piece.split_inclusive(['=', ',', ' ']) {
                let word = part.trim_end_matches(['=', ',', ' ']);
                if KNOWN.contains(&word) || word.is_empty() {
                    shown.push_str(part);
                } else {
                    shown.push_str(&word_by_word(word, self.known, self.pseudonyms));
                    shown.push_str(&part[word.len()..]);
                }
            }
        }
        shown
    }

    fn post_data(&self, body: &Body, headers: &[(String, String)]) -> Option<PostData> {
        let mime_type = one_of(MEDIA_TYPES, &media_type(headers));
        Some(match body {
            Body::Empty => return None,
            Body::Json(node) => {
                PostData { mime_type, text: Some(self.node("", node, None).to_string()), params: Vec::new() }
            }
            Body::Form(fields) => {
                let pairs =
                    fields.iter().map(|(name, value)| Pair::new(self.field(name), self.text(name, value, None)));
                PostData { mime_type, text: None, params: pairs.collect() }
            }
            Body::WebPage | Body::Other | Body::TooLarge => PostData { mime_type, ..PostData::default() },
        })
    }

    fn response(&self, response: &Response, body: Option<&Body>, shift: Shift) -> HarResponse {
        let text = match body {
            Some(Body::Json(node)) => Some(self.node("", node, None).to_string()),
            _ => None,
        };
        HarResponse {
            status: response.status,
            headers: self.response_headers(&response.headers, shift),
            content: Content {
                size: response.body.len() as u64,
                mime_type: one_of(MEDIA_TYPES, &media_type(&response.headers)),
                text,
            },
            headers_size: -1,
            body_size: size(&response.body),
            ..HarResponse::default()
        }
    }
}

/// The words of a name such as `preferredLanguage`.
fn words_of_field(name: &str) -> impl Iterator<Item = &str> {
    words(name).flat_map(|part| {
        let mut starts = vec![0];
        let bytes = part.as_bytes();
        starts.extend(
            (1..bytes.len()).filter(|at| bytes[*at].is_ascii_uppercase() && !bytes[at - 1].is_ascii_uppercase()),
        );
        starts.push(part.len());
        starts.windows(2).filter_map(|window| part.get(window[0]..window[1])).collect::<Vec<_>>()
    })
}

fn one_of(known: &[&str], value: &str) -> String {
    let found = known.iter().find(|one| one.eq_ignore_ascii_case(value));
    found.map_or_else(|| if value.is_empty() { String::new() } else { "other".to_owned() }, |one| (*one).to_owned())
}

fn media_type(headers: &[(String, String)]) -> String {
    let header = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    let value = header.map_or("", |(_, value)| value);
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn size(bytes: &[u8]) -> i64 {
    i64::try_from(bytes.len()).unwrap_or(i64::MAX)
}

fn path_and_query(url: &str) -> (&str, &str) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest.find('/').map_or("", |at| &rest[at..]));
    let rest = rest.split('#').next().unwrap_or_default();
    rest.split_once('?').unwrap_or((rest, ""))
}

/// Encodes a segment of a path.
fn encode(value: &str) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'@');
    utf8_percent_encode(value, ENCODED).to_string()
}

#[cfg(test)]
mod tests;
