use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::rt::{Read, Write};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use umapi_time::{AdvanceGuard, Clock};

use super::Serves;
use super::delivery::Delivery;
use super::exchange::{self, Reset, respond};
use super::line::{Line, Switch};
use super::reading;
use crate::http::Answer;
use crate::management;
use crate::world::World;

/// How long a client may take to say hello in TLS: real time, as for bodies.
const HELLO_TIME: Duration = Duration::from_secs(10);
/// How long a connection may wait for the head of a request. It is longer than clients keep idle connections, and not a
/// minute: clients that wait for a limit would find their connection closed just then.
const HEAD_TIME: Duration = Duration::from_secs(125);

/// The largest body of a request. An action request may hold 1 MB, and a larger one is to hear so from the service.
const SERVICE_BODY: usize = 4 << 20;
/// Seeds are large.
const MANAGEMENT_BODY: usize = 2 << 30;

/// What all connections of a port have in common.
#[derive(Clone)]
pub(super) struct Host {
    pub(super) world: Arc<World>,
    pub(super) serves: Serves,
    pub(super) tls: Option<TlsAcceptor>,
    /// Rung when the emulator ends in good order: requests under way are answered, and no more are taken.
    pub(super) closing: CancellationToken,
}

impl Host {
    /// Serves a connection to its end.
    pub(super) async fn serve(self, stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        let (line, switch) = Line::new(stream);
        match self.tls.clone() {
            None => self.speak(TokioIo::new(line), switch).await,
            Some(tls) => match Clock::real().timeout(HELLO_TIME, tls.accept(line)).await {
                Ok(Ok(secured)) => self.speak(TokioIo::new(secured), switch).await,
                Ok(Err(error)) => tracing::info!(%error, "a client did not get through the TLS handshake"),
                Err(_) => tracing::info!("a client did not finish the TLS handshake in time"),
            },
        }
    }

    async fn speak(self, io: impl Read + Write + Unpin + Send + 'static, switch: Switch) {
        let closing = self.closing.clone();
        let mut http = Builder::new(TokioExecutor::new());
        http.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIME).auto_date_header(false);
        http.http2().timer(TokioTimer::new()).auto_date_header(false);
        let host = Arc::new(self);
        let service = service_fn(move |incoming| {
            let (host, switch) = (Arc::clone(&host), switch.clone());
            async move { host.answer(incoming, &switch).await }
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

    async fn answer(
        &self,
        incoming: http::Request<Incoming>,
        switch: &Switch,
    ) -> Result<http::Response<Delivery>, Reset> {
        let at_once = |answer| respond(answer, |body| Delivery::at_once(body, AdvanceGuard::none()));
        let limit = match self.serves {
            Serves::Services(_) => SERVICE_BODY,
            Serves::Management => MANAGEMENT_BODY,
        };
        let request = match reading::read(incoming, limit).await {
            Ok(request) => request,
            Err(answer) => return Ok(at_once(answer)),
        };
        match self.serves {
            Serves::Services(services) => exchange::answer(&self.world, services, &request, switch).await,
            Serves::Management => {
                // Seeds and snapshots take a while, and the threads of the runtime have others to serve.
                let (world, request) = (Arc::clone(&self.world), Arc::new(request));
                let asked = Arc::clone(&request);
                let answer = tokio::task::spawn_blocking(move || management::answer(&world, &asked)).await;
                let answer = answer.unwrap_or_else(|_| Answer::fault("it panicked"));
                Ok(at_once(exchange::finish(&self.world, &request, answer)))
            }
        }
    }
}
