//! Reads the file table by table, and collects its mistakes.

use std::{collections::BTreeSet, ops::Range};

use regex::Regex;
use schemars::{JsonSchema, schema_for};
use serde::de::DeserializeOwned;
use toml::{
    Spanned,
    de::{DeTable, DeValue, Error, ValueDeserializer},
};
use umapi_directory::{
    AdobeSettings, DirectorySettings, EntraSettings, ExecSettings, FileSettings, GoogleSettings, LdapLogin,
    LdapSettings, OktaSettings,
};
use umapi_plan::{AccountKind, account::FoldedName};

use super::{
    Config, ConfigMistake, DirectoryConfig, GroupPattern, Guards, KindRule, Leavers, Limit, MapRule, MirrorConfig,
    OrgConfig, PeopleConfig, Protect, Stage, TargetPattern,
    raw::{
        GuardTable, LeaversTable, LicenseGuard, MapTable, MirrorTable, NumberOrText, OneOrMany, OrgTable, PeopleTable,
        ProtectTable, ScopeTable,
    },
};
use crate::{condition::Condition, template::Template};

/// The tables of the file.
const TABLES: [&str; 8] = ["org", "directory", "people", "map", "protect", "leavers", "scope", "guard"];

/// The kinds of directories.
const KINDS: [&str; 7] = ["file", "exec", "ldap", "entra", "okta", "google", "adobe"];

/// The keys of directories that name the place of a secret.
const SECRETS: [&str; 6] = ["password", "client_secret", "private_key", "private_key_passphrase", "token", "key"];

/// The keys of every kind of directory about its mirror.
const MIRROR_KEYS: [&str; 2] = ["delta", "whole_after_days"];

/// After how many days a mirror is read again as a whole.
const WHOLE_AFTER: u32 = 7;

/// Reads a configuration, with an empty hash.
pub(super) fn read(text: &str) -> Result<Config, Vec<ConfigMistake>> {
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut reader = Reader { text, mistakes: Vec::new() };
    if !errors.is_empty() {
        errors.iter().for_each(|error| reader.toml(error));
        return Err(reader.finish());
    }
    let config = reader.config(document.into_inner());
    if reader.mistakes.is_empty() { Ok(config) } else { Err(reader.finish()) }
}

struct Reader<'t> {
    text: &'t str,
    mistakes: Vec<ConfigMistake>,
}

/// A table of an array, and where it is.
struct Entry<'t> {
    table: Spanned<DeValue<'t>>,
    span: Range<usize>,
}

impl<'t> Reader<'t> {
    fn config(&mut self, mut document: DeTable<'t>) -> Config {
        self.unknown_keys(&document, &TABLES.map(str::to_owned), "table");
        let orgs = self.orgs(&mut document);
        let directories = self.directories(&mut document);
        let people = self.people(&mut document);
        let maps = self.maps(&mut document, &orgs, &directories);
        Config {
            protect: self.protect(&mut document),
            leavers: self.leavers(&mut document),
            scope: self.table::<ScopeTable>(&mut document, "scope").unwrap_or_default().people,
            guard: self.guards(&mut document),
            orgs,
            directories,
            people,
            maps,
            hash: String::new(),
        }
    }

    fn orgs(&mut self, document: &mut DeTable<'t>) -> Vec<OrgConfig> {
        let mut orgs: Vec<OrgConfig> = Vec::new();
        for entry in self.entries(document, "org", "an organization: `[[org]]` with `profile = \"NAME\"`") {
            let Some(table) = self.deserialize::<OrgTable>(entry.table) else { continue };
            let name = table.name.as_ref().unwrap_or(&table.profile);
            if orgs.iter().any(|org| org.name == *name.get_ref()) {
                self.mistake(
                    name.span(),
                    format!("two organizations are called `{}`", name.get_ref()),
                    "give one another `name`",
                );
            } else if name.get_ref().contains("::") {
                self.mistake(name.span(), "the name of an organization contains no `::`", "choose another `name`");
            }
            orgs.push(OrgConfig { name: name.get_ref().clone(), profile: table.profile.into_inner() });
        }
        orgs
    }

    fn directories(&mut self, document: &mut DeTable<'t>) -> Vec<DirectoryConfig> {
        let mut directories: Vec<DirectoryConfig> = Vec::new();
        for entry in self.entries(document, "directory", "a directory: `[[directory]]` with its `kind`") {
            let line = self.place(entry.span.start).0;
            let span = entry.table.span();
            let DeValue::Table(mut table) = entry.table.into_inner() else { continue };
            let kind = self.text_of(&mut table, "kind", &entry.span);
            let name = table
                .remove("name")
                .and_then(|name| self.text(name))
                .or_else(|| kind.clone().map(|(kind, _)| (kind, entry.span.clone())));
            let Some((kind, kind_span)) = kind else { continue };
            // The message of the library would quote it.
            let is_text = |key: &&str| table.get(*key).is_some_and(|value| value.get_ref().is_str());
            if let Some(key) = SECRETS.into_iter().find(is_text) {
                let span = table.get(key).map_or_else(|| span.clone(), Spanned::span);
                let remedy = "name its place: { file = \"…\" }, { env = \"…\" } or { keyring = \"…\" }";
                let what = if key == "password" { "a password" } else { "a secret" };
                self.mistake(span, format!("`{key}`: {what} does not belong into a configuration"), remedy);
                continue;
            }
            let (mirror, table): (DeTable<'t>, DeTable<'t>) =
                table.into_iter().partition(|(key, _)| MIRROR_KEYS.contains(&&**key.get_ref()));
            let mirror = self.mirror(Spanned::new(span.clone(), DeValue::Table(mirror)));
            let table = Spanned::new(span, DeValue::Table(table));
            let settings = match kind.as_str() {
                "file" => self.deserialize::<FileSettings>(table).map(DirectorySettings::File),
                "exec" => self.deserialize::<ExecSettings>(table).map(DirectorySettings::Exec),
                "ldap" => self.deserialize::<LdapSettings>(table).map(DirectorySettings::Ldap),
                "entra" => self.deserialize::<EntraSettings>(table).map(DirectorySettings::Entra),
                "okta" => self.deserialize::<OktaSettings>(table).map(DirectorySettings::Okta),
                "google" => self.deserialize::<GoogleSettings>(table).map(DirectorySettings::Google),
                "adobe" => self.deserialize::<AdobeSettings>(table).map(DirectorySettings::Adobe),
                other => {
                    let rule = format!("there is no kind of directory called `{other}`");
                    self.mistake(kind_span, rule, format!("use {}", alternatives(&KINDS.map(str::to_owned))));
                    None
                }
            };
            let (Some(settings), Some((name, name_span))) = (settings, name) else { continue };
            if directories.iter().any(|directory| directory.name == name) {
                self.mistake(name_span, format!("two directories are called `{name}`"), "give one another `name`");
            }
            self.check_directory(&settings, &entry.span);
            if mirror.is_some() && !settings.can_tell_changes() {
                let rule = format!("a directory of the kind `{kind}` cannot tell what changed");
                self.mistake(entry.span.clone(), rule, "leave out `delta`: it is read as a whole each time");
            }
            directories.push(DirectoryConfig { name, settings, mirror, line });
        }
        directories
    }

    fn mirror(&mut self, table: Spanned<DeValue<'t>>) -> Option<MirrorConfig> {
        let table = self.deserialize::<MirrorTable>(table)?;
        let days = table.whole_after_days.as_ref();
        if let Some(days) = days.filter(|days| *days.get_ref() == 0 || table.delta != Some(true)) {
            let (rule, remedy) = match days.get_ref() {
                0 => ("`whole_after_days` is 0", "leave out `delta` to read everything each time"),
                _ => ("`whole_after_days` is for `delta = true`", "add delta = true, or leave it out"),
            };
            self.mistake(days.span(), rule, remedy);
        }
        let whole_after = days.map_or(WHOLE_AFTER, |days| *days.get_ref());
        (table.delta == Some(true)).then_some(MirrorConfig { whole_after })
    }

    fn check_directory(&mut self, settings: &DirectorySettings, span: &Range<usize>) {
        match settings {
            DirectorySettings::Exec(exec) if exec.command.is_empty() => {
                self.mistake(
                    span.clone(),
                    "`command` is empty",
                    "name the program and its arguments: [\"read-people\", \"--all\"]",
                );
            }
            DirectorySettings::Ldap(ldap) => {
                if ldap.url.is_empty() {
                    self.mistake(span.clone(), "`url` is empty", "name a server: \"ldaps://dc1.example.com\"");
                }
                for url in &ldap.url {
                    if url.contains('@') {
                        self.mistake(span.clone(), "an address holds no password", "use `user` and `password`");
                    } else if !["ldap://", "ldaps://", "ldapi://"].iter().any(|scheme| url.starts_with(scheme)) {
                        let rule = format!("`{url}` is not the address of a server that speaks LDAP");
                        self.mistake(span.clone(), rule, "begin it with ldaps://, ldap:// or ldapi://");
                    }
                }
                if ldap.user.is_some() != ldap.password.is_some() && ldap.login != Some(LdapLogin::External) {
                    let rule =
                        if ldap.user.is_some() { "`user` without `password`" } else { "`password` without `user`" };
                    self.mistake(span.clone(), rule, "give both: password = { keyring = \"sync/ldap\" }");
                }
                if ldap.page_size == Some(0) {
                    self.mistake(span.clone(), "`page_size` is 0", "leave it out, or use 1 or more");
                }
            }
            DirectorySettings::Entra(entra) => {
                match (&entra.client_secret, &entra.private_key) {
                    (Some(_), None) | (None, Some(_)) => {}
                    (None, None) => self.mistake(
                        span.clone(),
                        "there is neither `client_secret` nor `private_key`",
                        "name the place of one: client_secret = { keyring = \"sync/entra\" }",
                    ),
                    (Some(_), Some(_)) => self.mistake(
                        span.clone(),
                        "there are both `client_secret` and `private_key`",
                        "leave out the one that the application does not use",
                    ),
                }
                if entra.private_key.is_none()
                    && (entra.certificate.is_some() || entra.private_key_passphrase.is_some())
                {
                    let rule = "`certificate` and `private_key_passphrase` belong to a `private_key`";
                    self.mistake(
                        span.clone(),
                        rule,
                        "name the place of the key: private_key = { file = \"sync.pem\" }",
                    );
                }
            }
            DirectorySettings::Okta(okta) => {
                self.check_url(&okta.url, "https://example.okta.com", span);
                if okta.url.contains("-admin.okta") {
                    let rule = format!("`{}` is the address of the Admin Console", okta.url);
                    self.mistake(span.clone(), rule, format!("use {}", okta.url.replace("-admin.okta", ".okta")));
                }
                match (&okta.token, &okta.private_key, &okta.client_id) {
                    (Some(_), None, None) | (None, Some(_), Some(_)) => {}
                    (None, None, None) => self.mistake(
                        span.clone(),
                        "there is neither `token` nor `client_id` with `private_key`",
                        "name the place of a token: token = { keyring = \"sync/okta\" }",
                    ),
                    (Some(_), _, _) => self.mistake(
                        span.clone(),
                        "there are both `token` and `client_id` or `private_key`",
                        "leave out `token` to log in as an application, else the others",
                    ),
                    (None, key, _) => {
                        let rule = match key {
                            Some(_) => "`private_key` without `client_id`",
                            None => "`client_id` without `private_key`",
                        };
                        self.mistake(span.clone(), rule, "give both: private_key = { file = \"okta.pem\" }");
                    }
                }
                if okta.enabled.as_ref().is_some_and(Vec::is_empty) {
                    let rule = "`enabled` is empty, so that everybody would be a leaver";
                    self.mistake(span.clone(), rule, "leave it out, or write e.g. enabled = [\"ACTIVE\"]");
                }
                self.check_page_size(okta.page_size, 200, span);
            }
            DirectorySettings::Google(google) => {
                if let Some(url) = &google.url {
                    self.check_url(url, "https://admin.googleapis.com", span);
                }
                if !google.subject.contains('@') {
                    let rule = format!("`{}` is not the address of an administrator", google.subject);
                    self.mistake(span.clone(), rule, "write e.g. subject = \"admin@example.com\"");
                }
                self.check_page_size(google.page_size, 500, span);
            }
            _ => {}
        }
    }

    fn check_url(&mut self, url: &str, example: &str, span: &Range<usize>) {
        if url.contains('@') {
            self.mistake(span.clone(), "an address holds no password", "name the place of the secret");
        } else if !["https://", "http://127.", "http://localhost", "http://[::1]"]
            .iter()
            .any(|start| url.starts_with(start))
        {
            self.mistake(span.clone(), format!("`{url}` is not an address"), format!("write e.g. url = \"{example}\""));
        }
    }

    fn check_page_size(&mut self, size: Option<u32>, most: u32, span: &Range<usize>) {
        if size.is_some_and(|size| size == 0 || size > most) {
            self.mistake(span.clone(), format!("`page_size` is not between 1 and {most}"), "leave it out");
        }
    }

    fn people(&mut self, document: &mut DeTable<'t>) -> PeopleConfig {
        let table = self.table::<PeopleTable>(document, "people").unwrap_or_else(|| PeopleTable {
            kind: None,
            email: None,
            username: None,
            domain: None,
            firstname: None,
            lastname: None,
            country: None,
            update: Vec::new(),
            skip: None,
            disabled: super::DisabledPeople::default(),
        });
        let kind = table.kind.and_then(|kind| match account_kind(kind.get_ref()) {
            Some(always) => Some(KindRule::Always(always)),
            None if kind.get_ref().contains('{') => self.template(kind).map(KindRule::From),
            None => {
                let rule = format!("there is no type of account called `{}`", kind.get_ref());
                self.mistake(kind.span(), rule, "use federated, enterprise, adobeID, or a template");
                None
            }
        });
        let skip = table.skip.and_then(|skip| match Condition::parse(skip.get_ref()) {
            Ok(condition) => Some(condition),
            Err(error) => {
                self.mistakes.push(self.at(skip.span(), format!("`skip`: {error}"), None));
                None
            }
        });
        if let Some(country) = &table.country
            && !country.get_ref().contains('{')
            && !is_country(country.get_ref())
        {
            let rule = format!("`{}` is not a country", country.get_ref());
            self.mistake(
                country.span(),
                rule,
                "use two letters of ISO 3166-1: \"US\", or a template: \"{c|upper|or:US}\"",
            );
        }
        let mut optional = |text: Option<Spanned<String>>| text.and_then(|text| self.template(text));
        let (username, domain) = (optional(table.username), optional(table.domain));
        let (first_name, last_name) = (optional(table.firstname), optional(table.lastname));
        let (email, country) = (optional(table.email), optional(table.country));
        PeopleConfig {
            kind: kind.unwrap_or(KindRule::Always(AccountKind::FederatedId)),
            email: email.unwrap_or_else(|| default_template("{mail,email}")),
            username,
            domain,
            first_name: first_name.or_else(|| Some(default_template("{givenName,firstname,firstName}"))),
            last_name: last_name.or_else(|| Some(default_template("{sn,lastname,lastName}"))),
            country: country.or_else(|| Some(default_template("{c,country|upper}"))),
            update: table.update,
            skip,
            disabled: table.disabled,
        }
    }

    fn maps(
        &mut self,
        document: &mut DeTable<'t>,
        orgs: &[OrgConfig],
        directories: &[DirectoryConfig],
    ) -> Vec<MapRule> {
        let mut maps = Vec::new();
        for entry in self.entries(document, "map", "a rule: `[[map]]` with `from` and `to`") {
            let line = self.place(entry.span.start).0;
            let Some(table) = self.deserialize::<MapTable>(entry.table) else { continue };
            let from = match GroupPattern::parse(table.from.get_ref()) {
                Ok(from) => from,
                Err(reason) => {
                    self.mistakes.push(self.at(table.from.span(), reason, None));
                    continue;
                }
            };
            let to_span = table.to.span();
            let targets = match table.to.into_inner() {
                OneOrMany::One(one) => vec![one],
                OneOrMany::Many(many) => many,
            };
            let to: Vec<TargetPattern> = targets.iter().map(|target| TargetPattern::parse(target)).collect();
            for target in &to {
                self.check_target(target, &from, orgs, &to_span);
            }
            if let Some(name) = &table.directory
                && !directories.iter().any(|directory| directory.name == *name.get_ref())
            {
                let names: Vec<String> = directories.iter().map(|directory| directory.name.clone()).collect();
                let rule = format!("there is no directory called `{}`", name.get_ref());
                self.mistake(name.span(), rule, format!("use {}", alternatives(&names)));
            }
            let directory = table.directory.map(Spanned::into_inner);
            maps.push(MapRule { from, to, create: table.create, directory, line });
        }
        maps
    }

    fn check_target(&mut self, target: &TargetPattern, from: &GroupPattern, orgs: &[OrgConfig], span: &Range<usize>) {
        if target.group.is_empty() {
            self.mistake(
                span.clone(),
                "the name of a group is empty",
                "name a group, or leave the list empty: to = []",
            );
        }
        if target.group.starts_with('_') {
            let rule = format!("`{}` is an administrative group, and no rule gives or takes it", target.group);
            self.mistake(span.clone(), rule, "make administrators with `umapi members add`");
        }
        if let Some(org) = &target.org
            && !orgs.iter().any(|known| known.name == *org)
        {
            let names: Vec<String> = orgs.iter().map(|org| org.name.clone()).collect();
            let rule = format!("there is no organization called `{org}`");
            self.mistake(span.clone(), rule, format!("use {}", alternatives(&names)));
        }
        let captures = match from {
            GroupPattern::Named(_) => 0,
            GroupPattern::Matching(regex) => regex.captures_len() - 1,
        };
        let references = references(&target.group);
        if let GroupPattern::Matching(regex) = from
            && let Some(wrong) = references.iter().find(|name| match name.parse::<usize>() {
                Ok(number) => number > captures,
                Err(_) => !regex.capture_names().flatten().any(|known| known == name.as_str()),
            })
        {
            let rule = format!(
                "`${wrong}` in `{}` stands for nothing: the pattern has {captures} groups in parentheses",
                target.group
            );
            self.mistake(span.clone(), rule, "write ${1} where a letter, digit or `_` follows");
        }
    }

    fn protect(&mut self, document: &mut DeTable<'t>) -> Protect {
        let table = self.table::<ProtectTable>(document, "protect").unwrap_or_default();
        let mut kinds = Vec::new();
        for kind in &table.types {
            match account_kind(kind.get_ref()) {
                Some(known) => kinds.push(known),
                None => {
                    let rule = format!("there is no type of account called `{}`", kind.get_ref());
                    self.mistake(kind.span(), rule, "use federatedID, enterpriseID, adobeID");
                }
            }
        }
        let mut users = Vec::new();
        for pattern in &table.users {
            match Regex::new(&format!("(?i)^(?:{})$", pattern.get_ref())) {
                Ok(regex) => users.push(regex),
                Err(_) => {
                    let rule = format!("`{}` is not a regular expression", pattern.get_ref());
                    self.mistake(pattern.span(), rule, "write e.g. \".*@partner\\\\.example\"");
                }
            }
        }
        Protect { groups: table.groups.iter().map(|name| FoldedName::new(name)).collect(), kinds, users }
    }

    fn leavers(&mut self, document: &mut DeTable<'t>) -> Leavers {
        let table = self.table::<LeaversTable>(document, "leavers").unwrap_or_default();
        let mut stage = |text: Option<Spanned<String>>, default| text.map_or(default, |text| self.stage(&text));
        Leavers {
            unmap: stage(table.unmap, Stage::Now),
            remove: stage(table.remove, Stage::Never),
            delete: stage(table.delete, Stage::Never),
            who: table.who,
        }
    }

    fn stage(&mut self, text: &Spanned<String>) -> Stage {
        match text.get_ref().trim() {
            "now" => return Stage::Now,
            "never" => return Stage::Never,
            other => {
                if let Some(days) = other.strip_suffix('d').and_then(|days| days.trim().parse().ok()) {
                    return Stage::Days(days);
                }
            }
        }
        self.mistake(
            text.span(),
            format!("`{}` is not a time", text.get_ref()),
            "use \"now\", a number of days such as \"30d\", or \"never\"",
        );
        Stage::Never
    }

    fn guards(&mut self, document: &mut DeTable<'t>) -> Guards {
        let table = self.table::<GuardTable>(document, "guard").unwrap_or_default();
        let mut limit =
            |value: Option<Spanned<NumberOrText>>, default| value.map_or(default, |value| self.limit(&value));
        Guards {
            leavers: limit(table.leavers, Limit::Percent(5.0)),
            removals_per_group: limit(table.removals_per_group, Limit::Percent(20.0)),
            creations: limit(table.creations, Limit::Count(500)),
            directory_shrinks: limit(table.directory_shrinks, Limit::Percent(10.0)),
            stops_without_licenses: table.licenses == LicenseGuard::Stop,
            on_trip: table.on_trip,
        }
    }

    fn limit(&mut self, value: &Spanned<NumberOrText>) -> Limit {
        match value.get_ref() {
            NumberOrText::Number(count) => return Limit::Count(*count),
            NumberOrText::Text(text) if text == "off" => return Limit::Off,
            NumberOrText::Text(text) => {
                let share = text.strip_suffix('%').and_then(|share| share.trim().parse::<f64>().ok());
                if let Some(share) = share.filter(|share| (0.0..=100.0).contains(share)) {
                    return Limit::Percent(share);
                }
                self.mistake(
                    value.span(),
                    format!("`{text}` is not a limit"),
                    "use a number, a share from \"0%\" to \"100%\", or \"off\"",
                );
            }
        }
        Limit::Count(0)
    }

    fn template(&mut self, text: Spanned<String>) -> Option<Template> {
        Template::parse(text.get_ref())
            .inspect_err(|error| {
                self.mistakes.push(self.at(text.span(), format!("`{}`: {error}", text.get_ref()), None))
            })
            .ok()
    }

    /// The entries of an array of tables. `what` says what is missing if there is none.
    fn entries(&mut self, document: &mut DeTable<'t>, key: &str, what: &str) -> Vec<Entry<'t>> {
        let Some(value) = document.remove(key) else {
            self.mistakes.push(ConfigMistake { line: 1, column: 1, rule: format!("it lacks {what}"), remedy: None });
            return Vec::new();
        };
        let span = value.span();
        match value.into_inner() {
            DeValue::Array(array) => array
                .into_iter()
                .filter_map(|table| {
                    let span = table.span();
                    if table.get_ref().is_table() {
                        return Some(Entry { table, span });
                    }
                    self.mistake(span, format!("an entry of `{key}` is not a table"), format!("write [[{key}]]"));
                    None
                })
                .collect(),
            _ => {
                self.mistake(
                    span,
                    format!("`{key}` may be given several times"),
                    format!("write [[{key}]] in place of [{key}]"),
                );
                Vec::new()
            }
        }
    }

    fn table<T: DeserializeOwned + JsonSchema>(&mut self, document: &mut DeTable<'t>, key: &str) -> Option<T> {
        let value = document.remove(key)?;
        if value.get_ref().is_table() {
            return self.deserialize(value);
        }
        self.mistake(value.span(), format!("`{key}` is a table, and stands once"), format!("write [{key}]"));
        None
    }

    /// Reads a table into a type. Unknown keys are told, all of them, and then left out.
    fn deserialize<T: DeserializeOwned + JsonSchema>(&mut self, value: Spanned<DeValue<'t>>) -> Option<T> {
        let span = value.span();
        let DeValue::Table(mut table) = value.into_inner() else { return None };
        let known = properties(&schema_for!(T));
        if self.unknown_keys(&table, &known, "key") {
            table = table.into_iter().filter(|(key, _)| known.iter().any(|name| **name == **key.get_ref())).collect();
        }
        T::deserialize(ValueDeserializer::from(Spanned::new(span.clone(), DeValue::Table(table))))
            .inspect_err(|error| {
                let mistake = self.at(error.span().unwrap_or(span), in_own_words(error.message()), None);
                self.mistakes.push(mistake);
            })
            .ok()
    }

    /// Tells the keys of a table that do not exist. Returns whether there are any.
    fn unknown_keys(&mut self, table: &DeTable<'t>, known: &[String], what: &str) -> bool {
        let mut found = false;
        for key in table.keys().filter(|key| !known.iter().any(|name| **name == **key.get_ref())) {
            let near = known.iter().max_by(|a, b| {
                strsim::jaro_winkler(key.get_ref(), a).total_cmp(&strsim::jaro_winkler(key.get_ref(), b))
            });
            let remedy = match near.filter(|near| strsim::jaro_winkler(key.get_ref(), near) > 0.8) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("use {}", alternatives(known)),
            };
            self.mistake(key.span(), format!("there is no {what} `{}` here", key.get_ref()), remedy);
            found = true;
        }
        found
    }

    fn text_of(&mut self, table: &mut DeTable<'t>, key: &str, span: &Range<usize>) -> Option<(String, Range<usize>)> {
        match table.remove(key) {
            Some(value) => self.text(value),
            None => {
                self.mistake(span.clone(), format!("`{key}` is missing"), format!("add {key} = \"…\""));
                None
            }
        }
    }

    fn text(&mut self, value: Spanned<DeValue<'t>>) -> Option<(String, Range<usize>)> {
        let span = value.span();
        match value.into_inner() {
            DeValue::String(text) => Some((text.into_owned(), span)),
            _ => {
                self.mistake(span, "this is not a text", "write it in quotes");
                None
            }
        }
    }

    fn toml(&mut self, error: &Error) {
        let mistake = self.at(error.span().unwrap_or(0..0), format!("this is not TOML: {}", error.message()), None);
        self.mistakes.push(mistake);
    }

    fn mistake(&mut self, span: Range<usize>, rule: impl Into<String>, remedy: impl Into<String>) {
        let mistake = self.at(span, rule.into(), Some(remedy.into()));
        self.mistakes.push(mistake);
    }

    fn at(&self, span: Range<usize>, rule: String, remedy: Option<String>) -> ConfigMistake {
        let (line, column) = self.place(span.start);
        ConfigMistake { line, column, rule, remedy }
    }

    /// The line and the character of a byte, from 1.
    fn place(&self, byte: usize) -> (usize, usize) {
        let before = self.text.get(..byte).unwrap_or(self.text);
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        (before.matches('\n').count() + 1, column)
    }

    fn finish(mut self) -> Vec<ConfigMistake> {
        self.mistakes.sort_by_key(|mistake| (mistake.line, mistake.column));
        self.mistakes.dedup();
        self.mistakes
    }
}

/// A template of this program.
fn default_template(text: &str) -> Template {
    Template::parse(text).unwrap_or_else(|_| unreachable!("the text is one of this file"))
}

pub(crate) fn account_kind(text: &str) -> Option<AccountKind> {
    match text.trim().to_ascii_lowercase().as_str() {
        "federated" | "federatedid" => Some(AccountKind::FederatedId),
        "enterprise" | "enterpriseid" => Some(AccountKind::EnterpriseId),
        "adobe" | "adobeid" => Some(AccountKind::AdobeId),
        _ => None,
    }
}

pub(crate) fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// The names after `$` in a target.
fn references(target: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut rest = target;
    while let Some(at) = rest.find('$') {
        let after = &rest[at + 1..];
        if let Some(literal) = after.strip_prefix('$') {
            rest = literal;
            continue;
        }
        let (name, next) = match after.strip_prefix('{') {
            Some(named) => named.split_once('}').unwrap_or((named, "")),
            None => {
                let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
                after.split_at(end)
            }
        };
        if !name.is_empty() {
            names.insert(name.to_owned());
        }
        rest = next;
    }
    names
}

/// The keys of a table, from its schema.
fn properties(schema: &schemars::Schema) -> Vec<String> {
    let properties = schema.get("properties").and_then(serde_json::Value::as_object);
    properties.map(|properties| properties.keys().cloned().collect()).unwrap_or_default()
}

fn alternatives(names: &[String]) -> String {
    names.join(", ")
}

/// The message of the library without its vocabulary.
fn in_own_words(message: &str) -> String {
    if let Some(field) = message.strip_prefix("missing field ") {
        return format!("{field} is missing");
    }
    if let Some(rest) = message.strip_prefix("unknown variant ")
        && let Some((value, known)) = rest.split_once(", expected ")
    {
        let known = known.trim_start_matches("one of ").replace('`', "").replace(" or ", ", ");
        return format!("{value} is none of {known}");
    }
    if let Some(rest) = message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "))
        && let Some((found, wanted)) = rest.split_once(", expected ")
    {
        let found = match found.split_once(' ') {
            None if found == "sequence" => "a list".to_owned(),
            None => "a table".to_owned(),
            Some(("string", text)) => format!("the text {text}"),
            Some((_, value)) => format!("the value {}", value.trim_start_matches("point ")),
        };
        let wanted = match wanted {
            "a string" => "a text in quotes",
            "a boolean" => "true or false",
            "a sequence" => "a list in brackets",
            wanted if wanted.starts_with("struct ") || wanted == "a map" => "a table",
            wanted if wanted.starts_with('u') || wanted.starts_with('i') => "a number",
            wanted => wanted,
        };
        return format!("this is {found}, and {wanted} is needed");
    }
    if message.starts_with("data did not match any variant") {
        return "this is neither a text in quotes nor a list of texts".to_owned();
    }
    message.to_owned()
}
