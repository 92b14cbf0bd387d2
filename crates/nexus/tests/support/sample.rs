//! Agents of the kind that the repository shows, as processes.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::{Terminal, repository};

/// What an agent is written in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Language {
    Python,
    TypeScript,
}

/// An agent that can be started, compiled if it must be.
pub struct Program {
    language: Language,
    entry: PathBuf,
    _compiled: Option<TempDir>,
}

impl Program {
    /// The sample that counts words.
    pub fn sample(language: Language) -> Self {
        let examples = repository().join("examples/agents");
        match language {
            Language::Python => Self::of(language, &examples.join("python"), "word_count"),
            Language::TypeScript => Self::of(language, &examples.join("typescript"), "word-count"),
        }
    }

    /// The file of that name, without its ending, in a folder.
    pub fn of(language: Language, folder: &Path, name: &str) -> Self {
        if language == Language::Python {
            let entry = folder.join(name).with_extension("py");
            return Self { language, entry, _compiled: None };
        }
        let packages = repository().join("node_modules");
        let compiler = packages.join("typescript/bin/tsc");
        assert!(compiler.exists(), "`npm ci` brings the compiler that this test needs");
        let compiled = tempfile::tempdir().unwrap();
        let did = Command::new("node")
            .arg(compiler)
            .args(["--project".as_ref(), folder.as_os_str()])
            .args(["--outDir".as_ref(), compiled.path().as_os_str()])
            .args(["--typeRoots".as_ref(), packages.join("@types").as_os_str()])
            .output()
            .unwrap();
        assert!(did.status.success(), "{}", String::from_utf8_lossy(&did.stdout));
        std::fs::copy(folder.join("package.json"), compiled.path().join("package.json")).unwrap();
        let entry = compiled.path().join(name).with_extension("js");
        Self { language, entry, _compiled: Some(compiled) }
    }

    /// What starts it.
    pub fn line(&self) -> [String; 2] {
        let runner = if self.language == Language::Python { "python3" } else { "node" };
        [runner.to_owned(), self.entry.display().to_string()]
    }

    /// Starts it with this in its environment.
    pub fn start(&self, environment: &[(&str, &str)]) -> Terminal {
        let [runner, entry] = self.line();
        let mut command = Command::new(runner);
        command.arg(entry).envs(environment.iter().copied()).stdin(Stdio::null());
        Terminal::run(command)
    }
}
