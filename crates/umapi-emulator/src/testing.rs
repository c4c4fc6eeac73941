//! An emulator for tests, without a server: in memory, with a manual clock.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use umapi_time::ManualClock;

use crate::{
    app::{AppState, InitialState, Settings},
    clock::EmulatorClock,
    console::Console,
    contract::Contract,
    faults::Faults,
    http::Request,
    journal::Journal,
    limits::{LimitSettings, RateLimits},
    login::{Login, LoginSettings},
    manage::Snapshots,
    seed::Seed,
    store::Store,
};

/// An organization with a bit of everything, and two integrations.
pub(crate) const SEED: &str = r"
organizations:
  - id: AA@AdobeOrg
    name: First
    directories:
      - { name: Staff, type: federated, domains: [a.com], trustedBy: [BB@AdobeOrg] }
    products:
      - name: Photoshop
        quota: 5
        profiles: [{ name: Default Photoshop, quota: 1 }]
    userGroups: [{ name: Design, profiles: [Default Photoshop] }, { name: Shared, readOnly: true }]
    users:
      - { type: federatedID, email: ann@a.com, country: US, groups: [Design] }
      - { type: federatedID, email: bob@a.com, country: US, groups: [Default Photoshop] }
    integrations:
      - { clientId: key, name: Sync, technicalAccount: T1@techacct.adobe.com, secrets: [old-secret, secret] }
      - { clientId: other, secrets: [other-secret] }
  - id: BB@AdobeOrg
    name: Second
    integrations: [{ clientId: second, secrets: [second-secret] }]
";

/// A seeded emulator and its clock.
pub(crate) fn app() -> (Arc<AppState>, ManualClock) {
    app_with(SEED, LoginSettings::default())
}

pub(crate) fn app_with(yaml: &str, login: LoginSettings) -> (Arc<AppState>, ManualClock) {
    let store = Arc::new(Store::in_memory().unwrap());
    let initial_state = InitialState::of(Seed::from_yaml(yaml).unwrap());
    initial_state.load(&store).unwrap();
    let manual = ManualClock::new();
    let clock = EmulatorClock::manual(manual.clone());
    let app = AppState {
        login: Login::open(Arc::clone(&store), clock.clone(), login).unwrap(),
        store,
        initial_state,
        clock,
        contract: Contract::new().unwrap(),
        limits: RateLimits::new(LimitSettings::off()).unwrap(),
        faults: Faults::default(),
        journal: Journal::default(),
        settings: Settings::default(),
        snapshots: Snapshots::default(),
        console: Console::new().unwrap(),
        replay: None,
    };
    (Arc::new(app), manual)
}

/// A request with these headers, as it comes to `localhost:8443`.
pub(crate) fn request(method: Method, target: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Request {
    let mut all = HeaderMap::from_iter([(http::header::HOST, HeaderValue::from_static("localhost:8443"))]);
    for (name, value) in headers {
        all.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    }
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    Request {
        id: "request-1".to_owned(),
        method,
        path: path.to_owned(),
        query: query.map(str::to_owned),
        headers: all,
        body: body.into(),
    }
}

/// A key pair of RSA and a certificate of it: made once, since that takes a while.
pub(crate) struct Signer {
    pub(crate) private_key: String,
    pub(crate) public_key: String,
    pub(crate) certificate: String,
}

impl Signer {
    pub(crate) fn get() -> &'static Self {
        static SIGNER: OnceLock<Signer> = OnceLock::new();
        SIGNER.get_or_init(Self::make)
    }

    /// A certificate that is valid in the year that test clocks begin in.
    fn make() -> Self {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
        let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
        parameters.not_before = rcgen::date_time_ymd(2026, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(2026, 12, 31);
        Self {
            certificate: parameters.self_signed(&key).unwrap().pem(),
            public_key: key.public_key_pem(),
            private_key: key.serialize_pem(),
        }
    }
}
