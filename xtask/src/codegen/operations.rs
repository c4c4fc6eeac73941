//! The operations of each API, as an enum that knows id, method, path and limits of every operation.

use anyhow::{Context, Result};
use heck::ToUpperCamelCase;
use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};
use syn::{Ident, Item};

use super::{Api, source::doc_attribute};
use crate::spec::{Document, Operation, text_of};

/// Where an enum of operations is used, which decides what it can do.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Visibility {
    /// Part of the public API of the model crate.
    Public,
    /// An implementation detail of the emulator.
    Crate,
}

/// The enum of an API of the model crate.
pub(crate) fn items(api: &Api) -> Result<Vec<Item>> {
    enum_items(&api.document, api.operation_enum, Visibility::Public)
}

/// An enum with one variant for each operation of the description.
pub(crate) fn enum_items(document: &Document, name: &str, visibility: Visibility) -> Result<Vec<Item>> {
    let operations = document.operations();
    let ident = format_ident!("{name}");
    let is_public = visibility == Visibility::Public;
    let (marker, vis) =
        if is_public { (quote! { #[non_exhaustive] }, quote! { pub }) } else { (quote! {}, quote! { pub(crate) }) };
    let title = document.root["info"]["title"].as_str().unwrap_or_default();
    let enum_doc = doc_attribute(&format!("An operation of {title}, named by its `operationId`."));

    let mut variants = Vec::new();
    let mut docs = Vec::new();
    let (mut ids, mut methods, mut paths) = (Vec::new(), Vec::new(), Vec::new());
    let mut deprecated = Vec::new();
    let mut throttles = Vec::new();
    for operation in &operations {
        let id = operation.id().context("an operation without operationId")?;
        variants.push(variant(id));
        docs.push(doc_attribute(&format!("`{id}`: {}.", operation.summary().unwrap_or(id))));
        ids.push(id.to_owned());
        methods.push(operation.method.to_uppercase());
        paths.push(operation.path);
        deprecated.push(operation.is_deprecated());
        throttles.push(throttle(operation, id)?);
    }
    let count = Literal::usize_unsuffixed(variants.len());
    let all = is_public.then(|| {
        quote! {
            #[doc = " Every operation, in the order of the description."]
            pub const ALL: [Self; #count] = [#(Self::#variants),*];
        }
    });
    let with_limits = is_public.then(|| {
        quote! {
            #[doc = " Whether the service advises against the operation."]
            pub const fn is_deprecated(self) -> bool {
                match self { #(Self::#variants => #deprecated,)* }
            }

            #[doc = " The documented limit of calls. `None` if no limit is documented."]
            pub const fn throttle(self) -> ::std::option::Option<Throttle> {
                match self { #(Self::#variants => #throttles,)* }
            }
        }
    });
    let traits = is_public.then(|| quote! { crate::operation::implement_operation!(#ident); });
    let file: syn::File = syn::parse2(quote! {
        #enum_doc
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #marker
        #vis enum #ident {
            #(#docs #variants,)*
        }

        impl #ident {
            #all

            #[doc = " The `operationId`."]
            #vis const fn id(self) -> &'static str {
                match self { #(Self::#variants => #ids,)* }
            }

            #[doc = " The HTTP method, in capitals."]
            #vis const fn method(self) -> &'static str {
                match self { #(Self::#variants => #methods,)* }
            }

            #[doc = " The path below the server's address, with parameters in braces."]
            #vis const fn path(self) -> &'static str {
                match self { #(Self::#variants => #paths,)* }
            }

            #with_limits
        }

        #traits
    })
    .with_context(|| format!("cannot write the enum {name}"))?;
    Ok(file.items)
}

/// The variant of an operation.
pub(crate) fn variant(operation_id: &str) -> Ident {
    format_ident!("{}", operation_id.to_upper_camel_case())
}

fn throttle(operation: &Operation<'_>, id: &str) -> Result<TokenStream> {
    let Some(throttle) = operation.value.get("x-umapi-throttle") else { return Ok(quote! { None }) };
    let class = format_ident!("{}", text_of(throttle, "class").to_upper_camel_case());
    let number = |key: &str| -> Result<Literal> {
        let number = throttle[key].as_u64().with_context(|| format!("{id}: `{key}` is not a number"))?;
        Ok(Literal::u64_unsuffixed(number))
    };
    let (client, application) = (number("client")?, number("application")?);
    Ok(quote! {
        Some(Throttle { class: ThrottleClass::#class, client_per_minute: #client, application_per_minute: #application })
    })
}

/// The enum of the classes of operations that share a limit.
pub(crate) fn throttle_classes(document: &Document) -> Result<Vec<Item>> {
    let Some(classes) = document.root["x-umapi-throttle-classes"].as_object() else { return Ok(Vec::new()) };
    let names: Vec<&String> = classes.keys().collect();
    let variants: Vec<Ident> = names.iter().map(|name| format_ident!("{}", name.to_upper_camel_case())).collect();
    let docs = names.iter().map(|name| doc_attribute(&format!("The class `{name}`.")));
    let count = Literal::usize_unsuffixed(names.len());
    let file: syn::File = syn::parse2(quote! {
        #[doc = " A class of operations that share one limit of calls per minute."]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum ThrottleClass {
            #(#docs #variants,)*
        }

        impl ThrottleClass {
            #[doc = " Every class."]
            pub const ALL: [Self; #count] = [#(Self::#variants),*];

            #[doc = " The name of the class in the description."]
            pub const fn as_str(self) -> &'static str {
                match self {
                    #(Self::#variants => #names,)*
                }
            }
        }

        crate::operation::implement_named!(ThrottleClass, as_str, "class of operations");
    })?;
    Ok(file.items)
}
