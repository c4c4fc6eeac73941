//! The text of an error: the thing, what became of it, the way out.

use std::fmt;

use super::{Error, ErrorResponse, Kind};

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(operation) = self.operation() {
            write!(f, "{operation}: ")?;
        }
        match self.kind() {
            Kind::Invalid(message) => f.write_str(message)?,
            Kind::Login(error) => write!(f, "there is no access token: {error}")?,
            Kind::Connect(why) => {
                write!(f, "the service cannot be reached ({why}): check the network, the proxy and the address")?
            }
            Kind::Network(why) => write!(f, "the connection to the service broke ({why})")?,
            Kind::Timeout(limit) => write!(f, "no answer within {limit:?}: try later, or allow an attempt more time")?,
            Kind::Rejected(refusal) => refused(f, refusal)?,
            Kind::Unreadable { status, why } => {
                write!(f, "the service answered {status}, with a body that cannot be read ({why})")?;
            }
            Kind::Throttled => f.write_str("the next turn is further away than the throttle policy allows to wait")?,
            Kind::Journal(why) => {
                write!(f, "the journal cannot be written, so nothing more is sent: {why}")?;
            }
            Kind::Stopped => f.write_str("stopped by the caller")?,
            Kind::Deadline => f.write_str("the time for the whole call does not suffice")?,
        }
        if let Some(wait) = self.retry_after() {
            write!(f, "; it is free again in {}", Seconds(wait))?;
        }
        if self.may_have_been_applied() {
            f.write_str("; it may have been done all the same: look before you repeat it")?;
        }
        if self.requests() > 1 {
            write!(f, "; {} requests were sent", self.requests())?;
        }
        if let Some(id) = self.request_id() {
            write!(f, " [request {id}]")?;
        }
        Ok(())
    }
}

fn refused(f: &mut fmt::Formatter<'_>, refusal: &ErrorResponse) -> fmt::Result {
    write!(f, "the service answered {}", refusal.status)?;
    if let Some(code) = &refusal.code {
        write!(f, " {code}")?;
    }
    if let Some(message) = &refusal.message {
        write!(f, " ({message})")?;
    }
    if refusal.is_html {
        f.write_str(" with a web page, as something between here and the service does")?;
    }
    let remedy = refusal.code.as_ref().and_then(umapi_model::ErrorCode::remedy).or_else(|| way_out(refusal.status));
    remedy.map_or(Ok(()), |remedy| write!(f, ": {}", remedy.trim_end_matches('.')))
}

/// The way out by the status alone, for answers that say nothing more.
fn way_out(status: u16) -> Option<&'static str> {
    Some(match status {
        300..=399 => "requests are not redirected: correct the address of the service",
        400 => "look at the organization id and the parameters",
        401 => "see that the credentials belong to this organization and environment, and hold the User Management API",
        403 => {
            "see that the API key is that of an integration with the User Management API, and that the organization is not being migrated"
        }
        404 => "see that the name is spelled as in the Admin Console",
        429 => "wait, and send less at a time from other programs with the same credentials",
        500.. => "try later",
        _ => return None,
    })
}

/// A time in a form that is read at a glance.
struct Seconds(std::time::Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_secs_f64() {
            seconds if seconds < 120.0 => write!(f, "{seconds:.0} seconds"),
            seconds => write!(f, "{:.0} minutes", seconds / 60.0),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", self.kind())
            .field("operation", &self.operation())
            .field("request_id", &self.request_id())
            .field("requests", &self.requests())
            .field("may_have_been_applied", &self.may_have_been_applied())
            .field("retry_after", &self.retry_after())
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.login().map(|error| error as _)
    }
}
