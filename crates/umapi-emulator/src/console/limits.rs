//! The rate limits: what is left of each, when it is free again, and the ready-made settings.

use maud::{Markup, html};

use super::{
    Content, Context, Outcome, PageError, Section, frame,
    words::{self, duration},
};
use crate::{
    app::AppState,
    limits::{LimitSettings, LimitUsage},
};

/// The most clients on the page.
const MOST: usize = 50;

/// What each of the ready-made settings does.
fn meaning(preset: &str) -> &'static str {
    match preset {
        "documented" => "The calls per minute of each class of operations, for one client and for all.",
        "reported" => "In addition, the first page of all users and of all groups: once in two hours.",
        "severe" => "As documented, but a client that exceeds a limit waits for 55 minutes.",
        "off" => "No limits.",
        _ => "",
    }
}

pub(super) fn page(context: &Context<'_>) -> Result<Outcome, PageError> {
    let settings = context.app.limits.settings();
    let current =
        LimitSettings::PRESETS.into_iter().find(|name| LimitSettings::preset(name).as_ref() == Some(&settings));
    let shown = serde_json::to_string_pretty(&settings).unwrap_or_default();
    let body = html! {
        div data-live="/console/live/limits" { (live(context.app)) }
        div.toolbar { (frame::button(context, "/console/limits/clear", "Free all calls", &[])) }
        h2 { "Settings" }
        form method="post" action="/console/limits/preset" {
            (context.token())
            fieldset {
                legend { "Ready-made settings" }
                @for name in LimitSettings::PRESETS {
                    label.choice {
                        input type="radio" name="preset" value=(name) checked[Some(name) == current];
                        span { strong { (name) } " " (meaning(name)) }
                    }
                }
                @if current.is_none() { p.quiet { "The present settings are none of these." } }
                button { "Set" }
            }
        }
        details {
            summary { "The present settings, and settings of your own" }
            form method="post" action="/console/limits/set" {
                (context.token())
                label { "Settings as JSON, as in " code { "PUT /limits" }
                    textarea name="settings" rows="16" spellcheck="false" {
                        (if context.form.has("settings") { context.form.raw("settings") } else { &shown })
                    }
                }
                button { "Set" }
            }
        }
    };
    Ok(Outcome::Page(Content::new(Section::Limits, "Limits", body)))
}

pub(super) fn submit(context: &Context<'_>, action: &str) -> Result<Outcome, PageError> {
    let settings = match action {
        "clear" => {
            context.app.limits.clear();
            return Ok(Outcome::Redirect("/console/limits?done=usage".to_owned()));
        }
        "preset" => {
            let name = context.form.text("preset");
            let unknown = || PageError::invalid(format!("There are no ready-made settings {name:?}"));
            LimitSettings::preset(name).ok_or_else(unknown)?
        }
        "set" => serde_json::from_str(context.form.raw("settings"))
            .map_err(|error| PageError::invalid(format!("The settings are invalid: {error}")))?,
        _ => return Err(context.no_page()),
    };
    context.app.limits.set(settings)?;
    Ok(Outcome::Redirect("/console/limits?done=limits".to_owned()))
}

/// What is left now.
pub(super) fn live(app: &AppState) -> Markup {
    let usage = app.limits.usage(&app.clock.clock(), MOST);
    html! {
        div #usage {
            @if usage.application.is_empty() && usage.clients.iter().all(|client| client.limits.is_empty()) {
                p { "There are no limits." }
            } @else {
                div.cards {
                    @for client in &usage.clients {
                        section.card {
                            h2 { (client.client_id) }
                            @if let Some((limit, wait)) = client.blocked {
                                p.notice.error { "Blocked for " (duration(wait)) " by " code { (limit) } ": every call is refused." }
                            }
                            (bars(&client.limits))
                        }
                    }
                    section.card {
                        h2 { "All clients together" }
                        (bars(&usage.application))
                    }
                }
                @if usage.clients.is_empty() { p.quiet { "No client has made a call yet." } }
                @if usage.more > 0 { p.quiet { (words::count(usage.more, "more client", "more clients")) } }
            }
        }
    }
}

fn bars(limits: &[LimitUsage]) -> Markup {
    html! {
        @if limits.is_empty() { p.quiet { "No limits" } }
        ul.bars {
            @for limit in limits {
                @let left = limit.limit.saturating_sub(limit.used);
                @let text = if limit.is_locked { "locked out".to_owned() } else { format!("{left} of {} left", limit.limit) };
                @let (part, whole) = if limit.is_locked { (1, 1) } else { (i64::from(limit.used), i64::from(limit.limit)) };
                li {
                    span.name { (limit.name) }
                    (frame::bar(part, whole, &format!("{}: {text}", limit.name)))
                    span.left {
                        span { (text) }
                        span.quiet { @match limit.free_in { Some(wait) => { "free in " (duration(wait)) }, None => "all free" } }
                    }
                }
            }
        }
    }
}
