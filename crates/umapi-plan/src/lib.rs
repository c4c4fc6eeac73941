#![doc = include_str!("../README.md")]

pub mod account;
pub mod batch;
pub mod command;
pub mod job;
pub mod membership;

pub use account::{Account, AccountKind};
pub use batch::{
    BatchOutcome, CommandOutcome, Counts, Disagreement, Estimate, NotSent, Notice, Outcome, Report, StepError,
    StepOutcome, StepState, StepWarning, UnknownReason,
};
pub use command::{Command, GroupCommand, InvalidCommand, NewGroup, NewUser, UserCommand};
pub use job::{CallFailure, Submission};
pub use membership::{
    GroupKind, GroupRef, InvalidMembership, MembershipAction, MembershipChange, MembershipOutcome, MembershipPlan,
    MembershipReport, Memberships,
};
pub use umapi_model::{self as model, CreateOption, UserGroupUpdate, UserUpdate};
