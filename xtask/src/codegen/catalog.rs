//! Generates the catalog of codes: an open enum, with the meaning and the remedy of each code.

use anyhow::{Context, Result, bail};
use heck::ToUpperCamelCase;
use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};
use serde_json::Value;
use syn::Item;

use super::{
    Api,
    open_enum::{Variant, enum_items},
};
use crate::spec::text_of;

/// The enum of the codes, and its catalog.
pub(crate) fn items(api: &Api) -> Result<(Vec<Item>, Vec<Item>)> {
    let entries = api.document.root["x-umapi-error-codes"].as_array().context("there is no x-umapi-error-codes")?;
    let variants: Vec<Variant> = entries.iter().map(variant).collect();
    for (index, variant) in variants.iter().enumerate() {
        if let Some(twin) = variants[..index].iter().find(|other| other.name == variant.name) {
            bail!("the codes `{}` and `{}` get the same Rust name, {}", twin.value, variant.value, variant.name);
        }
    }
    let schema = &api.document.root["components"]["schemas"][api.code_enum];
    let codes = enum_items(api.code_enum, text_of(schema, "description"), &variants)?;

    let ident = format_ident!("{}", api.code_enum);
    let names: Vec<_> = variants.iter().map(|variant| format_ident!("{}", variant.name)).collect();
    let indices = (0..variants.len()).map(Literal::usize_unsuffixed);
    let count = Literal::usize_unsuffixed(variants.len());
    let rows = entries.iter().map(row);
    let file: syn::File = syn::parse2(quote! {
        impl #ident {
            #[doc = " The catalog: every code that the description lists."]
            pub const CATALOG: &[CodeEntry; #count] = &[#(#rows),*];

            #[doc = " The code in JSON."]
            pub fn code(&self) -> &str {
                self.as_str()
            }

            #[doc = " The entry of the catalog. `None` for a code that is not listed."]
            pub fn entry(&self) -> ::std::option::Option<&'static CodeEntry> {
                match self {
                    #(Self::#names => Some(&Self::CATALOG[#indices]),)*
                    Self::Other(_) => None,
                }
            }

            #[doc = " What the code means, in a sentence."]
            pub fn meaning(&self) -> ::std::option::Option<&'static str> {
                self.entry().map(|entry| entry.meaning)
            }

            #[doc = " How to resolve it."]
            pub fn remedy(&self) -> ::std::option::Option<&'static str> {
                self.entry().map(|entry| entry.remedy)
            }
        }
    })?;
    Ok((codes, file.items))
}

/// The entry of a code.
fn row(entry: &Value) -> TokenStream {
    let text = |key: &str| text_of(entry, key).to_owned();
    let list = |key: &str| -> Vec<String> {
        entry[key].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let (code, area, meaning, remedy) = (text("code"), text("area"), text("meaning"), text("remedy"));
    let is_warning = text("severity") == "warning";
    let (raised_by, messages) = (list("raised-by"), list("messages"));
    quote! {
        CodeEntry {
            code: #code,
            area: #area,
            is_warning: #is_warning,
            raised_by: &[#(#raised_by),*],
            meaning: #meaning,
            remedy: #remedy,
            messages: &[#(#messages),*],
        }
    }
}

fn variant(entry: &Value) -> Variant {
    let code = text_of(entry, "code");
    let doc = format!("`{code}`: {}", text_of(entry, "meaning"));
    Variant { name: rust_name(code), value: code.to_owned(), aliases: Vec::new(), doc }
}

/// `error.user.not_found` becomes `UserNotFound`; codes in capitals or digits get a prefix with their origin.
pub(crate) fn rust_name(code: &str) -> String {
    if code.chars().all(|c| c.is_ascii_digit()) {
        return format!("Gateway{code}");
    }
    if code.chars().all(|c| c.is_ascii_uppercase() || c == '_') {
        return format!("Legacy{}", code.to_upper_camel_case());
    }
    code.strip_prefix("error.").unwrap_or(code).to_upper_camel_case()
}

#[cfg(test)]
mod tests {
    use super::rust_name;

    #[test]
    fn codes_of_different_forms_get_different_names() {
        assert_eq!(rust_name("error.group.not_found"), "GroupNotFound");
        assert_eq!(rust_name("GROUP_NOT_FOUND"), "LegacyGroupNotFound");
        assert_eq!(rust_name("plc.not_found"), "PlcNotFound");
        assert_eq!(rust_name("429050"), "Gateway429050");
        assert_eq!(rust_name("warning.command.deprecated"), "WarningCommandDeprecated");
    }
}
