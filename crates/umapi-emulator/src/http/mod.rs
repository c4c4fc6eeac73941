//! What goes in and what comes out, without a socket: the server reads a [`Request`] off a connection and writes the
//! [`Answer`] to it, and all between is a function from one to the other.

mod answer;
mod request;

pub(crate) use answer::Answer;
pub(crate) use request::Request;
