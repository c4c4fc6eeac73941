//! A certificate that was not accepted, and why.

use std::{error::Error, fmt};

/// The longest name that is quoted from a certificate, in characters.
const MAX_NAME: usize = 100;

/// The most names of a certificate that are quoted.
const MAX_NAMES: usize = 5;

/// A certificate that was not accepted, and why. Nothing in it is proven: an attacker writes what he likes into a certificate.
#[derive(Clone, Debug)]
pub(crate) struct UntrustedCertificate {
    pub(super) reason: Reason,
    pub(super) issuer: Option<Issuer>,
}

/// Why a certificate was not accepted.
#[derive(Clone, Debug)]
pub(super) enum Reason {
    UnknownIssuer,
    Expired,
    NotValidYet,
    /// It is for other names, as far as they are known.
    OtherName(Option<Vec<String>>),
    Other(String),
}

/// Who issued a certificate, by its own account.
#[derive(Clone, Debug)]
pub(super) enum Issuer {
    Itself(String),
    Other {
        name: String,
        /// The issuer of the last certificate that the server sent, if it is another one.
        top: Option<String>,
    },
}

impl UntrustedCertificate {
    /// Whether the clock of this machine may be the cause.
    pub(crate) fn is_about_time(&self) -> bool {
        matches!(self.reason, Reason::Expired | Reason::NotValidYet)
    }

    /// Whether trusting the issuer would help.
    pub(crate) fn is_unknown_issuer(&self) -> bool {
        matches!(self.reason, Reason::UnknownIssuer)
    }
}

/// What is wrong with the certificate, after "the certificate of …".
impl fmt::Display for UntrustedCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.reason, &self.issuer) {
            (Reason::UnknownIssuer, None) => f.write_str("was issued by an authority that this machine does not trust"),
            (Reason::UnknownIssuer, Some(Issuer::Itself(name))) => {
                write!(f, "was issued by itself ({name}), and this machine does not trust it")
            }
            (Reason::UnknownIssuer, Some(Issuer::Other { name, top })) => {
                write!(f, "was issued by {name}")?;
                if let Some(top) = top {
                    write!(f, " under {top}")?;
                }
                f.write_str(", which this machine does not trust")
            }
            (Reason::Expired, _) => f.write_str("has expired, or the clock of this machine is ahead"),
            (Reason::NotValidYet, _) => f.write_str("is not valid yet, or the clock of this machine is behind"),
            (Reason::OtherName(None), _) => f.write_str("is for another name"),
            (Reason::OtherName(Some(names)), _) if names.is_empty() => f.write_str("is for another name: none"),
            (Reason::OtherName(Some(names)), _) => {
                let names: Vec<_> = names.iter().take(MAX_NAMES).map(|name| printable(name)).collect();
                write!(f, "is for another name: {}", names.join(", "))
            }
            (Reason::Other(why), _) => write!(f, "cannot be trusted ({why})"),
        }
    }
}

impl Error for UntrustedCertificate {}

/// A text from a certificate, without what could deceive on a terminal.
pub(super) fn printable(text: &str) -> String {
    let is_deceptive = |c: char| {
        c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if is_deceptive(c) { '?' } else { c }).take(MAX_NAME).collect()
}
