//! The house rules that no compiler checks, as tests over the source tree: `tests/tidy.rs`.
//!
//! A crate of its own, without the others as dependencies, so that it answers within a second.
