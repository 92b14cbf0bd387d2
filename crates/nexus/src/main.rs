//! The NEXUS control plane: one binary.

fn main() -> std::process::ExitCode {
    nexus::cli::main()
}
