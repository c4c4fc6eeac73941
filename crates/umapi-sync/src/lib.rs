#![doc = include_str!("../README.md")]

mod compare;
mod condition;
pub mod config;
mod details;
mod diff;
mod directory_side;
mod given;
mod guard;
pub mod import;
mod index;
mod links;
mod matching;
mod organization;
mod people;
mod plan;
mod push;
pub mod report;
mod state;
mod targets;
mod template;
mod texts;

pub use compare::{Compared, LogShape, PeerLog, Who, compare};
pub use condition::{Condition, ConditionError};
pub use config::{Config, ConfigMistake};
pub use details::UserDetails;
pub use diff::{Inputs, Planned};
pub use given::{Given, GivenGroup, GivenUser, SeenUser};
pub use guard::{Guard, Trip};
pub use links::{LinkReader, Links};
pub use matching::Matching;
pub use organization::{AdobeGroup, AdobeUser, Organization, OrganizationReader};
pub use people::{DirectoryName, People, PersonKey, PersonProblem, Standing, WantedUser};
pub use plan::{
    Action, Blocked, Change, Departure, FieldChange, Held, Licenses, OrgPlan, Plan, Reason, Removal, TargetKind,
    UnusablePlan,
};
pub use push::{Push, Pushed};
pub use report::Report;
pub use state::{AccountRecord, DirectorySizes, Leaver, Link, OrgState, Quarantine, State, user_key};
pub use targets::{Members, Source, TargetGroup, Targets};
pub use template::{NoValue, Template, TemplateError};

#[cfg(test)]
mod tests;
