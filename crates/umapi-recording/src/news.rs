//! What a recording has that the descriptions do not.

use std::fmt;

use crate::{
    description::{Description, Kind},
    entry::Entry,
    json::Node,
    message,
};

/// Headers that servers and networks add to any response.
const COMMON_HEADERS: &[&str] = &[
    "accept-ranges",
    "age",
    "alt-svc",
    "cache-control",
    "connection",
    "content-encoding",
    "content-language",
    "content-length",
    "content-security-policy",
    "content-type",
    "date",
    "etag",
    "expires",
    "keep-alive",
    "last-modified",
    "pragma",
    "proxy-authenticate",
    "referrer-policy",
    "retry-after",
    "server",
    "server-timing",
    "set-cookie",
    "strict-transport-security",
    "transfer-encoding",
    "vary",
    "via",
    "www-authenticate",
    "x-content-type-options",
    "x-current-page",
    "x-debug-id",
    "x-frame-options",
    "x-page-count",
    "x-page-size",
    "x-request-id",
    "x-total-count",
    "x-xss-protection",
];

/// Something that no description has. It is news about the service, or about a network between it and the client.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum News {
    /// A field of a body.
    Field(String),
    /// A value of an enum: the field and the value.
    Value(String, String),
    /// A code that is not in the catalog.
    Code(String),
    /// A message that is not in the catalog: the code beside it, and the text.
    Message(String, String),
    /// A header of a response.
    Header(String),
    /// A parameter of the query.
    Parameter(String),
}

impl News {
    /// The news of an entry, each once.
    pub fn of(entry: &Entry) -> Vec<Self> {
        let description = Description::get();
        let mut found = Vec::new();
        for header in &entry.response.headers {
            if !COMMON_HEADERS.contains(&header.name.as_str()) {
                found.push(Self::Header(header.name.clone()));
            }
        }
        for pair in &entry.request.query_string {
            if !description.has_field(&pair.name) {
                found.push(Self::Parameter(pair.name.clone()));
            }
        }
        for body in [entry.request_body(), entry.response.content.text.as_deref()].into_iter().flatten() {
            if let Some(node) = Node::parse(body.as_bytes()) {
                collect("", &node, None, &mut found);
            }
        }
        found.sort();
        found.dedup();
        found
    }
}

fn collect(field: &str, node: &Node, code: Option<&str>, found: &mut Vec<News>) {
    let description = Description::get();
    match node {
        Node::Text(text) => match description.kind(field) {
            Some(Kind::Listed) if !description.is_listed(field, text) => {
                found.push(News::Value(field.to_owned(), text.clone()));
            }
            // Some responses have a message in place of a code.
            Some(Kind::Code)
                if text != "success"
                    && description.code(text).is_none()
                    && !description.is_listed(field, text)
                    && message::template(text, None).is_none() =>
            {
                found.push(News::Code(text.clone()));
            }
            Some(Kind::Message)
                if !text.is_empty() && code != Some(text) && message::template(text, code).is_none() =>
            {
                found.push(News::Message(code.unwrap_or_default().to_owned(), text.clone()));
            }
            _ => {}
        },
        Node::List(items) => items.iter().for_each(|item| collect(field, item, code, found)),
        Node::Object(fields) => {
            let of = |name: &str| fields.iter().find(|(key, _)| key == name).and_then(|(_, value)| value.text());
            let code = ["errorCode", "warningCode", "error_code", "result", "error"].into_iter().find_map(of);
            for (name, value) in fields {
                if !description.has_field(name) {
                    found.push(News::Field(name.clone()));
                }
                collect(name, value, code, found);
            }
        }
        Node::Null | Node::Bool(_) | Node::Number(_) => {}
    }
}

impl fmt::Display for News {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(f, "the field `{name}`"),
            Self::Value(field, value) => write!(f, "the value `{value}` of `{field}`"),
            Self::Code(code) => write!(f, "the code `{code}`"),
            Self::Message(code, text) if code.is_empty() => write!(f, "the message `{text}`"),
            Self::Message(code, text) => write!(f, "the message `{text}` ({code})"),
            Self::Header(name) => write!(f, "the header `{name}`"),
            Self::Parameter(name) => write!(f, "the parameter `{name}`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Exchange, Recorder, Recording};

    fn news(exchange: &Exchange) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.jsonl");
        let recorder = Recorder::create(&path).unwrap();
        recorder.record(exchange);
        let entry = Recording::open(&path).unwrap().entry(0).unwrap();
        News::of(&entry).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_no_description_has_is_news() {
        let body = r#"{"lastPage":true,"result":"success","groups":[{"groupName":"a","type":"DEVELOPER_ADMIN_GROUP","seats":7}]}"#;
        let headers = vec![("X-Served-By".to_owned(), "x".to_owned()), ("Server".to_owned(), "x".to_owned())];
        let url = "https://h.example/v2/usermanagement/groups/1A@AdobeOrg/0?expand=true";
        assert_eq!(
            news(&Exchange::new("GET", url).with_response(200, headers, body)),
            [
                "the field `seats`",
                "the value `DEVELOPER_ADMIN_GROUP` of `type`",
                "the header `x-served-by`",
                "the parameter `expand`"
            ]
        );
    }

    #[test]
    fn known_errors_are_not_news_and_others_are() {
        let url = "https://h.example/v2/usermanagement/organizations/1A@AdobeOrg/users/a@b.c";
        let error = |body: &str| news(&Exchange::new("GET", url).with_response(400, vec![], body));
        assert!(error(r#"{"result":"error.user.not_found","message":"User not found a@b.c"}"#).is_empty());
        assert!(error(r#"{"errorCode":"GROUP_NOT_FOUND","errorMessage":"GROUP_NOT_FOUND"}"#).is_empty());
        assert!(error(r#"{"lastPage":true,"result":"Not found"}"#).len() == 1);
        let other = error(r#"{"result":"error.user.not.permitted","message":"The user is not allowed"}"#);
        assert_eq!(other.len(), 2, "{other:?}");
        assert!(other[0].starts_with("the code `error.user.not"), "{other:?}");
    }
}
