//! The users of an organization, in any state: pages by address, and one user with memberships, licenses and history.

use maud::{Markup, html};

use super::{
    Content, Context, Outcome, PageError, Section,
    form::link,
    frame,
    words::{self, thousands},
};
use crate::store::{BrowseFrom, GroupKind, LedgerEntry, MemberClass, Presence, UserKind, UserRow, UserStatus};

/// The users on a page.
const PAGE: usize = 50;

/// The most users that are counted.
const MOST_COUNTED: usize = 100_000;

/// The most changes, and the most memberships, on the page of a user.
const MOST: usize = 200;

/// The page of a list of users.
pub(super) fn list(context: &Context<'_>) -> Result<Outcome, PageError> {
    let (org, all) = context.organization()?;
    let search = context.query.text("search");
    let position = |name: &str| {
        let text = context.query.text(name);
        let (kind, email) = text.split_once(':')?;
        Some((email.to_owned(), kind == "adobe"))
    };
    let (after, before) = (position("after"), position("before"));
    let from = match (&after, &before) {
        (Some((email, adobe)), _) => BrowseFrom::After((email.as_str(), *adobe)),
        (None, Some((email, adobe))) => BrowseFrom::Before((email.as_str(), *adobe)),
        (None, None) => BrowseFrom::Start,
    };
    let is_first = from == BrowseFrom::Start;
    let (mut users, usernames, counted) = context.read(&org.id, |r, row| {
        let users = r.browse_users(row.id, search, from, PAGE + 1)?;
        let usernames = match is_first && !search.is_empty() {
            true => r.browse_usernames(row.id, search, PAGE)?,
            false => Vec::new(),
        };
        Ok((users, usernames, r.count_users(row.id, MOST_COUNTED + 1)?))
    })?;
    // One user more than a page says that there is another page.
    let has_more = users.len() > PAGE;
    let is_backward = matches!(from, BrowseFrom::Before(_));
    if has_more {
        if is_backward {
            users.remove(0)
        } else {
            users.remove(PAGE)
        };
    }
    let has_previous = if is_backward { has_more } else { !is_first };
    let has_next = if is_backward { true } else { has_more };
    let to = |direction: &str, user: Option<&UserRow>| {
        let at =
            user.map(|user| format!("{}:{}", if user.kind == UserKind::AdobeId { "adobe" } else { "own" }, user.key()));
        link("/console/users", &[("org", &org.id), ("search", search), (direction, at.as_deref().unwrap_or_default())])
    };
    let total = match counted {
        counted if counted > MOST_COUNTED => format!("more than {} users", thousands(MOST_COUNTED as u64)),
        counted => words::count(counted, "user", "users"),
    };
    let body = html! {
        (frame::organizations(&org, &all, "/console/users"))
        form.filter method="get" action="/console/users" role="search" {
            input type="hidden" name="org" value=(org.id);
            (frame::input("search", "search", "Address or username begins with", search))
            button { "Search" }
        }
        p.quiet { "The organization has " (total) ", in any state and with technical accounts." }
        @if users.is_empty() && usernames.is_empty() { p.empty { "No user is found." } }
        @if !users.is_empty() { (table("Users", &users)) }
        nav.pages aria-label="More users" {
            @if has_previous {
                a href=(link("/console/users", &[("org", &org.id), ("search", search)])) { "First page" } " "
                a rel="prev" href=(to("before", users.first())) { "Previous page" } " "
            }
            @if has_next && !users.is_empty() { a rel="next" href=(to("after", users.last())) { "Next page" } }
        }
        @if !usernames.is_empty() {
            h2 { "By username" }
            (table("Users by username", &usernames))
        }
    };
    Ok(Outcome::Page(Content::new(Section::Users, "Users", body)))
}

fn table(label: &str, users: &[UserRow]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(label) {
            table {
                thead { tr { th { "Address" } th { "Name" } th { "Type" } th { "State" } } }
                tbody { @for user in users { (row(user)) } }
            }
        }
    }
}

/// One user in a list.
pub(super) fn row(user: &UserRow) -> Markup {
    html! {
        tr {
            td.break { (user_link(user)) @if user.username != user.email { " " span.quiet { (user.username) } } }
            td { (name(user)) }
            td { (user.kind.as_str()) }
            td { (state(user)) }
        }
    }
}

pub(super) fn user_link(user: &UserRow) -> Markup {
    html! { a href=(format!("/console/users/{}", user.id)) { (user.email) } }
}

fn name(user: &UserRow) -> String {
    let names = [&user.firstname, &user.lastname].map(|name| name.as_deref().unwrap_or_default());
    names.join(" ").trim().to_owned()
}

fn state(user: &UserRow) -> Markup {
    html! {
        span.tag.(if user.status == UserStatus::Active { "good" } else { "warn" }) { (user.status.as_str()) }
        @match user.presence {
            Presence::Member => "",
            Presence::DirectoryOnly => { " " span.tag { "only in the directory" } },
            Presence::Invited => { " " span.tag { "invited" } },
        }
        @if user.technical { " " span.tag { "technical" } }
    }
}

/// The membership of a user in one group, with what explains it.
struct Entry {
    group: i64,
    name: String,
    kind: GroupKind,
    class: MemberClass,
    /// The user groups that give a profile to the user.
    through: Vec<String>,
}

/// The page of one user.
pub(super) fn one(context: &Context<'_>, id: &str) -> Result<Outcome, PageError> {
    let missing = || PageError::not_found(format_args!("The user with the number {id}"));
    let number: i64 = id.parse().map_err(|_| missing())?;
    let (user, org, directory, entries, total, changes, elsewhere) = context.app.store.read(|r| {
        let user = r.user_row(number)?.ok_or_else(missing)?;
        let org = r.organizations()?.into_iter().find(|org| org.id == user.org).ok_or_else(missing)?;
        let directory = user.directory.map(|id| r.directory(id)).transpose()?.flatten();
        let memberships = r.memberships(user.id)?;
        let mut entries = Vec::new();
        for membership in memberships.iter().take(MOST) {
            let Some(group) = r.group_row(user.org, membership.group)? else { continue };
            let mut through = Vec::new();
            if membership.indirect > 0 {
                for giver in r.groups_of_profile(group.id)? {
                    if memberships.iter().any(|other| other.group == giver) {
                        through.extend(r.group_row(user.org, giver)?.map(|group| group.name));
                    }
                }
            }
            entries.push(Entry {
                group: group.id,
                name: group.name,
                kind: group.kind,
                class: membership.class,
                through,
            });
        }
        let changes = r.newest_changes_of_user(user.id, MOST)?;
        let elsewhere = r.users_of_account(user.account)?.len() - 1;
        Ok::<_, PageError>((user, org, directory, entries, memberships.len(), changes, elsewhere))
    })?;
    let (profiles, groups): (Vec<_>, Vec<_>) = entries.iter().partition(|entry| entry.kind == GroupKind::Profile);
    let title = user.email.clone();
    let facts = [
        ("Organization", Some(org.org_id.as_str())),
        ("Name", Some(name(&user)).as_deref().filter(|name| !name.is_empty())),
        ("Type", Some(user.kind.as_str())),
        ("Username", Some(user.username.as_str()).filter(|name| *name != user.email)),
        ("Domain", Some(user.domain.as_str())),
        ("Directory", directory.as_ref().map(|directory| directory.name.as_str())),
        ("Country", user.country.as_deref()),
        ("Phone", user.phone.as_deref()),
    ]
    .map(|(name, value)| (name, value.map(str::to_owned)));
    let body = html! {
        p { (state(&user)) }
        dl.facts {
            @for (name, value) in &facts { @if let Some(value) = value { div { dt { (name) } dd { (value) } } } }
        }
        @if elsewhere > 0 { p.quiet { "The account is in " (words::count(elsewhere as u64, "other organization", "other organizations")) " too." } }
        p { a href=(link("/", &[("user", &user.email)])) { "Requests about this user" } }
        h2 { "Licenses" }
        @if profiles.is_empty() { p.quiet { "The user is in no product profile." } }
        @else { (licenses(&profiles)) }
        h2 { "Groups" }
        @if groups.is_empty() { p.quiet { "The user is in no group." } }
        @else {
            ul {
                @for entry in groups {
                    li {
                        a href=(format!("/console/groups/{}", entry.group)) { (entry.name) } " "
                        span.quiet { (entry.kind.as_str()) }
                    }
                }
            }
        }
        @if total > MOST { p.quiet { "Only " (MOST) " of " (total) " memberships are shown." } }
        h2 { "History" }
        (history(&changes))
    };
    Ok(Outcome::Page(Content::new(Section::Users, title, body)))
}

fn licenses(profiles: &[&Entry]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Licenses" {
            table {
                thead { tr { th { "Profile" } th { "License" } th { "Member" } } }
                tbody {
                    @for entry in profiles {
                        tr {
                            td { a href=(format!("/console/groups/{}", entry.group)) { (entry.name) } }
                            td { @if entry.class.is_unlicensed() { span.tag.warn { "waits" } } @else { span.tag.good { "has one" } } }
                            td {
                                @if !entry.class.is_through_groups_only() { "directly" }
                                @if !entry.class.is_through_groups_only() && !entry.through.is_empty() { " and " }
                                @if !entry.through.is_empty() { "through " (entry.through.join(", ")) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn history(changes: &[LedgerEntry]) -> Markup {
    words::changes(changes, MOST)
}
