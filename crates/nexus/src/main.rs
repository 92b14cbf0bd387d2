//! The NEXUS control plane: one binary.

/// Serves SQLite too: with the feature `override` it replaces malloc in the whole binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    nexus::cli::main()
}
