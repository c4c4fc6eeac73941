//! Where the configuration is.

use std::path::{Path, PathBuf};

use etcetera::{AppStrategy, AppStrategyArgs, choose_app_strategy};

use crate::failure::{Failure, Result};

/// The file that was named, or that of the platform: `~/.config/umapi/config.toml`, or on Windows the same below `%APPDATA%`.
pub(crate) fn config_file(named: Option<&Path>) -> Result<PathBuf> {
    if let Some(path) = named {
        return Ok(path.to_owned());
    }
    let arguments =
        AppStrategyArgs { top_level_domain: String::new(), author: String::new(), app_name: "umapi".into() };
    let folder = choose_app_strategy(arguments).map_err(|error| {
        Failure::usage("cannot tell where the configuration is")
            .why(error)
            .remedy("name the file by --config or UMAPI_CONFIG")
    })?;
    Ok(folder.config_dir().join("config.toml"))
}
