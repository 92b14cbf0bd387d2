//! Tasks: the row that is the truth, how it shows on the stream, and what people do to it.

pub(crate) mod actions;
pub mod http;
pub(crate) mod row;
pub(crate) mod sql;
pub(crate) mod view;

#[cfg(test)]
mod tests;
