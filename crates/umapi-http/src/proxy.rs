//! Proxies: a given one, and the one that the environment names.

use std::{borrow::Cow, env, ffi::OsString, fmt};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hyper_util::client::proxy::matcher::Matcher;
use percent_encoding::percent_decode_str;
use reqwest::header::HeaderValue;
use url::Url;
use zeroize::Zeroizing;

use crate::{InvalidSetting, Secret, ServerUrl};

/// What a valid address looks like.
const EXAMPLE: &str = "http://proxy.example:8080";

/// The variables that name the proxy for HTTPS. The first one that is not empty wins.
const HTTPS_VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// The variables of plain HTTP, which stays on this machine and uses no proxy. A mistake in them is reported all the same,
/// because they are set where a proxy is needed.
const HTTP_VARIABLES: [&str; 2] = ["HTTP_PROXY", "http_proxy"];

/// The variables that name the hosts without a proxy.
const NO_PROXY_VARIABLES: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// A proxy: an `http://` or `https://` URL, and optionally a login.
///
/// ```
/// use umapi_http::Proxy;
///
/// let proxy = Proxy::new("http://proxy.example:8080")?.with_login("umapi", "password");
/// assert_eq!(proxy.url(), "http://proxy.example:8080/");
/// assert_eq!(proxy.login().map(|(user, _)| user), Some("umapi"));
/// # Ok::<(), umapi_http::InvalidSetting>(())
/// ```
#[derive(Clone)]
pub struct Proxy {
    url: Url,
    login: Option<(String, Secret)>,
}

impl Proxy {
    /// Creates a proxy from its URL. Give a user and a password to [`with_login`](Self::with_login).
    ///
    /// # Errors
    ///
    /// If the text is not such a URL, or contains a user or a password.
    pub fn new(url: &str) -> Result<Self, InvalidSetting> {
        let invalid = |why: &str| InvalidSetting::new(format!("the proxy {why}; use a URL like {EXAMPLE}"));
        if !url.contains("://") {
            return Err(invalid("has no scheme"));
        }
        let proxy = Self::parse(url).map_err(|why| invalid(&why))?;
        if proxy.login.is_some() {
            return Err(invalid("has a user or a password in its address; set them separately"));
        }
        Ok(proxy)
    }

    /// Logs in to the proxy with a user name and a password.
    #[must_use]
    pub fn with_login(mut self, user: impl Into<String>, password: impl Into<Secret>) -> Self {
        self.login = Some((user.into(), password.into()));
        self
    }

    /// The URL of the proxy.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// The user name and the password, if there are any.
    pub fn login(&self) -> Option<(&str, &Secret)> {
        self.login.as_ref().map(|(user, password)| (user.as_str(), password))
    }

    /// Parses an address as it stands in a variable: the scheme may be missing, a user and a password may be in it. The error
    /// says why it cannot be used, and quotes nothing, because the text may contain a password.
    fn parse(text: &str) -> Result<Self, Cow<'static, str>> {
        if text.trim().is_empty() {
            return Err("is blank".into());
        }
        if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err("contains a blank or a line break".into());
        }
        if text.contains(['"', '\'', '`']) {
            return Err("contains quotes; leave them out".into());
        }
        if text.contains('\\') {
            return Err("contains a backslash; in a user name like domain\\user, write it as %5C".into());
        }
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest),
            None if ["http:", "http/", "https:", "https/"].iter().any(|start| begins_with(text, start)) => {
                return Err("has no :// after its scheme".into());
            }
            None => ("http".to_owned(), text),
        };
        match scheme.as_str() {
            "http" | "https" => {}
            socks if socks.starts_with("socks") => return Err("is a SOCKS proxy, which is not supported".into()),
            _ => return Err("has an unknown scheme; only http and https are supported".into()),
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at(end);
        if !matches!(tail, "" | "/") {
            return Err(
                "has text after its host and port; in a user or password, write / as %2F, ? as %3F and # as %23".into(),
            );
        }
        let (login, host) = match authority.rsplit_once('@') {
            Some((login, host)) => (Some(login), host),
            None => (None, authority),
        };
        let url =
            Url::parse(&format!("{scheme}://{host}")).ok().filter(|url| url.host().is_some() && url.port() != Some(0));
        let url = url.ok_or("has no valid host and port")?;
        let login = login.filter(|login| !login.is_empty()).map(parse_login).transpose()?;
        Ok(Self { url, login })
    }

    /// The proxy as the HTTP library takes it, for HTTPS to all hosts but some.
    fn for_reqwest(&self, no_proxy: &str) -> Result<reqwest::Proxy, InvalidSetting> {
        let unusable = || InvalidSetting::new("the proxy cannot be used");
        let proxy = reqwest::Proxy::https(self.url.as_str()).map_err(|_| unusable())?;
        let proxy = proxy.no_proxy(reqwest::NoProxy::from_string(no_proxy));
        let Some((user, password)) = &self.login else { return Ok(proxy) };
        // The library would percent-decode a login that is part of the URL once more.
        let login = Zeroizing::new(format!("{user}:{}", password.reveal()));
        let header = Zeroizing::new(format!("Basic {}", BASE64_STANDARD.encode(login.as_bytes())));
        let mut header = HeaderValue::try_from(header.as_str()).map_err(|_| unusable())?;
        header.set_sensitive(true);
        Ok(proxy.custom_http_auth(header))
    }
}

/// The address, without a login.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.url.as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = self.login.as_ref().map(|(user, _)| user);
        f.debug_struct("Proxy").field("url", &self.url.as_str()).field("user", &user).finish_non_exhaustive()
    }
}

/// Whether a text begins with another one, in any case.
fn begins_with(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start))
}

/// The user and the password in front of an `@`, with their percent-encoding removed.
fn parse_login(text: &str) -> Result<(String, Secret), Cow<'static, str>> {
    let decode = |part: &str| {
        let decoded = percent_decode_str(part).decode_utf8().map(Cow::into_owned);
        decoded.map_err(|_| Cow::from("has a user or password whose percent-encoding is not UTF-8"))
    };
    let (user, password) = text.split_once(':').unwrap_or((text, ""));
    Ok((decode(user)?, Secret::from(decode(password)?)))
}

/// The proxy of an HTTP client, and where it comes from.
#[derive(Clone, Debug)]
pub(crate) struct ProxyInUse {
    pub(crate) proxy: Proxy,
    /// The variable that names it, if it was not given.
    variable: Option<&'static str>,
    /// The hosts without a proxy, as the HTTP library reads them.
    no_proxy: String,
}

impl ProxyInUse {
    /// A proxy that was given. It is used for all hosts.
    pub(crate) fn given(proxy: Proxy) -> Self {
        Self { proxy, variable: None, no_proxy: String::new() }
    }

    /// The proxy of the environment.
    ///
    /// # Errors
    ///
    /// If a variable cannot be read. Without it, requests would go past the proxy.
    pub(crate) fn of_environment() -> Result<Option<Self>, InvalidSetting> {
        Self::of_variables(|name| env::var_os(name))
    }

    fn of_variables(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Option<Self>, InvalidSetting> {
        let invalid = |name: &str, why: &str| {
            InvalidSetting::new(format!(
                "the variable {name} is not the address of a proxy: it {why}; use an address like {EXAMPLE}, or unset {name}"
            ))
        };
        // An empty variable counts as not set.
        let read = |name: &'static str| match lookup(name).filter(|value| !value.is_empty()).map(OsString::into_string)
        {
            None => Ok(None),
            Some(Ok(text)) => Ok(Some(text)),
            Some(Err(_)) => Err(name),
        };
        let parse = |name: &'static str| match read(name) {
            Ok(None) => Ok(None),
            Ok(Some(text)) => Proxy::parse(&text).map(Some).map_err(|why| invalid(name, &why)),
            Err(name) => Err(invalid(name, "is not Unicode text")),
        };
        // A web server passes the header `Proxy` of a request to CGI programs as `HTTP_PROXY`.
        if lookup("REQUEST_METHOD").is_none() {
            for name in HTTP_VARIABLES {
                let is_socks = read(name).ok().flatten().is_some_and(|text| begins_with(&text, "socks"));
                if !is_socks {
                    parse(name)?;
                }
            }
        }
        let mut found = None;
        for name in HTTPS_VARIABLES {
            // All are read, because a mistake in the second is one too.
            let proxy = parse(name)?;
            found = found.or(proxy.map(|proxy| (name, proxy)));
        }
        let Some((variable, proxy)) = found else { return Ok(None) };
        let mut no_proxy = String::new();
        for name in NO_PROXY_VARIABLES {
            let not_text =
                |name| InvalidSetting::new(format!("the variable {name} is not Unicode text; correct it, or unset it"));
            if let Some(text) = read(name).map_err(not_text)?
                && no_proxy.is_empty()
            {
                no_proxy = without_oddities(&text);
            }
        }
        Ok(Some(Self { proxy, variable: Some(variable), no_proxy }))
    }

    pub(crate) fn for_reqwest(&self) -> Result<reqwest::Proxy, InvalidSetting> {
        self.proxy.for_reqwest(&self.no_proxy)
    }

    /// Whether requests to this server go through the proxy. The HTTP library decides in the same way.
    pub(crate) fn applies_to(&self, server: &ServerUrl) -> bool {
        let matcher = Matcher::builder().https(self.proxy.url()).no(self.no_proxy.as_str()).build();
        server.as_str().parse().is_ok_and(|uri| matcher.intercept(&uri).is_some())
    }

    pub(crate) fn is_given(&self) -> bool {
        self.variable.is_none()
    }
}

/// The address, and the variable that names it.
impl fmt::Display for ProxyInUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.variable {
            Some(variable) => write!(f, "{} ({variable})", self.proxy),
            None => self.proxy.fmt(f),
        }
    }
}

/// The list of hosts without a proxy, with the notations of other programs in the one that the HTTP library reads: blanks and
/// semicolons between the hosts, `*.example` for `.example`, and the port of HTTPS.
fn without_oddities(list: &str) -> String {
    let hosts = list.split(|c: char| c == ',' || c == ';' || c.is_whitespace()).filter(|host| !host.is_empty());
    let hosts = hosts.map(|host| {
        let host = host.trim_matches(['"', '\'']);
        let host = host.strip_suffix(":443").unwrap_or(host);
        host.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(host)
    });
    hosts.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Server;

    fn of(variables: &[(&str, &str)]) -> Result<Option<ProxyInUse>, String> {
        let lookup =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value));
        ProxyInUse::of_variables(lookup).map_err(|error| error.to_string())
    }

    fn uses_proxy(no_proxy: &str, url: &str) -> bool {
        let proxy = of(&[("HTTPS_PROXY", "proxy.example:8080"), ("NO_PROXY", no_proxy)]).unwrap().unwrap();
        proxy.applies_to(&ServerUrl::parse(url, Server { name: "server", example: "https://um.example" }).unwrap())
    }

    /// Addresses that no program reads, or that each reads differently.
    const UNREADABLE: [&str; 19] = [
        "http://dom\\user:planted@proxy.example:8080",
        "\"http://proxy.example:8080\"",
        "'http://proxy.example:8080'",
        "http//proxy.example:8080",
        "http:/proxy.example:8080",
        "https:proxy.example:8080",
        "xyz://proxy.example:8080",
        "socks5://proxy.example:1080",
        " ",
        "\t",
        "http://proxy.example:8080 ",
        "http://proxy.example:8080\r",
        "http://proxy.example: 8080",
        "http://",
        "http://user:planted@",
        "http://proxy.example:99999",
        "http://proxy.example:port",
        "http://user:plan/ted@proxy.example:8080",
        "http://user:12/planted@proxy.example:8080",
    ];

    #[test]
    fn an_unreadable_proxy_is_an_error_that_names_its_variable() {
        for name in HTTPS_VARIABLES.into_iter().chain(HTTP_VARIABLES) {
            for value in UNREADABLE {
                if HTTP_VARIABLES.contains(&name) && value.starts_with("socks") {
                    continue;
                }
                // Another variable that is right does not hide it.
                let error =
                    of(&[(name, value), ("HTTPS_PROXY", "http://other.example")].map(|(key, value)| (key, value)))
                        .expect_err(value);
                assert!(error.contains(&format!("the variable {name} is not")), "{value}: {error}");
                assert!(error.contains("unset") && !error.contains("planted"), "{value}: {error}");
            }
        }
    }

    #[test]
    fn a_proxy_of_the_environment_is_read_with_its_login() {
        for (value, url, login) in [
            ("http://proxy.example:8080", "http://proxy.example:8080/", None),
            ("proxy.example:8080", "http://proxy.example:8080/", None),
            ("HTTPS://proxy.example/", "https://proxy.example/", None),
            ("http://[::1]:8080", "http://[::1]:8080/", None),
            ("http://ann:p%40ss%25@proxy.example", "http://proxy.example/", Some(("ann", "p@ss%"))),
            ("http://ann:p@ss@proxy.example", "http://proxy.example/", Some(("ann", "p@ss"))),
            ("dom%5Cann:a:b@proxy.example", "http://proxy.example/", Some(("dom\\ann", "a:b"))),
            ("http://ann@proxy.example", "http://proxy.example/", Some(("ann", ""))),
        ] {
            let found = of(&[("https_proxy", value)]).unwrap().unwrap().proxy;
            let found_login = found.login().map(|(user, password)| (user, password.reveal()));
            assert_eq!((found.url(), found_login), (url, login), "{value}");
        }
    }

    #[test]
    fn the_first_variable_that_is_not_empty_wins() {
        let found = |variables: &[(&str, &str)]| of(variables).unwrap().map(|proxy| proxy.to_string());
        assert_eq!(found(&[]), None);
        assert_eq!(found(&[("HTTPS_PROXY", "")]), None);
        assert_eq!(found(&[("HTTP_PROXY", "http://plain.example")]), None);
        let both = [("HTTPS_PROXY", ""), ("https_proxy", "http://a.example"), ("ALL_PROXY", "http://b.example")];
        assert_eq!(found(&both).as_deref(), Some("http://a.example (https_proxy)"));
        // A CGI program keeps its proxy, and ignores the one that a request may have set.
        let cgi = [("REQUEST_METHOD", "GET"), ("HTTP_PROXY", " "), ("all_proxy", "b.example:1")];
        assert_eq!(found(&cgi).as_deref(), Some("http://b.example:1 (all_proxy)"));
    }

    #[cfg(unix)]
    #[test]
    fn a_proxy_that_is_not_text_is_an_error() {
        use std::os::unix::ffi::OsStringExt as _;

        let bytes = || OsString::from_vec(vec![b'h', 0xff]);
        for name in ["HTTPS_PROXY", "NO_PROXY"] {
            let lookup = |asked: &str| match asked {
                asked if asked == name => Some(bytes()),
                "ALL_PROXY" => Some("http://proxy.example".into()),
                _ => None,
            };
            let error = ProxyInUse::of_variables(lookup).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains("Unicode"), "{error}");
        }
    }

    #[test]
    fn hosts_without_a_proxy_are_read_in_all_notations() {
        for list in ["um.example", ".example", "*.example", "other um.example", "a;um.example", "um.example:443", "*"] {
            assert!(!uses_proxy(list, "https://um.example/v2"), "{list}");
        }
        assert!(!uses_proxy("10.0.0.0/8", "https://10.1.2.3"));
        for list in ["", "example.um", "um.example:8443", "xum.example", "10.0.0.0/8", "<local>", "https://um.example"]
        {
            assert!(uses_proxy(list, "https://um.example/v2"), "{list}");
        }
    }

    #[test]
    fn a_given_proxy_has_an_http_url_and_a_separate_login() {
        let proxy = Proxy::new("http://proxy.example:8080").unwrap().with_login("ann", "planted");
        let shown = format!("{proxy:?} {proxy} {:?}", ProxyInUse::given(proxy.clone()));
        assert!(shown.contains("proxy.example") && shown.contains("ann") && !shown.contains("planted"), "{shown}");
        let others = ["proxy", "http://ann:planted@proxy.example", "http://planted@proxy.example"];
        for bad in UNREADABLE.into_iter().chain(others) {
            let error = Proxy::new(bad).unwrap_err().to_string();
            assert!(error.contains(EXAMPLE) && !error.contains("planted"), "{bad}: {error}");
        }
    }
}
