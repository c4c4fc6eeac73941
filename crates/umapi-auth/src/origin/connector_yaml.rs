//! Credentials from the `connector-umapi.yml` of Adobe's user-sync tool.

use std::path::Path;

use serde::{Deserialize, de::IgnoredAny};

use super::{Fields, Names, read};
use crate::{Credentials, Endpoint, Error, Secret};

const NAMES: Names = Names {
    origin: "connector-umapi.yml",
    organization: "enterprise.org_id",
    technical_account: "enterprise.tech_acct_id",
    client_id: "enterprise.client_id",
    client_secret: "enterprise.client_secret",
    private_key: "enterprise.priv_key_path` or `enterprise.priv_key_data",
};

/// The part of the file that a login needs. Unknown fields are the tool's own affair.
#[derive(Deserialize)]
struct Connector {
    #[serde(default)]
    authentication_method: Option<String>,
    #[serde(default)]
    server: Option<Server>,
    enterprise: Enterprise,
}

#[derive(Deserialize, Default)]
struct Server {
    #[serde(alias = "auth_host")]
    ims_host: Option<String>,
}

#[derive(Deserialize)]
struct Enterprise {
    org_id: Option<String>,
    #[serde(alias = "api_key")]
    client_id: Option<String>,
    client_secret: Option<Secret>,
    #[serde(alias = "tech_acct")]
    tech_acct_id: Option<String>,
    priv_key_path: Option<String>,
    priv_key_data: Option<Secret>,
    priv_key_pass: Option<Secret>,
    // What is kept in the system's keyring: only that it is there matters.
    #[serde(alias = "secure_api_key_key")]
    secure_client_id_key: Option<IgnoredAny>,
    secure_client_secret_key: Option<IgnoredAny>,
    secure_priv_key_data_key: Option<IgnoredAny>,
    secure_priv_key_pass_key: Option<IgnoredAny>,
}

impl Enterprise {
    /// Names the first field that only the keyring has.
    fn refuse_keyring(&self) -> Result<(), Error> {
        let has_key = self.priv_key_data.is_some() || self.priv_key_path.is_some();
        for (name, is_secure, is_plain) in [
            ("client_id", self.secure_client_id_key.is_some(), self.client_id.is_some()),
            ("client_secret", self.secure_client_secret_key.is_some(), self.client_secret.is_some()),
            ("priv_key_data", self.secure_priv_key_data_key.is_some(), has_key),
            ("priv_key_pass", self.secure_priv_key_pass_key.is_some(), self.priv_key_pass.is_some()),
        ] {
            if is_secure && !is_plain {
                return Err(Error::invalid(format!(
                    "{}: `enterprise.{name}` is kept in the system's keyring, which is not read here: write it into the \
                     file, or give the credentials by environment variables",
                    NAMES.origin
                )));
            }
        }
        Ok(())
    }
}

impl Credentials {
    /// Credentials from a connector file of user-sync, of the method `jwt` (its default) or `oauth`. A relative
    /// `priv_key_path` starts at the folder of the file, as it does there.
    ///
    /// # Errors
    ///
    /// For what cannot be read, by line or by field. Fields that user-sync keeps in the system's keyring
    /// (`secure_…_key`) are not read, and named.
    pub fn from_connector_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let folder = path.parent().unwrap_or(Path::new("."));
        Self::from_connector_yaml(&read(path)?, folder)
    }

    /// The same from the text of the file, and the folder that relative paths start at.
    ///
    /// # Errors
    ///
    /// As [`from_connector_file`](Self::from_connector_file).
    pub fn from_connector_yaml(yaml: &str, folder: &Path) -> Result<Self, Error> {
        let connector: Connector = serde_saphyr::from_str(yaml).map_err(|error| {
            let place = error
                .location()
                .map_or_else(String::new, |at| format!(" at line {}, column {}", at.line(), at.column()));
            Error::invalid(format!(
                "{}: cannot be read{place}: it needs the YAML of user-sync, with `enterprise:`",
                NAMES.origin
            ))
        })?;
        let enterprise = connector.enterprise;
        enterprise.refuse_keyring()?;
        let private_key = match (enterprise.priv_key_data, enterprise.priv_key_path) {
            (Some(_), Some(_)) => {
                return Err(Error::invalid(format!(
                    "{}: both `priv_key_data` and `priv_key_path` are given: remove one of them",
                    NAMES.origin
                )));
            }
            (Some(data), None) => Some(data.reveal().to_owned()),
            (None, Some(path)) => Some(read(&folder.join(path))?),
            (None, None) => None,
        };
        let fields = Fields {
            organization: enterprise.org_id,
            technical_account: enterprise.tech_acct_id,
            client_id: enterprise.client_id,
            client_secrets: enterprise.client_secret.into_iter().collect(),
            private_key,
            passphrase: enterprise.priv_key_pass,
            ..Fields::default()
        };
        let credentials = match connector.authentication_method.as_deref().unwrap_or("jwt") {
            "jwt" => fields.into_service_account(&NAMES)?,
            "oauth" => fields.into_oauth(&NAMES)?,
            other => {
                return Err(Error::invalid(format!(
                    "{}: `authentication_method` is `{other}`: it must be `jwt` or `oauth`",
                    NAMES.origin
                )));
            }
        };
        match connector.server.and_then(|server| server.ims_host) {
            Some(host) => Ok(credentials.with_endpoint(Endpoint::parse(&format!("https://{host}"))?)),
            None => Ok(credentials),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rcgen::{KeyPair, PKCS_RSA_SHA256};

    use crate::{Credentials, Login};

    fn read(yaml: &str) -> Result<Credentials, crate::Error> {
        Credentials::from_connector_yaml(yaml, Path::new("."))
    }

    #[test]
    fn both_methods_are_read() {
        let oauth = read("authentication_method: oauth\nserver:\n  auth_host: ims.example\nenterprise:\n  org_id: 12345@AdobeOrg\n  client_id: id\n  client_secret: s\n").unwrap();
        assert!(matches!(oauth.login(), Login::OAuthServerToServer(_)));
        assert_eq!(oauth.endpoint.to_string(), "https://ims.example");

        let key = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap().serialize_pem().replace('\n', "\n    ");
        let jwt = read(&format!(
            "server:\nenterprise:\n  org_id: 12345@AdobeOrg\n  api_key: id\n  client_secret: s\n  tech_acct: 1@techacct.adobe.com\n  priv_key_data: |\n    {key}\n"
        ))
        .unwrap();
        assert!(matches!(jwt.login(), Login::ServiceAccount(_)));
    }

    #[test]
    fn what_is_wrong_is_named_and_no_secret_quoted() {
        for (yaml, named) in [
            ("enterprise: [planted", "line"),
            ("authentication_method: saml\nenterprise: {}", "saml"),
            ("enterprise:\n  client_id: id\n  client_secret: planted\n", "enterprise.org_id"),
            (
                "authentication_method: oauth\nenterprise:\n  client_id: id\n  secure_client_secret_key: planted\n",
                "keyring",
            ),
            ("enterprise:\n  priv_key_path: no-such-file\n", "no-such-file"),
        ] {
            let error = read(yaml).unwrap_err().to_string();
            assert!(error.contains(named) && !error.contains("planted"), "{error}");
        }
    }
}
