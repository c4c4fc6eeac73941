//! Entra ID, by Microsoft Graph.
//!
//! Groups are read before people: a member who is not among the people afterwards was deleted in between, and is looked up.
//! Direct members are read, and nesting is resolved here, because deltas only show direct members.

mod attributes;
mod changes;
mod graph;
mod whole;

use std::{fmt, time::Duration};

use umapi_auth::{Assertion, OAuthClient, PrivateKey, certificate_thumbprint};
use umapi_http::{HttpClient, Secret, Server, ServerUrl};
use umapi_time::Clock;

use self::{
    attributes::Selection,
    graph::{Graph, READ_GROUPS, READ_USERS, grant},
};
use crate::{
    changes::{Change, Entry, EntryKey},
    changes::{ChangeFeed, Cursor, Known, SinceFuture, WholeFuture},
    cloud::{CloudClient, Collector, Failure, FailureKind, Login},
    directory::{Directory, DirectoryError, Query, ReadFuture},
    person::Person,
    settings::{EntraCloud, EntraSettings},
};

/// Entra ID.
pub struct EntraDirectory {
    settings: EntraSettings,
    client: CloudClient,
}

/// What the application shows to log in.
#[derive(Clone)]
#[non_exhaustive]
pub enum EntraCredential {
    /// A client secret.
    Secret(Secret),
    /// A private key, and the certificate that was uploaded to the application.
    Key {
        /// The private key as PEM. The certificate may stand beside it.
        private_key: Secret,
        /// The passphrase of an encrypted key.
        passphrase: Option<Secret>,
        /// The certificate as PEM, if it does not stand beside the key.
        certificate: Option<String>,
    },
}

impl EntraCloud {
    /// The addresses of the login server and of Microsoft Graph.
    fn addresses(self) -> [&'static str; 2] {
        match self {
            Self::Global => ["https://login.microsoftonline.com", "https://graph.microsoft.com"],
            Self::UsGovernment => ["https://login.microsoftonline.us", "https://graph.microsoft.us"],
            Self::UsGovernmentDod => ["https://login.microsoftonline.us", "https://dod-graph.microsoft.us"],
            Self::China => ["https://login.chinacloudapi.cn", "https://microsoftgraph.chinacloudapi.cn"],
        }
    }
}

impl EntraDirectory {
    /// The tenant of these settings. Nothing is sent yet.
    ///
    /// # Errors
    /// Settings that cannot be used: an address, a key.
    pub fn new(
        settings: EntraSettings,
        credential: EntraCredential,
        http: HttpClient,
        clock: Clock,
    ) -> Result<Self, DirectoryError> {
        let [login, graph] = settings.cloud.unwrap_or_default().addresses();
        let url = |given: Option<&String>, default: &str, name: &'static str, example: &'static str| {
            let text = given.map_or(default, String::as_str);
            ServerUrl::parse(text, Server { name, example })
                .map_err(|error| DirectoryError::setting("entra", error.to_string(), "correct it in [[directory]]"))
        };
        let graph =
            url(settings.graph_url.as_ref(), graph, "server of Microsoft Graph", "https://graph.microsoft.com")?;
        let login =
            url(settings.login_url.as_ref(), login, "login server of Entra ID", "https://login.microsoftonline.com")?;
        let tenant = &settings.tenant;
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
        if tenant.is_empty() || !tenant.chars().all(is_name) {
            let reason = format!("`{tenant}` is not a tenant");
            return Err(DirectoryError::setting(
                "entra",
                reason,
                "use its id, or a domain such as example.onmicrosoft.com",
            ));
        }
        let token_url = format!("{}/{tenant}/oauth2/v2.0/token", login.as_str());
        let token_url = url(Some(&token_url), "", "login server of Entra ID", "https://login.microsoftonline.com")?;
        let client = OAuthClient::new(token_url.clone(), http.clone(), clock.clone())
            .field("grant_type", "client_credentials")
            .field("client_id", &settings.client_id)
            .field("scope", &format!("{}/.default", graph.as_str()))
            .remedy(graph::login_remedy);
        let client = match credential {
            EntraCredential::Secret(secret) => client.secret("client_secret", secret),
            EntraCredential::Key { private_key, passphrase, certificate } => {
                let setting = |reason: String, remedy: &str| DirectoryError::setting("entra", reason, remedy);
                let key = PrivateKey::from_pem(private_key.reveal(), passphrase.as_ref())
                    .map_err(|error| setting(error.to_string(), "correct `private_key` in [[directory]]"))?;
                let certificate = certificate.as_deref().unwrap_or_else(|| private_key.reveal());
                let thumbprint = certificate_thumbprint(certificate).ok_or_else(|| {
                    let remedy = "put the certificate into the file of the private key, or name it with `certificate`";
                    setting("there is no certificate beside the private key".to_owned(), remedy)
                })?;
                let assertion = Assertion::ps256(key)
                    .thumbprint(thumbprint)
                    .claim("aud", token_url.as_str())
                    .claim("iss", &settings.client_id)
                    .claim("sub", &settings.client_id);
                client
                    .field("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
                    .assertion("client_assertion", assertion)
            }
        };
        let login = Login::oauth(client, &clock);
        let client = CloudClient::new(Graph, graph, http, login, clock).timeout(settings.timeout);
        Ok(Self { settings, client })
    }

    /// Sets how long requests may wait in all when they are throttled. The default is a quarter of an hour.
    #[must_use]
    pub fn max_wait(mut self, wait: Duration) -> Self {
        self.client = self.client.max_wait(wait);
        self
    }

    /// The error of a directory of which nothing can be read. Where a right is missing, it names all that are.
    async fn error(&self, failure: Failure) -> DirectoryError {
        let server = self.client.server();
        if failure.kind != FailureKind::Denied {
            return failure.into_error(server);
        }
        let mut missing = Vec::new();
        for (list, right) in [("users", READ_USERS), ("groups", READ_GROUPS)] {
            if self.client.graph_is_denied(list).await {
                missing.push(right);
            }
        }
        match missing.as_slice() {
            [] => failure.into_error(server),
            rights => failure.remedy(grant(&rights.join(" and "))).into_error(server),
        }
    }

    fn selection(query: &Query) -> Selection {
        Selection::new(&query.attributes)
    }
}

impl fmt::Debug for EntraDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EntraDirectory").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Directory for EntraDirectory {
    fn read<'a>(&'a self, query: &'a Query, take: &'a mut (dyn FnMut(Person) + Send)) -> ReadFuture<'a> {
        Box::pin(async move {
            let mut collector = Collector::new(take);
            let whole = self.read_entries(query, false, &mut |key, entry| collector.entry(key, entry)).await?;
            Ok(collector.finish(query, whole))
        })
    }

    fn changes(&self) -> Option<&dyn ChangeFeed> {
        Some(self)
    }
}

impl ChangeFeed for EntraDirectory {
    fn basis(&self, query: &Query) -> String {
        let mut attributes = query.attributes.clone();
        attributes.sort();
        let mut groups = query.groups.clone();
        groups.sort();
        // Secrets stay out: they change, and nothing else with them.
        let settings = (&self.settings.tenant, &self.settings.client_id, self.client.server());
        format!("entra 1 {settings:?} {:?} {attributes:?} {groups:?}", Self::selection(query).select())
    }

    fn read_whole<'a>(
        &'a self,
        query: &'a Query,
        take: &'a mut (dyn FnMut(EntryKey, Entry) + Send),
    ) -> WholeFuture<'a> {
        Box::pin(self.read_entries(query, true, take))
    }

    fn read_changes<'a>(
        &'a self,
        query: &'a Query,
        since: &'a Cursor,
        known: &'a dyn Known,
        take: &'a mut (dyn FnMut(Change) + Send),
    ) -> SinceFuture<'a> {
        Box::pin(self.changes_since(query, since, known, take))
    }
}
