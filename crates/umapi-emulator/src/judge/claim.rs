//! What a recording can prove or disprove, with the entries of DIFFERENCES.md.

/// The list of differences and guesses. Claims quote it, so that there is one wording.
const DIFFERENCES: &str = include_str!("../../DIFFERENCES.md");

/// What a recording can prove or disprove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Claim {
    /// Responses match their schemas.
    Description,
    /// Requests that do not match the description are refused.
    Strictness,
    RequestIdEchoed,
    LastPage,
    PastTheEnd,
    CountsOfCommands,
    FieldsOfErrors,
    TestModeChangesNothing,
    RetryAfter,
    MinuteLimit,
    Messages,
    Refusals,
    UnknownPath,
    FinalSlash,
    RejectedCallsDoNotCount,
    FirstPages,
    Block,
    OrderOfLists,
    PageSize,
    Quota,
    TotalCount,
    ListedUsersAreActive,
    LaterSteps,
    Codes,
    /// The emulator gives the same result.
    Behavior,
}

impl Claim {
    /// All claims.
    #[cfg(test)]
    pub(super) const ALL: [Self; 25] = [
        Self::Description,
        Self::Strictness,
        Self::RequestIdEchoed,
        Self::LastPage,
        Self::PastTheEnd,
        Self::CountsOfCommands,
        Self::FieldsOfErrors,
        Self::TestModeChangesNothing,
        Self::RetryAfter,
        Self::MinuteLimit,
        Self::Messages,
        Self::Refusals,
        Self::UnknownPath,
        Self::FinalSlash,
        Self::RejectedCallsDoNotCount,
        Self::FirstPages,
        Self::Block,
        Self::OrderOfLists,
        Self::PageSize,
        Self::Quota,
        Self::TotalCount,
        Self::ListedUsersAreActive,
        Self::LaterSteps,
        Self::Codes,
        Self::Behavior,
    ];

    /// The entry of DIFFERENCES.md. `None` for what the service documents.
    pub(super) fn entry(self) -> Option<&'static str> {
        Some(match self {
            Self::Messages => "K7",
            Self::Refusals => "A1",
            Self::UnknownPath => "A3",
            Self::FinalSlash => "A4",
            Self::RejectedCallsDoNotCount => "R1",
            Self::FirstPages => "R2",
            Self::Block => "R2.3",
            Self::OrderOfLists => "U1",
            Self::PageSize => "U2",
            Self::Quota => "U3",
            Self::TotalCount => "U4",
            Self::ListedUsersAreActive => "U5",
            Self::LaterSteps => "S1",
            Self::Codes => "D1",
            _ => return None,
        })
    }

    /// The claim in words.
    pub(super) fn text(self) -> String {
        let text = match self {
            Self::Description => "Responses have a described status, and bodies match their schemas.",
            Self::Strictness => "A request that does not match the description is not accepted.",
            Self::RequestIdEchoed => "`X-Request-Id` is repeated on the response.",
            Self::LastPage => "`lastPage` is true on the last page that `X-Page-Count` announces, and on no other.",
            Self::PastTheEnd => "A page past the end is the last page (users), or `Not found` (groups).",
            Self::CountsOfCommands => {
                "`completed`, `notCompleted` and `completedInTestMode` add up to the commands, and `notCompleted` counts those with an error."
            }
            Self::FieldsOfErrors => {
                "The fields of an error are in the order index, step, message, errorCode, requestID, user."
            }
            Self::TestModeChangesNothing => "With `testOnly`, `completed` is 0; without it, `completedInTestMode` is.",
            Self::RetryAfter => "A 429 has `Retry-After`, in seconds or as a date.",
            Self::MinuteLimit => "The documented calls per minute are allowed, and no more.",
            Self::Behavior => "An emulator with the recorded users and groups gives the same result.",
            with_entry => {
                let entry = with_entry.entry().unwrap_or_default();
                return first_sentence(quote(entry).unwrap_or_default().as_str());
            }
        };
        text.to_owned()
    }
}

/// The text of an entry of DIFFERENCES.md.
pub(super) fn quote(entry: &str) -> Option<String> {
    let mark = format!("* **{entry}.");
    let mut lines = DIFFERENCES.lines().skip_while(|line| !line.trim_start().starts_with(&mark));
    let first = lines.next()?.trim_start().strip_prefix(&mark)?;
    let rest = lines.take_while(|line| line.starts_with(' ') && !line.trim_start().starts_with("* "));
    let text: Vec<&str> = std::iter::once(first).chain(rest).map(str::trim).collect();
    Some(text.join(" ").replace("**", "").trim().to_owned())
}

/// The entries of DIFFERENCES.md that mention one of these codes.
pub(super) fn entries_with(codes: &[&str]) -> Vec<String> {
    let mentions = |text: &str| codes.iter().any(|code| text.contains(&format!("`{code}`")));
    ids().into_iter().filter(|id| quote(id).is_some_and(|text| mentions(&text))).collect()
}

/// The numbers of all entries.
pub(super) fn ids() -> Vec<String> {
    let lines = DIFFERENCES.lines().map(str::trim_start);
    lines
        .filter_map(|line| {
            let id = line.strip_prefix("* **")?.split(['*', ' ']).next()?.strip_suffix('.')?;
            id.bytes().any(|byte| byte.is_ascii_digit()).then(|| id.to_owned())
        })
        .collect()
}

/// The first sentence, after the title if there is one.
fn first_sentence(text: &str) -> String {
    const TITLE: usize = 20;
    let ends = text.match_indices(". ").map(|(at, _)| at + 1);
    let end = ends.into_iter().find(|end| *end > TITLE).unwrap_or(text.len());
    text[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn every_entry_of_the_differences_has_its_own_number() {
        let ids = ids();
        assert!(ids.len() > 70, "{ids:?}");
        let bullets = DIFFERENCES.split("\n## ").skip(1).flat_map(str::lines);
        let bullets = bullets.filter(|line| line.starts_with("* ") || line.starts_with("  * ")).count();
        assert_eq!(bullets, ids.len(), "an entry has no number");
        let mut last: HashMap<&str, u32> = HashMap::new();
        for id in &ids {
            let (group, number) = match id.split_once('.') {
                Some((parent, number)) => (parent, number),
                None => id.split_at(1),
            };
            let number: u32 = number.parse().unwrap();
            let expected = last.get(group).copied().unwrap_or(0) + 1;
            assert_eq!(number, expected, "{id}: number the entries of a section in order");
            last.insert(group, number);
        }
    }

    #[test]
    fn every_claim_has_a_text() {
        for claim in Claim::ALL {
            let text = claim.text();
            assert!(text.len() > 20, "{claim:?} {text:?}");
            assert!(!text.contains("**"), "{text}");
        }
        assert!(Claim::PageSize.text().starts_with("`X-Page-Size` is the number of entries"));
        assert!(entries_with(&["error.user.not_in_org"]).contains(&"S3".to_owned()));
    }
}
