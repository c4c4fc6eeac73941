//! Generates the limits of an action request and of its fields, as constants.

use anyhow::{Context, Result};
use heck::ToShoutySnakeCase;
use proc_macro2::Literal;
use quote::{format_ident, quote};
use serde_json::Value;
use syn::Item;

use super::source::doc_attribute;
use crate::spec::{Document, text_of};

pub(crate) fn items(document: &Document) -> Result<Vec<Item>> {
    let mut items = Vec::new();
    for limit in document.root["x-umapi-limits"].as_array().into_iter().flatten() {
        let name = format_ident!("{}", text_of(limit, "name").to_shouty_snake_case());
        let doc = doc_attribute(text_of(limit, "description"));
        let value = Literal::u64_unsuffixed(value_of(document, limit)?);
        items.push(syn::parse2(quote! { #doc pub const #name: usize = #value; })?);
    }
    Ok(items)
}

/// The number of a limit: its own, or a keyword of the schema that it refers to.
pub(crate) fn value_of(document: &Document, limit: &Value) -> Result<u64> {
    let name = text_of(limit, "name");
    if let Some(value) = limit["value"].as_u64() {
        return Ok(value);
    }
    let (schema, property) = match text_of(limit, "schema").split_once('/') {
        Some((schema, property)) => (schema, format!("/properties/{property}")),
        None => (text_of(limit, "schema"), String::new()),
    };
    let keyword = text_of(limit, "keyword");
    document
        .root
        .pointer(&format!("/components/schemas/{schema}{property}/{keyword}"))
        .and_then(Value::as_u64)
        .with_context(|| format!("the limit `{name}` refers to {schema}{property}/{keyword}, which is not a number"))
}
