//! Clients that say nothing, hold connections, or name a host that is not this machine.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use umapi_emulator::Emulator;

/// Sends a request as it is, and returns the whole response.
async fn send(emulator: &Emulator, url: &str, request: &str) -> String {
    let _ = emulator;
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    let address = address.split('/').next().unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    response
}

fn get(path: &str, host: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
}

#[tokio::test]
async fn the_management_port_serves_no_made_up_host() {
    let emulator = Emulator::builder().server_name("emulator.test").start().await.unwrap();
    let url = emulator.management_url().unwrap();
    for host in ["localhost", "127.0.0.1:80", "[::1]:1", "10.0.0.1", "emulator.test:99"] {
        let response = send(&emulator, &url, &get("/health", host)).await;
        assert!(response.starts_with("HTTP/1.1 200"), "{host}: {response}");
    }
    for host in ["evil.example", "localhost.evil.example", "evil.example:80", ""] {
        let response = send(&emulator, &url, &get("/health", host)).await;
        assert!(
            response.starts_with("HTTP/1.1 403") && response.contains("emulator.host.refused"),
            "{host}: {response}"
        );
    }
}

#[tokio::test]
async fn held_connections_leave_the_management_port_reachable() {
    let emulator = Emulator::builder().start().await.unwrap();
    let service = emulator.um_url();
    let address = service.trim_start_matches("http://").split('/').next().unwrap().to_owned();
    let mut held = Vec::new();
    // More than are served at a time; how many this machine allows is another question.
    for _ in 0..600 {
        match TcpStream::connect(&address).await {
            Ok(stream) => held.push(stream),
            Err(_) => break,
        }
    }
    let url = emulator.management_url().unwrap();
    let response = send(&emulator, &url, &get("/health", "localhost")).await;
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");
    drop(held);
    // Places are free again.
    let freed = async {
        loop {
            let response = send(&emulator, &service, &get("/status", "localhost")).await;
            if response.starts_with("HTTP/1.1 200") {
                break;
            }
        }
    };
    umapi_time::Clock::real().timeout(Duration::from_secs(30), freed).await.unwrap();
}
