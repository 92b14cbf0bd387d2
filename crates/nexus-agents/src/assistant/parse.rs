//! Reading a message without a model: plain commands in English and Korean, one to a line.

use serde_json::{Map, Value, json};

use super::words::Lang;
use crate::youtube::video::names_a_video;

/// What a message asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Parsed {
    /// To be told what is understood.
    Help,
    /// Nothing that is understood without a model.
    Plain,
    /// These, one after the other.
    Steps(Vec<Draft>),
    /// A line that cannot be read: which, from 1, and why.
    Bad(usize, Why),
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Draft {
    /// A command. `texts` says that params came as `key=value` and are read by the type's schema.
    Command {
        /// `file.read`.
        command_type: String,
        /// Its params.
        params: Value,
        /// Whether params are texts whose kind the schema tells.
        texts: bool,
    },
    /// To search YouTube and queue the first hit.
    Search(String),
}

/// Why a line cannot be read.
#[derive(Clone, Debug, PartialEq)]
pub enum Why {
    /// It begins with no command although others do.
    NoCommand,
    /// This command is not known.
    Unknown(String),
    /// The command lacks something; this is how it is written.
    Usage(&'static str),
    /// The text after the command is no JSON: what is wrong.
    Json(String),
}

/// Whether a text is Korean.
pub fn language(text: &str) -> Lang {
    let hangul = |c: char| matches!(c, '\u{1100}'..='\u{11ff}' | '\u{3130}'..='\u{318f}' | '\u{ac00}'..='\u{d7a3}');
    if text.chars().any(hangul) { Lang::Ko } else { Lang::En }
}

/// Reads a message.
pub fn parse(text: &str) -> Parsed {
    let lines: Vec<&str> = text.lines().collect();
    let begins = |line: &str| line.trim_start().starts_with('/');
    if !lines.iter().any(|line| begins(line)) {
        return Parsed::Plain;
    }
    let mut steps = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let number = at + 1;
        let line = lines[at].trim();
        at += 1;
        if line.is_empty() {
            continue;
        }
        if !line.starts_with('/') {
            return Parsed::Bad(number, Why::NoCommand);
        }
        // What has a text or JSON at its end takes the lines up to the next command with it.
        let mut whole = line.to_owned();
        if takes_lines(line) {
            while at < lines.len() && !begins(lines[at]) {
                whole.push('\n');
                whole.push_str(lines[at]);
                at += 1;
            }
        }
        match command(whole.trim_end()) {
            Ok(None) => return Parsed::Help,
            Ok(Some(draft)) => steps.push(draft),
            Err(why) => return Parsed::Bad(number, why),
        }
    }
    Parsed::Steps(steps)
}

/// The first word and what follows it.
fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    match text.split_once(char::is_whitespace) {
        Some((first, rest)) => (first, rest.trim_start()),
        None => (text, ""),
    }
}

/// A path or other name, which may stand in quotes, and what follows it.
fn name(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    if let Some(quoted) = text.strip_prefix('"')
        && let Some((name, rest)) = quoted.split_once('"')
    {
        return (name, rest.trim_start());
    }
    word(text)
}

fn takes_lines(line: &str) -> bool {
    let (first, rest) = word(&line[1..]);
    let (second, _) = word(rest);
    match first {
        "share" | "공유" => true,
        "file" | "파일" => matches!(second, "write" | "쓰기" | "저장"),
        _ => first.contains('.'),
    }
}

fn known(command_type: &str, params: Value) -> Result<Option<Draft>, Why> {
    let command_type = command_type.to_owned();
    Ok(Some(Draft::Command { command_type, params, texts: false }))
}

/// Reads one command; nothing for `/help`.
fn command(line: &str) -> Result<Option<Draft>, Why> {
    let (first, rest) = word(&line[1..]);
    match first {
        "help" | "?" | "도움말" | "도움" => Ok(None),
        "youtube" | "yt" | "유튜브" => youtube(rest),
        "share" | "공유" => share(rest),
        "file" | "files" | "파일" => file(rest),
        typed if is_type(typed) => any(typed, rest),
        other => Err(Why::Unknown(format!("/{other}"))),
    }
}

const YOUTUBE: &str = "/youtube 재즈 · /youtube https://youtu.be/… · /youtube \
    next|previous|list|clear · /youtube remove <video> · /youtube move <video> <position>";

fn youtube(rest: &str) -> Result<Option<Draft>, Why> {
    let (verb, tail) = word(rest);
    let alone = |command_type| {
        if tail.is_empty() { known(command_type, json!({})) } else { Err(Why::Usage(YOUTUBE)) }
    };
    match verb {
        "" => Err(Why::Usage(YOUTUBE)),
        "next" | "skip" | "다음" => alone("youtube.queue.next"),
        "previous" | "prev" | "이전" => alone("youtube.queue.previous"),
        "list" | "queue" | "목록" | "대기열" => alone("youtube.queue.list"),
        "clear" | "비우기" => alone("youtube.queue.clear"),
        "remove" | "삭제" | "제거" | "빼기" => match word(tail) {
            (video, "") if !video.is_empty() => {
                known("youtube.queue.remove", json!({"video_id": video}))
            }
            _ => Err(Why::Usage("/youtube remove <video>")),
        },
        "move" | "이동" => {
            let (video, position) = word(tail);
            match position.parse::<u32>() {
                Ok(position) => {
                    known("youtube.queue.move", json!({"video_id": video, "position": position}))
                }
                Err(_) => Err(Why::Usage("/youtube move <video> <position>")),
            }
        }
        "add" | "추가" if !tail.is_empty() => {
            let (video, title) = word(tail);
            known("youtube.queue.add", add(video, title))
        }
        "search" | "검색" if !tail.is_empty() => known("youtube.search", json!({"query": tail})),
        video if names_a_video(video) => known("youtube.queue.add", add(video, tail)),
        _ => Ok(Some(Draft::Search(rest.to_owned()))),
    }
}

fn add(video: &str, title: &str) -> Value {
    match title {
        "" => json!({"video_id": video}),
        title => json!({"video_id": video, "title": title}),
    }
}

fn share(rest: &str) -> Result<Option<Draft>, Why> {
    const USAGE: &str = "/share webhook <url> <json or text>";
    let (verb, tail) = word(rest);
    let (url, payload) = word(tail);
    if !matches!(verb, "webhook" | "웹훅") || url.is_empty() || payload.is_empty() {
        return Err(Why::Usage(USAGE));
    }
    // What begins as JSON is meant as JSON: a slip in it is not sent as a text.
    let payload = match payload.as_bytes()[0] {
        b'{' | b'[' | b'"' => json_of(payload)?,
        _ => Value::from(payload),
    };
    known("share.webhook", json!({"url": url, "payload": payload}))
}

fn file(rest: &str) -> Result<Option<Draft>, Why> {
    const USAGE: &str =
        "/file list [path] · /file read <path> · /file write <path> <text> · /file delete <path>";
    let (verb, tail) = word(rest);
    let (path, content) = name(tail);
    let only = content.is_empty();
    match verb {
        "list" | "목록" if path.is_empty() => known("file.list", json!({})),
        "list" | "목록" if only => known("file.list", json!({"path": path})),
        "read" | "읽기" if !path.is_empty() && only => known("file.read", json!({"path": path})),
        "write" | "쓰기" | "저장" if !path.is_empty() && !only => {
            known("file.write", json!({"path": path, "content": content}))
        }
        "delete" | "삭제" if !path.is_empty() && only => {
            known("file.delete", json!({"path": path}))
        }
        _ => Err(Why::Usage(USAGE)),
    }
}

/// Whether a word is the name of a command type.
fn is_type(word: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    word.len() <= 64 && word.contains('.') && word.split('.').all(part)
}

/// `/type {json}` or `/type key=value key="two words"`.
fn any(command_type: &str, rest: &str) -> Result<Option<Draft>, Why> {
    let command_type = command_type.to_owned();
    if rest.starts_with('{') {
        let params = json_of(rest)?;
        return Ok(Some(Draft::Command { command_type, params, texts: false }));
    }
    const USAGE: &str = "/<command_type> key=value key=\"two words\" · /<command_type> {json}";
    let mut params = Map::new();
    let mut rest = rest;
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=').ok_or(Why::Usage(USAGE))?;
        if key.is_empty() || key.contains(|c: char| c.is_whitespace() || c == '"') {
            return Err(Why::Usage(USAGE));
        }
        let (value, tail) = name(after);
        if after.starts_with(char::is_whitespace) || params.contains_key(key) {
            return Err(Why::Usage(USAGE));
        }
        params.insert(key.to_owned(), Value::from(value));
        rest = tail;
    }
    Ok(Some(Draft::Command { command_type, params: Value::Object(params), texts: true }))
}

fn json_of(text: &str) -> Result<Value, Why> {
    nexus_core::json::parse(text.as_bytes()).map_err(|error| Why::Json(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> (String, Value) {
        match parse(text) {
            Parsed::Steps(mut steps) if steps.len() == 1 => match steps.remove(0) {
                Draft::Command { command_type, params, .. } => (command_type, params),
                Draft::Search(query) => ("search".to_owned(), json!(query)),
            },
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn commands_read_in_english_and_in_korean() {
        for (texts, command_type, params) in [
            (&["/youtube next", "/유튜브 다음", " /yt skip "][..], "youtube.queue.next", json!({})),
            (&["/youtube previous", "/youtube 이전"], "youtube.queue.previous", json!({})),
            (&["/youtube list", "/유튜브 목록"], "youtube.queue.list", json!({})),
            (&["/youtube clear", "/youtube 비우기"], "youtube.queue.clear", json!({})),
            (
                &["/youtube remove dQw4w9WgXcQ", "/유튜브 삭제 dQw4w9WgXcQ"],
                "youtube.queue.remove",
                json!({"video_id": "dQw4w9WgXcQ"}),
            ),
            (
                &["/youtube move dQw4w9WgXcQ 2", "/유튜브 이동 dQw4w9WgXcQ 2"],
                "youtube.queue.move",
                json!({"video_id": "dQw4w9WgXcQ", "position": 2}),
            ),
            (
                &[
                    "/youtube https://youtu.be/dQw4w9WgXcQ?t=1",
                    "/유튜브 추가 https://youtu.be/dQw4w9WgXcQ?t=1",
                ],
                "youtube.queue.add",
                json!({"video_id": "https://youtu.be/dQw4w9WgXcQ?t=1"}),
            ),
            (&["/youtube 재즈 피아노", "/유튜브 재즈 피아노"], "search", json!("재즈 피아노")),
            (&["/youtube programming"], "search", json!("programming")),
            (&["/file list", "/파일 목록"], "file.list", json!({})),
            (&["/file read a.txt", "/파일 읽기 a.txt"], "file.read", json!({"path": "a.txt"})),
            (
                &["/file delete \"회의 록.txt\"", "/파일 삭제 \"회의 록.txt\""],
                "file.delete",
                json!({"path": "회의 록.txt"}),
            ),
            (
                &["/file write a.txt 첫 줄\n  둘째 줄", "/파일 쓰기 a.txt 첫 줄\n  둘째 줄"],
                "file.write",
                json!({"path": "a.txt", "content": "첫 줄\n  둘째 줄"}),
            ),
            (
                &[
                    "/share webhook https://a.b/c {\"n\": 1,\n \"s\": [2]}",
                    "/공유 웹훅 https://a.b/c {\"n\":1,\"s\":[2]}",
                ],
                "share.webhook",
                json!({"url": "https://a.b/c", "payload": {"n": 1, "s": [2]}}),
            ),
            (
                &["/share webhook https://a.b/c 안녕하세요 여러분"],
                "share.webhook",
                json!({"url": "https://a.b/c", "payload": "안녕하세요 여러분"}),
            ),
            (
                &["/autopilot.cancel run_id=run_1", "/autopilot.cancel {\"run_id\": \"run_1\"}"],
                "autopilot.cancel",
                json!({"run_id": "run_1"}),
            ),
            (
                &["/test.echo a=1 b=\"two words\" c=셋"],
                "test.echo",
                json!({"a": "1", "b": "two words", "c": "셋"}),
            ),
        ] {
            for text in texts {
                assert_eq!(one(text), (command_type.to_owned(), params.clone()), "{text}");
            }
        }
    }

    #[test]
    fn several_lines_are_several_steps() {
        let Parsed::Steps(steps) =
            parse("/file list\r\n\n/youtube 다음\n/test.echo {\n\"a\": 1\n}")
        else {
            panic!("three steps");
        };
        assert_eq!(steps.len(), 3);
        assert_eq!(parse("안녕하세요\n반갑습니다"), Parsed::Plain);
        assert_eq!(parse("/help"), Parsed::Help);
        assert_eq!(parse("/도움말"), Parsed::Help);
    }

    #[test]
    fn what_cannot_be_read_names_its_line() {
        for (text, line) in [
            ("/nonsense", 1),
            ("/file list\n/유튜브", 2),
            ("/file list\n그리고 나서", 2),
            ("/youtube next please", 1),
            ("/youtube move dQw4w9WgXcQ first", 1),
            ("/share webhook https://a.b", 1),
            ("/share webhook https://a.b {\"a\": }", 1),
            ("/share email a@b.c hello", 1),
            ("/file write a.txt", 1),
            ("/file read", 1),
            ("/test.echo a", 1),
            ("/test.echo a= b", 1),
            ("/test.echo a=1 a=2", 1),
            ("/test.echo {\"a\":1,\"a\":2}", 1),
            ("/Test.Echo a=1", 1),
            ("/", 1),
        ] {
            assert!(
                matches!(parse(text), Parsed::Bad(at, _) if at == line),
                "{text}: {:?}",
                parse(text)
            );
        }
    }

    #[test]
    fn the_language_is_that_of_the_message() {
        assert_eq!(language("/youtube 재즈"), Lang::Ko);
        assert_eq!(language("ㅎㅎ"), Lang::Ko);
        assert_eq!(language("/youtube jazz"), Lang::En);
    }
}
