//! Generates the facts of the steps of a command: names, positions, and lists of names.

use anyhow::{Context, Result};
use proc_macro2::Literal;
use quote::{format_ident, quote};
use serde_json::Value;
use syn::{Fields, Ident, Item, ItemEnum, ItemStruct};

use super::{builders, source::doc_attribute};
use crate::spec;

/// The names and positions of the steps of a union. Empty for a union of other things.
pub(crate) fn of_union(definition: &ItemEnum, schema: &Value) -> Result<Vec<Item>> {
    let steps = spec::steps_of(schema);
    if steps.is_empty() {
        return Ok(Vec::new());
    }
    let ident = &definition.ident;
    let variants: Vec<&Ident> = definition.variants.iter().map(|variant| &variant.ident).collect();
    let mut ordered = Vec::new();
    for step in &steps {
        // The generator keeps the order of the alternatives, and names a variant by the key of the step.
        let variant =
            variants.get(ordered.len()).with_context(|| format!("{ident} has no variant for `{}`", step.name))?;
        ordered.push(*variant);
    }
    let names: Vec<&str> = steps.iter().map(|step| step.name).collect();
    let positions = steps
        .iter()
        .map(|step| match step.position {
            "first" => Ok(format_ident!("First")),
            "last" => Ok(format_ident!("Last")),
            "anywhere" => Ok(format_ident!("Anywhere")),
            other => anyhow::bail!("{ident}: the step `{}` has the unknown position `{other}`", step.name),
        })
        .collect::<Result<Vec<_>>>()?;
    let count = Literal::usize_unsuffixed(names.len());
    let names_doc = doc_attribute("The names of all steps in JSON, in the order of the description.");
    let file: syn::File = syn::parse2(quote! {
        impl #ident {
            #names_doc
            pub const NAMES: [&'static str; #count] = [#(#names),*];

            #[doc = " The name of the step in JSON."]
            pub const fn name(&self) -> &'static str {
                match self { #(Self::#ordered(_) => #names,)* }
            }

            #[doc = " Where in a command the step may stand."]
            pub const fn position(&self) -> crate::StepPosition {
                match self { #(Self::#ordered(_) => crate::StepPosition::#positions,)* }
            }
        }
    })?;
    Ok(file.items)
}

/// The lists of names of a struct: the fields with `x-umapi-names`.
pub(crate) fn name_lists(definition: &ItemStruct, schema: &Value) -> Result<Vec<Item>> {
    let Fields::Named(fields) = &definition.fields else { return Ok(Vec::new()) };
    let (mut idents, mut names, mut kinds) = (Vec::new(), Vec::new(), Vec::new());
    for field in &fields.named {
        let name = builders::json_name(field);
        let Some(kind) = schema["properties"][&name].get("x-umapi-names").and_then(Value::as_str) else { continue };
        kinds.push(match kind {
            "groups" => format_ident!("Group"),
            "profiles" => format_ident!("Profile"),
            "products" => format_ident!("Product"),
            "users" => format_ident!("User"),
            other => anyhow::bail!("{}: `{name}` lists names of the unknown kind `{other}`", definition.ident),
        });
        idents.push(&field.ident);
        names.push(name);
    }
    if idents.is_empty() {
        return Ok(Vec::new());
    }
    let ident = &definition.ident;
    let count = Literal::usize_unsuffixed(idents.len());
    let file: syn::File = syn::parse2(quote! {
        impl #ident {
            #[doc = " Every list of names: its field in JSON, what the names stand for, and the names."]
            #[doc(hidden)]
            pub fn name_lists(&self) -> [(&'static str, crate::NameKind, &::std::vec::Vec<::std::string::String>); #count] {
                [#((#names, crate::NameKind::#kinds, &self.#idents)),*]
            }

            #[doc = " Every list of names, in the order of [`name_lists`](Self::name_lists)."]
            #[doc(hidden)]
            pub fn name_lists_mut(&mut self) -> [&mut ::std::vec::Vec<::std::string::String>; #count] {
                [#(&mut self.#idents),*]
            }
        }
    })?;
    Ok(file.items)
}
