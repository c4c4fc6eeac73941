//! One description file, read as JSON, with its references and external examples resolved on request.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Map, Value};

const METHODS: [&str; 7] = ["get", "put", "post", "delete", "patch", "head", "options"];

/// The folder of the descriptions.
pub(crate) struct SpecDir {
    root: PathBuf,
}

impl SpecDir {
    pub(crate) fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.root
    }

    /// All descriptions, sorted by name.
    pub(crate) fn documents(&self) -> Result<Vec<Document>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.root).with_context(|| format!("cannot read {}", self.root.display()))? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "yaml") {
                names.push(path);
            }
        }
        names.sort();
        names.iter().map(|path| Document::read(path)).collect()
    }

    pub(crate) fn document(&self, name: &str) -> Result<Document> {
        Document::read(&self.root.join(format!("{name}.yaml")))
    }
}

/// A description as a JSON value, in the key order of the file.
#[derive(Clone)]
pub(crate) struct Document {
    /// The file name without extension, e.g. `umapi`.
    pub(crate) name: String,
    pub(crate) file: PathBuf,
    pub(crate) root: Value,
}

/// An operation of a description.
pub(crate) struct Operation<'a> {
    pub(crate) path: &'a str,
    pub(crate) method: &'a str,
    pub(crate) value: &'a Map<String, Value>,
    path_item: &'a Map<String, Value>,
}

impl<'a> Operation<'a> {
    pub(crate) fn id(&self) -> Option<&str> {
        self.value.get("operationId")?.as_str()
    }

    pub(crate) fn tag(&self) -> Option<&str> {
        self.value.get("tags")?.get(0)?.as_str()
    }

    pub(crate) fn summary(&self) -> Option<&str> {
        self.value.get("summary")?.as_str()
    }

    pub(crate) fn is_deprecated(&self) -> bool {
        self.value.get("deprecated").and_then(Value::as_bool).unwrap_or(false)
    }

    /// The parameters of the path and then those of the operation, with references resolved.
    pub(crate) fn parameters(&self, document: &'a Document) -> Result<Vec<&'a Value>> {
        [self.path_item, self.value]
            .into_iter()
            .filter_map(|owner| owner.get("parameters")?.as_array())
            .flatten()
            .map(|parameter| document.resolve(parameter))
            .collect()
    }
}

impl Document {
    pub(crate) fn read(file: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        Self::parse(file, &text)
    }

    pub(crate) fn parse(file: &Path, text: &str) -> Result<Self> {
        let root: Value =
            serde_saphyr::from_str(text).map_err(|error| anyhow!("{}: not valid YAML: {error}", file.display()))?;
        let name = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
        Ok(Self { name, file: file.to_owned(), root })
    }

    pub(crate) fn operations(&self) -> Vec<Operation<'_>> {
        let Some(paths) = self.root.get("paths").and_then(Value::as_object) else { return Vec::new() };
        paths
            .iter()
            .filter_map(|(path, item)| Some((path, item.as_object()?)))
            .flat_map(|(path, path_item)| {
                path_item.iter().filter(|(method, _)| METHODS.contains(&method.as_str())).filter_map(
                    move |(method, value)| Some(Operation { path, method, value: value.as_object()?, path_item }),
                )
            })
            .collect()
    }

    pub(crate) fn schemas(&self) -> Map<String, Value> {
        self.root.pointer("/components/schemas").and_then(Value::as_object).cloned().unwrap_or_default()
    }

    pub(crate) fn pointer_of(&self, path: &str, method: &str) -> String {
        format!("/paths/{}/{method}", path.replace('~', "~0").replace('/', "~1"))
    }

    /// The value itself, or the target of its `$ref`.
    pub(crate) fn resolve<'d>(&'d self, value: &'d Value) -> Result<&'d Value> {
        let Some(reference) = value.get("$ref").and_then(Value::as_str) else { return Ok(value) };
        let Some(pointer) = reference.strip_prefix('#') else {
            bail!("{}: `{reference}` refers to another file; only `#/…` is allowed", self.file.display())
        };
        let target = self
            .root
            .pointer(pointer)
            .with_context(|| format!("{}: `{reference}` does not exist", self.file.display()))?;
        self.resolve(target)
    }

    /// The value of an example: inline, or from a file.
    pub(crate) fn example_value(&self, example: &Value) -> Result<Value> {
        if let Some(value) = example.get("value") {
            return Ok(value.clone());
        }
        let Some(name) = example.get("externalValue").and_then(Value::as_str) else {
            bail!("an example has neither `value` nor `externalValue`")
        };
        let path = self.file.with_file_name(name);
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read the example {name}"))?;
        serde_json::from_str(&text).with_context(|| format!("the example {name} is not valid JSON"))
    }
}

/// `value[key]` as a string. Empty if it is not a string.
pub(crate) fn text_of<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}
