//! Every page at two widths, in dark and light: nothing overflows, nothing shifts, nothing is reported, and axe finds nothing.

use std::path::{Path, PathBuf};

use crate::{
    axe,
    browser::Browser,
    journey::{Service, link_to},
};

/// Every page, with the name of its screenshot.
async fn pages(browser: &Browser, console: &str) -> Vec<(String, String)> {
    let mut pages: Vec<(String, String)> = [
        ("requests", ""),
        ("limits", "console/limits"),
        ("faults", "console/faults"),
        ("time", "console/time"),
        ("state", "console/state"),
        ("users", "console/users"),
        ("groups", "console/groups"),
        ("user-groups", "console/groups?kind=groups"),
        ("administrators", "console/groups?kind=administrators"),
        ("directories", "console/directories"),
        ("integrations", "console/integrations"),
        ("no-page", "console/none"),
        ("no-request", "console/requests/99999"),
        ("mistake", "?status=wrong"),
    ]
    .map(|(name, path)| (name.to_owned(), format!("{console}{path}")))
    .into();
    for (name, list, css) in [
        ("request", "", "tbody tr:first-child a"),
        ("request-refused", "?status=429", "tbody tr:first-child a"),
        ("request-action", "?operation=executeActions", "tbody tr:first-child a"),
        ("user", "console/users?search=evil", "tbody a"),
        ("profile", "console/groups", "tbody a"),
        ("group", "console/groups?kind=groups", "tbody a"),
    ] {
        pages.push((name.to_owned(), link_to(browser, &format!("{console}{list}"), css).await));
    }
    pages
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_is_sound_at_both_widths() {
    let Some(browser) = Browser::start().await else { return };
    let axe = axe::source();
    let service = Service::start().await;
    service.live_a_day().await;
    let folder = std::env::var_os("UMAPI_SCREENSHOTS").map(PathBuf::from);
    let mut problems = Vec::new();
    if let Some(axe) = &axe {
        // The check itself can fail.
        browser.client.goto(&service.console).await.unwrap();
        assert_eq!(axe::violations(&browser, axe).await, [""; 0]);
        browser.value("document.documentElement.removeAttribute('lang')").await;
        let found = axe::violations(&browser, axe).await;
        assert!(found.len() == 1 && found[0].starts_with("html-has-lang"), "{found:?}");
    }
    for (width, height) in [(1280, 800), (400, 800)] {
        browser.resize(width, height).await;
        for (name, url) in pages(&browser, &service.console).await {
            for scheme in ["light", "dark"] {
                browser.color_scheme(scheme).await;
                browser.client.goto(&url).await.unwrap();
                let place = format!("{name} at {width} in {scheme}");
                if let Some(folder) = &folder {
                    browser.screenshot(&folder.join(format!("{name}-{width}-{scheme}.png"))).await;
                }
                if browser.value("document.documentElement.scrollWidth > innerWidth").await != false {
                    let wide = browser.value(WIDEST).await;
                    problems.push(format!("{place}: wider than the window: {}", axe::plain(&wide)));
                }
                let shift = browser.client.execute_async(SHIFT, Vec::new()).await.unwrap();
                if shift.as_f64().is_none_or(|shift| shift > 0.1) {
                    problems.push(format!("{place}: the layout shifts by {shift}"));
                }
                if browser.value("window.evil").await != serde_json::Value::Null {
                    problems.push(format!("{place}: a name was executed"));
                }
                if let Some(axe) = &axe {
                    problems.extend(axe::violations(&browser, axe).await.into_iter().map(|v| format!("{place}: {v}")));
                }
                // A status of 4xx is a line of its own; these pages are meant to have one.
                let messages = browser.messages().await.into_iter();
                let messages = messages.filter(|line| !line.contains("the server responded with a status of 4"));
                problems.extend(messages.map(|line| format!("{place}: {line}")));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    write_docs(&browser).await;
}

/// The elements that are wider than the window.
const WIDEST: &str = "[...document.querySelectorAll('main *, header *')].filter(
    (element) => element.getBoundingClientRect().right > innerWidth && !element.closest('.scroll, pre')
).map((element) => element.outerHTML.slice(0, 120)).slice(0, 3).join(' | ')";

/// The sum of all layout shifts since the page was loaded. Up to 0.1 counts as good: a table can be shown while it arrives.
const SHIFT: &str = "const done = arguments[arguments.length - 1];
    let sum = 0;
    new PerformanceObserver((list) => { for (const entry of list.getEntries()) sum += entry.value; })
        .observe({ type: 'layout-shift', buffered: true });
    setTimeout(() => done(sum), 50);";

/// Writes the screenshots of the README.
async fn write_docs(browser: &Browser) {
    if std::env::var_os("UMAPI_WRITE_DOCS").is_none() {
        return;
    }
    let service = Service::start().await;
    service.live_a_quiet_day().await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("console/screenshots");
    browser.color_scheme("light").await;
    browser.resize(1100, 620).await;
    let action =
        link_to(browser, &format!("{}?operation=executeActions", service.console), "tbody tr:first-child a").await;
    for (name, url) in [("requests", service.console.clone()), ("request", action)] {
        browser.client.goto(&url).await.unwrap();
        browser.screenshot(&folder.join(format!("{name}.png"))).await;
    }
}
