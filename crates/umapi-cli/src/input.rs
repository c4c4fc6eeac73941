//! Input files: each format has one reader, and everything is checked before anything is sent.

mod arguments;
mod columns;
mod commands;
mod csv;
mod csv_commands;
pub(crate) mod desired;
mod diagnostic;
mod document;
mod encoding;
mod json_commands;
mod membership_file;
mod name_list;
mod source;
mod text;
mod words;

pub(crate) use arguments::{TableArgs, TextArgs};
pub(crate) use commands::{CommandReader, InputFormat, ReadOptions};
pub(crate) use diagnostic::{Diagnostic, Diagnostics, SourceLocation};
pub(crate) use encoding::TextEncoding;
pub(crate) use membership_file::{memberships_of, read_memberships};
pub(crate) use name_list::{ListedName, read_names};
pub(crate) use source::{Source, read_text, read_whole, source_name};
pub(crate) use text::{NameCheck, check_listed, check_name, check_user, decode, without_bom};
pub(crate) use words::plain_rule;

/// A part of a file that cannot be used: a command, or a row.
#[derive(Clone, Debug)]
pub(crate) struct BadEntry {
    pub(crate) diagnostic: Diagnostic,
    /// The part as it is in the file, to be corrected and run again.
    pub(crate) text: String,
    /// Whether the rest of the file cannot be read.
    pub(crate) ends_file: bool,
}
