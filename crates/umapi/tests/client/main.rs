//! The client over real connections, with a service that answers as it is told.

mod driver;
mod pager;
mod service;
mod transport;
