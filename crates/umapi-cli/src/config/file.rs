//! The configuration file.

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    ops::Range,
    path::{Path, PathBuf},
};

use etcetera::{AppStrategy, AppStrategyArgs, choose_app_strategy};
use serde::Deserialize;
use toml_edit::{DocumentMut, Item, Table};
use umapi::auth::Secret;

use super::{Profile, shared::SharedSection};
use crate::{
    failure::{Failure, Result},
    input::{Diagnostic, SourceLocation, plain_rule},
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
    shared: Option<SharedSection>,
}

impl ConfigFile {
    /// Reads the named file, or the default one. A missing file counts as empty.
    pub(crate) fn read(named: Option<&Path>) -> Result<Self> {
        let path = config_path(named)?;
        Self::read_path(path)
    }

    fn read_path(path: PathBuf) -> Result<Self> {
        let unreadable = |why: &dyn fmt::Display| {
            Failure::usage("cannot read the configuration")
                .why(format!("{}: {why}", path.display()))
                .remedy("make the file readable, or use another one with --config or UMAPI_CONFIG")
        };
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            // A link to nowhere is not a missing file: its place is known, and what it says is not.
            Err(error) if error.kind() == io::ErrorKind::NotFound && !path.is_symlink() => Vec::new(),
            Err(error) => return Err(unreadable(&error)),
        };
        let text = Secret::decode(&bytes).map_err(|error| unreadable(&error))?;
        Self::parse(path, text.reveal())
    }

    /// Changes the file, or adds it. Other changes wait until this one is written, and none is lost.
    ///
    /// A failed change leaves the file as it was.
    pub(crate) fn edit<T>(named: Option<&Path>, change: impl FnOnce(&mut Self) -> Result<T>) -> Result<(Self, T)> {
        let path = config_path(named)?;
        let unwritten = |why: &dyn fmt::Display| {
            Failure::failed("cannot write the configuration")
                .why(format!("{}: {why}", path.display()))
                .remedy("make the file and its folder writable, or use another file with --config or UMAPI_CONFIG")
        };
        let folder = private_file::folder_of(&path);
        private_file::create_folder(folder).map_err(|error| unwritten(&error))?;
        // The file that a link points to is changed, not the link.
        let target = private_file::target_of(&path).map_err(|error| unwritten(&error))?;
        let _lock = private_file::lock_folder(private_file::folder_of(&target)).map_err(|error| unwritten(&error))?;
        let mut file = Self::read_path(path.clone())?;
        let result = change(&mut file)?;
        let text = file.document.to_string();
        private_file::rewrite(&target, text.as_bytes()).map_err(|error| unwritten(&error))?;
        Ok((Self::parse(file.path, &text)?, result))
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
            .map_err(|error: toml_edit::de::Error| unreadable(&plain_rule(error.message()), error.span()))?;
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

    /// Returns where the limits and the token are shared, if they are.
    pub(crate) fn shared(&self) -> Option<&SharedSection> {
        self.content.shared.as_ref()
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
                .remedy(format!("check the spelling, or add it with \"umapi config add {}\"", quote(name)))
        })
    }

    /// Adds a profile, unless it exists. Returns the default profile if that changed.
    ///
    /// The first profile becomes the default: otherwise the second one would leave calls without `--profile` with none.
    pub(crate) fn add(&mut self, profile: &str) -> Option<String> {
        let is_new = !self.content.profiles.contains_key(profile);
        let before = self.default_profile().map(str::to_owned);
        self.table_of(profile);
        if !is_new || self.content.default_profile.is_some() || self.content.profiles.len() > 1 {
            return None;
        }
        let default = before.unwrap_or_else(|| profile.to_owned());
        self.set_default(&default);
        Some(default)
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

    /// Returns the file with the changes made so far.
    pub(crate) fn changed(&self) -> Result<Self> {
        Self::parse(self.path.clone(), &self.document.to_string())
    }

    /// Removes a field of a profile. Returns whether it was there.
    pub(crate) fn unset(&mut self, profile: &str, field: &str) -> bool {
        self.table_of(profile).remove(field).is_some()
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
}

/// Writes text so that a shell reads it as one word.
pub(crate) fn quote(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./@%+=:,~\\".contains(c);
    let is_path_of_windows = cfg!(windows) || !text.contains('\\');
    if !text.is_empty() && text.chars().all(is_plain) && is_path_of_windows {
        return text.to_owned();
    }
    match cfg!(windows) {
        true => format!("\"{text}\""),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

/// Returns the named path, or the default: `~/.config/umapi/config.toml`, on Windows the same below `%APPDATA%`.
fn config_path(named: Option<&Path>) -> Result<PathBuf> {
    if let Some(path) = named.filter(|path| !path.as_os_str().is_empty()) {
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
        let path = folder.path().join("config.toml");
        fs::write(&path, FILE).unwrap();
        let (file, ()) = ConfigFile::edit(Some(&path), |file| {
            file.set("main", "client_id", "def");
            file.set("third", "organization", "3@AdobeOrg");
            file.remove("old");
            assert!(file.unset("main", "client_secret") && !file.unset("main", "client_secret"));
            Ok(())
        })
        .unwrap();
        assert_eq!(file.profile("main").unwrap().client_id.as_deref(), Some("def"));
        assert_eq!(file.profile("third").unwrap().organization.as_deref(), Some("3@AdobeOrg"));
        assert!(file.profile("old").unwrap_err().to_string().contains("main, third"));
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("# of the main office") && text.contains("# the big one"), "{text}");
        assert!(!text.contains("client_secret"), "{text}");
    }

    #[test]
    fn failed_change_leaves_the_file_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/config.toml");
        let refused = ConfigFile::edit(Some(&path), |file| {
            file.set("main", "client_id", "def");
            Err::<(), _>(Failure::usage("refused"))
        });
        assert!(refused.is_err() && !path.exists());
        fs::write(&path, "\u{feff}[profiles.main]\r\n").unwrap();
        let set = |file: &mut ConfigFile| {
            file.set("main", "client_id", "def");
            Ok(())
        };
        ConfigFile::edit(Some(&path), set).unwrap();
        assert!(fs::read_to_string(&path).unwrap().contains("client_id = \"def\""));
    }

    #[test]
    fn first_profile_becomes_the_default() {
        let added = |text: &str, profile: &str| {
            let mut file = parse(text).unwrap();
            let changed = file.add(profile);
            (changed, file.document.get("default_profile").and_then(Item::as_str).map(str::to_owned))
        };
        let some = |name: &str| (Some(name.to_owned()), Some(name.to_owned()));
        assert_eq!(added("", "one"), some("one"));
        assert_eq!(added("[profiles.one]\n", "two"), some("one"));
        assert_eq!(added("[profiles.one]\n[profiles.two]\n", "three"), (None, None));
        assert_eq!(added(FILE, "third"), (None, Some("main".to_owned())));
        assert_eq!(added("default_profile = \"gone\"\n", "one"), (None, Some("gone".to_owned())));
    }

    #[test]
    fn words_of_a_shell_are_quoted() {
        assert_eq!(["main", "1F@AdobeOrg", "~/a.toml"].map(quote), ["main", "1F@AdobeOrg", "~/a.toml"]);
        #[cfg(unix)]
        assert_eq!(["a b", "", "it's", "$(x)"].map(quote), ["'a b'", "''", r"'it'\''s'", "'$(x)'"]);
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
