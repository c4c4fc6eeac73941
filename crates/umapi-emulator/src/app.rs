//! The state that all connections of one emulator share, and the pipeline that every request passes.
//!
//! One pipeline serves the three APIs: find the operation, apply fault rules, keep the journal, authenticate, apply the rate
//! limits, check the request against the description, call the handler, and check the response against the description.
//! Fault rules and journal are for the services, and authentication and limits for the User Management API alone.

mod initial_state;
mod replayed;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use http::{
    HeaderValue, Method, StatusCode,
    header::{HOST, HeaderName, ORIGIN, X_CONTENT_TYPE_OPTIONS},
};
use umapi_model::AnyOperation;
use umapi_recording::Replay;
use umapi_time::AdvanceGuard;

use crate::{
    api,
    clock::EmulatorClock,
    console::{self, Console, LivePage},
    contract::{Api, Contract, Endpoint, Parameters, PathParameters, Route, Target, Violation},
    engine::RequestSizes,
    faults::{Fault, Faults},
    http::{
        ConnectionHandle, ConnectionReset, Delivery, Request, Response, finish, host_name, is_address, is_this_machine,
        respond,
    },
    journal::{HttpExchange, Journal, Stage},
    limits::RateLimits,
    login::Login,
    manage::{self, Snapshots},
    seed::SeedError,
    store::{Snapshot, Store, StoreError},
};
pub(crate) use initial_state::InitialState;

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// What all connections of one emulator share.
pub(crate) struct AppState {
    pub(crate) store: Arc<Store>,
    pub(crate) initial_state: InitialState,
    pub(crate) clock: EmulatorClock,
    pub(crate) contract: Contract,
    pub(crate) login: Login,
    pub(crate) limits: RateLimits,
    pub(crate) faults: Faults,
    pub(crate) journal: Journal,
    pub(crate) settings: Settings,
    /// The snapshots that the management API keeps.
    pub(crate) snapshots: Snapshots,
    pub(crate) console: Console,
    /// A recording whose responses are sent in place of the service's own.
    pub(crate) replay: Option<Arc<Replay>>,
}

/// The settings that an emulator keeps from its start.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The names of this machine besides `localhost`, as in its certificate.
    pub(crate) server_names: Vec<String>,
    /// Whether requests that do not match the description are rejected.
    pub(crate) strict: bool,
    /// Whether responses of the services are checked against the description.
    pub(crate) check_responses: bool,
    /// The number of entries on a page.
    pub(crate) pages: PageSizes,
    /// The largest action request.
    pub(crate) request_sizes: RequestSizes,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            server_names: Vec::new(),
            strict: true,
            check_responses: true,
            pages: PageSizes::default(),
            request_sizes: RequestSizes::default(),
        }
    }
}

/// The number of entries on a page, by list. The service chooses it; clients must not assume it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PageSizes {
    /// Users of an organization or a group: 2,000.
    pub users: u64,
    /// Users of the deprecated endpoints: 400.
    pub legacy_users: u64,
    /// Groups of every type: 2,000.
    pub groups: u64,
    /// User groups, products and profiles of the deprecated endpoints: 400.
    pub legacy_lists: u64,
}

impl Default for PageSizes {
    fn default() -> Self {
        Self { users: 2000, legacy_users: 400, groups: 2000, legacy_lists: 400 }
    }
}

impl AppState {
    /// Restores the state of a snapshot. Issued access tokens stay valid.
    pub(crate) fn restore(&self, snapshot: &Snapshot) -> Result<(), StoreError> {
        self.store.restore(snapshot)?;
        self.login.keep_key()
    }

    /// Restores the seed, and clears the counted calls, the journal and the fault rules. The clock keeps running, and issued
    /// access tokens stay valid.
    pub(crate) fn reset(&self) -> Result<(), SeedError> {
        self.initial_state.restore(&self.store)?;
        self.login.keep_key()?;
        self.limits.clear();
        self.faults.clear();
        self.journal.clear();
        Ok(())
    }

    /// Handles a request on a port with these APIs, with everything that fault rules do to it.
    ///
    /// The clock does not advance while the emulator works, so that a client that shares it does not miss its deadlines
    /// because of that. It does advance while a fault rule waits.
    pub(crate) async fn handle(
        self: &Arc<Self>,
        apis: &'static [Api],
        request: Request,
        connection: &ConnectionHandle,
    ) -> Result<http::Response<Delivery>, ConnectionReset> {
        let clock = self.clock.clock();
        let mut guard = clock.advance_guard();
        let route = self.contract.route(apis, &request.method, &request.path, !self.settings.strict);
        if apis.contains(&Api::Management) {
            drop(guard);
            let (response, live) = self.handle_management(request, route).await;
            return Ok(respond(response, |body| match live {
                Some(live) => Delivery::live(live),
                None => Delivery::at_once(body, AdvanceGuard::none()),
            }));
        }
        let operation = match &route {
            Route::Found { endpoint, .. } => endpoint.target.service_operation(),
            _ => None,
        };
        let mut record = Record::begin(self, &request, &route, operation);
        if let Some(replay) = self.replay.as_ref().filter(|_| replayed::serves(operation)) {
            return self.replayed(replay, &request, &mut record, connection, guard);
        }
        let Some(fault) = operation.and_then(|operation| self.faults.decide(operation)) else {
            let response = self.finish(&request, self.apply(&route, &request, false));
            record.decided_by(response.stage);
            record.end(&response);
            return Ok(respond(response, |body| Delivery::at_once(body, guard)));
        };

        record.fault(&fault);
        if !fault.delay.is_zero() {
            drop(guard);
            clock.sleep(fault.delay).await;
            guard = clock.advance_guard();
        }
        if fault.resets_before() {
            return Err(connection.reset());
        }
        if fault.expires_token()
            && let Err(error) = self.login.revoke_presented(&request)
        {
            tracing::error!(%error, "cannot revoke the token of a request");
        }
        let response = match fault.response_instead() {
            Some(response) => response.decided_by(Stage::Fault),
            None => self.apply(&route, &request, false),
        };
        record.decided_by(response.stage);
        if fault.resets_after() {
            return Err(connection.reset());
        }
        let response = self.finish(&request, fault.alter(response));
        record.end(&response);
        Ok(respond(response, |body| match (fault.cut_off(), fault.endless(), fault.drip) {
            (Some(bytes), ..) => Delivery::cut_off(body, bytes),
            (_, Some(text), _) => Delivery::endless(body, text.to_owned().into(), guard),
            (_, _, Some(drip)) => Delivery::slowly(body, drip.bytes, drip.every(), clock),
            (None, None, None) => Delivery::at_once(body, guard),
        }))
    }

    /// Handles a request of the management port: of the management API, or for a page of the console. The second part of the
    /// result is the body of a live page.
    ///
    /// The port needs no login, because only this machine can reach it. But so can every web page that is open on this
    /// machine: browsers send an `Origin`, programs do not. The console checks for itself which pages a request may come from.
    pub(crate) async fn handle_management(
        self: &Arc<Self>,
        request: Request,
        route: Route,
    ) -> (Response, Option<LivePage>) {
        let request = Arc::new(request);
        let host = request.header(HOST.as_str()).unwrap_or_default();
        let mut live = None;
        let response = if !self.serves_management_for(host) {
            manage::forbidden_host(host)
        } else if console::serves(&request.path) {
            let (app, shared) = (Arc::clone(self), Arc::clone(&request));
            let reply = tokio::task::spawn_blocking(move || console::handle(&app, &shared)).await;
            let (response, page) = reply.unwrap_or_else(|_| (console::failure("it panicked"), None));
            live = page;
            response
        } else if request.headers.contains_key(ORIGIN) {
            manage::forbidden_origin()
        } else {
            // Seeds and snapshots take long, and the threads of the runtime serve others.
            let (app, shared) = (Arc::clone(self), Arc::clone(&request));
            let response = tokio::task::spawn_blocking(move || app.apply(&route, &shared, true)).await;
            response.unwrap_or_else(|_| Response::failure("it panicked"))
        };
        // No page of another site can use what the port sends, whatever type a browser takes it for.
        let response = response
            .with_header(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"))
            .with_header(CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
        (self.finish(&request, response), live)
    }

    /// Whether the management API serves a host. A name that a web page made up can resolve to this machine, and is refused.
    fn serves_management_for(&self, host: &str) -> bool {
        let name = host_name(host);
        is_this_machine(name)
            || is_address(name)
            || self.settings.server_names.iter().any(|known| known.eq_ignore_ascii_case(name))
    }

    /// Does what a request asks for, on the current thread.
    ///
    /// For the services that takes less than 0.1 ms for one user and a few ms for a page of 2,000 users. Another thread would
    /// cost more than it gains, because the store serves one caller at a time. A panic is a bug of the emulator, and must not
    /// end it.
    fn apply(self: &Arc<Self>, route: &Route, request: &Request, is_management: bool) -> Response {
        match route {
            Route::Found { endpoint, path } => {
                let run = || self.dispatch(endpoint, path, request);
                let response = catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Response::failure("it panicked"));
                self.check_response(endpoint, request, response)
            }
            Route::Status => api::status(),
            Route::None(reason) if is_management => manage::no_route(reason, request),
            Route::None(reason) => api::no_route(reason, request),
        }
    }

    fn dispatch(self: &Arc<Self>, endpoint: &Endpoint, path: &PathParameters, request: &Request) -> Response {
        let parameters = Parameters::new(path, request);
        match endpoint.target {
            Target::UserManagement(operation, read) => {
                let parameters = parameters.without_empty();
                api::handle(self, endpoint, operation, path, request, || read(&parameters))
            }
            Target::Login(_, read) => self.login.handle(&read(&parameters), request),
            Target::Management(_, read) => manage::handle(self, endpoint, path, request, || read(&parameters)),
        }
    }

    /// Checks a response against the description. A response that does not match becomes a 500 with the reason.
    fn check_response(&self, endpoint: &Endpoint, request: &Request, response: Response) -> Response {
        let is_management = endpoint.target.service_operation().is_none();
        let failed = response.status == StatusCode::INTERNAL_SERVER_ERROR;
        let reason = if failed {
            String::from_utf8_lossy(&response.body).into_owned()
        } else if (self.settings.check_responses || is_management)
            && let Err(reason) = endpoint.check_response(&response)
        {
            reason
        } else {
            return response;
        };
        let response = if is_management {
            manage::failure(&reason)
        } else if failed {
            response
        } else {
            Response::failure(&format!("the response does not match the description: {reason}"))
        };
        let operation = endpoint.target.id().to_owned();
        self.contract.violations.record(Violation { operation, request_id: request.id.clone(), reason });
        response
    }

    /// Does what a request of the services asks for, without a connection.
    pub(crate) fn answer(self: &Arc<Self>, request: &Request) -> Response {
        let apis = [Api::UserManagement, Api::Login];
        let route = self.contract.route(&apis, &request.method, &request.path, !self.settings.strict);
        self.apply(&route, request, false)
    }

    fn finish(&self, request: &Request, response: Response) -> Response {
        finish(request, response, self.clock.wall())
    }
}

/// The journal entry of a request. It is written when it is dropped, so that the journal also has a request whose connection
/// ended early, without a response.
struct Record<'a> {
    app: &'a AppState,
    entry: Option<(HttpExchange, Start)>,
}

/// The state when a request arrived.
struct Start {
    at: umapi_time::Instant,
    /// The end of the ledger. `None` for reads, which change nothing.
    ledger: Option<i64>,
}

impl<'a> Record<'a> {
    fn begin(app: &'a AppState, request: &Request, route: &Route, operation: Option<AnyOperation>) -> Self {
        if !app.journal.is_kept() {
            return Self { app, entry: None };
        }
        let mut exchange = HttpExchange::of(request, app.clock.wall());
        exchange.operation = operation;
        exchange.stage = operation.is_none().then_some(Stage::Paths);
        if let Route::Found { path, .. } = route {
            exchange.organization = path.iter().find(|(name, _)| name == "orgId").map(|(_, org)| org.clone());
        }
        let ledger = (request.method != Method::GET).then(|| ledger_end(&app.store)).flatten();
        Self { app, entry: Some((exchange, Start { at: app.clock.clock().now(), ledger })) }
    }

    fn fault(&mut self, fault: &Fault) {
        if let Some((exchange, _)) = &mut self.entry {
            exchange.faults.clone_from(&fault.rules);
        }
    }

    /// Notes who decided the response. Of a path that does not exist, that is known already.
    fn decided_by(&mut self, stage: Stage) {
        if let Some((exchange, _)) = &mut self.entry {
            exchange.stage = exchange.stage.or(Some(stage));
        }
    }

    fn end(&mut self, response: &Response) {
        if let Some((exchange, start)) = &mut self.entry {
            exchange.respond(response, self.app.clock.clock().now() - start.at);
        }
    }
}

impl Drop for Record<'_> {
    fn drop(&mut self) {
        let Some((mut exchange, start)) = self.entry.take() else { return };
        if let Some(after) = start.ledger
            && let Some(up_to) = ledger_end(&self.app.store)
        {
            exchange.effects = (up_to > after).then_some((after, up_to));
        }
        self.app.journal.record(exchange);
    }
}

fn ledger_end(store: &Store) -> Option<i64> {
    store.read(|reader| reader.ledger_end()).ok()
}
