//! Compares the catalog of codes and the limits with the numbers of the service's documentation.

use std::path::{Path, PathBuf};

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

/// Operations without a method of the client could only be called through `umapi-raw`.
#[test]
fn every_operation_is_called_by_the_client() {
    let source: String = sources("umapi").into_iter().map(|(_, text)| text).collect();
    let missing: Vec<&str> = Operation::ALL
        .into_iter()
        .map(Operation::id)
        .filter(|id| !source.contains(&format!(".{}(", raw_method(id))))
        .collect();
    assert!(missing.is_empty(), "no method in crates/umapi/src calls {missing:?} of the raw client");
}

/// The method of the raw client: `listUsers` is `list_users`.
fn raw_method(id: &str) -> String {
    id.chars().flat_map(|c| c.is_uppercase().then_some('_').into_iter().chain(c.to_lowercase())).collect()
}

/// The source files of a crate, with their text.
fn sources(name: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates").join(name).join("src")];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    found
}

/// The emulator returns codes by their text, and the command explains them by it: a code that was renamed would go unnoticed.
#[test]
fn codes_in_the_source_are_in_the_catalog() {
    let (mut count, mut unknown) = (0, Vec::new());
    for (path, text) in ["umapi-emulator", "umapi-plan", "umapi-cli"].into_iter().flat_map(sources) {
        for (line, number) in text.lines().zip(1..) {
            // Between quotes is every second part.
            for code in line.split('"').skip(1).step_by(2).filter(|part| is_code(part)) {
                count += 1;
                if ErrorCode::from(code).entry().is_none() {
                    unknown.push(format!("{}:{number}: {code}", path.display()));
                }
            }
        }
    }
    assert!(unknown.is_empty(), "these codes are not in the description:\n{}", unknown.join("\n"));
    assert!(count > 200, "only {count} codes were found");
}

fn is_code(text: &str) -> bool {
    ["error.", "plc.", "warning."].iter().any(|prefix| text.starts_with(prefix))
        && !text.ends_with('.')
        && text.chars().all(|c| c.is_ascii_alphabetic() || matches!(c, '.' | '_'))
}

#[test]
fn codes_have_a_meaning_and_a_remedy() {
    assert_eq!(ErrorCode::KNOWN.len(), 119);
    assert!(ErrorCode::WarningCommandDeprecated.entry().unwrap().is_warning);
    assert_eq!(ErrorCode::from("error.command.create.not_first"), ErrorCode::CommandCreateNotFirst);
    assert!(LoginErrorCode::InvalidScope.remedy().unwrap().contains("ent_user_sdk"));
}
