//! Generates the methods of the raw crate, one file per tag.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use heck::ToSnakeCase;
use progenitor::{GenerationSettings, Generator, InterfaceStyle};
use quote::{ToTokens, format_ident, quote};
use syn::{Expr, ImplItem, Item, Stmt, visit_mut::VisitMut};

use super::{
    Api, operations, source,
    view::{self, Responses},
};
use crate::{
    generated::GeneratedFile,
    spec::{Document, Operation, text_of},
};

/// The files of one API in the raw crate: one per tag, and their parent module.
pub(crate) fn generate(api: &Api) -> Result<Vec<GeneratedFile>> {
    let file: syn::File = syn::parse2(
        Generator::new(&settings(api))
            .generate_tokens(&view::of(&api.document, Responses::Successes)?)
            .context("the generator rejects the operations")?,
    )?;
    reject_own_types(&file)?;
    let by_id: BTreeMap<String, Operation<'_>> = api
        .document
        .operations()
        .into_iter()
        .filter_map(|operation| Some((operation.id()?.to_snake_case(), operation)))
        .collect();

    let mut by_tag: BTreeMap<String, Vec<ImplItem>> = BTreeMap::new();
    for item in client_methods(file) {
        let ImplItem::Fn(mut method) = item else { continue };
        let name = method.sig.ident.to_string();
        let Some(operation) = by_id.get(&name) else { continue };
        let operation_id = operation.id().unwrap_or_default();
        Endpoint { operation_enum: api.operation_enum, operation_id }.visit_impl_item_fn_mut(&mut method);
        method.attrs = documentation(&api.document, operation)?;
        if operation.is_deprecated() {
            let note = text_of(&serde_json::Value::Object(operation.value.clone()), "description").to_owned();
            method.attrs.push(syn::parse_quote!(#[deprecated(note = #note)]));
        }
        by_tag.entry(operation.tag().unwrap_or_default().to_snake_case()).or_default().push(ImplItem::Fn(method));
    }

    let mut files = Vec::new();
    for (tag, methods) in &by_tag {
        files.push(endpoint_file(api, tag, methods)?);
    }
    let list = by_tag.keys().map(|tag| format!("mod {tag};\n")).collect::<String>();
    let doc = format!("//! Methods of {}, by tag.", title(&api.document));
    files.push(source::raw_file(api, api.raw_module, &doc, &list)?);
    Ok(files)
}

fn endpoint_file(api: &Api, tag: &str, methods: &[ImplItem]) -> Result<GeneratedFile> {
    let marker = format_ident!("{}", api.marker);
    let body: Item = syn::parse2(quote! { impl Client<crate::#marker> { #(#methods)* } })?;
    let spelled = body.to_token_stream().to_string();
    let uses = |name: &str, import: &'static str| if spelled.contains(name) { import } else { "" };
    let text = format!(
        "use progenitor_client::{{Error, {}ResponseValue}};\nuse {};\n\nuse crate::{{client::Client{}}};\n\n{}",
        uses("form_urlencoded", "RequestBuilderExt, "),
        api.model_path(api.operation_enum).trim_start_matches("::"),
        uses("path :: segment", ", path"),
        source::unparse(&[body])
    );
    let doc = format!("//! Operations of the tag `{}`.", tag.replace('_', "-"));
    source::raw_file(api, &format!("{}/{tag}", api.raw_module), &doc, &text)
}

/// The settings of both generators that use the types of the model crate.
pub(crate) fn settings(api: &Api) -> GenerationSettings {
    let mut settings = GenerationSettings::new();
    settings.with_interface(InterfaceStyle::Positional);
    for (name, schema) in api.document.schemas() {
        if !view::is_named_type(&schema) {
            continue;
        }
        let hand_written = schema["x-umapi-type"].as_str().filter(|name| !name.ends_with("Code"));
        let path = match hand_written {
            Some(type_name) => format!("::umapi_model::{type_name}"),
            None => api.model_path(schema["x-umapi-type"].as_str().unwrap_or(&name)),
        };
        settings.with_replacement(&name, path, std::iter::once(progenitor::TypeImpl::Display));
    }
    settings
}

/// Rejects types that the generator creates here: their schemas have no names, so that they are not in the model crate.
fn reject_own_types(file: &syn::File) -> Result<()> {
    for item in &file.items {
        let Item::Mod(module) = item else { continue };
        if module.ident != "types" {
            continue;
        }
        for inner in module.content.iter().flat_map(|(_, items)| items) {
            if let Item::Struct(definition) = inner {
                bail!("`{}` has no name in the description: make its schema a component", definition.ident)
            }
            if let Item::Enum(definition) = inner {
                bail!("`{}` has no name in the description: make its schema a component", definition.ident)
            }
        }
    }
    Ok(())
}

fn client_methods(file: syn::File) -> Vec<ImplItem> {
    file.items
        .into_iter()
        .filter_map(|item| match item {
            Item::Impl(implementation) if implementation.trait_.is_none() => Some(implementation.items),
            _ => None,
        })
        .flatten()
        .collect()
}

/// Summary, description, path and arguments.
fn documentation(document: &Document, operation: &Operation<'_>) -> Result<Vec<syn::Attribute>> {
    let text = |key: &str| operation.value.get(key).and_then(|value| value.as_str()).unwrap_or_default();
    let mut lines = vec![
        format!("{}.", text("summary")),
        String::new(),
        text("description").to_owned(),
        String::new(),
        format!("`{} {}`", operation.method.to_uppercase(), operation.path),
        String::new(),
        "# Arguments".to_owned(),
        String::new(),
    ];
    for parameter in operation.parameters(document)? {
        if parameter["x-umapi-rust"] != "skip" {
            let name = text_of(parameter, "name").to_snake_case();
            lines.push(format!("* `{name}`: {}", text_of(parameter, "description")));
        }
    }
    if let Some(body) = operation.value.get("requestBody") {
        lines.push(format!("* `body`: {}", text_of(document.resolve(body)?, "description")));
    }
    lines.extend([
        String::new(),
        "# Errors".to_owned(),
        String::new(),
        "A response other than a success gives `UnexpectedResponse` with its unread body. Other errors mean that the request was \
         not sent or the response not read."
            .to_owned(),
    ]);
    Ok(lines.iter().map(|line| source::doc_attribute(line)).collect())
}

fn title(document: &Document) -> &str {
    document.root["info"]["title"].as_str().unwrap_or_default()
}

/// Rewrites the body of a method: removes the `api-version` header, checks path segments, and passes the operation to hooks.
struct Endpoint<'a> {
    operation_enum: &'a str,
    operation_id: &'a str,
}

impl VisitMut for Endpoint<'_> {
    fn visit_block_mut(&mut self, block: &mut syn::Block) {
        block.stmts.retain(|statement| {
            !matches!(statement, Stmt::Expr(..)) || !statement.to_token_stream().to_string().contains("api-version")
        });
        syn::visit_mut::visit_block_mut(self, block);
    }

    fn visit_expr_mut(&mut self, expression: &mut Expr) {
        syn::visit_mut::visit_expr_mut(self, expression);
        match expression {
            // `encode_path(&name.to_string())` is inside the tokens of `format!`: see `visit_macro_mut`.
            Expr::Struct(literal) if literal.path.is_ident("OperationInfo") => {
                let operations = format_ident!("{}", self.operation_enum);
                let variant = operations::variant(self.operation_id);
                *expression = syn::parse_quote!(#operations::#variant.into());
            }
            // `&info`, though `info` is passed by value.
            Expr::Reference(reference) if reference.expr.to_token_stream().to_string() == "info" => {
                *expression = syn::parse_quote!(info);
            }
            _ => {}
        }
    }

    fn visit_macro_mut(&mut self, invocation: &mut syn::Macro) {
        if !invocation.path.is_ident("format") {
            return;
        }
        let parser = syn::punctuated::Punctuated::<Expr, syn::Token![,]>::parse_terminated;
        let Ok(mut arguments) = invocation.parse_body_with(parser) else { return };
        for argument in &mut arguments {
            if let Expr::Call(call) = argument
                && call.func.to_token_stream().to_string() == "encode_path"
                && let Some(Expr::Reference(given)) = call.args.first()
                && let Expr::MethodCall(to_string) = &*given.expr
            {
                let name = to_string.receiver.to_token_stream().to_string();
                *argument = syn::parse_quote!(path::segment(#name, #given)?);
            }
        }
        invocation.tokens = arguments.into_token_stream();
    }
}
