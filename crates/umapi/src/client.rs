//! The client of one organization.

use std::{env::VarError, fmt, sync::Arc, time::Duration};

use umapi_http::ServerUrl;

use crate::{
    builder::{ClientBuilder, SERVICE},
    call::Engine,
    error::{Cause, Error, Kind},
    groups::Groups,
    legacy::Legacy,
    rate::{NoPermit, RateLimitScope},
    stub::Stub,
    users::Users,
};

/// The organization of a client that is made from a stub.
const STUB_ORGANIZATION: &str = "12345@AdobeOrg";

/// The variable with another URL of the service.
pub(crate) const URL: &str = "UMAPI_URL";

/// A client for one organization. Cheap to clone; clones share connections, tokens, rate limits and the retry budget.
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
/// Its futures need a tokio runtime, and may be used on several of them. All waits use the clock of the [builder](ClientBuilder::clock).
#[derive(Clone)]
pub struct Client(pub(crate) Arc<Engine>);

impl Client {
    /// Creates a builder for an organization, e.g. `12345@AdobeOrg`.
    pub fn builder(organization: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(organization.into())
    }

    /// Creates a client from environment variables: `UMAPI_ORG_ID`, `UMAPI_CLIENT_ID`, `UMAPI_CLIENT_SECRET` and the others
    /// that [`Credentials::from_env`](crate::auth::Credentials::from_env) reads. `UMAPI_URL` sets another URL of the service. To
    /// add other settings, e.g. an observer, use [`ClientBuilder::from_env`].
    ///
    /// # Errors
    ///
    /// If variables are missing, all of which the error names, or a value cannot be used.
    pub fn from_env() -> Result<Self, Error> {
        ClientBuilder::from_env()?.build()
    }

    /// Creates a client whose answers come from a [stub](crate::stub) of your own, for unit tests: without a network, credentials
    /// and rate limits. To set an organization or an observer, use [`ClientBuilder::stub`].
    ///
    /// ```
    /// use umapi::{Client, Error, model::User, stub::{Stub, UserLookup}};
    ///
    /// struct Everybody;
    ///
    /// impl Stub for Everybody {
    ///     async fn get_user(&self, user: UserLookup) -> Result<Option<User>, Error> {
    ///         Ok(Some(User::default().with_email(user.name())))
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// let client = Client::from_stub(Everybody);
    /// assert!(client.users().get("ann@example.com").await?.is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_stub(stub: impl Stub) -> Self {
        Self::builder(STUB_ORGANIZATION).stubbed(Arc::new(stub))
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

    /// Calls the deprecated endpoints, which some older programs still need.
    #[must_use]
    pub fn legacy(&self) -> Legacy {
        Legacy::new(self.clone())
    }

    /// Returns how long this many further calls of a class, or lists of all users or groups, take under the rate limits, with
    /// all credentials: the time until the last of them can be sent. Pauses that the service asked for are included.
    ///
    /// ```no_run
    /// # async fn run(client: umapi::Client) -> Result<(), umapi::Error> {
    /// use umapi::{RateLimitScope, model::{Operation, ThrottleClass}};
    ///
    /// println!("25 action requests take {:?}", client.time_for(ThrottleClass::Action, 25).await?);
    /// let again = RateLimitScope::FirstPage(Operation::ListUsers);
    /// println!("all users can be listed in {:?}", client.time_for(again, 1).await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If the store of the rate limits fails.
    pub async fn time_for(&self, calls_of: impl Into<RateLimitScope>, calls: usize) -> Result<Duration, Error> {
        match self.0.rate_limiter.time_for(calls_of.into(), calls).await {
            Err(NoPermit::Store(error)) => Err(Error::new(Kind::RateLimitStore(Cause::of_store(error)))),
            Err(NoPermit::TooLong(time)) | Ok(time) => Ok(time),
        }
    }
}

/// The URL in the environment. An invalid one is an error, so that nothing is sent to production by mistake.
pub(crate) fn url_from(variable: Result<String, VarError>) -> Result<Option<String>, Error> {
    let url = match variable {
        Ok(url) if url.trim().is_empty() => return Ok(None),
        Ok(url) => url,
        Err(VarError::NotPresent) => return Ok(None),
        Err(VarError::NotUnicode(_)) => {
            return Err(Error::invalid(format!("{URL} is not valid Unicode; set it again")));
        }
    };
    ServerUrl::parse(&url, SERVICE).map_err(|error| Error::invalid(format!("{URL}: {error}")))?;
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
    fn an_invalid_url_in_the_environment_is_an_error() {
        assert_eq!(url_from(Err(VarError::NotPresent)).unwrap(), None);
        assert_eq!(url_from(Ok(" ".to_owned())).unwrap(), None);
        assert_eq!(url_from(Ok("http://127.0.0.1:1".to_owned())).unwrap().as_deref(), Some("http://127.0.0.1:1"));
        for variable in [Ok("http://um.example".to_owned()), Err(VarError::NotUnicode("x".into()))] {
            let error = url_from(variable).unwrap_err();
            assert!(error.is_invalid_input() && error.to_string().contains(URL), "{error}");
        }
    }
}
