//! What single fields may hold.

use umapi_model::{ErrorCode, limits};

use crate::{
    account::{FoldedName, invisible_character, is_email_type},
    command::Violation,
};

type Checked = Result<(), Violation>;

/// Characters that usernames and addresses do not hold. The documentation says "illegal character" and lists none: these
/// would break out of a header or of markup. Letters of every script are allowed.
fn is_illegal(c: char) -> bool {
    c.is_control() || matches!(c, '"' | '<' | '>')
}

pub(super) fn length(field: &'static str, text: &str, max: usize) -> Checked {
    let length = text.chars().count();
    if length > max {
        return Err(Violation::new(
            ErrorCode::CommandStringTooLong,
            field,
            format!("it may have {max} characters, not {length}: {}", shortened(text)),
            "shorten it",
        ));
    }
    Ok(())
}

/// The beginning of a long text, for an error.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// Rejects control and invisible characters: a name with one looks like another name.
pub(super) fn visible(field: &'static str, text: &str, code: ErrorCode) -> Checked {
    match invisible_character(text) {
        Some(c) => Err(Violation::new(
            code,
            field,
            format!("it contains the control or invisible character {c}: {}", text.escape_debug()),
            "remove the character",
        )),
        None => Ok(()),
    }
}

/// An address: one `@` with something on both sides, no space and no illegal character.
fn address(field: &'static str, email: &str) -> Checked {
    visible(field, email, ErrorCode::UserEmailInvalid)?;
    let parts = email.split_once('@');
    let rule = if parts.is_none_or(|(name, domain)| name.is_empty() || domain.is_empty() || domain.contains('@')) {
        "an email address is a name, one @ and a domain"
    } else if email.contains(|c: char| c.is_whitespace() || is_illegal(c) || matches!(c, ',' | ';' | '\\')) {
        "an email address has no spaces, commas, semicolons, quotes, brackets or backslashes"
    } else {
        return Ok(());
    };
    Err(Violation::new(ErrorCode::UserEmailInvalid, field, format!("{rule}: {email:?}"), "correct the address"))
}

/// The address of an account: at most 60 characters.
pub(super) fn email(field: &'static str, email: &str) -> Checked {
    address(field, email)?;
    let length = email.chars().count();
    if length > limits::EMAIL_LENGTH {
        let rule = format!("an email address may have {} characters, not {length}: {email}", limits::EMAIL_LENGTH);
        return Err(Violation::new(ErrorCode::UserEmailInvalid, field, rule, "give the account another address"));
    }
    Ok(())
}

/// A username that is not an address.
pub(super) fn username(field: &'static str, name: &str) -> Checked {
    visible(field, name, ErrorCode::UserNameInvalid)?;
    if name.is_empty() || name.trim() != name || name.contains(is_illegal) {
        return Err(Violation::new(
            ErrorCode::UserNameInvalid,
            field,
            format!(
                "a username is not empty, does not begin or end with a space, and has no quotes and no angle brackets: \
                 {name:?}"
            ),
            "correct the name",
        ));
    }
    Ok(())
}

/// A user string for an existing user: an address or a username.
pub(super) fn user(field: &'static str, name: &str) -> Checked {
    length(field, name, limits::IDENTIFIER_LENGTH)?;
    if is_email_type(name) { address(field, name) } else { username(field, name) }
}

/// A user named in a list, which has a code of its own.
pub(super) fn listed_user(field: &'static str, name: &str) -> Checked {
    let checked = if is_email_type(name) { email(field, name) } else { user(field, name) };
    checked.map_err(|violation| Violation { code: ErrorCode::UserUserListInvalid, ..violation })
}

/// A country: two upper-case letters.
pub(super) fn country(code: &str) -> Checked {
    let error = if code.chars().count() > limits::COUNTRY_LENGTH {
        ErrorCode::CommandStringTooLong
    } else if code.len() != limits::COUNTRY_LENGTH || !code.bytes().all(|b| b.is_ascii_uppercase()) {
        ErrorCode::CountryInvalid
    } else {
        return Ok(());
    };
    let rule = format!("a country is two upper-case letters of ISO 3166-1, not {code:?}");
    Err(Violation::new(error, "country", rule, "write a code such as US"))
}

/// The name of a user group that is created or renamed.
pub(super) fn new_group_name(field: &'static str, name: &str) -> Checked {
    visible(field, name, ErrorCode::GroupInvalidName)?;
    let rule = if name.trim().is_empty() {
        "it must not be empty".to_owned()
    } else if name.starts_with('_') {
        format!("names that begin with _ belong to administrative groups: {name:?}")
    } else if name.chars().count() > limits::GROUP_NAME_LENGTH {
        format!("it may have {} characters: {}", limits::GROUP_NAME_LENGTH, shortened(name))
    } else if matches!(name, "." | "..") {
        format!("a path cannot hold it, so the members of the group could never be listed: {name:?}")
    } else {
        return Ok(());
    };
    Err(Violation::new(ErrorCode::GroupInvalidName, field, rule, "give the group another name"))
}

/// The name of a group in a list.
pub(super) fn group(field: &'static str, name: &str) -> Checked {
    if name.is_empty() {
        let rule = "the list has an empty entry";
        return Err(Violation::new(ErrorCode::GroupInvalidList, field, rule, "remove the empty entry"));
    }
    if name.chars().count() > limits::GROUP_NAME_LENGTH {
        return Err(Violation::new(
            ErrorCode::CommandAddRemoveGroupOrProductNameTooLong,
            field,
            format!("the name of a group may have {} characters: {}", limits::GROUP_NAME_LENGTH, shortened(name)),
            "correct the name: such a group cannot exist",
        ));
    }
    visible(field, name, ErrorCode::GroupInvalidList)
}

/// Rejects roles that the service neither gives nor takes.
pub(super) fn assignable(field: &'static str, full_name: &str) -> Checked {
    if full_name.starts_with('_')
        && matches!(FoldedName::new(full_name).as_str(), "_org_admin" | "_compartment_admin" | "_compartment_viewer")
    {
        let rule = format!("the API can neither give nor take {full_name}");
        let remedy = "use the Admin Console for it";
        return Err(Violation::new(ErrorCode::CommandIllegalEntry, field, rule, remedy));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for good in ["a@b", "jörg.o'neil+x@b-c.de", &format!("{}@{}", "a".repeat(29), "b".repeat(30))] {
            assert_eq!(email("email", good), Ok(()), "{good}");
        }
        let long = format!("{}@{}", "a".repeat(30), "b".repeat(30));
        for bad in ["", "a", "@b", "a@", "a@b@c", "a b@c", "a@b\n", "<a@b>", "a@b,c", "a\u{200b}@b", &long] {
            assert_eq!(email("email", bad).unwrap_err().code, ErrorCode::UserEmailInvalid, "{bad}");
        }
        assert_eq!(user("user", &long), Ok(()), "a login may be longer than an address");
    }

    #[test]
    fn names_of_new_groups() {
        assert_eq!(new_group_name("name", &"あ".repeat(255)), Ok(()));
        for bad in ["", " ", "_admin_x", "a\u{7}", ".", "..", &"a".repeat(256)] {
            assert_eq!(new_group_name("name", bad).unwrap_err().code, ErrorCode::GroupInvalidName, "{bad}");
        }
    }

    #[test]
    fn countries() {
        assert_eq!(country("US"), Ok(()));
        for (bad, code) in
            [("us", "error.country.invalid"), ("", "error.country.invalid"), ("USA", "error.command.string.too_long")]
        {
            assert_eq!(country(bad).unwrap_err().code.as_str(), code, "{bad}");
        }
    }
}
