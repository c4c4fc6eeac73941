//! The connection of a call: a client for its organization, the login, and the progress line.

use std::time::Duration;

use umapi::{
    Client, ClientBuilder, HttpClient, HttpOptions, Observer, RateLimits, StandardRetry, ThrottlePolicy,
    auth::{Credentials, Endpoint, OAuthServerToServer, Session},
};
use umapi_emulator::Emulator;

use crate::{
    cache::Cache,
    config::{Access, Origin},
    context::Context,
    failure::{Failure, Result},
    options::GlobalArgs,
    output::ProgressLine,
};

/// A client for the organization of the call, the login, and the progress line.
pub(crate) struct Connection {
    pub(crate) client: Client,
    pub(crate) session: Session,
    pub(crate) access: Access,
    pub(crate) progress: ProgressLine,
    /// The lists of the organization on disk. `None` for the temporary emulator.
    pub(crate) cache: Option<Cache>,
    /// The temporary emulator of `--emulator`, which lives as long as the connection.
    _emulator: Option<Emulator>,
}

impl Connection {
    /// Connects for a list: its items are the progress.
    pub(crate) async fn for_list(context: &Context, what: &str) -> Result<Self> {
        let progress = context.progress(what);
        let observer = context.observer(&progress).counting_items();
        Self::open(context, progress, observer).await
    }

    /// Connects for anything else.
    pub(crate) async fn for_change(context: &Context, what: &str) -> Result<Self> {
        let progress = context.progress(what);
        let observer = context.observer(&progress);
        Self::open(context, progress, observer).await
    }

    /// Connects to the organization of a profile, whatever the options of the call name.
    pub(crate) async fn of_profile(context: &Context, profile: &str, what: &str) -> Result<Self> {
        let progress = context.progress(what);
        let observer = context.observer(&progress);
        let arguments = GlobalArgs { profile: Some(profile.to_owned()), ..context.global.clone() };
        Self::open_as(context, &arguments, progress, observer).await
    }

    /// Finds the organization and its login, and sets up a client with an observer. Sends nothing.
    pub(crate) async fn open(context: &Context, progress: ProgressLine, observer: impl Observer) -> Result<Self> {
        Self::open_as(context, &context.global, progress, observer).await
    }

    async fn open_as(
        context: &Context,
        arguments: &GlobalArgs,
        progress: ProgressLine,
        observer: impl Observer,
    ) -> Result<Self> {
        let (access, emulator) = if context.global.emulator {
            let emulator = start_emulator().await?;
            (access_to(&emulator)?, Some(emulator))
        } else {
            (Access::find(arguments)?, None)
        };
        for warning in &access.warnings {
            context.warn(warning);
        }
        let http = match context.recorder()? {
            Some(recorder) => umapi::recorded(&http(&access)?, &recorder),
            None => http(&access)?,
        };
        let session = session(context, &access, http.clone())?;
        let client = client(context, &access, session.clone(), http, observer)?;
        let cache = if emulator.is_some() { None } else { Cache::of(&access) };
        Ok(Self { client, session, access, progress, cache, _emulator: emulator })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.progress.finish();
    }
}

fn http(access: &Access) -> Result<HttpClient> {
    let mut options = HttpOptions::new().product(PRODUCT);
    for pem in &access.root_certificates {
        options = options.root_certificates(pem.clone());
    }
    if let Some(proxy) = &access.proxy {
        options = options.proxy(proxy.clone());
    }
    if access.origin == Origin::Emulator {
        options = options.without_proxy();
    }
    options.build().map_err(|error| Failure::of_login("cannot set up the HTTP client", &error.into()))
}

fn session(context: &Context, access: &Access, http: HttpClient) -> Result<Session> {
    let builder = Session::builder(access.credentials.clone())
        .clock(context.clock.clone())
        .http(http)
        // The client retries the login, so that `--max-wait` applies to it.
        .retry(StandardRetry::NEVER);
    builder.build().map_err(|error| Failure::of_login("cannot set up the login", &error))
}

fn client(
    context: &Context,
    access: &Access,
    session: Session,
    http: HttpClient,
    observer: impl Observer,
) -> Result<Client> {
    let policy = match context.global.max_wait {
        None => ThrottlePolicy::Wait,
        Some(longest) if longest.is_zero() => ThrottlePolicy::FailAtOnce,
        Some(longest) => ThrottlePolicy::WaitUpTo(longest),
    };
    let builder = Client::builder(access.organization.as_str());
    let mut builder = with_session(builder, context, access, session)?
        .clock(context.clock.clone())
        .http(http)
        .throttle_policy(policy)
        .attempt_timeout(context.global.timeout.or(access.timeout).unwrap_or(TIMEOUT))
        .observer(observer);
    if let Some(server) = &access.server {
        builder = builder.base_url(server.as_str());
    }
    if let Some(attempts) = access.attempts {
        builder = builder.retry(StandardRetry::SERVICE.attempts(attempts));
    }
    if context.global.no_rate_limit {
        builder = builder.rate_limits(RateLimits::unlimited());
    }
    builder.build().map_err(|error| Failure::of_service("cannot set up the client", &error))
}

/// Adds the login: shared with other processes, and their rate limits too, if the configuration says so.
fn with_session(builder: ClientBuilder, context: &Context, access: &Access, session: Session) -> Result<ClientBuilder> {
    let client_id = access.credentials.client_id();
    #[cfg(feature = "redis")]
    if let Some(shared) = &access.shared {
        let (tokens, store) = shared::of(context, access, shared, session)?;
        let builder = builder.token_source(client_id, tokens);
        return Ok(if context.global.no_rate_limit { builder } else { builder.rate_limit_store(store) });
    }
    #[cfg(not(feature = "redis"))]
    let _ = context;
    Ok(builder.token_source(client_id, session))
}

#[cfg(feature = "redis")]
mod shared {
    //! The rate limits and the token that processes share in Redis.

    use umapi::auth::Session;
    use umapi_redis::{Error, FailurePolicy, Redis, SharedRateLimits, SharedTokens};

    use crate::{
        config::{Access, Shared},
        context::Context,
        failure::{Failure, Result},
    };

    pub(super) fn of(
        context: &Context,
        access: &Access,
        shared: &Shared,
        session: Session,
    ) -> Result<(SharedTokens, SharedRateLimits)> {
        let unusable = |error: Error| {
            Failure::usage("cannot use the section [shared] of the configuration")
                .why(error)
                .remedy("correct it; see \"umapi help shared-limits\"")
        };
        let mut builder = Redis::builder(&shared.redis).clock(context.clock.clone());
        if let Some(user) = &shared.user {
            builder = builder.user(user);
        }
        if let Some(password) = &shared.password {
            builder = builder.password(password.clone());
        }
        // What is trusted for the service is trusted here too.
        for pem in access.root_certificates.iter().chain(&shared.root_certificates) {
            builder = builder.root_certificates(pem.clone());
        }
        if shared.allow_plaintext {
            builder = builder.allow_plaintext();
        }
        if let Some(processes) = shared.own_share_of {
            builder = builder.on_failure(FailurePolicy::OwnShare { processes });
        }
        let redis = builder.build().map_err(unusable)?;
        let tokens = SharedTokens::new(&redis, &access.organization, &access.credentials, session).map_err(unusable)?;
        Ok((tokens, SharedRateLimits::new(&redis, &access.organization)))
    }
}

/// The longest time for one request, unless an option or a connector file sets it.
const TIMEOUT: Duration = Duration::from_secs(120);

/// The name and version of the command in requests.
pub(crate) const PRODUCT: &str = concat!("umapi-cli/", env!("CARGO_PKG_VERSION"));

async fn start_emulator() -> Result<Emulator> {
    Emulator::start().await.map_err(|error| {
        Failure::failed("cannot start the temporary emulator")
            .why(error)
            .remedy("allow programs on this machine to listen on 127.0.0.1")
    })
}

fn access_to(emulator: &Emulator) -> Result<Access> {
    let ready = emulator.credentials();
    let unusable = |error| Failure::of_login("cannot log in to the temporary emulator", &error);
    let login = OAuthServerToServer::new(ready.client_id.as_str(), ready.client_secret.as_str()).map_err(unusable)?;
    let endpoint = Endpoint::parse(&emulator.ims_url()).map_err(unusable)?;
    Ok(Access {
        origin: Origin::Emulator,
        organization: emulator.org_id().to_owned(),
        credentials: Credentials::from(login).with_endpoint(endpoint),
        server: Some(emulator.um_url()),
        root_certificates: Vec::new(),
        proxy: None,
        timeout: None,
        attempts: None,
        shared: None,
        secret_remedy: "start it again".to_owned(),
        warnings: Vec::new(),
    })
}
