//! Access to an organization: which one a call uses, and how it logs in.

use std::{env::VarError, fmt, path::Path};

use umapi::auth::{Credentials, Proxy};

use super::ConfigFile;
use crate::{
    failure::{Failure, Result},
    options::GlobalArgs,
};

/// An organization, its login, and their addresses.
pub(crate) struct Access {
    pub(crate) origin: Origin,
    pub(crate) organization: String,
    pub(crate) credentials: Credentials,
    /// The address of the service; `None` for production.
    pub(crate) server: Option<String>,
    /// Additional certificates to trust, as PEM.
    pub(crate) root_certificates: Option<Vec<u8>>,
    pub(crate) proxy: Option<Proxy>,
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
        if let Some(name) = &arguments.profile {
            return Self::of_profile(&ConfigFile::read(arguments.config.as_deref())?, name);
        }
        if std::env::var_os("UMAPI_CLIENT_ID").is_some_and(|id| !id.is_empty()) {
            return Self::of_environment();
        }
        let file = ConfigFile::read(arguments.config.as_deref())?;
        match file.default_profile() {
            Some(name) => Self::of_profile(&file, name),
            None if file.profiles().is_empty() => Err(Failure::usage("no organization is configured")
                .why(format!("{} has no profiles, and UMAPI_CLIENT_ID is not set", file.path().display()))
                .remedy(
                    "add a profile with \"umapi config add NAME\", or import one from user-sync with\n\
                     \"umapi config import FILE\"; to try a command without an organization, add --emulator",
                )),
            None => Err(Failure::usage("no organization is selected")
                .why(format!(
                    "{} has several profiles ({}) and no default profile",
                    file.path().display(),
                    file.profiles().keys().map(String::as_str).collect::<Vec<_>>().join(", ")
                ))
                .remedy("select one with --profile NAME, or set the default profile with \"umapi config use NAME\"")),
        }
    }

    fn of_profile(file: &ConfigFile, name: &str) -> Result<Self> {
        let profile = file.profile(name)?;
        let credentials = profile.credentials(name, file.folder())?;
        let organization = profile.organization.as_deref().or(credentials.organization());
        let organization = organization.map(str::to_owned).ok_or_else(|| {
            Failure::usage(format!("profile \"{name}\" has no organization"))
                .remedy(format!("set it with \"umapi config add {name} --organization 12345@AdobeOrg\""))
        })?;
        Ok(Self {
            origin: Origin::Profile(name.to_owned()),
            organization,
            credentials,
            server: profile.server.clone(),
            root_certificates: profile
                .root_certificates
                .as_deref()
                .map(|path| read_roots(&file.folder().join(path)))
                .transpose()?,
            proxy: profile.proxy.as_deref().map(proxy).transpose()?,
        })
    }

    fn of_environment() -> Result<Self> {
        let unusable = |why: &dyn fmt::Display| {
            Failure::usage("cannot log in with the environment variables")
                .why(why)
                .remedy("see \"umapi help configuration\" for the variables, or use a profile with --profile NAME")
        };
        let credentials = Credentials::from_env().map_err(|error| unusable(&error))?;
        let organization = credentials.organization().ok_or_else(|| unusable(&"UMAPI_ORG_ID is not set"))?.to_owned();
        let roots = std::env::var_os("UMAPI_ROOT_CERTIFICATES").filter(|path| !path.is_empty());
        // An unusable address must not fall back to production.
        let server = match std::env::var("UMAPI_URL") {
            Ok(url) => Some(url).filter(|url| !url.trim().is_empty()),
            Err(VarError::NotPresent) => None,
            Err(VarError::NotUnicode(_)) => return Err(unusable(&"UMAPI_URL is not Unicode text")),
        };
        Ok(Self {
            origin: Origin::Environment,
            organization,
            credentials,
            server,
            root_certificates: roots.map(|path| read_roots(Path::new(&path))).transpose()?,
            proxy: None,
        })
    }
}

fn read_roots(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| {
        Failure::usage("cannot read the root certificates")
            .why(format!("{}: {error}", path.display()))
            .remedy("use a file with PEM certificates")
    })
}

fn proxy(address: &str) -> Result<Proxy> {
    Proxy::new(address).map_err(|error| {
        Failure::usage("cannot use the proxy of the profile").why(error).remedy("correct `proxy` in the profile")
    })
}
