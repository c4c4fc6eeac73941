//! Credentials from the `connector-umapi.yml` file of Adobe's user-sync tool.

use std::path::Path;

use serde::{Deserialize, de::IgnoredAny};

use super::{Field, Fields, KeyText, Names, read};
use crate::{Credentials, Endpoint, Error, Secret};

const NAMES: Names = Names {
    origin: "connector-umapi.yml",
    name_of: |field| match field {
        Field::Organization => "`enterprise.org_id`",
        Field::TechnicalAccount => "`enterprise.tech_acct_id`",
        Field::ClientId => "`enterprise.client_id`",
        Field::ClientSecret => "`enterprise.client_secret`",
        Field::PrivateKey => "`enterprise.priv_key_path` (or `enterprise.priv_key_data`)",
    },
};

/// The part of the file that a login needs. Other fields are ignored.
#[derive(Deserialize)]
struct Connector {
    authentication_method: Option<String>,
    ssl_verify: Option<bool>,
    ssl_cert_verify: Option<bool>,
    server: Option<Server>,
    enterprise: Enterprise,
}

/// Each field has an older name. If both are present, the newer one wins.
#[derive(Deserialize, Default)]
struct Server {
    ims_host: Option<String>,
    auth_host: Option<String>,
    ims_endpoint_jwt: Option<String>,
    auth_endpoint: Option<String>,
    ssl_verify: Option<bool>,
}

#[derive(Deserialize)]
struct Enterprise {
    org_id: Option<String>,
    client_id: Option<String>,
    api_key: Option<String>,
    client_secret: Option<Secret>,
    tech_acct_id: Option<String>,
    tech_acct: Option<String>,
    priv_key_path: Option<String>,
    priv_key_data: Option<Secret>,
    priv_key_pass: Option<Secret>,
    // Names of entries in the system keyring. Only their presence matters.
    secure_client_id_key: Option<IgnoredAny>,
    secure_api_key_key: Option<IgnoredAny>,
    secure_client_secret_key: Option<IgnoredAny>,
    secure_priv_key_data_key: Option<IgnoredAny>,
    secure_priv_key_pass_key: Option<IgnoredAny>,
    secure_priv_pass_key: Option<IgnoredAny>,
}

impl Credentials {
    /// Reads a connector file of user-sync with the authentication method `jwt` (its default) or `oauth`.
    ///
    /// The settings are `authentication_method`, the host and the endpoint of the login under `server:` (by their older names
    /// too), and the plain values under `enterprise:`. A relative `priv_key_path` is relative to the folder of the file.
    /// `ssl_verify: false` is ignored: certificates are always verified. Pass the certificates of a proxy or an emulator to
    /// [`HttpOptions::root_certificates`](crate::HttpOptions::root_certificates).
    ///
    /// # Errors
    ///
    /// If the file cannot be read; the error names the line or the field. Values in the system keyring (the settings
    /// `secure_…_key`) are not read; the error names the setting and its replacement.
    pub fn from_connector_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let folder = path.parent().unwrap_or(Path::new("."));
        Self::from_connector_yaml(read(path)?.reveal(), folder)
    }

    /// Like [`from_connector_file`](Self::from_connector_file), from the text of the file and the folder for relative paths.
    ///
    /// ```
    /// let yaml = "authentication_method: oauth
    /// enterprise:
    ///   org_id: 12345@AdobeOrg
    ///   client_id: client id
    ///   client_secret: client secret
    /// ";
    /// let credentials = umapi_auth::Credentials::from_connector_yaml(yaml, ".".as_ref())?;
    /// assert_eq!(credentials.client_id(), "client id");
    /// # Ok::<(), umapi_auth::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// See [`from_connector_file`](Self::from_connector_file).
    pub fn from_connector_yaml(yaml: &str, folder: &Path) -> Result<Self, Error> {
        let connector: Connector = serde_saphyr::from_str(yaml).map_err(|error| {
            // The position without the text, which may be a secret.
            let place = error
                .location()
                .map_or_else(String::new, |at| format!(" at line {}, column {}", at.line(), at.column()));
            NAMES.invalid(format!("cannot be parsed{place}; it must be the YAML of user-sync, with `enterprise:`"))
        })?;
        connector.warn_about_ssl_verify();
        let server = connector.server.unwrap_or_default();
        let enterprise = connector.enterprise;
        enterprise.reject_keyring()?;
        match connector.authentication_method.as_deref().unwrap_or("jwt") {
            "jwt" => {
                let endpoint = server.endpoint("jwt", &["/ims/exchange/jwt"])?;
                let private_key = enterprise.private_key(folder)?;
                let fields = Fields { private_key, ..enterprise.into_fields()? };
                Ok(fields.into_service_account(&NAMES)?.with_endpoint(endpoint))
            }
            "oauth" => {
                let endpoint = server.endpoint("oauth", &["/ims/token/v3", "/ims/token/v2"])?;
                Ok(enterprise.into_fields()?.into_oauth(&NAMES)?.with_endpoint(endpoint))
            }
            other => Err(NAMES.invalid(format!("`authentication_method` is `{other}`; it must be `jwt` or `oauth`"))),
        }
    }
}

impl Connector {
    fn warn_about_ssl_verify(&self) {
        let of_server = self.server.as_ref().and_then(|server| server.ssl_verify);
        if [self.ssl_verify, self.ssl_cert_verify, of_server].contains(&Some(false)) {
            tracing::warn!("`ssl_verify: false` is ignored; set the root certificates to trust instead");
        }
    }
}

impl Server {
    /// The URL that the paths of the login are appended to. `paths` are the valid paths of the method.
    fn endpoint(self, method: &str, paths: &[&str]) -> Result<Endpoint, Error> {
        let (host_setting, host) = match (self.ims_host, self.auth_host) {
            (Some(host), _) => ("ims_host", Some(host)),
            (None, host) => ("auth_host", host),
        };
        let (path_setting, path) = match (self.ims_endpoint_jwt, self.auth_endpoint) {
            (Some(path), _) => ("ims_endpoint_jwt", Some(path)),
            (None, path) => ("auth_endpoint", path),
        };
        let prefix = match &path {
            None => "",
            Some(path) => {
                let path = path.trim_end_matches('/');
                paths.iter().find_map(|known| path.strip_suffix(known)).ok_or_else(|| {
                    NAMES.invalid(format!(
                        "`server.{path_setting}` is `{path}`, which is not an endpoint of the method `{method}`; remove it, \
                         or use `{}`",
                        paths.join("` or `")
                    ))
                })?
            }
        };
        let Some(host) = host else {
            return Endpoint::parse(&format!("{}{prefix}", Endpoint::PRODUCTION));
        };
        if host.contains('/') {
            return Err(NAMES.invalid(format!(
                "`server.{host_setting}` is `{host}`; it must be a host name, e.g. ims-na1.adobelogin.com"
            )));
        }
        Endpoint::parse(&format!("https://{host}{prefix}"))
            .map_err(|error| NAMES.invalid(format!("`server.{host_setting}`: {error}")))
    }
}

impl Enterprise {
    /// Rejects a file with a value that is only in the keyring.
    fn reject_keyring(&self) -> Result<(), Error> {
        let is_given = |secret: &Option<Secret>| secret.as_ref().is_some_and(|secret| !secret.is_blank());
        let has_client_id = self.client_id.is_some() || self.api_key.is_some();
        let has_key = is_given(&self.priv_key_data) || self.priv_key_path.is_some();
        for (setting, is_set, plain_setting, variable, is_given) in [
            ("secure_client_id_key", &self.secure_client_id_key, "client_id", "UMAPI_CLIENT_ID", has_client_id),
            ("secure_api_key_key", &self.secure_api_key_key, "client_id", "UMAPI_CLIENT_ID", has_client_id),
            (
                "secure_client_secret_key",
                &self.secure_client_secret_key,
                "client_secret",
                "UMAPI_CLIENT_SECRET",
                is_given(&self.client_secret),
            ),
            (
                "secure_priv_key_data_key",
                &self.secure_priv_key_data_key,
                "priv_key_path",
                "UMAPI_PRIVATE_KEY_PATH",
                has_key,
            ),
            (
                "secure_priv_key_pass_key",
                &self.secure_priv_key_pass_key,
                "priv_key_pass",
                "UMAPI_PRIVATE_KEY_PASSPHRASE",
                is_given(&self.priv_key_pass),
            ),
            (
                "secure_priv_pass_key",
                &self.secure_priv_pass_key,
                "priv_key_pass",
                "UMAPI_PRIVATE_KEY_PASSPHRASE",
                is_given(&self.priv_key_pass),
            ),
        ] {
            if is_set.is_some() && !is_given {
                return Err(NAMES.invalid(format!(
                    "`enterprise.{setting}` refers to the system keyring, which is not supported; set \
                     `enterprise.{plain_setting}` in the file, or use environment variables ({variable} and others) instead"
                )));
            }
        }
        Ok(())
    }

    fn private_key(&self, folder: &Path) -> Result<Option<KeyText>, Error> {
        let setting = |name: &str| format!("`enterprise.{name}`");
        match (&self.priv_key_data, &self.priv_key_path) {
            (Some(_), Some(_)) => {
                Err(NAMES.invalid("both `priv_key_data` and `priv_key_path` are set; remove one of them"))
            }
            (Some(text), None) => Ok(Some(KeyText { text: text.clone(), found: setting("priv_key_data") })),
            (None, Some(path)) => {
                let path = folder.join(path);
                let found = format!("{} ({})", setting("priv_key_path"), path.display());
                let text =
                    read(&path).map_err(|error| NAMES.invalid(format!("{}: {error}", setting("priv_key_path"))))?;
                Ok(Some(KeyText { text, found }))
            }
            (None, None) => Ok(None),
        }
    }

    /// All fields except the private key.
    fn into_fields(self) -> Result<Fields, Error> {
        if self.client_id.is_some() && self.api_key.is_some() {
            return Err(NAMES.invalid("both `client_id` and its older name `api_key` are set; remove `api_key`"));
        }
        Ok(Fields {
            organization: self.org_id,
            technical_account: self.tech_acct.or(self.tech_acct_id),
            client_id: self.client_id.or(self.api_key),
            client_secrets: self.client_secret.into_iter().collect(),
            passphrase: self.priv_key_pass,
            ..Fields::default()
        })
    }
}

#[cfg(test)]
mod tests;
