//! A command in the service's own JSON.
//!
//! The untagged enum of the model could only say that a value is neither of two things. Here the root is looked at first,
//! so that the message is about what is wrong inside.

use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, Serializer};
use umapi_model as model;

use super::command::Command;

impl<'de> Deserialize<'de> for Command {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = serde_json::Map::deserialize(deserializer)?;
        let (is_user, is_group) = (fields.contains_key("user"), fields.contains_key("usergroup"));
        let value = serde_json::Value::Object(fields);
        let raw = match (is_user, is_group) {
            (true, false) => serde_json::from_value(value).map(model::Command::User),
            (false, true) => serde_json::from_value(value).map(model::Command::Group),
            (true, true) => return Err(D::Error::custom("a command has a `user` or a `usergroup`, not both")),
            (false, false) => return Err(D::Error::custom("a command must have a `user` or a `usergroup`")),
        };
        raw.map(Self::from).map_err(D::Error::custom)
    }
}

impl Serialize for Command {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_raw().serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_named() {
        for (json, part) in [
            (r#"{"do":[]}"#, "must have"),
            (r#"{"user":"a@b.c","usergroup":"x","do":[]}"#, "not both"),
            (r#"{"user":"a@b.c","do":[{"levitate":{}}]}"#, "levitate"),
            (r#"{"user":"a@b.c","colour":1,"do":[]}"#, "colour"),
            (r#"{"user":"a@b.c","do":[{"createFederatedID":{"email":"a@b.c"}}]}"#, "firstname"),
            ("[]", "map"),
        ] {
            let message = serde_json::from_str::<Command>(json).unwrap_err().to_string();
            assert!(message.contains(part), "{json}: {message}");
        }
    }

    #[test]
    fn the_request_id_is_the_label_too() {
        let json = r#"{"user":"a@b.c","requestID":"r7","do":[{"add":{"group":["x"]}},{"remove":"all"}]}"#;
        let command: Command = serde_json::from_str(json).unwrap();
        assert_eq!(command.get_label(), Some("r7"));
        assert_eq!(serde_json::to_string(&command).unwrap(), json);
    }
}
