//! The part of the emulator that follows from the descriptions: the description and the operations of its management API,
//! the steps of action requests, and for each of the three APIs the calls with their typed parameters.

use anyhow::{Context, Result, bail};
use heck::{ToSnakeCase, ToUpperCamelCase};
use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};
use serde_json::Value;
use syn::{Ident, Item};

use super::{
    Api,
    operations::{self, Visibility},
    source::{doc_attribute, first_line, format_source, unparse},
};
use crate::{
    generated::GeneratedFile,
    spec::{Document, Operation, steps_of, text_of},
};

const FOLDER: &str = "crates/umapi-emulator/src/generated";

/// The calls of one API, as the emulator dispatches them.
struct Calls<'a> {
    document: &'a Document,
    /// The module of the calls.
    module: &'static str,
    /// The enum of the calls.
    call_enum: &'static str,
    /// The enum of the operations.
    operation_enum: &'static str,
    /// The import of that enum, if it is not generated beside the calls.
    import: &'static str,
    /// The parameters that the emulator reads elsewhere: the organization while it authenticates, the fields of a login
    /// from the body and the query together.
    skipped: &'static [&'static str],
}

/// The generated files of the emulator's crate.
pub(crate) fn generate(apis: &[Api], management: &Document, bundle: &str) -> Result<Vec<GeneratedFile>> {
    let [user_management, login] = apis else { bail!("the emulator serves two APIs, not {}", apis.len()) };
    let calls = [
        Calls {
            document: &user_management.document,
            module: "user_management",
            call_enum: "UserManagementCall",
            operation_enum: user_management.operation_enum,
            import: "use umapi_model::Operation;",
            skipped: &["orgId"],
        },
        Calls {
            document: &login.document,
            module: "login",
            call_enum: "LoginCall",
            operation_enum: login.operation_enum,
            import: "use umapi_model::ims::LoginOperation;",
            skipped: &["grant_type", "client_id", "client_secret", "scope", "jwt_token"],
        },
        Calls {
            document: management,
            module: "management",
            call_enum: "ManagementCall",
            operation_enum: "ManagementOperation",
            import: "",
            skipped: &[],
        },
    ];
    let mut files = vec![
        GeneratedFile::new(format!("{FOLDER}/{}.json", management.name), bundle),
        root(management)?,
        action_steps(&user_management.document)?,
    ];
    for api in &calls {
        let mut items = Vec::new();
        if api.import.is_empty() {
            items.extend(operations::enum_items(api.document, api.operation_enum, Visibility::Crate)?);
        }
        items.extend(call_items(api)?);
        let spelled = unparse(&items);
        let text = format!(
            "{}\n//! The calls of {}.\n\n{}\n\nuse crate::contract::ReadCall;\n\n{spelled}",
            first_line(&format!("spec/{}.yaml", api.document.name)),
            title(api.document),
            api.import,
        );
        files.push(GeneratedFile::new(format!("{FOLDER}/{}.rs", api.module), format_source(&text)?));
    }
    Ok(files)
}

/// The enum of the steps of action requests. In the emulator's own crate, a `match` on it must cover every step.
fn action_steps(document: &Document) -> Result<GeneratedFile> {
    let schemas = document.schemas();
    let mut steps: Vec<(&str, Vec<&str>)> = Vec::new();
    for (union, root) in [("UserStep", "users"), ("UserGroupStep", "user groups")] {
        for step in steps_of(&schemas[union]) {
            match steps.iter_mut().find(|(name, _)| *name == step.name) {
                Some((_, roots)) => roots.push(root),
                None => steps.push((step.name, vec![root])),
            }
        }
    }
    let variants: Vec<Ident> = steps.iter().map(|(name, _)| format_ident!("{}", name.to_upper_camel_case())).collect();
    let docs = steps.iter().map(|(name, roots)| doc_attribute(&format!("`{name}`, on {}.", roots.join(" and "))));
    let names: Vec<&str> = steps.iter().map(|(name, _)| *name).collect();
    let count = Literal::usize_unsuffixed(steps.len());
    let file: syn::File = syn::parse2(quote! {
        #[doc = " A step of an action request."]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, ::serde::Serialize, ::serde::Deserialize)]
        #[non_exhaustive]
        pub enum ActionStep {
            #(#docs #[serde(rename = #names)] #variants,)*
        }

        impl ActionStep {
            #[doc = " Every step, in the order of the description."]
            pub const ALL: [Self; #count] = [#(Self::#variants),*];

            #[doc = " The name of the step in JSON."]
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { #(Self::#variants => #names,)* }
            }

            #[doc = " The step of this name. `None` if there is none."]
            pub(crate) fn of_name(name: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|step| step.name() == name)
            }
        }
    })?;
    let text = format!(
        "{}\n//! The steps of action requests.\n\n{}",
        first_line(&format!("spec/{}.yaml", document.name)),
        unparse(&file.items)
    );
    Ok(GeneratedFile::new(format!("{FOLDER}/action_step.rs"), format_source(&text)?))
}

fn root(management: &Document) -> Result<GeneratedFile> {
    let text = format!(
        "{}\n//! The calls of the three APIs, the steps of action requests, and the description of the management API.\n\n\
         pub(crate) mod action_step;\npub(crate) mod login;\npub(crate) mod management;\npub(crate) mod user_management;\n\n\
         /// {}, in OpenAPI 3.0.\npub(crate) const MANAGEMENT: &str = include_str!(\"generated/{}.json\");\n",
        first_line("spec"),
        title(management),
        management.name,
    );
    Ok(GeneratedFile::new(format!("{FOLDER}.rs"), format_source(&text)?))
}

/// The enum of the calls, and the table that leads from an operation to the function that reads its call.
fn call_items(api: &Calls<'_>) -> Result<Vec<Item>> {
    let calls = format_ident!("{}", api.call_enum);
    let operation_enum = format_ident!("{}", api.operation_enum);
    let (mut variants, mut rows) = (Vec::new(), Vec::new());
    let operations = api.document.operations();
    for operation in &operations {
        let id = operation.id().context("an operation without operationId")?;
        let variant = operations::variant(id);
        let doc = doc_attribute(&format!("`{} {}`", operation.method.to_uppercase(), operation.path));
        let fields = fields(api, operation)?;
        if fields.is_empty() {
            variants.push(quote! { #doc #variant });
            rows.push(quote! { (#operation_enum::#variant, |_| #calls::#variant) });
            continue;
        }
        let declared = fields.iter().map(|field| {
            let (doc, name, rust_type) = (&field.doc, &field.name, &field.rust_type);
            quote! { #doc #name: #rust_type }
        });
        variants.push(quote! { #doc #variant { #(#declared),* } });
        let read = fields.iter().map(|field| {
            let (name, value) = (&field.name, &field.value);
            quote! { #name: #value }
        });
        rows.push(quote! {
            (#operation_enum::#variant, |parameters| #calls::#variant { #(#read),* })
        });
    }
    let count = Literal::usize_unsuffixed(rows.len());
    let enum_doc = doc_attribute("A call of an operation, with its parameters.");
    let table_doc = doc_attribute("Every operation with the function that reads the parameters of its call.");
    let file: syn::File = syn::parse2(quote! {
        #enum_doc
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub(crate) enum #calls {
            #(#variants,)*
        }

        #table_doc
        pub(crate) const CALLS: [(#operation_enum, ReadCall<#calls>); #count] = [#(#rows),*];
    })
    .with_context(|| format!("cannot write the enum {calls}"))?;
    Ok(file.items)
}

/// A parameter as a field of its call.
struct Field {
    doc: syn::Attribute,
    name: Ident,
    rust_type: TokenStream,
    value: TokenStream,
}

fn fields(api: &Calls<'_>, operation: &Operation<'_>) -> Result<Vec<Field>> {
    let mut fields = Vec::new();
    for parameter in operation.parameters(api.document)? {
        let (name, place) = (text_of(parameter, "name"), text_of(parameter, "in"));
        if place == "header" || api.skipped.contains(&name) {
            continue;
        }
        let schema = api.document.resolve(&parameter["schema"])?;
        let rust_type = match schema["type"].as_str() {
            Some("integer") => quote! { u64 },
            Some("boolean") => quote! { bool },
            _ => quote! { String },
        };
        let default = match &schema["default"] {
            Value::Bool(value) => Some(quote! { #value }),
            Value::Number(value) => {
                let value = Literal::u64_unsuffixed(value.as_u64().context("a default that is not a whole number")?);
                Some(quote! { #value })
            }
            _ => None,
        };
        let (rust_type, value) = match (place, default) {
            ("path", _) => (rust_type, quote! { parameters.path(#name) }),
            (_, Some(default)) => (rust_type, quote! { parameters.query(#name).unwrap_or(#default) }),
            (_, None) => (quote! { Option<#rust_type> }, quote! { parameters.query(#name) }),
        };
        fields.push(Field {
            doc: doc_attribute(text_of(parameter, "description")),
            // `type` and other keywords of Rust get an underscore.
            name: syn::parse_str(&name.to_snake_case()).unwrap_or_else(|_| format_ident!("{}_", name.to_snake_case())),
            rust_type,
            value,
        });
    }
    Ok(fields)
}

fn title(document: &Document) -> &str {
    document.root["info"]["title"].as_str().unwrap_or_default()
}
