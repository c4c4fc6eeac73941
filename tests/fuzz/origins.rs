//! Fuzz target: sources of credentials - JSON of the Developer Console, connector files, environment variables.

use std::path::Path;

use bolero::TypeGenerator;
use umapi::auth::{ConnectorFile, Credentials, Error, Secret};

use crate::{
    fixed_seeds::target,
    keys::PLAIN,
    payload::{Material, Payload},
};

/// Every secret in these texts begins with this word, and nothing else contains it.
const PLANTED: &str = "planted";

const ORIGINS: Material = Material {
    examples: &[
        r#"{"CLIENT_ID":"id","CLIENT_SECRETS":["planted-1","planted-2"],"ORG_ID":"12345@AdobeOrg","SCOPES":["openid","AdobeID"],"TECHNICAL_ACCOUNT_ID":"1@techacct.adobe.com","TECHNICAL_ACCOUNT_EMAIL":"a@b.c"}"#,
        r#"{"CLIENT_SECRET":"planted-3","API_KEY":"id","ORG_ID":"12345@AdobeOrg","TECHNICAL_ACCOUNT_ID":"1@techacct.adobe.com","META_SCOPES":["ent_user_sdk"]}"#,
        r#"{"project":{"id":"1","name":"P","org":{"id":"1","ims_org_id":"12345@AdobeOrg"},"workspace":{"details":{"credentials":[{"id":"1","name":"C","integration_type":"oauth_server_to_server","oauth_server_to_server":{"client_id":"id","client_secrets":["planted-4"],"technical_account_email":"a@b.c","technical_account_id":"1@techacct.adobe.com","scopes":["openid"]}},{"jwt":{"client_id":"id","client_secret":"planted-5","technical_account_id":"1@techacct.adobe.com","meta_scopes":["x"]}}]}}}}"#,
        "authentication_method: oauth\nserver:\n  auth_host: ims.example\n  auth_endpoint: /ims/token/v2\nenterprise:\n  org_id: 12345@AdobeOrg\n  client_id: id\n  client_secret: planted-6\n",
        "enterprise:\n  org_id: 12345@AdobeOrg\n  api_key: id\n  client_secret: 'planted-7'\n  tech_acct: 1@techacct.adobe.com\n  priv_key_pass: \"planted-8\"\n  priv_key_data: |\n    planted-9\n",
    ],
    words: &[
        "project",
        "workspace",
        "details",
        "credentials",
        "oauth_server_to_server",
        "jwt",
        "integration_type",
        "enterprise",
        "server",
        "authentication_method",
        "secure_client_secret_key",
        "priv_key_path",
        "ssl_verify",
        "yes",
        "~",
        "*a",
        "&a",
        "<<",
        "!!binary",
        "!!str",
        "? ",
        "- ",
        ": ",
        "|",
        ">",
        "'",
        "\"",
        "{",
        "}",
        "[",
        "]",
        ",",
        "#",
        "\t",
        "---",
        "...",
        "%YAML 1.2",
        "\\u0000",
        "0x1F",
        ".nan",
    ],
};

#[derive(Clone, Debug, TypeGenerator)]
struct Given {
    text: Payload,
    key: Key,
    /// The missing variables, one per bit.
    missing: u8,
}

#[derive(Clone, Copy, Debug, TypeGenerator)]
enum Key {
    None,
    Plain,
    Bad,
}

/// The visible text of the credentials, or of the error.
fn shown(read: Result<Credentials, Error>) -> String {
    match read {
        Ok(credentials) => format!("{credentials:?}"),
        Err(error) => {
            assert!(error.is_invalid_input(), "{error}");
            format!("{error} {error:?}")
        }
    }
}

#[test]
fn credentials_are_read_or_rejected_without_a_secret() {
    let folder = Path::new("/nowhere");
    target!(6_000).with_type::<Given>().for_each(|given| {
        let text = given.text.text(ORIGINS);
        let key = match given.key {
            Key::None => None,
            Key::Plain => Some(PLAIN),
            Key::Bad => Some("-----BEGIN planted"),
        };
        let passphrase = Secret::from("planted-passphrase");
        let console = Credentials::from_console_json(&text, key, Some(&passphrase));
        let connector = ConnectorFile::parse(&text, folder)
            .and_then(|file| file.credentials_with(|_| Ok::<_, Error>(Some(passphrase.clone()))));
        let variables = Credentials::from_variables(|name| {
            let all = [
                ("UMAPI_CLIENT_ID", "id"),
                ("UMAPI_CLIENT_SECRET", text.as_str()),
                ("UMAPI_ORG_ID", "12345@AdobeOrg"),
                ("UMAPI_TECHNICAL_ACCOUNT_ID", "1@techacct.adobe.com"),
                ("UMAPI_PRIVATE_KEY", key.unwrap_or_default()),
                ("UMAPI_PRIVATE_KEY_PASSPHRASE", text.as_str()),
            ];
            let place = all.iter().position(|(known, _)| *known == name)?;
            (given.missing & (1 << place) == 0).then(|| all[place].1.to_owned())
        });
        for shown in [shown(console), shown(connector), shown(variables)] {
            assert!(!shown.contains(PLANTED), "{shown}");
        }
    });
}
