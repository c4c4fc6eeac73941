//! Fuzz target: seeds of the emulator that are read, loaded and written.

use umapi_emulator::{
    seed::{self, Seed, SeedError},
    store::Store,
};

use crate::{
    fixed_seeds::target,
    payload::{Material, Payload},
};

/// Maximum number of generated users per input. More users take longer and test nothing else.
const MADE_UP: u32 = 50;

const SEEDS: Material = Material {
    examples: &[
        r#"{"organizations":[{"id":"AB12@AdobeOrg","name":"A","userTypes":["adobeID","federatedID"],"directories":[{"name":"Staff","type":"federated","login":"email","domains":["staff.example",{"name":"office.example","enforced":true}],"trustedBy":["EF34@AdobeOrg"]},{"name":"School","type":"federated","login":"username","domains":["school.example"],"synced":true}],"products":[{"name":"P","id":"RPC-1","code":"C","quota":10,"profiles":[{"name":"All Apps","quota":1,"description":"x"}]}],"userGroups":[{"name":"Design","profiles":["All Apps"],"description":"d"},{"name":"Theirs","readOnly":true}],"users":[{"type":"federatedID","email":"ann@staff.example","firstname":"A","lastname":"B","country":"US","groups":["Design","_org_admin","_admin_Design"]},{"type":"federatedID","email":"dan@school.example","username":"dan","domain":"school.example","country":"GB","status":"disabled","presence":"invited"},{"type":"adobeID","email":"cat@mail.example","technical":true,"phone":"1"}],"integrations":[{"clientId":"c1","name":"I","secrets":["s"],"scopes":["openid"],"jtiRequired":true,"enabled":false}]},{"id":"EF34@AdobeOrg","migrating":true}]}"#,
        r#"{"organizations":[{"id":"AB12@AdobeOrg","generate":{"users":20,"groups":3,"profiles":2,"seed":7}}]}"#,
        "organizations:\n  - id: 1234ABCD@AdobeOrg\n    directories:\n      - { name: Staff, type: federated, domains: [example.com] }\n    userGroups:\n      - name: Design\n    users:\n      - { type: federatedID, email: ann@example.com, country: US, groups: [Design] }\n",
    ],
    words: &[
        "organizations",
        "id",
        "name",
        "directories",
        "products",
        "profiles",
        "userGroups",
        "users",
        "integrations",
        "generate",
        "groups",
        "type",
        "email",
        "username",
        "domain",
        "country",
        "status",
        "presence",
        "AB12@AdobeOrg",
        "EF34@AdobeOrg",
        "Design",
        "All Apps",
        "_org_admin",
        "_admin_Design",
        "_developer_All Apps",
        "ann@staff.example",
        "ANN@STAFF.EXAMPLE",
        "staff.example",
        "federated",
        "federatedID",
        "enterpriseID",
        "unknown",
        "directoryOnly",
        "*a",
        "&a ",
        "<<",
        "!!binary",
        "? ",
        "- ",
        ": ",
        "|",
        ">",
        "'",
        "\"",
        "{",
        "}",
        "[",
        "]",
        ",",
        "#",
        "\t",
        "---",
        "...",
        "\\u0000",
        ".nan",
    ],
};

/// Limits the number of generated objects.
fn bounded(mut seed: Seed) -> Seed {
    for generate in seed.organizations.iter_mut().filter_map(|organization| organization.generate.as_mut()) {
        generate.users = generate.users.min(MADE_UP);
        generate.groups = generate.groups.min(MADE_UP);
        generate.profiles = generate.profiles.min(MADE_UP);
    }
    seed
}

fn is_written_as_read(seed: &Seed) {
    let json = serde_json::to_string(seed).unwrap();
    assert_eq!(Seed::from_json(&json).unwrap(), *seed, "as JSON");
    // YAML rejects control characters from U+007F on, which JSON allows.
    if !json.contains(char::is_control) {
        assert_eq!(Seed::from_yaml(&json).unwrap(), *seed, "as YAML");
    }
}

#[test]
fn a_seed_is_loaded_whole_or_rejected_with_its_location() {
    target!(1_500).with_type::<Payload>().for_each(|payload| {
        let text = payload.text(SEEDS);
        for read in [Seed::from_yaml(&text), Seed::from_json(&text)] {
            let seed = match read {
                Ok(seed) => bounded(seed),
                Err(SeedError::Format { location, message }) => {
                    assert!(!location.is_empty() && !message.is_empty());
                    continue;
                }
                Err(other) => panic!("only the format can be wrong here: {other}"),
            };
            is_written_as_read(&seed);
            let store = Store::in_memory().unwrap();
            let loaded = seed::load(&store, &seed);
            let there = store.read(|reader| reader.organizations()).unwrap().len();
            match loaded {
                Ok(()) => assert_eq!(there, seed.organizations.len()),
                Err(SeedError::Rule { pointer, code, message }) => {
                    assert_eq!(there, 0, "nothing of the seed is loaded");
                    assert!(pointer.starts_with("/organizations/"), "{pointer}: {message}");
                    assert!(code.starts_with("error.") || code.starts_with("emulator."), "{code}");
                }
                Err(other) => panic!("the seed violates no rule, but the store fails: {other}"),
            }
        }
    });
}
