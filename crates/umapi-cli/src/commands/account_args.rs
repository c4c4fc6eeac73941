//! Arguments that say which account of a name is meant.

use clap::{Args, ValueEnum};
use umapi::AccountKind;

use crate::accounts::UserQuery;

/// An account type.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum AccountType {
    /// An Adobe ID, owned by the person
    Adobe,
    /// An Enterprise ID, in a claimed domain
    Enterprise,
    /// A Federated ID, in a claimed domain
    Federated,
}

impl AccountType {
    pub(super) fn kind(self) -> AccountKind {
        match self {
            Self::Adobe => AccountKind::AdobeId,
            Self::Enterprise => AccountKind::EnterpriseId,
            Self::Federated => AccountKind::FederatedId,
        }
    }
}

/// Arguments that say which account of a name is meant.
#[derive(Args, Debug)]
pub(super) struct AccountArgs {
    /// The domain, if users are named by username
    #[arg(long, value_name = "DOMAIN", conflicts_with_all = ["adobe_id", "account_type"])]
    domain: Option<String>,

    /// Take the Adobe ID if an address has two accounts
    #[arg(long)]
    adobe_id: bool,

    /// Take the account of this type if an address has two accounts
    #[arg(id = "account_type", long = "type", value_enum, value_name = "TYPE", conflicts_with = "adobe_id")]
    kind: Option<AccountType>,
}

impl AccountArgs {
    /// The query for a name that was given with these arguments.
    pub(super) fn query(&self, name: String) -> UserQuery {
        let kind = self.kind.or(self.adobe_id.then_some(AccountType::Adobe)).map(AccountType::kind);
        UserQuery { name, kind, domain: self.domain.clone() }
    }
}
