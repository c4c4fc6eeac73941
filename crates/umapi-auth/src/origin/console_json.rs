//! Credentials from the JSON download of the Adobe Developer Console.

use serde_json::Value;

use super::{Field, Fields, KeyText, Names};
use crate::{Credentials, Error, Secret};

const ORIGIN: &str = "the JSON of the Adobe Developer Console";
const PRIVATE_KEY: &str = "the private key, which is not part of this JSON,";

/// The field names in the download of one credential.
const OF_CREDENTIAL: Names<'static> = Names {
    origin: ORIGIN,
    name_of: |field| match field {
        Field::Organization => "`ORG_ID`",
        Field::TechnicalAccount => "`TECHNICAL_ACCOUNT_ID`",
        Field::ClientId => "`CLIENT_ID` (`API_KEY` in older ones)",
        Field::ClientSecret => "`CLIENT_SECRETS` (`CLIENT_SECRET` in older ones)",
        Field::PrivateKey => PRIVATE_KEY,
    },
};

/// The field names in the download of a project.
const OF_PROJECT: Names<'static> = Names {
    origin: ORIGIN,
    name_of: |field| match field {
        Field::Organization => "`project.org.ims_org_id`",
        Field::TechnicalAccount => "`technical_account_id` of the credential",
        Field::ClientId => "`client_id` of the credential",
        Field::ClientSecret => "`client_secrets` (or `client_secret`) of the credential",
        Field::PrivateKey => PRIVATE_KEY,
    },
};

/// The login that the JSON is for.
enum LoginKind {
    ServiceAccount,
    OAuthServerToServer,
}

impl Credentials {
    /// Reads the JSON download of the Developer Console: of one credential, or of a project. From a project it takes the OAuth
    /// Server-to-Server credential, or else the service account; if there are several of them, none.
    ///
    /// ```
    /// let json = r#"{"ORG_ID": "12345@AdobeOrg",
    ///                "CLIENT_ID": "client id", "CLIENT_SECRETS": ["client secret"],
    ///                "SCOPES": ["openid", "AdobeID", "user_management_sdk"]}"#;
    /// let credentials = umapi_auth::Credentials::from_console_json(json, None, None)?;
    /// assert_eq!(credentials.organization(), Some("12345@AdobeOrg"));
    /// # Ok::<(), umapi_auth::Error>(())
    /// ```
    ///
    /// The private key of a service account is not part of the JSON; pass it as PEM. A service account needs the feature `jwt`.
    ///
    /// # Errors
    ///
    /// If the text is not such JSON, or a field is missing. The error names the field.
    pub fn from_console_json(
        json: &str,
        private_key: Option<&str>,
        passphrase: Option<&Secret>,
    ) -> Result<Self, Error> {
        // Editors and PowerShell write a byte order mark.
        let root: Value = serde_json::from_str(json.trim_start_matches('\u{feff}')).map_err(|error| {
            // The position without the text, which may be a secret.
            Error::invalid(format!("{ORIGIN}: invalid JSON at line {}, column {}", error.line(), error.column()))
        })?;
        let (mut fields, kind, names) = match root.get("project") {
            Some(project) => of_project(project)?,
            None => of_credential(&root)?,
        };
        if let LoginKind::ServiceAccount = kind {
            names.check_service_account()?;
        }
        let found = "the given private key".to_owned();
        fields.private_key = private_key.map(|text| KeyText { text: Secret::from(text), found });
        fields.passphrase = passphrase.cloned();
        match kind {
            LoginKind::ServiceAccount => fields.into_service_account(names),
            LoginKind::OAuthServerToServer => fields.into_oauth(names),
        }
    }
}

/// `{"CLIENT_ID": …, "CLIENT_SECRETS": […], "ORG_ID": …, "SCOPES": […]}`, or in older ones of service accounts
/// `{"API_KEY": …, "CLIENT_SECRET": …, "ORG_ID": …, "TECHNICAL_ACCOUNT_ID": …, "PUBLIC_KEYS_WITH_EXPIRY": {…}}`.
fn of_credential(root: &Value) -> Result<(Fields, LoginKind, &'static Names<'static>), Error> {
    const KNOWN: [&str; 5] = ["API_KEY", "CLIENT_ID", "CLIENT_SECRET", "CLIENT_SECRETS", "TECHNICAL_ACCOUNT_ID"];
    if KNOWN.iter().all(|key| root.get(key).is_none()) {
        return Err(Error::invalid(format!(
            "{ORIGIN}: it contains neither a `project` nor a credential with `CLIENT_ID`; use `Download` in the project \
             overview, or `Download JSON` of the credential"
        )));
    }
    let fields = Fields {
        organization: text(root, "ORG_ID"),
        technical_account: text(root, "TECHNICAL_ACCOUNT_ID"),
        client_id: text(root, "CLIENT_ID").or_else(|| text(root, "API_KEY")),
        client_secrets: secrets_of(root, "CLIENT_SECRETS", "CLIENT_SECRET"),
        metascopes: metascopes(list(root, "METASCOPES")),
        scopes: list(root, "SCOPES"),
        ..Fields::default()
    };
    // OAuth credentials always have scopes. Service accounts have metascopes, or neither in older downloads.
    let is_service_account = root.get("METASCOPES").is_some() || root.get("SCOPES").is_none();
    let kind = if is_service_account { LoginKind::ServiceAccount } else { LoginKind::OAuthServerToServer };
    Ok((fields, kind, &OF_CREDENTIAL))
}

/// `{"project": {"org": …, "workspace": {"details": {"credentials": [{"jwt" or "oauth_server_to_server": …}]}}}}`.
fn of_project(project: &Value) -> Result<(Fields, LoginKind, &'static Names<'static>), Error> {
    let organization = project.pointer("/org/ims_org_id").and_then(Value::as_str).map(str::to_owned);
    let listed = project.pointer("/workspace/details/credentials").and_then(Value::as_array);
    let credentials: Vec<&Value> = listed.into_iter().flatten().collect();
    // A project in migration has both. The newer one is preferred.
    for (key, kind) in [("oauth_server_to_server", LoginKind::OAuthServerToServer), ("jwt", LoginKind::ServiceAccount)]
    {
        let of_kind: Vec<&Value> = credentials.iter().filter_map(|credential| credential.get(key)).collect();
        let found = match of_kind.as_slice() {
            [] => continue,
            [only] => *only,
            // The wrong one may belong to another service, or be about to be deleted.
            several => {
                return Err(Error::invalid(format!(
                    "{ORIGIN}: the project has {} `{key}` credentials; use `Download JSON` of the one to log in with",
                    several.len()
                )));
            }
        };
        let fields = Fields {
            organization,
            technical_account: text(found, "technical_account_id"),
            client_id: text(found, "client_id"),
            client_secrets: secrets_of(found, "client_secrets", "client_secret"),
            metascopes: metascopes(list(found, "meta_scopes")),
            scopes: list(found, "scopes"),
            ..Fields::default()
        };
        return Ok((fields, kind, &OF_PROJECT));
    }
    Err(Error::invalid(format!(
        "{ORIGIN}: the project has neither an `oauth_server_to_server` nor a `jwt` credential; add one and download the \
         project again"
    )))
}

/// The list of secrets, or the single secret of older downloads.
fn secrets_of(credential: &Value, list_key: &str, single_key: &str) -> Vec<Secret> {
    let mut secrets = list(credential, list_key);
    if secrets.is_empty() {
        secrets.extend(text(credential, single_key));
    }
    secrets.into_iter().map(Secret::from).collect()
}

/// The names of the metascopes, without the URL prefix that some downloads have.
fn metascopes(scopes: Vec<String>) -> Vec<String> {
    scopes.iter().map(|scope| scope.rsplit('/').next().unwrap_or(scope).to_owned()).collect()
}

fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key)?.as_str().map(str::to_owned)
}

fn list(value: &Value, key: &str) -> Vec<String> {
    value[key].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Login;

    const KEY: &str = include_str!("../../tests/keys/pkcs8.pem");

    fn read(json: &Value, key: Option<&str>) -> Result<Credentials, Error> {
        Credentials::from_console_json(&json.to_string(), key, None)
    }

    fn project(credentials: Value) -> Value {
        json!({"project": {
            "id": "1", "name": "project", "org": {"id": "1", "name": "Org", "ims_org_id": "12345@AdobeOrg"},
            "workspace": {"id": "1", "name": "Production", "details": {"credentials": credentials, "services": []}},
        }})
    }

    fn nested_oauth() -> Value {
        json!({"id": "1", "integration_type": "oauth_server_to_server", "oauth_server_to_server": {
            "client_id": "id", "client_secrets": ["new", "old"], "technical_account_id": "1@techacct.adobe.com",
            "technical_account_email": "x@techacct.adobe.com", "scopes": ["openid"],
        }})
    }

    fn nested_jwt() -> Value {
        json!({"id": "2", "integration_type": "service", "jwt": {
            "client_id": "id", "client_secret": "s", "technical_account_id": "1@techacct.adobe.com",
            "meta_scopes": ["https://ims-na1.adobelogin.com/s/ent_user_sdk"],
        }})
    }

    /// The oldest download of a service account, without a client id and metascopes.
    fn oldest() -> Value {
        json!({
            "API_KEY": "id", "CLIENT_SECRET": "s", "ORG_ID": "12345@AdobeOrg",
            "TECHNICAL_ACCOUNT_ID": "1@techacct.adobe.com", "TECHNICAL_ACCOUNT_EMAIL": "x@techacct.adobe.com",
            "PUBLIC_KEYS_WITH_EXPIRY": {"84a0": "08/27/2022"},
        })
    }

    #[test]
    fn oauth_is_read_in_every_layout() {
        let flat = json!({
            "CLIENT_SECRETS": ["new", "old"], "ORG_ID": "12345@AdobeOrg", "CLIENT_ID": "id", "SCOPES": ["openid"],
            "TECHNICAL_ACCOUNT_ID": "1@techacct.adobe.com", "TECHNICAL_ACCOUNT_EMAIL": "x@techacct.adobe.com",
        });
        // In migration there are both, and the newer one is used.
        let both = project(json!([{"integration_type": "apikey", "api_key": {}}, nested_jwt(), nested_oauth()]));
        for json in [flat, project(json!([nested_oauth()])), both] {
            let credentials = read(&json, None).unwrap();
            assert_eq!(credentials.client_secrets(), [Secret::from("new"), Secret::from("old")]);
            assert_eq!(credentials.organization(), Some("12345@AdobeOrg"));
            #[cfg_attr(not(feature = "jwt"), allow(irrefutable_let_patterns, reason = "there is no other login"))]
            let Login::OAuthServerToServer(client) = credentials.login() else { panic!("not OAuth") };
            assert_eq!((client.client_id.as_str(), client.scopes.as_slice()), ("id", &["openid".to_owned()][..]));
        }
    }

    #[cfg(not(feature = "jwt"))]
    #[test]
    fn a_service_account_names_the_missing_feature() {
        for json in [oldest(), project(json!([nested_jwt()]))] {
            let error = read(&json, Some("planted")).unwrap_err().to_string();
            assert!(error.contains("the feature `jwt`") && !error.contains("planted"), "{error}");
        }
    }

    #[cfg(feature = "jwt")]
    #[test]
    fn a_service_account_is_read_in_every_layout() {
        let flat = json!({
            "CLIENT_SECRET": "x", "CLIENT_SECRETS": ["s"], "ORG_ID": "12345@AdobeOrg", "CLIENT_ID": "id",
            "TECHNICAL_ACCOUNT_ID": "1@techacct.adobe.com", "METASCOPES": ["ent_user_sdk"],
        });
        for json in [flat, oldest(), project(json!([nested_jwt()]))] {
            let credentials = read(&json, Some(KEY)).unwrap();
            assert_eq!(credentials.client_secrets(), [Secret::from("s")]);
            let Login::ServiceAccount(account) = credentials.login() else { panic!("not a service account") };
            assert_eq!(
                (account.client_id.as_str(), account.metascopes.as_slice()),
                ("id", &["ent_user_sdk".to_owned()][..])
            );
        }
    }

    #[test]
    fn a_project_with_several_credentials_of_a_kind_is_rejected() {
        for (credentials, named) in [
            (json!([nested_oauth(), nested_jwt(), nested_oauth()]), "2 `oauth_server_to_server` credentials"),
            (json!([nested_jwt(), nested_jwt(), nested_jwt()]), "3 `jwt` credentials"),
        ] {
            let error = read(&project(credentials), Some(KEY)).unwrap_err().to_string();
            assert!(error.contains(named) && error.contains("Download JSON"), "{error}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_ignored() {
        let json = format!("\u{feff}{}", project(json!([nested_oauth()])));
        assert_eq!(Credentials::from_console_json(&json, None, None).unwrap().client_id(), "id");
    }

    #[cfg(feature = "jwt")]
    #[test]
    fn each_missing_field_is_named_with_where_to_find_it() {
        for (key, named) in [
            ("API_KEY", "`CLIENT_ID`"),
            ("CLIENT_SECRET", "Retrieve client secret"),
            ("ORG_ID", "`ORG_ID`"),
            ("TECHNICAL_ACCOUNT_ID", "Technical Account ID"),
        ] {
            let mut json = oldest();
            json.as_object_mut().unwrap().remove(key);
            let error = read(&json, Some(KEY)).unwrap_err().to_string();
            assert!(error.contains(named) && error.contains("Developer Console"), "{error}");
        }
        for (key, named) in [("client_id", "`client_id`"), ("client_secret", "`client_secrets`")] {
            let mut credential = nested_jwt();
            credential["jwt"].as_object_mut().unwrap().remove(key);
            let error = read(&project(json!([credential])), Some(KEY)).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
        let error = read(&oldest(), None).unwrap_err().to_string();
        assert!(error.contains("private key") && error.contains("config.zip"), "{error}");
        let error = read(&oldest(), Some("planted")).unwrap_err().to_string();
        assert!(error.contains("not PEM") && !error.contains("planted"), "{error}");
    }

    #[test]
    fn other_json_is_rejected_and_never_quoted() {
        let error = Credentials::from_console_json("{\n  \"planted", None, None).unwrap_err().to_string();
        assert!(error.contains("line 2") && !error.contains("planted"), "{error}");
        for json in [json!({}), json!([1]), json!({"values": [{"key": "CLIENT_SECRET", "value": "planted"}]})] {
            let error = read(&json, None).unwrap_err().to_string();
            assert!(error.contains("Download JSON") && !error.contains("planted"), "{error}");
        }
        for json in [project(json!([])), json!({"project": {}}), json!({"project": "planted"})] {
            let error = read(&json, None).unwrap_err().to_string();
            assert!(error.contains("oauth_server_to_server") && !error.contains("planted"), "{error}");
        }
    }
}
