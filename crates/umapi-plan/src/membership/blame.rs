//! The name in a list that is to blame for an error.
//!
//! A step is applied completely or not at all, and its error names the first wrong name in its message. The rest of the
//! list may be valid, and is sent again without that name.

use umapi_model::{ActionError, ErrorCode};

use super::{
    change::MembershipAction,
    cover::{GROUPS, USERS},
};
use crate::account::FoldedName;

/// What an error says about the names of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blame {
    /// No name: all memberships are as requested already.
    NothingToDo,
    /// All names, or the root that they share.
    All,
    /// The name at this position.
    One(usize),
    /// At least one name.
    Some,
}

/// Returns which names the error of a list is about.
pub(super) fn blame(error: &ActionError, side: usize, action: MembershipAction, root: &str, names: &[&str]) -> Blame {
    let code = &error.error_code;
    let message = error.message.as_deref().unwrap_or_default();
    match code {
        ErrorCode::UserAlreadyExists if action == MembershipAction::Add && side == GROUPS => Blame::NothingToDo,
        // For users to be added it may also mean that they do not exist.
        ErrorCode::UsergroupUserListInvalid if action == MembershipAction::Remove && side == GROUPS => {
            Blame::NothingToDo
        }
        ErrorCode::UserNotFound if side == GROUPS && message.starts_with("No valid users") => Blame::All,
        _ if names.len() == 1 || is_about_root(code, side) => Blame::All,
        _ => match named(code, message, names) {
            Some(place) => Blame::One(place),
            None if named(code, message, &[root]).is_some() => Blame::All,
            None => Blame::Some,
        },
    }
}

/// Whether the error is about the root, whatever the names are.
pub(super) fn is_about_root(code: &ErrorCode, side: usize) -> bool {
    match code {
        ErrorCode::UserNotFound
        | ErrorCode::UserNonexistent
        | ErrorCode::UserNotInOrg
        | ErrorCode::UserNonexistentOrHasConflictingParameters
        | ErrorCode::UserNotFoundOrAmbiguous
        | ErrorCode::UserTypeUnknown
        | ErrorCode::CommandDomainMissing
        | ErrorCode::CommandDomainMustBeUsedWithNonemailUsername => side == USERS,
        ErrorCode::UsergroupNotFound
        | ErrorCode::GroupNotFound
        | ErrorCode::UsergroupReadonlyAddUserNotAllowed
        | ErrorCode::UsergroupReadonlyRemoveUserNotAllowed
        | ErrorCode::UsergroupReadonlyUpdateNotAllowed => side == GROUPS,
        ErrorCode::OrganizationMigrating | ErrorCode::ThrottledByExternalService => true,
        _ => false,
    }
}

/// The position of the name that a message is about: by the messages of the catalog, or else the longest name in it.
fn named(code: &ErrorCode, message: &str, names: &[&str]) -> Option<usize> {
    let position_of = |name: &str| names.iter().position(|listed| FoldedName::is_same_user(listed, name));
    let patterns = code.entry().map_or(&[][..], |entry| entry.messages);
    if let Some(place) = patterns.iter().find_map(|pattern| position_of(filled_in(pattern, message)?)) {
        return Some(place);
    }
    let message = FoldedName::new(message);
    let found = |(place, name): (usize, &&str)| {
        is_word_of(message.as_str(), FoldedName::new(name).as_str()).then_some((name.len(), place))
    };
    let mut found: Vec<_> = names.iter().enumerate().filter_map(found).collect();
    found.sort_unstable();
    match found[..] {
        [] => None,
        [.., (one, _), (other, _)] if one == other => None,
        [.., (_, place)] => Some(place),
    }
}

/// The part of a message at the placeholder of the pattern.
fn filled_in<'m>(pattern: &str, message: &'m str) -> Option<&'m str> {
    let (before, rest) = pattern.split_once('{')?;
    let (_, after) = rest.split_once('}')?;
    message.strip_prefix(before)?.strip_suffix(after)
}

/// Whether the text contains the name as a word of its own.
fn is_word_of(text: &str, name: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '@' | '_' | '-');
    !name.is_empty()
        && text.match_indices(name).any(|(start, _)| {
            let (before, after) = (&text[..start], &text[start + name.len()..]);
            !before.ends_with(is_word) && !after.starts_with(is_word)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_blame(side: usize, code: ErrorCode, message: &str, names: &[&str], expected: Blame) {
        let error = ActionError::new(0, code).with_message(message);
        assert_eq!(blame(&error, side, MembershipAction::Add, "root", names), expected);
    }

    #[test]
    fn the_name_in_the_message_is_blamed() {
        let users = ["ann@b.c", "B@b.c", "other@b.c"];
        assert_blame(GROUPS, ErrorCode::UserNonexistent, "User Id does not exist: b@B.c", &users, Blame::One(1));
        assert_blame(GROUPS, ErrorCode::UserNotInOrg, "Not one of us: other@b.c!", &users, Blame::One(2));
        let groups = ["Design", "Design Team", "Team"];
        assert_blame(USERS, ErrorCode::GroupNotFound, "Group Design Team was not found", &groups, Blame::One(1));
        assert_blame(USERS, ErrorCode::GroupNotFound, "no such group as design team", &groups, Blame::One(1));
        assert_blame(USERS, ErrorCode::GroupNotFound, "Group 17 was not found", &groups, Blame::Some);
        let readonly = "User cannot be added to group as owned by another org and readonly: Team";
        assert_blame(USERS, ErrorCode::UsergroupReadonlyAddUserNotAllowed, readonly, &groups, Blame::One(2));
    }

    #[test]
    fn errors_of_the_root_concern_all_names() {
        let names = ["x", "y"];
        assert_blame(USERS, ErrorCode::UserNonexistent, "User Id does not exist: root", &names, Blame::All);
        assert_blame(GROUPS, ErrorCode::UsergroupNotFound, "Group root was not found", &names, Blame::All);
        assert_blame(GROUPS, ErrorCode::UserNotFound, "No valid users were found in the request", &names, Blame::All);
        assert_blame(GROUPS, ErrorCode::InternalAdd, "something about root", &names, Blame::All);
    }

    #[test]
    fn without_a_name_at_least_one_is_to_blame() {
        assert_blame(GROUPS, ErrorCode::InternalAdd, "", &["x", "y"], Blame::Some);
        assert_blame(GROUPS, ErrorCode::InternalAdd, "", &["x"], Blame::All);
        assert_blame(GROUPS, ErrorCode::UserNotInOrg, "x or y", &["x", "y"], Blame::Some);
    }

    #[test]
    fn members_need_not_be_added() {
        assert_blame(GROUPS, ErrorCode::UserAlreadyExists, "already", &["x", "y"], Blame::NothingToDo);
    }
}
