//! The platform that packages are built for, and what building them needs.

use std::env::consts::{ARCH, EXE_SUFFIX, OS};

use anyhow::{Result, bail};

use crate::checks::is_installed;

/// The platform of this machine.
pub(super) struct Platform {
    /// The target of the compiler.
    pub(super) target: String,
    /// The name in npm: `process.platform` and `process.arch` of Node.
    pub(super) node: (&'static str, &'static str),
    /// What an executable file ends with.
    pub(super) suffix: &'static str,
}

impl Platform {
    /// On Linux, programs are linked statically with musl, so that they run on every distribution.
    pub(super) fn of_this_machine() -> Result<Self> {
        let cpu = match ARCH {
            "x86_64" => "x64",
            "aarch64" => "arm64",
            other => bail!("there are no packages for processors of the kind {other}"),
        };
        let (target, system) = match OS {
            "linux" => (format!("{ARCH}-unknown-linux-musl"), "linux"),
            "macos" => (format!("{ARCH}-apple-darwin"), "darwin"),
            "windows" => (format!("{ARCH}-pc-windows-msvc"), "win32"),
            other => bail!("there are no packages for {other}"),
        };
        Ok(Self { target, node: (system, cpu), suffix: EXE_SUFFIX })
    }

    pub(super) fn is_linux(&self) -> bool {
        self.node.0 == "linux"
    }

    pub(super) fn has_debian_packages(&self) -> bool {
        self.is_linux()
    }

    /// The tags of wheels. A static program depends on no C library, so that both kinds of Linux run it.
    pub(super) fn wheel_tags(&self) -> &'static [&'static str] {
        if self.is_linux() { &["manylinux2014", "musllinux_1_1"] } else { &["pypi"] }
    }

    /// The name of the package with the program in npm.
    pub(super) fn npm_package(&self) -> String {
        format!("umapi-emulator-{}-{}", self.node.0, self.node.1)
    }

    /// Reports all missing tools at once.
    pub(super) fn check_requirements(&self) -> Result<()> {
        let mut tools = vec![("python3", "python3"), ("node", "nodejs"), ("npm", "npm"), ("sha256sum", "coreutils")];
        if self.is_linux() {
            tools.extend([("musl-gcc", "musl-tools"), ("dpkg", "dpkg"), ("man", "man-db"), ("chroot", "coreutils")]);
        }
        let missing: Vec<String> = tools
            .into_iter()
            .filter(|(tool, _)| !is_installed(tool))
            .map(|(tool, package)| format!("{tool} (of Debian's package {package})"))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        bail!("building packages needs tools that are not installed: {}", missing.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_platform_agree() {
        let platform = Platform::of_this_machine().unwrap();
        assert_eq!(platform.is_linux(), platform.target.ends_with("linux-musl"));
        assert_eq!(platform.npm_package().matches('-').count(), 3);
    }
}
