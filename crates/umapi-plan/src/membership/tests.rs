//! Tests of memberships: planning, and outcomes against a service.

mod planning;
mod service;
