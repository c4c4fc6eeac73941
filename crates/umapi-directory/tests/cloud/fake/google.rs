//! A fake of the parts of Google Workspace that a directory reads: logins of service accounts, users, groups, members,
//! organizational units, partial responses. Google's own SDK reads it too (`tests/languages/google_sdk.mjs`).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::{Map, Value, json};
use url::Url;

use super::{Request, Response, Service, key_and_certificate, public_key};

/// The service account, the administrator in whose name it reads, and the id of the account.
pub const EMAIL: &str = "sync@umapi-sync.iam.gserviceaccount.com";
pub const SUBJECT: &str = "admin@example.com";
pub const CUSTOMER: &str = "C01example";
pub const KEY_ID: &str = "0123456789abcdef0123456789abcdef01234567";

const TOKEN: &str = "ya29.EXAMPLE-google-access-token";

const USERS: &str = "https://www.googleapis.com/auth/admin.directory.user.readonly";
const GROUPS: &str = "https://www.googleapis.com/auth/admin.directory.group.readonly";
const UNITS: &str = "https://www.googleapis.com/auth/admin.directory.orgunit.readonly";

/// The fields of each resource, as the discovery document of the API has them.
const USER_FIELDS: [&str; 49] = [
    "addresses",
    "agreedToTerms",
    "aliases",
    "archivalTime",
    "archived",
    "changePasswordAtNextLogin",
    "creationTime",
    "customerId",
    "customSchemas",
    "deletionTime",
    "emails",
    "etag",
    "externalIds",
    "gender",
    "guestAccountInfo",
    "hashFunction",
    "id",
    "ims",
    "includeInGlobalAddressList",
    "ipWhitelisted",
    "isAdmin",
    "isDelegatedAdmin",
    "isEnforcedIn2Sv",
    "isEnrolledIn2Sv",
    "isGuestUser",
    "isMailboxSetup",
    "keywords",
    "kind",
    "languages",
    "lastLoginTime",
    "locations",
    "name",
    "nonEditableAliases",
    "notes",
    "organizations",
    "orgUnitPath",
    "password",
    "phones",
    "posixAccounts",
    "primaryEmail",
    "recoveryEmail",
    "recoveryPhone",
    "relations",
    "sshPublicKeys",
    "suspended",
    "suspensionReason",
    "thumbnailPhotoEtag",
    "thumbnailPhotoUrl",
    "websites",
];
const GROUP_FIELDS: [&str; 11] = [
    "adminCreated",
    "aliases",
    "description",
    "directMembersCount",
    "email",
    "etag",
    "externalIds",
    "id",
    "kind",
    "name",
    "nonEditableAliases",
];
const MEMBER_FIELDS: [&str; 8] = ["delivery_settings", "email", "etag", "id", "kind", "role", "status", "type"];
const UNIT_FIELDS: [&str; 9] = [
    "blockInheritance",
    "description",
    "etag",
    "kind",
    "name",
    "orgUnitId",
    "orgUnitPath",
    "parentOrgUnitId",
    "parentOrgUnitPath",
];

/// A Google Workspace account.
pub struct Google(Mutex<State>);

/// What it holds, and how it behaves.
pub struct State {
    pub users: BTreeMap<String, Map<String, Value>>,
    pub groups: BTreeMap<String, Group>,
    pub units: BTreeSet<String>,
    /// An upper limit of the entries of a page, so that a few entries are several pages.
    pub page: usize,
    /// Its clock.
    pub now: SystemTime,
    /// The scopes that the service account was authorized for.
    pub scopes: Vec<String>,
    /// The scopes of its token.
    pub asked: Vec<String>,
    /// Whether the administrator may read users and groups.
    pub is_administrator: bool,
    /// The public key of the service account, as PEM.
    pub public_key: Option<String>,
    /// Groups of other organizations.
    pub foreign: BTreeSet<String>,
    pub logins: usize,
}

/// A group.
#[derive(Clone, Debug)]
pub struct Group {
    pub email: String,
    pub name: String,
    /// Members: `id`, `email`, `type`.
    pub members: Vec<Value>,
}

impl Google {
    /// An account with this number of people, `p0@example.com` and so on, and no groups.
    pub fn new(people: usize, now: SystemTime) -> Self {
        let mut state = State {
            users: BTreeMap::new(),
            groups: BTreeMap::new(),
            units: BTreeSet::new(),
            page: usize::MAX,
            now,
            scopes: [USERS, GROUPS, UNITS].map(str::to_owned).to_vec(),
            asked: Vec::new(),
            is_administrator: true,
            public_key: None,
            foreign: BTreeSet::new(),
            logins: 0,
        };
        for number in 0..people {
            state.add_user(number);
        }
        Self(Mutex::new(state))
    }

    /// Ten people; design@ with two of them and interns@ in it, which has design@ in it; film@ with five; nobody@ empty; a few
    /// organizational units. Pages have two entries.
    pub fn company(now: SystemTime) -> Self {
        let google = Self::new(10, now);
        let mut state = google.state();
        state.page = 2;
        state.public_key = Some(public_key().to_owned());
        let ids: Vec<String> = (0..10).map(user_id).collect();
        let id = |number: usize| ids[number].as_str();
        state.add_group("g2", "interns@example.com", "Interns", &[id(1), id(2)]);
        state.add_group("g1", "design@example.com", "Design", &[id(0), id(1), "g2"]);
        state.add_member("g2", json!({ "id": "g1", "email": "design@example.com", "type": "GROUP" }));
        state.add_group("g3", "film@example.com", "Film", &[id(3), id(4), id(5), id(6), id(7)]);
        state.add_group("g4", "nobody@example.com", "Nobody", &[]);
        state.units = ["/Sales", "/Sales/EMEA", "/Salesforce", "/Empty"].map(str::to_owned).into();
        for (number, path) in [(0, "/Sales"), (1, "/Sales/EMEA"), (2, "/Salesforce")] {
            state.set(id(number), "orgUnitPath", json!(path));
        }
        drop(state);
        google
    }

    /// Many people, each in two of many groups.
    pub fn large(people: usize, groups: usize, now: SystemTime) -> Self {
        let google = Self::new(people, now);
        let mut state = google.state();
        state.public_key = Some(public_key().to_owned());
        for group in 0..groups {
            let first = (group..people).step_by(groups);
            let second = (groups - 1 - group..people).step_by(groups);
            let members: Vec<String> = first.chain(second).map(user_id).collect();
            let members: Vec<&str> = members.iter().map(String::as_str).collect();
            let name = format!("Team {group}");
            state.add_group(&format!("g{group:05}"), &format!("team{group}@example.com"), &name, &members);
        }
        drop(state);
        google
    }

    /// The key of the service account, as Google Cloud creates it.
    pub fn key(url: &str) -> Value {
        json!({
            "type": "service_account", "project_id": "umapi-sync", "private_key_id": KEY_ID,
            "private_key": key_and_certificate().0, "client_email": EMAIL, "client_id": "100000000000000000001",
            "token_uri": format!("{url}/token"),
        })
    }

    /// What it holds.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service for Google {
    fn begin(&self, _url: &str) {}

    fn answer(&self, request: &Request) -> Response {
        let mut state = self.state();
        let segments: Vec<&str> = request.path.split('/').skip(1).collect();
        match (request.method.as_str(), segments.as_slice()) {
            ("POST", ["token"]) => state.token(request),
            ("GET", ["admin", "directory", "v1", rest @ ..]) => {
                let scope = match rest {
                    ["users"] => USERS,
                    ["groups", ..] => GROUPS,
                    _ => UNITS,
                };
                match state.refusal(request, scope) {
                    Some(refusal) => refusal,
                    None => match rest {
                        ["users"] => state.list_users(request),
                        ["groups"] => state.list_groups(request),
                        ["groups", id, "members"] => state.list_members(request, id),
                        ["customer", customer, "orgunits"] => state.list_units(request, customer),
                        _ => error(404, "notFound", "Not Found"),
                    },
                }
            }
            _ => error(404, "notFound", "Not Found"),
        }
    }

    fn is_counted(&self, request: &Request) -> bool {
        request.path != "/token"
    }

    fn link(&self, response: &mut Response, next: &str) {
        let mut body: Value = serde_json::from_slice(&response.body).expect("a page is JSON");
        let token = Url::parse(next).ok().and_then(|url| {
            url.query_pairs().find(|(name, _)| name == "pageToken").map(|(_, token)| token.into_owned())
        });
        // A token is all that a page can name; the first page has none.
        body["nextPageToken"] = json!(token.unwrap_or_else(|| "at-0".to_owned()));
        response.body = body.to_string().into_bytes();
    }
}

impl State {
    /// Adds a person. Returns the id.
    pub fn add_user(&mut self, number: usize) -> String {
        let id = user_id(number);
        let email = format!("p{number}@example.com");
        let user = json!({
            "kind": "admin#directory#user",
            "id": id,
            "etag": "\"etag\"",
            "primaryEmail": email,
            "name": { "givenName": format!("Pat{number}"), "familyName": "Lee", "fullName": format!("Pat{number} Lee") },
            "isAdmin": false,
            "isDelegatedAdmin": false,
            "creationTime": "2026-01-01T00:00:00.000Z",
            "agreedToTerms": true,
            "suspended": false,
            "archived": false,
            "changePasswordAtNextLogin": false,
            "emails": [{ "address": email, "primary": true }],
            "addresses": [{ "type": "work", "countryCode": "US" }],
            "organizations": [{ "department": "Design", "primary": true }],
            "customerId": CUSTOMER,
            "orgUnitPath": "/",
            "isMailboxSetup": true,
            "includeInGlobalAddressList": true,
            "customSchemas": { "Adobe": { "login": format!("L{number}") } },
        });
        let Value::Object(user) = user else { unreachable!("it is an object") };
        self.users.insert(id.clone(), user);
        id
    }

    /// Sets a field of a user.
    pub fn set(&mut self, id: &str, field: &str, value: Value) {
        self.users.get_mut(id).expect("the user exists").insert(field.to_owned(), value);
    }

    /// Adds a group with people and groups of the account as members.
    pub fn add_group(&mut self, id: &str, email: &str, name: &str, members: &[&str]) {
        let members = members.iter().map(|&member| match self.users.get(member) {
            Some(user) => json!({ "id": member, "email": user["primaryEmail"], "type": "USER" }),
            None => {
                let email = self.groups.get(member).map_or("elsewhere@other.example", |group| &group.email);
                json!({ "id": member, "email": email, "type": "GROUP" })
            }
        });
        let members = members.collect();
        let (email, name) = (email.to_owned(), name.to_owned());
        self.groups.insert(id.to_owned(), Group { email, name, members });
    }

    /// Adds any member to a group.
    pub fn add_member(&mut self, group: &str, member: Value) {
        self.groups.get_mut(group).expect("the group exists").members.push(member);
    }

    fn refusal(&self, request: &Request, scope: &str) -> Option<Response> {
        if request.header("authorization") != Some(&format!("Bearer {TOKEN}")) {
            return Some(error(401, "authError", "Invalid Credentials"));
        }
        if !self.asked.iter().any(|asked| asked == scope) {
            let mut response = error(403, "insufficientPermissions", "Request had insufficient authentication scopes.");
            let mut body: Value = serde_json::from_slice(&response.body).expect("an error is JSON");
            body["error"]["details"] = json!([{
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
                "domain": "googleapis.com",
            }]);
            response.body = body.to_string().into_bytes();
            return Some(response);
        }
        (!self.is_administrator).then(|| error(403, "forbidden", "Not Authorized to access this resource/api"))
    }

    fn token(&mut self, request: &Request) -> Response {
        let refuse = |status, code: &str, text: &str| {
            Response::json(status, &json!({ "error": code, "error_description": text }))
        };
        self.logins += 1;
        let fields = request.form();
        let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
        if field("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
            return refuse(400, "unsupported_grant_type", "Invalid grant_type");
        }
        let Some(key) = &self.public_key else {
            return refuse(400, "invalid_grant", "Invalid grant: account not found");
        };
        let mut rules = Validation::new(Algorithm::RS256);
        // The audience of the SDK is fixed.
        let url = format!("http://{}/token", request.header("host").unwrap_or_default());
        rules.set_audience(&[&*url, "https://oauth2.googleapis.com/token"]);
        rules.set_issuer(&[EMAIL]);
        rules.set_required_spec_claims(&["exp", "aud", "iss"]);
        // The fake has a clock of its own.
        rules.validate_exp = false;
        let key = DecodingKey::from_rsa_pem(key.as_bytes()).expect("a public key");
        let Ok(token) = decode::<Value>(field("assertion"), &key, &rules) else {
            return refuse(400, "invalid_grant", "Invalid JWT Signature.");
        };
        let claims = token.claims;
        let (issued, expires) =
            (claims["iat"].as_u64().unwrap_or_default(), claims["exp"].as_u64().unwrap_or_default());
        let now = self.now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let reserve = Duration::from_secs(300);
        let is_short = expires > now.as_secs() && expires <= issued + 3600 && issued <= (now + reserve).as_secs();
        if !is_short {
            let text = "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.";
            return refuse(400, "invalid_grant", text);
        }
        match claims["sub"].as_str() {
            Some(SUBJECT) => {}
            _ => return refuse(400, "invalid_grant", "Invalid email or User ID"),
        }
        let scopes: Vec<String> = claims["scope"].as_str().unwrap_or_default().split(' ').map(str::to_owned).collect();
        // One scope that was not authorized spoils all.
        if scopes.iter().any(|scope| !self.scopes.contains(scope)) {
            let text = "Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of the scopes requested.";
            return refuse(401, "unauthorized_client", text);
        }
        self.asked = scopes;
        Response::json(200, &json!({ "access_token": TOKEN, "expires_in": 3599, "token_type": "Bearer" }))
    }

    fn is_customer(&self, customer: Option<&str>) -> bool {
        matches!(customer, Some("my_customer" | CUSTOMER))
    }

    fn list_users(&self, request: &Request) -> Response {
        if !self.is_customer(request.query("customer")) {
            return error(400, "badRequest", "Bad Request");
        }
        let schemas: Vec<&str> =
            request.query("customFieldMask").map(|mask| mask.split(',').collect()).unwrap_or_default();
        let schemas = match request.query("projection").unwrap_or("basic") {
            "basic" => Some(Vec::new()),
            "custom" if !schemas.is_empty() => Some(schemas),
            "full" => None,
            _ => return error(400, "invalid", "Invalid value for projection"),
        };
        let to_json = |user: &Map<String, Value>| {
            let mut user = user.clone();
            if let Some(schemas) = &schemas
                && let Some(Value::Object(mut own)) = user.remove("customSchemas")
            {
                own.retain(|schema, _| schemas.contains(&schema.as_str()));
                if !own.is_empty() {
                    user.insert("customSchemas".to_owned(), Value::Object(own));
                }
            }
            Value::Object(user)
        };
        self.page(request, ("users", "users"), &USER_FIELDS, 500, self.users.values(), to_json)
    }

    fn list_groups(&self, request: &Request) -> Response {
        if !self.is_customer(request.query("customer")) {
            return error(400, "badRequest", "Bad Request");
        }
        let to_json = |(id, group): (&String, &Group)| {
            json!({
                "kind": "admin#directory#group", "id": id, "etag": "\"etag\"", "email": group.email, "name": group.name,
                "directMembersCount": group.members.len().to_string(), "description": "", "adminCreated": true,
            })
        };
        self.page(request, ("groups", "groups"), &GROUP_FIELDS, 200, self.groups.iter(), to_json)
    }

    fn list_members(&self, request: &Request, id: &str) -> Response {
        if self.foreign.contains(id) {
            return error(403, "forbidden", "Not Authorized to access this resource/api");
        }
        let by_email = || self.groups.values().find(|group| group.email == id);
        let Some(group) = self.groups.get(id).or_else(by_email) else {
            return error(404, "notFound", "Resource Not Found: groupKey");
        };
        let to_json = |member: &Value| {
            let mut member = member.clone();
            member["kind"] = json!("admin#directory#member");
            member["role"] = json!("MEMBER");
            member["status"] = json!("ACTIVE");
            member
        };
        self.page(request, ("members", "members"), &MEMBER_FIELDS, 200, group.members.iter(), to_json)
    }

    fn list_units(&self, request: &Request, customer: &str) -> Response {
        if !self.is_customer(Some(customer)) {
            return error(400, "badRequest", "Bad Request");
        }
        if request.query("type") != Some("all") {
            return error(400, "invalid", "this fake only knows type=all");
        }
        let to_json = |path: &String| {
            let (parent, name) = path.rsplit_once('/').expect("a path");
            let parent = if parent.is_empty() { "/" } else { parent };
            json!({
                "kind": "admin#directory#orgUnit", "etag": "\"etag\"", "name": name, "orgUnitPath": path,
                "orgUnitId": format!("id:{name}"), "parentOrgUnitPath": parent, "parentOrgUnitId": "id:parent",
            })
        };
        self.page(request, ("orgUnits", "organizationUnits"), &UNIT_FIELDS, usize::MAX, self.units.iter(), to_json)
    }

    /// A page of a list, with the fields that were asked for.
    fn page<T>(
        &self,
        request: &Request,
        (kind, name): (&str, &str),
        fields: &[&str],
        max: usize,
        list: impl Iterator<Item = T>,
        to_json: impl Fn(T) -> Value,
    ) -> Response {
        let size = request.query("maxResults").map_or(Ok(100.min(max)), str::parse::<usize>);
        let Some(size) = size.ok().filter(|size| *size > 0) else {
            return error(400, "invalid", "Invalid value for maxResults");
        };
        let start =
            match request.query("pageToken").map(|token| token.strip_prefix("at-").and_then(|at| at.parse().ok())) {
                None => 0,
                Some(Some(start)) => start,
                Some(None) => return error(400, "invalid", "Invalid Input: pageToken"),
            };
        let mask = match request.query("fields").map(|mask| Mask::parse(mask, name, fields)).transpose() {
            Ok(mask) => mask,
            Err(text) => return error(400, "invalidParameter", &text),
        };
        let size = if max == usize::MAX { max } else { size.min(max).min(self.page) };
        let mut rest = list.skip(start);
        let entries: Vec<Value> = rest
            .by_ref()
            .take(size)
            .map(|entry| {
                let mut entry = to_json(entry);
                if let (Some(mask), Value::Object(entry)) = (&mask, &mut entry) {
                    entry.retain(|field, _| mask.entry.is_empty() || mask.entry.iter().any(|wanted| wanted == field));
                }
                entry
            })
            .collect();
        let mut page = Map::new();
        page.insert("kind".to_owned(), json!(format!("admin#directory#{kind}")));
        page.insert("etag".to_owned(), json!("\"etag\""));
        // A list without entries has no field for them.
        if !entries.is_empty() {
            page.insert(name.to_owned(), Value::Array(entries));
        }
        if rest.next().is_some() {
            page.insert("nextPageToken".to_owned(), json!(format!("at-{}", start + size)));
        }
        if let Some(mask) = mask {
            page.retain(|field, _| mask.page.iter().any(|wanted| wanted == field));
        }
        Response::json(200, &Value::Object(page))
    }
}

/// The fields of a partial response: `kind,nextPageToken,users(id,primaryEmail)`.
struct Mask {
    page: Vec<String>,
    entry: Vec<String>,
}

impl Mask {
    fn parse(text: &str, list: &str, known: &[&str]) -> Result<Self, String> {
        let wrong = |field: &str| format!("Invalid field selection {field}");
        let mut mask = Self { page: Vec::new(), entry: Vec::new() };
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest.find([',', '(']).unwrap_or(rest.len());
            let field = &rest[..end];
            if ![list, "kind", "etag", "nextPageToken"].contains(&field) {
                return Err(wrong(field));
            }
            mask.page.push(field.to_owned());
            rest = &rest[end..];
            if let Some(inner) = rest.strip_prefix('(') {
                let (inner, after) = inner.split_once(')').ok_or_else(|| wrong(inner))?;
                for field in inner.split(',') {
                    if !known.contains(&field) {
                        return Err(wrong(field));
                    }
                    mask.entry.push(field.to_owned());
                }
                rest = after;
            }
            rest = rest.strip_prefix(',').unwrap_or(rest);
        }
        Ok(mask)
    }
}

/// The id of a person.
pub fn user_id(number: usize) -> String {
    format!("1{number:020}")
}

fn error(status: u16, reason: &str, text: &str) -> Response {
    Response::json(
        status,
        &json!({ "error": {
            "code": status,
            "message": text,
            "errors": [{ "message": text, "domain": "global", "reason": reason }],
        } }),
    )
}
