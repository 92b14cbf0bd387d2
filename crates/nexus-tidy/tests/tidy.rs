//! House rules over the source tree. Each test names every place that breaks its rule, and the rule
//! with its reason.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Slices in their order: each may know those before it, none those behind.
const SLICES: [&str; 10] =
    ["audit", "auth", "work", "stream", "llm", "alerts", "rag", "agents", "autofix", "ops"];

/// Crates that serve tests alone; the rules about production code pass them by.
const FOR_TESTS: [&str; 4] = ["nexus-fakes", "nexus-testdb", "nexus-testkit", "nexus-tidy"];

/// Longest file, its inline tests not counted.
const MAX_FILE: usize = 600;

/// Longest function.
const MAX_FUNCTION: usize = 100;

/// Who may break a rule, by the name of its test, and why. A test below fails when an exception is
/// no longer needed.
const EXCEPTIONS: [(&str, &str, &str); 20] = [
    ("clock", "nexus-kit/src/clock.rs", "it is the clock"),
    (
        "clock",
        "nexus-kit/src/supervise.rs",
        "a task that ran long starts with the first pause again",
    ),
    ("clock", "nexus-kit/src/http/context.rs", "how long a request took, for people"),
    ("clock", "nexus-kit/src/hub.rs", "how long reports and snapshots took, for people"),
    ("clock", "nexus-kit/src/db/batch.rs", "how long a batch has taken in writes"),
    ("clock", "nexus-kit/src/db/job.rs", "how long a write has waited, for people"),
    ("clock", "nexus-kit/src/db/postgres/node.rs", "how long a start has waited"),
    ("clock", "nexus-kit/src/db/sqlite/writer.rs", "how long a checkpoint took, for people"),
    ("clock", "nexus-ops/src/checks.rs", "how long a dependency took, for people"),
    ("clock", "nexus-kit/src/egress/client.rs", "one deadline over several waits on a socket"),
    ("clock", "nexus-kit/src/egress/guard.rs", "one deadline over several waits on a socket"),
    ("clock", "nexus-check/src/stopwatch.rs", "a client waits on the machine's clock"),
    ("clock", "nexus/src/cli/send.rs", "a client waits on the machine's clock"),
    ("clock", "nexus-client/src/follower.rs", "a client waits on the machine's clock"),
    ("spawn", "nexus-kit/src/supervise.rs", "the one place where tasks are started"),
    ("axum", "nexus-auth/src/lib.rs", "hands its handlers the App out of its state"),
    ("axum", "nexus-stream/src/lib.rs", "hands its handlers the App out of its state"),
    ("axum", "nexus-work/src/lib.rs", "hands its handlers the App out of its state"),
    ("axum", "nexus-work/src/contract/signature.rs", "verifies the headers as they came"),
    ("long", "nexus-kit/src/settings/value.rs", "one arm for each setting"),
];

/// Words with which SQL begins. Only capitals: that is how SQL is written here.
const SQL: [&str; 10] = [
    "SELECT ",
    "INSERT INTO ",
    "INSERT OR ",
    "DELETE FROM ",
    "CREATE TABLE ",
    "CREATE INDEX ",
    "CREATE UNIQUE INDEX ",
    "ALTER TABLE ",
    "DROP TABLE ",
    "PRAGMA ",
];

const AXUM: [&str; 2] = ["axum::", "use axum"];
const SPAWN: [&str; 2] = ["tokio::spawn(", "task::spawn("];
const CLOCK: [&str; 2] = ["SystemTime::now", "Instant::now"];

/// Files of production folders that are compiled for tests alone.
const TEST_FILES: [&str; 2] = ["/tests.rs", "/testing.rs"];

struct Source {
    /// Relative to `crates/`.
    path: String,
    /// Lines of production code, without comments; empty where there was nothing else.
    lines: Vec<String>,
    text: String,
}

impl Source {
    fn krate(&self) -> &str {
        self.path.split('/').next().unwrap()
    }

    fn find(&self, needles: &[&str]) -> Vec<String> {
        let hits = self.lines.iter().enumerate();
        hits.filter(|(_, line)| needles.iter().any(|needle| line.contains(needle)))
            .map(|(number, line)| format!("{}:{}: {}", self.path, number + 1, line.trim()))
            .collect()
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

fn rust_files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// All production code: `crates/*/src`, without tests and the crates that serve them.
fn sources() -> Vec<Source> {
    let crates = root().join("crates");
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(&crates).unwrap() {
        let entry = entry.unwrap();
        if !FOR_TESTS.iter().any(|name| entry.file_name() == *name) {
            rust_files(&entry.path().join("src"), &mut paths);
        }
    }
    paths.sort();
    let sources: Vec<Source> = paths
        .iter()
        .map(|path| (path, path.strip_prefix(&crates).unwrap().to_str().unwrap().to_owned()))
        .filter(|(_, name)| !name.contains("/tests/"))
        .filter(|(_, name)| !TEST_FILES.iter().any(|file| name.ends_with(file)))
        .map(|(path, name)| {
            let text = std::fs::read_to_string(path).unwrap();
            Source { path: name, lines: production(&text), text }
        })
        .collect();
    assert!(sources.len() > 20, "the source tree was not found");
    sources
}

/// The lines up to the inline tests, which stand last, without line comments.
fn production(text: &str) -> Vec<String> {
    let all: Vec<&str> = text.lines().collect();
    let end = all.windows(2).position(|pair| {
        pair[0].trim() == "#[cfg(test)]" && pair[1].trim_start().starts_with("mod ")
    });
    let code = &all[..end.unwrap_or(all.len())];
    code.iter().map(|line| without_comment(line).to_owned()).collect()
}

/// The line up to its comment; `//` inside a string, as in a URL, begins none.
fn without_comment(line: &str) -> &str {
    let mut quoted = false;
    let mut previous = ' ';
    for (at, c) in line.char_indices() {
        match c {
            '"' if previous != '\\' && previous != '\'' => quoted = !quoted,
            '/' if !quoted && previous == '/' => return &line[..at - 1],
            _ => {}
        }
        previous = c;
    }
    line
}

fn none(rule: &str, broken: Vec<String>) {
    if !broken.is_empty() {
        panic!("{rule}\n  {}\n", broken.join("\n  "));
    }
}

/// Production code to which a rule applies.
fn bound_by(rule: &'static str) -> impl Iterator<Item = Source> {
    let free = move |path: &str| EXCEPTIONS.iter().any(|(r, p, _)| *r == rule && *p == path);
    sources().into_iter().filter(move |source| !free(&source.path))
}

fn manifest(path: &Path) -> toml::Table {
    std::fs::read_to_string(path).unwrap().parse().unwrap()
}

/// Crates that are no slices.
const PLACED: [&str; 12] = [
    "nexus-core",
    "nexus-check",
    "nexus-client",
    "nexus-kit",
    "nexus-adapters",
    "nexus-providers",
    "nexus-github",
    "nexus-fakes",
    "nexus-testdb",
    "nexus-testkit",
    "nexus-ui",
    "nexus-tidy",
];

fn place(krate: &str) -> Option<usize> {
    SLICES.iter().position(|slice| krate == format!("nexus-{slice}"))
}

/// What a crate of ours may know of ours, by its name.
fn may_know(krate: &str) -> Vec<String> {
    let named = |names: &[&str]| names.iter().map(|name| format!("nexus-{name}")).collect();
    let mut lower: Vec<String> = match krate {
        // A name that stands nowhere here may know nothing: whoever adds a crate gives it a place.
        _ if !PLACED.contains(&krate) && place(krate).is_none() => Vec::new(),
        "nexus-core" | "nexus-providers" | "nexus-github" | "nexus-ui" | "nexus-tidy"
        | "nexus-testdb" => Vec::new(),
        "nexus-check" | "nexus-client" | "nexus-kit" | "nexus-fakes" => named(&["core"]),
        "nexus-adapters" => named(&["core", "kit"]),
        "nexus-testkit" => {
            let mut all: Vec<String> = named(&["core", "kit", "fakes", "testdb", "work"]);
            all.push("nexus".to_owned());
            all
        }
        _ => named(&["core", "kit", "providers", "github"]),
    };
    if let Some(place) = place(krate) {
        lower.extend(SLICES[..place].iter().map(|slice| format!("nexus-{slice}")));
    }
    lower
}

#[test]
fn crates_know_only_what_lies_below_them() {
    let mut broken = Vec::new();
    for entry in std::fs::read_dir(root().join("crates")).unwrap() {
        let folder = entry.unwrap();
        let krate = folder.file_name().into_string().unwrap();
        let manifest = manifest(&folder.path().join("Cargo.toml"));
        let names = |section: &str| -> Vec<String> {
            let table = manifest.get(section).and_then(toml::Value::as_table);
            let names = table.into_iter().flat_map(|table| table.keys().cloned());
            names.filter(|name| name.starts_with("nexus")).collect()
        };
        // The binary alone knows all.
        if krate != "nexus" {
            let may = may_know(&krate);
            let unknown = names("dependencies").into_iter().filter(|name| !may.contains(name));
            broken.extend(unknown.map(|name| format!("{krate} knows {name}")));
        }
    }
    none("Arrows point downwards (kit knows core, slices know kit and lower slices):", broken);
}

#[test]
fn sql_stands_in_its_own_files() {
    let is_home = |path: &str| {
        path.ends_with("/sql.rs") || path.contains("/sql/") || path.starts_with("nexus-kit/src/db/")
            // The report log's statements run inside every write; its folder is their home.
            || path.starts_with("nexus-kit/src/log/")
    };
    let strays = bound_by("sql").filter(|source| !is_home(&source.path));
    let broken = strays.flat_map(|source| source.find(&SQL)).collect();
    none(
        "SQL stands in files named sql.rs, in sql/ or in kit's db/, where it can be reviewed:",
        broken,
    );
}

#[test]
fn axum_stops_at_the_door() {
    // An error knows the answer that it becomes.
    let doors = ["/http.rs", "/error.rs"];
    let is_door = |source: &Source| {
        source.krate() == "nexus"
            || source.path.contains("/http/")
            || doors.iter().any(|door| source.path.ends_with(door))
    };
    let strays = bound_by("axum").filter(|source| !is_door(source));
    let broken = strays.flat_map(|source| source.find(&AXUM)).collect();
    none(
        "axum is known to http.rs and http/ alone; actions must not depend on a protocol:",
        broken,
    );
}

#[test]
fn files_stay_readable() {
    let long = sources().into_iter().filter(|source| source.lines.len() > MAX_FILE);
    let broken = long.map(|source| format!("{}: {} lines", source.path, source.lines.len()));
    none(&format!("A file has at most {MAX_FILE} lines:"), broken.collect());
}

#[test]
fn functions_stay_readable() {
    let broken = bound_by("long").flat_map(|source| long_functions(&source)).collect();
    none(&format!("A function has at most {MAX_FUNCTION} lines:"), broken);
}

fn long_functions(source: &Source) -> Vec<String> {
    let mut long = Vec::new();
    for at in 0..source.lines.len() {
        if let Some((name, end)) = function(&source.lines, at)
            && end - at + 1 > MAX_FUNCTION
        {
            long.push(format!("{}:{}: fn {name}, {} lines", source.path, at + 1, end - at + 1));
        }
    }
    long
}

/// The function that begins at a line, and the line that closes it: rustfmt puts the brace under
/// the line's own indentation.
fn function(lines: &[String], at: usize) -> Option<(&str, usize)> {
    let line = lines[at].as_str();
    let code = line.trim_start();
    let (before, rest) = code.split_once("fn ")?;
    let words = ["pub", "const", "async", "pub(crate)", "pub(super)"];
    if !before.split_whitespace().all(|word| words.contains(&word)) {
        return None;
    }
    let name = rest.split(['(', '<']).next()?;
    let close = format!("{}}}", &line[..line.len() - code.len()]);
    let mut inside = at;
    while !lines[inside].trim_end().ends_with('{') {
        // A declaration, or a body in one line.
        if lines[inside].trim_end().ends_with([';', '}']) {
            return None;
        }
        inside += 1;
        if inside == lines.len() {
            return None;
        }
    }
    let end = lines[inside..].iter().position(|line| line.trim_end() == close)?;
    Some((name, inside + end))
}

#[test]
fn nothing_gives_up_without_saying_why() {
    let mut broken = Vec::new();
    for source in sources() {
        for (needle, lint) in [(".unwrap()", "unwrap_used"), (".expect(\"", "expect_used")] {
            let reasoned = source.text.contains(&format!("#[expect(clippy::{lint}, reason"))
                || source.text.contains(&format!("clippy::{lint},"));
            if !reasoned {
                broken.extend(source.find(&[needle]));
            }
        }
    }
    none("unwrap and expect stand under #[expect(…, reason = …)] or not at all:", broken);
}

#[test]
fn tasks_are_supervised() {
    let broken = bound_by("spawn").flat_map(|source| source.find(&SPAWN)).collect();
    none("Tasks start at kit::supervise, so that panics are logged and shutdown waits:", broken);
}

#[test]
fn time_comes_from_the_clock() {
    let broken = bound_by("clock").flat_map(|source| source.find(&CLOCK)).collect();
    none("Time comes from kit::clock, so that tests decide it:", broken);
}

#[test]
fn exceptions_are_still_needed() {
    let sources = sources();
    let mut broken = Vec::new();
    for (rule, path, _) in EXCEPTIONS {
        let needs = |source: &Source| match rule {
            "clock" => !source.find(&CLOCK).is_empty(),
            "spawn" => !source.find(&SPAWN).is_empty(),
            "axum" => !source.find(&AXUM).is_empty(),
            "sql" => !source.find(&SQL).is_empty(),
            "long" => !long_functions(source).is_empty(),
            _ => false,
        };
        if !sources.iter().any(|source| source.path == path && needs(source)) {
            broken.push(format!("{rule}: {path}"));
        }
    }
    none("An exception that nobody needs any more goes from the list:", broken);
}

/// What a table of `docs/dependencies.md` lists and what is named elsewhere, where they differ.
fn differences(table: &str, named: &[&str]) -> Vec<String> {
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let listed: Vec<&str> = rows.map(|(name, _)| name).collect();
    let missing = named.iter().filter(|name| !listed.contains(name));
    let gone = listed.iter().filter(|name| !named.contains(name));
    missing
        .map(|name| format!("{name} is missing"))
        .chain(gone.map(|name| format!("{name} is no dependency any more")))
        .collect()
}

#[test]
fn every_dependency_has_a_reason() {
    let text = std::fs::read_to_string(root().join("docs/dependencies.md")).unwrap();
    let (crates, packages) = text.split_once("## The console").unwrap();

    let manifest = manifest(&root().join("Cargo.toml"));
    let dependencies = manifest["workspace"]["dependencies"].as_table().unwrap();
    let ours = |name: &&str| *name == "nexus" || name.starts_with("nexus-");
    let named: Vec<&str> = dependencies.keys().map(String::as_str).filter(|n| !ours(n)).collect();
    let broken = differences(crates, &named);
    none("docs/dependencies.md has a line for each workspace dependency:", broken);

    let mut named = BTreeSet::new();
    let manifests =
        ["ui/package.json", "clients/js/package.json", "examples/agents/typescript/package.json"]
            .map(|path| std::fs::read_to_string(root().join(path)).unwrap());
    for manifest in &manifests {
        let brings = manifest.contains("\"dependencies\"");
        assert!(!brings, "the page is built, and the client brings nothing along");
        let (_, listed) = manifest.split_once("\"devDependencies\": {").unwrap();
        let (listed, _) = listed.split_once('}').unwrap();
        named.extend(listed.split('"').skip(1).step_by(4));
    }
    let broken = differences(packages, &Vec::from_iter(named));
    none("docs/dependencies.md has a line for each npm package:", broken);
}

#[test]
fn dependencies_come_from_the_workspace() {
    let mut broken = String::new();
    for entry in std::fs::read_dir(root().join("crates")).unwrap() {
        let folder = entry.unwrap().path();
        let manifest = manifest(&folder.join("Cargo.toml"));
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(table) = manifest.get(section).and_then(toml::Value::as_table) else {
                continue;
            };
            for (name, value) in table {
                let shared = value.get("workspace").and_then(toml::Value::as_bool) == Some(true);
                if !shared {
                    let _ = writeln!(broken, "  {}: {name}", folder.display());
                }
            }
        }
    }
    assert!(broken.is_empty(), "Versions stand once, in the workspace's manifest:\n{broken}");
}

#[test]
fn the_reader_of_sources_reads_them() {
    assert_eq!(without_comment("let a = 1; // tokio::spawn("), "let a = 1; ");
    assert_eq!(without_comment("let a = \"http://b\";"), "let a = \"http://b\";");
    assert_eq!(without_comment("/// SELECT "), "");
    let text = "fn a() {\n}\n\n#[cfg(test)]\nmod tests {\n    x.unwrap();\n}\n";
    assert_eq!(production(text), ["fn a() {", "}", ""]);
    let lines: Vec<String> = "    pub async fn a(\n        b: u8,\n    ) -> u8 {\n        1\n    }"
        .lines()
        .map(str::to_owned)
        .collect();
    assert_eq!(function(&lines, 0), Some(("a", 4)));
    assert_eq!(function(&["fn a();".to_owned()], 0), None);
}
