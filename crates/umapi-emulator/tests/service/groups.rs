//! The list of groups.

use serde_json::{Value, json};
use umapi_emulator::{Emulator, PageSizes};

use crate::rig::{ORG, Rig};

#[tokio::test]
async fn groups_have_the_fields_of_their_type() {
    let rig = Rig::new().await;
    let page = rig.get(&format!("/groups/{ORG}/0")).await.expect(200).json();
    assert_eq!((&page["lastPage"], &page["result"]), (&json!(true), &json!("success")));
    let groups = page["groups"].as_array().unwrap();
    let named = |name: &str| groups.iter().find(|group| group["groupName"] == name).unwrap_or(&Value::Null);
    assert_eq!(named("_org_admin")["type"], "SYSADMIN_GROUP");
    let profile = named("Document Cloud 1");
    assert_eq!(profile["type"], "PRODUCT_PROFILE");
    assert_eq!(profile["licenseQuota"], "2", "a string");
    assert_eq!(named("All Apps")["licenseQuota"], "UNLIMITED", "a profile without a quota");
    assert_eq!(named("Design")["licenseQuota"], Value::Null, "a group without licenses");
    assert_eq!(profile["productName"], "Adobe Document Cloud for business");
    assert_eq!(profile["adminGroupName"], "_admin_Document Cloud 1");
    assert_eq!(named("_developer_Document Cloud 1")["productProfileName"], "Document Cloud 1");
    assert_eq!(named("_admin_Design")["userGroupName"], "Design");
    assert_eq!(named("Shared")["isReadOnly"], true);
    assert!(named("Sales").get("adminGroupName").is_none(), "absent without admins");
    assert!(named("_admin_Sales").is_null(), "seen only while it has members");
}

#[tokio::test]
async fn a_page_past_the_end_is_not_an_error() {
    let mut pages = PageSizes::default();
    pages.groups = 6;
    let rig = Rig::of(Emulator::builder().page_sizes(pages)).await;
    let mut count = 0;
    for page in 0..3 {
        let reply = rig.get(&format!("/groups/{ORG}/{page}")).await.expect(200);
        count += reply.paging()[3];
        assert_eq!(reply.json()["lastPage"], page == 2);
    }
    assert_eq!(count, 14);
    let behind = rig.get(&format!("/groups/{ORG}/3")).await.expect(200);
    assert_eq!(behind.json(), json!({"lastPage": true, "result": "Not found"}));
}
