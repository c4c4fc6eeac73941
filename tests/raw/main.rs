//! The generated endpoints over real connections.

mod answers;
mod hooks;
mod paths;
mod recorder;
