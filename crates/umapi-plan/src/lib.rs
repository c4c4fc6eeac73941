#![doc = include_str!("../README.md")]

pub mod account;
pub mod batch;
pub mod command;
pub mod job;
pub mod membership;

pub use account::{Account, AccountKind};
pub use batch::{
    BatchOutcome, CommandOutcome, CommandOutcomeBuilder, Counts, Disagreement, Estimate, InvalidOutcome, NotSent,
    Notice, Outcome, Report, StepError, StepOutcome, StepPart, StepState, StepWarning, UnknownReason,
};
pub use command::{Command, GroupCommand, InvalidCommand, NewGroup, NewUser, StepDescription, UserCommand};
pub use job::{CallFailure, Submission};
pub use membership::{
    GroupKind, GroupRef, InvalidMembership, MembershipAction, MembershipChange, MembershipOutcome, MembershipPlan,
    MembershipReport, Memberships,
};
pub use umapi_model::{self as model, CreateOption, UserGroupUpdate, UserUpdate};
