//! The groups of an organization as they were read once, to look them up without reading them again.

use std::{
    collections::HashMap,
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use umapi_model::Group;
use umapi_plan::{GroupKind, GroupRef, account::FoldedName};

/// All groups of an organization as they were read at one time. Cheap to clone.
///
/// The service has no call for a single group, and it allows the list of all groups only once in two hours: a client that
/// reads it again is refused every call for most of an hour. So read it once, share it, and store it for the next program:
///
/// ```no_run
/// # async fn run(client: umapi::Client) -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::{Duration, SystemTime};
///
/// use umapi::GroupDirectory;
///
/// let stored = std::fs::read("groups.json").ok();
/// let stored: Option<GroupDirectory> = stored.and_then(|json| serde_json::from_slice(&json).ok());
/// let groups = match stored {
///     Some(groups) if groups.age(SystemTime::now()) < Duration::from_secs(2 * 60 * 60) => groups,
///     _ => client.groups().directory().await?,
/// };
/// std::fs::write("groups.json", serde_json::to_vec(&groups)?)?;
/// match groups.get("Design") {
///     Some(group) => println!("{group:?}"),
///     None if groups.is_whole() => println!("Design does not exist"),
///     None => println!("nobody knows: the list changed while it was read"),
/// }
/// let changes = client.memberships().add("jdoe@example.com", "Design");
/// let plan = changes.with_directory(&groups)?.plan().await?;
/// # Ok(())
/// # }
/// ```
///
/// It may be out of date: groups may have been created, renamed or deleted since [`read_at`](Self::read_at). And it may not
/// be [whole](Self::is_whole).
#[derive(Clone)]
pub struct GroupDirectory(Arc<Contents>);

struct Contents {
    organization: String,
    read_at: SystemTime,
    groups: Vec<Group>,
    is_whole: bool,
    /// The index of each group by its name.
    by_name: HashMap<FoldedName, usize>,
}

/// The form in which a directory is stored.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored<'a> {
    organization: std::borrow::Cow<'a, str>,
    /// In seconds since 1970.
    read_at: u64,
    groups: std::borrow::Cow<'a, [Group]>,
    /// What an earlier version stored does not say it.
    #[serde(default = "yes")]
    is_whole: bool,
}

fn yes() -> bool {
    true
}

impl GroupDirectory {
    /// Creates a directory of groups that were read at this time. If two groups have the same name apart from its letter case,
    /// the first one is found.
    #[must_use]
    pub fn new(organization: impl Into<String>, groups: impl IntoIterator<Item = Group>, read_at: SystemTime) -> Self {
        Self::read(organization, groups.into_iter().collect(), read_at, true)
    }

    /// Creates a directory of a list that was read.
    pub(crate) fn read(
        organization: impl Into<String>,
        groups: Vec<Group>,
        read_at: SystemTime,
        is_whole: bool,
    ) -> Self {
        let mut by_name = HashMap::with_capacity(groups.len());
        for (index, group) in groups.iter().enumerate() {
            by_name.entry(FoldedName::new(&group.group_name)).or_insert(index);
        }
        Self(Arc::new(Contents { organization: organization.into(), read_at, groups, is_whole, by_name }))
    }

    /// The organization whose groups they are.
    #[must_use]
    pub fn organization(&self) -> &str {
        &self.0.organization
    }

    /// When the first page of the groups was requested, by the wall clock.
    #[must_use]
    pub fn read_at(&self) -> SystemTime {
        self.0.read_at
    }

    /// How old the directory is now. Zero if it claims to be from the future.
    #[must_use]
    pub fn age(&self, now: SystemTime) -> Duration {
        now.duration_since(self.0.read_at).unwrap_or_default()
    }

    /// Whether it has all groups that there were. Otherwise the list changed while it was read, or could not be read in part,
    /// and a group that it lacks may exist.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.0.is_whole
    }

    /// The groups, in the order of the service.
    #[must_use]
    pub fn groups(&self) -> &[Group] {
        &self.0.groups
    }

    /// Returns the group with this name, or `None`. Letter case does not matter.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Group> {
        self.0.by_name.get(&FoldedName::new(name)).and_then(|index| self.0.groups.get(*index))
    }

    /// The kind of the group with this name, as far as it matters to memberships; `None` if there is no such group.
    ///
    /// ```
    /// use std::time::SystemTime;
    /// use umapi::{GroupDirectory, GroupKind, model::{Group, GroupType}};
    ///
    /// let profile = Group::new("Photoshop").with_type(GroupType::ProductProfile);
    /// let groups = GroupDirectory::new("12345@AdobeOrg", [profile], SystemTime::now());
    /// assert_eq!(groups.kind("photoshop"), Some(GroupKind::Profile));
    /// assert!(groups.read_at() <= SystemTime::now());
    /// ```
    #[must_use]
    pub fn kind(&self, name: &str) -> Option<GroupKind> {
        let group = self.get(name)?;
        Some(GroupRef::of_type(&group.group_name, group.type_.as_ref()).kind())
    }
}

impl fmt::Debug for GroupDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupDirectory")
            .field("organization", &self.0.organization)
            .field("read_at", &self.0.read_at)
            .field("groups", &self.0.groups.len())
            .field("is_whole", &self.0.is_whole)
            .finish()
    }
}

impl PartialEq for GroupDirectory {
    fn eq(&self, other: &Self) -> bool {
        let (one, other) = (&*self.0, &*other.0);
        (&one.organization, one.read_at, &one.groups, one.is_whole)
            == (&other.organization, other.read_at, &other.groups, other.is_whole)
    }
}

impl Serialize for GroupDirectory {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Contents { organization, read_at, groups, is_whole, by_name: _ } = &*self.0;
        let read_at = read_at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let (organization, groups, is_whole) = (organization.into(), groups.into(), *is_whole);
        Stored { organization, read_at, groups, is_whole }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for GroupDirectory {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Stored { organization, read_at, groups, is_whole } = Stored::deserialize(deserializer)?;
        let read_at = SystemTime::UNIX_EPOCH
            .checked_add(Duration::from_secs(read_at))
            .ok_or_else(|| D::Error::custom(format!("readAt: {read_at} is not a time in seconds since 1970")))?;
        Ok(Self::read(organization, groups.into_owned(), read_at, is_whole))
    }
}

#[cfg(test)]
mod tests {
    use umapi_model::GroupType;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn directory() -> GroupDirectory {
        let groups = [
            Group::new("Design").with_type(GroupType::UserGroup).with_group_id(7_u64),
            Group::new("design").with_type(GroupType::ProductProfile),
            Group::new("Photoshop").with_type(GroupType::ProductProfile),
            Group::new("_admin_Design"),
        ];
        GroupDirectory::new("1F@AdobeOrg", groups, at(1_000))
    }

    #[test]
    fn groups_are_found_whatever_their_letter_case() {
        let groups = directory();
        assert_eq!(groups.get("DESIGN").and_then(|group| group.group_id), Some(7), "the first one");
        let kinds = ["design", "photoshop", "_admin_design", "Sales"].map(|name| groups.kind(name));
        assert_eq!(
            kinds,
            [Some(GroupKind::UserGroup), Some(GroupKind::Profile), Some(GroupKind::Administrative), None]
        );
    }

    #[test]
    fn a_stored_directory_is_the_same() {
        let groups = directory();
        let json = serde_json::to_string(&groups).unwrap();
        assert!(json.contains(r#""readAt":1000"#), "{json}");
        assert_eq!(serde_json::from_str::<GroupDirectory>(&json).unwrap(), groups);
    }

    #[test]
    fn the_age_is_never_negative() {
        let groups = directory();
        assert_eq!((groups.age(at(1_060)), groups.age(at(900))), (Duration::from_secs(60), Duration::ZERO));
    }

    #[test]
    fn a_damaged_directory_is_an_error() {
        for json in [
            "{}",
            r#"{"organization":"1F@AdobeOrg","readAt":-1,"groups":[]}"#,
            r#"{"organization":"1F@AdobeOrg","readAt":18446744073709551615,"groups":[]}"#,
            r#"{"organization":"1F@AdobeOrg","readAt":1,"groups":[{}]}"#,
        ] {
            assert!(serde_json::from_str::<GroupDirectory>(json).is_err(), "{json}");
        }
    }
}
