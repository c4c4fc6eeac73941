//! Credentials from environment variables.

use std::{
    env::{self, VarError},
    path::Path,
};

use super::{Field, Fields, KeyText, Names, read};
use crate::{Credentials, Endpoint, Error, Secret};

const ORGANIZATION: &str = "UMAPI_ORG_ID";
const CLIENT_ID: &str = "UMAPI_CLIENT_ID";
const CLIENT_SECRET: &str = "UMAPI_CLIENT_SECRET";
const TECHNICAL_ACCOUNT: &str = "UMAPI_TECHNICAL_ACCOUNT_ID";
const PRIVATE_KEY: &str = "UMAPI_PRIVATE_KEY";
const PRIVATE_KEY_PATH: &str = "UMAPI_PRIVATE_KEY_PATH";
const PASSPHRASE: &str = "UMAPI_PRIVATE_KEY_PASSPHRASE";
const IMS_URL: &str = "UMAPI_IMS_URL";

const NAMES: Names<'static> = Names {
    origin: "the environment",
    name_of: |field| match field {
        Field::Organization => ORGANIZATION,
        Field::TechnicalAccount => TECHNICAL_ACCOUNT,
        Field::ClientId => CLIENT_ID,
        Field::ClientSecret => CLIENT_SECRET,
        Field::PrivateKey => "UMAPI_PRIVATE_KEY or UMAPI_PRIVATE_KEY_PATH",
    },
};

impl Credentials {
    /// Reads credentials from environment variables.
    ///
    /// | variable | value |
    /// | --- | --- |
    /// | `UMAPI_CLIENT_ID` | the client id |
    /// | `UMAPI_CLIENT_SECRET` | the client secret, or several separated by spaces, which are tried in order |
    /// | `UMAPI_ORG_ID` | the organization; required for a service account |
    /// | `UMAPI_TECHNICAL_ACCOUNT_ID` | the technical account of a service account |
    /// | `UMAPI_PRIVATE_KEY` or `UMAPI_PRIVATE_KEY_PATH` | its private key as PEM (line breaks may be written as `\n`), or the path of a PEM file |
    /// | `UMAPI_PRIVATE_KEY_PASSPHRASE` | the passphrase of an encrypted key |
    /// | `UMAPI_IMS_URL` | another login server |
    ///
    /// With a technical account or a private key, the login is that of a service account; otherwise it is OAuth
    /// Server-to-Server. An empty variable counts as not set.
    ///
    /// # Errors
    ///
    /// If variables are missing, all of which the error names, or a value cannot be used.
    pub fn from_env() -> Result<Self, Error> {
        Self::from_lookup(|name| match env::var(name) {
            Ok(value) => Ok(Some(value)),
            Err(VarError::NotPresent) => Ok(None),
            Err(VarError::NotUnicode(_)) => Err(NAMES.invalid(format!("{name} is not valid Unicode; set it again"))),
        })
    }

    /// Like [`from_env`](Self::from_env), with a custom lookup of variables.
    ///
    /// ```
    /// let credentials = umapi_auth::Credentials::from_variables(|name| match name {
    ///     "UMAPI_CLIENT_ID" => Some("client id".to_owned()),
    ///     "UMAPI_CLIENT_SECRET" => Some("new-secret old-secret".to_owned()),
    ///     _ => None,
    /// })?;
    /// assert_eq!(credentials.client_id(), "client id");
    /// # Ok::<(), umapi_auth::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// See [`from_env`](Self::from_env).
    pub fn from_variables(look_up: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        Self::from_lookup(|name| Ok(look_up(name)))
    }

    fn from_lookup(look_up: impl Fn(&str) -> Result<Option<String>, Error>) -> Result<Self, Error> {
        let text = |name: &str| Ok::<_, Error>(look_up(name)?.map(Secret::from).filter(|value| !value.is_blank()));
        // `set` of Windows and `--env-file` of Docker keep the quotes around a value.
        let secret = |name: &str| {
            let parse =
                |text: Secret| Secret::parse(text.reveal()).map_err(|why| NAMES.invalid(format!("{name}: {why}")));
            text(name)?.map(parse).transpose()
        };
        let look_up = |name: &str| Ok::<_, Error>(secret(name)?.map(|value| value.reveal().to_owned()));
        let account_or_key = [TECHNICAL_ACCOUNT, PRIVATE_KEY, PRIVATE_KEY_PATH].map(text);
        let is_service_account = account_or_key.into_iter().any(|found| !matches!(found, Ok(None)));
        if is_service_account {
            NAMES.check_service_account()?;
        }
        let private_key = match (text(PRIVATE_KEY)?, look_up(PRIVATE_KEY_PATH)?) {
            (Some(_), Some(_)) => {
                return Err(
                    NAMES.invalid("both UMAPI_PRIVATE_KEY and UMAPI_PRIVATE_KEY_PATH are set; unset one of them")
                );
            }
            (Some(text), None) => Some(KeyText { text, found: PRIVATE_KEY.to_owned() }),
            (None, Some(path)) => {
                let text =
                    read(Path::new(&path)).map_err(|error| NAMES.invalid(format!("{PRIVATE_KEY_PATH}: {error}")))?;
                Some(KeyText { text, found: format!("{PRIVATE_KEY_PATH} ({path})") })
            }
            (None, None) => None,
        };
        let secrets = secret(CLIENT_SECRET)?;
        let secrets = secrets.iter().flat_map(|secrets| secrets.reveal().split_whitespace());
        let fields = Fields {
            organization: look_up(ORGANIZATION)?,
            technical_account: look_up(TECHNICAL_ACCOUNT)?,
            client_id: look_up(CLIENT_ID)?,
            client_secrets: secrets.map(Secret::from).collect(),
            private_key,
            passphrase: secret(PASSPHRASE)?,
            ..Fields::default()
        };
        let credentials =
            if is_service_account { fields.into_service_account(&NAMES)? } else { fields.into_oauth(&NAMES)? };
        Ok(match look_up(IMS_URL)? {
            Some(url) => {
                let endpoint = Endpoint::parse(&url);
                credentials.with_endpoint(endpoint.map_err(|error| NAMES.invalid(format!("{IMS_URL}: {error}")))?)
            }
            None => credentials,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Login;

    const CLIENT: [(&str, &str); 3] =
        [("UMAPI_CLIENT_ID", "id"), ("UMAPI_CLIENT_SECRET", "s"), ("UMAPI_ORG_ID", "12345@AdobeOrg")];
    #[cfg(feature = "jwt")]
    const KEY: &str = include_str!("../../tests/keys/pkcs8.pem");
    #[cfg(feature = "jwt")]
    const ENCRYPTED_KEY_PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/pkcs8-aes-256-cbc.pem");

    /// Reads the client, and these variables.
    fn client_and(variables: &[(&str, &str)]) -> Result<Credentials, Error> {
        let all = [&CLIENT, variables].concat();
        from(&all)
    }

    fn from(variables: &[(&str, &str)]) -> Result<Credentials, Error> {
        Credentials::from_variables(|name| {
            // The last value wins, as in a shell.
            variables.iter().rev().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_client_and_a_secret_are_an_oauth_login() {
        let oauth = client_and(&[]).unwrap();
        assert!(matches!(oauth.login(), Login::OAuthServerToServer(_)));
        assert_eq!((oauth.client_id(), oauth.organization()), ("id", Some("12345@AdobeOrg")));
        let moved = client_and(&[("UMAPI_IMS_URL", "https://ims.example/"), ("UMAPI_ORG_ID", " ")]).unwrap();
        assert_eq!((moved.endpoint.to_string().as_str(), moved.organization()), ("https://ims.example", None));
    }

    #[test]
    fn several_secrets_keep_their_order() {
        let credentials = client_and(&[("UMAPI_CLIENT_SECRET", " new  old\n")]).unwrap();
        assert_eq!(credentials.client_secrets(), [Secret::from("new"), Secret::from("old")]);
    }

    #[cfg(not(feature = "jwt"))]
    #[test]
    fn a_service_account_names_the_missing_feature() {
        for variable in [
            ("UMAPI_PRIVATE_KEY_PATH", "no-such-file"),
            ("UMAPI_PRIVATE_KEY", "planted"),
            ("UMAPI_TECHNICAL_ACCOUNT_ID", "1@techacct.adobe.com"),
        ] {
            let error = client_and(&[variable]).unwrap_err().to_string();
            assert!(error.contains("the environment: ") && error.contains("the feature `jwt`"), "{error}");
            assert!(!error.contains("planted"), "{error}");
        }
    }

    #[cfg(feature = "jwt")]
    #[test]
    fn a_key_or_a_technical_account_selects_a_service_account() {
        let account = ("UMAPI_TECHNICAL_ACCOUNT_ID", "1@techacct.adobe.com");
        for key in [
            &[("UMAPI_PRIVATE_KEY", KEY)][..],
            &[("UMAPI_PRIVATE_KEY", KEY.replace('\n', "\\n").as_str())],
            &[("UMAPI_PRIVATE_KEY_PATH", ENCRYPTED_KEY_PATH), ("UMAPI_PRIVATE_KEY_PASSPHRASE", "correct horse")],
        ] {
            let credentials = client_and(&[&[account], key].concat()).unwrap();
            assert!(matches!(credentials.login(), Login::ServiceAccount(_)));
            let error = client_and(key).unwrap_err().to_string();
            assert!(error.contains("UMAPI_TECHNICAL_ACCOUNT_ID is missing"), "{error}");
        }
        let error = client_and(&[account]).unwrap_err().to_string();
        assert!(error.contains("UMAPI_PRIVATE_KEY or UMAPI_PRIVATE_KEY_PATH is missing"), "{error}");
    }

    #[test]
    fn quotes_around_a_value_are_not_part_of_it() {
        let quoted = client_and(&[
            ("UMAPI_CLIENT_ID", "\"id\""),
            ("UMAPI_CLIENT_SECRET", "'new old'"),
            ("UMAPI_ORG_ID", "\u{feff}12345@AdobeOrg"),
            ("UMAPI_IMS_URL", "\"https://ims.example\""),
        ]);
        let quoted = quoted.unwrap();
        assert_eq!((quoted.client_id(), quoted.organization()), ("id", Some("12345@AdobeOrg")));
        assert_eq!(quoted.client_secrets(), [Secret::from("new"), Secret::from("old")]);
        assert_eq!(quoted.endpoint.to_string(), "https://ims.example");
    }

    #[cfg(feature = "jwt")]
    #[test]
    fn a_missing_or_wrong_variable_is_named() {
        let account = ("UMAPI_TECHNICAL_ACCOUNT_ID", "1@techacct.adobe.com");
        for (variables, named) in [
            (&[("UMAPI_CLIENT_ID", "")][..], "UMAPI_CLIENT_ID is missing"),
            (&[("UMAPI_CLIENT_SECRET", " ")], "UMAPI_CLIENT_SECRET is missing"),
            (&[("UMAPI_ORG_ID", "x")], "12345@AdobeOrg"),
            (&[("UMAPI_CLIENT_SECRET", "\"planted")], "UMAPI_CLIENT_SECRET: the text has a quote at one end only"),
            (&[("UMAPI_CLIENT_SECRET", "plan\0ted")], "U+0000"),
            (&[account, ("UMAPI_PRIVATE_KEY", KEY), ("UMAPI_ORG_ID", "")], "UMAPI_ORG_ID is missing"),
            (&[("UMAPI_TECHNICAL_ACCOUNT_ID", "ann@example.com"), ("UMAPI_PRIVATE_KEY", KEY)], "technical account"),
            (&[account, ("UMAPI_PRIVATE_KEY", "planted")], "UMAPI_PRIVATE_KEY: the private key is not PEM"),
            (
                &[account, ("UMAPI_PRIVATE_KEY_PATH", ENCRYPTED_KEY_PATH)],
                "pkcs8-aes-256-cbc.pem): the private key is encrypted",
            ),
            (
                &[account, ("UMAPI_PRIVATE_KEY_PATH", "no-such-file")],
                "UMAPI_PRIVATE_KEY_PATH: cannot read no-such-file",
            ),
            (&[("UMAPI_PRIVATE_KEY", KEY), ("UMAPI_PRIVATE_KEY_PATH", "x")], "unset one of them"),
            (&[("UMAPI_IMS_URL", "http://ims.example")], "UMAPI_IMS_URL: the URL of the login server is plain HTTP"),
        ] {
            let error = client_and(variables).unwrap_err();
            assert!(error.is_invalid_input() && error.to_string().contains(named), "{named}: {error}");
            assert!(!error.to_string().contains("planted"), "{error}");
        }
    }

    #[test]
    fn all_missing_variables_are_named_at_once() {
        let error = from(&[]).unwrap_err().to_string();
        assert!(error.contains("UMAPI_CLIENT_ID is missing") && error.contains("UMAPI_CLIENT_SECRET is"), "{error}");
        assert!(!error.contains("UMAPI_ORG_ID"), "it is optional: {error}");
        #[cfg(feature = "jwt")]
        {
            let error = from(&[("UMAPI_TECHNICAL_ACCOUNT_ID", "1@techacct.adobe.com")]).unwrap_err();
            let named = ["UMAPI_CLIENT_ID", "UMAPI_CLIENT_SECRET", "UMAPI_ORG_ID", "UMAPI_PRIVATE_KEY_PATH"];
            for name in named {
                assert!(error.to_string().contains(&format!("{name} is missing")), "{name}: {error}");
            }
            assert_eq!(format!("{error:?}"), error.to_string());
        }
    }

    #[test]
    fn a_variable_that_is_not_unicode_is_named() {
        let look_up = |name: &str| if name == CLIENT_ID { Err(NAMES.invalid(name)) } else { Ok(None) };
        let error = Credentials::from_lookup(look_up).unwrap_err().to_string();
        assert!(error.contains("UMAPI_CLIENT_ID"), "{error}");
    }
}
