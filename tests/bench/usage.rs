//! The resources that a process has used so far, as reported by the kernel.

use std::fs;

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
