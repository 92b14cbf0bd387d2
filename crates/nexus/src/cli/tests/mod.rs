//! The command line as somebody uses it, against a server of a few lines.

mod alerts;
mod boxes;
mod failures;
mod fake;
mod people;
mod stream;
mod verbs;

use std::time::Duration;

use nexus_client::Patience;
use nexus_kit::settings::Lang;
use nexus_kit::settings::load::Inputs;

use super::context::{Ctx, Person};
use super::exit::Exit;
use super::out::Out;
use super::{help, language, perform};
use fake::Fake;

/// What a command did.
struct Did {
    exit: Exit,
    out: String,
    err: String,
}

/// Somebody at a terminal: an environment, a working directory, and what they answer.
struct User {
    home: tempfile::TempDir,
    env: Vec<(String, String)>,
    person: Person,
    watchdog: u64,
}

impl User {
    fn new(url: &str) -> Self {
        let env = [
            ("NEXUS_URL", url),
            ("NEXUS_API_KEY", "service-key-0123456789"),
            ("ADMIN_API_KEY", "admin-key-0123456789"),
        ];
        Self {
            home: tempfile::tempdir().unwrap(),
            env: env.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            person: Person::Nobody,
            watchdog: 5_000,
        }
    }

    fn of(server: &Fake) -> Self {
        Self::new(&server.url)
    }

    fn says(mut self, answer: &'static str) -> Self {
        self.person = Person::Says(answer);
        self
    }

    fn env(mut self, name: &str, value: Option<&str>) -> Self {
        self.env.retain(|(key, _)| key != name);
        self.env.extend(value.map(|value| (name.to_owned(), value.to_owned())));
        self
    }

    fn inputs(&self) -> Inputs {
        Inputs {
            env: self.env.iter().map(|(name, value)| (name.into(), value.into())).collect(),
            dir: self.home.path().to_owned(),
            config: None,
        }
    }

    fn types(&self, line: &[&str]) -> Did {
        let args: Vec<std::ffi::OsString> =
            std::iter::once(&"nexus").chain(line).map(Into::into).collect();
        let lang = language(&args, &self.inputs());
        let cli = match help::parse(args, lang) {
            Ok(cli) => cli,
            Err(why) => {
                let out = Out::memory(lang, false);
                let exit = help::show(&out, &why);
                let (out, err) = out.kept();
                return Did { exit, out, err };
            }
        };
        let ctx = Ctx {
            out: Out::memory(lang, cli.global.json),
            global: cli.global,
            inputs: self.inputs(),
            person: self.person,
            patience: Patience {
                backoff: [5, 10, 20].map(Duration::from_millis).to_vec(),
                watchdog: Duration::from_millis(self.watchdog),
                ..Patience::default()
            },
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let exit = runtime.block_on(async {
            let done = tokio::time::timeout(Duration::from_secs(20), perform(&ctx, cli.verb));
            done.await.expect("the command hangs")
        });
        let (out, err) = ctx.out.kept();
        Did { exit, out, err }
    }
}

#[test]
fn the_language_is_found_before_anything_else() {
    let user = User::new("http://127.0.0.1:1");
    let lang = |user: &User, line: &[&str]| {
        let args: Vec<std::ffi::OsString> = line.iter().map(Into::into).collect();
        language(&args, &user.inputs())
    };
    assert_eq!(lang(&user, &["nexus"]), Lang::En);
    let user = user.env("LANG", Some("ko_KR.UTF-8"));
    assert_eq!(lang(&user, &["nexus"]), Lang::Ko);
    let user = user.env("LC_ALL", Some("C.UTF-8"));
    assert_eq!(lang(&user, &["nexus"]), Lang::En);
    std::fs::write(user.home.path().join(".env"), "NEXUS_LANG=ko\n").unwrap();
    assert_eq!(lang(&user, &["nexus"]), Lang::Ko);
    let user = user.env("NEXUS_LANG", Some("en"));
    assert_eq!(lang(&user, &["nexus"]), Lang::En);
    assert_eq!(lang(&user, &["nexus", "watch", "--lang", "ko"]), Lang::Ko);
    assert_eq!(lang(&user, &["nexus", "--lang=ko", "watch"]), Lang::Ko);
    assert_eq!(lang(&user, &["nexus", "send", "x", "--", "--lang=ko"]), Lang::En);
}
