//! Generates the data types of the model crate, one file per `x-umapi-module` of the description.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use progenitor::{GenerationSettings, Generator};
use quote::quote;
use serde_json::Value;
use syn::{Attribute, Field, Fields, Item, visit_mut::VisitMut};

use super::{Api, bounds, builders, catalog, exhaustive, lenient, limits, open_enum, operations, source, steps, view};
use crate::{
    generated::GeneratedFile,
    spec::{Document, text_of},
};

/// The files of one API in the model crate.
pub(crate) fn generate(api: &Api) -> Result<Vec<GeneratedFile>> {
    let mut modules = typed_modules(api)?;
    for (name, schema) in open_enum::schemas(&api.document) {
        let module = schema["x-umapi-module"].as_str().context("an open enum without x-umapi-module")?;
        let items = modules.entry(module.to_owned()).or_default();
        items.extend(open_enum::items(&name, &schema)?);
    }
    let (codes, catalog) = catalog::items(api)?;
    modules.insert("codes".to_owned(), codes);
    modules.insert("catalog".to_owned(), catalog);
    let mut operation = operations::items(api)?;
    operation.extend(operations::throttles(&api.document)?);
    modules.insert("operation".to_owned(), operation);
    let limits = limits::items(&api.document)?;
    if !limits.is_empty() {
        modules.insert("limits".to_owned(), limits);
    }
    source::model_files(api, modules)
}

/// The types of the generator, by module.
fn typed_modules(api: &Api) -> Result<BTreeMap<String, Vec<Item>>> {
    let mut settings = GenerationSettings::new();
    settings.with_derive("PartialEq");
    let mut own_types = Vec::new();
    for (name, schema) in api.document.schemas() {
        if let Some(hand_written) = schema.get("x-umapi-type").and_then(|value| value.as_str()) {
            settings.with_replacement(&name, hand_written, std::iter::empty());
        } else if schema.get("x-extensible-enum").is_some() {
            settings.with_replacement(&name, &name, std::iter::empty());
        } else if view::is_named_type(&schema) {
            own_types.push((name, schema["x-umapi-module"].as_str().unwrap_or_default().to_owned()));
        }
    }
    let mut generator = Generator::new(&settings);
    generator.generate_tokens(&view::schemas_of(&api.document)?).context("the generator rejects the schemas")?;
    let file: syn::File = syn::parse2(generator.get_type_space().to_stream())?;

    let schemas = api.document.schemas();
    let mut modules: BTreeMap<String, Vec<Item>> = BTreeMap::new();
    for mut item in file.items {
        Tidy { document: &api.document }.visit_item_mut(&mut item);
        let Some(subject) = subject_of(&item) else { continue };
        let Some(module) = module_of(&subject, &own_types) else {
            bail!("the generator created a type `{subject}` without a schema: give its schema a name")
        };
        let items = modules.entry(module).or_default();
        let schema = schemas.get(&subject).unwrap_or(&Value::Null);
        match &mut item {
            Item::Struct(definition) => {
                lenient::read_leniently(definition);
                items.push(Item::Struct(definition.clone()));
                items.extend(builders::of(definition)?);
                items.extend(steps::name_lists(definition, schema)?);
                items.extend(bounds::of_struct(&api.document, definition, schema)?);
            }
            Item::Enum(definition) => {
                items.push(Item::Enum(definition.clone()));
                items.extend(steps::of_union(definition, schema)?);
                items.extend(exhaustive::of_union(definition)?);
                items.extend(bounds::of_union(&api.document, definition)?);
            }
            _ => items.push(item),
        }
    }
    Ok(modules)
}

/// Derives the JSON Schema of a type too, with the feature of the crate.
fn derive_json_schema(attributes: &mut Vec<Attribute>) {
    let after = attributes.iter().position(|attribute| attribute.path().is_ident("derive")).map_or(0, |at| at + 1);
    attributes.insert(after, syn::parse_quote!(#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]));
}

/// The type that an item defines or implements something for.
fn subject_of(item: &Item) -> Option<String> {
    match item {
        Item::Struct(definition) => Some(definition.ident.to_string()),
        Item::Enum(definition) => Some(definition.ident.to_string()),
        // Fallible conversions are useless for an enum with one value, and would need their own error type.
        Item::Impl(implementation) if quote!(#implementation).to_string().contains("ConversionError") => None,
        Item::Impl(implementation) => match &*implementation.self_ty {
            syn::Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()),
            _ => None,
        },
        _ => None,
    }
}

/// The module of the schema of a type: the schema with its name, or the longest name that it starts with.
fn module_of(subject: &str, own_types: &[(String, String)]) -> Option<String> {
    own_types
        .iter()
        .filter(|(name, _)| subject.starts_with(name.as_str()))
        .max_by_key(|(name, _)| name.len())
        .map(|(_, module)| module.clone())
}

/// Removes the JSON schema from the docs, documents variants, and marks types that may grow.
struct Tidy<'a> {
    document: &'a Document,
}

impl Tidy<'_> {
    /// The description of a variant of a union. The generator omits it for variants that are references.
    fn variant_description(&self, union: &str, variant: &str) -> Option<String> {
        let schemas = self.document.schemas();
        let alternatives = schemas.get(union)?.get("oneOf")?.as_array()?;
        let alternative = alternatives.iter().find(|alternative| alternative["title"] == variant)?;
        Some(text_of(alternative, "description").to_owned())
    }

    /// Sorts fields as in the description, which has the order of the service's responses. Other fields come last.
    fn order_fields(&self, item: &mut syn::ItemStruct) {
        let schemas = self.document.schemas();
        let Some(properties) = schemas.get(&item.ident.to_string()).and_then(|schema| schema["properties"].as_object())
        else {
            return;
        };
        let Fields::Named(fields) = &mut item.fields else { return };
        let mut ordered: Vec<Field> = fields.named.iter().cloned().collect();
        ordered.sort_by_key(|field| {
            let name = builders::json_name(field);
            properties.keys().position(|property| *property == name).unwrap_or(usize::MAX)
        });
        for field in ordered.iter_mut().filter(|field| builders::json_name(field) == "extra") {
            field.attrs.insert(0, source::doc_attribute("Fields that the description does not list, as received."));
        }
        fields.named = ordered.into_iter().collect();
    }
}

impl VisitMut for Tidy<'_> {
    fn visit_attributes_mut(&mut self, attributes: &mut Vec<Attribute>) {
        for attribute in attributes.iter_mut() {
            if let Some(text) = source::doc_text(attribute) {
                let description = text.split_once("<details>").map_or(text.as_str(), |(description, _)| description);
                *attribute = source::doc_attribute(description);
            }
        }
    }

    fn visit_item_struct_mut(&mut self, item: &mut syn::ItemStruct) {
        derive_json_schema(&mut item.attrs);
        item.attrs.push(syn::parse_quote!(#[non_exhaustive]));
        self.order_fields(item);
        syn::visit_mut::visit_item_struct_mut(self, item);
    }

    fn visit_item_enum_mut(&mut self, item: &mut syn::ItemEnum) {
        derive_json_schema(&mut item.attrs);
        item.attrs.push(syn::parse_quote!(#[non_exhaustive]));
        for variant in &mut item.variants {
            if !variant.attrs.iter().any(|attribute| source::doc_text(attribute).is_some()) {
                let name = variant.ident.to_string();
                let description = self.variant_description(&item.ident.to_string(), &name);
                let text = description.unwrap_or_else(|| format!("The value `{}`.", name.to_lowercase()));
                variant.attrs.insert(0, source::doc_attribute(&text));
            }
        }
        syn::visit_mut::visit_item_enum_mut(self, item);
    }
}
