//! Reading settings: process environment, then `.env`, then a TOML file, then the keys that the
//! first run made, then the defaults. Everything that is wrong is found before anything is said.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use super::check::advice;
use super::sources::{Layer, exposed, exposed_text, read_value_file};
use super::table::{self, Setting, Standing};
use super::value::apply;
use super::{Lang, Settings, Text, keys};

pub use super::sources::read_secret_file;

/// The TOML file that is read when it is there and no other was named.
pub const DEFAULT_CONFIG: &str = "nexus.toml";

/// Where settings come from. Tests fill it by hand.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// The process environment.
    pub env: Vec<(OsString, OsString)>,
    /// The working directory: `.env`, `nexus.toml` and relative paths are looked up here.
    pub dir: PathBuf,
    /// `--config FILE`.
    pub config: Option<PathBuf>,
}

/// Where a value came from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Source {
    /// The process environment.
    Environment,
    /// `.env`.
    DotEnv(PathBuf),
    /// The TOML file.
    Config(PathBuf),
    /// `<data dir>/keys.env`.
    Keys(PathBuf),
    /// Nobody set it.
    Default,
    /// The file that `NAME_FILE` names, and where that stands.
    File(PathBuf, Box<Self>),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => f.write_str("environment"),
            Self::DotEnv(path) | Self::Config(path) | Self::Keys(path) => {
                write!(f, "{}", path.display())
            }
            Self::Default => f.write_str("default"),
            Self::File(path, by) => write!(f, "{} ({by})", path.display()),
        }
    }
}

/// One thing that is wrong; never says a value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SettingProblem {
    /// The name, or the file.
    pub name: String,
    /// Where it stands, if it stands in one place.
    pub source: Option<Source>,
    /// What is wrong and what to do.
    pub text: Text,
}

impl SettingProblem {
    pub(super) fn new(name: impl Into<String>, source: Option<&Source>, text: Text) -> Self {
        Self { name: name.into(), source: source.cloned(), text }
    }
}

impl fmt::Display for SettingProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.line(Lang::En))
    }
}

impl SettingProblem {
    /// One line for a person.
    pub fn line(&self, lang: Lang) -> String {
        match &self.source {
            Some(source) => format!("{} [{source}]: {}", self.name, self.text.get(lang)),
            None => format!("{}: {}", self.name, self.text.get(lang)),
        }
    }
}

/// What was read.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// Every row: name, value as it may be shown, where it came from.
    pub values: Vec<(String, String, Source)>,
    /// What is not wrong and still worth a word.
    pub warnings: Vec<Text>,
}

impl Loaded {
    /// Where a value came from.
    pub fn source(&self, name: &str) -> Option<&Source> {
        self.values.iter().find(|(row, ..)| row == name).map(|(.., source)| source)
    }

    /// Whether neither key was set anywhere, so that the first run makes both. An empty value was
    /// set: it closes a door.
    pub fn wants_keys(&self) -> bool {
        ["NEXUS_API_KEY", "ADMIN_API_KEY"]
            .iter()
            .all(|name| self.source(name) == Some(&Source::Default))
    }
}

/// Reads and checks everything, as a server needs it.
pub fn load(inputs: &Inputs) -> Result<Loaded, Vec<SettingProblem>> {
    Reader::new(inputs).read(inputs, false)
}

/// Reads what the commands of the terminal need: the rows of the client sections. Whatever else
/// stands in the sources is a server's business.
pub fn load_client(inputs: &Inputs) -> Result<Loaded, Vec<SettingProblem>> {
    Reader::new(inputs).read(inputs, true)
}

/// Reads layer by layer and collects what is wrong.
pub(super) struct Reader {
    pub(super) layers: Vec<Layer>,
    pub(super) problems: Vec<SettingProblem>,
}

impl Reader {
    fn new(inputs: &Inputs) -> Self {
        let mut reader = Self { layers: Vec::new(), problems: Vec::new() };
        reader.environment(&inputs.env);
        reader.dotenv(&inputs.dir.join(".env"), Source::DotEnv);
        match &inputs.config {
            Some(path) => reader.toml(&inputs.dir.join(path), true),
            None => reader.toml(&inputs.dir.join(DEFAULT_CONFIG), false),
        }
        reader
    }

    pub(super) fn fault(&mut self, name: impl Into<String>, source: Option<&Source>, text: Text) {
        self.problems.push(SettingProblem::new(name, source, text));
    }

    fn read(mut self, inputs: &Inputs, client: bool) -> Result<Loaded, Vec<SettingProblem>> {
        if !client {
            self.unknown_names();
        }
        let mut loaded =
            Loaded { settings: Settings::default(), values: Vec::new(), warnings: Vec::new() };
        let wanted: Vec<&Setting> =
            table::sections().filter(|s| s.client || !client).flat_map(|s| s.rows).collect();

        // Where the keys are depends on the data directory, so it is read before them.
        let (first, rest): (Vec<_>, Vec<_>) =
            wanted.iter().partition(|row| row.name == "NEXUS_DATA_DIR");
        for row in first {
            self.row(row, inputs, &mut loaded);
        }
        let made = inputs.dir.join(&loaded.settings.store.data_dir).join(keys::FILE);
        // Somebody else's server: whoever may not read its keys has keys of their own, or none.
        let locked = fs::File::open(&made)
            .is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied);
        if !(client && locked) {
            self.keys_file(&made);
        }
        for row in rest {
            self.row(row, inputs, &mut loaded);
        }
        if !client {
            self.families(&mut loaded);
            self.contradictions(&loaded.settings);
            advice(&mut loaded);
        }
        // In the order of the table, whatever had to be read first.
        loaded.values.sort_by_key(|(name, ..)| table::rows().position(|row| row.name == name));
        let (rows, families): (Vec<_>, Vec<_>) =
            loaded.values.drain(..).partition(|(name, ..)| table::find(name).is_some());
        loaded.values = rows.into_iter().chain(families).collect();
        if self.problems.is_empty() { Ok(loaded) } else { Err(self.problems) }
    }

    /// The keys that the first run made: weaker than anything that somebody wrote.
    fn keys_file(&mut self, path: &Path) {
        let source = Source::Keys(path.to_owned());
        match fs::metadata(path) {
            Ok(meta) if exposed(&meta) => {
                return self.fault(keys::FILE, Some(&source), exposed_text());
            }
            _ => self.dotenv(path, Source::Keys),
        }
        let Some(layer) = self.layers.last().filter(|layer| layer.source == source) else { return };
        let strange: Vec<String> = layer
            .entries
            .keys()
            .filter(|name| !["NEXUS_API_KEY", "ADMIN_API_KEY"].contains(&name.as_str()))
            .cloned()
            .collect();
        for name in strange {
            self.fault(
                name,
                Some(&source),
                Text::new(
                    "does not belong here: this file holds NEXUS_API_KEY and ADMIN_API_KEY only",
                    "이 파일에는 NEXUS_API_KEY와 ADMIN_API_KEY만 둘 수 있습니다",
                ),
            );
        }
    }

    /// The strongest source that has a row, read into place.
    fn row(&mut self, row: &Setting, inputs: &Inputs, loaded: &mut Loaded) {
        let found = self.find(row.name, row.is_secret(), &inputs.dir);
        let (raw, source) = match found {
            None => (row.default.to_owned(), Source::Default),
            Some((Ok(raw), source)) => (raw, source),
            Some((Err(text), source)) => return self.fault(row.name, Some(&source), text),
        };
        // Defaults come from the structs, so that tests and the binary mean the same.
        if source == Source::Default {
            loaded.values.push((row.name.to_owned(), raw, source));
            return;
        }
        match apply(row.kind, &raw, &mut loaded.settings) {
            Err(text) => self.fault(row.name, Some(&source), text),
            Ok(shown) => {
                let same = apply(row.kind, row.default, &mut Settings::default()).ok();
                if same.as_ref() != Some(&shown) {
                    self.standing(row, &source, loaded);
                }
                if row.is_secret() && !raw.is_empty() {
                    loaded.warnings.extend(open_to_all(row.name, &source));
                }
                loaded.values.push((row.name.to_owned(), shown, source));
            }
        }
    }

    fn standing(&mut self, row: &Setting, source: &Source, loaded: &mut Loaded) {
        match row.standing {
            Standing::Used => {}
            Standing::Reserved => loaded.warnings.push(without_effect(row.name, source)),
            Standing::Refused(en, ko) => self.fault(
                row.name,
                Some(source),
                Text::new(
                    format!("is not in this version: {en}; take it out"),
                    format!("이 버전에서는 쓸 수 없습니다: {ko}. 이 설정을 지우세요"),
                ),
            ),
        }
    }

    /// The strongest `NAME` or `NAME_FILE`.
    fn find(
        &mut self,
        name: &str,
        secret: bool,
        dir: &Path,
    ) -> Option<(Result<String, Text>, Source)> {
        let by_file = format!("{name}_FILE");
        let layer = self.layers.iter().find(|layer| {
            layer.entries.contains_key(name) || layer.entries.contains_key(&by_file)
        })?;
        let source = layer.source.clone();
        match (layer.entries.get(name), layer.entries.get(&by_file)) {
            (Some(_), Some(_)) => Some((
                Err(Text::new(
                    format!("and {by_file} are both set; keep one"),
                    format!("{by_file}과(와) 함께 설정되어 있습니다. 하나만 남기세요"),
                )),
                source,
            )),
            (Some(value), None) => Some((value.clone(), source)),
            (None, Some(Err(text))) => Some((Err(text.clone()), source)),
            (None, Some(Ok(path))) => {
                let path = dir.join(path);
                let text = read_value_file(&path, secret);
                Some((text, Source::File(path, Box::new(source))))
            }
            (None, None) => None,
        }
    }

    /// Names of a family that somebody set: checked, and without effect.
    fn families(&mut self, loaded: &mut Loaded) {
        let mut found: BTreeMap<String, (Result<String, Text>, Source)> = BTreeMap::new();
        for layer in &self.layers {
            for (name, value) in &layer.entries {
                if table::family(name).is_some() && table::find(name).is_none() {
                    found
                        .entry(name.clone())
                        .or_insert_with(|| (value.clone(), layer.source.clone()));
                }
            }
        }
        for (name, (value, source)) in found {
            let Some(family) = table::family(&name) else { continue };
            let shown = value.and_then(|raw| apply(family.kind, &raw, &mut loaded.settings));
            match shown {
                Ok(shown) => {
                    loaded.warnings.push(without_effect(&name, &source));
                    loaded.values.push((name, shown, source));
                }
                Err(text) => self.fault(name, Some(&source), text),
            }
        }
    }
}

/// A secret in a file of settings that everybody can read: such a file often holds no secret, so
/// this is said and not refused.
fn open_to_all(name: &str, source: &Source) -> Option<Text> {
    let (Source::DotEnv(path) | Source::Config(path)) = source else { return None };
    let open = fs::metadata(path).is_ok_and(|meta| exposed(&meta));
    open.then(|| {
        let path = path.display();
        Text::new(
            format!("{name} stands in {path}, which everybody on this machine can read; chmod 600 it"),
            format!("{name}이(가) 이 컴퓨터의 모든 사용자가 읽을 수 있는 {path}에 있습니다. chmod 600으로 바꾸세요"),
        )
    })
}

fn without_effect(name: &str, source: &Source) -> Text {
    Text::new(
        format!("{name} [{source}] has no effect in this version"),
        format!("{name} [{source}]: 이 버전에서는 효과가 없습니다"),
    )
}
