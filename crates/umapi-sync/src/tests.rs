//! Tests of the whole way from both sides to a plan, and of what a plan does.

mod properties;
mod rules;
mod world;
