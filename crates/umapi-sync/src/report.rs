//! The report of a run: who changed and why, and what was refused, held, blocked or stopped. For programs, and as a page.

mod page;

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use umapi_directory::Gap;
use umapi_plan::AccountKind;

use crate::{
    guard::Trip,
    people::PersonProblem,
    plan::{Action, Blocked, Change, Held, Licenses, OrgPlan, Plan},
};

/// The version of the format.
const VERSION: u32 = 1;

/// What a run did, and what it did not do and why.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The version of the format.
    pub version: u32,
    /// What the run was to do.
    pub run: Run,
    /// When it began, in UTC.
    pub began_at: String,
    /// How it ended.
    pub ending: Ending,
    /// The name of the plan, if both sides could be read.
    pub plan: Option<String>,
    /// How much of each.
    pub counts: Counts,
    /// What a guard found.
    pub trips: Vec<Trip>,
    /// What could not be read of the directories.
    pub gaps: Vec<Gap>,
    /// People who could not be made users.
    pub problems: Vec<PersonProblem>,
    /// The organizations that could not be read, and why. Nothing is changed in them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub failed: BTreeMap<String, String>,
    /// The organizations, the primary one first.
    pub orgs: Vec<OrgReport>,
}

/// What a run was to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Run {
    /// Show the changes.
    Plan,
    /// Let the service check the changes, without making them.
    DryRun,
    /// Make the changes.
    Apply,
}

/// How a run ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Ending {
    /// The exit code of the command.
    pub exit_code: u8,
    /// In a word or two.
    pub text: String,
    /// What kept it from doing everything, if it failed as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// What a run did in one organization.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OrgReport {
    /// The name of the configuration.
    pub org: String,
    /// The number of users that were compared.
    pub users: u64,
    /// The changes.
    pub changes: Vec<ReportedChange>,
    /// Removals that are not made, and why.
    pub held: Vec<Held>,
    /// What is wanted and cannot be done.
    pub blocked: Vec<Blocked>,
    /// Differences that the service cannot change.
    pub lasting: Vec<Blocked>,
    /// The licenses before the plan and after it. What failed does not show in them.
    pub licenses: Vec<Licenses>,
    /// The users who left the directory, with the day it was found, counted from 1970.
    pub leavers: BTreeMap<String, i64>,
}

/// A change in a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReportedChange {
    /// Counted from 1 in all organizations.
    pub number: u64,
    /// The name of the action, as in [`Action::name`].
    pub action: &'static str,
    /// What is done, in words.
    pub what: String,
    /// The user; `None` for a new group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The kind of the user.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'static str>,
    /// The person in the directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// The group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Why.
    pub reason: String,
    /// What became of it. `None` if the run only planned it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<ReportedOutcome>,
}

/// What became of a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReportedOutcome {
    /// The word for it.
    pub status: Status,
    /// Why it is not completed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The error codes of the service.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub codes: Vec<String>,
}

/// The word for what became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// The service made it, or would make it in a dry run.
    Completed,
    /// The service refused it.
    Rejected,
    /// It was not sent.
    NotSent,
    /// No answer tells whether it was made.
    Unknown,
}

/// How much a run did. The changes are those that were planned or, once there are outcomes, completed.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(default)]
pub struct Counts {
    /// All changes of the plan.
    pub planned: u64,
    /// User groups created.
    pub groups_created: u64,
    /// Users created.
    pub users_created: u64,
    /// Users updated.
    pub users_updated: u64,
    /// Memberships added.
    pub added: u64,
    /// Memberships removed.
    pub removed: u64,
    /// Users removed from the organization.
    pub users_removed: u64,
    /// Changes that the service refused.
    pub rejected: u64,
    /// Changes that were not sent.
    pub not_sent: u64,
    /// Changes of which nobody knows.
    pub unknown: u64,
    /// Users whose removal is held.
    pub held: u64,
    /// Wishes that cannot be done.
    pub blocked: u64,
    /// People who are left out.
    pub left_out: u64,
    /// Lists that were not read to their end.
    pub gaps: u64,
    /// Guards that stopped the run.
    pub guards: u64,
    /// Organizations that could not be read.
    pub failed: u64,
}

impl Report {
    /// Starts the report of a run that has not read anything yet.
    pub fn new(run: Run, began_at: String) -> Self {
        Self {
            version: VERSION,
            run,
            began_at,
            ending: Ending::default(),
            plan: None,
            counts: Counts::default(),
            trips: Vec::new(),
            gaps: Vec::new(),
            problems: Vec::new(),
            failed: BTreeMap::new(),
            orgs: Vec::new(),
        }
    }

    /// Takes the organizations that could not be read, by their names, and why.
    pub fn take_failures(&mut self, failed: BTreeMap<String, String>) {
        self.failed = failed;
        self.count();
    }

    /// Takes what is planned. Without an outcome, a change of a run that was to make it is "not sent".
    pub fn take_plan(&mut self, plan: &Plan) {
        self.plan = Some(plan.id());
        self.trips.clone_from(&plan.trips);
        self.gaps.clone_from(&plan.gaps);
        self.problems.clone_from(&plan.problems);
        let mut numbers = 1..;
        self.orgs = plan.orgs.iter().map(|org| OrgReport::new(org, self.run, &mut numbers)).collect();
        self.count();
    }

    /// Takes the outcomes of changes, by their numbers.
    pub fn take_outcomes(&mut self, mut outcomes: BTreeMap<u64, ReportedOutcome>) {
        for change in self.orgs.iter_mut().flat_map(|org| &mut org.changes) {
            if let Some(outcome) = outcomes.remove(&change.number) {
                change.outcome = Some(outcome);
            }
        }
        self.count();
    }

    /// Takes what stopped the run before there was a plan.
    pub fn take_trips(&mut self, trips: &[Trip]) {
        self.trips = trips.to_vec();
        self.count();
    }

    /// The report as JSON.
    pub fn to_json(&self) -> String {
        // Nothing in it can fail: all keys of maps are text.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// The report as a page of HTML that needs nothing else.
    pub fn to_html(&self) -> String {
        page::page(self)
    }

    fn count(&mut self) {
        let mut counts = Counts {
            left_out: self.problems.len() as u64,
            gaps: self.gaps.len() as u64,
            guards: self.trips.len() as u64,
            failed: self.failed.len() as u64,
            ..Counts::default()
        };
        for org in &self.orgs {
            counts.held += org.held.iter().map(|held| held.users).sum::<u64>();
            counts.blocked += org.blocked.len() as u64;
            counts.planned += org.changes.len() as u64;
            for change in &org.changes {
                *match change.outcome.as_ref().map(|outcome| outcome.status) {
                    None | Some(Status::Completed) => match change.action {
                        "create-group" => &mut counts.groups_created,
                        "create-user" => &mut counts.users_created,
                        "update-user" => &mut counts.users_updated,
                        "add" => &mut counts.added,
                        "remove" => &mut counts.removed,
                        _ => &mut counts.users_removed,
                    },
                    Some(Status::Rejected) => &mut counts.rejected,
                    Some(Status::NotSent) => &mut counts.not_sent,
                    Some(Status::Unknown) => &mut counts.unknown,
                } += 1;
            }
        }
        self.counts = counts;
    }
}

impl OrgReport {
    fn new(org: &OrgPlan, run: Run, numbers: &mut impl Iterator<Item = u64>) -> Self {
        Self {
            org: org.org.clone(),
            users: org.users,
            changes: org
                .changes
                .iter()
                .zip(numbers)
                .map(|(change, number)| ReportedChange::new(number, change, run))
                .collect(),
            held: org.held.clone(),
            blocked: org.blocked.clone(),
            lasting: org.lasting.clone(),
            licenses: org.licenses.clone(),
            leavers: org.leavers.clone(),
        }
    }
}

impl ReportedChange {
    fn new(number: u64, change: &Change, run: Run) -> Self {
        let not_sent = ReportedOutcome { status: Status::NotSent, message: None, codes: Vec::new() };
        let user = change.user.as_ref();
        Self {
            number,
            action: change.action.name(),
            what: change.action.to_string(),
            user: user.map(|user| match &user.domain {
                Some(domain) => format!("{} of {domain}", user.name),
                None => user.name.clone(),
            }),
            kind: user.and_then(|user| user.kind).map(AccountKind::as_str),
            person: change.person.as_ref().map(ToString::to_string),
            group: match &change.action {
                Action::CreateGroup { group } | Action::Add { group, .. } => Some(group.clone()),
                Action::Remove(removal) => Some(removal.group().to_owned()),
                _ => None,
            },
            reason: change.reason.to_string(),
            outcome: (run != Run::Plan).then_some(not_sent),
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Completed => "completed",
            Self::Rejected => "rejected",
            Self::NotSent => "not sent",
            Self::Unknown => "unknown",
        })
    }
}

/// The counts on one line, without what there is none of.
impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            (self.groups_created, "new group", "new groups"),
            (self.users_created, "new user", "new users"),
            (self.users_updated, "user update", "user updates"),
            (self.added, "new membership", "new memberships"),
            (self.removed, "membership removal", "membership removals"),
            (self.users_removed, "user removal", "user removals"),
            (self.rejected, "change rejected", "changes rejected"),
            (self.not_sent, "change not sent", "changes not sent"),
            (self.unknown, "change unknown", "changes unknown"),
            (self.held, "removal held", "removals held"),
            (self.blocked, "blocked", "blocked"),
            (self.left_out, "person left out", "people left out"),
            (self.gaps, "list not read to its end", "lists not read to their end"),
            (self.guards, "guard stopped it", "guards stopped it"),
            (self.failed, "organization not read", "organizations not read"),
        ];
        let mut separator = "";
        for (count, one, many) in parts.into_iter().filter(|(count, ..)| *count > 0) {
            write!(f, "{separator}{count} {}", if count == 1 { one } else { many })?;
            separator = ", ";
        }
        if separator.is_empty() { f.write_str("nothing to change") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AccountRecord, Reason, TargetKind};

    const HOSTILE: &str = "<script src=//evil.example>\"'&\u{202e}\u{0}";

    fn plan() -> Plan {
        let mut plan = Plan::new("hash");
        let change = |name: &str, action: Action| Change {
            user: Some(AccountRecord { name: name.to_owned(), domain: None, kind: None, email: None }),
            person: None,
            action,
            reason: Reason::InSource { directory: "hr".to_owned(), group: HOSTILE.to_owned(), line: 3 },
        };
        let add = |group: &str| Action::Add { group: group.to_owned(), kind: TargetKind::Profile };
        let changes = vec![change(HOSTILE, add("Design")), change("bob@example.com", add(HOSTILE))];
        let text = || HOSTILE.to_owned();
        let blocked = Blocked { what: text(), reason: text(), remedy: text() };
        let licenses = Licenses { profile: text(), quota: Some(10), before: 3, after: 5 };
        plan.orgs.push(OrgPlan {
            org: text(),
            changes,
            blocked: vec![blocked.clone()],
            lasting: vec![blocked],
            held: vec![Held { group: Some(text()), users: 7, gaps: Vec::new() }],
            licenses: vec![licenses],
            leavers: [(text(), 20_000)].into(),
            users: 9,
        });
        plan
    }

    fn report(run: Run) -> Report {
        let mut report = Report::new(run, "2026-11-26T02:00:00Z".to_owned());
        report.take_plan(&plan());
        report.ending = Ending { exit_code: 1, text: "failed".to_owned(), failure: Some(HOSTILE.to_owned()) };
        report
    }

    #[test]
    fn what_has_no_outcome_was_not_sent() {
        let mut report = report(Run::Apply);
        assert_eq!((report.counts.added, report.counts.not_sent), (0, 2));
        let completed = ReportedOutcome { status: Status::Completed, message: None, codes: Vec::new() };
        report.take_outcomes([(2, completed)].into());
        assert_eq!((report.counts.planned, report.counts.added, report.counts.not_sent), (2, 1, 1));
        assert_eq!(report.counts.to_string(), "1 new membership, 1 change not sent, 7 removals held, 1 blocked");
    }

    #[test]
    fn a_plan_has_no_outcomes() {
        let report = report(Run::Plan);
        assert_eq!(report.counts.added, 2);
        assert!(report.orgs[0].changes.iter().all(|change| change.outcome.is_none()));
        assert_eq!(Counts::default().to_string(), "nothing to change");
    }

    #[test]
    fn names_cannot_become_part_of_the_page() {
        for run in [Run::Plan, Run::DryRun, Run::Apply] {
            let page = report(run).to_html();
            assert!(!page.contains("<script"), "{page}");
            assert!(!page.contains('\0') && !page.contains('\u{202e}'), "{page}");
            assert!(page.contains("&lt;script src=//evil.example&gt;"), "{page}");
        }
    }

    #[test]
    fn the_page_loads_nothing() {
        let page = report(Run::Apply).to_html();
        assert!(page.contains("default-src 'none'"), "{page}");
        for part in ["<link", "<img", "<iframe", "href=", "url(", "@import", " src=\"", "http:", "https:"] {
            assert!(!page.contains(part), "{part}\n{page}");
        }
    }

    #[test]
    fn json_has_the_names_as_they_are() {
        let report = report(Run::Apply);
        let value: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
        assert_eq!(value["orgs"][0]["changes"][0]["user"], HOSTILE);
        assert_eq!(value["orgs"][0]["changes"][0]["outcome"]["status"], "not-sent");
        assert_eq!(value["run"], "apply");
    }
}
