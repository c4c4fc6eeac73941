//! What the descriptions say about fields, codes, messages and paths: everything that a recording may keep.

use std::{
    collections::{HashMap, HashSet},
    sync::OnceLock,
};

use percent_encoding::percent_decode_str;
use serde_json::Value;
use umapi_model::{AnyOperation, CodeEntry, ErrorCode, description, ims::LoginErrorCode};

/// What the text of a field is, and so what it is replaced by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// An address, or a username.
    User,
    /// A first or last name.
    Name,
    Domain,
    Country,
    Phone,
    /// The name of a group, a profile or a product.
    Group,
    /// An organization, or another id of the service.
    Id,
    /// The caller's id of a command or a request.
    RequestId,
    ApiKey,
    /// A token, a client secret, a signed JWT: never kept.
    Secret,
    /// One of the codes of the catalog.
    Code,
    /// A sentence.
    Message,
    /// A value of an enum.
    Listed,
    /// A number that may be written as text.
    Quantity,
    /// The scopes of a login.
    Scope,
    /// The type of a token.
    TokenType,
    /// Anything else.
    Text,
}

/// What each field with text is. A test compares it with the descriptions: a new field must be added here.
const KINDS: &[(Kind, &[&str])] = &[
    (
        Kind::User,
        &[
            "user",
            "users",
            "email",
            "username",
            "userString",
            "addUsers",
            "removeUsers",
            "addAdminUsers",
            "removeAdminUsers",
            "addProductAdmin",
            "removeProductAdmin",
        ],
    ),
    (Kind::Name, &["firstname", "lastname", "firstName", "lastName"]),
    (Kind::Domain, &["domain", "removedDomain"]),
    (Kind::Country, &["country", "countryCode"]),
    (Kind::Phone, &["phoneNumber"]),
    (
        Kind::Group,
        &[
            "usergroup",
            "group",
            "groups",
            "groupName",
            "adminGroupName",
            "userGroupName",
            "productProfileName",
            "productName",
            "name",
            "product",
            "productConfiguration",
            "addUserGroups",
            "removeUserGroups",
            "admin",
            "productAdmin",
            "adminRoles",
        ],
    ),
    (Kind::Id, &["id", "orgId", "productId", "configId", "groupId", "adminGroupId", "licenseGroupId"]),
    (Kind::RequestId, &["requestID"]),
    (Kind::ApiKey, &["client_id"]),
    (Kind::Secret, &["client_secret", "jwt_token", "access_token"]),
    (Kind::Code, &["result", "errorCode", "warningCode", "error_code", "error"]),
    (Kind::Message, &["message", "errorMessage", "error_description"]),
    (Kind::Listed, &["status", "type", "userType", "option", "remove", "grant_type"]),
    (Kind::Quantity, &["step", "licenseQuota", "adminCount"]),
    (Kind::Scope, &["scope"]),
    (Kind::TokenType, &["token_type"]),
    (Kind::Text, &["description", "code", "tags"]),
];

/// The scopes of logins that are the same for everybody.
pub(crate) const SCOPES: &[&str] = &["openid", "AdobeID", "user_management_sdk", "ent_user_sdk"];

/// What the descriptions say about a field.
#[derive(Debug, Default)]
struct Field {
    kind: Option<Kind>,
    is_number: bool,
    /// Whether its value may be text.
    is_text: bool,
    listed: HashSet<String>,
}

/// What a recording may keep.
pub(crate) struct Description {
    fields: HashMap<String, Field>,
    vocabulary: HashSet<String>,
    codes: HashMap<&'static str, &'static CodeEntry>,
    routes: Vec<Route>,
}

/// The path of an operation.
struct Route {
    operation: AnyOperation,
    parts: Vec<Part>,
}

enum Part {
    Literal(&'static str),
    Parameter(&'static str),
}

/// An operation, with the parameters of the path, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) operation: AnyOperation,
    pub(crate) parameters: Vec<(&'static str, String)>,
}

impl Description {
    /// The descriptions of both APIs, read once.
    pub(crate) fn get() -> &'static Self {
        static READ: OnceLock<Description> = OnceLock::new();
        READ.get_or_init(Self::read)
    }

    fn read() -> Self {
        let mut fields: HashMap<String, Field> = HashMap::new();
        for text in [description::UMAPI, description::IMS] {
            // A test proves that both are valid.
            let root: Value = serde_json::from_str(text).unwrap_or_default();
            collect(&root, &root, &mut fields);
        }
        for (kind, names) in KINDS {
            for name in *names {
                fields.entry((*name).to_owned()).or_default().kind = Some(*kind);
            }
        }
        // The number of a page is a parameter.
        fields.entry("page".to_owned()).or_default().is_number = true;
        let entries = || ErrorCode::CATALOG.iter().chain(LoginErrorCode::CATALOG);
        let mut vocabulary = HashSet::new();
        for name in fields.keys() {
            add_words(name, &mut vocabulary);
        }
        for listed in fields.values().flat_map(|field| &field.listed) {
            add_words(listed, &mut vocabulary);
        }
        for entry in entries() {
            add_words(entry.code, &mut vocabulary);
            for message in entry.messages {
                pieces(message).into_iter().for_each(|piece| {
                    if let Piece::Literal(text) = piece {
                        add_words(text, &mut vocabulary);
                    }
                });
            }
            // Names begin with a capital, words of a sentence do not.
            for text in [entry.meaning, entry.remedy] {
                let small = words(text).filter(|word| word.chars().all(char::is_lowercase));
                vocabulary.extend(small.map(str::to_owned));
            }
        }
        let routes = AnyOperation::all().map(|operation| {
            let segments = operation.path().split('/').filter(|segment| !segment.is_empty());
            let part = |segment: &'static str| match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
                Some(name) => Part::Parameter(name),
                None => Part::Literal(segment),
            };
            Route { operation, parts: segments.map(part).collect() }
        });
        Self {
            vocabulary,
            codes: entries().map(|entry| (entry.code, entry)).collect(),
            routes: routes.collect(),
            fields,
        }
    }

    /// What the text of a field is. `None` if the field is not described.
    pub(crate) fn kind(&self, field: &str) -> Option<Kind> {
        let found = self.fields.get(field)?;
        Some(found.kind.unwrap_or(if found.listed.is_empty() { Kind::Text } else { Kind::Listed }))
    }

    /// Whether the name of a field is described.
    pub(crate) fn has_field(&self, field: &str) -> bool {
        self.fields.contains_key(field)
    }

    /// Whether a field is a number that says nothing about who it belongs to.
    pub(crate) fn is_quantity(&self, field: &str) -> bool {
        self.fields.get(field).is_some_and(|found| found.is_number && found.kind != Some(Kind::Id))
    }

    /// Whether the descriptions list a value of a field.
    pub(crate) fn is_listed(&self, field: &str, value: &str) -> bool {
        self.fields.get(field).is_some_and(|found| found.listed.contains(value))
    }

    /// The entry of the catalog with a code.
    pub(crate) fn code(&self, code: &str) -> Option<&'static CodeEntry> {
        self.codes.get(code).copied()
    }

    /// All entries of the catalogs with messages.
    pub(crate) fn messages(&self) -> impl Iterator<Item = &'static str> + '_ {
        ErrorCode::CATALOG.iter().chain(LoginErrorCode::CATALOG).flat_map(|entry| entry.messages.iter().copied())
    }

    /// Whether a word belongs to the words of the service.
    pub(crate) fn knows_word(&self, word: &str) -> bool {
        self.vocabulary.contains(word)
    }

    /// The operation of a request. `path` begins at the root of the host; the base of the API may be
    /// another one than in production.
    pub(crate) fn find(&self, method: &str, path: &str) -> Option<Found> {
        let path = path.strip_suffix('/').unwrap_or(path);
        let full: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        let fit = |start: usize| self.routes.iter().find_map(|route| route.fit(method, &full[start..]));
        let after_base = |start: &usize| *start == 0 || full[*start - 1] == "usermanagement";
        // The base URL of a client may have another path, such as that of a gateway in front.
        let starts = || 0..=full.len();
        starts().filter(after_base).find_map(fit).or_else(|| starts().find_map(fit))
    }
}

impl Route {
    fn fit(&self, method: &str, segments: &[&str]) -> Option<Found> {
        if segments.len() != self.parts.len() || self.operation.method() != method {
            return None;
        }
        let mut parameters = Vec::new();
        for (part, segment) in self.parts.iter().zip(segments) {
            let decoded = percent_decode_str(segment).decode_utf8_lossy();
            match part {
                Part::Literal(literal) if decoded == *literal => {}
                Part::Literal(_) => return None,
                // This is how `/users/{orgId}/{page}` and `/{orgId}/users/{email}` are told apart.
                Part::Parameter("orgId") if !decoded.contains('@') => return None,
                Part::Parameter(name) => parameters.push((*name, decoded.into_owned())),
            }
        }
        Some(Found { operation: self.operation, parameters })
    }
}

/// Collects the properties and the query parameters of a description.
fn collect(root: &Value, node: &Value, fields: &mut HashMap<String, Field>) {
    match node {
        Value::Array(items) => items.iter().for_each(|item| collect(root, item, fields)),
        Value::Object(map) => {
            if let Some(Value::Object(properties)) = map.get("properties") {
                for (name, schema) in properties {
                    describe(root, schema, fields.entry(name.clone()).or_default(), 0);
                }
            }
            if let (Some(Value::String(name)), Some(Value::String(place)), Some(schema)) =
                (map.get("name"), map.get("in"), map.get("schema"))
                && matches!(place.as_str(), "path" | "query")
            {
                describe(root, schema, fields.entry(name.clone()).or_default(), 0);
            }
            let nodes = map.iter().filter(|(key, _)| !matches!(key.as_str(), "example" | "examples"));
            nodes.for_each(|(_, value)| collect(root, value, fields));
        }
        _ => {}
    }
}

/// Adds what a schema says about the values of a field.
fn describe(root: &Value, schema: &Value, field: &mut Field, depth: u32) {
    if depth > 10 {
        return;
    }
    if let Some(target) = schema.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix('#')) {
        if let Some(found) = root.pointer(target) {
            describe(root, found, field, depth + 1);
        }
        return;
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("integer" | "number") => field.is_number = true,
        Some("string") => field.is_text = true,
        Some("array") => describe(root, &schema["items"], field, depth + 1),
        _ => {}
    }
    for key in ["enum", "x-extensible-enum"] {
        let values = schema.get(key).and_then(Value::as_array).into_iter().flatten();
        field.listed.extend(values.filter_map(Value::as_str).map(str::to_owned));
    }
    let aliases = schema.get("x-enum-aliases").and_then(Value::as_object).into_iter().flatten();
    field.listed.extend(aliases.map(|(alias, _)| alias.clone()));
    for key in ["allOf", "oneOf", "anyOf"] {
        let parts = schema.get(key).and_then(Value::as_array).into_iter().flatten();
        parts.for_each(|part| describe(root, part, field, depth + 1));
    }
}

/// A piece of a message of the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'m> {
    Literal(&'m str),
    /// A place for a value, e.g. `{user}`.
    Place(&'m str),
}

/// The pieces of a message of the catalog.
pub(crate) fn pieces(message: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let mut rest = message;
    while let Some((literal, after)) = rest.split_once('{')
        && let Some((place, after)) = after.split_once('}')
    {
        found.push(Piece::Literal(literal));
        found.push(Piece::Place(place));
        rest = after;
    }
    found.push(Piece::Literal(rest));
    found
}

/// The words of a text.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

fn add_words(text: &str, vocabulary: &mut HashSet<String>) {
    vocabulary.extend(words(text).map(str::to_owned));
    vocabulary.insert(text.to_owned());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_with_text_is_of_a_kind() {
        let description = Description::get();
        assert!(description.fields.len() > 80);
        let missing: Vec<_> = description
            .fields
            .iter()
            .filter(|(_, field)| field.kind.is_none() && (field.is_text || !field.listed.is_empty()))
            .map(|(name, _)| name)
            .collect();
        assert!(missing.is_empty(), "add these fields to `KINDS`: {missing:?}");
        for (_, names) in KINDS {
            for name in *names {
                let field = &description.fields[*name];
                assert!(field.is_text || field.is_number || !field.listed.is_empty(), "{name} is in no description");
            }
        }
    }

    #[test]
    fn ids_are_not_quantities() {
        let description = Description::get();
        for field in ["memberCount", "completed", "index", "expires_in", "page"] {
            assert!(description.is_quantity(field), "{field}");
        }
        for field in ["groupId", "adminGroupId", "licenseGroupId", "email", "planted"] {
            assert!(!description.is_quantity(field), "{field}");
        }
        assert!(description.is_listed("type", "federatedID") && description.is_listed("type", "AdobeID"));
        assert!(description.is_listed("remove", "all") && !description.is_listed("group", "all"));
    }

    #[test]
    fn paths_find_their_operation() {
        let find = |method, path| Description::get().find(method, path).map(|found| found.operation.id());
        for (method, path, expected) in [
            ("GET", "/v2/usermanagement/users/1A@AdobeOrg/0", Some("listUsers")),
            ("GET", "/v2/usermanagement/users/1A@AdobeOrg/0/A%2FB/", Some("listUsersInGroup")),
            ("GET", "/v2/usermanagement/1A@AdobeOrg/users/x%40y.z", Some("getLegacyUser")),
            ("POST", "/gateway/v2/usermanagement/action/1A%40AdobeOrg", Some("executeActions")),
            ("GET", "/organizations/1A@AdobeOrg/users/x@y.z", Some("getUser")),
            ("GET", "/gateway/1A@AdobeOrg/users", Some("listLegacyUsers")),
            ("POST", "/ims/token/v3", Some("requestToken")),
            ("GET", "/v2/usermanagement/action/1A@AdobeOrg", None),
            ("GET", "/", None),
        ] {
            assert_eq!(find(method, path), expected, "{path}");
        }
        let found = Description::get().find("GET", "/v2/usermanagement/users/1A@AdobeOrg/0/A%2FB").unwrap();
        assert_eq!(found.parameters[2], ("groupName", "A/B".to_owned()));
    }

    #[test]
    fn words_of_examples_are_not_known() {
        let description = Description::get();
        for word in ["user", "User", "not", "found", "error"] {
            assert!(description.knows_word(word), "{word}");
        }
        for word in ["John", "jdoe", "Photoshop", "Design"] {
            assert!(!description.knows_word(word), "{word}");
        }
    }

    #[test]
    fn messages_have_literals_and_places() {
        assert_eq!(
            pieces("field: {field}, max {maximum}"),
            [
                Piece::Literal("field: "),
                Piece::Place("field"),
                Piece::Literal(", max "),
                Piece::Place("maximum"),
                Piece::Literal("")
            ]
        );
    }
}
