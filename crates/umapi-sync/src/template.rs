//! Texts made from the attributes of a person: `{givenName}`, `{c|upper|or:US}`.

use std::{fmt, iter};

use umapi_directory::Attributes;

/// A text with attributes in braces. Filters follow an attribute after `|`, in order; several attributes with commas
/// between them mean the first one that has a value. `{{` and `}}` are braces.
///
/// | filter | what it does |
/// | --- | --- |
/// | `upper`, `lower` | changes the letter case |
/// | `or:TEXT` | `TEXT`, where the attribute has no value |
/// | `before:TEXT`, `after:TEXT` | what is before, or after, the first `TEXT`; everything if it is not there |
/// | `remove:TEXT` | without each `TEXT` |
///
/// ```
/// use umapi_directory::Attributes;
/// use umapi_sync::Template;
///
/// let ann = Attributes::from_iter([("mail", "Ann@example.com"), ("c", "us")]);
/// let template = |text: &str| Template::parse(text).unwrap().fill(&ann);
/// assert_eq!(template("{mail|lower}").as_deref(), Ok("ann@example.com"));
/// assert_eq!(template("{mail|before:@}@example.org").as_deref(), Ok("Ann@example.org"));
/// assert_eq!(template("{c|upper|or:DE}").as_deref(), Ok("US"));
/// assert_eq!(template("{userPrincipalName,mail}").as_deref(), Ok("Ann@example.com"));
/// assert_eq!(template("{co|upper|or:DE}").as_deref(), Ok("DE"));
/// assert_eq!(template("{sn}").unwrap_err().to_string(), "`sn` has no value");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Attribute { names: Vec<String>, filters: Vec<Filter> },
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Filter {
    Upper,
    Lower,
    Or(String),
    Before(String),
    After(String),
    Remove(String),
}

/// A template that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct TemplateError {
    /// The byte of the text where the mistake is.
    pub at: usize,
    reason: String,
}

/// The attributes that a template needs and the person lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoValue(Vec<String>);

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// A brace without its partner, an empty name, an unknown filter.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(next) = rest.find(['{', '}']) {
            let at = text.len() - rest.len() + next;
            literal.push_str(&rest[..next]);
            let brace = &rest[next..];
            if let Some(after) = brace.strip_prefix("{{").or_else(|| brace.strip_prefix("}}")) {
                literal.push_str(&brace[..1]);
                rest = after;
                continue;
            }
            let Some(inside) = brace.strip_prefix('{') else {
                return Err(TemplateError::new(at, "`}` without a `{` before it; write `}}` for a brace"));
            };
            let Some((expression, after)) = inside.split_once('}') else {
                return Err(TemplateError::new(at, "`{` without a `}` after it; write `{{` for a brace"));
            };
            if !literal.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut literal)));
            }
            parts.push(attribute(expression, at + 1)?);
            rest = after;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        Ok(Self(parts))
    }

    /// The text for a person.
    ///
    /// # Errors
    /// An attribute without a value and without `or:`.
    pub fn fill(&self, attributes: &Attributes) -> Result<String, NoValue> {
        self.fill_with(&|name| attributes.first(name).map(str::to_owned))
    }

    /// As [`fill`](Self::fill), with the values of a function.
    ///
    /// # Errors
    /// As `fill`.
    pub fn fill_with(&self, value_of: &dyn Fn(&str) -> Option<String>) -> Result<String, NoValue> {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(literal) => text.push_str(literal),
                Part::Attribute { names, filters } => {
                    let value = names.iter().find_map(|name| value_of(name));
                    let value = filters.iter().fold(value, |value, filter| filter.apply(value));
                    text.push_str(value.as_deref().ok_or_else(|| NoValue(names.clone()))?);
                }
            }
        }
        Ok(text.trim().to_owned())
    }

    /// The names of the attributes.
    pub fn attributes(&self) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .flat_map(|part| match part {
                Part::Text(_) => &[][..],
                Part::Attribute { names, .. } => names.as_slice(),
            })
            .map(String::as_str)
    }
}

fn attribute(expression: &str, at: usize) -> Result<Part, TemplateError> {
    let mut pieces = expression.split('|');
    let names: Vec<String> = pieces.next().unwrap_or_default().split(',').map(|name| name.trim().to_owned()).collect();
    let is_name = |name: &String| {
        !name.is_empty()
            && name.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.' | ';' | ':' | '$'))
    };
    if let Some(wrong) = names.iter().find(|name| !is_name(name)) {
        return Err(TemplateError::new(at, format!("`{wrong}` is not the name of an attribute")));
    }
    let filters = pieces.map(|filter| Filter::parse(filter, at)).collect::<Result<_, _>>()?;
    Ok(Part::Attribute { names, filters })
}

impl Filter {
    fn parse(text: &str, at: usize) -> Result<Self, TemplateError> {
        let (name, argument) = match text.split_once(':') {
            Some((name, argument)) => (name.trim(), Some(argument)),
            None => (text.trim(), None),
        };
        match (name, argument) {
            ("upper", None) => Ok(Self::Upper),
            ("lower", None) => Ok(Self::Lower),
            ("or", Some(text)) => Ok(Self::Or(text.to_owned())),
            ("before", Some(text)) if !text.is_empty() => Ok(Self::Before(text.to_owned())),
            ("after", Some(text)) if !text.is_empty() => Ok(Self::After(text.to_owned())),
            ("remove", Some(text)) if !text.is_empty() => Ok(Self::Remove(text.to_owned())),
            ("upper" | "lower", Some(_)) => Err(TemplateError::new(at, format!("the filter `{name}` takes no text"))),
            ("or" | "before" | "after" | "remove", _) => {
                Err(TemplateError::new(at, format!("the filter `{name}` needs a text: `{name}:TEXT`")))
            }
            _ => Err(TemplateError::new(
                at,
                format!("there is no filter `{name}`; the filters are upper, lower, or:, before:, after:, remove:"),
            )),
        }
    }

    fn apply(&self, value: Option<String>) -> Option<String> {
        let value = value.filter(|value| !value.trim().is_empty());
        match self {
            Self::Or(text) => Some(value.unwrap_or_else(|| text.clone())),
            Self::Upper => value.map(|value| value.to_uppercase()),
            Self::Lower => value.map(|value| value.to_lowercase()),
            Self::Before(text) => value.map(|value| value.split(text.as_str()).next().unwrap_or_default().to_owned()),
            Self::After(text) => value.map(|value| match value.split_once(text.as_str()) {
                Some((_, after)) => after.to_owned(),
                None => value,
            }),
            Self::Remove(text) => value.map(|value| value.replace(text.as_str(), "")),
        }
    }
}

impl TemplateError {
    fn new(at: usize, reason: impl Into<String>) -> Self {
        Self { at, reason: reason.into() }
    }
}

impl fmt::Display for NoValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [] => f.write_str("no attribute has a value"),
            [only] => write!(f, "`{only}` has no value"),
            [first, others @ ..] => {
                let names = iter::once(first).chain(others).map(|name| format!("`{name}`")).collect::<Vec<_>>();
                write!(f, "none of {} has a value", names.join(", "))
            }
        }
    }
}

impl std::error::Error for NoValue {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn mistakes_name_the_part_of_the_text() {
        for (text, at, reason) in [
            ("a{mail", 1, "`{` without a `}` after it; write `{{` for a brace"),
            ("mail}", 4, "`}` without a `{` before it; write `}}` for a brace"),
            ("{}", 1, "`` is not the name of an attribute"),
            (
                "{mail|upcase}",
                1,
                "there is no filter `upcase`; the filters are upper, lower, or:, before:, after:, remove:",
            ),
            ("{mail|or}", 1, "the filter `or` needs a text: `or:TEXT`"),
            ("{mail|upper:x}", 1, "the filter `upper` takes no text"),
        ] {
            let error = Template::parse(text).unwrap_err();
            assert_eq!((error.at, error.to_string().as_str()), (at, reason), "{text}");
        }
    }

    #[test]
    fn a_default_after_a_filter_counts_for_blank_results() {
        let ann = Attributes::from_iter([("mail", "@example.com")]);
        assert_eq!(Template::parse("{mail|before:@|or:nobody}").unwrap().fill(&ann).unwrap(), "nobody");
        assert_eq!(
            Template::parse("{a,b}").unwrap().fill(&ann).unwrap_err().to_string(),
            "none of `a`, `b` has a value"
        );
    }

    proptest! {
        #[test]
        fn parsing_any_text_ends_in_a_template_or_an_error(text in ".{0,40}") {
            if let Ok(template) = Template::parse(&text) {
                let _ = template.fill_with(&|_| Some("x".to_owned()));
            }
        }

        #[test]
        fn text_with_doubled_braces_is_itself(text in "[ -~]{0,40}") {
            let escaped = text.replace('{', "{{").replace('}', "}}");
            let filled = Template::parse(&escaped).unwrap().fill(&Attributes::default()).unwrap();
            prop_assert_eq!(filled, text.trim());
        }
    }
}
