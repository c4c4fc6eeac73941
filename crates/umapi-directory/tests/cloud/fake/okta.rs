//! A small Okta: users, groups, members, deltas, scopes and rate limits, as its public description has them. Okta's own SDK
//! reads it too (`tests/python/okta_sdk.py`).

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::{Request, Response, Service};

/// The static token that the fake knows.
pub const TOKEN: &str = "00-EXAMPLE-okta-api-token";

/// The client that may log in with a signed assertion.
pub const CLIENT: &str = "0oaEXAMPLEclient";

/// The token that such a login gives.
const ACCESS_TOKEN: &str = "eyJ-EXAMPLE-okta-access-token";

/// The most entries of a page.
const MAX_USERS: usize = 200;
const MAX_GROUPS: usize = 10_000;
const MAX_MEMBERS: usize = 1_000;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A small Okta.
pub struct Okta(Mutex<State>);

/// What it holds, and how it behaves.
pub struct State {
    pub users: BTreeMap<String, User>,
    pub groups: BTreeMap<String, Group>,
    /// An upper limit of the entries of a page, so that a few entries are several pages.
    pub page: usize,
    /// Its clock.
    pub now: SystemTime,
    /// What the client was granted.
    pub scopes: Vec<String>,
    /// What its last login asked for.
    pub asked: Vec<String>,
    /// The public key of the client, as PEM.
    pub public_key: Option<String>,
    /// How many requests may come before the limit is reached, and in how many seconds it is reset.
    pub limit: Option<(u64, u64)>,
    /// Whether responses have the header `Date`.
    pub tells_time: bool,
    /// The number of logins.
    pub logins: usize,
}

/// A user.
#[derive(Clone, Debug)]
pub struct User {
    pub status: &'static str,
    pub profile: Map<String, Value>,
    pub updated: SystemTime,
}

/// A group.
#[derive(Clone, Debug)]
pub struct Group {
    pub name: String,
    pub kind: &'static str,
    pub members: Vec<String>,
    pub updated: SystemTime,
    pub members_updated: SystemTime,
}

impl Okta {
    /// One with this number of people, `p0@example.com` and so on, and no groups.
    pub fn new(people: usize, now: SystemTime) -> Self {
        let mut state = State {
            users: BTreeMap::new(),
            groups: BTreeMap::new(),
            page: usize::MAX,
            now: now - DAY,
            scopes: ["okta.users.read", "okta.groups.read"].map(str::to_owned).to_vec(),
            asked: Vec::new(),
            public_key: None,
            limit: None,
            tells_time: true,
            logins: 0,
        };
        for number in 0..people {
            state.add_user(number);
        }
        state.now = now;
        Self(Mutex::new(state))
    }

    /// Ten people; Design with three of them, Film with five, Nobody without members. Pages have two entries.
    pub fn company(now: SystemTime) -> Self {
        let okta = Self::new(10, now);
        let mut state = okta.state();
        // Nobody was changed lately.
        state.now = now - DAY;
        for (id, name, numbers) in
            [("00g1", "Design", &[0, 1, 2][..]), ("00g2", "Film", &[3, 4, 5, 6, 7]), ("00g3", "Nobody", &[])]
        {
            let members: Vec<String> = numbers.iter().map(|&number| user_id(number)).collect();
            state.add_group(id, name, &members.iter().map(String::as_str).collect::<Vec<_>>());
        }
        (state.now, state.page) = (now, 2);
        drop(state);
        okta
    }

    /// Many people, each in two of many groups.
    pub fn large(people: usize, groups: usize, now: SystemTime) -> Self {
        let okta = Self::new(people, now);
        let mut state = okta.state();
        state.now = now - DAY;
        for group in 0..groups {
            let first = (group..people).step_by(groups);
            let second = (groups - 1 - group..people).step_by(groups);
            let members: Vec<String> = first.chain(second).map(user_id).collect();
            let members: Vec<&str> = members.iter().map(String::as_str).collect();
            state.add_group(&format!("00g{group:05}"), &format!("Team {group}"), &members);
        }
        state.now = now;
        drop(state);
        okta
    }

    /// Ten changes: two people join and two leave, three change, and three memberships.
    pub fn change(&self, now: SystemTime) {
        let mut state = self.state();
        state.now = now;
        let number = state.users.len() + 1000;
        for leaver in [0, 1] {
            state.change_user(&user_id(leaver), |user| user.status = "DEPROVISIONED");
        }
        for joiner in [number, number + 1] {
            let joiner = state.add_user(joiner);
            state.change_members("00g00001", |members| members.push(joiner));
        }
        for changed in 2..5 {
            let name = json!(format!("Changed{number}"));
            state.change_user(&user_id(changed), |user| drop(user.profile.insert("lastName".to_owned(), name)));
        }
        state.change_members("00g00003", |members| drop(members.pop()));
    }

    /// What it holds.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn respond(&self, request: &Request) -> Response {
        let mut state = self.state();
        let segments: Vec<&str> = request.path.split('/').skip(1).collect();
        let response = match (request.method.as_str(), segments.as_slice()) {
            ("POST", ["oauth2", "v1", "token"]) => state.token(request),
            ("GET", ["api", "v1", rest @ ..]) => {
                let scope = if rest == ["users"] { "okta.users.read" } else { "okta.groups.read" };
                match state.refusal(request, scope) {
                    Some(refusal) => refusal,
                    None => match rest {
                        ["users"] => state.list_users(request),
                        ["groups"] => state.list_groups(request),
                        ["groups", id, "users"] => state.list_members(request, id),
                        _ => not_found(&request.path),
                    },
                }
            }
            _ => not_found(&request.path),
        };
        let (left, reset) = state.limit.unwrap_or((600, 60));
        let response = response
            .header("x-okta-request-id", "aEXAMPLErequest")
            .header("x-rate-limit-limit", "600")
            .header("x-rate-limit-remaining", left.to_string())
            .header("x-rate-limit-reset", (seconds(state.now) + reset).to_string());
        match state.tells_time {
            true => response.header("date", httpdate::fmt_http_date(state.now)),
            false => response,
        }
    }
}

impl Service for Okta {
    fn begin(&self, _url: &str) {}

    fn answer(&self, request: &Request) -> Response {
        self.respond(request)
    }

    fn is_counted(&self, request: &Request) -> bool {
        !request.path.starts_with("/oauth2/")
    }

    fn link(&self, response: &mut Response, next: &str) {
        response.headers.retain(|(name, value)| name != "link" || !value.contains("next"));
        response.headers.push(("link".to_owned(), format!("<{next}>; rel=\"next\"")));
    }
}

impl State {
    /// Adds a person.
    pub fn add_user(&mut self, number: usize) -> String {
        let id = user_id(number);
        let profile = json!({
            "login": format!("p{number}@example.com"),
            "email": format!("p{number}@example.com"),
            "firstName": format!("Pat{number}"),
            "lastName": "Lee",
            "countryCode": "US",
            "department": "Design",
            "secondEmail": null,
            "mobilePhone": null,
            "tags": ["a", "b"],
        });
        let Value::Object(profile) = profile else { unreachable!("it is an object") };
        let user = User { status: "ACTIVE", profile, updated: self.now };
        self.users.insert(id.clone(), user);
        id
    }

    /// Adds a group.
    pub fn add_group(&mut self, id: &str, name: &str, members: &[&str]) {
        let members = members.iter().map(|&id| id.to_owned()).collect();
        let (updated, members_updated) = (self.now, self.now);
        let group = Group { name: name.to_owned(), kind: "OKTA_GROUP", members, updated, members_updated };
        self.groups.insert(id.to_owned(), group);
    }

    /// Changes a user.
    pub fn change_user(&mut self, id: &str, change: impl FnOnce(&mut User)) {
        let now = self.now;
        let user = self.users.get_mut(id).expect("the user exists");
        change(user);
        user.updated = now;
        if user.status == "DEPROVISIONED" {
            for group in self.groups.values_mut().filter(|group| group.members.iter().any(|member| member == id)) {
                group.members.retain(|member| member != id);
                group.members_updated = now;
            }
        }
    }

    /// Changes the members of a group.
    pub fn change_members(&mut self, id: &str, change: impl FnOnce(&mut Vec<String>)) {
        let now = self.now;
        let group = self.groups.get_mut(id).expect("the group exists");
        change(&mut group.members);
        group.members_updated = now;
    }

    /// Lets time pass.
    pub fn advance(&mut self, time: Duration) {
        self.now += time;
    }

    fn refusal(&mut self, request: &Request, scope: &str) -> Option<Response> {
        if let Some((left, _)) = &mut self.limit {
            if *left == 0 {
                let text = "API call exceeded rate limit due to too many requests.";
                return Some(error(429, "E0000047", text));
            }
            *left -= 1;
        }
        let is_in = |scopes: &[String]| scopes.iter().any(|known| known == scope);
        let authorization = request.header("authorization").unwrap_or_default();
        // The SDK leaves out the blank, and Okta does not mind.
        if authorization.strip_prefix("SSWS").is_some_and(|token| token.trim_start() == TOKEN) {
            return None;
        }
        match authorization.split_once(' ') {
            Some(("Bearer", ACCESS_TOKEN)) if is_in(&self.scopes) && is_in(&self.asked) => None,
            Some(("Bearer", ACCESS_TOKEN)) => {
                let text = "You do not have permission to perform the requested action";
                let challenge = format!(
                    "Bearer authorization_uri=\"http://example.okta.com/oauth2/v1/authorize\", \
                     realm=\"http://example.okta.com\", scope=\"{scope}\", error=\"insufficient_scope\", \
                     error_description=\"The access token provided does not contain the required scopes.\", resource=\"{}\"",
                    request.path
                );
                Some(error(403, "E0000006", text).header("www-authenticate", challenge))
            }
            _ => Some(error(401, "E0000011", "Invalid token provided")),
        }
    }

    fn token(&mut self, request: &Request) -> Response {
        let refuse = |status, code: &str, text: &str| {
            Response::json(status, &json!({ "error": code, "error_description": text }))
        };
        self.logins += 1;
        let fields = request.form();
        let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
        if field("grant_type") != "client_credentials" {
            return refuse(400, "unsupported_grant_type", "The authorization grant type is not supported.");
        }
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        if field("client_assertion_type") != kind {
            let text = "Client authentication is required for this endpoint, and the method private_key_jwt.";
            return refuse(401, "invalid_client", text);
        }
        let Some(key) = &self.public_key else {
            return refuse(401, "invalid_client", "Invalid value for 'client_id' parameter.");
        };
        let url = format!("http://{}/oauth2/v1/token", host(request));
        let mut rules = Validation::new(Algorithm::RS256);
        rules.set_audience(&[url]);
        rules.set_issuer(&[CLIENT]);
        rules.sub = Some(CLIENT.to_owned());
        rules.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
        // The fake has a clock of its own.
        rules.validate_exp = false;
        let key = DecodingKey::from_rsa_pem(key.as_bytes()).expect("a public key");
        let Ok(claims) = decode::<Value>(field("client_assertion"), &key, &rules) else {
            return refuse(401, "invalid_client", "The client_assertion signature is invalid.");
        };
        let expires = claims.claims["exp"].as_u64().unwrap_or_default();
        let now = seconds(self.now);
        if expires <= now {
            return refuse(401, "invalid_client", "The client_assertion token is expired.");
        }
        if expires > now + 3600 {
            let text = "The client_assertion token has an expiration too far into the future.";
            return refuse(401, "invalid_client", text);
        }
        let scopes: Vec<String> = field("scope").split(' ').map(str::to_owned).collect();
        let granted: Vec<String> = scopes.into_iter().filter(|scope| self.scopes.contains(scope)).collect();
        if granted.is_empty() {
            let text = "The requested scope is invalid, unknown, or malformed.";
            return refuse(400, "invalid_scope", text);
        }
        let scope = granted.join(" ");
        self.asked = granted;
        Response::json(
            200,
            &json!({ "token_type": "Bearer", "expires_in": 3600, "access_token": ACCESS_TOKEN, "scope": scope }),
        )
    }

    fn list_users(&self, request: &Request) -> Response {
        let filter = match request.query("filter").map(Filter::parse).transpose() {
            Ok(filter) => filter,
            Err(refusal) => return refusal,
        };
        let users = self.users.iter().filter(|(_, user)| match &filter {
            // Without a filter, users who were deactivated are left out.
            None => user.status != "DEPROVISIONED",
            Some(filter) => filter.holds(&[("lastUpdated", user.updated)]),
        });
        let host = host(request);
        self.page(request, MAX_USERS, users, |(id, user)| user.to_json(id, host))
    }

    fn list_groups(&self, request: &Request) -> Response {
        let filter = match request.query("filter").map(Filter::parse).transpose() {
            Ok(filter) => filter,
            Err(refusal) => return refusal,
        };
        let groups = self.groups.iter().filter(|(_, group)| {
            filter.as_ref().is_none_or(|filter| {
                filter.holds(&[("lastUpdated", group.updated), ("lastMembershipUpdated", group.members_updated)])
            })
        });
        let host = host(request);
        self.page(request, MAX_GROUPS, groups, |(id, group)| group.to_json(id, host))
    }

    fn list_members(&self, request: &Request, id: &str) -> Response {
        let Some(group) = self.groups.get(id) else {
            return error(404, "E0000007", &format!("Not found: Resource not found: {id} (UserGroup)"));
        };
        let members = group.members.iter().filter_map(|id| self.users.get_key_value(id));
        let host = host(request);
        self.page(request, MAX_MEMBERS, members, |(id, user)| user.to_json(id, host))
    }

    /// A page of a list, with links to itself and to the next one.
    fn page<T>(
        &self,
        request: &Request,
        max: usize,
        list: impl Iterator<Item = T>,
        to_json: impl Fn(T) -> Value,
    ) -> Response {
        let limit = request.query("limit").map_or(Ok(max), str::parse::<usize>);
        let Some(limit) = limit.ok().filter(|limit| (1..=max).contains(limit)) else {
            return error(400, "E0000001", "Api validation failed: limit");
        };
        let start =
            match request.query("after").map(|after| after.strip_prefix("after-").and_then(|at| at.parse().ok())) {
                None => 0,
                Some(Some(start)) => start,
                Some(None) => return error(400, "E0000031", "Invalid search criteria. Invalid cursor."),
            };
        let limit = limit.min(self.page);
        let mut rest = list.skip(start);
        let entries: Vec<Value> = rest.by_ref().take(limit).map(to_json).collect();
        let has_more = rest.next().is_some();
        let mut response = Response::json(200, &Value::Array(entries));
        let base = format!("http://{}{}", host(request), request.path);
        let mut link = |rel: &str, after: Option<String>| {
            let others = request.query.iter().filter(|(name, _)| *name != "after");
            let after = after.map(|after| ("after".to_owned(), after));
            let pairs = after.into_iter().chain(others.map(|(name, value)| (name.clone(), value.clone())));
            let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
            response.headers.push(("link".to_owned(), format!("<{base}?{query}>; rel=\"{rel}\"")));
        };
        link("self", request.query("after").map(str::to_owned));
        if has_more {
            link("next", Some(format!("after-{}", start + limit)));
        }
        response
    }
}

impl User {
    fn to_json(&self, id: &str, host: &str) -> Value {
        json!({
            "id": id,
            "status": self.status,
            "created": "2026-01-01T00:00:00.000Z",
            "activated": "2026-01-01T00:00:00.000Z",
            "statusChanged": "2026-01-01T00:00:00.000Z",
            "lastLogin": null,
            "lastUpdated": time(self.updated),
            "passwordChanged": null,
            "type": { "id": "otyEXAMPLE" },
            "profile": self.profile,
            "credentials": { "provider": { "type": "OKTA", "name": "OKTA" } },
            "_links": { "self": { "href": format!("http://{host}/api/v1/users/{id}") } },
        })
    }
}

impl Group {
    fn to_json(&self, id: &str, host: &str) -> Value {
        json!({
            "id": id,
            "created": "2026-01-01T00:00:00.000Z",
            "lastUpdated": time(self.updated),
            "lastMembershipUpdated": time(self.members_updated),
            "objectClass": ["okta:user_group"],
            "type": self.kind,
            "profile": { "name": self.name, "description": null },
            "_links": { "users": { "href": format!("http://{host}/api/v1/groups/{id}/users") } },
        })
    }
}

/// `lastUpdated gt "…" or lastMembershipUpdated gt "…"`.
struct Filter(Vec<(String, u64)>);

impl Filter {
    fn parse(text: &str) -> Result<Self, Response> {
        let condition = |text: &str| {
            let mut words = text.split(' ');
            let (name, operator, value) = (words.next()?, words.next()?, words.next()?);
            let is_known = ["lastUpdated", "lastMembershipUpdated"].contains(&name) && operator == "gt";
            let value = value.strip_prefix('"')?.strip_suffix('"')?.parse::<Timestamp>().ok()?;
            let value = u64::try_from(value.as_second()).ok()?;
            (is_known && words.next().is_none()).then(|| (name.to_owned(), value))
        };
        let conditions = text.split(" or ").map(condition).collect::<Option<_>>();
        conditions.map(Self).ok_or_else(|| error(400, "E0000031", "Invalid search criteria."))
    }

    fn holds(&self, times: &[(&str, SystemTime)]) -> bool {
        self.0.iter().any(|(name, after)| times.iter().any(|(known, time)| known == name && seconds(*time) > *after))
    }
}

/// The id of a person.
pub fn user_id(number: usize) -> String {
    format!("00u{number:017}")
}

fn error(status: u16, code: &str, text: &str) -> Response {
    Response::json(
        status,
        &json!({ "errorCode": code, "errorSummary": text, "errorLink": code, "errorId": "oaeEXAMPLE", "errorCauses": [] }),
    )
}

fn not_found(path: &str) -> Response {
    error(404, "E0000022", &format!("The endpoint does not support the provided HTTP method: {path}"))
}

fn host(request: &Request) -> &str {
    request.header("host").unwrap_or_default()
}

fn time(time: SystemTime) -> String {
    let seconds = i64::try_from(seconds(time)).expect("a date");
    Timestamp::from_second(seconds).expect("a date").strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string()
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}
