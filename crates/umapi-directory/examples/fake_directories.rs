//! Runs the fakes of directories in the cloud, for the SDKs of their vendors and for measurements: prints where they are as one
//! line of JSON, and ends when its standard input ends. With `PEOPLE GROUPS` as arguments, they have so many. A line `change` on
//! standard input makes ten changes; it prints the number of requests since the last one.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a helper of tests fails like a test, and prints its result"
)]

#[path = "../tests/cloud/fake.rs"]
mod fake;

use std::io::BufRead as _;

use fake::{
    Fake,
    entra::{self, Entra},
    google::{self, Google},
    key_and_certificate,
    okta::{self, Okta},
    public_key,
};
use serde_json::json;
use umapi_time::Clock;

fn main() {
    let mut arguments =
        std::env::args().skip(1).map(|number| number.parse().expect("a number of people, and of groups"));
    let size = arguments.next().zip(arguments.next());
    let clock = Clock::real();
    let now = clock.wall();
    let (entra, okta, google) = match size {
        Some((people, groups)) => {
            (Entra::large(people, groups), Okta::large(people, groups, now), Google::large(people, groups, now))
        }
        None => (Entra::company(), Okta::company(now), Google::company(now)),
    };
    let (entra, okta, google) = (Fake::start(entra), Fake::start(okta), Fake::start(google));
    okta.service.state().public_key = Some(public_key().to_owned());
    let (key, certificate) = key_and_certificate();
    println!(
        "{}",
        json!({
            "entra": {
                "url": entra.url,
                "tenant": entra::TENANT,
                "client": entra::CLIENT,
                "secret": entra::SECRET,
                "key": key,
                "certificate": certificate,
            },
            "okta": { "url": okta.url, "token": okta::TOKEN, "client": okta::CLIENT, "key": key },
            "google": { "url": google.url, "subject": google::SUBJECT, "key": Google::key(&google.url) },
        })
    );
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        if line == "change" {
            let (entra_log, okta_log, google_log) = (entra.log(), okta.log(), google.log());
            println!("{}", json!({ "entra": entra_log.len(), "okta": okta_log.len(), "google": google_log.len() }));
            entra.clear();
            okta.clear();
            google.clear();
            entra.service.change();
            okta.service.change(clock.wall());
        }
    }
}
