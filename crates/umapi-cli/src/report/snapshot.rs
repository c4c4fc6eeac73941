//! Snapshots of an organization: what reports compare, as a file.
//!
//! The first line has the format and the digests of the rest. The second line is the [`Head`], which is all that a trend needs.
//! Then follow a line for each group, and a line for each user.

use std::io::{self, BufRead, Read as _, Write};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::organization::{GroupEntry, License, Organization, Person};

const FORMAT: u32 = 1;

/// The longest first line, in bytes.
const SEAL: u64 = 1_000;

/// The longest other line, in bytes.
const LINE: u64 = 256 * 1024 * 1024;

/// The first line.
#[derive(Debug, Deserialize, Serialize)]
struct Seal {
    umapi_snapshot: u32,
    head: String,
    body: String,
}

/// The format alone, which every version can read.
#[derive(Deserialize)]
struct FormatOnly {
    umapi_snapshot: u32,
}

/// What a snapshot is about, and its licenses.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Head {
    pub(crate) organization: String,
    pub(crate) server: String,
    pub(crate) as_of: String,
    pub(crate) direct_only: bool,
    pub(crate) is_partial: bool,
    pub(super) groups: usize,
    pub(super) users: usize,
    pub(crate) licenses: Vec<License>,
}

/// Why a file is not a snapshot that can be used.
#[derive(Debug)]
pub(crate) enum Unreadable {
    NotASnapshot,
    Newer(u32),
    Damaged,
    Disk(io::Error),
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotASnapshot => f.write_str("it is not a snapshot of umapi"),
            Self::Newer(format) => write!(f, "it has the format {format} of a newer umapi"),
            Self::Damaged => f.write_str("it is damaged"),
            Self::Disk(error) => write!(f, "{error}"),
        }
    }
}

impl From<io::Error> for Unreadable {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

impl Head {
    pub(super) fn of(organization: &Organization) -> Self {
        Self {
            organization: organization.id.clone(),
            server: organization.server.clone(),
            as_of: organization.as_of.clone(),
            direct_only: organization.direct_only,
            is_partial: organization.is_partial,
            groups: organization.groups.len(),
            users: organization.users.len(),
            licenses: organization.licenses(),
        }
    }
}

/// Writes a snapshot.
pub(crate) fn write(organization: &Organization) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    for group in &organization.groups {
        serde_json::to_writer(&mut body, group)?;
        body.push(b'\n');
    }
    for user in &organization.users {
        serde_json::to_writer(&mut body, user)?;
        body.push(b'\n');
    }
    let mut head = serde_json::to_vec(&Head::of(organization))?;
    head.push(b'\n');
    let seal = Seal { umapi_snapshot: FORMAT, head: digest(&head), body: digest(&body) };
    let mut out = serde_json::to_vec(&seal)?;
    out.push(b'\n');
    out.write_all(&head)?;
    out.write_all(&body)?;
    Ok(out)
}

/// Reads what a snapshot is about, and not the rest.
pub(crate) fn read_head(input: &mut impl BufRead) -> Result<Head, Unreadable> {
    read_begin(input).map(|(head, _)| head)
}

/// Reads a whole snapshot.
pub(crate) fn read(input: &mut impl BufRead) -> Result<Organization, Unreadable> {
    let (head, expected) = read_begin(input)?;
    let mut hash = Sha256::new();
    let mut organization = Organization {
        id: head.organization,
        server: head.server,
        as_of: head.as_of,
        direct_only: head.direct_only,
        is_partial: head.is_partial,
        ..Organization::default()
    };
    for number in 0.. {
        let line = line(input, LINE)?;
        if line.is_empty() {
            break;
        }
        hash.update(&line);
        if number < head.groups {
            organization.groups.push(serde_json::from_slice::<GroupEntry>(&line).map_err(|_| Unreadable::Damaged)?);
        } else {
            organization.users.push(serde_json::from_slice::<Person>(&line).map_err(|_| Unreadable::Damaged)?);
        }
    }
    let is_whole = (organization.groups.len(), organization.users.len()) == (head.groups, head.users);
    if !is_whole || hex(&hash.finalize()) != expected {
        return Err(Unreadable::Damaged);
    }
    Ok(organization)
}

/// Returns the head, and the digest of the body.
fn read_begin(input: &mut impl BufRead) -> Result<(Head, String), Unreadable> {
    let first = line(input, SEAL)?;
    let Ok(FormatOnly { umapi_snapshot: format }) = serde_json::from_slice(&first) else {
        let is_begun = first.is_empty()
            || b"{\"umapi_snapshot\":".starts_with(&first)
            || first.starts_with(b"{\"umapi_snapshot\":");
        return Err(if is_begun { Unreadable::Damaged } else { Unreadable::NotASnapshot });
    };
    if format > FORMAT {
        return Err(Unreadable::Newer(format));
    }
    let seal: Seal = serde_json::from_slice(&first).map_err(|_| Unreadable::Damaged)?;
    let head = line(input, LINE)?;
    if digest(&head) != seal.head {
        return Err(Unreadable::Damaged);
    }
    let head: Head = serde_json::from_slice(&head).map_err(|_| Unreadable::Damaged)?;
    Ok((head, seal.body))
}

/// Reads a line with its end. Empty at the end of the file.
fn line(input: &mut impl BufRead, longest: u64) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    input.by_ref().take(longest).read_until(b'\n', &mut line)?;
    Ok(line)
}

fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::organization::tests::sample;

    #[test]
    fn snapshot_is_read_back_as_it_was() {
        let mut organization = sample();
        organization.groups[2].waiting = Some(vec!["=x\n\u{202e}".to_owned()]);
        let written = write(&organization).unwrap();
        assert_eq!(read(&mut written.as_slice()).unwrap(), organization);
        assert_eq!(read_head(&mut written.as_slice()).unwrap(), Head::of(&organization));
    }

    #[test]
    fn every_damage_is_noticed() {
        let written = write(&sample()).unwrap();
        for end in 0..written.len() {
            assert!(matches!(read(&mut &written[..end]), Err(Unreadable::Damaged)), "cut at {end}");
        }
        let head_at = written.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        for place in head_at..written.len() {
            let mut damaged = written.clone();
            damaged[place] ^= 1;
            assert!(read(&mut damaged.as_slice()).is_err(), "changed at {place}");
        }
        let twice = [written.as_slice(), b"{}\n"].concat();
        assert!(matches!(read(&mut twice.as_slice()), Err(Unreadable::Damaged)));
    }

    #[test]
    fn other_files_and_newer_ones_are_told_apart() {
        let error = |text: &str| read(&mut text.as_bytes()).unwrap_err().to_string();
        assert_eq!(error("email,groups\n"), "it is not a snapshot of umapi");
        assert_eq!(error("{\"umapi_snapshot\":2,\"new\":[]}\n"), "it has the format 2 of a newer umapi");
        assert_eq!(error(""), "it is damaged");
    }
}
