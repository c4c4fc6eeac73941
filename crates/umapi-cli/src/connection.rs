//! A client for the organization that the call is about.

use umapi::{
    Client, Observer, RateLimits, ThrottlePolicy,
    auth::{Endpoint, OAuthServerToServer, Session},
};
use umapi_emulator::Emulator;

use crate::{
    config::{Access, Origin},
    context::Context,
    failure::{Failure, Result},
};

/// A client for the organization that the call is about, its login, and the emulator if it is a throw-away one.
pub(crate) struct Connection {
    pub(crate) client: Client,
    pub(crate) session: Session,
    pub(crate) access: Access,
    /// Lives as long as the connection.
    _emulator: Option<Emulator>,
}

impl Connection {
    /// Finds out what the call is about, and sets up a client for it. Nothing is sent yet.
    pub(crate) async fn open(context: &Context, observer: impl Observer) -> Result<Self> {
        let (access, emulator) = if context.global.emulator {
            let emulator = start_emulator().await?;
            (access_to(&emulator)?, Some(emulator))
        } else {
            (Access::find(&context.global)?, None)
        };
        let session = session(context, &access)?;
        let client = client(context, &access, session.clone(), observer)?;
        Ok(Self { client, session, access, _emulator: emulator })
    }
}

fn session(context: &Context, access: &Access) -> Result<Session> {
    let mut builder = Session::builder(access.credentials.clone()).clock(context.clock.clone()).user_agent(PRODUCT);
    if let Some(pem) = &access.root_certificates {
        builder = builder.root_certificates(pem.clone());
    }
    if let Some(proxy) = &access.proxy {
        builder = builder.proxy(proxy.clone());
    }
    builder.build().map_err(|error| Failure::of_login("cannot set up the login", &error))
}

fn client(context: &Context, access: &Access, session: Session, observer: impl Observer) -> Result<Client> {
    let policy = match context.global.max_wait {
        None => ThrottlePolicy::Wait,
        Some(longest) if longest.is_zero() => ThrottlePolicy::FailAtOnce,
        Some(longest) => ThrottlePolicy::WaitUpTo(longest),
    };
    let mut builder = Client::builder(access.organization.as_str())
        .token_source(access.credentials.client_id(), session)
        .clock(context.clock.clone())
        .product(PRODUCT)
        .throttle_policy(policy)
        .attempt_timeout(context.global.timeout)
        .observer(observer);
    if let Some(server) = &access.server {
        builder = builder.base_url(server.as_str());
    }
    if let Some(pem) = &access.root_certificates {
        builder = builder.root_certificates(pem.clone());
    }
    if let Some(proxy) = &access.proxy {
        builder = builder.proxy(proxy.clone());
    }
    if context.global.no_pace {
        builder = builder.rate_limits(RateLimits::unlimited());
    }
    builder.build().map_err(|error| Failure::of_service("cannot set up the client", &error))
}

/// How the command calls itself to servers.
const PRODUCT: &str = concat!("umapi-cli/", env!("CARGO_PKG_VERSION"));

async fn start_emulator() -> Result<Emulator> {
    Emulator::start().await.map_err(|error| {
        Failure::broken("cannot start the throw-away emulator")
            .why(error)
            .remedy("see that this machine lets programs listen on 127.0.0.1")
    })
}

fn access_to(emulator: &Emulator) -> Result<Access> {
    let ready = emulator.credentials();
    let unusable = |error| Failure::of_login("cannot log in to the throw-away emulator", &error);
    let login = OAuthServerToServer::new(ready.client_id.as_str(), ready.client_secret.as_str()).map_err(unusable)?;
    let endpoint = Endpoint::parse(&emulator.ims_url()).map_err(unusable)?;
    Ok(Access {
        origin: Origin::Emulator,
        organization: emulator.org_id().to_owned(),
        credentials: umapi::auth::Credentials::from(login).with_endpoint(endpoint),
        server: Some(emulator.um_url()),
        root_certificates: None,
        proxy: None,
    })
}
