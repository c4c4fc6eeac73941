//! Recordings of what a client sends and receives, without names and secrets.

use umapi_http::{HttpClient, Tap, TapOutcome, TappedExchange};
use umapi_recording::{Exchange, Outcome};
pub use umapi_recording::{Recorder, RecorderError, RecordingKey};

/// An HTTP client that writes its exchanges to a recording. [`ClientBuilder::recorder`](crate::ClientBuilder::recorder) does this
/// for a client and its logins; this is for a [`Session`](crate::auth::Session) that is made apart.
pub fn recorded(http: &HttpClient, recorder: &Recorder) -> HttpClient {
    http.with_tap(RecorderTap(recorder.clone()))
}

struct RecorderTap(Recorder);

impl Tap for RecorderTap {
    fn exchange_ended(&self, tapped: TappedExchange) {
        let mut exchange = Exchange::new(tapped.method, tapped.url)
            .with_request(tapped.request_headers, tapped.request_body)
            .with_time(tapped.started, tapped.took)
            .with_outcome(match tapped.outcome {
                TapOutcome::Response => Outcome::Response,
                TapOutcome::CutOff => Outcome::CutOff,
                TapOutcome::TooLarge => Outcome::TooLarge,
                TapOutcome::TimedOut => Outcome::TimedOut,
                TapOutcome::NotConnected => Outcome::NotConnected,
                TapOutcome::UntrustedCertificate => Outcome::UntrustedCertificate,
                TapOutcome::Abandoned => Outcome::Abandoned,
                _ => Outcome::Broken,
            });
        if let Some((status, headers)) = tapped.response_head {
            exchange = exchange.with_response(status, headers, tapped.response_body);
        }
        self.0.record(&exchange);
    }
}
