//! The integrations of an organization. Their secrets are not in the page until someone asks for them, by a form: an address that
//! shows secrets would be in the history of the browser.

use maud::{Markup, html};

use super::{Content, Context, Outcome, PageError, Section, form::link, frame, words};
use crate::seed::Integration;

pub(super) fn page(context: &Context<'_>) -> Result<Outcome, PageError> {
    show(context, None)
}

/// Shows the secrets of one integration.
pub(super) fn submit(context: &Context<'_>, action: &str) -> Result<Outcome, PageError> {
    if action != "reveal" {
        return Err(context.no_page());
    }
    let client_id = context.form.text("client");
    context.manage.integration(client_id)?;
    show(context, Some(client_id))
}

fn show(context: &Context<'_>, revealed: Option<&str>) -> Result<Outcome, PageError> {
    let (org, all) = context.organization()?;
    let integrations = context.manage.integrations(&org.id)?;
    let body = html! {
        (frame::organizations(&org, &all, "/console/integrations"))
        p.quiet { "A client logs in with the credentials of an integration. Those of an emulator give access only to emulators." }
        @if integrations.is_empty() { p.empty { "The organization has no integrations." } }
        div.cards {
            @for integration in &integrations {
                section.card { (card(context, &org.id, integration, revealed == Some(&integration.client_id))) }
            }
        }
    };
    Ok(Outcome::Page(Content::new(Section::Integrations, "Integrations", body)))
}

fn card(context: &Context<'_>, org_id: &str, integration: &Integration, is_revealed: bool) -> Markup {
    let client = integration.client_id.as_str();
    let name = if integration.name.is_empty() { client } else { &integration.name };
    let reveal = link("/console/integrations/reveal", &[("org", org_id)]);
    html! {
        h2 { (name) @if !integration.enabled { " " span.tag.warn { "disabled" } } }
        dl.facts {
            div { dt { "Client id" } dd.break { code { (client) } } }
            @if let Some(account) = &integration.technical_account { div { dt { "Technical account" } dd.break { code { (account) } } } }
            div { dt { "Scopes" } dd { (integration.scopes.join(", ")) } }
            div { dt { "Metascopes" } dd { (integration.metascopes.join(", ")) } }
            @if integration.jti_required { div { dt { "JWTs" } dd { "Each needs a new " code { "jti" } } } }
        }
        h3 { "Secrets and keys" }
        @if is_revealed {
            @if integration.secrets.is_empty() { p.quiet { "No secrets" } }
            ul { @for secret in &integration.secrets { li.break { code { (secret) } } } }
            @for key in &integration.keys { pre tabindex="0" role="region" aria-label=(format!("A public key of {name}")) { (key) } }
            p { a href=(link("/console/integrations", &[("org", org_id)])) { "Hide them" } }
        } @else {
            p { (words::count(integration.secrets.len() as u64, "secret", "secrets")) ", "
                (words::count(integration.keys.len() as u64, "public key", "public keys")) }
            form.inline method="post" action=(reveal) {
                (context.token())
                input type="hidden" name="client" value=(client);
                button { "Show" span.unseen { " the secrets of " (name) } }
            }
        }
        p { a href=(link("/", &[("client", client)])) { "Requests of this client" } }
    }
}
