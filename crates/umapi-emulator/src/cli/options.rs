//! The options of serving.

use std::{
    convert::Infallible,
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
    str::FromStr,
    time::{Duration, SystemTime},
};

use clap::{Args, builder::BoolishValueParser};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use umapi_recording::{Recording, Replay};

use super::CliError;
use crate::{
    app::PageSizes,
    clock::EmulatorClock,
    emulator::{Builder, Emulator, StartError},
    limits::LimitSettings,
    seed::{
        Generate, Organization, Seed,
        mistake::{self, Mistake},
        yaml_options,
    },
    tls::Authority,
};

/// The options of serving. Every option can also be set in the environment.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Start with the state of this file (YAML or JSON), or generate users with this seed number
    #[arg(
        long,
        alias = "seed-number",
        value_name = "FILE|NUMBER",
        help_heading = "State",
        env = "UMAPI_EMULATOR_SEED"
    )]
    seed: Option<SeedValue>,
    /// Number of users to generate
    #[arg(long, value_name = "N", help_heading = "State", env = "UMAPI_EMULATOR_USERS")]
    users: Option<u32>,
    /// Number of user groups to generate
    #[arg(long, value_name = "N", help_heading = "State", env = "UMAPI_EMULATOR_GROUPS", requires = "users")]
    groups: Option<u32>,
    /// Number of product profiles to generate
    #[arg(long, value_name = "N", help_heading = "State", env = "UMAPI_EMULATOR_PROFILES", requires = "users")]
    profiles: Option<u32>,
    /// Keep the state in this file. If it has state already, the seed is not used
    #[arg(long, value_name = "FILE", help_heading = "State", env = "UMAPI_EMULATOR_DATA")]
    data: Option<PathBuf>,
    /// Send the responses of this recording of the real service, made with "umapi --record FILE"
    ///
    /// The first request of a kind gets the first recorded response to it, and so on. The names are those of the recording. Logins
    /// are not replayed.
    #[arg(
        long, value_name = "FILE", help_heading = "State", env = "UMAPI_EMULATOR_REPLAY",
        conflicts_with_all = ["seed", "users", "data"]
    )]
    replay: Option<PathBuf>,

    /// Port for HTTP; 0 for any free port
    #[arg(long, value_name = "PORT", help_heading = "Ports", default_value_t = 0, env = "UMAPI_EMULATOR_HTTP")]
    http: u16,
    /// Port for HTTPS; 0 for any free port
    #[arg(long, value_name = "PORT", help_heading = "Ports", default_value_t = 0, env = "UMAPI_EMULATOR_HTTPS")]
    https: u16,
    /// Disable HTTP
    #[arg(long, help_heading = "Ports", value_parser = BoolishValueParser::new(), env = "UMAPI_EMULATOR_NO_HTTP")]
    no_http: bool,
    /// Disable HTTPS
    #[arg(long, help_heading = "Ports", value_parser = BoolishValueParser::new(), env = "UMAPI_EMULATOR_NO_HTTPS")]
    no_https: bool,
    /// Separate port for the login over HTTP
    #[arg(long, value_name = "PORT", help_heading = "Ports", env = "UMAPI_EMULATOR_LOGIN_HTTP")]
    login_http: Option<u16>,
    /// Separate port for the login over HTTPS
    #[arg(long, value_name = "PORT", help_heading = "Ports", env = "UMAPI_EMULATOR_LOGIN_HTTPS")]
    login_https: Option<u16>,
    /// Port for the management API and the console; 0 for any free port
    #[arg(long, value_name = "PORT", help_heading = "Ports", default_value_t = 0, env = "UMAPI_EMULATOR_MANAGEMENT")]
    management: u16,
    /// Disable the management API and the console
    #[arg(long, help_heading = "Ports", value_parser = BoolishValueParser::new(), env = "UMAPI_EMULATOR_NO_MANAGEMENT")]
    no_management: bool,
    /// Open the console in the browser when the emulator is ready
    #[arg(
        long, help_heading = "Ports", value_parser = BoolishValueParser::new(), env = "UMAPI_EMULATOR_OPEN",
        conflicts_with = "no_management"
    )]
    pub(super) open: bool,
    /// Address to listen on. The credentials are public: keep it unreachable for others
    #[arg(long, value_name = "IP", help_heading = "Ports", default_value = "127.0.0.1", env = "UMAPI_EMULATOR_LISTEN")]
    listen: IpAddr,

    /// Folder of the certificate authority, created if it does not exist
    #[arg(long, value_name = "FOLDER", help_heading = "TLS", env = "UMAPI_EMULATOR_CA_DIR")]
    ca_dir: Option<PathBuf>,
    /// Further names of this machine, in the certificate and for the management port, e.g. usermanagement.adobe.io
    #[arg(long, value_name = "NAME", help_heading = "TLS", value_delimiter = ',', env = "UMAPI_EMULATOR_SERVER_NAMES")]
    server_name: Vec<String>,
    /// Further hosts to accept as the IMS host in JWTs
    #[arg(long, value_name = "HOST", help_heading = "TLS", value_delimiter = ',', env = "UMAPI_EMULATOR_IMS_HOSTS")]
    ims_host: Vec<String>,

    /// Rate limits: documented, reported, severe, off, or a file [default: as in the seed, or documented]
    ///
    /// "documented": the limits of every minute. "reported": also the rule that users report, which blocks a client that reads
    /// page 0 of all users or all groups twice in two hours. "severe": the limits of every minute, with waits of 55 minutes.
    #[arg(
        long, value_name = "LIMITS", help_heading = "Behavior", value_parser = limits, env = "UMAPI_EMULATOR_LIMITS"
    )]
    limits: Option<LimitSettings>,
    /// Allow page 0 of all users, and of all groups, once in this many seconds [default: 7200 if --limits is reported]
    #[arg(long, value_name = "SECONDS", help_heading = "Behavior", env = "UMAPI_EMULATOR_FIRST_PAGE_PERIOD")]
    first_page_period: Option<u64>,
    /// Block a client that reads page 0 too often for this many seconds [default: 2400 if --limits is reported]
    #[arg(long, value_name = "SECONDS", help_heading = "Behavior", env = "UMAPI_EMULATOR_FIRST_PAGE_BLOCK")]
    first_page_block: Option<u64>,
    /// Accept requests that do not match the description
    #[arg(long, help_heading = "Behavior", value_parser = BoolishValueParser::new(), env = "UMAPI_EMULATOR_LOOSE")]
    loose: bool,
    /// Check every response against the description. The library always does; it takes time
    #[arg(long, help_heading = "Behavior", value_parser = BoolishValueParser::new(), env = "UMAPI_EMULATOR_CHECK_RESPONSES")]
    check_responses: bool,
    /// Stop when standard input is closed, e.g. because the program that started the emulator has ended
    #[arg(long, help_heading = "Behavior", value_parser = BoolishValueParser::new(), env = "UMAPI_EMULATOR_EXIT_ON_EOF")]
    pub(super) exit_on_eof: bool,
    /// Lifetime of access tokens in seconds
    #[arg(
        long, value_name = "SECONDS", help_heading = "Behavior", default_value_t = 86_400,
        value_parser = clap::value_parser!(u64).range(1..=31_536_000), env = "UMAPI_EMULATOR_TOKEN_LIFETIME"
    )]
    token_lifetime: u64,
    /// Entries on a page of users
    #[arg(
        long, value_name = "N", help_heading = "Behavior", default_value_t = 2000, value_parser = page_size(),
        env = "UMAPI_EMULATOR_PAGE_SIZE"
    )]
    page_size: u64,
    /// Entries on a page of the deprecated endpoints
    #[arg(
        long, value_name = "N", help_heading = "Behavior", default_value_t = 400, value_parser = page_size(),
        env = "UMAPI_EMULATOR_LEGACY_PAGE_SIZE"
    )]
    legacy_page_size: u64,
    /// Entries on a page of groups
    #[arg(
        long, value_name = "N", help_heading = "Behavior", default_value_t = 2000, value_parser = page_size(),
        env = "UMAPI_EMULATOR_GROUP_PAGE_SIZE"
    )]
    group_page_size: u64,

    /// Freeze the clock until the management API moves it
    #[arg(long, help_heading = "Time and records", value_parser = BoolishValueParser::new(), env = "UMAPI_EMULATOR_FROZEN")]
    frozen: bool,
    /// Start the clock at this time, e.g. 2026-01-01T00:00:00Z
    #[arg(long, value_name = "TIME", help_heading = "Time and records", value_parser = time, env = "UMAPI_EMULATOR_TIME")]
    time: Option<SystemTime>,
    /// Number of requests to keep in the journal
    #[arg(
        long,
        value_name = "N",
        help_heading = "Time and records",
        default_value_t = 10_000,
        env = "UMAPI_EMULATOR_JOURNAL"
    )]
    journal: usize,
    /// Number of changes to keep in the ledger
    #[arg(
        long,
        value_name = "N",
        help_heading = "Time and records",
        default_value_t = 100_000,
        env = "UMAPI_EMULATOR_LEDGER"
    )]
    ledger: u64,
}

/// The file of the certificate that clients must trust: a permanent one, or one that is deleted with the process.
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
    /// The builder for these options, and the folder of the certificate authority.
    pub(super) fn builder(&self) -> Result<(Builder, Option<CaFolder>), CliError> {
        let mut builder = self.ports(Emulator::builder())?;
        let seed = self.seed()?;
        if let Some(limits) = self.limits(seed.as_ref()) {
            builder = builder.limits(limits);
        }
        if let Some(seed) = seed {
            builder = builder.seed(seed);
        }
        if let Some(file) = &self.replay {
            builder = builder.replay(Replay::new(Recording::open(file)?)?);
        }
        if let Some(data) = &self.data {
            builder = builder.data_file(data);
        }
        if self.loose {
            builder = builder.loose();
        }
        builder = builder
            .check_responses(self.check_responses)
            .token_lifetime(Duration::from_secs(self.token_lifetime))
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
        if let Some(folder) = &self.ca_dir {
            let certificate = Authority::certificate_in(folder);
            let ca = CaFolder { certificate, _temporary: None };
            return Ok((builder.authority_folder(folder), Some(ca)));
        }
        // Only the certificate is written: a kill leaves no private key behind.
        let authority = Authority::of_process().map_err(StartError::from)?;
        let temporary = tempfile::Builder::new().prefix("umapi-emulator-").tempdir()?;
        let certificate = authority.write_certificate(temporary.path()).map_err(StartError::from)?;
        let ca = CaFolder { certificate, _temporary: Some(temporary) };
        Ok((builder.authority(authority), Some(ca)))
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

    /// The rate limits of the options. `None` for those of the seed.
    fn limits(&self, seed: Option<&Seed>) -> Option<LimitSettings> {
        let (period, block) = (self.first_page_period, self.first_page_block);
        if period.is_none() && block.is_none() {
            return self.limits.clone();
        }
        let limits = self.limits.clone().or_else(|| seed?.limits.clone()).unwrap_or_default();
        let mut first_pages = limits.first_pages().unwrap_or_default();
        first_pages.period_seconds = period.unwrap_or(first_pages.period_seconds);
        first_pages.block_seconds = block.unwrap_or(first_pages.block_seconds);
        Some(limits.with_first_pages(first_pages))
    }

    fn clock(&self) -> EmulatorClock {
        let clock = EmulatorClock::real();
        // An own clock can always be set and frozen.
        let _ = self.time.map(|time| clock.set(time));
        let _ = self.frozen.then(|| clock.freeze());
        clock
    }

    /// The initial state. `None` for the default.
    fn seed(&self) -> Result<Option<Seed>, CliError> {
        let (file, number) = match &self.seed {
            None => (None, 0),
            Some(SeedValue::File(path)) => (Some(Seed::from_file(path)?), 0),
            Some(SeedValue::Number(number)) => (None, *number),
        };
        let Some(users) = self.users else {
            return if matches!(self.seed, Some(SeedValue::Number(_))) { Err(CliError::NumberAlone) } else { Ok(file) };
        };
        let default = || Organization { id: "12345@AdobeOrg".into(), ..Default::default() };
        let mut seed = file.unwrap_or_else(|| Seed { organizations: vec![default()], ..Seed::default() });
        let first = seed.organizations.first_mut().ok_or(CliError::NothingToGenerateFor)?;
        let (groups, profiles) = (self.groups.unwrap_or(0), self.profiles.unwrap_or(0));
        first.generate = Some(Generate { users, groups, profiles, seed: number });
        Ok(Some(seed))
    }
}

/// A seed file, or the seed of the random generator.
#[derive(Debug, Clone, PartialEq, Eq)]
enum SeedValue {
    File(PathBuf),
    Number(u64),
}

impl FromStr for SeedValue {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(text.parse().map_or_else(|_| Self::File(text.into()), Self::Number))
    }
}

/// `documented`, `reported`, `severe`, `off`, or a file in YAML or JSON.
fn limits(text: &str) -> Result<LimitSettings, String> {
    if let Some(preset) = LimitSettings::preset(text) {
        return Ok(preset);
    }
    let expected = "use documented, reported, severe, off or a file";
    let file = fs::read(text).map_err(|error| format!("{expected}: {error}"))?;
    let limits = mistake::text_of(&file).and_then(|text| mistake::read_yaml(text, yaml_options()));
    limits.map_err(|Mistake { location, message }| format!("{text}, {location}: {message}"))
}

/// A time such as `2026-01-01T00:00:00Z`.
fn time(text: &str) -> Result<SystemTime, String> {
    OffsetDateTime::parse(text, &Rfc3339)
        .map(SystemTime::from)
        .map_err(|error| format!("use a time like 2026-01-01T00:00:00Z: {error}"))
}

/// The number of entries on a page: at least one.
fn page_size() -> clap::builder::RangedU64ValueParser {
    clap::value_parser!(u64).range(1..=1_000_000)
}

#[cfg(test)]
mod tests {
    use umapi_model::ThrottleClass;

    use super::*;
    use crate::FirstPageLimit;

    #[test]
    fn a_seed_of_digits_is_a_number() {
        assert_eq!("42".parse(), Ok(SeedValue::Number(42)));
        assert_eq!("42.yaml".parse(), Ok(SeedValue::File("42.yaml".into())));
    }

    #[test]
    fn limits_are_a_word_or_a_file() {
        assert_eq!(limits("off"), Ok(LimitSettings::off()));
        assert_eq!(limits("reported"), Ok(LimitSettings::reported()));
        assert!(limits("of").unwrap_err().contains("documented"));
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "{classes: {action: {client: 1, application: 2}}, retryAfter: date}").unwrap();
        let own = limits(file.path().to_str().unwrap()).unwrap();
        assert_eq!(
            own,
            LimitSettings::off().with_class(ThrottleClass::Action, 1, 2).with_retry_after(crate::RetryAfter::Date)
        );
        fs::write(file.path(), "{clases: {}}").unwrap();
        assert!(limits(file.path().to_str().unwrap()).unwrap_err().contains("clases"));
    }

    #[test]
    fn options_of_first_pages_override_the_limits() {
        #[derive(clap::Parser)]
        struct Parser {
            #[command(flatten)]
            options: Options,
        }
        let of = |arguments: &str, seed: Option<&Seed>| {
            let arguments = std::iter::once("umapi-emulator").chain(arguments.split_whitespace());
            <Parser as clap::Parser>::try_parse_from(arguments).unwrap().options.limits(seed)
        };
        let reported = FirstPageLimit::reported();
        let seed = Seed { limits: Some(LimitSettings::off()), ..Seed::default() };
        assert_eq!(of("", Some(&seed)), None, "the emulator takes those of the seed");
        let period = FirstPageLimit { period_seconds: 5, ..reported };
        assert_eq!(of("--first-page-period 5", Some(&seed)), Some(LimitSettings::off().with_first_pages(period)));
        assert_eq!(of("--first-page-period 5", None), Some(LimitSettings::documented().with_first_pages(period)));
        let block = FirstPageLimit { block_seconds: 7, ..reported };
        let expected = LimitSettings::severe().with_first_pages(block);
        assert_eq!(of("--limits severe --first-page-block 7", Some(&seed)), Some(expected));
    }

    #[test]
    fn a_time_needs_a_zone() {
        assert!(time("2026-01-01T00:00:00Z").is_ok());
        assert!(time("2026-01-01").unwrap_err().contains("2026-01-01T00:00:00Z"));
    }
}
