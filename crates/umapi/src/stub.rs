//! Stubs: answers of your own in place of the service, for unit tests.
//!
//! A program that uses a [`Client`](crate::Client) can be tested without a network, credentials and a clock: give it a client
//! made from a stub. Everything of the client works with it: single calls, lists, runs, streams, memberships.
//!
//! ```
//! use umapi::{
//!     Client, Command, CommandOutcome, Error, StepError,
//!     model::{ErrorCode, User},
//!     stub::{CommandBatch, ErrorBuilder, Stub, UserLookup},
//! };
//!
//! /// Knows Ann, and cannot change anything.
//! struct OnlyAnn;
//!
//! impl Stub for OnlyAnn {
//!     async fn get_user(&self, user: UserLookup) -> Result<Option<User>, Error> {
//!         match user.name() {
//!             "ann@example.com" => Ok(Some(User::default().with_email("ann@example.com"))),
//!             "bob@example.com" => Err(ErrorBuilder::rejected(503).into()),
//!             _ => Ok(None),
//!         }
//!     }
//!
//!     async fn execute(&self, batch: CommandBatch) -> Result<Vec<CommandOutcome>, Error> {
//!         let error = StepError::new(ErrorCode::UserNotFound);
//!         let reject = |command| CommandOutcome::rejected(command, error.clone());
//!         Ok(batch.commands.into_iter().map(reject).collect())
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let client = Client::from_stub(OnlyAnn);
//! assert!(client.users().get("ann@example.com").await.unwrap().is_some());
//! assert!(client.users().get("bob@example.com").await.unwrap_err().is_retryable());
//! let report = client.execute([Command::user("eve@example.com").remove_from_org()]).await.unwrap();
//! assert_eq!(report.rejected().count(), 1);
//!
//! // What the stub does not answer is an error that names the method.
//! let error = client.groups().get("Design").await.unwrap_err();
//! assert!(error.to_string().contains("the stub does not answer `list_groups`"));
//! # }
//! ```
//!
//! What the service says is up to the stub; what the client does with it is not. A page that comes again ends a list,
//! or fails it if items are missing, and outcomes that do not match their commands are unknown, as if the service had sent them:
//! what an outcome describes or hands back must be of [its command](crate::CommandOutcome::is_about). Nothing is retried, and there
//! are no rate limits: an error of a stub is the error of the whole call. An [`Observer`](crate::Observer) hears of calls, pages,
//! outcomes and progress, and not of requests, retries and waits, which a stub does not have.
//!
//! A [`LegacyStub`] answers the deprecated endpoints, and [`Stub::request`] what has no method of its own.
//!
//! | use | to test |
//! | --- | --- |
//! | a stub | your own logic, with any outcome and any error |
//! | the [emulator](https://docs.rs/umapi-emulator) | that your program and the service understand each other, with rate limits and faults |
//! | [mocks](crate::raw) | single responses, byte by byte |

mod dynamic;
mod error;
mod legacy;
mod query;
mod service;

pub(crate) use dynamic::{DynStub, StubFuture};
pub use error::ErrorBuilder;
pub use legacy::LegacyStub;
use legacy::NoLegacy;
pub(crate) use legacy::{DynLegacyStub, unanswered_text};
pub use query::{AnyRequest, CommandBatch, MembersQuery, MembershipBatch, UserLookup, UsersQuery};
pub(crate) use service::Backend;
use std::future::{Future, ready};
use umapi_model::{Group, User};
use umapi_plan::{CommandOutcome, MembershipOutcome};

use crate::{Error, Page, error::Kind, raw};

/// Answers in place of the service; see the [module](self). Every method that is not implemented answers with an error that
/// names it.
///
/// Its methods may be written as `async fn`. It can be [mocked](https://docs.rs/mockall) with `mockall::mock!`.
pub trait Stub: Send + Sync + 'static {
    /// A user; `None` if there is no such user. Answers [`Users::get`](crate::Users::get) and its relatives.
    fn get_user(&self, user: UserLookup) -> impl Future<Output = Result<Option<User>, Error>> + Send {
        let _ = user;
        ready(Err(unanswered("get_user")))
    }

    /// A page of the users of the organization, counted from 0. Answers [`Users::list`](crate::Users::list).
    ///
    /// ```
    /// use umapi::{Client, Error, Page, model::User, stub::{Stub, UsersQuery}};
    ///
    /// /// Ten pages of one user each.
    /// struct Ten;
    ///
    /// impl Stub for Ten {
    ///     async fn list_users(&self, _: UsersQuery, page: u32) -> Result<Page<User>, Error> {
    ///         Ok(Page::new([User::default().with_email(format!("u{page}@example.com"))], page == 9))
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// assert_eq!(Client::from_stub(Ten).users().list().try_collect().await?.len(), 10);
    /// # Ok(())
    /// # }
    /// ```
    fn list_users(&self, query: UsersQuery, page: u32) -> impl Future<Output = Result<Page<User>, Error>> + Send {
        let _ = (query, page);
        ready(Err(unanswered("list_users")))
    }

    /// A page of the members of a group, counted from 0. Answers [`Users::in_group`](crate::Users::in_group).
    fn list_members(&self, query: MembersQuery, page: u32) -> impl Future<Output = Result<Page<User>, Error>> + Send {
        let _ = (query, page);
        ready(Err(unanswered("list_members")))
    }

    /// A page of all groups, counted from 0. Answers everything of [`Client::groups`](crate::Client::groups), and membership
    /// changes whose plan depends on the kinds of groups.
    fn list_groups(&self, page: u32) -> impl Future<Output = Result<Page<Group>, Error>> + Send {
        let _ = page;
        ready(Err(unanswered("list_groups")))
    }

    /// The outcomes of commands, in their order, one for each. Answers [`Client::execute`](crate::Client::execute) with all
    /// commands at once, and [`Client::execute_stream`](crate::Client::execute_stream) with those that are there.
    ///
    /// Commands that break a rule are rejected before. An error ends the run: the commands are not sent, or unknown if they
    /// [may have been applied](ErrorBuilder::may_have_been_applied).
    fn execute(&self, batch: CommandBatch) -> impl Future<Output = Result<Vec<CommandOutcome>, Error>> + Send {
        let _ = batch;
        ready(Err(unanswered("execute")))
    }

    /// The outcomes of membership changes, in their order, one for each. Answers
    /// [`Client::memberships`](crate::Client::memberships). An error means what it means for [`execute`](Self::execute).
    fn change_memberships(
        &self,
        batch: MembershipBatch,
    ) -> impl Future<Output = Result<Vec<MembershipOutcome>, Error>> + Send {
        let _ = batch;
        ready(Err(unanswered("change_memberships")))
    }

    /// What answers [`Client::legacy`](crate::Client::legacy) with values of its types, usually the stub itself:
    ///
    /// ```
    /// # use umapi::{Error, model::UserGroup, stub::{LegacyStub, Stub}};
    /// # struct Mine;
    /// # impl LegacyStub for Mine {}
    /// impl Stub for Mine {
    ///     fn legacy(&self) -> &impl LegacyStub {
    ///         self
    ///     }
    /// }
    /// ```
    fn legacy(&self) -> &impl LegacyStub {
        &NoLegacy
    }

    /// The response to any other request: those of [`Client::request`](crate::Client::request), and those of
    /// [`Client::legacy`](crate::Client::legacy) that [`legacy`](Self::legacy) does not answer. A response that is not a success
    /// becomes the error that the service's would.
    ///
    /// ```
    /// use umapi::{Client, Error, model::Operation, raw, stub::{AnyRequest, Stub}};
    ///
    /// struct OneGroup;
    ///
    /// impl Stub for OneGroup {
    ///     async fn request(&self, request: AnyRequest) -> Result<raw::Response, Error> {
    ///         match request.operation {
    ///             Operation::GetUserGroup if request.path.ends_with("/7") => {
    ///                 Ok(raw::Response::new(200, r#"{"groupId":7,"name":"Design"}"#))
    ///             }
    ///             _ => Ok(raw::Response::new(404, r#"{"errorCode":"GROUP_NOT_FOUND"}"#)),
    ///         }
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// let groups = Client::from_stub(OneGroup).legacy().user_groups();
    /// assert!(groups.get(7).await?.is_some() && groups.get(8).await?.is_none());
    /// # Ok(())
    /// # }
    /// ```
    fn request(&self, request: AnyRequest) -> impl Future<Output = Result<raw::Response, Error>> + Send {
        let AnyRequest { operation, method, path, .. } = request;
        ready(Err(if operation.is_deprecated() {
            Error::new(Kind::Unanswered(operation))
        } else {
            unanswered(&format!("request` with `{method} {path}"))
        }))
    }
}

/// The error of a method that a stub does not implement.
fn unanswered(method: &str) -> Error {
    Error::invalid(format!("the stub does not answer `{method}`; implement this method of `umapi::stub::Stub`"))
}
