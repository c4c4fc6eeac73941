//! The descriptions: reads, resolves, checks, bundles and compares them.

mod bundle;
mod diff;
mod document;
mod lint;
mod plain;
mod steps;
pub(crate) mod usage;

pub(crate) use bundle::bundle_all;
pub(crate) use diff::diff;
pub(crate) use document::{Document, Operation, SpecDir, text_of};
pub(crate) use lint::lint_all;
pub(crate) use steps::{is_union_of_steps, key_of, steps_of};
