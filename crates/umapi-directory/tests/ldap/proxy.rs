//! Proxies that break a connection.

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use super::server::Slapd;

/// Passes everything on, until the server has sent this many bytes. Then the connection ends. Returns its address.
pub(crate) async fn cut_after(server: &Slapd, bytes: usize) -> String {
    limited(server, bytes, true).await
}

/// Passes everything on, until the server has sent this many bytes. Then nothing more comes. Returns its address.
pub(crate) async fn stall_after(server: &Slapd, bytes: usize) -> String {
    limited(server, bytes, false).await
}

async fn limited(server: &Slapd, bytes: usize, ends: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let target = server.address().to_owned();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let target = target.clone();
            tokio::spawn(async move {
                let Ok(server) = TcpStream::connect(target).await else { return };
                let (mut from_client, mut to_client) = client.into_split();
                let (from_server, mut to_server) = server.into_split();
                let requests = tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
                let mut limited = from_server.take(bytes as u64);
                let _ = tokio::io::copy(&mut limited, &mut to_client).await;
                if ends {
                    let _ = to_client.shutdown().await;
                    requests.abort();
                }
                // A stalled connection lasts until the client ends it.
                let _ = requests.await;
            });
        }
    });
    format!("ldap://{address}")
}

/// Takes connections and says nothing.
pub(crate) async fn silent() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((client, _)) = listener.accept().await {
            held.push(client);
        }
    });
    format!("ldap://{address}")
}
