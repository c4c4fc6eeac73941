//! Paths of a description, matched against the paths of requests.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// A path of the description, such as `/users/{orgId}/{page}`.
#[derive(Debug)]
pub(super) struct Template {
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    Literal(String),
    Parameter(String),
}

/// How a path matches a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// Only the literals match: the organization id is invalid.
    BadOrganization,
    /// Completely.
    Full,
}

/// The segments of a path, still encoded.
pub(super) type Segments<'p> = Vec<Cow<'p, str>>;

/// The parameters of a path, decoded.
pub(crate) type PathParameters = Vec<(String, String)>;

/// The parameter with a pattern, which distinguishes `/users/{orgId}/{page}` from `/{orgId}/users/{email}`.
const ORGANIZATION: &str = "orgId";

impl Template {
    pub(super) fn new(base: &str, path: &str) -> Self {
        let parts = segments(base).chain(segments(path)).map(|segment| {
            let name = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            name.map_or_else(|| Part::Literal(segment.to_owned()), |name| Part::Parameter(name.to_owned()))
        });
        Self { parts: parts.collect() }
    }

    /// Matches the raw segments of a path. An encoded `/` belongs to its segment.
    pub(super) fn fit(&self, segments: &[Cow<'_, str>]) -> Option<Fit> {
        if segments.len() != self.parts.len() {
            return None;
        }
        let mut fit = Fit::Full;
        for (part, segment) in self.parts.iter().zip(segments) {
            match part {
                Part::Literal(literal) if percent_decode_str(segment).eq(literal.bytes()) => {}
                Part::Literal(_) => return None,
                Part::Parameter(_) if segment.is_empty() => return None,
                Part::Parameter(name) if name == ORGANIZATION && !is_organization(&decode(segment)) => {
                    fit = Fit::BadOrganization;
                }
                Part::Parameter(_) => {}
            }
        }
        Some(fit)
    }

    /// The parameters of a matching path.
    pub(super) fn parameters(&self, segments: &[Cow<'_, str>]) -> PathParameters {
        let pairs = self.parts.iter().zip(segments);
        pairs
            .filter_map(|(part, segment)| match part {
                Part::Parameter(name) => Some((name.clone(), decode(segment))),
                Part::Literal(_) => None,
            })
            .collect()
    }

    /// Whether a path is complete but for the name of a group at its end.
    pub(super) fn lacks_group_name(&self, path: &str) -> bool {
        let Some(rest) = path.strip_suffix('/') else { return false };
        let complete: Segments<'_> = segments(rest).chain(["name"]).map(Cow::Borrowed).collect();
        self.ends_with_group_name() && self.fit(&complete) == Some(Fit::Full)
    }

    fn ends_with_group_name(&self) -> bool {
        matches!(self.parts.last(), Some(Part::Parameter(name)) if name == "groupName")
    }

    /// Joins surplus segments into the last one, if it is a group name: a `/` in it was not encoded.
    pub(super) fn join_group_name<'p>(&self, segments: &[Cow<'p, str>]) -> Option<Segments<'p>> {
        if !self.ends_with_group_name() || segments.len() <= self.parts.len() {
            return None;
        }
        let (first, name) = segments.split_at(self.parts.len() - 1);
        Some(first.iter().cloned().chain([Cow::Owned(name.join("/"))]).collect())
    }
}

/// The raw segments of a path.
pub(super) fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.strip_prefix('/').unwrap_or(path).split('/').filter(move |_| !path.is_empty())
}

fn decode(segment: &str) -> String {
    percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

/// The pattern of the description, `^[0-9A-Fa-f]+@AdobeOrg$`. A test compares the two.
fn is_organization(text: &str) -> bool {
    text.strip_suffix("@AdobeOrg").is_some_and(|id| !id.is_empty() && id.bytes().all(|b| b.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(template: &str, path: &str) -> Option<(Fit, PathParameters)> {
        let template = Template::new("/v2", template);
        let segments: Segments<'_> = segments(path).map(Cow::Borrowed).collect();
        template.fit(&segments).map(|fit| (fit, template.parameters(&segments)))
    }

    #[test]
    fn an_encoded_slash_belongs_to_its_segment() {
        let (_, parameters) =
            fit("/users/{orgId}/{page}/{groupName}", "/v2/users/1A@AdobeOrg/0/a%2Fb%20%2B%25%26%C3%A9").unwrap();
        assert_eq!(parameters[2], ("groupName".to_owned(), "a/b +%&é".to_owned()));
    }

    #[test]
    fn the_organization_distinguishes_similar_paths() {
        assert_eq!(fit("/users/{orgId}/{page}", "/v2/1A%40AdobeOrg/users/x@y.z"), None);
        let (full, _) = fit("/{orgId}/users/{email}", "/v2/1A%40AdobeOrg/users/x@y.z").unwrap();
        assert_eq!(full, Fit::Full);
        let (bad, _) = fit("/users/{orgId}/{page}", "/v2/users/nobody/0").unwrap();
        assert_eq!(bad, Fit::BadOrganization);
    }

    #[test]
    fn the_pattern_matches_the_description() {
        let description: serde_json::Value = serde_json::from_str(umapi_model::description::UMAPI).unwrap();
        let schema = description.pointer("/components/schemas/OrganizationId").unwrap();
        let validator = jsonschema::validator_for(schema).unwrap();
        for id in ["1A@AdobeOrg", "@AdobeOrg", "12xz@AdobeOrg", "1A", "1A@adobeorg", "1A@AdobeOrg ", "ffFF09@AdobeOrg"]
        {
            assert_eq!(is_organization(id), validator.is_valid(&id.into()), "{id}");
        }
    }
}
