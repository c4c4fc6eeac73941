//! `cargo xtask codegen`: generates models, endpoints, mocks, catalogs and limits from the descriptions.

mod builders;
mod catalog;
mod emulator;
mod endpoints;
mod lenient;
mod limits;
mod mocks;
mod models;
mod open_enum;
mod operations;
mod source;
mod view;

pub(crate) use limits::value_of as limit_value;

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
    use super::*;

    #[test]
    fn two_runs_generate_the_same_bytes() {
        let spec = SpecDir::new(crate::workspace::top().join("spec"));
        let bytes = || -> Vec<(String, String)> {
            generate(&spec).unwrap().into_iter().map(|file| (file.path, file.text)).collect()
        };
        assert_eq!(bytes(), bytes());
    }
}
