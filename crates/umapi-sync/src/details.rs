//! What both sides say about a user.

use std::{borrow::Cow, fmt};

use umapi_plan::{
    Account, AccountKind,
    account::{fold_domain, fold_user, is_email_type},
};

use crate::{state::AccountRecord, texts::Texts};

/// What a directory, or Adobe, says about a user: the account, the names, the country. All texts are in one allocation.
#[derive(Clone, PartialEq, Eq)]
pub struct UserDetails {
    texts: Texts<6>,
    kind: Option<AccountKind>,
}

/// The identity of an account, by which accounts are compared: as [`umapi_plan::account::AccountKey`], without copies of
/// the texts that are in their folded form already.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Identity<'a> {
    name: Cow<'a, str>,
    domain: Option<Cow<'a, str>>,
    is_adobe_id: bool,
}

impl UserDetails {
    const NAME: usize = 0;
    const DOMAIN: usize = 1;
    const EMAIL: usize = 2;
    const FIRST_NAME: usize = 3;
    const LAST_NAME: usize = 4;
    const COUNTRY: usize = 5;

    pub(crate) fn new(account: &Account, first: Option<&str>, last: Option<&str>, country: Option<&str>) -> Self {
        let name = account.name();
        // Most accounts are named by their address.
        let email = account.email_address().filter(|email| *email != name || !is_email_type(name));
        Self { texts: Texts::new([Some(name), account.domain(), email, first, last, country]), kind: account.kind() }
    }

    /// The account, with its kind and its email address if they are known.
    pub fn account(&self) -> Account {
        let account = match self.domain() {
            Some(domain) => Account::username(self.name(), domain),
            None => Account::email(self.name()),
        };
        let account = self.kind.into_iter().fold(account, Account::with_kind);
        self.email_address().into_iter().fold(account, Account::with_email)
    }

    /// The email address or the username: what the service is told.
    pub fn name(&self) -> &str {
        self.texts.get(Self::NAME).unwrap_or_default()
    }

    /// The domain of a username that is not an email address.
    pub fn domain(&self) -> Option<&str> {
        self.texts.get(Self::DOMAIN)
    }

    /// The email address, if it is known.
    pub fn email_address(&self) -> Option<&str> {
        self.texts.get(Self::EMAIL).or_else(|| Some(self.name()).filter(|name| is_email_type(name)))
    }

    /// The kind of the account, if it is known.
    pub fn kind(&self) -> Option<AccountKind> {
        self.kind
    }

    /// Whether the Adobe ID of the address is meant.
    pub fn is_adobe_id(&self) -> bool {
        self.kind == Some(AccountKind::AdobeId)
    }

    /// The first name.
    pub fn first_name(&self) -> Option<&str> {
        self.texts.get(Self::FIRST_NAME)
    }

    /// The last name.
    pub fn last_name(&self) -> Option<&str> {
        self.texts.get(Self::LAST_NAME)
    }

    /// The country.
    pub fn country(&self) -> Option<&str> {
        self.texts.get(Self::COUNTRY)
    }

    pub(crate) fn identity(&self) -> Identity<'_> {
        Identity::new(self.name(), self.domain(), self.kind)
    }

    /// The number of bytes of all texts together.
    #[cfg(test)]
    pub(crate) fn text_len(&self) -> usize {
        self.texts.len()
    }

    /// The folded address.
    pub(crate) fn folded_address(&self) -> Option<Cow<'_, str>> {
        self.email_address().map(fold_user)
    }
}

impl<'a> Identity<'a> {
    fn new(name: &'a str, domain: Option<&'a str>, kind: Option<AccountKind>) -> Self {
        Self { name: fold_user(name), domain: domain.map(fold_domain), is_adobe_id: kind == Some(AccountKind::AdobeId) }
    }
}

impl<'a> From<&'a AccountRecord> for Identity<'a> {
    fn from(account: &'a AccountRecord) -> Self {
        Self::new(&account.name, account.domain.as_deref(), account.kind)
    }
}

impl From<&UserDetails> for AccountRecord {
    fn from(user: &UserDetails) -> Self {
        Self {
            name: user.name().to_owned(),
            domain: user.domain().map(str::to_owned),
            kind: user.kind,
            email: user.email_address().filter(|email| *email != user.name()).map(str::to_owned),
        }
    }
}

impl fmt::Display for UserDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.account().fmt(f)
    }
}

impl fmt::Debug for UserDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserDetails")
            .field("account", &AccountRecord::from(self))
            .field("first_name", &self.first_name())
            .field("last_name", &self.last_name())
            .field("country", &self.country())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn account() -> impl Strategy<Value = Account> {
        let name = "[a-zA-ZäÖß.]{1,4}(@[a-zü]{1,3}\\.Example)?";
        let kinds = [AccountKind::AdobeId, AccountKind::EnterpriseId, AccountKind::FederatedId];
        let kind = proptest::option::of(proptest::sample::select(kinds.to_vec()));
        let domain = proptest::option::of("[a-zA-Zü]{1,3}\\.example");
        (name, domain, proptest::option::of(name), kind).prop_map(|(name, domain, email, kind)| {
            let account = match domain.filter(|_| !is_email_type(&name)) {
                Some(domain) => Account::username(&name, domain),
                None => Account::email(&name),
            };
            let account = kind.into_iter().fold(account, Account::with_kind);
            email.into_iter().fold(account, Account::with_email)
        })
    }

    proptest! {
        #[test]
        fn an_account_is_read_as_it_was_written(account in account()) {
            let user = UserDetails::new(&account, None, Some("L"), None);
            let parts = |account: &Account| {
                let text = |text: Option<&str>| text.map(str::to_owned);
                let names = (account.name().to_owned(), text(account.domain()), text(account.email_address()));
                (names, account.kind(), account.key().clone())
            };
            prop_assert_eq!(parts(&user.account()), parts(&account));
            prop_assert_eq!(AccountRecord::from(&user), AccountRecord::from(&account));
            prop_assert_eq!((user.first_name(), user.last_name(), user.country()), (None, Some("L"), None));
        }

        #[test]
        fn accounts_have_one_identity_if_they_have_one_key(one in account(), other in account()) {
            let [one_user, other_user] = [&one, &other].map(|account| UserDetails::new(account, None, None, None));
            prop_assert_eq!(one_user.identity() == other_user.identity(), one.key() == other.key());
            let record = AccountRecord::from(&one);
            prop_assert_eq!(Identity::from(&record), one_user.identity());
        }
    }
}
