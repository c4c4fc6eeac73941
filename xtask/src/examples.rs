//! `cargo xtask api --examples`: every public item of the crates that others use stands in an example that is compiled.
//!
//! An example is a code block of a public item's documentation that is compiled as a test, or a file in a crate's `examples`.
//! Names are compared, not resolved: a method counts as used if any method of that name is called.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    path::Path,
    process::Command,
};

use anyhow::{Context, Result, bail};
use regex::Regex;
use rustdoc_types::{Crate, Id, Impl, Item, ItemEnum, Type, Use, Visibility};
use serde_json::Value;

use crate::workspace;

/// Which items of a crate need an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    /// All, except those in modules with these names at the top of the crate.
    AllExcept(&'static [&'static str]),
    /// Those that a crate with other scopes re-exports.
    ReExported,
    /// None.
    Nothing,
}

/// The scope of each published crate. A crate that is not in this list is an error.
const SCOPES: [(&str, Scope); 13] = [
    ("umapi", Scope::AllExcept(&[])),
    ("umapi-auth", Scope::AllExcept(&[])),
    // `cli` is for a command that includes the emulator's; `engine` and `store` are internals, public for tests and benchmarks.
    ("umapi-emulator", Scope::AllExcept(&["cli", "engine", "store"])),
    ("umapi-plan", Scope::AllExcept(&[])),
    ("umapi-recording", Scope::AllExcept(&[])),
    ("umapi-redis", Scope::AllExcept(&[])),
    ("umapi-time", Scope::AllExcept(&[])),
    // What the HTTP clients of this workspace share. Callers use what the crates above it re-export.
    ("umapi-http", Scope::ReExported),
    // Generated: one type for each schema, with the description's own examples, and one method for each operation.
    ("umapi-model", Scope::Nothing),
    ("umapi-raw", Scope::Nothing),
    // They serve the command, which is stable as a command.
    ("umapi-cli", Scope::Nothing),
    ("umapi-directory", Scope::Nothing),
    ("umapi-sync", Scope::Nothing),
];

/// Checks all crates. The error names each item without an example.
pub(crate) fn check() -> Result<()> {
    let published: Vec<String> = workspace::PublishedCrate::all()?.into_iter().map(|found| found.name).collect();
    if let Some(unknown) = published.iter().find(|name| !SCOPES.iter().any(|(known, _)| known == name)) {
        bail!(
            "xtask/src/examples.rs does not say which items of the crate {unknown} need an example: add it to `SCOPES`"
        );
    }
    let target = workspace::documentation_folder()?;
    let mut crates = Vec::new();
    for (name, scope) in SCOPES.iter().filter(|(_, scope)| *scope != Scope::Nothing) {
        eprintln!("Reading the documentation of {name}");
        crates.push((*scope, document(name, &target)?));
    }
    let mut files = String::new();
    for path in workspace::tracked_files()? {
        let mut folders = path.split('/');
        if folders.next() == Some("crates") && folders.nth(1) == Some("examples") && path.ends_with(".rs") {
            files.push_str(&std::fs::read_to_string(workspace::top().join(&path)).with_context(|| path.clone())?);
        }
    }
    let (count, missing) = missing(&crates, &files);
    if !missing.is_empty() {
        bail!(
            "{} of {count} public items stand in no example:\n{}Use each in a code block of its own documentation, or of \
             the documentation of what it belongs to, or in a file in the crate's `examples`: as a caller would, and so that \
             it is compiled. If callers shall not use it, make it private or `#[doc(hidden)]`.",
            missing.len(),
            missing.iter().map(|(kind, path)| format!("  {kind} {path}\n")).collect::<String>(),
        );
    }
    println!("{count} public items of {} crates stand in examples.", crates.len());
    Ok(())
}

/// What rustdoc knows of a crate.
fn document(name: &str, target: &str) -> Result<Crate> {
    // The same arguments and folder as those of `cargo-check-external-types`, so that rustdoc runs once for both.
    let arguments =
        ["rustdoc", "--quiet", "--package", name, "--lib", "--all-features", "--", "--document-private-items"];
    let mut rustdoc = Command::new("cargo");
    rustdoc.args(arguments).args(JSON).env(UNSTABLE.0, UNSTABLE.1).env("CARGO_TARGET_DIR", target);
    if !rustdoc.current_dir(workspace::top()).status().context("cannot start cargo")?.success() {
        bail!("cargo rustdoc failed for {name}");
    }
    read(&Path::new(target).join("doc").join(name.replace('-', "_")).with_extension("json"))
}

/// The arguments with which rustdoc writes JSON.
const JSON: [&str; 4] = ["-Z", "unstable-options", "--output-format", "json"];
/// The environment variable that enables them in a stable Rust.
const UNSTABLE: (&str, &str) = ("RUSTC_BOOTSTRAP", "1");

fn read(path: &Path) -> Result<Crate> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    // The version first: another version has other fields.
    let json: Value = serde_json::from_str(&text).with_context(|| format!("{} is not JSON", path.display()))?;
    let (found, known) = (json["format_version"].as_u64(), rustdoc_types::FORMAT_VERSION);
    if found != Some(u64::from(known)) {
        bail!(
            "rustdoc writes version {} of its JSON, and xtask reads version {known}: change the version of `rustdoc-types` \
             in xtask/Cargo.toml",
            found.unwrap_or_default()
        );
    }
    serde_json::from_value(json).with_context(|| format!("cannot read {}", path.display()))
}

/// The number of items that need an example, and those without one: what it is, and its path.
fn missing(crates: &[(Scope, Crate)], files: &str) -> (usize, Vec<(&'static str, String)>) {
    let mut code = files.to_owned();
    let mut items = Vec::new();
    let mut re_exported = BTreeSet::new();
    let mut inventories = Vec::new();
    for (scope, krate) in crates {
        let mut inventory =
            Inventory { krate, seen: HashSet::new(), public: Vec::new(), code: String::new(), others: Vec::new() };
        inventory.item(&krate.root, &[]);
        code.push_str(&inventory.code);
        re_exported.extend(inventory.others.iter().cloned());
        inventories.push((*scope, inventory));
    }
    for (scope, inventory) in inventories {
        items.extend(inventory.public.into_iter().filter(|public| match scope {
            Scope::AllExcept(modules) => !public.path.get(1).is_some_and(|module| modules.contains(&module.as_str())),
            Scope::ReExported => public.path.get(..2).is_some_and(|path| re_exported.contains(path)),
            Scope::Nothing => false,
        }));
    }
    let used = Used::of(&code);
    // The functions that return a type stand for it.
    let mut returned: BTreeMap<&str, Vec<&Public>> = BTreeMap::new();
    for item in &items {
        for name in &item.returns {
            returned.entry(name).or_default().push(item);
        }
    }
    let is_called = |item: &Public| match item.kind {
        "function" => used.words.contains(item.name()),
        _ => used.called.contains(item.name()),
    };
    let is_used = |item: &Public| match item.kind {
        "method" => is_called(item),
        "method of a trait" => is_called(item) || used.implemented.contains(item.name()),
        _ => {
            used.words.contains(item.name())
                || item.methods.iter().any(|name| used.called.contains(name))
                || returned.get(item.name()).is_some_and(|makers| makers.iter().any(|maker| is_called(maker)))
        }
    };
    let missing = items.iter().filter(|item| !is_used(item)).map(|item| (item.kind, item.path.join("::")));
    (items.len(), missing.collect::<BTreeSet<_>>().into_iter().collect())
}

/// A public item that needs an example.
struct Public {
    kind: &'static str,
    path: Vec<String>,
    /// Of a type: the names of its methods.
    methods: Vec<String>,
    /// Of a function or method: the names of the types that it returns.
    returns: Vec<String>,
}

impl Public {
    fn name(&self) -> &str {
        self.path.last().map_or("", String::as_str)
    }
}

/// Walks through what callers of a crate see. The variants of an enum and the fields of a struct are not counted: what an
/// example does with their type shows them.
struct Inventory<'a> {
    krate: &'a Crate,
    seen: HashSet<Id>,
    public: Vec<Public>,
    /// The compiled code blocks of all public items.
    code: String,
    /// Items of other crates that this one re-exports: the name of the crate, and that of the item.
    others: Vec<Vec<String>>,
}

impl Inventory<'_> {
    fn item(&mut self, id: &Id, parent: &[String]) {
        let Some(item) = self.krate.index.get(id).filter(|item| !is_hidden(item)) else { return };
        if let ItemEnum::Use(import) = &item.inner {
            if matches!(item.visibility, Visibility::Public) {
                self.import(import, parent);
            }
            return;
        }
        if !matches!(item.visibility, Visibility::Public) {
            return;
        }
        self.import_or_item(item, parent);
    }

    fn import(&mut self, import: &Use, parent: &[String]) {
        let Some(id) = &import.id else { return };
        match self.krate.index.get(id) {
            Some(Item { inner: ItemEnum::Module(module), .. }) if import.is_glob => {
                module.items.iter().for_each(|id| self.item(id, parent));
            }
            Some(item) => self.import_or_item(item, parent),
            None => {
                if let Some(found) = self.krate.paths.get(id)
                    && let (Some(first), Some(last)) = (found.path.first(), found.path.last())
                {
                    self.others.push(vec![first.clone(), last.clone()]);
                }
            }
        }
    }

    fn import_or_item(&mut self, item: &Item, parent: &[String]) {
        if is_hidden(item) || !self.seen.insert(item.id) {
            return;
        }
        self.read_code(item);
        let path = [parent, &[item.name.clone().unwrap_or_default()]].concat();
        let mut public =
            |kind, methods, returns| self.public.push(Public { kind, path: path.clone(), methods, returns });
        match &item.inner {
            ItemEnum::Module(module) => module.items.iter().for_each(|id| self.item(id, &path)),
            ItemEnum::Function(function) => public("function", Vec::new(), names_in(function.sig.output.as_ref())),
            ItemEnum::TypeAlias(_) => public("type", Vec::new(), Vec::new()),
            ItemEnum::Constant { .. } | ItemEnum::Static(_) => public("constant", Vec::new(), Vec::new()),
            ItemEnum::Macro(_) | ItemEnum::ProcMacro(_) => public("macro", Vec::new(), Vec::new()),
            ItemEnum::Struct(found) => self.data("struct", &path, &found.impls),
            ItemEnum::Enum(found) => self.data("enum", &path, &found.impls),
            ItemEnum::Union(found) => self.data("union", &path, &found.impls),
            ItemEnum::Trait(found) => {
                let methods = self.methods("method of a trait", &path, &found.items);
                self.public.push(Public { kind: "trait", path, methods, returns: Vec::new() });
            }
            _ => {}
        }
    }

    /// A type, and the methods of its inherent implementations.
    fn data(&mut self, kind: &'static str, path: &[String], impls: &[Id]) {
        let mut methods = Vec::new();
        for id in impls {
            let Some(Item { inner: ItemEnum::Impl(Impl { trait_, items, .. }), .. }) = self.krate.index.get(id) else {
                continue;
            };
            if trait_.is_none() {
                methods.extend(self.methods("method", path, items));
            }
        }
        self.public.push(Public { kind, path: path.to_vec(), methods, returns: Vec::new() });
    }

    fn methods(&mut self, kind: &'static str, path: &[String], items: &[Id]) -> Vec<String> {
        let mut names = Vec::new();
        for item in items.iter().filter_map(|id| self.krate.index.get(id)) {
            // The methods of a trait are as public as the trait.
            let is_public = matches!(item.visibility, Visibility::Public | Visibility::Default);
            if let (ItemEnum::Function(function), Some(name), true, false) =
                (&item.inner, &item.name, is_public, is_hidden(item))
            {
                self.read_code(item);
                let path = [path, std::slice::from_ref(name)].concat();
                let returns = names_in(function.sig.output.as_ref());
                self.public.push(Public { kind, path, methods: Vec::new(), returns });
                names.push(name.clone());
            }
        }
        names
    }

    fn read_code(&mut self, item: &Item) {
        self.code.push_str(&compiled_code(item.docs.as_deref().unwrap_or_default()));
    }
}

fn is_hidden(item: &Item) -> bool {
    item.attrs.iter().any(|attribute| format!("{attribute:?}").contains("doc(hidden)"))
}

/// The names of all types in a return type, for example `Result` and `Client` of `Result<Client, Error>`. In a result, the error
/// counts too: who handles it has it in hand.
fn names_in(output: Option<&Type>) -> Vec<String> {
    fn collect(value: &Value, names: &mut Vec<String>) {
        match value {
            Value::Array(values) => values.iter().for_each(|value| collect(value, names)),
            Value::Object(fields) => {
                if let (Some(Value::String(path)), true) = (fields.get("path"), fields.contains_key("id")) {
                    names.extend(path.rsplit("::").next().map(str::to_owned));
                }
                fields.values().for_each(|value| collect(value, names));
            }
            _ => {}
        }
    }
    let mut names = Vec::new();
    collect(&serde_json::to_value(output).unwrap_or_default(), &mut names);
    names
}

/// The code blocks of a documentation that rustdoc compiles.
fn compiled_code(docs: &str) -> String {
    let mut code = String::new();
    let mut block = None;
    for line in docs.lines() {
        match (line.trim_start().strip_prefix("```"), block) {
            (Some(_), Some(_)) => block = None,
            (Some(tags), None) => {
                let mut tags = tags.split([',', ' ']).filter(|tag| !tag.is_empty());
                let is_compiled = |tag| ["rust", "no_run", "should_panic"].contains(&tag);
                block = Some(tags.all(is_compiled));
            }
            // A hidden line is compiled, but nobody reads it.
            (None, Some(true)) if !line.trim_start().starts_with("# ") => {
                code.push_str(line);
                code.push('\n');
            }
            (None, _) => {}
        }
    }
    code
}

/// The names that examples use.
struct Used {
    /// All words outside of comments and imports.
    words: HashSet<String>,
    /// Those of methods that are called, or passed on by their paths.
    called: HashSet<String>,
    /// Those of functions that an example defines, maybe for a trait.
    implemented: HashSet<String>,
}

impl Used {
    fn of(code: &str) -> Self {
        let without_comments: String = code
            .lines()
            .map(|line| line.split_once("// ").map_or(line, |(code, _)| code).trim_end())
            .filter(|line| !line.trim_start().starts_with("//"))
            .flat_map(|line| [line, "\n"])
            .collect();
        // An import uses nothing yet.
        let imports = Regex::new(r"(?m)^\s*(?:pub )?use\s[^;]*;").ok();
        let code = match &imports {
            Some(imports) => imports.replace_all(&without_comments, ""),
            None => without_comments.as_str().into(),
        };
        let all = |patterns: &[&str]| -> HashSet<String> {
            let patterns = patterns.iter().filter_map(|pattern| Regex::new(pattern).ok());
            let names =
                |names: Regex| -> Vec<String> { names.captures_iter(&code).map(|found| found[1].to_owned()).collect() };
            patterns.flat_map(names).collect()
        };
        Self {
            words: all(&[r"\b([A-Za-z_][A-Za-z0-9_]*)\b"]),
            called: all(&[r"(?:\.|::)\s*([a-z_][a-z0-9_]*)(?:\(|::<)", r"::([a-z_][a-z0-9_]*)\s*[,)]"]),
            implemented: all(&[r"\bfn\s+([a-z_][a-z0-9_]*)\b"]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs rustdoc over the source of a crate, and returns what is missing.
    fn missing_in(source: &str, files: &str) -> (usize, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sample.rs");
        std::fs::write(&path, source).unwrap();
        let mut rustdoc = Command::new("rustdoc");
        rustdoc.arg(&path).args(["--edition", "2024", "--document-private-items", "--out-dir"]).arg(folder.path());
        assert!(rustdoc.args(JSON).env(UNSTABLE.0, UNSTABLE.1).status().unwrap().success());
        let sample = read(&folder.path().join("sample.json")).unwrap();
        let (count, missing) = missing(&[(Scope::AllExcept(&["internal"]), sample)], files);
        (count, missing.into_iter().map(|(kind, path)| format!("{kind} {path}")).collect())
    }

    #[test]
    fn items_without_an_example_are_named() {
        let source = "
            pub struct Door;
            impl Door {
                pub fn open(&self) -> Room { Room }
                fn hinge(&self) {}
                #[doc(hidden)] pub fn lock(&self) {}
            }
            pub struct Room;
            pub enum Color { Red }
            pub trait Guest { fn enter(&self); fn leave(&self) {} }
            mod inside { pub struct Window; pub struct Secret; }
            pub use inside::Window;
            pub mod internal { pub struct Wire; }
        ";
        let all = [
            "enum sample::Color",
            "method sample::Door::open",
            "method of a trait sample::Guest::enter",
            "method of a trait sample::Guest::leave",
            "struct sample::Door",
            "struct sample::Room",
            "struct sample::Window",
            "trait sample::Guest",
        ];
        assert_eq!(missing_in(source, ""), (8, all.map(str::to_owned).to_vec()));
        // A call stands for the type of the method and for what it returns.
        let (_, missing) =
            missing_in(source, "door.open(); impl Guest for Me { fn enter(&self) {} fn leave(&self) {} }");
        assert_eq!(missing, ["enum sample::Color", "struct sample::Window"]);
        // A word in a comment or an import, and a field, do not count.
        let (count, missing) =
            missing_in(source, "// Color\nuse sample::{\n    Door,\n    Guest,\n};\nlet open = Window.open; // Room");
        assert_eq!((count, missing.len()), (8, 7));
        assert!(!missing.contains(&"struct sample::Window".to_owned()));
        // A method may be passed on.
        assert_eq!(missing_in(source, "doors.map(Door::open)").1.len(), 5);
    }

    #[test]
    fn only_code_that_is_compiled_counts() {
        for (fence, is_example) in
            [("", true), ("no_run", true), ("rust,no_run", true), ("ignore", false), ("text", false), ("toml", false)]
        {
            let source = format!("/// A door.\n///\n/// ```{fence}\n/// let door = Door;\n/// ```\npub struct Door;");
            assert_eq!(missing_in(&source, "").1.is_empty(), is_example, "{fence}");
        }
        let private = "pub struct Door; /// ```\n/// let door = Door;\n/// ```\nfn nobody_reads_this() {}";
        assert_eq!(missing_in(private, "").1, ["struct sample::Door"]);
        let hidden = "/// ```\n/// # let door = Door;\n/// ```\npub struct Door;";
        assert_eq!(missing_in(hidden, "").1, ["struct sample::Door"]);
    }
}
