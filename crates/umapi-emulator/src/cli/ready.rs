use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::emulator::Emulator;

/// The line that says that the emulator is ready: what a client needs to know of it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Ready {
    /// Always `ready`.
    pub status: &'static str,
    /// The User Management API: by HTTP if it is on, else by HTTPS.
    pub um_url: String,
    /// The login: by HTTP if it is on, else by HTTPS.
    pub ims_url: String,
    /// The User Management API by HTTPS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub um_https_url: Option<String>,
    /// The login by HTTPS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ims_https_url: Option<String>,
    /// The management API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub management_url: Option<String>,
    /// The first organization.
    pub organization: String,
    /// Credentials for it, of both kinds.
    pub credentials: ReadyCredentials,
    /// The file of the certificate that clients are to trust.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_path: Option<PathBuf>,
    /// The process.
    pub pid: u32,
}

/// Credentials as the ready line shows them.
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
    /// What an emulator has to say of itself.
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
