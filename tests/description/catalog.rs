//! Compares the catalog of codes and the limits with the numbers of the service's documentation.

use umapi_model::{
    AnyOperation, ErrorCode, Operation,
    ims::{LoginErrorCode, LoginOperation},
    limits,
};

#[test]
fn limits_match_the_documentation() {
    assert_eq!(
        (limits::COMMANDS_PER_REQUEST, limits::STEPS_PER_COMMAND, limits::NAMES_PER_LIST, limits::EMAIL_LENGTH),
        (10, 10, 10, 60)
    );
    let rates = |operation: AnyOperation| {
        operation.throttle().map(|throttle| (throttle.client, throttle.application.unwrap_or_default()))
    };
    assert_eq!(rates(Operation::ExecuteActions.into()), Some((10, 100)));
    assert_eq!(rates(Operation::ListUsers.into()), Some((25, 100)));
    assert_eq!(rates(Operation::ListConfigurationUsers.into()), Some((25, 100)));
    assert_eq!(rates(Operation::ListGroups.into()), Some((5, 100)));
    assert_eq!(rates(Operation::ListUserGroups.into()), Some((5, 50)));
    assert_eq!(rates(Operation::UpdateConfigurationRights.into()), Some((5, 50)));
    assert_eq!(rates(LoginOperation::ExchangeJwt.into()), None);
}

#[test]
fn every_endpoint_exists_and_older_ones_are_deprecated() {
    assert_eq!(Operation::ALL.len(), 24);
    for operation in Operation::ALL {
        assert_eq!(operation.is_deprecated(), operation.path().starts_with("/{orgId}"), "{}", operation.id());
    }
}

#[test]
fn codes_have_a_meaning_and_a_remedy() {
    assert_eq!(ErrorCode::KNOWN.len(), 119);
    assert!(ErrorCode::WarningCommandDeprecated.entry().unwrap().is_warning);
    assert_eq!(ErrorCode::from("error.command.create.not_first"), ErrorCode::CommandCreateNotFirst);
    assert!(LoginErrorCode::InvalidScope.remedy().unwrap().contains("ent_user_sdk"));
}
