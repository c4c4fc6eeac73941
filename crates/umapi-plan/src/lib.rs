#![doc = include_str!("../README.md")]

pub mod batch;
pub mod command;
pub mod job;
pub mod membership;

pub use batch::{
    BatchOutcome, CommandOutcome, Counts, Estimate, NotSent, Notice, Outcome, Report, StepError, StepOutcome,
    StepState, StepWarning, UnknownReason,
};
pub use command::{Command, InvalidCommand};
pub use job::CallFailure;
pub use membership::{
    GroupKind, GroupRef, InvalidMembership, MembershipAction, MembershipChange, MembershipOutcome, MembershipPlan,
    MembershipReport, Memberships, UserRef,
};
pub use umapi_model::{self as model, CreateOption, UserGroupUpdate, UserUpdate};
