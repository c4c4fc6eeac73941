//! Names of groups and products. Some contain what breaks a careless client: spaces, slashes, plus signs, percent
//! signs, ampersands, many scripts.

const DEPARTMENTS: [&str; 20] = [
    "Marketing",
    "Design",
    "Engineering",
    "Sales & Partners",
    "Human Resources",
    "Finance",
    "Legal",
    "R+D",
    "Support",
    "Operations",
    "Студия",
    "デザイン部",
    "设计部",
    "디자인팀",
    "Σχεδιασμός",
    "التصميم",
    "עיצוב",
    "डिज़ाइन",
    "Création",
    "Öffentlichkeitsarbeit",
];

const SITES: [&str; 12] = [
    "EMEA",
    "Americas",
    "APAC",
    "São Paulo",
    "München",
    "Zürich/Nord",
    "東京",
    "서울",
    "Санкт-Петербург",
    "القاهرة",
    "Αθήνα",
    "100% Remote",
];

const PRODUCTS: [&str; 10] = [
    "All Apps plan",
    "Photoshop",
    "Illustrator",
    "InDesign",
    "Premiere Pro",
    "After Effects",
    "Acrobat Pro DC",
    "Lightroom",
    "Document Cloud for business",
    "Stock",
];

const PLANS: [&str; 4] = ["Default", "Restricted", "Training", "Temporary"];

/// Returns the name of the n-th user group.
pub(super) fn user_group(n: usize) -> String {
    let (department, site) = (DEPARTMENTS[n % DEPARTMENTS.len()], SITES[n / DEPARTMENTS.len() % SITES.len()]);
    numbered(format!("{department} - {site}"), n / (DEPARTMENTS.len() * SITES.len()))
}

/// Returns the name of the n-th product.
pub(super) fn product(n: usize) -> String {
    numbered(PRODUCTS[n % PRODUCTS.len()].to_owned(), n / PRODUCTS.len())
}

/// Returns the name of the n-th profile.
pub(super) fn profile(n: usize) -> String {
    format!("{} {} configuration", PLANS[n % PLANS.len()], product(n / PLANS.len()))
}

/// Appends a number when the names start again.
fn numbered(name: String, round: usize) -> String {
    if round == 0 { name } else { format!("{name} {}", round + 1) }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_unique_ignoring_case() {
        let groups: HashSet<_> = (0..1000).map(|n| user_group(n).to_lowercase()).collect();
        let profiles: HashSet<_> = (0..1000).map(|n| profile(n).to_lowercase()).collect();
        assert_eq!((groups.len(), profiles.len()), (1000, 1000));
    }
}
