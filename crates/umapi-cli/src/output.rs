//! Results, in the form that was asked for.

mod cell;
mod counted;
mod listing;
mod record;
mod sheet;
mod terminal;

pub(crate) use cell::Cell;
#[cfg(test)]
pub(crate) use cell::join_list;
pub(crate) use counted::counted;
pub(crate) use listing::{Listing, write_single};
pub(crate) use record::{Column, Record, column, hidden_column};
pub(crate) use terminal::{Terminal, harmless};
