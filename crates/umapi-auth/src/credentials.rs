//! Credentials of the two logins.

#[cfg(feature = "jwt")]
use crate::PrivateKey;
use crate::{Endpoint, Error, Secret};

/// The metascope of the User Management API for the JWT exchange.
#[cfg(feature = "jwt")]
pub const USER_MANAGEMENT_METASCOPE: &str = "ent_user_sdk";
/// The scopes of the User Management API for OAuth Server-to-Server.
pub const USER_MANAGEMENT_SCOPES: [&str; 3] = ["openid", "AdobeID", "user_management_sdk"];

/// Credentials of the JWT exchange, which older integrations use. Adobe has retired it for new credentials; use
/// [`OAuthServerToServer`] for those.
///
/// See <https://adobe-apiplatform.github.io/umapi-documentation/en/UM_Authentication.html>.
#[cfg(feature = "jwt")]
#[derive(Clone, Debug)]
pub struct ServiceAccount {
    pub(crate) organization: String,
    pub(crate) technical_account: String,
    pub(crate) client_id: String,
    pub(crate) client_secrets: Vec<Secret>,
    pub(crate) private_key: PrivateKey,
    pub(crate) metascopes: Vec<String>,
    pub(crate) with_jti: bool,
}

#[cfg(feature = "jwt")]
impl ServiceAccount {
    /// Creates a service account field by field.
    ///
    /// ```
    /// use umapi_auth::{Error, PrivateKey, ServiceAccount};
    ///
    /// fn account(pem: &str) -> Result<ServiceAccount, Error> {
    ///     ServiceAccount::builder()
    ///         .organization("12345@AdobeOrg")
    ///         .technical_account("6789@techacct.adobe.com")
    ///         .client_id("client id")
    ///         .client_secret("client secret")
    ///         .private_key(PrivateKey::from_pem(pem, None)?)
    ///         .build()
    /// }
    /// # assert!(account("not a key").unwrap_err().is_invalid_input());
    /// ```
    pub fn builder() -> ServiceAccountBuilder {
        ServiceAccountBuilder::default()
    }

    /// The organization that issues the JWT.
    pub fn organization(&self) -> &str {
        &self.organization
    }

    /// The technical account that the JWT identifies.
    pub fn technical_account(&self) -> &str {
        &self.technical_account
    }

    /// Requests these metascopes instead of the one of the User Management API, for another Adobe service.
    ///
    /// ```
    /// use umapi_auth::{ServiceAccount, USER_MANAGEMENT_METASCOPE};
    ///
    /// /// Reads users, and another service with the same integration.
    /// fn with_stock(account: ServiceAccount) -> ServiceAccount {
    ///     account.with_metascopes([USER_MANAGEMENT_METASCOPE, "ent_stocksearch_sdk"])
    /// }
    /// ```
    #[must_use]
    pub fn with_metascopes(mut self, metascopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.metascopes = metascopes.into_iter().map(Into::into).collect();
        self
    }

    /// Adds a secret to try when the ones before it are rejected. During a rotation both may be valid.
    #[must_use]
    pub fn with_further_secret(mut self, secret: impl Into<Secret>) -> Self {
        self.client_secrets.push(secret.into());
        self
    }

    /// Adds a unique number (`jti`) to every JWT, for integrations that require it.
    #[must_use]
    pub fn with_jti(mut self) -> Self {
        self.with_jti = true;
        self
    }
}

/// Builder of a [`ServiceAccount`]. All fields are required; a second secret is for a rotation.
#[cfg(feature = "jwt")]
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing before `build`"]
pub struct ServiceAccountBuilder {
    organization: String,
    technical_account: String,
    client_id: String,
    client_secrets: Vec<Secret>,
    private_key: Option<PrivateKey>,
}

#[cfg(feature = "jwt")]
impl ServiceAccountBuilder {
    /// Sets the organization: `12345@AdobeOrg`.
    pub fn organization(mut self, organization: impl Into<String>) -> Self {
        self.organization = organization.into();
        self
    }

    /// Sets the technical account: `…@techacct.adobe.com`.
    pub fn technical_account(mut self, technical_account: impl Into<String>) -> Self {
        self.technical_account = technical_account.into();
        self
    }

    /// Sets the client id, also called API key.
    pub fn client_id(mut self, client_id: impl Into<String>) -> Self {
        self.client_id = client_id.into();
        self
    }

    /// Adds a client secret. Each further one is tried when the ones before it are rejected.
    pub fn client_secret(mut self, secret: impl Into<Secret>) -> Self {
        self.client_secrets.push(secret.into());
        self
    }

    /// Sets the private key whose certificate the integration has.
    pub fn private_key(mut self, key: PrivateKey) -> Self {
        self.private_key = Some(key);
        self
    }

    /// Creates the service account, with the metascope of the User Management API.
    ///
    /// # Errors
    ///
    /// If a field is missing or malformed. The error names it.
    pub fn build(self) -> Result<ServiceAccount, Error> {
        check_organization(&self.organization)?;
        if !self.technical_account.ends_with("@techacct.adobe.com") {
            return Err(Error::invalid(
                "the technical account must end in `@techacct.adobe.com`; copy the Technical Account ID from the integration in \
                 the Adobe Developer Console, not its email address",
            ));
        }
        check_client(&self.client_id, &self.client_secrets)?;
        let private_key = self.private_key.ok_or_else(|| {
            Error::invalid("the private key is missing; use the one whose certificate the integration has")
        })?;
        Ok(ServiceAccount {
            organization: self.organization,
            technical_account: self.technical_account,
            client_id: self.client_id,
            client_secrets: self.client_secrets,
            private_key,
            metascopes: vec![USER_MANAGEMENT_METASCOPE.to_owned()],
            with_jti: false,
        })
    }
}

/// Credentials of OAuth Server-to-Server, which the Adobe Developer Console issues today.
///
/// While a secret is replaced, both are tried, and another service of Adobe needs scopes of its own:
///
/// ```
/// use umapi_auth::{Credentials, Login, OAuthServerToServer, USER_MANAGEMENT_SCOPES};
///
/// # fn main() -> Result<(), umapi_auth::Error> {
/// let integration = OAuthServerToServer::new("client id", "new secret")?
///     .with_further_secret("old secret")
///     .with_scopes(USER_MANAGEMENT_SCOPES.into_iter().chain(["read_organizations"]));
/// let credentials = Credentials::from(integration);
/// assert_eq!(credentials.client_secrets().len(), 2);
/// assert!(matches!(credentials.login(), Login::OAuthServerToServer(_)));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct OAuthServerToServer {
    pub(crate) client_id: String,
    pub(crate) client_secrets: Vec<Secret>,
    pub(crate) scopes: Vec<String>,
}

impl OAuthServerToServer {
    /// Creates credentials with the scopes of the User Management API.
    ///
    /// # Errors
    ///
    /// If the client id or the secret is empty.
    pub fn new(client_id: impl Into<String>, client_secret: impl Into<Secret>) -> Result<Self, Error> {
        let credentials = Self {
            client_id: client_id.into(),
            client_secrets: vec![client_secret.into()],
            scopes: USER_MANAGEMENT_SCOPES.map(str::to_owned).to_vec(),
        };
        check_client(&credentials.client_id, &credentials.client_secrets)?;
        Ok(credentials)
    }

    /// Requests these scopes instead of the ones of the User Management API, for another Adobe service.
    #[must_use]
    pub fn with_scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Adds a secret to try when the ones before it are rejected. During a rotation both may be valid.
    #[must_use]
    pub fn with_further_secret(mut self, secret: impl Into<Secret>) -> Self {
        self.client_secrets.push(secret.into());
        self
    }
}

/// The fields of either login.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Login {
    /// The JWT exchange.
    #[cfg(feature = "jwt")]
    ServiceAccount(ServiceAccount),
    /// OAuth Server-to-Server.
    OAuthServerToServer(OAuthServerToServer),
}

/// Credentials, the login server, and the organization if the source of the credentials names it.
#[derive(Clone, Debug)]
pub struct Credentials {
    pub(crate) login: Login,
    pub(crate) endpoint: Endpoint,
    pub(crate) organization: Option<String>,
}

impl Credentials {
    /// Uses another login server.
    ///
    /// ```
    /// use umapi_auth::{Credentials, Endpoint, OAuthServerToServer};
    ///
    /// # fn main() -> Result<(), umapi_auth::Error> {
    /// let credentials = Credentials::from(OAuthServerToServer::new("client id", "client secret")?)
    ///     .with_endpoint(Endpoint::parse("http://localhost:8080")?); // an emulator
    /// assert_eq!(credentials.endpoint().to_string(), "http://localhost:8080");
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn with_endpoint(mut self, endpoint: Endpoint) -> Self {
        self.endpoint = endpoint;
        self
    }

    /// The login server.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The login and its fields.
    pub fn login(&self) -> &Login {
        &self.login
    }

    /// The client id. Every request to the service carries it as the API key.
    pub fn client_id(&self) -> &str {
        match &self.login {
            #[cfg(feature = "jwt")]
            Login::ServiceAccount(account) => &account.client_id,
            Login::OAuthServerToServer(client) => &client.client_id,
        }
    }

    /// The organization, if the source of the credentials names it.
    pub fn organization(&self) -> Option<&str> {
        self.organization.as_deref()
    }

    /// The client secrets, in the order in which they are tried: for a key that is derived from one of them.
    pub fn client_secrets(&self) -> &[Secret] {
        match &self.login {
            #[cfg(feature = "jwt")]
            Login::ServiceAccount(account) => &account.client_secrets,
            Login::OAuthServerToServer(client) => &client.client_secrets,
        }
    }
}

#[cfg(feature = "jwt")]
impl From<ServiceAccount> for Credentials {
    fn from(account: ServiceAccount) -> Self {
        let organization = Some(account.organization.clone());
        Self { login: Login::ServiceAccount(account), endpoint: Endpoint::default(), organization }
    }
}

impl From<OAuthServerToServer> for Credentials {
    fn from(client: OAuthServerToServer) -> Self {
        Self { login: Login::OAuthServerToServer(client), endpoint: Endpoint::default(), organization: None }
    }
}

/// Checks the form of an organization id: a hexadecimal number and `@AdobeOrg`.
///
/// ```
/// use umapi_auth::check_organization;
///
/// assert!(check_organization("12345@AdobeOrg").is_ok());
/// assert!(check_organization("Example Ltd").unwrap_err().to_string().contains("12345@AdobeOrg"));
/// ```
///
/// # Errors
/// If it has another form.
pub fn check_organization(organization: &str) -> Result<(), Error> {
    let is_right = organization
        .strip_suffix("@AdobeOrg")
        .is_some_and(|number| !number.is_empty() && number.chars().all(|c| c.is_ascii_hexdigit()));
    if is_right {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "`{organization}` is not an organization id; use a hexadecimal number and `@AdobeOrg`, e.g. 12345@AdobeOrg"
    )))
}

fn check_client(client_id: &str, secrets: &[Secret]) -> Result<(), Error> {
    if client_id.trim().is_empty() {
        return Err(Error::invalid(
            "the client id is missing or empty; copy it from the integration in the Adobe Developer Console",
        ));
    }
    if secrets.is_empty() || secrets.iter().any(Secret::is_blank) {
        return Err(Error::invalid(
            "a client secret is missing or empty; copy it from the integration in the Adobe Developer Console",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_secret_is_rejected() {
        assert!(OAuthServerToServer::new("id", "").unwrap_err().is_invalid_input());
    }

    #[cfg(feature = "jwt")]
    #[test]
    fn each_malformed_field_is_named() {
        let account =
            || ServiceAccount::builder().organization("1F@AdobeOrg").technical_account("1@techacct.adobe.com");
        for (builder, named) in [
            (ServiceAccount::builder(), "organization id"),
            (account().organization("1F"), "12345@AdobeOrg"),
            (account().organization("xyz@AdobeOrg"), "12345@AdobeOrg"),
            (account().technical_account("ann@example.com"), "technical account"),
            (account(), "client id"),
            (account().client_id("id"), "client secret"),
            (account().client_id("id").client_secret(" "), "client secret"),
            (account().client_id("id").client_secret("s"), "private key"),
        ] {
            let error = builder.build().unwrap_err();
            assert!(error.is_invalid_input() && error.to_string().contains(named), "{named}: {error}");
        }
    }
}
