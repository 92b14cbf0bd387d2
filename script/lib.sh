# shellcheck shell=bash
# What the scripts share; sourced, not run. The caller has set -euo pipefail and stands in the
# repository.

say() { printf '%s\n' "$*" >&2; }

die() {
    say "error: $*"
    exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif has sudo; then
        sudo "$@"
    else
        die "this needs root, and there is no sudo: $*"
    fi
}

# install_packages PACKAGE...: Debian and Ubuntu; elsewhere says what to install.
install_packages() {
    has apt-get || die "please install by hand: $*"
    say "Installing $*"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq >&2
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "$@" >&2
}

# need COMMAND PACKAGE...: installs the packages when the command is missing.
need() {
    local command=$1
    shift
    has "$command" || install_packages "$@"
    has "$command" || die "$command is still missing"
}

# at_least HAVE WANT: compares versions.
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

rust_wanted() { sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml; }

# A rustc of the first toolchain on the path, as a number; nothing when there is none.
rust_version() { rustc --version 2>/dev/null | cut -d ' ' -f 2 || true; }

rust_is_fine() {
    local have
    has cargo || return 1
    have=$(rust_version)
    [ -n "$have" ] && at_least "$have" "$(rust_wanted)"
}

# Rust from rustup when there is none, or none that is new enough.
need_rust() {
    local home=${CARGO_HOME:-$HOME/.cargo}
    rust_is_fine && return
    # Installed earlier, but not on this shell's path.
    PATH="$home/bin:$PATH"
    export PATH
    rust_is_fine && return
    if ! has rustup; then
        need curl curl ca-certificates
        say "Installing Rust with rustup into $home"
        curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs |
            sh -s -- -y --quiet --no-modify-path --profile minimal --default-toolchain stable
        hash -r
    fi
    rust_is_fine && return
    say "Updating Rust: $(rust_wanted) or newer is needed"
    rustup toolchain install stable --profile minimal >&2
    RUSTUP_TOOLCHAIN=stable
    export RUSTUP_TOOLCHAIN
    rust_is_fine || die "Rust $(rust_wanted) or newer is needed; this is $(rust_version)"
}

# What building takes: SQLite and the TLS library are C.
need_build_tools() {
    need cc gcc libc6-dev
    need_rust
}

# Node for the console; building NEXUS itself needs none, because the page is committed.
need_node() {
    local wanted=20.19.0 have
    need node nodejs
    need npm npm
    have=$(node --version)
    at_least "${have#v}" "$wanted" || die "Node $wanted or newer is needed; this is $have"
}
