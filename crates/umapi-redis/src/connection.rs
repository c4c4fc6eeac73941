//! The connection to Redis: TLS, login, time limits, reconnecting, and the redirections of a cluster.

use std::{
    collections::HashMap,
    fmt, io,
    num::NonZeroU32,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use redis::{
    AsyncConnectionConfig, ErrorKind, RedisConnectionInfo, RedisError, ServerErrorKind, Value,
    aio::MultiplexedConnection,
};
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    runtime::{Handle, Id},
};
use tokio_rustls::TlsConnector;
use umapi::{HttpOptions, time::Clock};
use umapi_http::{AbortOnDrop, Secret, describe_connection_error, in_own_task, redact};

use crate::{
    Error,
    address::{Address, Node},
    error::Kind,
};

/// The default of [`RedisBuilder::timeout`]. The client gives a rate limit store ten seconds.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The largest answer that is read, in bytes. A token has a few thousand.
const MAX_ANSWER: usize = 1 << 20;

/// The most redirections of one exchange.
const MAX_REDIRECTIONS: u32 = 3;

/// The most connections that are kept: one for each runtime and node.
const MAX_LINKS: usize = 32;

/// The longest text of the server that an error quotes, in characters.
const MAX_QUOTE: usize = 200;

/// What happens when Redis fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum FailurePolicy {
    /// The call fails with an error that says what to do, and sends nothing.
    #[default]
    Fail,
    /// The process goes on alone, with this part of every limit: a third for three processes. It begins one period after its
    /// last contact, so that no period has more calls than the limit allows. Each process logs in by itself.
    OwnShare {
        /// The most processes that share the API key.
        processes: NonZeroU32,
    },
}

/// A Redis or Valkey server, or a cluster of them. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Redis(Arc<Inner>);

struct Inner {
    home: Node,
    scheme: &'static str,
    tls: Option<Arc<ClientConfig>>,
    allows_plain: bool,
    user: Option<String>,
    password: Option<Secret>,
    database: i64,
    clock: Clock,
    timeout: Duration,
    policy: FailurePolicy,
    /// The connections; the one that was used last comes last.
    links: Mutex<Vec<Link>>,
    /// The node of a cluster that has the keys of a tag, if it is not the first one.
    routes: Mutex<HashMap<String, Node>>,
}

/// A connection. It is driven by the runtime that opened it, and only used there.
struct Link {
    runtime: Option<Id>,
    node: Node,
    connection: Connection,
}

/// Requests and their answers. The connection is closed when nobody uses it any more, so that one who gives up does not take it
/// from another one who still waits.
#[derive(Clone)]
struct Connection {
    requests: MultiplexedConnection,
    _driver: Arc<AbortOnDrop<()>>,
}

/// A script, as the server knows it.
pub(crate) struct Script {
    code: String,
    hash: String,
}

impl Script {
    pub(crate) fn new(code: impl Into<String>) -> Self {
        let code = code.into();
        let hash = redis::Script::new(&code).get_hash().to_owned();
        Self { code, hash }
    }
}

/// A call of a script. Its keys are on one node.
#[derive(Clone)]
pub(crate) struct Invocation {
    pub(crate) script: Arc<Script>,
    /// The hash tag of the keys.
    pub(crate) tag: String,
    pub(crate) keys: Vec<String>,
    pub(crate) arguments: Vec<Vec<u8>>,
}

impl Redis {
    /// Creates a builder with a URL: `rediss://user@redis.example:6380`, optionally with a password and a database
    /// (`/2`). `redis://` is without TLS, and is for servers on this machine. `valkeys://` and `valkey://` are the same.
    pub fn builder(url: impl AsRef<str>) -> RedisBuilder {
        RedisBuilder {
            url: Secret::from(url.as_ref()),
            user: None,
            password: None,
            http: HttpOptions::new(),
            allows_plain: false,
            clock: Clock::real(),
            timeout: TIMEOUT,
            policy: FailurePolicy::default(),
        }
    }

    /// The address of the server, without user and password.
    #[must_use]
    pub fn address(&self) -> String {
        format!("{}://{}", self.0.scheme, self.0.home)
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub(crate) fn policy(&self) -> FailurePolicy {
        self.0.policy
    }

    /// Checks that the server answers and accepts the login.
    ///
    /// # Errors
    ///
    /// If it does not.
    pub async fn check(&self) -> Result<(), Error> {
        let script = Arc::new(Script::new("return redis.call('TIME')"));
        let tag = "check".to_owned();
        let keys = vec![format!("umapi:1:{{{tag}}}")];
        self.invoke(Invocation { script, tag, keys, arguments: Vec::new() }).await.map(drop)
    }

    /// Runs a script. Repeating it must do no harm: a connection that breaks is opened again once.
    pub(crate) async fn invoke(&self, invocation: Invocation) -> Result<Value, Error> {
        let _guard = self.0.clock.advance_guard();
        let redis = self.clone();
        // Its time limits must not pass while a caller does not poll.
        match in_own_task(async move { redis.attempts(&invocation).await }).await {
            Ok(answer) => answer,
            Err(_) => Err(Error::of_server(Kind::Unreachable, &self.address(), "its runtime was dropped")),
        }
    }

    /// Creates the error of an answer that is not one.
    pub(crate) fn unreadable(&self, why: impl fmt::Display) -> Error {
        Error::of_server(Kind::Answer, &self.address(), why)
    }

    async fn attempts(&self, invocation: &Invocation) -> Result<Value, Error> {
        let inner = &self.0;
        let deadline = inner.clock.now() + inner.timeout;
        let mut node = self.routes().get(&invocation.tag).cloned().unwrap_or_else(|| inner.home.clone());
        let (mut redirections, mut is_last, mut is_asking) = (0, false, false);
        loop {
            let left = deadline - inner.clock.now();
            let limit = if is_last { left } else { left.min(inner.timeout / 2) };
            let attempt = self.attempt(&node, invocation, is_asking);
            let problem = match inner.clock.timeout(limit, attempt).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(problem)) => problem,
                Err(_) => Problem::Silent,
            };
            is_asking = false;
            match &problem {
                Problem::Moved(to) | Problem::Ask(to) if redirections < MAX_REDIRECTIONS => {
                    redirections += 1;
                    self.check_plain(to)?;
                    is_asking = matches!(problem, Problem::Ask(_));
                    if !is_asking {
                        self.routes().insert(invocation.tag.clone(), to.clone());
                    }
                    tracing::debug!(node = %to, is_asking, "redirected to another node");
                    node = to.clone();
                    continue;
                }
                _ => {}
            }
            let was_routed = self.routes().remove(&invocation.tag).is_some() || node != inner.home;
            let is_retryable = match &problem {
                // A connection that was open before may have been dropped, or lead to a server that is not the first any more.
                Problem::Lost { is_fresh, .. } | Problem::Stale { is_fresh, .. } => !is_fresh || was_routed,
                Problem::Silent => true,
                _ => false,
            };
            if !matches!(problem, Problem::Answered { .. }) {
                self.links().retain(|link| link.node != node);
            }
            if is_last || !is_retryable || inner.clock.now() >= deadline {
                let error = self.explain(&problem, &node);
                tracing::debug!(%error, "redis failed");
                return Err(error);
            }
            is_last = true;
            node = inner.home.clone();
        }
    }

    async fn attempt(&self, node: &Node, invocation: &Invocation, is_asking: bool) -> Result<Value, Problem> {
        let (connection, is_fresh) = self.connection(node).await?;
        let mut requests = connection.requests.clone();
        let command = |name: &str, script: &str| {
            let mut command = redis::cmd(name);
            command.arg(script).arg(invocation.keys.len());
            command.arg(&invocation.keys);
            invocation.arguments.iter().for_each(|argument| {
                command.arg(argument.as_slice());
            });
            command
        };
        let script = &invocation.script;
        if is_asking {
            let mut both = redis::pipe();
            both.cmd("ASKING").ignore().add_command(command("EVAL", &script.code));
            let (answer,): (Value,) =
                both.query_async(&mut requests).await.map_err(|error| Problem::of(&error, node, is_fresh))?;
            return Ok(answer);
        }
        let answer: Result<Value, _> = command("EVALSHA", &script.hash).query_async(&mut requests).await;
        match answer {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                let answer = command("EVAL", &script.code).query_async(&mut requests).await;
                answer.map_err(|error| Problem::of(&error, node, is_fresh))
            }
            answer => answer.map_err(|error| Problem::of(&error, node, is_fresh)),
        }
    }

    /// Returns a connection to a node, and whether it is new.
    async fn connection(&self, node: &Node) -> Result<(Connection, bool), Problem> {
        let runtime = Handle::try_current().ok().map(|handle| handle.id());
        {
            let mut links = self.links();
            if let Some(index) = links.iter().position(|link| link.runtime == runtime && link.node == *node) {
                let link = links.remove(index);
                let connection = link.connection.clone();
                links.push(link);
                return Ok((connection, false));
            }
        }
        let connection = self.connect(node).await?;
        let link = Link { runtime, node: node.clone(), connection: connection.clone() };
        let mut links = self.links();
        links.push(link);
        if links.len() > MAX_LINKS {
            links.remove(0);
        }
        drop(links);
        tracing::debug!(%node, "connected to redis");
        Ok((connection, true))
    }

    async fn connect(&self, node: &Node) -> Result<Connection, Problem> {
        let inner = &self.0;
        let unreachable = |error: &io::Error| Problem::Unreachable { why: describe_connection_error(error) };
        let stream = TcpStream::connect((node.host.as_str(), node.port)).await.map_err(|error| unreachable(&error))?;
        // Every exchange is a small packet that somebody waits for.
        let _ = stream.set_nodelay(true);
        let stream: Box<dyn Stream> = match &inner.tls {
            None => Box::new(stream),
            Some(tls) => {
                let name = ServerName::try_from(node.host.clone())
                    .map_err(|_| Problem::Unreachable { why: "its name cannot be in a certificate".to_owned() })?;
                let connector = TlsConnector::from(tls.clone());
                Box::new(connector.connect(name, stream).await.map_err(|error| unreachable(&error))?)
            }
        };
        let mut info = RedisConnectionInfo::default().set_db(inner.database).set_skip_set_lib_name();
        if let Some(password) = &inner.password {
            info = info.set_password(password.reveal());
            if let Some(user) = &inner.user {
                info = info.set_username(user);
            }
        }
        // The time limits are those of the clock in use.
        let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let connected = MultiplexedConnection::new_with_config(&info, Bounded { stream, received: 0 }, config).await;
        let (requests, driver) = connected.map_err(|error| Problem::of(&error, node, true))?;
        Ok(Connection { requests, _driver: Arc::new(AbortOnDrop::new(tokio::spawn(driver))) })
    }

    /// A cluster must not redirect the password and the token to another machine without TLS.
    fn check_plain(&self, node: &Node) -> Result<(), Error> {
        if self.0.tls.is_some() || self.0.allows_plain || node.is_loopback() {
            return Ok(());
        }
        let why = format!("it refers to {node}, on another machine, and TLS is off");
        Err(Error::of_server(Kind::Unreachable, &self.address(), why))
    }

    fn explain(&self, problem: &Problem, node: &Node) -> Error {
        let server = format!("{}://{node}", self.0.scheme);
        let secrets: Vec<&str> = self.0.password.iter().map(Secret::reveal).collect();
        let quoted = |text: &str| {
            let text = redact(text, &secrets);
            text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_QUOTE).collect::<String>()
        };
        let (kind, why) = match problem {
            Problem::Silent => (Kind::Timeout, format!("no answer within {:?}", self.0.timeout)),
            Problem::Unreachable { why } => (Kind::Unreachable, quoted(why)),
            Problem::Lost { why, .. } => (Kind::Unreachable, format!("the connection broke ({})", quoted(why))),
            Problem::Stale { why, .. } => (Kind::Unready, quoted(why)),
            Problem::Answered { kind, why } => (*kind, quoted(why)),
            Problem::Moved(to) | Problem::Ask(to) => {
                (Kind::Unready, format!("the cluster redirects in a circle, at last to {to}"))
            }
        };
        Error::of_server(kind, &server, why)
    }

    fn links(&self) -> MutexGuard<'_, Vec<Link>> {
        self.0.links.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn routes(&self) -> MutexGuard<'_, HashMap<String, Node>> {
        self.0.routes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis")
            .field("address", &self.address())
            .field("policy", &self.0.policy)
            .finish_non_exhaustive()
    }
}

/// Why an attempt failed.
enum Problem {
    /// There was no answer in time.
    Silent,
    /// There is no connection.
    Unreachable { why: String },
    /// The connection broke, or what came is not the protocol.
    Lost { why: String, is_fresh: bool },
    /// The server is not the first one any more.
    Stale { why: String, is_fresh: bool },
    /// The server says that it cannot do it.
    Answered { kind: Kind, why: String },
    /// The keys are on this node.
    Moved(Node),
    /// The keys are moving to this node.
    Ask(Node),
}

impl Problem {
    fn of(error: &RedisError, asked: &Node, is_fresh: bool) -> Self {
        use ServerErrorKind as Server;
        // The text of the server, without the words of the library before it.
        let text = || {
            let code = error.code().unwrap_or_default();
            let detail = error.detail().unwrap_or_default();
            if code.is_empty() && detail.is_empty() { error.to_string() } else { format!("{code} {detail}") }
        };
        let redirected = || {
            let detail = error.detail()?;
            Node::of_redirection(detail.split(' ').nth(1)?, asked)
        };
        let unready = || Self::Answered { kind: Kind::Unready, why: format!("it answered \"{}\"", text()) };
        match error.kind() {
            ErrorKind::Server(Server::Moved) => redirected().map_or_else(unready, Self::Moved),
            ErrorKind::Server(Server::Ask) => redirected().map_or_else(unready, Self::Ask),
            ErrorKind::Server(Server::ReadOnly) => {
                Self::Stale { why: format!("it is a replica, which cannot be written ({})", text()), is_fresh }
            }
            ErrorKind::Server(Server::NoPerm) => {
                Self::Answered { kind: Kind::Denied, why: format!("a permission is missing ({})", text()) }
            }
            ErrorKind::AuthenticationFailed => {
                Self::Answered { kind: Kind::Denied, why: "it rejects the user or the password".to_owned() }
            }
            ErrorKind::Server(_) | ErrorKind::Extension => {
                let text = text();
                let has = |words: &str| text.contains(words);
                let (kind, why) = if has("NOAUTH") || has("Authentication required") {
                    (Kind::Denied, "it requires a password".to_owned())
                } else if has("WRONGPASS") {
                    (Kind::Denied, "it rejects the user or the password".to_owned())
                } else if ["NOPERM", "ACL", "can't run this command", "can't access"].into_iter().any(has) {
                    (Kind::Denied, format!("a permission is missing ({text})"))
                } else if has("WRONGTYPE") || has("UMAPISTATE") {
                    (Kind::State, format!("a key of umapi has another content ({text})"))
                } else {
                    (Kind::Unready, format!("it answered \"{text}\""))
                };
                Self::Answered { kind, why }
            }
            ErrorKind::Io => Self::Lost { why: describe(error), is_fresh },
            _ => Self::Lost { why: "it does not speak the protocol of Redis".to_owned(), is_fresh },
        }
    }
}

/// An error of the network in a few words.
fn describe(error: &RedisError) -> String {
    match std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<io::Error>()) {
        Some(cause) => describe_connection_error(cause),
        None => error.detail().unwrap_or("closed by the other side").to_owned(),
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A stream that ends when an answer is too large.
struct Bounded {
    stream: Box<dyn Stream>,
    /// The bytes that were received since something was sent.
    received: usize,
}

impl AsyncRead for Bounded {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let polled = Pin::new(&mut this.stream).poll_read(context, buffer);
        this.received += buffer.filled().len() - before;
        if this.received > MAX_ANSWER {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, "the answer is too large")));
        }
        polled
    }
}

impl AsyncWrite for Bounded {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.received = 0;
        Pin::new(&mut this.stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

/// Settings of a [`Redis`].
///
/// ```
/// use std::{num::NonZeroU32, time::Duration};
/// use umapi_redis::{FailurePolicy, Redis, SharedRateLimits};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let redis = Redis::builder("rediss://umapi@redis.example:6380")
///     .password("password")
///     .timeout(Duration::from_secs(2))
///     // Without Redis, each of the four processes goes on with a quarter of each limit.
///     .on_failure(FailurePolicy::OwnShare { processes: NonZeroU32::new(4).ok_or("no process")? })
///     .build()?;
/// assert_eq!(redis.address(), "rediss://redis.example:6380");
///
/// // On a network of its own, and with requests that take up to two seconds longer than others.
/// let redis = Redis::builder("redis://cache:6379").allow_plaintext().build()?;
/// let limits = SharedRateLimits::with_margin(&redis, "12345@AdobeOrg", Duration::from_secs(2));
/// # Ok(()) }
/// ```
///
/// A server with a certificate of the company:
///
/// ```no_run
/// use umapi_redis::Redis;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let certificate = std::fs::read("/etc/ssl/office.pem")?;
/// let redis = Redis::builder("rediss://cache:6380").root_certificates(certificate).build()?;
/// # Ok(()) }
/// ```
#[must_use = "a builder does nothing before `build`"]
pub struct RedisBuilder {
    url: Secret,
    user: Option<String>,
    password: Option<Secret>,
    http: HttpOptions,
    allows_plain: bool,
    clock: Clock,
    timeout: Duration,
    policy: FailurePolicy,
}

impl RedisBuilder {
    /// Sets the user of the ACL, in place of the URL's. Without one, a password is that of the default user.
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Sets the password, in place of the URL's.
    pub fn password(mut self, password: impl Into<Secret>) -> Self {
        self.password = Some(password.into());
        self
    }

    /// Trusts these PEM certificates in addition to those of the machine.
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.http = self.http.root_certificates(pem);
        self
    }

    /// Allows `redis://`, without TLS, to another machine. Everyone who can read that network reads the password, and can change
    /// the limits. The access token is sealed nevertheless.
    pub fn allow_plaintext(mut self) -> Self {
        self.allows_plain = true;
        self
    }

    /// Sets the clock. The default is the machine's.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Sets the longest time of one exchange, with connecting and one repetition. The default is five seconds; the client
    /// gives a rate limit store ten.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets what happens when Redis fails. The default is that the call fails.
    pub fn on_failure(mut self, policy: FailurePolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Creates the connection, which is opened when it is needed.
    ///
    /// # Errors
    ///
    /// If the URL or a certificate cannot be used, the URL has no TLS and names another machine, or there is a user without a
    /// password.
    pub fn build(self) -> Result<Redis, Error> {
        let address = Address::parse(self.url.reveal())?;
        if !address.is_tls && !self.allows_plain && !address.node.is_loopback() {
            return Err(Error::invalid(
                "redis:// to another machine sends the password unencrypted; use rediss://, or allow it explicitly if the \
                 network is your own",
            ));
        }
        let user = self.user.or(address.user);
        let password = self.password.or(address.password);
        if user.is_some() && password.is_none() {
            return Err(Error::invalid("the user of Redis has no password; set it"));
        }
        if self.timeout.is_zero() {
            return Err(Error::invalid("the time for an exchange with Redis must not be zero"));
        }
        let tls = match address.is_tls {
            true => Some(Arc::new(self.http.tls_config().map_err(|error| Error::invalid(error.to_string()))?)),
            false => None,
        };
        Ok(Redis(Arc::new(Inner {
            home: address.node,
            scheme: if tls.is_some() { "rediss" } else { "redis" },
            tls,
            allows_plain: self.allows_plain,
            user,
            password,
            database: address.database,
            clock: self.clock,
            timeout: self.timeout,
            policy: self.policy,
            links: Mutex::default(),
            routes: Mutex::default(),
        })))
    }
}

impl fmt::Debug for RedisBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisBuilder").field("user", &self.user).field("policy", &self.policy).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unusable_settings_are_refused_without_a_secret() {
        for (builder, named) in [
            (Redis::builder("redis://cache.example"), "unencrypted"),
            (Redis::builder("rediss://ops@cache.example"), "no password"),
            (Redis::builder("rediss://ops:planted@cache.example").root_certificates("planted"), "BEGIN CERTIFICATE"),
            (Redis::builder("rediss://cache.example").timeout(Duration::ZERO), "zero"),
        ] {
            let shown = format!("{builder:?}");
            let error = builder.build().unwrap_err();
            let shown = format!("{shown} {error} {error:?}");
            assert!(error.is_invalid_input() && shown.contains(named) && !shown.contains("planted"), "{shown}");
        }
        let redis = Redis::builder("redis://ops:planted@cache.example/3").allow_plaintext().build().unwrap();
        assert_eq!(redis.address(), "redis://cache.example:6379");
        assert!(!format!("{redis:?}").contains("planted"));
    }
}
