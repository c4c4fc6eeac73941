//! `umapi cert`: create keys and certificates for the JWT login.

use std::{
    io,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use serde::Serialize;

use crate::{
    context::Context,
    failure::{Exit, Failure, Result},
    output::{Column, Record, column, time},
    private_file,
};

/// Create keys and certificates for the JWT login
#[derive(Debug, Subcommand)]
pub(crate) enum CertCommand {
    New(NewArgs),
}

impl CertCommand {
    pub(crate) fn run(self, context: &Context) -> Result<Exit> {
        match self {
            Self::New(arguments) => arguments.run(context),
        }
    }
}

/// Create a private key and a self-signed certificate
///
/// Upload the certificate to the Adobe Developer Console. Keep the key: its file is readable only by you. New credentials
/// use OAuth Server-to-Server, which needs neither.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  umapi cert new                Write private.key and certificate_pub.crt
  umapi cert new --days 730 --name 'User sync' --out-dir ~/umapi")]
pub(crate) struct NewArgs {
    /// The folder for the two files
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    out_dir: PathBuf,

    /// The name in the certificate
    #[arg(long, default_value = "umapi")]
    name: String,

    /// The number of days that the certificate is valid, up to 3650
    #[arg(long, value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u16).range(1..=3650))]
    days: u16,
}

/// The created files.
#[derive(Serialize)]
struct CertificateRecord {
    private_key: String,
    certificate: String,
    valid_until: String,
}

impl Record for CertificateRecord {
    fn columns() -> Vec<Column<Self>> {
        vec![
            column("private_key", |created: &Self| (&created.private_key).into()),
            column("certificate", |created| (&created.certificate).into()),
            column("valid_until", |created| (&created.valid_until).into()),
        ]
    }
}

impl NewArgs {
    fn run(self, context: &Context) -> Result<Exit> {
        let (key_path, certificate_path) = (self.out_dir.join("private.key"), self.out_dir.join("certificate_pub.crt"));
        for path in [&key_path, &certificate_path] {
            if path.exists() {
                return Err(unwritten(path, &io::Error::from(io::ErrorKind::AlreadyExists)));
            }
        }
        let begins = context.clock.wall();
        let ends = begins + std::time::Duration::from_secs(u64::from(self.days) * 24 * 60 * 60);
        let (key, certificate) = self.create(begins.into(), ends.into()).map_err(|error| {
            Failure::failed("cannot create the key and its certificate")
                .why(error)
                .remedy("use a name in ASCII letters")
        })?;
        private_file::create_folder(&self.out_dir).map_err(|error| unwritten(&self.out_dir, &error))?;
        private_file::create(&key_path, key.as_bytes()).map_err(|error| unwritten(&key_path, &error))?;
        std::fs::write(&certificate_path, certificate).map_err(|error| unwritten(&certificate_path, &error))?;
        context.write_single(&CertificateRecord {
            private_key: key_path.display().to_string(),
            certificate: certificate_path.display().to_string(),
            valid_until: time::utc(ends),
        })?;
        context
            .note("next: upload the certificate to your project in the Adobe Developer Console; keep the key secret");
        Ok(Exit::Success)
    }

    /// Creates the key and the certificate, both as PEM.
    fn create(
        &self,
        begins: ::time::OffsetDateTime,
        ends: ::time::OffsetDateTime,
    ) -> Result<(String, String), rcgen::Error> {
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?;
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name = DistinguishedName::new();
        parameters.distinguished_name.push(DnType::CommonName, self.name.as_str());
        parameters.not_before = begins;
        parameters.not_after = ends;
        let certificate = parameters.self_signed(&key)?;
        Ok((key.serialize_pem(), certificate.pem()))
    }
}

fn unwritten(path: &Path, error: &io::Error) -> Failure {
    let failure = Failure::failed(format!("cannot write {}", path.display())).why(error);
    match error.kind() {
        io::ErrorKind::AlreadyExists => Failure::usage(format!("{} exists already", path.display()))
            .why("existing keys and certificates are never overwritten")
            .remedy("use another folder with --out-dir, or move the old files away"),
        _ => failure.remedy("use a folder that you can write to with --out-dir"),
    }
}
