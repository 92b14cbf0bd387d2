//! `nexus watch`: the stream in a terminal.

use clap::Args;
use nexus_client::{ApiError, Follower, Happening, Message};
use serde_json::{Value, json};

use super::context::{Ctx, Done, Door, Fail};
use super::exit::Exit;
use super::{render, text};

/// `watch`
#[derive(Debug, Args)]
pub struct WatchArgs {
    /// Begin after this report
    #[arg(long, value_name = "CURSOR")]
    pub since: Option<String>,
}

/// Watches until Ctrl-C, or until the server says not to come back.
pub async fn run(ctx: &Ctx, args: &WatchArgs) -> Done {
    let api = ctx.api(Door::Service)?;
    let lang = ctx.lang();
    let mut stream = Follower::new(api, args.since.clone(), ctx.patience.clone());
    let mut stood = false;
    let mut said = render::Said::default();
    loop {
        // Whoever read this went away, as `head` does.
        if ctx.out.closed() {
            return Ok(Exit::Ok);
        }
        let Some(happening) = stream.next().await? else { return Ok(Exit::Ok) };
        if let Happening::Lost { why, error, .. } = &happening
            && !stood
        {
            // A server that never answered is more likely a wrong address than a short absence.
            let error = error.as_deref().cloned();
            return Err(Fail::Api(error.unwrap_or_else(|| ApiError::Unreachable(why.clone()))));
        }
        match happening {
            Happening::Snapshot(Message { data: snapshot, .. }) => {
                stood = true;
                let reason = render::field(&snapshot, "reason");
                if ctx.out.json {
                    ctx.out.json(&json!({"event": "snapshot", "snapshot": snapshot}));
                } else {
                    if !matches!(reason, "" | "initial") {
                        ctx.note(text::fresh_start(lang, reason));
                    }
                    ctx.note(opening(ctx, &snapshot));
                }
            }
            Happening::Resumed => {
                stood = true;
                if !ctx.out.json {
                    ctx.note(text::resumed(lang, stream.cursor().unwrap_or_default()));
                }
            }
            Happening::Report(Message { data: report, .. }) => {
                stood = true;
                if ctx.out.json {
                    ctx.out.json(&json!({"event": "report", "report": report}));
                    continue;
                }
                for change in report.get("changes").and_then(Value::as_array).into_iter().flatten()
                {
                    if said.is_new(change) {
                        ctx.out.line(&render::change(&ctx.out, &report, change, false));
                    }
                }
            }
            Happening::Bye { reason, reconnect, .. } => {
                if ctx.out.json {
                    ctx.out
                        .json(&json!({"event": "bye", "reason": reason, "reconnect": reconnect}));
                } else if reconnect {
                    ctx.note(text::bye(lang, &reason));
                } else {
                    ctx.warn(&text::bye_for_good(lang, &reason));
                }
                if !reconnect {
                    // Only a newer stream of the same session is a friendly end.
                    return Ok(if reason == "superseded" { Exit::Ok } else { Exit::Refused });
                }
            }
            Happening::Lost { why, wait, .. } => {
                ctx.note(text::lost(lang, &why, wait.as_secs()));
            }
        }
    }
}

fn opening(ctx: &Ctx, snapshot: &Value) -> String {
    let items = |name: &str| {
        snapshot.pointer(&format!("/view/{name}")).and_then(Value::as_object).into_iter().flatten()
    };
    let running = items("tasks").filter(|(_, task)| task.get("done") != Some(&Value::Bool(true)));
    let pending = items("asks").filter(|(_, ask)| render::field(ask, "status") == "pending");
    text::watching(
        ctx.lang(),
        &render::plain(snapshot, "tenant"),
        render::field(snapshot, "cursor"),
        running.count(),
        pending.count(),
    )
}
