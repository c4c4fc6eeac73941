use std::time::Duration;

use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::Value;

use super::{Drip, Outcome};
use crate::http::Response;

/// What is done to one exchange, by all rules together. The server does it:
///
/// 1. wait for [`delay`](Self::delay);
/// 2. [`resets_before`](Self::resets_before): reset the connection;
/// 3. [`expires_token`](Self::expires_token): expire the token of the request, and go on;
/// 4. [`instead`](Self::instead): this is the answer, and the request is not applied; otherwise apply it;
/// 5. [`resets_after`](Self::resets_after): reset the connection;
/// 6. [`spoil`](Self::spoil) the answer, and write it: only its first bytes if it is [`cut off`](Self::cut_off), else slowly
///    if there is a [`drip`](Self::drip).
#[derive(Debug, Clone, Default)]
pub(crate) struct Fault {
    /// The numbers of the rules that did it.
    pub(crate) rules: Vec<u64>,
    pub(crate) delay: Duration,
    pub(crate) drip: Option<Drip>,
    pub(super) outcome: Option<Outcome>,
}

impl Fault {
    pub(crate) fn resets_before(&self) -> bool {
        matches!(self.outcome, Some(Outcome::Reset { applied: false }))
    }

    pub(crate) fn resets_after(&self) -> bool {
        matches!(self.outcome, Some(Outcome::Reset { applied: true }))
    }

    pub(crate) fn expires_token(&self) -> bool {
        matches!(self.outcome, Some(Outcome::ExpiredToken))
    }

    /// The answer to a request that is not applied.
    pub(crate) fn instead(&self) -> Option<Response> {
        match &self.outcome {
            Some(Outcome::Answer { applied: false, .. } | Outcome::Html { applied: false, .. }) => self.own_answer(),
            _ => None,
        }
    }

    /// What becomes of the answer to a request that was applied.
    pub(crate) fn spoil(&self, answer: Response) -> Response {
        match &self.outcome {
            Some(Outcome::Answer { applied: true, .. } | Outcome::Html { applied: true, .. }) => {
                self.own_answer().unwrap_or(answer)
            }
            Some(Outcome::InvalidJson) => Response { body: unreadable(&answer.body).into(), ..answer },
            _ => answer,
        }
    }

    /// After how many bytes of the body the connection is closed.
    pub(crate) fn cut_off(&self) -> Option<usize> {
        match &self.outcome {
            Some(Outcome::CutOff { bytes }) => Some(*bytes),
            _ => None,
        }
    }

    fn own_answer(&self) -> Option<Response> {
        match &self.outcome {
            Some(Outcome::Answer { status, headers, body, .. }) => {
                let status = StatusCode::from_u16(*status).ok()?;
                let mut answer = match body {
                    None => Response::empty(status),
                    Some(Value::String(text)) => Response::of_type(status, "text/plain; charset=utf-8", text.clone()),
                    Some(json) => Response::json(status, json),
                };
                for (name, value) in headers {
                    answer.headers.insert(name.parse::<HeaderName>().ok()?, HeaderValue::from_str(value).ok()?);
                }
                Some(answer)
            }
            Some(Outcome::Html { status, .. }) => {
                let status = StatusCode::from_u16(*status).ok()?;
                Some(Response::of_type(status, "text/html", page(status)))
            }
            _ => None,
        }
    }
}

/// What a gateway shows.
fn page(status: StatusCode) -> String {
    let title = format!("{} {}", status.as_u16(), status.canonical_reason().unwrap_or("Error"));
    format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n\
         <hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    )
}

/// The first half of a body, and then something that no JSON goes on with.
fn unreadable(body: &[u8]) -> Vec<u8> {
    let mut spoiled = body.get(..body.len() / 2).unwrap_or_default().to_vec();
    spoiled.extend_from_slice(b"\x00}<");
    spoiled
}

#[cfg(test)]
mod tests {
    use http::header::CONTENT_TYPE;
    use serde_json::json;

    use super::*;
    use crate::faults::FaultRule;

    fn fault(rule: FaultRule) -> Fault {
        Fault { outcome: rule.outcome, ..Fault::default() }
    }

    #[test]
    fn an_own_answer_stands_instead_or_after() {
        let rule = FaultRule::on("*").answer(503, json!({"a": 1})).header("Retry-After", "9");
        let before = fault(rule.clone()).instead().unwrap();
        assert_eq!((before.status.as_u16(), &before.body[..]), (503, &b"{\"a\":1}"[..]));
        assert_eq!(before.headers["retry-after"], "9");
        let after = fault(rule.after_applying());
        assert!(after.instead().is_none());
        assert_eq!(after.spoil(Response::empty(StatusCode::OK)).status.as_u16(), 503);
    }

    #[test]
    fn a_gateway_answers_html_and_text_is_sent_as_it_is() {
        let html = fault(FaultRule::on("*").html(502)).instead().unwrap();
        assert_eq!(html.headers[CONTENT_TYPE], "text/html");
        assert!(html.body.starts_with(b"<html>"));
        let text = fault(FaultRule::on("*").answer(200, json!("{not json"))).instead().unwrap();
        assert_eq!(&text.body[..], b"{not json");
    }

    #[test]
    fn invalid_json_cannot_be_read_whatever_it_was() {
        let spoiled = fault(FaultRule::on("*").invalid_json());
        for body in ["", "{}", "[1,2,3]", "\"text\"", "12345678"] {
            let answer = spoiled.spoil(Response::of_type(StatusCode::OK, "application/json", body));
            assert!(serde_json::from_slice::<Value>(&answer.body).is_err(), "{body}");
        }
    }
}
