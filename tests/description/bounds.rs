//! Every bound that the description states for a request is checked by the client, before anything is sent.

use serde_json::{Map, Value, json};
use umapi::Command;
use umapi_model::description;

/// A description with its references resolved on request.
struct Description(Value);

/// A bound, where it is in a value, and a value that is out of it.
struct Bound {
    /// The fields that lead to the value.
    path: Vec<String>,
    keyword: &'static str,
    wrong: Value,
}

impl Bound {
    /// The field that an error must name.
    fn field(&self) -> &str {
        self.path.last().unwrap()
    }

    /// The object with this value at the path.
    fn broken(&self, mut object: Value) -> Value {
        let mut place = &mut object;
        for name in &self.path {
            if !place.is_object() {
                *place = Value::Object(Map::new());
            }
            place = &mut place[name.as_str()];
        }
        *place = self.wrong.clone();
        object
    }

    /// An empty list is not sent, so nothing is out of its bounds. Another rule rejects the step if nothing else is in it.
    fn is_absent(&self) -> bool {
        self.wrong == json!([])
    }
}

impl Description {
    fn umapi() -> Self {
        Self(serde_json::from_str(description::UMAPI).unwrap())
    }

    fn schema(&self, name: &str) -> &Value {
        &self.0["components"]["schemas"][name]
    }

    fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(target) => self.0.pointer(target.trim_start_matches('#')).unwrap(),
            None => schema,
        }
    }

    /// The bounds of an object and of what it holds, without those of its steps.
    fn bounds_of(&self, schema: &Value) -> Vec<Bound> {
        let mut found = Vec::new();
        self.collect(schema, &mut Vec::new(), &mut found);
        found
    }

    fn collect(&self, schema: &Value, path: &mut Vec<String>, found: &mut Vec<Bound>) {
        let schema = self.resolve(schema);
        if !path.is_empty() {
            found.extend(self.own_bounds(schema).into_iter().map(|(keyword, wrong)| Bound {
                path: path.clone(),
                keyword,
                wrong,
            }));
        }
        for part in ["allOf", "oneOf"].iter().filter_map(|keyword| schema[*keyword].as_array()).flatten() {
            self.collect(part, path, found);
        }
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            if name != "do" {
                path.push(name.clone());
                self.collect(property, path, found);
                path.pop();
            }
        }
    }

    fn own_bounds(&self, schema: &Value) -> Vec<(&'static str, Value)> {
        let mut found = Vec::new();
        let length = |keyword: &str| schema[keyword].as_u64().map(|length| length as usize);
        let least = length("minLength").unwrap_or(1).max(1);
        if let Some(least) = length("minLength") {
            found.push(("minLength", json!("a".repeat(least - 1))));
        }
        if let Some(most) = length("maxLength") {
            found.push(("maxLength", json!("A".repeat(most + 1))));
        }
        if schema.get("pattern").is_some() {
            found.push(("pattern", json!("§".repeat(least))));
        }
        if let Some(least) = schema["minimum"].as_i64() {
            found.push(("minimum", json!(least - 1)));
        }
        if let Some(most) = schema["maximum"].as_i64() {
            found.push(("maximum", json!(most + 1)));
        }
        if let Some(least) = length("minItems") {
            found.push(("minItems", json!(vec!["a"; least - 1])));
        }
        // The planner splits longer lists, if a limit refers to the size.
        if let Some(most) = length("maxItems").filter(|_| !self.is_split(schema)) {
            found.push(("maxItems", json!(vec!["a"; most + 1])));
        }
        if let Some(items) = schema.get("items") {
            let items = self.resolve(items);
            found.extend(self.own_bounds(items).into_iter().map(|(keyword, wrong)| (keyword, json!([wrong]))));
        }
        found
    }

    fn is_split(&self, schema: &Value) -> bool {
        let limits = self.0["x-umapi-limits"].as_array().unwrap();
        let split = limits.iter().filter(|limit| limit["keyword"] == "maxItems");
        split.filter_map(|limit| limit["schema"].as_str()).any(|name| self.schema(name) == schema)
    }

    /// A command of the examples with a step of this name, and no other step.
    fn example(&self, root: &str, step: &str) -> Value {
        let mut commands = Vec::new();
        for example in
            self.0["paths"]["/action/{orgId}"]["post"]["requestBody"]["content"]["application/json"]["examples"]
                .as_object()
                .unwrap()
                .values()
        {
            commands.extend(example["value"].as_array().unwrap().iter().cloned());
        }
        for mut command in commands.into_iter().filter(|command| command.get(root).is_some()) {
            let steps = command["do"].as_array().unwrap().clone();
            if let Some(found) = steps.into_iter().find(|found| found.get(step).is_some()) {
                command["do"] = json!([found]);
                return command;
            }
        }
        panic!("no example has the step {step} on a {root}");
    }
}

/// The error of a command, as its user would read it.
fn error_of(command: &Value) -> Result<String, String> {
    match serde_json::from_value::<Command>(command.clone()) {
        Err(unreadable) => Ok(unreadable.to_string()),
        Ok(read) => match read.check() {
            Err(invalid) => Ok(format!("{}: {}", invalid.field(), invalid.rule())),
            Ok(()) => Err(format!("the client accepts {command}")),
        },
    }
}

#[test]
fn each_bound_of_a_step_has_a_check() {
    let description = Description::umapi();
    let (mut count, mut mistakes) = (0, Vec::new());
    for (union, root) in [("UserStep", "user"), ("UserGroupStep", "usergroup")] {
        for step in description.schema(union)["oneOf"].as_array().unwrap() {
            let (name, payload) = step["properties"].as_object().unwrap().iter().next().unwrap();
            let base = description.example(root, name);
            assert_eq!(serde_json::from_value::<Command>(base.clone()).unwrap().check(), Ok(()), "{base}");
            for bound in description.bounds_of(payload) {
                count += 1;
                let mut command = base.clone();
                command["do"][0][name] = bound.broken(command["do"][0][name].clone());
                if bound.is_absent() {
                    let read: Command = serde_json::from_value(command).unwrap();
                    let sent = serde_json::to_string(&read).unwrap();
                    assert!(read.check().is_err() || !sent.contains("[]"), "{sent}");
                    continue;
                }
                match error_of(&command) {
                    Ok(error) if error.contains(bound.field()) => {}
                    Ok(error) => mistakes.push(format!("{name}, {} of {}: {error}", bound.keyword, bound.field())),
                    Err(accepted) => {
                        mistakes.push(format!("{name}, {} of {}: {accepted}", bound.keyword, bound.field()))
                    }
                }
            }
        }
    }
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
    assert!(count > 60, "only {count} bounds were found");
}

#[test]
fn each_bound_of_a_command_has_a_check() {
    let description = Description::umapi();
    let on_user = json!({ "user": "jdoe", "domain": "b.c", "requestID": "1", "do": [{ "remove": "all" }] });
    let on_group = json!({ "usergroup": "Design", "requestID": "1", "do": [{ "remove": "all" }] });
    let mut count = 0;
    for (name, base) in [("UserCommand", on_user), ("UserGroupCommand", on_group)] {
        assert_eq!(serde_json::from_value::<Command>(base.clone()).unwrap().check(), Ok(()));
        for bound in description.bounds_of(description.schema(name)) {
            count += 1;
            let error = error_of(&bound.broken(base.clone())).unwrap();
            assert!(error.contains(bound.field()), "{} of {}: {error}", bound.keyword, bound.field());
        }
        let mut empty = base.clone();
        empty["do"] = json!([]);
        assert!(error_of(&empty).unwrap().starts_with("do:"));
    }
    assert_eq!(count, 8);
}

/// Reads the value as the type and checks its bounds.
macro_rules! check_as {
    ($name:expr, $value:expr; $($type:ident,)*) => {
        match $name {
            $(stringify!($type) => {
                serde_json::from_value::<umapi_model::$type>($value).unwrap().check_bounds().map_err(|error| error.to_string())
            })*
            other => panic!("`{other}` is missing in this table"),
        }
    };
}

#[test]
fn each_bound_of_a_direct_call_has_a_check() {
    let description = Description::umapi();
    let check = |name: &str, value: Value| check_as!(name, value; NewUserGroup, UserGroupChange, UserGroupRights, ProductAdmins, ConfigurationRights,);
    let mut count = 0;
    for name in ["NewUserGroup", "UserGroupChange", "UserGroupRights", "ProductAdmins", "ConfigurationRights"] {
        for bound in description.bounds_of(description.schema(name)) {
            count += 1;
            // What the request needs, so that it can be read.
            let base = if name == "NewUserGroup" { json!({ "name": "Design" }) } else { json!({}) };
            let error = check(name, bound.broken(base)).unwrap_err();
            assert!(error.starts_with(bound.field()), "{name}, {} of {}: {error}", bound.keyword, bound.field());
        }
    }
    assert!(count > 20, "only {count} bounds were found");
    assert_eq!(check("UserGroupChange", json!({})), Err("UserGroupChange: none of its fields is given".to_owned()));
    assert_eq!(check("UserGroupChange", json!({ "name": "Design" })), Ok(()));
}
