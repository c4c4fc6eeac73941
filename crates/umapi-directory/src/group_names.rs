//! Which group a name of a query means: one way for everything that keeps all groups of a directory.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    hash::Hash,
};

use crate::{
    directory::{GroupName, GroupSelector, Query},
    extent::{Gap, GapCause},
};

/// The groups of a directory, by everything that a query may call them: name, key, place. `G` stands for a group.
pub(crate) struct GroupNames<'g, G> {
    by_name: BTreeMap<String, (&'g str, Vec<G>)>,
    by_key: HashMap<&'g str, G>,
    by_place: HashMap<String, Vec<G>>,
    places: HashMap<G, &'g str>,
}

impl<'g, G: Copy + Eq + Hash> GroupNames<'g, G> {
    pub(crate) fn new() -> Self {
        Self { by_name: BTreeMap::new(), by_key: HashMap::new(), by_place: HashMap::new(), places: HashMap::new() }
    }

    /// Adds a group. `name` is `None` if it cannot be found by its name.
    pub(crate) fn push(&mut self, group: G, key: &'g str, name: Option<&'g str>, place: &'g str, folded_place: String) {
        if let Some(name) = name {
            self.by_name.entry(name.to_lowercase()).or_insert_with(|| (name, Vec::new())).1.push(group);
        }
        self.by_key.insert(key, group);
        self.by_place.entry(folded_place).or_default().push(group);
        self.places.insert(group, place);
    }

    /// The groups of a query, by the names that it gives them. `fold` folds places as they were when they were added.
    pub(crate) fn wanted(&self, query: &Query, fold: impl Fn(&str) -> String) -> Vec<(GroupName, Result<G, Gap>)> {
        let mut wanted = Vec::new();
        let mut given = HashSet::new();
        if query.groups.contains(&GroupSelector::All) {
            for (folded, (name, groups)) in &self.by_name {
                given.insert(folded.clone());
                wanted.push(((*name).to_owned(), self.only_one(name, groups)));
            }
        }
        for group in &query.groups {
            let GroupSelector::Named(name) = group else { continue };
            let folded = name.to_lowercase();
            if given.insert(folded.clone()) {
                let by_key = self.by_key.get(name.as_str()).map(std::slice::from_ref);
                let groups = self.by_name.get(&folded).map(|(_, groups)| groups.as_slice()).or(by_key);
                let groups = groups.or_else(|| self.by_place.get(&fold(name)).map(Vec::as_slice)).unwrap_or_default();
                wanted.push((name.clone(), self.only_one(name, groups)));
            }
        }
        wanted
    }

    fn only_one(&self, name: &str, groups: &[G]) -> Result<G, Gap> {
        let what = format!("group {name}");
        match groups {
            [group] => Ok(*group),
            [] => Err(Gap::new(what, GapCause::NotFound)),
            several => {
                let mut places: Vec<&str> =
                    several.iter().filter_map(|group| self.places.get(group).copied()).collect();
                places.sort_unstable();
                Err(Gap::new(what, GapCause::Ambiguous).detail(places.join("; ")))
            }
        }
    }
}
