//! The server: protocols, limits of size, rate limits, and stopping.

use std::time::Duration;

use reqwest::{Method, StatusCode, Version};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use umapi_emulator::{
    Emulator, FaultEffect, FaultRule, FirstPageLimit, LimitScope, LimitSettings, Operation, StartError,
};
use umapi_time::ManualClock;

use crate::rig::{ORG, Reply, Rig};

#[tokio::test]
async fn both_http_versions_and_both_ports_work() {
    let emulator = Emulator::builder().https().limits(LimitSettings::off()).start().await.unwrap();
    let ca = reqwest::Certificate::from_pem(emulator.ca_pem().unwrap().as_bytes()).unwrap();
    // The TLS of the system, which the workspace builds too, is used without ALPN.
    let client = || reqwest::Client::builder().tls_backend_rustls().tls_certs_only([ca.clone()]).no_proxy();
    let url = |um: String| format!("{um}/users/{ORG}/0");
    let secure = url(emulator.um_https_url().unwrap());
    for (client, url, version) in [
        (client(), secure.clone(), Version::HTTP_2),
        (client().http1_only(), secure, Version::HTTP_11),
        (client(), url(emulator.um_url()), Version::HTTP_11),
        (client().http2_prior_knowledge(), url(emulator.um_url()), Version::HTTP_2),
    ] {
        let request = client.build().unwrap().get(url).bearer_auth(emulator.access_token().unwrap());
        let answer = request.header("X-Api-Key", &emulator.credentials().client_id).send().await.unwrap();
        assert_eq!((answer.version(), answer.status()), (version, StatusCode::OK));
    }
}

#[tokio::test]
async fn a_certificate_has_further_names() {
    let emulator =
        Emulator::builder().without_http().https().server_name("usermanagement.adobe.io").start().await.unwrap();
    let ca = reqwest::Certificate::from_pem(emulator.ca_pem().unwrap().as_bytes()).unwrap();
    let address = emulator.addresses().https.unwrap();
    let client = reqwest::Client::builder()
        .tls_certs_only([ca])
        .no_proxy()
        .resolve("usermanagement.adobe.io", address)
        .build()
        .unwrap();
    let url = format!("https://usermanagement.adobe.io:{}/v2/usermanagement/users/{ORG}/0", address.port());
    assert_eq!(client.get(url).send().await.unwrap().status().as_u16(), 403);
}

#[tokio::test]
async fn a_response_has_request_id_and_emulator_date() {
    let rig = Rig::of(Emulator::builder().clock(ManualClock::new())).await;
    let path = format!("/users/{ORG}/0");
    let given = rig.request(Method::GET, &path).header("x-request-id", "a b/ü").send().await.unwrap();
    assert_eq!(given.headers()["x-request-id"].as_bytes(), "a b/ü".as_bytes(), "verbatim");
    let [one, two] = [rig.get(&path).await, rig.get(&path).await];
    assert_ne!(one.header("x-request-id"), two.header("x-request-id"));
    assert_eq!(one.header("date"), "Thu, 01 Jan 2026 00:00:00 GMT");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_rejected() {
    let rig = Rig::new().await;
    let body = vec![b' '; 5 << 20];
    let request = rig.request(Method::POST, &format!("/action/{ORG}")).body(body);
    Reply::of(request.send().await.unwrap()).await.expect(413);
}

#[tokio::test]
async fn the_server_survives_nonsense() {
    let emulator = Emulator::start().await.unwrap();
    for bytes in [
        &b"\0\x01\x02nonsense\r\n\r\n"[..],
        b"GET  HTTP/9\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nx",
        b"GET /%ff%fe/%00?%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(emulator.addresses().http.unwrap()).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
    }
    let alive = reqwest::get(format!("{}/users/{ORG}/0", emulator.um_url())).await.unwrap();
    assert_eq!(alive.status().as_u16(), 403);
}

#[tokio::test]
async fn limits_apply_for_a_minute() {
    let manual = ManualClock::new();
    let emulator = Emulator::builder().clock(manual.clone()).start().await.unwrap();
    let client = reqwest::Client::new();
    let call = async || {
        let request = client.get(format!("{}/groups/{ORG}/0", emulator.um_url()));
        let request = request.bearer_auth(emulator.access_token().unwrap());
        Reply::of(request.header("X-Api-Key", &emulator.credentials().client_id).send().await.unwrap()).await
    };
    for _ in 0..5 {
        call().await.expect(200);
    }
    let rejected = call().await.expect(429);
    assert_eq!(rejected.json(), json!({"error_code": "429050", "message": "Too many requests"}));
    let wait: u64 = rejected.header("retry-after").parse().unwrap();
    manual.advance(Duration::from_secs(wait));
    call().await.expect(200);
}

#[tokio::test]
async fn a_second_first_page_blocks_the_client() {
    let manual = ManualClock::new();
    let builder = Emulator::builder().clock(manual.clone()).limits(LimitSettings::reported());
    let emulator = builder.start().await.unwrap();
    let client = reqwest::Client::new();
    let send = async |path: &str, pragma: &str| {
        let request = client.get(format!("{}{path}", emulator.um_url()));
        let request = request.header("Pragma", "no-cache").header("Pragma", pragma);
        let request = request.bearer_auth(emulator.access_token().unwrap());
        Reply::of(request.header("X-Api-Key", &emulator.credentials().client_id).send().await.unwrap()).await
    };
    let (users, groups) = (format!("/users/{ORG}/0"), format!("/groups/{ORG}/0"));
    let (second, one) = (format!("/users/{ORG}/1"), format!("/organizations/{ORG}/users/jdoe@example.com"));
    send(&users, "umapi-sync-start").await.expect(200);
    send(&users, "umapi-sync-start").await.expect(200);
    for path in [&second, &one, &groups, &second] {
        send(path, "no-cache").await.expect(200);
    }
    let rejected = send(&groups, "no-cache").await.expect(429);
    assert_eq!(rejected.json(), json!({"error_code": "429050", "message": "Too many requests"}));
    assert_eq!(rejected.header("retry-after"), "2400");
    assert_eq!(send(&one, "umapi-sync-start").await.expect(429).header("retry-after"), "2400");

    let refused: Vec<_> = emulator.journal().all().into_iter().filter_map(|one| one.exceeded_limit).collect();
    let shown: Vec<_> = refused.iter().map(|limit| (limit.name, limit.scope, limit.blocked)).collect();
    let name = "groups-first-page";
    assert_eq!(shown, [(name, LimitScope::Client, false), (name, LimitScope::Client, true)]);
    let management = format!("http://{}", emulator.addresses().management.unwrap());
    let url = format!("{management}/journal?operation=getUser&after=1");
    let exchanges = Reply::of(client.get(url).send().await.unwrap()).await.expect(200).json();
    let limit = &exchanges["exchanges"][1]["limit"];
    assert_eq!(*limit, json!({"name": "groups-first-page", "scope": "client", "blocked": true}));

    manual.advance(Duration::from_secs(2400));
    send(&one, "no-cache").await.expect(200);
    send(&groups, "no-cache").await.expect(200);
}

#[tokio::test]
async fn a_seed_can_set_the_limits() {
    let yaml = "{organizations: [{id: AB12@AdobeOrg}], limits: {firstPages: {blockSeconds: 9}}}";
    let seed = umapi_emulator::seed::Seed::from_yaml(yaml).unwrap();
    let expected = FirstPageLimit { block_seconds: 9, ..FirstPageLimit::reported() };
    let seeded = Emulator::builder().seed(seed.clone()).start().await.unwrap();
    assert_eq!(seeded.limits().settings(), LimitSettings::off().with_first_pages(expected));
    let given = Emulator::builder().seed(seed).limits(LimitSettings::severe()).start().await.unwrap();
    assert_eq!(given.limits().settings(), LimitSettings::severe(), "the builder wins");
    let plain = Emulator::start().await.unwrap();
    assert_eq!(plain.limits().settings(), LimitSettings::documented());
}

#[tokio::test]
async fn a_graceful_stop_completes_open_requests() {
    let manual = ManualClock::new();
    let rig = Rig::of(Emulator::builder().clock(manual.clone())).await;
    rig.emulator.faults().add(FaultRule::on(Operation::ListUsers, FaultEffect::delay(Duration::from_secs(9)))).unwrap();
    let under_way = tokio::spawn(rig.request(Method::GET, &format!("/users/{ORG}/0")).send());
    manual.until_sleepers(1).await;
    let (http, url, emulator) = (rig.http.clone(), rig.um.clone(), rig.emulator);
    let end = tokio::spawn(emulator.stop());
    while http.get(&url).send().await.is_ok() {
        tokio::task::yield_now().await;
    }
    manual.advance(Duration::from_secs(9));
    assert_eq!(under_way.await.unwrap().unwrap().status().as_u16(), 200);
    end.await.unwrap();
}

#[tokio::test]
async fn dropping_it_closes_its_ports() {
    let emulator = Emulator::start().await.unwrap();
    let address = emulator.addresses().http.unwrap();
    drop(emulator);
    tokio::task::yield_now().await;
    let mut left = 1000;
    while TcpStream::connect(address).await.is_ok() {
        left -= 1;
        assert!(left > 0, "it still listens");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn state_is_restored_from_snapshot_and_seed() {
    let rig = Rig::new().await;
    let add = |group: &str| json!([{"user": "nobody@example.com", "do": [{"add": {"group": [group]}}]}]);
    rig.act(&add("Design")).await;
    let snapshot = rig.emulator.snapshot().unwrap();
    rig.act(&add("Sales")).await;
    rig.emulator.restore(&snapshot).unwrap();
    assert_eq!(rig.groups_of("nobody@example.com").await, ["Design"]);
    rig.emulator.reset().unwrap();
    assert!(rig.emulator.journal().all().is_empty());
    assert!(rig.groups_of("nobody@example.com").await.is_empty());
}

#[tokio::test]
async fn state_is_kept_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    let rig = Rig::of(Emulator::builder().data_file(&file)).await;
    rig.act(&json!([{"user": "nobody@example.com", "do": [{"add": {"group": ["Design"]}}]}])).await;
    let second = Emulator::builder().data_file(&file).start().await;
    assert!(matches!(second, Err(StartError::Store(_))), "the file is in use");
    rig.emulator.stop().await;
    let again = Rig::of(Emulator::builder().data_file(&file)).await;
    assert_eq!(again.groups_of("nobody@example.com").await, ["Design"]);
}

#[tokio::test]
async fn a_failed_start_says_why() {
    let taken = Emulator::start().await.unwrap();
    let port = taken.addresses().http.unwrap().port();
    let error = Emulator::builder().http_port(port).start().await.unwrap_err().to_string();
    assert!(error.contains(&port.to_string()) && error.contains("port 0"), "{error}");
    let error = Emulator::builder().without_http().start().await.unwrap_err();
    assert!(matches!(error, StartError::NoPort));
    let empty = umapi_emulator::seed::Seed::default();
    assert!(matches!(Emulator::builder().seed(empty).start().await.unwrap_err(), StartError::NoOrganization));
    let error = Emulator::builder().https().server_name("a b").start().await.unwrap_err().to_string();
    assert!(error.contains("a b"), "{error}");
}
