//! What every verb is given, and how it fails.

use std::io::{BufRead as _, IsTerminal as _};

use nexus_client::{Api, ApiError, Credential, Patience, loopback};
use nexus_core::tenant::Tenant;
use nexus_kit::http::principal::SESSION_PREFIX;
use nexus_kit::settings::load::{
    Inputs, Loaded, SettingProblem, Source, load_client, read_secret_file,
};
use nexus_kit::settings::{self, Lang, Secret};
use serde_json::json;

use super::Global;
use super::exit::Exit;
use super::out::{Line, Out, Style};
use super::session::Sessions;
use super::text;

/// How a verb ends.
pub type Done = Result<Exit, Fail>;

/// Who can be asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Person {
    /// Whoever sits at the terminal, if there is one.
    Terminal,
    /// Somebody who always says this; in tests.
    Says(&'static str),
    /// Nobody.
    Nobody,
}

/// Whose key a verb needs. A person's session opens every door; their role decides.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Door {
    /// A program's; the admin's opens it too.
    Service,
    /// The admin's alone.
    Admin,
}

/// What a verb acts by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Who {
    /// The key of `--key-file`.
    File,
    /// `NEXUS_API_KEY`.
    Service,
    /// `ADMIN_API_KEY`.
    Admin,
    /// A person's session.
    Person,
}

/// What a verb is given.
pub struct Ctx {
    /// Where to print.
    pub out: Out,
    /// Options of every command.
    pub global: Global,
    /// Where settings come from.
    pub inputs: Inputs,
    /// Who can be asked.
    pub person: Person,
    /// How long a stream waits before it comes back.
    pub patience: Patience,
}

/// Why a verb failed.
#[derive(Debug)]
pub enum Fail {
    /// The command line is wrong.
    Usage(String),
    /// The settings are wrong.
    Settings(Vec<SettingProblem>),
    /// The server.
    Api(ApiError),
    /// Not done, for a reason that scripts may want to tell from others.
    Stopped {
        /// How the command ends.
        exit: Exit,
        /// Stable, as a server's refusal would have it.
        code: &'static str,
        /// What happened.
        detail: String,
        /// What to do.
        hint: Option<String>,
    },
    /// Anything else.
    Other(String),
}

impl From<ApiError> for Fail {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

impl From<Vec<SettingProblem>> for Fail {
    fn from(problems: Vec<SettingProblem>) -> Self {
        Self::Settings(problems)
    }
}

impl Fail {
    /// The exit code.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) | Self::Settings(_) => Exit::Usage,
            Self::Stopped { exit, .. } => *exit,
            Self::Api(ApiError::Unreachable(_)) => Exit::Unreachable,
            Self::Api(ApiError::Refused(refusal)) if refusal.status < 500 => Exit::Refused,
            Self::Api(_) | Self::Other(_) => Exit::Failed,
        }
    }

    /// Says what went wrong and what to do.
    pub fn print(&self, out: &Out) {
        if out.json {
            out.json(&self.json(out.lang));
            return;
        }
        let head = |text: String| {
            out.note(&Line::new(Style::Bad, text::error(out.lang)).and(Style::Plain, text))
        };
        let more = |text: String| out.note(&Line::plain(format!("  {text}")));
        match self {
            Self::Usage(text) | Self::Other(text) => head(text.clone()),
            Self::Stopped { detail, hint, .. } => {
                head(detail.clone());
                hint.iter().for_each(|hint| more(hint.clone()));
            }
            Self::Settings(problems) => {
                head(text::bad_settings(out.lang, problems.len()));
                problems.iter().for_each(|problem| more(problem.line(out.lang)));
            }
            Self::Api(ApiError::Unreachable(why)) => {
                head(text::unreachable(out.lang, why));
                more(text::unreachable_hint(out.lang));
            }
            Self::Api(ApiError::Strange(why)) => head(text::strange(out.lang, why)),
            Self::Api(ApiError::Refused(refusal)) => {
                let code = if refusal.code.is_empty() {
                    refusal.status.to_string()
                } else {
                    format!("{} ({})", refusal.code, refusal.status)
                };
                head(format!("{code}: {}", refusal.detail));
                for error in &refusal.errors {
                    let path = if error.path.is_empty() { "/" } else { &error.path };
                    more(format!("{path}: {}", error.message));
                }
                if let Some(hint) = text::what_to_do(out.lang, refusal) {
                    more(hint);
                }
                if let Some(id) = &refusal.correlation_id {
                    more(format!("correlation_id: {id}"));
                }
            }
        }
    }

    fn json(&self, lang: Lang) -> serde_json::Value {
        let exit = self.exit() as u8;
        match self {
            Self::Api(ApiError::Refused(refusal)) => json!({
                "event": "error", "exit": exit, "status": refusal.status, "code": refusal.code,
                "detail": refusal.detail, "correlation_id": refusal.correlation_id,
                "errors": refusal.errors.iter()
                    .map(|error| json!({"path": error.path, "message": error.message}))
                    .collect::<Vec<_>>(),
            }),
            Self::Api(error) => json!({
                "event": "error", "exit": exit, "code": match error {
                    ApiError::Unreachable(_) => "unreachable",
                    _ => "strange_answer",
                }, "detail": error.to_string(),
            }),
            Self::Usage(text) | Self::Other(text) => json!({
                "event": "error", "exit": exit,
                "code": if matches!(self, Self::Usage(_)) { "usage" } else { "failed" },
                "detail": text,
            }),
            Self::Stopped { code, detail, .. } => json!({
                "event": "error", "exit": exit, "code": code, "detail": detail,
            }),
            Self::Settings(problems) => json!({
                "event": "error", "exit": exit, "code": "bad_settings",
                "detail": text::bad_settings(lang, problems.len()),
                "problems": problems.iter().map(|problem| problem.line(lang)).collect::<Vec<_>>(),
            }),
        }
    }
}

/// Whether somebody set it on purpose, other than the server's first run.
fn given(loaded: &Loaded, name: &str) -> bool {
    !matches!(loaded.source(name), None | Some(Source::Default | Source::Keys(_)))
}

impl Ctx {
    /// The language.
    pub fn lang(&self) -> Lang {
        self.out.lang
    }

    /// A client of the server, for the tenant and with the key or session that this verb needs.
    pub fn api(&self, door: Door) -> Result<Api, Fail> {
        Ok(self.api_and_who(door)?.0)
    }

    /// The same, and what it acts by.
    pub fn api_and_who(&self, door: Door) -> Result<(Api, Who), Fail> {
        let settings = self.settings()?;
        let (key, who) = self.credential(&settings, door)?;
        Ok((self.client(&settings.settings.client, &key)?, who))
    }

    /// Whom the conformance kit asks: the same server, tenant and key or session as a verb's.
    pub fn check_target(&self, door: Door) -> Result<nexus_check::Target, Fail> {
        let settings = self.settings()?;
        let (key, _) = self.credential(&settings, door)?;
        let client = &settings.settings.client;
        // Says what a client of the same address would say about it.
        self.client(client, &key)?;
        let tenant = Tenant::new(&client.org, &client.project)
            .map_err(|error| Fail::Usage(error.to_string()))?;
        let credential = match key.expose() {
            session if session.starts_with(SESSION_PREFIX) => {
                nexus_check::Credential::Session(session.to_owned())
            }
            key => nexus_check::Credential::Key(key.to_owned()),
        };
        Ok(nexus_check::Target { url: client.url.clone(), tenant, other: None, credential })
    }

    /// A client that proves nothing yet.
    pub fn api_without_key(&self) -> Result<Api, Fail> {
        self.client(&self.settings()?.settings.client, &Secret::default())
    }

    /// A client by the session that was kept for the server, whatever keys there are.
    pub fn api_of_session(&self) -> Result<Api, Fail> {
        let settings = self.settings()?;
        let kept = self.kept(&settings.settings.client)?;
        let token = kept.ok_or_else(|| Fail::Usage(text::not_signed_in(self.lang())))?;
        self.client(&settings.settings.client, &token)
    }

    /// The sessions of this user.
    pub fn sessions(&self) -> Result<Sessions, Fail> {
        let settings = self.settings()?.settings;
        Sessions::find(&self.inputs, &settings.client)
            .ok_or_else(|| Fail::Usage(text::no_config_dir(self.lang())))
    }

    /// The key that goes before a session, because somebody gave it.
    pub fn given_key(&self) -> Result<Option<&'static str>, Fail> {
        let settings = self.settings()?;
        Ok(["NEXUS_API_KEY", "ADMIN_API_KEY"].into_iter().find(|name| given(&settings, name)))
    }

    /// Where the server is, if somebody said so.
    pub fn given_url(&self) -> Result<Option<String>, Fail> {
        let loaded = self.settings()?;
        Ok(given(&loaded, "NEXUS_URL").then_some(loaded.settings.client.url))
    }

    fn settings(&self) -> Result<Loaded, Fail> {
        let mut inputs = self.inputs.clone();
        // What the command line says must pass the same checks and wins over every source.
        let options = [
            ("NEXUS_URL", "--url", &self.global.url),
            ("NEXUS_ORG", "--org", &self.global.org),
            ("NEXUS_PROJECT", "--project", &self.global.project),
        ];
        for (name, _, value) in options {
            if let Some(value) = value {
                let by_file = format!("{name}_FILE");
                inputs.env.retain(|(key, _)| key != name && *key != *by_file);
                inputs.env.push((name.into(), value.into()));
            }
        }
        let loaded = load_client(&inputs).map_err(|mut problems| {
            for problem in &mut problems {
                let given = |(name, _, value): &&(&str, &str, &Option<String>)| {
                    *name == problem.name && value.is_some()
                };
                if let Some((_, option, _)) = options.iter().find(given) {
                    (problem.name, problem.source) = ((*option).to_owned(), None);
                }
            }
            problems
        });
        Ok(loaded?)
    }

    /// What proves who acts: the key that was given, else the session that was kept, else the keys
    /// that the server's first run made, where they are at hand.
    fn credential(&self, loaded: &Loaded, door: Door) -> Result<(Secret, Who), Fail> {
        if let Some(path) = &self.global.key_file {
            let key = read_secret_file(&self.inputs.dir.join(path))
                .map_err(|text| Fail::Usage(text.get(self.lang()).to_owned()))?;
            return Ok((key, Who::File));
        }
        let keys = &loaded.settings.keys;
        let service = (&keys.service, Who::Service, "NEXUS_API_KEY");
        let admin = (&keys.admin, Who::Admin, "ADMIN_API_KEY");
        let fitting = match door {
            Door::Service => vec![service, admin],
            Door::Admin => vec![admin],
        };
        let fitting: Vec<_> = fitting.into_iter().filter(|(key, ..)| !key.is_empty()).collect();
        if let Some((key, who, _)) = fitting.iter().find(|(.., name)| given(loaded, name)) {
            return Ok(((*key).clone(), *who));
        }
        if let Some(token) = self.kept(&loaded.settings.client)? {
            return Ok((token, Who::Person));
        }
        match fitting.first() {
            Some((key, who, _)) => Ok(((*key).clone(), *who)),
            None => Err(Fail::Usage(match door {
                Door::Service => text::no_key(self.lang()),
                Door::Admin => text::no_admin_key(self.lang()),
            })),
        }
    }

    /// What proves the session that was kept for the server.
    fn kept(&self, client: &settings::Client) -> Result<Option<Secret>, Fail> {
        let Some(sessions) = Sessions::find(&self.inputs, client) else { return Ok(None) };
        let origin = url::Url::parse(&client.url).map(|url| url.origin().ascii_serialization());
        let kept = sessions.get(&origin.unwrap_or_default()).map_err(|why| {
            let path = sessions.path().display().to_string();
            Fail::Usage(text::session_unreadable(self.lang(), &path, &why.to_string()))
        })?;
        Ok(kept.map(|kept| kept.token))
    }

    fn client(&self, client: &settings::Client, key: &Secret) -> Result<Api, Fail> {
        if client.url.starts_with("http:") && !loopback(&client.url) {
            self.warn(&text::plain_http(self.lang(), &client.url));
        }
        let tenant = Tenant::new(&client.org, &client.project)
            .map_err(|error| Fail::Usage(error.to_string()))?;
        let credential = match key.expose() {
            "" => Credential::None,
            token if token.starts_with(SESSION_PREFIX) => Credential::Session(token.to_owned()),
            key => Credential::Key(key.to_owned()),
        };
        Ok(Api::new(&client.url, &tenant, &credential)?)
    }

    /// Asks for a line; a hidden one is not shown while it is typed.
    pub async fn ask(&self, question: &str, hidden: bool) -> Result<String, Fail> {
        match self.person {
            Person::Says(answer) => Ok(answer.to_owned()),
            Person::Terminal if std::io::stdin().is_terminal() => {
                self.out.prompt(question);
                let read = tokio::task::spawn_blocking(move || super::login::read_line(hidden));
                let read = read.await.map_err(|why| Fail::Other(why.to_string()))?;
                read.map_err(|why| Fail::Other(why.to_string()))
            }
            Person::Terminal | Person::Nobody => {
                Err(Fail::Usage(text::nobody_to_sign_in(self.lang())))
            }
        }
    }

    /// A word of caution.
    pub fn warn(&self, text: &str) {
        self.out.note(&Line::new(Style::Warn, text::warning(self.lang())).and(Style::Plain, text));
    }

    /// A word beside the answer.
    pub fn note(&self, text: impl Into<String>) {
        self.out.note(&Line::new(Style::Dim, text));
    }

    /// Asks whether to go on. With `yes` nobody is asked; without a terminal nobody can be.
    pub async fn confirm(&self, question: &str, yes: bool) -> Result<bool, Fail> {
        if yes {
            return Ok(true);
        }
        let terminal = || std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        let answer = match self.person {
            Person::Says(answer) => answer.to_owned(),
            Person::Terminal if terminal() => {
                self.out.prompt(&format!("{question} [y/N]"));
                let read = tokio::task::spawn_blocking(|| {
                    let mut line = String::new();
                    std::io::stdin().lock().read_line(&mut line).map(|_| line)
                });
                read.await.ok().and_then(Result::ok).unwrap_or_default()
            }
            Person::Terminal | Person::Nobody => {
                return Err(Fail::Usage(text::nobody_to_ask(self.lang())));
            }
        };
        Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes" | "예" | "네"))
    }

    /// An argument that is JSON: the text, `@file`, or `-`.
    pub fn json_argument(&self, text: &str) -> Result<serde_json::Value, Fail> {
        super::params::json_argument(text)
            .map_err(|why| Fail::Usage(text::not_json(self.lang(), &why)))
    }
}
