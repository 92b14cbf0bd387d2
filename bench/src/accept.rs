//! accept
fn main() {}
