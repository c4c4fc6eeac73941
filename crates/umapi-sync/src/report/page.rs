//! A report as a page of HTML that needs nothing else: no script, no font, no image, no request.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use umapi_plan::account::is_invisible;

use super::{OrgReport, Report, ReportedChange, Run, Status};
use crate::plan::Blocked;

/// The service's answers and the directory's names are in the page, so even a mistake in it must not load or run anything.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

const STYLE: &str = "
:root { color-scheme: light dark; --line: #8886; --bad: #b3261e; --good: #1b6e3a; }
@media (prefers-color-scheme: dark) { :root { --bad: #ff8a80; --good: #7bd88f; } }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 75rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.25rem; margin-top: 2rem; } h3 { font-size: 1rem; margin-top: 1.5rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: start; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid var(--line); }
th { white-space: nowrap; }
@media (min-width: 40rem) { td { min-width: 5rem; } td:first-child { min-width: 14rem; } }
.bad { color: var(--bad); font-weight: 600; } .good { color: var(--good); }
.failure { white-space: pre-wrap; border-inline-start: 4px solid var(--bad); padding-inline-start: 1rem; }
@media (max-width: 40rem) {
  thead { position: absolute; clip-path: inset(50%); }
  tr { display: block; padding: .5rem 0; border-bottom: 1px solid var(--line); }
  td { display: block; border: 0; padding: .1rem 0; }
  td:empty { display: none; }
  td::before { content: attr(data-label) ': '; opacity: .75; }
}";

pub(super) fn page(report: &Report) -> String {
    let title = match report.run {
        Run::Plan => "Plan of a sync",
        Run::DryRun => "Dry run of a sync",
        Run::Apply => "Sync",
    };
    let is_good = report.ending.exit_code == 0;
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " of " (report.began_at) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    h1 { (title) }
                    p {
                        "Began " time datetime=(report.began_at) { (report.began_at) } ". Ended: "
                        span class=(if is_good { "good" } else { "bad" }) { (clean(&report.ending.text)) }
                        " (exit code " (report.ending.exit_code) ")."
                        @if let Some(plan) = &report.plan { " Plan " (plan) "." }
                    }
                    p {
                        @match report.run {
                            Run::Plan => "Nothing was changed. The plan: ",
                            Run::DryRun => "Nothing was changed. The service would do: ",
                            Run::Apply => "",
                        }
                        strong { (report.counts) } "."
                    }
                    @if let Some(failure) = &report.ending.failure {
                        p.failure dir="auto" { (clean(failure)) }
                    }
                    (of_the_run(report))
                    @for org in &report.orgs { (of_org(org, report.run)) }
                }
            }
        }
    }
    .into_string()
}

/// What is about all organizations.
fn of_the_run(report: &Report) -> Markup {
    html! {
        @if !report.failed.is_empty() {
            h2 { "Organizations not read" }
            p { "Nothing is changed in them." }
            ul { @for (org, why) in &report.failed { li { (name(org)) ": " (name(why)) } } }
        }
        @if !report.trips.is_empty() {
            h2 { "Stopped by guards" }
            ul { @for trip in &report.trips { li { (name(&trip.to_string())) } } }
        }
        @if !report.gaps.is_empty() {
            h2 { "Not read to the end" }
            p { "Nobody is removed because of a list that was not read to its end." }
            ul { @for gap in &report.gaps { li { (name(&gap.to_string())) } } }
        }
        @if !report.problems.is_empty() {
            h2 { "People left out" }
            p { "What they have stays as it is." }
            (table(&["Person", "Place", "Reason"], report.problems.iter().map(|problem| {
                vec![name(&problem.person.to_string()), name(&problem.place), name(&problem.reason)]
            })))
        }
    }
}

fn of_org(org: &OrgReport, run: Run) -> Markup {
    html! {
        section {
            h2 { "Organization " (name(&org.org)) }
            p { (org.users) " users compared, " (org.leavers.len()) " not in the directory any more." }
            @if !org.held.is_empty() {
                h3 { "Removals held" }
                (table(&["Group", "Users", "Why"], org.held.iter().map(|held| vec![
                    name(held.group.as_deref().unwrap_or("the organization")),
                    html! { (held.users) },
                    html! { @for gap in &held.gaps { div { (name(&gap.to_string())) } } },
                ])))
            }
            (blocked("Blocked", &org.blocked))
            (blocked("Different, and not to be changed", &org.lasting))
            @if !org.licenses.is_empty() {
                h3 { "Licenses" }
                (table(&["Profile", "Before", "After", "Available"], org.licenses.iter().map(|licenses| vec![
                    name(&licenses.profile),
                    html! { (licenses.before) },
                    html! { (licenses.after) },
                    html! { @match licenses.quota { Some(quota) => (quota), None => "no limit" } },
                ])))
            }
            h3 { "Changes" }
            @if org.changes.is_empty() {
                p { "None." }
            } @else if run == Run::Plan {
                (table(&["User", "Change", "Why"], org.changes.iter().map(cells)))
            } @else {
                (table(&["User", "Change", "Why", "Outcome"], org.changes.iter().map(|change| {
                    cells(change).into_iter().chain([outcome(change)]).collect()
                })))
            }
        }
    }
}

fn cells(change: &ReportedChange) -> Vec<Markup> {
    vec![name(change.user.as_deref().unwrap_or_default()), name(&change.what), name(&change.reason)]
}

fn outcome(change: &ReportedChange) -> Markup {
    let codes = change.outcome.iter().flat_map(|outcome| &outcome.codes);
    let message = change.outcome.as_ref().and_then(|outcome| outcome.message.as_deref()).unwrap_or_default();
    // Most messages end with their codes.
    let other_codes: Vec<&str> = codes.map(String::as_str).filter(|code| !message.contains(code)).collect();
    html! {
        @if let Some(outcome) = &change.outcome {
            span class=(if outcome.status == Status::Completed { "good" } else { "bad" }) { (outcome.status) }
            @if let Some(message) = &outcome.message { ": " (name(message)) }
            @if !other_codes.is_empty() { " (" (name(&other_codes.join(", "))) ")" }
        }
    }
}

fn blocked(title: &str, list: &[Blocked]) -> Markup {
    html! {
        @if !list.is_empty() {
            h3 { (title) }
            (table(&["What", "Why", "What to do"], list.iter().map(|blocked| {
                vec![name(&blocked.what), name(&blocked.reason), name(&blocked.remedy)]
            })))
        }
    }
}

/// A table that is a list of cards on a narrow screen.
fn table(titles: &[&str], rows: impl Iterator<Item = Vec<Markup>>) -> Markup {
    html! {
        table {
            thead { tr { @for title in titles { th scope="col" { (title) } } } }
            tbody {
                @for row in rows {
                    tr { @for (title, cell) in titles.iter().zip(row) { td data-label=(title) { (cell) } } }
                }
            }
        }
    }
}

/// Text from outside, which cannot change the direction of what is around it.
fn name(text: &str) -> Markup {
    html! { @if !text.is_empty() { bdi { (clean(text)) } } }
}

/// Text without characters that hide or reorder others.
fn clean(text: &str) -> String {
    let is_hidden = |character: char| character != '\n' && is_invisible(character);
    text.chars().map(|character| if is_hidden(character) { char::REPLACEMENT_CHARACTER } else { character }).collect()
}
