//! Where the benchmark speaks; nothing else prints.

/// A line of the report.
#[expect(clippy::print_stdout, reason = "a benchmark prints its report")]
pub fn line(text: &str) {
    println!("{text}");
}

/// A line about what goes on.
#[expect(clippy::print_stderr, reason = "progress does not belong into the report")]
pub fn progress(text: &str) {
    eprintln!("{text}");
}
