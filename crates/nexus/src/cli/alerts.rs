//! `nexus alerts …`: what was told, to whom, and where alerts go.

use clap::builder::{NonEmptyStringValueParser, PossibleValuesParser};
use clap::{Args, Subcommand};
use nexus_client::segment;
use nexus_core::alert::Event;
use nexus_kit::settings::Lang;
use serde_json::{Value, json};

use super::context::{Ctx, Done, Door, Fail};
use super::exit::Exit;
use super::out::{Line, Style};
use super::render::{self, field};
use super::{table, text};

text::texts! {
    routes_question(tenant: &str, count: usize) = "Ask for these {count} routes in the place of all of {tenant}'s own?", "{tenant} 자체 경로 전부를 이 {count}개로 바꾸도록 요청할까요?";
    secret_question(route: &str) = "Make a new signing secret for {route}? The one before signs for one more day.", "{route}의 새 서명 비밀 값을 만들까요? 이전 값은 하루 더 함께 서명합니다.";
    no_routes() = "needs a JSON list of routes, or an object with routes", "경로의 JSON 목록, 또는 routes가 있는 객체가 필요합니다";
    secret_made(route: &str) = "{route}: this secret is shown only now", "{route}: 이 비밀 값은 지금 한 번만 표시됩니다";
    nowhere() = "no route takes alerts of this tenant; docs/alerts.md says how to make one", "이 테넌트의 알림을 받는 경로가 없습니다. docs/alerts.md를 참고해 만드세요";
    delivered() = "delivered", "전송됨";
    not_delivered() = "not delivered", "전송되지 않음";
    routes_hint() = "it is RED: a person approves it (nexus asks), then `nexus alerts test` tries it", "RED이므로 사람이 승인해야 합니다(nexus asks). 그 뒤 `nexus alerts test`로 시험하세요";
}

text::headings! {
    alerts_heading[6] = ["ALERT", "LAST", "SEVERITY", "EVENT", "COUNT", "TEXT"], ["알림", "마지막", "심각도", "이벤트", "횟수", "내용"];
    deliveries_heading[7] = ["DELIVERY", "ROUTE", "CHANNEL", "STATE", "ATTEMPTS", "STATUS", "ERROR"], ["전송", "경로", "채널", "상태", "시도", "응답", "오류"];
    routes_heading[6] = ["ROUTE", "OF", "CHANNEL", "TO", "EVENTS", "FROM"], ["경로", "소유", "채널", "대상", "이벤트", "최소 심각도"];
}

/// Verbs of alerts.
#[derive(Debug, Subcommand)]
pub enum AlertsVerb {
    /// List alerts, newest first
    List(ListArgs),
    /// Show one alert and what became of its messages
    Show(ShowArgs),
    /// List messages, newest first
    Deliveries(DeliveriesArgs),
    /// Send a test and say what happened
    Test(TestArgs),
    /// List where alerts go, or ask for other routes of the tenant's own
    Routes(RoutesArgs),
}

/// `alerts list`
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Alerts of this event
    #[arg(long, value_name = "EVENT", hide_possible_values = true,
        value_parser = PossibleValuesParser::new(Event::ALL.iter().map(|event| event.as_str())))]
    pub event: Option<String>,
    /// Alerts of this severity
    #[arg(long, value_name = "SEVERITY",
        value_parser = PossibleValuesParser::new(["info", "warning", "critical"]))]
    pub severity: Option<String>,
    /// Those of the platform instead of a tenant's
    #[arg(long)]
    pub platform: bool,
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: usize,
}

/// `alerts show`
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The alert
    #[arg(value_name = "ALERT_ID", value_parser = NonEmptyStringValueParser::new())]
    pub alert_id: String,
}

/// `alerts deliveries`
#[derive(Debug, Args)]
pub struct DeliveriesArgs {
    /// Messages in this state
    #[arg(long, value_name = "STATE",
        value_parser = PossibleValuesParser::new(["pending", "sent", "failed", "dropped"]))]
    pub state: Option<String>,
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: usize,
}

/// `alerts test`
#[derive(Debug, Args)]
pub struct TestArgs {
    /// Only this route
    #[arg(value_name = "ROUTE")]
    pub route: Option<String>,
}

/// `alerts routes`
#[derive(Debug, Args)]
pub struct RoutesArgs {
    /// Ask for the routes of this JSON file instead of the tenant's own; - for standard input
    #[arg(long, value_name = "FILE", conflicts_with = "secret")]
    pub set: Option<String>,
    /// Make a new signing secret for this webhook of the tenant's own
    #[arg(long, value_name = "ROUTE")]
    pub secret: Option<String>,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

/// Does one of them.
pub async fn run(ctx: &Ctx, verb: &AlertsVerb) -> Done {
    match verb {
        AlertsVerb::List(args) => list(ctx, args).await,
        AlertsVerb::Show(args) => show(ctx, args).await,
        AlertsVerb::Deliveries(args) => deliveries(ctx, args).await,
        AlertsVerb::Test(args) => test(ctx, args).await,
        AlertsVerb::Routes(RoutesArgs { set: Some(file), yes, .. }) => set(ctx, file, *yes).await,
        AlertsVerb::Routes(RoutesArgs { secret: Some(route), yes, .. }) => {
            secret(ctx, route, *yes).await
        }
        AlertsVerb::Routes(_) => routes(ctx).await,
    }
}

/// The field in the reader's language.
fn said<'a>(ctx: &Ctx, value: &'a Value, name: &str) -> &'a str {
    match ctx.lang() {
        Lang::En => field(value, name),
        Lang::Ko => field(value, &format!("{name}_ko")),
    }
}

fn severity(text: &str) -> Style {
    match text {
        "critical" => Style::Bad,
        "warning" => Style::Warn,
        _ => Style::Plain,
    }
}

fn state(text: &str) -> Style {
    match text {
        "sent" => Style::Good,
        "failed" => Style::Bad,
        _ => Style::Warn,
    }
}

async fn list(ctx: &Ctx, args: &ListArgs) -> Done {
    let query: Vec<(&str, &str)> = [("event", &args.event), ("severity", &args.severity)]
        .iter()
        .filter_map(|(name, value)| value.as_deref().map(|value| (*name, value)))
        .collect();
    let alerts = if args.platform {
        ctx.api(Door::Admin)?.list("/platform/alerts", &query, args.limit).await?
    } else {
        ctx.api(Door::Service)?.list("/alerts", &query, args.limit).await?
    };
    if ctx.out.json {
        alerts.iter().for_each(|alert| ctx.out.json(alert));
        return Ok(Exit::Ok);
    }
    if alerts.is_empty() {
        ctx.note(text::nothing_here(ctx.lang()));
    }
    let rows: Vec<Vec<(Style, String)>> = alerts
        .iter()
        .map(|alert| {
            let how = field(alert, "severity");
            vec![
                (Style::Name, field(alert, "alert_id").to_owned()),
                (Style::Dim, ctx.out.moment(field(alert, "last_at"))),
                (severity(how), how.to_owned()),
                (Style::Plain, field(alert, "event").to_owned()),
                (Style::Plain, render::plain(alert, "count")),
                (Style::Plain, said(ctx, alert, "text").to_owned()),
            ]
        })
        .collect();
    table::print(&ctx.out, &alerts_heading(ctx.lang()), &rows);
    Ok(Exit::Ok)
}

async fn show(ctx: &Ctx, args: &ShowArgs) -> Done {
    let path = format!("/alerts/{}", segment(&args.alert_id));
    let alert = ctx.api(Door::Service)?.get(&path, &[]).await?;
    if ctx.out.json {
        ctx.out.json(&alert);
        return Ok(Exit::Ok);
    }
    let how = field(&alert, "severity");
    let head = Line::new(Style::Name, field(&alert, "alert_id")).and(severity(how), how);
    ctx.out.line(&head.and(Style::Bold, said(ctx, &alert, "title")));
    ctx.out.line(&Line::plain(format!("  {}", said(ctx, &alert, "text"))));
    for fact in alert["facts"].as_array().into_iter().flatten() {
        let label = format!("  {}:", said(ctx, fact, "name"));
        ctx.out.line(&Line::new(Style::Dim, label).and(Style::Plain, field(fact, "value")));
    }
    ctx.out.line(&Line::new(Style::Dim, format!("  {}", said(ctx, &alert, "advice"))));
    messages(ctx, alert["messages"].as_array().map_or(&[][..], Vec::as_slice));
    let code = field(&alert, "failure_code");
    if !code.is_empty() {
        ctx.note(text::runbook_hint(ctx.lang(), code));
    }
    Ok(Exit::Ok)
}

fn messages(ctx: &Ctx, messages: &[Value]) {
    let rows: Vec<Vec<(Style, String)>> = messages
        .iter()
        .map(|one| {
            let how = field(one, "state");
            vec![
                (Style::Name, field(one, "delivery_id").to_owned()),
                (Style::Plain, field(one, "route").to_owned()),
                (Style::Plain, field(one, "channel").to_owned()),
                (state(how), how.to_owned()),
                (Style::Plain, render::plain(one, "attempts")),
                (Style::Plain, render::plain(one, "status")),
                (Style::Bad, field(one, "error").to_owned()),
            ]
        })
        .collect();
    table::print(&ctx.out, &deliveries_heading(ctx.lang()), &rows);
}

async fn deliveries(ctx: &Ctx, args: &DeliveriesArgs) -> Done {
    let query: Vec<(&str, &str)> =
        args.state.iter().map(|state| ("state", state.as_str())).collect();
    let found = ctx.api(Door::Service)?.list("/alerts/deliveries", &query, args.limit).await?;
    if ctx.out.json {
        found.iter().for_each(|one| ctx.out.json(one));
        return Ok(Exit::Ok);
    }
    if found.is_empty() {
        ctx.note(text::nothing_here(ctx.lang()));
    }
    messages(ctx, &found);
    Ok(Exit::Ok)
}

/// Ends well only where every destination took it: a script can ask whether alerts arrive.
async fn test(ctx: &Ctx, args: &TestArgs) -> Done {
    let mut body = json!({});
    if let Some(route) = &args.route {
        body["route"] = route.as_str().into();
    }
    let answer = ctx.api(Door::Admin)?.post("/alerts/test", &body).await?;
    let delivered = answer["delivered"] == true;
    if ctx.out.json {
        ctx.out.json(&answer);
    } else {
        let found = answer["deliveries"].as_array().map_or(&[][..], Vec::as_slice);
        messages(ctx, found);
        if found.is_empty() {
            ctx.note(nowhere(ctx.lang()));
        } else if delivered {
            ctx.out.line(&Line::new(Style::Good, self::delivered(ctx.lang())));
        } else {
            ctx.out.line(&Line::new(Style::Bad, not_delivered(ctx.lang())));
        }
    }
    Ok(if delivered { Exit::Ok } else { Exit::Failed })
}

async fn routes(ctx: &Ctx) -> Done {
    let answer = ctx.api(Door::Admin)?.get("/alerts/routes", &[]).await?;
    let routes = answer["items"].as_array().map_or(&[][..], Vec::as_slice);
    if ctx.out.json {
        routes.iter().for_each(|route| ctx.out.json(route));
        return Ok(Exit::Ok);
    }
    if routes.is_empty() {
        ctx.note(nowhere(ctx.lang()));
    }
    let rows: Vec<Vec<(Style, String)>> = routes
        .iter()
        .map(|route| {
            let events = route["events"].as_array().into_iter().flatten();
            let events: Vec<&str> = events.filter_map(Value::as_str).collect();
            vec![
                (Style::Name, field(route, "name").to_owned()),
                (Style::Plain, field(route, "of").to_owned()),
                (Style::Plain, field(route, "channel").to_owned()),
                (Style::Plain, field(route, "to").to_owned()),
                (Style::Plain, events.join(", ")),
                (Style::Plain, field(route, "severity").to_owned()),
            ]
        })
        .collect();
    table::print(&ctx.out, &routes_heading(ctx.lang()), &rows);
    Ok(Exit::Ok)
}

async fn set(ctx: &Ctx, file: &str, yes: bool) -> Done {
    let source = if file == "-" { "-".to_owned() } else { format!("@{file}") };
    let routes = match ctx.json_argument(&source)? {
        list @ Value::Array(_) => list,
        Value::Object(mut object) => match object.remove("routes") {
            Some(list @ Value::Array(_)) => list,
            _ => return Err(Fail::Usage(no_routes(ctx.lang()))),
        },
        _ => return Err(Fail::Usage(no_routes(ctx.lang()))),
    };
    let count = routes.as_array().map_or(0, Vec::len);
    let api = ctx.api(Door::Admin)?;
    if !ctx.confirm(&routes_question(ctx.lang(), api.tenant(), count), yes).await? {
        ctx.note(text::nothing_sent(ctx.lang()));
        return Ok(Exit::Failed);
    }
    let answer = api.put("/alerts/routes", None, &json!({"routes": routes})).await?;
    if ctx.out.json {
        ctx.out.json(&answer);
    } else {
        let done = Line::new(Style::Good, text::accepted(ctx.lang()));
        ctx.out.line(&done.and(Style::Name, field(&answer, "task_id")));
        ctx.note(routes_hint(ctx.lang()));
    }
    Ok(Exit::Ok)
}

async fn secret(ctx: &Ctx, route: &str, yes: bool) -> Done {
    let api = ctx.api(Door::Admin)?;
    if !ctx.confirm(&secret_question(ctx.lang(), route), yes).await? {
        ctx.note(text::nothing_sent(ctx.lang()));
        return Ok(Exit::Failed);
    }
    let path = format!("/alerts/routes/{}/secret", segment(route));
    let answer = api.post(&path, &json!({})).await?;
    if ctx.out.json {
        ctx.out.json(&answer);
    } else {
        // Alone on standard output, so that it can be piped where it belongs.
        ctx.note(secret_made(ctx.lang(), route));
        ctx.out.line(&Line::plain(field(&answer, "secret")));
    }
    Ok(Exit::Ok)
}
