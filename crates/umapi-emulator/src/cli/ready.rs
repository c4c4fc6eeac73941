//! The line of JSON that says that the emulator is ready.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::emulator::Emulator;

/// The line that the command prints when the emulator is ready: everything that a client needs.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Ready {
    /// Always `ready`.
    pub status: &'static str,
    /// The URL of the User Management API: HTTP if it is enabled, otherwise HTTPS.
    pub um_url: String,
    /// The URL of the login: HTTP if it is enabled, otherwise HTTPS.
    pub ims_url: String,
    /// The HTTPS URL of the User Management API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub um_https_url: Option<String>,
    /// The HTTPS URL of the login.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ims_https_url: Option<String>,
    /// The URL of the management API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub management_url: Option<String>,
    /// The id of the first organization.
    pub organization: String,
    /// Credentials for it, for both kinds of login.
    pub credentials: ReadyCredentials,
    /// The file of the certificate that clients must trust.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_path: Option<PathBuf>,
    /// The process id.
    pub pid: u32,
}

/// The credentials in the ready line.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ReadyCredentials {
    /// The client id, which is also the API key.
    pub client_id: String,
    /// The client secret.
    pub client_secret: String,
    /// The technical account.
    pub technical_account_id: String,
    /// The private key that signs JWTs, in PEM.
    pub private_key: String,
    /// The scopes for the login with client credentials.
    pub scopes: String,
    /// The metascope for the login with a JWT.
    pub metascope: String,
}

impl std::fmt::Debug for ReadyCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReadyCredentials").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

impl Ready {
    /// The ready line of an emulator.
    #[must_use]
    pub fn of(emulator: &Emulator, ca_path: Option<&Path>) -> Self {
        let credentials = emulator.credentials().clone();
        Self {
            status: "ready",
            um_url: emulator.um_url(),
            ims_url: emulator.ims_url(),
            um_https_url: emulator.um_https_url(),
            ims_https_url: emulator.ims_https_url(),
            management_url: emulator.management_url(),
            organization: emulator.org_id().to_owned(),
            credentials: ReadyCredentials {
                client_id: credentials.client_id,
                client_secret: credentials.client_secret,
                technical_account_id: credentials.technical_account_id,
                private_key: credentials.private_key_pem,
                scopes: credentials.scopes,
                metascope: credentials.metascope,
            },
            ca_path: ca_path.map(Path::to_owned),
            pid: std::process::id(),
        }
    }
}
