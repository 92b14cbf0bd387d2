//! `nexus login`, `nexus logout`, `nexus whoami`: the person at the terminal.

use std::io::{BufRead as _, IsTerminal as _};

use clap::Args;
use nexus_kit::settings::Secret;
use serde_json::{Value, json};

use super::context::{Ctx, Done, Door, Fail, Who};
use super::exit::Exit;
use super::out::{Line, Style};
use super::render::field;
use super::session::Kept;
use super::{table, text};

/// `login`
#[derive(Debug, Args)]
pub struct LoginArgs {
    /// The account; asked for without it
    #[arg(long, value_name = "EMAIL")]
    pub email: Option<String>,
    /// Read the password from the first line of standard input
    #[arg(long)]
    pub password_stdin: bool,
}

/// Signs in and keeps the session.
pub async fn login(ctx: &Ctx, args: &LoginArgs) -> Done {
    let lang = ctx.lang();
    let api = ctx.api_without_key()?;
    let sessions = ctx.sessions()?;
    let email = match &args.email {
        Some(email) => email.clone(),
        None => ctx.ask(&text::email_question(lang), false).await?,
    };
    let password = match args.password_stdin {
        true => first_line()?,
        false => ctx.ask(&text::password_question(lang), true).await?,
    };
    let body = json!({"email": email.trim(), "password": password});
    let signed = api.post("/auth/login", &body).await?;
    let token = Secret::new(field(&signed, "access_token"));
    if token.is_empty() {
        return Err(Fail::Other(text::strange(lang, "no access_token")));
    }
    let email = field(&signed["user"], "email").to_owned();
    sessions.put(api.origin(), &Kept { email: email.clone(), token }).map_err(|why| {
        let path = sessions.path().display().to_string();
        Fail::Other(text::session_not_kept(lang, &path, &why.to_string()))
    })?;
    if ctx.out.json {
        let mut shown = signed;
        // What proves the session is in its file, not in what a script may log.
        if let Some(members) = shown.as_object_mut() {
            members.remove("access_token");
            members.remove("csrf_token");
        }
        ctx.out.json(&shown);
        return Ok(Exit::Ok);
    }
    ctx.out.line(&Line::new(Style::Good, text::signed_in(lang)).and(Style::Name, email));
    memberships(ctx, &signed);
    if let Some(name) = ctx.given_key()? {
        ctx.warn(&text::key_goes_first(lang, name));
    }
    Ok(Exit::Ok)
}

fn first_line() -> Result<String, Fail> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(|why| Fail::Other(why.to_string()))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// Ends the session, on the server first.
pub async fn logout(ctx: &Ctx) -> Done {
    let lang = ctx.lang();
    let (api, sessions) = (ctx.api_of_session()?, ctx.sessions()?);
    match api.post("/auth/logout", &json!({})).await {
        Ok(_) => {}
        // It had ended by itself.
        Err(error) if error.refusal().is_some_and(|refusal| refusal.status == 401) => {}
        Err(error) => return Err(error.into()),
    }
    sessions.forget(api.origin()).map_err(|why| {
        let path = sessions.path().display().to_string();
        Fail::Other(text::session_not_kept(lang, &path, &why.to_string()))
    })?;
    if ctx.out.json {
        ctx.out.json(&json!({"event": "signed_out"}));
    } else {
        ctx.out.line(&Line::new(Style::Good, text::signed_out(lang)));
    }
    Ok(Exit::Ok)
}

/// Says by what the verbs of this terminal act, and as whom.
pub async fn whoami(ctx: &Ctx) -> Done {
    let lang = ctx.lang();
    let (api, who) = ctx.api_and_who(Door::Service)?;
    let Who::Person = who else {
        let (key, as_whom) = match who {
            Who::File => ("--key-file", text::a_key(lang)),
            Who::Admin => ("ADMIN_API_KEY", text::platform_admin(lang)),
            Who::Service | Who::Person => ("NEXUS_API_KEY", text::a_program(lang)),
        };
        if ctx.out.json {
            ctx.out.json(&json!({"key": key}));
        } else {
            ctx.out.line(&Line::new(Style::Name, key).and(Style::Plain, as_whom));
        }
        return Ok(Exit::Ok);
    };
    let me = api.get("/me", &[]).await?;
    if ctx.out.json {
        ctx.out.json(&json!({
            "user": me["user"], "session": me["session"], "memberships": me["memberships"],
        }));
        return Ok(Exit::Ok);
    }
    let user = &me["user"];
    ctx.out.line(
        &Line::new(Style::Bold, field(user, "name"))
            .and(Style::Name, field(user, "email"))
            .and(Style::Dim, field(user, "user_id"))
            .and(
                Style::Dim,
                text::until(lang, &ctx.out.moment(field(&me["session"], "expires_at"))),
            ),
    );
    memberships(ctx, &me);
    Ok(Exit::Ok)
}

/// The tenants of a person, with what they may do there.
pub fn memberships(ctx: &Ctx, signed: &Value) {
    let all = signed.get("memberships").and_then(Value::as_array);
    let rows: Vec<Vec<(Style, String)>> = all
        .into_iter()
        .flatten()
        .map(|one| {
            let paused = one.get("paused") == Some(&Value::Bool(true));
            let state = if paused { text::standing_still(ctx.lang()) } else { String::new() };
            vec![
                (Style::Name, field(one, "org_id").to_owned()),
                (Style::Name, field(one, "project_id").to_owned()),
                (Style::Plain, field(one, "title").to_owned()),
                (Style::Bold, text::role(ctx.lang(), field(one, "role"))),
                (Style::Warn, state),
            ]
        })
        .collect();
    if rows.is_empty() {
        ctx.note(text::member_of_nothing(ctx.lang()));
    }
    table::print(&ctx.out, &text::memberships_heading(ctx.lang()), &rows);
}

/// Reads a line from the terminal; a hidden one is not shown while it is typed.
pub(super) fn read_line(hidden: bool) -> std::io::Result<String> {
    let mut stdin = std::io::stdin().lock();
    let quiet = if hidden && stdin.is_terminal() { Some(Quiet::begin()?) } else { None };
    let mut line = String::new();
    let read = stdin.read_line(&mut line);
    drop(quiet);
    read?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// The terminal without echo, until this is dropped.
struct Quiet(rustix::termios::Termios);

impl Quiet {
    fn begin() -> std::io::Result<Self> {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let before = tcgetattr(std::io::stdin())?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        quiet.local_modes.insert(LocalModes::ECHONL);
        tcsetattr(std::io::stdin(), OptionalActions::Flush, &quiet)?;
        Ok(Self(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        use rustix::termios::{OptionalActions, tcsetattr};
        // Nothing else can be done for a terminal that is gone.
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &self.0);
    }
}
