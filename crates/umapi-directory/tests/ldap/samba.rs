//! A domain controller of Active Directory for a test: Samba, on an address of its own, since its ports are fixed.

use std::{
    fs,
    net::TcpStream,
    os::unix::{fs::MetadataExt as _, fs::PermissionsExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use super::certificates::certificates;

/// The password of `administrator@samba.test`, and of others whom a test makes.
pub(crate) const PASSWORD: &str = "Passw0rd!";

/// Adds entries to the database of a domain controller that is not running yet.
const ADD: &str = "
import sys
from samba.param import LoadParm
from samba.auth import system_session
from samba.samdb import SamDB
lp = LoadParm()
lp.load(sys.argv[1])
db = SamDB(url=lp.private_path('sam.ldb'), session_info=system_session(), lp=lp)
db.add_ldif(open(sys.argv[2], encoding='utf-8').read())
db.modify_ldif(open(sys.argv[3], encoding='utf-8').read())
";

/// Changes entries of a domain controller.
const CHANGE: &str = "
import ldb, sys
from samba.param import LoadParm
from samba.auth import system_session
from samba.samdb import SamDB
lp = LoadParm()
lp.load(sys.argv[1])
db = SamDB(url=lp.private_path('sam.ldb'), session_info=system_session(), lp=lp)
for kind, entry in db.parse_ldif(open(sys.argv[2], encoding='utf-8').read()):
    text = lambda name: entry[name][0].decode()
    if kind == ldb.CHANGETYPE_ADD:
        db.add(entry)
    elif kind == ldb.CHANGETYPE_DELETE:
        db.delete(entry.dn)
    elif 'newrdn' in entry:
        parent = text('newsuperior') if 'newsuperior' in entry else str(entry.dn.parent())
        db.rename(entry.dn, ldb.Dn(db, text('newrdn') + ',' + parent))
    else:
        db.modify(entry)
";

/// A running domain controller of the domain `samba.test`.
pub(crate) struct Samba {
    process: Child,
    folder: TempDir,
    address: &'static str,
}

impl Samba {
    /// Starts a domain controller with these entries, which are changed then. `None` where that is not possible.
    ///
    /// The address is one of its own, since the ports are fixed: `127.0.0.77`.
    pub(crate) fn start(address: &'static str, ldif: &str, changes: &str) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let skip = |why: &str| println!("skipped: {why}");
        if !Path::new("/usr/sbin/samba").exists() || !Path::new("/usr/bin/samba-tool").exists() {
            skip("samba is not installed (Debian: apt-get install samba-ad-dc)");
            return None;
        }
        if fs::metadata(folder.path()).expect("a folder").uid() != 0 {
            skip("a domain controller needs the rights of root");
            return None;
        }
        if TcpStream::connect((address, 389)).is_ok() {
            skip(&format!("another server listens on {address}"));
            return None;
        }
        let at = |name: &str| folder.path().join(name);
        let interfaces = format!("--option=interfaces={address}/8");
        run(Command::new("/usr/bin/samba-tool")
            .args(["domain", "provision", "--realm=SAMBA.TEST", "--domain=SAMBA", "--server-role=dc"])
            .args(["--dns-backend=NONE", "--host-name=dc", "--option=bind interfaces only=yes", &interfaces])
            .arg(format!("--host-ip={address}"))
            .arg(format!("--adminpass={PASSWORD}"))
            .arg(format!("--targetdir={}", at("dc").display())));
        fs::write(at("data.ldif"), ldif).expect("a file");
        fs::write(at("changes.ldif"), changes).expect("a file");
        let configuration = at("dc/etc/smb.conf");
        run(Command::new("/usr/bin/python3")
            .arg("-c")
            .arg(ADD)
            .arg(&configuration)
            .arg(at("data.ldif"))
            .arg(at("changes.ldif")));
        certificates(folder.path(), address);
        fs::set_permissions(at("key.pem"), fs::Permissions::from_mode(0o600)).expect("a file");
        let tls = |name: &str, file: &str| format!("--option=tls {name}={}", at(file).display());
        let mut process = Command::new("/usr/sbin/samba")
            .args(["--foreground", "--no-process-group", "--debug-stdout", "--option=server services=ldap"])
            .arg(format!("--option=pid directory={}", folder.path().display()))
            .args([&interfaces, &tls("cafile", "ca.pem"), &tls("certfile", "cert.pem"), &tls("keyfile", "key.pem")])
            .arg("--configfile")
            .arg(&configuration)
            .stdout(fs::File::create(at("log")).expect("a file"))
            .stderr(Stdio::null())
            .stdin(Stdio::null())
            // Its own processes end with it.
            .process_group(0)
            .spawn()
            .expect("samba starts");
        match answers(&mut process, address) {
            true => Some(Self { process, folder, address }),
            false => panic!("samba does not start: {}", fs::read_to_string(at("log")).unwrap_or_default()),
        }
    }

    /// The address with TLS.
    pub(crate) fn url(&self) -> String {
        format!("ldaps://{}", self.address)
    }

    /// Changes entries while the domain controller runs.
    pub(crate) fn change(&self, ldif: &str) {
        let at = |name: &str| self.folder.path().join(name);
        fs::write(at("change.ldif"), ldif).expect("a file");
        let mut python = Command::new("/usr/bin/python3");
        run(python.arg("-c").arg(CHANGE).arg(at("dc/etc/smb.conf")).arg(at("change.ldif")));
    }

    /// The certificate of the authority.
    pub(crate) fn root_certificates(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }
}

fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().expect("it runs");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Waits until both ports answer. `false` if the server ended.
#[allow(clippy::disallowed_methods)] // A process of another program has no clock of ours.
fn answers(process: &mut Child, address: &str) -> bool {
    for _ in 0..600 {
        if [389, 636].iter().all(|&port| TcpStream::connect((address, port)).is_ok()) {
            return true;
        }
        if process.try_wait().ok().flatten().is_some() {
            return false;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    false
}

impl Drop for Samba {
    fn drop(&mut self) {
        let group = format!("-{}", self.process.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.process.wait();
    }
}
