//! People: how they come in, what they may do, and how it ends.

mod deciding;
mod first_admin;
mod limits;
mod members;
mod rights;
mod sessions;
mod sign_in;
