//! Rules of single values: lengths, addresses, usernames, names, group names, domains, countries.

use std::fmt::Write as _;

use umapi_model::limits::{
    COUNTRY_LENGTH, EMAIL_LENGTH, FIRST_NAME_LENGTH, GROUP_NAME_LENGTH, IDENTIFIER_LENGTH, LAST_NAME_LENGTH,
};

use super::outcome::Rejection;
use crate::store::{domain_of, is_email_type};

/// Characters that no text may contain: control characters, marks of writing direction, and invisible characters, with
/// which two different names would look the same.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{AD}'
                | '\u{61C}'
                | '\u{180E}'
                | '\u{200B}'
                | '\u{200E}'..='\u{200F}'
                | '\u{2028}'..='\u{202E}'
                | '\u{2060}'..='\u{206F}'
                | '\u{FEFF}'
                | '\u{FFF9}'..='\u{FFFB}'
                | '\u{E0000}'..='\u{E007F}'
        )
}

/// Characters that no username and no address may contain. The documentation says "illegal character" and does not list
/// them: these would break a header or markup, or are invisible. The two joiners are valid in names, where some scripts
/// need them, but not here. Letters of every script are valid.
fn is_illegal(c: char) -> bool {
    is_hidden(c) || matches!(c, '"' | '<' | '>' | '\u{200C}' | '\u{200D}')
}

/// Returns a text with its hidden characters shown as code points, e.g. `<U+200B>`.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) || matches!(c, '\u{200C}' | '\u{200D}') {
            let _ = write!(escaped, "<U+{:04X}>", u32::from(c));
        } else {
            escaped.push(c);
        }
    }
    escaped
}

fn text_length(field: &str, text: &str, max: usize) -> Result<(), Rejection> {
    if text.chars().count() > max {
        return Err(Rejection::new(
            "error.command.string.too_long",
            format!("String too long in command for field: {field}, max length {max}"),
        ));
    }
    Ok(())
}

/// Checks the `firstname` or `lastname` of a person.
pub(super) fn person_name(field: &str, text: &str) -> Result<(), Rejection> {
    text_length(field, text, if field == "firstname" { FIRST_NAME_LENGTH } else { LAST_NAME_LENGTH })?;
    no_hidden("error.user.name.invalid", field, text)
}

/// Checks that a text contains no hidden characters.
pub(super) fn no_hidden(code: &'static str, field: &str, text: &str) -> Result<(), Rejection> {
    if text.contains(is_hidden) {
        return Err(Rejection::new(code, format!("{field} contains an illegal character: {}", escaped(text))));
    }
    Ok(())
}

/// Checks the user that a command is about.
pub(super) fn user_root(name: &str) -> Result<(), Rejection> {
    identifier_length("user", name)?;
    let code = if is_email_type(name) { "error.user.email.invalid" } else { "error.user.name.invalid" };
    no_hidden(code, "user", name)
}

/// Checks the length of a user string, a username, a domain or a `requestID`.
pub(super) fn identifier_length(field: &str, text: &str) -> Result<(), Rejection> {
    text_length(field, text, IDENTIFIER_LENGTH)
}

/// Checks an address: at most 60 characters, one `@` with text on both sides, no spaces and no illegal characters.
pub(super) fn email(email: &str) -> Result<(), Rejection> {
    let wrong = if email.chars().count() > EMAIL_LENGTH {
        &format!("it is longer than {EMAIL_LENGTH} characters")
    } else if email.matches('@').count() != 1 || email.starts_with('@') || domain_of(email).is_empty() {
        "it must be a name, one @ and a domain"
    } else if email.contains(|c: char| c.is_whitespace() || is_illegal(c) || matches!(c, ',' | ';' | '\\')) {
        "it contains an illegal character"
    } else {
        return Ok(());
    };
    Err(Rejection::new("error.user.email.invalid", format!("Email is invalid: {}, {wrong}", escaped(email))))
}

/// Checks a username that is not an address.
pub(super) fn username(name: &str) -> Result<(), Rejection> {
    if name.is_empty() || name.trim() != name || name.contains(is_illegal) {
        return Err(Rejection::new(
            "error.user.name.invalid",
            format!(
                "Username is invalid: {}, it is empty, begins or ends with a space, or contains an illegal character",
                escaped(name)
            ),
        ));
    }
    Ok(())
}

/// Checks a user in a list: an address or a username.
pub(super) fn listed_user(name: &str) -> Result<(), Rejection> {
    let good = if is_email_type(name) { email(name).is_ok() } else { username(name).is_ok() };
    if good && name.chars().count() <= IDENTIFIER_LENGTH {
        return Ok(());
    }
    Err(Rejection::new(
        "error.user.user_list.invalid",
        format!("User name in list is invalid: {}, too long or with an illegal character", escaped(name)),
    ))
}

/// Checks a country: two upper-case letters that ISO 3166-1 assigns.
pub(super) fn country(code: &str) -> Result<(), Rejection> {
    text_length("country", code, COUNTRY_LENGTH)?;
    if !is_country(code) {
        return Err(Rejection::new(
            "error.country.invalid",
            format!("Country is invalid: {code}, it must be two upper-case letters of ISO 3166-1"),
        ));
    }
    Ok(())
}

/// Checks the name of a user group or profile to create or rename.
pub(super) fn group_name(name: &str) -> Result<(), Rejection> {
    let wrong = if name.trim().is_empty() {
        "it is empty"
    } else if name.starts_with('_') {
        "it must not start with _"
    } else if name.chars().count() > GROUP_NAME_LENGTH {
        &format!("it is longer than {GROUP_NAME_LENGTH} characters")
    } else if name.contains(is_hidden) {
        "it contains an illegal character"
    } else {
        return Ok(());
    };
    Err(Rejection::new("error.group.invalid_name", format!("Group name is invalid: {}, {wrong}", escaped(name))))
}

/// Checks the name of the user group of a command.
pub(super) fn group_root(name: &str) -> Result<(), Rejection> {
    text_length("usergroup", name, GROUP_NAME_LENGTH)?;
    no_hidden("error.group.invalid_name", "usergroup", name)
}

/// Checks the name of a group in a list.
pub(super) fn group_reference(name: &str) -> Result<(), Rejection> {
    if name.chars().count() > GROUP_NAME_LENGTH {
        return Err(Rejection::new(
            "error.command.add_remove.group_or_product_name_too_long",
            format!("Name of a group or product profile is too long, max length {GROUP_NAME_LENGTH}"),
        ));
    }
    no_hidden("error.group.invalid_name", "Group name", name)
}

/// Checks a domain: labels of letters, digits and hyphens, separated by dots.
pub(super) fn domain(name: &str) -> Result<(), Rejection> {
    let is_label = |label: &str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-');
    if name.chars().count() > IDENTIFIER_LENGTH || !name.contains('.') || !name.split('.').all(is_label) {
        return Err(Rejection::new(
            "emulator.domain.invalid",
            format!(
                "Domain is invalid: {}, it must be labels of letters, digits and hyphens, separated by dots",
                escaped(name)
            ),
        ));
    }
    Ok(())
}

/// The codes of ISO 3166-1 alpha-2, and `UD`, which the service shows for "undefined".
const COUNTRIES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS \
    BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ \
    FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT \
    JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP \
    MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE \
    RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV \
    TW TZ UA UD UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

pub(super) fn is_country(code: &str) -> bool {
    code.len() == 2 && COUNTRIES.split(' ').any(|country| country == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked() {
        for good in ["a@b", "jörg.o'neil+x@b-c.de", &format!("{}@{}", "a".repeat(29), "b".repeat(30))] {
            assert_eq!(email(good), Ok(()), "{good}");
        }
        for bad in
            ["", "a", "@b", "a@", "a@b@c", "a b@c", "a@b\n", "<a@b>", &format!("{}@{}", "a".repeat(30), "b".repeat(30))]
        {
            assert!(email(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn hidden_characters_are_rejected_and_shown() {
        let hidden = ['\0', '\u{7F}', '\u{85}', '\u{AD}', '\u{200B}', '\u{200F}', '\u{202E}', '\u{2066}', '\u{FEFF}'];
        for c in hidden {
            let shown = format!("<U+{:04X}>", u32::from(c));
            for (rejection, code) in [
                (email(&format!("a{c}b@c.de")), "error.user.email.invalid"),
                (username(&format!("a{c}b")), "error.user.name.invalid"),
                (user_root(&format!("a{c}@b.c")), "error.user.email.invalid"),
                (user_root(&format!("a{c}b")), "error.user.name.invalid"),
                (listed_user(&format!("a{c}@b.c")), "error.user.user_list.invalid"),
                (person_name("lastname", &format!("A{c}b")), "error.user.name.invalid"),
                (group_name(&format!("A{c}b")), "error.group.invalid_name"),
                (group_root(&format!("A{c}b")), "error.group.invalid_name"),
                (group_reference(&format!("A{c}b")), "error.group.invalid_name"),
                (domain(&format!("a{c}b.de")), "emulator.domain.invalid"),
            ] {
                let rejection = rejection.unwrap_err();
                assert_eq!(rejection.code, code);
                assert!(rejection.message.contains(&shown), "{}", rejection.message);
            }
        }
        // Persian and emoji need joiners; an address does not.
        assert_eq!(person_name("lastname", "علی\u{200C}پور"), Ok(()));
        assert_eq!(group_name("👩\u{200D}🎨 Design"), Ok(()));
        assert!(email("ann\u{200D}@b.c").is_err() && username("ann\u{200C}").is_err());
    }

    #[test]
    fn group_names_are_checked() {
        assert_eq!(group_name(&"あ".repeat(255)), Ok(()));
        for bad in ["", " ", "_admin_x", "a\u{7}", &"a".repeat(256)] {
            assert!(group_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn domains_are_checked() {
        assert!(domain("claimed-domain1.com").is_ok());
        for bad in ["", "com", "a..b", "a b.c", "a@b.c"] {
            assert!(domain(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn countries_are_two_assigned_upper_case_letters() {
        assert!(["US", "JP", "UD"].into_iter().all(is_country));
        assert!(!["", "us", "XX", "U", "USA", "S A"].into_iter().any(is_country));
        assert_eq!(COUNTRIES.split(' ').count(), 250);
    }
}
