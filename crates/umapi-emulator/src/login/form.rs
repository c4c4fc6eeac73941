//! The fields of a login, from its body and its query.

use std::fmt;

use futures_util::{FutureExt, stream};
use http::header::CONTENT_TYPE;

use super::LoginError;
use crate::http::Request;

/// The fields of a login, from the body and the query together. `Debug` omits their values, some of which are secrets.
pub(super) struct FormFields(Vec<(String, String)>);

impl FormFields {
    /// Reads the query and the body, which may be a form in either encoding. A body of another type has no fields.
    pub(super) fn read(request: &Request) -> Result<Self, LoginError> {
        let mut fields: Vec<_> = request.query_pairs().collect();
        fields.extend(read_body(request)?.unwrap_or_default());
        Ok(Self(fields))
    }

    /// The value of a field. `None` if it is missing or empty.
    pub(super) fn get(&self, name: &str) -> Result<Option<&str>, LoginError> {
        let mut found = self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let value = found.next();
        if found.next().is_some() {
            return Err(LoginError::bad("invalid_request", format!("{name} is given twice")));
        }
        Ok(value.filter(|value| !value.is_empty()))
    }
}

/// The fields of a request's body. `None` if it is not a readable form.
pub(crate) fn body_fields(request: &Request) -> Option<Vec<(String, String)>> {
    read_body(request).ok().flatten()
}

/// The fields of the body. `None` if it is not a form.
fn read_body(request: &Request) -> Result<Option<Vec<(String, String)>>, LoginError> {
    let content_type = request.header(CONTENT_TYPE.as_str()).unwrap_or_default();
    match content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "application/x-www-form-urlencoded" => Ok(Some(form_urlencoded::parse(&request.body).into_owned().collect())),
        "multipart/form-data" => multipart(request, content_type).map(Some),
        _ => Ok(None),
    }
}

fn multipart(request: &Request, content_type: &str) -> Result<Vec<(String, String)>, LoginError> {
    let malformed = |why: &dyn fmt::Display| {
        LoginError::bad("invalid_request", format!("the multipart/form-data body cannot be read: {why}"))
    };
    let boundary = multer::parse_boundary(content_type).map_err(|error| malformed(&error))?;
    let body = request.body.clone();
    let mut parts = multer::Multipart::new(stream::iter([Ok::<_, std::convert::Infallible>(body)]), boundary);
    let read = async {
        let mut fields = Vec::new();
        while let Some(part) = parts.next_field().await? {
            if let Some(name) = part.name().map(str::to_owned) {
                fields.push((name, part.text().await?));
            }
        }
        Ok(fields)
    };
    // The whole body is in memory, so the future is ready at once.
    read.now_or_never().unwrap_or(Err(multer::Error::IncompleteStream)).map_err(|error| malformed(&error))
}

impl fmt::Debug for FormFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::testing::request;

    fn post(target: &str, content_type: &str, body: &'static str) -> Request {
        request(Method::POST, target, &[("Content-Type", content_type)], body)
    }

    const FORM: &str = "application/x-www-form-urlencoded";

    #[test]
    fn form_and_query_are_read_together() {
        let fields = FormFields::read(&post("/x?client_id=a%40b", FORM, "scope=openid%2CAdobeID+x&empty=")).unwrap();
        assert_eq!(fields.get("client_id").unwrap(), Some("a@b"));
        assert_eq!(fields.get("scope").unwrap(), Some("openid,AdobeID x"));
        assert_eq!(fields.get("empty").unwrap(), None);
        assert_eq!(fields.get("other").unwrap(), None);
        let twice = FormFields::read(&post("/x?client_id=a", FORM, "client_id=a")).unwrap();
        assert!(matches!(twice.get("client_id"), Err(LoginError::Bad("invalid_request", _))));
    }

    #[test]
    fn a_multipart_form_is_read() {
        let body = "--B\r\nContent-Disposition: form-data; name=\"client_id\"\r\n\r\nkey\r\n\
                    --B\r\nContent-Disposition: form-data; name=\"jwt_token\"\r\nContent-Type: text/plain\r\n\r\na.b.c\r\n--B--\r\n";
        let fields = FormFields::read(&post("/x", "multipart/form-data; boundary=B", body)).unwrap();
        assert_eq!((fields.get("client_id").unwrap(), fields.get("jwt_token").unwrap()), (Some("key"), Some("a.b.c")));
        for (content_type, body) in [("multipart/form-data", body), ("multipart/form-data; boundary=B", "--B\r\nhalf")]
        {
            let rejected = FormFields::read(&post("/x", content_type, body));
            assert!(matches!(rejected, Err(LoginError::Bad("invalid_request", _))), "{content_type}");
        }
    }

    #[test]
    fn debug_omits_values() {
        let fields = FormFields::read(&post("/x", FORM, "client_secret=hidden")).unwrap();
        assert_eq!(format!("{fields:?}"), r#"["client_secret"]"#);
    }
}
