//! Benchmark of reading a directory: people and a group of all of them, from an OpenLDAP server that it starts.

use std::{
    fmt::Write as _,
    fs,
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;
use umapi_directory::{Directory as _, GroupSelector, LdapDirectory, LdapSettings, Query};
use umapi_time::Clock;

use crate::{
    Run,
    machine::Usage,
    peers::Figures,
    report::{Table, median, spread},
};

const SLAPD: &str = "/usr/sbin/slapd";

/// An OpenLDAP server.
struct Slapd {
    process: Child,
    url: String,
}

/// Reads a directory once and prints the cost.
pub(crate) async fn read(url: &str) -> Result<()> {
    let settings: LdapSettings = serde_json::from_value(json!({
        "url": [url], "base": "dc=example,dc=com", "user": "cn=admin,dc=example,dc=com",
    }))?;
    let directory = LdapDirectory::new(settings, Some("secret".into()), std::env::temp_dir());
    let query = Query {
        groups: vec![GroupSelector::Named("Everyone".to_owned())],
        attributes: ["mail", "givenName", "sn", "c"].map(str::to_owned).to_vec(),
        everyone: true,
    };
    let clock = Clock::real();
    let begun = clock.now();
    let mut people = 0;
    let reading = directory.read(&query, &mut |_| people += 1).await?;
    let seconds = (clock.now() - begun).as_secs_f64();
    let members = reading.groups.get("Everyone").and_then(|group| group.members.complete().ok());
    let members = members.map_or(0, |members| members.get().len());
    ensure!(reading.people.complete().is_ok() && members == people, "{people} people, {members} members");
    let used = Usage::now();
    println!(
        "{}",
        json!({"users": people, "completed": members, "seconds": seconds, "cpu_seconds": used.cpu_seconds,
               "peak_mib": used.peak_mib})
    );
    Ok(())
}

pub(crate) async fn measure(run: &Run) -> Result<Option<Table>> {
    if !Path::new(SLAPD).exists() {
        println!("{SLAPD} is not installed: reading a directory is not measured");
        return Ok(None);
    }
    let people = if run.quick { 1_000 } else { 100_000 };
    let server = Slapd::start(&run.folder.join("slapd"), people).await?;
    let how = "People of an OpenLDAP server on this machine, page by page, and a group of all of them, each list proven \
               whole. The cost is that of the reader. Three processes.";
    let mut table = Table::new("Reading a directory", how, &["people", "CPU seconds", "wall seconds", "peak MiB"]);
    let own = std::env::current_exe().context("the path of this program")?;
    let mut figures = Vec::new();
    for _ in 0..3 {
        figures.push(Figures::of(Command::new(&own).args(["read-directory", &server.url]))?);
    }
    ensure!(figures.iter().all(|one| one.completed == people), "{people} people: {figures:?}");
    let column = |of: fn(&Figures) -> f64| figures.iter().map(of).collect::<Vec<_>>();
    table.row([
        format!("{:.0}", median(&column(|one| one.completed as f64))),
        spread(&column(|one| one.cpu_seconds), 2),
        spread(&column(|one| one.seconds), 2),
        spread(&column(|one| one.peak_mib), 0),
    ]);
    Ok(Some(table))
}

impl Slapd {
    /// Starts a server with its data in a new folder.
    async fn start(folder: &Path, people: usize) -> Result<Self> {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        fs::create_dir_all(folder.join("data"))?;
        let folder = folder.canonicalize()?;
        let at = |name: &str| folder.join(name);
        let schemas =
            ["core", "cosine", "inetorgperson"].map(|name| format!("include /etc/ldap/schema/{name}.schema\n"));
        let configuration = format!(
            "{}modulepath /usr/lib/ldap\nmoduleload back_mdb\npidfile {pid}\ndatabase mdb\nsuffix dc=example,dc=com\n\
             rootdn cn=admin,dc=example,dc=com\nrootpw secret\ndirectory {data}\nmaxsize 4294967296\n",
            schemas.concat(),
            pid = at("pid").display(),
            data = at("data").display(),
        );
        fs::write(at("slapd.conf"), configuration)?;
        fs::write(at("data.ldif"), ldif(people))?;
        let mut add = Command::new("/usr/sbin/slapadd");
        add.args(["-q", "-f"]).arg(at("slapd.conf")).arg("-l").arg(at("data.ldif"));
        let added = add.output().context("cannot start slapadd")?;
        ensure!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let url = format!("ldap://{address}");
        let mut slapd = Command::new(SLAPD);
        slapd.args(["-d", "0", "-h", &url, "-f"]).arg(at("slapd.conf")).stdout(Stdio::null()).stderr(Stdio::null());
        let server = Self { process: slapd.spawn().context("cannot start slapd")?, url };
        let clock = Clock::real();
        for _ in 0..200 {
            if TcpStream::connect(address).is_ok() {
                return Ok(server);
            }
            clock.sleep(Duration::from_millis(50)).await;
        }
        bail!("slapd does not answer")
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        // It may have ended on its own.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn ldif(people: usize) -> String {
    let mut entries = String::from("dn: dc=example,dc=com\nobjectClass: domain\ndc: example\n\n");
    let mut group = String::from("dn: cn=Everyone,dc=example,dc=com\nobjectClass: groupOfNames\ncn: Everyone\n");
    for number in 0..people {
        // Writing to a string cannot fail.
        let _ = write!(
            entries,
            "dn: uid=p{number},dc=example,dc=com\nobjectClass: inetOrgPerson\nuid: p{number}\ncn: p{number}\n\
             givenName: First{number}\nsn: Last{number}\nmail: p{number}@bench.example\n\n"
        );
        let _ = writeln!(group, "member: uid=p{number},dc=example,dc=com");
    }
    entries + &group
}
