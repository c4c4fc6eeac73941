#![doc = include_str!("../README.md")]

mod address;
pub mod batch;
mod builder;
mod call;
mod client;
pub mod commands;
mod driver;
mod error;
mod groups;
pub mod guide;
mod legacy;
mod list;
mod lookup;
pub mod memberships;
mod observer;
mod rate;
pub mod raw;
mod users;

pub use batch::{
    CommandOutcome, Counts, Ended, Estimate, NotSent, Notice, Outcome, Report, StepError, StepOutcome, StepState,
    StepWarning,
};
pub use builder::ClientBuilder;
pub use call::RetryPolicy;
pub use client::Client;
pub use commands::{Command, InvalidCommand};
pub use driver::{Execute, MembershipChanges, Outcomes, PlannedMemberships, StopHandle, Unfinished};
pub use error::Error;
pub use groups::{GroupList, Groups};
pub use legacy::{Legacy, LegacyConfigurations, LegacyProducts, LegacyUserGroups, LegacyUserList, LegacyUsers};
pub use list::{Changes, Page, PageItem, Pager, Pages, ResumeToken};
pub use memberships::{
    Edge, EdgeOutcome, GroupKind, GroupRef, InvalidMembership, MembershipAction, MembershipPlan, MembershipReport,
    Memberships, UserRef,
};
pub use observer::{Observer, PageRead, Progress, RequestFinished, RequestStarted, Retry, Wait, WaitReason};
pub use rate::{
    InMemoryRateLimits, Permit, PermitId, RateLimit, RateLimitFuture, RateLimitStore, RateLimits, ThrottlePolicy,
};
pub use umapi_auth as auth;
pub use umapi_model as model;
pub use umapi_model::{CreateOption, UserGroupUpdate, UserUpdate};
pub use umapi_time as time;
pub use users::{GroupMembers, UserList, Users};
