//! Secrets: where the configuration says they are stored.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};
use umapi::auth::Secret;
use zeroize::Zeroizing;

use super::Keyring;
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
    /// Reads a secret of one line: without blank lines, blanks and quotes around it.
    pub(crate) fn read(&self, name: &str, place: &SecretPlace<'_>) -> Result<Secret> {
        let text = self.read_text(name, place)?;
        match self {
            // The keyring has exactly what was stored.
            Self::Keyring(_) => Ok(text),
            Self::Env(_) | Self::File(_) => {
                Secret::parse(text.reveal()).map_err(|error| self.unreadable(name, place, error))
            }
        }
    }

    /// Reads a secret of several lines, e.g. a private key.
    pub(crate) fn read_text(&self, name: &str, place: &SecretPlace<'_>) -> Result<Secret> {
        match self {
            Self::Env(variable) => std::env::var(variable)
                .map(Secret::from)
                .map_err(|_| self.unreadable(name, place, "it is not set, or is not Unicode text")),
            Self::File(path) => {
                let bytes = fs::read(place.folder.join(path)).map(Zeroizing::new);
                let bytes = bytes.map_err(|error| self.unreadable(name, place, error))?;
                Secret::decode(&bytes).map_err(|error| self.unreadable(name, place, error))
            }
            Self::Keyring(entry) => {
                let unreadable = |failure: Failure| failure.remedy(place.store_remedy);
                Keyring::open().and_then(|keyring| keyring.read(entry)).map_err(unreadable)?.ok_or_else(|| {
                    Failure::usage(format!("cannot read the {name}"))
                        .why(format!("the system keyring has no entry `{entry}`"))
                        .remedy(place.store_remedy)
                })
            }
        }
    }

    fn unreadable(&self, name: &str, place: &SecretPlace<'_>, why: impl fmt::Display) -> Failure {
        let failure = Failure::usage(format!("cannot read the {name}"));
        match self {
            Self::Env(variable) => failure
                .why(format!("the environment variable {variable}: {why}"))
                .remedy(format!("set {variable}, or {}", place.store_remedy)),
            Self::File(path) => {
                failure.why(format!("{}: {why}", place.folder.join(path).display())).remedy(place.store_remedy)
            }
            Self::Keyring(entry) => {
                failure.why(format!("the entry `{entry}` of the system keyring: {why}")).remedy(place.store_remedy)
            }
        }
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

/// Where the secrets of a profile start, and how to store one of them again.
pub(crate) struct SecretPlace<'a> {
    /// The folder that relative paths start at.
    pub(crate) folder: &'a Path,
    /// What to do if the secret cannot be read.
    pub(crate) store_remedy: &'a str,
}

/// Text that may be a secret: it is in the configuration, or where a secret can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TextSource {
    Plain(String),
    Secret(SecretSource),
}

impl TextSource {
    pub(crate) fn read(&self, name: &str, place: &SecretPlace<'_>) -> Result<String> {
        match self {
            Self::Plain(text) => Ok(text.clone()),
            Self::Secret(source) => Ok(source.read(name, place)?.reveal().to_owned()),
        }
    }

    /// Describes the text or its place.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Plain(text) => text.clone(),
            Self::Secret(source) => source.describe(),
        }
    }
}

impl<'de> Deserialize<'de> for TextSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Source;

        impl<'de> Visitor<'de> for Source {
            type Value = TextSource;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text, `{ env = … }`, `{ file = … }` or `{ keyring = … }`")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<TextSource, E> {
                Ok(TextSource::Plain(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<TextSource, A::Error> {
                SecretSource::deserialize(MapAccessDeserializer::new(map)).map(TextSource::Secret)
            }
        }

        deserializer.deserialize_any(Source)
    }
}

/// Reads `{ env = "NAME" }`, `{ file = "PATH" }` or `{ keyring = "ENTRY" }`. A secret in its place is an error that does not
/// quote it.
impl<'de> Deserialize<'de> for SecretSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Source;

        impl<'de> Visitor<'de> for Source {
            type Value = SecretSource;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(source: &SecretSource, folder: &Path) -> Result<Secret> {
        source.read("client secret", &SecretPlace { folder, store_remedy: "store it again" })
    }

    #[test]
    fn secret_is_read_without_what_editors_add() {
        let folder = tempfile::tempdir().unwrap();
        let source = SecretSource::File("secret".into());
        let utf16: Vec<u8> = "\u{feff}s8e\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for written in [&b"s8e\r\n"[..], b"\xef\xbb\xbfs8e", b"\n\ns8e\n", b"\"s8e\"\n", &utf16] {
            fs::write(folder.path().join("secret"), written).unwrap();
            assert_eq!(read(&source, folder.path()).unwrap().reveal(), "s8e", "{written:?}");
        }
        for (written, named) in
            [(&b""[..], "empty"), (b"s8e\ns9e", "2 lines"), (b"s8e\xff", "UTF-8"), (b"\"s8e", "quote")]
        {
            fs::write(folder.path().join("secret"), written).unwrap();
            let error = read(&source, folder.path()).unwrap_err().to_string();
            assert!(error.contains(named) && error.ends_with("store it again") && !error.contains("s8e"), "{error}");
        }
    }

    #[test]
    fn error_names_the_missing_place() {
        let missing = |source: SecretSource| read(&source, Path::new("/nowhere")).unwrap_err().to_string();
        assert!(missing(SecretSource::Env("UMAPI_NO_SUCH_VARIABLE".into())).contains("UMAPI_NO_SUCH_VARIABLE"));
        assert!(missing(SecretSource::File("x".into())).contains("/nowhere/x"));
    }
}
