//! The files of a sync: its configuration, its state, and the secrets of its directories.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use clap::Args;
use umapi::{auth::Secret, time::Clock};
use umapi_directory::{
    Directory, DirectorySettings, ExecDirectory, FileDirectory, LdapDirectory, MirroredDirectory,
    SecretSource as DirectorySecret,
};
use umapi_sync::{Config, config::DirectoryConfig};

use super::{GivenFile, StateFile};
use crate::{
    config::{ConfigFile, SecretPlace, SecretSource, quote},
    context::Context,
    failure::{Failure, Result},
    input::{Diagnostic, Diagnostics, SourceLocation},
    private_file,
};

/// The name of the configuration where none is given.
const DEFAULT_NAME: &str = "umapi-sync.toml";

/// A day, in seconds.
const DAY: u64 = 24 * 60 * 60;

/// The files of a sync.
#[derive(Args, Clone, Debug)]
pub(crate) struct SyncArgs {
    /// Configuration of the sync. [default: umapi-sync.toml here or beside the configuration of umapi]
    #[arg(long, env = "UMAPI_SYNC_CONFIG", hide_env_values = true, value_name = "FILE")]
    pub(crate) sync_config: Option<PathBuf>,

    /// What the sync remembers between runs. [default: beside its configuration, with the ending .state]
    #[arg(long, env = "UMAPI_SYNC_STATE", hide_env_values = true, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
}

/// A configuration that was read, and where its files are.
pub(crate) struct Setup {
    pub(crate) config: Config,
    pub(crate) path: PathBuf,
    pub(crate) state_path: PathBuf,
}

impl SyncArgs {
    /// The path of the configuration: the named one, the one here, or the one beside the configuration of `umapi`.
    pub(crate) fn config_path(&self, context: &Context) -> Result<PathBuf> {
        if let Some(path) = &self.sync_config {
            return Ok(path.clone());
        }
        let here = PathBuf::from(DEFAULT_NAME);
        if here.exists() {
            return Ok(here);
        }
        let file = ConfigFile::read(context.global.config.as_deref())?;
        let beside = file.folder().join(DEFAULT_NAME);
        Ok(if beside.exists() { beside } else { here })
    }

    /// Reads the configuration.
    pub(crate) fn read(&self, context: &Context) -> Result<Setup> {
        let path = self.config_path(context)?;
        let text = fs::read_to_string(&path).map_err(|error| {
            let failure = Failure::usage(format!("cannot read the configuration of the sync {}", path.display()));
            match error.kind() {
                io::ErrorKind::NotFound => failure
                    .why("there is no such file")
                    .remedy("write one with \"umapi sync init\", or name it with --sync-config FILE"),
                io::ErrorKind::InvalidData => failure.why("it is not UTF-8").remedy("save the file as UTF-8"),
                _ => failure.why(error),
            }
        })?;
        let config = Config::parse(text.strip_prefix('\u{feff}').unwrap_or(&text)).map_err(|mistakes| {
            let mut diagnostics = Diagnostics::of_file(path.display().to_string());
            for mistake in mistakes {
                let location = SourceLocation::character(mistake.line as u64, mistake.column as u64);
                let diagnostic = Diagnostic::new(location, mistake.rule);
                diagnostics.push(mistake.remedy.into_iter().fold(diagnostic, Diagnostic::remedy));
            }
            diagnostics.into_failure("the configuration of the sync is not valid")
        })?;
        let state_path = self.state.clone().unwrap_or_else(|| path.with_extension("state"));
        Ok(Setup { config, path, state_path })
    }
}

impl Setup {
    /// The folder of the configuration, where relative paths start.
    pub(crate) fn folder(&self) -> &Path {
        private_file::folder_of(&self.path)
    }

    /// Opens the state. A rehearsal remembers nothing: its organization is gone when it ends.
    pub(crate) fn state(&self, context: &Context) -> Result<StateFile> {
        match context.global.emulator {
            true => Ok(StateFile::unsaved()),
            false => StateFile::open(&self.state_path),
        }
    }

    /// Opens what earlier runs gave.
    pub(crate) fn given(&self, context: &Context) -> Result<GivenFile> {
        match context.global.emulator {
            true => Ok(GivenFile::unsaved()),
            false => GivenFile::open(&GivenFile::path_of(&self.state_path)),
        }
    }

    /// Opens a directory, or its mirror. Nothing is read yet. A rehearsal keeps no mirror.
    pub(crate) fn directory(
        &self,
        context: &Context,
        directory: &DirectoryConfig,
    ) -> Result<Option<Arc<dyn Directory>>> {
        let source = self.source(context, directory)?;
        let Some(mirror) = directory.mirror.filter(|_| !context.global.emulator) else { return Ok(source) };
        let max_age = (!context.global.refresh).then(|| Duration::from_secs(u64::from(mirror.whole_after) * DAY));
        let path = self.mirror_path(&directory.name);
        let mirrored = |source| -> Arc<dyn Directory> {
            Arc::new(MirroredDirectory::new(source, path, max_age, context.clock.clone()))
        };
        Ok(source.map(mirrored))
    }

    /// The file with the mirror of a directory, beside the state.
    fn mirror_path(&self, directory: &str) -> PathBuf {
        // A name may hold anything; the letters that stay tell people which it is, and the number tells it from others.
        let letters: String = directory.chars().filter(|letter| letter.is_ascii_alphanumeric()).take(40).collect();
        let place = self.config.directories.iter().position(|other| other.name == directory).unwrap_or_default();
        let mut path = self.state_path.clone().into_os_string();
        path.push(format!(".{}-{letters}.mirror", place + 1));
        path.into()
    }

    fn source(&self, context: &Context, directory: &DirectoryConfig) -> Result<Option<Arc<dyn Directory>>> {
        Ok(Some(match &directory.settings {
            DirectorySettings::File(settings) => Arc::new(FileDirectory::new(settings.clone(), self.folder())),
            DirectorySettings::Exec(settings) => Arc::new(ExecDirectory::new(settings.clone(), context.clock.clone())),
            DirectorySettings::Ldap(settings) => {
                let password = match &settings.password {
                    Some(source) => {
                        Some(self.secret(source, &format!("password of the directory {}", directory.name))?)
                    }
                    None => None,
                };
                Arc::new(LdapDirectory::new(settings.clone(), password, self.folder()))
            }
            DirectorySettings::Entra(settings) => self.entra(context, &directory.name, settings)?,
            DirectorySettings::Okta(settings) => self.okta(context, &directory.name, settings)?,
            DirectorySettings::Google(settings) => self.google(context, &directory.name, settings)?,
            // Read with a client of its own.
            _ => return Ok(None),
        }))
    }

    /// Reads a secret of one line. `what` says which one it is.
    pub(super) fn secret(&self, source: &DirectorySecret, what: &str) -> Result<Secret> {
        let (source, store_remedy) = self.place(source);
        source.read(what, &SecretPlace { folder: self.folder(), store_remedy: &store_remedy })
    }

    /// Reads a secret of several lines, such as a private key.
    pub(super) fn secret_text(&self, source: &DirectorySecret, what: &str) -> Result<Secret> {
        let (source, store_remedy) = self.place(source);
        source.read_text(what, &SecretPlace { folder: self.folder(), store_remedy: &store_remedy })
    }

    /// Where a secret is, and how it gets there.
    fn place(&self, source: &DirectorySecret) -> (SecretSource, String) {
        let source = match source {
            DirectorySecret::Keyring(entry) => SecretSource::Keyring(entry.clone()),
            DirectorySecret::File(path) => SecretSource::File(path.clone()),
            DirectorySecret::Env(name) => SecretSource::Env(name.clone()),
        };
        let store_remedy = match &source {
            SecretSource::Keyring(entry) => format!("store it with \"umapi sync secret {}\"", quote(entry)),
            SecretSource::File(path) => {
                let path = self.folder().join(path).display().to_string();
                format!("store it with \"umapi sync secret --to-file {}\"", quote(&path))
            }
            SecretSource::Env(_) => "store it in a file with \"umapi sync secret --to-file FILE\"".to_owned(),
        };
        (source, store_remedy)
    }
}

/// Today, in days since 1970.
pub(crate) fn today(clock: &Clock) -> i64 {
    let since = clock.wall().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs() / DAY).unwrap_or(i64::MAX)
}
