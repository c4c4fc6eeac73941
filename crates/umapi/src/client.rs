//! The client: where everything begins.

use std::{env::VarError, fmt, sync::Arc, time::Duration};

use umapi_auth::Credentials;
use umapi_model::ThrottleClass;

use crate::{
    address::Address, builder::ClientBuilder, call::Engine, error::Error, groups::Groups, legacy::Legacy, users::Users,
};

/// The variable that names another address of the service.
const URL: &str = "UMAPI_URL";

/// A client for one organization. Cheap to clone; clones share connections, tokens, pace and retry budget.
///
/// ```no_run
/// use umapi::{Client, Error, auth::Credentials};
///
/// # async fn run() -> Result<(), Error> {
/// let client = Client::builder("12345@AdobeOrg").credentials(Credentials::from_env()?).build()?;
/// let mut users = client.users().domain("example.com").list();
/// while let Some(user) = users.try_next().await? {
///     println!("{:?}", user.email);
/// }
/// # Ok(())
/// # }
/// ```
///
/// Its futures need a tokio runtime. All waits go by the clock of the [builder](ClientBuilder::clock).
#[derive(Clone)]
pub struct Client(pub(crate) Arc<Engine>);

impl Client {
    /// Settings of a client for an organization (`12345@AdobeOrg`).
    pub fn builder(organization: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(organization.into())
    }

    /// A client of what the environment says: `UMAPI_ORG_ID`, `UMAPI_CLIENT_ID`, `UMAPI_CLIENT_SECRET` and the others that
    /// [`Credentials::from_env`] reads. `UMAPI_URL` names another address of the service.
    ///
    /// # Errors
    ///
    /// For what is missing or cannot be used, by the name of its variable.
    pub fn from_env() -> Result<Self, Error> {
        let credentials = Credentials::from_env()?;
        let Some(organization) = credentials.organization().map(str::to_owned) else {
            return Err(Error::invalid(
                "the environment does not name the organization: set UMAPI_ORG_ID to its id, as in 12345@AdobeOrg",
            ));
        };
        let builder = Self::builder(organization).credentials(credentials);
        match address_of(std::env::var(URL))? {
            Some(url) => builder.base_url(url).build(),
            None => builder.build(),
        }
    }

    /// The organization.
    #[must_use]
    pub fn organization(&self) -> &str {
        &self.0.organization
    }

    /// Reads users.
    #[must_use]
    pub fn users(&self) -> Users {
        Users::new(self.clone())
    }

    /// Reads user groups, product profiles and administrative groups.
    #[must_use]
    pub fn groups(&self) -> Groups {
        Groups::new(self.clone())
    }

    /// The deprecated endpoints, which some older programs still lean on.
    #[must_use]
    pub fn legacy(&self) -> Legacy {
        Legacy::new(self.clone())
    }

    /// How long so many more calls of a class take, at the pace of the limits and with all credentials: until the last of
    /// them can go out.
    ///
    /// ```no_run
    /// # async fn run(client: umapi::Client) {
    /// use umapi::model::ThrottleClass;
    ///
    /// println!("25 action requests need {:?}", client.time_for(ThrottleClass::Action, 25).await);
    /// # }
    /// ```
    pub async fn time_for(&self, class: ThrottleClass, calls: usize) -> Duration {
        self.0.rate_limiter.time_for(class, calls).await
    }
}

/// The address that the environment names. What cannot be used must not lead to the service in production.
fn address_of(variable: Result<String, VarError>) -> Result<Option<String>, Error> {
    let url = match variable {
        Ok(url) if url.trim().is_empty() => return Ok(None),
        Ok(url) => url,
        Err(VarError::NotPresent) => return Ok(None),
        Err(VarError::NotUnicode(_)) => return Err(Error::invalid(format!("{URL} is not Unicode text: set it anew"))),
    };
    Address::parse(&url).map_err(|error| Error::invalid(format!("{URL}: {error}")))?;
    Ok(Some(url))
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<&str> = self.0.slots.iter().map(|slot| &*slot.api_key).collect();
        f.debug_struct("Client")
            .field("organization", &self.0.organization)
            .field("api_keys", &keys)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_the_environment_that_cannot_be_used_is_named_and_not_passed_over() {
        assert_eq!(address_of(Err(VarError::NotPresent)).unwrap(), None);
        assert_eq!(address_of(Ok(" ".to_owned())).unwrap(), None);
        assert_eq!(address_of(Ok("http://127.0.0.1:1".to_owned())).unwrap().as_deref(), Some("http://127.0.0.1:1"));
        for variable in [Ok("http://um.example".to_owned()), Err(VarError::NotUnicode("x".into()))] {
            let error = address_of(variable).unwrap_err();
            assert!(error.is_invalid_input() && error.to_string().contains(URL), "{error}");
        }
    }
}
