//! The state as a whole: snapshots, the reset, and seeds that are loaded and exported.

use maud::html;

use super::{
    Content, Context, Outcome, PageError, Section, frame,
    words::{self, bytes},
};
use crate::{manage::ManageError, seed::Seed};

/// The longest name of a snapshot.
const LONGEST_NAME: usize = 100;

pub(super) fn page(context: &Context<'_>) -> Result<Outcome, PageError> {
    let snapshots = context.manage.snapshots();
    let organizations = context.manage.organizations()?;
    let violations = context.app.contract.violations.all();
    let body = html! {
        dl.facts {
            div { dt { "Organizations" } dd { (words::count(organizations.len() as u64, "organization", "organizations")) } }
            div { dt { "Version" } dd { (env!("CARGO_PKG_VERSION")) } }
        }
        @if !violations.is_empty() {
            div.notice.error role="alert" {
                p { strong { "The emulator has a mistake. " } (words::count(violations.len() as u64, "response does", "responses do")) " not match the description:" }
                ul { @for violation in violations.iter().take(10) { li { (violation.operation) ": " (violation.reason) } } }
            }
        }
        h2 { "Snapshots" }
        p.quiet { "A snapshot is the whole state, in the memory of the emulator. Access tokens stay valid when it is restored." }
        @if snapshots.is_empty() { p.empty { "No snapshots." } }
        @else {
            div.scroll tabindex="0" role="region" aria-label="Snapshots" {
                table {
                    thead { tr { th { "Name" } th.number { "Size" } th { span.unseen { "Actions" } } } }
                    tbody { @for snapshot in &snapshots {
                        tr {
                            td.break { (snapshot.name) }
                            td.number { (bytes(snapshot.bytes)) }
                            td.actions {
                                (frame::button(context, "/console/state/restore", "Restore", &[("name", &snapshot.name)]))
                                (frame::button(context, "/console/state/delete", "Delete", &[("name", &snapshot.name)]))
                            }
                        }
                    } }
                }
            }
        }
        form.filter method="post" action="/console/state/save" {
            (context.token())
            (frame::input("text", "name", "Name", context.form.text("name")))
            button { "Save the state" }
        }
        h2 { "Reset" }
        p { "The reset restores the state of the start, and empties the journal, the counted calls and the fault rules. The clock keeps running." }
        form.filter method="post" action="/console/state/reset" {
            (context.token())
            label.choice { input type="checkbox" name="sure" value="yes" required; span { "Everything that changed since the start is lost" } }
            button { "Reset" }
        }
        h2 { "Seed" }
        p { "A seed is a file with organizations. The exported one contains the present state, with the secrets of its integrations." }
        div.toolbar { (frame::button(context, "/console/state/export", "Export the present state", &[])) }
        form.sheet method="post" action="/console/state/load" enctype="multipart/form-data" {
            (context.token())
            fieldset {
                legend { "Add the organizations of a seed" }
                label { "File, in YAML or JSON" input type="file" name="file" accept=".yaml,.yml,.json"; }
                label { "Or its text"
                    textarea name="text" rows="8" spellcheck="false" { (context.form.raw("text")) }
                }
            }
            button { "Load" }
        }
    };
    Ok(Outcome::Page(Content::new(Section::State, "State", body)))
}

pub(super) fn submit(context: &Context<'_>, action: &str) -> Result<Outcome, PageError> {
    let (manage, form) = (&context.manage, &context.form);
    let name = form.text("name");
    let done = match action {
        "save" => {
            if name.is_empty() || name.len() > LONGEST_NAME {
                return Err(PageError::invalid(format!("A snapshot needs a name of at most {LONGEST_NAME} bytes")));
            }
            manage.create_snapshot(name)?;
            "snapshot"
        }
        "restore" => {
            manage.restore_snapshot(name)?;
            "snapshot-restored"
        }
        "delete" => {
            manage.delete_snapshot(name)?;
            "snapshot-deleted"
        }
        "reset" => {
            if form.text("sure") != "yes" {
                return Err(PageError::invalid("The reset was not confirmed"));
            }
            manage.reset()?;
            "reset"
        }
        "load" => {
            // A file that was not chosen is an empty field.
            let text = [form.raw("file"), form.raw("text")].into_iter().find(|text| !text.trim().is_empty());
            let text = text.ok_or_else(|| PageError::invalid("Choose a file, or enter the text of a seed"))?;
            manage.load(&Seed::from_yaml(text).map_err(ManageError::from)?)?;
            "seed"
        }
        "export" => {
            let body = manage.export()?;
            return Ok(Outcome::File { name: "seed.json", content_type: "application/json", body });
        }
        _ => return Err(context.no_page()),
    };
    Ok(Outcome::Redirect(format!("/console/state?done={done}")))
}
