//! Access to an organization: which one a call uses, and how it logs in.

use std::{
    env::{self, VarError},
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use umapi::auth::{Credentials, Proxy, Secret};

use super::{ConfigFile, ProfileField, ProfileInUse, SecretSource, Shared, TextSource, file::quote, value};
use crate::{
    failure::{Failure, Result},
    options::GlobalArgs,
    private_file,
};

/// The variables of a login, except the client id, which selects them.
const VARIABLES: [&str; 8] = [
    "UMAPI_ORG_ID",
    "UMAPI_CLIENT_SECRET",
    "UMAPI_TECHNICAL_ACCOUNT_ID",
    "UMAPI_PRIVATE_KEY",
    "UMAPI_PRIVATE_KEY_PATH",
    "UMAPI_PRIVATE_KEY_PASSPHRASE",
    "UMAPI_URL",
    "UMAPI_IMS_URL",
];

/// An organization, its login, and their addresses.
pub(crate) struct Access {
    pub(crate) origin: Origin,
    pub(crate) organization: String,
    pub(crate) credentials: Credentials,
    /// The address of the service; `None` for production.
    pub(crate) server: Option<String>,
    /// Additional certificates to trust, as PEM.
    pub(crate) root_certificates: Vec<Vec<u8>>,
    pub(crate) proxy: Option<Proxy>,
    /// The longest time for one request, if the source of the login sets it.
    pub(crate) timeout: Option<Duration>,
    /// The largest number of attempts of a request, if the source of the login sets it.
    pub(crate) attempts: Option<u32>,
    /// Where the limits and the token are shared with other processes.
    #[cfg_attr(not(feature = "redis"), allow(dead_code, reason = "nothing uses it then"))]
    pub(crate) shared: Option<Shared>,
    /// How to replace a client secret that is rejected.
    pub(crate) secret_remedy: String,
    /// What the user should know before anything is sent.
    pub(crate) warnings: Vec<String>,
}

/// The origin of a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Profile(String),
    Environment,
    Emulator,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Profile(name) => write!(f, "profile {name}"),
            Self::Environment => f.write_str("environment variables"),
            Self::Emulator => f.write_str("temporary emulator"),
        }
    }
}

impl Access {
    /// Selects the organization and its login.
    ///
    /// The named profile comes first, then the environment if it has a client id, then the default profile.
    pub(crate) fn find(arguments: &GlobalArgs) -> Result<Self> {
        let config = arguments.config.as_deref();
        if let Some(name) = arguments.profile.as_deref().filter(|name| !name.is_empty()) {
            let file = ConfigFile::read(config)?;
            let mut access = Self::of_profile(&file, name, arguments.strict_permissions)?;
            for variable in ["UMAPI_URL", "UMAPI_IMS_URL"].into_iter().filter(|name| is_set(name)) {
                access
                    .warnings
                    .push(format!("{variable} has no effect beside the profile {name}, which has its own addresses"));
            }
            return Ok(access);
        }
        let file = ConfigFile::read(config)?;
        if is_set("UMAPI_CLIENT_ID") {
            return Self::of_environment(&file, arguments.strict_permissions);
        }
        match file.default_profile() {
            Some(name) => {
                reject_half_an_environment(&file, name)?;
                Self::of_profile(&file, name, arguments.strict_permissions)
            }
            None if file.profiles().is_empty() => Err(Failure::usage("no organization is configured")
                .why(format!("{} has no profiles, and UMAPI_CLIENT_ID is not set", file.path().display()))
                .remedy(
                    "add a profile with \"umapi config add main\", or import one from user-sync with\n\
                     \"umapi config import connector-umapi.yml\"; to try a command without an organization, add --emulator",
                )),
            None => {
                let names: Vec<&str> = file.profiles().keys().map(String::as_str).collect();
                let first = quote(names.first().copied().unwrap_or_default());
                Err(Failure::usage("no organization is selected")
                    .why(format!(
                        "{} has several profiles ({}) and no default profile",
                        file.path().display(),
                        names.join(", ")
                    ))
                    .remedy(format!(
                        "select one, e.g. with --profile {first}, or set the default profile, e.g. with\n\
                         \"umapi config use {first}\""
                    )))
            }
        }
    }

    fn of_profile(file: &ConfigFile, name: &str, is_strict: bool) -> Result<Self> {
        let profile = ProfileInUse::of(file, name)?;
        let mut warnings = permission_warnings(&profile.private_files(), is_strict)?;
        warnings.extend(config_warning(file, is_strict)?);
        let login = profile.login()?;
        let shared = shared(file, is_strict, &mut warnings)?;
        let organization = login.credentials.organization().or(profile.profile.organization.as_deref());
        let organization = organization.map(str::to_owned).ok_or_else(|| {
            Failure::usage(format!("profile \"{name}\" has no organization"))
                .remedy(format!("set it with \"umapi config add {} --organization 12345@AdobeOrg\"", quote(name)))
        })?;
        let roots = profile.root_certificates()?;
        Ok(Self {
            origin: Origin::Profile(name.to_owned()),
            organization,
            credentials: login.credentials,
            server: login.server,
            root_certificates: roots.into_iter().chain(roots_of_environment()?).collect(),
            proxy: profile.proxy()?,
            timeout: login.timeout,
            attempts: login.attempts,
            shared,
            secret_remedy: match (profile.profile.connector_file.as_ref(), profile.profile.console_file.as_ref()) {
                (Some(path), _) => format!("correct it in {}", path.display()),
                (None, Some(path)) => format!("download {} again", path.display()),
                (None, None) => format!("store it with \"{}\"", profile.store_command(ProfileField::ClientSecret)),
            },
            warnings,
        })
    }

    fn of_environment(file: &ConfigFile, is_strict: bool) -> Result<Self> {
        let unusable = |why: &dyn fmt::Display| {
            Failure::usage("cannot log in with the environment variables")
                .why(why)
                .remedy("see \"umapi help configuration\" for the variables, or use a profile with --profile")
        };
        let credentials = Credentials::from_env().map_err(|error| unusable(&error))?;
        let organization = credentials.organization().ok_or_else(|| unusable(&"UMAPI_ORG_ID is not set"))?.to_owned();
        let key = variable("UMAPI_PRIVATE_KEY_PATH")?.map(PathBuf::from);
        let mut warnings = permission_warnings(key.as_slice(), is_strict)?;
        let shared = shared(file, is_strict, &mut warnings)?;
        Ok(Self {
            origin: Origin::Environment,
            organization,
            credentials,
            // An unusable address must not fall back to production.
            server: variable("UMAPI_URL")?,
            root_certificates: roots_of_environment()?.into_iter().collect(),
            proxy: None,
            timeout: None,
            attempts: None,
            shared,
            secret_remedy: "set UMAPI_CLIENT_SECRET again".to_owned(),
            warnings,
        })
    }
}

/// Where the limits and the token are shared, beside a profile and beside the environment.
fn shared(file: &ConfigFile, is_strict: bool, warnings: &mut Vec<String>) -> Result<Option<Shared>> {
    Ok(Shared::of(file, is_strict)?.map(|(shared, found)| {
        warnings.extend(found);
        shared
    }))
}

fn is_set(variable: &str) -> bool {
    env::var_os(variable).is_some_and(|value| !value.to_string_lossy().trim().is_empty())
}

/// The value of a variable, without quotes around it. A blank one counts as not set.
fn variable(name: &str) -> Result<Option<String>> {
    let unusable = |why: &dyn fmt::Display| {
        Failure::usage("cannot log in with the environment variables")
            .why(format!("{name}: {why}"))
            .remedy("set it again")
    };
    match env::var(name) {
        Ok(text) if text.trim().is_empty() => Ok(None),
        Ok(text) => match Secret::parse(&text) {
            Ok(value) => Ok(Some(value.reveal().to_owned())),
            Err(error) => Err(unusable(&error)),
        },
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(unusable(&"it is not Unicode text")),
    }
}

/// The certificates of `UMAPI_ROOT_CERTIFICATES`, which are trusted beside a profile too.
pub(crate) fn roots_of_environment() -> Result<Option<Vec<u8>>> {
    let path = env::var_os("UMAPI_ROOT_CERTIFICATES").filter(|_| is_set("UMAPI_ROOT_CERTIFICATES"));
    let Some(path) = path else { return Ok(None) };
    // A path need not be Unicode text; quotes are only removed from one that is.
    let plain = path.to_str().and_then(|text| Secret::parse(text).ok()).map(|text| PathBuf::from(text.reveal()));
    let path = plain.unwrap_or_else(|| PathBuf::from(&path));
    value::read_root_certificates(&path).map(Some).map_err(|error| {
        Failure::usage("cannot read the root certificates")
            .why(format!("UMAPI_ROOT_CERTIFICATES: {error}"))
            .remedy("use a file with PEM certificates")
    })
}

/// Rejects a login of which the environment has a part: the default profile may be another organization, or elsewhere.
fn reject_half_an_environment(file: &ConfigFile, name: &str) -> Result<()> {
    let profile = file.profile(name)?;
    let is_used = |variable: &str| {
        let user = match &profile.proxy_user {
            Some(TextSource::Secret(source)) => Some(source),
            _ => None,
        };
        profile.secrets().chain(user).any(|source| matches!(source, SecretSource::Env(name) if name == variable))
    };
    let set: Vec<&str> = VARIABLES.into_iter().filter(|name| is_set(name) && !is_used(name)).collect();
    if set.is_empty() {
        return Ok(());
    }
    let (verb, them) = if set.len() == 1 { ("is", "it") } else { ("are", "them") };
    Err(Failure::usage("cannot tell which login to use")
        .why(format!("{} {verb} set, but UMAPI_CLIENT_ID is not, and the default profile is {name}", set.join(", ")))
        .remedy(format!("set UMAPI_CLIENT_ID too, or unset {them}; --profile {} uses the profile alone", quote(name))))
}

/// Warns about files with secrets that other users can read. If permissions are strict, they are an error.
pub(crate) fn permission_warnings(files: &[PathBuf], is_strict: bool) -> Result<Vec<String>> {
    let open: Vec<&Path> =
        files.iter().map(PathBuf::as_path).filter(|path| private_file::is_open_to_others(path)).collect();
    let remedy = |path: &Path| format!("\"chmod 600 {}\"", quote(&path.display().to_string()));
    if is_strict && !open.is_empty() {
        let failure =
            Failure::usage("other users can read or change files with secrets, which --strict-permissions forbids");
        let failure = open.iter().fold(failure, |failure, path| failure.why(path.display()));
        let remedies: Vec<String> = open.iter().map(|path| remedy(path)).collect();
        return Err(failure.remedy(format!("run {}", remedies.join(" and "))));
    }
    let warning = |path: &&Path| {
        format!("other users can read or change {}, which contains secrets; run {}", path.display(), remedy(path))
    };
    Ok(open.iter().map(warning).collect())
}

/// A user who can change the configuration chooses where secrets are sent.
fn config_warning(file: &ConfigFile, is_strict: bool) -> Result<Option<String>> {
    if !private_file::is_writable_by_others(file.path()) {
        return Ok(None);
    }
    let path = file.path().display().to_string();
    let command = format!("\"chmod go-w {}\"", quote(&path));
    if is_strict {
        return Err(Failure::usage("other users can change the configuration, which --strict-permissions forbids")
            .why(&path)
            .remedy(format!("run {command}")));
    }
    Ok(Some(format!("other users can change {path}, which says where secrets are sent; run {command}")))
}
