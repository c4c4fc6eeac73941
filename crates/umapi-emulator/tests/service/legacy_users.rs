//! The deprecated endpoints of users.

use serde_json::json;
use umapi_emulator::{Emulator, PageSizes};

use crate::rig::{ORG, Rig};

#[tokio::test]
async fn users_are_an_array_in_the_older_shape() {
    let mut pages = PageSizes::default();
    pages.legacy_users = 5;
    let rig = Rig::of(Emulator::builder().page_sizes(pages)).await;
    let first = rig.get(&format!("/{ORG}/users")).await.expect(200);
    assert_eq!(first.paging(), [10, 2, 0, 5]);
    let second = rig.get(&format!("/{ORG}/users?page=1")).await.expect(200);
    assert_eq!(second.paging(), [10, 2, 1, 4]);
    let users = [first.json(), second.json()].into_iter().flat_map(|page| page.as_array().unwrap().clone());
    let bob = users.into_iter().find(|user| user["email"] == "bob@enterprise.example").unwrap();
    for (field, value) in
        [("firstName", "Bob"), ("lastName", "佐藤"), ("countryCode", "JP"), ("userType", "enterpriseID")]
    {
        assert_eq!(bob[field], value);
    }
    let picked = rig.get(&format!("/{ORG}/users?domain=enterprise.example&directOnly=false")).await.expect(200).json();
    assert_eq!(picked.as_array().unwrap().len(), 2);
    assert!(picked[0]["groups"].as_array().unwrap().contains(&json!("Photoshop")));
}

#[tokio::test]
async fn one_user_is_an_object() {
    let rig = Rig::new().await;
    let user = rig.get(&format!("/{ORG}/users/JDOE@example.com")).await.expect(200).json();
    assert_eq!((&user["email"], &user["userType"]), (&json!("jdoe@example.com"), &json!("federatedID")));
    let unknown = rig.get(&format!("/{ORG}/users/nobody@nowhere.example")).await.expect(404).json();
    assert_eq!(unknown["result"], "error.user.not_found");
}
