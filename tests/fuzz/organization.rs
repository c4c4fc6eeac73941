//! An organization that fuzz targets change, and the invariants that must hold after every change.

use std::collections::{BTreeMap, BTreeSet};

use umapi_emulator::{
    Emulator, LimitSettings,
    seed::Seed,
    store::{ChangeKind, LedgerEntry, MemberQuery, PageRequest, Snapshot, StoreError, UserQuery},
};

pub(crate) const ORG: &str = "12345@AdobeOrg";
const ALL: PageRequest = PageRequest { page: 0, size: 100_000 };

const SEED: &str = r"
organizations:
  - id: 12345@AdobeOrg
    directories:
      - { name: Staff, type: federated, domains: [staff.example] }
      - { name: Contractors, type: enterprise, domains: [contractors.example] }
      - { name: School, type: federated, login: username, domains: [school.example] }
    products:
      - { name: Photoshop, profiles: [{ name: Photoshop, quota: 1 }, { name: All Apps }] }
    userGroups:
      - { name: Design, profiles: [Photoshop] }
      - { name: Everybody }
      - { name: Theirs, readOnly: true }
    users:
      - { type: federatedID, email: ann@staff.example, firstname: Ann, lastname: Lee, country: US, groups: [Design, _org_admin] }
      - { type: enterpriseID, email: bob@contractors.example, country: DE, groups: [Photoshop, Everybody] }
      - { type: adobeID, email: cat@mail.example }
      - { type: federatedID, email: dan@school.example, username: dan, domain: school.example, country: GB }
";

/// An emulator with the organization, and the state to restore before each input.
pub(crate) struct Organization {
    pub(crate) emulator: Emulator,
    start: Snapshot,
}

/// The memberships, as pairs of address and group name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Memberships(BTreeSet<(String, String)>);

impl Organization {
    pub(crate) async fn new() -> Self {
        let seed = Seed::from_yaml(SEED).unwrap();
        let builder = Emulator::builder().seed(seed).limits(LimitSettings::off()).without_management();
        let emulator = builder.journal_entries(0).start().await.unwrap();
        let start = emulator.snapshot().unwrap();
        Self { emulator, start }
    }

    /// Restores the initial state.
    pub(crate) fn begin_anew(&self) {
        self.emulator.restore(&self.start).unwrap();
    }

    /// Reads the memberships from the users and from the groups. Both must agree, and the count of each group must
    /// match.
    pub(crate) fn memberships(&self) -> Memberships {
        let read = self.emulator.store().read(|reader| {
            let organization = reader.organization(ORG)?.expect("the organization exists").id;
            let users = reader.users(organization, &UserQuery::default(), ALL)?.expect("the organization has users");
            let by_user: BTreeSet<_> = users
                .items
                .iter()
                .flat_map(|user| user.groups.iter().map(|group| (user.email.clone(), group.to_string())))
                .collect();
            let mut by_group = BTreeSet::new();
            for group in reader.groups(organization, ALL)?.items {
                let row = reader.group_by_name(organization, &group.name)?.expect("a listed group exists");
                let direct = MemberQuery { direct_only: true, exclude_groups: false, ..MemberQuery::default() };
                let members = reader.members(&row, &direct, ALL)?;
                assert!(members.total <= group.member_count.unsigned_abs(), "{group:?}: {}", members.total);
                by_group.extend(members.items.into_iter().map(|user| (user.email, group.name.clone())));
            }
            assert_eq!(by_user, by_group, "the memberships of users and groups differ");
            Ok::<_, StoreError>(Memberships(by_user))
        });
        read.unwrap()
    }
}

impl Memberships {
    /// The memberships after the changes of the ledger. `None` if an address or a name changed, because the ledger
    /// contains the old one.
    pub(crate) fn after(&self, ledger: &[LedgerEntry]) -> Option<Self> {
        let mut folded: BTreeMap<_, _> = self.0.iter().map(|pair| (fold(pair), pair.clone())).collect();
        for entry in ledger {
            match (entry.kind, &entry.user, &entry.group) {
                (ChangeKind::MemberAdded, Some(user), Some(group)) => {
                    let pair = (user.clone(), group.clone());
                    assert!(folded.insert(pair.clone(), pair).is_none(), "already a member: {entry:?}");
                }
                (ChangeKind::MemberRemoved, Some(user), Some(group)) => {
                    let gone = folded.remove(&(user.clone(), group.clone()));
                    assert!(gone.is_some(), "not a member: {entry:?}");
                }
                (ChangeKind::GroupDeleted, _, Some(deleted)) => {
                    let admins = format!("_admin_{deleted}");
                    folded.retain(|(_, group), _| group != deleted && *group != admins);
                }
                (ChangeKind::UserUpdated | ChangeKind::GroupUpdated, ..) => return None,
                _ => {}
            }
        }
        Some(Self(folded.into_keys().collect()))
    }

    pub(crate) fn folded(&self) -> Self {
        Self(self.0.iter().map(fold).collect())
    }
}

fn fold((user, group): &(String, String)) -> (String, String) {
    (user.to_lowercase(), group.to_lowercase())
}
