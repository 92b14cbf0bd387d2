//! Agent `youtube`: what plays and what waits, as state of the tenant, and a search for what to play.
//!
//! The queue is changed in the transaction that ends the task, with the report that shows it, so
//! each command has its effect once however often its attempt is repeated. The view has the whole
//! queue as `youtube/queue` and what plays as `youtube/now_playing`.

mod player;
mod search;
mod sql;
pub mod video;

use std::sync::Arc;
use std::time::Duration;

use nexus_core::failure::FailureCode;
use nexus_core::id::ItemId;
use nexus_core::policy::Risk;
use nexus_core::tenant::Tenant;
use nexus_core::text::clip;
use nexus_kit::app::App;
use nexus_kit::db::Tx;
use nexus_kit::egress::Guard;
use nexus_kit::log::ReportChange;
use nexus_work::agent::{
    Agent, Bound, Failure, Job, ParamError, Performing, Settled, Settling, Supervisor, TypeSpec,
    Unsettled,
};
use serde_json::{Value, json};

use player::{Item, Player, Refused, TITLE_BYTES, Which};
use video::{ACCEPTED, video_id};

/// Longest text that a param takes.
const PARAM_MAX: usize = 2048;

/// Performs `youtube.queue.*` and `youtube.search`.
pub struct Youtube {
    app: App,
    guard: Arc<Guard>,
}

impl Youtube {
    /// Searches only where the guard lets it.
    pub fn new(app: App, guard: Arc<Guard>) -> Self {
        Self { app, guard }
    }
}

impl Agent for Youtube {
    fn name(&self) -> &'static str {
        "youtube"
    }

    fn types(&self) -> Vec<TypeSpec> {
        let which = json!({
            "video_id": {"type": "string", "minLength": 1, "maxLength": PARAM_MAX},
            "item_id": {"type": "string", "minLength": 1, "maxLength": 64},
        });
        let mut moved = which.clone();
        moved["position"] = json!({"type": "integer", "minimum": 1});
        let mut moves = one_of(moved, &["video_id", "item_id"]);
        moves["required"] = json!(["position"]);
        let added = json!({
            "video_id": {"type": "string", "minLength": 1, "maxLength": PARAM_MAX},
            "url": {"type": "string", "minLength": 1, "maxLength": PARAM_MAX},
            "title": {"type": "string", "maxLength": 500},
        });
        let none = || json!({"type": "object", "properties": {}, "additionalProperties": false});
        let spec = |name, title_en, title_ko, params_schema| TypeSpec {
            name,
            risk: Risk::Green,
            floor: false,
            title_en,
            title_ko,
            params_schema,
            target: None,
            timeout: Duration::from_secs(30),
        };
        let query = json!({
            "type": "object",
            "properties": {
                "query": {"type": "string", "minLength": 1, "maxLength": 200},
                "max_results": {"type": "integer", "minimum": 1, "maximum": search::MOST_RESULTS},
                "region": {"type": "string", "pattern": "^[A-Za-z]{2}$"},
                "language": {"type": "string", "pattern": "^[A-Za-z]{2}(-[A-Za-z]{2,4})?$"},
            },
            "required": ["query"],
            "additionalProperties": false,
        });
        vec![
            spec(search::TYPE, "Search YouTube", "유튜브 검색", query),
            spec(
                "youtube.queue.add",
                "Add a video",
                "영상 추가",
                one_of(added, &["video_id", "url"]),
            ),
            spec(
                "youtube.queue.remove",
                "Remove a video from the queue",
                "대기열에서 영상 빼기",
                one_of(which, &["video_id", "item_id"]),
            ),
            spec("youtube.queue.move", "Move a video in the queue", "대기열 순서 바꾸기", moves),
            spec("youtube.queue.list", "Show the queue", "대기열 보기", none()),
            spec("youtube.queue.clear", "Empty the queue", "대기열 비우기", none()),
            spec("youtube.queue.next", "Play the next video", "다음 영상 재생", none()),
            spec("youtube.queue.previous", "Play the previous video", "이전 영상 재생", none()),
        ]
    }

    fn check(&self, _: &Tenant, command_type: &str, params: &Value) -> Result<(), Vec<ParamError>> {
        let add = command_type == "youtube.queue.add";
        for field in ["video_id", "url"] {
            let Some(text) = params.get(field).and_then(Value::as_str) else { continue };
            if video_id(text).is_none() {
                let path = format!("/{field}");
                let code = "not_a_video";
                return Err(vec![ParamError { path, code, message: ACCEPTED.into() }]);
            }
        }
        let named = |field: &str| params.get(field).is_some();
        if add && !named("video_id") && !named("url") {
            let (path, code) = (String::new(), "not_a_video");
            return Err(vec![ParamError { path, code, message: ACCEPTED.into() }]);
        }
        Ok(())
    }

    fn bind(&self, _: &Tenant, _: &str, _: &Value) -> Result<Vec<Bound>, Vec<ParamError>> {
        Ok(Vec::new())
    }

    fn disabled(&self, command_type: &str) -> Option<String> {
        let no_key = self.app.settings.youtube.api_key.is_empty();
        (command_type == search::TYPE && no_key).then(|| search::NO_KEY.to_owned())
    }

    fn settles(&self, command_type: &str) -> bool {
        command_type.starts_with("youtube.queue.")
    }

    fn settle(&self, tx: &mut Tx<'_>, settling: &Settling<'_>) -> Result<Settled, Unsettled> {
        let tenant = &settling.job.tenant;
        let before = sql::load(tx, tenant)?;
        let mut player = before.clone();
        let mut result = act(&mut player, tx, settling)?;
        let mut changes = Vec::new();
        if player != before {
            sql::save(tx, tenant, &player)?;
        }
        if player.queue != before.queue {
            changes.push(ReportChange::upsert("youtube", "queue", &json!({"items": player.queue})));
        }
        if player.now != before.now {
            changes.push(match &player.now {
                Some(now) => ReportChange::upsert("youtube", "now_playing", now),
                None => ReportChange::remove("youtube", "now_playing"),
            });
        }
        result["length"] = json!(player.queue.len());
        result["now_playing"] = json!(player.now);
        Ok(Settled { result, changes, lines: Vec::new() })
    }

    fn perform<'a>(&'a self, job: &'a Job, _: &'a dyn Supervisor) -> Performing<'a> {
        Box::pin(async move {
            if job.command_type == search::TYPE {
                return search::search(&self.app, &self.guard, job).await;
            }
            let message = format!("Agent youtube does not perform {}", job.command_type);
            Err(Failure::new(FailureCode::UnknownTaskType, message))
        })
    }
}

/// A schema that wants exactly one of some fields.
fn one_of(properties: Value, fields: &[&str]) -> Value {
    let each: Vec<Value> = fields.iter().map(|field| json!({"required": [field]})).collect();
    json!({
        "type": "object", "properties": properties, "additionalProperties": false, "oneOf": each,
    })
}

/// Does one command to the player and says what it did.
fn act(player: &mut Player, tx: &Tx<'_>, settling: &Settling<'_>) -> Result<Value, Failure> {
    let now = tx.now();
    let params = &settling.job.params;
    let text = |field: &str| params.get(field).and_then(Value::as_str);
    let video = match text("video_id").or(text("url")) {
        None => None,
        Some(named) => Some(
            video_id(named).ok_or_else(|| Failure::new(FailureCode::InvalidParams, ACCEPTED))?,
        ),
    };
    let which = || match (text("item_id"), &video) {
        (Some(item_id), _) => Ok(Which::Item(item_id)),
        (None, Some(video)) => Ok(Which::Video(video)),
        (None, None) => Err(refused(Refused::NotQueued)),
    };
    match settling.job.command_type.as_str() {
        "youtube.queue.add" => {
            let id =
                video.clone().ok_or_else(|| Failure::new(FailureCode::InvalidParams, ACCEPTED))?;
            let item = Item {
                item_id: ItemId::new(now, &tx.id_entropy()).to_string(),
                url: video::url(&id),
                video_id: id,
                title: text("title").and_then(title),
                added_by: settling.requested_by.to_owned(),
                added_at: now.to_string(),
                task_id: settling.job.task_id.clone(),
            };
            let shown = json!(item);
            let position = player.add(item, now).map_err(refused)?;
            Ok(json!({"item": shown, "position": position}))
        }
        "youtube.queue.remove" => {
            let item = player.remove(which()?).map_err(refused)?;
            Ok(json!({"item": item}))
        }
        "youtube.queue.move" => {
            let position = params["position"].as_u64().unwrap_or(0);
            let item = player.move_to(which()?, position).map_err(refused)?;
            Ok(json!({"item": item, "position": position}))
        }
        "youtube.queue.list" => Ok(json!({"queue": player.queue})),
        "youtube.queue.clear" => Ok(json!({"removed": player.clear()})),
        "youtube.queue.next" => player.next(now).map(|()| json!({})).map_err(refused),
        "youtube.queue.previous" => player.previous(now).map(|()| json!({})).map_err(refused),
        other => Err(Failure::new(
            FailureCode::UnknownTaskType,
            format!("Agent youtube does not perform {other}"),
        )),
    }
}

fn refused(refused: Refused) -> Failure {
    let mut failure = Failure::new(FailureCode::InvalidParams, refused.to_string());
    failure.retryable = Some(false);
    failure
}

/// A title as it is kept: one line, not too long; nothing if nothing is left.
fn title(text: &str) -> Option<String> {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line = clip(line.trim(), TITLE_BYTES);
    (!line.is_empty()).then_some(line)
}
