//! HTTP conventions that every slice follows.

pub mod body;
pub mod context;
pub mod page;
pub mod principal;
pub mod problem;
pub mod query;
