//! Generates an exhaustive twin of each enum that may grow.
//!
//! The enums of the model crate are `#[non_exhaustive]`, so that a new variant breaks no caller. Inside this workspace, that
//! would hide the places that must know of a new variant: they would compile with a `_` arm. So each enum has a twin without the
//! attribute, borrowed from it. A `match` on the twin needs no `_`, and a new variant is a compile error in each of them.

use anyhow::Result;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Fields, Ident, Item, ItemEnum};

use super::source::doc_attribute;

/// The name of the twin of an enum.
pub(crate) fn name_of(ident: &Ident) -> Ident {
    format_ident!("Exhaustive{ident}")
}

/// The twins of a union: one that borrows the contents of its variants, and one that borrows them mutably. Empty for an enum
/// whose variants do not all have contents.
pub(crate) fn of_union(definition: &ItemEnum) -> Result<Vec<Item>> {
    let mut variants: Vec<(&Ident, &syn::Type)> = Vec::new();
    for variant in &definition.variants {
        let Fields::Unnamed(fields) = &variant.fields else { return Ok(Vec::new()) };
        let Some(field) = fields.unnamed.first() else { return Ok(Vec::new()) };
        variants.push((&variant.ident, &field.ty));
    }
    let ident = &definition.ident;
    let (twin, twin_mut) = (name_of(ident), format_ident!("{}Mut", name_of(ident)));
    let (doc, doc_mut) = (type_doc(ident), doc_attribute(&format!("`{twin}`, to change what it holds.")));
    let idents: Vec<&Ident> = variants.iter().map(|(ident, _)| *ident).collect();
    let types: Vec<_> = variants.iter().map(|(_, of)| of).collect();
    let file: syn::File = syn::parse2(quote! {
        #doc
        #[doc(hidden)]
        #[derive(Clone, Copy, Debug)]
        #[allow(missing_docs)]
        pub enum #twin<'a> {
            #(#idents(&'a #types),)*
        }

        #doc_mut
        #[doc(hidden)]
        #[derive(Debug)]
        #[allow(missing_docs)]
        pub enum #twin_mut<'a> {
            #(#idents(&'a mut #types),)*
        }

        impl #ident {
            #[doc = " The value as an enum that a `match` must cover completely."]
            #[doc(hidden)]
            #[inline]
            pub const fn exhaustive(&self) -> #twin<'_> {
                match self { #(Self::#idents(value) => #twin::#idents(value),)* }
            }

            #[doc = " The value as an enum that a `match` must cover completely, to change what it holds."]
            #[doc(hidden)]
            #[inline]
            pub const fn exhaustive_mut(&mut self) -> #twin_mut<'_> {
                match self { #(Self::#idents(value) => #twin_mut::#idents(value),)* }
            }
        }
    })?;
    Ok(file.items)
}

/// The twin of an open enum with these variants, besides `Other`.
pub(crate) fn of_open_enum(ident: &Ident, variants: &[Ident]) -> TokenStream {
    let twin = name_of(ident);
    let doc = type_doc(ident);
    quote! {
        #doc
        #[doc(hidden)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs)]
        pub enum #twin<'a> {
            #(#variants,)*
            Other(&'a str),
        }

        impl #ident {
            #[doc = " The value as an enum that a `match` must cover completely."]
            #[doc(hidden)]
            #[inline]
            pub fn exhaustive(&self) -> #twin<'_> {
                match self {
                    #(Self::#variants => #twin::#variants,)*
                    Self::Other(other) => #twin::Other(other),
                }
            }
        }
    }
}

fn type_doc(ident: &Ident) -> syn::Attribute {
    doc_attribute(&format!(
        "`{ident}` as an exhaustive enum, for code that must handle every variant. It grows with any release: not part of the \
         stable API."
    ))
}

#[cfg(test)]
mod tests {
    use quote::ToTokens;

    use super::*;

    #[test]
    fn the_twin_of_a_union_has_every_variant_and_may_be_matched() {
        let definition: ItemEnum = syn::parse_quote!(
            #[non_exhaustive]
            pub enum Step {
                Add(Lists),
                Many(Vec<Lists>),
            }
        );
        let items = of_union(&definition).unwrap();
        let [Item::Enum(twin), Item::Enum(twin_mut), Item::Impl(_)] = &items[..] else { panic!("{items:?}") };
        assert_eq!(
            (twin.ident.to_string(), twin_mut.ident.to_string()),
            ("ExhaustiveStep".into(), "ExhaustiveStepMut".into())
        );
        for twin in [twin, twin_mut] {
            assert_eq!(twin.variants.len(), 2);
            let text = twin.to_token_stream().to_string();
            assert!(!text.contains("non_exhaustive") && text.contains("hidden"), "{text}");
        }
        let plain: ItemEnum = syn::parse_quote!(
            pub enum Keyword {
                All,
            }
        );
        assert!(of_union(&plain).unwrap().is_empty());
    }
}
