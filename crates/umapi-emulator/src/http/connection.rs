//! A connection of a client: it can be reset at any time, and it ends when its client does nothing.

use std::{
    error::Error,
    fmt,
    future::Future,
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::OwnedSemaphorePermit,
};
use umapi_time::{Clock, Sleep};

/// The longest time without a byte from the client while no request of it is open; real time. It is longer than clients keep
/// idle connections, and deliberately more than a minute: a client that waits for a rate limit would find its connection
/// closed exactly then.
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_secs(125);
/// The longest time in which a client takes nothing of a response; real time.
const STALL_TIMEOUT: Duration = Duration::from_secs(60);

/// The error of an exchange that has no response, because a fault rule resets the connection.
#[derive(Debug)]
pub(crate) struct ConnectionReset;

impl fmt::Display for ConnectionReset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection is reset by a fault rule")
    }
}

impl Error for ConnectionReset {}

/// What the exchanges of a connection share with it.
#[derive(Debug, Clone, Default)]
pub(crate) struct ConnectionHandle(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    is_reset: AtomicBool,
    open_exchanges: AtomicUsize,
}

/// An exchange that is not over. As long as there is one, the client may be silent.
#[derive(Debug)]
pub(crate) struct OpenExchange(ConnectionHandle);

impl ConnectionHandle {
    /// Stops reading and writing, and ends the connection with a reset: the peer reads "connection reset by peer".
    pub(crate) fn reset(&self) -> ConnectionReset {
        self.0.is_reset.store(true, Ordering::Release);
        ConnectionReset
    }

    /// Begins an exchange.
    pub(super) fn open_exchange(&self) -> OpenExchange {
        self.0.open_exchanges.fetch_add(1, Ordering::AcqRel);
        OpenExchange(self.clone())
    }

    fn check(&self) -> io::Result<()> {
        if self.0.is_reset.load(Ordering::Acquire) { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }

    fn is_idle(&self) -> bool {
        self.0.open_exchanges.load(Ordering::Acquire) == 0
    }
}

impl Drop for OpenExchange {
    fn drop(&mut self) {
        self.0.0.open_exchanges.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The stream of a connection.
pub(super) struct ClientStream {
    stream: TcpStream,
    handle: ConnectionHandle,
    clock: Clock,
    /// Set while the client is silent.
    silence: Option<Sleep>,
    /// Set while the client takes nothing.
    stall: Option<Sleep>,
    /// One of the connections that are served at a time.
    _permit: OwnedSemaphorePermit,
}

impl ClientStream {
    pub(super) fn new(stream: TcpStream, permit: OwnedSemaphorePermit, clock: Clock) -> (Self, ConnectionHandle) {
        let handle = ConnectionHandle::default();
        let stream = Self { stream, handle: handle.clone(), clock, silence: None, stall: None, _permit: permit };
        (stream, handle)
    }

    /// Notes whether a write made progress, and fails if there was none for too long.
    fn check_stall<T>(&mut self, written: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stall = None;
            return written;
        }
        let clock = &self.clock;
        let stall = self.stall.get_or_insert_with(|| clock.sleep(STALL_TIMEOUT));
        match Pin::new(stall).poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl Drop for ClientStream {
    fn drop(&mut self) {
        // Closing a socket with zero linger resets the connection and discards unsent data.
        if self.handle.check().is_err() {
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.handle.check()?;
        if let ready @ Poll::Ready(_) = Pin::new(&mut this.stream).poll_read(context, into) {
            this.silence = None;
            return ready;
        }
        let clock = &this.clock;
        let silence = this.silence.get_or_insert_with(|| clock.sleep(IDLE_TIMEOUT));
        while Pin::new(&mut *silence).poll(context).is_ready() {
            if this.handle.is_idle() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            *silence = clock.sleep(IDLE_TIMEOUT);
        }
        Poll::Pending
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.handle.check()?;
        let written = Pin::new(&mut this.stream).poll_write(context, from);
        this.check_stall(written, context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.handle.check()?;
        let written = Pin::new(&mut this.stream).poll_write_vectored(context, from);
        this.check_stall(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.handle.check()?;
        let flushed = Pin::new(&mut this.stream).poll_flush(context);
        this.check_stall(flushed, context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.handle.check()?;
        Pin::new(&mut this.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
        sync::Semaphore,
    };
    use umapi_time::ManualClock;

    use super::*;

    async fn connected(clock: &ManualClock) -> (ClientStream, ConnectionHandle, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let permit = Arc::new(Semaphore::new(1)).acquire_owned().await.unwrap();
        let (stream, handle) = ClientStream::new(stream, permit, clock.clock());
        (stream, handle, client)
    }

    #[tokio::test]
    async fn a_client_that_says_nothing_is_closed() {
        let clock = ManualClock::new();
        let (mut stream, _, mut client) = connected(&clock).await;
        client.write_all(b"PRI * HTTP/2.0").await.unwrap();
        let mut preface = [0; 14];
        stream.read_exact(&mut preface).await.unwrap();
        let silent = tokio::spawn(async move { stream.read_u8().await.unwrap_err().kind() });
        clock.until_sleepers(1).await;
        clock.advance(IDLE_TIMEOUT);
        assert_eq!(silent.await.unwrap(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_client_that_waits_for_its_response_stays() {
        let clock = ManualClock::new();
        let (mut stream, handle, mut client) = connected(&clock).await;
        let exchange = handle.open_exchange();
        let read = tokio::spawn(async move { stream.read_u8().await });
        for _ in 0..10 {
            clock.until_sleepers(1).await;
            clock.advance(IDLE_TIMEOUT);
            tokio::task::yield_now().await;
        }
        clock.until_sleepers(1).await;
        assert!(!read.is_finished());
        client.write_all(b"x").await.unwrap();
        assert_eq!(read.await.unwrap().unwrap(), b'x');
        drop(exchange);
    }

    #[tokio::test]
    async fn a_client_that_takes_nothing_is_closed() {
        let clock = ManualClock::new();
        let (mut stream, _, client) = connected(&clock).await;
        let stalled = tokio::spawn(async move {
            let piece = vec![0; 1 << 20];
            loop {
                if let Err(error) = stream.write_all(&piece).await {
                    return error.kind();
                }
            }
        });
        clock.until_sleepers(1).await;
        clock.advance(STALL_TIMEOUT);
        assert_eq!(stalled.await.unwrap(), io::ErrorKind::TimedOut);
        drop(client);
    }
}
