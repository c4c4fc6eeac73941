//! Makes a configuration of the files of user-sync, Adobe's former tool. Every setting is honored, or named with the reason.

mod connectors;
mod hook;
mod people;
mod rules;
mod texts;
mod tree;
mod writer;

use std::fmt;

use serde::Serialize;

use self::{
    connectors::{Connector, ConnectorKind},
    hook::Hook,
    texts::{identity_type, profile_name},
    tree::{Entry, Section},
    writer::{Writer, list, quoted},
};
use crate::config::Config;

/// A configuration made of the files of user-sync.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The configuration: TOML, with a comment at each line that was changed. It holds no secrets.
    pub config: String,
    /// What became of the settings that are not the same here.
    pub notes: Vec<ImportNote>,
    /// The logins that the configuration needs.
    pub logins: Vec<ImportedLogin>,
    /// A program in Python that runs the hook of user-sync.
    pub shim: Option<String>,
}

/// A setting that is not the same here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImportNote {
    /// The file.
    pub file: String,
    /// The line in it.
    pub line: usize,
    /// The name of the setting.
    pub key: String,
    /// What became of it.
    pub fate: Fate,
    /// The reason, and what to do.
    pub reason: String,
}

/// What became of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// It does something else here.
    Changed,
    /// It has no counterpart, and needs none.
    Needless,
    /// It has no counterpart. Without it, the result differs.
    Missing,
}

/// The login of an organization, and the file of user-sync that holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedLogin {
    /// The name of the profile in the configuration.
    pub profile: String,
    /// The file.
    pub file: String,
}

/// A file that cannot be imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportMistake {
    /// The file.
    pub file: String,
    /// The line in it.
    pub line: usize,
    /// What is wrong.
    pub rule: String,
}

/// The name of the program that runs a hook.
pub const SHIM: &str = "user-sync-hook.py";

/// The profile of the primary organization.
const PRIMARY: &str = "main";

/// Makes a configuration of user-sync's main file. `load` reads the files that it names, and `shim` is the path that the
/// program of a hook will have.
///
/// # Errors
/// Files that cannot be read.
pub fn import(
    file: &str,
    text: &str,
    shim: &str,
    load: &mut dyn FnMut(&str) -> Result<String, String>,
) -> Result<Imported, Vec<ImportMistake>> {
    let mut importer =
        Importer { load, shim: shim.to_owned(), notes: Vec::new(), mistakes: Vec::new(), logins: Vec::new() };
    let main = Section::parse(file, text).map_err(|mistake| vec![mistake])?;
    let (config, shim) = importer.main(file, main);
    if !importer.mistakes.is_empty() {
        return Err(importer.mistakes);
    }
    importer.notes.sort_by(|a, b| (&a.file, a.line, &a.key).cmp(&(&b.file, b.line, &b.key)));
    Ok(Imported { config, notes: importer.notes, logins: importer.logins, shim })
}

struct Importer<'l> {
    load: &'l mut dyn FnMut(&str) -> Result<String, String>,
    /// The path of the program that runs the hook.
    shim: String,
    notes: Vec<ImportNote>,
    mistakes: Vec<ImportMistake>,
    logins: Vec<ImportedLogin>,
}

/// What the invocation says, with user-sync's defaults.
struct Invocation {
    connector: Vec<String>,
    action: Vec<String>,
    adobe_users: Vec<String>,
    users: Vec<String>,
    takes_only_mapped: bool,
    processes_groups: bool,
    updates: bool,
    filter: Option<Entry>,
    /// Where the invocation says what happens to users whom the directory does not have.
    action_entry: Option<Entry>,
    /// Where it says which users of Adobe count.
    adobe_users_entry: Option<Entry>,
    /// Where it says which people take part.
    users_entry: Option<Entry>,
}

impl Importer<'_> {
    fn note(&mut self, entry: &Entry, fate: Fate, reason: impl Into<String>) {
        let note = ImportNote {
            file: entry.file.clone(),
            line: entry.line,
            key: entry.key.clone(),
            fate,
            reason: reason.into(),
        };
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Names what nobody took.
    fn rest(&mut self, section: Section) {
        for entry in section.rest() {
            self.note(
                &entry,
                Fate::Missing,
                "no setting of user-sync of this name and kind is known; look at its spelling and its value",
            );
        }
    }

    /// Takes settings out that need no counterpart.
    fn needless(&mut self, section: &mut Section, keys: &[(&str, &str)]) {
        for (key, reason) in keys {
            if let Some(entry) = section.take(key) {
                self.note(&entry, Fate::Needless, *reason);
            }
        }
    }

    /// A setting that is on or off.
    fn switch(&mut self, section: &mut Section, key: &str, default: bool) -> bool {
        let Some(entry) = section.take(key) else { return default };
        entry.is_on().unwrap_or_else(|| {
            self.note(
                &entry,
                Fate::Missing,
                format!("it is neither Yes nor No; it counts as {}", if default { "Yes" } else { "No" }),
            );
            default
        })
    }

    /// Reads files, the later ones on top of the earlier ones.
    fn load(&mut self, at: &Entry, files: &[String]) -> Section {
        let mut joined = Section::default();
        for file in files {
            match (self.load)(file).map(|text| Section::parse(file, &text)) {
                Ok(Ok(section)) => joined.join(section),
                Ok(Err(mistake)) => self.mistakes.push(mistake),
                Err(reason) => self.mistakes.push(ImportMistake {
                    file: at.file.clone(),
                    line: at.line,
                    rule: format!("`{}` names {file}: {reason}", at.key),
                }),
            }
        }
        joined
    }

    fn main(&mut self, file: &str, mut main: Section) -> (String, Option<String>) {
        let mut adobe = main.section("adobe_users");
        let mut directory = main.section("directory_users");
        let mut limits = main.section("limits");
        let mut invocation = main.section("invocation_defaults");
        if let Some(logging) = main.take("logging") {
            self.note(&logging, Fate::Needless, "messages go to stderr; see --log-format, and the scheduler's own log");
        }
        for old in ["dashboard", "directory", "post_sync"] {
            if let Some(entry) = main.take(old) {
                self.note(
                    &entry,
                    Fate::Missing,
                    "user-sync 2.10 refuses it, too: it belongs to an older version or to Sign",
                );
            }
        }
        let run = self.invocation(&mut invocation);
        self.rest(invocation);

        let mut out = Writer::default();
        out.remark(&format!(
            "Made of {file} by `umapi sync import`. Comments say what user-sync had where it was changed."
        ));
        out.remark("`umapi sync check` tests it, and `umapi sync compare LOG` shows both tools side by side.");
        self.orgs(&mut adobe, &mut out);

        let kind = self.identity_type(directory.take("user_identity_type"));
        let country = directory.take("default_country_code");
        let hook = self.hook(&mut directory);
        let connector = self.connector(&mut directory, &run);
        let is_hooked = self.directory(&mut out, connector.as_ref(), hook.as_ref(), &run);
        let update = self.update(&mut adobe, run.updates);
        self.people(&mut out, connector.as_ref(), kind.as_deref(), country.as_ref(), &update, &run, is_hooked);
        let shim = self.maps(&mut out, &mut directory, &run, hook.filter(|_| is_hooked), connector.as_ref());
        self.rest(directory);

        self.protect(&mut out, &mut adobe);
        self.rest(adobe);
        self.leavers(&mut out, &run);
        self.scope(&mut out, &run);
        self.guard(&mut out, &mut limits);
        self.rest(limits);
        self.rest(main);
        (out.finish(), shim)
    }

    fn invocation(&mut self, section: &mut Section) -> Invocation {
        let mut words = |key: &str, default: &str| {
            let entry = section.take(key);
            let texts = entry.as_ref().map(Entry::texts).filter(|texts| !texts.is_empty());
            (texts.unwrap_or_else(|| vec![default.to_owned()]), entry)
        };
        let (connector, _) = words("connector", "ldap");
        let (users, users_entry) = words("users", "all");
        let (action, action_entry) = words("adobe_only_user_action", "preserve");
        let (adobe_users, adobe_users_entry) = words("adobe_users", "all");
        if let Some(entry) = section.take("strategy").filter(|entry| entry.text() != Some("sync")) {
            self.note(&entry, Fate::Changed, "`umapi sync apply --push` sends without reading Adobe's side first");
        }
        if let Some(entry) = section.take("test_mode").filter(|entry| entry.is_on() != Some(false)) {
            self.note(
                &entry,
                Fate::Changed,
                "`umapi sync plan` changes nothing; `umapi sync apply --dry-run` lets the service check everything",
            );
        }
        if let Some(entry) = section.take("adobe_only_user_list") {
            self.note(
                &entry,
                Fate::Missing,
                "leavers are found anew in each run; `umapi apply` takes lists of users to remove",
            );
        }
        self.needless(
            section,
            &[
                ("config_filename", "use --sync-config FILE"),
                ("encoding_name", "configurations are UTF-8"),
                ("ssl_cert_verify", "certificates are always verified; a profile can name additional ones"),
            ],
        );
        Invocation {
            connector,
            action,
            adobe_users,
            users,
            takes_only_mapped: self.switch(section, "exclude_unmapped_users", false),
            processes_groups: self.switch(section, "process_groups", false),
            updates: self.switch(section, "update_user_info", false),
            filter: section.take("user_filter"),
            action_entry,
            adobe_users_entry,
            users_entry,
        }
    }

    /// The organizations. Their logins stay where they are: a profile refers to the file.
    fn orgs(&mut self, adobe: &mut Section, out: &mut Writer) {
        let mut connectors = adobe.section("connectors");
        let mut orgs: Vec<(String, Entry, Vec<String>)> = Vec::new();
        if let Some(umapi) = connectors.take("umapi") {
            let primary = umapi.texts();
            if !primary.is_empty() {
                orgs.push((PRIMARY.to_owned(), umapi.clone(), primary));
            }
            let mappings = umapi.sections().into_iter().map(|(_, section)| section).chain(umapi.mapping());
            for secondary in mappings.collect::<Vec<_>>() {
                for entry in secondary.rest() {
                    orgs.push((entry.name().to_owned(), entry.clone(), entry.texts()));
                }
            }
        }
        self.rest(connectors);
        if orgs.is_empty() {
            out.table("[[org]]");
            out.set(
                "profile",
                &quoted(PRIMARY),
                "user-sync had no adobe_users.connectors.umapi; make it with \"umapi config add\"",
            );
        }
        for (name, entry, files) in orgs {
            let profile = profile_name(&name);
            out.table("[[org]]");
            out.set("profile", &quoted(&profile), &format!("the login of {}", files.join(", ")));
            if profile != name {
                out.set("name", &quoted(&name), "");
            }
            if let [_, _, ..] = files.as_slice() {
                self.note(
                    &entry,
                    Fate::Missing,
                    "the login stands in several files; join them into one, and import it as the profile",
                );
            }
            let mut settings = self.load(&entry, &files);
            self.login_settings(&mut settings, "enterprise");
            self.logins.push(ImportedLogin { profile, file: files.first().cloned().unwrap_or_default() });
        }
    }

    /// The settings of a login: `umapi config import` reads them.
    fn login_settings(&mut self, settings: &mut Section, credentials: &str) {
        let used = ["authentication_method", "server", credentials];
        for key in used {
            settings.take(key);
        }
        if let Some(entry) = settings.take("trusted") {
            self.note(&entry, Fate::Needless, "it only named the organization in the log");
        }
        self.needless(
            settings,
            &[
                ("ssl_verify", "certificates are always verified; a profile can name additional ones"),
                ("ssl_cert_verify", "certificates are always verified; a profile can name additional ones"),
                ("uses_business_id", "the service does not need it any more"),
                ("logger_name", "messages have no logger"),
                ("test_mode", "`umapi sync plan` changes nothing"),
            ],
        );
        let rest = std::mem::take(settings);
        self.rest(rest);
    }

    fn identity_type(&mut self, entry: Option<Entry>) -> Option<String> {
        let entry = entry?;
        let known = entry.text().and_then(identity_type);
        if known.is_none() {
            self.note(&entry, Fate::Missing, "it is not a type of account: federatedID, enterpriseID or adobeID");
        }
        known.map(str::to_owned)
    }

    fn hook(&mut self, directory: &mut Section) -> Option<Hook> {
        let entry = directory.take("extension")?;
        let mut section = self.load(&entry, &entry.texts());
        let hook = Hook::take(&mut section, entry);
        self.rest(section);
        hook
    }

    /// The connector that the invocation names. user-sync reads one directory in a run.
    fn connector(&mut self, directory: &mut Section, run: &Invocation) -> Option<Connector> {
        let mut connectors = directory.section("connectors");
        let users_file = run.users.first().is_some_and(|users| users == "file");
        let named = if users_file { "csv" } else { run.connector.first().map_or("ldap", String::as_str) };
        let kind = match named.to_ascii_lowercase().as_str() {
            "csv" => ConnectorKind::Csv,
            "okta" => ConnectorKind::Okta,
            "adobe_console" => ConnectorKind::Console,
            _ => ConnectorKind::Ldap,
        };
        let mut chosen = None;
        for other in ["ldap", "csv", "okta", "adobe_console"] {
            let Some(entry) = connectors.take(other) else { continue };
            if other == kind.name() {
                let section = self.load(&entry, &entry.texts());
                chosen = Some((entry, section));
            } else {
                let reason =
                    format!("user-sync reads {} by default; for {other}, add another [[directory]]", kind.name());
                self.note(&entry, Fate::Needless, reason);
            }
        }
        self.rest(connectors);
        // The CSV connector needs no file of settings.
        let (entry, section) = match (chosen, kind) {
            (Some((entry, section)), _) => (Some(entry), section),
            (None, ConnectorKind::Csv) => (None, Section::default()),
            (None, _) => return None,
        };
        let source = if users_file { run.users.get(1) } else { run.connector.get(1) };
        Some(Connector::take(self, kind, entry, section, source))
    }

    /// Writes the directory. Returns whether the hook's program stands between it and the sync.
    fn directory(
        &mut self,
        out: &mut Writer,
        connector: Option<&Connector>,
        hook: Option<&Hook>,
        run: &Invocation,
    ) -> bool {
        out.table("[[directory]]");
        let Some(connector) = connector else {
            let named = run.connector.first().map_or("ldap", String::as_str);
            out.set(
                "kind",
                "\"file\"",
                &format!("user-sync had no settings for the connector {named}: write your directory here"),
            );
            out.set("path", "\"people.csv\"", "");
            return false;
        };
        match hook {
            Some(hook) if connector.kind == ConnectorKind::Csv => {
                out.set("kind", "\"exec\"", "a program reads the file and runs the hook of user-sync");
                out.set("command", &list(&["python3".to_owned(), self.shim.clone(), connector.source.clone()]), "");
                self.note(
                    &hook.entry,
                    Fate::Changed,
                    format!("{SHIM} runs the hook; templates in [people] and conditions in CEL can replace it"),
                );
                true
            }
            other => {
                if let Some(hook) = other {
                    let reason = "the hook is not run: a program can, before people come here ([[directory]] with kind = \"exec\"), \
                         or templates in [people] and conditions in CEL replace it";
                    self.note(&hook.entry, Fate::Missing, reason);
                }
                connector.settings.iter().for_each(|(key, value, comment)| out.set(key, value, comment));
                false
            }
        }
    }

    fn update(&mut self, adobe: &mut Section, updates: bool) -> Vec<String> {
        let known = ["firstname", "lastname", "email", "username"];
        let Some(entry) = adobe.take("update_attributes") else {
            return if updates { known[..3].iter().map(ToString::to_string).collect() } else { Vec::new() };
        };
        let (fields, unknown): (Vec<String>, Vec<String>) =
            entry.texts().iter().map(|field| field.to_lowercase()).partition(|field| known.contains(&field.as_str()));
        for field in unknown {
            self.note(&entry, Fate::Missing, format!("the service cannot change `{field}`"));
        }
        if !updates {
            self.note(
                &entry,
                Fate::Needless,
                "update_user_info is off, so no field follows the directory; add `update` to [people] to change that",
            );
            return Vec::new();
        }
        fields
    }

    fn leavers(&mut self, out: &mut Writer, run: &Invocation) {
        out.table("[leavers]");
        let action = run.action.first().map_or("preserve", String::as_str).to_ascii_lowercase();
        let said = format!("user-sync: adobe_only_user_action: {action}");
        let unmap = if action == "exclude" || !run.processes_groups { "never" } else { "now" };
        let unmap = if action == "remove-adobe-groups" { "now" } else { unmap };
        out.set("unmap", &quoted(unmap), &said);
        out.set(
            "remove",
            if action == "remove" { "\"now\"" } else { "\"never\"" },
            "from the organization: now, 30d, never",
        );
        out.set("delete", if action == "delete" { "\"now\"" } else { "\"never\"" }, "the account, with its files");
        let fate = match action.as_str() {
            "remove-adobe-groups" => {
                Some((Fate::Missing, "user-sync also took groups that no rule names; they stay here".to_owned()))
            }
            "write-file" => {
                Some((Fate::Changed, "`umapi sync plan --out FILE` writes the list that user-sync wrote".to_owned()))
            }
            "preserve" | "exclude" | "remove" | "delete" => None,
            other => Some((Fate::Missing, format!("user-sync does not know the action {other}"))),
        };
        if let (Some((fate, reason)), Some(entry)) = (fate, &run.action_entry) {
            out.remark(&format!("{reason}."));
            self.note(entry, fate, reason);
        }
        let all = run.adobe_users.first().is_none_or(|users| users == "all");
        let takes = matches!(action.as_str(), "remove" | "delete" | "remove-adobe-groups");
        if takes && all {
            out.set(
                "who",
                "\"everyone\"",
                "as in user-sync: everybody who is not in the directory; \"known\" spares those who never were",
            );
        } else if !all {
            out.set("who", "\"known\"", &format!("user-sync: adobe_users: {}", run.adobe_users.join(" ")));
            if let Some(entry) = &run.adobe_users_entry {
                self.note(
                    entry,
                    Fate::Changed,
                    "leavers are the users whom an earlier run found in the directory, in whatever groups they are",
                );
            }
        }
    }

    fn scope(&mut self, out: &mut Writer, run: &Invocation) {
        out.table("[scope]");
        let users = run.users.first().map_or("all", String::as_str).to_ascii_lowercase();
        let is_everybody = (users == "all" || users == "file") && !run.takes_only_mapped;
        let said = format!(
            "user-sync: users: {}, exclude_unmapped_users: {}",
            run.users.join(" "),
            if run.takes_only_mapped { "Yes" } else { "No" }
        );
        out.set("people", if is_everybody { "\"all\"" } else { "\"mapped\"" }, &said);
        if let Some(entry) = run.users_entry.as_ref().filter(|_| users == "group") {
            let reason =
                "user-sync took only members of these groups; here, members of every group of [[map]] take part";
            out.remark(&format!("{reason}."));
            self.note(entry, Fate::Changed, reason);
        }
    }

    fn guard(&mut self, out: &mut Writer, limits: &mut Section) {
        out.table("[guard]");
        out.remark("Unlike max_adobe_only_users, a guard stops the whole run before anything is changed.");
        if let Some(entry) = limits.take("max_adobe_only_users") {
            let text = entry.text().unwrap_or_default().trim().to_owned();
            let share = text.strip_suffix('%').and_then(|share| share.parse::<f64>().ok());
            let is_usable = text.parse::<u64>().is_ok() || share.is_some_and(|share| (0.0..=100.0).contains(&share));
            if is_usable {
                self.note(
                    &entry,
                    Fate::Changed,
                    "a guard stops the whole run before anything is changed; user-sync only left these users alone",
                );
            }
            if let Ok(count) = text.parse::<u64>() {
                out.set("leavers", &count.to_string(), "user-sync: max_adobe_only_users");
            } else if share.is_some_and(|share| (0.0..=100.0).contains(&share)) {
                out.set("leavers", &quoted(&text), "user-sync: max_adobe_only_users");
            } else {
                self.note(
                    &entry,
                    Fate::Missing,
                    "it is neither a number nor a share such as 5%; the default of 5% counts",
                );
            }
        }
        if let Some(entry) = limits.take("group_removals_only") {
            self.note(
                &entry,
                Fate::Changed,
                "`leavers` counts people who leave; memberships that are taken count in `removals_per_group`",
            );
        }
    }
}

impl Imported {
    /// The configuration, read.
    ///
    /// # Errors
    /// Mistakes that the importer could not foresee.
    pub fn parse(&self) -> Result<Config, Vec<crate::config::ConfigMistake>> {
        Config::parse(&self.config)
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Changed => "changed",
            Self::Needless => "needless",
            Self::Missing => "missing",
        })
    }
}

impl fmt::Display for ImportMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}: {}", self.file, self.line, self.rule)
    }
}

#[cfg(test)]
mod tests;
