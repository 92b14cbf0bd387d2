//! HTTP conventions that every slice follows.

pub mod context;
pub mod principal;
pub mod problem;
