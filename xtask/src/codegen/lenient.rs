//! Lenient reading of responses: the attributes of fields that accept other forms of their values.

use quote::ToTokens;
use syn::{Field, Fields, ItemStruct, Type};

use super::builders::argument_of;

/// The scalars that are read in each other's form.
const SCALARS: [&str; 6] = ["u32", "u64", "i32", "i64", "bool", "String"];

/// Makes a response struct lenient. A struct of requests stays strict: it has no field `extra`.
pub(crate) fn read_leniently(definition: &mut ItemStruct) {
    let Fields::Named(fields) = &mut definition.fields else { return };
    let is_extra = |field: &Field| field.ident.as_ref().is_some_and(|ident| ident == "extra");
    if !fields.named.iter().any(is_extra) {
        return;
    }
    for field in fields.named.iter_mut().filter(|field| !is_extra(field)) {
        relax(field);
    }
}

fn relax(field: &mut Field) {
    let has_default = field.attrs.iter().any(|attribute| attribute.to_token_stream().to_string().contains("default"));
    let inner = argument_of(&field.ty, "Option");
    let value = inner.unwrap_or(&field.ty);
    let element = argument_of(value, "Vec");
    let reader = if is_scalar(value) && has_default && inner.is_none() {
        "read_scalar_or_default"
    } else if is_scalar(value) || element.is_some_and(is_scalar) {
        "read"
    } else if element.is_some() && has_default {
        "read_or_default"
    } else {
        return;
    };
    if inner.is_some() && !has_default {
        field.attrs.push(syn::parse_quote!(#[serde(default)]));
    }
    let reader = format!("crate::lenient::{reader}");
    field.attrs.push(syn::parse_quote!(#[serde(deserialize_with = #reader)]));
}

fn is_scalar(value: &Type) -> bool {
    let Type::Path(path) = value else { return false };
    path.path.segments.last().is_some_and(|segment| SCALARS.iter().any(|scalar| segment.ident == scalar))
}
