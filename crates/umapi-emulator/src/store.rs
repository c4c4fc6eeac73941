//! The emulator's state, in one SQLite database: in memory, or in a file that survives the process.
//!
//! * [`Store`] owns the database. [`Store::read`] passes a [`Reader`] to its closure, [`Store::write`] a [`Tx`] that is
//!   committed if the closure returns `Ok`, and [`Store::dry_run`] a [`Tx`] that is always rolled back.
//! * A [`Reader`] answers the questions of the service's endpoints: users by page, the members of a group by page, one
//!   user, groups, products and their configurations, integrations, the ledger.
//! * A [`Tx`] changes single facts and keeps everything derived from them up to date: lists, counts, licenses and the
//!   ledger. It does not know the service's rules; those are in [`engine`](crate::engine).
//!
//! A page costs the same with a million users as with a thousand, wherever it is in the list: the order of a list is
//! kept, and only changes are put in place.
//!
//! ```
//! use umapi_emulator::store::{NewOrganization, PageRequest, Store, StoreError, UserQuery};
//!
//! let store = Store::in_memory()?;
//! let org = store.write(None, |tx| {
//!     tx.create_organization(&NewOrganization { org_id: "1234ABCD@AdobeOrg", name: "Example" })
//! })?;
//! let first = PageRequest { page: 0, size: 2000 };
//! let page = store.read(|r| r.users(org, &UserQuery::default(), first))?;
//! assert_eq!(page.map(|p| p.total), Some(0));
//! # Ok::<(), StoreError>(())
//! ```

mod browse;
mod connection;
mod data_file;
mod directories;
mod dto;
mod groups;
mod integrations;
mod ledger;
mod licenses;
mod lists;
mod memberships;
mod names;
mod organizations;
mod products;
mod settings;
mod snapshot;
#[cfg(test)]
mod testing;
mod tokens;
mod users;

pub(crate) use browse::{BrowseFrom, Member};
pub use connection::{Reader, Store, StoreError, Tx};
pub use directories::{Claim, Directory, Domain, NewDirectory};
pub use dto::{Group, MemberQuery, MemberStatus, User, UserGroup, UserQuery};
pub use groups::{GroupKind, GroupRow, NewGroup};
pub use integrations::{Integration, NewIntegration};
pub use ledger::{Cause, ChangeKind, LedgerEntry};
pub(crate) use lists::ListSorter;
pub use lists::{Page, PageRequest};
pub use memberships::{MemberClass, Membership};
pub use names::{domain_of, fold, is_email_type};
pub use organizations::{NewOrganization, Organization};
pub use products::{Configuration, NewProduct, Product};
pub use snapshot::Snapshot;
pub(crate) use tokens::ClientState;
pub use tokens::UsedId;
pub use users::{NewUser, Presence, UserChange, UserKind, UserKinds, UserRow, UserStatus};

/// The id of an organization inside the store.
pub type OrgId = i64;
/// The id of a user row inside the store: one person in one organization.
pub type UserId = i64;
/// The id of a group: the service's `groupId`.
pub type GroupId = i64;
/// The id of a product inside the store.
pub type ProductId = i64;
/// The id of a directory inside the store.
pub type DirectoryId = i64;

/// Defines the integers that an enum is stored as.
macro_rules! stored_enum {
    ($name:ident { $($variant:ident = $number:literal),+ $(,)? }) => {
        impl $name {
            pub(crate) const fn number(self) -> i64 {
                match self { $(Self::$variant => $number),+ }
            }
        }

        impl rusqlite::types::ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
                Ok(self.number().into())
            }
        }

        impl rusqlite::types::FromSql for $name {
            fn column_result(value: rusqlite::types::ValueRef<'_>) -> rusqlite::types::FromSqlResult<Self> {
                match value.as_i64()? {
                    $($number => Ok(Self::$variant),)+
                    other => Err(rusqlite::types::FromSqlError::OutOfRange(other)),
                }
            }
        }
    };
}
pub(crate) use stored_enum;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rusqlite::types::{FromSql, ValueRef};
    use umapi_model::{GroupType, UserStatus as ServiceStatus, UserType};

    use super::{GroupKind, UserKind, UserStatus};

    /// The service's names of all values that can be stored.
    fn stored<T: FromSql>(name: fn(T) -> &'static str) -> BTreeSet<String> {
        let values = (0..).map_while(|number| T::column_result(ValueRef::Integer(number)).ok());
        values.map(|value| name(value).to_owned()).collect()
    }

    fn known(names: impl IntoIterator<Item: ToString>) -> BTreeSet<String> {
        names.into_iter().map(|name| name.to_string()).collect()
    }

    #[test]
    fn every_value_of_the_service_can_be_stored() {
        assert_eq!(stored(GroupKind::as_str), known(GroupType::KNOWN));
        assert_eq!(stored(UserKind::as_str), known(UserType::KNOWN));
        assert_eq!(stored(UserStatus::as_str), known(ServiceStatus::KNOWN));
    }
}
