//! Built-in agents: files and sharing.

pub mod files;
#[cfg(test)]
mod testing;
