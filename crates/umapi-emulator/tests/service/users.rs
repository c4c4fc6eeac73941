//! The current endpoints of users.

use serde_json::{Value, json};
use umapi_emulator::{Emulator, PageSizes};

use crate::rig::{ORG, Rig};

fn emails(page: &Value) -> Vec<&str> {
    page["users"].as_array().unwrap().iter().map(|user| user["email"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_page_counts_the_technical_account() {
    let rig = Rig::new().await;
    let reply = rig.get(&format!("/users/{ORG}/0")).await.expect(200);
    assert_eq!(reply.paging(), [10, 1, 0, 10], "one technical account is counted and not listed");
    let page = reply.json();
    assert_eq!((&page["lastPage"], &page["result"]), (&json!(true), &json!("success")));
    let users = page["users"].as_array().unwrap();
    let types: std::collections::BTreeSet<_> = users.iter().map(|user| user["type"].as_str().unwrap()).collect();
    assert_eq!(types.into_iter().collect::<Vec<_>>(), ["adobeID", "enterpriseID", "federatedID"]);
    assert!(users.iter().all(|user| user["status"] == "active"), "locked users are not listed");
    let nobody = users.iter().find(|user| user["email"] == "nobody@example.com").unwrap();
    for absent in ["firstname", "lastname", "groups", "adminRoles"] {
        assert!(nobody.get(absent).is_none(), "{absent}");
    }
}

#[tokio::test]
async fn a_page_past_the_end_is_the_last_page() {
    let mut pages = PageSizes::default();
    pages.users = 4;
    let rig = Rig::of(Emulator::builder().page_sizes(pages)).await;
    let mut seen = Vec::new();
    for page in 0..3 {
        let reply = rig.get(&format!("/users/{ORG}/{page}")).await.expect(200);
        assert_eq!(reply.paging(), [10, 3, page, if page == 2 { 1 } else { 4 }]);
        let body = reply.json();
        assert_eq!(body["lastPage"], page == 2);
        seen.extend(emails(&body).into_iter().map(str::to_owned));
    }
    assert_eq!(seen.len(), 9);
    let behind = rig.get(&format!("/users/{ORG}/7")).await.expect(200);
    assert_eq!(behind.paging(), [10, 3, 2, 1]);
    assert_eq!(emails(&behind.json()), seen[8..]);
}

#[tokio::test]
async fn a_domain_filters_users_and_must_exist() {
    let rig = Rig::new().await;
    let page = rig.get(&format!("/users/{ORG}/0?domain=Enterprise.Example")).await.expect(200).json();
    assert_eq!(emails(&page), ["bob@enterprise.example", "carla@enterprise.example"]);
    let unknown = rig.get(&format!("/users/{ORG}/0?domain=nowhere.example")).await.expect(404).json();
    assert_eq!(unknown["result"], "error.domain.trust.nonexistent");
}

#[tokio::test]
async fn direct_only_omits_profiles_through_groups() {
    let rig = Rig::new().await;
    let groups = |page: &Value| {
        let users = page["users"].as_array().unwrap();
        let jdoe = users.iter().find(|user| user["email"] == "jdoe@example.com").unwrap();
        serde_json::from_value::<Vec<String>>(jdoe["groups"].clone()).unwrap()
    };
    let direct = rig.get(&format!("/users/{ORG}/0")).await.json();
    let all = rig.get(&format!("/users/{ORG}/0?directOnly=false")).await.json();
    assert!(!groups(&direct).contains(&"Photoshop".to_owned()));
    assert!(groups(&all).contains(&"Photoshop".to_owned()));
}

#[tokio::test]
async fn a_group_of_any_name_lists_its_users() {
    let rig = Rig::new().await;
    let path = format!("/users/{ORG}/0/R%26D%20%2F%20Labs%20%28100%20%25%29");
    let page = rig.get(&path).await.expect(200).json();
    assert_eq!(page["groupName"], "R&D / Labs (100 %)");
    assert_eq!(emails(&page), ["lee@example.com"]);
    let spelled = rig.get(&format!("/users/{ORG}/0/dEsIgN?excludeGroups=true")).await.expect(200).json();
    assert_eq!(spelled["groupName"], "Design", "as it is stored");
    assert!(spelled["users"].as_array().unwrap().iter().all(|user| user.get("groups").is_none()));
    // The group exists, but its group of administrators does not exist yet.
    let empty = rig.get(&format!("/users/{ORG}/0/_admin_Sales")).await.expect(200).json();
    assert_eq!((&empty["users"], &empty["lastPage"]), (&json!([]), &json!(true)));
    let groups = rig.get(&format!("/groups/{ORG}/0")).await.expect(200).json();
    let sales = groups["groups"].as_array().unwrap().iter().find(|group| group["groupName"] == "Sales").unwrap();
    let by_id = rig.get(&format!("/users/{ORG}/0/{}", sales["groupId"])).await.expect(200).json();
    assert_eq!(by_id["groupName"], "Sales");
    let unknown = rig.get(&format!("/users/{ORG}/0/Nowhere")).await.expect(404).json();
    let expected = json!({
        "lastPage": false, "result": "error.group.not_found", "message": "Not found: Group Nowhere",
    });
    assert_eq!(unknown, expected);
}

#[tokio::test]
async fn the_quota_of_a_profile_decides_who_is_active() {
    let rig = Rig::new().await;
    let path = |query: &str| format!("/users/{ORG}/0/Document%20Cloud%201?directOnly=false{query}");
    let of = async |query: &str| rig.get(&path(query)).await.expect(200).json()["users"].as_array().unwrap().len();
    let (all, active, inactive) = (of("").await, of("&status=active").await, of("&status=inactive").await);
    assert_eq!((active, all - active), (2, inactive));
}

#[tokio::test]
async fn a_user_is_found_in_any_case() {
    let rig = Rig::new().await;
    let get = async |who: &str| rig.get(&format!("/organizations/{ORG}/users/{who}")).await;
    let found = get("JDoe@Example.com").await.expect(200).json();
    assert_eq!((&found["result"], &found["user"]["email"]), (&json!("success"), &json!("jdoe@example.com")));
    let by_name = get("lee?domain=usernames.example").await.expect(200).json();
    assert_eq!(by_name["user"]["email"], "lee@example.com");
    get("ann@mail.example?domain=AdobeID").await.expect(200);
    get("jdoe@example.com?domain=AdobeID").await.expect(404);
    let unknown = get("no%2Fbody%40example.com").await.expect(404).json();
    assert_eq!(unknown, json!({"result": "error.user.not_found", "message": "User not found no/body@example.com"}));
}
