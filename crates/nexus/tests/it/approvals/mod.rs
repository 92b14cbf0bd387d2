//! A RED command runs exactly as a person approved it, or not at all.

mod deciding;
mod execution;
mod expiry;
mod persons;
