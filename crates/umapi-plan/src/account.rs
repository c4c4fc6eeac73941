//! Who a user is: kind of account, username, domain and email address; and how the service compares names.

use std::{borrow::Cow, fmt, sync::Arc};

use serde::{Deserialize, Serialize};
use umapi_model::{ExhaustiveUserType, User, UserType};
use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfc_quick};

/// A name in the form in which names are compared: Unicode NFC, letter case ignored, email domains in ASCII.
///
/// ```
/// use umapi_plan::account::FoldedName;
///
/// assert_eq!(FoldedName::new("DESIGN"), FoldedName::new("design"));
/// // One letter, or a letter and a combining accent.
/// assert_eq!(FoldedName::new("Jos\u{e9}"), FoldedName::new("jose\u{301}"));
/// assert_eq!(FoldedName::user("a@BÜCHER.example"), FoldedName::user("A@xn--bcher-kva.example"));
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FoldedName(Arc<str>);

impl From<Cow<'_, str>> for FoldedName {
    fn from(folded: Cow<'_, str>) -> Self {
        Self(folded.into())
    }
}

impl FoldedName {
    /// The folded form of the name of a group, or of any other text.
    pub fn new(name: &str) -> Self {
        Self(fold(name).into())
    }

    /// The folded form of an email address or a username. The domain of an address is compared in its ASCII form.
    pub fn user(name: &str) -> Self {
        Self(fold_user(name).into())
    }

    /// The folded form of a domain: its ASCII form.
    pub fn domain(name: &str) -> Self {
        Self(fold_domain(name).into())
    }

    /// The folded text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether two group names, or two other texts, have the same folded form.
    pub(crate) fn is_same(one: &str, other: &str) -> bool {
        one == other || fold(one) == fold(other)
    }

    /// Whether two email addresses or usernames have the same folded form.
    pub(crate) fn is_same_user(one: &str, other: &str) -> bool {
        one == other || fold_user(one) == fold_user(other)
    }
}

impl fmt::Debug for FoldedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for FoldedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::borrow::Borrow<str> for FoldedName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// The text of [`FoldedName::new`].
pub(crate) fn fold(name: &str) -> Cow<'_, str> {
    if name.is_ascii() {
        return if name.bytes().any(|b| b.is_ascii_uppercase()) {
            Cow::Owned(name.to_ascii_lowercase())
        } else {
            Cow::Borrowed(name)
        };
    }
    // NFC again at the end: the lowercase form of some letters is decomposed. The two lowercase sigmas are one letter.
    let lowercase = normalized(name).to_lowercase().replace('ς', "σ");
    Cow::Owned(normalized(&lowercase).into_owned())
}

/// The text of [`FoldedName::user`], without a copy if it is folded already.
///
/// ```
/// use umapi_plan::account::{fold_domain, fold_user};
///
/// assert_eq!(fold_user("Ann@BÜCHER.example"), "ann@xn--bcher-kva.example");
/// assert_eq!(fold_domain("Bücher.example"), "xn--bcher-kva.example");
/// ```
pub fn fold_user(name: &str) -> Cow<'_, str> {
    if name.is_ascii() {
        return fold(name);
    }
    match name.rsplit_once('@') {
        Some((local, domain)) if !domain.is_ascii() => Cow::Owned(format!("{}@{}", fold(local), fold_domain(domain))),
        _ => fold(name),
    }
}

/// The text of [`FoldedName::domain`], without a copy if it is folded already.
pub fn fold_domain(domain: &str) -> Cow<'_, str> {
    if domain.is_ascii() {
        return fold(domain);
    }
    idna::domain_to_ascii(domain).map_or_else(|_| fold(domain), Cow::Owned)
}

fn normalized(text: &str) -> Cow<'_, str> {
    match is_nfc_quick(text.chars()) {
        IsNormalized::Yes => Cow::Borrowed(text),
        _ => Cow::Owned(text.nfc().collect()),
    }
}

/// Whether a user string is an email address: it names its domain itself.
///
/// ```
/// use umapi_plan::account::is_email_type;
///
/// assert!(is_email_type("jdoe@example.com") && !is_email_type("jdoe"));
/// ```
pub fn is_email_type(user: &str) -> bool {
    user.contains('@')
}

/// Returns the first control or invisible character of a text: C0 and C1 controls, zero-width characters, marks of writing
/// direction, and the byte order mark. Two names that differ only in these look the same.
///
/// ```
/// use umapi_plan::account::invisible_character;
///
/// assert_eq!(invisible_character("ann@example.com\u{200b}").unwrap().to_string(), "U+200B");
/// assert_eq!(invisible_character("José Ångström"), None);
/// ```
pub fn invisible_character(text: &str) -> Option<InvisibleCharacter> {
    // Most names are ASCII, where only controls are invisible.
    if text.is_ascii() {
        return text.bytes().find(u8::is_ascii_control).map(|control| InvisibleCharacter(control.into()));
    }
    text.chars().find(|character| is_invisible(*character)).map(InvisibleCharacter)
}

/// Whether a character is a control or invisible, as in [`invisible_character`].
///
/// ```
/// use umapi_plan::account::is_invisible;
///
/// assert!(is_invisible('\u{202e}') && !is_invisible('é'));
/// ```
pub fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
        )
}

/// A control or invisible character. It is shown as its code point: `U+200B`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvisibleCharacter(pub char);

impl fmt::Display for InvisibleCharacter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "U+{:04X}", u32::from(self.0))
    }
}

/// The kind of a user account.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub enum AccountKind {
    /// Owned by the person. Its email address may also be the address of an Enterprise or Federated ID.
    #[serde(rename = "adobeID")]
    AdobeId,
    /// Owned by the organization; Adobe keeps the password.
    #[serde(rename = "enterpriseID")]
    EnterpriseId,
    /// Owned by the organization, which runs its own login.
    #[serde(rename = "federatedID")]
    FederatedId,
}

impl AccountKind {
    /// The kind for the service's type of user. `None` for `unknown` and for types that this version does not know.
    pub fn of(user_type: &UserType) -> Option<Self> {
        match user_type.exhaustive() {
            ExhaustiveUserType::AdobeId => Some(Self::AdobeId),
            ExhaustiveUserType::EnterpriseId => Some(Self::EnterpriseId),
            ExhaustiveUserType::FederatedId => Some(Self::FederatedId),
            ExhaustiveUserType::Unknown | ExhaustiveUserType::Other(_) => None,
        }
    }

    /// The name of the kind in the service's JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AdobeId => "adobeID",
            Self::EnterpriseId => "enterpriseID",
            Self::FederatedId => "federatedID",
        }
    }
}

/// A user account, as commands and memberships refer to it. A string is an email address, or a username that only one
/// directory has.
///
/// An email address alone may name two accounts: an Adobe ID, and an Enterprise or Federated ID. The service takes the
/// latter, unless it is told to take the Adobe ID. A username may exist in several domains. So two accounts are equal if
/// the service takes them for the same one: they are compared by name and domain, and by whether the Adobe ID is meant.
///
/// ```
/// use umapi_plan::account::Account;
///
/// assert_eq!(Account::email("Ann@example.com"), Account::from("ann@EXAMPLE.com"));
/// assert_ne!(Account::email("ann@example.com"), Account::adobe_id("ann@example.com"));
/// assert_ne!(Account::username("jdoe", "a.example"), Account::username("jdoe", "b.example"));
/// ```
///
/// In JSON it is `{"name": "jdoe", "domain": "a.example", "email": "j@example.com", "kind": "federatedID"}`, without what is
/// not known.
///
/// What else a directory knows of an account is kept with it:
///
/// ```
/// use umapi_plan::account::{Account, AccountKind};
///
/// let account = Account::username("jdoe", "a.example")
///     .with_email("john@example.com")
///     .with_kind(AccountKind::FederatedId);
/// assert_eq!(account.email_address(), Some("john@example.com"));
/// assert_eq!(account.kind(), Some(AccountKind::FederatedId));
/// assert!(!account.is_adobe_id() && Account::adobe_id("ann@example.com").is_adobe_id());
/// ```
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(into = "AccountForm", from = "AccountForm")]
pub struct Account {
    name: Arc<str>,
    domain: Option<Arc<str>>,
    email: Option<Arc<str>>,
    kind: Option<AccountKind>,
    key: AccountKey,
}

/// An account in JSON.
#[derive(Deserialize, Serialize)]
struct AccountForm {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    domain: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kind: Option<AccountKind>,
}

impl From<Account> for AccountForm {
    fn from(account: Account) -> Self {
        let text = |text: &Arc<str>| (**text).to_owned();
        Self {
            name: text(&account.name),
            domain: account.domain.as_ref().map(text),
            email: account.email.as_ref().map(text),
            kind: account.kind,
        }
    }
}

impl From<AccountForm> for Account {
    fn from(AccountForm { name, domain, email, kind }: AccountForm) -> Self {
        let account = Self::new(&name, domain.as_deref(), kind);
        email.into_iter().fold(account, Self::with_email)
    }
}

/// The identity of an [`Account`], by which accounts are compared.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountKey {
    name: FoldedName,
    domain: Option<FoldedName>,
    is_adobe_id: bool,
}

impl Account {
    fn new(name: &str, domain: Option<&str>, kind: Option<AccountKind>) -> Self {
        let folded = fold_user(name);
        // Most names are in their folded form already. One text serves both then: organizations have a million of them.
        let name: Arc<str> = name.into();
        let key_name = if *folded == *name { FoldedName(Arc::clone(&name)) } else { FoldedName(folded.into()) };
        let key = AccountKey {
            name: key_name,
            domain: domain.map(FoldedName::domain),
            is_adobe_id: kind == Some(AccountKind::AdobeId),
        };
        Self { name, domain: domain.map(Into::into), email: None, kind, key }
    }

    /// The account with this email address. Where there are two, it is the Enterprise or Federated ID.
    pub fn email(address: impl AsRef<str>) -> Self {
        Self::new(address.as_ref(), None, None)
    }

    /// The account with this username in a domain, for directories whose usernames are not email addresses.
    pub fn username(name: impl AsRef<str>, domain: impl AsRef<str>) -> Self {
        Self::new(name.as_ref(), Some(domain.as_ref()), None)
    }

    /// The Adobe ID with this email address, even if an Enterprise or Federated ID has the same address.
    pub fn adobe_id(address: impl AsRef<str>) -> Self {
        Self::new(address.as_ref(), None, Some(AccountKind::AdobeId))
    }

    /// The account of a user that was read. `None` if the user has neither a username nor an email address.
    ///
    /// An account with a username that is not an email address is named by it; all others by their address.
    pub fn of(user: &User) -> Option<Self> {
        let text = |field: &Option<String>| field.clone().filter(|text| !text.is_empty());
        let (username, email, domain) = (text(&user.username), text(&user.email), text(&user.domain));
        let kind = user.type_.as_ref().and_then(AccountKind::of);
        let account = match (username, &email) {
            (_, Some(email)) if kind == Some(AccountKind::AdobeId) => Self::email(email),
            (Some(username), Some(email)) if fold_user(&username) == fold_user(email) => Self::email(email),
            (Some(username), _) => match domain.filter(|_| !is_email_type(&username)) {
                Some(domain) => Self::username(username, domain),
                None => Self::email(username),
            },
            (None, email) => Self::email(email.as_ref()?),
        };
        let account = kind.into_iter().fold(account, Self::with_kind);
        Some(email.into_iter().fold(account, Self::with_email))
    }

    /// Sets the email address of an account that is named by its username. It does not count in comparisons.
    #[must_use]
    pub fn with_email(mut self, address: impl AsRef<str>) -> Self {
        let address = address.as_ref();
        self.email = Some(if *address == *self.name { Arc::clone(&self.name) } else { address.into() });
        self
    }

    /// Sets the kind of the account, if it is known.
    #[must_use]
    pub fn with_kind(mut self, kind: AccountKind) -> Self {
        self.kind = Some(kind);
        self.key.is_adobe_id = kind == AccountKind::AdobeId;
        self
    }

    /// The email address or the username: what the service is told.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The domain of a username that is not an email address.
    pub fn domain(&self) -> Option<&str> {
        self.domain.as_deref()
    }

    /// The email address, if it is known.
    pub fn email_address(&self) -> Option<&str> {
        self.email.as_deref().or_else(|| is_email_type(&self.name).then_some(&*self.name))
    }

    /// The kind of the account, if it is known.
    pub fn kind(&self) -> Option<AccountKind> {
        self.kind
    }

    /// Whether the Adobe ID of the address is meant.
    pub fn is_adobe_id(&self) -> bool {
        self.key.is_adobe_id
    }

    /// The identity of the account.
    pub fn key(&self) -> &AccountKey {
        &self.key
    }
}

impl AccountKey {
    /// The folded email address or username.
    pub fn name(&self) -> &FoldedName {
        &self.name
    }
}

impl<T: AsRef<str>> From<T> for Account {
    fn from(name: T) -> Self {
        Self::email(name)
    }
}

impl PartialEq for Account {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Account {}

impl std::hash::Hash for Account {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

/// A name in a message. An empty one is shown as such.
pub(crate) struct ShownName<'a>(pub(crate) &'a str);

impl fmt::Display for ShownName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "\"\"" } else { self.0 })
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ShownName(&self.name).fmt(f)?;
        match &self.domain {
            Some(domain) => write!(f, " of {domain}"),
            None if self.is_adobe_id() => f.write_str(" (Adobe ID)"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(kind: UserType, username: &str, email: &str, domain: &str) -> User {
        User::default().with_type(kind).with_username(username).with_email(email).with_domain(domain)
    }

    #[test]
    fn names_fold_by_nfc_and_case() {
        for (one, other) in [("Straße", "STRAßE"), ("ΟΔΟΣ", "οδος"), ("e\u{301}", "É"), ("İ", "i\u{307}")] {
            assert_eq!(FoldedName::new(one), FoldedName::new(other), "{one} {other}");
        }
        for (one, other) in [("Straße", "Strasse"), ("a", "á"), ("a b", "a  b")] {
            assert_ne!(FoldedName::new(one), FoldedName::new(other), "{one} {other}");
        }
        assert_eq!(FoldedName::domain("Bücher.Example").as_str(), "xn--bcher-kva.example");
    }

    #[test]
    fn accounts_survive_a_round_trip_as_json() {
        for account in [
            Account::email("ann@b.c"),
            Account::adobe_id("Ann@b.c"),
            Account::username("jdoe", "b.c").with_email("j@b.c").with_kind(AccountKind::FederatedId),
        ] {
            let json = serde_json::to_string(&account).unwrap();
            let read: Account = serde_json::from_str(&json).unwrap();
            assert_eq!(format!("{read:?}"), format!("{account:?}"), "{json}");
        }
        let jdoe: Account = serde_json::from_str(r#"{"name":"jdoe","domain":"b.c","kind":"federatedID"}"#).unwrap();
        assert_eq!((jdoe.domain(), jdoe.kind()), (Some("b.c"), Some(AccountKind::FederatedId)));
    }

    #[test]
    fn users_that_were_read_are_told_apart() {
        let federated = Account::of(&user(UserType::FederatedId, "Ann@b.c", "ann@b.c", "b.c")).unwrap();
        let adobe = Account::of(&user(UserType::AdobeId, "ANN@B.C", "ann@b.c", "B.C")).unwrap();
        assert_eq!((federated.name(), adobe.name()), ("ann@b.c", "ann@b.c"));
        assert_ne!(federated, adobe);
        assert_eq!((federated.clone(), adobe), (Account::email("ann@b.c"), Account::adobe_id("ann@b.c")));
        assert_eq!(federated.kind(), Some(AccountKind::FederatedId));
    }

    #[test]
    fn usernames_carry_their_domain_and_email() {
        let jdoe = Account::of(&user(UserType::FederatedId, "jdoe", "john@mail.com", "b.c")).unwrap();
        assert_eq!(jdoe, Account::username("JDOE", "B.c"));
        assert_eq!((jdoe.email_address(), jdoe.to_string().as_str()), (Some("john@mail.com"), "jdoe of b.c"));
        let login = Account::of(&user(UserType::FederatedId, "j@login.b", "john@mail.com", "login.b")).unwrap();
        assert_eq!((login.name(), login.domain()), ("j@login.b", None));
        assert_eq!(Account::of(&User::default()), None);
    }

    #[test]
    fn invisible_characters_are_found() {
        for c in ['\0', '\u{7f}', '\u{85}', '\u{200b}', '\u{200f}', '\u{202e}', '\u{2066}', '\u{feff}'] {
            assert_eq!(invisible_character(&format!("a{c}b")), Some(InvisibleCharacter(c)));
        }
        assert_eq!(invisible_character("O'Neil-Ångström, 日本 "), None);
    }
}
