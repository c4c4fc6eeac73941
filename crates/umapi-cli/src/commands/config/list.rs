//! `umapi config list`.

use clap::Args;
use serde::Serialize;

use crate::{
    config::{ConfigFile, Profile},
    context::Context,
    exit::Exit,
    failure::Result,
    output::{Column, Record, column},
};

/// Lists the profiles.
#[derive(Args, Debug)]
pub(crate) struct ListArgs {}

#[derive(Serialize)]
struct Line {
    name: String,
    is_default: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    organization: Option<String>,
    login: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
}

impl Record for Line {
    fn columns() -> Vec<Column<Self>> {
        vec![
            column("name", |line: &Self| (&line.name).into()),
            column("is_default", |line| if line.is_default { "yes" } else { "" }.into()),
            column("organization", |line| (&line.organization).into()),
            column("login", |line| line.login.into()),
            column("client_id", |line| (&line.client_id).into()),
        ]
    }
}

impl Line {
    fn of(name: &str, profile: &Profile, default: Option<&str>) -> Self {
        Self {
            name: name.to_owned(),
            is_default: default == Some(name),
            organization: profile.organization.clone(),
            login: profile.kind().describe(),
            client_id: profile.client_id.clone(),
        }
    }
}

impl ListArgs {
    pub(super) fn run(self, context: &Context, file: &ConfigFile) -> Result<Exit> {
        let mut listing = context.listing();
        for (name, profile) in file.profiles() {
            listing.push(&Line::of(name, profile, file.default_profile()))?;
        }
        if listing.finish()? == 0 {
            context.hint(&format!("{} has no profile yet: umapi config add NAME makes one", file.path().display()));
        }
        Ok(Exit::Done)
    }
}
