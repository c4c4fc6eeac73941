//! The servers of directories that the tests of `umapi-directory` start.

#![allow(
    dead_code,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a part of it is for other tests, and fails like tests"
)]

#[path = "../../../umapi-directory/tests/ldap/certificates.rs"]
mod certificates;
#[path = "../../../umapi-directory/tests/ldap/proxy.rs"]
pub(crate) mod proxy;
#[path = "../../../umapi-directory/tests/ldap/samba.rs"]
pub(crate) mod samba;
#[path = "../../../umapi-directory/tests/ldap/server.rs"]
pub(crate) mod server;
