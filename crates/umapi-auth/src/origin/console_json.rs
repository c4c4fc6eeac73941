//! Credentials from the JSON that the Adobe Developer Console lets a user download.

use serde_json::Value;

use super::{Fields, Names};
use crate::{Credentials, Error, Secret};

const NAMES: Names = Names {
    origin: "the JSON of the Adobe Developer Console",
    organization: "ORG_ID",
    technical_account: "TECHNICAL_ACCOUNT_ID",
    client_id: "CLIENT_ID",
    client_secret: "CLIENT_SECRETS",
    private_key: "private key (a file of its own beside the JSON)",
};

impl Credentials {
    /// Credentials from a download of the Developer Console: the flat form of one credential, or that of a whole
    /// project. The private key of a service account is not in it and is given beside it, as PEM.
    ///
    /// # Errors
    ///
    /// For what is no such JSON, and for fields that are missing, by their names.
    pub fn from_console_json(
        json: &str,
        private_key: Option<&str>,
        passphrase: Option<&Secret>,
    ) -> Result<Self, Error> {
        let root: Value = serde_json::from_str(json).map_err(|error| {
            // The position, and not the text around it, which may be a secret.
            Error::invalid(format!(
                "{}: not valid JSON at line {}, column {}",
                NAMES.origin,
                error.line(),
                error.column()
            ))
        })?;
        let (mut fields, is_service_account) = match root.get("project") {
            Some(project) => of_project(project)?,
            None => of_credential(&root),
        };
        fields.private_key = private_key.map(str::to_owned);
        fields.passphrase = passphrase.cloned();
        if is_service_account { fields.into_service_account(&NAMES) } else { fields.into_oauth(&NAMES) }
    }
}

/// `{"CLIENT_ID": …, "CLIENT_SECRETS": […], "ORG_ID": …}`: without scopes it is a service account.
fn of_credential(root: &Value) -> (Fields, bool) {
    let fields = Fields {
        organization: text(root, "ORG_ID"),
        technical_account: text(root, "TECHNICAL_ACCOUNT_ID"),
        client_id: text(root, "CLIENT_ID").or_else(|| text(root, "API_KEY")),
        client_secrets: secrets_of(root, "CLIENT_SECRETS", "CLIENT_SECRET"),
        metascopes: list(root, "METASCOPES").iter().map(|scope| metascope_name(scope)).collect(),
        scopes: list(root, "SCOPES"),
        ..Fields::default()
    };
    // Older downloads of service accounts name no metascopes; those of OAuth always name scopes.
    let is_service_account = root.get("METASCOPES").is_some() || root.get("SCOPES").is_none();
    (fields, is_service_account)
}

/// `{"project": {"org": …, "workspace": {"details": {"credentials": [{"jwt" or "oauth_server_to_server": …}]}}}}`.
fn of_project(project: &Value) -> Result<(Fields, bool), Error> {
    let organization = project.pointer("/org/ims_org_id").and_then(Value::as_str).map(str::to_owned);
    let listed = project.pointer("/workspace/details/credentials").and_then(Value::as_array);
    let credentials: Vec<&Value> = listed.into_iter().flatten().collect();
    // A project in migration has both: the newer one is what stays.
    for (key, is_service_account) in [("oauth_server_to_server", false), ("jwt", true)] {
        let Some(found) = credentials.iter().find_map(|credential| credential.get(key)) else { continue };
        let fields = Fields {
            organization,
            technical_account: text(found, "technical_account_id"),
            client_id: text(found, "client_id"),
            client_secrets: secrets_of(found, "client_secrets", "client_secret"),
            metascopes: list(found, "meta_scopes").iter().map(|scope| metascope_name(scope)).collect(),
            scopes: list(found, "scopes"),
            ..Fields::default()
        };
        return Ok((fields, is_service_account));
    }
    Err(Error::invalid(format!(
        "{}: the project has neither an `oauth_server_to_server` nor a `jwt` credential: add one to it and download it again",
        NAMES.origin
    )))
}

/// The list, or where there is none the single one, which otherwise repeats what the list has.
fn secrets_of(credential: &Value, list_key: &str, single_key: &str) -> Vec<Secret> {
    let mut secrets = list(credential, list_key);
    if secrets.is_empty() {
        secrets.extend(text(credential, single_key));
    }
    secrets.into_iter().map(Secret::from).collect()
}

/// Downloads name a metascope with or without the address in front.
fn metascope_name(scope: &str) -> String {
    scope.rsplit('/').next().unwrap_or(scope).to_owned()
}

fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key)?.as_str().map(str::to_owned)
}

fn list(value: &Value, key: &str) -> Vec<String> {
    value[key].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use rcgen::{KeyPair, PKCS_RSA_SHA256};

    use crate::{Credentials, Login};

    #[test]
    fn both_kinds_are_read_in_both_layouts() {
        let key = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap().serialize_pem();
        let flat_oauth =
            r#"{"CLIENT_SECRETS":["new","old"],"ORG_ID":"12345@AdobeOrg","CLIENT_ID":"id","SCOPES":["openid"]}"#;
        let flat_jwt = r#"{"CLIENT_SECRET":"x","CLIENT_SECRETS":["s"],"ORG_ID":"12345@AdobeOrg","CLIENT_ID":"id",
            "TECHNICAL_ACCOUNT_ID":"1@techacct.adobe.com","METASCOPES":["ent_user_sdk"]}"#;
        let project = |credential: &str| {
            format!(
                r#"{{"project":{{"org":{{"ims_org_id":"12345@AdobeOrg"}},"workspace":{{"details":{{"credentials":[{credential}]}}}}}}}}"#
            )
        };
        let nested_oauth = project(
            r#"{"oauth_server_to_server":{"client_id":"id","client_secrets":["new","old"],"scopes":["openid"]}}"#,
        );
        let nested_jwt = project(
            r#"{"jwt":{"client_id":"id","client_secret":"s","technical_account_id":"1@techacct.adobe.com","meta_scopes":["https://ims/s/ent_user_sdk"]}}"#,
        );
        for json in [flat_oauth, &nested_oauth] {
            let credentials = Credentials::from_console_json(json, None, None).unwrap();
            assert_eq!((credentials.organization(), credentials.secrets().len()), (Some("12345@AdobeOrg"), 2));
            let Login::OAuthServerToServer(client) = credentials.login() else { panic!("it is OAuth") };
            assert_eq!(client.scopes, ["openid"]);
        }
        let old_jwt = r#"{"API_KEY":"id","CLIENT_SECRET":"s","ORG_ID":"12345@AdobeOrg",
            "TECHNICAL_ACCOUNT_ID":"1@techacct.adobe.com"}"#;
        for json in [flat_jwt, &nested_jwt, old_jwt] {
            let credentials = Credentials::from_console_json(json, Some(&key), None).unwrap();
            assert_eq!(credentials.secrets().len(), 1);
            let Login::ServiceAccount(account) = credentials.login() else { panic!("it is a service account") };
            assert_eq!(account.metascopes, ["ent_user_sdk"]);
        }
        let error = Credentials::from_console_json(flat_jwt, None, None).unwrap_err().to_string();
        assert!(error.contains("private key"), "{error}");
    }

    #[test]
    fn bad_json_is_named_by_its_place_and_never_quoted() {
        let error = Credentials::from_console_json("{\n  \"planted", None, None).unwrap_err().to_string();
        assert!(error.contains("line 2") && !error.contains("planted"), "{error}");
        let error = Credentials::from_console_json(r#"{"project":{}}"#, None, None).unwrap_err().to_string();
        assert!(error.contains("oauth_server_to_server"), "{error}");
    }
}
