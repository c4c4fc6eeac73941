//! The groups of an organization: user groups, product profiles with their quotas, and administrators; and one group with its
//! members, those who wait for a license, and its history.

use maud::{Markup, html};

use super::{
    Content, Context, Outcome, PageError, Section,
    form::link,
    frame, users,
    words::{self, thousands},
};
use crate::store::{GroupKind, GroupRow, Member, Organization, Reader, StoreError, fold};

/// The groups, and the members, on a page.
const PAGE: usize = 50;

/// The most changes on the page of a group.
const MOST_CHANGES: usize = 50;

/// The kinds of groups that are listed together.
const KINDS: [(&str, &str, &[GroupKind]); 3] = [
    ("profiles", "Product profiles", &[GroupKind::Profile]),
    ("groups", "User groups", &[GroupKind::UserGroup]),
    (
        "administrators",
        "Administrators and developers",
        &[
            GroupKind::SystemAdmin,
            GroupKind::DeploymentAdmin,
            GroupKind::SupportAdmin,
            GroupKind::ProductAdmin,
            GroupKind::ProfileAdmin,
            GroupKind::UserGroupAdmin,
            GroupKind::Developer,
        ],
    ),
];

/// The page of a list of groups.
pub(super) fn list(context: &Context<'_>) -> Result<Outcome, PageError> {
    let (org, all) = context.organization()?;
    let search = context.query.text("search");
    let wanted = match context.query.text("kind") {
        "" => "profiles",
        kind => kind,
    };
    let unknown = || PageError::invalid(format!("There are no groups of the kind {wanted:?}"));
    let (_, title, kinds) = KINDS.into_iter().find(|(name, ..)| *name == wanted).ok_or_else(unknown)?;
    let after = Some(context.query.raw("after")).filter(|after| !after.is_empty());
    let (mut groups, products) = context.read(&org.id, |r, row| {
        let groups = r.browse_groups(row.id, kinds, search, after, PAGE + 1)?;
        let mut products = Vec::new();
        for group in &groups {
            products.push(product_name(r, row, group)?);
        }
        Ok((groups, products))
    })?;
    let has_more = groups.len() > PAGE;
    groups.truncate(PAGE);
    let last = groups.last().map(|group| fold(&group.name).into_owned()).unwrap_or_default();
    let to = |after: &str| {
        link("/console/groups", &[("org", &org.id), ("kind", wanted), ("search", search), ("after", after)])
    };
    let choices: Vec<_> = KINDS.iter().map(|(name, title, _)| (*name, *title)).collect();
    let body = html! {
        (frame::organizations(&org, &all, "/console/groups"))
        form.filter method="get" action="/console/groups" role="search" {
            input type="hidden" name="org" value=(org.id);
            (frame::select("kind", "Kind", wanted, &choices))
            (frame::input("search", "search", "Name begins with", search))
            button { "Show" }
        }
        h2 { (title) }
        @if groups.is_empty() { p.empty { "No group is found." } }
        @else {
            div.scroll tabindex="0" role="region" aria-label=(title) {
                table {
                    thead { tr {
                        th { "Name" } th.number { "Members" }
                        @if wanted == "profiles" { th { "Product" } th.wide { "Licenses" } th.number { "Waiting" } }
                        @if wanted == "administrators" { th { "Kind" } }
                    } }
                    tbody {
                        @for (group, product) in groups.iter().zip(&products) {
                            tr {
                                td.break { a href=(page_of(&org.id, group)) { (group.name) } @if group.read_only { " " span.tag { "read-only" } } }
                                td.number { (thousands(group.members.unsigned_abs())) }
                                @if wanted == "profiles" {
                                    td { (product) }
                                    td.wide { (licenses(group)) }
                                    td.number { (thousands((group.members - group.licensed).unsigned_abs())) }
                                }
                                @if wanted == "administrators" { td { (group.kind.as_str()) } }
                            }
                        }
                    }
                }
            }
        }
        nav.pages aria-label="More groups" {
            @if after.is_some() { a href=(to("")) { "First page" } " " }
            @if has_more { a rel="next" href=(to(&last)) { "Next page" } }
        }
    };
    Ok(Outcome::Page(Content::new(Section::Groups, "Groups", body)))
}

fn page_of(org_id: &str, group: &GroupRow) -> String {
    link(&format!("/console/groups/{}", group.id), &[("org", org_id)])
}

fn product_name(r: &Reader<'_>, org: &Organization, group: &GroupRow) -> Result<String, StoreError> {
    let Some(product) = group.subject.filter(|_| group.kind == GroupKind::Profile) else { return Ok(String::new()) };
    Ok(r.product_row(org.id, product)?.map(|product| product.name).unwrap_or_default())
}

/// The licenses of a profile as a bar.
fn licenses(profile: &GroupRow) -> Markup {
    let used = thousands(profile.licensed.unsigned_abs());
    match profile.quota {
        None => html! { (used) " used, unlimited" },
        Some(quota) => {
            let text = format!("{used} of {} used", thousands(quota.unsigned_abs()));
            html! { (frame::bar(profile.licensed, quota, &text)) span.number { (text) } }
        }
    }
}

/// The page of one group.
pub(super) fn one(context: &Context<'_>, id: &str) -> Result<Outcome, PageError> {
    let missing = || PageError::not_found(format_args!("The group {id}"));
    let number: i64 = id.parse().map_err(|_| missing())?;
    let after = context
        .query
        .text("after")
        .split_once(':')
        .and_then(|(class, user)| Some((class.parse::<i64>().ok()?, user.parse::<i64>().ok()?)));
    let waits_after: Option<i64> = context.query.value("waiting", "The position")?;
    let (group, org, product, given, mut members, mut waiting, changes) = context.app.store.read(|r| {
        let mut found = None;
        for org in r.organizations()? {
            if let Some(group) = r.group_row(org.id, number)? {
                found = Some((group, org));
                break;
            }
        }
        let (group, org) = found.ok_or_else(missing)?;
        let product = product_name(r, &org, &group)?;
        let related = match group.kind {
            GroupKind::UserGroup => r.profiles_of_group(group.id)?,
            GroupKind::Profile => r.groups_of_profile(group.id)?,
            _ => Vec::new(),
        };
        let mut given = Vec::new();
        for id in related.into_iter().take(PAGE) {
            given.extend(r.group_row(org.id, id)?);
        }
        let members = r.browse_members(group.id, after, PAGE + 1)?;
        let waiting = match group.kind {
            GroupKind::Profile => r.browse_waiting(group.id, waits_after, PAGE + 1)?,
            _ => Vec::new(),
        };
        let changes = r.newest_changes_of_group(org.id, &group.name, MOST_CHANGES)?;
        Ok::<_, PageError>((group, org, product, given, members, waiting, changes))
    })?;
    let is_profile = group.kind == GroupKind::Profile;
    let more_members = members.len() > PAGE;
    members.truncate(PAGE);
    let more_waiting = waiting.len() > PAGE;
    waiting.truncate(PAGE);
    let path = format!("/console/groups/{}", group.id);
    let next = |name: &str, at: String| link(&path, &[("org", &org.org_id), (name, &at)]);
    let body = html! {
        dl.facts {
            div { dt { "Kind" } dd { (group.kind.as_str()) } }
            div { dt { "Id" } dd { (group.id) } }
            div { dt { "Organization" } dd { (org.org_id) } }
            div { dt { "Members" } dd { (thousands(group.members.unsigned_abs())) } }
            @if is_profile { div { dt { "Product" } dd { (product) } } }
        }
        @if let Some(description) = &group.description { p { (description) } }
        @if group.read_only { p { span.tag { "read-only" } " Another organization owns its users." } }
        @if is_profile {
            h2 { "Licenses" }
            div.licenses { (licenses(&group)) }
            h2 { "Waiting for a license" }
            @if waiting.is_empty() { p.quiet { "Nobody waits." } }
            @else {
                p { (words::count((group.members - group.licensed).unsigned_abs(), "member waits", "members wait")) ", longest first:" }
                (member_table("Waiting for a license", &waiting))
                @if let (true, Some(last)) = (more_waiting, waiting.last()) {
                    p { a rel="next" href=(next("waiting", last.since.to_string())) { "More who wait" } }
                }
            }
        }
        @if !given.is_empty() {
            h2 { @if is_profile { "User groups that have it" } @else { "Profiles of its members" } }
            ul { @for other in &given { li { a href=(page_of(&org.org_id, other)) { (other.name) } } } }
        }
        h2 { "Members" }
        @if members.is_empty() { p.quiet { "No members." } }
        @else {
            (member_table("Members", &members))
            @if let (true, Some(last)) = (more_members, members.last()) {
                p { a rel="next" href=(next("after", format!("{}:{}", last.class.number(), last.user.id))) { "More members" } }
            }
        }
        h2 { "History" }
        (words::changes(&changes, MOST_CHANGES))
    };
    Ok(Outcome::Page(Content::new(Section::Groups, group.name.clone(), body)))
}

fn member_table(label: &str, members: &[Member]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(label) {
            table {
                thead { tr { th { "Address" } th { "Name" } th { "Type" } th { "State" } } }
                tbody { @for member in members { (users::row(&member.user)) } }
            }
        }
    }
}
