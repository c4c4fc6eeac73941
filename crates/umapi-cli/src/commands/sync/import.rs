//! `umapi sync import`.

use std::path::{Path, PathBuf};

use clap::Args;
use umapi_sync::import::{Fate, ImportNote, SHIM, import};

use crate::{
    context::Context,
    failure::{Exit, Failure, Result},
    input::{Diagnostic, Diagnostics, SourceLocation, TextArgs, TextEncoding, decode, read_text, without_bom},
    output::{Column, Record, column, counted},
    private_file,
    sync::SyncArgs,
};

/// Make a configuration of the files of user-sync, Adobe's former tool.
///
/// Every setting is taken over, or listed with the reason why not. Secrets stay where they are.
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  umapi sync import user-sync-config.yml
  umapi sync check
  umapi sync compare logs/2026-01-31.log")]
pub(crate) struct ImportArgs {
    /// The main file of user-sync. The files that it names are read, too.
    #[arg(value_name = "FILE", default_value = "user-sync-config.yml")]
    file: PathBuf,

    #[command(flatten)]
    text: TextArgs,

    #[command(flatten)]
    files: SyncArgs,
}

impl ImportArgs {
    pub(crate) fn run(self, context: &Context) -> Result<Exit> {
        let path = self.files.sync_config.clone().unwrap_or_else(|| PathBuf::from("umapi-sync.toml"));
        let folder = private_file::folder_of(&path);
        let shim_path = std::path::absolute(folder.join(SHIM)).unwrap_or_else(|_| folder.join(SHIM));
        for file in [&path, &shim_path] {
            if file.exists() {
                return Err(Failure::usage(format!("{} exists already", file.display()))
                    .remedy("write another one with --sync-config FILE"));
            }
        }
        let encoding = self.text.encoding();
        let text = read(&self.file, encoding)?;
        // user-sync, too, looks for the files beside the one that names them.
        let source = private_file::folder_of(&self.file);
        let mut load = |name: &str| {
            let bytes = std::fs::read(source.join(name)).map_err(|error| error.to_string())?;
            let bytes = encoding.to_utf8(bytes).map_err(|diagnostic| diagnostic.to_string())?;
            decode(without_bom(&bytes), 1).map(str::to_owned).map_err(|diagnostic| diagnostic.to_string())
        };
        let name = self.file.display().to_string();
        let imported = import(&name, &text, &shim_path.to_string_lossy(), &mut load).map_err(|mistakes| {
            let mut diagnostics = Diagnostics::of_file(name.clone());
            for mistake in mistakes {
                let rule =
                    if mistake.file == name { mistake.rule } else { format!("{}: {}", mistake.file, mistake.rule) };
                diagnostics.push(Diagnostic::new(SourceLocation::line(mistake.line as u64), rule));
            }
            diagnostics.into_failure("the files of user-sync cannot be imported")
        })?;
        let mistakes = imported.parse().err().unwrap_or_default();
        let write = |path: &Path, text: &str| {
            private_file::create(path, text.as_bytes()).map_err(|error| {
                Failure::failed(format!("cannot write {}", path.display()))
                    .why(error)
                    .remedy("name a file in a folder that you can write to with --sync-config FILE")
            })
        };
        write(&path, &imported.config)?;
        context.note(&format!("wrote {}", path.display()));
        if let Some(shim) = &imported.shim {
            write(&shim_path, shim)?;
            context.note(&format!("wrote {}: it runs the hook of user-sync", shim_path.display()));
        }
        let mut listing = context.listing();
        for note in &imported.notes {
            listing.push(note)?;
        }
        listing.finish()?;
        for mistake in &mistakes {
            context.warn(&format!("correct {}: {mistake}", path.display()));
        }
        for login in &imported.logins {
            let file = if source == Path::new(".") { PathBuf::from(&login.file) } else { source.join(&login.file) };
            context.note(&format!(
                "next: umapi config import {} --name {}",
                quoted(&file.display().to_string()),
                login.profile
            ));
        }
        context
            .note("next: \"umapi sync check\"; then \"umapi sync compare LOG\" with the log of user_sync --test-mode");
        let missing = imported.notes.iter().filter(|note| note.fate == Fate::Missing).count() as u64;
        if missing > 0 {
            context.warn(&format!("{} have no counterpart, and change the result", counted(missing, "setting")));
        }
        Ok(if missing > 0 || !mistakes.is_empty() { Exit::Failed } else { Exit::Success })
    }
}

/// Reads a file of text.
pub(super) fn read(path: &Path, encoding: TextEncoding) -> Result<String> {
    let bytes = read_text(path, encoding)?;
    decode(without_bom(&bytes), 1)
        .map(str::to_owned)
        .map_err(|diagnostic| diagnostic.into_failure(path.display().to_string(), "the text cannot be read"))
}

/// A path as a shell reads it.
fn quoted(path: &str) -> String {
    let is_plain = path.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '/' | '\\' | ':'));
    if is_plain { path.to_owned() } else { format!("\"{path}\"") }
}

impl Record for ImportNote {
    fn columns() -> Vec<Column<Self>> {
        vec![
            column("file", |note: &Self| (&note.file).into()),
            column("line", |note| (note.line as u64).into()),
            column("key", |note| (&note.key).into()),
            column("fate", |note| note.fate.to_string().into()),
            column("reason", |note| (&note.reason).into()),
        ]
    }
}
