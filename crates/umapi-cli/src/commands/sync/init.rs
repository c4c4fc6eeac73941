//! `umapi sync init`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::try_directories;
use crate::{
    config::ConfigFile,
    context::Context,
    failure::{Exit, Failure, Result},
    private_file,
    sync::{Setup, SyncArgs},
};

/// Write a commented configuration, and try its directory.
#[derive(Args, Debug)]
pub(crate) struct InitArgs {
    /// Kind of the directory.
    #[arg(long, value_enum, default_value_t, value_name = "KIND")]
    kind: Kind,

    /// Address of the server, the tenant, the file, or the program.
    #[arg(long, value_name = "SOURCE")]
    source: Option<String>,

    /// Where people are searched, for LDAP: DC=example,DC=com.
    #[arg(long, value_name = "DN")]
    base: Option<String>,

    /// Who logs in: the LDAP user, the client id, or the administrator of Google.
    #[arg(long, value_name = "USER")]
    user: Option<String>,

    /// File with the password or secret. [default: the keyring entry sync/KIND]
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,

    /// First group of the directory to map, and its group of Adobe: FROM=TO. The last `=` counts, as DNs have some.
    #[arg(long, value_name = "FROM=TO")]
    map: Vec<String>,

    #[command(flatten)]
    files: SyncArgs,
}

/// A kind of directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// LDAP, Active Directory
    #[default]
    Ldap,
    /// Entra ID, with the tenant as --source
    Entra,
    /// Okta, with its address as --source, and a token or a client id
    Okta,
    /// Google Workspace, with the key of the service account as --source
    Google,
    /// A file: CSV, JSON, NDJSON, YAML
    File,
    /// A program that prints people
    Exec,
}

impl InitArgs {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit> {
        let path = self.files.sync_config.clone().unwrap_or_else(|| PathBuf::from("umapi-sync.toml"));
        if path.exists() {
            return Err(Failure::usage(format!("{} exists already", path.display()))
                .remedy("edit it, or write another one with --sync-config FILE"));
        }
        let profile = self.profile(context)?;
        let text = self.text(context, &profile)?;
        private_file::create(&path, text.as_bytes()).map_err(|error| {
            Failure::failed(format!("cannot write {}", path.display()))
                .why(error)
                .remedy("name a file in a folder that you can write to with --sync-config FILE")
        })?;
        context.note(&format!("wrote {}", path.display()));
        let files = SyncArgs { sync_config: Some(path), ..self.files };
        let setup: Setup = files.read(context)?;
        let is_whole = try_directories(context, &setup).await.unwrap_or_else(|failure| {
            context.messages.error(&failure);
            false
        });
        if !is_whole {
            context.note("the file is written; correct it, then run \"umapi sync check\"");
            return Ok(Exit::Failed);
        }
        context.note("next: complete the rules [[map]], then run \"umapi sync check\" and \"umapi sync plan\"");
        Ok(Exit::Success)
    }

    fn profile(&self, context: &Context) -> Result<String> {
        if let Some(profile) = &context.global.profile {
            return Ok(profile.clone());
        }
        let file = ConfigFile::read(context.global.config.as_deref())?;
        Ok(file.default_profile().unwrap_or("main").to_owned())
    }

    fn ask(
        &self,
        context: &Context,
        given: Option<&String>,
        question: &str,
        suggestion: &str,
        option: &str,
    ) -> Result<String> {
        if let Some(given) = given {
            return Ok(given.clone());
        }
        if !context.terminal.is_interactive() {
            return Err(Failure::usage(format!("{option} is missing, and there is no terminal to ask on"))
                .remedy(format!("add {option}; see \"umapi sync init --help\"")));
        }
        context.ask(question, suggestion)
    }

    fn text(&self, context: &Context, profile: &str) -> Result<String> {
        let directory = match self.kind {
            Kind::Ldap => {
                let url = self.ask(
                    context,
                    self.source.as_ref(),
                    "Address of the LDAP server",
                    "ldaps://dc1.example.com",
                    "--source",
                )?;
                let base =
                    self.ask(context, self.base.as_ref(), "Where people are searched", "DC=example,DC=com", "--base")?;
                let login = match (&self.user, &self.password_file) {
                    (None, Some(_)) => {
                        return Err(Failure::usage("--password-file is given without --user")
                            .remedy("add --user, whose password it is"));
                    }
                    (None, None) => "# user = \"sync@example.com\"\n# password = { keyring = \"sync/ldap\" }     # or { file = \"…\" }, { env = \"…\" }".to_owned(),
                    (Some(user), Some(file)) => {
                        format!("user = {}\npassword = {{ file = {} }}", quoted(user), quoted(&file.display().to_string()))
                    }
                    (Some(user), None) => format!("user = {}\npassword = {{ keyring = \"sync/ldap\" }}", quoted(user)),
                };
                format!(
                    "kind = \"ldap\"\nurl = [{}]                 # several: each is tried in order\nbase = {}\n{login}",
                    quoted(&url),
                    quoted(&base)
                )
            }
            Kind::Entra => {
                let tenant = self.ask(
                    context,
                    self.source.as_ref(),
                    "Tenant: its id or domain",
                    "example.onmicrosoft.com",
                    "--source",
                )?;
                let question = "Application (client) id";
                let client = self.ask(context, self.user.as_ref(), question, "", "--user")?;
                let secret = match &self.password_file {
                    Some(file) => format!("{{ file = {} }}", quoted(&file.display().to_string())),
                    None => "{ keyring = \"sync/entra\" }".to_owned(),
                };
                format!(
                    "kind = \"entra\"\ntenant = {}\nclient_id = {}\nclient_secret = {secret}\n\
                     # private_key = {{ file = \"sync.pem\" }}   # with its certificate, in place of a secret\n\
                     delta = true                        # read what changed; everything once a week",
                    quoted(&tenant),
                    quoted(&client)
                )
            }
            Kind::Okta => {
                let question = "Address of the organization";
                let url = self.ask(context, self.source.as_ref(), question, "https://example.okta.com", "--source")?;
                let secret = match &self.password_file {
                    Some(file) => format!("{{ file = {} }}", quoted(&file.display().to_string())),
                    None => "{ keyring = \"sync/okta\" }".to_owned(),
                };
                let login = match &self.user {
                    Some(client) => format!("client_id = {}\nprivate_key = {secret}", quoted(client)),
                    None => format!("token = {secret}             # or client_id and private_key of an application"),
                };
                format!(
                    "kind = \"okta\"\nurl = {}\n{login}\n\
                     delta = true                        # read what changed; everything once a week",
                    quoted(&url)
                )
            }
            Kind::Google => {
                let question = "Key of the service account (a JSON file)";
                let key = self.ask(context, self.source.as_ref(), question, "google-key.json", "--source")?;
                let question = "Administrator in whose name it reads";
                let subject = self.ask(context, self.user.as_ref(), question, "admin@example.com", "--user")?;
                format!(
                    "kind = \"google\"\nkey = {{ file = {} }}\nsubject = {}\n\
                     # organizational_units = true         # as groups: from = \"ou:/Sales\"",
                    quoted(&key),
                    quoted(&subject)
                )
            }
            Kind::File => {
                let path = self.ask(context, self.source.as_ref(), "File of people", "people.csv", "--source")?;
                format!("kind = \"file\"\npath = {}                   # CSV, JSON, NDJSON or YAML", quoted(&path))
            }
            Kind::Exec => {
                let program = self.ask(
                    context,
                    self.source.as_ref(),
                    "Program that prints people as NDJSON",
                    "read-people",
                    "--source",
                )?;
                let command: Vec<String> = program.split_whitespace().map(quoted).collect();
                format!(
                    "kind = \"exec\"\ncommand = [{}]              # see the guide for what it prints",
                    command.join(", ")
                )
            }
        };
        let rules: Vec<(&str, &str)> = self.map.iter().filter_map(|pair| rule_of(pair)).collect();
        if rules.len() < self.map.len() {
            let wrong = self.map.iter().filter(|pair| rule_of(pair).is_none());
            let failure = Failure::usage("not every --map is a rule");
            return Err(wrong
                .fold(failure, |failure, pair| failure.why(format!("`{pair}`")))
                .remedy("write --map \"group of the directory=group of Adobe\""));
        }
        let rule = |(from, to)| format!("[[map]]\nfrom = {}\nto = [{}]\n\n", quoted(from), quoted(to));
        let mut maps: String = rules.into_iter().map(rule).collect();
        if maps.is_empty() {
            maps = "[[map]]\nfrom = \"Adobe_All_Apps\"               # a group of the directory, or a pattern: '/ACL-(.+)/'\nto = [\"All Apps\"]                     # groups of Adobe; with a pattern also \"ACL $1\"\n# create = true                       # create user groups that do not exist\n\n".to_owned();
        }
        let attributes = match self.kind {
            Kind::Ldap => {
                "email = \"{mail}\"\n# username = \"{userPrincipalName}\"    # if it is not the address\ncountry = \"{c|upper|or:US}\""
            }
            Kind::Entra => {
                "email = \"{mail,userPrincipalName}\"\nusername = \"{userPrincipalName}\"\ncountry = \"{usageLocation|upper|or:US}\""
            }
            Kind::Okta => "email = \"{email}\"\nusername = \"{login}\"\ncountry = \"{countryCode|upper|or:US}\"",
            Kind::Google => {
                "email = \"{primaryEmail}\"\n# username = \"{primaryEmail}\"         # if it is not the address\ncountry = \"{countryCode|upper|or:US}\""
            }
            Kind::File | Kind::Exec => {
                "email = \"{email}\"\n# username = \"{username}\"             # if it is not the address\ncountry = \"{country|upper|or:US}\""
            }
        };
        let skip = match self.kind {
            Kind::Entra => "skip = 'attr.userType == \"Guest\"'       # guests are left out: what they have stays",
            Kind::Okta => "# skip = 'attr.userType == \"contractor\"'",
            Kind::Google => "# skip = 'attr.orgUnitPath.startsWith(\"/Contractors\")'",
            Kind::Ldap | Kind::File | Kind::Exec => "# skip = 'attr.employeeType == \"contractor\"'",
        };
        Ok(format!(
            "# How umapi keeps Adobe in step with the directory. `umapi sync check` tests it.\n\n\
             [[org]]\nprofile = {}                      # of \"umapi config list\"\n\n\
             [[directory]]\n{directory}\n\n\
             [people]\ntype = \"federated\"                    # or enterprise, adobeID\n{attributes}\n\
             update = [\"firstname\", \"lastname\"]     # fields that follow the directory\n\
             {skip}\n\n\
             {maps}\
             [protect]\ntypes = [\"adobeID\"]                   # administrators are always protected\n\n\
             [leavers]\nunmap = \"now\"                         # lose the groups of the rules\n\
             remove = \"never\"                      # from the organization: now, 30d, never\n\
             delete = \"never\"                      # the account, with its files\n\n\
             [guard]                               # these stop a run before it changes anything\n\
             leavers = \"5%\"\nremovals_per_group = \"20%\"\ncreations = 500\ndirectory_shrinks = \"10%\"\nlicenses = \"stop\"\n",
            quoted(profile)
        ))
    }
}

/// The groups of `FROM=TO`. A DN has `=`, so the last one counts.
fn rule_of(pair: &str) -> Option<(&str, &str)> {
    let (from, to) = pair.rsplit_once('=')?;
    Some((from.trim(), to.trim())).filter(|(from, to)| !from.is_empty() && !to.is_empty())
}

/// A text as TOML has it.
fn quoted(text: &str) -> String {
    toml_edit::Value::from(text).to_string().trim().to_owned()
}
