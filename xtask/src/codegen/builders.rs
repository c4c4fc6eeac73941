//! Generates a constructor with the required fields, and a setter for each other field.

use anyhow::Result;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Field, Fields, GenericArgument, Item, ItemStruct, PathArguments, Type};

use super::source::{doc_attribute, doc_text};

/// The implementation of `new` and the `with_…` methods. Empty for a struct without named fields.
pub(crate) fn of(definition: &ItemStruct) -> Result<Vec<Item>> {
    let Fields::Named(fields) = &definition.fields else { return Ok(Vec::new()) };
    let name = &definition.ident;
    let all: Vec<&Field> = fields.named.iter().collect();
    let own_fields = all.iter().copied().filter(|field| field.ident.as_ref().is_some_and(|ident| ident != "extra"));
    let (optional, required): (Vec<_>, Vec<_>) = own_fields.partition(|field| has_default(field));

    let mut methods = Vec::new();
    if !required.is_empty() {
        methods.push(constructor(&required, &all));
    }
    methods.extend(optional.iter().filter_map(|field| setter(field)));
    let mut items = Vec::new();
    if !methods.is_empty() {
        items.push(syn::parse2(quote! { impl #name { #(#methods)* } })?);
    }
    // The generator implements `Default` for types without required fields, unless they keep unknown fields.
    let keeps_unknown = all.len() > optional.len() + required.len();
    if required.is_empty() && keeps_unknown {
        let names = all.iter().map(|field| &field.ident);
        items.push(syn::parse2(quote! {
            impl ::std::default::Default for #name {
                fn default() -> Self {
                    Self { #(#names: ::std::default::Default::default()),* }
                }
            }
        })?);
    }
    Ok(items)
}

/// `new`, with the required fields as arguments.
fn constructor(required: &[&Field], all: &[&Field]) -> TokenStream {
    let arguments = required.iter().map(|field| {
        let (ident, given) = (&field.ident, Given::of(&field.ty));
        let parameter = &given.parameter;
        quote! { #ident: #parameter }
    });
    let set = required.iter().map(|field| {
        let ident = &field.ident;
        let value = Given::of(&field.ty).value(quote!(#ident));
        if quote!(#ident).to_string() == value.to_string() {
            quote! { #ident }
        } else {
            quote! { #ident: #value }
        }
    });
    let unset = all.iter().filter(|field| !required.contains(field)).map(|field| {
        let ident = &field.ident;
        quote! { #ident: ::std::default::Default::default() }
    });
    quote! {
        #[doc = " Creates the value with the required fields."]
        pub fn new(#(#arguments),*) -> Self {
            Self { #(#set,)* #(#unset,)* }
        }
    }
}

/// The setter `with_…` of a field.
fn setter(field: &Field) -> Option<TokenStream> {
    let ident = field.ident.as_ref()?;
    let description = field.attrs.iter().find_map(doc_text).unwrap_or_default();
    let doc = doc_attribute(&format!("Sets `{}`. {}", json_name(field), description.trim()));
    let name = format_ident!("with_{}", ident.to_string().trim_start_matches("r#").trim_end_matches('_'));
    let given = Given::of(&field.ty);
    let (parameter, value) = (&given.parameter, given.value(quote!(value)));
    Some(quote! {
        #doc
        #[must_use]
        pub fn #name(mut self, value: #parameter) -> Self {
            self.#ident = #value;
            self
        }
    })
}

/// Whether the field is optional.
fn has_default(field: &Field) -> bool {
    argument_of(&field.ty, "Option").is_some()
        || field
            .attrs
            .iter()
            .any(|attribute| attribute.path().is_ident("serde") && quote!(#attribute).to_string().contains("default"))
}

/// The name of the field in JSON: its `rename`, or its own name.
pub(crate) fn json_name(field: &Field) -> String {
    let spelled = quote!(#field).to_string();
    spelled
        .split_once("rename = \"")
        .and_then(|(_, rest)| rest.split_once('"'))
        .map_or_else(|| field.ident.as_ref().map(ToString::to_string).unwrap_or_default(), |(name, _)| name.to_owned())
}

/// The argument for a field, and its conversion to the value of the field.
struct Given {
    parameter: TokenStream,
    is_list: bool,
    is_converted: bool,
    is_optional: bool,
}

impl Given {
    fn of(field_type: &Type) -> Self {
        let (inner, is_optional) = match argument_of(field_type, "Option") {
            Some(inner) => (inner, true),
            None => (field_type, false),
        };
        let element = argument_of(inner, "Vec");
        let (scalar, is_list) = (element.unwrap_or(inner), element.is_some());
        // `String`, and `IntegerOrString` for numbers and strings.
        let is_converted = quote!(#scalar).to_string().ends_with("String");
        let parameter = match (is_list, is_converted) {
            (true, true) => quote! { impl IntoIterator<Item = impl Into<#scalar>> },
            (true, false) => quote! { impl IntoIterator<Item = #scalar> },
            (false, true) => quote! { impl Into<#scalar> },
            (false, false) => quote! { #scalar },
        };
        Self { parameter, is_list, is_converted, is_optional }
    }

    fn value(&self, name: TokenStream) -> TokenStream {
        let value = match (self.is_list, self.is_converted) {
            (true, true) => quote! { #name.into_iter().map(Into::into).collect() },
            (true, false) => quote! { #name.into_iter().collect() },
            (false, true) => quote! { #name.into() },
            (false, false) => name,
        };
        if self.is_optional {
            quote! { Some(#value) }
        } else {
            value
        }
    }
}

/// `T` of `wrapper<T>`.
pub(crate) fn argument_of<'t>(of: &'t Type, wrapper: &str) -> Option<&'t Type> {
    let Type::Path(path) = of else { return None };
    let segment = path.path.segments.last().filter(|segment| segment.ident == wrapper)?;
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else { return None };
    match arguments.args.first()? {
        GenericArgument::Type(inner) => Some(inner),
        _ => None,
    }
}
