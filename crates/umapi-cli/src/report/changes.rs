//! The report about what changed between two snapshots of an organization.

use std::collections::{BTreeSet, HashMap};

use umapi::plan::account::FoldedName;

use super::{
    Chart, Organization, Report, Table, Value, count,
    organization::{GroupEntry, Person},
    page::grouped,
};

/// What became of the users of a group.
#[derive(Clone, Copy, Debug, Default)]
struct GroupChange {
    before: u64,
    after: u64,
    joined: u64,
    left: u64,
}

/// A group on both sides, with the number that both share.
#[derive(Clone, Copy, Debug, Default)]
struct Sides<'a> {
    before: Option<&'a GroupEntry>,
    after: Option<&'a GroupEntry>,
}

/// Computes the report. Both must be of one organization, and both with or without memberships through user groups.
pub(crate) fn changes(before: &Organization, after: &Organization) -> Report {
    let mut report = Report::new("changes", "Changes", after);
    report.since = Some(before.as_of.clone());
    if before.is_partial {
        report.note(
            "The lists of the earlier snapshot may lack entries, so some users may only seem to have joined."
                .to_owned(),
        );
    }
    let (sides, numbers) = matched_groups(before, after);
    let mut by_group = vec![GroupChange::default(); sides.len()];
    let named = |places: &BTreeSet<u32>| -> Vec<String> {
        let mut names: Vec<String> = places.iter().map(|place| name_of(&sides, *place).to_owned()).collect();
        names.sort_unstable();
        names
    };
    let groups_of = |user: &Person, numbers: &[u32]| -> BTreeSet<u32> {
        user.groups.iter().filter_map(|place| numbers.get(*place as usize).copied()).collect()
    };
    let mut earlier = Earlier::new(before);
    let (mut joined, mut moved, mut renamed, mut left) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for user in &after.users {
        let now = groups_of(user, &numbers.1);
        let was = earlier.take(user);
        let had = was.map(|was| groups_of(was, &numbers.0)).unwrap_or_default();
        count_groups(&mut by_group, &had, &now);
        let Some(was) = was else {
            joined.push(identity(user, named(&now)));
            continue;
        };
        if had != now {
            let (gone, new) = (&had - &now, &now - &had);
            moved.push(vec![user.name().into(), named(&gone).into(), named(&new).into()]);
        }
        renamed.extend(renamings(was, user));
    }
    for user in earlier.rest() {
        let had = groups_of(user, &numbers.0);
        count_groups(&mut by_group, &had, &BTreeSet::new());
        left.push(identity(user, named(&had)));
    }
    report.figures = vec![
        ("Users before", count(&before.users)),
        ("Users now", count(&after.users)),
        ("Joined", count(&joined)),
        ("Left", count(&left)),
        ("Moved", count(&moved)),
        ("Renamed", count(&renamed)),
    ];
    let mut changed: Vec<(&Sides<'_>, GroupChange)> =
        sides.iter().zip(by_group).filter(|(_, change)| change.joined + change.left > 0).collect();
    changed.sort_by_key(|(_, change)| std::cmp::Reverse(change.joined + change.left));
    let mut chart = Chart::bars("Memberships that changed, by group", ["joined", "left"]);
    for (sides, change) in &changed {
        let name = sides.name();
        chart.push(
            name,
            format!("+{} −{}", grouped(change.joined), grouped(change.left)),
            [change.joined, change.left],
            None,
        );
    }
    report.charts = vec![chart];
    let users = |name, title, rows| Table {
        name,
        title,
        about: "".into(),
        columns: &["user", "name", "account", "groups"],
        rows,
    };
    report.tables = vec![
        by_group_table(&changed),
        users("joined", "Users who joined the organization", joined),
        users("left", "Users who left the organization", left),
        Table {
            name: "moved",
            title: "Users whose groups changed",
            about: "".into(),
            columns: &["user", "left_groups", "joined_groups"],
            rows: moved,
        },
        Table {
            name: "renamed",
            title: "Users whose name or address changed",
            about: "".into(),
            columns: &["user", "what", "before", "after"],
            rows: renamed,
        },
        groups_table(&sides),
    ];
    report
}

impl<'a> Sides<'a> {
    fn name(&self) -> &'a str {
        self.after.or(self.before).map_or("", |group| &group.name)
    }
}

fn name_of<'a>(sides: &[Sides<'a>], place: u32) -> &'a str {
    sides.get(place as usize).map_or("", Sides::name)
}

/// Finds the groups that both sides have: by id, so that a renamed group stays the same, otherwise by name. Returns the groups,
/// and for each side the numbers of its groups.
fn matched_groups<'a>(before: &'a Organization, after: &'a Organization) -> (Vec<Sides<'a>>, (Vec<u32>, Vec<u32>)) {
    let mut sides: Vec<Sides<'_>> = Vec::new();
    let (mut by_id, mut by_name) = (HashMap::new(), HashMap::new());
    let mut old = Vec::new();
    for (number, group) in (0_u32..).zip(&before.groups) {
        group.id.map(|id| by_id.insert(id, number));
        by_name.insert(FoldedName::new(&group.name), number);
        sides.push(Sides { before: Some(group), after: None });
        old.push(number);
    }
    let mut new = Vec::new();
    for group in &after.groups {
        let same_id = group.id.and_then(|id| by_id.get(&id)).copied();
        let same_name = || {
            let number = by_name.get(&FoldedName::new(&group.name)).copied()?;
            let found = sides.get(number as usize)?.before?;
            // A group with another id is another one, made anew with the name.
            (found.id.is_none() || group.id.is_none()).then_some(number)
        };
        let number = same_id.or_else(same_name).and_then(|number| {
            let found = sides.get_mut(number as usize).filter(|found| found.after.is_none())?;
            found.after = Some(group);
            Some(number)
        });
        new.push(number.unwrap_or_else(|| {
            sides.push(Sides { before: None, after: Some(group) });
            u32::try_from(sides.len() - 1).unwrap_or(u32::MAX)
        }));
    }
    (sides, (old, new))
}

fn count_groups(by_group: &mut [GroupChange], had: &BTreeSet<u32>, now: &BTreeSet<u32>) {
    for place in had.union(now) {
        let Some(change) = by_group.get_mut(*place as usize) else { continue };
        let (was, is) = (had.contains(place), now.contains(place));
        change.before += u64::from(was);
        change.after += u64::from(is);
        change.joined += u64::from(is && !was);
        change.left += u64::from(was && !is);
    }
}

/// The users of the earlier snapshot, each of whom is found once.
struct Earlier<'a> {
    users: &'a [Person],
    by_id: HashMap<&'a str, usize>,
    by_name: HashMap<(FoldedName, &'a str), usize>,
    is_taken: Vec<bool>,
}

impl<'a> Earlier<'a> {
    fn new(organization: &'a Organization) -> Self {
        let users = &organization.users;
        let (mut by_id, mut by_name) = (HashMap::new(), HashMap::new());
        for (place, user) in users.iter().enumerate() {
            if user.id.is_empty() {
                by_name.insert((FoldedName::user(user.name()), &*user.kind), place);
            } else {
                by_id.insert(&*user.id, place);
            }
        }
        Self { users, by_id, by_name, is_taken: vec![false; users.len()] }
    }

    fn take(&mut self, user: &'a Person) -> Option<&'a Person> {
        let place = match &*user.id {
            "" => self.by_name.get(&(FoldedName::user(user.name()), &*user.kind)),
            id => self.by_id.get(id),
        };
        let place = *place?;
        let is_taken = self.is_taken.get_mut(place).filter(|is_taken| !**is_taken)?;
        *is_taken = true;
        self.users.get(place)
    }

    fn rest(self) -> impl Iterator<Item = &'a Person> {
        self.users.iter().zip(self.is_taken).filter(|(_, is_taken)| !is_taken).map(|(user, _)| user)
    }
}

fn identity(user: &Person, groups: Vec<String>) -> Vec<Value> {
    vec![user.name().into(), (*user.full_name()).into(), (*user.kind).into(), groups.into()]
}

/// The rows for what changed in how a user is called.
fn renamings(before: &Person, after: &Person) -> Vec<Vec<Value>> {
    let parts = [
        ("name", before.full_name(), after.full_name()),
        ("address", before.email.to_string(), after.email.to_string()),
        ("username", before.username.to_string(), after.username.to_string()),
    ];
    let changed = parts.into_iter().filter(|(_, was, is)| was != is);
    changed.map(|(what, was, is)| vec![after.name().into(), what.into(), (*was).into(), (*is).into()]).collect()
}

fn by_group_table(changed: &[(&Sides<'_>, GroupChange)]) -> Table {
    let rows = changed.iter().map(|(sides, change)| {
        vec![sides.name().into(), change.before.into(), change.after.into(), change.joined.into(), change.left.into()]
    });
    Table {
        name: "by_group",
        title: "Changes by group",
        about: "The users of each group in the list of users.".into(),
        columns: &["group", "members_before", "members_after", "joined", "left"],
        rows: rows.collect(),
    }
}

fn groups_table(sides: &[Sides<'_>]) -> Table {
    let rows = sides.iter().filter_map(|sides| {
        let (before, after) = (sides.before.map(|group| &*group.name), sides.after.map(|group| &*group.name));
        let what = match (before, after) {
            (None, _) => "created",
            (_, None) => "deleted",
            (Some(before), Some(after)) if before != after => "renamed",
            _ => return None,
        };
        Some(vec![sides.name().into(), what.into(), before.into(), after.into()])
    });
    Table {
        name: "groups",
        title: "Groups created, deleted and renamed",
        about: "".into(),
        columns: &["group", "what", "before", "after"],
        rows: rows.collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::report::organization::tests::{organization, texts};

    fn group(id: u64, name: &str) -> serde_json::Value {
        json!({"groupId": id, "groupName": name, "type": "USER_GROUP"})
    }

    fn user(id: &str, email: &str, groups: &[&str]) -> serde_json::Value {
        json!({"id": id, "email": email, "type": "federatedID", "groups": groups})
    }

    #[test]
    fn joined_left_moved_and_renamed_are_told_apart() {
        let before = organization(
            json!([group(1, "A"), group(2, "B"), group(3, "Old")]),
            json!([user("1", "ann@x.y", &["A"]), user("2", "bob@x.y", &["A", "B"]), user("3", "cy@x.y", &["Old"])]),
        );
        let after = organization(
            json!([group(2, "B"), group(1, "A"), group(3, "New"), group(4, "C")]),
            json!([user("4", "dee@x.y", &["C"]), user("1", "anna@x.y", &["B"]), user("3", "cy@x.y", &["New"])]),
        );
        let report = changes(&before, &after);
        assert_eq!(texts(&report, "joined"), ["dee@x.y||federatedID|C"]);
        assert_eq!(texts(&report, "left"), ["bob@x.y||federatedID|A;B"]);
        assert_eq!(texts(&report, "moved"), ["anna@x.y|A|B"]);
        assert_eq!(texts(&report, "renamed"), ["anna@x.y|address|ann@x.y|anna@x.y"]);
        assert_eq!(texts(&report, "groups"), ["New|renamed|Old|New", "C|created||C"]);
        assert_eq!(texts(&report, "by_group"), ["A|2|0|0|2", "B|1|1|1|1", "C|0|1|1|0"]);
    }

    #[test]
    fn same_organization_has_no_changes() {
        let sample = crate::report::organization::tests::sample();
        let report = changes(&sample, &sample);
        assert!(report.tables.iter().all(|table| table.rows.is_empty()), "{report:?}");
    }

    #[test]
    fn group_made_anew_with_its_name_is_another_group() {
        let before = organization(json!([group(1, "A")]), json!([user("1", "a@x.y", &["A"])]));
        let after = organization(json!([group(9, "A")]), json!([user("1", "a@x.y", &["A"])]));
        assert_eq!(texts(&changes(&before, &after), "moved"), ["a@x.y|A|A"]);
    }

    #[test]
    fn users_without_an_id_are_found_by_name_and_once() {
        let person = json!({"email": "a@x.y", "type": "adobeID"});
        let one = organization(json!([]), json!([person]));
        let two = organization(json!([]), json!([person, person]));
        assert!(texts(&changes(&one, &one), "joined").is_empty());
        assert_eq!(texts(&changes(&one, &two), "joined").len(), 1);
        assert_eq!(texts(&changes(&two, &one), "left").len(), 1);
    }
}
