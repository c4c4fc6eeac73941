//! The management API inside the emulator's crate: its description, and its operations as constants.

use anyhow::{Context, Result};
use proc_macro2::Literal;
use quote::quote;
use syn::Item;

use super::{
    operations::constant_name,
    source::{doc_attribute, first_line, format_source, unparse},
};
use crate::{
    generated::GeneratedFile,
    spec::{Document, Operation},
};

const FOLDER: &str = "crates/umapi-emulator/src/generated";

/// What the emulator's crate carries of the description of its management API.
pub(crate) fn generate(document: &Document, bundle: &str) -> Result<Vec<GeneratedFile>> {
    let first_line = first_line(&format!("spec/{}.yaml", document.name));
    let doc = "//! The operations of the management API, as constants named by their `operationId`.";
    let text = format!("{first_line}\n{doc}\n\nuse umapi_model::Operation;\n\n{}", unparse(&operations(document)?));
    let root = format!(
        "{first_line}\n//! The description of the management API.\n\npub(crate) mod operations;\n\n\
         /// {}, in OpenAPI 3.0.\npub(crate) const DESCRIPTION: &str = include_str!(\"generated/{}.json\");\n",
        document.root["info"]["title"].as_str().unwrap_or_default(),
        document.name,
    );
    Ok(vec![
        GeneratedFile::new(format!("{FOLDER}/{}.json", document.name), bundle),
        GeneratedFile::new(format!("{FOLDER}/operations.rs"), format_source(&text)?),
        GeneratedFile::new(format!("{FOLDER}.rs"), format_source(&root)?),
    ])
}

fn operations(document: &Document) -> Result<Vec<Item>> {
    let operations = document.operations();
    let mut items = operations.iter().map(constant).collect::<Result<Vec<_>>>()?;
    let names: Vec<_> = operations.iter().filter_map(|operation| Some(constant_name(operation.id()?))).collect();
    let count = Literal::usize_unsuffixed(names.len());
    items.push(syn::parse2(quote! {
        #[doc = " Every operation, in the order of the description."]
        pub(crate) const ALL: [&Operation; #count] = [#(&#names),*];
    })?);
    Ok(items)
}

fn constant(operation: &Operation<'_>) -> Result<Item> {
    let id = operation.id().context("an operation without operationId")?;
    let name = constant_name(id);
    let doc = doc_attribute(&format!("{}.", operation.summary().unwrap_or(id)));
    let method = operation.method.to_uppercase();
    let (path, tag) = (operation.path, operation.tag().unwrap_or_default());
    Ok(syn::parse2(quote! {
        #doc
        pub(crate) const #name: Operation = Operation::new(#id, #method, #path, #tag);
    })?)
}
