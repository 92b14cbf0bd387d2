//! HTTP conventions that every slice follows.

pub mod problem;
