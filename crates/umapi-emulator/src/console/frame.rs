//! What all pages share: the frame with its navigation, and small parts such as bars.

use maud::{DOCTYPE, Markup, html};

use super::{Content, Context, form::link};
use crate::manage::OrganizationState;

/// The sections of the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Requests,
    Limits,
    Faults,
    Time,
    State,
    Users,
    Groups,
    Directories,
    Integrations,
}

const SECTIONS: [(Section, &str, &str); 9] = [
    (Section::Requests, "Requests", "/"),
    (Section::Limits, "Limits", "/console/limits"),
    (Section::Faults, "Faults", "/console/faults"),
    (Section::Time, "Time", "/console/time"),
    (Section::State, "State", "/console/state"),
    (Section::Users, "Users", "/console/users"),
    (Section::Groups, "Groups", "/console/groups"),
    (Section::Directories, "Directories", "/console/directories"),
    (Section::Integrations, "Integrations", "/console/integrations"),
];

/// Whether the pages of a section are about one organization.
fn is_of_organization(section: Section) -> bool {
    matches!(section, Section::Users | Section::Groups | Section::Directories | Section::Integrations)
}

/// A whole page.
pub(super) fn page(context: &Context<'_>, content: &Content) -> Markup {
    let org = context.query.text("org");
    let navigation = html! {
        nav aria-label="Pages" {
            ul {
                @for (section, name, path) in SECTIONS {
                    @let to = if is_of_organization(section) { link(path, &[("org", org)]) } else { path.to_owned() };
                    li { a href=(to) aria-current=[(section == content.section).then_some("page")] { (name) } }
                }
            }
        }
    };
    let body = html! {
        h1 { (content.title) }
        @if let Some(error) = &context.error { p.notice.error role="alert" { strong { "Not done. " } (error) } }
        @else if let Some(done) = done(context.query.text("done")) { p.notice role="status" { (done) } }
        (content.body)
    };
    document(&content.title, &navigation, &body)
}

/// A page outside of the sections, such as an error.
pub(super) fn bare(title: &str, body: &Markup) -> Markup {
    let navigation = html! { nav aria-label="Pages" { ul { li { a href="/" { "Requests" } } } } };
    document(title, &navigation, &html! { h1 { (title) } (body) })
}

fn document(title: &str, navigation: &Markup, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · umapi emulator" }
                link rel="icon" href="/console/icon.svg";
                link rel="stylesheet" href="/console/style.css";
                script src="/console/script.js" defer {}
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                header { p.brand { a href="/" { "umapi emulator" } } (navigation) }
                main #main tabindex="-1" { (body) }
            }
        }
    }
}

/// What a form has done, by the word in the address. Nothing of the address is shown.
fn done(word: &str) -> Option<&'static str> {
    Some(match word {
        "journal" => "The journal is empty.",
        "limits" => "The limits are changed. Counted calls stay counted.",
        "usage" => "No call is counted any more, and nobody is blocked.",
        "fault-added" => "The fault rule is added.",
        "fault-changed" => "The fault rule is changed.",
        "fault-removed" => "The fault rule is removed.",
        "faults-removed" => "All fault rules are removed.",
        "clock" => "The clock is changed.",
        "tokens" => "All access tokens of the client are revoked.",
        "snapshot" => "The state is saved.",
        "snapshot-restored" => "The saved state is restored.",
        "snapshot-deleted" => "The saved state is deleted.",
        "reset" => "The state is as at the start. The journal, the counted calls and the fault rules are empty.",
        "seed" => "The organizations of the seed are added.",
        _ => return None,
    })
}

/// A bar of a part of a whole. Its description says the numbers, because a picture alone cannot be read aloud.
pub(super) fn bar(part: i64, whole: i64, description: &str) -> Markup {
    let share = if whole <= 0 { 100.0 } else { (part as f64 / whole as f64 * 100.0).clamp(0.0, 100.0) };
    let class = match share {
        share if share >= 100.0 => "full",
        share if share >= 80.0 => "high",
        _ => "low",
    };
    html! {
        svg.bar.(class) role="img" aria-label=(description) viewBox="0 0 100 8" preserveAspectRatio="none" {
            rect.track x="0" y="0" width="100" height="8" {}
            rect.part x="0" y="0" width=(format!("{share:.1}")) height="8" {}
        }
    }
}

/// A form with one button.
pub(super) fn button(context: &Context<'_>, action: &str, label: &str, fields: &[(&str, &str)]) -> Markup {
    html! {
        form.inline method="post" action=(action) {
            (context.token())
            @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
            button { (label) }
        }
    }
}

/// The choice of the organization, if there are several.
pub(super) fn organizations(chosen: &OrganizationState, all: &[OrganizationState], path: &str) -> Markup {
    html! {
        @if all.len() > 1 {
            form.filter method="get" action=(path) {
                label { "Organization"
                    select name="org" {
                        @for org in all {
                            option value=(org.id) selected[org.id == chosen.id] { (org.id) " " (org.name) }
                        }
                    }
                }
                button { "Show" }
            }
        } @else {
            p.quiet { (chosen.id) @if !chosen.name.is_empty() { " · " (chosen.name) } }
        }
    }
}

/// A choice among values with names.
pub(super) fn select(name: &str, label: &str, chosen: &str, options: &[(&str, &str)]) -> Markup {
    html! {
        label { (label)
            select name=(name) {
                @for (value, text) in options { option value=(value) selected[*value == chosen] { (text) } }
            }
        }
    }
}

/// A field of one line.
pub(super) fn input(kind: &str, name: &str, label: &str, value: &str) -> Markup {
    let numeric = (kind == "number").then_some("numeric");
    let kind = if kind == "number" { "text" } else { kind };
    html! { label { (label) input type=(kind) name=(name) value=(value) inputmode=[numeric] autocomplete="off" spellcheck="false"; } }
}
