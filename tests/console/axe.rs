//! The accessibility checks of axe-core, which npm installs into `target/` on first use.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::browser::Browser;

/// The source of axe. `None`, with a line that says why, if it cannot be installed.
pub(crate) fn source() -> Option<String> {
    let tools = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/console"));
    let file = tools.join("node_modules/axe-core/axe.min.js");
    if !file.is_file() {
        std::fs::create_dir_all(&tools).unwrap();
        let install = Command::new("npm")
            .args(["install", "--silent", "--no-audit", "--no-fund", "--no-save", "--fetch-timeout=60000"])
            .arg("--prefix")
            .args([tools.as_os_str(), "axe-core@4".as_ref()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if !install.is_ok_and(|status| status.success()) {
            eprintln!("skipped: npm cannot install axe-core; the pages are tested without it");
            return None;
        }
    }
    Some(std::fs::read_to_string(file).unwrap())
}

/// The violations on the present page, one line for each.
pub(crate) async fn violations(browser: &Browser, source: &str) -> Vec<String> {
    let run = format!(
        "{source};
        const done = arguments[arguments.length - 1];
        axe.run(document).then(
            (result) => done(result.violations.map(
                (rule) => rule.id + ': ' + rule.help + ': '
                    + rule.nodes.map((node) => node.html + ' ' + node.failureSummary).join(' | '))),
            (error) => done(['axe failed: ' + error]));"
    );
    let found = browser.client.execute_async(&run, Vec::new()).await.unwrap();
    let lines = found.as_array().expect("a list of violations");
    lines.iter().map(|line| line.as_str().map_or_else(|| line.to_string(), str::to_owned)).collect::<Vec<_>>()
}

/// A value as text, for messages.
pub(crate) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
