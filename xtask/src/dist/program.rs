//! The two programs: their build, what must not be in them, and a conversation that shows that both work.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::{Dist, Platform, Process, megabytes};

/// The profile in `Cargo.toml`.
const PROFILE: &str = "dist";
/// The number of users in the emulator's default organization.
const USERS: usize = 9;

/// A program and the crate that contains it.
pub(super) struct Program {
    pub(super) package: &'static str,
    pub(super) name: &'static str,
    /// The folder of the crate.
    pub(super) folder: PathBuf,
    /// The file that cargo makes.
    pub(super) file: PathBuf,
}

impl Program {
    pub(super) fn new(top: &Path, platform: &Platform, package: &'static str, name: &'static str) -> Self {
        let file = target_folder(top).join(&platform.target).join(PROFILE).join(format!("{name}{}", platform.suffix));
        Self { package, name, folder: top.join("crates").join(package), file }
    }
}

fn target_folder(top: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| top.join("target"), |folder| top.join(folder))
}

/// The arguments that select the same build, so that nothing is compiled twice.
pub(super) fn selection<'a>(dist: &'a Dist, program: &Program) -> Vec<std::ffi::OsString> {
    let target: &'a str = &dist.platform.target;
    let fixed = ["--locked", "--profile", PROFILE, "--target", target, "--manifest-path"];
    fixed.iter().map(Into::into).chain([program.folder.join("Cargo.toml").into()]).collect()
}

impl Dist {
    pub(super) fn programs(&self) -> [&Program; 2] {
        [&self.umapi, &self.emulator]
    }

    /// Cargo, or a program that calls cargo, with the settings of this build.
    pub(super) fn cargo(&self, program: impl AsRef<std::ffi::OsStr>) -> Result<Process> {
        let target = self.platform.target.to_uppercase().replace('-', "_");
        let renamed = [(registry()?, "/cargo"), (self.top.clone(), "/umapi")];
        let map = |flag: &str| renamed.each_ref().map(|(from, to)| format!("{flag}={}={to}", from.display()));
        let mut process = Process::new(program)
            .folder(&self.top)
            .variable(&format!("CARGO_TARGET_{target}_RUSTFLAGS"), map("--remap-path-prefix").join(" "))
            .variable("SOURCE_DATE_EPOCH", self.time_of_commit()?);
        if self.platform.is_linux() {
            let name = format!("CFLAGS_{}", self.platform.target.replace('-', "_"));
            process = process.variable(&name, map("-ffile-prefix-map").join(" "));
        }
        Ok(process)
    }

    /// The time of the last commit, in seconds. Packages of the same commit are the same.
    pub(super) fn time_of_commit(&self) -> Result<String> {
        let time = Process::new("git").arguments(["log", "-1", "--format=%ct"]).folder(&self.top).output()?;
        Ok(time.trim().to_owned())
    }
}

/// The folder in which cargo keeps the sources of all crates.
pub(super) fn registry() -> Result<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    Ok(home.context("there is no home folder")?.join("registry/src"))
}

/// Builds both programs, each with the features that it alone needs.
pub(super) fn build(dist: &Dist) -> Result<()> {
    let rustup = Process::new("rustup").arguments(["target", "add", &dist.platform.target]).run();
    for program in dist.programs() {
        let build = dist.cargo("cargo")?.arguments(["build", "--bins"]).arguments(selection(dist, program)).show();
        build.with_context(|| match &rustup {
            Ok(()) => format!("cannot build {}", program.name),
            Err(error) => format!("cannot build {}; the target could not be installed either: {error:#}", program.name),
        })?;
        check_contents(dist, program)?;
        println!("{}: {:.1} MB", program.name, megabytes(&program.file)?);
    }
    Ok(())
}

/// No path of this machine may be in a program, and on Linux it must be static.
fn check_contents(dist: &Dist, program: &Program) -> Result<()> {
    let bytes = fs::read(&program.file).with_context(|| format!("cannot read {}", program.file.display()))?;
    let mut folders = vec![registry()?, dist.top.clone(), target_folder(&dist.top)];
    folders.extend(std::env::home_dir().filter(|home| home.components().count() > 1));
    let found: Vec<String> =
        folders.iter().filter_map(|folder| text_with(&bytes, &folder.display().to_string())).collect();
    if !found.is_empty() {
        bail!("{} contains paths of this machine: {}", program.name, found.join(", "));
    }
    if dist.platform.is_linux() {
        // `ldd` fails for a program that is not dynamic.
        let libraries = std::process::Command::new("ldd").arg(&program.file).output()?;
        let text = String::from_utf8_lossy(&libraries.stdout) + String::from_utf8_lossy(&libraries.stderr);
        if !text.contains("statically linked") && !text.contains("not a dynamic executable") {
            bail!("{} is not static:\n{text}", program.name);
        }
    }
    Ok(())
}

/// The printable text around a part of a program.
fn text_with(bytes: &[u8], part: &str) -> Option<String> {
    let at = bytes.windows(part.len()).position(|window| window == part.as_bytes())?;
    let end = bytes.iter().skip(at).take(200).position(|byte| !(b' '..=b'~').contains(byte)).unwrap_or(200);
    Some(String::from_utf8_lossy(&bytes[at..(at + end).min(bytes.len())]).into_owned())
}

/// Lists the users of an emulator over TLS, as somebody who has just installed both would: `process` starts a program.
pub(super) fn converse(dist: &Dist, process: impl Fn(&str) -> Process) -> Result<()> {
    for program in dist.programs() {
        let printed = process(program.name).argument("--version").output()?;
        if printed.trim() != format!("{} {}", program.name, dist.version) {
            bail!("{} --version prints {printed}", program.name);
        }
    }
    let options = ["--exit-on-eof", "--no-http", "--page-size", "4"];
    let emulator = process(dist.emulator.name).arguments(options).variable("UMAPI_EMULATOR_LOG", "warn");
    let mut command = emulator.into_command();
    let mut emulator =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("cannot start the emulator")?;
    let mut line = String::new();
    BufReader::new(emulator.stdout.take().context("no output")?).read_line(&mut line)?;
    let listed = list_users(&line, &process);
    drop(emulator.stdin.take());
    let status = emulator.wait()?;
    let listed = listed?;
    if !status.success() {
        bail!("the emulator ended with {status}");
    }
    let users: Value = serde_json::from_str(&listed).context("umapi printed invalid JSON")?;
    let count = users.as_array().map_or(0, Vec::len);
    if count != USERS {
        bail!("umapi listed {count} users instead of {USERS}:\n{listed}");
    }
    println!("umapi {} listed {count} users of umapi-emulator over TLS", dist.version);
    Ok(())
}

fn list_users(line: &str, process: impl Fn(&str) -> Process) -> Result<String> {
    let ready: Value = serde_json::from_str(line).context("the emulator did not start")?;
    let text = |pointer: &str| ready.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    process("umapi")
        .variable("UMAPI_ORG_ID", text("/organization"))
        .variable("UMAPI_CLIENT_ID", text("/credentials/clientId"))
        .variable("UMAPI_CLIENT_SECRET", text("/credentials/clientSecret"))
        .variable("UMAPI_URL", text("/umHttpsUrl"))
        .variable("UMAPI_IMS_URL", text("/imsHttpsUrl"))
        .variable("UMAPI_ROOT_CERTIFICATES", text("/caPath"))
        .arguments(["users", "list", "--format", "json"])
        .output()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_found_with_the_rest_of_their_text() {
        let bytes = b"\0\x01/home/me/src/lib.rs\0/home/me";
        assert_eq!(text_with(bytes, "/home/me").as_deref(), Some("/home/me/src/lib.rs"));
        assert_eq!(text_with(bytes, "/root"), None);
        assert_eq!(text_with(b"x/home/me", "/home/me").as_deref(), Some("/home/me"));
    }
}
