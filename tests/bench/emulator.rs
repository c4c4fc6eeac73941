//! An emulator in a process of its own, without rate limits, and its connection data.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde::Deserialize;
use umapi::{
    Client, RateLimits,
    auth::{Credentials, Endpoint, OAuthServerToServer, Session},
};
use umapi_time::Clock;

/// The connection data of an emulator.
#[derive(Args, Clone, Debug)]
pub(crate) struct Address {
    #[arg(long)]
    pub(crate) um_url: String,
    #[arg(long)]
    pub(crate) ims_url: String,
    #[arg(long)]
    pub(crate) organization: String,
    #[arg(long)]
    pub(crate) client_id: String,
    #[arg(long)]
    pub(crate) client_secret: String,
}

impl Address {
    /// A client without rate limits, because the emulator has none.
    pub(crate) fn client(&self) -> Result<Client> {
        let builder = Client::builder(&self.organization).credentials(self.credentials()?).base_url(&self.um_url);
        Ok(builder.rate_limits(RateLimits::unlimited()).build()?)
    }

    /// An access token for requests that are sent without the client.
    pub(crate) async fn token(&self) -> Result<String> {
        Ok(Session::new(self.credentials()?)?.token().await?.reveal().to_owned())
    }

    fn credentials(&self) -> Result<Credentials> {
        let login = OAuthServerToServer::new(&self.client_id, self.client_secret.as_str())?;
        Ok(Credentials::from(login).with_endpoint(Endpoint::parse(&self.ims_url)?))
    }

    /// The connection data as program arguments.
    pub(crate) fn arguments(&self) -> Vec<String> {
        [
            ("--um-url", &self.um_url),
            ("--ims-url", &self.ims_url),
            ("--organization", &self.organization),
            ("--client-id", &self.client_id),
            ("--client-secret", &self.client_secret),
        ]
        .map(|(flag, value)| [flag.to_owned(), value.clone()])
        .concat()
    }
}

/// A running emulator. Dropping it ends the process.
pub(crate) struct Emulator {
    process: Child,
    pub(crate) address: Address,
    /// Host and port of the login over HTTPS, and the certificate to trust, for the peers.
    pub(crate) login_host: String,
    pub(crate) ca_path: String,
    pub(crate) management_url: String,
    /// Time from starting the process to its ready line.
    pub(crate) started_in: Duration,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ready {
    um_url: String,
    ims_url: String,
    ims_https_url: String,
    organization: String,
    credentials: ReadyCredentials,
    ca_path: String,
    management_url: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReadyCredentials {
    client_id: String,
    client_secret: String,
}

impl Emulator {
    /// Starts an emulator with the given numbers of users and user groups, and with 40 product profiles.
    pub(crate) fn start(program: &Path, users: usize, groups: usize) -> Result<Self> {
        let (users, groups) = (users.to_string(), groups.to_string());
        let made_up = ["--users", &users, "--groups", &groups, "--profiles", "40", "--seed", "42"];
        let clock = Clock::real();
        let begun = clock.now();
        let mut process = Command::new(program)
            .args(made_up)
            .args(["--limits", "off"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().context("no output")?).read_line(&mut line)?;
        let started_in = clock.now() - begun;
        let ready: Ready = serde_json::from_str(&line).context("the emulator printed no ready line")?;
        let address = Address {
            um_url: ready.um_url,
            ims_url: ready.ims_url,
            organization: ready.organization,
            client_id: ready.credentials.client_id,
            client_secret: ready.credentials.client_secret,
        };
        let login_host = ready.ims_https_url.trim_start_matches("https://").to_owned();
        let (ca_path, management_url) = (ready.ca_path, ready.management_url);
        Ok(Self { process, address, login_host, ca_path, management_url, started_in })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Sends SIGTERM, like a service manager.
    pub(crate) fn terminate(&self) -> Result<()> {
        let asked =
            Command::new("kill").args(["-TERM", &self.pid().to_string()]).status().context("cannot start kill")?;
        ensure!(asked.success(), "cannot signal the emulator");
        Ok(())
    }

    /// The exit status. `None` while the process runs.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.process.try_wait()?)
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
