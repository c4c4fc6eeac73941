//! The configuration file.

use std::{
    collections::BTreeMap,
    io,
    ops::Range,
    path::{Path, PathBuf},
};

use etcetera::{AppStrategy, AppStrategyArgs, choose_app_strategy};
use serde::Deserialize;
use toml_edit::{DocumentMut, Item, Table};

use super::Profile;
use crate::{
    failure::{Failure, Result},
    input::{Diagnostic, SourceLocation},
    private_file,
};

/// The configuration file: its content, and its text, so that changes keep comments and order.
#[derive(Debug)]
pub(crate) struct ConfigFile {
    path: PathBuf,
    document: DocumentMut,
    content: Content,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    default_profile: Option<String>,
    #[serde(default)]
    profiles: BTreeMap<String, Profile>,
}

impl ConfigFile {
    /// Reads the named file, or the default one. A missing file counts as empty.
    pub(crate) fn read(named: Option<&Path>) -> Result<Self> {
        let path = config_path(named)?;
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => {
                return Err(Failure::usage("cannot read the configuration")
                    .why(format!("{}: {error}", path.display()))
                    .remedy("make the file readable, or use another one with --config or UMAPI_CONFIG"));
            }
        };
        Self::parse(path, &text)
    }

    /// Parses the text of the file at a path.
    pub(crate) fn parse(path: PathBuf, text: &str) -> Result<Self> {
        let unreadable = |message: &str, span: Option<Range<usize>>| {
            let location = span.map(|span| SourceLocation::of_byte(text, span.start)).unwrap_or_default();
            Diagnostic::new(location, message)
                .remedy("correct the line; \"umapi help configuration\" shows an example of the file")
                .into_failure(path.display().to_string(), "cannot read the configuration")
        };
        let document: DocumentMut =
            text.parse().map_err(|error: toml_edit::TomlError| unreadable(error.message(), error.span()))?;
        let content = toml_edit::de::from_str(text)
            .map_err(|error: toml_edit::de::Error| unreadable(error.message(), error.span()))?;
        Ok(Self { path, document, content })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the folder that relative paths in the file start at.
    pub(crate) fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("."))
    }

    pub(crate) fn profiles(&self) -> &BTreeMap<String, Profile> {
        &self.content.profiles
    }

    /// Returns the default profile: the one that the file names, or the only one.
    pub(crate) fn default_profile(&self) -> Option<&str> {
        let only = || (self.content.profiles.len() == 1).then(|| self.content.profiles.keys().next()).flatten();
        self.content.default_profile.as_ref().or_else(only).map(String::as_str)
    }

    pub(crate) fn profile(&self, name: &str) -> Result<&Profile> {
        self.content.profiles.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.content.profiles.keys().map(String::as_str).collect();
            Failure::usage(format!("profile \"{name}\" does not exist"))
                .why(match known.as_slice() {
                    [] => format!("{} has no profiles", self.path.display()),
                    known => format!("the profiles of {} are: {}", self.path.display(), known.join(", ")),
                })
                .remedy(format!("check the spelling, or add it with \"umapi config add {name}\""))
        })
    }

    /// Adds a profile, unless it exists.
    pub(crate) fn add(&mut self, profile: &str) {
        self.table_of(profile);
    }

    /// Sets a field of a profile, which is added if needed.
    pub(crate) fn set(&mut self, profile: &str, field: &str, value: impl Into<toml_edit::Value>) {
        self.table_of(profile)[field] = toml_edit::value(value);
    }

    fn table_of(&mut self, profile: &str) -> &mut Table {
        let profiles = table(self.document.as_table_mut(), "profiles");
        profiles.set_implicit(true);
        table(profiles, profile)
    }

    pub(crate) fn set_default(&mut self, profile: &str) {
        self.document["default_profile"] = toml_edit::value(profile);
    }

    /// Removes a profile.
    pub(crate) fn remove(&mut self, profile: &str) {
        if let Some(profiles) = self.document.get_mut("profiles").and_then(Item::as_table_like_mut) {
            profiles.remove(profile);
        }
        if self.document.get("default_profile").and_then(Item::as_str) == Some(profile) {
            self.document.remove("default_profile");
        }
    }

    /// Writes the file, readable only by its owner.
    pub(crate) fn save(self) -> Result<Self> {
        let text = self.document.to_string();
        private_file::create_folder(self.folder())
            .and_then(|()| private_file::replace(&self.path, text.as_bytes()))
            .map_err(|error| {
                Failure::failed("cannot write the configuration")
                    .why(format!("{}: {error}", self.path.display()))
                    .remedy("make the folder writable, or use another file with --config or UMAPI_CONFIG")
            })?;
        Self::parse(self.path, &text)
    }
}

/// Returns the named path, or the default: `~/.config/umapi/config.toml`, on Windows the same below `%APPDATA%`.
fn config_path(named: Option<&Path>) -> Result<PathBuf> {
    if let Some(path) = named {
        return Ok(path.to_owned());
    }
    let arguments =
        AppStrategyArgs { top_level_domain: String::new(), author: String::new(), app_name: "umapi".into() };
    let folder = choose_app_strategy(arguments).map_err(|error| {
        Failure::usage("cannot find the folder of the configuration")
            .why(error)
            .remedy("name the configuration file with --config or UMAPI_CONFIG")
    })?;
    Ok(folder.config_dir().join("config.toml"))
}

/// Returns the table with this key, added if needed.
fn table<'a>(parent: &'a mut Table, key: &str) -> &'a mut Table {
    let item = parent.entry(key).or_insert_with(toml_edit::table);
    if !item.is_table() {
        *item = Item::Table(std::mem::take(item).into_table().unwrap_or_default());
    }
    match item {
        Item::Table(table) => table,
        _ => unreachable!("the item was converted to a table"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{SecretSource, profile::LoginKind};

    const FILE: &str = r#"# of the main office
default_profile = "main"

[profiles.main]
organization = "12345@AdobeOrg" # the big one
client_id = "abc"
client_secret = { env = "MAIN_SECRET" }

[profiles.old]
connector_file = "connector-umapi.yml"
"#;

    fn parse(text: &str) -> Result<ConfigFile> {
        ConfigFile::parse("config.toml".into(), text)
    }

    #[test]
    fn changes_keep_comments() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/config.toml");
        let mut file = ConfigFile::parse(path.clone(), FILE).unwrap();
        file.set("main", "client_id", "def");
        file.set("third", "organization", "3@AdobeOrg");
        file.remove("old");
        let file = file.save().unwrap();
        assert_eq!(file.profile("main").unwrap().client_id.as_deref(), Some("def"));
        assert_eq!(file.profile("third").unwrap().organization.as_deref(), Some("3@AdobeOrg"));
        assert!(file.profile("old").unwrap_err().to_string().contains("main, third"));
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("# of the main office") && text.contains("# the big one"), "{text}");
        assert!(!private_file::is_open_to_others(&path));
    }

    #[test]
    fn only_profile_is_the_default() {
        assert_eq!(parse(FILE).unwrap().default_profile(), Some("main"));
        assert_eq!(parse("[profiles.one]\n").unwrap().default_profile(), Some("one"));
        assert_eq!(parse("[profiles.one]\n[profiles.two]\n").unwrap().default_profile(), None);
        assert_eq!(parse("").unwrap().default_profile(), None);
    }

    #[test]
    fn login_kind_follows_from_the_fields() {
        let file = parse(FILE).unwrap();
        let main = file.profile("main").unwrap();
        assert_eq!(main.kind(), LoginKind::OAuth);
        assert_eq!(main.client_secret, Some(SecretSource::Env("MAIN_SECRET".into())));
        assert_eq!(file.profile("old").unwrap().kind(), LoginKind::ConnectorFile);
    }

    #[test]
    fn mistakes_have_line_and_column() {
        for (text, expected) in [
            ("default_profile = \n", "line 1"),
            ("[profiles.main]\nclient = \"x\"\n", "line 2, column 1: unknown field `client`"),
            ("[profiles.main]\nclient_secret = \"s8e\"\n", "line 2, column 17"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
            assert!(!error.contains("s8e"), "{error}");
        }
    }
}
