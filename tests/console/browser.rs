//! A headless Chromium, driven by its own WebDriver.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use fantoccini::{
    Client, ClientBuilder, Locator,
    elements::Element,
    wd::{Capabilities, WebDriverCompatibleCommand},
};
use http::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use umapi_time::Clock;
use url::{ParseError, Url};

/// The names of the two programs, as distributions install them.
const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
const DRIVERS: [&str; 2] = ["chromedriver", "chromium-driver"];

/// How long a page may take to show what is expected; real time.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A browser with one window. Both programs end with it.
pub(crate) struct Browser {
    pub(crate) client: Client,
    driver: Child,
    port: u16,
    _profile: tempfile::TempDir,
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver ends its browser only if it is told to.
        if let Ok(mut driver) = TcpStream::connect(("127.0.0.1", self.port)) {
            let _ = driver.set_read_timeout(Some(PATIENCE));
            let _ = driver.write_all(b"GET /shutdown HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
            let _ = driver.read(&mut [0; 64]);
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// A command that only this driver has.
#[derive(Debug)]
struct Extension {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Extension {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}

fn find_program(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|file| file.is_file())
}

impl Browser {
    /// Starts the browser. `None`, with a line that says why, if it is not installed.
    pub(crate) async fn start() -> Option<Self> {
        let (Some(chromium), Some(driver)) = (find_program(&BROWSERS), find_program(&DRIVERS)) else {
            eprintln!(
                "skipped: chromium and chromedriver are not installed (apt-get install chromium chromium-driver)"
            );
            return None;
        };
        let mut driver =
            Command::new(driver).arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let port = port_of(&mut driver);
        let profile = tempfile::tempdir().unwrap();
        let capabilities = json!({
            "goog:loggingPrefs": { "browser": "ALL" },
            "goog:chromeOptions": {
                "binary": chromium,
                "args": [
                    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                    "--disable-background-networking", "--hide-scrollbars", "--force-device-scale-factor=1",
                    format!("--user-data-dir={}", profile.path().display()),
                ],
            },
        });
        let Value::Object(capabilities) = capabilities else { unreachable!() };
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(Capabilities::from_iter(capabilities))
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .expect("the browser starts");
        Some(Self { client, driver, port, _profile: profile })
    }

    async fn extension(&self, path: &'static str, body: Value) -> Value {
        self.client.issue_cmd(Extension { path, body }).await.unwrap()
    }

    /// Sends a command of Chromium's own protocol.
    async fn devtools(&self, command: &str, parameters: Value) {
        self.extension("goog/cdp/execute", json!({"cmd": command, "params": parameters})).await;
    }

    pub(crate) async fn resize(&self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
    }

    pub(crate) async fn color_scheme(&self, scheme: &str) {
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.devtools("Emulation.setEmulatedMedia", features).await;
    }

    pub(crate) async fn scripts(&self, enabled: bool) {
        self.devtools("Emulation.setScriptExecutionDisabled", json!({"value": !enabled})).await;
    }

    /// The lines of the console since the last call, such as violations of the content security policy.
    pub(crate) async fn messages(&self) -> Vec<String> {
        let log = self.extension("se/log", json!({"type": "browser"})).await;
        log.as_array()
            .into_iter()
            .flatten()
            .map(|line| line["message"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    pub(crate) async fn screenshot(&self, file: &Path) {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, self.client.screenshot().await.unwrap()).unwrap();
    }

    /// The result of an expression.
    pub(crate) async fn value(&self, expression: &str) -> Value {
        self.client.execute(&format!("return {expression};"), Vec::new()).await.unwrap()
    }

    /// Waits until an expression is true.
    pub(crate) async fn until(&self, what: &str, expression: &str) {
        let wait = async {
            while self.value(expression).await != Value::Bool(true) {
                Clock::real().sleep(Duration::from_millis(50)).await;
            }
        };
        if Clock::real().timeout(PATIENCE, wait).await.is_err() {
            let page = self.client.source().await.unwrap();
            panic!("not seen: {what} ({expression}) on {page}");
        }
    }

    pub(crate) async fn find(&self, css: &str) -> Element {
        self.client.find(Locator::Css(css)).await.unwrap_or_else(|error| panic!("{css}: {error}"))
    }

    /// Waits until the page shows a text: a click returns before the next page is there.
    pub(crate) async fn shows(&self, text: &str) {
        self.until(text, &format!("document.body?.innerText.includes({text:?}) === true")).await;
    }

    /// The text that a reader sees.
    pub(crate) async fn text(&self) -> String {
        // In one step: a live page may be replaced between finding its body and reading it.
        self.value("document.body.innerText").await.as_str().unwrap_or_default().to_owned()
    }

    /// Clicks on a button with this label.
    pub(crate) async fn press(&self, label: &str) {
        let path = format!("//button[normalize-space()='{label}']");
        let button = self.client.find(Locator::XPath(&path)).await.unwrap_or_else(|error| panic!("{label}: {error}"));
        button.click().await.unwrap();
    }

    /// Replaces the value of a field.
    pub(crate) async fn fill(&self, css: &str, value: &str) {
        let field = self.find(css).await;
        field.clear().await.unwrap();
        field.send_keys(value).await.unwrap();
    }
}

/// The port that the driver chose, which it prints when it is ready.
fn port_of(driver: &mut Child) -> u16 {
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    let port = lines.by_ref().map_while(Result::ok).find_map(|line| {
        let (_, port) = line.split_once("successfully on port ")?;
        port.trim_end_matches('.').parse().ok()
    });
    // It blocks when nobody reads what it prints.
    std::thread::spawn(move || lines.for_each(drop));
    port.expect("chromedriver starts and prints its port")
}
