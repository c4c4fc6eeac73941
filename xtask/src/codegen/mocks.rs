//! Generates typed mocks for `httpmock`, one file per tag.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use heck::{ToSnakeCase, ToUpperCamelCase};
use progenitor::Generator;
use quote::{ToTokens, format_ident};
use syn::{Expr, ImplItem, Item, visit_mut::VisitMut};

use super::{
    Api, endpoints, source,
    view::{self, Responses},
};
use crate::{
    generated::GeneratedFile,
    spec::{Document, Operation},
};

pub(crate) fn generate(api: &Api) -> Result<Vec<GeneratedFile>> {
    let tokens = Generator::new(&endpoints::settings(api))
        .httpmock(&view::of(&api.document, Responses::All)?, "crate")
        .context("the generator of mocks rejects the description")?;
    let file: syn::File = syn::parse2(tokens)?;
    let operations = api.document.operations();
    let by_name: BTreeMap<String, &Operation<'_>> =
        operations.iter().filter_map(|operation| Some((operation.id()?.to_upper_camel_case(), operation))).collect();

    let mut by_tag: BTreeMap<String, Vec<Item>> = BTreeMap::new();
    let mut extension = Vec::new();
    for item in file.items {
        match item {
            Item::Mod(module) => {
                for mut item in module.content.into_iter().flat_map(|(_, items)| items) {
                    let Some(name) = subject(&item) else { continue };
                    let operation = name.trim_end_matches("When").trim_end_matches("Then");
                    let Some(described) = by_name.get(operation) else { continue };
                    let takes_form = name.ends_with("When") && takes_form(&api.document, described)?;
                    Matchers { takes_form }.visit_item_mut(&mut item);
                    document(&mut item, operation);
                    let tag = described.tag().unwrap_or_default().to_snake_case();
                    by_tag.entry(tag).or_default().push(item);
                }
            }
            other => extension.push(other),
        }
    }

    let folder = format!("mocks/{}", api.raw_module);
    let mut files = Vec::new();
    for (tag, items) in &by_tag {
        let doc = format!("//! Mocks of the operations of the tag `{}`.", tag.replace('_', "-"));
        files.push(source::raw_file(api, &format!("{folder}/{tag}"), &doc, &source::unparse(items))?);
    }
    let extension_name = format_ident!("{}MockExt", api.marker);
    for item in &mut extension {
        name_extension(item, &extension_name);
    }
    let list: String = by_tag.keys().map(|tag| format!("mod {tag};\n")).collect();
    let operations: String = by_tag.keys().map(|tag| format!("pub use super::{tag}::*;\n")).collect();
    let text = format!(
        "{list}\n/// The `When` and `Then` types of each operation.\npub mod operations {{\n{operations}}}\n\n{}",
        source::unparse(&extension)
    );
    let doc = "//! A mock of each operation, with the types of its arguments and responses.";
    files.push(source::raw_file(api, &folder, doc, &text)?);
    Ok(files)
}

/// Whether the body of the operation is sent as a form.
fn takes_form(document: &Document, operation: &Operation<'_>) -> Result<bool> {
    let Some(body) = operation.value.get("requestBody") else { return Ok(false) };
    Ok(document.resolve(body)?["content"].get("application/x-www-form-urlencoded").is_some())
}

fn subject(item: &Item) -> Option<String> {
    match item {
        Item::Struct(definition) => Some(definition.ident.to_string()),
        Item::Impl(implementation) => Some(implementation.self_ty.to_token_stream().to_string()),
        _ => None,
    }
}

/// Adds doc comments, which the generator of mocks does not write.
fn document(item: &mut Item, operation: &str) {
    let subject_name = subject(item).unwrap_or_default();
    match item {
        Item::Struct(definition) => {
            let part =
                if definition.ident.to_string().ends_with("When") { "The expected request" } else { "The response" };
            let doc = source::doc_attribute(&format!("{part} of a mock of `{operation}`."));
            definition.attrs.push(doc);
        }
        Item::Impl(implementation) => {
            let verb = if subject_name.ends_with("When") { "Matches" } else { "Responds with" };
            for member in &mut implementation.items {
                let ImplItem::Fn(method) = member else { continue };
                let name = method.sig.ident.to_string();
                let text = match name.as_str() {
                    "new" => "Wraps the untyped form.".to_owned(),
                    "into_inner" => {
                        "The untyped form, for requests and responses that do not match the description.".to_owned()
                    }
                    _ => format!("{verb} `{name}`."),
                };
                method.attrs.push(source::doc_attribute(&text));
            }
        }
        _ => {}
    }
}

fn name_extension(item: &mut Item, name: &syn::Ident) {
    match item {
        Item::Trait(definition) => {
            definition.ident = name.clone();
            for member in &mut definition.items {
                if let syn::TraitItem::Fn(method) = member {
                    method.attrs.push(source::doc_attribute(&format!("Mocks `{}`.", method.sig.ident)));
                }
            }
        }
        Item::Impl(implementation) => {
            if let Some((path, _)) = &mut implementation.trait_ {
                *path = syn::parse_quote!(#name);
            }
        }
        _ => {}
    }
}

/// Adapts matchers to real requests: path segments are encoded and then matched literally, forms are decoded.
struct Matchers {
    takes_form: bool,
}

impl VisitMut for Matchers {
    fn visit_macro_mut(&mut self, invocation: &mut syn::Macro) {
        let parser = syn::punctuated::Punctuated::<Expr, syn::Token![,]>::parse_terminated;
        let Ok(mut arguments) = invocation.parse_body_with(parser) else { return };
        for argument in arguments.iter_mut().skip(1) {
            *argument = syn::parse_quote!(crate::path::pattern(&#argument));
        }
        invocation.tokens = arguments.into_token_stream();
    }

    fn visit_expr_mut(&mut self, expression: &mut Expr) {
        syn::visit_mut::visit_expr_mut(self, expression);
        let Expr::MethodCall(call) = expression else { return };
        // `Regex::new(…).unwrap()`: the patterns consist of literals and escaped text.
        if call.method == "unwrap"
            && let Expr::Call(made) = &*call.receiver
            && made.func.to_token_stream().to_string().contains("Regex")
        {
            let pattern = match made.args.first() {
                Some(Expr::Reference(reference)) => &reference.expr,
                Some(other) => other,
                None => return,
            };
            *expression = syn::parse_quote!(crate::path::regex(&#pattern));
        } else if self.takes_form && call.method == "json_body_obj" {
            let (when, value) = (&call.receiver, &call.args);
            *expression = syn::parse_quote!(crate::mock::form_body(#when, #value));
        }
    }
}
