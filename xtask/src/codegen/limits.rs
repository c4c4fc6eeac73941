//! The limits of an action request and of its fields, as constants, and the classes that share an allowance of calls.

use anyhow::{Context, Result};
use heck::{ToShoutySnakeCase, ToUpperCamelCase};
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
    if let Some(classes) = document.root["x-umapi-throttle-classes"].as_object() {
        items.extend(throttle_classes(classes.keys())?);
    }
    Ok(items)
}

/// The number of a limit: its own, or the keyword of the schema that it points at.
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
        .with_context(|| format!("the limit `{name}` points at {schema}{property}/{keyword}, where there is no number"))
}

fn throttle_classes<'a>(names: impl Iterator<Item = &'a String> + Clone) -> Result<Vec<Item>> {
    let variants = names.clone().map(|name| format_ident!("{}", name.to_upper_camel_case()));
    let names: Vec<&String> = names.collect();
    let docs = names.iter().map(|name| doc_attribute(&format!("The class `{name}`.")));
    let all: Vec<_> = variants.clone().collect();
    let count = Literal::usize_unsuffixed(names.len());
    let file: syn::File = syn::parse2(quote! {
        #[doc = " Operations of one class draw from one allowance of calls per minute."]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum ThrottleClass {
            #(#docs #variants,)*
        }

        impl ThrottleClass {
            #[doc = " Every class."]
            pub const ALL: [Self; #count] = [#(Self::#all),*];

            #[doc = " The name of the class in the description."]
            pub fn as_str(self) -> &'static str {
                match self {
                    #(Self::#all => #names,)*
                }
            }
        }
    })?;
    Ok(file.items)
}
