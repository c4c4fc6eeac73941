//! The directories of an organization, with their domains and the organizations that may use them.

use maud::html;

use super::{Content, Context, Outcome, PageError, Section, frame};
use crate::seed::{DirectoryType, Domain, DomainClaim, Login};

/// The most domains of a directory on the page.
const MOST: usize = 100;

pub(super) fn page(context: &Context<'_>) -> Result<Outcome, PageError> {
    let (org, all) = context.organization()?;
    let directories = context.manage.directories(&org.id)?;
    let types: Vec<_> = org.user_types.iter().filter_map(|kind| serde_json::to_value(kind).ok()).collect();
    let types: Vec<_> = types.iter().filter_map(|kind| kind.as_str()).collect();
    let body = html! {
        (frame::organizations(&org, &all, "/console/directories"))
        p { "The organization can create " (if types.is_empty() { "no users".to_owned() } else { types.join(", ") }) "."
            @if org.migrating { " " span.tag.warn { "migrating" } " It rejects logins and changes." }
        }
        @if directories.is_empty() { p.empty { "The organization owns no directories." } }
        div.cards {
            @for directory in &directories {
                section.card {
                    h2 { (directory.name) }
                    dl.facts {
                        div { dt { "Type" } dd { @match directory.directory_type {
                            DirectoryType::Enterprise => "Enterprise IDs",
                            DirectoryType::Federated => "Federated IDs",
                        } } }
                        div { dt { "Login" } dd { @match directory.login { Login::Email => "by address", Login::Username => "by username" } } }
                        div { dt { "Accounts" } dd { (if directory.synced { "owned by another sync" } else { "owned by the organization" }) } }
                    }
                    h3 { "Domains" }
                    @if directory.domains.is_empty() { p.quiet { "None" } }
                    ul {
                        @for domain in directory.domains.iter().take(MOST) {
                            @match domain {
                                Domain::Name(name) => li.break { (name) },
                                Domain::Claim(DomainClaim { name, enforced }) => li.break { (name) @if *enforced { " " span.tag { "enforced" } } },
                            }
                        }
                    }
                    @if directory.domains.len() > MOST { p.quiet { "Only " (MOST) " of " (directory.domains.len()) " are shown." } }
                    @if !directory.trusted_by.is_empty() {
                        h3 { "Used by" }
                        ul { @for trustee in &directory.trusted_by { li { (trustee) } } }
                    }
                }
            }
        }
    };
    Ok(Outcome::Page(Content::new(Section::Directories, "Directories", body)))
}
