//! The accounts that files and arguments name, looked up in the organization.
//!
//! An email address alone can name two accounts: a Federated or Enterprise ID, and an Adobe ID. A username can exist in
//! several domains. So a name is looked up, and it must name exactly one account.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
};

use umapi::{
    Account, AccountKind, Client, Error,
    model::User,
    plan::account::{AccountKey, FoldedName},
};

use crate::{
    connection::Connection,
    context::Context,
    failure::{Failure, Result},
    gaps::warn_about_list,
    output::counted,
};

/// The most requests that are sent to look up users one by one, which takes four minutes under the rate limits.
///
/// More users are found in the list of all users. That list has a limit of its own: a client that reads it again within two
/// hours may be rejected for most of an hour. So a few users are not looked up in it.
pub(crate) const MAX_LOOKUPS: usize = 100;

/// How a file or an argument names a user.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct UserQuery {
    /// An email address or a username.
    pub(crate) name: String,
    pub(crate) kind: Option<AccountKind>,
    pub(crate) domain: Option<String>,
}

/// An account that was read, and the groups of its user.
#[derive(Clone, Debug)]
pub(crate) struct FoundAccount {
    /// How commands name it.
    pub(crate) account: Account,
    /// The folded email address and username.
    names: Vec<FoldedName>,
    domain: Option<String>,
    /// By folded name.
    pub(crate) groups: BTreeMap<FoldedName, String>,
}

/// Accounts that were read from the service.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    accounts: Vec<FoundAccount>,
    positions: HashMap<AccountKey, usize>,
    by_name: HashMap<FoldedName, Vec<usize>>,
}

/// The accounts that a name can mean.
#[derive(Debug)]
pub(crate) enum Found<'a> {
    Nobody,
    One(&'a FoundAccount),
    Several(Vec<&'a FoundAccount>),
}

impl UserQuery {
    pub(crate) fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), kind: None, domain: None }
    }

    /// The form in which queries are compared.
    pub(crate) fn folded(&self) -> Self {
        let domain = self.domain.as_deref().map(|domain| FoldedName::domain(domain).to_string());
        Self { name: FoldedName::user(&self.name).to_string(), kind: self.kind, domain }
    }

    /// The account that says no more than the query.
    pub(crate) fn to_account(&self) -> Account {
        match &self.domain {
            Some(domain) if !self.is_address() => Account::username(&self.name, domain),
            _ if self.kind == Some(AccountKind::AdobeId) => Account::adobe_id(&self.name),
            _ => Account::email(&self.name),
        }
    }

    fn is_address(&self) -> bool {
        self.name.contains('@')
    }

    /// The number of requests that look it up. `None` if only the list of all users has it.
    fn lookups(&self) -> Option<usize> {
        match (self.is_address(), self.kind, &self.domain) {
            (true, None, _) => Some(2),
            (true, Some(_), _) | (false, _, Some(_)) => Some(1),
            (false, _, None) => None,
        }
    }

    async fn look_up(&self, client: &Client, accounts: &mut Accounts) -> Result<(), Error> {
        let users = client.users();
        let first = match (&self.domain, self.kind) {
            (Some(domain), _) if !self.is_address() => users.get_by_username(&self.name, domain).await?,
            (_, Some(AccountKind::AdobeId)) => users.get_adobe_id(&self.name).await?,
            _ => users.get(&self.name).await?,
        };
        let Some(first) = first else { return Ok(()) };
        let may_have_twin = self.is_address()
            && self.kind.is_none()
            && first.type_.as_ref().and_then(AccountKind::of) != Some(AccountKind::AdobeId);
        accounts.insert(&first);
        if may_have_twin && let Some(twin) = users.get_adobe_id(&self.name).await? {
            accounts.insert(&twin);
        }
        Ok(())
    }
}

impl fmt::Display for UserQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match (self.kind, &self.domain) {
            (None, None) => Ok(()),
            (Some(kind), None) => write!(f, " ({})", kind.as_str()),
            (None, Some(domain)) => write!(f, " ({domain})"),
            (Some(kind), Some(domain)) => write!(f, " ({}, {domain})", kind.as_str()),
        }
    }
}

/// Reads the type of an account, as the service or the command names it.
pub(crate) fn parse_kind(text: &str) -> Result<AccountKind, String> {
    match text.to_ascii_lowercase().as_str() {
        "adobeid" | "adobe" => Ok(AccountKind::AdobeId),
        "enterpriseid" | "enterprise" => Ok(AccountKind::EnterpriseId),
        "federatedid" | "federated" => Ok(AccountKind::FederatedId),
        _ => Err(format!("unknown user type `{text}`; write adobeID, enterpriseID or federatedID")),
    }
}

impl FoundAccount {
    /// The account of a user that was read. `None` if the user has neither an address nor a username.
    pub(crate) fn of(user: &User) -> Option<Self> {
        let account = Account::of(user)?;
        let names = [&user.email, &user.username].into_iter().flatten().filter(|name| !name.is_empty());
        let mut names: Vec<FoldedName> = names.map(|name| FoldedName::user(name)).collect();
        names.dedup();
        let groups = user.groups.iter().flatten().map(|name| (FoldedName::new(name), name.clone())).collect();
        Some(Self { account, names, domain: user.domain.clone(), groups })
    }

    pub(crate) fn key(&self) -> &AccountKey {
        self.account.key()
    }

    /// Whether a name can mean this account.
    pub(crate) fn is_named_by(&self, query: &UserQuery) -> bool {
        let is_domain = |domain: &String| {
            self.domain.as_ref().is_none_or(|own| FoldedName::domain(own) == FoldedName::domain(domain))
        };
        self.names.contains(&FoldedName::user(&query.name))
            && query.kind.is_none_or(|kind| self.account.kind() == Some(kind))
            && query.domain.as_ref().is_none_or(is_domain)
    }

    /// Tells the account from others of the same name.
    pub(crate) fn describe(&self) -> String {
        let kind = self.account.kind().map_or("account", AccountKind::as_str);
        match &self.domain {
            Some(domain) => format!("{kind} of {domain}"),
            None => kind.to_owned(),
        }
    }
}

impl Accounts {
    /// Looks up the accounts that some names can mean: one by one if they are few, otherwise in the list of all users.
    pub(crate) async fn look_up<'a>(
        context: &Context,
        connection: &Connection,
        queries: impl IntoIterator<Item = &'a UserQuery>,
    ) -> Result<Self> {
        let what_failed = "cannot look up the users";
        let cannot_look_up = |error| Failure::of_service(what_failed, &error);
        let client = &connection.client;
        let mut accounts = Self::default();
        let queries: Vec<&UserQuery> = queries.into_iter().collect();
        if !queries.is_empty() {
            connection.progress.set_phase(format!("looking up {}", counted(queries.len() as u64, "user")));
        }
        let requests = queries.iter().try_fold(0, |sum, query| Some(sum + query.lookups()?));
        if requests.is_some_and(|requests| requests <= MAX_LOOKUPS) {
            for query in queries {
                query.look_up(client, &mut accounts).await.map_err(cannot_look_up)?;
            }
            return Ok(accounts);
        }
        let mut users = connection.users(context, None, true, what_failed).await?;
        while let Some(user) = users.try_next().await? {
            accounts.insert(&user);
        }
        if users.may_lack_entries() {
            accounts.look_up_newcomers(client, &queries).await.map_err(cannot_look_up)?;
        }
        if queries.iter().any(|query| accounts.lacks(query)) {
            warn_about_list(context, &users);
        }
        Ok(accounts)
    }

    /// Looks up the users whom a list does not have, as far as they are few: they may have been created since it was read, or
    /// have moved to a page that was read before.
    async fn look_up_newcomers(&mut self, client: &Client, queries: &[&UserQuery]) -> Result<(), Error> {
        let missing: Vec<&UserQuery> = queries.iter().filter(|query| self.lacks(query)).copied().collect();
        let mut requests = 0;
        for query in missing {
            let Some(more) = query.lookups() else { continue };
            requests += more;
            if requests > MAX_LOOKUPS {
                break;
            }
            query.look_up(client, self).await?;
        }
        Ok(())
    }

    fn lacks(&self, query: &UserQuery) -> bool {
        matches!(self.find(query), Found::Nobody)
    }

    /// Adds the account of a user, unless it was added before.
    pub(crate) fn insert(&mut self, user: &User) {
        if let Some(account) = FoundAccount::of(user) {
            self.insert_account(account);
        }
    }

    pub(crate) fn insert_account(&mut self, account: FoundAccount) {
        let position = self.accounts.len();
        if self.positions.contains_key(account.key()) {
            return;
        }
        self.positions.insert(account.key().clone(), position);
        for name in &account.names {
            self.by_name.entry(name.clone()).or_default().push(position);
        }
        self.accounts.push(account);
    }

    /// Finds the accounts that a name can mean.
    pub(crate) fn find(&self, query: &UserQuery) -> Found<'_> {
        let positions = self.by_name.get(&FoldedName::user(&query.name)).map_or(&[][..], Vec::as_slice);
        let mut found: Vec<&FoundAccount> = positions
            .iter()
            .filter_map(|position| self.accounts.get(*position))
            .filter(|account| account.is_named_by(query))
            .collect();
        match (found.pop(), found.is_empty()) {
            (None, _) => Found::Nobody,
            (Some(account), true) => Found::One(account),
            (Some(last), false) => Found::Several(found.into_iter().chain([last]).collect()),
        }
    }
}

impl Accounts {
    /// The names that are so similar to a name that one may have been meant.
    pub(crate) fn near_misses(&self, query: &UserQuery) -> Vec<String> {
        near_misses(&query.name, self.by_name.keys().map(FoldedName::as_str))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &FoundAccount> {
        self.accounts.iter()
    }
}

/// Says that a name means several accounts, and which.
pub(crate) fn ambiguous(query: &UserQuery, accounts: &[&FoundAccount]) -> String {
    let accounts: Vec<String> = accounts.iter().map(|account| account.describe()).collect();
    format!("`{query}` is the name of {} accounts: {}", accounts.len(), accounts.join(", "))
}

/// Says that a name means nobody, and what it may have been meant to be.
pub(crate) fn unknown(query: &UserQuery, similar: &[String]) -> String {
    match did_you_mean(similar) {
        Some(hint) => format!("`{query}` is not in the organization; {hint}"),
        None => format!("`{query}` is not in the organization"),
    }
}

/// `did you mean ann@example.com?`
pub(crate) fn did_you_mean(similar: &[String]) -> Option<String> {
    (!similar.is_empty()).then(|| format!("did you mean {}?", similar.join(" or ")))
}

/// The names that are so similar to a name that one may have been meant, the most similar first.
pub(crate) fn near_misses<'a>(name: &str, others: impl Iterator<Item = &'a str>) -> Vec<String> {
    const MOST: usize = 3;
    let name = FoldedName::user(name).to_string();
    // The domain of an address does not tell users apart.
    let own_part = name.split('@').next().unwrap_or_default();
    let most_edits = (own_part.chars().count() / 5).clamp(1, 3);
    let mut similar: Vec<(usize, &str)> = others
        .map(|other| (strsim::osa_distance(&name, FoldedName::user(other).as_str()), other))
        .filter(|(edits, _)| (1..=most_edits).contains(edits))
        .collect();
    similar.sort_unstable();
    similar.into_iter().take(MOST).map(|(_, other)| other.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use umapi::model::UserType;

    use super::*;

    fn user(kind: UserType, email: &str, username: &str, domain: &str) -> User {
        User::default().with_type(kind).with_email(email).with_username(username).with_domain(domain)
    }

    fn accounts() -> Accounts {
        let mut accounts = Accounts::default();
        for user in [
            user(UserType::FederatedId, "ann@b.c", "ann@b.c", "b.c"),
            user(UserType::AdobeId, "Ann@b.c", "Ann@b.c", "b.c"),
            user(UserType::FederatedId, "lee@mail.d", "lee", "one.d"),
            user(UserType::FederatedId, "lee2@mail.d", "lee", "two.d"),
            user(UserType::EnterpriseId, "bob.ray@b.c", "bob.ray@b.c", "b.c"),
        ] {
            accounts.insert(&user);
        }
        accounts
    }

    fn query(name: &str, kind: Option<AccountKind>, domain: Option<&str>) -> UserQuery {
        UserQuery { name: name.to_owned(), kind, domain: domain.map(str::to_owned) }
    }

    #[test]
    fn accounts_of_one_name_are_told_apart() {
        let accounts = accounts();
        let reference = |query: UserQuery| match accounts.find(&query) {
            Found::One(account) => account.account.clone(),
            other => panic!("{query}: {other:?}"),
        };
        assert_eq!(reference(query("ann@b.c", Some(AccountKind::AdobeId), None)), Account::adobe_id("Ann@b.c"));
        assert_eq!(reference(query("ANN@B.C", Some(AccountKind::FederatedId), None)), Account::email("ann@b.c"));
        assert_eq!(reference(query("lee", None, Some("TWO.d"))), Account::username("lee", "two.d"));
        assert_eq!(reference(query("lee@mail.d", None, None)), Account::username("lee", "one.d"));
        for (name, expected) in [
            ("ann@b.c", "`ann@b.c` is the name of 2 accounts: federatedID of b.c, adobeID of b.c"),
            ("lee", "`lee` is the name of 2 accounts: federatedID of one.d, federatedID of two.d"),
        ] {
            let query = UserQuery::new(name);
            let Found::Several(found) = accounts.find(&query) else { panic!("{name}") };
            assert_eq!(ambiguous(&query, &found), expected);
        }
    }

    #[test]
    fn similar_names_are_suggested() {
        let accounts = accounts();
        for (name, expected) in [
            ("bob.rya@b.c", "`bob.rya@b.c` is not in the organization; did you mean bob.ray@b.c?"),
            ("zoe@b.c", "`zoe@b.c` is not in the organization"),
        ] {
            let query = UserQuery::new(name);
            assert!(matches!(accounts.find(&query), Found::Nobody), "{name}");
            assert_eq!(unknown(&query, &accounts.near_misses(&query)), expected);
        }
        assert_eq!(near_misses("Desing", ["design", "Sales"].into_iter()), ["design"]);
    }

    #[test]
    fn few_names_are_looked_up_one_by_one() {
        assert_eq!(UserQuery::new("ann@b.c").lookups(), Some(2));
        assert_eq!(query("ann@b.c", Some(AccountKind::FederatedId), None).lookups(), Some(1));
        assert_eq!(query("lee", None, Some("one.d")).lookups(), Some(1));
        assert_eq!(UserQuery::new("lee").lookups(), None);
    }
}
