//! The system's keyring.

use crate::failure::{Failure, Result};

/// The system's keyring: Keychain on macOS, the Credential Manager on Windows, on Linux the Secret Service of the desktop
/// or, where there is none, the keyring of the kernel, which forgets when the machine restarts.
pub(crate) struct Keyring {
    #[cfg(feature = "keyring")]
    store: std::sync::Arc<keyring_core::CredentialStore>,
}

#[cfg(feature = "keyring")]
mod system {
    use std::{collections::HashMap, sync::Arc};

    use keyring_core::{CredentialStore, Entry, Error};

    use super::*;

    /// The name that all our entries have in common.
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

        /// Removes the entry; one that is not there is none to remove.
        pub(crate) fn remove(&self, entry: &str) -> Result<()> {
            match self.entry(entry)?.delete_credential() {
                Ok(()) | Err(Error::NoEntry) => Ok(()),
                Err(error) => Err(unusable(&error)),
            }
        }

        /// What kind of keyring it is, by name.
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
        Failure::usage("the system's keyring cannot be used")
            .why(error)
            .remedy("unlock it, or keep the secret in a file or an environment variable: umapi help configuration")
    }
}

#[cfg(not(feature = "keyring"))]
impl Keyring {
    pub(crate) fn open() -> Result<Self> {
        Err(Failure::usage("the system's keyring cannot be used")
            .why("this umapi was built without it")
            .remedy("keep the secret in a file or an environment variable: umapi help configuration"))
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

#[cfg(all(test, feature = "keyring"))]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_kept_until_it_is_removed() {
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
