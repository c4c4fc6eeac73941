//! Which name of a list an error is about.
//!
//! A step does all it says or nothing, and reports the first name that is wrong, in its message. The rest of the list is
//! good as far as one knows, and is sent again without it.

use umapi_model::{ActionError, ErrorCode};

use super::bipartite::{GROUPS, USERS};
use super::change::MembershipAction;
use crate::account::FoldedName;

/// What an error says of the names of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blame {
    /// None: the memberships are all as they should be already.
    NothingToDo,
    /// All of them, or the root that they share.
    All,
    /// This one, by its place.
    One(usize),
    /// At least one of them.
    Some,
}

/// What the error of a list says, on this side of the memberships.
pub(super) fn blame(error: &ActionError, side: usize, action: MembershipAction, root: &str, names: &[&str]) -> Blame {
    let code = &error.error_code;
    let message = error.message.as_deref().unwrap_or_default();
    match code {
        ErrorCode::UserAlreadyExists if action == MembershipAction::Add && side == GROUPS => Blame::NothingToDo,
        // Of users to be added it may also mean that they are unknown.
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

/// Whether the error is about the root, whatever the names.
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

/// The place of the name that a message is about: by the messages of the catalogue, or else the longest name in it.
fn named(code: &ErrorCode, message: &str, names: &[&str]) -> Option<usize> {
    let position_of = |name: &str| names.iter().position(|listed| FoldedName::user(listed) == FoldedName::user(name));
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

/// What stands in a message where the pattern has its placeholder.
fn filled_in<'m>(pattern: &str, message: &'m str) -> Option<&'m str> {
    let (before, rest) = pattern.split_once('{')?;
    let (_, after) = rest.split_once('}')?;
    message.strip_prefix(before)?.strip_suffix(after)
}

/// Whether the name stands in the text, and not as a part of a longer word.
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
    fn what_is_about_the_root_is_about_all() {
        let names = ["x", "y"];
        assert_blame(USERS, ErrorCode::UserNonexistent, "User Id does not exist: root", &names, Blame::All);
        assert_blame(GROUPS, ErrorCode::UsergroupNotFound, "Group root was not found", &names, Blame::All);
        assert_blame(GROUPS, ErrorCode::UserNotFound, "No valid users were found in the request", &names, Blame::All);
        assert_blame(GROUPS, ErrorCode::InternalAdd, "something about root", &names, Blame::All);
    }

    #[test]
    fn where_nobody_is_named_one_of_them_is_to_blame() {
        assert_blame(GROUPS, ErrorCode::InternalAdd, "", &["x", "y"], Blame::Some);
        assert_blame(GROUPS, ErrorCode::InternalAdd, "", &["x"], Blame::All);
        assert_blame(GROUPS, ErrorCode::UserNotInOrg, "x or y", &["x", "y"], Blame::Some);
    }

    #[test]
    fn members_need_not_be_added() {
        assert_blame(GROUPS, ErrorCode::UserAlreadyExists, "already", &["x", "y"], Blame::NothingToDo);
    }
}
