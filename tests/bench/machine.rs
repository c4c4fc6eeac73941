//! The machine of a run, and the resources that a process has used, as reported by the kernel.

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

/// CPU seconds, resident memory and its peak.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// User and kernel mode, all threads.
    pub(crate) cpu_seconds: f64,
    /// Mebibytes.
    pub(crate) peak_mib: f64,
    /// Mebibytes at this moment.
    pub(crate) resident_mib: f64,
}

/// On every Linux, the kernel reports CPU time in `/proc` in hundredths of a second.
const TICKS_PER_SECOND: f64 = 100.0;

impl Usage {
    /// The usage of this process since its start.
    pub(crate) fn now() -> Self {
        Self::read("self")
    }

    /// The usage of another process.
    pub(crate) fn of(pid: u32) -> Self {
        Self::read(&pid.to_string())
    }

    fn read(pid: &str) -> Self {
        Self {
            cpu_seconds: cpu_seconds(pid).unwrap_or(f64::NAN),
            peak_mib: memory_mib(pid, "VmHWM:").unwrap_or(f64::NAN),
            resident_mib: memory_mib(pid, "VmRSS:").unwrap_or(f64::NAN),
        }
    }
}

fn cpu_seconds(pid: &str) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name of the program is in parentheses and may contain spaces. The numbers follow it.
    let numbers = stat.rsplit_once(')')?.1;
    let mut fields = numbers.split_ascii_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}

fn memory_mib(pid: &str, field: &str) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with(field))?;
    let kib: f64 = line.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024.0)
}
