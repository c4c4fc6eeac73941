#![doc = include_str!("guide.md")]

#[doc = include_str!("guide/faults.md")]
pub mod faults {}
