//! What the assistant says without a model, in English and Korean.

use nexus_core::text::{clip, visible};
use serde_json::Value;

use super::parse::Why;
use super::run::{Run, Step, StepState};

/// The language of a message, and of what is answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lang {
    /// English.
    En,
    /// Korean.
    Ko,
}

impl Lang {
    /// The stable text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ko => "ko",
        }
    }

    /// Reads the stable text.
    pub fn parse(text: &str) -> Self {
        if text == "ko" { Self::Ko } else { Self::En }
    }

    fn pick<'a>(self, en: &'a str, ko: &'a str) -> &'a str {
        match self {
            Self::En => en,
            Self::Ko => ko,
        }
    }
}

/// Most of a result that a line shows, in bytes.
const SHOWN: usize = 600;

const UNDERSTOOD: &str = "\
/youtube <video or words> · next · previous · list · clear · remove <video> · move <video> <n>
/file list [path] · read <path> · write <path> <text> · delete <path>
/share webhook <url> <json or text>
/<command_type> key=value … or /<command_type> {json}
/help";

const UNDERSTOOD_KO: &str = "\
/유튜브 <영상 또는 검색어> · 다음 · 이전 · 목록 · 비우기 · 삭제 <영상> · 이동 <영상> <번호>
/파일 목록 [경로] · 읽기 <경로> · 쓰기 <경로> <내용> · 삭제 <경로>
/공유 웹훅 <URL> <JSON 또는 글>
/<명령 유형> 키=값 … 또는 /<명령 유형> {JSON}
/도움말";

/// What is understood.
pub fn help(lang: Lang) -> String {
    let understood = lang.pick(UNDERSTOOD, UNDERSTOOD_KO);
    match lang {
        Lang::En => format!(
            "Several lines are several steps. What shares, sends or deletes waits for a yes.\n{understood}"
        ),
        Lang::Ko => format!(
            "여러 줄은 여러 단계가 됩니다. 공유·전송·삭제는 승인을 기다립니다.\n{understood}"
        ),
    }
}

/// The answer to a text that is no command.
pub fn plain(lang: Lang) -> String {
    let understood = lang.pick(UNDERSTOOD, UNDERSTOOD_KO);
    match lang {
        Lang::En => {
            format!("I run without a model and understand plain commands only:\n{understood}")
        }
        Lang::Ko => {
            format!("지금은 언어 모델 없이 실행 중이라 정해진 명령만 이해합니다:\n{understood}")
        }
    }
}

/// Why a line of a message cannot be read; nothing was run.
pub fn bad(lang: Lang, line: usize, why: &Why) -> String {
    let why = match (why, lang) {
        (Why::NoCommand, Lang::En) => "it begins with no command".to_owned(),
        (Why::NoCommand, Lang::Ko) => "명령으로 시작하지 않습니다".to_owned(),
        (Why::Unknown(name), Lang::En) => format!("{} is no command; see /help", clip(name, 80)),
        (Why::Unknown(name), Lang::Ko) => {
            format!("{} 명령이 없습니다. /도움말을 보세요", clip(name, 80))
        }
        (Why::Usage(usage), Lang::En) => format!("write it as {usage}"),
        (Why::Usage(usage), Lang::Ko) => format!("이렇게 쓰세요: {usage}"),
        (Why::Json(error), Lang::En) => format!("this is no JSON: {error}"),
        (Why::Json(error), Lang::Ko) => format!("JSON이 아닙니다: {error}"),
    };
    match lang {
        Lang::En => format!("Nothing was run. Line {line}: {why}."),
        Lang::Ko => format!("아무것도 실행하지 않았습니다. {line}번째 줄: {why}."),
    }
}

/// A step that the door would refuse; nothing was run.
pub fn refused(lang: Lang, step: usize, command_type: &str, why: &str) -> String {
    match lang {
        Lang::En => format!("Nothing was run. Step {step} ({command_type}): {why}"),
        Lang::Ko => format!("아무것도 실행하지 않았습니다. {step}단계({command_type}): {why}"),
    }
}

/// More steps than a run may have.
pub fn too_many(lang: Lang, steps: usize, most: usize) -> String {
    match lang {
        Lang::En => format!("Nothing was run. {steps} steps are more than the {most} of a run."),
        Lang::Ko => format!(
            "아무것도 실행하지 않았습니다. {steps}단계는 한 번에 실행할 수 있는 {most}단계를 넘습니다."
        ),
    }
}

/// What will be done.
pub fn plan(lang: Lang, steps: &[Step]) -> String {
    let listed: Vec<String> =
        steps.iter().map(|step| format!("{}. {}", step.number, step.command_type)).collect();
    let (count, listed) = (steps.len(), listed.join(", "));
    match lang {
        Lang::En if count == 1 => format!("Plan: {listed}"),
        Lang::En => format!("Plan of {count} steps: {listed}"),
        Lang::Ko => format!("계획 {count}단계: {listed}"),
    }
}

/// A step stands in a new way that is worth a line.
pub fn step(lang: Lang, step: &Step, result: Option<&str>) -> Option<String> {
    let (n, what) = (step.number, &step.command_type);
    let why = step.error.as_deref().filter(|why| !why.is_empty());
    let code = step.failure_code.as_deref().unwrap_or("");
    Some(match (step.state, lang) {
        (StepState::Waiting, Lang::En) => format!("Step {n} ({what}) waits for a decision."),
        (StepState::Waiting, Lang::Ko) => format!("{n}단계({what})가 승인을 기다립니다."),
        (StepState::Succeeded, _) => {
            let shown = result.and_then(|result| brought(lang, what, result));
            match (shown, lang) {
                (Some(shown), Lang::En) => format!("Step {n} ({what}): {shown}"),
                (Some(shown), Lang::Ko) => format!("{n}단계({what}): {shown}"),
                (None, Lang::En) => format!("Step {n} ({what}) is done."),
                (None, Lang::Ko) => format!("{n}단계({what})를 마쳤습니다."),
            }
        }
        (StepState::Denied, Lang::En) => match why {
            Some(why) => format!("Step {n} ({what}) was denied: {why}"),
            None => format!("Step {n} ({what}) was denied."),
        },
        (StepState::Denied, Lang::Ko) => match why {
            Some(why) => format!("{n}단계({what})가 거절되었습니다: {why}"),
            None => format!("{n}단계({what})가 거절되었습니다."),
        },
        (StepState::Expired, Lang::En) => format!("Nobody decided on step {n} ({what}) in time."),
        (StepState::Expired, Lang::Ko) => {
            format!("{n}단계({what})를 제때 결정한 사람이 없습니다.")
        }
        (StepState::Cancelled, Lang::En) => format!("Step {n} ({what}) was called off."),
        (StepState::Cancelled, Lang::Ko) => format!("{n}단계({what})가 취소되었습니다."),
        (StepState::Failed, Lang::En) => {
            format!("Step {n} ({what}) failed: {code} {}", why.unwrap_or(""))
        }
        (StepState::Failed, Lang::Ko) => {
            format!("{n}단계({what})가 실패했습니다: {code} {}", why.unwrap_or(""))
        }
        (StepState::Planned | StepState::Running | StepState::Skipped, _) => return None,
    })
}

/// What became of a run, in one line.
pub fn summary(lang: Lang, run: &Run, steps: &[Step]) -> String {
    let count = |state| steps.iter().filter(|step| step.state == state).count();
    let (done, all, skipped) =
        (count(StepState::Succeeded), steps.len(), count(StepState::Skipped));
    let end = run.phase.as_str();
    let over_time = run.stopping.as_deref() == Some(super::run::OVER_TIME);
    let how = match (end, lang) {
        ("succeeded", Lang::En) => "Done",
        ("succeeded", Lang::Ko) => "완료",
        ("denied", Lang::En) => "Denied",
        ("denied", Lang::Ko) => "거절됨",
        ("expired", Lang::En) => "Expired",
        ("expired", Lang::Ko) => "승인 시간 초과",
        ("cancelled", Lang::En) => "Cancelled",
        ("cancelled", Lang::Ko) => "취소됨",
        (_, Lang::En) if over_time => "Stopped, because it took longer than a run may",
        (_, Lang::Ko) if over_time => "허용된 시간을 넘겨 중단됨",
        (_, Lang::En) => "Failed",
        (_, Lang::Ko) => "실패",
    };
    match (lang, skipped) {
        (Lang::En, 0) => format!("{how}: {done} of {all} steps succeeded."),
        (Lang::En, _) => format!("{how}: {done} of {all} steps succeeded, {skipped} not run."),
        (Lang::Ko, 0) => format!("{how}: {all}단계 중 {done}단계 성공."),
        (Lang::Ko, _) => {
            format!("{how}: {all}단계 중 {done}단계 성공, {skipped}단계는 실행하지 않음.")
        }
    }
}

/// That a run was paused, goes on, or is being cancelled.
pub fn steered(lang: Lang, command_type: &str) -> &'static str {
    match command_type {
        "autopilot.pause" => lang.pick(
            "Paused; the step that runs goes on.",
            "일시 정지했습니다. 실행 중인 단계는 계속됩니다.",
        ),
        "autopilot.resume" => lang.pick("It goes on.", "다시 진행합니다."),
        _ => lang.pick("It is being cancelled.", "취소하는 중입니다."),
    }
}

/// What a step brought, as a person reads it; nothing where there is nothing to read.
fn brought(lang: Lang, command_type: &str, result: &str) -> Option<String> {
    let result: Value = serde_json::from_str(result).ok()?;
    let text = match command_type {
        "youtube.queue.list" => queue(lang, &result),
        "youtube.search" => hits(lang, &result),
        kind if kind.starts_with("youtube.queue.") => playing(lang, &result),
        "file.read" if result["content"].is_string() => {
            visible(result["content"].as_str().unwrap_or_default())
        }
        "file.list" if result["entries"].is_array() => files(lang, &result),
        "file.write" if result["size"].is_u64() => {
            format!("{}, {} B", visible(result["path"].as_str()?), result["size"])
        }
        "share.webhook" if result["status"].is_u64() => match lang {
            Lang::En => format!("the other side answered {}", result["status"]),
            Lang::Ko => format!("상대가 {}(으)로 응답했습니다", result["status"]),
        },
        _ if result.as_object().is_some_and(serde_json::Map::is_empty) => return None,
        _ => visible(&result.to_string()),
    };
    Some(clip(&text, SHOWN))
}

fn files(lang: Lang, result: &Value) -> String {
    let entries = result["entries"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut text = match lang {
        Lang::En => format!("{} entries", result["total"]),
        Lang::Ko => format!("{}개", result["total"]),
    };
    for entry in entries.iter().take(20) {
        let folder = if entry["kind"] == "folder" { "/" } else { "" };
        text.push_str(&format!(
            "\n{}{folder}",
            visible(entry["name"].as_str().unwrap_or_default())
        ));
    }
    text
}

fn named(item: &Value) -> String {
    let name = item["title"].as_str().or(item["url"].as_str()).unwrap_or_default();
    visible(name)
}

fn playing(lang: Lang, result: &Value) -> String {
    let waits = result["length"].as_u64().unwrap_or(0);
    match (result["now_playing"]["item"].is_object(), lang) {
        (true, Lang::En) => {
            format!("playing {}, {waits} in the queue", named(&result["now_playing"]["item"]))
        }
        (true, Lang::Ko) => {
            format!("재생 중 {}, 대기 {waits}개", named(&result["now_playing"]["item"]))
        }
        (false, Lang::En) => format!("nothing plays, {waits} in the queue"),
        (false, Lang::Ko) => format!("재생 중인 영상 없음, 대기 {waits}개"),
    }
}

fn hits(lang: Lang, result: &Value) -> String {
    let items = result["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut text = match lang {
        Lang::En => format!("{} found", items.len()),
        Lang::Ko => format!("{}개를 찾았습니다", items.len()),
    };
    for (index, item) in items.iter().take(5).enumerate() {
        text.push_str(&format!("\n{}. {}", index + 1, named(item)));
    }
    text
}

fn queue(lang: Lang, result: &Value) -> String {
    let mut text = playing(lang, result);
    let items = result["queue"].as_array().map(Vec::as_slice).unwrap_or_default();
    for (index, item) in items.iter().take(10).enumerate() {
        text.push_str(&format!("\n{}. {}", index + 1, named(item)));
    }
    text
}

/// That a step's task is no longer there.
pub fn gone(lang: Lang) -> &'static str {
    lang.pick("its task is no longer there", "작업을 더 이상 찾을 수 없습니다")
}

/// That a step was to go on with something that an earlier one did not bring.
pub fn nothing(lang: Lang) -> &'static str {
    lang.pick("nothing was found to go on with", "이어서 처리할 결과가 없습니다")
}
