//! The fields of a query or a form.

use std::{fmt::Display, str::FromStr};

use http::header::CONTENT_TYPE;

use super::PageError;
use crate::{http::Request, login::body_fields};

/// Fields by name. If a field is repeated, the first value wins.
#[derive(Default)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    pub(super) fn of_query(request: &Request) -> Self {
        Self(request.query_pairs().collect())
    }

    /// The fields of a body, which must be a form.
    pub(super) fn of_body(request: &Request) -> Result<Self, PageError> {
        let is_form = || {
            let stated = request.header(CONTENT_TYPE.as_str()).unwrap_or_default();
            format!("The body is not a readable form: its type is {stated:?}")
        };
        body_fields(request).map(Self).ok_or_else(|| PageError::forbidden(&is_form()))
    }

    /// The value of a field without the spaces around it. Empty if the field is missing.
    pub(super) fn text(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// The value of a field as it was entered.
    pub(super) fn raw(&self, name: &str) -> &str {
        self.0.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(field, _)| field == name)
    }

    /// A value of another type. `None` if the field is empty.
    pub(super) fn value<T: FromStr>(&self, name: &str, what: &str) -> Result<Option<T>, PageError>
    where
        T::Err: Display,
    {
        match self.text(name) {
            "" => Ok(None),
            text => {
                let parsed = text.parse();
                parsed.map(Some).map_err(|error| PageError::invalid(format!("{what} cannot be {text:?}: {error}")))
            }
        }
    }
}

/// A link with parameters. Empty ones are omitted.
pub(super) fn link(path: &str, parameters: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters.iter().filter(|(_, value)| !value.is_empty()) {
        query.append_pair(name, value);
    }
    match query.finish() {
        query if query.is_empty() => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::testing::request;

    #[test]
    fn fields_are_trimmed_and_parsed() {
        let request = request(Method::GET, "/?a=+x+&n=7&bad=y&a=2", &[], "");
        let fields = Fields::of_query(&request);
        assert_eq!((fields.text("a"), fields.raw("a"), fields.text("none")), ("x", " x ", ""));
        assert_eq!(fields.value::<u64>("n", "The number").unwrap(), Some(7));
        assert_eq!(fields.value::<u64>("none", "The number").unwrap(), None);
        let error = fields.value::<u64>("bad", "The number").unwrap_err().message;
        assert!(error.starts_with("The number cannot be \"y\""), "{error}");
    }

    #[test]
    fn links_are_encoded() {
        assert_eq!(link("/x", &[("a", ""), ("b", "<&\"")]), "/x?b=%3C%26%22");
        assert_eq!(link("/x", &[("a", "")]), "/x");
    }
}
