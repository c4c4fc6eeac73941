//! The deprecated endpoints of products.

use serde_json::{Value, json};
use umapi_emulator::{Emulator, PageSizes};

use crate::rig::{ORG, Rig};

async fn product(rig: &Rig, name: &str) -> (String, Value) {
    let all = rig.get(&format!("/{ORG}/products")).await.expect(200).json();
    let found = all.as_array().unwrap().iter().find(|product| product["name"] == name).unwrap().clone();
    (format!("/{ORG}/products/{}", found["id"].as_str().unwrap()), found)
}

#[tokio::test]
async fn products_are_listed_and_read() {
    let mut pages = PageSizes::default();
    pages.legacy_lists = 2;
    let rig = Rig::of(Emulator::builder().page_sizes(pages)).await;
    let second = rig.get(&format!("/{ORG}/products?page=1")).await.expect(200);
    assert_eq!(second.paging(), [3, 2, 1, 1]);
    let (path, listed) = product(&rig, "Adobe Document Cloud for business").await;
    let shown = rig.get(&path).await.expect(200).json();
    assert_eq!(shown, listed);
    assert_eq!(
        (&shown["code"], &shown["configurationCount"], &shown["licenseQuota"]),
        (&json!("APAP"), &json!(2), &json!(20))
    );
    let unknown = rig.get(&format!("/{ORG}/products/XYZ")).await.expect(404).json();
    assert_eq!(unknown["errorCode"], "error.command.product.not_found");
}

#[tokio::test]
async fn administrators_of_a_product_change_by_either_path() {
    let rig = Rig::new().await;
    let (path, _) = product(&rig, "Adobe Photoshop").await;
    rig.post(&path, &json!({"addProductAdmin": ["jdoe@example.com"]})).await.expect(200);
    assert!(rig.groups_of("jdoe@example.com").await.contains(&"_product_admin_Adobe Photoshop".to_owned()));
    let admin = format!("{path}/admin");
    rig.post(&admin, &json!([{"removeProductAdmin": ["jdoe@example.com"]}])).await.expect(200);
    assert!(!rig.groups_of("jdoe@example.com").await.contains(&"_product_admin_Adobe Photoshop".to_owned()));
    let again = rig.post(&admin, &json!({"removeProductAdmin": ["jdoe@example.com"]})).await.expect(400).json();
    assert_eq!(again["errorCode"], "error.productadmin.remove.admin.failed");
}

#[tokio::test]
async fn configurations_are_listed_read_and_changed() {
    let rig = Rig::new().await;
    let (path, _) = product(&rig, "Adobe Document Cloud for business").await;
    let listed = rig.get(&format!("{path}/configurations")).await.expect(200);
    assert_eq!(listed.paging(), [2, 1, 0, 2]);
    let listed = listed.json();
    assert_eq!(listed["code"], "APAP", "the product, with its configurations");
    let [first, second] = listed["licenseConfigurations"].as_array().unwrap().as_slice() else { panic!("{listed}") };
    assert_eq!((&first["licenseQuota"], &second["licenseQuota"]), (&json!(2), &Value::Null));
    assert_eq!((&first["orgId"], &first["adminCount"]), (&json!(ORG), &json!(1)));
    let one = format!("{path}/configurations/{}", second["id"].as_str().unwrap());
    assert_eq!(rig.get(&one).await.expect(200).json(), *second);
    let changes = json!({
        "addUsers": ["nobody@example.com"], "addUserGroups": ["Sales"], "addAdminUsers": ["ann@mail.example"],
    });
    let changed = rig.post(&one, &changes).await.expect(200).json();
    assert_eq!(changed["adminCount"], 1);
    let users = rig.get(&format!("{one}/users")).await.expect(200).json();
    let emails: Vec<_> = users.as_array().unwrap().iter().map(|user| user["email"].as_str().unwrap()).collect();
    assert!(emails.contains(&"nobody@example.com") && emails.contains(&"jane@example.com"), "{emails:?}");
    let admins = rig.get(&format!("{one}/admins")).await.expect(200).json();
    assert_eq!(admins[0]["email"], "ann@mail.example");
    for rest in ["", "/users", "/admins"] {
        let unknown = rig.get(&format!("{path}/configurations/RGRP-7{rest}")).await.expect(404).json();
        assert_eq!(unknown, json!({"errorCode": "PLC_NOT_FOUND", "errorMessage": "PLC_NOT_FOUND"}));
    }
}
