//! The login itself: from credentials to a token over HTTP, once for every time it is asked.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http_body_util::Full;
use reqwest::{Body, header::CONTENT_TYPE};
use serde::{Deserialize, Deserializer, de::Error as _};
use umapi_time::Clock;
use url::form_urlencoded;
use zeroize::Zeroizing;

use crate::{
    AccessToken, ClockSkew, Credentials, Error, Login, RetryPolicy, Secret, TokenFuture, TokenSource,
    error::Kind,
    refusal::{self, Answered},
    transport::Connection,
};

const FORM: &str = "application/x-www-form-urlencoded";

/// What is read of an answer, in bytes: a token takes a few thousand.
const LONGEST_BODY: usize = 1 << 20;

/// Logs in every time that it is asked for a token.
pub(crate) struct Exchange {
    connection: Connection,
    clock: Clock,
    credentials: Arc<Credentials>,
    retry: RetryPolicy,
    /// The secret that was taken last: the next login begins with it.
    favourite: AtomicUsize,
}

impl TokenSource for Exchange {
    fn token(&self) -> TokenFuture<'_> {
        Box::pin(self.log_in())
    }

    fn invalidate(&self, _refused: &AccessToken) {}
}

impl Exchange {
    pub(crate) fn new(connection: Connection, clock: Clock, credentials: Arc<Credentials>, retry: RetryPolicy) -> Self {
        Self { connection, clock, credentials, retry, favourite: AtomicUsize::new(0) }
    }

    /// Logs in, and again as long as the fault may pass and the policy allows.
    async fn log_in(&self) -> Result<AccessToken, Error> {
        let begun = self.clock.now();
        let mut attempt = 1;
        loop {
            let error = match self.with_each_secret().await {
                Ok(token) => return Ok(token),
                Err(error) => error,
            };
            let spent = self.clock.now() - begun;
            let Some(wait) = self.retry.wait(&error, attempt, spent, fastrand::f64()) else {
                tracing::warn!(attempt, status = error.status(), code = error.code(), "login failed");
                return Err(error);
            };
            tracing::debug!(attempt, wait_ms = wait.as_millis(), status = error.status(), "login failed, trying again");
            self.clock.sleep(wait).await;
            attempt += 1;
        }
    }

    /// Tries the secrets in order: during a rotation the first may not be valid yet, or no longer.
    async fn with_each_secret(&self) -> Result<AccessToken, Error> {
        let secrets = self.credentials.secrets();
        let first = self.favourite.load(Ordering::Relaxed);
        let mut refused = None;
        for index in (0..secrets.len()).map(|step| (first + step) % secrets.len()) {
            match self.with_secret(&secrets[index]).await {
                Ok(token) => {
                    self.favourite.store(index, Ordering::Relaxed);
                    return Ok(token);
                }
                Err(error) if self.is_about_the_secret(&error) => {
                    tracing::warn!(secret = index + 1, of = secrets.len(), "client secret refused");
                    refused = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        Err(refused.unwrap_or_else(|| Error::invalid("there is no client secret")))
    }

    /// The JWT exchange tells a wrong secret (401) from an unknown client (400); the other login does not say.
    fn is_about_the_secret(&self, error: &Error) -> bool {
        match self.credentials.login {
            Login::ServiceAccount(_) => error.is_wrong_secret(),
            Login::OAuthServerToServer(_) => error.is_invalid_client(),
        }
    }

    async fn with_secret(&self, secret: &Secret) -> Result<AccessToken, Error> {
        // The life of the token is counted from before the request: rather too short than too long.
        let (begun, wall) = (self.clock.now(), self.clock.wall());
        let request = Request::of(&self.credentials, secret, wall)?;
        // The clock is not held meanwhile: the server may share it and sleep on it, and each would wait for the other.
        let answer = self.send(&request).await?;
        let skew = answer.date.and_then(|date| ClockSkew::between(date, wall, self.clock.wall()));
        if let Some(skew) = skew {
            tracing::warn!(difference_s = skew.difference().as_secs(), is_behind = skew.is_behind(), "clocks differ");
        }
        let took_ms = (self.clock.now() - begun).as_millis();
        tracing::debug!(
            path = request.path,
            status = answer.status,
            request_id = answer.request_id,
            took_ms,
            "login answered"
        );
        if !(200..300).contains(&answer.status) {
            return Err(refusal::read(
                answer,
                &self.credentials.login,
                &self.not_to_show(&request),
                self.clock.wall(),
                skew,
            ));
        }
        let status = answer.status;
        let issued: Issued = serde_json::from_slice(&answer.body).map_err(|_| {
            let text = "the login answered with success, but not with a token: check the address of the login";
            Error::new(Kind::Unreadable { status }, text)
        })?;
        Ok(AccessToken::new(issued.access_token, Some(begun + request.unit.of(issued.expires_in))))
    }

    /// What must not show in an error: what was sent, and the secrets that were sent before it or would be after it.
    fn not_to_show<'a>(&'a self, request: &'a Request<'_>) -> Vec<&'a str> {
        let secrets = self.credentials.secrets().iter().map(Secret::reveal);
        request.secrets().into_iter().chain(secrets).collect()
    }

    async fn send(&self, request: &Request<'_>) -> Result<Answered, Error> {
        let endpoint = &self.credentials.endpoint;
        let url = endpoint.join(request.path);
        let failed = |error: reqwest::Error| refusal::of_network(&error, endpoint, &self.not_to_show(request));
        let post = self.connection.post(&url).header(CONTENT_TYPE, FORM).body(request.body());
        let mut response = post.send().await.map_err(failed)?;
        if response.url().as_str() != url {
            return Err(refusal::of_redirect(endpoint));
        }
        let mut answer = Answered::head(&response);
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            answer.body.extend_from_slice(&chunk);
            if answer.body.len() > LONGEST_BODY {
                break;
            }
        }
        Ok(answer)
    }
}

/// How the server counts the life of a token. It follows from the endpoint, never from the size of the number.
#[derive(Clone, Copy)]
enum Unit {
    Milliseconds,
    Seconds,
}

impl Unit {
    fn of(self, number: u64) -> Duration {
        match self {
            Self::Milliseconds => Duration::from_millis(number),
            Self::Seconds => Duration::from_secs(number),
        }
    }
}

/// What is sent, and how the answer counts.
struct Request<'a> {
    path: &'a str,
    unit: Unit,
    fields: Vec<(&'static str, Secret)>,
}

impl<'a> Request<'a> {
    fn of(credentials: &'a Credentials, secret: &Secret, now: SystemTime) -> Result<Self, Error> {
        let mut fields = vec![("client_id", Secret::from(credentials.client_id())), ("client_secret", secret.clone())];
        let (path, unit) = match &credentials.login {
            Login::ServiceAccount(account) => {
                fields.push(("jwt_token", account.assertion(&credentials.endpoint, now)?));
                ("/ims/exchange/jwt", Unit::Milliseconds)
            }
            Login::OAuthServerToServer(client) => {
                fields.push(("grant_type", Secret::from("client_credentials")));
                fields.push(("scope", Secret::from(client.scopes.join(","))));
                ("/ims/token/v3", Unit::Seconds)
            }
        };
        Ok(Self { path, unit, fields })
    }

    /// The fields as a form, wiped from memory when it has been sent.
    ///
    /// It is a stream, of which an HTTP client keeps no copy: one that follows redirects cannot send it once more.
    fn body(&self) -> Body {
        // Large enough from the start, since a text that grows leaves copies behind: three letters for one, `&` and `=`.
        let length = self.fields.iter().map(|(name, value)| name.len() + value.reveal().len() * 3 + 2).sum();
        let mut form = form_urlencoded::Serializer::new(String::with_capacity(length));
        for (name, value) in &self.fields {
            form.append_pair(name, value.reveal());
        }
        let form = Zeroizing::new(form.finish().into_bytes());
        Body::wrap(Full::new(Bytes::from_owner(form)))
    }

    /// What of it is secret.
    fn secrets(&self) -> Vec<&str> {
        let secret = self.fields.iter().filter(|(name, _)| matches!(*name, "client_secret" | "jwt_token"));
        secret.map(|(_, value)| value.reveal()).collect()
    }
}

#[derive(Deserialize)]
struct Issued {
    access_token: Secret,
    #[serde(deserialize_with = "number")]
    expires_in: u64,
}

/// A whole number, which some servers put in quotes.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::Number(number) => number.as_u64(),
        serde_json::Value::String(text) => text.parse().ok(),
        _ => None,
    }
    .ok_or_else(|| D::Error::custom("not a whole number"))
}
