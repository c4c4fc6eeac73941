//! Stubs of the deprecated endpoints: typed answers, and what is left to requests.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "tests panic on the unexpected")]

use std::{
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use umapi::{
    CallFinished, CallOptions, Client, Error, Observer, Page,
    model::{
        Configuration, ConfigurationRights, ErrorCode, LegacyUser, NewUserGroup, Product, ProductAdmins, UserGroup,
        UserGroupChange, UserGroupRights,
    },
    raw,
    stub::{AnyRequest, ErrorBuilder, LegacyStub, Stub, UsersQuery},
};

/// Notes what it was asked.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    fn note(&self, text: impl Into<String>) {
        self.0.lock().unwrap().push(text.into());
    }

    fn taken(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl Observer for Notes {
    fn call_finished(&self, call: &CallFinished<'_>) {
        self.note(format!("call {} {} {}", call.operation, call.requests, call.error.is_some()));
    }
}

fn user(email: &str) -> LegacyUser {
    LegacyUser::default().with_email(email)
}

/// Answers every operation, and no request.
#[derive(Clone, Default)]
struct Whole(Notes);

impl Stub for Whole {
    fn legacy(&self) -> &impl LegacyStub {
        self
    }

    async fn request(&self, request: AnyRequest) -> Result<raw::Response, Error> {
        self.0.note(format!("request {}", request.path));
        Err(ErrorBuilder::rejected(500).into())
    }
}

impl LegacyStub for Whole {
    async fn get_legacy_user(&self, email: String) -> Result<Option<LegacyUser>, Error> {
        self.0.note(format!("user {email}"));
        Ok(email.starts_with("ann").then(|| user("ANN@example.com")))
    }

    async fn list_legacy_users(&self, query: UsersQuery, page: u32) -> Result<Page<LegacyUser>, Error> {
        self.0.note(format!("users {:?} {:?} {page}", query.domain, query.direct_only));
        Ok(Page::new([user(&format!("u{page}@example.com"))], page == 1))
    }

    async fn list_user_groups(&self, page: u32) -> Result<Page<UserGroup>, Error> {
        self.0.note(format!("groups {page}"));
        let mut all = Page::new([UserGroup::new(u64::from(page), "Design")], page == 2);
        all.total = Some(3);
        Ok(all)
    }

    async fn get_user_group(&self, group_id: u64) -> Result<Option<UserGroup>, Error> {
        self.0.note(format!("group {group_id}"));
        Ok((group_id == 7).then(|| UserGroup::new(7, "Design")))
    }

    async fn create_user_group(&self, group: NewUserGroup) -> Result<UserGroup, Error> {
        self.0.note(format!("create {}", group.name));
        match group.name.as_str() {
            "Design" => Err(ErrorBuilder::rejected(400).code(ErrorCode::LegacyDuplicateGroupName).into()),
            _ => Ok(UserGroup::new(8, group.name)),
        }
    }

    async fn update_user_group(&self, group_id: u64, change: UserGroupChange) -> Result<UserGroup, Error> {
        self.0.note(format!("update {group_id} {:?}", change.name));
        Ok(UserGroup::new(group_id, change.name.unwrap_or_default()))
    }

    async fn update_user_group_rights(&self, group_id: u64, rights: UserGroupRights) -> Result<UserGroup, Error> {
        self.0.note(format!("rights {group_id} {:?}", rights.add_users));
        Ok(UserGroup::new(group_id, "Design"))
    }

    async fn delete_user_group(&self, group_id: u64) -> Result<bool, Error> {
        self.0.note(format!("delete {group_id}"));
        Ok(group_id == 7)
    }

    async fn list_user_group_users(&self, group_id: u64, page: u32) -> Result<Page<LegacyUser>, Error> {
        self.0.note(format!("users of group {group_id} {page}"));
        Ok(Page::new([user("ann@example.com")], true))
    }

    async fn list_user_group_admins(&self, group_id: u64, page: u32) -> Result<Page<LegacyUser>, Error> {
        self.0.note(format!("admins of group {group_id} {page}"));
        Err(ErrorBuilder::not_found(ErrorCode::GroupNotFound).into())
    }

    async fn list_products(&self, page: u32) -> Result<Page<Product>, Error> {
        self.0.note(format!("products {page}"));
        Ok(Page::new([Product::new("p1", "Photoshop")], true))
    }

    async fn get_product(&self, product_id: String) -> Result<Option<Product>, Error> {
        self.0.note(format!("product {product_id}"));
        Ok((product_id == "p1").then(|| Product::new("P1", "Photoshop")))
    }

    async fn update_product_admins(&self, product_id: String, admins: ProductAdmins) -> Result<Product, Error> {
        self.0.note(format!("admins {product_id} {:?}", admins.add_product_admin));
        Ok(Product::new(product_id, "Photoshop"))
    }

    async fn update_product_rights(&self, product_id: String, admins: ProductAdmins) -> Result<Product, Error> {
        self.0.note(format!("rights {product_id} {:?}", admins.remove_product_admin));
        Ok(Product::new(product_id, "Photoshop"))
    }

    async fn list_configurations(&self, product_id: String, page: u32) -> Result<Page<Configuration>, Error> {
        self.0.note(format!("profiles {product_id} {page}"));
        Ok(Page::new([Configuration::new("c1")], true))
    }

    async fn get_configuration(&self, product: String, config: String) -> Result<Option<Configuration>, Error> {
        self.0.note(format!("profile {product} {config}"));
        Ok((config == "c1").then(|| Configuration::new("c1")))
    }

    async fn update_configuration_rights(
        &self,
        product: String,
        config: String,
        rights: ConfigurationRights,
    ) -> Result<Configuration, Error> {
        self.0.note(format!("rights {product} {config} {:?}", rights.add_users));
        Ok(Configuration::new(config))
    }

    async fn list_configuration_users(
        &self,
        product: String,
        config: String,
        page: u32,
    ) -> Result<Page<LegacyUser>, Error> {
        self.0.note(format!("users of {product} {config} {page}"));
        Ok(Page::new([user("ann@example.com")], true))
    }

    async fn list_configuration_admins(
        &self,
        product: String,
        config: String,
        page: u32,
    ) -> Result<Page<LegacyUser>, Error> {
        self.0.note(format!("admins of {product} {config} {page}"));
        Ok(Page::new([], true))
    }
}

#[tokio::test]
async fn users_and_groups_come_from_typed_methods() {
    let stub = Whole::default();
    let legacy = Client::from_stub(stub.clone()).legacy();
    let (users, groups) = (legacy.users(), legacy.user_groups());
    assert!(users.get("ann@example.com").await.unwrap().is_some());
    assert_eq!(users.get("bob@example.com").await.unwrap(), None);
    assert_eq!(users.domain("example.com").direct_only(false).list().try_collect().await.unwrap().len(), 2);
    let mut list = groups.list();
    while list.try_next().await.unwrap().is_some() {}
    assert_eq!((list.total(), list.changes().any()), (Some(3), false));
    assert!(groups.get(7).await.unwrap().is_some() && groups.get(9).await.unwrap().is_none());
    assert_eq!(groups.create(&NewUserGroup::new("Sales")).await.unwrap().group_id, 8);
    let error = groups.create(&NewUserGroup::new("Design")).await.unwrap_err();
    assert!(error.code() == Some(&ErrorCode::LegacyDuplicateGroupName) && !error.may_have_been_applied(), "{error}");
    assert_eq!(groups.update(7, &UserGroupChange::default().with_name("Art")).await.unwrap().name, "Art");
    groups.change_rights(7, UserGroupRights::default().with_add_users(["ann@example.com"])).await.unwrap();
    assert!(groups.delete(7).await.unwrap() && !groups.delete(8).await.unwrap());
    assert_eq!(groups.users(7).try_collect().await.unwrap().len(), 1);
    assert!(groups.admins(7).try_next().await.unwrap_err().is_not_found());
    let asked = [
        "user ann@example.com",
        "user bob@example.com",
        r#"users Some("example.com") Some(false) 0"#,
        r#"users Some("example.com") Some(false) 1"#,
        "groups 0",
        "groups 1",
        "groups 2",
        "group 7",
        "group 9",
        "create Sales",
        "create Design",
        r#"update 7 Some("Art")"#,
        r#"rights 7 ["ann@example.com"]"#,
        "delete 7",
        "delete 8",
        "users of group 7 0",
        "admins of group 7 0",
    ];
    assert_eq!(stub.0.taken(), asked, "each is asked once, and none as a request");
}

#[tokio::test]
async fn products_and_profiles_come_from_typed_methods() {
    let stub = Whole::default();
    let products = Client::from_stub(stub.clone()).legacy().products();
    let profiles = products.configurations("p1");
    let ann = ["ann@example.com"];
    assert_eq!(products.list().try_collect().await.unwrap().len(), 1);
    assert!(products.get("p1").await.unwrap().is_some() && products.get("p2").await.unwrap().is_none());
    products.change_admins("p1", ProductAdmins::default().with_add_product_admin(ann)).await.unwrap();
    products.change_rights("p1", ProductAdmins::default().with_remove_product_admin(ann)).await.unwrap();
    assert_eq!(profiles.list().try_collect().await.unwrap().len(), 1);
    assert!(profiles.get("c1").await.unwrap().is_some() && profiles.get("c2").await.unwrap().is_none());
    profiles.change_rights("c1", ConfigurationRights::default().with_add_users(ann)).await.unwrap();
    assert_eq!(profiles.users("c1").try_collect().await.unwrap().len(), 1);
    assert_eq!(profiles.admins("c1").try_collect().await.unwrap().len(), 0);
    let asked = [
        "products 0",
        "product p1",
        "product p2",
        r#"admins p1 ["ann@example.com"]"#,
        r#"rights p1 ["ann@example.com"]"#,
        "profiles p1 0",
        "profile p1 c1",
        "profile p1 c2",
        r#"rights p1 c1 ["ann@example.com"]"#,
        "users of p1 c1 0",
        "admins of p1 c1 0",
    ];
    assert_eq!(stub.0.taken(), asked);
}

#[test]
fn a_blocking_client_gets_the_same_answers() {
    let stub = Whole::default();
    let client = umapi::blocking::Client::from_stub(stub.clone()).unwrap();
    assert_eq!(client.legacy().user_groups().list().map(Result::unwrap).count(), 3);
    assert!(client.legacy().products().configurations("p1").get("c1").wait().unwrap().is_some());
    assert_eq!(stub.0.taken(), ["groups 0", "groups 1", "groups 2", "profile p1 c1"]);
}

#[tokio::test]
async fn what_cannot_be_asked_is_not_asked() {
    let stub = Whole::default();
    let legacy = Client::from_stub(stub.clone()).legacy();
    let none = || CallOptions::new().deadline(Duration::ZERO);
    assert!(legacy.users().get("").await.unwrap_err().is_invalid_input());
    assert!(legacy.products().get("..").await.unwrap_err().is_invalid_input());
    assert!(legacy.products().configurations("").list().try_next().await.unwrap_err().is_invalid_input());
    assert!(legacy.user_groups().create(&NewUserGroup::new("")).await.unwrap_err().is_invalid_input());
    let admins = ProductAdmins::default().with_add_product_admin([""]);
    assert!(legacy.products().change_admins("p1", admins.clone()).await.unwrap_err().is_invalid_input());
    assert!(legacy.products().change_rights("p1", admins).await.unwrap_err().is_invalid_input());
    assert!(legacy.user_groups().get(7).with_options(none()).await.unwrap_err().is_timeout());
    assert!(legacy.user_groups().list().with_options(none()).try_next().await.unwrap_err().is_timeout());
    assert_eq!(stub.0.taken(), Vec::<String>::new());
}

/// Has a typed answer for one operation, requests for two, and hangs in a third.
#[derive(Clone, Default)]
struct Partial(Notes);

impl Stub for Partial {
    fn legacy(&self) -> &impl LegacyStub {
        self
    }

    async fn request(&self, request: AnyRequest) -> Result<raw::Response, Error> {
        self.0.note(request.operation.id());
        match request.operation.id() {
            "listUserGroups" => {
                Ok(raw::Response::new(200, r#"[{"groupId":7,"name":"Design"}]"#).with_header("x-page-count", "1"))
            }
            "deleteUserGroup" => Ok(raw::Response::new(204, "")),
            // A stub may hand on what it does not know.
            _ => Stub::request(&Silent, request).await,
        }
    }
}

impl LegacyStub for Partial {
    async fn get_user_group(&self, group_id: u64) -> Result<Option<UserGroup>, Error> {
        Ok(Some(UserGroup::new(group_id, "Design")))
    }

    async fn get_product(&self, _: String) -> Result<Option<Product>, Error> {
        pending().await
    }

    async fn get_legacy_user(&self, email: String) -> Result<Option<LegacyUser>, Error> {
        // The stub that it hands on to has no answer either.
        LegacyStub::get_legacy_user(&Silent, email).await
    }
}

/// Answers nothing.
struct Silent;

impl Stub for Silent {}

impl LegacyStub for Silent {}

#[tokio::test]
async fn what_has_no_method_is_asked_as_a_request() {
    let stub = Partial::default();
    let events = Notes::default();
    let client = Client::builder("1F@AdobeOrg").stub(stub.clone()).observer(events.clone()).build().unwrap();
    let groups = client.legacy().user_groups();
    assert!(groups.get(7).await.unwrap().is_some());
    assert_eq!(stub.0.taken(), Vec::<String>::new());
    assert_eq!(groups.list().try_collect().await.unwrap().len(), 1);
    assert!(groups.delete(7).await.unwrap());
    assert_eq!(stub.0.taken(), ["listUserGroups", "deleteUserGroup"]);
    let error = client.legacy().users().get("ann@example.com").await.unwrap_err();
    assert!(error.is_invalid_input() && error.to_string().contains("`get_legacy_user`"), "{error}");
    assert_eq!(stub.0.taken(), ["getLegacyUser"]);
    let calls = [
        "call getUserGroup 1 false",
        "call listUserGroups 1 false",
        "call deleteUserGroup 1 false",
        "call getLegacyUser 0 true",
    ];
    assert_eq!(events.taken(), calls, "each call is reported once");
    let soon = CallOptions::new().deadline(Duration::from_millis(5));
    assert!(client.legacy().products().get("p1").with_options(soon).await.unwrap_err().is_timeout());
    assert_eq!(stub.0.taken(), Vec::<String>::new(), "a method that hangs is not asked again as a request");
}

/// Lies about everything.
struct Lying;

impl Stub for Lying {
    fn legacy(&self) -> &impl LegacyStub {
        self
    }

    /// The same lies as those of the methods below, as a server would tell them.
    async fn request(&self, request: AnyRequest) -> Result<raw::Response, Error> {
        Ok(raw::Response::new(
            200,
            match request.operation.id() {
                "getConfiguration" | "updateConfigurationRights" => r#"{"id":"other"}"#,
                _ => r#"{"id":"other","name":"Other"}"#,
            },
        ))
    }
}

impl LegacyStub for Lying {
    async fn get_legacy_user(&self, _: String) -> Result<Option<LegacyUser>, Error> {
        Ok(Some(user("somebody.else@example.com")))
    }

    async fn get_user_group(&self, group_id: u64) -> Result<Option<UserGroup>, Error> {
        Ok(Some(UserGroup::new(group_id + 1, "Other")))
    }

    async fn update_user_group(&self, group_id: u64, _: UserGroupChange) -> Result<UserGroup, Error> {
        Ok(UserGroup::new(group_id + 1, "Other"))
    }

    async fn update_user_group_rights(&self, group_id: u64, _: UserGroupRights) -> Result<UserGroup, Error> {
        Ok(UserGroup::new(group_id + 1, "Other"))
    }

    /// The same two pages in turn, for ever.
    async fn list_user_groups(&self, page: u32) -> Result<Page<UserGroup>, Error> {
        Ok(Page::new([UserGroup::new(u64::from(page % 2), "Design")], false))
    }

    /// Empty pages, for ever.
    async fn list_legacy_users(&self, _: UsersQuery, _: u32) -> Result<Page<LegacyUser>, Error> {
        Ok(Page::new([], false))
    }

    /// One page, again and again, of a hundred items.
    async fn list_products(&self, _: u32) -> Result<Page<Product>, Error> {
        let mut again = Page::new([Product::new("p1", "Photoshop")], false);
        again.total = Some(100);
        Ok(again)
    }
}

#[tokio::test]
async fn answers_about_other_things_are_errors() {
    let legacy = Client::from_stub(Lying).legacy();
    let (groups, products) = (legacy.user_groups(), legacy.products());
    let check = |error: Error, what: &str, is_change: bool| {
        let text = error.to_string();
        assert!(error.is_unreadable() && text.contains(&format!("about another {what} than")), "{text}");
        assert_eq!(error.may_have_been_applied(), is_change, "{text}");
    };
    check(legacy.users().get("ann@example.com").await.unwrap_err(), "user", false);
    check(groups.get(7).await.unwrap_err(), "user group", false);
    check(groups.update(7, &UserGroupChange::default().with_name("Art")).await.unwrap_err(), "user group", true);
    let rights = UserGroupRights::default().with_add_users(["ann@example.com"]);
    check(groups.change_rights(7, rights).await.unwrap_err(), "user group", true);
    // These are told as responses, so a server that lies is caught as well.
    check(products.get("p1").await.unwrap_err(), "product", false);
    let admins = ProductAdmins::default().with_add_product_admin(["ann@example.com"]);
    check(products.change_admins("p1", admins.clone()).await.unwrap_err(), "product", true);
    check(products.change_rights("p1", admins).await.unwrap_err(), "product", true);
    check(products.configurations("p1").get("c1").await.unwrap_err(), "profile", false);
    let rights = ConfigurationRights::default().with_add_users(["ann@example.com"]);
    check(products.configurations("p1").change_rights("c1", rights).await.unwrap_err(), "profile", true);
}

#[tokio::test]
async fn pages_that_come_again_end_a_list() {
    let legacy = Client::from_stub(Lying).legacy();
    assert!(legacy.user_groups().list().try_collect().await.unwrap_err().is_endless());
    assert!(legacy.users().list().try_collect().await.unwrap_err().is_endless());
    assert!(legacy.products().list().try_collect().await.unwrap_err().is_endless());
}
