//! Converts syntax trees to the text of files: docs, imports, formatting, module lists.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};
use syn::{Attribute, Expr, ExprLit, Ident, Item, Lit, Meta, visit::Visit};

use super::Api;
use crate::generated::GeneratedFile;

const MODEL: &str = "crates/umapi-model/src/generated";
const RAW: &str = "crates/umapi-raw/src/generated";

/// The handwritten types of the model crate that generated code uses.
const HAND_WRITTEN: [&str; 7] =
    ["CodeEntry", "CountedCalls", "Evidence", "IntegerOrString", "Secret", "Throttle", "ThrottleBlock"];

/// The modules of the model crate that are not those of schemas.
pub(crate) const OWN_MODULES: [&str; 4] = ["catalog", "codes", "limits", "operation"];

/// The names of types that a schema cannot have: they are written by hand, generated from other parts of the description, or
/// known to every Rust file.
pub(crate) const RESERVED_TYPES: [&str; 33] = [
    "AnyOperation",
    "Bound",
    "Box",
    "CodeEntry",
    "CountedCalls",
    "Default",
    "Err",
    "ErrorCode",
    "Evidence",
    "From",
    "IntegerOrString",
    "Into",
    "LoginErrorCode",
    "LoginOperation",
    "NameKind",
    "None",
    "Ok",
    "Operation",
    "Option",
    "OutOfBounds",
    "Result",
    "Secret",
    "Self",
    "Some",
    "StepPosition",
    "String",
    "Throttle",
    "ThrottleBlock",
    "ThrottleClass",
    "ToString",
    "TryFrom",
    "UnknownName",
    "Vec",
];

/// A doc comment. Brackets are escaped, because rustdoc reads them as links.
pub(crate) fn doc_attribute(text: &str) -> Attribute {
    let text = format!(" {}", text.trim().replace('[', "\\[").replace(']', "\\]"));
    syn::parse_quote!(#[doc = #text])
}

/// The text of a doc comment.
pub(crate) fn doc_text(attribute: &Attribute) -> Option<String> {
    let Meta::NameValue(pair) = &attribute.meta else { return None };
    if !pair.path.is_ident("doc") {
        return None;
    }
    match &pair.value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
        _ => None,
    }
}

/// The files of one API in the model crate, with the imports that each needs.
pub(crate) fn model_files(api: &Api, modules: BTreeMap<String, Vec<Item>>) -> Result<Vec<GeneratedFile>> {
    let folder = api.model_module.map_or(MODEL.to_owned(), |module| format!("{MODEL}/{module}"));
    let defined: BTreeMap<&String, BTreeSet<String>> =
        modules.iter().map(|(module, items)| (module, items.iter().filter_map(defined_name).collect())).collect();
    let mut files = Vec::new();
    for (module, items) in &modules {
        let used = used_names(items);
        let elsewhere = defined
            .iter()
            .filter(|(other, _)| *other != &module)
            .flat_map(|(other, names)| names.intersection(&used).map(move |name| own_path(api, other, name)));
        let by_hand = HAND_WRITTEN.iter().filter(|name| used.contains(**name)).map(|name| format!("crate::{name}"));
        let imports: BTreeSet<String> = elsewhere.chain(by_hand).collect();
        let mut text = String::new();
        for import in imports {
            text += &format!("use {import};\n");
        }
        text += "\n";
        text += &unparse(items);
        files.push(file(api, format!("{folder}/{module}.rs"), &module_doc(api, module), &text)?);
    }
    if let Some(module) = api.model_module {
        let list = module_list(modules.keys());
        let title = format!("//! Types of {}.", api.document.root["info"]["title"].as_str().unwrap_or(module));
        files.push(file(api, format!("{MODEL}/{module}.rs"), &title, &list)?);
    }
    Ok(files)
}

fn own_path(api: &Api, module: &str, name: &str) -> String {
    let prefix = api.model_module.map_or(String::new(), |own| format!("{own}::"));
    if module == "limits" { format!("crate::{prefix}{module}::{name}") } else { format!("crate::{prefix}{name}") }
}

/// The doc comment of a file of the model crate.
fn module_doc(api: &Api, module: &str) -> String {
    match module {
        "catalog" => "//! The catalog of the codes.".to_owned(),
        "codes" => "//! The codes of errors and warnings.".to_owned(),
        "limits" => "//! Limits of requests and of their fields.".to_owned(),
        "operation" => "//! The operations, with method, path and limits of each.".to_owned(),
        _ => format!(
            "//! Data of {}: {}.",
            api.document.root["info"]["title"].as_str().unwrap_or_default(),
            module.replace('_', " ")
        ),
    }
}

/// The root module of the generated code of the model crate.
pub(crate) fn model_root(apis: &[Api]) -> Result<GeneratedFile> {
    let mut modules = BTreeSet::new();
    for api in apis.iter().filter(|api| api.model_module.is_none()) {
        for schema in api.document.schemas().values() {
            modules.extend(schema["x-umapi-module"].as_str().map(str::to_owned));
        }
        modules.extend(OWN_MODULES.map(str::to_owned));
    }
    let mut text = module_list(modules.iter());
    for module in apis.iter().filter_map(|api| api.model_module) {
        text += &format!("pub mod {module};\n");
    }
    text += "\n/// The descriptions as self-contained JSON.\npub mod description {\n";
    for api in apis {
        let title = api.document.root["info"]["title"].as_str().unwrap_or_default();
        let name = &api.document.name;
        text += &format!(
            "/// {title}, in OpenAPI 3.0.\npub const {}: &str = include_str!(\"generated/{name}.json\");\n",
            name.to_uppercase()
        );
    }
    text += "}\n";
    let marker = "//! The code that `cargo xtask codegen` generates for this crate.";
    let text = format_source(&format!("{}\n{marker}\n\n{text}", first_line("spec")))?;
    Ok(GeneratedFile::new("crates/umapi-model/src/generated.rs", text))
}

/// `mod a; pub use a::*;` for each; `limits` stays a module of its own.
fn module_list<'a>(modules: impl Iterator<Item = &'a String> + Clone) -> String {
    let mut text = String::new();
    for module in modules.clone() {
        let is_public = module == "limits";
        text += &format!("{}mod {module};\n", if is_public { "pub " } else { "" });
    }
    text += "\n";
    let own_modules = ["catalog", "limits"];
    for module in modules.filter(|module| !own_modules.contains(&module.as_str())) {
        text += &format!("pub use {module}::*;\n");
    }
    text
}

/// The root module of the generated code of the raw crate.
pub(crate) fn raw_root(apis: &[Api]) -> Result<GeneratedFile> {
    let mut text =
        format!("{}\n//! The code that `cargo xtask codegen` generates for this crate.\n\n", first_line("spec"));
    for api in apis {
        text += &format!("mod {};\n", api.raw_module);
    }
    text += "\n#[cfg(feature = \"mock\")]\npub(crate) mod mocks;\n";
    Ok(GeneratedFile::new("crates/umapi-raw/src/generated.rs", format_source(&text)?))
}

/// The root module of the mocks.
pub(crate) fn mocks_root(apis: &[Api]) -> Result<GeneratedFile> {
    let list: String = apis.iter().map(|api| format!("pub(crate) mod {};\n", api.raw_module)).collect();
    let text = format!("{}\n//! Typed mocks, by API.\n\n{list}", first_line("spec"));
    Ok(GeneratedFile::new(format!("{RAW}/mocks.rs"), format_source(&text)?))
}

/// The endpoints of one tag.
pub(crate) fn raw_file(api: &Api, module: &str, doc: &str, text: &str) -> Result<GeneratedFile> {
    file(api, format!("{RAW}/{module}.rs"), doc, text)
}

fn file(api: &Api, path: String, doc: &str, text: &str) -> Result<GeneratedFile> {
    let source = format!("spec/{}.yaml", api.document.name);
    let text = format_source(&format!("{}\n{doc}\n\n{text}", first_line(&source)))?;
    Ok(GeneratedFile::new(path, text))
}

/// The first line of a generated file, which marks it.
pub(crate) fn first_line(source: &str) -> String {
    format!("// @generated by `cargo xtask codegen` from {source}. Do not edit.")
}

/// The items as text, separated by empty lines.
pub(crate) fn unparse(items: &[Item]) -> String {
    let texts = items.iter().map(|item| {
        let file: syn::File =
            syn::File { shebang: None, frontmatter: None, attrs: Vec::new(), items: vec![item.clone()] };
        prettyplease::unparse(&file)
    });
    texts.collect::<Vec<_>>().join("\n")
}

/// Adds an empty line after each closing brace that is followed by another member.
fn space_members(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let mut spaced = String::new();
    for (index, line) in lines.iter().enumerate() {
        spaced += line;
        spaced.push('\n');
        let next = lines.get(index + 1).map_or("", |next| next.trim_start());
        if line.trim() == "}" && (next.starts_with("///") || next.starts_with("pub ") || next.starts_with("#[")) {
            spaced.push('\n');
        }
    }
    spaced
}

/// Formats the text with the rustfmt settings of the workspace.
pub(crate) fn format_source(text: &str) -> Result<String> {
    let mut rustfmt = Command::new("rustfmt")
        .args(["--edition", "2024", "--config-path"])
        .arg(crate::workspace::top())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start rustfmt: install it with `rustup component add rustfmt`")?;
    let mut stdin = rustfmt.stdin.take().context("rustfmt has no stdin")?;
    let given = text.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(given.as_bytes()));
    let output = rustfmt.wait_with_output()?;
    let written = writer.join().map_err(|_| anyhow::anyhow!("the thread that writes to rustfmt panicked"))?;
    if !output.status.success() {
        bail!("rustfmt rejects generated code: {}", String::from_utf8_lossy(&output.stderr));
    }
    written?;
    Ok(space_members(&String::from_utf8(output.stdout)?))
}

fn defined_name(item: &Item) -> Option<String> {
    match item {
        Item::Struct(definition) => Some(definition.ident.to_string()),
        Item::Enum(definition) => Some(definition.ident.to_string()),
        _ => None,
    }
}

/// All names that the items use.
fn used_names(items: &[Item]) -> BTreeSet<String> {
    struct Names(BTreeSet<String>);
    impl<'ast> Visit<'ast> for Names {
        fn visit_path(&mut self, path: &'ast syn::Path) {
            if path.leading_colon.is_none()
                && let Some(first) = path.segments.first()
            {
                self.0.insert(first.ident.to_string());
            }
            syn::visit::visit_path(self, path);
        }
        fn visit_ident(&mut self, _: &'ast Ident) {}
    }
    let mut names = Names(BTreeSet::new());
    items.iter().for_each(|item| names.visit_item(item));
    names.0
}
