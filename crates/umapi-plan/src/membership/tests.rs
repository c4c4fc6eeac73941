//! Tests of memberships: planning, and outcomes against a service.

mod liars;
mod planning;
mod service;
