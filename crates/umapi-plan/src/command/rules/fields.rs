//! What single fields may hold.

use umapi_model::{ErrorCode, limits};

use crate::command::invalid::BrokenRule;
use crate::command::names::{fold, is_email_type};

type Checked = Result<(), BrokenRule>;

/// What no username and no address holds. The documentation says "illegal character" and lists none: these would break
/// out of a header or of markup. Letters of every script are fine.
fn is_illegal(c: char) -> bool {
    c.is_control() || matches!(c, '"' | '<' | '>')
}

pub(super) fn length(field: &'static str, text: &str, max: usize) -> Checked {
    let length = text.chars().count();
    if length > max {
        return Err(BrokenRule::new(
            ErrorCode::CommandStringTooLong,
            field,
            format!("it may have {max} characters, not {length}"),
            "shorten it",
        ));
    }
    Ok(())
}

/// An address: one `@` with something on both sides, no space and no illegal character.
fn address(field: &'static str, email: &str) -> Checked {
    let parts = email.split_once('@');
    let rule = if parts.is_none_or(|(name, domain)| name.is_empty() || domain.is_empty() || domain.contains('@')) {
        "an email address is one name, one @ and one domain"
    } else if email.contains(|c: char| c.is_whitespace() || is_illegal(c) || matches!(c, ',' | ';' | '\\')) {
        "an email address has no spaces, commas, semicolons, quotes, brackets or backslashes"
    } else {
        return Ok(());
    };
    Err(BrokenRule::new(ErrorCode::UserEmailInvalid, field, format!("{rule}: {email:?}"), "correct the address"))
}

/// The address of an account: at most 60 characters.
pub(super) fn email(field: &'static str, email: &str) -> Checked {
    address(field, email)?;
    let length = email.chars().count();
    if length > limits::EMAIL_LENGTH {
        let rule = format!("an email address may have {} characters, not {length}: {email}", limits::EMAIL_LENGTH);
        return Err(BrokenRule::new(ErrorCode::UserEmailInvalid, field, rule, "give the account another address"));
    }
    Ok(())
}

/// A username that is no address.
pub(super) fn username(field: &'static str, name: &str) -> Checked {
    if name.is_empty() || name.trim() != name || name.contains(is_illegal) {
        return Err(BrokenRule::new(
            ErrorCode::UserNameInvalid,
            field,
            format!(
                "a username is not empty, does not begin or end with a space, and has no control character, quote or \
                 angle bracket: {name:?}"
            ),
            "correct the name",
        ));
    }
    Ok(())
}

/// A user string that means somebody who is there: an address or a username.
pub(super) fn user(field: &'static str, name: &str) -> Checked {
    length(field, name, limits::IDENTIFIER_LENGTH)?;
    if is_email_type(name) { address(field, name) } else { username(field, name) }
}

/// A user named in a list: the code is another.
pub(super) fn listed_user(field: &'static str, name: &str) -> Checked {
    let checked = if is_email_type(name) { email(field, name) } else { user(field, name) };
    checked.map_err(|broken| BrokenRule { code: ErrorCode::UserUserListInvalid, ..broken })
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
    Err(BrokenRule::new(error, "country", rule, "write US for the United States, say"))
}

/// The name that a user group is to have.
pub(super) fn new_group_name(field: &'static str, name: &str) -> Checked {
    let rule = if name.trim().is_empty() {
        "it must not be empty".to_owned()
    } else if name.starts_with('_') {
        format!("names that begin with _ belong to administrative groups: {name:?}")
    } else if name.chars().count() > limits::GROUP_NAME_LENGTH {
        format!("it may have {} characters", limits::GROUP_NAME_LENGTH)
    } else if name.contains(char::is_control) {
        format!("it must not have control characters: {name:?}")
    } else if matches!(name, "." | "..") {
        format!("no path can hold it, so that the group's users could never be listed: {name:?}")
    } else {
        return Ok(());
    };
    Err(BrokenRule::new(ErrorCode::GroupInvalidName, field, rule, "give the group another name"))
}

/// The name of a group that is referred to.
pub(super) fn group(field: &'static str, name: &str) -> Checked {
    if name.is_empty() {
        let rule = "an entry of the list is no name";
        return Err(BrokenRule::new(ErrorCode::GroupInvalidList, field, rule, "take the empty entry out"));
    }
    if name.chars().count() > limits::GROUP_NAME_LENGTH {
        return Err(BrokenRule::new(
            ErrorCode::CommandAddRemoveGroupOrProductNameTooLong,
            field,
            format!("the name of a group may have {} characters: {name}", limits::GROUP_NAME_LENGTH),
            "correct the name: there can be no such group",
        ));
    }
    Ok(())
}

/// Roles that the service neither gives nor takes.
pub(super) fn touchable(field: &'static str, full_name: &str) -> Checked {
    if full_name.starts_with('_')
        && matches!(&*fold(full_name), "_org_admin" | "_compartment_admin" | "_compartment_viewer")
    {
        let rule = format!("the API can neither give nor take {full_name}");
        let remedy = "use the Admin Console for it";
        return Err(BrokenRule::new(ErrorCode::CommandIllegalEntry, field, rule, remedy));
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
        for bad in ["", "a", "@b", "a@", "a@b@c", "a b@c", "a@b\n", "<a@b>", "a@b,c", &long] {
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
