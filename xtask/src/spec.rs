//! The descriptions: reads, resolves, checks, bundles and compares them.

mod bundle;
mod diff;
mod document;
mod lint;
mod plain;

pub(crate) use bundle::bundle_all;
pub(crate) use diff::diff;
pub(crate) use document::{Document, Operation, SpecDir, text_of};
pub(crate) use lint::lint_all;
