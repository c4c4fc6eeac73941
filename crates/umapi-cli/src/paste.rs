//! Commands in messages, completed with the options of the call, so that they can be pasted as they are.

use std::env;

use crate::{config::quote, options::GlobalArgs};

/// How a command in a message begins.
const BEGINNING: &str = "\"umapi ";
/// Commands that use neither a profile nor the configuration.
const WITHOUT_BOTH: [&str; 6] = ["help", "emulator", "cert", "completions", "man", "schema"];

impl GlobalArgs {
    /// Adds `--config` and `--profile` to the commands in a message, if this call had them as options.
    ///
    /// Without them, a pasted command would change another file or another organization.
    pub(crate) fn completed(&self, text: &str) -> String {
        let given = |value: Option<String>, variable: &str| {
            value.filter(|value| env::var(variable).ok().as_ref() != Some(value))
        };
        let config = given(self.config.as_ref().map(|path| path.display().to_string()), "UMAPI_CONFIG");
        let profile = given(self.profile.clone(), "UMAPI_PROFILE");
        complete(text, config.as_deref(), profile.as_deref(), self.emulator)
    }
}

fn complete(text: &str, config: Option<&str>, profile: Option<&str>, is_emulator: bool) -> String {
    let mut completed = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(begin) = rest.find(BEGINNING) {
        let (before, command) = rest.split_at(begin + 1);
        let Some(end) = command.find('"') else { break };
        completed.push_str(before);
        let (command, after) = command.split_at(end);
        completed.push_str(command);
        let words: Vec<&str> = command.split_whitespace().skip(1).collect();
        let first = words.first().copied().unwrap_or_default();
        let has = |names: &[&str]| words.iter().any(|word| names.contains(word));
        if !WITHOUT_BOTH.contains(&first) {
            if let Some(config) = config.filter(|_| !has(&["--config"])) {
                completed.push_str(&format!(" --config {}", quote(config)));
            }
            let is_of_organization = first != "config" && !has(&["--profile", "-p", "--emulator"]);
            match profile {
                _ if !is_of_organization => {}
                _ if is_emulator => completed.push_str(" --emulator"),
                Some(profile) => completed.push_str(&format!(" --profile {}", quote(profile))),
                None => {}
            }
        }
        rest = after;
    }
    completed.push_str(rest);
    completed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_get_the_options_of_the_call() {
        let of_profile = |text| complete(text, None, Some("main"), false);
        assert_eq!(of_profile("run \"umapi auth check\" again"), "run \"umapi auth check --profile main\" again");
        assert_eq!(
            of_profile("\"umapi groups list\", \"umapi help exit-codes\""),
            "\"umapi groups list --profile main\", \"umapi help exit-codes\""
        );
        assert_eq!(of_profile("\"umapi auth check --profile other\""), "\"umapi auth check --profile other\"");
        assert_eq!(of_profile("\"umapi config show main\""), "\"umapi config show main\"");
        let all = complete("\"umapi config use x\"; \"umapi users list\"", Some("my file.toml"), Some("a"), false);
        #[cfg(unix)]
        assert_eq!(
            all,
            "\"umapi config use x --config 'my file.toml'\"; \"umapi users list --config 'my file.toml' --profile a\""
        );
        assert_eq!(complete("\"umapi groups list\"", None, Some("a"), true), "\"umapi groups list --emulator\"");
        for plain in ["no command", "\"umapi", "an open \"umapi users list"] {
            assert_eq!(of_profile(plain), plain);
        }
    }
}
