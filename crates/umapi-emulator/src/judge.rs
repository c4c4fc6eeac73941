//! Compares a recording of the real service with what the description and this emulator assume.
//!
//! ```no_run
//! use umapi_emulator::{judge, recording::Recording};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let comparison = judge::compare(&Recording::open("recording.jsonl")?)?;
//! println!("{comparison}");
//! assert!(!comparison.has_contradictions());
//! # Ok(()) }
//! ```
//!
//! Every exchange is checked alone: against the description, and against what `DIFFERENCES.md` says about responses. The
//! exchanges together are checked against the rate limits. If the recording has complete lists of the users and the groups,
//! the requests after them are also sent to an emulator with the same users and groups, and the results are compared.

mod behavior;
mod claim;
mod limits;
mod responses;

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde::Serialize;
use umapi_recording::{Entry, News, Recording, RecordingError};

use self::{behavior::Behavior, claim::Claim, limits::Limits};
use crate::{contract::Contract, emulator::StartError, printable::printable_line};

/// How many contradictions of one claim, and how many news, are kept. All are counted.
const KEPT: usize = 20;

/// What a recording proves and disproves.
///
/// ```
/// use umapi_emulator::{
///     judge::{self, ClaimResult, Contradiction, NewsItem},
///     recording::Recording,
/// };
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let text = "{\"_umapi\":{\"recording\":1}}\n";
/// let comparison = judge::compare(&Recording::from_text(text)?)?;
/// for ClaimResult { entry, claim, contradictions, .. } in &comparison.claims {
///     for Contradiction { line, text, .. } in contradictions {
///         println!("line {line} disproves {entry:?}, {claim}: {text}");
///     }
/// }
/// for NewsItem { line, text, times, .. } in &comparison.news {
///     println!("new since line {line}, {times} times: {text}");
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Comparison {
    /// The number of exchanges.
    pub exchanges: usize,
    /// What was looked for: each with the exchanges that agree and those that do not.
    pub claims: Vec<ClaimResult>,
    /// What no description has, with the first line of each.
    pub news: Vec<NewsItem>,
    /// What could not be compared, and why.
    pub notes: Vec<String>,
}

/// What a recording says about one claim.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ClaimResult {
    /// The entry of `DIFFERENCES.md`, e.g. `U2`. `None` for what the service documents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<&'static str>,
    /// The claim.
    pub claim: String,
    /// How many times the recording agrees.
    pub agreed: u64,
    /// How many times it does not.
    pub contradicted: u64,
    /// The first contradictions.
    pub contradictions: Vec<Contradiction>,
}

/// An exchange that contradicts a claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Contradiction {
    /// The line of the recording.
    pub line: usize,
    /// What contradicts it.
    pub text: String,
}

/// Something that no description has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct NewsItem {
    /// The first line with it.
    pub line: usize,
    /// What it is.
    pub text: String,
    /// How many exchanges have it.
    pub times: u64,
}

/// The error of a recording that cannot be compared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JudgeError {
    /// An entry cannot be read.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// The emulator cannot start.
    #[error(transparent)]
    Start(#[from] StartError),
}

/// Compares a recording with the description and with the emulator.
///
/// # Errors
/// If an entry cannot be read, or the emulator cannot start.
pub fn compare(recording: &Recording) -> Result<Comparison, JudgeError> {
    let contract = Contract::new().map_err(StartError::Description)?;
    let mut tallies = Tallies::default();
    let mut limits = Limits::default();
    let mut behavior = Behavior::default();
    for index in 0..recording.len() {
        let (line, entry) = (recording.line(index).unwrap_or_default(), recording.entry(index)?);
        let exchange = Exchange { line, entry: &entry };
        for news in News::of(&entry) {
            tallies.news(line, news.to_string());
        }
        responses::check(exchange, &contract, &mut tallies);
        limits.check(exchange, &mut tallies);
        behavior.check(exchange, &mut tallies)?;
    }
    let mut notes = behavior.notes();
    if recording.is_empty() {
        notes.push("The recording has no exchanges: nothing was compared.".to_owned());
    }
    if recording.is_cut_off() {
        notes.push("The last line of the recording is incomplete and was left out.".to_owned());
    }
    if tallies.unread > 0 {
        notes.push(format!(
            "{} had no whole response, one that is not JSON, or a method that does not exist: nothing was checked there.",
            counted(tallies.unread, "exchange")
        ));
    }
    Ok(tallies.into_comparison(recording.len(), notes))
}

/// An entry and its line.
#[derive(Clone, Copy)]
struct Exchange<'a> {
    line: usize,
    entry: &'a Entry,
}

impl Exchange<'_> {
    fn operation(&self) -> Option<umapi_model::Operation> {
        self.entry.umapi.operation.as_deref()?.parse().ok()
    }

    /// The body of the response, if it is there and is JSON.
    fn response(&self) -> Option<serde_json::Value> {
        serde_json::from_str(self.entry.response.content.text.as_deref()?).ok()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.entry.response.headers.iter().find(|pair| pair.name == name).map(|pair| pair.value.as_str())
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.header(name)?.parse().ok()
    }

    /// The path and the query.
    fn target(&self) -> &str {
        let url = &self.entry.request.url;
        let rest = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
        rest.find('/').map_or("/", |at| &rest[at..])
    }
}

/// What was found so far.
#[derive(Default)]
struct Tallies {
    claims: BTreeMap<Claim, Tally>,
    news: BTreeMap<String, (usize, u64)>,
    /// Exchanges without a body that can be checked.
    unread: u64,
}

#[derive(Default)]
struct Tally {
    agreed: u64,
    contradicted: u64,
    first: Vec<Contradiction>,
}

impl Tallies {
    fn agree(&mut self, claim: Claim) {
        self.claims.entry(claim).or_default().agreed += 1;
    }

    fn contradict(&mut self, claim: Claim, line: usize, text: impl Into<String>) {
        let tally = self.claims.entry(claim).or_default();
        tally.contradicted += 1;
        if tally.first.len() < KEPT {
            tally.first.push(Contradiction { line, text: text.into() });
        }
    }

    /// Agrees if there is no contradiction.
    fn judge(&mut self, claim: Claim, line: usize, contradiction: Option<String>) {
        match contradiction {
            None => self.agree(claim),
            Some(text) => self.contradict(claim, line, text),
        }
    }

    fn news(&mut self, line: usize, text: String) {
        let is_full = self.news.len() >= 50 * KEPT;
        match self.news.get_mut(&text) {
            Some((_, times)) => *times += 1,
            None if is_full => {}
            None => {
                self.news.insert(text, (line, 1));
            }
        }
    }

    fn into_comparison(self, exchanges: usize, notes: Vec<String>) -> Comparison {
        let claims = self.claims.into_iter().map(|(claim, tally)| ClaimResult {
            entry: claim.entry(),
            claim: claim.text(),
            agreed: tally.agreed,
            contradicted: tally.contradicted,
            contradictions: tally.first,
        });
        let news = self.news.into_iter().map(|(text, (line, times))| NewsItem { line, text, times });
        Comparison { exchanges, claims: claims.collect(), news: news.collect(), notes }
    }
}

impl Comparison {
    /// Whether the recording contradicts something.
    #[must_use]
    pub fn has_contradictions(&self) -> bool {
        self.claims.iter().any(|claim| claim.contradicted > 0)
    }
}

/// The texts quote the recording, so characters that control a terminal are escaped.
impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", counted(self.exchanges as u64, "exchange"))?;
        let name = |claim: &ClaimResult| claim.entry.map_or_else(|| "documented".to_owned(), str::to_owned);
        writeln!(f, "\nContradictions:")?;
        if !self.has_contradictions() {
            writeln!(f, "  none")?;
        }
        for claim in self.claims.iter().filter(|claim| claim.contradicted > 0) {
            let Contradicted { contradicted, agreed } = Contradicted::of(claim);
            writeln!(f, "  {}: {} ({contradicted}, {agreed})", name(claim), claim.claim)?;
            for one in &claim.contradictions {
                writeln!(f, "    line {}: {}", one.line, printable_line(&one.text))?;
            }
            let more = claim.contradicted - claim.contradictions.len() as u64;
            if more > 0 {
                writeln!(f, "    and {more} more")?;
            }
        }
        writeln!(f, "\nAgreements:")?;
        if !self.claims.iter().any(|claim| claim.contradicted == 0) {
            writeln!(f, "  none")?;
        }
        for claim in self.claims.iter().filter(|claim| claim.contradicted == 0) {
            writeln!(f, "  {}: {} ({})", name(claim), claim.claim, counted(claim.agreed, "time"))?;
        }
        writeln!(f, "\nNot in any description:")?;
        if self.news.is_empty() {
            writeln!(f, "  nothing")?;
        }
        for item in &self.news {
            writeln!(f, "  line {}: {} ({})", item.line, printable_line(&item.text), counted(item.times, "time"))?;
        }
        if !self.notes.is_empty() {
            writeln!(f, "\nNotes:")?;
            self.notes.iter().try_for_each(|note| writeln!(f, "  {}", printable_line(note)))?;
        }
        Ok(())
    }
}

/// A number with its noun: `1 exchange`, `2 exchanges`.
fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// The counts of a claim in words.
struct Contradicted {
    contradicted: String,
    agreed: String,
}

impl Contradicted {
    fn of(claim: &ClaimResult) -> Self {
        let agreed = match claim.agreed {
            0 => "never confirmed".to_owned(),
            times => format!("confirmed {}", counted(times, "time")),
        };
        Self { contradicted: format!("contradicted {}", counted(claim.contradicted, "time")), agreed }
    }
}

/// An emulator without a server, for the requests of a recording.
type App = Arc<crate::app::AppState>;

#[cfg(test)]
mod tests;
