//! The operations of each API, as an enum that knows id, method, path and limits of every operation.

use anyhow::{Context, Result, bail};
use heck::{ToShoutySnakeCase, ToUpperCamelCase};
use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};
use serde_json::Value;
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
        throttles.push(throttles_of(operation));
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

            #[doc = " The rate limits of the operation, that of every call first. Empty if none is known."]
            pub const fn throttles(self) -> &'static [Throttle] {
                match self { #(Self::#variants => &[#(#throttles),*],)* }
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

/// The constants of the limits of an operation.
fn throttles_of(operation: &Operation<'_>) -> Vec<Ident> {
    let throttles = operation.value.get("x-umapi-throttle").and_then(Value::as_array).into_iter().flatten();
    throttles.map(|throttle| constant(text_of(throttle, "name"))).collect()
}

fn constant(name: &str) -> Ident {
    format_ident!("{}", name.to_shouty_snake_case())
}

/// The limits of the description, and the enum of the classes of operations that share one.
pub(crate) fn throttles(document: &Document) -> Result<Vec<Item>> {
    let Some(throttles) = document.root["x-umapi-throttles"].as_object() else { return Ok(Vec::new()) };
    let values: Vec<TokenStream> =
        throttles.iter().map(|(name, value)| throttle(name, value)).collect::<Result<_>>()?;
    let constants: Vec<Ident> = throttles.keys().map(|name| constant(name)).collect();
    let mut names: Vec<&str> = Vec::new();
    for class in throttles.values().map(|throttle| text_of(throttle, "class")) {
        if !names.contains(&class) {
            names.push(class);
        }
    }
    let variants: Vec<Ident> = names.iter().map(|name| format_ident!("{}", name.to_upper_camel_case())).collect();
    let docs = names.iter().map(|name| doc_attribute(&format!("The class `{name}`.")));
    let (count, limits) = (Literal::usize_unsuffixed(names.len()), Literal::usize_unsuffixed(values.len()));
    let file: syn::File = syn::parse2(quote! {
        #[doc = " A class of operations that share a limit of all their calls."]
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

        impl Throttle {
            #[doc = " Every rate limit of the service."]
            pub const ALL: [Self; #limits] = [#(#constants),*];
        }

        #(const #constants: Throttle = #values;)*
    })?;
    Ok(file.items)
}

fn throttle(name: &str, value: &Value) -> Result<TokenStream> {
    let number = |value: &Value, key: &str| -> Result<Literal> {
        let number = value[key].as_u64().with_context(|| format!("limit {name}: `{key}` is not a number"))?;
        Ok(Literal::u64_unsuffixed(number))
    };
    let time = |value: &Value, key: &str| -> Result<TokenStream> {
        let seconds = number(value, key)?;
        Ok(quote! { ::std::time::Duration::from_secs(#seconds) })
    };
    let class = format_ident!("{}", text_of(value, "class").to_upper_camel_case());
    let counts = match text_of(value, "counts") {
        "calls" => quote! { CountedCalls::Every },
        "first-page" => quote! { CountedCalls::FirstPage },
        other => bail!("limit {name}: `counts` is `{other}`, not `calls` or `first-page`"),
    };
    let source = match text_of(value, "source") {
        "documentation" => quote! { Evidence::Documentation },
        "reports" => quote! { Evidence::Reports },
        other => bail!("limit {name}: `source` is `{other}`, not `documentation` or `reports`"),
    };
    let (period, client) = (time(value, "seconds")?, number(value, "client")?);
    let application = match value.get("application") {
        None => quote! { None },
        Some(_) => {
            let application = number(value, "application")?;
            quote! { Some(#application) }
        }
    };
    let block = match value.get("block") {
        None => quote! { None },
        Some(block) => {
            let (duration, shortest) = (time(block, "seconds")?, time(block, "shortest")?);
            let (longest, within) = (time(block, "longest")?, time(block, "retryWithin")?);
            let hint = text_of(block, "retryHint");
            quote! {
                Some(ThrottleBlock {
                    duration: #duration,
                    shortest: #shortest,
                    longest: #longest,
                    retry_hint: #hint,
                    retry_within: #within,
                })
            }
        }
    };
    Ok(quote! {
        Throttle {
            name: #name,
            class: ThrottleClass::#class,
            counts: #counts,
            period: #period,
            client: #client,
            application: #application,
            block: #block,
            source: #source,
        }
    })
}
