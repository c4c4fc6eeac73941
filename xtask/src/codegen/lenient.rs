//! Lenient reading of responses: the attributes and types of fields that accept what does not match the description exactly.

use anyhow::Result;
use quote::{ToTokens, quote};
use syn::{Attribute, Field, Fields, Item, ItemStruct, Type, parse::Parser};

use super::builders::{argument_of, json_name};
use crate::spec::Document;

/// The scalars that are read in each other's form.
const SCALARS: [&str; 6] = ["u32", "u64", "i32", "i64", "bool", "String"];

/// The end of the function that gives a value to a required field that a response omits.
pub(crate) const MISSING: &str = "::default";

/// Makes a response struct lenient, and returns the implementation that its lists need. A struct of requests stays strict: it has
/// no field `extra`.
pub(crate) fn read_leniently(definition: &mut ItemStruct, document: &Document) -> Result<Option<Item>> {
    let name = definition.ident.clone();
    let schema = document.schemas().get(&name.to_string()).cloned().unwrap_or_default();
    let Fields::Named(fields) = &mut definition.fields else { return Ok(None) };
    if !fields.named.iter().any(|field| field.ident.as_ref().is_some_and(|ident| ident == "extra")) {
        return Ok(None);
    }
    for field in fields.named.iter_mut().filter(|field| field.ident.as_ref().is_some_and(|ident| ident != "extra")) {
        if schema["properties"][json_name(field)]["x-umapi-may-be-absent"] == true {
            let default = format!("{}{MISSING}", field.ty.to_token_stream());
            field.attrs.push(syn::parse_quote!(#[serde(default = #default)]));
        }
        relax(field)?;
    }
    Ok(Some(syn::parse2(quote! {
        impl crate::lenient::WithExtra for #name {
            fn extra_mut(&mut self) -> &mut ::serde_json::Map<::std::string::String, ::serde_json::Value> {
                &mut self.extra
            }
        }
    })?))
}

fn relax(field: &mut Field) -> Result<()> {
    let has_default = field.attrs.iter().any(|attribute| attribute.to_token_stream().to_string().contains("default"));
    if let Some(element) = argument_of(&field.ty, "Vec").filter(|element| !is_scalar(element)) {
        field.ty = syn::parse2(quote! { crate::Items<#element> })?;
        for attribute in &mut field.attrs {
            *attribute = replaced(attribute, ":: std :: vec :: Vec :: is_empty", "crate::Items::is_empty")?;
            *attribute = replaced(attribute, "::std::vec::Vec::is_empty", "crate::Items::is_empty")?;
        }
        if has_default {
            field.attrs.push(syn::parse_quote!(#[serde(deserialize_with = "crate::lenient::read_or_default")]));
        }
        return Ok(());
    }
    let inner = argument_of(&field.ty, "Option");
    let value = inner.unwrap_or(&field.ty);
    let is_lenient = is_scalar(value) || argument_of(value, "Vec").is_some_and(is_scalar);
    if !is_lenient {
        return Ok(());
    }
    let reader = if has_default && inner.is_none() && is_scalar(value) { "read_scalar_or_default" } else { "read" };
    let reader = format!("crate::lenient::{reader}");
    if inner.is_some() && !has_default {
        field.attrs.push(syn::parse_quote!(#[serde(default)]));
    }
    field.attrs.push(syn::parse_quote!(#[serde(deserialize_with = #reader)]));
    Ok(())
}

fn is_scalar(value: &Type) -> bool {
    let Type::Path(path) = value else { return false };
    path.path.segments.last().is_some_and(|segment| SCALARS.iter().any(|scalar| segment.ident == scalar))
}

fn replaced(attribute: &Attribute, from: &str, to: &str) -> Result<Attribute> {
    let text = attribute.to_token_stream().to_string();
    if !text.contains(from) {
        return Ok(attribute.clone());
    }
    let parsed = Attribute::parse_outer.parse_str(&text.replace(from, to))?;
    Ok(parsed.into_iter().next().unwrap_or_else(|| attribute.clone()))
}
