//! People: how they come in, what they may do, and how it ends.

mod first_admin;
mod sign_in;
