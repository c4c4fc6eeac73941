//! The server: ports, TLS handshakes and connections.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use hyper::{
    body::Incoming,
    rt::{Read, Write},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use umapi_time::{AdvanceGuard, Clock};

use super::{
    ConnectionHandle, ConnectionReset, Delivery,
    connection::{ClientStream, IDLE_TIMEOUT},
    exchange::{read, respond},
};
use crate::{app::AppState, contract::Api};

/// The time that open requests get when the emulator stops gracefully; real time.
const CLOSING_TIMEOUT: Duration = Duration::from_secs(3);
/// The pause after a connection could not be accepted, e.g. because file descriptors ran out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// The longest time for a TLS handshake; real time, as for bodies.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a silent HTTP/2 client is asked whether it is still there, and the longest time for its answer; real time.
const PING_INTERVAL: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(20);
/// The most connections to the services at a time. More wait until one ends, so that file descriptors are left for the
/// management port.
const SERVICE_CONNECTIONS: usize = 512;
/// The most connections to the management port at a time.
const MANAGEMENT_CONNECTIONS: usize = 64;

/// The largest body of a request to the services. An action request may have 1 MB; the service rejects a larger one itself.
const SERVICE_BODY: usize = 4 << 20;
/// The largest body of a request to the management API. Seeds are large.
const MANAGEMENT_BODY: usize = 2 << 30;

/// An open port that is not served yet.
pub(crate) struct Port {
    listener: TcpListener,
    apis: &'static [Api],
    tls: Option<Arc<ServerConfig>>,
}

impl Port {
    pub(crate) async fn open(
        address: SocketAddr,
        apis: &'static [Api],
        tls: Option<Arc<ServerConfig>>,
    ) -> io::Result<Self> {
        Ok(Self { listener: TcpListener::bind(address).await?, apis, tls })
    }

    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// The ports of an emulator while they are served. Dropping it closes them and all connections.
#[derive(Debug)]
pub(crate) struct Server {
    tasks: TaskTracker,
    closing: CancellationToken,
    closed: CancellationToken,
}

impl Server {
    /// Serves the ports on the runtime of the caller.
    pub(crate) fn start(app: &Arc<AppState>, ports: Vec<Port>) -> Self {
        let server =
            Self { tasks: TaskTracker::new(), closing: CancellationToken::new(), closed: CancellationToken::new() };
        let services = Arc::new(Semaphore::new(SERVICE_CONNECTIONS));
        let management = Arc::new(Semaphore::new(MANAGEMENT_CONNECTIONS));
        for port in ports {
            let places = if port.apis.contains(&Api::Management) { &management } else { &services };
            let host = Host {
                app: Arc::clone(app),
                apis: port.apis,
                tls: port.tls.map(TlsAcceptor::from),
                closing: server.closing.clone(),
            };
            let accept = accept(port.listener, Arc::clone(places), host, server.tasks.clone(), server.closed.clone());
            server.tasks.spawn(server.closing.clone().run_until_cancelled_owned(accept));
        }
        server
    }

    /// Stops gracefully: accepts no more requests, and gives the open ones some seconds.
    pub(crate) async fn stop(&self) {
        self.closing.cancel();
        self.tasks.close();
        if Clock::real().timeout(CLOSING_TIMEOUT, self.tasks.wait()).await.is_err() {
            tracing::warn!("closing connections that are still busy");
        }
        self.closed.cancel();
        self.tasks.wait().await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.closing.cancel();
        self.closed.cancel();
    }
}

async fn accept(
    listener: TcpListener,
    places: Arc<Semaphore>,
    host: Host,
    tasks: TaskTracker,
    closed: CancellationToken,
) {
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let serve = host.clone().serve(stream, place);
                tasks.spawn(closed.clone().run_until_cancelled_owned(serve));
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                Clock::real().sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// What all connections of a port share.
#[derive(Clone)]
struct Host {
    app: Arc<AppState>,
    apis: &'static [Api],
    tls: Option<TlsAcceptor>,
    /// Cancelled when the emulator stops gracefully: open requests are completed, new ones are not accepted.
    closing: CancellationToken,
}

impl Host {
    /// Serves a connection until it ends.
    async fn serve(self, stream: TcpStream, place: OwnedSemaphorePermit) {
        let _ = stream.set_nodelay(true);
        let (stream, handle) = ClientStream::new(stream, place, Clock::real());
        match self.tls.clone() {
            None => self.serve_http(TokioIo::new(stream), handle).await,
            Some(tls) => match Clock::real().timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)).await {
                Ok(Ok(secured)) => self.serve_http(TokioIo::new(secured), handle).await,
                Ok(Err(error)) => tracing::info!(%error, "the TLS handshake of a client failed"),
                Err(_) => tracing::info!("the TLS handshake of a client timed out"),
            },
        }
    }

    async fn serve_http(self, io: impl Read + Write + Unpin + Send + 'static, handle: ConnectionHandle) {
        let closing = self.closing.clone();
        let mut http = Builder::new(TokioExecutor::new());
        http.http1().timer(TokioTimer::new()).header_read_timeout(IDLE_TIMEOUT).auto_date_header(false);
        http.http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_TIMEOUT)
            .auto_date_header(false);
        let host = Arc::new(self);
        let service = service_fn(move |incoming| {
            let (host, handle) = (Arc::clone(&host), handle.clone());
            async move { host.handle(incoming, &handle).await }
        });
        let mut connection = std::pin::pin!(http.serve_connection(io, service));
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = closing.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(error, "a connection ended early");
        }
    }

    async fn handle(
        &self,
        incoming: http::Request<Incoming>,
        connection: &ConnectionHandle,
    ) -> Result<http::Response<Delivery>, ConnectionReset> {
        let exchange = connection.open_exchange();
        let limit = if self.apis.contains(&Api::Management) { MANAGEMENT_BODY } else { SERVICE_BODY };
        let response = match read(incoming, limit).await {
            Ok(request) => self.app.handle(self.apis, request, connection).await?,
            Err(response) => respond(response, |body| Delivery::at_once(body, AdvanceGuard::none())),
        };
        Ok(response.map(|body| body.during(exchange, &self.closing)))
    }
}
