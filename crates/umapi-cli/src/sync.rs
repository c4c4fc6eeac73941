//! `umapi sync`: the files, both sides and the changes of a run. What is to be done is decided in `umapi-sync`.

mod both_sides;
mod cloud;
mod given_file;
mod records;
mod reports;
mod send;
mod setup;
mod state_file;
mod still_true;

pub(crate) use both_sides::{BothSides, FailedOrgs, connect_all, read_both, read_directories};
pub(crate) use given_file::{GivenFile, Made};
pub(crate) use records::{Explanation, GroupCheck, PlannedRecord, shown};
pub(crate) use reports::ReportArgs;
pub(crate) use send::{Lists, send};
pub(crate) use setup::{Setup, SyncArgs, today};
pub(crate) use state_file::{LastRun, StateFile};
pub(crate) use still_true::take_out_done;
