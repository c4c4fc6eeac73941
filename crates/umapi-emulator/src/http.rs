//! Requests, responses, and the server that moves them over connections.
//!
//! The server reads a [`Request`] from a connection and writes the [`Response`] to it. Everything in between is
//! [`AppState::handle`](crate::app::AppState::handle).

mod connection;
mod delivery;
mod exchange;
mod host;
mod message;
mod server;

pub(crate) use connection::{ConnectionHandle, ConnectionReset};
pub(crate) use delivery::Delivery;
pub(crate) use exchange::{finish, respond};
pub(crate) use host::{host_name, is_address, is_this_machine};
pub(crate) use message::{Request, Response};
pub(crate) use server::{Port, Server};
