//! Values and fields that the description does not list yet are read and kept.

use serde_json::{Value, json};
use umapi_model::{
    ActionError, ActionResponse, Configuration, ErrorBody, Group, GroupType, Product, User, UserGroup, UserStatus,
    UserStep,
};

fn round_trip<T: serde::Serialize + serde::de::DeserializeOwned>(value: &Value) -> (T, Value) {
    let read: T = serde_json::from_value(value.clone()).unwrap();
    let written = serde_json::to_value(&read).unwrap();
    (read, written)
}

#[test]
fn unknown_values_and_fields_survive() {
    let given = json!({
        "email": "a@b.c", "status": "dormant", "type": "quantumID", "favoriteColor": { "name": "red", "shades": [1, 2] }
    });
    let (user, written) = round_trip::<User>(&given);
    assert_eq!(user.status, Some(UserStatus::Other("dormant".to_owned())));
    assert_eq!(user.extra["favoriteColor"]["shades"][1], 2);
    assert_eq!(written, given);

    let given = json!({ "groupName": "g", "type": "MOON_ADMIN_GROUP", "tier": 3 });
    let (group, written) = round_trip::<Group>(&given);
    assert_eq!(group.type_, Some(GroupType::Other("MOON_ADMIN_GROUP".to_owned())));
    assert_eq!(written, given);

    let given = json!({
        "result": "deferred", "completed": 1, "notCompleted": 0, "completedInTestMode": 0, "queue": "slow",
        "errors": [{ "index": 0, "errorCode": "error.from.tomorrow", "hint": "wait" }]
    });
    let (response, written) = round_trip::<ActionResponse>(&given);
    assert_eq!(response.errors[0].error_code.code(), "error.from.tomorrow");
    assert_eq!(written, given);
}

#[test]
fn numbers_and_strings_are_interchangeable() {
    for form in [json!(8), json!("8")] {
        let quota = |value: Option<umapi_model::IntegerOrString>| value.and_then(|value| value.as_i64());
        let (group, _) = round_trip::<Group>(&json!({ "groupName": "g", "licenseQuota": form }));
        assert_eq!(quota(group.license_quota), Some(8));
        let (product, _) = round_trip::<Product>(&json!({ "id": "p", "name": "n", "licenseQuota": form }));
        assert_eq!(quota(product.license_quota), Some(8));
        let (error, _) = round_trip::<ActionError>(&json!({ "index": 0, "errorCode": "e", "step": form }));
        assert_eq!(quota(error.step), Some(8));
        let given = json!({ "groupId": 1, "name": "n", "adminCount": form, "adminGroupId": form });
        let (group, written) = round_trip::<UserGroup>(&given);
        assert_eq!((quota(group.admin_count), quota(group.admin_group_id)), (Some(8), Some(8)));
        assert_eq!(written, given);
        let given = json!({ "id": "c", "adminCount": form, "licenseQuota": form, "licenseGroupId": form, "adminGroupId": form });
        assert_eq!(round_trip::<Configuration>(&given).1, given);
    }
}

#[test]
fn absent_groups_and_empty_groups_differ() {
    let absent: User = serde_json::from_str("{}").unwrap();
    let none: User = serde_json::from_str(r#"{"groups":[]}"#).unwrap();
    assert_eq!((absent.groups, none.groups), (None, Some(Vec::new())));
}

#[test]
fn the_three_formats_of_error_bodies_are_distinguished() {
    let read = |value: Value| serde_json::from_value::<ErrorBody>(value).unwrap();
    assert!(matches!(read(json!({ "result": "error.user.not_found", "message": "m" })), ErrorBody::Service(_)));
    assert!(matches!(read(json!({ "error_code": "429050", "message": "m" })), ErrorBody::Gateway(_)));
    assert!(matches!(read(json!({ "errorCode": "PLC_NOT_FOUND", "errorMessage": "m" })), ErrorBody::Legacy(_)));
}

#[test]
fn a_step_has_exactly_one_known_key() {
    for wrong in [json!({}), json!({ "levitate": {} }), json!({ "add": {}, "remove": "all" })] {
        assert!(serde_json::from_value::<UserStep>(wrong.clone()).is_err(), "{wrong}");
    }
}
