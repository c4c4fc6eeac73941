//! The machine of a run.

use std::fs;

/// Processors, memory, system and build in one line.
pub(crate) fn describe() -> String {
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    let model = field("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let kib = field("/proc/meminfo", "MemTotal");
    let kib: u64 = kib.and_then(|text| text.split_ascii_whitespace().next()?.parse().ok()).unwrap_or_default();
    let system = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let build = if cfg!(debug_assertions) { "debug" } else { "release" };
    format!(
        "{processors} processors ({model}), {} GiB of memory, {} {}, {build} build",
        kib >> 20,
        std::env::consts::OS,
        system.trim()
    )
}

/// The first value of a key in a file with lines of the form `key: value`.
fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let (_, value) = text.lines().filter_map(|line| line.split_once(':')).find(|(found, _)| found.trim() == name)?;
    Some(value.trim().to_owned())
}
