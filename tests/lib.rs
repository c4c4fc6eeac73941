//! Tests across crates. Each folder beside this file is one test program.
