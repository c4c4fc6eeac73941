//! Tests of the command `umapi` as a process, against the emulator.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail like tests")]

mod accounts;
mod api;
mod apply;
mod auth;
mod cache;
mod cases;
mod configuration;
mod day;
#[cfg(unix)]
mod directory_servers;
mod documents;
mod files;
mod formats;
mod groups;
mod journal;
mod limits;
mod members;
mod mistakes;
mod moved_lists;
mod network;
#[cfg(unix)]
mod pipes;
mod reading;
mod recording;
mod report;
mod run;
#[cfg(unix)]
#[path = "../../../umapi-redis/src/test_server.rs"]
mod server;
#[cfg(unix)]
mod shared;
#[cfg(target_os = "linux")]
mod signals;
mod stage;
mod sync;
mod sync_cases;
#[cfg(unix)]
mod sync_dirsync;
mod sync_entra;
#[cfg(unix)]
mod sync_faults;
mod sync_google;
mod sync_okta;
mod sync_orgs;
mod sync_push;
#[cfg(unix)]
mod terminal;
mod users;
mod verbs;
