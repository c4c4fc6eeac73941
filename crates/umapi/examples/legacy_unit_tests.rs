//! Unit tests of a program that still uses the deprecated endpoints, with a stub of all of them.
//!
//! `cargo run -p umapi --example legacy_unit_tests`
#![allow(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use umapi::{
    Client, Error, Page,
    model::{
        Configuration, ConfigurationRights, ErrorCode, LegacyUser, NewUserGroup, Product, ProductAdmins, UserGroup,
        UserGroupChange, UserGroupRights,
    },
    stub::{ErrorBuilder, LegacyStub, Stub, UsersQuery},
};

const PRODUCT: &str = "A1B2";
const PROFILE: &str = "C3D4";

/// What is tested: gives a user group a new name, or creates it, and makes somebody its member.
async fn join_team(client: &Client, team: &str, email: &str) -> Result<u64, Error> {
    let groups = client.legacy().user_groups();
    let mut list = groups.list();
    let mut found = None;
    while let Some(group) = list.try_next().await? {
        if group.name.eq_ignore_ascii_case(team) {
            found = Some(group.group_id);
        }
    }
    let id = match found {
        Some(id) => groups.update(id, &UserGroupChange::default().with_name(team)).await?.group_id,
        None => groups.create(&NewUserGroup::new(team)).await?.group_id,
    };
    groups.change_rights(id, UserGroupRights::default().with_add_users([email])).await?;
    Ok(id)
}

/// An organization in memory: user groups with their members, one product and one profile.
#[derive(Clone, Default)]
struct Organization(Arc<Mutex<UserGroups>>);

/// The name and the members of each group.
type UserGroups = BTreeMap<u64, (String, Vec<String>)>;

impl Organization {
    fn with<T>(&self, change: impl FnOnce(&mut UserGroups) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn group(&self, id: u64) -> Result<UserGroup, Error> {
        let found = self.with(|groups| groups.get(&id).map(|(name, _)| UserGroup::new(id, name)));
        found.ok_or_else(|| ErrorBuilder::not_found(ErrorCode::GroupNotFound).into())
    }

    fn members(&self, id: u64) -> Result<Vec<LegacyUser>, Error> {
        let emails = self.with(|groups| groups.get(&id).map(|(_, members)| members.clone()));
        let emails = emails.ok_or_else(|| Error::from(ErrorBuilder::not_found(ErrorCode::GroupNotFound)))?;
        Ok(emails.into_iter().map(|email| LegacyUser::default().with_email(email)).collect())
    }
}

impl Stub for Organization {
    fn legacy(&self) -> &impl LegacyStub {
        self
    }
}

impl LegacyStub for Organization {
    async fn get_legacy_user(&self, email: String) -> Result<Option<LegacyUser>, Error> {
        let is_known = self.with(|groups| groups.values().any(|(_, members)| members.contains(&email)));
        Ok(is_known.then(|| LegacyUser::default().with_email(email)))
    }

    async fn list_legacy_users(&self, _: UsersQuery, _: u32) -> Result<Page<LegacyUser>, Error> {
        let emails = self.with(|groups| groups.values().flat_map(|(_, members)| members.clone()).collect::<Vec<_>>());
        Ok(Page::new(emails.into_iter().map(|email| LegacyUser::default().with_email(email)), true))
    }

    /// Pages of one group.
    async fn list_user_groups(&self, page: u32) -> Result<Page<UserGroup>, Error> {
        let all =
            self.with(|groups| groups.iter().map(|(id, (name, _))| UserGroup::new(*id, name)).collect::<Vec<_>>());
        let index = page as usize;
        let is_last = index + 1 >= all.len();
        Ok(Page::new(all.into_iter().skip(index).take(1), is_last))
    }

    async fn get_user_group(&self, group_id: u64) -> Result<Option<UserGroup>, Error> {
        Ok(self.group(group_id).ok())
    }

    async fn create_user_group(&self, group: NewUserGroup) -> Result<UserGroup, Error> {
        if group.name == "Admins" {
            return Err(ErrorBuilder::rejected(400).code(ErrorCode::LegacyDuplicateGroupName).into());
        }
        let id = self.with(|groups| {
            let id = groups.keys().max().map_or(1, |last| last + 1);
            groups.insert(id, (group.name, Vec::new()));
            id
        });
        self.group(id)
    }

    async fn update_user_group(&self, group_id: u64, change: UserGroupChange) -> Result<UserGroup, Error> {
        self.with(|groups| {
            if let (Some(group), Some(name)) = (groups.get_mut(&group_id), change.name) {
                group.0 = name;
            }
        });
        self.group(group_id)
    }

    async fn update_user_group_rights(&self, group_id: u64, rights: UserGroupRights) -> Result<UserGroup, Error> {
        self.with(|groups| {
            if let Some((_, members)) = groups.get_mut(&group_id) {
                members.retain(|email| !rights.remove_users.contains(email));
                members.extend(rights.add_users);
            }
        });
        self.group(group_id)
    }

    async fn delete_user_group(&self, group_id: u64) -> Result<bool, Error> {
        Ok(self.with(|groups| groups.remove(&group_id).is_some()))
    }

    async fn list_user_group_users(&self, group_id: u64, _: u32) -> Result<Page<LegacyUser>, Error> {
        Ok(Page::new(self.members(group_id)?, true))
    }

    async fn list_user_group_admins(&self, _: u64, _: u32) -> Result<Page<LegacyUser>, Error> {
        Ok(Page::new([], true))
    }

    async fn list_products(&self, _: u32) -> Result<Page<Product>, Error> {
        Ok(Page::new([Product::new(PRODUCT, "Photoshop")], true))
    }

    async fn get_product(&self, product_id: String) -> Result<Option<Product>, Error> {
        Ok((product_id == PRODUCT).then(|| Product::new(PRODUCT, "Photoshop")))
    }

    async fn update_product_admins(&self, product_id: String, _: ProductAdmins) -> Result<Product, Error> {
        Ok(Product::new(product_id, "Photoshop"))
    }

    async fn update_product_rights(&self, product_id: String, _: ProductAdmins) -> Result<Product, Error> {
        Ok(Product::new(product_id, "Photoshop"))
    }

    async fn list_configurations(&self, _: String, _: u32) -> Result<Page<Configuration>, Error> {
        Ok(Page::new([Configuration::new(PROFILE)], true))
    }

    async fn get_configuration(&self, _: String, profile: String) -> Result<Option<Configuration>, Error> {
        Ok((profile == PROFILE).then(|| Configuration::new(PROFILE)))
    }

    async fn update_configuration_rights(
        &self,
        _: String,
        profile: String,
        _: ConfigurationRights,
    ) -> Result<Configuration, Error> {
        Ok(Configuration::new(profile))
    }

    async fn list_configuration_users(&self, _: String, _: String, _: u32) -> Result<Page<LegacyUser>, Error> {
        Ok(Page::new([LegacyUser::default().with_email("ann@example.com")], true))
    }

    async fn list_configuration_admins(&self, _: String, _: String, _: u32) -> Result<Page<LegacyUser>, Error> {
        Ok(Page::new([], true))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let client = Client::from_stub(Organization::default());
    let legacy = client.legacy();

    let id = join_team(&client, "Design", "ann@example.com").await?;
    assert_eq!(join_team(&client, "DESIGN", "bob@example.com").await?, id, "letter case does not make another group");
    let members = legacy.user_groups().users(id).try_collect().await?;
    println!("group {id} has {} members", members.len());
    assert_eq!(members.len(), 2);
    assert!(legacy.users().get("ann@example.com").await?.is_some());

    let refused = join_team(&client, "Admins", "ann@example.com").await.err();
    assert_eq!(refused.as_ref().and_then(Error::code), Some(&ErrorCode::LegacyDuplicateGroupName));

    for product in legacy.products().list().try_collect().await? {
        let profile = legacy.products().configurations(product.id.as_str()).get(PROFILE).await?;
        println!("{} has the profile {:?}", product.name, profile.map(|profile| profile.id));
    }
    assert!(legacy.user_groups().delete(id).await? && !legacy.user_groups().delete(id).await?);
    Ok(())
}
