//! Generates the checks of the bounds that the description states for the fields of requests.

use anyhow::{Context, Result, bail};
use proc_macro2::{Literal, TokenStream};
use quote::quote;
use regex_syntax::hir::{Class, Hir, HirKind, Look};
use serde_json::Value;
use syn::{Field, Fields, Item, ItemEnum, ItemStruct, Type};

use super::{
    builders::{self, argument_of},
    source::doc_attribute,
};
use crate::spec::{Document, text_of};

/// Keywords of JSON Schema that would need a check, and have none.
pub(crate) const UNCHECKED: [&str; 6] =
    ["multipleOf", "exclusiveMinimum", "exclusiveMaximum", "uniqueItems", "maxProperties", "not"];

/// `check_bounds` of a struct of requests. A struct of responses has a field `extra`, and is read as it comes.
pub(crate) fn of_struct(document: &Document, definition: &ItemStruct, schema: &Value) -> Result<Vec<Item>> {
    let Fields::Named(fields) = &definition.fields else { return Ok(Vec::new()) };
    let all: Vec<&Field> = fields.named.iter().collect();
    if all.iter().any(|field| field.ident.as_ref().is_some_and(|ident| ident == "extra")) {
        return Ok(Vec::new());
    }
    let (mut checks, mut parts) = (Vec::new(), Vec::new());
    for field in &all {
        let name = builders::json_name(field);
        let property = &schema["properties"][&name];
        let bounds =
            Bounds::of(document, property).with_context(|| format!("the field `{name}` of {}", definition.ident))?;
        let ident = &field.ident;
        let place = inner_type(&field.ty);
        if is_scalar(place) {
            if bounds.is_empty() {
                continue;
            }
            let bounds = bounds.tokens();
            let check = quote! { crate::bounds::Bounded::check(&self.#ident, #name, &#bounds)?; };
            // A list without entries is not sent, unless it is required.
            checks.push(if is_omitted_if_empty(field) {
                quote! { if !self.#ident.is_empty() { #check } }
            } else {
                check
            });
        } else if has_checks(document, &type_name(place)) {
            checks.push(if argument_of(&field.ty, "Vec").is_some() {
                // Steps are checked one by one, so that an error can name the step.
                parts.push(name.clone());
                continue;
            } else if argument_of(&field.ty, "Option").is_some() {
                quote! { if let Some(value) = &self.#ident { value.check_bounds()?; } }
            } else {
                quote! { self.#ident.check_bounds()?; }
            });
        }
    }
    if let Some(least) = schema["minProperties"].as_u64() {
        let (least, name) = (Literal::u64_unsuffixed(least), definition.ident.to_string());
        let present = all.iter().map(|field| is_present(field));
        checks.push(quote! { crate::bounds::check_present(#name, &[#(#present),*], #least)?; });
    }
    let ident = &definition.ident;
    let but = match &parts[..] {
        [] => String::new(),
        parts => format!(" The entries of `{}` have checks of their own.", parts.join("` and `")),
    };
    let doc = doc_attribute(&format!(
        "Checks the lengths, patterns and numbers that the description states for its fields.{but}"
    ));
    let file: syn::File = syn::parse2(quote! {
        impl #ident {
            #doc
            #[doc = ""]
            #[doc = " # Errors"]
            #[doc = " The first field that is out of its bounds."]
            pub fn check_bounds(&self) -> ::std::result::Result<(), crate::OutOfBounds> {
                #(#checks)*
                Ok(())
            }
        }
    })?;
    Ok(file.items)
}

/// `check_bounds` of a union of requests.
pub(crate) fn of_union(document: &Document, definition: &ItemEnum) -> Result<Vec<Item>> {
    if !has_checks(document, &definition.ident.to_string()) {
        return Ok(Vec::new());
    }
    let mut arms = Vec::new();
    for variant in &definition.variants {
        let Fields::Unnamed(fields) = &variant.fields else { return Ok(Vec::new()) };
        let Some(field) = fields.unnamed.first() else { return Ok(Vec::new()) };
        let ident = &variant.ident;
        let is_checked = has_checks(document, &type_name(inner_type(&field.ty)));
        arms.push(match (is_checked, argument_of(&field.ty, "Vec")) {
            (false, _) => quote! { Self::#ident(_) => Ok(()), },
            (true, None) => quote! { Self::#ident(value) => value.check_bounds(), },
            (true, Some(_)) => {
                quote! { Self::#ident(values) => values.iter().try_for_each(|value| value.check_bounds()), }
            }
        });
    }
    let ident = &definition.ident;
    let file: syn::File = syn::parse2(quote! {
        impl #ident {
            #[doc = " Checks the lengths, patterns and numbers that the description states for its fields."]
            #[doc = ""]
            #[doc = " # Errors"]
            #[doc = " The first field that is out of its bounds."]
            pub fn check_bounds(&self) -> ::std::result::Result<(), crate::OutOfBounds> {
                match self { #(#arms)* }
            }
        }
    })?;
    Ok(file.items)
}

/// Whether `check_bounds` is generated for this schema: an object of requests, or a union of such objects.
fn has_checks(document: &Document, name: &str) -> bool {
    let schemas = document.schemas();
    let Some(schema) = schemas.get(name) else { return false };
    if schema.get("x-umapi-type").is_some() || schema.get("x-umapi-module").is_none() {
        return false;
    }
    if schema["type"] == "object" {
        return schema["additionalProperties"] != Value::Bool(true);
    }
    schema["oneOf"].as_array().into_iter().flatten().any(|alternative| {
        let mut names = Vec::new();
        collect_names(alternative, &mut names);
        names.iter().any(|name| has_checks(document, name))
    })
}

fn collect_names(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            let target = fields.get("$ref").and_then(Value::as_str);
            names.extend(target.and_then(|target| target.rsplit('/').next()).map(str::to_owned));
            fields.values().for_each(|child| collect_names(child, names));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_names(item, names)),
        _ => {}
    }
}

/// The type inside of `Option` and `Vec`.
fn inner_type(of: &Type) -> &Type {
    let of = argument_of(of, "Option").unwrap_or(of);
    argument_of(of, "Vec").unwrap_or(of)
}

fn type_name(of: &Type) -> String {
    match of {
        Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default(),
        _ => String::new(),
    }
}

fn is_scalar(of: &Type) -> bool {
    ["String", "u32", "u64", "i32", "i64"].contains(&type_name(of).as_str())
}

fn is_omitted_if_empty(field: &Field) -> bool {
    quote!(#field).to_string().contains("is_empty")
}

/// Whether the field would be sent.
fn is_present(field: &Field) -> TokenStream {
    let ident = &field.ident;
    if argument_of(&field.ty, "Option").is_some() {
        quote! { self.#ident.is_some() }
    } else if is_omitted_if_empty(field) {
        quote! { !self.#ident.is_empty() }
    } else {
        quote! { true }
    }
}

/// The bounds of a field or of the entries of a list.
#[derive(Default)]
struct Bounds {
    numbers: Vec<(&'static str, Literal)>,
    pattern: Option<TokenStream>,
    items: Option<Box<Bounds>>,
}

impl Bounds {
    fn of(document: &Document, schema: &Value) -> Result<Self> {
        let mut bounds = Self::default();
        bounds.collect(document, schema)?;
        Ok(bounds)
    }

    fn collect(&mut self, document: &Document, schema: &Value) -> Result<()> {
        let schema = document.resolve(schema)?;
        for (keyword, name) in [
            ("minLength", "min_length"),
            ("maxLength", "max_length"),
            ("minimum", "minimum"),
            ("maximum", "maximum"),
            ("minItems", "min_items"),
            ("maxItems", "max_items"),
        ] {
            let Some(value) = schema.get(keyword) else { continue };
            if is_split(document, schema, keyword) {
                continue;
            }
            let value = value.as_i64().with_context(|| format!("`{keyword}` is not a whole number"))?;
            // The type of the field is unsigned already.
            if !(keyword == "minimum" && value == 0) {
                self.numbers.push((name, Literal::i64_unsuffixed(value)));
            }
        }
        if let Some(pattern) = schema.get("pattern") {
            self.pattern = Some(pattern_tokens(pattern.as_str().context("`pattern` is not a text")?)?);
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.collect(document, part)?;
        }
        if let Some(items) = schema.get("items") {
            let items = Self::of(document, items)?;
            self.items = (!items.is_empty()).then(|| Box::new(items));
        }
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.numbers.is_empty() && self.pattern.is_none() && self.items.is_none()
    }

    fn tokens(&self) -> TokenStream {
        let numbers = self.numbers.iter().map(|(name, value)| {
            let name = quote::format_ident!("{name}");
            quote! { #name: Some(#value), }
        });
        let pattern = self.pattern.as_ref().map(|pattern| quote! { pattern: Some(#pattern), });
        let items = self.items.as_ref().map(|items| {
            let items = items.tokens();
            quote! { items: Some(&#items), }
        });
        quote! { crate::bounds::Bounds { #(#numbers)* #pattern #items ..crate::bounds::Bounds::NONE } }
    }
}

/// Whether this is the size of a list that is split among requests: a limit refers to it.
fn is_split(document: &Document, schema: &Value, keyword: &str) -> bool {
    if keyword != "maxItems" {
        return false;
    }
    let limits = document.root["x-umapi-limits"].as_array().map_or(&[][..], Vec::as_slice);
    limits.iter().filter(|limit| limit["keyword"] == keyword).any(|limit| {
        let pointer = match text_of(limit, "schema").split_once('/') {
            Some((schema, property)) => format!("/components/schemas/{schema}/properties/{property}"),
            None => format!("/components/schemas/{}", text_of(limit, "schema")),
        };
        document.root.pointer(&pointer) == Some(schema)
    })
}

/// A pattern as a sequence of repeated sets of characters.
pub(crate) fn pattern_tokens(text: &str) -> Result<TokenStream> {
    let parts = parse_pattern(text)?.into_iter().map(|(ranges, least, most)| {
        let (firsts, lasts) = (ranges.iter().map(|range| range.0), ranges.iter().map(|range| range.1));
        let least = Literal::u32_unsuffixed(least);
        let most = most.map_or(quote!(u32::MAX), |most| {
            let most = Literal::u32_unsuffixed(most);
            quote!(#most)
        });
        quote! { crate::bounds::Part { ranges: &[#((#firsts, #lasts)),*], least: #least, most: #most } }
    });
    Ok(quote! { crate::bounds::Pattern { text: #text, parts: &[#(#parts),*] } })
}

/// What keeps a pattern from being checked. `None` if it can be.
pub(crate) fn pattern_problem(text: &str) -> Option<String> {
    parse_pattern(text).err().map(|error| error.to_string())
}

/// A set of characters, and how often it is repeated.
type PatternPart = (Vec<(char, char)>, u32, Option<u32>);

fn parse_pattern(text: &str) -> Result<Vec<PatternPart>> {
    let hir =
        regex_syntax::Parser::new().parse(text).with_context(|| format!("`{text}` is not a regular expression"))?;
    let HirKind::Concat(parts) = hir.kind() else { bail!("{}", unsupported(text)) };
    let [first, inner @ .., last] = &parts[..] else { bail!("{}", unsupported(text)) };
    if *first.kind() != HirKind::Look(Look::Start) || *last.kind() != HirKind::Look(Look::End) {
        bail!("{}", unsupported(text));
    }
    let mut found = Vec::new();
    for part in inner {
        match part.kind() {
            HirKind::Repetition(repetition) => {
                let ranges = set_of(&repetition.sub).with_context(|| unsupported(text))?;
                found.push((ranges, repetition.min, repetition.max));
            }
            HirKind::Literal(literal) => {
                let literal = std::str::from_utf8(&literal.0).ok().with_context(|| unsupported(text))?;
                found.extend(literal.chars().map(|c| (vec![(c, c)], 1, Some(1))));
            }
            _ => found.push((set_of(part).with_context(|| unsupported(text))?, 1, Some(1))),
        }
    }
    Ok(found)
}

fn unsupported(text: &str) -> String {
    format!(
        "`{text}` must begin with ^, end with $, and hold only characters and sets, each with at most one repetition"
    )
}

fn set_of(hir: &Hir) -> Option<Vec<(char, char)>> {
    match hir.kind() {
        HirKind::Class(Class::Unicode(class)) => {
            Some(class.ranges().iter().map(|range| (range.start(), range.end())).collect())
        }
        HirKind::Class(Class::Bytes(class)) => {
            Some(class.ranges().iter().map(|range| (char::from(range.start()), char::from(range.end()))).collect())
        }
        HirKind::Literal(literal) => {
            let mut chars = std::str::from_utf8(&literal.0).ok()?.chars();
            let c = chars.next()?;
            chars.next().is_none().then(|| vec![(c, c)])
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_become_sets_with_repetitions() {
        assert_eq!(parse_pattern("^[A-Z]{2}$").unwrap(), [(vec![('A', 'Z')], 2, Some(2))]);
        let at = |c| (vec![(c, c)], 1, Some(1));
        assert_eq!(
            parse_pattern("^[0-9a-f]+@Ad?$").unwrap(),
            [(vec![('0', '9'), ('a', 'f')], 1, None), at('@'), at('A'), (vec![('d', 'd')], 0, Some(1))]
        );
    }

    #[test]
    fn other_patterns_are_errors_that_say_what_is_possible() {
        for pattern in ["[A-Z]{2}", "^a|b$", "^(ab)+$", "^a", "a$", "^(a[bc])*$"] {
            let error = parse_pattern(pattern).unwrap_err().to_string();
            assert!(error.contains(pattern) && error.contains("must begin with ^"), "{pattern}: {error}");
        }
        assert!(parse_pattern("^[$").unwrap_err().to_string().contains("not a regular expression"));
    }
}
