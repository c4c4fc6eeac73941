//! Fixtures for tests of the store.

use super::{NewGroup, NewOrganization, NewUser, OrgId, Tx, UserKind, UserRow};

/// Creates an organization without users.
pub(super) fn organization(tx: &mut Tx<'_>) -> OrgId {
    tx.create_organization(&NewOrganization { org_id: "1@AdobeOrg", name: "" }).unwrap()
}

/// Creates a user with an Adobe ID.
pub(super) fn user(tx: &mut Tx<'_>, org: OrgId, email: &str) -> UserRow {
    let id = tx.create_user(org, &NewUser::member(UserKind::AdobeId, email, "x.com")).unwrap();
    tx.rows().user_row(id).unwrap().unwrap()
}

/// A group with a name and nothing else.
pub(super) fn named(name: &str) -> NewGroup<'_> {
    NewGroup { name, ..NewGroup::default() }
}
