//! The console: pages for people on the management port, which show what the emulator does and change its state.
//!
//! The pages are rendered here, work without their script, and call the same functions as the management API. What changes while
//! a page is open comes as server-sent events (`live`).
//!
//! Everyone who can reach the port may use it, as the management API. But web pages of others can reach it too, through the
//! browser of someone on this machine. So `Host` must be this machine (the caller checks that), requests of other sites are
//! refused, every form has a token that other sites cannot read, and no other site can show a page in a frame.

mod assets;
mod directories;
mod faults;
mod form;
mod frame;
mod groups;
mod integrations;
mod limits;
mod live;
mod request;
mod requests;
mod snippets;
mod state;
mod time;
mod users;
mod words;

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, OnceLock},
};

use http::{
    HeaderName, HeaderValue, Method, StatusCode,
    header::{ALLOW, CACHE_CONTROL, CONTENT_DISPOSITION, HOST, LOCATION, ORIGIN, REFERRER_POLICY},
};
use maud::{Markup, html};
use percent_encoding::percent_decode_str;
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

pub(crate) use self::live::LivePage;
use self::{form::Fields, frame::Section};
use crate::{
    app::AppState,
    emulator::Addresses,
    http::{Request, Response},
    limits::LimitError,
    manage::{Manage, ManageError, OrganizationState},
    random::{self, NoRandomness},
    store::{Organization, Reader, StoreError},
};

/// The state of the console of one emulator.
pub(crate) struct Console {
    /// The token of all forms: only pages of this emulator know it.
    token: String,
    /// Where the emulator listens, once it does.
    pub(crate) addresses: OnceLock<Addresses>,
    /// The live pages that can be open at a time. More would leave no connections for the management API.
    live_pages: Arc<Semaphore>,
}

/// The most live pages at a time.
const LIVE_PAGES: usize = 24;

impl Console {
    pub(crate) fn new() -> Result<Self, NoRandomness> {
        Ok(Self {
            token: random::hex(16)?,
            addresses: OnceLock::new(),
            live_pages: Arc::new(Semaphore::new(LIVE_PAGES)),
        })
    }
}

impl Console {
    /// The origin of the service, for a host as a request named it.
    fn origin(&self, host: &str) -> String {
        let port = host.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        let is_https = self.addresses.get().is_some_and(|addresses| {
            let secure = [addresses.https, addresses.login_https].into_iter().flatten();
            secure.map(|address| Some(address.port())).any(|secure| secure == port)
        });
        format!("{}://{host}", if is_https { "https" } else { "http" })
    }
}

/// Omits the token.
impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console").finish_non_exhaustive()
    }
}

/// Whether a path belongs to the console.
pub(crate) fn serves(path: &str) -> bool {
    path == "/" || path == "/console" || path.starts_with("/console/")
}

/// Handles a request for a page whose host was checked. The second part of the result is the body of a live page.
pub(crate) fn handle(app: &Arc<AppState>, request: &Request) -> (Response, Option<LivePage>) {
    let run = || run(app, request);
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Reply::Whole(response)) => (secured(*response), None),
        Ok(Reply::Live(page)) => {
            let response = Response::of_type(StatusCode::OK, "text/event-stream", "");
            (secured(response), Some(*page))
        }
        Err(_) => (failure("it panicked"), None),
    }
}

/// The page of a failure of the emulator.
pub(crate) fn failure(reason: &str) -> Response {
    tracing::error!(reason, "the console failed");
    let page = frame::bare("The emulator failed", &html! { p { "The emulator failed: " (reason) } });
    secured(html_page(StatusCode::INTERNAL_SERVER_ERROR, page))
}

/// The response to a request: whole, or a page that stays open.
enum Reply {
    Whole(Box<Response>),
    Live(Box<LivePage>),
}

impl From<Response> for Reply {
    fn from(response: Response) -> Self {
        Self::Whole(Box::new(response))
    }
}

/// What a page or a form results in.
enum Outcome {
    /// The content of a page.
    Page(Content),
    /// Another page, which says what was done.
    Redirect(String),
    /// A file to save.
    File { name: &'static str, content_type: &'static str, body: Vec<u8> },
    /// A live page.
    Live(Box<LivePage>),
    /// A style sheet, a script or an image.
    Asset(&'static assets::Asset),
}

/// The content of a page.
struct Content {
    section: Section,
    title: String,
    body: Markup,
}

impl Content {
    fn new(section: Section, title: impl Into<String>, body: Markup) -> Self {
        Self { section, title: title.into(), body }
    }
}

/// The error of a page or a form: what to tell the reader.
#[derive(Debug)]
struct PageError {
    status: StatusCode,
    message: String,
}

impl PageError {
    fn not_found(what: impl fmt::Display) -> Self {
        Self { status: StatusCode::NOT_FOUND, message: format!("{what} does not exist") }
    }

    fn invalid(message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, message: message.into() }
    }

    fn forbidden(message: &str) -> Self {
        Self { status: StatusCode::FORBIDDEN, message: message.to_owned() }
    }
}

impl From<ManageError> for PageError {
    fn from(error: ManageError) -> Self {
        Self { status: error.status(), message: error.to_string() }
    }
}

impl From<StoreError> for PageError {
    fn from(error: StoreError) -> Self {
        ManageError::from(error).into()
    }
}

impl From<LimitError> for PageError {
    fn from(error: LimitError) -> Self {
        ManageError::from(error).into()
    }
}

/// What the pages need of a request.
struct Context<'a> {
    app: &'a Arc<AppState>,
    manage: Manage,
    request: &'a Request,
    /// The parts of the path after `/console`, decoded.
    path: Vec<String>,
    query: Fields,
    /// The fields of a form. Empty for a page.
    form: Fields,
    /// Why the form was not accepted.
    error: Option<String>,
}

fn run(app: &Arc<AppState>, request: &Request) -> Reply {
    if let Err(error) = check_source(request) {
        return error_page(&error).into();
    }
    let rest = request.path.strip_prefix("/console").unwrap_or(&request.path);
    let decode = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
    let mut context = Context {
        app,
        manage: Manage::new(Arc::clone(app)),
        request,
        path: rest.split('/').filter(|part| !part.is_empty()).map(decode).collect(),
        query: Fields::of_query(request),
        form: Fields::default(),
        error: None,
    };
    match request.method {
        Method::GET | Method::HEAD => {
            let outcome = context.page();
            reply(&context, outcome)
        }
        Method::POST => {
            let submitted = Fields::of_body(request).and_then(|form| {
                let token = form.text("token");
                if !bool::from(token.as_bytes().ct_eq(app.console.token.as_bytes())) {
                    return Err(PageError::forbidden(
                        "The form is not of this emulator, or of an earlier run of it: reload the page and try again",
                    ));
                }
                context.form = form;
                context.submit()
            });
            match submitted {
                // A mistake is shown on the page of the form, with what was entered.
                Err(error) if error.status.is_client_error() && error.status != StatusCode::FORBIDDEN => {
                    context.error = Some(error.message.clone());
                    match context.page() {
                        Ok(Outcome::Page(content)) => html_page(error.status, frame::page(&context, &content)).into(),
                        _ => error_page(&error).into(),
                    }
                }
                outcome => reply(&context, outcome),
            }
        }
        _ => {
            let error = PageError {
                status: StatusCode::METHOD_NOT_ALLOWED,
                message: format!("The console does not support {}", request.method),
            };
            error_page(&error).with_header(ALLOW, HeaderValue::from_static("GET, HEAD, POST")).into()
        }
    }
}

/// Refuses requests that pages of other sites make. A link on another site may lead to a page.
fn check_source(request: &Request) -> Result<(), PageError> {
    let host = request.header(HOST.as_str()).unwrap_or_default();
    let is_own = |origin: &HeaderValue| {
        let origin = origin.to_str().ok().and_then(|origin| origin.strip_prefix("http://"));
        origin.is_some_and(|origin| origin.eq_ignore_ascii_case(host))
    };
    let foreign_origin = request.headers.get_all(ORIGIN).iter().any(|origin| !is_own(origin));
    let site = request.header("sec-fetch-site").unwrap_or("none");
    let is_link = request.method == Method::GET
        && request.header("sec-fetch-mode") == Some("navigate")
        && request.header("sec-fetch-dest") == Some("document");
    if foreign_origin || !(matches!(site, "none" | "same-origin") || is_link) {
        return Err(PageError::forbidden("The console serves only its own pages: the request is of another site"));
    }
    Ok(())
}

fn reply(context: &Context<'_>, outcome: Result<Outcome, PageError>) -> Reply {
    match outcome {
        Ok(Outcome::Page(content)) => html_page(StatusCode::OK, frame::page(context, &content)).into(),
        Ok(Outcome::Redirect(to)) => {
            let location = HeaderValue::from_str(&to).unwrap_or(HeaderValue::from_static("/"));
            Response::empty(StatusCode::SEE_OTHER).with_header(LOCATION, location).into()
        }
        Ok(Outcome::File { name, content_type, body }) => {
            let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""));
            let disposition = disposition.unwrap_or(HeaderValue::from_static("attachment"));
            Response::of_type(StatusCode::OK, content_type, body).with_header(CONTENT_DISPOSITION, disposition).into()
        }
        Ok(Outcome::Live(page)) => Reply::Live(page),
        Ok(Outcome::Asset(asset)) => Response::of_type(StatusCode::OK, asset.content_type, asset.text).into(),
        Err(error) => error_page(&error).into(),
    }
}

impl Context<'_> {
    /// The page of the path. The last part of a form's path names what it does.
    fn page(&self) -> Result<Outcome, PageError> {
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        match path.as_slice() {
            [] | ["requests"] | ["requests", "clear"] => requests::page(self),
            ["requests", seq] => request::page(self, seq),
            ["limits", ..] => limits::page(self),
            ["users"] => users::list(self),
            ["users", id] => users::one(self, id),
            ["groups"] => groups::list(self),
            ["groups", id] => groups::one(self, id),
            ["directories"] => directories::page(self),
            ["integrations", ..] => integrations::page(self),
            ["faults", ..] => faults::page(self),
            ["time", ..] => time::page(self),
            ["state", ..] => state::page(self),
            ["live", page] => live::open(self, page),
            [file] => assets::find(file).map(Outcome::Asset).ok_or_else(|| self.no_page()),
            _ => Err(self.no_page()),
        }
    }

    /// Does what a form asks for.
    fn submit(&self) -> Result<Outcome, PageError> {
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        match path.as_slice() {
            ["requests", "clear"] => {
                self.app.journal.clear();
                Ok(Outcome::Redirect("/?done=journal".to_owned()))
            }
            ["limits", action] => limits::submit(self, action),
            ["integrations", action] => integrations::submit(self, action),
            ["faults", action] => faults::submit(self, action),
            ["time", action] => time::submit(self, action),
            ["state", action] => state::submit(self, action),
            _ => Err(self.no_page()),
        }
    }

    fn no_page(&self) -> PageError {
        PageError::not_found(format_args!("The page {}", self.request.path))
    }

    /// The token of every form.
    fn token(&self) -> Markup {
        html! { input type="hidden" name="token" value=(self.app.console.token); }
    }

    /// The organization that a page is about: the one of the query, or the first.
    fn organization(&self) -> Result<(OrganizationState, Vec<OrganizationState>), PageError> {
        let all = self.manage.organizations()?;
        let wanted = self.query.text("org");
        let chosen = all.iter().find(|org| wanted.is_empty() || org.id.eq_ignore_ascii_case(wanted)).cloned();
        let missing = || PageError::not_found(format_args!("The organization {wanted}"));
        Ok((chosen.ok_or_else(missing)?, all))
    }

    /// Reads from an organization.
    fn read<T>(
        &self,
        org_id: &str,
        query: impl FnOnce(&Reader<'_>, &Organization) -> Result<T, PageError>,
    ) -> Result<T, PageError> {
        self.app.store.read(|r| match r.organization(org_id)? {
            Some(org) => query(r, &org),
            None => Err(PageError::not_found(format_args!("The organization {org_id}"))),
        })
    }
}

fn error_page(error: &PageError) -> Response {
    let title = error.status.canonical_reason().unwrap_or("Error");
    html_page(error.status, frame::bare(title, &html! { p { (error.message) "." } }))
}

fn html_page(status: StatusCode, page: Markup) -> Response {
    Response::of_type(status, "text/html; charset=utf-8", page.into_string())
}

/// Only what this emulator serves is loaded, nothing in the page itself runs, and no other site can frame it.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

fn secured(response: Response) -> Response {
    let fixed = [
        ("content-security-policy", CONTENT_SECURITY_POLICY),
        ("x-frame-options", "DENY"),
        ("cross-origin-opener-policy", "same-origin"),
        ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
    ];
    let response = fixed.into_iter().fold(response, |response, (name, value)| {
        response.with_header(HeaderName::from_static(name), HeaderValue::from_static(value))
    });
    // Without a referrer, a browser would hide the origin of the console's own forms as well.
    response
        .with_header(REFERRER_POLICY, HeaderValue::from_static("same-origin"))
        .with_header(CACHE_CONTROL, HeaderValue::from_static("no-store"))
}

#[cfg(test)]
mod tests;
