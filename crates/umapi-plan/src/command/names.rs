//! Names of users and groups, as the service compares them.

use std::borrow::Cow;

/// A name as it is compared: letter case does not count.
pub fn fold(name: &str) -> Cow<'_, str> {
    if name.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase()) {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(name.to_lowercase())
    }
}

/// Whether a user string is of the email type: it names its domain itself.
pub fn is_email_type(user: &str) -> bool {
    user.contains('@')
}

/// Whether two names are the same to the service.
pub fn is_same(one: &str, other: &str) -> bool {
    one == other || fold(one) == fold(other)
}
