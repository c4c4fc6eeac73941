//! The report about licenses: what is used, who waits, who holds several, and how it changed.

use std::collections::{BTreeMap, HashSet};

use super::{Chart, Organization, Report, Table, Value, count, organization::License, page::grouped, snapshot::Head};

/// The heads of the snapshots that were kept, and what is wrong with others.
#[derive(Debug, Default)]
pub(crate) struct Snapshots {
    pub(crate) heads: Vec<Head>,
    pub(crate) problems: Vec<String>,
}

/// The number of profiles in the chart of the trend.
const LINES: usize = 5;

const UNLIMITED: &str = "unlimited";

/// Computes the report.
pub(crate) fn licenses(organization: &Organization, snapshots: Snapshots) -> Report {
    let mut report = Report::new("licenses", "Licenses", organization);
    if organization.direct_only {
        report.note("Who holds several profiles of a product is counted by direct memberships; --all-memberships adds those through user groups.".to_owned());
    }
    report.notes.extend(snapshots.problems);
    let licenses = organization.licenses();
    let unread = licenses.iter().filter(|license| license.waiting.is_none()).count();
    if unread > 0 {
        report.note(format!("Full profiles of which it is not known who waits for a license: {unread}."));
    }
    report.figures = vec![
        ("Profiles", count(&licenses)),
        ("Licenses used", licenses.iter().map(|license| license.used).sum()),
        ("Users waiting", licenses.iter().filter_map(|license| license.waiting).sum()),
        ("Full profiles", licenses.iter().filter(|license| license.free() == Some(0)).count() as u64),
    ];
    let trend = trend(&licenses, organization, snapshots.heads);
    report.charts = vec![profiles_chart(&licenses)];
    report.charts.extend(trend_chart(&trend));
    report.tables = vec![
        products(organization, &licenses),
        Table {
            name: "profiles",
            title: "Profiles",
            about: "Those where users wait, or few licenses are free, come first.".into(),
            columns: &["product", "profile", "quota", "used", "waiting", "free"],
            rows: by_scarcity(&licenses).into_iter().map(License::row).collect(),
        },
        waiting(organization),
        several(organization),
        Table {
            name: "trend",
            title: "Trend",
            about: if trend.len() > 1 {
                "The snapshots that were kept, and now."
            } else {
                "Keep a snapshot with each report by --keep to see a trend."
            }
            .into(),
            columns: &["as_of", "product", "profile", "quota", "used", "waiting", "free"],
            rows: trend
                .iter()
                .flat_map(|(as_of, licenses)| {
                    licenses.iter().map(|license| [as_of.as_str().into()].into_iter().chain(license.row()).collect())
                })
                .collect(),
        },
    ];
    report
}

impl License {
    /// The licenses left. `None` without a limit.
    fn free(&self) -> Option<u64> {
        self.quota.map(|quota| quota.saturating_sub(self.used))
    }

    fn row(&self) -> Vec<Value> {
        vec![
            self.product.as_str().into(),
            self.profile.as_str().into(),
            self.quota.map_or(UNLIMITED.into(), Value::Number),
            self.used.into(),
            self.waiting.into(),
            self.free().map_or(UNLIMITED.into(), Value::Number),
        ]
    }
}

/// Where somebody waits comes first, then where few are free.
fn by_scarcity(licenses: &[License]) -> Vec<&License> {
    let mut sorted: Vec<&License> = licenses.iter().collect();
    sorted.sort_by_key(|license| (u64::MAX - license.waiting.unwrap_or(0), license.free().unwrap_or(u64::MAX)));
    sorted
}

fn products(organization: &Organization, licenses: &[License]) -> Table {
    let mut holders: BTreeMap<&str, u64> = BTreeMap::new();
    for user in &organization.users {
        let profiles = organization.groups_of(user).filter(|group| group.is_profile());
        let products: HashSet<&str> = profiles.map(|profile| profile.product.as_deref().unwrap_or_default()).collect();
        products.into_iter().for_each(|product| *holders.entry(product).or_default() += 1);
    }
    let mut products: BTreeMap<&str, Vec<&License>> = BTreeMap::new();
    for license in licenses {
        products.entry(&license.product).or_default().push(license);
    }
    let rows = products.into_iter().map(|(product, profiles)| {
        let sum = |of: fn(&License) -> Option<u64>| {
            profiles.iter().try_fold(0_u64, |sum, license| of(license).map(|number| sum.saturating_add(number)))
        };
        let quota = sum(|license| license.quota);
        vec![
            product.into(),
            count(&profiles).into(),
            quota.map_or(UNLIMITED.into(), Value::Number),
            sum(|license| Some(license.used)).into(),
            sum(|license| license.waiting).into(),
            sum(License::free).map_or(UNLIMITED.into(), Value::Number),
            holders.get(product).copied().unwrap_or(0).into(),
        ]
    });
    Table {
        name: "products",
        title: "Products",
        about: "The sums of the profiles of each product, and the users who have at least one of them.".into(),
        columns: &["product", "profiles", "quota", "used", "waiting", "free", "users"],
        rows: rows.collect(),
    }
}

fn waiting(organization: &Organization) -> Table {
    let profiles = organization.groups.iter().filter(|group| group.is_profile());
    let rows = profiles.flat_map(|profile| {
        let row =
            |user: &String| vec![profile.product.as_deref().into(), profile.name.as_str().into(), user.as_str().into()];
        profile.waiting.iter().flatten().map(row)
    });
    Table {
        name: "waiting",
        title: "Users who wait for a license",
        about: "They are in the profile, and its licenses are used up.".into(),
        columns: &["product", "profile", "user"],
        rows: rows.collect(),
    }
}

fn several(organization: &Organization) -> Table {
    let mut rows: Vec<Vec<Value>> = Vec::new();
    for user in &organization.users {
        let mut held: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for profile in organization.groups_of(user).filter(|group| group.is_profile()) {
            if let Some(product) = &profile.product {
                held.entry(product).or_default().push(profile.name.clone());
            }
        }
        for (product, profiles) in held.into_iter().filter(|(_, profiles)| profiles.len() > 1) {
            rows.push(vec![user.name().into(), product.into(), profiles.into()]);
        }
    }
    Table {
        name: "several_profiles",
        title: "Users with several profiles of one product",
        about: "One of them may be enough.".into(),
        columns: &["user", "product", "profiles"],
        rows,
    }
}

/// The licenses at each time, oldest first.
fn trend(licenses: &[License], organization: &Organization, heads: Vec<Head>) -> Vec<(String, Vec<License>)> {
    let mut trend: BTreeMap<String, Vec<License>> = heads
        .into_iter()
        .filter(|head| head.as_of < organization.as_of)
        .map(|head| (head.as_of, head.licenses))
        .collect();
    trend.insert(organization.as_of.clone(), licenses.to_vec());
    trend.into_iter().collect()
}

fn profiles_chart(licenses: &[License]) -> Chart {
    let mut chart = Chart::bars("Licenses used and waiting, by profile", ["used", "waiting"]);
    for license in by_scarcity(licenses) {
        let quota = license.quota.map_or(", no limit".to_owned(), |quota| format!(" of {}", grouped(quota)));
        let waiting = license.waiting.unwrap_or(0);
        let ending = if waiting > 0 { format!(", {} waiting", grouped(waiting)) } else { String::new() };
        let figure = format!("{}{quota}{ending}", grouped(license.used));
        chart.push(&license.profile, figure, [license.used, waiting], license.quota);
    }
    chart
}

fn trend_chart(trend: &[(String, Vec<License>)]) -> Option<Chart> {
    let (_, now) = trend.last().filter(|_| trend.len() > 1)?;
    let mut largest: Vec<&License> = now.iter().collect();
    largest.sort_by_key(|license| std::cmp::Reverse(license.used));
    let mut chart = Chart::lines("Licenses used over time", trend.iter().map(|(as_of, _)| as_of.clone()).collect());
    for license in largest.into_iter().take(LINES) {
        let used = trend.iter().map(|(_, licenses)| {
            let same = |other: &&License| other.profile == license.profile && other.product == license.product;
            licenses.iter().find(same).map(|license| license.used)
        });
        chart.push_line(&license.profile, used.collect());
    }
    Some(chart)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::organization::tests::{sample, texts};

    #[test]
    fn profiles_and_products_have_their_licenses() {
        let mut organization = sample();
        organization.groups[2].waiting = Some(vec!["x@a.example".to_owned()]);
        let report = licenses(&organization, Snapshots::default());
        assert_eq!(
            texts(&report, "profiles"),
            ["PS|PS A|2|2|1|0", "PS|PS B|10|1|0|9", "AI|AI|unlimited|0|0|unlimited"]
        );
        assert_eq!(texts(&report, "products"), ["AI|1|unlimited|0|0|unlimited|0", "PS|2|12|3|1|9|3"]);
        assert_eq!(texts(&report, "waiting"), ["PS|PS A|x@a.example"]);
        assert_eq!(texts(&report, "several_profiles"), ["ann@a.example|PS|PS A;PS B"]);
        assert_eq!(report.charts.len(), 1);
    }

    #[test]
    fn trend_is_of_older_snapshots_and_now() {
        let organization = sample();
        let head = |as_of: &str, used| {
            let mut licenses = organization.licenses();
            licenses.iter_mut().for_each(|license| license.used = used);
            Head { as_of: as_of.to_owned(), licenses, ..Head::of(&organization) }
        };
        let heads =
            vec![head("2026-02-01T00:00:00Z", 1), head("2026-01-01T00:00:00Z", 0), head("2027-01-01T00:00:00Z", 9)];
        let report = licenses(&organization, Snapshots { heads, problems: vec!["bad".to_owned()] });
        let trend = texts(&report, "trend");
        assert_eq!(trend.len(), 9);
        assert!(trend[0].starts_with("2026-01-01") && trend[8].starts_with("2026-03-01"), "{trend:?}");
        assert_eq!(report.charts.len(), 2);
        assert!(report.notes.contains(&"bad".to_owned()));
    }
}
