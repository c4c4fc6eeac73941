//! Tests of the whole way from both sides to a plan, and of what a plan does.

mod cases;
mod properties;
mod pushes;
mod rules;
mod sizes;
mod world;
