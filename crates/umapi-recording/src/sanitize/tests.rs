//! Tests that nothing personal reaches a recording, and that what matters does.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::time::Duration;

use super::*;
use crate::Outcome;

const BASE: &str = "https://um.corp.example:8443/v2/usermanagement";

fn entry(exchange: &Exchange) -> Entry {
    Sanitizer::new(Pseudonyms::with_key(7)).entry(exchange)
}

fn line(exchange: &Exchange) -> String {
    serde_json::to_string(&entry(exchange)).unwrap()
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn json_type() -> Vec<(String, String)> {
    vec![pair("Content-Type", "application/json;charset=utf-8")]
}

fn body(entry: &Entry) -> Value {
    serde_json::from_str(entry.response.content.text.as_deref().unwrap()).unwrap()
}

/// An exchange that has the texts in every place where a client or a server may put them.
fn hostile(texts: &[String]) -> Exchange {
    let [a, b, c, d, e] = [0, 1, 2, 3, 4].map(|index| texts[index % texts.len()].as_str());
    let request = json!([
        {"user": format!("{a}@{b}.com"), "requestID": c, "domain": format!("{b}.com"), "password": d, "do": [
            {"createFederatedID": {"email": format!("{a}@{b}.com"), "firstname": a, "lastname": b, "country": c, "option": d,
                "secret": {"token": e, "index": 7, e: a}}},
            {"add": {"group": [a, format!("_admin_{b}"), format!("R&D / {c}")], "product": [d, e]}},
            {"remove": a}, {b: {c: d}}]},
        {"usergroup": c, "do": [{"createUserGroup": {"name": d, "description": format!("{e} and {a}")}}]},
        a, [b, [c]], {"id": d, "name": e, "status": a, "type": b}
    ]);
    let response = json!({
        "result": format!("error.{a}.{b}"), "message": format!("User not found {c} {d}@{e}.org, ask {a}"),
        "completed": a, "step": b, "licenseQuota": c, "errorCode": d, "lastPage": "true",
        "errors": [{"index": 0, "errorCode": "error.user.not_found", "message": format!("User not found {a}"), "user": b,
            "requestID": c, "trace": format!("at {d}({e}.java:17)")}],
        "users": [{"id": format!("{a}@AdobeID"), "email": format!("{b}@{c}.com"), "username": d, "firstname": e, "groups": [a, b],
            "adminRoles": [c], "tags": [d], "phoneNumber": e, "country": a, "status": b, "nickname": c, "born": "1985-04-12"}],
        "groups": [{"groupId": 4_711_471_147_u64, "groupName": a, "adminGroupName": format!("_admin_{b}"), "type": c, "memberCount": 81}],
        d: {"email": e}, "access_token": a, "Authorization": format!("Bearer {b}"), "depth": [[[{"x": c}]]]
    });
    let mut headers = json_type();
    headers.extend([
        pair("X-Request-Id", a),
        pair("Authorization", &format!("Bearer {b}")),
        pair("X-Api-Key", c),
        pair("Cookie", d),
        pair("Pragma", e),
        pair("User-Agent", a),
        pair("Proxy-Authorization", b),
    ]);
    let mut answer = json_type();
    answer.extend([
        pair("X-Request-Id", b),
        pair("Set-Cookie", &format!("session={c}; Domain={d}.com")),
        pair("Retry-After", e),
        pair("X-Total-Count", a),
        pair("Server", b),
        pair(&format!("X-{c}"), d),
        pair("Location", &format!("https://{e}.com/{a}?t={b}")),
        pair(
            "WWW-Authenticate",
            &format!("Bearer realm=\"{c}\", error=\"{d}\", error_description=\"The access token {e} is invalid\""),
        ),
        pair("Date", a),
    ]);
    let url = format!(
        "{BASE}/users/1A2B3C4D5E6F@AdobeOrg/0/{}?domain={}&{}=x&status={}",
        encode(c),
        encode(d),
        encode(e),
        encode(a)
    );
    Exchange::new("GET", url)
        .with_request(headers, request.to_string())
        .with_time(SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_800_000), Duration::from_millis(12))
        .with_response(200, answer, response.to_string())
}

/// Every spelling in which a text could be in a line.
fn spellings(text: &str) -> Vec<String> {
    let mut all =
        vec![text.to_owned(), encode(text), serde_json::to_string(text).unwrap().trim_matches('"').to_owned()];
    all.push(form_urlencoded::byte_serialize(text.as_bytes()).collect());
    for shift in 0..3 {
        let padded = [vec![0; shift], text.as_bytes().to_vec()].concat();
        let encoded = BASE64_STANDARD.encode(padded);
        let inner = encoded.get((shift * 8).div_ceil(6)..(shift + text.len()) * 8 / 6).unwrap_or_default();
        if inner.len() >= 5 {
            all.push(inner.to_owned());
        }
    }
    if text.len() >= 5 {
        all.push(text.bytes().map(|byte| format!("{byte:02x}")).collect());
    }
    all
}

fn assert_absent(line: &str, text: &str) -> Result<(), TestCaseError> {
    let folded = line.to_lowercase();
    for spelling in spellings(text) {
        prop_assert!(!folded.contains(&spelling.to_lowercase()), "{spelling:?} of {text:?} is in {line}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// No label, pseudonym or word of the service has one of these letters beside a digit.
    #[test]
    fn no_text_of_an_exchange_is_recorded(texts in proptest::collection::vec("[iouIOU][0-9][iou0-9]{1,12}", 1..6)) {
        let exchange = hostile(&texts);
        let line = line(&exchange);
        for text in &texts {
            assert_absent(&line, text)?;
        }
        for planted in ["corp.example", "1a2b3c4d5e6f", "4711471147", "1985-04-12", "password\":\"i"] {
            prop_assert!(!line.to_lowercase().contains(planted), "{planted} is in {line}");
        }
    }

    #[test]
    fn texts_of_several_words_are_not_recorded(
        words in proptest::collection::vec("[iou][0-9][iou0-9éяß字]{2,9}", 1..4),
        separator in "[ '/+%&.,;:\\-_\u{200b}\"\\\\]",
    ) {
        let line = line(&hostile(&[words.join(&separator)]));
        for word in &words {
            assert_absent(&line, word)?;
        }
    }

    #[test]
    fn any_bytes_are_recorded_without_a_panic(
        url in ".{0,60}", name in ".{0,20}", value in ".{0,60}", request in proptest::collection::vec(any::<u8>(), 0..80),
        response in proptest::collection::vec(any::<u8>(), 0..80), json in "[\\[\\]{}\":,a-z0-9.\\\\-]{0,60}",
    ) {
        for body in [response, json.into_bytes()] {
            let headers = vec![pair(&name, &value), pair(&value, &name)];
            let exchange = Exchange::new("POST", &url).with_request(headers.clone(), request.clone()).with_response(200, headers, body);
            let line = line(&exchange);
            prop_assert!(serde_json::from_str::<Entry>(&line).is_ok());
        }
    }
}

#[test]
fn a_name_that_is_a_word_of_the_service_is_replaced() {
    let response = json!({"result": "success", "user": {"email": "id@users.com", "firstname": "active", "lastname": "error.user.not_found",
        "groups": ["success", "federatedID", "true", "all"], "status": "active"}});
    let exchange = Exchange::new("GET", format!("{BASE}/organizations/1A@AdobeOrg/users/id%40users.com"))
        .with_response(200, json_type(), response.to_string());
    let entry = entry(&exchange);
    let user = &body(&entry)["user"];
    for (field, value) in [("firstname", "active"), ("lastname", "error.user.not_found"), ("email", "id@users.com")] {
        assert_ne!(user[field], value, "{field}");
    }
    assert_eq!(user["status"], "active");
    let groups = user["groups"].to_string();
    for name in ["success", "federatedID", "true", "\"all\""] {
        assert!(!groups.contains(name), "{groups}");
    }
    assert_eq!(entry.parameter("userString"), user["email"].as_str());
}

#[test]
fn what_proves_something_is_kept() {
    let response = r#"{"completed":1,"notCompleted":2,"completedInTestMode":0,"result":"partial","errors":[
        {"index":1,"step":0,"message":"User not found jdoe@corp.com","errorCode":"error.user.not_found","requestID":"a-7","user":"jdoe@corp.com"},
        {"index":2,"step":"1","message":"String too long in command for field: country, max length 2","errorCode":"error.command.string.too_long"}]}"#;
    let request = r#"[{"user":"Ann@Corp.com","do":[{"add":{"group":["_org_admin","Design","DESIGN"]}},{"removeFromOrg":{"deleteAccount":false}}]},
        {"user":"jdoe@corp.com","requestID":"a-7","do":[{"remove":"all"}]},{"usergroup":"design","do":[{"deleteUserGroup":{}}]}]"#;
    let mut headers = json_type();
    headers.extend([
        pair("Retry-After", "2400"),
        pair("X-Request-Id", "abc-1"),
        pair("x-new-header", "planted"),
        pair("Date", "Thu, 26 Nov 2026 17:42:05 GMT"),
    ]);
    let mut sent = json_type();
    sent.extend([pair("x-request-id", "abc-1"), pair("pragma", "umapi-sync-start")]);
    let started = httpdate::parse_http_date("Thu, 26 Nov 2026 17:42:04 GMT").unwrap();
    let exchange = Exchange::new("POST", format!("{BASE}/action/1A@AdobeOrg?testOnly=true"))
        .with_request(sent, request)
        .with_time(started, Duration::from_millis(900))
        .with_response(200, headers, response);
    let entry = entry(&exchange);
    assert_eq!(entry.umapi.operation.as_deref(), Some("executeActions"));
    assert_eq!((entry.query("testOnly"), entry.time), (Some("true"), 900.0));
    assert_eq!(entry.started_date_time, "2000-01-01T00:42:04.000Z");
    assert!(entry.request.url.starts_with("https://usermanagement.adobe.io/v2/usermanagement/action/"));
    let header = |name: &'static str| entry.response_headers(name).next().unwrap_or_default();
    assert_eq!(
        (header("retry-after"), header("date"), header("x-new-header")),
        ("2400", "Sat, 01 Jan 2000 00:42:05 GMT", "")
    );
    assert_eq!(entry.request_headers("x-request-id").next(), Some(header("x-request-id")), "the id is echoed");
    assert_eq!(entry.request_headers("pragma").next(), Some("umapi-sync-start"));

    let sent: Value = serde_json::from_str(entry.request_body().unwrap()).unwrap();
    let text = entry.response.content.text.as_deref().unwrap();
    let keys: Vec<usize> = ["index", "step", "message", "errorCode", "requestID", "user"]
        .iter()
        .map(|key| text.find(&format!("\"{key}\"")).unwrap())
        .collect();
    assert!(keys.is_sorted(), "the order of the fields: {text}");
    let answer = body(&entry);
    assert_eq!(answer["errors"][0]["errorCode"], "error.user.not_found");
    assert_eq!(answer["errors"][0]["user"], sent[1]["user"]);
    assert_eq!(answer["errors"][0]["requestID"], sent[1]["requestID"]);
    assert_eq!(answer["errors"][0]["message"], format!("User not found {}", sent[1]["user"].as_str().unwrap()));
    assert_eq!(answer["errors"][1]["step"], "1");
    assert_eq!(answer["errors"][1]["message"], "String too long in command for field: country, max length 2");
    let groups = &sent[0]["do"][0]["add"]["group"];
    assert_eq!(groups[0], "_org_admin");
    assert_eq!(groups[2].as_str().unwrap(), groups[1].as_str().unwrap().to_uppercase());
    assert_eq!(sent[2]["usergroup"].as_str().unwrap(), groups[1].as_str().unwrap().to_lowercase());
    assert_eq!(
        (&sent[0]["do"][1]["removeFromOrg"]["deleteAccount"], &sent[1]["do"][0]["remove"]),
        (&json!(false), &json!("all"))
    );
}

#[test]
fn news_of_the_service_stay_recognizable() {
    let response = json!({"lastPage": true, "result": "success", "groups": [
        {"groupId": 42, "groupName": "Design", "type": "DEVELOPER_ADMIN_GROUP", "licenseQuota": "UNLIMITED", "memberCount": 81,
         "preferredLanguage": "de", "seats": 1234, "isShared": true}]});
    let exchange = Exchange::new("GET", format!("{BASE}/groups/1A@AdobeOrg/0")).with_response(
        200,
        json_type(),
        response.to_string(),
    );
    let group = body(&entry(&exchange))["groups"][0].clone();
    assert_eq!(
        (&group["type"], &group["licenseQuota"], &group["memberCount"]),
        (&json!("DEVELOPER_ADMIN_GROUP"), &json!("UNLIMITED"), &json!(81))
    );
    assert_eq!(group["isShared"], true);
    assert_ne!(group["preferredLanguage"], "de");
    let seats = group["seats"].as_u64().unwrap();
    assert!((1000..=9999).contains(&seats) && seats != 1234, "as many digits");
    assert_ne!(group["groupId"], 42);
}

#[test]
fn names_as_keys_are_replaced() {
    let response = json!({"result": "success", "members": {"alice": {"status": "active"}, "bob": {"status": "active"}}, "carol@corp.com": 7,
        "a3f8b2c1d4": 1, "secretTokenOfSomebody with spaces": true});
    let exchange = Exchange::new("GET", format!("{BASE}/groups/1A@AdobeOrg/0")).with_response(
        200,
        json_type(),
        response.to_string(),
    );
    let text = entry(&exchange).response.content.text.unwrap();
    for planted in ["alice", "bob", "carol", "corp", "a3f8b2c1d4", "Somebody"] {
        assert!(!text.contains(planted), "{text}");
    }
    assert!(text.contains(r#""members":{"#) && text.contains(r#""status":"active""#), "{text}");
}

#[test]
fn a_login_is_recorded_without_secrets() {
    let form = "grant_type=client_credentials&client_id=planted-id&client_secret=planted-secret&scope=openid%2CAdobeID%2Cplanted-scope&jwt_token=planted.jwt";
    let exchange = Exchange::new("POST", "https://ims.corp.example/ims/token/v3")
        .with_request(vec![pair("content-type", "application/x-www-form-urlencoded")], form)
        .with_response(
            200,
            json_type(),
            r#"{"access_token":"planted-token","token_type":"bearer","expires_in":86399}"#,
        );
    let entry = entry(&exchange);
    let line = serde_json::to_string(&entry).unwrap();
    assert!(!line.contains("planted") && !line.contains("corp"), "{line}");
    assert_eq!(body(&entry), json!({"access_token": "[secret]", "token_type": "bearer", "expires_in": 86399}));
    let fields = &entry.request.post_data.as_ref().unwrap().params;
    assert_eq!(fields[0], Pair::new("grant_type", "client_credentials"));
    assert_eq!(fields[2], Pair::new("client_secret", "[secret]"));
    assert!(fields[3].value.starts_with("openid,AdobeID,text-"), "{fields:?}");
}

#[test]
fn a_web_page_and_a_cut_off_body_are_left_out() {
    for (bytes, expected) in [
        (&b"<html><body>Blocked by proxy.corp.com for jdoe</body></html>"[..], Some(Omitted::WebPage)),
        (b"{\"users\":[{\"email\":\"jdoe@corp.com\"", Some(Omitted::NotJson)),
        (b"\xff\xfe\x00jdoe", Some(Omitted::NotJson)),
        (b"", None),
    ] {
        let exchange = Exchange::new("GET", format!("{BASE}/groups/1A@AdobeOrg/0"))
            .with_outcome(Outcome::CutOff)
            .with_response(502, vec![], bytes);
        let entry = entry(&exchange);
        assert_eq!((entry.umapi.omitted, &entry.response.content.text), (expected, &None));
        assert_eq!((entry.response.content.size, entry.umapi.outcome), (bytes.len() as u64, Outcome::CutOff));
        assert!(!serde_json::to_string(&entry).unwrap().contains("jdoe"));
    }
}

#[test]
fn an_exchange_without_a_response_has_the_status_0() {
    let entry = entry(
        &Exchange::new("GET", format!("{BASE}/jdoe/secret-path/7?x=jdoe")).with_outcome(Outcome::UntrustedCertificate),
    );
    assert_eq!(
        (entry.response.status, entry.umapi.outcome, entry.umapi.operation.as_deref()),
        (0, Outcome::UntrustedCertificate, None)
    );
    assert!(!entry.request.url.contains("jdoe") && !entry.request.url.contains("secret"), "{}", entry.request.url);
}
