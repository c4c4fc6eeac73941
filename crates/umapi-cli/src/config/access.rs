//! What a call uses: one organization, and its login.

use std::{env::VarError, fmt, path::Path};

use umapi::auth::{Credentials, Proxy};

use super::ConfigFile;
use crate::{
    failure::{Failure, Result},
    options::GlobalArgs,
};

/// One organization, its login, and where both are.
pub(crate) struct Access {
    pub(crate) origin: Origin,
    pub(crate) organization: String,
    pub(crate) credentials: Credentials,
    /// The address of the service, if not that of production.
    pub(crate) server: Option<String>,
    /// Certificates to trust beside those of the machine, as PEM.
    pub(crate) root_certificates: Option<Vec<u8>>,
    pub(crate) proxy: Option<Proxy>,
}

/// Where the login comes from.
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
            Self::Emulator => f.write_str("throw-away emulator"),
        }
    }
}

impl Access {
    /// Finds what to use: the profile that was named, else the environment if it has a client id, else the default profile.
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
            None if file.profiles().is_empty() => Err(Failure::usage("no organization is known")
                .why(format!("{} has no profile, and UMAPI_CLIENT_ID is not set", file.path().display()))
                .remedy(
                    "umapi config add NAME makes a profile, umapi config import takes one over from user-sync;\n\
                     umapi --emulator … runs the command against a throw-away organization",
                )),
            None => Err(Failure::usage("which organization?")
                .why(format!(
                    "{} has several profiles ({}) and names no default",
                    file.path().display(),
                    file.profiles().keys().map(String::as_str).collect::<Vec<_>>().join(", ")
                ))
                .remedy("add --profile NAME, or name the default once: umapi config use NAME")),
        }
    }

    fn of_profile(file: &ConfigFile, name: &str) -> Result<Self> {
        let profile = file.profile(name)?;
        let credentials = profile.credentials(name, file.folder())?;
        let organization = profile.organization.as_deref().or(credentials.organization());
        let organization = organization.map(str::to_owned).ok_or_else(|| {
            Failure::usage(format!("the profile `{name}` names no organization"))
                .why("the login does not say which organization it is for")
                .remedy(format!("umapi config add {name} --organization 12345@AdobeOrg"))
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
            Failure::usage("the environment variables do not make a login")
                .why(why)
                .remedy("umapi help configuration lists them; --profile NAME takes a profile in their place")
        };
        let credentials = Credentials::from_env().map_err(|error| unusable(&error))?;
        let organization = credentials.organization().ok_or_else(|| unusable(&"UMAPI_ORG_ID is not set"))?.to_owned();
        let roots = std::env::var_os("UMAPI_ROOT_CERTIFICATES").filter(|path| !path.is_empty());
        // An address that cannot be used must not lead to the service in production.
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
        Failure::usage("cannot read the certificates to trust")
            .why(format!("{}: {error}", path.display()))
            .remedy("name a file with certificates in PEM")
    })
}

fn proxy(address: &str) -> Result<Proxy> {
    Proxy::new(address)
        .map_err(|error| Failure::usage("the proxy of the profile cannot be used").why(error).remedy("correct `proxy`"))
}
