//! Requests, responses, and the server that moves them over connections.
//!
//! The server reads a [`Request`] from a connection and writes the [`Response`] to it. Everything in between is
//! [`AppState::handle`](crate::app::AppState::handle).

mod delivery;
mod exchange;
mod message;
mod server;

pub(crate) use delivery::{ConnectionReset, Delivery, ResetSwitch};
pub(crate) use exchange::{finish, respond};
pub(crate) use message::{Request, Response};
pub(crate) use server::{Port, Server};
