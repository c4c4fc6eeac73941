//! A fake of the parts of Entra ID and Microsoft Graph that a directory reads: logins, users, groups, members, deltas.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard},
};

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::{Request, Response, Service, key_and_certificate};

pub const TENANT: &str = "contoso.example";
pub const CLIENT: &str = "6b1f2c3d-0000-4000-8000-00000000c11e";
pub const SECRET: &str = "planted-secret~Q8";

/// The properties that the fake knows of users, besides extensions.
const USER_PROPERTIES: [&str; 24] = [
    "id",
    "accountEnabled",
    "city",
    "companyName",
    "country",
    "department",
    "displayName",
    "employeeId",
    "employeeType",
    "givenName",
    "jobTitle",
    "mail",
    "mailNickname",
    "mobilePhone",
    "officeLocation",
    "onPremisesExtensionAttributes",
    "onPremisesImmutableId",
    "onPremisesSamAccountName",
    "otherMails",
    "preferredLanguage",
    "surname",
    "usageLocation",
    "userPrincipalName",
    "userType",
];

/// Entra ID and Microsoft Graph.
pub struct Entra {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    url: String,
    users: BTreeMap<String, User>,
    groups: BTreeMap<String, Group>,
    /// What was deleted, with the number of the change.
    deleted_users: BTreeMap<String, u64>,
    deleted_groups: BTreeMap<String, u64>,
    /// Memberships that were added or removed: number, group, member, whether it is one now.
    memberships: Vec<(u64, String, String, bool)>,
    /// The number of the last change.
    now: u64,
    /// Cursors before this change have expired.
    oldest: u64,
    /// What cursors stand for.
    selects: Vec<String>,
    tokens: BTreeSet<String>,
    logins: usize,
    rights: BTreeSet<String>,
    page_size: Option<usize>,
    delta_page_size: usize,
    /// Whether deltas hold only the changed properties of users.
    is_minimal: bool,
}

struct User {
    properties: Map<String, Value>,
    changed: u64,
    /// The properties of the last change, with the number of the change before it.
    last: (u64, Vec<String>),
}

struct Group {
    name: String,
    visibility: Option<String>,
    /// With their types: `user`, `group`, `device`.
    members: BTreeMap<String, String>,
    changed: u64,
    created: u64,
}

impl Entra {
    /// Nobody, in no group.
    pub fn new() -> Self {
        let rights = ["User.Read.All", "GroupMember.Read.All"].map(str::to_owned).into();
        Self { state: Mutex::new(State { rights, delta_page_size: 200, ..State::default() }) }
    }

    /// Ten people; Design with a group below it and a device, Film, and Nobody without members.
    pub fn company() -> Self {
        let entra = Self::new();
        entra.put_users(10);
        let user = |number: usize| ("user", user_id(number));
        entra.put_group(1, "Design", &[user(0), user(1), ("group", group_id(2)), ("device", device_id(1))]);
        entra.put_group(2, "Interns", &[user(1), user(2), ("group", group_id(1))]);
        entra.put_group(3, "Film", &[user(3), user(4), user(5)]);
        entra.put_group(4, "Nobody", &[]);
        entra
    }

    /// Many people, each in two of many groups.
    pub fn large(people: usize, groups: usize) -> Self {
        let entra = Self::new();
        entra.put_users(people);
        for group in 0..groups {
            let first = (group..people).step_by(groups);
            let second = (groups - 1 - group..people).step_by(groups);
            let members: Vec<_> = first.chain(second).map(|number| ("user", user_id(number))).collect();
            entra.put_group(group, &format!("Team {group}"), &members);
        }
        entra
    }

    /// Ten changes: two people join and two leave, three change, and three memberships.
    pub fn change(&self) {
        let number = self.state().users.len() + 1000;
        let gone: Vec<String> = self.state().users.keys().take(2).cloned().collect();
        for id in gone {
            self.delete_user(id[24..].parse().unwrap());
        }
        for joiner in [number, number + 1] {
            self.put_user(joiner, &json!({}));
            self.add_member(1, "user", user_id(joiner));
        }
        for changed in 2..5 {
            self.put_user(changed, &json!({ "surname": format!("Changed{number}") }));
        }
        let member = self.state().groups[&group_id(3)].members.keys().next().cloned().unwrap();
        self.remove_member(3, member);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Adds a person, or changes the given properties of one. Returns the id.
    pub fn put_user(&self, number: usize, properties: &Value) -> String {
        let id = user_id(number);
        let mut state = self.state();
        state.now += 1;
        let now = state.now;
        let mut given = properties.as_object().unwrap().clone();
        state.deleted_users.remove(&id);
        match state.users.get_mut(&id) {
            Some(user) => {
                user.last = (user.changed, given.keys().cloned().collect());
                user.changed = now;
                user.properties.append(&mut given);
            }
            None => {
                let mut all = json!({
                    "id": id,
                    "accountEnabled": true,
                    "userType": "Member",
                    "userPrincipalName": format!("user{number}@example.com"),
                    "mail": format!("user{number}@example.com"),
                    "givenName": format!("Given{number}"),
                    "surname": format!("Sur{number}"),
                    "usageLocation": "US",
                });
                let all = all.as_object_mut().unwrap();
                all.append(&mut given);
                let user = User { properties: all.clone(), changed: now, last: (now, Vec::new()) };
                state.users.insert(id.clone(), user);
            }
        }
        id
    }

    /// Adds many people at once.
    pub fn put_users(&self, count: usize) {
        for number in 0..count {
            self.put_user(number, &json!({}));
        }
    }

    /// Deletes a person, who leaves all groups.
    pub fn delete_user(&self, number: usize) {
        let id = user_id(number);
        let mut state = self.state();
        state.now += 1;
        let now = state.now;
        assert!(state.users.remove(&id).is_some());
        state.deleted_users.insert(id.clone(), now);
        state.groups.values_mut().for_each(|group| drop(group.members.remove(&id)));
    }

    /// Adds a group. Returns the id.
    pub fn put_group(&self, number: usize, name: &str, members: &[(&str, String)]) -> String {
        let id = group_id(number);
        let mut state = self.state();
        state.now += 1;
        let (created, changed) = (state.now, state.now);
        let memberships: Vec<_> =
            members.iter().map(|(_, member)| (changed, id.clone(), member.clone(), true)).collect();
        state.memberships.extend(memberships);
        let members = members.iter().map(|(kind, member)| (member.clone(), (*kind).to_owned())).collect();
        let group = Group { name: name.to_owned(), visibility: None, members, changed, created };
        state.groups.insert(id.clone(), group);
        id
    }

    /// Hides the members of a group.
    pub fn hide_group(&self, number: usize) {
        self.state().groups.get_mut(&group_id(number)).unwrap().visibility = Some("HiddenMembership".to_owned());
    }

    pub fn rename_group(&self, number: usize, name: &str) {
        let mut state = self.state();
        state.now += 1;
        let now = state.now;
        let group = state.groups.get_mut(&group_id(number)).unwrap();
        (group.name, group.changed) = (name.to_owned(), now);
    }

    pub fn delete_group(&self, number: usize) {
        let id = group_id(number);
        let mut state = self.state();
        state.now += 1;
        let now = state.now;
        assert!(state.groups.remove(&id).is_some());
        state.deleted_groups.insert(id.clone(), now);
        state.groups.values_mut().for_each(|group| drop(group.members.remove(&id)));
    }

    /// Adds a member to a group.
    pub fn add_member(&self, group: usize, kind: &str, member: String) {
        self.change_member(group, member, Some(kind));
    }

    /// Removes a member of a group.
    pub fn remove_member(&self, group: usize, member: String) {
        self.change_member(group, member, None);
    }

    fn change_member(&self, group: usize, member: String, kind: Option<&str>) {
        let id = group_id(group);
        let mut state = self.state();
        state.now += 1;
        let now = state.now;
        state.memberships.push((now, id.clone(), member.clone(), kind.is_some()));
        let group = state.groups.get_mut(&id).unwrap();
        match kind {
            Some(kind) => drop(group.members.insert(member, kind.to_owned())),
            None => assert!(group.members.remove(&member).is_some()),
        }
    }

    /// Takes a right from the application.
    pub fn deny(&self, right: &str) {
        assert!(self.state().rights.remove(right));
    }

    pub fn grant(&self, right: &str) {
        self.state().rights.insert(right.to_owned());
    }

    /// Lets pages hold fewer items than asked for.
    pub fn page_size(&self, size: usize) {
        let mut state = self.state();
        (state.page_size, state.delta_page_size) = (Some(size), size);
    }

    /// Forgets all cursors.
    pub fn forget_cursors(&self) {
        let mut state = self.state();
        state.now += 1;
        state.oldest = state.now;
    }

    /// Lets deltas hold only what changed.
    pub fn minimal(&self) {
        self.state().is_minimal = true;
    }

    /// Accepts none of the tokens that were issued so far.
    pub fn expire_tokens(&self) {
        self.state().tokens.clear();
    }

    pub fn logins(&self) -> usize {
        self.state().logins
    }
}

/// The id of a person.
pub fn user_id(number: usize) -> String {
    format!("aaaaaaaa-0000-4000-8000-{number:012}")
}

/// The id of a group.
pub fn group_id(number: usize) -> String {
    format!("bbbbbbbb-0000-4000-8000-{number:012}")
}

/// The id of a device.
pub fn device_id(number: usize) -> String {
    format!("dddddddd-0000-4000-8000-{number:012}")
}

impl Service for Entra {
    fn begin(&self, url: &str) {
        self.state().url = url.to_owned();
    }

    fn is_counted(&self, request: &Request) -> bool {
        request.path.starts_with("/v1.0/")
    }

    fn answer(&self, request: &Request) -> Response {
        // Not of Microsoft: another process asks for changes.
        if request.method == "POST" && request.path == "/fake/change" {
            self.change();
            return Response::json(200, &json!({}));
        }
        self.state().answer(request).unwrap_or_else(|refusal| refusal)
    }

    fn link(&self, response: &mut Response, next: &str) {
        let mut body: Value = serde_json::from_slice(&response.body).unwrap();
        let fields = body.as_object_mut().unwrap();
        if !fields.contains_key("value") {
            return;
        }
        fields.remove("@odata.deltaLink");
        fields.insert("@odata.nextLink".to_owned(), json!(next));
        response.body = body.to_string().into_bytes();
    }
}

/// A page of a delta: since which change, what is selected, after which place, and the number of the selection. `Err`: the
/// answer for somebody who only asks for the last cursor.
type Delta = Result<(u64, String, String, u64), Response>;

/// An answer, or a refusal.
type Answer = Result<Response, Response>;

fn refusal(status: u16, code: &str, message: &str) -> Response {
    let inner = json!({ "date": "2026-01-01T00:00:00", "request-id": "r-1", "client-request-id": "r-1" });
    Response::json(status, &json!({ "error": { "code": code, "message": message, "innerError": inner } }))
}

fn not_found(id: &str) -> Response {
    let message =
        format!("Resource '{id}' does not exist or one of its queried reference-property objects are not present.");
    refusal(404, "Request_ResourceNotFound", &message)
}

impl State {
    fn answer(&mut self, request: &Request) -> Answer {
        let path: Vec<&str> = request.path.trim_matches('/').split('/').collect();
        if let [tenant, "oauth2", "v2.0", "token"] = path.as_slice() {
            return self.log_in(request, tenant);
        }
        if path.first() != Some(&"v1.0") || request.method != "GET" {
            return Err(refusal(404, "ResourceNotFound", "no such resource"));
        }
        let token = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        if !token.is_some_and(|token| self.tokens.contains(token)) {
            return Err(refusal(
                401,
                "InvalidAuthenticationToken",
                "Lifetime validation failed, the token is expired.",
            ));
        }
        match path.get(1..).unwrap_or_default() {
            ["users"] => self.users(request),
            ["users", "delta" | "delta()" | "microsoft.graph.delta()"] => self.user_delta(request),
            ["users", id] => {
                self.needs("User.Read.All")?;
                let select = self.user_select(request.query("$select").unwrap_or("id,displayName"))?;
                let user = self.users.get(*id).ok_or_else(|| not_found(id))?;
                Ok(Response::json(200, &Value::Object(user.selected(&select))))
            }
            ["groups"] => self.groups(request),
            ["groups", "delta" | "delta()" | "microsoft.graph.delta()"] => self.group_delta(request),
            ["groups", id] => {
                self.needs("GroupMember.Read.All")?;
                let select = request.query("$select").unwrap_or("id,displayName");
                let group = self.groups.get(*id).ok_or_else(|| not_found(id))?;
                Ok(Response::json(200, &group.selected(id, select)))
            }
            ["groups", id, "members" | "transitiveMembers"] => self.members(request, id),
            _ => Err(refusal(400, "BadRequest", "Resource not found for the segment.")),
        }
    }

    fn log_in(&mut self, request: &Request, tenant: &str) -> Answer {
        let refused = |status: u16, error: &str, code: u32, text: &str| {
            let description = format!("AADSTS{code}: {text} Trace ID: 1\r\nTimestamp: 2026-01-01 00:00:00Z");
            let body = json!({ "error": error, "error_description": description, "error_codes": [code] });
            Response::json(status, &body)
        };
        if tenant != TENANT {
            return Err(refused(400, "invalid_request", 90002, &format!("Tenant '{tenant}' not found.")));
        }
        let form = request.form();
        let field = |name: &str| form.get(name).map_or("", String::as_str);
        let scopes = [&*self.url, "https://graph.microsoft.com"].map(|url| format!("{url}/.default"));
        // An SDK asks for scopes of its own, besides.
        if field("grant_type") != "client_credentials"
            || !field("scope").split(' ').any(|scope| scopes.iter().any(|known| known == scope))
        {
            return Err(refused(400, "invalid_scope", 1_002_012, "The provided value for scope is not valid."));
        }
        if field("client_id") != CLIENT {
            return Err(refused(400, "unauthorized_client", 700_016, "Application was not found in the directory."));
        }
        let is_assertion = field("client_assertion_type") == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        if is_assertion {
            // The SDK of Microsoft only knows the real login server.
            let audiences =
                [&*self.url, "https://login.microsoftonline.com"].map(|url| format!("{url}{}", request.path));
            if let Err(why) = check_assertion(field("client_assertion"), &audiences) {
                return Err(refused(401, "invalid_client", 700_027, &format!("The assertion is not valid: {why}.")));
            }
        } else if field("client_secret") != SECRET {
            return Err(refused(401, "invalid_client", 7_000_215, "Invalid client secret provided."));
        }
        self.logins += 1;
        let roles: Vec<&String> = self.rights.iter().collect();
        let part = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let number = self.logins;
        let token =
            format!("{}.{}.sig{number}", part(json!({ "alg": "RS256" })), part(json!({ "roles": roles, "n": number })));
        self.tokens.insert(token.clone());
        Ok(Response::json(200, &json!({ "token_type": "Bearer", "expires_in": 3599, "access_token": token })))
    }

    fn needs(&self, right: &str) -> Result<(), Response> {
        let refused =
            || refusal(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.");
        self.rights.contains(right).then_some(()).ok_or_else(refused)
    }

    /// The properties of users that a request selects.
    fn user_select(&self, select: &str) -> Result<Vec<String>, Response> {
        let names: Vec<String> = select.split(',').map(|name| name.trim().to_owned()).collect();
        for name in &names {
            let is_extension = name.starts_with("extension_0123456789abcdef_");
            if !USER_PROPERTIES.contains(&name.as_str()) && !is_extension {
                let message = format!("Could not find a property named '{name}' on type 'microsoft.graph.user'.");
                return Err(refusal(400, "Request_UnsupportedQuery", &message));
            }
        }
        Ok(names)
    }

    fn top(&self, request: &Request) -> Result<usize, Response> {
        let top = request.query("$top").map_or(Ok(100), str::parse).unwrap_or(0);
        if !(1..=999).contains(&top) {
            return Err(refusal(
                400,
                "Request_UnsupportedQuery",
                "Invalid page size specified. Must be between 1 and 999.",
            ));
        }
        Ok(self.page_size.unwrap_or(top).min(top))
    }

    /// One page of items: those after the `$skiptoken`.
    fn page(&self, request: &Request, context: &str, ids: Vec<(&String, Value)>, size: usize) -> Response {
        let after = request.query("$skiptoken").unwrap_or_default();
        let mut rest = ids.into_iter().filter(|(id, _)| id.as_str() > after).peekable();
        let mut items = Vec::new();
        let mut last = String::new();
        while items.len() < size {
            let Some((id, item)) = rest.next() else { break };
            last.clone_from(id);
            items.push(item);
        }
        let mut body = json!({ "@odata.context": format!("{}/v1.0/$metadata#{context}", self.url), "value": items });
        if rest.peek().is_some() {
            let mut link = url::Url::parse(&format!("{}{}", self.url, request.path)).unwrap();
            for (name, value) in request.query.iter().filter(|(name, _)| *name != "$skiptoken") {
                link.query_pairs_mut().append_pair(name, value);
            }
            link.query_pairs_mut().append_pair("$skiptoken", &last);
            body["@odata.nextLink"] = json!(link.as_str());
        }
        Response::json(200, &body)
    }

    fn users(&self, request: &Request) -> Answer {
        self.needs("User.Read.All")?;
        let select = self.user_select(request.query("$select").unwrap_or("id,displayName"))?;
        let size = self.top(request)?;
        let after = request.query("$skiptoken").unwrap_or_default().to_owned();
        let rest = self.users.range(after..).take(size + 2);
        let users = rest.map(|(id, user)| (id, Value::Object(user.selected(&select)))).collect();
        Ok(self.page(request, "users", users, size))
    }

    fn groups(&self, request: &Request) -> Answer {
        self.needs("GroupMember.Read.All")?;
        let select = request.query("$select").unwrap_or("id,displayName");
        let size = self.top(request)?;
        let name = match request.query("$filter") {
            None => None,
            Some(filter) => {
                let name = filter.strip_prefix("displayName eq '").and_then(|rest| rest.strip_suffix('\''));
                let is_quoted = |name: &&str| !name.replace("''", "").contains('\'');
                let name = name.filter(is_quoted);
                Some(name.ok_or_else(|| refusal(400, "BadRequest", "Invalid filter clause"))?.replace("''", "'"))
            }
        };
        let is_meant =
            |group: &Group| name.as_ref().is_none_or(|name| group.name.to_lowercase() == name.to_lowercase());
        let groups = self.groups.iter().filter(|(_, group)| is_meant(group));
        Ok(self.page(request, "groups", groups.map(|(id, group)| (id, group.selected(id, select))).collect(), size))
    }

    fn members(&self, request: &Request, id: &str) -> Answer {
        self.needs("GroupMember.Read.All")?;
        let group = self.groups.get(id).ok_or_else(|| not_found(id))?;
        let size = self.top(request)?;
        let is_shown =
            group.visibility.as_deref() != Some("HiddenMembership") || self.rights.contains("Member.Read.Hidden");
        let members =
            group.members.iter().filter(|_| is_shown).map(|(member, kind)| (member, member_item(member, kind)));
        Ok(self.page(request, "directoryObjects", members.collect(), size))
    }

    /// The cursor of a delta: from which change on, which properties, after which id.
    fn cursor(&self, token: Option<&str>) -> Result<(u64, usize, String), Response> {
        let parse = |token: &str| {
            let mut parts = token.splitn(3, '.');
            let (since, select) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
            Some((since, select, parts.next()?.to_owned()))
        };
        let (since, select, after) = token
            .and_then(parse)
            .filter(|(_, select, _)| *select < self.selects.len())
            .ok_or_else(|| refusal(400, "Directory_BadDeltaToken", "Badly formed token."))?;
        if since < self.oldest && since > 0 {
            let refused = refusal(410, "Directory_ResyncRequired", "Resync required. Any changes may have been lost.");
            return Err(refused.header("location", format!("{}/v1.0/users/delta?$deltatoken=", self.url)));
        }
        Ok((since, select, after))
    }

    /// A page of a delta. Returns since when, what is selected, after which id, and up to which change the delta goes.
    fn delta(&mut self, request: &Request) -> Result<Delta, Response> {
        let (list, _) = request.path.trim_end_matches('/').rsplit_once('/').unwrap();
        if request.query("$top").is_some() {
            return Err(refusal(400, "Request_UnsupportedQuery", "'$top' is not supported for delta queries."));
        }
        let (since, select, after) = match (request.query("$deltatoken"), request.query("$skiptoken")) {
            (None | Some("latest"), None) => {
                self.selects.push(request.query("$select").unwrap_or("id,displayName").to_owned());
                (0, self.selects.len() - 1, String::new())
            }
            (token, None) => self.cursor(token)?,
            (_, token) => self.cursor(token)?,
        };
        if request.query("$deltatoken") == Some("latest") {
            let link = format!("{}{list}/delta?$deltatoken={}.{select}.", self.url, self.now);
            return Ok(Err(Response::json(200, &json!({ "value": [], "@odata.deltaLink": link }))));
        }
        Ok(Ok((since, self.selects[select].clone(), after, select as u64)))
    }

    fn delta_page(&self, request: &Request, items: Vec<(String, Value)>, since: u64, select: u64) -> Response {
        let (list, _) = request.path.trim_end_matches('/').rsplit_once('/').unwrap();
        let size = self.delta_page_size;
        let is_last = items.len() <= size;
        let page: Vec<(String, Value)> = items.into_iter().take(size).collect();
        let last = page.last().map(|(place, _)| place.clone()).unwrap_or_default();
        let items: Vec<Value> = page.into_iter().map(|(_, item)| item).collect();
        let mut body = json!({ "value": items });
        if is_last {
            body["@odata.deltaLink"] = json!(format!("{}{list}/delta?$deltatoken={}.{select}.", self.url, self.now));
        } else {
            body["@odata.nextLink"] = json!(format!("{}{list}/delta?$skiptoken={since}.{select}.{last}", self.url));
        }
        Response::json(200, &body)
    }

    fn user_delta(&mut self, request: &Request) -> Answer {
        self.needs("User.Read.All")?;
        let (since, selected, after, select) = match self.delta(request)? {
            Ok(delta) => delta,
            Err(latest) => return Ok(latest),
        };
        let properties = self.user_select(&selected)?;
        let changed = self.users.iter().filter(|(id, user)| user.changed > since && id.as_str() > after.as_str());
        let mut items: Vec<(String, Value)> = changed
            .map(|(id, user)| {
                let mut item = user.selected(&properties);
                if self.is_minimal && since > 0 && user.last.0 <= since {
                    item.retain(|name, _| name == "id" || user.last.1.is_empty() || user.last.1.contains(name));
                }
                (id.clone(), Value::Object(item))
            })
            .collect();
        let deleted =
            self.deleted_users.iter().filter(|(id, at)| **at > since && since > 0 && id.as_str() > after.as_str());
        items.extend(deleted.map(|(id, _)| (id.clone(), json!({ "id": id, "@removed": { "reason": "changed" } }))));
        items.sort_by(|one, other| one.0.cmp(&other.0));
        Ok(self.delta_page(request, items, since, select))
    }

    fn group_delta(&mut self, request: &Request) -> Answer {
        self.needs("GroupMember.Read.All")?;
        let (since, selected, after, select) = match self.delta(request)? {
            Ok(delta) => delta,
            Err(latest) => return Ok(latest),
        };
        let selects = |name: &str| selected.split(',').any(|selected| selected == name);
        /// The number of members in an item. A larger group comes in several.
        const CHUNK: usize = 1000;
        let mut items: Vec<(String, Value)> = Vec::new();
        for (id, group) in &self.groups {
            let mut members: Vec<Value> = Vec::new();
            let is_shown =
                group.visibility.as_deref() != Some("HiddenMembership") || self.rights.contains("Member.Read.Hidden");
            if !selects("members") || !is_shown {
            } else if since == 0 || group.created > since {
                members.extend(group.members.iter().map(|(member, kind)| member_item(member, kind)));
            } else {
                let changes = self.memberships.iter().filter(|(at, of, ..)| *at > since && of == id);
                let last: BTreeMap<&String, bool> = changes.map(|(_, _, member, is_one)| (member, *is_one)).collect();
                members.extend(last.into_iter().map(|(member, is_one)| {
                    let kind = if member.starts_with('a') {
                        "user"
                    } else if member.starts_with('b') {
                        "group"
                    } else {
                        "device"
                    };
                    let mut item = member_item(member, kind);
                    if !is_one {
                        item["@removed"] = json!({ "reason": "deleted" });
                    }
                    item
                }));
            }
            let has_changed = group.changed > since;
            if members.is_empty() && !has_changed {
                continue;
            }
            let mut chunks = members.chunks(CHUNK).map(<[Value]>::to_vec).collect::<Vec<_>>();
            if chunks.is_empty() {
                chunks.push(Vec::new());
            }
            for (number, chunk) in chunks.into_iter().enumerate() {
                let mut item = json!({ "id": id });
                if number == 0 && (has_changed || !self.is_minimal) {
                    for name in ["displayName", "visibility"].into_iter().filter(|name| selects(name)) {
                        item[name] = group.selected(id, name)[name].clone();
                    }
                }
                if !chunk.is_empty() {
                    item["members@delta"] = json!(chunk);
                }
                items.push((format!("{id}_{number:06}"), item));
            }
        }
        let deleted = self.deleted_groups.iter().filter(|(_, at)| **at > since && since > 0);
        items.extend(deleted.map(|(id, _)| (id.clone(), json!({ "id": id, "@removed": { "reason": "deleted" } }))));
        items.sort_by(|one, other| one.0.cmp(&other.0));
        items.retain(|(place, _)| place.as_str() > after.as_str());
        Ok(self.delta_page(request, items, since, select))
    }
}

fn member_item(id: &str, kind: &str) -> Value {
    json!({ "@odata.type": format!("#microsoft.graph.{kind}"), "id": id })
}

impl User {
    fn selected(&self, select: &[String]) -> Map<String, Value> {
        let all = select.iter().map(|name| (name.clone(), self.properties.get(name).cloned().unwrap_or(Value::Null)));
        let mut item: Map<String, Value> = all.collect();
        // Extensions without a value are left out.
        item.retain(|name, value| !(name.starts_with("extension_") && value.is_null()));
        item.insert("id".to_owned(), self.properties["id"].clone());
        item
    }
}

impl Group {
    fn selected(&self, id: &str, select: &str) -> Value {
        let mut item = json!({ "id": id });
        for name in select.split(',') {
            match name {
                "displayName" => item["displayName"] = json!(self.name),
                "visibility" => item["visibility"] = json!(self.visibility),
                _ => {}
            }
        }
        item
    }
}

/// Checks the assertion of an application as the login server does.
fn check_assertion(assertion: &str, audiences: &[String]) -> Result<(), String> {
    let (_, certificate) = key_and_certificate();
    let header = jsonwebtoken::decode_header(assertion).map_err(|error| error.to_string())?;
    let der: String = certificate.lines().filter(|line| !line.starts_with("-----")).collect();
    let der = BASE64_STANDARD.decode(der).expect("a certificate");
    // MSAL for Python fills it up with `=`.
    if header.x5t_s256.as_deref().map(|text| text.trim_end_matches('=').to_owned())
        != Some(BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(der)))
    {
        return Err("the thumbprint is that of another certificate".to_owned());
    }
    let pem = pem_of_public_key();
    let key = jsonwebtoken::DecodingKey::from_rsa_pem(pem.as_bytes()).map_err(|error| error.to_string())?;
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::PS256);
    validation.set_audience(audiences);
    validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
    validation.set_issuer(&[CLIENT]);
    validation.sub = Some(CLIENT.to_owned());
    // Tests have clocks of their own.
    validation.validate_exp = false;
    let claims = jsonwebtoken::decode::<Value>(assertion, &key, &validation).map_err(|error| error.to_string())?.claims;
    let lifetime = claims["exp"].as_f64().zip(claims["iat"].as_f64()).map(|(end, begin)| end - begin);
    if !lifetime.is_some_and(|seconds| (60.0..=3600.0).contains(&seconds)) || claims["jti"].as_str().is_none() {
        return Err("exp, iat or jti is missing or wrong".to_owned());
    }
    Ok(())
}

fn pem_of_public_key() -> String {
    use rcgen::PublicKeyData as _;
    let (key, _) = key_and_certificate();
    let key = rcgen::KeyPair::from_pem(key).expect("the key");
    let der = key.subject_public_key_info();
    let text = BASE64_STANDARD.encode(der);
    format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n")
}
