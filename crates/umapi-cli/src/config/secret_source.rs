//! Where a secret is kept.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};
use umapi::auth::Secret;

use super::Keyring;
use crate::failure::{Failure, Result as Outcome};

/// Where a secret is kept. The configuration itself never holds one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SecretSource {
    /// An environment variable.
    Env(String),
    /// A file; a relative path starts at the folder of the configuration.
    File(PathBuf),
    /// An entry of the system's keyring.
    Keyring(String),
}

impl SecretSource {
    /// Reads the secret. A line break at its end is not part of it.
    pub(crate) fn read(&self, name: &str, folder: &Path) -> Outcome<Secret> {
        let text = match self {
            Self::Env(variable) => std::env::var(variable).map_err(|_| {
                Failure::usage(format!("there is no {name}"))
                    .why(format!("the environment variable {variable} is not set, or is not Unicode text"))
                    .remedy(format!("set {variable}"))
            })?,
            Self::File(path) => {
                let path = folder.join(path);
                fs::read_to_string(&path).map_err(|error| {
                    Failure::usage(format!("there is no {name}"))
                        .why(format!("cannot read {}: {error}", path.display()))
                        .remedy("put the secret into this file, readable by you alone, or change the profile")
                })?
            }
            Self::Keyring(entry) => Keyring::open()?.read(entry)?.ok_or_else(|| {
                Failure::usage(format!("there is no {name}"))
                    .why(format!("the system's keyring has no entry `{entry}` of umapi"))
                    .remedy("store it: umapi config set-secret")
            })?,
        };
        Ok(Secret::from(text.trim_end_matches(['\r', '\n'])))
    }

    /// In a few words.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Env(variable) => format!("environment variable {variable}"),
            Self::File(path) => format!("file {}", path.display()),
            Self::Keyring(entry) => format!("keyring, entry {entry}"),
        }
    }
}

/// Written as `{ env = "NAME" }`, `{ file = "PATH" }` or `{ keyring = "ENTRY" }`. A secret in its place is refused and not quoted.
impl<'de> Deserialize<'de> for SecretSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Source;

        impl<'de> Visitor<'de> for Source {
            type Value = SecretSource;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("`{ env = … }`, `{ file = … }` or `{ keyring = … }`")
            }

            fn visit_str<E: Error>(self, _: &str) -> Result<SecretSource, E> {
                Err(E::custom(
                    "a secret must not stand in this file: say where it is kept, by `{ env = … }`, `{ file = … }` or \
                     `{ keyring = … }`",
                ))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SecretSource, A::Error> {
                let one_place = || A::Error::custom("needs one place: `env`, `file` or `keyring`");
                let (key, value): (String, String) = map.next_entry()?.ok_or_else(one_place)?;
                if map.next_key::<String>()?.is_some() {
                    return Err(one_place());
                }
                match key.as_str() {
                    "env" => Ok(SecretSource::Env(value)),
                    "file" => Ok(SecretSource::File(value.into())),
                    "keyring" => Ok(SecretSource::Keyring(value)),
                    _ => Err(one_place()),
                }
            }
        }

        deserializer.deserialize_any(Source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_in_a_file_ends_before_the_line_break() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("secret"), "s8e\r\n").unwrap();
        let source = SecretSource::File("secret".into());
        assert_eq!(source.read("client secret", folder.path()).unwrap().reveal(), "s8e");
    }

    #[test]
    fn what_is_missing_is_named() {
        let missing =
            |source: SecretSource| source.read("client secret", Path::new("/nowhere")).unwrap_err().to_string();
        assert!(missing(SecretSource::Env("UMAPI_NO_SUCH_VARIABLE".into())).contains("UMAPI_NO_SUCH_VARIABLE"));
        assert!(missing(SecretSource::File("x".into())).contains("/nowhere/x"));
    }
}
