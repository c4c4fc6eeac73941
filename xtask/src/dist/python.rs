//! Wheels for PyPI, built by maturin: the command `umapi`, and the emulator with its pytest fixture.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use super::{Dist, Process, copy, empty, files, license, name, only_file, program, program::Program, sbom};

/// Build and change wheels, and check lists of components against their schema.
const TOOLS: [&str; 3] = ["maturin==1.16.*", "wheel==0.*", "cyclonedx-python-lib[json-validation]==11.*"];
/// What the example and the tests of the fixture need.
const TEST_TOOLS: [&str; 5] =
    ["pytest==9.*", "requests==2.*", "umapi-client==3.0.1", "mypy==2.*", "types-requests==2.*"];

/// A virtual environment.
pub(super) struct Environment {
    folder: PathBuf,
}

impl Environment {
    /// An environment that is kept for the next run.
    pub(super) fn of_tools(dist: &Dist) -> Result<Self> {
        let environment = Self { folder: dist.work.join("tools/python") };
        if !environment.program("python").exists() {
            environment.create()?;
        }
        environment.install(TOOLS)?;
        Ok(environment)
    }

    /// An environment without any package.
    pub(super) fn new(folder: PathBuf) -> Result<Self> {
        empty(&folder)?;
        let environment = Self { folder };
        environment.create()?;
        Ok(environment)
    }

    fn create(&self) -> Result<()> {
        Process::new("python3").arguments(["-m", "venv"]).argument(&self.folder).run()
    }

    fn install<A: AsRef<std::ffi::OsStr>>(&self, packages: impl IntoIterator<Item = A>) -> Result<()> {
        self.process("pip").arguments(["install", "--quiet", "--disable-pip-version-check"]).arguments(packages).run()
    }

    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.folder.join(if cfg!(windows) { "Scripts" } else { "bin" }).join(name)
    }

    pub(super) fn process(&self, name: &str) -> Process {
        Process::new(self.program(name))
    }
}

/// Builds both wheels.
pub(super) fn build(dist: &Dist) -> Result<()> {
    let tools = Environment::of_tools(dist)?;
    for of in dist.programs() {
        let work = dist.work.join("maturin").join(of.name);
        empty(&work)?;
        let process = dist.cargo(tools.program("maturin"))?.arguments(["build", "--quiet", "--auditwheel", "check"]);
        let process = process.argument("--out").argument(&work).argument("--compatibility");
        process.arguments(dist.platform.wheel_tags()).arguments(program::selection(dist, of)).show()?;
        let unpacked = work.join("unpacked");
        let wheel = only_file(&work, "umapi", ".whl")?;
        tools.process("wheel").argument("unpack").argument(&wheel).argument("--dest").argument(&unpacked).run()?;
        let content = only_file(&unpacked, "umapi", "")?;
        complete(dist, &tools, of, &only_file(&content, "umapi", ".dist-info")?)?;
        let pack = tools.process("wheel").variable("SOURCE_DATE_EPOCH", dist.time_of_commit()?).argument("pack");
        pack.argument(&content).argument("--dest-dir").argument(&dist.packages).run()?;
    }
    Ok(())
}

/// Adds to the metadata of a wheel what maturin does not know: the licenses of all crates in the program, and a list of components
/// that is about this program alone.
fn complete(dist: &Dist, tools: &Environment, of: &Program, metadata: &Path) -> Result<()> {
    let [list] =
        files(&metadata.join("sboms"))?.try_into().map_err(|_| anyhow::anyhow!("not one list of components"))?;
    let text = fs::read_to_string(&list)?;
    fs::write(&list, sbom::finish(dist, tools, &text, of)?)?;
    copy(&[license::file(dist)], &metadata.join("licenses"))?;
    let file = metadata.join("METADATA");
    let text = fs::read_to_string(&file)?;
    let (before, after) = text.split_once("License-File:").context("the metadata names no license")?;
    let added = name(&license::file(dist));
    Ok(fs::write(&file, format!("{before}License-File: {added}\nLicense-File:{after}"))?)
}

/// Installs each wheel alone. Then runs the example, the tests and the types of the fixture as a user would.
pub(super) fn try_it(dist: &Dist) -> Result<()> {
    let work = dist.work.join("wheels");
    let both = Environment::new(work.join("both"))?;
    let wheels = [only_file(&dist.packages, "umapi-", ".whl")?, only_file(&dist.packages, "umapi_emulator-", ".whl")?];
    both.install(&wheels)?;
    both.process("pip").arguments(["check", "--disable-pip-version-check"]).run()?;
    program::converse(dist, |name| both.process(name).variable("HOME", &work))?;
    check_metadata(&both, &dist.version)?;

    let fixture = Environment::new(work.join("fixture"))?;
    let [_, emulator] = &wheels;
    fixture.install([emulator])?;
    fixture.install(TEST_TOOLS)?;
    let tests = work.join("tests");
    empty(&tests)?;
    super::copy(&super::files(&dist.emulator.folder.join("python/tests"))?, &tests)?;
    let summary =
        fixture.process("pytest").arguments(["-q", "-p", "pytester"]).argument(&tests).folder(&tests).output()?;
    println!("pytest with the fixture: {}", last_line(&summary));
    let types = fixture.process("mypy").arguments(["--strict", "test_example.py"]).folder(&tests).output()?;
    println!("mypy: {}", last_line(&types));
    Ok(())
}

/// The metadata that PyPI shows, and the license texts.
fn check_metadata(environment: &Environment, version: &str) -> Result<()> {
    let script = "
import importlib.metadata as metadata
for name in ['umapi', 'umapi-emulator']:
    found = metadata.distribution(name)
    licenses = sorted(file.name for file in found.files if 'licenses' in file.parts)
    readme = found.metadata.get_payload() or found.metadata['Description']
    print(name, found.version, found.metadata['License-Expression'], *licenses, f'install {name}' in readme)
";
    let printed = environment.process("python").arguments(["-c", script]).output()?;
    let expected: String = ["umapi", "umapi-emulator"]
        .map(|name| {
            format!("{name} {version} MIT OR Apache-2.0 LICENSE-APACHE LICENSE-MIT LICENSES-OF-DEPENDENCIES.txt True\n")
        })
        .concat();
    if printed != expected {
        bail!("the metadata of the wheels is\n{printed}instead of\n{expected}");
    }
    Ok(())
}

fn last_line(text: &str) -> &str {
    text.trim_end().lines().next_back().unwrap_or_default()
}
