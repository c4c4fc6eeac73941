//! An OpenLDAP server for a test: on a free port, with its own data, ended with the test.

use std::{
    fmt::Write as _,
    fs,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;
use umapi_directory::LdapSettings;

use super::certificates::certificates;

/// Where Debian and others install it.
const PROGRAMS: [&str; 3] = ["/usr/sbin/slapd", "/usr/lib/openldap/slapd", "/usr/libexec/slapd"];

/// A running server.
pub(crate) struct Slapd {
    process: Child,
    folder: TempDir,
    pub(crate) url: String,
    tls_port: u16,
}

/// How to read a server as its administrator.
pub(crate) fn settings(url: &str) -> LdapSettings {
    LdapSettings {
        url: vec![url.to_owned()],
        base: "dc=example,dc=com".to_owned(),
        group_base: None,
        preset: None,
        user: Some("cn=admin,dc=example,dc=com".to_owned()),
        password: None,
        login: None,
        start_tls: None,
        root_certificates: None,
        people_filter: None,
        group_filter: None,
        group_name: None,
        id: None,
        nested: None,
        missing_members: None,
        ignore_referrals: None,
        page_size: None,
        timeout: None,
    }
}

/// People `p1`, `p2`, …, all of them in the group `Everyone`.
pub(crate) fn people(count: usize) -> String {
    let mut ldif = String::from("dn: dc=example,dc=com\nobjectClass: domain\ndc: example\n\n");
    let mut group = String::from("dn: cn=Everyone,dc=example,dc=com\nobjectClass: groupOfNames\ncn: Everyone\n");
    for number in 1..=count {
        let _ = write!(
            ldif,
            "dn: cn=p{number},dc=example,dc=com\nobjectClass: inetOrgPerson\ncn: p{number}\nsn: P\nuid: p{number}\nmail: p{number}@example.com\n\n"
        );
        let _ = writeln!(group, "member: cn=p{number},dc=example,dc=com");
    }
    ldif + &group
}

impl Slapd {
    /// Starts a server with these entries. `options` are more lines of its configuration. `None` where it is not installed.
    pub(crate) fn start(ldif: &str, options: &str) -> Option<Self> {
        Self::start_in(tempfile::tempdir().expect("a folder"), ldif, "", options)
    }

    /// Starts a server with a certificate. Returns the certificate of its authority, too.
    pub(crate) fn start_with_tls(ldif: &str) -> Option<(Self, PathBuf)> {
        let folder = tempfile::tempdir().expect("a folder");
        certificates(folder.path(), "127.0.0.1");
        let path = |name: &str| folder.path().join(name);
        let shown = |name: &str| path(name).display().to_string();
        let tls = format!(
            "TLSCACertificateFile {}\nTLSCertificateFile {}\nTLSCertificateKeyFile {}\n",
            shown("ca.pem"),
            shown("cert.pem"),
            shown("key.pem")
        );
        let ca = path("ca.pem");
        Some((Self::start_in(folder, ldif, &tls, "")?, ca))
    }

    fn start_in(folder: TempDir, ldif: &str, global: &str, options: &str) -> Option<Self> {
        let Some(program) = PROGRAMS.iter().find(|path| Path::new(path).exists()) else {
            println!("skipped: slapd is not installed (Debian: apt-get install slapd)");
            return None;
        };
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("data")).expect("a folder");
        fs::write(at("data.ldif"), ldif).expect("a file");
        let schemas =
            ["core", "cosine", "inetorgperson", "nis"].map(|name| format!("include /etc/ldap/schema/{name}.schema\n"));
        let configuration = format!(
            "{}modulepath /usr/lib/ldap\nmoduleload back_mdb\npidfile {pid}\nargsfile {args}\n{global}\
             authz-regexp \"gidNumber=.*,cn=peercred,cn=external,cn=auth\" \"cn=admin,dc=example,dc=com\"\n\
             database mdb\nsuffix dc=example,dc=com\nrootdn cn=admin,dc=example,dc=com\nrootpw secret\n\
             directory {data}\nmaxsize 1073741824\n{options}\n",
            schemas.concat(),
            pid = at("pid").display(),
            args = at("args").display(),
            data = at("data").display(),
        );
        // The administrator of a database has no limits: limits are tested as another user.
        let configuration = if options.contains("sizelimit") {
            configuration.replace("rootdn cn=admin", "rootdn cn=root").replace("rootpw secret\n", "")
        } else {
            configuration
        };
        fs::write(at("slapd.conf"), configuration).expect("a file");
        let ldif_with_admin = "\ndn: cn=admin,dc=example,dc=com\nobjectClass: simpleSecurityObject\nobjectClass: organizationalRole\ncn: admin\nuserPassword: secret\n";
        if options.contains("sizelimit") {
            fs::write(at("data.ldif"), format!("{ldif}{ldif_with_admin}")).expect("a file");
        }
        let add = Command::new(program.replace("slapd", "slapadd"))
            .args(["-q", "-f"])
            .arg(at("slapd.conf"))
            .arg("-l")
            .arg(at("data.ldif"))
            .output()
            .expect("slapadd runs");
        assert!(add.status.success(), "{}", String::from_utf8_lossy(&add.stderr));
        for _ in 0..20 {
            let (port, tls_port) = (free_port(), free_port());
            let url = format!("ldap://127.0.0.1:{port}");
            let socket = at("socket").display().to_string().replace('/', "%2F");
            let mut urls = format!("{url} ldapi://{socket}");
            if !global.is_empty() {
                let _ = write!(urls, " ldaps://127.0.0.1:{tls_port}");
            }
            let mut process = Command::new(program)
                .args(["-d", "0", "-h", &urls, "-f"])
                .arg(at("slapd.conf"))
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("slapd starts");
            if answers(&mut process, port) {
                return Some(Self { process, folder, url, tls_port });
            }
        }
        panic!("slapd does not start");
    }

    /// The address of the server with TLS from the first byte on.
    pub(crate) fn tls_url(&self) -> String {
        format!("ldaps://127.0.0.1:{}", self.tls_port)
    }

    /// The address of the server's socket.
    pub(crate) fn socket_url(&self) -> String {
        let path = self.folder.path().join("socket").display().to_string();
        format!("ldapi://{}", path.replace('/', "%2F"))
    }

    /// The host and the port.
    pub(crate) fn address(&self) -> &str {
        self.url.trim_start_matches("ldap://")
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}

/// Waits until a server answers. `false` if it ended, for example since another process took the port.
#[allow(clippy::disallowed_methods)] // A process of another program has no clock of ours.
fn answers(process: &mut Child, port: u16) -> bool {
    for _ in 0..600 {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return true;
        }
        if process.try_wait().ok().flatten().is_some() {
            return false;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    false
}

impl Drop for Slapd {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
