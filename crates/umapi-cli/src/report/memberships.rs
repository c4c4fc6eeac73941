//! The report about memberships: sizes, empty groups, administrators, users in no group, duplicates and foreign domains.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use umapi::{
    AccountKind,
    model::{GroupType, UserType},
    plan::account::FoldedName,
};

use super::{
    Chart, Organization, Report, Table, Value, count,
    organization::{GroupEntry, Person},
    page::grouped,
};

/// Computes the report. `own_domains` are those of the organization; without any, the domains of its enterprise and federated
/// users are.
pub(crate) fn memberships(organization: &Organization, own_domains: &[String]) -> Report {
    let mut report = Report::new("memberships", "Memberships", organization);
    if organization.direct_only {
        report.note(
            "Only direct memberships are listed; --all-memberships adds profiles that come through user groups."
                .to_owned(),
        );
    }
    let counts = organization.counts();
    let mut sized: Vec<(&GroupEntry, u64)> = organization.groups.iter().zip(counts).collect();
    sized.sort_by(|(one, one_count), (other, other_count)| {
        other.size(*other_count).cmp(&one.size(*one_count)).then_with(|| one.name.cmp(&other.name))
    });
    let differing =
        sized.iter().filter(|(group, counted)| group.is_of(&GroupType::UserGroup) && group.size(*counted) != *counted);
    let differing = differing.count();
    if differing > 0 {
        report.note(format!("User groups whose number of members differs from the list of users, which has active users only: {differing}."));
    }
    let groups = groups(&sized);
    let empty_groups = empty("empty_groups", "User groups without members", &GroupType::UserGroup, &sized);
    let empty_profiles = empty("empty_profiles", "Profiles without members", &GroupType::ProductProfile, &sized);
    let in_no_group = in_no_group(organization);
    let administrators = administrators(organization);
    let (same, near) = duplicates(organization);
    let foreign = foreign(organization, own_domains);
    report.figures = vec![
        ("Users", count(&organization.users)),
        ("Groups and profiles", count(&groups.rows)),
        ("Users in no group", count(&in_no_group.rows)),
        ("Empty groups", count(&empty_groups.rows)),
        ("Profiles without members", count(&empty_profiles.rows)),
        ("Addresses used twice", count(&same.rows)),
        ("Users of other domains", count(&foreign.rows)),
    ];
    for (title, kind) in
        [("User groups by members", GroupType::UserGroup), ("Profiles by members", GroupType::ProductProfile)]
    {
        let mut chart = Chart::bars(title, ["members", ""]);
        for (group, counted) in sized.iter().filter(|(group, _)| group.is_of(&kind)) {
            let size = group.size(*counted);
            chart.push(&group.name, grouped(size), [size, 0], None);
        }
        report.charts.push(chart);
    }
    report.tables = vec![groups, empty_groups, empty_profiles, administrators, in_no_group, same, near, foreign];
    report
}

fn groups(sized: &[(&GroupEntry, u64)]) -> Table {
    let rows = sized.iter().filter(|(group, _)| !group.is_administrative()).map(|(group, counted)| {
        vec![
            group.name.as_str().into(),
            group.kind.as_deref().into(),
            group.product.as_deref().into(),
            group.size(*counted).into(),
            (*counted).into(),
        ]
    });
    Table {
        name: "groups",
        title: "Groups and profiles by size",
        about: "\"members\" is what the service says, \"listed\" the number of them in the list of users.".into(),
        columns: &["group", "type", "product", "members", "listed"],
        rows: rows.collect(),
    }
}

fn empty(name: &'static str, title: &'static str, kind: &GroupType, sized: &[(&GroupEntry, u64)]) -> Table {
    let empty = sized.iter().filter(|(group, counted)| group.is_of(kind) && group.size(*counted) == 0 && *counted == 0);
    let rows = empty.map(|(group, _)| vec![group.name.as_str().into(), group.product.as_deref().into()]);
    Table { name, title, about: "".into(), columns: &["group", "product"], rows: rows.collect() }
}

/// The columns that say who a user is.
fn identity(user: &Person) -> Vec<Value> {
    vec![user.name().into(), (*user.full_name()).into(), (*user.kind).into(), (*user.domain).into()]
}

fn in_no_group(organization: &Organization) -> Table {
    Table {
        name: "in_no_group",
        title: "Users in no group",
        about: "They have neither a user group nor a profile.".into(),
        columns: &["user", "name", "account", "domain"],
        rows: organization.users.iter().filter(|user| user.groups.is_empty()).map(identity).collect(),
    }
}

fn administrators(organization: &Organization) -> Table {
    let mut rows: Vec<[&str; 4]> = Vec::new();
    for user in &organization.users {
        for group in organization.groups_of(user).filter(|group| group.is_administrative()) {
            let administers = group.administers.as_deref().unwrap_or("the organization");
            rows.push([user.name(), group.kind.as_deref().unwrap_or_default(), administers, &group.name]);
        }
    }
    rows.sort_unstable();
    Table {
        name: "administrators",
        title: "Administrators and what they administer",
        about: "".into(),
        columns: &["user", "role", "administers", "group"],
        rows: rows.into_iter().map(|row| row.map(Value::from).to_vec()).collect(),
    }
}

/// Finds accounts with one address, and addresses that are nearly the same.
fn duplicates(organization: &Organization) -> (Table, Table) {
    let mut by_address: HashMap<FoldedName, Vec<&Person>> = HashMap::new();
    for user in organization.users.iter().filter(|user| !user.email.is_empty()) {
        by_address.entry(FoldedName::user(&user.email)).or_default().push(user);
    }
    let mut same: Vec<(&FoldedName, &Vec<&Person>)> = by_address.iter().filter(|(_, users)| users.len() > 1).collect();
    same.sort_unstable_by_key(|(address, _)| address.as_str());
    let rows = same.into_iter().map(|(address, users)| {
        let accounts = users.iter().map(|user| user.kind.to_string()).collect::<Vec<_>>();
        let ids = users.iter().map(|user| user.id.to_string()).collect::<Vec<_>>();
        vec![address.as_str().into(), accounts.into(), ids.into()]
    });
    let same = Table {
        name: "same_address",
        title: "Addresses with several accounts",
        about: "".into(),
        columns: &["user", "accounts", "ids"],
        rows: rows.collect(),
    };
    let mut by_core: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for address in by_address.keys() {
        by_core.entry(core(address.as_str())).or_default().insert(address.as_str());
    }
    let near = by_core.into_values().filter(|addresses| addresses.len() > 1);
    let near = Table {
        name: "similar_addresses",
        title: "Addresses that are nearly the same",
        about: "They differ only in dots, hyphens, underscores or a part after \"+\".".into(),
        columns: &["addresses"],
        rows: near.map(|addresses| vec![addresses.into_iter().map(str::to_owned).collect::<Vec<_>>().into()]).collect(),
    };
    (same, near)
}

/// An address without what people leave out or add.
fn core(address: &str) -> String {
    let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
    let plain = local.split('+').next().filter(|plain| !plain.is_empty()).unwrap_or(local);
    let letters: String = plain.chars().filter(|character| !matches!(character, '.' | '-' | '_')).collect();
    format!("{letters}@{domain}")
}

/// The domain of the address, or the one that the service says.
fn domain_of(user: &Person) -> FoldedName {
    FoldedName::domain(user.email.rsplit_once('@').map_or(&user.domain, |(_, domain)| domain))
}

fn foreign(organization: &Organization, own_domains: &[String]) -> Table {
    let is_managed =
        |user: &&Person| !matches!(AccountKind::of(&UserType::from(&*user.kind)), None | Some(AccountKind::AdobeId));
    let own: BTreeSet<FoldedName> = match own_domains {
        // Only domains that belong to the organization can have them.
        [] => organization.users.iter().filter(is_managed).map(|user| FoldedName::domain(&user.domain)).collect(),
        given => given.iter().map(|domain| FoldedName::domain(domain)).collect(),
    };
    let is_foreign =
        |user: &&Person| !own.contains(&domain_of(user)) && !own.contains(&FoldedName::domain(&user.domain));
    let names: Vec<&str> = own.iter().map(FoldedName::as_str).filter(|name| !name.is_empty()).take(10).collect();
    let more = if own.len() > names.len() { " and others" } else { "" };
    let about = match own_domains {
        [] if names.is_empty() => "No domain is known to be the organization's; name them with --domain.".to_owned(),
        [] => format!(
            "The organization's domains are taken from its enterprise and federated users: {}{more}; --domain names them.",
            names.join(", ")
        ),
        _ => format!("The organization's domains are {}{more}.", names.join(", ")),
    };
    Table {
        name: "other_domains",
        title: "Users of domains that are not the organization's",
        about: about.into(),
        columns: &["user", "name", "account", "domain"],
        rows: organization.users.iter().filter(is_foreign).map(identity).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::organization::tests::{sample, texts};

    #[test]
    fn every_table_finds_its_users_and_groups() {
        let report = memberships(&sample(), &[]);
        assert_eq!(texts(&report, "groups")[0], "PS A|PRODUCT_PROFILE|PS|3|3");
        assert_eq!(texts(&report, "empty_groups"), ["Empty|"]);
        assert_eq!(texts(&report, "empty_profiles"), ["AI|AI"]);
        assert_eq!(texts(&report, "administrators"), ["ann@a.example|USER_ADMIN_GROUP|Design|_admin_Design"]);
        assert_eq!(texts(&report, "in_no_group"), ["bob@gmail.example||adobeID|gmail.example"]);
        assert_eq!(texts(&report, "same_address"), ["ann@a.example|federatedID;adobeID|1@AdobeID;2@AdobeID"]);
        assert_eq!(texts(&report, "similar_addresses"), ["a.nn+x@a.example;ann@a.example"]);
        assert_eq!(texts(&report, "other_domains"), ["bob@gmail.example||adobeID|gmail.example"]);
    }

    #[test]
    fn named_domains_are_the_organizations() {
        let report = memberships(&sample(), &["GMAIL.example".to_owned()]);
        assert_eq!(texts(&report, "other_domains").len(), 3);
    }

    #[test]
    fn empty_organization_has_a_report() {
        let report = memberships(&Organization::default(), &[]);
        assert!(report.figures.iter().all(|(_, figure)| *figure == 0));
        assert!(report.tables.iter().all(|table| table.rows.is_empty()));
    }
}
