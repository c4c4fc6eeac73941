#![doc = include_str!("../README.md")]

mod address;
pub mod batch;
mod builder;
mod client;
pub mod commands;
mod driver;
mod engine;
mod error;
mod groups;
pub mod guide;
mod legacy;
mod lookup;
pub mod memberships;
mod observer;
mod pace;
mod pager;
pub mod raw;
mod retry;
mod transport;
mod users;

pub use batch::{
    CommandOutcome, Counts, Ended, Estimate, NotSent, Notice, Outcome, Report, StepError, StepOutcome, StepState,
    StepWarning,
};
pub use builder::ClientBuilder;
pub use client::Client;
pub use commands::{Command, InvalidCommand};
pub use driver::{Execute, MembershipChanges, Outcomes, PlannedMemberships, StopHandle, Unfinished};
pub use error::Error;
pub use groups::{GroupList, Groups};
pub use legacy::{Legacy, LegacyConfigurations, LegacyProducts, LegacyUserGroups, LegacyUserList, LegacyUsers};
pub use memberships::{
    Edge, EdgeOutcome, GroupKind, GroupRef, InvalidMembership, MembershipAction, MembershipPlan, MembershipReport,
    Memberships, UserRef,
};
pub use observer::{Observer, PageRead, Progress, RequestFinished, RequestStarted, Retry, Wait, WaitReason};
pub use pace::{Allowance, InMemoryPace, Limits, PaceFuture, PaceStore, ThrottlePolicy, Turn, TurnId};
pub use pager::{Changes, Page, PageItem, Pager, Pages, ResumeToken};
pub use retry::RetryPolicy;
pub use umapi_auth as auth;
pub use umapi_model as model;
pub use umapi_model::{CreateOption, UserGroupUpdate, UserUpdate};
pub use umapi_time as time;
pub use users::{GroupMembers, UserList, Users};
