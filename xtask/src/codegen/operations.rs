//! What the description says of each operation, as constants: method, path, and how often it may be called.

use anyhow::{Context, Result};
use heck::{ToShoutySnakeCase, ToUpperCamelCase};
use proc_macro2::Literal;
use quote::{format_ident, quote};
use syn::Item;

use super::{Api, source::doc_attribute};
use crate::spec::{Operation, text_of};

pub(crate) fn items(api: &Api) -> Result<Vec<Item>> {
    let operations = api.document.operations();
    let mut items = Vec::new();
    for operation in &operations {
        items.push(constant(operation)?);
    }
    let names: Vec<_> = operations.iter().filter_map(|operation| Some(constant_name(operation.id()?))).collect();
    let count = Literal::usize_unsuffixed(names.len());
    items.push(syn::parse2(quote! {
        #[doc = " Every operation, in the order of the description."]
        pub const ALL: [&Operation; #count] = [#(&#names),*];
    })?);
    Ok(items)
}

/// The name of an operation's constant.
pub(crate) fn constant_name(operation_id: &str) -> syn::Ident {
    format_ident!("{}", operation_id.to_shouty_snake_case())
}

fn constant(operation: &Operation<'_>) -> Result<Item> {
    let id = operation.id().context("an operation without operationId")?;
    let name = constant_name(id);
    let doc = doc_attribute(&format!("{}.", operation.summary().unwrap_or(id)));
    let method = operation.method.to_uppercase();
    let (path, tag, deprecated) = (operation.path, operation.tag().unwrap_or_default(), operation.is_deprecated());
    let throttle = match operation.value.get("x-umapi-throttle") {
        Some(throttle) => {
            let class = format_ident!("{}", text_of(throttle, "class").to_upper_camel_case());
            let number = |key: &str| -> Result<Literal> {
                let number = throttle[key].as_u64().with_context(|| format!("{id}: no number `{key}`"))?;
                Ok(Literal::u64_unsuffixed(number))
            };
            let (client, application) = (number("client")?, number("application")?);
            quote! {
                Some(Throttle { class: ThrottleClass::#class, client_per_minute: #client, application_per_minute: #application })
            }
        }
        None => quote! { None },
    };
    Ok(syn::parse2(quote! {
        #doc
        pub const #name: Operation = Operation {
            id: #id,
            method: #method,
            path: #path,
            tag: #tag,
            is_deprecated: #deprecated,
            throttle: #throttle,
        };
    })?)
}
