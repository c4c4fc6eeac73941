//! The clock: what it shows, how to move it, and when access tokens expire.

use std::time::{Duration, SystemTime};

use ::time::{OffsetDateTime, format_description::well_known::Rfc3339};
use maud::{Markup, html};
use umapi_model::AnyOperation;

use super::{
    Content, Context, Outcome, PageError, Section, frame,
    words::{date_time, duration},
};
use crate::{
    app::AppState,
    clock::{ClockError, ClockMode},
    manage::ManageError,
};

/// The steps that the page offers.
const STEPS: [(&str, &str); 5] =
    [("60", "1 minute"), ("600", "10 minutes"), ("3600", "1 hour"), ("86400", "1 day"), ("604800", "7 days")];

/// The most logins on the page, and the most entries of the journal that are looked at for them.
const MOST_LOGINS: usize = 10;
const MOST_LOOKED_AT: usize = 2_000;

pub(super) fn page(context: &Context<'_>) -> Result<Outcome, PageError> {
    let app = context.app;
    let lifetime = app.login.token_lifetime();
    let mode = app.clock.mode();
    let is_adjustable = mode != ClockMode::Given;
    let now = OffsetDateTime::from(app.clock.wall());
    let now = now.replace_nanosecond(0).unwrap_or(now).format(&Rfc3339).unwrap_or_default();
    let body = html! {
        div data-live="/console/live/time" { (live(app)) }
        @if is_adjustable {
            div.toolbar {
                @match mode {
                    ClockMode::Frozen => (frame::button(context, "/console/time/resume", "Let it run", &[])),
                    ClockMode::Real => (frame::button(context, "/console/time/freeze", "Freeze", &[])),
                    _ => "",
                }
            }
            h2 { "Advance" }
            p.quiet { "Sleeping requests wake, minutes of rate limits end, and tokens expire." }
            div.toolbar {
                @for (seconds, name) in STEPS { (frame::button(context, "/console/time/advance", &format!("+ {name}"), &[("seconds", seconds)])) }
                (frame::button(context, "/console/time/advance", &format!("+ lifetime of a token ({})", duration(lifetime)),
                    &[("seconds", &lifetime.as_secs().to_string())]))
            }
            form.filter method="post" action="/console/time/advance" {
                (context.token())
                (frame::input("text", "seconds", "Seconds", context.form.text("seconds")))
                button { "Advance" }
            }
            h2 { "Set" }
            p.quiet { "Only the date: rate limits and sleeping requests are not affected, the expiry of tokens is." }
            form.filter method="post" action="/console/time/set" {
                (context.token())
                (frame::input("text", "time", "Time", if context.form.has("time") { context.form.text("time") } else { &now }))
                button { "Set" }
            }
        } @else {
            p { "The clock belongs to the program that started the emulator, and only that can move it." }
        }
        h2 { "Access tokens" }
        p { "A token lives for " (duration(lifetime)) " on this clock." }
        form.filter method="post" action="/console/time/revoke" {
            (context.token())
            (frame::input("text", "client", "Client", context.form.text("client")))
            button { "Revoke all tokens of the client" }
        }
    };
    Ok(Outcome::Page(Content::new(Section::Time, "Time", body)))
}

pub(super) fn submit(context: &Context<'_>, action: &str) -> Result<Outcome, PageError> {
    let (clock, form) = (&context.app.clock, &context.form);
    let failed = |error: ClockError| PageError::from(ManageError::from(error));
    match action {
        "freeze" => clock.freeze().map_err(failed)?,
        "resume" => clock.resume().map_err(failed)?,
        "advance" => {
            let seconds: f64 = form.value("seconds", "The seconds")?.unwrap_or_default();
            let by = Duration::try_from_secs_f64(seconds);
            let by = by.map_err(|error| PageError::invalid(format!("The seconds cannot be {seconds}: {error}")))?;
            clock.advance(by).map_err(failed)?;
        }
        "set" => {
            let time = form.text("time");
            let parsed = OffsetDateTime::parse(time, &Rfc3339);
            let wrong = |error| {
                PageError::invalid(format!("The time must be like 2026-02-28T23:59:59Z, not {time:?}: {error}"))
            };
            clock.set(SystemTime::from(parsed.map_err(wrong)?)).map_err(failed)?;
        }
        "revoke" => {
            context.manage.revoke_tokens(form.text("client"))?;
            return Ok(Outcome::Redirect("/console/time?done=tokens".to_owned()));
        }
        _ => return Err(context.no_page()),
    }
    Ok(Outcome::Redirect("/console/time?done=clock".to_owned()))
}

/// What the clock shows now, and the last logins with the expiry of their tokens.
pub(super) fn live(app: &AppState) -> Markup {
    let now = app.clock.wall();
    let lifetime = app.login.token_lifetime();
    let logins =
        app.journal.newest(.., MOST_LOOKED_AT).into_iter().filter(|exchange| {
            matches!(exchange.operation, Some(AnyOperation::Login(_))) && exchange.status == Some(200)
        });
    let logins: Vec<_> = logins.take(MOST_LOGINS).collect();
    let mode = match app.clock.mode() {
        ClockMode::Real => "runs",
        ClockMode::Frozen => "frozen",
        ClockMode::Manual => "moves only when it is advanced",
        ClockMode::Given => "runs with the clock of a program",
    };
    html! {
        div #clock {
            p.clock { span #now { (date_time(now)) } " " span.tag { (mode) } }
            @if !logins.is_empty() {
                table {
                    caption { "The last logins in the journal, whether their tokens were revoked or not" }
                    thead { tr { th { "Client" } th { "Login" } th { "Its token" } } }
                    tbody {
                        @for login in &logins {
                            tr {
                                td.break { (login.client.as_deref().unwrap_or("unknown")) }
                                td { (date_time(login.at)) }
                                td {
                                    @match login.at.checked_add(lifetime).map(|end| end.duration_since(now)) {
                                        None => "does not expire",
                                        Some(Ok(left)) if !left.is_zero() => { "expires in " (duration(left)) },
                                        Some(_) => span.tag.warn { "expired" },
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
