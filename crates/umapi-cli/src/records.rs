//! What results consist of. Fields and columns are promised: `umapi help formats`.

mod group;
mod outcome;
mod product;
mod user;

pub(crate) use group::GroupRecord;
pub(crate) use outcome::{OutcomeRecord, Verdict};
pub(crate) use product::ProductRecord;
pub(crate) use user::UserRecord;
