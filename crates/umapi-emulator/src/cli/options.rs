use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use clap::Args;
use clap::builder::BoolishValueParser;

use super::CliError;
use super::values::{SeedValue, limits, page_size, time};
use crate::app::PageSizes;
use crate::clock::EmulatorClock;
use crate::emulator::{Builder, Emulator};
use crate::limits::LimitSettings;
use crate::seed::{Generate, Organization, Seed};
use crate::tls::Authority;

/// How the command serves. Every option can be set in the environment too.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Begin with the state of this file (YAML or JSON); a number is for the generator, whose choices depend on it
    #[arg(
        long,
        alias = "seed-number",
        value_name = "FILE|NUMBER",
        help_heading = "State",
        env = "UMAPI_EMULATOR_SEED"
    )]
    seed: Option<SeedValue>,
    /// Make up so many users
    #[arg(long, value_name = "N", help_heading = "State", env = "UMAPI_EMULATOR_USERS")]
    users: Option<u32>,
    /// Make up so many user groups
    #[arg(long, value_name = "N", help_heading = "State", env = "UMAPI_EMULATOR_GROUPS", requires = "users")]
    groups: Option<u32>,
    /// Make up so many product profiles
    #[arg(long, value_name = "N", help_heading = "State", env = "UMAPI_EMULATOR_PROFILES", requires = "users")]
    profiles: Option<u32>,
    /// Keep the state in this file; one that has state goes on with it, and takes no seed
    #[arg(long, value_name = "FILE", help_heading = "State", env = "UMAPI_EMULATOR_DATA")]
    data: Option<PathBuf>,

    /// Speak HTTP on this port; 0 is any that is free
    #[arg(long, value_name = "PORT", help_heading = "Ports", default_value_t = 0, env = "UMAPI_EMULATOR_HTTP")]
    http: u16,
    /// Speak HTTPS on this port; 0 is any that is free
    #[arg(long, value_name = "PORT", help_heading = "Ports", default_value_t = 0, env = "UMAPI_EMULATOR_HTTPS")]
    https: u16,
    /// Do not speak HTTP
    #[arg(long, help_heading = "Ports", value_parser = BoolishValueParser::new(), env = "UMAPI_EMULATOR_NO_HTTP")]
    no_http: bool,
    /// Do not speak HTTPS
    #[arg(long, help_heading = "Ports", value_parser = BoolishValueParser::new(), env = "UMAPI_EMULATOR_NO_HTTPS")]
    no_https: bool,
    /// Have the login on ports of its own, by HTTP on this one
    #[arg(long, value_name = "PORT", help_heading = "Ports", env = "UMAPI_EMULATOR_LOGIN_HTTP")]
    login_http: Option<u16>,
    /// Have the login on ports of its own, by HTTPS on this one
    #[arg(long, value_name = "PORT", help_heading = "Ports", env = "UMAPI_EMULATOR_LOGIN_HTTPS")]
    login_https: Option<u16>,
    /// Have the management API on this port; 0 is any that is free
    #[arg(long, value_name = "PORT", help_heading = "Ports", default_value_t = 0, env = "UMAPI_EMULATOR_MANAGEMENT")]
    management: u16,
    /// Have no management API
    #[arg(long, help_heading = "Ports", value_parser = BoolishValueParser::new(), env = "UMAPI_EMULATOR_NO_MANAGEMENT")]
    no_management: bool,
    /// Listen on this address. The credentials are public: do not let others reach it
    #[arg(long, value_name = "IP", help_heading = "Ports", default_value = "127.0.0.1", env = "UMAPI_EMULATOR_LISTEN")]
    listen: IpAddr,

    /// Keep the certificate authority in this folder; it is made there if there is none
    #[arg(long, value_name = "FOLDER", help_heading = "TLS", env = "UMAPI_EMULATOR_CA_DIR")]
    ca_dir: Option<PathBuf>,
    /// Have these names in the certificate too, such as usermanagement.adobe.io
    #[arg(long, value_name = "NAME", help_heading = "TLS", value_delimiter = ',', env = "UMAPI_EMULATOR_SERVER_NAMES")]
    server_name: Vec<String>,
    /// Take these hosts for the login's own in JWTs
    #[arg(long, value_name = "HOST", help_heading = "TLS", value_delimiter = ',', env = "UMAPI_EMULATOR_IMS_HOSTS")]
    ims_host: Vec<String>,

    /// Allow so many calls: documented, severe (with the long waits that users have seen), off, or a file
    #[arg(
        long, value_name = "LIMITS", help_heading = "Behaviour", default_value = "documented", value_parser = limits,
        env = "UMAPI_EMULATOR_LIMITS"
    )]
    limits: LimitSettings,
    /// Take requests that the description does not allow
    #[arg(long, help_heading = "Behaviour", value_parser = BoolishValueParser::new(), env = "UMAPI_EMULATOR_LOOSE")]
    loose: bool,
    /// Hold every answer against the description, which the library does always and which takes time
    #[arg(long, help_heading = "Behaviour", value_parser = BoolishValueParser::new(), env = "UMAPI_EMULATOR_CHECK_RESPONSES")]
    check_responses: bool,
    /// Let access tokens live so long
    #[arg(
        long, value_name = "SECONDS", help_heading = "Behaviour", default_value_t = 86_400,
        value_parser = clap::value_parser!(u64).range(1..=31_536_000), env = "UMAPI_EMULATOR_TOKEN_LIFE"
    )]
    token_life: u64,
    /// Cut lists of users into pages of so many
    #[arg(
        long, value_name = "N", help_heading = "Behaviour", default_value_t = 2000, value_parser = page_size(),
        env = "UMAPI_EMULATOR_PAGE_SIZE"
    )]
    page_size: u64,
    /// Cut lists of the deprecated endpoints into pages of so many
    #[arg(
        long, value_name = "N", help_heading = "Behaviour", default_value_t = 400, value_parser = page_size(),
        env = "UMAPI_EMULATOR_LEGACY_PAGE_SIZE"
    )]
    legacy_page_size: u64,
    /// Cut lists of groups into pages of so many
    #[arg(
        long, value_name = "N", help_heading = "Behaviour", default_value_t = 2000, value_parser = page_size(),
        env = "UMAPI_EMULATOR_GROUP_PAGE_SIZE"
    )]
    group_page_size: u64,

    /// Let the clock stand still, until it is moved over the management port
    #[arg(long, help_heading = "Time and records", value_parser = BoolishValueParser::new(), env = "UMAPI_EMULATOR_FROZEN")]
    frozen: bool,
    /// Let the clock begin at this time, such as 2026-01-01T00:00:00Z
    #[arg(long, value_name = "TIME", help_heading = "Time and records", value_parser = time, env = "UMAPI_EMULATOR_TIME")]
    time: Option<SystemTime>,
    /// Keep so many requests in the journal
    #[arg(
        long,
        value_name = "N",
        help_heading = "Time and records",
        default_value_t = 10_000,
        env = "UMAPI_EMULATOR_JOURNAL"
    )]
    journal: usize,
    /// Keep so many changes in the ledger
    #[arg(
        long,
        value_name = "N",
        help_heading = "Time and records",
        default_value_t = 100_000,
        env = "UMAPI_EMULATOR_LEDGER"
    )]
    ledger: u64,
}

/// Where the authority is: in a folder that is kept, or in one that goes with the process.
#[derive(Debug)]
pub(super) struct CaFolder {
    certificate: PathBuf,
    _temporary: Option<tempfile::TempDir>,
}

impl CaFolder {
    pub(super) fn certificate(&self) -> &Path {
        &self.certificate
    }
}

impl Options {
    /// The emulator that the options describe, and where its authority is.
    pub(super) fn builder(&self) -> Result<(Builder, Option<CaFolder>), CliError> {
        let mut builder = self.ports(Emulator::builder())?;
        if let Some(seed) = self.seed()? {
            builder = builder.seed(seed);
        }
        if let Some(data) = &self.data {
            builder = builder.data_file(data);
        }
        if self.loose {
            builder = builder.loose();
        }
        builder = builder
            .limits(self.limits.clone())
            .check_responses(self.check_responses)
            .token_life(Duration::from_secs(self.token_life))
            .page_sizes(PageSizes {
                users: self.page_size,
                legacy_users: self.legacy_page_size,
                groups: self.group_page_size,
                legacy_lists: self.legacy_page_size,
            })
            .clock(self.clock())
            .journal_entries(self.journal)
            .ledger_entries(self.ledger);
        if self.no_https {
            return Ok((builder, None));
        }
        let ca = self.ca_folder()?;
        builder = builder.authority_folder(ca.certificate.parent().unwrap_or(Path::new("")));
        Ok((builder, Some(ca)))
    }

    fn ports(&self, mut builder: Builder) -> Result<Builder, CliError> {
        builder = if self.no_http { builder.without_http() } else { builder.http_port(self.http) };
        if !self.no_https {
            builder = builder.https_port(self.https);
        }
        if self.login_http.is_some() || self.login_https.is_some() {
            builder = builder.separate_login(self.login_http.unwrap_or(0), self.login_https.unwrap_or(0));
        }
        builder =
            if self.no_management { builder.without_management() } else { builder.management_port(self.management) };
        builder = self.server_name.iter().fold(builder, Builder::server_name);
        builder = self.ims_host.iter().fold(builder, Builder::ims_host);
        Ok(builder.listen_on(self.listen))
    }

    fn clock(&self) -> EmulatorClock {
        let clock = EmulatorClock::real();
        // A clock of its own can be moved: neither call is refused.
        let _ = self.time.map(|time| clock.set(time));
        let _ = self.frozen.then(|| clock.freeze());
        clock
    }

    /// What the state begins with, if it is not what it always begins with.
    fn seed(&self) -> Result<Option<Seed>, CliError> {
        let (file, number) = match &self.seed {
            None => (None, 0),
            Some(SeedValue::File(path)) => (Some(Seed::from_file(path)?), 0),
            Some(SeedValue::Number(number)) => (None, *number),
        };
        let Some(users) = self.users else {
            return if matches!(self.seed, Some(SeedValue::Number(_))) { Err(CliError::NumberAlone) } else { Ok(file) };
        };
        let default =
            || Seed { organizations: vec![Organization { id: "12345@AdobeOrg".into(), ..Default::default() }] };
        let mut seed = file.unwrap_or_else(default);
        let first = seed.organizations.first_mut().ok_or(CliError::NothingToGenerateFor)?;
        let (groups, profiles) = (self.groups.unwrap_or(0), self.profiles.unwrap_or(0));
        first.generate = Some(Generate { users, groups, profiles, seed: number });
        Ok(Some(seed))
    }

    fn ca_folder(&self) -> Result<CaFolder, CliError> {
        if let Some(folder) = &self.ca_dir {
            return Ok(CaFolder { certificate: Authority::certificate_in(folder), _temporary: None });
        }
        let temporary = tempfile::Builder::new().prefix("umapi-emulator-").tempdir()?;
        Ok(CaFolder { certificate: Authority::certificate_in(temporary.path()), _temporary: Some(temporary) })
    }
}
