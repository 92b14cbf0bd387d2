//! `nexus tenant …`

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::context::{Ctx, Done, Door, Who};
use super::exit::Exit;
use super::out::{Line, Style};
use super::render::field;
use super::{table, text};

/// Verbs of tenants.
#[derive(Debug, Subcommand)]
pub enum TenantVerb {
    /// List tenants
    List,
    /// Make a tenant
    Create(CreateArgs),
    /// Stop all execution of the tenant of --org and --project
    Pause(PauseArgs),
    /// Let it go on
    Resume,
}

/// `tenant create`
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// The organisation
    #[arg(value_name = "ORG")]
    pub org_id: String,
    /// The project
    #[arg(value_name = "PROJECT")]
    pub project_id: String,
    /// What people read
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,
}

/// `tenant pause`
#[derive(Debug, Args)]
pub struct PauseArgs {
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

/// Does one of them.
pub async fn run(ctx: &Ctx, verb: &TenantVerb) -> Done {
    let (api, who) = ctx.api_and_who(Door::Admin)?;
    match verb {
        TenantVerb::List if who == Who::Person => {
            // A person sees their own.
            let me = api.get("/me", &[]).await?;
            let own = me.get("memberships").and_then(Value::as_array);
            if ctx.out.json {
                own.into_iter().flatten().for_each(|one| ctx.out.json(one));
            } else {
                super::login::memberships(ctx, &me);
            }
        }
        TenantVerb::List => {
            let tenants = api.all("/tenants", &[]).await?;
            if ctx.out.json {
                tenants.iter().for_each(|tenant| ctx.out.json(tenant));
                return Ok(Exit::Ok);
            }
            let rows: Vec<Vec<(Style, String)>> = tenants
                .iter()
                .map(|tenant| {
                    let since = ctx.out.moment(field(tenant, "paused_at"));
                    let state = match since.as_str() {
                        "" => String::new(),
                        since => text::paused(ctx.lang(), since),
                    };
                    vec![
                        (Style::Name, field(tenant, "org_id").to_owned()),
                        (Style::Name, field(tenant, "project_id").to_owned()),
                        (Style::Plain, field(tenant, "title").to_owned()),
                        (Style::Dim, ctx.out.moment(field(tenant, "created_at"))),
                        (Style::Warn, state),
                    ]
                })
                .collect();
            table::print(&ctx.out, &text::tenants_heading(ctx.lang()), &rows);
        }
        TenantVerb::Create(args) => {
            let mut body = json!({"org_id": args.org_id, "project_id": args.project_id});
            if let Some(title) = &args.title {
                body["title"] = title.clone().into();
            }
            let answer = api.post("/tenants", &body).await?;
            if ctx.out.json {
                ctx.out.json(&answer);
            } else {
                let name = format!("{}:{}", args.org_id, args.project_id);
                ctx.out
                    .line(&Line::new(Style::Good, text::made(ctx.lang())).and(Style::Name, name));
            }
        }
        TenantVerb::Pause(args) => {
            if !ctx.confirm(&text::pause_question(ctx.lang(), api.tenant()), args.yes).await? {
                ctx.note(text::nothing_sent(ctx.lang()));
                return Ok(Exit::Failed);
            }
            api.post("/tenant/pause", &json!({})).await?;
            sent(ctx, "pause", api.tenant());
        }
        TenantVerb::Resume => {
            api.post("/tenant/resume", &json!({})).await?;
            sent(ctx, "resume", api.tenant());
        }
    }
    Ok(Exit::Ok)
}

fn sent(ctx: &Ctx, order: &str, tenant: &str) {
    if ctx.out.json {
        ctx.out.json(&json!({"event": "sent", "order": order, "tenant": tenant}));
    } else {
        ctx.out.line(&Line::new(Style::Good, text::sent(ctx.lang())).and(Style::Name, tenant));
        ctx.note(text::watch_hint(ctx.lang()));
    }
}
