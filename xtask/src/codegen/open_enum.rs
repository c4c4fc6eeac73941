//! Generates open enums: the listed values, and a variant for values that the service may add.

use anyhow::{Context, Result, bail};
use heck::ToUpperCamelCase;
use proc_macro2::Literal;
use quote::{format_ident, quote};
use serde_json::Value;
use syn::Item;

use super::{exhaustive, source::doc_attribute};
use crate::spec::{Document, text_of};

/// The named schemas of open enums.
pub(crate) fn schemas(document: &Document) -> Vec<(String, Value)> {
    let all = document.schemas();
    all.into_iter().filter(|(_, schema)| schema.get("x-extensible-enum").is_some()).collect()
}

/// The enum of an open schema.
pub(crate) fn items(name: &str, schema: &Value) -> Result<Vec<Item>> {
    let values: Vec<&str> =
        schema["x-extensible-enum"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let descriptions: Vec<&str> =
        schema["x-enum-descriptions"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if values.len() != descriptions.len() {
        bail!("{name}: x-enum-descriptions must describe each of the {} values", values.len());
    }
    let aliases: Vec<(&str, &str)> = schema["x-enum-aliases"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(alias, value)| Some((alias.as_str(), value.as_str()?)))
        .collect();
    if let Some((alias, value)) =
        aliases.iter().find(|(alias, value)| !values.contains(value) || values.contains(alias))
    {
        bail!("{name}: x-enum-aliases must map other spellings to values: `{alias}` to `{value}`");
    }
    let variants: Vec<Variant> = values
        .iter()
        .zip(descriptions)
        .map(|(value, description)| Variant {
            name: value.to_upper_camel_case(),
            value: (*value).to_owned(),
            aliases: aliases.iter().filter(|(_, of)| of == value).map(|(alias, _)| (*alias).to_owned()).collect(),
            doc: format!("`{value}`: {description}"),
        })
        .collect();
    let mut items = enum_items(name, text_of(schema, "description"), &variants)?;
    let names: Vec<_> = variants.iter().map(|variant| format_ident!("{}", variant.name)).collect();
    let twin: syn::File = syn::parse2(exhaustive::of_open_enum(&format_ident!("{name}"), &names))?;
    items.extend(twin.items);
    Ok(items)
}

/// A known value of an open enum.
pub(crate) struct Variant {
    pub(crate) name: String,
    pub(crate) value: String,
    /// Other spellings that are read as this value.
    pub(crate) aliases: Vec<String>,
    pub(crate) doc: String,
}

/// The enum, its names in JSON, and (by a macro of the model crate) its traits.
pub(crate) fn enum_items(name: &str, description: &str, variants: &[Variant]) -> Result<Vec<Item>> {
    let ident = format_ident!("{name}");
    let doc = doc_attribute(description);
    let names: Vec<_> = variants.iter().map(|variant| format_ident!("{}", variant.name)).collect();
    let docs: Vec<_> = variants.iter().map(|variant| doc_attribute(&variant.doc)).collect();
    let values: Vec<&str> = variants.iter().map(|variant| variant.value.as_str()).collect();
    let patterns = variants.iter().map(|Variant { value, aliases, .. }| quote! { #value #(| #aliases)* });
    let count = Literal::usize_unsuffixed(values.len());
    let file: syn::File = syn::parse2(quote! {
        #doc
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum #ident {
            #(#docs #names,)*
            #[doc = " A value that the description does not list, as received."]
            Other(::std::string::String),
        }

        impl #ident {
            #[doc = " The values that the description lists."]
            pub const KNOWN: [Self; #count] = [#(Self::#names),*];

            #[doc = " The value in JSON."]
            pub fn as_str(&self) -> &str {
                match self {
                    #(Self::#names => #values,)*
                    Self::Other(other) => other,
                }
            }
        }

        impl ::std::convert::From<&str> for #ident {
            fn from(value: &str) -> Self {
                match value {
                    #(#patterns => Self::#names,)*
                    other => Self::Other(other.to_owned()),
                }
            }
        }

        crate::open_enum::implement_open_enum!(#ident);
    })
    .with_context(|| format!("cannot write the enum {name}"))?;
    Ok(file.items)
}
