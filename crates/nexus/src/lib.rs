//! The NEXUS control plane: one binary.
