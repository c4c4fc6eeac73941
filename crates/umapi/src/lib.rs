#![doc = include_str!("../README.md")]
#![doc = include_str!("start.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "blocking")]
pub mod blocking;
mod builder;
mod call;
mod client;
mod error;
mod fence;
mod groups;
pub mod guide;
mod legacy;
mod list;
mod lookup;
mod observer;
mod rate;
pub mod raw;
#[cfg(feature = "recorder")]
mod recorder;
mod run;
pub mod stub;
pub mod telemetry;
mod users;

pub use builder::ClientBuilder;
pub use call::{Call, CallOptions, SyncHints, UnreadableItem, UnreadableItems};
pub use client::Client;
pub use error::Error;
pub use groups::{GroupDirectory, GroupList, Groups};
pub use legacy::{Legacy, LegacyConfigurations, LegacyProducts, LegacyUserGroups, LegacyUserList, LegacyUsers};
pub use list::{Changes, Page, PageItem, Pager, Pages, ResumeToken};
pub use observer::{
    CallFinished, Observer, OutcomeKnown, PageRead, Progress, RequestFinished, RequestStarted, Retry, Wait, WaitEnded,
    WaitReason,
};
pub use rate::{
    InMemoryRateLimits, Permit, PermitId, RateLimit, RateLimitError, RateLimitFuture, RateLimitScope, RateLimitSet,
    RateLimitStore, RateLimits, ThrottlePolicy,
};
#[cfg(feature = "recorder")]
pub use recorder::{Recorder, RecorderError, RecordingKey, recorded};
pub use run::{
    BoxedCommands, Execute, Journal, JournalEntry, JournalError, JournalFuture, MembershipChanges, Outcomes,
    PlannedMemberships, RunOptions, StopHandle, Unfinished,
};
#[doc(inline)]
pub use umapi_auth as auth;
#[doc(inline)]
pub use umapi_http::{AttemptFailure, FailedAttempt, HttpClient, HttpOptions, Proxy, RetryPolicy, StandardRetry};
#[doc(inline)]
pub use umapi_model as model;
#[doc(inline)]
pub use umapi_plan as plan;
#[doc(inline)]
pub use umapi_plan::{
    Account, AccountKind, BatchOutcome, CallFailure, Command, CommandOutcome, CommandOutcomeBuilder, Counts,
    CreateOption, Disagreement, Estimate, GroupCommand, GroupKind, GroupRef, InvalidCommand, InvalidMembership,
    InvalidOutcome, MembershipAction, MembershipChange, MembershipOutcome, MembershipPlan, MembershipReport,
    Memberships, NewGroup, NewUser, NotSent, Notice, Outcome, Report, StepDescription, StepError, StepOutcome,
    StepPart, StepState, StepWarning, Submission, UnknownReason, UserCommand, UserGroupUpdate, UserUpdate,
};
#[doc(inline)]
pub use umapi_time as time;
pub use users::{GroupMembers, UserList, Users};
