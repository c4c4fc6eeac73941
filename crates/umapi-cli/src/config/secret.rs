//! Secrets: where the configuration says they are stored, and the system keyring.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};
use umapi::auth::Secret;

use crate::failure::{Failure, Result};

/// The place where a secret is stored. The configuration never contains the secret itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SecretSource {
    /// An environment variable.
    Env(String),
    /// A file. A relative path starts at the folder of the configuration.
    File(PathBuf),
    /// An entry of the system keyring.
    Keyring(String),
}

impl SecretSource {
    /// Reads the secret, without a line break at its end.
    pub(crate) fn read(&self, name: &str, folder: &Path) -> Result<Secret> {
        let text = match self {
            Self::Env(variable) => std::env::var(variable).map_err(|_| {
                Failure::usage(format!("cannot read the {name}"))
                    .why(format!("the environment variable {variable} is not set, or is not Unicode text"))
                    .remedy(format!("set {variable}"))
            })?,
            Self::File(path) => {
                let path = folder.join(path);
                fs::read_to_string(&path).map_err(|error| {
                    Failure::usage(format!("cannot read the {name}"))
                        .why(format!("{}: {error}", path.display()))
                        .remedy("write the secret to this file, readable only by you, or change the profile")
                })?
            }
            Self::Keyring(entry) => Keyring::open()?.read(entry)?.ok_or_else(|| {
                Failure::usage(format!("cannot read the {name}"))
                    .why(format!("the system keyring has no entry `{entry}`"))
                    .remedy("store it with \"umapi config set-secret\"")
            })?,
        };
        Ok(Secret::from(text.trim_end_matches(['\r', '\n'])))
    }

    /// Describes the place.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Env(variable) => format!("environment variable {variable}"),
            Self::File(path) => format!("file {}", path.display()),
            Self::Keyring(entry) => format!("keyring, entry {entry}"),
        }
    }
}

/// Reads `{ env = "NAME" }`, `{ file = "PATH" }` or `{ keyring = "ENTRY" }`. A secret in its place is an error that does not
/// quote it.
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
                    "a secret must not be in this file: name its place with `{ env = … }`, `{ file = … }` or \
                     `{ keyring = … }`",
                ))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SecretSource, A::Error> {
                let one_place = || A::Error::custom("a secret has exactly one place: `env`, `file` or `keyring`");
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

/// The system keyring.
///
/// This is the Keychain on macOS and the Credential Manager on Windows. On Linux it is the Secret Service of the desktop or,
/// without one, the keyring of the kernel, which is empty after a restart.
pub(crate) struct Keyring {
    #[cfg(feature = "keyring")]
    store: std::sync::Arc<keyring_core::CredentialStore>,
}

#[cfg(feature = "keyring")]
mod system {
    use std::{collections::HashMap, sync::Arc};

    use keyring_core::{CredentialStore, Entry, Error};

    use super::*;

    /// The service name of all entries.
    const SERVICE: &str = "umapi";

    impl Keyring {
        pub(crate) fn open() -> Result<Self> {
            Ok(Self { store: platform_store().map_err(|error| unusable(&error))? })
        }

        pub(crate) fn read(&self, entry: &str) -> Result<Option<String>> {
            match self.entry(entry)?.get_password() {
                Ok(secret) => Ok(Some(secret)),
                Err(Error::NoEntry) => Ok(None),
                Err(error) => Err(unusable(&error)),
            }
        }

        pub(crate) fn write(&self, entry: &str, secret: &str) -> Result<()> {
            self.entry(entry)?.set_password(secret).map_err(|error| unusable(&error))
        }

        /// Removes the entry, if it exists.
        pub(crate) fn remove(&self, entry: &str) -> Result<()> {
            match self.entry(entry)?.delete_credential() {
                Ok(()) | Err(Error::NoEntry) => Ok(()),
                Err(error) => Err(unusable(&error)),
            }
        }

        /// Returns the name of the keyring.
        pub(crate) fn vendor(&self) -> String {
            self.store.vendor()
        }

        fn entry(&self, name: &str) -> Result<Entry> {
            self.store.build(SERVICE, name, None::<&HashMap<&str, &str>>).map_err(|error| unusable(&error))
        }

        #[cfg(test)]
        pub(crate) fn of(store: Arc<CredentialStore>) -> Self {
            Self { store }
        }
    }

    #[cfg(target_os = "linux")]
    fn platform_store() -> keyring_core::Result<Arc<CredentialStore>> {
        match zbus_secret_service_keyring_store::Store::new() {
            Ok(store) => Ok(store),
            Err(_) => Ok(linux_keyutils_keyring_store::Store::new()?),
        }
    }

    #[cfg(target_os = "macos")]
    fn platform_store() -> keyring_core::Result<Arc<CredentialStore>> {
        Ok(apple_native_keyring_store::keychain::Store::new()?)
    }

    #[cfg(target_os = "windows")]
    fn platform_store() -> keyring_core::Result<Arc<CredentialStore>> {
        Ok(windows_native_keyring_store::Store::new()?)
    }

    #[cfg(not(any(target_os = "linux", target_os = "macos", target_os = "windows")))]
    fn platform_store() -> keyring_core::Result<Arc<CredentialStore>> {
        Err(Error::NoDefaultStore)
    }

    fn unusable(error: &Error) -> Failure {
        Failure::usage("cannot use the system keyring").why(error).remedy(
            "unlock it, or store the secret in a file or an environment variable; see \"umapi help configuration\"",
        )
    }
}

#[cfg(not(feature = "keyring"))]
impl Keyring {
    pub(crate) fn open() -> Result<Self> {
        Err(Failure::usage("cannot use the system keyring")
            .why("this umapi was built without the feature `keyring`")
            .remedy("store the secret in a file or an environment variable; see \"umapi help configuration\""))
    }

    pub(crate) fn read(&self, _: &str) -> Result<Option<String>> {
        Ok(None)
    }

    pub(crate) fn write(&self, _: &str, _: &str) -> Result<()> {
        Ok(())
    }

    pub(crate) fn remove(&self, _: &str) -> Result<()> {
        Ok(())
    }

    pub(crate) fn vendor(&self) -> String {
        String::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_break_after_a_secret_is_ignored() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("secret"), "s8e\r\n").unwrap();
        let source = SecretSource::File("secret".into());
        assert_eq!(source.read("client secret", folder.path()).unwrap().reveal(), "s8e");
    }

    #[test]
    fn error_names_the_missing_place() {
        let missing =
            |source: SecretSource| source.read("client secret", Path::new("/nowhere")).unwrap_err().to_string();
        assert!(missing(SecretSource::Env("UMAPI_NO_SUCH_VARIABLE".into())).contains("UMAPI_NO_SUCH_VARIABLE"));
        assert!(missing(SecretSource::File("x".into())).contains("/nowhere/x"));
    }

    #[cfg(feature = "keyring")]
    #[test]
    fn keyring_entry_exists_until_it_is_removed() {
        let keyring = Keyring::of(keyring_core::mock::Store::new().unwrap());
        assert_eq!(keyring.read("main/client_secret").unwrap(), None);
        keyring.write("main/client_secret", "s8e").unwrap();
        assert_eq!(keyring.read("main/client_secret").unwrap().as_deref(), Some("s8e"));
        assert_eq!(keyring.read("other/client_secret").unwrap(), None);
        keyring.remove("main/client_secret").unwrap();
        keyring.remove("main/client_secret").unwrap();
        assert_eq!(keyring.read("main/client_secret").unwrap(), None);
    }
}
