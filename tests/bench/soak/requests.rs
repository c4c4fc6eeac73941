//! The requests of the soak test: single users, pages, actions, logins.

use anyhow::{Context, Result};
use bytes::Bytes;
use http::Method;
use serde_json::json;
use umapi::{Command, NewGroup};

use crate::{emulator::Address, load::Shot};

/// The requests without the access token; each connection has its own token.
pub(super) struct Requests {
    um: (String, String),
    ims: (String, String),
    address: Address,
    emails: Vec<String>,
    pages: usize,
}

impl Requests {
    pub(super) async fn to(address: &Address) -> Result<Self> {
        let client = address.client()?;
        let mut pages = client.users().list().by_page();
        let (mut emails, mut count) = (Vec::new(), 0);
        while let Some(page) = pages.try_next().await? {
            emails.extend(page.items.into_iter().filter_map(|user| user.email).filter(|email| email.is_ascii()));
            count += 1;
        }
        client.execute((0..10).map(|number| Command::create_group(NewGroup::new(group(number))))).await?;
        Ok(Self {
            um: host_and_path(&address.um_url)?,
            ims: host_and_path(&address.ims_url)?,
            address: address.clone(),
            emails,
            pages: count,
        })
    }

    pub(super) fn login(&self) -> Shot {
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", &self.address.client_id),
            ("client_secret", &self.address.client_secret),
            ("scope", "openid,AdobeID,user_management_sdk"),
        ];
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let form = ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned());
        let (address, path) = self.ims.clone();
        Shot {
            address,
            method: Method::POST,
            path: format!("{path}/ims/token/v3"),
            headers: vec![form],
            body: body.into(),
        }
    }

    pub(super) fn user(&self, token: &str, number: usize) -> Shot {
        let user = &self.emails[number % self.emails.len()];
        self.get(token, &format!("/organizations/{}/users/{user}", self.address.organization))
    }

    pub(super) fn page(&self, token: &str, number: usize) -> Shot {
        self.get(token, &format!("/users/{}/{}", self.address.organization, number % self.pages))
    }

    pub(super) fn groups(&self, token: &str) -> Shot {
        self.get(token, &format!("/groups/{}/0", self.address.organization))
    }

    /// Ten commands that leave the state unchanged together.
    pub(super) fn action(&self, token: &str, number: usize) -> Result<Shot> {
        let commands: Vec<_> = (0..10)
            .map(|command| {
                let (user, group) =
                    (&self.emails[(number * 10 + command) % self.emails.len()], group(number + command));
                json!({"user": user, "do": [{"add": {"group": [group]}}, {"remove": {"group": [group]}}]})
            })
            .collect();
        let path = format!("/action/{}", self.address.organization);
        Ok(self.shot(token, Method::POST, &path, serde_json::to_vec(&commands)?.into()))
    }

    fn get(&self, token: &str, path: &str) -> Shot {
        self.shot(token, Method::GET, path, Bytes::new())
    }

    fn shot(&self, token: &str, method: Method, path: &str, body: Bytes) -> Shot {
        let headers = [
            ("authorization", format!("Bearer {token}")),
            ("x-api-key", self.address.client_id.clone()),
            ("content-type", "application/json".to_owned()),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value)).to_vec();
        let (address, base) = &self.um;
        Shot { address: address.clone(), method, path: format!("{base}{path}"), headers, body }
    }
}

fn group(number: usize) -> String {
    format!("Soak {}", number % 10)
}

/// The address to connect to, and the common prefix of all paths.
pub(super) fn host_and_path(url: &str) -> Result<(String, String)> {
    let url = url::Url::parse(url)?;
    let host = format!("{}:{}", url.host_str().context("a host")?, url.port().context("a port")?);
    Ok((host, url.path().trim_end_matches('/').to_owned()))
}
