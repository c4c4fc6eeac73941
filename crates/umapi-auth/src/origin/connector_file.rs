//! The connector file (`connector-umapi.yml`) of Adobe's user-sync tool: a login, and the addresses it is for.

mod settings;

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use umapi_http::{Server, ServerUrl};

use self::settings::{Place, Setting, Settings};
use super::{Field, Fields, KeyText, Names, read};
use crate::{Credentials, Endpoint, Error, Secret, credentials::check_organization};

/// The host and the path of the service in production, which user-sync takes for missing settings.
const SERVICE_HOST: &str = "usermanagement.adobe.io";
const SERVICE_PATH: &str = "/v2/usermanagement";

/// The connector file of Adobe's user-sync tool, usually `connector-umapi.yml`.
///
/// Every setting that user-sync reads is read, by its older name too: the method and the plain values of the login under
/// `enterprise:`, the names of entries in the system keyring (`secure_…_key`), and under `server:` the addresses of the login
/// and of the service, the timeout and the number of attempts. A setting that nobody knows, and one that has no equivalent
/// here, is an error: it may be what makes user-sync safe to run, such as `test_mode`.
///
/// Log in with [`credentials`](Self::credentials), and pass the other settings on:
///
/// ```
/// use umapi_auth::ConnectorFile;
///
/// let yaml = "authentication_method: oauth
/// server:
///   host: um.example
///   auth_host: ims.example
/// enterprise:
///   org_id: 12345@AdobeOrg
///   client_id: client id
///   client_secret: client secret
/// ";
/// let file = ConnectorFile::parse(yaml, ".".as_ref())?;
/// assert_eq!(file.service_url(), Some("https://um.example/v2/usermanagement"));
/// let credentials = file.credentials()?;
/// assert_eq!(credentials.endpoint().to_string(), "https://ims.example");
/// # Ok::<(), umapi_auth::Error>(())
/// ```
///
/// A program with access to the system keyring, such as the command `umapi`, passes it on, and shows what it does not use:
///
/// ```
/// use std::{convert::Infallible, path::Path};
///
/// use umapi_auth::{ConnectorFile, KeyringEntry, Secret};
///
/// let yaml = "authentication_method: oauth
/// server:
///   timeout: 30
/// enterprise:
///   org_id: 12345@AdobeOrg
///   client_id: client id
///   secure_client_secret_key: umapi secret
/// ";
/// let file = ConnectorFile::parse(yaml, Path::new("/etc/user-sync"))?;
/// println!("{:?} {:?} {:?}", file.timeout(), file.private_key_path(), file.ignored());
/// println!("logs in at {}", file.login_server());
/// let entries: Vec<&str> = file.keyring_entries().map(KeyringEntry::service).collect();
/// assert_eq!(entries, ["umapi secret"]);
///
/// let keyring = |entry: &KeyringEntry| -> Result<Option<Secret>, Infallible> {
///     Ok((entry.service() == "umapi secret").then(|| Secret::from("s8e-EXAMPLE")))
/// };
/// assert_eq!(file.credentials_with(keyring)?.client_id(), "client id");
/// # Ok::<(), umapi_auth::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ConnectorFile {
    /// The file as errors name it.
    origin: String,
    method: Method,
    organization: String,
    technical_account: Option<String>,
    client_id: Value,
    client_secret: Value,
    private_key: Option<Key>,
    passphrase: Option<Value>,
    endpoint: Endpoint,
    service_url: Option<String>,
    timeout: Option<Duration>,
    attempts: Option<u32>,
    ignored: Vec<String>,
}

/// An entry of the system keyring, as user-sync names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyringEntry {
    service: String,
    user: String,
    /// The setting that names the entry, and its place.
    setting: String,
    /// The setting that can replace it.
    plain_setting: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Jwt,
    OAuth,
}

/// A value, or where it is.
#[derive(Clone, Debug)]
enum Value {
    Plain(Secret),
    Keyring(KeyringEntry),
}

#[derive(Clone, Debug)]
enum Key {
    Path(PathBuf),
    Text(Value),
}

impl KeyringEntry {
    /// The service of the entry, which the file names.
    pub fn service(&self) -> &str {
        &self.service
    }

    /// The user of the entry: the organization id.
    pub fn user(&self) -> &str {
        &self.user
    }
}

impl fmt::Display for KeyringEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the entry `{}` of the user `{}`", self.service, self.user)
    }
}

impl ConnectorFile {
    /// Reads a connector file. Relative paths in it start at its folder.
    ///
    /// `ssl_verify: false` has no effect: certificates are always verified. Pass the certificates of a proxy or an emulator to
    /// [`HttpOptions::root_certificates`](crate::HttpOptions::root_certificates).
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or a setting is missing, unknown or cannot be used. The error names all such settings,
    /// with their lines. It does not quote secrets.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let folder = path.parent().unwrap_or(Path::new("."));
        Self::parse_from(path.display().to_string(), read(path)?.reveal(), folder)
    }

    /// Like [`read`](Self::read), from the text of the file and the folder for relative paths.
    ///
    /// # Errors
    ///
    /// See [`read`](Self::read).
    pub fn parse(yaml: &str, folder: &Path) -> Result<Self, Error> {
        Self::parse_from("connector-umapi.yml".to_owned(), yaml, folder)
    }

    fn parse_from(origin: String, yaml: &str, folder: &Path) -> Result<Self, Error> {
        // Nesting takes stack; user-sync's settings have three levels.
        let options = serde_saphyr::options! { budget: serde_saphyr::budget! { max_depth: 8 } };
        let settings: Settings = serde_saphyr::from_str_with_options(yaml, options).map_err(|error| {
            // The position without the text, which may be a secret.
            let place = error.location().map_or_else(String::new, |at| format!("{}: ", Place::of(&at)));
            let why = match error.without_snippet() {
                serde_saphyr::Error::DuplicateMappingKey { .. } => "the setting is there twice; remove one of them",
                _ => "this is not the YAML of user-sync; compare it with the file that user-sync runs with",
            };
            Error::invalid(format!("{origin}: {place}{why}"))
        })?;
        Reader { settings: &settings, mistakes: Vec::new() }.read(origin, folder)
    }

    /// The organization.
    pub fn organization(&self) -> &str {
        &self.organization
    }

    /// The client id. `None` if it is in the keyring.
    pub fn client_id(&self) -> Option<&str> {
        match &self.client_id {
            Value::Plain(id) => Some(id.reveal()),
            Value::Keyring(_) => None,
        }
    }

    /// The technical account of a service account.
    pub fn technical_account(&self) -> Option<&str> {
        self.technical_account.as_deref()
    }

    /// The login server. [`credentials`](Self::credentials) log in to it.
    pub fn login_server(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The URL of the service that the login is for. `None` for production.
    pub fn service_url(&self) -> Option<&str> {
        self.service_url.as_deref()
    }

    /// The longest time for one request, if the file sets it.
    pub fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    /// The largest number of attempts of a request, if the file sets it.
    pub fn attempts(&self) -> Option<u32> {
        self.attempts
    }

    /// The settings that have no effect, and why. The connection is at least as safe without them.
    pub fn ignored(&self) -> &[String] {
        &self.ignored
    }

    /// The file of the private key, if the key is not in the connector file itself.
    pub fn private_key_path(&self) -> Option<&Path> {
        match &self.private_key {
            Some(Key::Path(path)) => Some(path),
            _ => None,
        }
    }

    /// The entries of the system keyring that the login needs.
    pub fn keyring_entries(&self) -> impl Iterator<Item = &KeyringEntry> {
        let key = match &self.private_key {
            Some(Key::Text(value)) => Some(value),
            _ => None,
        };
        let values = [Some(&self.client_id), Some(&self.client_secret), key, self.passphrase.as_ref()];
        values.into_iter().flatten().filter_map(|value| match value {
            Value::Keyring(entry) => Some(entry),
            Value::Plain(_) => None,
        })
    }

    /// Returns the login of a file that needs no keyring.
    ///
    /// # Errors
    ///
    /// If a value is in the keyring, or the private key cannot be used. The error names the setting.
    pub fn credentials(&self) -> Result<Credentials, Error> {
        match self.keyring_entries().next() {
            None => self.credentials_with(|_| Ok::<_, Error>(None)),
            Some(entry) => Err(Error::invalid(format!(
                "{}: {} refers to the system keyring, which is not read here; set `enterprise.{}` instead",
                self.origin, entry.setting, entry.plain_setting
            ))),
        }
    }

    /// Returns the login, with the values that a keyring has. The keyring returns `None` for an entry that does not exist.
    ///
    /// # Errors
    ///
    /// If an entry is missing or cannot be read, or the private key cannot be used. The error names the setting. A file with
    /// `authentication_method: jwt` needs the feature `jwt`.
    pub fn credentials_with<E: fmt::Display>(
        &self,
        mut keyring: impl FnMut(&KeyringEntry) -> Result<Option<Secret>, E>,
    ) -> Result<Credentials, Error> {
        let names = names(&self.origin);
        if let Method::Jwt = self.method {
            names.check_service_account()?;
        }
        let mut reveal = |value: &Value| match value {
            Value::Plain(text) => Ok(text.clone()),
            Value::Keyring(entry) => {
                let found = keyring(entry).map_err(|error| names.invalid(format!("{}: {error}", entry.setting)))?;
                found.filter(|secret| !secret.is_blank()).ok_or_else(|| {
                    names.invalid(format!(
                        "{} refers to {entry} in the system keyring, which does not exist; store it there, or set \
                         `enterprise.{}` in the file",
                        entry.setting, entry.plain_setting
                    ))
                })
            }
        };
        let private_key = match &self.private_key {
            None => None,
            Some(Key::Path(path)) => {
                let found = format!("`enterprise.priv_key_path` ({})", path.display());
                let text = read(path).map_err(|error| names.invalid(format!("`enterprise.priv_key_path`: {error}")))?;
                Some(KeyText { text, found })
            }
            Some(Key::Text(value)) => {
                let found = match value {
                    Value::Plain(_) => "`enterprise.priv_key_data`".to_owned(),
                    Value::Keyring(entry) => entry.setting.clone(),
                };
                Some(KeyText { text: reveal(value)?, found })
            }
        };
        let fields = Fields {
            organization: Some(self.organization.clone()),
            technical_account: self.technical_account.clone(),
            client_id: Some(reveal(&self.client_id)?.reveal().to_owned()),
            client_secrets: vec![reveal(&self.client_secret)?],
            private_key,
            passphrase: self.passphrase.as_ref().map(&mut reveal).transpose()?,
            ..Fields::default()
        };
        let credentials = match self.method {
            Method::Jwt => fields.into_service_account(&names)?,
            Method::OAuth => fields.into_oauth(&names)?,
        };
        Ok(credentials.with_endpoint(self.endpoint.clone()))
    }
}

fn names(origin: &str) -> Names<'_> {
    Names {
        origin,
        name_of: |field| match field {
            Field::Organization => "`enterprise.org_id`",
            Field::TechnicalAccount => "`enterprise.tech_acct_id`",
            Field::ClientId => "`enterprise.client_id`",
            Field::ClientSecret => "`enterprise.client_secret`",
            Field::PrivateKey => "`enterprise.priv_key_path` (or `enterprise.priv_key_data`)",
        },
    }
}

/// Reads the settings, and collects everything that is wrong with them.
struct Reader<'a> {
    settings: &'a Settings,
    mistakes: Vec<String>,
}

impl<'a> Reader<'a> {
    fn read(mut self, origin: String, folder: &Path) -> Result<ConnectorFile, Error> {
        let names = names(&origin);
        self.reject_unknown();
        self.reject_test_mode();
        let ignored = self.ignored();
        let method = self.method();
        let endpoint = self.endpoint(method.unwrap_or(Method::OAuth));
        let service_url = self.service_url();
        let timeout = self.number("timeout", "seconds").map(|seconds| Duration::from_secs(seconds.into()));
        let attempts = self.number("retries", "attempts");
        let organization = self.organization(&names);
        let technical_account = self.only_one("tech_acct_id", "tech_acct");
        let user = organization.clone().unwrap_or_default();
        let client_id = self.client_id(&user);
        let client_secret = self.value("client_secret", &["secure_client_secret_key"], &user);
        let private_key = self.private_key(folder, &user);
        let passphrase = self.value("priv_key_pass", &["secure_priv_key_pass_key", "secure_priv_pass_key"], &user);
        for (field, is_missing) in
            [(Field::ClientId, client_id.is_none()), (Field::ClientSecret, client_secret.is_none())]
        {
            if is_missing {
                self.mistakes.push(names.missing_text(field));
            }
        }
        match method {
            Some(Method::OAuth) => self.reject_fields_of_jwt(),
            Some(Method::Jwt) if technical_account.is_none() && private_key.is_none() => {
                self.mistakes.push(self.neither_method());
            }
            Some(Method::Jwt) => {
                let account = (Field::TechnicalAccount, technical_account.is_none());
                for (field, is_missing) in [account, (Field::PrivateKey, private_key.is_none())] {
                    if is_missing {
                        self.mistakes.push(names.missing_text(field));
                    }
                }
            }
            None => {}
        }
        match (method, organization, client_id, client_secret, endpoint) {
            (Some(method), Some(organization), Some(client_id), Some(client_secret), Some(endpoint))
                if self.mistakes.is_empty() =>
            {
                Ok(ConnectorFile {
                    origin: names.origin.to_owned(),
                    method,
                    organization,
                    technical_account: technical_account.map(|setting| setting.plain().to_owned()),
                    client_id,
                    client_secret,
                    private_key,
                    passphrase,
                    endpoint,
                    service_url,
                    timeout,
                    attempts,
                    ignored,
                })
            }
            _ => Err(Error::invalid(match self.mistakes.as_slice() {
                [only] => format!("{}: {only}", names.origin),
                all => format!("{}: {} mistakes\n{}", names.origin, all.len(), all.join("\n")),
            })),
        }
    }

    fn server(&self, key: &str) -> Option<&'a Setting> {
        self.settings.get("server", key)
    }

    fn enterprise(&self, key: &str) -> Option<&'a Setting> {
        self.settings.get("enterprise", key)
    }

    fn reject_unknown(&mut self) {
        for unknown in &self.settings.unknown {
            self.mistakes.push(format!(
                "{}: `{}` is not a setting of user-sync; correct its name (the settings there are {}), or remove it",
                unknown.place,
                unknown.name,
                unknown.known.join(", ")
            ));
        }
    }

    /// With `test_mode`, user-sync changes nothing. Without it, the same file would change the organization.
    fn reject_test_mode(&mut self) {
        let setting = self.settings.get("", "test_mode");
        if let Some(setting) = setting.filter(|setting| as_bool(setting) != Some(false)) {
            self.mistakes.push(format!(
                "{} is not supported, and every change would be applied; remove it, and try changes as a dry run",
                setting.name()
            ));
        }
    }

    fn ignored(&mut self) -> Vec<String> {
        let mut ignored = Vec::new();
        for (section, key) in [("", "ssl_cert_verify"), ("", "ssl_verify"), ("server", "ssl_verify")] {
            let Some(setting) = self.settings.get(section, key) else { continue };
            match as_bool(setting) {
                Some(true) => {}
                Some(false) => ignored.push(format!(
                    "{} has no effect: certificates are always verified; trust the certificates of a proxy as root \
                     certificates instead",
                    setting.name()
                )),
                None => self.mistakes.push(format!("{} must be true or false", setting.name())),
            }
        }
        ignored
    }

    fn method(&mut self) -> Option<Method> {
        let Some(setting) = self.settings.get("", "authentication_method") else { return Some(Method::Jwt) };
        match setting.plain() {
            "jwt" => Some(Method::Jwt),
            "oauth" => Some(Method::OAuth),
            // Values are not quoted: in a file that was edited wrongly, any of them may be a secret.
            _ => {
                self.mistakes.push(format!("{} must be `jwt` or `oauth`", setting.name()));
                None
            }
        }
    }

    fn neither_method(&self) -> String {
        match self.settings.get("", "authentication_method") {
            None => "`authentication_method` is missing, so user-sync would use `jwt`, which needs `enterprise.tech_acct_id` and \
                     `enterprise.priv_key_path`; for an OAuth Server-to-Server credential, which needs neither, add the line \
                     `authentication_method: oauth`"
                .to_owned(),
            Some(setting) => format!(
                "{} is `jwt`, which needs `enterprise.tech_acct_id` and `enterprise.priv_key_path`; set them or, for an OAuth \
                 Server-to-Server credential, which needs neither, change it to `oauth`",
                setting.name()
            ),
        }
    }

    fn reject_fields_of_jwt(&mut self) {
        for key in [
            "tech_acct_id",
            "tech_acct",
            "priv_key_path",
            "priv_key_data",
            "secure_priv_key_data_key",
            "priv_key_pass",
            "secure_priv_key_pass_key",
            "secure_priv_pass_key",
        ] {
            if let Some(setting) = self.enterprise(key) {
                self.mistakes.push(format!(
                    "{} is not used with `authentication_method: oauth`; remove one of the two",
                    setting.name()
                ));
            }
        }
    }

    /// The URL that the paths of the login are appended to.
    fn endpoint(&mut self, method: Method) -> Option<Endpoint> {
        let (method_name, paths): (_, &[&str]) = match method {
            Method::Jwt => ("jwt", &["/ims/exchange/jwt"]),
            Method::OAuth => ("oauth", &["/ims/token/v3", "/ims/token/v2"]),
        };
        let host = self.only_one_in_server("ims_host", "auth_host");
        let path = self.only_one_in_server("ims_endpoint_jwt", "auth_endpoint");
        let prefix = match path {
            None => "",
            Some(setting) => {
                let path = setting.plain().trim_end_matches('/');
                match paths.iter().find_map(|known| path.strip_suffix(known)) {
                    Some(prefix) if prefix.is_empty() || prefix.starts_with('/') => prefix,
                    _ => {
                        self.mistakes.push(format!(
                            "{} is not an endpoint of the method `{method_name}`; remove it, or use `{}`",
                            setting.name(),
                            paths.join("` or `")
                        ));
                        return None;
                    }
                }
            }
        };
        let authority = match host {
            None => Endpoint::PRODUCTION.trim_start_matches("https://"),
            Some(setting) => self.host(setting, "ims-na1.adobelogin.com")?,
        };
        match Endpoint::parse(&format!("https://{authority}{prefix}")) {
            Ok(endpoint) => Some(endpoint),
            Err(error) => {
                let name = host.or(path).map(Setting::name).unwrap_or_default();
                self.mistakes.push(format!("{name}: {error}"));
                None
            }
        }
    }

    /// The URL of the service. `None` for production.
    fn service_url(&mut self) -> Option<String> {
        let (host, path) = (self.server("host"), self.server("endpoint"));
        let setting = host.or(path)?;
        let authority = match host {
            None => SERVICE_HOST,
            Some(setting) => self.host(setting, SERVICE_HOST)?,
        };
        let path = path.map_or(SERVICE_PATH, Setting::plain).trim_end_matches('/');
        if !(path.is_empty() || path.starts_with('/')) {
            let name = self.server("endpoint").map(Setting::name).unwrap_or_default();
            self.mistakes.push(format!("{name} must be a path, e.g. {SERVICE_PATH}"));
            return None;
        }
        const EXAMPLE: Server =
            Server { name: "service", example: "https://usermanagement.adobe.io/v2/usermanagement" };
        match ServerUrl::parse(&format!("https://{authority}{path}"), EXAMPLE) {
            Ok(url) if url.as_str() == EXAMPLE.example => None,
            Ok(url) => Some(url.as_str().to_owned()),
            Err(error) => {
                self.mistakes.push(format!("{}: {error}", setting.name()));
                None
            }
        }
    }

    /// A host name, optionally with a port.
    fn host(&mut self, setting: &'a Setting, example: &str) -> Option<&'a str> {
        let host = setting.plain();
        if host.contains(['/', '@', '?', '#']) {
            // An address may contain a password, so it is not quoted.
            self.mistakes.push(format!("{} must be a host name, e.g. {example}", setting.name()));
            return None;
        }
        Some(host)
    }

    fn number(&mut self, key: &str, unit: &str) -> Option<u32> {
        let setting = self.server(key)?;
        let number = setting.plain().parse().ok().filter(|number| *number > 0);
        if number.is_none() {
            self.mistakes.push(format!("{} must be a number of {unit}, 1 or more", setting.name()));
        }
        number
    }

    fn organization(&mut self, names: &Names<'_>) -> Option<String> {
        let Some(setting) = self.enterprise("org_id") else {
            self.mistakes.push(names.missing_text(Field::Organization));
            return None;
        };
        if check_organization(setting.plain()).is_err() {
            self.mistakes
                .push(format!("{} must be a hexadecimal number and `@AdobeOrg`, e.g. 12345@AdobeOrg", setting.name()));
            return None;
        }
        Some(setting.plain().to_owned())
    }

    fn client_id(&mut self, user: &str) -> Option<Value> {
        let plain = self.only_one("client_id", "api_key");
        let keyring = self.only_one("secure_client_id_key", "secure_api_key_key");
        self.plain_or_keyring("client_id", plain, keyring, user).map(|value| match value {
            Value::Plain(id) => Value::Plain(Secret::from(id.reveal().trim())),
            keyring => keyring,
        })
    }

    fn value(&mut self, plain: &'static str, keyring: &[&str], user: &str) -> Option<Value> {
        let keyring = keyring.iter().find_map(|key| self.enterprise(key));
        self.plain_or_keyring(plain, self.enterprise(plain), keyring, user)
    }

    fn private_key(&mut self, folder: &Path, user: &str) -> Option<Key> {
        let data = self.value("priv_key_data", &["secure_priv_key_data_key"], user);
        let Some(path) = self.enterprise("priv_key_path") else { return data.map(Key::Text) };
        if data.is_some() {
            self.mistakes.push(format!("{} is there, and the key itself too; remove one of them", path.name()));
        }
        Some(Key::Path(folder.join(path.plain())))
    }

    fn plain_or_keyring(
        &mut self,
        plain_setting: &'static str,
        plain: Option<&Setting>,
        keyring: Option<&Setting>,
        user: &str,
    ) -> Option<Value> {
        if let (Some(plain), Some(keyring)) = (plain, keyring) {
            self.mistakes.push(format!("{} and {} are both set; remove one of them", plain.name(), keyring.name()));
        }
        match (plain, keyring) {
            (Some(plain), _) => Some(Value::Plain(plain.text.clone())),
            (None, Some(setting)) => Some(Value::Keyring(KeyringEntry {
                service: setting.plain().to_owned(),
                user: user.to_owned(),
                setting: setting.name(),
                plain_setting,
            })),
            (None, None) => None,
        }
    }

    /// A setting of the enterprise that has two names. Both would leave open which one counts.
    fn only_one(&mut self, name: &str, other_name: &str) -> Option<&'a Setting> {
        self.one_of(self.enterprise(name), self.enterprise(other_name))
    }

    fn only_one_in_server(&mut self, name: &str, other_name: &str) -> Option<&'a Setting> {
        self.one_of(self.server(name), self.server(other_name))
    }

    fn one_of(&mut self, one: Option<&'a Setting>, other: Option<&'a Setting>) -> Option<&'a Setting> {
        if let (Some(one), Some(other)) = (one, other) {
            self.mistakes.push(format!("{} and {} mean the same; remove one of them", one.name(), other.name()));
        }
        one.or(other)
    }
}

/// A truth value as user-sync reads it (YAML 1.1).
fn as_bool(setting: &Setting) -> Option<bool> {
    match setting.plain().to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" => Some(true),
        "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

#[cfg(all(test, feature = "jwt"))]
mod tests;

#[cfg(all(test, not(feature = "jwt")))]
mod tests {
    use super::*;

    #[test]
    fn the_method_jwt_names_the_missing_feature() {
        let yaml = "enterprise:\n  org_id: 12345@AdobeOrg\n  client_id: id\n  client_secret: planted\n  \
                    tech_acct_id: 1@techacct.adobe.com\n  priv_key_path: no-such-file\n";
        let file = ConnectorFile::parse(yaml, Path::new(".")).unwrap();
        let error = file.credentials().unwrap_err().to_string();
        assert!(error.contains("connector-umapi.yml: ") && error.contains("the feature `jwt`"), "{error}");
    }
}
