//! Asking for one thing by its name.

use crate::{call::Response, error::Error};

/// Finding nothing is a value: the service says so itself. A 404 without a word of the service is something else, a wrong
/// address say.
pub(crate) fn found<T>(result: Result<Response<T>, Error>) -> Result<Option<T>, Error> {
    match result {
        Ok(answer) => Ok(Some(answer.value)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether the service itself says that there is no such thing.
pub(crate) fn is_absent(error: &Error) -> bool {
    error.is_not_found() && error.code().is_some()
}

/// Refuses a name that cannot stand in a path, before anything is sent.
pub(crate) fn check_name(what: &str, name: &str) -> Result<(), Error> {
    if matches!(name, "" | "." | "..") {
        return Err(Error::invalid(format!(
            "the {what} is {name:?}, which no path can hold: give a name that is neither empty nor `.` nor `..`"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_be_another_path_are_refused_by_name() {
        for name in ["", ".", ".."] {
            let error = check_name("group name", name).unwrap_err();
            assert!(error.is_invalid_input() && error.to_string().contains("group name"), "{error}");
        }
        for name in ["...", " ", "a/b", "Größe"] {
            check_name("group name", name).unwrap();
        }
    }
}
