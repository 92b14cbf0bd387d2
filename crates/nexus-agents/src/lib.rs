//! Built-in agents: files and sharing.
