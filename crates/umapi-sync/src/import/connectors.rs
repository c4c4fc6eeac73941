//! The files with the settings of a directory: `connector-ldap.yml`, `connector-csv.yml` and the others.

use std::collections::BTreeMap;

use super::{
    Fate, ImportedLogin, Importer,
    texts::identity_type,
    tree::{Entry, Section},
    writer::{list, quoted},
};
use crate::template::Template;

/// A kind of directory of user-sync.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum ConnectorKind {
    #[default]
    Ldap,
    Csv,
    Okta,
    Console,
}

/// What a connector becomes: settings of `[[directory]]`, and templates of `[people]`.
#[derive(Debug, Default)]
pub(super) struct Connector {
    pub(super) kind: ConnectorKind,
    /// The CSV file.
    pub(super) source: String,
    /// Keys with their values in TOML and their comments.
    pub(super) settings: Vec<(&'static str, String, String)>,
    /// The type of accounts that the connector sets.
    pub(super) kind_of_account: Option<String>,
    pub(super) kind_template: Option<String>,
    pub(super) email: Option<String>,
    pub(super) username: Option<String>,
    pub(super) domain: Option<String>,
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
    pub(super) country: Option<String>,
    /// A condition in CEL.
    pub(super) skip: Option<String>,
    /// The columns of a CSV file.
    pub(super) columns: BTreeMap<&'static str, String>,
    pub(super) delimiter: Option<String>,
    pub(super) encoding: Option<String>,
}

impl ConnectorKind {
    /// The name of the connector in user-sync.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ldap => "ldap",
            Self::Csv => "csv",
            Self::Okta => "okta",
            Self::Console => "adobe_console",
        }
    }
}

impl Connector {
    pub(super) fn take(
        importer: &mut Importer<'_>,
        kind: ConnectorKind,
        entry: Option<Entry>,
        mut section: Section,
        source: Option<&String>,
    ) -> Self {
        let mut connector = Self { kind, ..Self::default() };
        connector.kind_of_account = importer.identity_type(section.take("user_identity_type"));
        importer.needless(&mut section, &[("logger_name", "messages have no logger")]);
        match kind {
            ConnectorKind::Ldap => connector.ldap(importer, &mut section),
            ConnectorKind::Csv => connector.csv(importer, entry.as_ref(), &mut section, source),
            ConnectorKind::Okta => connector.okta(importer, &mut section),
            ConnectorKind::Console => connector.console(importer, entry.as_ref(), &mut section),
        }
        importer.rest(section);
        connector
    }

    fn set(&mut self, key: &'static str, value: String, comment: impl Into<String>) {
        self.settings.push((key, value, comment.into()));
    }

    /// The templates, which LDAP and Okta write alike.
    fn templates(&mut self, importer: &mut Importer<'_>, section: &mut Section, defaults: [&str; 4]) {
        let mut template = |key: &str, default: Option<&str>| match section.take(key) {
            None => default.map(str::to_owned),
            Some(entry) => {
                let text = entry.text().unwrap_or_default().to_owned();
                match Template::parse(&text) {
                    Ok(_) => Some(text),
                    Err(error) => {
                        importer.note(&entry, Fate::Missing, format!("it is not a template here: {error}"));
                        default.map(str::to_owned)
                    }
                }
            }
        };
        let [email, first_name, last_name, country] = defaults;
        self.email = template("user_email_format", Some(email));
        self.username = template("user_username_format", None);
        self.domain = template("user_domain_format", None);
        self.first_name = template("user_given_name_format", Some(first_name));
        self.last_name = template("user_surname_format", Some(last_name));
        self.country = template("user_country_code_format", Some(country));
        self.kind_template = template("user_identity_type_format", None);
    }

    fn ldap(&mut self, importer: &mut Importer<'_>, section: &mut Section) {
        self.set("kind", "\"ldap\"".to_owned(), "");
        match section.take("host") {
            Some(entry) => {
                let host = entry.text().unwrap_or_default().trim().to_owned();
                let url = if host.contains("://") { host.clone() } else { format!("ldap://{host}") };
                let comment = match url.starts_with("ldap://") {
                    true => format!("user-sync: {host}, without encryption; StartTLS is used now, or write ldaps://"),
                    false => String::new(),
                };
                self.set("url", list([&url]), comment);
            }
            None => self.set("url", "[\"ldaps://dc1.example.com\"]".to_owned(), "user-sync had no host"),
        }
        let base = section.take("base_dn");
        let comment = if base.is_some() { "" } else { "user-sync had no base_dn" };
        self.set("base", quoted(base.as_ref().and_then(Entry::text).unwrap_or("DC=example,DC=com")), comment);
        let user = section.take("username");
        let password = section.take("password");
        let keyring = section.take("secure_password_key");
        let method = section.take("authentication_method");
        let login = method.as_ref().and_then(Entry::text).unwrap_or("simple").to_ascii_lowercase();
        if let Some(method) = method.as_ref().filter(|_| !matches!(login.as_str(), "simple" | "anonymous")) {
            let reason = "there is no NTLM and no Kerberos here: log in with user and password over LDAPS (user = \"sync@example.com\"), or with login = \"external\"";
            importer.note(method, Fate::Missing, reason);
        }
        match user.as_ref().and_then(Entry::text).filter(|_| login != "anonymous") {
            Some(user) => {
                self.set(
                    "user",
                    quoted(user),
                    if login == "ntlm" { "user-sync: NTLM; write it as user@domain or as a DN" } else { "" },
                );
                let comment = match &keyring {
                    Some(_) => {
                        "user-sync: secure_password_key; store the password anew, or { file = \"…\" }, { env = \"…\" }"
                    }
                    None => "the password itself never stands here; or { file = \"…\" }, { env = \"…\" }",
                };
                self.set("password", "{ keyring = \"sync/ldap\" }".to_owned(), comment);
            }
            None => self.set("login", "\"anonymous\"".to_owned(), ""),
        }
        for entry in password.iter().chain(&keyring) {
            let reason = "the password is not copied: store it as the keyring entry sync/ldap, or in a file that only you can read";
            importer.note(entry, Fate::Changed, reason);
        }
        if let Some(entry) = section.take("all_users_filter") {
            self.set("people_filter", quoted(entry.text().unwrap_or_default()), "");
        }
        if let Some(entry) = section.take("group_filter_format") {
            match group_filter(entry.text().unwrap_or_default()) {
                Some((name, filter)) => {
                    if let Some(filter) = filter {
                        self.set("group_filter", quoted(&filter), "user-sync: group_filter_format");
                    }
                    self.set("group_name", quoted(&name), "");
                }
                None => importer.note(&entry, Fate::Missing, "{group} stands there more than once, or not as (cn={group}): write `group_filter` and `group_name`"),
            }
        }
        self.members(importer, section);
        if let Some(entry) = section.take("search_page_size") {
            match entry.text().and_then(|size| size.parse::<u32>().ok()).filter(|size| *size > 0) {
                Some(size) => self.set("page_size", size.to_string(), ""),
                None => importer.note(&entry, Fate::Missing, "it is not a number above 0; the default of 1000 counts"),
            }
        }
        if let Some(entry) = section.take("require_tls_cert").filter(|entry| entry.is_on() != Some(true)) {
            importer.note(
                &entry,
                Fate::Changed,
                "certificates are always verified: name your own authority with root_certificates = \"ca.pem\"",
            );
        }
        importer.needless(
            section,
            &[
                ("string_encoding", "LDAP is always UTF-8"),
                ("dynamic_group_member_attribute", "groups are read with their members, for patterns, too"),
            ],
        );
        self.templates(importer, section, ["{mail}", "{givenName}", "{sn}", "{c}"]);
    }

    /// How members of groups are found. Groups are always read with their members here.
    fn members(&mut self, importer: &mut Importer<'_>, section: &mut Section) {
        const IN_CHAIN: &str = ":1.2.840.113556.1.4.1941:";
        let filter = section.take("group_member_filter_format");
        let has_two_steps = section.take("two_steps_lookup");
        let is_nested = match &has_two_steps {
            None => filter.as_ref().and_then(Entry::text).is_some_and(|filter| filter.contains(IN_CHAIN)),
            Some(entry) => {
                let mut two = entry.mapping().unwrap_or_default();
                if let Some(attribute) = two.take("group_member_attribute_name") {
                    let name = attribute.text().unwrap_or_default();
                    if !["member", "uniqueMember", "memberUid"].iter().any(|known| known.eq_ignore_ascii_case(name)) {
                        importer.note(
                            &attribute,
                            Fate::Missing,
                            "members are read from member, uniqueMember and memberUid",
                        );
                    }
                }
                let is_nested = importer.switch(&mut two, "nested_group", false);
                importer.rest(two);
                is_nested
            }
        };
        if let Some(entry) = filter {
            let text = entry.text().unwrap_or_default().replace(IN_CHAIN, "");
            if !text.replace(' ', "").eq_ignore_ascii_case("(memberOf={group_dn})") {
                importer.note(
                    &entry,
                    Fate::Missing,
                    "members are read from the group itself, without a filter; put conditions into people_filter",
                );
            }
        }
        self.set("nested", is_nested.to_string(), "whether members of groups in a group count");
    }

    fn csv(
        &mut self,
        importer: &mut Importer<'_>,
        entry: Option<&Entry>,
        section: &mut Section,
        source: Option<&String>,
    ) {
        self.set("kind", "\"file\"".to_owned(), "");
        let path =
            section.take("file_path").and_then(|path| path.text().map(str::to_owned)).or_else(|| source.cloned());
        if path.is_none()
            && let Some(entry) = entry
        {
            importer.note(
                entry,
                Fate::Missing,
                "user-sync got the file from its command line: write its name to `path`",
            );
        }
        self.source = path.unwrap_or_else(|| "people.csv".to_owned());
        self.set("path", quoted(&self.source), "");
        self.set("format", "\"csv\"".to_owned(), "");
        if let Some(entry) = section.take("delimiter") {
            let text = entry.text().unwrap_or_default().replace("\\t", "\t");
            let mut characters = text.chars();
            match (characters.next(), characters.next()) {
                (Some(one), None) => {
                    self.set("delimiter", quoted(&one.to_string()), "");
                    self.delimiter = Some(one.to_string());
                }
                _ => importer.note(
                    &entry,
                    Fate::Missing,
                    "it is not one character; the delimiter is found in the first line",
                ),
            }
        }
        if let Some(entry) = section.take("string_encoding") {
            let name = entry.text().unwrap_or_default().to_owned();
            if !["utf8", "utf-8"].iter().any(|known| known.eq_ignore_ascii_case(&name)) {
                self.set("encoding", quoted(&python_encoding(&name)), format!("user-sync: string_encoding: {name}"));
                self.encoding = Some(name);
            }
        }
        let mut column = |field: &'static str, key: &str, default: &str| {
            let entry = section.take(key);
            let name = entry.as_ref().and_then(Entry::text).unwrap_or(default).trim().to_owned();
            self.columns.insert(field, name.clone());
            let template = format!("{{{name}}}");
            match (Template::parse(&template), &entry) {
                (Ok(_), _) => Some(template),
                (Err(error), Some(entry)) => {
                    importer.note(
                        entry,
                        Fate::Missing,
                        format!("a template cannot name this column: {error}; rename it in the file"),
                    );
                    Some(format!("{{{default}}}"))
                }
                (Err(_), None) => None,
            }
        };
        self.email = column("email", "email_column_name", "email");
        self.username = column("username", "username_column_name", "username");
        // Without a value, user-sync takes the domain of the address.
        let domain = column("domain", "domain_column_name", "domain");
        self.domain = domain.zip(self.email.clone()).map(|(domain, email)| {
            let name = |template: &str| template.trim_matches(['{', '}']).to_owned();
            let joined = format!("{{{},{}|after:@}}", name(&domain), name(&email));
            if Template::parse(&joined).is_ok() { joined } else { domain }
        });
        self.first_name = column("firstname", "first_name_column_name", "firstname");
        self.last_name = column("lastname", "last_name_column_name", "lastname");
        self.country = column("country", "country_column_name", "country");
        self.kind_template = column("type", "identity_type_column_name", "type");
        column("groups", "groups_column_name", "groups");
        let groups = self.columns.get("groups").cloned().unwrap_or_default();
        if groups != "groups" {
            self.set("groups", quoted(&groups), "");
        }
    }

    fn okta(&mut self, importer: &mut Importer<'_>, section: &mut Section) {
        self.set("kind", "\"okta\"".to_owned(), "");
        match section.take("host") {
            Some(entry) => {
                let host = entry.text().unwrap_or_default().trim().trim_end_matches('/').to_owned();
                let host = host.split_once("://").map_or(&*host, |(_, host)| host);
                // The console of administrators has an address of its own.
                let is_console = host.contains("-admin.okta");
                let comment = if is_console { format!("user-sync: {host}") } else { String::new() };
                self.set("url", quoted(&format!("https://{}", host.replace("-admin.okta", ".okta"))), comment);
            }
            None => self.set("url", "\"https://example.okta.com\"".to_owned(), "user-sync had no host"),
        }
        let token = section.take("api_token");
        let keyring = section.take("secure_api_token_key");
        let comment = match &keyring {
            Some(_) => "user-sync: secure_api_token_key; store the token anew, or { file = \"…\" }, { env = \"…\" }",
            None => "the token itself never stands here; or { file = \"…\" }, { env = \"…\" }",
        };
        self.set("token", "{ keyring = \"sync/okta\" }".to_owned(), comment);
        for entry in token.iter().chain(&keyring) {
            let reason = "the token is not copied: store it with \"umapi sync secret sync/okta\", or in a file that only you can read";
            importer.note(entry, Fate::Changed, reason);
        }
        let filter = section.take("all_users_filter");
        let text = filter.as_ref().and_then(Entry::text).unwrap_or("user.status == \"ACTIVE\"");
        match (okta_statuses(text), &filter) {
            (Some(statuses), filter) => {
                let comment = match filter {
                    Some(_) => "user-sync: all_users_filter",
                    None => "user-sync's default",
                };
                let comment = format!(
                    "{comment}; without this line, people who are locked out or must change their password are not leavers"
                );
                self.set("enabled", list(&statuses), comment);
            }
            (None, Some(entry)) => {
                let reason = "it is a condition in Python: write the opposite as `skip` in [people] (attr.status is the status), or \
                              the statuses as `enabled` in [[directory]]";
                importer.note(entry, Fate::Missing, reason);
            }
            (None, None) => {}
        }
        importer.needless(
            section,
            &[
                (
                    "group_filter_format",
                    "it only narrowed the search; groups are found by their whole names, or their ids",
                ),
                ("string_encoding", "Okta is always UTF-8"),
            ],
        );
        self.templates(importer, section, ["{email}", "{firstName}", "{lastName}", "{countryCode}"]);
    }

    fn console(&mut self, importer: &mut Importer<'_>, entry: Option<&Entry>, section: &mut Section) {
        const PROFILE: &str = "source";
        let file = entry.and_then(|entry| entry.texts().first().cloned()).unwrap_or_default();
        self.set("kind", "\"adobe\"".to_owned(), "");
        self.set("profile", quoted(PROFILE), format!("the login of {file}"));
        importer.logins.push(ImportedLogin { profile: PROFILE.to_owned(), file });
        if let Some(entry) = section.take("identity_type_filter").filter(|entry| entry.text() != Some("all")) {
            match entry.text().and_then(identity_type) {
                Some(kind) => self.skip = Some(format!("attr.type != \"{kind}\"")),
                None => importer.note(
                    &entry,
                    Fate::Missing,
                    "it is not a type of account: federatedID, enterpriseID, adobeID, all",
                ),
            }
        }
        let mut rest = std::mem::take(section);
        importer.login_settings(&mut rest, "integration");
        let template = |name: &str| Some(format!("{{{name}}}"));
        (self.email, self.username, self.domain) = (template("email"), template("username"), template("domain"));
        (self.first_name, self.last_name) = (template("firstname"), template("lastname"));
        (self.country, self.kind_template) = (template("country"), template("type"));
    }
}

/// The attribute with the name of a group, and the filter without it: `(&(objectClass=group)(cn={group}))`.
pub(super) fn group_filter(format: &str) -> Option<(String, Option<String>)> {
    let at = format.find("={group})")?;
    if format.matches("{group").count() != 1 {
        return None;
    }
    let open = format[..at].rfind('(')?;
    let name = &format[open + 1..at];
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        return None;
    }
    let rest = format!("{}{}", &format[..open], &format["={group})".len() + at..]);
    // Only directly in `&` does a part that is left out mean any name.
    let before = &format[..open];
    let depth = before.matches('(').count().checked_sub(before.matches(')').count());
    let is_direct = depth == Some(1) && before.trim_start().starts_with("(&");
    match rest.trim() {
        "" | "(&)" => Some((name.to_owned(), None)),
        filter if is_direct => Some((name.to_owned(), Some(filter.to_owned()))),
        _ => None,
    }
}

/// The statuses that a condition of user-sync names: `user.status == "ACTIVE" or user.status == "LOCKED_OUT"`.
pub(super) fn okta_statuses(condition: &str) -> Option<Vec<String>> {
    // Those of `enabled`. Nobody who was deactivated is read.
    const KNOWN: [&str; 7] =
        ["STAGED", "PROVISIONED", "ACTIVE", "RECOVERY", "PASSWORD_EXPIRED", "LOCKED_OUT", "SUSPENDED"];
    let condition = condition.trim();
    let named: Vec<&str> = match condition.strip_prefix("user.status in ") {
        Some(rest) => rest.trim().strip_prefix(['[', '('])?.strip_suffix([']', ')'])?.split(',').collect(),
        None => condition
            .split(" or ")
            .map(|part| part.trim().strip_prefix("user.status")?.trim_start().strip_prefix("=="))
            .collect::<Option<_>>()?,
    };
    let status = |text: &str| {
        let text = text.trim();
        let quote = text.chars().next().filter(|quote| ['"', '\''].contains(quote))?;
        let text = text.strip_prefix(quote)?.strip_suffix(quote)?;
        KNOWN.contains(&text).then(|| text.to_owned())
    };
    named.into_iter().map(status).collect()
}

/// The name of an encoding of Python, as the WHATWG has it.
fn python_encoding(name: &str) -> String {
    let name = name.to_ascii_lowercase().replace('_', "-");
    match name.as_str() {
        "cp1252" | "latin-1" | "latin1" | "iso8859-1" => "windows-1252".to_owned(),
        _ => match name.strip_prefix("cp125") {
            Some(number) => format!("windows-125{number}"),
            None => name,
        },
    }
}
