//! A list of groups that changes while it is read: what it lacks may exist.

use umapi::{Command, GroupDirectory};

use crate::service::{Reply, Seen, Service};

/// The second page repeats a group of the first in place of its own, Photoshop, unless the list is whole.
fn groups(request: &Seen, is_whole: bool) -> Option<Reply> {
    let group = |name: &str, kind: &str| format!(r#"{{"groupName":"{name}","type":"{kind}"}}"#);
    let (design, sales) = (group("Design", "USER_GROUP"), group("Sales", "USER_GROUP"));
    let photoshop = group("Photoshop", "PRODUCT_PROFILE");
    let index: u32 = request.path.strip_prefix("/groups/1F@AdobeOrg/")?.parse().ok()?;
    let items = match index {
        0 => format!("{design},{sales}"),
        _ if is_whole => photoshop,
        _ => sales,
    };
    let headers = [("x-total-count", "3"), ("x-page-count", "2"), ("x-current-page", &index.to_string())];
    let body = format!(r#"{{"lastPage":{},"result":"success","groups":[{items}]}}"#, index > 0);
    Some(Reply::of(200, &headers, &body))
}

async fn with_list(is_whole: bool) -> Service {
    Service::responding(move |request| match groups(request, is_whole) {
        Some(page) => page,
        None => panic!("{}", request.path),
    })
    .await
}

#[tokio::test]
async fn nobody_knows_of_a_group_that_a_moved_list_lacks() {
    let error = with_list(false).await.client().groups().get("Photoshop").await.unwrap_err();
    let text = error.to_string();
    assert!(error.is_not_whole() && error.is_retryable() && text.contains("the group \"Photoshop\""), "{text}");
    assert!(with_list(false).await.client().groups().get("design").await.unwrap().is_some());
    assert!(with_list(true).await.client().groups().get("Illustrator").await.unwrap().is_none());
}

#[tokio::test]
async fn a_directory_says_whether_it_is_whole_even_when_stored() {
    for is_whole in [true, false] {
        let directory = with_list(is_whole).await.client().groups().directory().await.unwrap();
        assert_eq!((directory.is_whole(), directory.get("Photoshop").is_some()), (is_whole, is_whole));
        let mut json = serde_json::to_value(&directory).unwrap();
        assert_eq!(serde_json::from_value::<GroupDirectory>(json.clone()).unwrap(), directory);
        json.as_object_mut().unwrap().remove("isWhole").unwrap();
        assert!(
            serde_json::from_value::<GroupDirectory>(json).unwrap().is_whole(),
            "an earlier version did not say it"
        );
    }
}

#[tokio::test]
async fn memberships_of_a_group_that_a_moved_list_lacks_fit_every_kind() {
    for (is_whole, group, requests) in [(false, "Photoshop", 50), (true, "Photoshop", 50), (true, "Gone", 1)] {
        let client = with_list(is_whole).await.client();
        let many = (0..500).fold(client.memberships(), |all, user| all.add(format!("u{user}@example.com"), group));
        let plan = many.plan().await.unwrap();
        assert_eq!(plan.plan().requests(), requests, "{group}: {is_whole}");
    }
    // A directory may be older than the group.
    let service = with_list(true).await;
    let directory = GroupDirectory::new("1F@AdobeOrg", [], service.clock().wall());
    let client = service.client();
    let many = (0..500).fold(client.memberships(), |all, user| all.add(format!("u{user}@example.com"), "Photoshop"));
    assert_eq!(many.with_directory(&directory).unwrap().plan().await.unwrap().plan().requests(), 50);
}

#[tokio::test]
async fn a_group_is_not_gone_because_a_list_moved() {
    for is_whole in [true, false] {
        let mut is_first = true;
        let service = Service::responding(move |request| match groups(request, is_whole) {
            Some(page) => page,
            None if std::mem::take(&mut is_first) => Reply::HangUp,
            None => Reply::json(
                r#"{"result":"error","completed":0,"notCompleted":1,"errors":[
                    {"index":0,"step":0,"errorCode":"error.usergroup.not_found","message":"UserGroup not found"}]}"#,
            ),
        })
        .await;
        let report = service.client().execute([Command::group("Spring").delete()]).await.unwrap();
        let [outcome] = report.outcomes() else { panic!("{report}") };
        assert_eq!((outcome.is_completed(), outcome.is_unknown()), (is_whole, !is_whole), "{outcome}");
    }
}
