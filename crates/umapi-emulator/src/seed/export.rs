//! Writes the present state as a seed.
//!
//! Users are written one by one, because there can be a million: only the text is in memory.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use serde_json::Value;

use super::{Directory, Integration, Organization, Presence, Product, Profile, User, UserGroup, UserStatus, UserType};
use crate::{
    limits::LimitSettings,
    seed::{DirectoryType, Domain, DomainClaim, Login},
    store::{
        self, GroupId, GroupKind, Membership, OrgId, Reader, StoreError, UserKind, UserKinds, UserRow, domain_of, fold,
    },
};

/// Writes all organizations and the rate limits as a seed in JSON, with one user in a line.
pub(crate) fn export(r: &Reader<'_>, limits: &LimitSettings) -> Result<Vec<u8>, StoreError> {
    let mut out = Vec::new();
    out.extend_from_slice(b"{\"organizations\": [");
    for (i, org) in in_order_of_trust(r)?.iter().enumerate() {
        out.extend_from_slice(if i == 0 { b"\n" } else { b",\n" });
        organization(r, org, &mut out)?;
    }
    out.extend_from_slice(b"\n],\n\"limits\": ");
    write(&mut out, limits)?;
    out.extend_from_slice(b"}\n");
    Ok(out)
}

/// The organizations: one that owns a directory comes before those that it trusts, as far as they do not trust each other.
fn in_order_of_trust(r: &Reader<'_>) -> Result<Vec<store::Organization>, StoreError> {
    let mut waiting = r.organizations()?;
    let mut owners: HashMap<String, HashSet<OrgId>> = HashMap::new();
    for org in &waiting {
        for directory in r.directories(org.id)? {
            for trustee in r.trustees(directory.id)? {
                owners.entry(trustee).or_default().insert(org.id);
            }
        }
    }
    let mut ordered: Vec<store::Organization> = Vec::new();
    while !waiting.is_empty() {
        let is_free = |org: &store::Organization| {
            owners
                .get(&org.org_id)
                .is_none_or(|owners| !waiting.iter().any(|other| other.id != org.id && owners.contains(&other.id)))
        };
        let next = waiting.iter().position(is_free).unwrap_or(0);
        ordered.push(waiting.remove(next));
    }
    Ok(ordered)
}

fn organization(r: &Reader<'_>, org: &store::Organization, out: &mut Vec<u8>) -> Result<(), StoreError> {
    let all = [UserType::AdobeId, UserType::EnterpriseId, UserType::FederatedId];
    let integrations: Vec<Integration> = r.integrations(org.id)?.into_iter().map(integration).collect();
    let technical: HashSet<String> = integrations
        .iter()
        .filter_map(|integration| integration.technical_account_email.as_deref())
        .map(|email| fold(email).into_owned())
        .collect();
    let mut products = Vec::new();
    let mut profiles: HashMap<i64, Vec<Profile>> = HashMap::new();
    for profile in r.groups_of_kind(org.id, GroupKind::Profile)? {
        let entry = profiles.entry(profile.subject.unwrap_or_default()).or_default();
        entry.push(Profile { name: profile.name, description: profile.description, quota: quota(profile.quota) });
    }
    for product in r.products_of(org.id)? {
        products.push(Product {
            name: product.name,
            id: Some(product.external_id),
            code: product.code,
            quota: quota(product.quota),
            profiles: profiles.remove(&product.id).unwrap_or_default(),
        });
    }
    let mut user_groups = Vec::new();
    for group in r.groups_of_kind(org.id, GroupKind::UserGroup)? {
        let mut names = Vec::new();
        for profile in r.profiles_of_group(group.id)? {
            names.extend(r.group_row(org.id, profile)?.map(|profile| profile.name));
        }
        user_groups.push(UserGroup {
            name: group.name,
            description: group.description,
            read_only: group.read_only,
            profiles: names,
        });
    }
    let directories = r.directories(org.id)?;
    let without_users = Organization {
        id: org.org_id.clone(),
        name: org.name.clone(),
        migrating: org.migrating,
        user_types: (org.user_kinds != UserKinds::ALL)
            .then(|| all.into_iter().filter(|kind| org.user_kinds.contains((*kind).into())).collect()),
        shared_addresses: org.shared_addresses,
        directories: directories.into_iter().map(|found| directory(r, found)).collect::<Result<_, _>>()?,
        products,
        user_groups,
        users: Vec::new(),
        integrations,
        generate: None,
    };
    out.extend_from_slice(b"{");
    if let Value::Object(fields) = serde_json::to_value(&without_users)? {
        for (name, value) in fields.iter().filter(|(name, _)| *name != "users") {
            write(out, name)?;
            out.extend_from_slice(b": ");
            write(out, value)?;
            out.extend_from_slice(b",\n");
        }
    }
    out.extend_from_slice(b"\"users\": [");
    users(r, org.id, &technical, out)?;
    out.extend_from_slice(b"\n]}");
    Ok(())
}

/// Writes the users. The technical accounts of integrations are not among them: an integration has its own.
fn users(r: &Reader<'_>, org: OrgId, technical: &HashSet<String>, out: &mut Vec<u8>) -> Result<(), StoreError> {
    let mut names: HashMap<GroupId, String> = HashMap::new();
    let mut is_first = true;
    r.each_user_to_seed(org, |row| {
        if row.technical && technical.contains(&row.key()) {
            return Ok(());
        }
        let mut direct: Vec<Membership> = r.memberships(row.id)?;
        direct.retain(Membership::is_direct);
        let mut groups = Vec::new();
        for membership in direct {
            let name = match names.get(&membership.group) {
                Some(name) => name.clone(),
                None => {
                    let Some(group) = r.group_row(org, membership.group)? else { continue };
                    names.insert(group.id, group.name.clone());
                    group.name
                }
            };
            groups.push(name);
        }
        out.extend_from_slice(if is_first { b"\n" } else { b",\n" });
        is_first = false;
        write(out, &user(row, groups))
    })
}

fn write(out: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) -> Result<(), StoreError> {
    Ok(serde_json::to_writer(out, value)?)
}

fn quota(quota: Option<i64>) -> Option<u32> {
    quota.map(|quota| u32::try_from(quota).unwrap_or(u32::MAX))
}

/// A directory as a seed has it.
pub(crate) fn directory(r: &Reader<'_>, directory: store::Directory) -> Result<Directory, StoreError> {
    let claim = |domain: store::Domain| Domain::Claim(DomainClaim { name: domain.name, enforced: domain.enforced });
    Ok(Directory {
        directory_type: if directory.federated { DirectoryType::Federated } else { DirectoryType::Enterprise },
        login: if directory.username_login { Login::Username } else { Login::Email },
        synced: directory.synced,
        domains: r.domains(directory.id)?.into_iter().map(claim).collect(),
        trusted_by: r.trustees(directory.id)?,
        name: directory.name,
    })
}

/// An integration as a seed has it.
pub(crate) fn integration(integration: store::Integration) -> Integration {
    Integration {
        client_id: integration.client_id,
        name: integration.name,
        technical_account: Some(integration.technical_account),
        technical_account_email: Some(integration.technical_account_email),
        secrets: integration.secrets,
        keys: integration.keys,
        scopes: integration.scopes,
        metascopes: integration.metascopes,
        jti_required: integration.jti_required,
        enabled: integration.enabled,
    }
}

/// A user, with the names of the groups that it is in directly, as a seed has it.
pub(crate) fn user(user: UserRow, groups: Vec<String>) -> User {
    let named_by_email = user.username == user.email;
    let own_domain = user.domain == fold(domain_of(&user.email));
    User {
        user_type: match user.kind {
            UserKind::AdobeId => UserType::AdobeId,
            UserKind::EnterpriseId => UserType::EnterpriseId,
            UserKind::FederatedId => UserType::FederatedId,
            UserKind::Unknown => UserType::Unknown,
        },
        email: user.email,
        username: (!named_by_email).then_some(user.username),
        domain: (!own_domain).then_some(user.domain),
        firstname: user.firstname,
        lastname: user.lastname,
        country: user.country,
        phone: user.phone,
        status: match user.status {
            store::UserStatus::Active => UserStatus::Active,
            store::UserStatus::Disabled => UserStatus::Disabled,
            store::UserStatus::Locked => UserStatus::Locked,
            store::UserStatus::Removed => UserStatus::Removed,
        },
        presence: match user.presence {
            store::Presence::Member => Presence::Member,
            store::Presence::DirectoryOnly => Presence::DirectoryOnly,
            store::Presence::Invited => Presence::Invited,
        },
        technical: user.technical,
        groups,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        seed::{Seed, load},
        store::{MemberQuery, MemberStatus, PageRequest, Store},
        testing,
    };

    fn exported(store: &Store) -> String {
        String::from_utf8(store.read(|r| export(r, &LimitSettings::reported())).unwrap()).unwrap()
    }

    fn round_trip(text: &str) -> String {
        let store = Store::in_memory().unwrap();
        load(&store, &Seed::from_yaml(text).unwrap()).unwrap();
        exported(&store)
    }

    #[test]
    fn an_exported_seed_makes_the_same_state() {
        for yaml in [testing::SEED, include_str!("../default-seed.yaml")] {
            let first = round_trip(yaml);
            let again = round_trip(&first);
            assert_eq!(again, first);
            assert_eq!(Seed::from_json(&first).unwrap(), Seed::from_yaml(&first).unwrap());
        }
    }

    #[test]
    fn those_who_wait_for_a_license_still_wait() {
        let yaml = r"
organizations:
  - id: AA@AdobeOrg
    directories: [{ name: Staff, type: federated, domains: [a.com] }]
    products: [{ name: P, profiles: [{ name: Profile, quota: 1 }] }]
    users:
      - { type: federatedID, email: ann@a.com }
      - { type: federatedID, email: bob@a.com, groups: [Profile] }
";
        let store = Store::in_memory().unwrap();
        load(&store, &Seed::from_yaml(yaml).unwrap()).unwrap();
        store
            .write(None, |tx| {
                let org = tx.rows().organization("AA@AdobeOrg")?.unwrap().id;
                let ann = tx.rows().user_by_email(org, "ann@a.com", false)?.unwrap();
                let profile = tx.rows().group_by_name(org, "Profile")?.unwrap();
                tx.add_member(&ann, profile.id)
            })
            .unwrap();
        let copy = Store::in_memory().unwrap();
        load(&copy, &Seed::from_json(&exported(&store)).unwrap()).unwrap();
        let waiting = copy.read(|r| {
            let org = r.organization("AA@AdobeOrg")?.unwrap().id;
            let profile = r.group_by_name(org, "Profile")?.unwrap();
            let query = MemberQuery { status: Some(MemberStatus::Inactive), ..MemberQuery::default() };
            r.members(&profile, &query, PageRequest { page: 0, size: 9 })
        });
        let waiting: Vec<_> = waiting.unwrap().items.into_iter().map(|user| user.email).collect();
        assert_eq!(waiting, ["ann@a.com"], "who joined last, and not who comes last");
    }

    #[test]
    fn an_owner_comes_before_those_it_trusts() {
        let yaml = r"
organizations:
  - { id: BB@AdobeOrg }
  - id: AA@AdobeOrg
    directories: [{ name: Staff, type: federated, domains: [a.com], trustedBy: [BB@AdobeOrg] }]
";
        let text = round_trip(yaml);
        let seed = Seed::from_json(&text).unwrap();
        let ids: Vec<_> = seed.organizations.iter().map(|org| org.id.as_str()).collect();
        assert_eq!(ids, ["AA@AdobeOrg", "BB@AdobeOrg"]);
    }
}
