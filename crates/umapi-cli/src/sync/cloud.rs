//! Directories in the cloud: their secrets, and how they are reached.

use std::{fs, path::PathBuf, sync::Arc};

use umapi::{HttpClient, HttpOptions};
use umapi_directory::{
    Directory, DirectoryError, EntraCredential, EntraDirectory, EntraSettings, GoogleDirectory, GoogleSettings,
    OktaDirectory, OktaLogin, OktaSettings,
};

use super::Setup;
use crate::{
    config::{read_root_certificates, roots_of_environment},
    connection::PRODUCT,
    context::Context,
    failure::{Failure, Result},
};

impl Setup {
    /// Opens Entra ID. Nothing is sent yet.
    pub(super) fn entra(&self, context: &Context, name: &str, settings: &EntraSettings) -> Result<Arc<dyn Directory>> {
        let credential = match (&settings.private_key, &settings.client_secret) {
            (Some(key), _) => EntraCredential::Key {
                private_key: self.secret_text(key, &format!("private key of the directory {name}"))?,
                passphrase: match &settings.private_key_passphrase {
                    Some(source) => {
                        Some(self.secret(source, &format!("passphrase of the private key of the directory {name}"))?)
                    }
                    None => None,
                },
                certificate: match &settings.certificate {
                    Some(path) => Some(self.certificate(path, name)?),
                    None => None,
                },
            },
            (None, Some(secret)) => {
                EntraCredential::Secret(self.secret(secret, &format!("client secret of the directory {name}"))?)
            }
            (None, None) => {
                return Err(Failure::usage(format!("the directory {name} has neither client_secret nor private_key"))
                    .remedy("name the place of one in [[directory]]"));
            }
        };
        let http = self.http(name, settings.root_certificates.as_ref())?;
        let directory = EntraDirectory::new(settings.clone(), credential, http, context.clock.clone());
        Ok(Arc::new(directory.map_err(|error| unusable(name, error))?))
    }

    /// Opens Okta. Nothing is sent yet.
    pub(super) fn okta(&self, context: &Context, name: &str, settings: &OktaSettings) -> Result<Arc<dyn Directory>> {
        let login = match (&settings.token, &settings.private_key) {
            (Some(token), _) => OktaLogin::Token(self.secret(token, &format!("token of the directory {name}"))?),
            (None, Some(key)) => {
                OktaLogin::Key(self.secret_text(key, &format!("private key of the directory {name}"))?)
            }
            (None, None) => {
                return Err(Failure::usage(format!("the directory {name} has neither token nor private_key"))
                    .remedy("name the place of one in [[directory]]"));
            }
        };
        let http = self.http(name, settings.root_certificates.as_ref())?;
        let directory = OktaDirectory::new(settings.clone(), login, http, context.clock.clone());
        Ok(Arc::new(directory.map_err(|error| unusable(name, error))?))
    }

    /// Opens Google Workspace. Nothing is sent yet.
    pub(super) fn google(
        &self,
        context: &Context,
        name: &str,
        settings: &GoogleSettings,
    ) -> Result<Arc<dyn Directory>> {
        let key = self.secret_text(&settings.key, &format!("key of the directory {name}"))?;
        let http = self.http(name, settings.root_certificates.as_ref())?;
        let directory = GoogleDirectory::new(settings.clone(), &key, http, context.clock.clone());
        Ok(Arc::new(directory.map_err(|error| unusable(name, error))?))
    }

    fn certificate(&self, path: &PathBuf, name: &str) -> Result<String> {
        let path = self.folder().join(path);
        fs::read_to_string(&path).map_err(|error| {
            Failure::usage(format!("cannot read the certificate of the directory {name}"))
                .why(format!("{}: {error}", path.display()))
                .remedy("name the PEM file that was uploaded to the application")
        })
    }

    /// The client for the requests of a directory: with the proxy and the certificates of the environment, and those of the
    /// directory.
    pub(super) fn http(&self, name: &str, root_certificates: Option<&PathBuf>) -> Result<HttpClient> {
        let mut options = HttpOptions::new().product(PRODUCT);
        if let Some(pem) = roots_of_environment()? {
            options = options.root_certificates(pem);
        }
        if let Some(path) = root_certificates {
            let pem = read_root_certificates(&self.folder().join(path)).map_err(|why| {
                Failure::usage(format!("cannot read the root certificates of the directory {name}"))
                    .why(why)
                    .remedy("use a file with PEM certificates")
            })?;
            options = options.root_certificates(pem);
        }
        options.build().map_err(|error| {
            Failure::usage(format!("cannot set up the HTTP client of the directory {name}")).why(error)
        })
    }
}

/// The failure of a directory whose settings cannot be used.
pub(super) fn unusable(name: &str, error: DirectoryError) -> Failure {
    let failure = Failure::usage(format!("cannot use the directory {name}")).why(&error.reason);
    error.remedy.into_iter().fold(failure, Failure::remedy)
}
