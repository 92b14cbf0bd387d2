//! The places where settings stand, read into names and texts.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::check::orchestrator_made;
use super::load::{Reader, Source};
use super::table::Kind;
use super::value::apply;
use super::{Settings, Text, dotenv};

/// Largest file of settings or of one secret.
const MAX_FILE: u64 = 1 << 20;

/// One source: its names and values, or what stands in a value's place.
pub(super) struct Layer {
    pub(super) source: Source,
    pub(super) entries: BTreeMap<String, Result<String, Text>>,
}

impl Reader {
    pub(super) fn environment(&mut self, env: &[(OsString, OsString)]) {
        let mut entries = BTreeMap::new();
        for (name, value) in env {
            // A name that is not UTF-8 is none of ours.
            let Some(name) = name.to_str() else { continue };
            let value = value
                .to_str()
                .map(str::to_owned)
                .ok_or_else(|| Text::new("is not UTF-8", "UTF-8이 아닙니다"));
            if !orchestrator_made(name, value.as_deref().unwrap_or_default()) {
                entries.insert(name.to_owned(), value);
            }
        }
        self.layers.push(Layer { source: Source::Environment, entries });
    }

    pub(super) fn dotenv(&mut self, path: &Path, source: fn(PathBuf) -> Source) {
        let source = source(path.to_owned());
        let text = match read_file(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
            Err(error) => return self.fault(file_name(path), Some(&source), unreadable(&error)),
        };
        let mut entries = BTreeMap::new();
        for entry in dotenv::parse(&text) {
            let (name, value) = match entry {
                Ok(entry) => entry,
                // Says the number only: the line may hold a secret.
                Err(line) => {
                    let text = Text::new(
                        format!("line {line} is not NAME=value"),
                        format!("{line}번째 줄이 NAME=value 형식이 아닙니다"),
                    );
                    self.fault(file_name(path), Some(&source), text);
                    continue;
                }
            };
            if entries.insert(name.clone(), Ok(value)).is_some() {
                self.fault(name, Some(&source), Text::new("stands twice", "두 번 적혀 있습니다"));
            }
        }
        self.layers.push(Layer { source, entries });
    }

    pub(super) fn toml(&mut self, path: &Path, wanted: bool) {
        let source = Source::Config(path.to_owned());
        let text = match read_file(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !wanted => return,
            Err(error) => return self.fault(file_name(path), Some(&source), unreadable(&error)),
        };
        let table = match text.parse::<toml::Table>() {
            Ok(table) => table,
            Err(error) => {
                // The error's own words name keys and tokens, its display quotes the line.
                let line = error.span().map_or(1, |span| {
                    text.as_bytes()[..span.start.min(text.len())]
                        .iter()
                        .filter(|b| **b == b'\n')
                        .count()
                        + 1
                });
                return self.fault(
                    file_name(path),
                    Some(&source),
                    Text::new(
                        format!("is not TOML, see line {line}"),
                        format!("TOML 형식이 아닙니다. {line}번째 줄을 확인하세요"),
                    ),
                );
            }
        };
        let entries = table.into_iter().map(|(name, value)| (name, plain(&value))).collect();
        self.layers.push(Layer { source, entries });
    }
}

/// A TOML value as the text that it would be elsewhere.
fn plain(value: &toml::Value) -> Result<String, Text> {
    match value {
        toml::Value::String(text) => Ok(text.clone()),
        toml::Value::Integer(number) => Ok(number.to_string()),
        toml::Value::Float(number) => Ok(number.to_string()),
        toml::Value::Boolean(truth) => Ok(truth.to_string()),
        toml::Value::Array(items) => {
            let texts: Vec<String> = items.iter().map(plain).collect::<Result<_, _>>()?;
            if items.iter().any(toml::Value::is_array)
                || texts.iter().any(|text| text.contains(','))
            {
                return Err(Text::new(
                    "must be a list of plain values without commas",
                    "쉼표가 없는 단순 값의 목록이어야 합니다",
                ));
            }
            Ok(texts.join(","))
        }
        toml::Value::Table(_) | toml::Value::Datetime(_) => Err(Text::new(
            "must be a text, a number, true, false or a list; there are no tables here",
            "문자열, 숫자, true, false 또는 목록이어야 하며 테이블은 쓸 수 없습니다",
        )),
    }
}

/// What `NAME_FILE` names; one newline at its end is not part of the value.
pub(super) fn read_value_file(path: &Path, secret: bool) -> Result<String, Text> {
    let named = |text: Text| {
        let path = path.display();
        Text::new(format!("{path}: {}", text.en), format!("{path}: {}", text.ko))
    };
    if secret {
        let meta = fs::metadata(path).map_err(|error| named(unreadable(&error)))?;
        if exposed(&meta) {
            return Err(named(exposed_text()));
        }
    }
    let mut text = read_file(path).map_err(|error| named(unreadable(&error)))?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}

/// Reads the secret that a file holds, if nobody else can: what `--key-file` names.
pub fn read_secret_file(path: &Path) -> Result<super::Secret, Text> {
    let text = read_value_file(path, true)?;
    let mut settings = Settings::default();
    apply(Kind::Secret(|s, v| s.keys.service = v), &text, &mut settings)?;
    Ok(settings.keys.service)
}

/// Whether everybody on this machine can read or write it.
pub(super) fn exposed(meta: &fs::Metadata) -> bool {
    meta.permissions().mode() & 0o006 != 0
}

pub(super) fn exposed_text() -> Text {
    Text::new(
        "can be read or changed by everybody on this machine; chmod 600 it",
        "이 컴퓨터의 모든 사용자가 읽거나 고칠 수 있습니다. chmod 600으로 바꾸세요",
    )
}

fn read_file(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    let file = fs::File::open(path)?;
    let read = file.take(MAX_FILE + 1).read_to_string(&mut text)?;
    if read as u64 > MAX_FILE {
        return Err(std::io::Error::new(std::io::ErrorKind::FileTooLarge, "larger than 1 MiB"));
    }
    Ok(text)
}

fn unreadable(error: &std::io::Error) -> Text {
    Text::new(format!("cannot be read: {error}"), format!("읽을 수 없습니다: {error}"))
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned())
}
