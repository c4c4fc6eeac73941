//! Fuzz target: responses of a login server.

use std::{panic::AssertUnwindSafe, time::Duration};

use bolero::TypeGenerator;
use umapi::auth::{Credentials, Endpoint, OAuthServerToServer, PrivateKey, ServiceAccount, Session, StandardRetry};
use umapi_time::ManualClock;

use crate::{
    fixed_seeds::target,
    keys::PLAIN,
    payload::Material,
    peer::{GRACE, Peer, Response},
};

const SECRETS: [&str; 2] = ["planted/secret+of this=test", "planted-second-secret"];
/// Spellings in which a server may repeat the secrets, and the token.
const SPELLED: [&str; 4] = [
    "planted%2Fsecret%2Bof+this%3Dtest",
    "planted%2Fsecret%2Bof%20this%3Dtest",
    "planted\\/secret+of this=test",
    "eyJ-planted-access-token",
];
const ATTEMPTS: u32 = 2;

const LOGIN: Material = Material {
    examples: &[
        r#"{"token_type":"bearer","access_token":"eyJ-planted-access-token","expires_in":86399993}"#,
        r#"{"access_token":"eyJ-planted-access-token","token_type":"bearer","expires_in":"86399"}"#,
        r#"{"error":"invalid_token","error_description":"JWT token is incorrectly decoded: planted/secret+of this=test"}"#,
        r#"{"error":"invalid_client","error_description":"planted\/secret+of this=test is wrong"}"#,
        r#"{"error":"bad_request","sent":"client_secret=planted%2Fsecret%2Bof+this%3Dtest&x=planted%2Fsecret%2Bof%20this%3Dtest"}"#,
        "<html><body>planted-second-secret</body></html>",
    ],
    words: &[
        "access_token",
        "token_type",
        "expires_in",
        "error",
        "error_description",
        "invalid_client",
        "invalid_token",
        "invalid_signature",
        "invalid_scope",
        "invalid_jti",
        "planted/secret+of this=test",
        "planted-second-secret",
        "planted%2Fsecret%2Bof+this%3Dtest",
        "planted",
        "bearer",
        "null",
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "\\/",
        "\r\n\r\n",
        "content-length: 3",
        "transfer-encoding: chunked",
    ],
};

#[derive(Clone, Debug, TypeGenerator)]
struct Exchange {
    #[generator(bolero::produce::<Vec<Response>>().with().len(1..=3_usize))]
    responses: Vec<Response>,
    is_jwt: bool,
}

struct Stage {
    peer: Peer,
    oauth: Session,
    account: Session,
}

impl Stage {
    fn new() -> Self {
        let peer = Peer::new();
        let endpoint = Endpoint::parse(&peer.url).unwrap();
        let oauth = OAuthServerToServer::new("client", SECRETS[0]).unwrap().with_further_secret(SECRETS[1]);
        let account = ServiceAccount::builder()
            .organization("1F@AdobeOrg")
            .technical_account("1@techacct.adobe.com")
            .client_id("client")
            .client_secret(SECRETS[0])
            .client_secret(SECRETS[1])
            .private_key(PrivateKey::from_pem(PLAIN, None).unwrap());
        // Creating the connection of a session takes much longer than a login, so both sessions are kept. The waits of
        // a login are short.
        let clock = ManualClock::new().auto_advance(GRACE).clock();
        let session = |credentials: Credentials| {
            let builder = Session::builder(credentials.with_endpoint(endpoint.clone())).clock(clock.clone());
            builder.retry(StandardRetry::default().attempts(ATTEMPTS).first_wait(Duration::ZERO)).build().unwrap()
        };
        Self { oauth: session(oauth.into()), account: session(account.build().unwrap().into()), peer }
    }

    fn check(&self, exchange: &Exchange) {
        let session = if exchange.is_jwt { &self.account } else { &self.oauth };
        let (ended, requests) = self.peer.run(&exchange.responses, LOGIN, |_| session.token());
        assert!(requests <= ATTEMPTS as usize * SECRETS.len(), "{requests} requests");
        match ended {
            Ok(token) => {
                assert!(!format!("{token:?}").contains("eyJ"), "{token:?}");
                session.invalidate(&token);
            }
            Err(error) => {
                let said = (error.body(), error.description(), error.code(), error.request_id());
                let shown = format!("{error} {error:?} {said:?}").replace("\\\\", "\\");
                let seen: Vec<_> = SECRETS.iter().chain(&SPELLED).filter(|secret| shown.contains(**secret)).collect();
                assert!(seen.is_empty(), "{seen:?} in {shown}");
            }
        }
    }
}

#[test]
fn a_login_handles_every_response_and_shows_no_secret() {
    let stage = AssertUnwindSafe(Stage::new());
    target!(1_000).with_type::<Exchange>().for_each(|exchange| stage.check(exchange));
}
