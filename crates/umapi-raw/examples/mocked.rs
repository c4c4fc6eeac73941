//! The generated endpoints against a local mock: a login, a page of users, an action request.
//!
//! `cargo run -p umapi-raw --features mock --example mocked`
#![allow(clippy::print_stdout, reason = "an example prints its results")]

use umapi_raw::{
    Client, Credential, Ims, UserManagement,
    mock::{ImsMockExt, UserManagementMockExt, httpmock::MockServer},
    model::{
        ActionResponse, ActionResult, Command, NewFederatedId, Operation, Secret, User, UserCommand, UserMemberships,
        UserPage, UserStep, ims,
    },
};

const ORGANIZATION: &str = "12345@AdobeOrg";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = MockServer::start_async().await;
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;

    let login = ims::TokenRequest::new(
        ims::GrantType::ClientCredentials,
        "client id",
        Secret::from("client secret"),
        "openid,AdobeID,user_management_sdk",
    );
    server.request_token(|when, then| {
        when.body(&login);
        then.ok(&ims::TokenResponse::new(Secret::from("access token"), 86_399));
    });
    let token = Client::<Ims>::new(&server.base_url(), http.clone()).request_token(&login).await?.into_inner();
    println!("logged in for {} seconds: {:?}", token.expires_in, token.access_token);

    let client = Client::<UserManagement>::new(&server.base_url(), http)
        .with_hook(Credential::new(token.access_token, "client id"));
    server.list_users(|when, then| {
        when.org_id(ORGANIZATION).page(0).domain("example.com");
        then.ok(&UserPage::new(true, "success", [User::default().with_email("ann@example.com").with_country("DE")]));
    });
    let page = client.list_users(ORGANIZATION, 0, None, Some("example.com"), None).await?;
    for user in &page.users {
        println!("user: {}", user.email.as_deref().unwrap_or("without an address"));
    }

    let commands = vec![Command::from(UserCommand::new(
        "jdoe@example.com",
        [
            UserStep::CreateFederatedId(NewFederatedId::new("jdoe@example.com", "John", "Doe", "US")),
            UserStep::Add(UserMemberships::default().with_group(["Photoshop", "Design"])),
        ],
    ))];
    server.execute_actions(|when, then| {
        when.org_id(ORGANIZATION).body(&commands);
        then.ok(&ActionResponse::new(ActionResult::Success).with_completed(1));
    });
    let response = client.execute_actions(ORGANIZATION, None, None, &commands).await?;
    let limit = Operation::ExecuteActions.throttle().map(|throttle| throttle.client);
    println!("{}: {} completed; {limit:?} such requests a minute are allowed", response.result, response.completed);
    Ok(())
}
