//! Runs the fakes of directories in the cloud, for the SDKs of their vendors: prints where they are as one line of JSON, and ends
//! when its standard input ends.

#[path = "../tests/cloud/fake.rs"]
mod fake;

use std::io::Read as _;

use serde_json::json;
use umapi_time::Clock;

use fake::{Fake, google::Google, key_and_certificate, okta::Okta, public_key};

fn main() {
    let now = Clock::real().wall();
    let okta = Fake::start(Okta::company(now));
    let google = Fake::start(Google::company(now));
    let (key, _) = key_and_certificate();
    okta.service.state().public_key = Some(public_key().to_owned());
    println!(
        "{}",
        json!({
            "okta": { "url": okta.url, "token": fake::okta::TOKEN, "client": fake::okta::CLIENT, "key": key },
            "google": { "url": google.url, "subject": fake::google::SUBJECT, "key": Google::key(&google.url) },
        })
    );
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}
