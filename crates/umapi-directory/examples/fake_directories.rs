//! Runs the fakes of directories in the cloud, for the SDKs of their vendors and for measurements: prints where they are as one
//! line of JSON, and ends when its standard input ends. With `PEOPLE GROUPS` as arguments, that of Entra ID has so many.
#![allow(clippy::print_stdout, reason = "an example prints its result")]

#[path = "../tests/cloud/fake.rs"]
mod fake;

use std::io::Read as _;

use serde_json::json;
use umapi_time::Clock;

use fake::{Fake, entra::Entra, google::Google, key_and_certificate, okta::Okta, public_key};

fn main() {
    let mut arguments =
        std::env::args().skip(1).map(|number| number.parse().expect("a number of people, and of groups"));
    let size = arguments.next().zip(arguments.next());
    let now = Clock::real().wall();
    let entra = Fake::start(size.map_or_else(Entra::company, |(people, groups)| Entra::large(people, groups)));
    let okta = Fake::start(Okta::company(now));
    let google = Fake::start(Google::company(now));
    let (key, certificate) = key_and_certificate();
    okta.service.state().public_key = Some(public_key().to_owned());
    println!(
        "{}",
        json!({
            "entra": {
                "url": entra.url,
                "tenant": fake::entra::TENANT,
                "client": fake::entra::CLIENT,
                "secret": fake::entra::SECRET,
                "key": key,
                "certificate": certificate,
            },
            "okta": { "url": okta.url, "token": fake::okta::TOKEN, "client": fake::okta::CLIENT, "key": key },
            "google": { "url": google.url, "subject": fake::google::SUBJECT, "key": Google::key(&google.url) },
        })
    );
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}
