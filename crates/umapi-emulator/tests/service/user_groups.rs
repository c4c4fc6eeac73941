//! The deprecated endpoints of user groups.

use reqwest::Method;
use serde_json::{Value, json};
use umapi_emulator::{Emulator, PageSizes};

use crate::rig::{ORG, Rig};

fn path(rest: &str) -> String {
    format!("/{ORG}/user-groups{rest}")
}

async fn id_of(rig: &Rig, name: &str) -> String {
    let all = rig.get(&path("")).await.expect(200).json();
    all.as_array().unwrap().iter().find(|group| group["name"] == name).unwrap()["groupId"].to_string()
}

#[tokio::test]
async fn pages_count_from_one_and_zero_counts_as_one() {
    let mut pages = PageSizes::default();
    pages.legacy_lists = 3;
    let rig = Rig::of(Emulator::builder().page_sizes(pages)).await;
    for query in ["", "?page=0", "?page=1"] {
        let first = rig.get(&path(query)).await.expect(200);
        assert_eq!(first.paging(), [4, 2, 1, 3], "{query}");
        assert_eq!(first.json()[0]["name"], "Design");
    }
    let second = rig.get(&path("?page=2")).await.expect(200);
    assert_eq!((second.paging(), second.json()[0]["name"].clone()), ([4, 2, 2, 1], json!("Shared")));
}

#[tokio::test]
async fn a_group_is_created_changed_and_deleted() {
    let rig = Rig::new().await;
    let made = rig.post(&path(""), &json!({"name": "Video", "description": "Films"})).await.expect(200).json();
    let id = made["groupId"].to_string();
    assert_eq!(made, json!({"groupId": made["groupId"], "name": "Video", "type": "USER_GROUP"}));
    let twice = rig.post(&path(""), &json!({"name": "VIDEO"})).await.expect(400).json();
    assert_eq!(twice, json!({"errorCode": "DUPLICATE_GROUP_NAME", "errorMessage": "DUPLICATE_GROUP_NAME"}));
    let one = path(&format!("/{id}"));
    let renamed = rig.send(Method::PUT, &one, &json!({"name": "Film"})).await.expect(200).json();
    assert_eq!(renamed["name"], "Film");
    let rights = json!({"addUsers": ["jdoe@example.com"], "addAdminUsers": ["jane@example.com"]});
    // The object, or an array with it.
    for body in [&rights, &json!([{"removeUsers": []}])] {
        rig.post(&one, body).await.expect(200);
    }
    let group = rig.get(&one).await.expect(200).json();
    assert_eq!((&group["userCount"], &group["adminCount"]), (&json!(1), &json!("1")), "counts of admins are strings");
    assert_eq!(group["adminGroupName"], "_admin_Film");
    assert!(group["adminGroupId"].is_string());
    for (rest, email) in [("/users", "jdoe@example.com"), ("/admins", "jane@example.com")] {
        let list = rig.get(&format!("{one}{rest}")).await.expect(200);
        assert_eq!((list.paging(), list.json()[0]["email"].clone()), ([1, 1, 0, 1], json!(email)));
    }
    let deleted = rig.request(Method::DELETE, &one).send().await.unwrap();
    assert_eq!((deleted.status().as_u16(), deleted.text().await.unwrap()), (204, String::new()));
    let gone = rig.get(&one).await.expect(404).json();
    assert_eq!(gone, json!({"errorCode": "GROUP_NOT_FOUND", "errorMessage": "GROUP_NOT_FOUND"}));
}

#[tokio::test]
async fn missing_entities_are_not_found() {
    let rig = Rig::new().await;
    for (method, rest, body) in [
        (Method::PUT, "", Some(json!({"name": "X"}))),
        (Method::POST, "", Some(json!({"addUsers": []}))),
        (Method::DELETE, "", None),
        (Method::GET, "/users", None),
        (Method::GET, "/admins", None),
    ] {
        let request = rig.request(method, &path(&format!("/7{rest}")));
        let request = body.iter().fold(request, |request, body| request.json(body));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 404);
        assert_eq!(answer.json::<Value>().await.unwrap()["errorCode"], "GROUP_NOT_FOUND");
    }
    // The group of a profile is not a user group.
    let groups = rig.get(&format!("/groups/{ORG}/0")).await.json();
    let groups = groups["groups"].as_array().unwrap();
    let profile = &groups.iter().find(|group| group["type"] == "PRODUCT_PROFILE").unwrap()["groupId"];
    rig.get(&path(&format!("/{profile}"))).await.expect(404);
}

#[tokio::test]
async fn a_read_only_group_keeps_its_users() {
    let rig = Rig::new().await;
    let shared = path(&format!("/{}", id_of(&rig, "Shared").await));
    assert_eq!(rig.get(&shared).await.expect(200).json()["isReadOnly"], true);
    let rejected = rig.post(&shared, &json!({"addUsers": ["jdoe@example.com"]})).await.expect(400).json();
    assert_eq!(rejected["errorCode"], "error.usergroup.readonly.add_user_not_allowed");
}
