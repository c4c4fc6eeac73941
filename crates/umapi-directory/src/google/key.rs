//! The key of a service account: JSON, as Google Cloud creates it.

use serde::Deserialize;
use umapi_auth::PrivateKey;
use umapi_http::{Secret, Server, ServerUrl};

/// The login server as messages show it.
const LOGIN_SERVER: Server = Server { name: "login server", example: "https://oauth2.googleapis.com/token" };

/// The key of a service account.
#[derive(Debug)]
pub(super) struct ServiceAccountKey {
    pub(super) email: String,
    pub(super) key_id: String,
    pub(super) private_key: PrivateKey,
    pub(super) token_url: ServerUrl,
}

#[derive(Deserialize)]
struct Json {
    #[serde(rename = "type")]
    kind: Option<String>,
    client_email: Option<String>,
    private_key_id: Option<String>,
    private_key: Option<Secret>,
    token_uri: Option<String>,
}

impl ServiceAccountKey {
    /// Reads a key.
    ///
    /// # Errors
    /// What the text is instead. It is never quoted.
    pub(super) fn parse(text: &Secret) -> Result<Self, String> {
        let json: Json = serde_json::from_str(text.reveal().trim_start_matches('\u{feff}')).map_err(|error| {
            if text.reveal().contains("-----BEGIN") && !text.reveal().trim_start().starts_with('{') {
                return "this is only the private key; the whole JSON file is needed".to_owned();
            }
            format!("this is not the JSON of a service account (line {}, column {})", error.line(), error.column())
        })?;
        match json.kind.as_deref() {
            Some("service_account") => {}
            Some("authorized_user") => {
                return Err("this is the login of a person; a service account is needed".to_owned());
            }
            _ => {
                return Err(
                    "this is not the key of a service account; it lacks `\"type\": \"service_account\"`".to_owned()
                );
            }
        }
        let required = |value: Option<String>, name: &str| {
            value.filter(|value| !value.trim().is_empty()).ok_or_else(|| format!("it lacks `{name}`"))
        };
        let private_key = json.private_key.ok_or("it lacks `private_key`")?;
        let token_url = json.token_uri.unwrap_or_else(|| LOGIN_SERVER.example.to_owned());
        Ok(Self {
            email: required(json.client_email, "client_email")?,
            key_id: required(json.private_key_id, "private_key_id")?,
            private_key: PrivateKey::from_pem(private_key.reveal(), None)
                .map_err(|error| format!("`private_key`: {error}"))?,
            token_url: ServerUrl::parse(&token_url, LOGIN_SERVER).map_err(|error| format!("`token_uri`: {error}"))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn key() -> serde_json::Value {
        let pem = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap().serialize_pem();
        json!({
            "type": "service_account", "project_id": "sync", "private_key_id": "k1", "private_key": pem,
            "client_email": "sync@sync.iam.gserviceaccount.com", "client_id": "1",
            "token_uri": "https://oauth2.googleapis.com/token",
        })
    }

    #[test]
    fn a_key_is_read_and_never_shown() {
        let json = key();
        let text = Secret::from(json.to_string());
        let key = ServiceAccountKey::parse(&text).unwrap();
        assert_eq!((key.email.as_str(), key.key_id.as_str()), ("sync@sync.iam.gserviceaccount.com", "k1"));
        assert_eq!(key.token_url.as_str(), "https://oauth2.googleapis.com/token");
        assert!(!format!("{key:?}").contains("BEGIN"));
    }

    #[test]
    fn what_is_not_a_key_is_told_without_quoting_it() {
        for (change, expected) in [
            (json!({ "type": "authorized_user" }), "the login of a person"),
            (json!({ "type": null }), "not the key of a service account"),
            (json!({ "private_key": "hush" }), "`private_key`: "),
            (json!({ "private_key": null }), "it lacks `private_key`"),
            (json!({ "client_email": " " }), "it lacks `client_email`"),
            (json!({ "private_key_id": null }), "it lacks `private_key_id`"),
            (json!({ "token_uri": "http://elsewhere.example" }), "`token_uri`: "),
        ] {
            let mut json = key();
            for (name, value) in change.as_object().unwrap() {
                json[name] = value.clone();
            }
            let reason = ServiceAccountKey::parse(&Secret::from(json.to_string())).unwrap_err();
            assert!(reason.contains(expected) && !reason.contains("hush"), "{reason}");
        }
        for (text, expected) in [
            ("", "not the JSON of a service account"),
            ("{\"type\": ", "not the JSON of a service account"),
            ("-----BEGIN PRIVATE KEY-----\nhush", "only the private key"),
            ("{\"installed\": {\"client_secret\": \"hush\"}}", "not the key of a service account"),
        ] {
            let reason = ServiceAccountKey::parse(&Secret::from(text)).unwrap_err();
            assert!(reason.contains(expected) && !reason.contains("hush"), "{text}: {reason}");
        }
    }
}
