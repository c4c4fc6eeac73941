//! Sends the requests of a recording to an emulator with the same users and groups, and compares the results.
//!
//! That is only possible from the moment when the recording has complete lists of both: before that, nobody knows what the
//! service knew. The emulator has no rate limits, and takes the shapes of real clients.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use http::{HeaderValue, header::AUTHORIZATION};
use serde_json::Value;
use umapi_model::Operation;

use super::{
    App, Claim, Exchange, JudgeError, Tallies, claim,
    responses::{self, code},
};
use crate::{
    credentials::Credentials,
    emulator::Emulator,
    limits::LimitSettings,
    seed::{
        Directory, DirectoryType, Domain, Login, Organization, Product, Profile, Seed, User, UserGroup, UserStatus,
        UserType,
    },
};

/// The lists so far, or the emulator that was made of them.
#[derive(Default)]
pub(super) struct Behavior {
    users: PageList,
    groups: PageList,
    stage: Stage,
    compared: u64,
    /// Changes that came before the lists were complete.
    early: u64,
    unusable: Option<String>,
}

#[derive(Default)]
enum Stage {
    #[default]
    Collecting,
    /// The emulator, with a token for it.
    Running(App, HeaderValue),
    /// The recording cannot be compared any more.
    Ended,
}

/// The pages of one list.
#[derive(Default)]
struct PageList {
    next: u64,
    items: Vec<Value>,
    is_complete: bool,
}

impl PageList {
    /// Adds a page. Pages in another order, or a list that is read anew, begin from page 0.
    fn add(&mut self, page: u64, body: &Value, name: &str) {
        if page == 0 {
            *self = Self::default();
        }
        if page != self.next || self.is_complete {
            return;
        }
        self.next += 1;
        self.items.extend(body.get(name).and_then(Value::as_array).into_iter().flatten().cloned());
        self.is_complete = body["lastPage"] == true;
    }
}

impl Behavior {
    /// Collects a list, or compares a result.
    pub(super) fn check(&mut self, exchange: Exchange<'_>, tallies: &mut Tallies) -> Result<(), JudgeError> {
        let Some(operation) = exchange.operation() else { return Ok(()) };
        let entry = exchange.entry;
        let status = entry.response.status;
        if !entry.has_response() || entry.umapi.omitted.is_some() {
            // Nobody knows what a request without a response has changed.
            if is_change(operation) {
                self.end(exchange.line);
            }
            return Ok(());
        }
        // Refused before the service saw it, or broken: nothing to compare.
        if matches!(status, 401 | 403 | 429 | 500..) {
            return Ok(());
        }
        if let Stage::Running(app, token) = &self.stage {
            compare(exchange, operation, app, token, tallies);
            self.compared += 1;
            return Ok(());
        }
        if matches!(self.stage, Stage::Ended) {
            return Ok(());
        }
        let is_test = entry.query("testOnly").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        if is_change(operation) && !is_test {
            self.early += 1;
            // The lists so far are no longer true.
            (self.users, self.groups) = (PageList::default(), PageList::default());
        }
        let (Some(body), Some(page)) =
            (exchange.response(), entry.parameter("page").and_then(|page| page.parse().ok()))
        else {
            return Ok(());
        };
        match operation {
            Operation::ListUsers if entry.query("domain").is_none() => self.users.add(page, &body, "users"),
            Operation::ListGroups => self.groups.add(page, &body, "groups"),
            _ => {}
        }
        if self.users.is_complete && self.groups.is_complete {
            self.start(exchange)?;
        }
        Ok(())
    }

    /// Starts the emulator.
    fn start(&mut self, exchange: Exchange<'_>) -> Result<(), JudgeError> {
        let organization = exchange.entry.parameter("orgId").unwrap_or_default();
        let seed = seed(organization, &self.users.items, &self.groups.items);
        let app = Emulator::builder()
            .seed(seed)
            .limits(LimitSettings::off())
            .loose()
            .journal_entries(0)
            .check_responses(false)
            .app();
        self.stage = match app {
            Ok(app) => {
                let token = token(&app);
                match token {
                    Some(token) => Stage::Running(app, token),
                    None => Stage::Ended,
                }
            }
            Err(error) => {
                self.unusable = Some(error.to_string());
                Stage::Ended
            }
        };
        (self.users.items, self.groups.items) = (Vec::new(), Vec::new());
        Ok(())
    }

    fn end(&mut self, line: usize) {
        if matches!(self.stage, Stage::Running(..)) {
            self.unusable = Some(format!("line {line} is a change without a response"));
            self.stage = Stage::Ended;
        } else {
            (self.users, self.groups) = (PageList::default(), PageList::default());
        }
    }

    /// What could not be compared.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        match (&self.stage, &self.unusable) {
            (_, Some(why)) => notes.push(format!("The results could not be compared with those of an emulator: {why}.")),
            (Stage::Collecting, None) => notes.push(
                "The results were not compared with those of an emulator, because the recording has no complete lists of the users and \
                 the groups; a program that reads both before its changes makes such a recording."
                    .to_owned(),
            ),
            _ => notes.push(format!("{} results were compared with those of an emulator.", self.compared)),
        }
        if self.early > 0 && !matches!(self.stage, Stage::Collecting) {
            notes.push(format!("{} changes before the complete lists were not compared.", self.early));
        }
        notes
    }
}

fn is_change(operation: Operation) -> bool {
    operation.method() != "GET"
}

/// A token for the emulator.
fn token(app: &App) -> Option<HeaderValue> {
    let client_id = Credentials::ready_made("").client_id;
    let integration = app.store.read(|reader| reader.integration(&client_id)).ok()??;
    HeaderValue::try_from(format!("Bearer {}", app.login.issue(&integration).ok()?)).ok()
}

/// Sends a request to the emulator, and compares the results.
fn compare(exchange: Exchange<'_>, operation: Operation, app: &App, token: &HeaderValue, tallies: &mut Tallies) {
    let Some(mut request) = responses::request(exchange) else { return };
    request.headers.insert(AUTHORIZATION, token.clone());
    if let Ok(key) = HeaderValue::try_from(Credentials::ready_made("").client_id) {
        request.headers.insert("x-api-key", key);
    }
    let response = Arc::clone(app).answer(&request);
    let theirs = exchange.response();
    let ours: Option<Value> = serde_json::from_slice(&response.body).ok();
    let (status, own_status) = (exchange.entry.response.status, response.status.as_u16());
    let text = if status != own_status {
        let codes: Vec<&str> = [code(theirs.as_ref()), code(ours.as_ref())].into_iter().flatten().collect();
        let of = |status: u16, body: Option<&Value>| match code(body) {
            Some(code) => format!("{status} ({code})"),
            None => status.to_string(),
        };
        Some(with_entries(
            format!(
                "{}: status {}, and {} of the emulator",
                operation.id(),
                of(status, theirs.as_ref()),
                of(own_status, ours.as_ref())
            ),
            &codes,
        ))
    } else {
        match (&theirs, &ours) {
            (Some(theirs), Some(ours)) => differences(operation, theirs, ours),
            _ => None,
        }
    };
    tallies.judge(Claim::Behavior, exchange.line, text);
}

/// What two successful responses differ in, as far as an emulator can know it.
fn differences(operation: Operation, theirs: &Value, ours: &Value) -> Option<String> {
    match operation {
        Operation::ExecuteActions => {
            let count = |body: &Value, name: &str| body.get(name).and_then(Value::as_u64).unwrap_or_default();
            let counts =
                |body: &Value| ["completed", "notCompleted", "completedInTestMode"].map(|name| count(body, name));
            let (theirs_at, ours_at) = (errors(theirs), errors(ours));
            if theirs_at == ours_at && counts(theirs) == counts(ours) {
                return None;
            }
            let only = |a: &BTreeSet<(u64, u64, String)>, b: &BTreeSet<(u64, u64, String)>| {
                let only: Vec<String> = a
                    .difference(b)
                    .map(|(command, step, code)| {
                        format!("{code} (command {}, step {})", command.saturating_add(1), step.saturating_add(1))
                    })
                    .collect();
                if only.is_empty() { "nothing".to_owned() } else { only.join(", ") }
            };
            let codes: Vec<&str> = theirs_at.symmetric_difference(&ours_at).map(|(_, _, code)| code.as_str()).collect();
            let [completed, own] = [counts(theirs)[0], counts(ours)[0]];
            Some(with_entries(
                format!(
                    "executeActions: only the service reports {}, only the emulator {}; {completed} and {own} completed",
                    only(&theirs_at, &ours_at),
                    only(&ours_at, &theirs_at)
                ),
                &codes,
            ))
        }
        Operation::ListUsers | Operation::ListUsersInGroup => {
            let emails = |body: &Value| -> BTreeSet<String> {
                let users = body.get("users").and_then(Value::as_array).into_iter().flatten();
                users.filter_map(|user| Some(user.get("email")?.as_str()?.to_lowercase())).collect()
            };
            let (theirs, ours) = (emails(theirs), emails(ours));
            (theirs != ours).then(|| {
                format!(
                    "{}: {} users only with the service, {} only with the emulator",
                    operation.id(),
                    theirs.difference(&ours).count(),
                    ours.difference(&theirs).count()
                )
            })
        }
        Operation::GetUser => {
            let fields = ["email", "username", "firstname", "lastname", "type", "status"];
            let of = |body: &Value, field: &str| body["user"].get(field).cloned();
            let wrong: Vec<&str> = fields.into_iter().filter(|field| of(theirs, field) != of(ours, field)).collect();
            (!wrong.is_empty()).then(|| format!("getUser: other values of {}", wrong.join(", ")))
        }
        _ => None,
    }
}

/// The errors of a response: command, step and code.
fn errors(body: &Value) -> BTreeSet<(u64, u64, String)> {
    let errors = body.get("errors").and_then(Value::as_array).into_iter().flatten();
    let number = |value: &Value| value.as_u64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_default();
    errors
        .map(|error| {
            (
                number(&error["index"]),
                number(&error["step"]),
                error["errorCode"].as_str().unwrap_or_default().to_owned(),
            )
        })
        .collect()
}

/// Names the entries of DIFFERENCES.md that mention the codes.
fn with_entries(text: String, codes: &[&str]) -> String {
    let entries = claim::entries_with(codes);
    if entries.is_empty() { text } else { format!("{text} (see {})", entries.join(", ")) }
}

/// The organization that the lists describe, as far as they do: directories follow from the domains and types of users.
fn seed(organization: &str, users: &[Value], groups: &[Value]) -> Seed {
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let mut profiles: BTreeMap<String, Vec<Profile>> = BTreeMap::new();
    let mut user_groups = Vec::new();
    let mut names = BTreeSet::new();
    for group in groups {
        let Some(name) = text(group, "groupName") else { continue };
        match group["type"].as_str() {
            Some("PRODUCT_PROFILE") => {
                let product = text(group, "productName").unwrap_or_else(|| "Product".to_owned());
                let quota = text(group, "licenseQuota").and_then(|quota| quota.parse().ok());
                if names.insert(name.to_lowercase()) {
                    profiles.entry(product).or_default().push(Profile { name, description: None, quota });
                }
            }
            Some("USER_GROUP") if names.insert(name.to_lowercase()) => {
                let read_only = group["isReadOnly"] == true;
                user_groups.push(UserGroup { name, read_only, ..UserGroup::default() });
            }
            _ => {}
        }
    }
    let mut directories: BTreeMap<(bool, bool), BTreeSet<String>> = BTreeMap::new();
    let mut seeded = Vec::new();
    for user in users {
        let Some(email) = text(user, "email") else { continue };
        let user_type = match user["type"].as_str() {
            Some("adobeID" | "AdobeID") => UserType::AdobeId,
            Some("enterpriseID") => UserType::EnterpriseId,
            Some("federatedID") => UserType::FederatedId,
            _ => continue,
        };
        let username = text(user, "username").filter(|username| !username.eq_ignore_ascii_case(&email));
        let by_username = username.as_deref().is_some_and(|username| !username.contains('@'));
        let domain = text(user, "domain").or_else(|| Some(email.rsplit_once('@')?.1.to_owned()));
        if let (Some(domain), true) = (&domain, user_type != UserType::AdobeId) {
            let is_federated = user_type == UserType::FederatedId;
            let is_claimed = directories.values().any(|domains| domains.contains(&domain.to_lowercase()));
            if !is_claimed {
                directories
                    .entry((is_federated, by_username && is_federated))
                    .or_default()
                    .insert(domain.to_lowercase());
            }
        }
        let known = |name: &String| {
            names.contains(&name.to_lowercase())
                || matches!(name.as_str(), "_org_admin" | "_support_admin" | "_deployment_admin")
        };
        let memberships = user.get("groups").and_then(Value::as_array).into_iter().flatten();
        seeded.push(User {
            user_type,
            email,
            username: if by_username { username } else { None },
            domain: if by_username { domain } else { None },
            firstname: text(user, "firstname"),
            lastname: text(user, "lastname"),
            country: text(user, "country"),
            phone: None,
            status: UserStatus::Active,
            presence: crate::seed::Presence::default(),
            technical: false,
            groups: memberships.filter_map(Value::as_str).map(str::to_owned).filter(known).collect(),
        });
    }
    let directories =
        directories.into_iter().enumerate().map(|(index, ((is_federated, by_username), domains))| Directory {
            name: format!("Directory {}", index + 1),
            directory_type: if is_federated { DirectoryType::Federated } else { DirectoryType::Enterprise },
            login: if by_username { Login::Username } else { Login::Email },
            synced: false,
            domains: domains.into_iter().map(Domain::Name).collect(),
            trusted_by: Vec::new(),
        });
    let products = profiles.into_iter().map(|(name, profiles)| Product { name, profiles, ..Product::default() });
    Seed {
        organizations: vec![Organization {
            id: organization.to_owned(),
            name: "Recording".to_owned(),
            directories: directories.collect(),
            products: products.collect(),
            user_groups,
            users: seeded,
            ..Organization::default()
        }],
        limits: None,
    }
}
