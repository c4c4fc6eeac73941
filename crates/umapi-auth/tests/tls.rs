//! The login over TLS: trusted certificates, and redirects with a custom HTTP client.
#![cfg(any(feature = "rustls-aws-lc", feature = "rustls-ring", feature = "native-tls"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests panic on the unexpected")]

use std::sync::{Arc, Mutex};

use rcgen::CertifiedKey;
use rustls::{ServerConfig, crypto::aws_lc_rs, pki_types::PrivateKeyDer};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use umapi_auth::{Credentials, Endpoint, HttpOptions, OAuthServerToServer, Session, StandardRetry};
#[cfg(any(feature = "rustls-aws-lc", feature = "native-tls"))]
use umapi_auth::{Error, HttpClient};

const TOKEN: &str = r#"{"access_token":"t","expires_in":100}"#;

/// A login server with a self-signed certificate. It responds to the login with a status, and to any other path with a token.
struct Server {
    url: String,
    certificate: String,
    /// The head and the body of every request.
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start(status: u16) -> Self {
        let CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap())
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let server = Self { url: url.clone(), certificate: cert.pem(), requests: requests.clone() };
        tokio::spawn(async move {
            loop {
                let (connection, _) = listener.accept().await.unwrap();
                // A client that does not trust the certificate closes the connection.
                let Ok(mut connection) = acceptor.accept(connection).await else { continue };
                let request = read(&mut connection).await;
                let is_login = request.starts_with("POST /ims/token/v3 ");
                requests.lock().unwrap().push(request);
                let status = if is_login { status } else { 200 };
                let length = TOKEN.len();
                let answer = format!(
                    "HTTP/1.1 {status} Status\r\nlocation: {url}/elsewhere\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{TOKEN}"
                );
                connection.write_all(answer.as_bytes()).await.unwrap();
                let _ = connection.shutdown().await;
            }
        });
        server
    }

    /// A session that trusts the certificate, or not.
    fn session(&self, is_trusted: bool) -> Session {
        let client = OAuthServerToServer::new("client", "planted").unwrap();
        let credentials = Credentials::from(client).with_endpoint(Endpoint::parse(&self.url).unwrap());
        let http = HttpOptions::new().without_proxy();
        let http = if is_trusted { http.root_certificates(self.certificate.clone()) } else { http };
        Session::builder(credentials).http(http.build().unwrap()).retry(StandardRetry::NEVER).build().unwrap()
    }

    /// A client that trusts the certificate and follows redirects, as clients do by default. With ring alone, the HTTP library
    /// wants a program to install it first.
    #[cfg(any(feature = "rustls-aws-lc", feature = "native-tls"))]
    fn client(&self) -> reqwest::Client {
        let certificate = reqwest::Certificate::from_pem(self.certificate.as_bytes()).unwrap();
        reqwest::Client::builder().no_proxy().tls_certs_merge([certificate]).build().unwrap()
    }

    #[cfg(any(feature = "rustls-aws-lc", feature = "native-tls"))]
    async fn log_in_with_custom_client(&self) -> Result<(), Error> {
        let client = OAuthServerToServer::new("client", "planted").unwrap();
        let credentials = Credentials::from(client).with_endpoint(Endpoint::parse(&self.url).unwrap());
        let session = Session::builder(credentials)
            .http(HttpClient::from_reqwest(self.client()))
            .retry(StandardRetry::NEVER)
            .build()?;
        session.token().await.map(drop)
    }
}

/// Reads one request up to its content length.
async fn read(connection: &mut TlsStream<TcpStream>) -> String {
    let mut request = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&request).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
            if body.len() >= length.parse().unwrap() {
                return text;
            }
        }
        let mut bytes = [0; 1024];
        let read = connection.read(&mut bytes).await.unwrap();
        assert!(read > 0, "incomplete request: {text}");
        request.extend_from_slice(&bytes[..read]);
    }
}

#[tokio::test]
async fn only_a_given_certificate_is_trusted() {
    let server = Server::start(200).await;
    let error = server.session(false).token().await.unwrap_err();
    assert!(error.is_connect() && error.is_unknown_issuer(), "{error}");
    let text = error.to_string();
    // The TLS of the system does not say who issued it.
    let issuer = match cfg!(any(feature = "rustls-aws-lc", feature = "rustls-ring")) {
        true => "was issued by itself (\"rcgen self signed cert\")",
        false => "was issued by an authority that this machine does not trust",
    };
    assert!(text.contains(issuer) && text.contains("root certificates"), "{text}");
    assert!(server.requests.lock().unwrap().is_empty(), "nothing is sent to an untrusted server");
    assert_eq!(server.session(true).token().await.unwrap().reveal(), "t");
}

#[cfg(any(feature = "rustls-aws-lc", feature = "native-tls"))]
#[tokio::test]
async fn a_custom_client_sends_the_form_in_one_piece() {
    let server = Server::start(200).await;
    server.log_in_with_custom_client().await.unwrap();
    let requests = server.requests.lock().unwrap();
    let [request] = requests.as_slice() else { panic!("one request: {requests:?}") };
    assert!(request.contains("content-type: application/x-www-form-urlencoded\r\n"), "{request}");
    assert!(!request.contains("transfer-encoding"), "{request}");
    let fields = "client_id=client&client_secret=planted&grant_type=client_credentials&\
                  scope=openid%2CAdobeID%2Cuser_management_sdk";
    assert!(request.ends_with(fields), "{request}");
}

#[cfg(any(feature = "rustls-aws-lc", feature = "native-tls"))]
#[tokio::test]
async fn credentials_do_not_follow_a_redirect_of_a_custom_client() {
    for status in [301, 302, 303, 307, 308] {
        let server = Server::start(status).await;
        for result in [server.log_in_with_custom_client().await, server.session(true).token().await.map(drop)] {
            let error = result.unwrap_err();
            assert!(error.to_string().contains("redirect") && !error.is_retryable(), "{status}: {error}");
        }
        let requests = server.requests.lock().unwrap();
        let elsewhere: Vec<_> = requests.iter().filter(|request| request.contains("/elsewhere")).collect();
        assert!(elsewhere.iter().all(|request| !request.contains("planted")), "{status}: {elsewhere:?}");
        // A custom client follows some of them without the form. The default client follows none.
        assert_eq!(elsewhere.len(), usize::from(status < 304), "{status}");
    }
}
