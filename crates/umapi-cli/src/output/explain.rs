//! Errors of the service in an administrator's words: what happened, what to do, and the code last.
//!
//! The catalog of codes describes remedies for programs that send requests. This module has those for the command.

use umapi::{
    CommandOutcome, Error, NotSent, Notice, StepDescription, StepError, StepState, StepWarning, UnknownReason,
    model::{ErrorCode, RemedyInText},
    plan::CallFailure,
};

/// Describes a rejected step: `Group Nix was not found; list the groups with "umapi groups list" (error.group.not_found)`.
pub(crate) fn step_error(error: &StepError) -> String {
    let text = what_happened(&error.code, error.message.as_deref());
    // The client knows more about a rule that it found broken than the catalog does.
    let remedy = RemedyInText(error.remedy.as_deref().or_else(|| remedy(&error.code)));
    format!("{text}{remedy} ({})", error.code)
}

/// Describes a rejected step of a command that may have others: `adding to the group "Nix": ` and the [error](step_error).
pub(crate) fn step_error_of_command(error: &StepError) -> String {
    which_step(error.description.as_deref()) + &step_error(error)
}

/// Describes a warning about a completed step.
pub(crate) fn step_warning(warning: &StepWarning) -> String {
    let step = which_step(warning.description.as_deref());
    format!("{step}{} ({})", what_happened(&warning.code, warning.message.as_deref()), warning.code)
}

/// Says which steps of a command were accepted that is not completed as a whole: a user may exist now, without the groups.
pub(crate) fn accepted_steps(outcome: &CommandOutcome) -> Option<String> {
    if outcome.is_completed() {
        return None;
    }
    let steps = outcome.steps();
    let accepted = steps.iter().filter_map(|step| {
        let parts = step.parts.iter().filter(|part| part.state == StepState::Done).count();
        let number = step.step + 1;
        match parts {
            0 => None,
            all if all == step.parts.len() => Some(format!("step {number}")),
            _ => Some(format!("a part of step {number}")),
        }
    });
    let accepted: Vec<String> = accepted.collect();
    (!accepted.is_empty()).then(|| format!("accepted all the same: {} of {}", accepted.join(", "), steps.len()))
}

/// Describes what is good to know about a completed command.
pub(crate) fn notice(notice: &Notice) -> String {
    match notice {
        Notice::DoneByLostRequest { description, code, .. } => {
            let step = which_step(description.as_deref());
            format!("{step}done by a request whose response was lost; its repetition was rejected ({code})")
        }
        other => other.to_string(),
    }
}

/// What the step does, for the beginning of a message. Empty if the command does nothing else.
fn which_step(description: Option<&StepDescription>) -> String {
    let several = description.filter(|description| description.steps > 1 || description.names.len() > 1);
    several.map(|description| format!("{}: ", description.text)).unwrap_or_default()
}

/// Says why a command was not sent.
pub(crate) fn not_sent(why: &NotSent) -> String {
    match why {
        NotSent::Failed(failure) => call_failure(failure),
        other => other.to_string(),
    }
}

/// Says why the outcome of a command is unknown.
pub(crate) fn unknown(why: &UnknownReason) -> String {
    match why {
        UnknownReason::NoResponse(failure) => call_failure(failure),
        other => other.to_string(),
    }
}

fn call_failure(failure: &CallFailure) -> String {
    Error::of(failure).map_or_else(|| format!("{failure:#}"), call_error)
}

/// Describes a failed call: the service's own message if it rejected the call, with code and request id last.
pub(crate) fn call_error(error: &Error) -> String {
    if let Some(login) = error.login() {
        return login.to_string();
    }
    if error.is_throttled() && error.status().is_none() {
        return "the rate limit requires a longer wait than --max-wait allows".to_owned();
    }
    if error.is_rate_limit_store()
        && let Some(cause) = std::error::Error::source(error)
    {
        return cause.to_string();
    }
    let Some(status) = error.status().filter(|_| !error.is_unreadable()) else {
        return without_operation(format!("{error:#}"), error.operation());
    };
    let mut text = match (error.code(), error.service_message()) {
        (Some(code), message) => what_happened(code, message),
        (None, Some(message)) => message.to_owned(),
        (None, None) if error.is_group_too_large() => {
            "the service takes too long to list the members of this group, probably because it is very large".to_owned()
        }
        (None, None) if status == 407 => {
            "the proxy requires a user name and a password; set them in the URL of the proxy".to_owned()
        }
        (None, None) => "the service, or a proxy, rejected the request".to_owned(),
    };
    if error.may_have_been_applied() {
        text += "; the change may have been applied, so check before you repeat it";
    }
    let code = error.code().map(|code| format!("{code}, ")).unwrap_or_default();
    let request = error.request_id().map(|id| format!(", request {id}")).unwrap_or_default();
    text + &format!(" ({code}HTTP {status}{request})")
}

/// Returns what to do about a code, in the words of the command.
pub(crate) fn remedy(code: &ErrorCode) -> Option<&'static str> {
    Some(match code.as_str() {
        "error.group.not_found" | "error.usergroup.not_found" | "GROUP_NOT_FOUND" | "error.group.invalid_list" => {
            "list the groups with \"umapi groups list\""
        }
        "error.user.not_found"
        | "error.user.not_in_org"
        | "error.user.nonexistent"
        | "error.user.nonexistent_or_has_conflicting_parameters" => {
            "check the spelling with \"umapi users get\"; a username needs its domain, a new user must be created first"
        }
        "error.user.not_found_or_ambiguous" => "say which account: with its domain, or that it is the Adobe ID",
        "error.user.already_in_org" | "error.usergroup.already_exists" | "DUPLICATE_GROUP_NAME" => {
            "to keep or update the existing one, use --if-exists ignore or update (`if_exists` in CSV)"
        }
        "error.user.type_must_not_be_adobeid" | "error.update.adobeid.no" => "only the owner can change an Adobe ID",
        "error.user.type_mismatch" => "use the account type of the domain: federated or enterprise",
        "error.user.must_match_email" => "use the email address as the name of the user",
        "error.user.name.contains.email" => "use the plain username with its domain, and the address as email",
        "error.user.name_in_use" => "choose another username",
        "error.user.email.name_in_use" | "error.update.no" => {
            "choose another email address: in the same directory, and not used by another user"
        }
        "error.user.email.invalid" => "use an address of at most 60 characters with exactly one @",
        "error.user.firstname_missing" | "error.user.lastname_missing" => "give the first and the last name",
        "error.group.invalid_name" => "use a name of at most 255 visible characters that does not begin with _",
        "error.country.invalid" => "use a two-letter country code in capital letters, e.g. US",
        "error.command.domain.missing" => "give the domain of the username",
        "error.command.domain.must_be_used_with_nonemail_username" => "leave out the domain of an email address",
        "error.update.username.no" => "change the email address instead; the username follows it",
        "error.update.domain.mismatch" => "use an email address in the same directory",
        "error.usergroup.readonly.update_not_allowed" | "error.usergroup.readonly.remove_not_allowed" => {
            "ask the organization that owns the group"
        }
        "error.organization.invalid_id" | "error.organization.invalid_name" => {
            "use the organization id of the Adobe Developer Console, e.g. 12345@AdobeOrg"
        }
        "error.apikey.invalid" | "403000" | "403003" | "401013" | "error.unauthorized" => {
            "check the login with \"umapi auth check\""
        }
        "error.internal.update_failed" | "error.internal.exceptionflys" | "error.user.type_unknown" => {
            "try again later; if it fails again, report the request id to Adobe support"
        }
        _ => return code.remedy().filter(|remedy| is_plain(remedy)).map(|remedy| remedy.trim_end_matches('.')),
    })
}

/// Removes the operation from the facts at the end of an error: ` (listUsers, status 503)`.
fn without_operation(text: String, operation: Option<&str>) -> String {
    match operation {
        Some(operation) => text.replace(&format!(" ({operation})"), "").replace(&format!("({operation}, "), "("),
        None => text,
    }
}

/// Whether a remedy of the catalog is free of request syntax.
fn is_plain(remedy: &str) -> bool {
    !remedy.contains('`')
}

fn what_happened(code: &ErrorCode, message: Option<&str>) -> String {
    let message = message.filter(|message| !message.trim().is_empty()).or(code.meaning());
    message.map_or_else(|| "the service gives no reason".to_owned(), |message| message.trim_end_matches('.').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remedies_contain_no_request_syntax() {
        for code in ErrorCode::KNOWN {
            if let Some(remedy) = remedy(&code) {
                let has_syntax =
                    ["GET ", "useAdobeID", "createUserGroup", "index"].iter().any(|word| remedy.contains(word));
                assert!(!has_syntax && !remedy.ends_with('.'), "{code}: {remedy}");
            }
        }
    }

    #[test]
    fn a_step_among_others_is_named() {
        let error = |steps| {
            let step = StepDescription::new("adding to the group \"Nix\"", steps).with_names(["Nix"]);
            StepError::new(ErrorCode::GroupNotFound).with_message("Group Nix was not found").with_description(step)
        };
        let only = step_error(&error(1));
        assert_eq!(step_error_of_command(&error(1)), only);
        assert_eq!(step_error_of_command(&error(2)), format!("adding to the group \"Nix\": {only}"));
        assert_eq!(
            step_error_of_command(&StepError::new(ErrorCode::GroupNotFound)),
            step_error(&StepError::new(ErrorCode::GroupNotFound))
        );
    }

    #[test]
    fn operation_ids_are_removed() {
        let text = |text: &str| without_operation(text.to_owned(), Some("listUsers"));
        assert_eq!(text("no response within 2s (listUsers)"), "no response within 2s");
        assert_eq!(text("cannot be used (listUsers, status 200)"), "cannot be used (status 200)");
        assert_eq!(without_operation("stopped by the caller".to_owned(), None), "stopped by the caller");
    }

    #[test]
    fn missing_group_points_to_the_list_of_groups() {
        let code = ErrorCode::from("error.group.not_found");
        assert_eq!(remedy(&code), Some("list the groups with \"umapi groups list\""));
        assert_eq!(what_happened(&code, Some("Group Nix was not found")), "Group Nix was not found");
        assert!(!what_happened(&code, None).is_empty());
    }
}
