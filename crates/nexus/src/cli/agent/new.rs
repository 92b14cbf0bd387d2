//! `nexus agent new`: an agent that works, to be made into another. It is the repository's sample,
//! embedded, so what is written is what is tested.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use nexus_kit::settings::Lang;
use serde_json::json;

use super::text;
use crate::cli::context::{Ctx, Done, Fail};
use crate::cli::exit::Exit;
use crate::cli::out::{Line, Style};

/// A file of the sample agents.
macro_rules! sample {
    ($path:literal) => {
        include_str!(concat!("../../../../../examples/agents/", $path))
    };
}

/// What an agent is written in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Language {
    /// Python 3.7 or newer, without packages.
    #[value(help = None)]
    Python,
    /// Node 20 or newer, and TypeScript to compile it.
    #[value(help = None, name = "typescript")]
    TypeScript,
}

/// `agent new`
#[derive(Debug, Args)]
pub struct NewArgs {
    /// In which language
    pub language: Language,
    /// The folder to write to
    #[arg(value_name = "DIR", default_value = "nexus-agent")]
    pub folder: PathBuf,
}

/// Writes the starter, or nothing if any of its files is there.
pub fn run(ctx: &Ctx, args: &NewArgs) -> Done {
    let folder = ctx.inputs.dir.join(&args.folder);
    let files = starter(args.language, ctx.lang());
    let paths: Vec<PathBuf> = files.iter().map(|(name, _)| folder.join(name)).collect();
    if let Some(there) = paths.iter().find(|path| path.symlink_metadata().is_ok()) {
        return Err(refused(ctx, there));
    }
    fs::create_dir_all(&folder).map_err(|why| failed(ctx, &folder, &why))?;
    for (path, (_, content)) in paths.iter().zip(&files) {
        // Also what came between the look and the write is left alone.
        let made = OpenOptions::new().write(true).create_new(true).open(path);
        made.and_then(|mut file| file.write_all(content.as_bytes()))
            .map_err(|why| failed(ctx, path, &why))?;
        if ctx.out.json {
            ctx.out.json(&json!({"event": "written", "path": path.display().to_string()}));
        } else {
            let line = Line::new(Style::Good, text::written(ctx.lang()));
            ctx.out.line(&line.and(Style::Name, path.display().to_string()));
        }
    }
    ctx.note(text::what_next(ctx.lang(), &folder.join("README.md").display().to_string()));
    Ok(Exit::Ok)
}

fn refused(ctx: &Ctx, path: &Path) -> Fail {
    Fail::Stopped {
        exit: Exit::Usage,
        code: "file_exists",
        detail: text::is_there(ctx.lang(), &path.display().to_string()),
        hint: Some(text::other_folder(ctx.lang())),
    }
}

fn failed(ctx: &Ctx, path: &Path, why: &std::io::Error) -> Fail {
    Fail::Other(text::not_written(ctx.lang(), &path.display().to_string(), &why.to_string()))
}

/// Names and contents of a starter's files.
fn starter(language: Language, lang: Lang) -> Vec<(&'static str, String)> {
    let readme = match lang {
        Lang::En => include_str!("starter/README.en.md"),
        Lang::Ko => include_str!("starter/README.ko.md"),
    };
    let readme = |agent: &str, contract: &str, start: &str| {
        let text = readme.replace("{agent}", agent).replace("{contract}", contract);
        ("README.md", text.replace("{start}", start))
    };
    let common = ("type.json", sample!("python/word_count.json").to_owned());
    match language {
        Language::Python => vec![
            readme("agent.py", "nexus_agent.py", "   python3 agent.py"),
            common,
            ("agent.py", sample!("python/word_count.py").to_owned()),
            ("nexus_agent.py", sample!("python/nexus_agent.py").to_owned()),
        ],
        Language::TypeScript => vec![
            readme("agent.ts", "nexus-agent.ts", "   npm install\n   npm start"),
            common,
            ("agent.ts", sample!("typescript/word-count.ts").to_owned()),
            ("nexus-agent.ts", sample!("typescript/nexus-agent.ts").to_owned()),
            (
                "package.json",
                sample!("typescript/package.json")
                    .replace("nexus-agent-word-count", "nexus-agent")
                    .replace("word-count.js", "agent.js"),
            ),
            ("tsconfig.json", sample!("typescript/tsconfig.json").to_owned()),
            (".gitignore", sample!("typescript/.gitignore").to_owned()),
        ],
    }
}
