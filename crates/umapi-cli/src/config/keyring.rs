//! The system keyring: the secrets of profiles, and the entries of user-sync.

use umapi::auth::{KeyringEntry, Secret};

use crate::failure::{Failure, Result};

/// The system keyring.
///
/// This is the Keychain on macOS and the Credential Manager on Windows. On Linux it is the Secret Service of the desktop or,
/// without one, the keyring of the kernel, which is empty after a restart.
pub(crate) struct Keyring {
    #[cfg(feature = "keyring")]
    store: std::sync::Arc<keyring_core::CredentialStore>,
}

/// The targets under which the Credential Manager of Windows has an entry of user-sync, as Python's `keyring` names them: the
/// service alone or, if it has several users, with the user. Other keyrings know services and users.
#[cfg(any(target_os = "windows", test))]
fn targets(entry: &KeyringEntry) -> [String; 2] {
    [entry.service().to_owned(), format!("{}@{}", entry.user(), entry.service())]
}

#[cfg(feature = "keyring")]
mod system {
    use std::{collections::HashMap, sync::Arc};

    use keyring_core::{CredentialPersistence, CredentialStore, Entry, Error};

    use super::*;

    /// The service name of all entries of profiles.
    const SERVICE: &str = "umapi";

    impl Keyring {
        pub(crate) fn open() -> Result<Self> {
            Ok(Self { store: platform_store().map_err(|error| unusable(&error))? })
        }

        /// Opens the keyring in which Python's `keyring` stores the secrets of user-sync.
        pub(crate) fn of_user_sync() -> Result<Self> {
            Ok(Self { store: desktop_store().map_err(|error| unusable(&error))? })
        }

        pub(crate) fn read(&self, entry: &str) -> Result<Option<Secret>> {
            secret_of(&self.entry(entry)?)
        }

        /// Reads an entry of user-sync.
        pub(crate) fn read_of_user_sync(&self, entry: &KeyringEntry) -> Result<Option<Secret>> {
            #[cfg(target_os = "windows")]
            for target in targets(entry) {
                let modifiers = HashMap::from([("target", target.as_str())]);
                let found = self
                    .store
                    .build(entry.service(), entry.user(), Some(&modifiers))
                    .map_err(|error| unusable(&error))?;
                let attributes = found.get_attributes().unwrap_or_default();
                if attributes.get("username").is_some_and(|user| user == entry.user()) {
                    return secret_of(&found);
                }
            }
            #[cfg(target_os = "windows")]
            return Ok(None);
            #[cfg(not(target_os = "windows"))]
            secret_of(&self.build(entry.service(), entry.user())?)
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
            // The vendor of a store comes with the address of its library.
            let vendor = self.store.vendor();
            vendor.split(", http").next().unwrap_or_default().to_owned()
        }

        /// Whether the secrets outlast a restart of the machine.
        pub(crate) fn is_lasting(&self) -> bool {
            !matches!(
                self.store.persistence(),
                CredentialPersistence::UntilReboot
                    | CredentialPersistence::UntilLogout
                    | CredentialPersistence::ProcessOnly
                    | CredentialPersistence::EntryOnly
            )
        }

        fn entry(&self, name: &str) -> Result<Entry> {
            self.build(SERVICE, name)
        }

        fn build(&self, service: &str, user: &str) -> Result<Entry> {
            self.store.build(service, user, None::<&HashMap<&str, &str>>).map_err(|error| unusable(&error))
        }

        #[cfg(test)]
        pub(crate) fn of(store: Arc<CredentialStore>) -> Self {
            Self { store }
        }

        #[cfg(test)]
        pub(crate) fn write_of_user_sync(&self, service: &str, user: &str, secret: &str) -> Result<()> {
            self.build(service, user)?.set_password(secret).map_err(|error| unusable(&error))
        }
    }

    fn secret_of(entry: &Entry) -> Result<Option<Secret>> {
        match entry.get_password() {
            Ok(secret) => Ok(Some(Secret::from(secret))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(unusable(&error)),
        }
    }

    #[cfg(target_os = "linux")]
    fn platform_store() -> keyring_core::Result<Arc<CredentialStore>> {
        match desktop_store() {
            Ok(store) => Ok(store),
            Err(_) => Ok(linux_keyutils_keyring_store::Store::new()?),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn platform_store() -> keyring_core::Result<Arc<CredentialStore>> {
        desktop_store()
    }

    #[cfg(target_os = "linux")]
    fn desktop_store() -> keyring_core::Result<Arc<CredentialStore>> {
        Ok(zbus_secret_service_keyring_store::Store::new()?)
    }

    #[cfg(target_os = "macos")]
    fn desktop_store() -> keyring_core::Result<Arc<CredentialStore>> {
        Ok(apple_native_keyring_store::keychain::Store::new()?)
    }

    #[cfg(target_os = "windows")]
    fn desktop_store() -> keyring_core::Result<Arc<CredentialStore>> {
        Ok(windows_native_keyring_store::Store::new()?)
    }

    #[cfg(not(any(target_os = "linux", target_os = "macos", target_os = "windows")))]
    fn desktop_store() -> keyring_core::Result<Arc<CredentialStore>> {
        Err(Error::NoDefaultStore)
    }

    fn unusable(error: &Error) -> Failure {
        // The debug text of an error can contain an entry, its display text does not.
        Failure::usage("cannot use the system keyring").why(match error {
            Error::NoStorageAccess(_) => "it is locked, or there is none in this session".to_owned(),
            error => error.to_string(),
        })
    }
}

#[cfg(not(feature = "keyring"))]
impl Keyring {
    pub(crate) fn open() -> Result<Self> {
        Err(Failure::usage("cannot use the system keyring").why("this umapi was built without the feature `keyring`"))
    }

    pub(crate) fn of_user_sync() -> Result<Self> {
        Self::open()
    }

    pub(crate) fn read(&self, _: &str) -> Result<Option<Secret>> {
        Ok(None)
    }

    pub(crate) fn read_of_user_sync(&self, _: &KeyringEntry) -> Result<Option<Secret>> {
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

    pub(crate) fn is_lasting(&self) -> bool {
        true
    }
}

#[cfg(all(test, feature = "keyring"))]
mod tests {
    use umapi::auth::ConnectorFile;

    use super::*;

    fn text(secret: Option<Secret>) -> Option<String> {
        secret.map(|secret| secret.reveal().to_owned())
    }

    #[test]
    fn keyring_entry_exists_until_it_is_removed() {
        let keyring = Keyring::of(keyring_core::mock::Store::new().unwrap());
        assert_eq!(text(keyring.read("main/client_secret").unwrap()), None);
        keyring.write("main/client_secret", "s8e").unwrap();
        assert_eq!(text(keyring.read("main/client_secret").unwrap()).as_deref(), Some("s8e"));
        assert_eq!(text(keyring.read("other/client_secret").unwrap()), None);
        keyring.remove("main/client_secret").unwrap();
        keyring.remove("main/client_secret").unwrap();
        assert_eq!(text(keyring.read("main/client_secret").unwrap()), None);
    }

    #[test]
    fn entries_of_user_sync_are_read_by_service_and_organization() {
        let yaml = "authentication_method: oauth\nenterprise:\n  org_id: 1F@AdobeOrg\n  secure_client_id_key: ust_id\n  \
                    secure_client_secret_key: ust_secret\n";
        let file = ConnectorFile::parse(yaml, ".".as_ref()).unwrap();
        let keyring = Keyring::of(keyring_core::mock::Store::new().unwrap());
        keyring.write_of_user_sync("ust_id", "1F@AdobeOrg", "id").unwrap();
        keyring.write_of_user_sync("ust_secret", "2F@AdobeOrg", "of another organization").unwrap();
        let error = file.credentials_with(|entry| keyring.read_of_user_sync(entry)).unwrap_err().to_string();
        assert!(error.contains("`enterprise.secure_client_secret_key` refers to the entry `ust_secret`"), "{error}");
        keyring.write_of_user_sync("ust_secret", "1F@AdobeOrg", "s8e").unwrap();
        let credentials = file.credentials_with(|entry| keyring.read_of_user_sync(entry)).unwrap();
        assert_eq!(credentials.client_id(), "id");
        let entry = file.keyring_entries().next().unwrap();
        assert_eq!(targets(entry), ["ust_id", "1F@AdobeOrg@ust_id"]);
    }
}
