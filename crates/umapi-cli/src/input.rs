//! Files with commands: read one by one, checked before anything is sent.

mod bad;
mod command;
mod csv_commands;
mod diagnostic;
mod elements;
mod form;
mod line_starts;
mod lines;
mod list;
mod locate;
mod reader;
mod source;

pub(crate) use bad::BadCommand;
pub(crate) use diagnostic::{Diagnostic, SourceLocation};
pub(crate) use form::InputForm;
pub(crate) use line_starts::LineStarts;
pub(crate) use list::split_list;
pub(crate) use reader::CommandReader;
pub(crate) use source::{Source, read_whole, unread};
