//! TLS: the emulator's certificate authority, and the certificates of its servers.
//!
//! Some clients of the real service build `https://` URLs and cannot be configured otherwise. They trust this authority instead.

use std::{
    fs, io,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::Duration,
};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PublicKeyData as _,
};
use tokio_rustls::rustls::{
    self, ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use umapi_time::Clock;

/// The file of the certificate in the folder of an authority.
const CERTIFICATE: &str = "ca.pem";
/// The file of the private key in the folder of an authority.
const KEY: &str = "ca.key.pem";

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// The lifetime of an authority.
const AUTHORITY_LIFE: Duration = DAY.saturating_mul(3650);
/// The lifetime of a server's certificate. Some systems reject more than 825 days. Each start creates a new one.
const SERVER_LIFE: Duration = DAY.saturating_mul(397);

/// A certificate authority. Clones share it.
#[derive(Clone)]
pub struct Authority(Arc<Inner>);

struct Inner {
    certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// The authority of this process, created on first use. All emulators of a process share it by default, so that clients need
    /// to trust only one.
    ///
    /// # Errors
    /// If no key can be generated.
    pub fn of_process() -> Result<Self, TlsError> {
        static PROCESS: OnceLock<Authority> = OnceLock::new();
        if let Some(authority) = PROCESS.get() {
            return Ok(authority.clone());
        }
        let (authority, _) = Self::create()?;
        Ok(PROCESS.get_or_init(|| authority).clone())
    }

    /// The authority in a folder, created if the folder has none. Only the owner can read the file of the private key.
    ///
    /// ```
    /// use umapi_emulator::{Authority, TlsError};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path().join("authority");
    /// let first = Authority::in_folder(&folder)?;
    /// let again = Authority::in_folder(&folder)?;
    /// assert_eq!(first.pem(), again.pem());
    /// assert_eq!(first.pem(), std::fs::read_to_string(Authority::certificate_in(&folder))?);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// If the folder is not usable, or does not contain an authority.
    pub fn in_folder(folder: &Path) -> Result<Self, TlsError> {
        let (certificate, key) = (folder.join(CERTIFICATE), folder.join(KEY));
        if certificate.exists() || key.exists() {
            return Self::read(folder, &certificate, &key);
        }
        let (authority, pem) = Self::create()?;
        let failed = |path: &Path, error| TlsError::Folder { path: path.to_owned(), error };
        create_private_folder(folder).map_err(|error| failed(folder, error))?;
        write_new(&key, &pem).map_err(|error| failed(&key, error))?;
        write_new(&certificate, authority.pem()).map_err(|error| failed(&certificate, error))?;
        Ok(authority)
    }

    /// Writes the certificate, which is not secret, to a new file in a folder.
    pub(crate) fn write_certificate(&self, folder: &Path) -> Result<PathBuf, TlsError> {
        let path = folder.join(CERTIFICATE);
        write_new(&path, self.pem()).map_err(|error| TlsError::Folder { path: path.clone(), error })?;
        Ok(path)
    }

    /// The certificate that clients must trust, in PEM.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.0.certificate
    }

    /// The path of the certificate in the folder of an authority.
    #[must_use]
    pub fn certificate_in(folder: &Path) -> PathBuf {
        folder.join(CERTIFICATE)
    }

    /// The TLS configuration of a server with these names.
    pub(crate) fn server(&self, names: ServerNames) -> Result<Arc<ServerConfig>, TlsError> {
        let key = KeyPair::generate().map_err(not_created)?;
        let mut params = CertificateParams::new(names.into_vec()).map_err(not_created)?;
        params.distinguished_name = common_name("umapi-emulator");
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        set_validity(&mut params, SERVER_LIFE);
        let certificate = params.signed_by(&key, &self.0.issuer).map_err(not_created)?;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(not_started)?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .map_err(not_started)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    /// Creates an authority. Returns it with its private key.
    fn create() -> Result<(Self, String), TlsError> {
        let key = KeyPair::generate().map_err(not_created)?;
        let mut params = CertificateParams::new(Vec::new()).map_err(not_created)?;
        params.distinguished_name = common_name("umapi-emulator, for tests on this machine");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        set_validity(&mut params, AUTHORITY_LIFE);
        let certificate = params.self_signed(&key).map_err(not_created)?.pem();
        let pem = key.serialize_pem();
        Ok((Self(Arc::new(Inner { certificate, issuer: Issuer::new(params, key) })), pem))
    }

    fn read(folder: &Path, certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let unreadable = |reason: String| TlsError::Unreadable { path: folder.to_owned(), reason };
        let read =
            |path: &Path| fs::read_to_string(path).map_err(|error| unreadable(format!("{}: {error}", path.display())));
        let (certificate, key) = (read(certificate)?, read(key)?);
        let key = KeyPair::from_pem(&key).map_err(|error| unreadable(error.to_string()))?;
        if !belongs_to(&certificate, &key) {
            return Err(unreadable(format!("{KEY} is not the private key of {CERTIFICATE}")));
        }
        let issuer = Issuer::from_ca_cert_pem(&certificate, key).map_err(|error| unreadable(error.to_string()))?;
        Ok(Self(Arc::new(Inner { certificate, issuer })))
    }
}

fn not_created(error: rcgen::Error) -> TlsError {
    TlsError::Create { reason: error.to_string() }
}

fn not_started(error: rustls::Error) -> TlsError {
    TlsError::Start { reason: error.to_string() }
}

/// Omits the private key.
impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority")
    }
}

fn common_name(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

/// Sets the validity, from yesterday on because clocks differ. Clients check certificates by real time, not by the emulator's
/// clock.
fn set_validity(params: &mut CertificateParams, life: Duration) {
    let now = Clock::real().wall();
    params.not_before = (now - DAY).into();
    params.not_after = (now + life).into();
}

/// Whether a certificate in PEM is for the public key of a key pair.
fn belongs_to(certificate: &str, key: &KeyPair) -> bool {
    let Ok((_, pem)) = x509_parser::pem::parse_x509_pem(certificate.as_bytes()) else { return false };
    pem.parse_x509().is_ok_and(|certificate| certificate.public_key().raw == key.subject_public_key_info())
}

/// Creates a folder that only its owner can enter. An existing folder is not changed.
fn create_private_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Writes a new file that only its owner can read. It does not write through a link, not even through one that leads nowhere.
fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    io::Write::write_all(&mut file, text.as_bytes())?;
    file.sync_all()
}

/// The names in the certificate of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServerNames(Vec<String>);

impl ServerNames {
    /// The usual names of this machine, and further ones, e.g. those of the real service.
    pub(crate) fn with(others: &[String]) -> Result<Self, TlsError> {
        let mut names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
        for name in others {
            if !is_name(name) {
                return Err(TlsError::Name { name: name.clone() });
            }
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        Ok(Self(names))
    }

    fn into_vec(self) -> Vec<String> {
        self.0
    }
}

fn is_name(name: &str) -> bool {
    let labels_fit = |name: &str| {
        name.split('.').all(|label| {
            !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'*')
        })
    };
    name.parse::<IpAddr>().is_ok() || labels_fit(name)
}

/// The error of setting up TLS.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A name is invalid in a certificate.
    #[error("{name:?} is not a valid name for a certificate: use a host name or an IP address")]
    Name {
        /// The name.
        name: String,
    },
    /// The folder of the authority is not usable.
    #[error("cannot use the certificate authority in {path}: {error}")]
    Folder {
        /// The file or folder.
        path: PathBuf,
        /// The reason.
        #[source]
        error: io::Error,
    },
    /// The folder does not contain a readable authority.
    #[error("cannot read the certificate authority in {path}: {reason}; remove the folder to create a new one")]
    Unreadable {
        /// The folder.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// A key or certificate could not be created.
    #[error("cannot create a certificate: {reason}")]
    Create {
        /// The reason.
        reason: String,
    },
    /// The TLS library rejected the configuration.
    #[error("cannot start TLS: {reason}")]
    Start {
        /// The reason.
        reason: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn the_process_has_one_authority() {
        assert_eq!(Authority::of_process().unwrap().pem(), Authority::of_process().unwrap().pem());
    }

    #[test]
    fn an_authority_in_a_folder_is_reused_and_private() {
        let folder = folder();
        let path = folder.path().join("authority");
        let first = Authority::in_folder(&path).unwrap();
        let again = Authority::in_folder(&path).unwrap();
        assert_eq!(first.pem(), again.pem());
        again.server(ServerNames::with(&[]).unwrap()).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&path), mode(&path.join(KEY))), (0o700, 0o600));
        }
    }

    #[test]
    fn the_key_of_another_certificate_is_refused() {
        let (one, other) = (folder(), folder());
        Authority::in_folder(one.path()).unwrap();
        Authority::in_folder(other.path()).unwrap();
        fs::copy(other.path().join(KEY), one.path().join(KEY)).unwrap();
        let error = Authority::in_folder(one.path()).unwrap_err().to_string();
        assert!(error.contains("is not the private key of ca.pem"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn nothing_is_written_through_a_link() {
        for name in [KEY, CERTIFICATE] {
            let (folder, elsewhere) = (folder(), folder());
            let target = elsewhere.path().join("target");
            std::os::unix::fs::symlink(&target, folder.path().join(name)).unwrap();
            assert!(matches!(Authority::in_folder(folder.path()), Err(TlsError::Folder { .. })), "{name}");
            assert!(!target.exists(), "{name}");
        }
    }

    #[test]
    fn half_an_authority_is_an_error_with_a_remedy() {
        let folder = folder();
        Authority::in_folder(folder.path()).unwrap();
        fs::remove_file(folder.path().join(KEY)).unwrap();
        let error = Authority::in_folder(folder.path()).unwrap_err().to_string();
        assert!(error.contains(KEY) && error.contains("remove the folder"), "{error}");
        fs::write(folder.path().join(KEY), "nonsense").unwrap();
        assert!(matches!(Authority::in_folder(folder.path()), Err(TlsError::Unreadable { .. })));
    }

    #[test]
    fn names_are_unique_hosts_or_addresses() {
        let names = ServerNames::with(&["localhost".into(), "usermanagement.adobe.io".into(), "10.0.0.1".into()]);
        let expected = ["localhost", "127.0.0.1", "::1", "usermanagement.adobe.io", "10.0.0.1"];
        assert_eq!(names.unwrap().into_vec(), expected);
        for bad in ["", "a b", "https://x", "a..b", "x:1"] {
            assert!(ServerNames::with(&[bad.to_owned()]).is_err(), "{bad}");
        }
    }
}
