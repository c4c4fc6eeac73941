//! Checks of the names in requests, and of the responses about one thing.

use umapi_model::ErrorCode;
use umapi_plan::account::FoldedName;

use crate::{
    call::Response,
    error::{Error, ErrorResponse, Kind},
};

/// Maps "not found" to `Ok(None)`, if the service itself says so. A 404 without a code of the service means something else,
/// e.g. a wrong URL.
pub(crate) fn found<T>(result: Result<Response<T>, Error>) -> Result<Option<Response<T>>, Error> {
    match result {
        Ok(response) => Ok(Some(response)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Rejects a name that cannot be part of a path, before anything is sent.
pub(crate) fn check_name(what: &str, name: &str) -> Result<(), Error> {
    if matches!(name, "" | "." | "..") {
        return Err(Error::invalid(format!("the {what} cannot be {name:?}; use one that is not empty, `.` or `..`")));
    }
    Ok(())
}

/// Whether a user with these names is the one with this email address, username or id. A username cannot be compared if the
/// response has none.
pub(crate) fn is_named([email, username, id]: [Option<&str>; 3], name: &str) -> bool {
    let is_comparable = name.contains('@') || username.is_some();
    let mut known = [email, username, id].into_iter().flatten().peekable();
    known.peek().is_none() || !is_comparable || known.any(|known| FoldedName::new(known) == FoldedName::new(name))
}

/// The result that the service reports for a success.
const SUCCESS: &str = "success";

impl<T> Response<T> {
    /// Checks the `result` of a response. Anything but a success is an error with the words of the service.
    pub(crate) fn check_result(&self, result: &str, message: Option<&str>) -> Result<(), Error> {
        if result.eq_ignore_ascii_case(SUCCESS) {
            return Ok(());
        }
        Err(self.unusable(&format!("its result is `{result}`"), Some(result), message))
    }

    /// Returns the error of a response that contradicts the request.
    pub(crate) fn unusable(&self, why: &str, result: Option<&str>, message: Option<&str>) -> Error {
        let response = ErrorResponse {
            status: self.head.common.status,
            code: result.filter(|result| !result.eq_ignore_ascii_case(SUCCESS)).map(ErrorCode::from),
            message: message.map(str::to_owned),
            ..ErrorResponse::default()
        };
        Error::new(Kind::Unreadable { response, why: why.to_owned() }).with(|details| {
            details.request_id.clone_from(&self.head.common.request_id);
            details.requests = self.requests;
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_change_the_path_are_rejected() {
        for name in ["", ".", ".."] {
            let error = check_name("group name", name).unwrap_err();
            assert!(error.is_invalid_input() && error.to_string().contains("group name"), "{error}");
        }
        for name in ["...", " ", "a/b", "Größe"] {
            check_name("group name", name).unwrap();
        }
    }
}
