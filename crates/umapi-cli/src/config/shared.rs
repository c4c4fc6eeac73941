//! The section `[shared]` of the configuration: where processes with one API key share its limits and its token.

use std::{
    num::NonZeroU32,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use umapi::auth::Secret;

use super::{ConfigFile, SecretPlace, SecretSource, access::permission_warnings, value};
use crate::failure::{Failure, Result};

/// The section as it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SharedSection {
    /// The address of Redis or Valkey.
    redis: String,
    user: Option<String>,
    password: Option<SecretSource>,
    /// A PEM file with additional certificates to trust.
    root_certificates: Option<PathBuf>,
    /// Whether an address without TLS may be on another machine.
    #[serde(default)]
    allow_plaintext: bool,
    #[serde(default)]
    on_failure: OnFailure,
    /// The most processes that share the API key.
    processes: Option<NonZeroU32>,
}

/// What happens when Redis fails.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum OnFailure {
    #[default]
    Fail,
    OwnShare,
}

/// Where the limits and the token are shared, with its secret.
#[derive(Clone, Debug)]
#[cfg_attr(not(feature = "redis"), allow(dead_code, reason = "nothing uses it then"))]
pub(crate) struct Shared {
    pub(crate) redis: String,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<Secret>,
    pub(crate) root_certificates: Option<Vec<u8>>,
    pub(crate) allow_plaintext: bool,
    /// The most processes, if each goes on alone with its share when Redis fails.
    pub(crate) own_share_of: Option<NonZeroU32>,
}

impl SharedSection {
    /// The address, without a password that was written into it by mistake.
    pub(crate) fn address(&self) -> String {
        value::without_login(&self.redis)
    }

    /// The password's file, if it has one.
    fn private_file(&self, folder: &Path) -> Option<PathBuf> {
        match &self.password {
            Some(SecretSource::File(path)) => Some(folder.join(path)),
            _ => None,
        }
    }

    /// Everything that is wrong with the section. Secrets are not read.
    fn mistakes(&self, folder: &Path) -> Vec<String> {
        let mut mistakes = Vec::new();
        let rest = self.redis.split_once("://").map_or(self.redis.as_str(), |(_, rest)| rest);
        let user = rest.rsplit_once('@').map_or("", |(user, _)| user);
        if user.contains(':') {
            mistakes.push(
                "`redis`: the address contains a password, which does not belong into the configuration; remove it there, and \
                 name its place as `password = { env = … }`, `{ file = … }` or `{ keyring = … }`"
                    .to_owned(),
            );
        }
        if (self.user.is_some() || !user.is_empty()) && self.password.is_none() && !user.contains(':') {
            mistakes.push(
                "`password` is missing; name its place, e.g. `password = { env = \"REDIS_PASSWORD\" }`".to_owned(),
            );
        }
        if let Some(path) = &self.root_certificates
            && let Err(why) = value::read_root_certificates(&folder.join(path))
        {
            mistakes.push(format!("`root_certificates`: {why}"));
        }
        match (self.on_failure, self.processes) {
            (OnFailure::OwnShare, None) => mistakes.push(
                "`processes` is missing: `on_failure = \"own-share\"` needs the number of processes that share the API key"
                    .to_owned(),
            ),
            (OnFailure::Fail, Some(_)) => {
                mistakes.push("`processes` has no effect without `on_failure = \"own-share\"`; remove it, or add that".to_owned());
            }
            _ => {}
        }
        mistakes
    }
}

impl Shared {
    /// Reads the section of a configuration, and its secret. Returns warnings about files that other users can read, too.
    pub(crate) fn of(file: &ConfigFile, is_strict: bool) -> Result<Option<(Self, Vec<String>)>> {
        let Some(section) = file.shared() else { return Ok(None) };
        if cfg!(not(feature = "redis")) {
            return Err(Failure::usage("cannot use the section [shared] of the configuration")
                .why("this umapi was built without the feature `redis`")
                .remedy("install an umapi with that feature, or remove the section"));
        }
        let folder = file.folder();
        let mistakes = section.mistakes(folder);
        if !mistakes.is_empty() {
            let failure = Failure::usage("cannot use the section [shared] of the configuration");
            let failure = mistakes.into_iter().fold(failure, Failure::why);
            return Err(failure.remedy(format!("correct {}; see \"umapi help shared-limits\"", file.path().display())));
        }
        let place = SecretPlace { folder, store_remedy: "store the password again; see \"umapi help shared-limits\"" };
        let password = section.password.as_ref().map(|source| source.read("password of Redis", &place)).transpose()?;
        let roots = section.root_certificates.as_ref().map(|path| value::read_root_certificates(&folder.join(path)));
        let roots =
            roots.transpose().map_err(|error| Failure::usage("cannot read the root certificates").why(error))?;
        let warnings = permission_warnings(section.private_file(folder).as_slice(), is_strict)?;
        let shared = Self {
            redis: section.redis.clone(),
            user: section.user.clone(),
            password,
            root_certificates: roots,
            allow_plaintext: section.allow_plaintext,
            own_share_of: section.processes.filter(|_| section.on_failure == OnFailure::OwnShare),
        };
        Ok(Some((shared, warnings)))
    }
}

#[cfg(test)]
#[cfg(feature = "redis")]
mod tests {
    use super::*;

    fn read(section: &str) -> Result<Shared> {
        let file = ConfigFile::parse("config.toml".into(), &format!("[shared]\n{section}"))?;
        Ok(Shared::of(&file, false)?.unwrap().0)
    }

    #[test]
    fn every_mistake_of_the_section_is_named_without_the_password() {
        for (section, named) in [
            ("", "`redis`"),
            ("redis = \"rediss://ops:planted@h\"\n", "contains a password"),
            ("redis = \"rediss://:plan/ted@h\"\n", "contains a password"),
            ("redis = \"rediss://ops@h\"\n", "`password` is missing"),
            ("redis = \"rediss://h\"\nuser = \"ops\"\n", "`password` is missing"),
            ("redis = \"rediss://h\"\npassword = \"planted\"\n", "line 3"),
            ("redis = \"rediss://h\"\npassword = { env = \"UMAPI_NO_SUCH_VARIABLE\" }\n", "UMAPI_NO_SUCH_VARIABLE"),
            ("redis = \"rediss://h\"\nroot_certificates = \"/nowhere/ca.pem\"\n", "/nowhere/ca.pem"),
            ("redis = \"rediss://h\"\non_failure = \"own-share\"\n", "`processes` is missing"),
            ("redis = \"rediss://h\"\non_failure = \"never\"\n", "own-share"),
            ("redis = \"rediss://h\"\nprocesses = 3\n", "no effect"),
            ("redis = \"rediss://h\"\nprocesses = 0\n", "line 3"),
            ("redis = \"rediss://h\"\nhost = \"x\"\n", "unknown field `host`"),
        ] {
            let error = read(section).unwrap_err().to_string();
            assert!(
                error.contains(named) && !error.contains("planted") && !error.contains("ted@"),
                "{section}: {error}"
            );
        }
    }

    #[test]
    fn section_is_read_with_its_secret() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("redis.secret"), "s8e\n").unwrap();
        let text = "[shared]\nredis = \"rediss://h:6380\"\nuser = \"ops\"\npassword = { file = \"redis.secret\" }\n\
                    on_failure = \"own-share\"\nprocesses = 6\n";
        let file = ConfigFile::parse(folder.path().join("config.toml"), text).unwrap();
        let (shared, _) = Shared::of(&file, false).unwrap().unwrap();
        assert_eq!((shared.user.as_deref(), shared.own_share_of), (Some("ops"), NonZeroU32::new(6)));
        assert_eq!(shared.password.as_ref().unwrap().reveal(), "s8e");
        assert!(!format!("{shared:?}").contains("s8e"));
    }
}
