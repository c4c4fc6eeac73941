//! Servers as they are set up in production: TLS, users with few permissions, a cluster, several runtimes.

use std::{fs, num::NonZeroU32, path::Path};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use umapi::{Permit, RateLimit, RateLimitScope, RateLimitSet, RateLimitStore, model::Operation, model::ThrottleClass};
use umapi_emulator::Emulator;
use umapi_redis::{Redis, RedisBuilder, SharedRateLimits};

use crate::{
    server::{Server, engines, wait},
    stage::Access,
};

/// The permissions that the guide lists.
const ACL: &str = "user ops on >s8e-planted ~umapi:1:* resetchannels -@all +eval +evalsha +get +set +del +pttl +pexpire \
                   +strlen +time +select";

fn limits(scope: impl Into<RateLimitScope>) -> RateLimitSet {
    limits_of("key", scope)
}

fn limits_of(key: &str, scope: impl Into<RateLimitScope>) -> RateLimitSet {
    RateLimitSet::new(key, scope, [RateLimit::per_minute(NonZeroU32::new(3).unwrap())])
}

async fn take(redis: &Redis, scope: impl Into<RateLimitScope>) {
    take_of(redis, limits(scope)).await;
}

/// Uses every operation of a store.
async fn take_of(redis: &Redis, limits: RateLimitSet) {
    let store = SharedRateLimits::new(redis, "1F@AdobeOrg");
    let Permit::Granted(permit) = store.acquire(&limits).await.unwrap() else { panic!("the first permit is free") };
    store.mark_sent(&limits, permit).await.unwrap();
    store.forecast(&limits, 1).await.unwrap();
    store.release(&limits, permit).await.unwrap();
    store.pause(&limits, std::time::Duration::from_secs(1)).await.unwrap();
}

/// Writes the certificates of an authority and of a server.
fn certificates(folder: &Path) {
    let (authority_key, server_key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = authority.self_signed(&authority_key).unwrap();
    let server = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let signed = server.signed_by(&server_key, &Issuer::new(authority, authority_key)).unwrap();
    fs::write(folder.join("ca.pem"), certificate.pem()).unwrap();
    fs::write(folder.join("cert.pem"), signed.pem()).unwrap();
    fs::write(folder.join("key.pem"), server_key.serialize_pem()).unwrap();
}

/// A server with TLS beside the plain port, and a user. Returns its port with TLS.
fn with_tls(program: &Path) -> (Server, u16) {
    let tls_port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = Server::of(program, |folder| {
        certificates(folder);
        fs::write(folder.join("users.acl"), format!("user default on nopass ~* &* +@all\n{ACL}\n")).unwrap();
        let path = |name: &str| folder.join(name).display().to_string();
        let options = [
            "--tls-port",
            &tls_port.to_string(),
            "--tls-cert-file",
            &path("cert.pem"),
            "--tls-key-file",
            &path("key.pem"),
            "--tls-ca-cert-file",
            &path("ca.pem"),
            "--tls-auth-clients",
            "no",
            "--aclfile",
            &path("users.acl"),
        ];
        options.map(str::to_owned).to_vec()
    });
    (server, tls_port)
}

#[tokio::test]
async fn tls_and_a_user_with_few_permissions_suffice() {
    // Not every build of Valkey has TLS.
    let Some(program) = engines().into_iter().find(|program| program.ends_with("redis-server")) else { return };
    let (server, port) = with_tls(&program);
    let ca = fs::read(server.path("ca.pem")).unwrap();
    let url = |host: &str| format!("rediss://ops@{host}:{port}");
    let trusted = |host: &str| Redis::builder(url(host)).root_certificates(ca.clone()).password("s8e-planted");
    let redis = trusted("localhost").build().unwrap();
    redis.check().await.unwrap();
    take(&redis, ThrottleClass::Action).await;
    take(&redis, RateLimitScope::FirstPage(Operation::ListUsers)).await;
    let emulator = Emulator::start().await.unwrap();
    let tokens = Access::to(&emulator, String::new(), 1, 1).tokens(&redis);
    let token = tokens.token().await.unwrap();
    tokens.invalidate(&token);
    tokens.token().await.unwrap();
    assert_eq!(server.keys().len(), 3);

    let failed = async |builder: RedisBuilder| {
        let error = builder.build().unwrap().check().await.unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("planted"), "{shown}");
        (error, shown)
    };
    let (error, shown) = failed(Redis::builder(url("localhost")).password("s8e-planted")).await;
    assert!(error.is_unreachable() && shown.contains("its certificate was issued by"), "{shown}");
    let (error, shown) = failed(trusted("127.0.0.1")).await;
    assert!(error.is_unreachable() && shown.contains("its certificate is for another name"), "{shown}");
    let (error, shown) = failed(trusted("localhost").password("not-planted-either")).await;
    assert!(error.is_denied() && shown.contains("rejects the user or the password"), "{shown}");
    let plain = format!("rediss://ops@localhost:{}", server.port);
    let (error, shown) = failed(Redis::builder(plain).root_certificates(ca.clone()).password("planted")).await;
    assert!(!error.is_denied() && !error.is_invalid_input(), "{shown}");
    let not_tls = format!("redis://ops@localhost:{port}");
    failed(Redis::builder(not_tls).password("s8e-planted")).await;
    server.run::<()>(&["ACL", "SETUSER", "ops", "-pttl", "-set"]);
    let store = SharedRateLimits::new(&redis, "1F@AdobeOrg");
    let error = store.acquire(&limits(ThrottleClass::Users)).await.unwrap_err().to_string();
    assert!(error.contains("permission is missing"), "{error}");
}

#[tokio::test]
async fn a_password_alone_is_that_of_the_default_user() {
    let Some(program) = engines().into_iter().next() else { return };
    let server = Server::of(&program, |_| vec!["--requirepass".to_owned(), "s8e-planted".to_owned()]);
    let url = |login: &str| format!("redis://{login}127.0.0.1:{}/2", server.port);
    take(&Redis::builder(url(":s8e-planted@")).build().unwrap(), ThrottleClass::Action).await;
    for login in ["", ":other@", "ops:s8e-planted@"] {
        let error = Redis::builder(url(login)).build().unwrap().check().await.unwrap_err();
        assert!(error.is_denied() && !error.to_string().contains("planted"), "{login}: {error}");
    }
}

/// Starts a cluster of nodes, each with an equal part of the slots.
fn cluster(program: &Path, nodes: usize) -> Vec<Server> {
    let servers: Vec<Server> = (0..nodes)
        .map(|_| {
            let bus = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            Server::of(program, |_| {
                ["--cluster-enabled", "yes", "--cluster-port", &bus.to_string()].map(str::to_owned).to_vec()
            })
        })
        .collect();
    for (index, server) in servers.iter().enumerate() {
        let (first, last) = (16_384 * index / nodes, 16_384 * (index + 1) / nodes - 1);
        server.run::<()>(&["CLUSTER", "ADDSLOTSRANGE", &first.to_string(), &last.to_string()]);
        if index > 0 {
            let first = &servers[0];
            let bus: Vec<String> = first.run(&["CONFIG", "GET", "cluster-port"]);
            server.run::<()>(&["CLUSTER", "MEET", "127.0.0.1", &first.port.to_string(), &bus[1]]);
        }
    }
    for server in &servers {
        let is_ready = || server.run::<String>(&["CLUSTER", "INFO"]).contains("cluster_state:ok");
        for _ in 0..3000 {
            if is_ready() {
                break;
            }
            wait(10);
        }
        assert!(is_ready(), "{}", server.run::<String>(&["CLUSTER", "INFO"]));
    }
    servers
}

#[tokio::test]
async fn a_cluster_redirects_to_the_node_of_the_key() {
    for program in engines() {
        for nodes in [1, 3] {
            let servers = cluster(&program, nodes);
            for (index, server) in servers.iter().enumerate() {
                let (redis, key) = (Redis::builder(server.url()).build().unwrap(), format!("key {index}"));
                take_of(&redis, limits_of(&key, ThrottleClass::Action)).await;
                take_of(&redis, limits_of(&key, RateLimitScope::FirstPage(Operation::ListUsers))).await;
            }
            let kept: Vec<usize> = servers.iter().map(|server| server.keys().len()).collect();
            assert_eq!(kept.iter().sum::<usize>(), 2 * nodes, "{kept:?}");
            assert!(kept.iter().all(|keys| keys % 2 == 0), "the keys of an API key are on one node: {kept:?}");
            let emulator = Emulator::start().await.unwrap();
            for server in &servers {
                Access::to(&emulator, server.url(), 1, 1)
                    .tokens(&Redis::builder(server.url()).build().unwrap())
                    .token()
                    .await
                    .unwrap();
            }
            assert_eq!(emulator.journal().count(umapi_emulator::LoginOperation::RequestToken), 1);
        }
    }
}

#[tokio::test]
async fn a_key_that_moves_to_another_node_is_found() {
    let Some(program) = engines().into_iter().next() else { return };
    let servers = cluster(&program, 2);
    let redis = Redis::builder(servers[0].url()).build().unwrap();
    let (store, limits) = (SharedRateLimits::new(&redis, "1F@AdobeOrg"), limits(ThrottleClass::Action));
    assert!(matches!(store.acquire(&limits).await.unwrap(), Permit::Granted(_)));
    let from = servers.iter().position(|server| !server.keys().is_empty()).unwrap();
    let (from, to) = (&servers[from], &servers[1 - from]);
    let key = from.keys().remove(0);
    let slot: i64 = from.run(&["CLUSTER", "KEYSLOT", &key]);
    let (slot, id) = (slot.to_string(), |server: &Server| server.run::<String>(&["CLUSTER", "MYID"]));
    to.run::<()>(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &id(from)]);
    from.run::<()>(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &id(to)]);
    from.run::<()>(&["MIGRATE", "127.0.0.1", &to.port.to_string(), &key, "0", "5000"]);
    // While it moves, and afterwards.
    assert!(matches!(store.acquire(&limits).await.unwrap(), Permit::Granted(_)));
    for server in [to, from] {
        server.run::<()>(&["CLUSTER", "SETSLOT", &slot, "NODE", &id(to)]);
    }
    assert!(matches!(store.acquire(&limits).await.unwrap(), Permit::Granted(_)));
    assert!(matches!(store.acquire(&limits).await.unwrap(), Permit::After(_)), "three calls were counted");
}

#[test]
fn connections_belong_to_their_runtime() {
    let Some(server) = Server::start() else { return };
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let redis = Redis::builder(server.url()).build().unwrap();
    let first = runtime();
    first.block_on(redis.check()).unwrap();
    runtime().block_on(redis.check()).unwrap();
    first.block_on(redis.check()).unwrap();
    drop(first);
    runtime().block_on(take(&redis, ThrottleClass::Action));
}
