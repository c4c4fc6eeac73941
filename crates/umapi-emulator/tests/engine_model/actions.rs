//! Random actions on an organization. The pools are small, so that actions affect the same users and groups.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

const EMAILS: [&str; 9] = [
    "f0@staff.example",
    "f1@staff.example",
    "f2@staff.example",
    "f3@staff.example",
    "e0@contractors.example",
    "e1@contractors.example",
    "a0@mail.example",
    "a1@mail.example",
    "F1@STAFF.example",
];
const USER_GROUPS: [&str; 6] = ["Design", "Art", "Crowd", "Shared", "New", "ART"];
const PROFILES: [&str; 4] = ["One", "Two", "Any", "None"];
/// Other names in lists of commands on users.
const OTHERS: [&str; 9] = [
    "_org_admin",
    "_support_admin",
    "_admin_Design",
    "_ADMIN_new",
    "_admin_One",
    "_developer_Two",
    "_product_admin_Y",
    "one",
    "Nowhere",
];
/// Usernames to set, besides addresses.
const USERNAMES: [&str; 2] = ["plain", "Plain2"];
const NAMES: [&str; 3] = ["Ann", "Bob", "Şule"];

#[derive(Debug, Clone)]
pub(crate) enum Action {
    Request { commands: Vec<Command>, test_only: bool },
    Quota { profile: &'static str, quota: Option<u32> },
    Status { email: &'static str, active: bool },
}

#[derive(Debug, Clone)]
pub(crate) enum Command {
    User { email: &'static str, use_adobe_id: bool, steps: Vec<UserStep> },
    Group { name: &'static str, steps: Vec<GroupStep> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Adobe,
    Enterprise,
    Federated,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IfExists {
    Ignore,
    Update,
}

#[derive(Debug, Clone)]
pub(crate) enum UserStep {
    Create { kind: Kind, first: &'static str, option: Option<IfExists> },
    Update { first: Option<&'static str>, email: Option<&'static str>, username: Option<&'static str> },
    Add(Vec<&'static str>),
    Remove(Vec<&'static str>),
    RemoveAll,
    RemoveFromOrg { delete: bool },
}

#[derive(Debug, Clone)]
pub(crate) enum GroupStep {
    Create { description: Option<&'static str>, option: Option<IfExists> },
    Update { name: Option<&'static str>, description: Option<&'static str> },
    Delete,
    Add { users: Vec<&'static str>, profiles: Vec<&'static str> },
    Remove { users: Vec<&'static str>, profiles: Vec<&'static str> },
    RemoveAll,
}

fn one(of: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    proptest::sample::select(of)
}

fn some(of: &'static [&'static str], most: usize) -> impl Strategy<Value = Vec<&'static str>> {
    proptest::sample::subsequence(of, 0..=most).prop_shuffle()
}

fn option() -> impl Strategy<Value = Option<IfExists>> {
    prop_oneof![Just(None), Just(Some(IfExists::Ignore)), Just(Some(IfExists::Update))]
}

/// One to three names of groups, most of which exist.
fn groups() -> impl Strategy<Value = Vec<&'static str>> {
    let name = prop_oneof![6 => one(&USER_GROUPS), 6 => one(&PROFILES), 2 => one(&OTHERS)];
    proptest::collection::vec(name, 1..4)
}

fn kind_of(email: &str) -> Kind {
    match email.rsplit_once('@') {
        Some((_, "staff.example" | "STAFF.example")) => Kind::Federated,
        Some((_, "contractors.example")) => Kind::Enterprise,
        _ => Kind::Adobe,
    }
}

/// Creates that mostly fit the address, and other steps.
fn user_steps(email: &'static str) -> impl Strategy<Value = Vec<UserStep>> {
    let fitting = kind_of(email);
    let kind = prop_oneof![8 => Just(fitting), 1 => Just(Kind::Adobe), 1 => Just(Kind::Enterprise), 1 => Just(Kind::Federated)];
    let create = (kind, one(&NAMES), option())
        .prop_map(|(kind, first, option)| UserStep::Create { kind, first, option })
        .boxed();
    let username = prop_oneof![2 => Just(email), 3 => one(&EMAILS), 1 => one(&USERNAMES)];
    let update = (
        proptest::option::of(one(&NAMES)),
        proptest::option::weighted(0.4, one(&EMAILS)),
        proptest::option::weighted(0.4, username),
    )
        .prop_map(|(first, email, username)| UserStep::Update { first, email, username });
    let other = prop_oneof![
        2 => update,
        6 => groups().prop_map(UserStep::Add),
        4 => groups().prop_map(UserStep::Remove),
        1 => Just(UserStep::RemoveAll),
        1 => create.clone(),
    ];
    let removal = any::<bool>().prop_map(|delete| UserStep::RemoveFromOrg { delete });
    let last = proptest::option::weighted(0.15, removal);
    (proptest::option::weighted(0.6, create), proptest::collection::vec(other, 0..4), last).prop_map(
        |(create, others, last)| {
            let mut steps: Vec<_> = create.into_iter().chain(others).chain(last).collect();
            if steps.is_empty() {
                steps.push(UserStep::RemoveAll);
            }
            steps
        },
    )
}

fn group_steps() -> impl Strategy<Value = Vec<GroupStep>> {
    let description = || proptest::option::of(one(&["What for", "Why not"]));
    let create = (description(), option()).prop_map(|(description, option)| GroupStep::Create { description, option });
    let update = (proptest::option::of(one(&USER_GROUPS)), description())
        .prop_filter("updateUserGroup must have something", |(name, description)| {
            name.is_some() || description.is_some()
        })
        .prop_map(|(name, description)| GroupStep::Update { name, description });
    let members = || {
        (some(&EMAILS[..8], 3), some(&PROFILES, 2))
            .prop_filter("a list must have something", |(users, profiles)| !users.is_empty() || !profiles.is_empty())
    };
    let step = prop_oneof![
        3 => create,
        1 => update,
        1 => Just(GroupStep::Delete),
        6 => members().prop_map(|(users, profiles)| GroupStep::Add { users, profiles }),
        4 => members().prop_map(|(users, profiles)| GroupStep::Remove { users, profiles }),
        1 => Just(GroupStep::RemoveAll),
    ];
    proptest::collection::vec(step, 1..4)
}

pub(crate) fn actions() -> impl Strategy<Value = Action> {
    let user = (one(&EMAILS), proptest::bool::weighted(0.05)).prop_flat_map(|(email, use_adobe_id)| {
        user_steps(email).prop_map(move |steps| Command::User { email, use_adobe_id, steps })
    });
    let group = (one(&USER_GROUPS), group_steps()).prop_map(|(name, steps)| Command::Group { name, steps });
    let command = prop_oneof![3 => user, 2 => group];
    let request = (proptest::collection::vec(command, 1..4), proptest::bool::weighted(0.1))
        .prop_map(|(commands, test_only)| Action::Request { commands, test_only });
    prop_oneof![
        12 => request,
        1 => (one(&PROFILES), proptest::option::of(0_u32..4)).prop_map(|(profile, quota)| Action::Quota { profile, quota }),
        1 => (one(&EMAILS), any::<bool>()).prop_map(|(email, active)| Action::Status { email, active }),
    ]
}

impl Command {
    pub(crate) fn json(&self) -> Value {
        match self {
            Self::User { email, use_adobe_id, steps } => {
                let steps: Vec<_> = steps.iter().map(|step| step.json(email)).collect();
                let mut command = json!({"user": email, "do": steps});
                if *use_adobe_id {
                    command["useAdobeID"] = true.into();
                }
                command
            }
            Self::Group { name, steps } => {
                json!({"usergroup": name, "do": steps.iter().map(GroupStep::json).collect::<Vec<_>>()})
            }
        }
    }
}

/// Returns an object of the fields that have a value.
fn object(fields: &[(&str, Option<&str>)]) -> Value {
    let fields = fields.iter().filter_map(|(key, value)| Some(((*key).to_owned(), Value::from((*value)?))));
    Value::Object(fields.collect::<Map<_, _>>())
}

fn option_text(option: Option<IfExists>) -> Option<&'static str> {
    option.map(|option| match option {
        IfExists::Ignore => "ignoreIfAlreadyExists",
        IfExists::Update => "updateIfAlreadyExists",
    })
}

impl UserStep {
    fn json(&self, email: &str) -> Value {
        match self {
            Self::Create { kind, first, option } => {
                let step = match kind {
                    Kind::Adobe => "addAdobeID",
                    Kind::Enterprise => "createEnterpriseID",
                    Kind::Federated => "createFederatedID",
                };
                let fields = [
                    ("email", Some(email)),
                    ("firstname", Some(*first)),
                    ("lastname", Some("Last")),
                    ("country", Some("US")),
                    ("option", option_text(*option)),
                ];
                json!({step: object(&fields)})
            }
            Self::Update { first, email, username } => {
                json!({"update": object(&[("firstname", *first), ("email", *email), ("username", *username)])})
            }
            Self::Add(groups) => json!({"add": {"group": groups}}),
            Self::Remove(groups) => json!({"remove": {"group": groups}}),
            Self::RemoveAll => json!({"remove": "all"}),
            Self::RemoveFromOrg { delete } => json!({"removeFromOrg": {"deleteAccount": delete}}),
        }
    }
}

impl GroupStep {
    fn json(&self) -> Value {
        let lists = |users: &[&str], profiles: &[&str]| json!({"user": users, "productConfiguration": profiles});
        match self {
            Self::Create { description, option } => {
                json!({"createUserGroup": object(&[("description", *description), ("option", option_text(*option))])})
            }
            Self::Update { name, description } => {
                json!({"updateUserGroup": object(&[("name", *name), ("description", *description)])})
            }
            Self::Delete => json!({"deleteUserGroup": {}}),
            Self::Add { users, profiles } => json!({"add": lists(users, profiles)}),
            Self::Remove { users, profiles } => json!({"remove": lists(users, profiles)}),
            Self::RemoveAll => json!({"remove": "all"}),
        }
    }
}
