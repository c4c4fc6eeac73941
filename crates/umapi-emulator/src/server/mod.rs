//! Sockets, TLS, connections: the way in and out.

mod connection;
mod delivery;
mod exchange;
mod line;
mod reading;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use umapi_time::Clock;

use crate::contract::Api;
use crate::world::World;
use connection::Host;

/// How long requests under way have when the emulator ends in good order; real time.
const CLOSING_TIME: Duration = Duration::from_secs(3);
/// How long to wait when a connection could not be accepted, for want of file descriptors say.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What a port is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Serves {
    /// The User Management API, the login, or both.
    Services(&'static [Api]),
    /// The management API.
    Management,
}

/// A port that is open, and not served yet.
pub(crate) struct Port {
    pub(crate) listener: TcpListener,
    pub(crate) serves: Serves,
    pub(crate) tls: Option<Arc<ServerConfig>>,
}

impl Port {
    pub(crate) async fn open(address: SocketAddr, serves: Serves, tls: Option<Arc<ServerConfig>>) -> io::Result<Self> {
        Ok(Self { listener: TcpListener::bind(address).await?, serves, tls })
    }

    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// The ports of an emulator, being served. They are closed when it is dropped, and connections with them.
#[derive(Debug)]
pub(crate) struct Server {
    tasks: TaskTracker,
    closing: CancellationToken,
    closed: CancellationToken,
}

impl Server {
    /// Serves ports on the runtime of the caller.
    pub(crate) fn start(world: &Arc<World>, ports: Vec<Port>) -> Self {
        let server =
            Self { tasks: TaskTracker::new(), closing: CancellationToken::new(), closed: CancellationToken::new() };
        for port in ports {
            let host = Host {
                world: Arc::clone(world),
                serves: port.serves,
                tls: port.tls.map(TlsAcceptor::from),
                closing: server.closing.clone(),
            };
            let accept = accept(port.listener, host, server.tasks.clone(), server.closed.clone());
            server.tasks.spawn(server.closing.clone().run_until_cancelled_owned(accept));
        }
        server
    }

    /// Ends in good order: takes no more requests, and answers those under way for some seconds.
    pub(crate) async fn stop(&self) {
        self.closing.cancel();
        self.tasks.close();
        if Clock::real().timeout(CLOSING_TIME, self.tasks.wait()).await.is_err() {
            tracing::warn!("connections were still busy, and are closed");
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

async fn accept(listener: TcpListener, host: Host, tasks: TaskTracker, closed: CancellationToken) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let serve = host.clone().serve(stream);
                tasks.spawn(closed.clone().run_until_cancelled_owned(serve));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                Clock::real().sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}
