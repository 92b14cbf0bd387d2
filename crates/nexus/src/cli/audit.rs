//! `nexus audit …`

use clap::{Args, Subcommand};
use nexus_core::tenant::Tenant;
use nexus_kit::settings::load::load;
use serde_json::json;

use super::context::{Ctx, Done, Fail};
use super::exit::Exit;
use super::out::{Line, Style};
use super::text;

/// Verbs of the audit chain.
#[derive(Debug, Subcommand)]
pub enum AuditVerb {
    /// Walk the chain in the store and say whether it is whole
    Verify(VerifyArgs),
}

/// `audit verify`
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// One tenant, ORG:PROJECT; all without it
    #[arg(long, value_name = "ORG:PROJECT")]
    pub tenant: Option<String>,
    /// An entry that must be there: its number and hash, as noted elsewhere
    #[arg(long, value_name = "SEQ:HASH", requires = "tenant")]
    pub expect: Option<String>,
    /// TOML file of settings [nexus.toml]
    #[arg(long, value_name = "FILE")]
    pub config: Option<std::path::PathBuf>,
}

/// Does one of them.
pub fn run(ctx: &Ctx, verb: &AuditVerb) -> Done {
    let AuditVerb::Verify(args) = verb;
    let lang = ctx.lang();
    let tenant = args
        .tenant
        .as_deref()
        .map(|text| Tenant::parse(text).map_err(|_| Fail::Usage(text::bad_tenant(lang, text))))
        .transpose()?;
    let expect = args
        .expect
        .as_deref()
        .map(|text| expected(text).ok_or_else(|| Fail::Usage(text::bad_expect(lang, text))))
        .transpose()?;
    let mut inputs = ctx.inputs.clone();
    inputs.config.clone_from(&args.config);
    let settings = load(&inputs)?.settings;
    let verdicts =
        crate::audit_verify(&settings, tenant.as_ref(), expect.as_ref()).map_err(Fail::Other)?;
    let mut exit = Exit::Ok;
    for verdict in verdicts {
        if verdict.broken.is_some() {
            exit = Exit::Failed;
        }
        let head = verdict.head.as_ref().map(|(number, hash)| format!("{number}:{hash}"));
        if ctx.out.json {
            ctx.out.json(&json!({
                "tenant": verdict.tenant, "entries": verdict.entries, "head": head,
                "ok": verdict.broken.is_none(), "broken": verdict.broken,
            }));
            continue;
        }
        let line = match &verdict.broken {
            None => Line::new(Style::Good, text::audit_whole(lang)),
            Some(_) => Line::new(Style::Bad, text::audit_broken(lang)),
        };
        ctx.out.line(
            &line
                .and(Style::Name, verdict.tenant)
                .and(Style::Plain, text::audit_entries(lang, verdict.entries))
                .and(Style::Dim, head.unwrap_or_default())
                .and(Style::Bad, verdict.broken.unwrap_or_default()),
        );
    }
    Ok(exit)
}

fn expected(text: &str) -> Option<(u64, String)> {
    let (number, hash) = text.split_once(':')?;
    let hash = hash.to_ascii_lowercase();
    let hex = hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit());
    hex.then_some(())?;
    Some((number.parse().ok()?, hash))
}
