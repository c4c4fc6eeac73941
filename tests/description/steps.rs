//! Every step that the description lists is known to the emulator: the step, its fields, and where it may stand.

use serde_json::{Value, json};
use umapi_emulator::{
    engine::{self, ActionOptions, provision},
    store::Store,
};
use umapi_model::{StepPosition, UserGroupStep, UserStep, description};

const ORG: &str = "1F@AdobeOrg";

fn store() -> Store {
    let store = Store::in_memory().unwrap();
    store.write(None, |tx| provision::organization(tx, ORG, "Example")).unwrap();
    store
}

/// The errors of a command, as codes and messages.
fn errors(store: &Store, root: &str, steps: &[Value]) -> Vec<(String, String)> {
    let name = if root == "user" { "a@b.c" } else { "Design" };
    let body = json!([{ root: name, "do": steps }]).to_string();
    let response = engine::apply(store, ORG, body.as_bytes(), &ActionOptions::new("r", 0).test_only(true)).unwrap();
    response.errors.into_iter().map(|error| (error.error_code.to_string(), error.message)).collect()
}

/// The properties of what a step holds.
fn fields<'a>(root: &'a Value, schema: &'a Value) -> Vec<(&'a str, &'a Value)> {
    let schema = match schema["$ref"].as_str() {
        Some(target) => root.pointer(target.trim_start_matches('#')).unwrap(),
        None => schema,
    };
    let mut found: Vec<_> =
        schema["properties"].as_object().into_iter().flatten().map(|(name, of)| (name.as_str(), of)).collect();
    for part in ["allOf", "oneOf"].iter().filter_map(|keyword| schema[*keyword].as_array()).flatten() {
        found.extend(fields(root, part));
    }
    found
}

#[test]
fn the_emulator_knows_each_step_and_each_of_its_fields() {
    let description: Value = serde_json::from_str(description::UMAPI).unwrap();
    let store = store();
    let mut count = 0;
    for (union, root) in [("UserStep", "user"), ("UserGroupStep", "usergroup")] {
        for step in description["components"]["schemas"][union]["oneOf"].as_array().unwrap() {
            let (name, payload) = step["properties"].as_object().unwrap().iter().next().unwrap();
            let codes = errors(&store, root, &[json!({ name: {} })]);
            let is_known = |(code, message): &(String, String)| {
                code != "error.command.step.unknown" && !message.contains("is a step for a")
            };
            assert!(codes.iter().all(is_known), "{name} on a {root}: {codes:?}");
            for (field, _) in fields(&description, payload) {
                count += 1;
                let message_of = |field: &str| errors(&store, root, &[json!({ name: { field: "x" } })]);
                let unknown: Vec<_> = message_of("levitate")
                    .into_iter()
                    .map(|(code, message)| (code, message.replace("levitate", field)))
                    .collect();
                assert!(!unknown.is_empty(), "{name}: the emulator accepts any field");
                assert_ne!(message_of(field), unknown, "{name}: the emulator does not know the field {field}");
            }
        }
    }
    assert!(count > 30, "only {count} fields were found");
}

#[test]
fn the_emulator_places_each_step_as_the_description_says() {
    let store = store();
    let examples = examples();
    for name in UserStep::NAMES {
        let step: UserStep = serde_json::from_value(example(&examples, "user", name)).unwrap();
        assert_eq!(step.name(), name);
        let other = json!({ "add": { "group": ["Design"] } });
        let step_json = serde_json::to_value(&step).unwrap();
        let codes_of =
            |steps: &[Value]| errors(&store, "user", steps).into_iter().map(|(code, _)| code).collect::<Vec<_>>();
        let after = codes_of(&[other.clone(), step_json.clone()]);
        let before = codes_of(&[step_json, other]);
        let is_first = after.contains(&"error.command.create.not_first".to_owned());
        let is_last = before.contains(&"error.command.removefromorg.not_last".to_owned());
        let expected = match step.position() {
            StepPosition::First => (true, false),
            StepPosition::Last => (false, true),
            StepPosition::Anywhere => (false, false),
        };
        assert_eq!((is_first, is_last), expected, "{name}");
    }
    for name in UserGroupStep::NAMES {
        let step: UserGroupStep = serde_json::from_value(example(&examples, "usergroup", name)).unwrap();
        let other = json!({ "add": { "user": ["a@b.c"] } });
        let after = errors(&store, "usergroup", &[other, serde_json::to_value(&step).unwrap()]);
        let is_first = after.iter().any(|(code, _)| code == "error.command.create.not_first");
        assert_eq!(is_first, step.position() == StepPosition::First, "{name}");
    }
}

/// The commands of the examples.
fn examples() -> Vec<Value> {
    let root: Value = serde_json::from_str(description::UMAPI).unwrap();
    let content = &root["paths"]["/action/{orgId}"]["post"]["requestBody"]["content"]["application/json"];
    let examples = content["examples"].as_object().unwrap().values();
    examples.flat_map(|example| example["value"].as_array().unwrap().clone()).collect()
}

/// A step of this name in an example of a command on such a root.
fn example(commands: &[Value], root: &str, name: &str) -> Value {
    let on_root = commands.iter().filter(|command| command.get(root).is_some());
    let mut steps = on_root.flat_map(|command| command["do"].as_array().unwrap());
    steps.find(|step| step.get(name).is_some()).unwrap_or_else(|| panic!("no example has the step {name}")).clone()
}
