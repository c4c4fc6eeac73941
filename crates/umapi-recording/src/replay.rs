//! Answers requests with the responses of a recording.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::{Mutex, PoisonError},
};

use umapi_model::AnyOperation;

use crate::{
    description::Description,
    entry::{Entry, Pair},
    exchange::Outcome,
    json::Node,
    recording::{Recording, RecordingError},
};

/// Answers requests with the responses of a recording: the first request of a kind gets the first recorded response to it, the
/// second one the second, and so on.
///
/// A request matches a recorded one if operation, parameters and body are the same. The order of parameters and fields does not
/// matter, and neither do `requestID`s and headers. Logins are not replayed.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("recording.jsonl");
/// # let recorder = umapi_recording::Recorder::create(&path)?;
/// # let url = "https://usermanagement.adobe.io/v2/usermanagement/groups/1A@AdobeOrg/0";
/// # let body = r#"{"lastPage":true,"result":"success","groups":[]}"#;
/// # recorder.record(&umapi_recording::Exchange::new("GET", url).with_response(200, vec![], body));
/// # recorder.finish()?;
/// use umapi_recording::{NoMatch, Outcome, Recording, Replay, ReplayedResponse};
///
/// let replay = Replay::new(Recording::open(&path)?)?;
/// let organization = replay.recording().organization().ok_or("no organization")?;
/// let target = format!("/v2/usermanagement/groups/{organization}/0");
/// let response: ReplayedResponse = replay.respond("GET", &target, b"")?;
/// assert_eq!((response.status, response.outcome, replay.left()), (200, Outcome::Response, 0));
///
/// let again: NoMatch = replay.respond("GET", &target, b"").unwrap_err();
/// assert!(again.to_string().contains("every response to it was served"));
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Replay {
    recording: Recording,
    /// The entries of each request, in order.
    waiting: Mutex<HashMap<String, VecDeque<usize>>>,
    /// The entries of each operation, for the text of an error.
    summaries: Vec<(usize, Summary)>,
}

/// A request that can be matched.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Summary {
    operation: String,
    parameters: Vec<Pair>,
    query: Vec<Pair>,
    /// The body without `requestID`s, in canonical form.
    body: String,
}

/// A recorded response, ready to be sent.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ReplayedResponse {
    /// The line of the entry in the file.
    pub line: usize,
    /// How the recorded exchange ended. Unless it is [`Outcome::Response`], the connection should break.
    pub outcome: Outcome,
    /// The status. 0 if there was no response.
    pub status: u16,
    /// The headers, without those that belong to the connection.
    pub headers: Vec<(String, String)>,
    /// The body. Empty if it was left out of the recording.
    pub body: Vec<u8>,
}

/// Why a request has no recorded response.
#[derive(Clone, Debug)]
pub struct NoMatch {
    why: String,
}

impl Replay {
    /// Prepares the responses of a recording.
    ///
    /// # Errors
    ///
    /// If an entry cannot be read.
    pub fn new(recording: Recording) -> Result<Self, RecordingError> {
        let mut waiting: HashMap<String, VecDeque<usize>> = HashMap::new();
        let mut summaries = Vec::new();
        for index in 0..recording.len() {
            let entry = recording.entry(index)?;
            if let Some(summary) = Summary::of(&entry) {
                waiting.entry(summary.key()).or_default().push_back(index);
                summaries.push((index, summary.shortened()));
            }
        }
        Ok(Self { recording, waiting: Mutex::new(waiting), summaries })
    }

    /// The recording.
    pub fn recording(&self) -> &Recording {
        &self.recording
    }

    /// The number of recorded responses that were not served yet.
    pub fn left(&self) -> usize {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.values().map(VecDeque::len).sum()
    }

    /// The recorded response to a request. `target` is its path and query, encoded.
    ///
    /// # Errors
    ///
    /// If no recorded request is the same, or all its responses were served. The error names the nearest one.
    pub fn respond(&self, method: &str, target: &str, body: &[u8]) -> Result<ReplayedResponse, NoMatch> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let found = Description::get()
            .find(method, path)
            .ok_or_else(|| NoMatch { why: format!("no operation has the path {method} {path}") })?;
        let parameters = found.parameters.into_iter().map(|(name, value)| Pair::new(name, value)).collect();
        let query = form_urlencoded::parse(query.as_bytes()).map(|(name, value)| Pair::new(name, value)).collect();
        let sent = Node::parse(body);
        let summary = Summary::new(found.operation.id(), parameters, query, sent.as_ref());
        let index = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.get_mut(&summary.key()).map(|entries| entries.pop_front())
        };
        let index = match index {
            Some(Some(index)) => index,
            Some(None) => {
                let times = self.summaries.iter().filter(|(_, known)| *known == summary.clone().shortened()).count();
                let times = if times == 1 { "once".to_owned() } else { format!("{times} times") };
                let why = format!("{summary} was recorded {times}, and every response to it was served");
                return Err(NoMatch { why });
            }
            None => return Err(self.nearest(&summary)),
        };
        let entry = self.recording.entry(index).map_err(|error| NoMatch { why: error.to_string() })?;
        let line = self.recording.line(index).unwrap_or_default();
        Ok(ReplayedResponse::of(&entry, line, sent.as_ref()))
    }

    fn nearest(&self, sent: &Summary) -> NoMatch {
        let of_operation = self.summaries.iter().filter(|(_, known)| known.operation == sent.operation);
        let nearest = of_operation.min_by_key(|(_, known)| sent.differences(known).len());
        let why = match nearest {
            None => {
                let mut recorded: Vec<&str> =
                    self.summaries.iter().map(|(_, known)| known.operation.as_str()).collect();
                recorded.sort_unstable();
                recorded.dedup();
                format!("no request of the operation {} was recorded, only of: {}", sent.operation, recorded.join(", "))
            }
            Some((index, known)) => format!(
                "{sent} was not recorded; the nearest request, in line {}, has {}",
                self.recording.line(*index).unwrap_or_default(),
                sent.differences(known).join(", ")
            ),
        };
        NoMatch { why }
    }
}

impl Summary {
    /// `None` for an entry that is not replayed: a login, or an unknown path.
    fn of(entry: &Entry) -> Option<Self> {
        let operation: AnyOperation = entry.umapi.operation.as_deref()?.parse().ok()?;
        if matches!(operation, AnyOperation::Login(_)) {
            return None;
        }
        let body = entry.request_body().and_then(|text| Node::parse(text.as_bytes()));
        Some(Self::new(
            operation.id(),
            entry.umapi.parameters.clone(),
            entry.request.query_string.clone(),
            body.as_ref(),
        ))
    }

    fn new(operation: &str, mut parameters: Vec<Pair>, mut query: Vec<Pair>, body: Option<&Node>) -> Self {
        parameters.sort();
        query.sort();
        let body = body.map(|body| without_request_ids(body).canonical()).unwrap_or_default();
        Self { operation: operation.to_owned(), parameters, query, body }
    }

    fn key(&self) -> String {
        let mut key = self.operation.clone();
        for pair in self.parameters.iter().chain(&self.query) {
            key.push('\n');
            key.push_str(&Node::Text(pair.name.clone()).to_string());
            key.push_str(&Node::Text(pair.value.clone()).to_string());
        }
        key.push('\n');
        key.push_str(&self.body);
        key
    }

    /// Without the end of a long body: it is for people.
    fn shortened(mut self) -> Self {
        if let Some((end, _)) = self.body.char_indices().nth(400) {
            self.body.truncate(end);
        }
        self
    }

    /// What another request has in place of what this one has.
    fn differences(&self, other: &Self) -> Vec<String> {
        let mut found = Vec::new();
        for (mine, theirs) in [(&self.parameters, &other.parameters), (&self.query, &other.query)] {
            for pair in theirs.iter().filter(|pair| !mine.contains(pair)) {
                let sent = mine.iter().find(|one| one.name == pair.name).map(|one| format!("`{}`", one.value));
                found.push(format!("{} = `{}` (sent: {})", pair.name, pair.value, sent.as_deref().unwrap_or("none")));
            }
            for pair in mine.iter().filter(|pair| !theirs.iter().any(|one| one.name == pair.name)) {
                found.push(format!("no {} (sent: `{}`)", pair.name, pair.value));
            }
        }
        if self.clone().shortened().body != other.body {
            found.push(format!("the body {}", if other.body.is_empty() { "(none)" } else { &other.body }));
        }
        if found.is_empty() {
            found.push("another end of its body".to_owned());
        }
        found
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.operation)?;
        let pairs = self.parameters.iter().chain(&self.query).filter(|pair| pair.name != "orgId");
        let pairs: Vec<String> = pairs.map(|pair| format!("{} `{}`", pair.name, pair.value)).collect();
        if pairs.is_empty() { Ok(()) } else { write!(f, " with {}", pairs.join(", ")) }
    }
}

/// The commands of a body without their `requestID`s, which each run of a program makes anew.
fn without_request_ids(body: &Node) -> Node {
    match body {
        Node::List(commands) => Node::List(
            commands
                .iter()
                .map(|command| match command {
                    Node::Object(fields) => {
                        Node::Object(fields.iter().filter(|(name, _)| name != "requestID").cloned().collect())
                    }
                    other => other.clone(),
                })
                .collect(),
        ),
        other => other.clone(),
    }
}

impl ReplayedResponse {
    fn of(entry: &Entry, line: usize, sent: Option<&Node>) -> Self {
        // The server that replays adds these.
        const OF_CONNECTION: &[&str] = &[
            "content-length",
            "transfer-encoding",
            "connection",
            "keep-alive",
            "date",
            "x-request-id",
            "content-encoding",
            "content-type",
        ];
        let headers = entry
            .response
            .headers
            .iter()
            .filter(|pair| !OF_CONNECTION.contains(&pair.name.as_str()) && !pair.value.is_empty());
        let mut headers: Vec<(String, String)> = headers.map(|pair| (pair.name.clone(), pair.value.clone())).collect();
        let media_type = &entry.response.content.mime_type;
        if !media_type.is_empty() {
            let media_type = if media_type == "other" { "application/octet-stream" } else { media_type.as_str() };
            headers.push(("content-type".to_owned(), media_type.to_owned()));
        }
        let body = entry.response.content.text.clone().unwrap_or_default();
        let body = sent.and_then(|sent| with_request_ids(entry, &body, sent)).unwrap_or(body);
        Self { line, outcome: entry.umapi.outcome, status: entry.response.status, headers, body: body.into_bytes() }
    }
}

/// Puts the `requestID`s of a request into the errors and warnings of the recorded response. `None` if it has none.
fn with_request_ids(entry: &Entry, body: &str, sent: &Node) -> Option<String> {
    let Node::Object(mut fields) = Node::parse(body.as_bytes())? else { return None };
    entry.request_body()?;
    let commands = sent.list()?;
    for (name, list) in &mut fields {
        let Node::List(entries) = list else { continue };
        if name != "errors" && name != "warnings" {
            continue;
        }
        for one in entries {
            let Some(Node::Number(index)) = one.get("index") else { continue };
            let index = usize::try_from(index.as_u64()?).ok()?;
            let id = commands.get(index).and_then(|command| command.get("requestID")).cloned();
            let Node::Object(one) = one else { continue };
            let place = one.iter().position(|(name, _)| name == "requestID");
            match (place, id) {
                (Some(place), Some(id)) => one[place].1 = id,
                (Some(place), None) => {
                    one.remove(place);
                }
                (None, Some(id)) => one.push(("requestID".to_owned(), id)),
                (None, None) => {}
            }
        }
    }
    Some(Node::Object(fields).to_string())
}

impl fmt::Display for NoMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the recording has no response: {}", self.why)
    }
}

impl std::error::Error for NoMatch {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Exchange, Recorder};

    /// Records these exchanges in a file.
    fn replay(exchanges: &[Exchange]) -> (Replay, Vec<Entry>) {
        let file = tempfile::tempdir().unwrap();
        let path = file.path().join("r.jsonl");
        let recorder = Recorder::create(&path).unwrap();
        exchanges.iter().for_each(|exchange| recorder.record(exchange));
        recorder.finish().unwrap();
        let recording = Recording::from_text(std::fs::read(&path).unwrap()).unwrap();
        let entries = recording.entries().collect::<Result<_, _>>().unwrap();
        (Replay::new(recording).unwrap(), entries)
    }

    fn get(path: &str, status: u16, body: &str) -> Exchange {
        Exchange::new("GET", format!("https://h.example/v2/usermanagement{path}")).with_response(
            status,
            vec![
                ("Content-Type".to_owned(), "application/json".to_owned()),
                ("X-Total-Count".to_owned(), "1".to_owned()),
            ],
            body,
        )
    }

    fn target(entry: &Entry) -> &str {
        entry.request.url.strip_prefix("https://usermanagement.adobe.io").unwrap()
    }

    #[test]
    fn responses_come_in_the_order_of_the_recording() {
        let path = "/organizations/1A@AdobeOrg/users/jdoe@corp.com";
        let missing = r#"{"result":"error.user.not_found","message":"User not found jdoe@corp.com"}"#;
        let (replay, entries) = replay(&[get(path, 404, missing), get(path, 200, r#"{"result":"success"}"#)]);
        assert_eq!(target(&entries[0]), target(&entries[1]));
        let statuses = [(); 2].map(|()| replay.respond("GET", target(&entries[0]), b"").unwrap().status);
        assert_eq!(statuses, [404, 200]);
        assert_eq!(replay.left(), 0);
        let error = replay.respond("GET", target(&entries[0]), b"").unwrap_err().to_string();
        assert!(error.contains("recorded 2 times"), "{error}");
    }

    #[test]
    fn a_request_that_was_not_recorded_names_the_nearest() {
        let list = r#"{"lastPage":true,"result":"success","groups":[]}"#;
        let (replay, entries) = replay(&[get("/groups/1A@AdobeOrg/0", 200, list)]);
        let other = target(&entries[0]).replace("/0", "/1");
        let error = replay.respond("GET", &other, b"").unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains("page = `0` (sent: `1`)"), "{error}");
        let error = replay.respond("POST", "/v2/usermanagement/action/1A@AdobeOrg", b"[]").unwrap_err().to_string();
        assert!(error.contains("executeActions") && error.contains("listGroups"), "{error}");
        assert!(replay.respond("GET", "/planted", b"").unwrap_err().to_string().contains("no operation"));
    }

    #[test]
    fn request_ids_of_commands_are_those_that_were_sent() {
        let body = r#"[{"user":"a@b.c","requestID":"r1","do":[{"add":{"group":["Design"]}}]}]"#;
        let response = r#"{"result":"error","completed":0,"notCompleted":1,"errors":[{"index":0,"errorCode":"error.group.not_found","requestID":"r1"}]}"#;
        let exchange = Exchange::new("POST", "https://h.example/v2/usermanagement/action/1A@AdobeOrg?testOnly=true")
            .with_request(vec![("Content-Type".to_owned(), "application/json".to_owned())], body)
            .with_response(200, vec![], response);
        let (replay, entries) = replay(&[exchange]);
        let recorded = entries[0].request_body().unwrap();
        let recorded_id =
            Node::parse(recorded.as_bytes()).unwrap().list().unwrap()[0].get("requestID").unwrap().clone();
        let sent = recorded.replace(recorded_id.text().unwrap(), "mine");
        let response = replay.respond("POST", target(&entries[0]), sent.as_bytes()).unwrap();
        let text = String::from_utf8(response.body).unwrap();
        assert!(text.contains(r#""requestID":"mine""#), "{text}");
    }

    #[test]
    fn a_broken_exchange_is_replayed_as_such() {
        let exchange = Exchange::new("GET", "https://h.example/v2/usermanagement/groups/1A@AdobeOrg/0")
            .with_outcome(Outcome::TimedOut);
        let (replay, entries) = replay(&[exchange]);
        let response = replay.respond("GET", target(&entries[0]), b"").unwrap();
        assert_eq!((response.outcome, response.status), (Outcome::TimedOut, 0));
    }
}
