//! What people do with the console: watch requests, add a fault and meet it, advance the time, and all of it without a script.

use std::time::Duration;

use fantoccini::Locator;
use reqwest::Method;
use serde_json::{Value, json};
use umapi_emulator::{Emulator, FaultResponse, FaultRule, LimitSettings, Operation, ThrottleClass, seed};

use crate::browser::Browser;

/// An emulator and a client of it.
pub(crate) struct Service {
    pub(crate) emulator: Emulator,
    /// The address of the console, with a slash at the end.
    pub(crate) console: String,
    http: reqwest::Client,
}

/// A name that does harm where it is not escaped.
const EVIL: &str = "<script>window.evil=1</script><img src=x onerror=window.evil=1>";

impl Service {
    pub(crate) async fn start() -> Self {
        let limits = LimitSettings::reported().with_class(ThrottleClass::Groups, 3, 10);
        let emulator = Emulator::builder().limits(limits).start().await.unwrap();
        let console = emulator.console_url().unwrap();
        Self { emulator, console, http: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.emulator.um_url()));
        let request = request.header("X-Api-Key", &self.emulator.credentials().client_id);
        request.bearer_auth(self.emulator.access_token().unwrap())
    }

    pub(crate) async fn get(&self, path: &str) -> u16 {
        let path = path.replace("{org}", self.emulator.org_id());
        self.request(Method::GET, &path).send().await.map_or(0, |response| response.status().as_u16())
    }

    async fn act(&self, body: Value) -> Value {
        let path = format!("/action/{}", self.emulator.org_id());
        self.request(Method::POST, &path).json(&body).send().await.unwrap().json().await.unwrap()
    }

    /// What a small job does on a good day, for the screenshots of the README.
    pub(crate) async fn live_a_quiet_day(&self) {
        self.log_in().await;
        assert_eq!(self.get("/users/{org}/0").await, 200);
        assert_eq!(self.get("/groups/{org}/0").await, 200);
        let faults = self.emulator.faults();
        faults.add(FaultRule::on(Operation::GetUser, FaultResponse::html(502)).times(1)).unwrap();
        for expected in [502, 404] {
            assert_eq!(self.get("/organizations/{org}/users/new@example.com").await, expected);
        }
        for _ in 0..3 {
            self.get("/groups/{org}/1").await;
        }
        self.act(json!([
            {"user": "jdoe@example.com", "do": [{"add": {"group": ["Design"]}}, {"add": {"group": ["Desing"]}}]},
            {"usergroup": "Night shift", "do": [{"createUserGroup": {}}]},
        ]))
        .await;
    }

    async fn log_in(&self) {
        let credentials = self.emulator.credentials();
        let login = [
            ("grant_type", "client_credentials"),
            ("client_id", &credentials.client_id),
            ("client_secret", &credentials.client_secret),
            ("scope", "openid,AdobeID,user_management_sdk"),
        ];
        let login = self.http.post(format!("{}/ims/token/v3", self.emulator.ims_url())).form(&login);
        assert_eq!(login.send().await.unwrap().status(), 200);
    }

    /// Requests of every kind of outcome.
    pub(crate) async fn live_a_day(&self) {
        self.log_in().await;
        assert_eq!(self.get("/users/{org}/0").await, 200);
        let manage = self.emulator.manage();
        let org = self.emulator.org_id();
        let evil = seed::Integration {
            client_id: "evil".to_owned(),
            name: EVIL.to_owned(),
            ..serde_json::from_value(json!({"clientId": "evil"})).unwrap()
        };
        manage.create_integration(org, &evil).unwrap();
        let user: seed::User = serde_json::from_value(json!({
            "type": "adobeID", "email": "evil@example.com", "firstname": EVIL, "lastname": EVIL, "country": "US",
        }))
        .unwrap();
        manage.create_user(org, &user).unwrap();
        let groups: Vec<String> = manage.user_groups(org).unwrap().into_iter().map(|group| group.name).collect();
        let result = self
            .act(json!([
                {"user": "evil@example.com", "do": [{"add": {"group": [groups[0]]}}, {"add": {"group": [EVIL]}}]},
                {"usergroup": "Night shift", "do": [{"createUserGroup": {"description": EVIL}}]},
            ]))
            .await;
        assert_eq!((&result["completed"], &result["notCompleted"]), (&json!(1), &json!(1)), "{result}");
        self.emulator.faults().add(FaultRule::on(Operation::GetUser, FaultResponse::html(502)).times(1)).unwrap();
        assert_eq!(self.get("/organizations/{org}/users/missing@example.com").await, 502);
        assert_eq!(self.get("/organizations/{org}/users/missing@example.com").await, 404);
        for expected in [200, 200, 200, 429] {
            assert_eq!(self.get(&format!("/groups/{{org}}/{}", 1)).await, expected);
        }
        assert_eq!(self.get("/none").await, 404);
        manage.create_snapshot("before lunch").unwrap();
    }
}

/// The address of the first link that a selector finds on a page.
pub(crate) async fn link_to(browser: &Browser, url: &str, css: &str) -> String {
    browser.client.goto(url).await.unwrap();
    let found = browser.client.find(Locator::Css(css)).await.unwrap_or_else(|error| panic!("{css} on {url}: {error}"));
    let path = found.attr("href").await.unwrap().unwrap();
    browser.client.current_url().await.unwrap().join(&path).unwrap().into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_watch_requests_add_faults_and_move_time() {
    let Some(browser) = Browser::start().await else { return };
    let service = Service::start().await;
    for (width, height) in [(1280, 800), (400, 800)] {
        browser.resize(width, height).await;
        requests_appear_while_the_page_is_open(&browser, &service).await;
        a_fault_is_added_and_met(&browser, &service).await;
        time_is_advanced(&browser, &service).await;
        limits_are_used_and_freed(&browser, &service).await;
    }
    keys_lead_to_fields_and_rows(&browser, &service).await;
    secrets_are_shown_when_asked_for(&browser, &service).await;
    everything_works_without_the_script(&browser, &service).await;
}

const CONNECTED: &str = "document.documentElement.dataset.connected === 'true'";

async fn requests_appear_while_the_page_is_open(browser: &Browser, service: &Service) {
    service.emulator.journal().clear();
    browser.client.goto(&format!("{}?status=4xx", service.console)).await.unwrap();
    browser.until("the page is live", CONNECTED).await;
    assert_eq!(service.get("/organizations/{org}/users/live@example.com").await, 404);
    assert_eq!(service.get("/users/{org}/1").await, 200);
    browser.until("the request", "document.querySelectorAll('#rows tr').length === 1").await;
    browser.shows("/users/live@example.com").await;
    browser.press("Pause").await;
    browser.until("the page is not live", "document.documentElement.dataset.connected === undefined").await;
    service.get("/organizations/{org}/users/paused@example.com").await;
    assert_eq!(browser.value("document.querySelectorAll('#rows tr').length").await, 1);
    browser.press("Continue").await;
    browser.until("the request of the pause", "document.querySelectorAll('#rows tr').length === 2").await;
    browser.find("#rows a").await.click().await.unwrap();
    browser.until("the request", "document.querySelector('.steps') !== null").await;
    let text = browser.text().await;
    for part in ["getUser", "A call was left", "curl --request GET", "umapi api GET", "error.user.not_found"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    browser.press("Copy as curl").await;
    browser
        .until("the copy", "['Copied', 'Selected'].includes(document.querySelector('[data-copy]').firstChild.data)")
        .await;
}

async fn a_fault_is_added_and_met(browser: &Browser, service: &Service) {
    service.emulator.faults().clear();
    browser.client.goto(&format!("{}console/faults", service.console)).await.unwrap();
    let form = "form[action='/console/faults/add']";
    let operation = browser.find(&format!("{form} [name=operation]")).await;
    operation.select_by_value("listUsers").await.unwrap();
    browser.fill(&format!("{form} [name=status]"), "99").await;
    browser.find(&format!("{form} button")).await.click().await.unwrap();
    browser
        .until(
            "the mistake",
            "document.querySelector('[role=alert]')?.textContent.includes('from 200 to 999') === true",
        )
        .await;
    browser.fill(&format!("{form} [name=status]"), "503").await;
    browser.fill(&format!("{form} [name=times]"), "1").await;
    browser.find(&format!("{form} button")).await.click().await.unwrap();
    browser.until("the rule", "document.body.textContent.includes('listUsers · answer 503 · at most once')").await;
    browser.until("the page is live", CONNECTED).await;
    assert_eq!(service.get("/users/{org}/1").await, 503, "the fault is met");
    browser.until("the count", "document.querySelector('[id$=-fired]').textContent === '1'").await;
    assert_eq!(service.get("/users/{org}/1").await, 200);
    browser.press("Switch off").await;
    browser.until("the rule is off", "document.body.textContent.includes('Switch on')").await;
    browser.press("Remove").await;
    browser.until("no rules", "document.body.textContent.includes('No rules.')").await;
}

async fn time_is_advanced(browser: &Browser, service: &Service) {
    let clock = service.emulator.clock();
    clock.resume().unwrap();
    browser.client.goto(&format!("{}console/time", service.console)).await.unwrap();
    browser.until("the page is live", CONNECTED).await;
    let shown = "document.getElementById('now').textContent";
    let before = browser.value(shown).await;
    browser.until("the clock runs", &format!("{shown} !== {before}")).await;
    browser.press("Freeze").await;
    browser.until("the clock is frozen", "document.body.textContent.includes('frozen')").await;
    let (frozen, before) = (clock.wall(), browser.value(shown).await);
    browser.press("+ 1 hour").await;
    browser.until("the change", &format!("{shown} !== {before}")).await;
    assert_eq!(clock.wall().duration_since(frozen).unwrap(), Duration::from_secs(3600));
    // Moved by someone else, the page shows it too.
    browser.until("the page is live", CONNECTED).await;
    let before = browser.value(shown).await;
    clock.advance(Duration::from_secs(7200)).unwrap();
    browser.until("the other change", &format!("{shown} !== {before}")).await;
}

async fn limits_are_used_and_freed(browser: &Browser, service: &Service) {
    browser.client.goto(&format!("{}console/limits", service.console)).await.unwrap();
    browser.press("Free all calls").await;
    browser.until("the change", "document.body.textContent.includes('No call is counted')").await;
    browser.until("the page is live", CONNECTED).await;
    for expected in [200, 429] {
        assert_eq!(service.get("/users/{org}/0").await, expected);
    }
    browser.until("the block", "document.getElementById('usage').textContent.includes('Blocked for 40 min')").await;
    service.emulator.limits().clear();
    browser.until("no client", "document.getElementById('usage').textContent.includes('No client')").await;
}

async fn keys_lead_to_fields_and_rows(browser: &Browser, service: &Service) {
    browser.resize(1280, 800).await;
    browser.client.goto(&service.console).await.unwrap();
    let body = browser.find("body").await;
    body.send_keys("/").await.unwrap();
    browser.until("the field", "document.activeElement.name === 'client'").await;
    browser.client.goto(&service.console).await.unwrap();
    browser.find("body").await.send_keys("jjk").await.unwrap();
    browser.until("the row", "document.activeElement === document.querySelector('#rows a')").await;
    browser.client.goto(&service.console).await.unwrap();
    browser.find("body").await.send_keys("\u{e004}").await.unwrap();
    browser.until("the first key leads to the content", "document.activeElement.className === 'skip'").await;
}

async fn secrets_are_shown_when_asked_for(browser: &Browser, service: &Service) {
    browser.client.goto(&format!("{}console/integrations", service.console)).await.unwrap();
    let secret = &service.emulator.credentials().client_secret;
    assert!(!browser.client.source().await.unwrap().contains(secret));
    browser.find("form[action*=reveal] button").await.click().await.unwrap();
    browser.until("the secret", &format!("document.body.textContent.includes({secret:?})")).await;
}

async fn everything_works_without_the_script(browser: &Browser, service: &Service) {
    browser.scripts(false).await;
    browser.client.goto(&service.console).await.unwrap();
    browser.shows("Not live").await;
    browser.client.goto(&format!("{}console/limits", service.console)).await.unwrap();
    browser.find("[name=preset][value=severe]").await.click().await.unwrap();
    browser.find("form[action$=preset] button").await.click().await.unwrap();
    browser.shows("The limits are changed").await;
    assert_eq!(service.emulator.limits().settings(), LimitSettings::severe());
    browser.client.goto(&format!("{}console/state", service.console)).await.unwrap();
    browser.fill("form[action$=save] [name=name]", "without script").await;
    browser.find("form[action$=save] button").await.click().await.unwrap();
    browser.shows("The state is saved").await;
    browser.find("[name=sure]").await.click().await.unwrap();
    browser.find("form[action$=reset] button").await.click().await.unwrap();
    browser.shows("The state is as at the start").await;
    browser.scripts(true).await;
}
