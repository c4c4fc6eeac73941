//! What the command writes: results on stdout, progress, notes and errors on stderr.

mod csv;
pub(crate) mod explain;
mod listing;
pub(crate) mod logging;
mod messages;
mod progress;
mod record;
mod records;
mod table;
mod terminal;
pub(crate) mod time;

pub(crate) use csv::CsvStyle;
pub(crate) use listing::{Listing, write_single};
pub(crate) use messages::{Event, Level, Messages};
pub(crate) use progress::{ProgressKind, ProgressLine, ProgressObserver, ProgressSafe, rough};
#[cfg(test)]
pub(crate) use record::join_list;
pub(crate) use record::{Cell, Column, Record, column, counted, hidden_column};
pub(crate) use records::{GroupRecord, OutcomeRecord, OutcomeStatus, ProductRecord, UserRecord};
pub(crate) use terminal::{EscapeStyle, EscapingWriter, Terminal, escape, escape_line, is_deceptive};
