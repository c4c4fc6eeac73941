//! `cargo xtask codegen`: generates models, endpoints, mocks, catalogs and limits from the descriptions.

mod bounds;
mod builders;
mod catalog;
mod emulator;
mod endpoints;
mod exhaustive;
mod lenient;
mod limits;
mod mocks;
mod models;
mod open_enum;
mod operations;
mod source;
mod steps;
mod view;

pub(crate) use bounds::{UNCHECKED as UNCHECKED_BOUNDS, pattern_problem};
pub(crate) use catalog::rust_name as code_name;
pub(crate) use limits::value_of as limit_value;
pub(crate) use source::{OWN_MODULES, RESERVED_TYPES};
pub(crate) use view::is_named_type;

use anyhow::Result;

use crate::{
    generated::GeneratedFile,
    spec::{Document, SpecDir, bundle_all},
};

/// The folders of generated files.
pub(crate) const FOLDERS: [&str; 4] = [
    "spec/dist",
    "crates/umapi-emulator/src/generated",
    "crates/umapi-model/src/generated",
    "crates/umapi-raw/src/generated",
];

/// A description and its names in Rust.
pub(crate) struct Api {
    pub(crate) document: Document,
    /// The module of its types in the model crate. `None` for the root, which the User Management API uses.
    pub(crate) model_module: Option<&'static str>,
    /// Its module in the raw crate.
    pub(crate) raw_module: &'static str,
    /// The marker type of its client in the raw crate.
    pub(crate) marker: &'static str,
    /// The enum of its codes.
    pub(crate) code_enum: &'static str,
    /// The enum of its operations.
    pub(crate) operation_enum: &'static str,
}

impl Api {
    /// The path of a type of the model crate, as the raw crate uses it.
    pub(crate) fn model_path(&self, type_name: &str) -> String {
        match self.model_module {
            Some(module) => format!("::umapi_model::{module}::{type_name}"),
            None => format!("::umapi_model::{type_name}"),
        }
    }
}

fn apis(spec: &SpecDir) -> Result<Vec<Api>> {
    Ok(vec![
        Api {
            document: spec.document("umapi")?,
            model_module: None,
            raw_module: "user_management",
            marker: "UserManagement",
            code_enum: "ErrorCode",
            operation_enum: "Operation",
        },
        Api {
            document: spec.document("ims")?,
            model_module: Some("ims"),
            raw_module: "ims",
            marker: "Ims",
            code_enum: "LoginErrorCode",
            operation_enum: "LoginOperation",
        },
    ])
}

/// All files that are generated from the descriptions in `spec`.
pub(crate) fn generate(spec: &SpecDir) -> Result<Vec<GeneratedFile>> {
    let mut files = bundle_all(spec)?;
    let apis = apis(spec)?;
    let bundle_of = |files: &[GeneratedFile], name: &str| {
        let path = format!("spec/dist/{name}.json");
        files.iter().find(|file| file.path == path).map(|file| file.text.clone()).unwrap_or_default()
    };
    for api in &apis {
        files.extend(models::generate(api)?);
        files.extend(endpoints::generate(api)?);
        files.extend(mocks::generate(api)?);
        // The bundle is also inside the crate, so that the published crate contains the description.
        let bundle = bundle_of(&files, &api.document.name);
        files.push(GeneratedFile::new(format!("crates/umapi-model/src/generated/{}.json", api.document.name), bundle));
    }
    let management = spec.document("emulator")?;
    let bundle = bundle_of(&files, &management.name);
    files.extend(emulator::generate(&apis, &management, &bundle)?);
    files.push(source::model_root(&apis)?);
    files.push(source::raw_root(&apis)?);
    files.push(source::mocks_root(&apis)?);
    Ok(files)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// A copy of the folder of descriptions that a test may change.
    fn copy_of_spec() -> (tempfile::TempDir, SpecDir) {
        let folder = tempfile::tempdir().unwrap();
        copy(&crate::workspace::top().join("spec"), folder.path());
        let spec = SpecDir::new(folder.path());
        (folder, spec)
    }

    fn copy(from: &Path, to: &Path) {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let target = to.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                copy(&entry.path(), &target);
            } else {
                std::fs::copy(entry.path(), target).unwrap();
            }
        }
    }

    fn replace(file: &Path, old: &str, new: &str) {
        let text = std::fs::read_to_string(file).unwrap();
        assert!(text.contains(old), "{old} is not in {}", file.display());
        std::fs::write(file, text.replacen(old, new, 1)).unwrap();
    }

    fn text_of<'a>(files: &'a [GeneratedFile], path: &str) -> &'a str {
        &files.iter().find(|file| file.path == path).unwrap_or_else(|| panic!("{path} is not generated")).text
    }

    #[test]
    fn two_runs_generate_the_same_bytes() {
        let spec = SpecDir::new(crate::workspace::top().join("spec"));
        let bytes = || -> Vec<(String, String)> {
            generate(&spec).unwrap().into_iter().map(|file| (file.path, file.text)).collect()
        };
        assert_eq!(bytes(), bytes());
    }

    const STEP: &str = "        - title: AddNoteStep
          type: object
          description: Notes something about the user.
          required: [addNote]
          additionalProperties: false
          properties:
            addNote: { $ref: '#/components/schemas/UserNote' }
    CreateOption:
";
    const PAYLOAD: &str = "    UserNote:
      type: object
      description: A note.
      x-umapi-module: actions
      required: [text]
      additionalProperties: false
      properties:
        text:
          type: string
          description: The note.
          minLength: 2
          maxLength: 40
          pattern: '^[a-z]+$'
        readers:
          description: Who may read it.
          x-umapi-names: users
          allOf: [{ $ref: '#/components/schemas/NameList' }]
    NewAdobeId:
";

    /// A maintainer adds a step. What must know of it is pointed out one after the other: by the lint, and then by the compiler,
    /// because each place matches one of the enums that are looked at here.
    #[test]
    fn a_new_step_is_pointed_out() {
        let (folder, spec) = copy_of_spec();
        let umapi = folder.path().join("umapi.yaml");
        replace(&umapi, "    CreateOption:\n", STEP);
        replace(&umapi, "    NewAdobeId:\n", PAYLOAD);
        let error = crate::spec::lint_all(&spec).unwrap_err().to_string();
        for part in ["UserStep/oneOf/11: a step must say where", "UserStep/oneOf/11: no example contains", "2 findings"]
        {
            assert!(error.contains(part), "{part} is not in: {error}");
        }

        replace(&umapi, "title: AddNoteStep\n", "title: AddNoteStep\n          x-umapi-step: { position: last }\n");
        let example = folder.path().join("examples/action-every-user-step.json");
        replace(
            &example,
            "{ \"remove\": \"all\" }",
            "{ \"remove\": \"all\" }, { \"addNote\": { \"text\": \"left\" } }",
        );
        crate::spec::lint_all(&spec).unwrap();

        let files = generate(&spec).unwrap();
        let actions = text_of(&files, "crates/umapi-model/src/generated/actions.rs");
        for part in [
            "    AddNote(UserNote),",
            "pub enum ExhaustiveUserStep<'a> {",
            "    AddNote(&'a UserNote),",
            "    AddNote(&'a mut UserNote),",
            "            Self::AddNote(_) => \"addNote\",",
            "            Self::AddNote(_) => crate::StepPosition::Last,",
            "            Self::AddNote(value) => value.check_bounds(),",
            "pub const NAMES: [&'static str; 12]",
            "[(\"readers\", crate::NameKind::User, &self.readers)]",
            "min_length: Some(2)",
            "max_length: Some(40)",
            "text: \"^[a-z]+$\"",
        ] {
            assert!(actions.contains(part), "{part} is not in the model:\n{actions}");
        }
        // What the planner, the command and the emulator match completely: a `match` without the step does not compile.
        let twin = actions.split("pub enum ExhaustiveUserStep<'a> {").nth(1).unwrap().split('}').next().unwrap();
        assert_eq!(twin.matches('(').count(), 12, "{twin}");
        let before = actions.split("pub enum ExhaustiveUserStep<'a> {").next().unwrap();
        assert!(!before.ends_with("#[non_exhaustive]\n"));
        let emulator = text_of(&files, "crates/umapi-emulator/src/generated/action_step.rs");
        assert!(emulator.contains("    AddNote,\n") && emulator.contains("pub const ALL: [Self; 15]"), "{emulator}");
    }

    #[test]
    fn every_bound_of_a_request_becomes_a_check() {
        let (folder, spec) = copy_of_spec();
        let umapi = folder.path().join("umapi.yaml");
        replace(
            &umapi,
            "        deleteAccount:\n",
            "        days:
          type: integer
          format: int32
          minimum: 3
          maximum: 30
          description: Days.
        names:
          type: array
          description: Names.
          minItems: 2
          maxItems: 7
          items: { type: string, pattern: '^[A-Z]$' }
        deleteAccount:
",
        );
        let files = generate(&spec).unwrap();
        let actions = text_of(&files, "crates/umapi-model/src/generated/actions.rs");
        let checks = actions.split("impl OrgRemoval {").nth(2).unwrap().split("\n}\n").next().unwrap();
        let bounds =
            ["minimum: Some(3)", "maximum: Some(30)", "min_items: Some(2)", "max_items: Some(7)", "\"^[A-Z]$\""];
        for bound in bounds {
            assert!(checks.contains(bound), "{bound} is not in: {checks}");
        }
    }

    #[test]
    fn an_enum_without_a_module_is_an_error_and_writes_nothing() {
        let (folder, spec) = copy_of_spec();
        replace(
            &folder.path().join("umapi.yaml"),
            "      x-umapi-module: actions\n      enum: [all]",
            "      enum: [all]",
        );
        let error = crate::spec::lint_all(&spec).unwrap_err().to_string();
        assert!(error.contains("AllMemberships") && error.contains("`x-umapi-module`"), "{error}");
        // Should the lint miss it, nothing is written either.
        if let Ok(files) = generate(&spec) {
            let top = tempfile::tempdir().unwrap();
            crate::generated::write(top.path(), &FOLDERS, &files).unwrap_err();
            assert_eq!(std::fs::read_dir(top.path()).unwrap().count(), 0);
        }
    }
}
