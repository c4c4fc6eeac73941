use serde_json::json;

use super::*;
use crate::http::{Answer, Request};

const BOTH: [Api; 2] = [Api::UserManagement, Api::Login];

fn contract() -> Contract {
    Contract::new().unwrap()
}

fn find(method: Method, path: &str, lenient: bool) -> Result<(&'static Endpoint, PathParameters), String> {
    match contract().route(&BOTH, &method, path, lenient) {
        Route::Found { endpoint, path, .. } => Ok((endpoint, path)),
        Route::BadOrganization => Err("organization".into()),
        Route::WrongMethod(methods) => Err(methods.join(" ")),
        Route::Unknown => Err("unknown".into()),
    }
}

fn id(method: Method, path: &str) -> Result<&'static str, String> {
    find(method, path, false).map(|(endpoint, _)| endpoint.operation.id)
}

fn request(path: &str, query: &str, body: &str) -> Request {
    Request {
        id: "r".into(),
        method: Method::POST,
        path: path.into(),
        query: Some(query.into()),
        headers: http::HeaderMap::new(),
        body: body.to_owned().into(),
    }
}

#[test]
fn every_path_leads_to_its_operation() {
    let um = "/v2/usermanagement";
    for (method, path, expected) in [
        (Method::GET, "/users/1A@AdobeOrg/0", "listUsers"),
        (Method::GET, "/users/1A@AdobeOrg/0/A%2FB", "listUsersInGroup"),
        (Method::GET, "/users/1A@AdobeOrg/0/users", "listUsersInGroup"),
        (Method::GET, "/1A@AdobeOrg/users/0", "getLegacyUser"),
        (Method::GET, "/1A@AdobeOrg/users", "listLegacyUsers"),
        (Method::GET, "/organizations/1A@AdobeOrg/users/a%40b.c", "getUser"),
        (Method::POST, "/action/1A@AdobeOrg", "executeActions"),
        (Method::DELETE, "/1A@AdobeOrg/user-groups/7", "deleteUserGroup"),
        (Method::GET, "/1A@AdobeOrg/products/X/configurations/Y/admins", "listConfigurationAdmins"),
    ] {
        assert_eq!(id(method, &format!("{um}{path}")).unwrap(), expected, "{path}");
    }
    assert_eq!(id(Method::POST, "/ims/exchange/jwt/").unwrap(), "exchangeJwt");
    assert_eq!(id(Method::POST, "/ims/token/v3").unwrap(), "requestToken");
}

#[test]
fn what_leads_nowhere_says_why() {
    assert_eq!(id(Method::GET, "/v2/usermanagement/users/nobody/0").unwrap_err(), "organization");
    assert_eq!(id(Method::PUT, "/v2/usermanagement/1A@AdobeOrg/user-groups").unwrap_err(), "GET POST");
    assert_eq!(id(Method::GET, "/v2/usermanagement/users/1A@AdobeOrg/0/").unwrap_err(), "unknown");
    assert_eq!(id(Method::GET, "/users/1A@AdobeOrg/0").unwrap_err(), "unknown");
    assert_eq!(id(Method::GET, "").unwrap_err(), "unknown");
}

#[test]
fn a_raw_slash_in_a_group_name_is_for_the_lenient() {
    let path = "/v2/usermanagement/users/1A@AdobeOrg/0/A/B";
    assert!(find(Method::GET, path, false).is_err());
    assert_eq!(find(Method::GET, path, true).unwrap().1[2].1, "A/B");
}

#[test]
fn parameters_are_held_against_their_types_and_ranges() {
    let check = |path: &str, query: &str| {
        let (endpoint, parameters) = find(Method::GET, &format!("/v2/usermanagement{path}"), false).unwrap();
        endpoint.check_parameters(&parameters, &request(path, query, "")).map_err(|refusal| refusal.code.into_owned())
    };
    let users = "/users/1A@AdobeOrg/0";
    assert_eq!(check(users, "directOnly=True&domain=x.com&unknown=1"), Ok(()));
    assert_eq!(check(users, "directOnly=yes"), Err("error.command.boolean_expected".into()));
    assert_eq!(check(users, "directOnly=true&directOnly=true"), Err("error.command.malformed".into()));
    assert_eq!(check("/users/1A@AdobeOrg/-1", ""), Err("error.command.malformed".into()));
    assert_eq!(check("/users/1A@AdobeOrg/2147483648", ""), Err("error.command.malformed".into()));
    assert_eq!(check("/users/1A@AdobeOrg/0/x", "status=gone"), Err("error.command.malformed".into()));
    assert_eq!(check("/users/1A@AdobeOrg/0/x", "status=inactive"), Ok(()));
    let long = format!("/users/1A@AdobeOrg/0/{}", "x".repeat(256));
    assert_eq!(check(&long, ""), Err("error.group.invalid_name".into()));
}

#[test]
fn bodies_are_held_against_their_schemas() {
    let (endpoint, _) = find(Method::POST, "/v2/usermanagement/1A@AdobeOrg/user-groups", false).unwrap();
    let check = |body: &str| endpoint.check_body(&request("", "", body)).map_err(|refusal| refusal.message);
    assert_eq!(check(r#"{"name":"Design"}"#), Ok(()));
    assert!(check(r#"{"name":7}"#).unwrap_err().contains("/name"));
    assert!(check("{").unwrap_err().contains("no JSON"));
}

#[test]
fn answers_are_held_against_status_headers_and_schema() {
    let (endpoint, _) = find(Method::GET, "/v2/usermanagement/users/1A@AdobeOrg/0", false).unwrap();
    let page = json!({"lastPage": true, "result": "success", "users": [{"groups": null}]});
    let mut good = Answer::json(http::StatusCode::OK, &page);
    assert!(endpoint.check_answer(&good).unwrap_err().contains("X-"));
    for name in ["x-total-count", "x-page-count", "x-current-page", "x-page-size"] {
        good = good.with_header(http::HeaderName::from_static(name), http::HeaderValue::from_static("1"));
    }
    assert_eq!(endpoint.check_answer(&good), Ok(()));
    let bad = Answer { body: json!({"lastPage": "yes", "result": "", "users": []}).to_string().into(), ..good.clone() };
    assert!(endpoint.check_answer(&bad).unwrap_err().contains("/lastPage"));
    assert!(endpoint.check_answer(&Answer::empty(http::StatusCode::IM_A_TEAPOT)).unwrap_err().contains("418"));
    assert_eq!(endpoint.check_answer(&Answer::empty(http::StatusCode::UNAUTHORIZED)), Ok(()));
    assert!(endpoint.check_answer(&Answer::empty(http::StatusCode::NOT_FOUND)).is_err());
}

#[test]
fn every_schema_compiles() {
    let endpoints = contract().endpoints;
    let mut count = 0;
    for endpoint in endpoints.user_management.iter().chain(&endpoints.login).chain(management()) {
        count += endpoint.compile_all().unwrap_or_else(|reason| panic!("{}: {reason}", endpoint.operation.id));
    }
    assert!(count > 100, "{count} schemas");
}
