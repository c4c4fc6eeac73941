//! `umapi sync` with a domain of Active Directory that tells what changed: Samba, where it is installed.

use std::{os::unix::fs::MetadataExt as _, process::Stdio, time::Duration};

use umapi_emulator::{LimitSettings, Operation, store::ChangeKind};

use crate::{
    directory_servers::samba::{PASSWORD, Samba},
    stage::{Ended, Stage, ended},
    sync::stage_with,
};

const ENTRIES: &str = "dn: OU=Staff,DC=samba,DC=test
objectClass: organizationalUnit

dn: CN=Ann,OU=Staff,DC=samba,DC=test
objectClass: user
sAMAccountName: ann
userAccountControl: 544
mail: ann@example.com

dn: CN=Bob,OU=Staff,DC=samba,DC=test
objectClass: user
sAMAccountName: bob
userAccountControl: 544
mail: bob@example.com

dn: CN=Artists,OU=Staff,DC=samba,DC=test
objectClass: group
sAMAccountName: Artists
member: CN=Ann,OU=Staff,DC=samba,DC=test
member: CN=Bob,OU=Staff,DC=samba,DC=test
";

const NOTHING: &str = "dn: CN=Artists,OU=Staff,DC=samba,DC=test
changetype: modify
replace: description
description: artists
";

/// A joiner in the group, and a leaver who is deleted.
fn joiner_and_leaver(joiner: &str, leaver: &str) -> String {
    format!(
        "dn: CN={joiner},OU=Staff,DC=samba,DC=test\nchangetype: add\nobjectClass: user\nsAMAccountName: {joiner}\n\
         userAccountControl: 544\nmail: {joiner}@example.com\n\n\
         dn: CN=Artists,OU=Staff,DC=samba,DC=test\nchangetype: modify\nadd: member\n\
         member: CN={joiner},OU=Staff,DC=samba,DC=test\n\n\
         dn: CN={leaver},OU=Staff,DC=samba,DC=test\nchangetype: delete\n"
    )
}

fn stage(samba: &Samba) -> Stage {
    let stage = stage_with(LimitSettings::off());
    stage.file("password", PASSWORD);
    let certificates = samba.root_certificates();
    stage.file(
        "umapi-sync.toml",
        format!(
            "[[org]]\nprofile = \"main\"\n\n[[directory]]\nkind = \"ldap\"\nurl = \"{}\"\nbase = \"OU=Staff,DC=samba,DC=test\"\n\
             user = \"administrator@samba.test\"\npassword = {{ file = \"password\" }}\nroot_certificates = \"{}\"\ndelta = true\n\n\
             [people]\nemail = \"{{mail}}\"\nfirstname = \"{{cn}}\"\nlastname = \"{{cn}}\"\ncountry = \"US\"\n\n[[map]]\nfrom = \"Artists\"\nto = [\"Design\"]\n\n\
             [leavers]\nremove = \"now\"\n\n[guard]\nleavers = \"off\"\nremovals_per_group = \"off\"\ndirectory_shrinks = \"off\"\n",
            samba.url(),
            certificates.display(),
        ),
    );
    stage
}

fn apply(stage: &Stage) -> Ended {
    ended(stage.cached_command().args(["sync", "apply", "--auto"]))
}

/// The mirror is a new file after everything was read.
fn mirror(stage: &Stage) -> u64 {
    std::fs::metadata(stage.path("umapi-sync.state.1-ldap.mirror")).unwrap().ino()
}

fn lists(stage: &Stage) -> [usize; 2] {
    [Operation::ListUsers, Operation::ListGroups].map(|operation| stage.emulator.journal().count(operation))
}

/// One test, since a domain controller needs seconds to start.
#[test]
fn what_changed_in_a_domain_reaches_adobe_in_one_run() {
    let Some(samba) = Samba::start("127.0.0.80", ENTRIES, NOTHING) else { return };
    let stage = stage(&samba);
    apply(&stage).done();
    assert_eq!(stage.groups_of("bob@example.com"), ["Design"]);
    apply(&stage).done().saying("nothing to change");
    let (first, before) = (mirror(&stage), lists(&stage));

    samba.change(&joiner_and_leaver("eve", "Bob"));
    let since = stage.emulator.ledger().position().unwrap();
    let run = apply(&stage).done();
    assert_eq!(lists(&stage), before, "no first page of Adobe is read");
    assert_eq!(mirror(&stage), first, "the domain is not read again: {}", run.err);
    assert!(!run.err.contains("everything is read"), "{}", run.err);
    assert_eq!(stage.groups_of("eve@example.com"), ["Design"]);
    let left = |since| {
        let changes = stage.emulator.ledger().since(since).unwrap();
        changes.iter().filter(|change| change.kind == ChangeKind::UserLeft).count()
    };
    assert_eq!(left(since), 1, "{}", run.err);
    apply(&stage).done().saying("nothing to change");

    a_run_that_is_killed_loses_no_change(&samba, &stage);
    assert_eq!(mirror(&stage), first);
}

/// Whatever moment a run ends at, the next one makes the rest.
#[allow(clippy::disallowed_methods)] // A process of its own has no clock of ours.
fn a_run_that_is_killed_loses_no_change(samba: &Samba, stage: &Stage) {
    let mut leaver = "eve".to_owned();
    for (number, delay) in [20, 60, 100, 140, 200, 300].into_iter().enumerate() {
        let joiner = format!("kim{number}");
        samba.change(&joiner_and_leaver(&joiner, &leaver));
        let mut run = stage.cached_command();
        run.args(["sync", "apply", "--auto"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut run = run.spawn().unwrap();
        std::thread::sleep(Duration::from_millis(delay));
        let _ = run.kill();
        run.wait().unwrap();
        apply(stage).done();
        assert_eq!(stage.groups_of(&format!("{joiner}@example.com")), ["Design"], "killed after {delay} ms");
        let rest = apply(stage).done();
        rest.saying("nothing to change");
        leaver = joiner;
    }
}
