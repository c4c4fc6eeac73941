//! Credentials from environment variables.

use std::path::Path;

use super::{Fields, Names, read};
use crate::{Credentials, Endpoint, Error, Secret};

const NAMES: Names = Names {
    origin: "the environment",
    organization: "UMAPI_ORG_ID",
    technical_account: "UMAPI_TECHNICAL_ACCOUNT_ID",
    client_id: "UMAPI_CLIENT_ID",
    client_secret: "UMAPI_CLIENT_SECRET",
    private_key: "UMAPI_PRIVATE_KEY` or `UMAPI_PRIVATE_KEY_PATH",
};

impl Credentials {
    /// Credentials from the environment: `UMAPI_ORG_ID`, `UMAPI_CLIENT_ID`, `UMAPI_CLIENT_SECRET`, and for a service
    /// account also `UMAPI_TECHNICAL_ACCOUNT_ID`, `UMAPI_PRIVATE_KEY` (PEM) or `UMAPI_PRIVATE_KEY_PATH`, and
    /// `UMAPI_PRIVATE_KEY_PASSPHRASE`. `UMAPI_IMS_URL` names another login server.
    ///
    /// A technical account or a private key makes it a service account; otherwise it is OAuth Server-to-Server.
    ///
    /// # Errors
    ///
    /// For what is missing or cannot be used, by the name of its variable.
    pub fn from_env() -> Result<Self, Error> {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    /// The same with another way to look a variable up.
    ///
    /// # Errors
    ///
    /// As [`from_env`](Self::from_env).
    pub fn from_variables(look_up: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let look_up = |name: &str| look_up(name).filter(|value| !value.trim().is_empty());
        let private_key = match (look_up("UMAPI_PRIVATE_KEY"), look_up("UMAPI_PRIVATE_KEY_PATH")) {
            (Some(_), Some(_)) => {
                return Err(Error::invalid(
                    "both UMAPI_PRIVATE_KEY and UMAPI_PRIVATE_KEY_PATH are set: unset one of them",
                ));
            }
            // Where a variable cannot hold a line break, people write it out.
            (Some(text), None) if !text.contains('\n') => Some(text.replace("\\n", "\n")),
            (Some(text), None) => Some(text),
            (None, Some(path)) => Some(read(Path::new(&path))?),
            (None, None) => None,
        };
        let fields = Fields {
            organization: look_up(NAMES.organization),
            technical_account: look_up(NAMES.technical_account),
            client_id: look_up(NAMES.client_id),
            client_secrets: look_up(NAMES.client_secret).map(Secret::from).into_iter().collect(),
            private_key,
            passphrase: look_up("UMAPI_PRIVATE_KEY_PASSPHRASE").map(Secret::from),
            ..Fields::default()
        };
        let is_service_account = fields.technical_account.is_some() || fields.private_key.is_some();
        let credentials =
            if is_service_account { fields.into_service_account(&NAMES)? } else { fields.into_oauth(&NAMES)? };
        match look_up("UMAPI_IMS_URL") {
            Some(url) => Ok(credentials.with_endpoint(Endpoint::parse(&url)?)),
            None => Ok(credentials),
        }
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{KeyPair, PKCS_RSA_SHA256};

    use crate::{Credentials, Login};

    fn from(variables: &[(&str, &str)]) -> Result<Credentials, crate::Error> {
        Credentials::from_variables(|name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn two_variables_make_an_oauth_login_and_a_key_makes_a_service_account() {
        let client = [("UMAPI_CLIENT_ID", "id"), ("UMAPI_CLIENT_SECRET", "s"), ("UMAPI_ORG_ID", "12345@AdobeOrg")];
        let oauth = from(&client).unwrap();
        assert!(matches!(oauth.login(), Login::OAuthServerToServer(_)));
        assert_eq!((oauth.client_id(), oauth.organization()), ("id", Some("12345@AdobeOrg")));

        let key = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap().serialize_pem();
        let mut account = client.to_vec();
        account.push(("UMAPI_PRIVATE_KEY", &key));
        let error = from(&account).unwrap_err().to_string();
        assert!(error.contains("UMAPI_TECHNICAL_ACCOUNT_ID"), "{error}");
        account.push(("UMAPI_TECHNICAL_ACCOUNT_ID", "1@techacct.adobe.com"));
        assert!(matches!(from(&account).unwrap().login(), Login::ServiceAccount(_)));
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = from(&[("UMAPI_CLIENT_ID", "id")]).unwrap_err();
        assert!(error.is_invalid_input() && error.to_string().contains("UMAPI_CLIENT_SECRET"), "{error}");
        let error =
            from(&[("UMAPI_CLIENT_ID", "id"), ("UMAPI_CLIENT_SECRET", "s"), ("UMAPI_ORG_ID", "x")]).unwrap_err();
        assert!(error.to_string().contains("12345@AdobeOrg"), "{error}");
    }
}
