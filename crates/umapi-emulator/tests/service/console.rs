//! The console over real connections: live pages whose readers hang up, take nothing, or are open when the emulator stops.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use umapi_emulator::Emulator;
use umapi_time::Clock;

/// Opens the live page of the requests, and reads until its first event.
async fn open(emulator: &Emulator) -> Option<TcpStream> {
    let url = emulator.management_url().unwrap();
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).await.unwrap();
    stream.write_all(b"GET /console/live/requests HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"retry: 2000\n\n\r\n") {
        if head.starts_with(b"HTTP/1.1 503") {
            return None;
        }
        head.push(stream.read_u8().await.unwrap());
    }
    Some(stream)
}

/// Opens live pages until there is no place left.
async fn open_all(emulator: &Emulator) -> Vec<TcpStream> {
    let mut all = Vec::new();
    while let Some(stream) = open(emulator).await {
        all.push(stream);
        assert!(all.len() < 60, "live pages take all connections of the port");
    }
    all
}

#[tokio::test]
async fn readers_that_hang_up_free_their_places() {
    let emulator = Emulator::start().await.unwrap();
    let readers = open_all(&emulator).await;
    assert!(!readers.is_empty());
    let response = reqwest::get(format!("{}/health", emulator.management_url().unwrap())).await.unwrap();
    assert_eq!(response.status(), 200, "the management API is still served");
    drop(readers);
    let again = Clock::real().timeout(Duration::from_secs(30), async {
        while open(&emulator).await.is_none() {
            tokio::task::yield_now().await;
        }
    });
    again.await.expect("a reader that hung up keeps its place");
}

#[tokio::test]
async fn a_reader_that_takes_nothing_delays_nobody() {
    let emulator = Emulator::builder().journal_entries(100).start().await.unwrap();
    let mut slow = open(&emulator).await.unwrap();
    let http = reqwest::Client::new();
    for _ in 0..500 {
        let response = http.get(format!("{}/none", emulator.um_url())).send().await.unwrap();
        assert_eq!(response.status(), 404);
    }
    let mut seen = String::new();
    let mut piece = vec![0; 1 << 16];
    while !seen.contains("/console/requests/500") {
        let read = slow.read(&mut piece).await.unwrap();
        assert!(read > 0, "{seen}");
        seen.push_str(&String::from_utf8_lossy(&piece[..read]));
    }
}

#[tokio::test]
async fn an_open_live_page_does_not_delay_the_stop() {
    let emulator = Emulator::start().await.unwrap();
    let mut reader = open(&emulator).await.unwrap();
    emulator.stop().await;
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).await.unwrap();
    assert!(rest.ends_with(b"0\r\n\r\n"), "the page ends before its connection is closed: {rest:?}");
}
