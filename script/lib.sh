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

# The Postgres that tests make their databases on: the one that NEXUS_TEST_POSTGRES names, this
# machine's own where it lets the role postgres in, or one that is started for the purpose.
need_postgres() {
    local usual=postgres://postgres@127.0.0.1:5432/postgres
    need psql postgresql
    if [ -n "${NEXUS_TEST_POSTGRES:-}" ]; then
        answers "$NEXUS_TEST_POSTGRES" || die "NEXUS_TEST_POSTGRES names a Postgres that does not answer"
        return
    fi
    NEXUS_TEST_POSTGRES=$usual
    answers "$usual" || start_postgres
    export NEXUS_TEST_POSTGRES
}

answers() { PGCONNECT_TIMEOUT=3 psql "$1" -Atqc 'SELECT 1' >/dev/null 2>&1; }

# A cluster of the tests' own, in the temporary directory, on a port of its own.
start_postgres() {
    local port=54329 folder bin as=()
    folder=${TMPDIR:-/tmp}/nexus-postgres-$(id -u)
    NEXUS_TEST_POSTGRES=postgres://postgres@127.0.0.1:$port/postgres
    answers "$NEXUS_TEST_POSTGRES" && return
    bin=$(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1)
    [ -n "$bin" ] || install_packages postgresql
    bin=$(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1)
    [ -n "$bin" ] || die "there is no Postgres to start; set NEXUS_TEST_POSTGRES"
    # Postgres does not run as root.
    [ "$(id -u)" -ne 0 ] || as=(runuser -u postgres --)
    if [ ! -d "$folder" ]; then
        mkdir -m 0700 "$folder"
        [ "$(id -u)" -ne 0 ] || chown postgres: "$folder"
        (cd / && "${as[@]}" "$bin/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 >/dev/null)
    fi
    say "Starting a Postgres for the tests on port $port"
    (cd / && "${as[@]}" "$bin/pg_ctl" -D "$folder/data" -l "$folder/log" -w start \
        -o "-p $port -k $folder -c listen_addresses=127.0.0.1 -c fsync=off" >/dev/null)
    answers "$NEXUS_TEST_POSTGRES" || die "the Postgres for the tests does not answer; see $folder/log"
}

# Node for the console; building NEXUS itself needs none, because the page is committed.
need_node() {
    local wanted=20.19.0 have
    need node nodejs
    need npm npm
    have=$(node --version)
    at_least "${have#v}" "$wanted" || die "Node $wanted or newer is needed; this is $have"
}
