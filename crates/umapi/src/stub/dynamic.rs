//! A stub of any type.

use std::{future::Future, pin::Pin};

use umapi_model::{Group, User};
use umapi_plan::{CommandOutcome, MembershipOutcome};

use super::{AnyRequest, CommandBatch, DynLegacyStub, MembersQuery, MembershipBatch, Stub, UserLookup, UsersQuery};
use crate::{Error, Page, raw};

/// The answer of a stub.
pub(crate) type StubFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// [`Stub`] as a trait that allows `dyn`.
pub(crate) trait DynStub: Send + Sync + 'static {
    fn get_user(&self, user: UserLookup) -> StubFuture<'_, Option<User>>;
    fn list_users(&self, query: UsersQuery, page: u32) -> StubFuture<'_, Page<User>>;
    fn list_members(&self, query: MembersQuery, page: u32) -> StubFuture<'_, Page<User>>;
    fn list_groups(&self, page: u32) -> StubFuture<'_, Page<Group>>;
    fn execute(&self, batch: CommandBatch) -> StubFuture<'_, Vec<CommandOutcome>>;
    fn change_memberships(&self, batch: MembershipBatch) -> StubFuture<'_, Vec<MembershipOutcome>>;
    fn request(&self, request: AnyRequest) -> StubFuture<'_, raw::Response>;
    fn legacy(&self) -> &dyn DynLegacyStub;
}

impl<S: Stub> DynStub for S {
    fn get_user(&self, user: UserLookup) -> StubFuture<'_, Option<User>> {
        Box::pin(Stub::get_user(self, user))
    }

    fn list_users(&self, query: UsersQuery, page: u32) -> StubFuture<'_, Page<User>> {
        Box::pin(Stub::list_users(self, query, page))
    }

    fn list_members(&self, query: MembersQuery, page: u32) -> StubFuture<'_, Page<User>> {
        Box::pin(Stub::list_members(self, query, page))
    }

    fn list_groups(&self, page: u32) -> StubFuture<'_, Page<Group>> {
        Box::pin(Stub::list_groups(self, page))
    }

    fn execute(&self, batch: CommandBatch) -> StubFuture<'_, Vec<CommandOutcome>> {
        Box::pin(Stub::execute(self, batch))
    }

    fn change_memberships(&self, batch: MembershipBatch) -> StubFuture<'_, Vec<MembershipOutcome>> {
        Box::pin(Stub::change_memberships(self, batch))
    }

    fn request(&self, request: AnyRequest) -> StubFuture<'_, raw::Response> {
        Box::pin(Stub::request(self, request))
    }

    fn legacy(&self) -> &dyn DynLegacyStub {
        Stub::legacy(self)
    }
}
