use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{self, ServerConfig};
use umapi_time::Clock;

use super::{ServerNames, TlsError};

/// The file of the certificate, in the folder of an authority that is kept.
const CERTIFICATE: &str = "ca.pem";
/// The file of the private key.
const KEY: &str = "ca.key.pem";

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long an authority lasts.
const AUTHORITY_LIFE: Duration = DAY.saturating_mul(3650);
/// How long a server's certificate lasts: some systems take none of more than 825 days. It is made anew at each start.
const SERVER_LIFE: Duration = DAY.saturating_mul(397);

/// A certificate authority. Clones are the same one.
#[derive(Clone)]
pub struct Authority(Arc<Held>);

struct Held {
    certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// The authority of this process: made when it is first asked for, and gone with the process. All emulators of a process
    /// that have no other share it, so a client needs to trust it once.
    ///
    /// # Errors
    /// If no key can be made.
    pub fn of_process() -> Result<Self, TlsError> {
        static MADE: OnceLock<Authority> = OnceLock::new();
        if let Some(made) = MADE.get() {
            return Ok(made.clone());
        }
        let (authority, _) = Self::make()?;
        Ok(MADE.get_or_init(|| authority).clone())
    }

    /// The authority that is kept in a folder, made there if the folder has none. The private key's file can be read by
    /// its owner alone.
    ///
    /// # Errors
    /// If the folder cannot be used, or holds something else.
    pub fn kept_in(folder: &Path) -> Result<Self, TlsError> {
        let (certificate, key) = (folder.join(CERTIFICATE), folder.join(KEY));
        if certificate.exists() || key.exists() {
            return Self::read(folder, &certificate, &key);
        }
        let (authority, pem) = Self::make()?;
        let failed = |path: &Path, error| TlsError::Folder { path: path.to_owned(), error };
        fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
        write_private(&key, &pem).map_err(|error| failed(&key, error))?;
        fs::write(&certificate, authority.pem()).map_err(|error| failed(&certificate, error))?;
        Ok(authority)
    }

    /// The certificate that clients are to trust, in PEM.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.0.certificate
    }

    /// Where the certificate is in the folder of an authority that is kept.
    #[must_use]
    pub fn certificate_in(folder: &Path) -> PathBuf {
        folder.join(CERTIFICATE)
    }

    /// What a server with these names speaks TLS with.
    pub(crate) fn server(&self, names: ServerNames) -> Result<Arc<ServerConfig>, TlsError> {
        let key = KeyPair::generate().map_err(unmade)?;
        let mut params = CertificateParams::new(names.into_vec()).map_err(unmade)?;
        params.distinguished_name = named("umapi-emulator");
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        lasts(&mut params, SERVER_LIFE);
        let certificate = params.signed_by(&key, &self.0.issuer).map_err(unmade)?;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(unstarted)?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .map_err(unstarted)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    /// A new authority, and its private key.
    fn make() -> Result<(Self, String), TlsError> {
        let key = KeyPair::generate().map_err(unmade)?;
        let mut params = CertificateParams::new(Vec::new()).map_err(unmade)?;
        params.distinguished_name = named("umapi-emulator, for tests on this machine");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        lasts(&mut params, AUTHORITY_LIFE);
        let certificate = params.self_signed(&key).map_err(unmade)?.pem();
        let pem = key.serialize_pem();
        Ok((Self(Arc::new(Held { certificate, issuer: Issuer::new(params, key) })), pem))
    }

    fn read(folder: &Path, certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let unreadable = |reason: String| TlsError::Unreadable { path: folder.to_owned(), reason };
        let read =
            |path: &Path| fs::read_to_string(path).map_err(|error| unreadable(format!("{}: {error}", path.display())));
        let (certificate, key) = (read(certificate)?, read(key)?);
        let key = KeyPair::from_pem(&key).map_err(|error| unreadable(error.to_string()))?;
        let issuer = Issuer::from_ca_cert_pem(&certificate, key).map_err(|error| unreadable(error.to_string()))?;
        Ok(Self(Arc::new(Held { certificate, issuer })))
    }
}

fn unmade(error: rcgen::Error) -> TlsError {
    TlsError::Make { reason: error.to_string() }
}

fn unstarted(error: rustls::Error) -> TlsError {
    TlsError::Start { reason: error.to_string() }
}

/// The private key is not shown.
impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority")
    }
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

/// From yesterday on, since clocks differ. Certificates are for the app outside: their time is the real one, whatever the
/// emulator's clock shows.
fn lasts(params: &mut CertificateParams, life: Duration) {
    let now = Clock::real().wall();
    params.not_before = (now - DAY).into();
    params.not_after = (now + life).into();
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    io::Write::write_all(&mut options.open(path)?, text.as_bytes())
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
    fn an_authority_that_is_kept_stays_the_same_and_its_key_is_private() {
        let folder = folder();
        let first = Authority::kept_in(folder.path()).unwrap();
        let again = Authority::kept_in(folder.path()).unwrap();
        assert_eq!(first.pem(), again.pem());
        again.server(ServerNames::with(&[]).unwrap()).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(folder.path().join(KEY)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn half_an_authority_is_an_error_that_names_the_file_and_the_way_out() {
        let folder = folder();
        Authority::kept_in(folder.path()).unwrap();
        fs::remove_file(folder.path().join(KEY)).unwrap();
        let error = Authority::kept_in(folder.path()).unwrap_err().to_string();
        assert!(error.contains(KEY) && error.contains("remove the folder"), "{error}");
        fs::write(folder.path().join(KEY), "nonsense").unwrap();
        assert!(matches!(Authority::kept_in(folder.path()), Err(TlsError::Unreadable { .. })));
    }
}
