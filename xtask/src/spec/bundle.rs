//! `cargo xtask spec bundle`: each description as one self-contained JSON file, for other languages and for the emulator,
//! and as a second one in its plain form if it has unions that some generators cannot handle.

use anyhow::Result;
use serde_json::Value;

use super::{Document, SpecDir, plain::plain_form};
use crate::generated::GeneratedFile;

/// The bundles of all descriptions, as files under `spec/dist/`.
pub(crate) fn bundle_all(spec: &SpecDir) -> Result<Vec<GeneratedFile>> {
    let mut files = Vec::new();
    for document in spec.documents()? {
        files.push(GeneratedFile::new(format!("spec/dist/{}.json", document.name), bundle(&document)?));
        if let Some(plain) = plain_form(&document)? {
            files.push(GeneratedFile::new(format!("spec/dist/{}.plain.json", document.name), bundle(&plain)?));
        }
    }
    Ok(files)
}

/// The document as JSON text, with every external example included.
pub(crate) fn bundle(document: &Document) -> Result<String> {
    let mut root = document.root.clone();
    include_examples(document, &mut root)?;
    Ok(format!("{}\n", serde_json::to_string_pretty(&root)?))
}

fn include_examples(document: &Document, value: &mut Value) -> Result<()> {
    match value {
        Value::Object(fields) => {
            if fields.contains_key("externalValue") {
                let included = document.example_value(&Value::Object(fields.clone()))?;
                fields.shift_remove("externalValue");
                fields.insert("value".to_owned(), included);
            } else {
                fields.values_mut().try_for_each(|child| include_examples(document, child))?;
            }
        }
        Value::Array(items) => items.iter_mut().try_for_each(|child| include_examples(document, child))?,
        _ => {}
    }
    Ok(())
}
