//! The fields of profiles, as the configuration and the command line name them.

use clap::ValueEnum;

/// A field of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "kebab-case")]
pub(crate) enum ProfileField {
    Organization,
    #[value(alias = "client_id")]
    ClientId,
    #[value(alias = "client_secret")]
    ClientSecret,
    #[value(alias = "technical_account")]
    TechnicalAccount,
    #[value(alias = "private_key")]
    PrivateKey,
    #[value(alias = "private_key_passphrase")]
    PrivateKeyPassphrase,
    #[value(alias = "connector_file")]
    ConnectorFile,
    #[value(alias = "console_file")]
    ConsoleFile,
    Server,
    #[value(alias = "login_server")]
    LoginServer,
    #[value(alias = "root_certificates")]
    RootCertificates,
    Proxy,
    #[value(alias = "proxy_user")]
    ProxyUser,
    #[value(alias = "proxy_password")]
    ProxyPassword,
}

impl ProfileField {
    /// The name in the configuration.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::ClientId => "client_id",
            Self::ClientSecret => "client_secret",
            Self::TechnicalAccount => "technical_account",
            Self::PrivateKey => "private_key",
            Self::PrivateKeyPassphrase => "private_key_passphrase",
            Self::ConnectorFile => "connector_file",
            Self::ConsoleFile => "console_file",
            Self::Server => "server",
            Self::LoginServer => "login_server",
            Self::RootCertificates => "root_certificates",
            Self::Proxy => "proxy",
            Self::ProxyUser => "proxy_user",
            Self::ProxyPassword => "proxy_password",
        }
    }

    /// The name on the command line.
    pub(crate) fn argument(self) -> String {
        self.key().replace('_', "-")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_named_alike_everywhere() {
        for field in ProfileField::value_variants() {
            assert_eq!(ProfileField::from_str(&field.argument(), false), Ok(*field));
            assert_eq!(ProfileField::from_str(field.key(), false), Ok(*field));
        }
    }
}
