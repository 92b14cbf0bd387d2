//! `nexus user …`: who belongs to a tenant.

use clap::builder::{NonEmptyStringValueParser, PossibleValuesParser};
use clap::{Args, Subcommand};
use nexus_client::{Api, ApiError, segment};
use nexus_core::role::Role;
use nexus_kit::settings::load::load;
use serde_json::{Value, json};

use super::context::{Ctx, Done, Door, Fail};
use super::exit::Exit;
use super::out::{Line, Style};
use super::render::field;
use super::{table, text};

/// Verbs of users.
#[derive(Debug, Subcommand)]
pub enum UserVerb {
    /// List the members of the tenant of --org and --project
    List,
    /// Invite somebody; whoever has no account yet comes in by the link that is printed
    Add(AddArgs),
    /// Give a member another role
    Role(RoleArgs),
    /// End a membership at once
    Remove(RemoveArgs),
    /// Close an account in all its tenants at once
    Disable(DisableArgs),
    /// Open a closed account again
    Enable(EnableArgs),
    /// Make a one-time link by which a member comes in or sets a new password
    Link(LinkArgs),
    /// Make a one-time link to become admin, on the server's machine
    FirstAdmin(FirstAdminArgs),
}

/// `user add`
#[derive(Debug, Args)]
pub struct AddArgs {
    /// Their e-mail
    #[arg(value_name = "EMAIL", value_parser = NonEmptyStringValueParser::new())]
    pub email: String,
    /// What they may do
    #[arg(long, value_name = "ROLE", value_parser = roles())]
    pub role: String,
    /// What others call them
    #[arg(long, value_name = "TEXT")]
    pub name: Option<String>,
}

/// `user role`
#[derive(Debug, Args)]
pub struct RoleArgs {
    /// Their e-mail or id
    #[arg(value_name = "USER", value_parser = NonEmptyStringValueParser::new())]
    pub user: String,
    /// What they may do
    #[arg(value_name = "ROLE", value_parser = roles())]
    pub role: String,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

/// `user remove`
#[derive(Debug, Args)]
pub struct RemoveArgs {
    /// Their e-mail or id
    #[arg(value_name = "USER", value_parser = NonEmptyStringValueParser::new())]
    pub user: String,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

/// `user disable`
#[derive(Debug, Args)]
pub struct DisableArgs {
    /// Their e-mail or id
    #[arg(value_name = "USER", value_parser = NonEmptyStringValueParser::new())]
    pub user: String,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

/// `user enable`
#[derive(Debug, Args)]
pub struct EnableArgs {
    /// Their e-mail or id
    #[arg(value_name = "USER", value_parser = NonEmptyStringValueParser::new())]
    pub user: String,
}

/// `user link`
#[derive(Debug, Args)]
pub struct LinkArgs {
    /// Their e-mail or id
    #[arg(value_name = "USER", value_parser = NonEmptyStringValueParser::new())]
    pub user: String,
}

/// `user first-admin`
#[derive(Debug, Args)]
pub struct FirstAdminArgs {
    /// TOML file of settings [nexus.toml]
    #[arg(long, value_name = "FILE")]
    pub config: Option<std::path::PathBuf>,
}

fn roles() -> PossibleValuesParser {
    PossibleValuesParser::new(Role::ALL.map(Role::as_str))
}

/// Does one of them.
pub async fn run(ctx: &Ctx, verb: &UserVerb) -> Done {
    match verb {
        UserVerb::List => list(ctx).await,
        UserVerb::Add(args) => add(ctx, args).await,
        UserVerb::Role(args) => role(ctx, args).await,
        UserVerb::Remove(args) => remove(ctx, args).await,
        UserVerb::Disable(args) => disable(ctx, &args.user, true, args.yes).await,
        UserVerb::Enable(args) => disable(ctx, &args.user, false, true).await,
        UserVerb::Link(args) => link(ctx, args).await,
        UserVerb::FirstAdmin(args) => first_admin(ctx, args).await,
    }
}

async fn users(api: &Api) -> Result<Vec<Value>, Fail> {
    match api.get("/users", &[]).await?.get_mut("users").map(Value::take) {
        Some(Value::Array(users)) => Ok(users),
        _ => Err(ApiError::Strange("/users: no users in the answer".to_owned()).into()),
    }
}

/// The id of a member who was named by e-mail or id.
async fn id_of(ctx: &Ctx, api: &Api, user: &str) -> Result<String, Fail> {
    if !user.contains('@') {
        return Ok(user.to_owned());
    }
    let email = user.trim().to_lowercase();
    let found = users(api).await?;
    let found = found.iter().find(|one| field(one, "email") == email);
    found.map(|one| field(one, "user_id").to_owned()).ok_or_else(|| Fail::Stopped {
        exit: Exit::Refused,
        code: "unknown_user",
        detail: text::no_such_member(ctx.lang(), user, api.tenant()),
        hint: None,
    })
}

async fn list(ctx: &Ctx) -> Done {
    let users = users(&ctx.api(Door::Admin)?).await?;
    if ctx.out.json {
        users.iter().for_each(|user| ctx.out.json(user));
        return Ok(Exit::Ok);
    }
    let rows: Vec<Vec<(Style, String)>> = users
        .iter()
        .map(|user| {
            let disabled = user.get("disabled") == Some(&Value::Bool(true));
            let state = if disabled { text::closed_account(ctx.lang()) } else { String::new() };
            vec![
                (Style::Name, field(user, "user_id").to_owned()),
                (Style::Plain, field(user, "email").to_owned()),
                (Style::Plain, field(user, "name").to_owned()),
                (Style::Bold, text::role(ctx.lang(), field(user, "role"))),
                (Style::Dim, ctx.out.moment(field(user, "last_login"))),
                (Style::Warn, state),
            ]
        })
        .collect();
    if rows.is_empty() {
        ctx.note(text::nothing_here(ctx.lang()));
    }
    table::print(&ctx.out, &text::users_heading(ctx.lang()), &rows);
    Ok(Exit::Ok)
}

async fn add(ctx: &Ctx, args: &AddArgs) -> Done {
    let api = ctx.api(Door::Admin)?;
    let mut body = json!({"email": args.email, "role": args.role});
    if let Some(name) = &args.name {
        body["name"] = name.clone().into();
    }
    let mut answer = api.post("/users", &body).await?;
    whole_link(&api, &mut answer);
    if ctx.out.json {
        ctx.out.json(&answer);
        return Ok(Exit::Ok);
    }
    let done = Line::new(Style::Good, text::added(ctx.lang())).and(Style::Name, &*args.email);
    ctx.out.note(&done.and(Style::Bold, text::role(ctx.lang(), &args.role)));
    match field(&answer, "link") {
        "" => ctx.note(text::has_account(ctx.lang())),
        link => show(ctx, link, field(&answer, "expires_at")),
    }
    Ok(Exit::Ok)
}

async fn role(ctx: &Ctx, args: &RoleArgs) -> Done {
    let api = ctx.api(Door::Admin)?;
    let id = id_of(ctx, &api, &args.user).await?;
    let role = text::role(ctx.lang(), &args.role);
    let question = text::role_question(ctx.lang(), &args.user, &role, api.tenant());
    if !ctx.confirm(&question, args.yes).await? {
        ctx.note(text::nothing_sent(ctx.lang()));
        return Ok(Exit::Failed);
    }
    let answer = api.put(&member(&api, &id), Some(&id), &json!({"role": args.role})).await?;
    if ctx.out.json {
        ctx.out.json(&answer);
    } else {
        let done = Line::new(Style::Good, text::changed(ctx.lang())).and(Style::Name, &*args.user);
        ctx.out.line(&done.and(Style::Bold, role));
    }
    Ok(Exit::Ok)
}

async fn remove(ctx: &Ctx, args: &RemoveArgs) -> Done {
    let api = ctx.api(Door::Admin)?;
    let id = id_of(ctx, &api, &args.user).await?;
    let question = text::remove_question(ctx.lang(), &args.user, api.tenant());
    if !ctx.confirm(&question, args.yes).await? {
        ctx.note(text::nothing_sent(ctx.lang()));
        return Ok(Exit::Failed);
    }
    api.delete(&member(&api, &id), &[("confirm", &id)]).await?;
    if ctx.out.json {
        ctx.out.json(&json!({"event": "removed", "user_id": id}));
    } else {
        let done = Line::new(Style::Good, text::removed(ctx.lang()));
        ctx.out.line(&done.and(Style::Name, &*args.user));
    }
    Ok(Exit::Ok)
}

async fn disable(ctx: &Ctx, user: &str, disabled: bool, yes: bool) -> Done {
    let api = ctx.api(Door::Admin)?;
    let id = id_of(ctx, &api, user).await?;
    if !ctx.confirm(&text::disable_question(ctx.lang(), user), yes).await? {
        ctx.note(text::nothing_sent(ctx.lang()));
        return Ok(Exit::Failed);
    }
    let path = format!("/users/{}", segment(&id));
    api.put(&path, Some(&id), &json!({"disabled": disabled})).await?;
    if ctx.out.json {
        let event = if disabled { "disabled" } else { "enabled" };
        ctx.out.json(&json!({"event": event, "user_id": id}));
    } else {
        let lang = ctx.lang();
        let done = if disabled { text::closed_account(lang) } else { text::opened(lang) };
        ctx.out.line(&Line::new(Style::Good, done).and(Style::Name, user));
    }
    Ok(Exit::Ok)
}

async fn link(ctx: &Ctx, args: &LinkArgs) -> Done {
    let api = ctx.api(Door::Admin)?;
    let id = id_of(ctx, &api, &args.user).await?;
    let path = format!("/users/{}/link", segment(&id));
    let mut answer = api.post(&path, &json!({})).await?;
    whole_link(&api, &mut answer);
    if ctx.out.json {
        ctx.out.json(&answer);
    } else {
        show(ctx, field(&answer, "link"), field(&answer, "expires_at"));
    }
    Ok(Exit::Ok)
}

/// Whoever has the machine can always become admin: this asks no server.
async fn first_admin(ctx: &Ctx, args: &FirstAdminArgs) -> Done {
    let mut inputs = ctx.inputs.clone();
    inputs.config.clone_from(&args.config);
    let mut settings = load(&inputs)?.settings;
    settings.store.data_dir = inputs.dir.join(&settings.store.data_dir);
    let path = crate::first_admin(&settings).await.map_err(Fail::Other)?;
    // Where people reach it, if somebody said so; else where it listens.
    let page = match ctx.given_url()? {
        Some(url) => format!("{url}{path}"),
        None => crate::page(settings.http.bind, &path),
    };
    if ctx.out.json {
        ctx.out.json(&json!({"link": page}));
    } else {
        ctx.note(text::first_admin_link(ctx.lang()));
        ctx.out.line(&Line::plain(page));
    }
    Ok(Exit::Ok)
}

fn member(api: &Api, id: &str) -> String {
    let (org, project) = api.tenant().split_once(':').unwrap_or((api.tenant(), ""));
    format!("/tenants/{}/{}/members/{}", segment(org), segment(project), segment(id))
}

/// The server says where on it the page is; the terminal knows where the server is.
fn whole_link(api: &Api, answer: &mut Value) {
    let link = field(answer, "link");
    if link.starts_with('/') {
        let whole = format!("{}{link}", api.base());
        answer["link"] = whole.into();
    }
}

/// The link alone on standard output, so that a script can pass it on; the rest beside it.
fn show(ctx: &Ctx, link: &str, expires_at: &str) {
    ctx.note(text::link_once(ctx.lang(), &ctx.out.moment(expires_at)));
    ctx.out.line(&Line::plain(link));
}
