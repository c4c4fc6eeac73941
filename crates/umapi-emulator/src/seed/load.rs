//! Loads a seed into a store.

use std::collections::HashMap;

use super::{
    SeedError, SeedPath,
    format::{
        Directory, DirectoryType, Domain, DomainClaim, Generate, Integration, Login, Organization, Presence, Product,
        Seed, User, UserGroup,
    },
    generator::Generator,
};
use crate::{
    engine::{
        EngineError,
        provision::{self, Account},
    },
    login::key_problem,
    store::{
        self, DirectoryId, GroupId, GroupKind, NewDirectory, NewGroup, NewIntegration, NewProduct, OrgId, Store, Tx,
        fold,
    },
};

/// The most users that are generated. They take about 4 GB.
const MAX_USERS: u32 = 10_000_000;
/// The most user groups, and the most product profiles, that are generated.
const MAX_GROUPS: u32 = 100_000;

/// Loads a seed into a store: all of it, or nothing.
///
/// # Errors
/// With the path in the seed and the broken rule, or the store's own error.
pub fn load(store: &Store, seed: &Seed) -> Result<(), SeedError> {
    store.write(None, |tx| {
        let path = SeedPath::Root.key("organizations");
        let mut orgs = Vec::new();
        // Organizations are created first, because they may trust each other.
        for (i, org) in seed.organizations.iter().enumerate() {
            orgs.push(organization(tx, org, &path.index(i))?);
        }
        for (i, org) in seed.organizations.iter().enumerate() {
            if let Some(generate) = &org.generate {
                check_sizes(generate, &path.index(i).key("generate"))?;
            }
        }
        let generators: Vec<_> = seed
            .organizations
            .iter()
            .map(|org| org.generate.map(|generate| Generator::new(&org.id, generate)))
            .collect();
        for (i, ((org, id), generator)) in seed.organizations.iter().zip(&orgs).zip(&generators).enumerate() {
            let path = path.index(i);
            directories(tx, *id, &org.directories, &path.key("directories"))?;
            if let Some(generator) = generator {
                directories(tx, *id, &generator.directories(), &path.key("generate"))?;
            }
        }
        for (i, (org, generator)) in seed.organizations.iter().zip(generators).enumerate() {
            let path = path.index(i);
            let mut loader = Loader::new(tx, &org.id)?;
            loader.contents(org, &path)?;
            if let Some(generator) = generator {
                loader.generated(generator, &path.key("generate"))?;
            }
        }
        Ok(())
    })
}

/// Refuses numbers that no machine can hold, before anything is generated.
fn check_sizes(generate: &Generate, path: &SeedPath<'_>) -> Result<(), SeedError> {
    let sizes = [
        ("users", generate.users, MAX_USERS),
        ("groups", generate.groups, MAX_GROUPS),
        ("profiles", generate.profiles, MAX_GROUPS),
    ];
    match sizes.into_iter().find(|(_, size, limit)| size > limit) {
        None => Ok(()),
        Some((name, size, limit)) => {
            let message = format!("{size} {name} are too many to generate; at most {limit} are possible");
            Err(SeedError::rule(&path.key(name), "emulator.seed.too_large", message))
        }
    }
}

/// Adds a directory to an organization.
pub(crate) fn add_directory(tx: &Tx<'_>, org: OrgId, directory: &Directory) -> Result<(), SeedError> {
    one_directory(tx, org, directory, &SeedPath::Root)
}

/// Adds a product and its profiles to an organization.
pub(crate) fn add_product(tx: &mut Tx<'_>, org_id: &str, product: &Product) -> Result<(), SeedError> {
    Loader::new(tx, org_id)?.product(product, &SeedPath::Root)
}

/// Adds a user group to an organization.
pub(crate) fn add_user_group(tx: &mut Tx<'_>, org_id: &str, group: &UserGroup) -> Result<(), SeedError> {
    Loader::new(tx, org_id)?.user_group(group, &SeedPath::Root)
}

/// Adds a user to an organization.
pub(crate) fn add_user(tx: &mut Tx<'_>, org_id: &str, user: &User) -> Result<(), SeedError> {
    Loader::new(tx, org_id)?.user(user, &SeedPath::Root)
}

/// Adds an integration to an organization.
pub(crate) fn add_integration(tx: &mut Tx<'_>, org_id: &str, integration: &Integration) -> Result<(), SeedError> {
    Loader::new(tx, org_id)?.integration(integration, &SeedPath::Root)
}

fn organization(tx: &mut Tx<'_>, org: &Organization, path: &SeedPath<'_>) -> Result<OrgId, SeedError> {
    let id = provision::organization(tx, &org.id, &org.name).map_err(at(&path.key("id")))?;
    tx.set_migrating(id, org.migrating)?;
    tx.set_shared_addresses(id, org.shared_addresses)?;
    if let Some(types) = &org.user_types {
        tx.set_user_kinds(id, types.iter().map(|user_type| store::UserKind::from(*user_type)).collect())?;
    }
    Ok(id)
}

fn directories(tx: &Tx<'_>, org: OrgId, all: &[Directory], path: &SeedPath<'_>) -> Result<(), SeedError> {
    all.iter().enumerate().try_for_each(|(i, directory)| one_directory(tx, org, directory, &path.index(i)))
}

fn one_directory(tx: &Tx<'_>, org: OrgId, directory: &Directory, path: &SeedPath<'_>) -> Result<(), SeedError> {
    let new = NewDirectory {
        name: &directory.name,
        federated: directory.directory_type == DirectoryType::Federated,
        username_login: directory.login == Login::Username,
        synced: directory.synced,
    };
    let id = provision::directory(tx, org, &new).map_err(at(path))?;
    claims(tx, org, id, &directory.domains, &path.key("domains"))?;
    for (i, trustee) in directory.trusted_by.iter().enumerate() {
        provision::trust(tx, id, trustee).map_err(at(&path.key("trustedBy").index(i)))?;
    }
    Ok(())
}

fn claims(
    tx: &Tx<'_>,
    org: OrgId,
    directory: DirectoryId,
    domains: &[Domain],
    path: &SeedPath<'_>,
) -> Result<(), SeedError> {
    for (i, domain) in domains.iter().enumerate() {
        let (name, enforced) = match domain {
            Domain::Name(name) => (name, false),
            Domain::Claim(DomainClaim { name, enforced }) => (name, *enforced),
        };
        provision::claim(tx, org, directory, name, enforced).map_err(at(&path.index(i)))?;
    }
    Ok(())
}

/// Adds the path to an error.
fn at<'a>(path: &'a SeedPath<'_>) -> impl FnOnce(EngineError) -> SeedError + 'a {
    move |error| SeedError::new(path, error)
}

/// Loads the contents of one organization.
struct Loader<'t, 'c> {
    tx: &'t mut Tx<'c>,
    org: store::Organization,
    /// Ids of groups by folded name: a million users name the same few groups.
    groups: HashMap<String, GroupId>,
}

impl<'t, 'c> Loader<'t, 'c> {
    fn new(tx: &'t mut Tx<'c>, org_id: &str) -> Result<Self, SeedError> {
        let org = tx.rows().organization(org_id)?.ok_or_else(|| {
            SeedError::rule(
                &SeedPath::Root,
                "error.organization.invalid_id",
                format!("Organization does not exist: {org_id}"),
            )
        })?;
        Ok(Self { tx, org, groups: HashMap::new() })
    }

    fn contents(&mut self, org: &Organization, path: &SeedPath<'_>) -> Result<(), SeedError> {
        for (i, product) in org.products.iter().enumerate() {
            self.product(product, &path.key("products").index(i))?;
        }
        for (i, group) in org.user_groups.iter().enumerate() {
            self.user_group(group, &path.key("userGroups").index(i))?;
        }
        for (i, user) in org.users.iter().enumerate() {
            self.user(user, &path.key("users").index(i))?;
        }
        for (i, integration) in org.integrations.iter().enumerate() {
            self.integration(integration, &path.key("integrations").index(i))?;
        }
        Ok(())
    }

    fn generated(&mut self, generator: Generator, path: &SeedPath<'_>) -> Result<(), SeedError> {
        for product in generator.products() {
            self.product(&product, path)?;
        }
        for group in generator.user_groups() {
            self.user_group(&group, path)?;
        }
        for user in generator.users() {
            self.user(&user, path)?;
        }
        Ok(())
    }

    fn product(&mut self, product: &Product, path: &SeedPath<'_>) -> Result<(), SeedError> {
        let new = NewProduct {
            name: &product.name,
            external_id: product.id.as_deref(),
            code: &product.code,
            quota: product.quota.map(i64::from),
        };
        let id = provision::product(self.tx, self.org.id, &new).map_err(at(path))?;
        for (i, profile) in product.profiles.iter().enumerate() {
            let new = NewGroup {
                name: &profile.name,
                description: profile.description.as_deref(),
                read_only: false,
                quota: profile.quota.map(i64::from),
            };
            provision::profile(self.tx, self.org.id, id, &new).map_err(at(&path.key("profiles").index(i)))?;
        }
        Ok(())
    }

    fn user_group(&mut self, group: &UserGroup, path: &SeedPath<'_>) -> Result<(), SeedError> {
        let new = NewGroup {
            name: &group.name,
            description: group.description.as_deref(),
            read_only: group.read_only,
            quota: None,
        };
        let id = provision::user_group(self.tx, self.org.id, &new).map_err(at(path))?;
        for (i, profile) in group.profiles.iter().enumerate() {
            let path = path.key("profiles");
            let found = self.tx.rows().group_by_name(self.org.id, profile)?;
            match found.filter(|group| group.kind == GroupKind::Profile) {
                Some(profile) => self.tx.attach_profile(id, profile.id)?,
                None => return Err(unknown_group(profile, &path.index(i))),
            };
        }
        Ok(())
    }

    fn user(&mut self, user: &User, path: &SeedPath<'_>) -> Result<(), SeedError> {
        let account = Account {
            username: user.username.as_deref(),
            domain: user.domain.as_deref(),
            firstname: user.firstname.as_deref(),
            lastname: user.lastname.as_deref(),
            country: user.country.as_deref(),
            phone: user.phone.as_deref(),
            status: user.status.into(),
            presence: user.presence.into(),
            technical: user.technical,
            ..Account::new(user.user_type.into(), &user.email)
        };
        let id = provision::account(self.tx, &self.org, &account).map_err(at(path))?;
        if user.groups.is_empty() {
            return Ok(());
        }
        if user.presence != Presence::Member {
            let message = format!("Only users of the organization can be in groups: {}", user.email);
            return Err(SeedError::rule(&path.key("groups"), "error.user.not_in_org", message));
        }
        let Some(row) = self.tx.rows().user_row(id)? else { return Ok(()) };
        for (i, name) in user.groups.iter().enumerate() {
            let group = self.group(name, &path.key("groups").index(i))?;
            self.tx.add_member(&row, group)?;
        }
        Ok(())
    }

    fn group(&mut self, name: &str, path: &SeedPath<'_>) -> Result<GroupId, SeedError> {
        let key = fold(name);
        if let Some(id) = self.groups.get(&*key) {
            return Ok(*id);
        }
        match self.tx.rows().group_by_name(self.org.id, name)? {
            Some(group) => {
                self.groups.insert(key.into_owned(), group.id);
                Ok(group.id)
            }
            None => Err(unknown_group(name, path)),
        }
    }

    fn integration(&mut self, integration: &Integration, path: &SeedPath<'_>) -> Result<(), SeedError> {
        for (i, key) in integration.keys.iter().enumerate() {
            if let Some(problem) = key_problem(key) {
                let message = format!("Key is invalid: {problem}");
                return Err(SeedError::rule(&path.key("keys").index(i), "emulator.integration.invalid", message));
            }
        }
        let made_up = format!("{}@techacct.adobe.com", integration.client_id);
        let technical_account = integration.technical_account.as_deref().unwrap_or(&made_up);
        let new = NewIntegration {
            client_id: &integration.client_id,
            name: &integration.name,
            technical_account,
            technical_account_email: integration.technical_account_email.as_deref().unwrap_or(technical_account),
            secrets: &integration.secrets,
            keys: &integration.keys,
            scopes: &integration.scopes,
            metascopes: &integration.metascopes,
            jti_required: integration.jti_required,
            enabled: integration.enabled,
        };
        provision::integration(self.tx, self.org.id, &new).map_err(at(path))?;
        Ok(())
    }
}

fn unknown_group(name: &str, path: &SeedPath<'_>) -> SeedError {
    SeedError::rule(path, "error.group.not_found", format!("Group {name} was not found"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{MemberQuery, MemberStatus, PageRequest, UserQuery};

    const ALL: PageRequest = PageRequest { page: 0, size: 1000 };

    const TWO: &str = r"
organizations:
  - id: AA@AdobeOrg
    directories:
      - { name: Staff, type: federated, domains: [a.com, { name: b.com, enforced: true }], trustedBy: [BB@AdobeOrg] }
      - { name: School, type: federated, login: username, domains: [school.com] }
    products:
      - name: Photoshop
        profiles: [{ name: Default Photoshop, quota: 1 }]
    userGroups: [{ name: Design, profiles: [default photoshop] }, { name: Shared, readOnly: true }]
    users:
      - { type: federatedID, email: ann@a.com, groups: [Design, _org_admin, _admin_design] }
      - { type: federatedID, email: bob@a.com, groups: [Default Photoshop] }
      - { type: federatedID, email: kid@mail.com, username: kid, domain: school.com, status: disabled, groups: [Shared] }
      - { type: adobeID, email: eve@a.com, presence: invited }
    integrations: [{ clientId: key, secrets: [s] }]
  - id: BB@AdobeOrg
    users: [{ type: federatedID, email: ann@a.com }]
";

    #[test]
    fn a_seed_is_loaded() {
        let store = Store::in_memory().unwrap();
        load(&store, &Seed::from_yaml(TWO).unwrap()).unwrap();
        store
            .read(|r| {
                let [a, b] = ["AA@AdobeOrg", "BB@AdobeOrg"].map(|id| r.organization(id).unwrap().unwrap().id);
                let users = r.users(a, &UserQuery::default(), ALL)?.unwrap();
                assert_eq!((users.items.len(), users.total), (2, 3), "the technical account is counted");
                let ann = r.user(a, "ANN@A.COM", None, true)?.unwrap();
                assert_eq!(
                    ann.groups.iter().map(AsRef::as_ref).collect::<Vec<&str>>(),
                    ["_org_admin", "Design", "_admin_Design"]
                );
                assert_eq!(r.user(b, "ann@a.com", None, true)?.unwrap().id, ann.id, "one account, two organizations");
                let profile = r.group_by_name(a, "Default Photoshop")?.unwrap();
                let waiting =
                    MemberQuery { status: Some(MemberStatus::Inactive), direct_only: false, exclude_groups: true };
                let waiting = r.members(&profile, &waiting, ALL)?;
                assert_eq!(waiting.items.iter().map(|u| u.email.as_str()).collect::<Vec<_>>(), ["bob@a.com"]);
                assert!(r.user(a, "kid", Some("school.com"), true)?.is_none(), "disabled");
                Ok::<_, SeedError>(())
            })
            .unwrap();
    }

    #[test]
    fn absurd_sizes_are_refused_before_anything_is_generated() {
        for (text, name) in [("users: 4294967295", "users"), ("users: 1, groups: 4294967295", "groups")] {
            let seed = Seed::from_yaml(&format!("organizations: [{{id: 1A@AdobeOrg, generate: {{{text}}}}}]")).unwrap();
            let store = Store::in_memory().unwrap();
            let error = load(&store, &seed).unwrap_err().to_string();
            assert!(
                error.contains(&format!("/organizations/0/generate/{name}")) && error.contains("at most"),
                "{error}"
            );
            assert!(store.read(|reader| reader.organizations()).unwrap().is_empty());
        }
    }

    #[test]
    fn errors_name_the_path_and_the_rule() {
        for (from, to, path, code) in [
            ("AA@AdobeOrg", "AA", "/organizations/0/id", "error.organization.invalid_id"),
            ("email: bob@a.com", "email: bob", "/organizations/0/users/1", "error.user.email.invalid"),
            ("email: bob@a.com", "email: bob@x.com", "/organizations/0/users/1", "error.domain.trust.nonexistent"),
            (
                "groups: [Default Photoshop]",
                "groups: [X]",
                "/organizations/0/users/1/groups/0",
                "error.group.not_found",
            ),
            ("[default photoshop]", "[X]", "/organizations/0/userGroups/0/profiles/0", "error.group.not_found"),
            ("name: Shared", "name: design", "/organizations/0/userGroups/1", "error.usergroup.already_exists"),
            ("trustedBy: [BB@AdobeOrg]", "trustedBy: [CC@AdobeOrg]", "/directories/0/trustedBy/0", "invalid_id"),
            ("eve@a.com", "eve@b.com", "/organizations/0/users/3", "error.user.domain_enforcement"),
            ("[school.com]", "[a.com]", "/organizations/0/directories/1/domains/0", "emulator.domain.claimed"),
            (
                "users: [{ type: federatedID, email: ann@a.com }]",
                "users: [{ type: federatedID, email: new@a.com }]",
                "/organizations/1/users/0",
                "error.api.user.not.parent.org",
            ),
        ] {
            assert!(TWO.contains(from), "{from}");
            let store = Store::in_memory().unwrap();
            let seed = Seed::from_yaml(&TWO.replace(from, to)).unwrap();
            let error = load(&store, &seed).unwrap_err().to_string();
            assert!(error.contains(path) && error.contains(code), "{from} -> {to}: {error}");
            assert!(store.read(|r| r.organizations()).unwrap().is_empty(), "{to} left something behind");
        }
    }
}
