//! The documents that are made from the table: `docs/ops/CONFIG_MATRIX.md` and `.env.example`.

use std::fmt::Write as _;

use super::table::{self, Kind, Setting, Standing};

const INTRO: &str = "\
# Settings · 설정

Made by `nexus config docs`; a test keeps it current. · `nexus config docs`가 만들며, 테스트가 최신 상태를 지킵니다.

From strong to weak: process environment, `.env` in the working directory, a TOML file \
(`--config FILE`, or `nexus.toml` in the working directory; the same names as keys at its top level), \
`<data dir>/keys.env` (keys only, made by the first run), defaults. `NAME_FILE` instead of `NAME` \
reads the value from a file (one newline at its end is not part of it; a secret's file that \
everybody can read is refused). An unknown name that begins like ours, a wrong type, a value out of \
range or a contradiction stops the start, and every problem is listed at once.

강한 순서: 프로세스 환경 변수, 작업 디렉터리의 `.env`, TOML 파일(`--config FILE` 또는 작업 디렉터리의 \
`nexus.toml`, 같은 이름을 최상위 키로 사용), `<data dir>/keys.env`(첫 실행이 만드는 키 전용), 기본값. \
`NAME` 대신 `NAME_FILE`을 쓰면 파일에서 값을 읽습니다(끝의 줄바꿈 하나는 제외, 누구나 읽을 수 있는 \
비밀 파일은 거부). 우리 접두사로 시작하는 모르는 이름, 잘못된 형식, 범위를 벗어난 값, 서로 모순되는 \
값이 있으면 모든 문제를 한 번에 보여 주고 시작하지 않습니다.

*Reserved* · *예약*: the name is fixed, this version ignores the value and warns. · 이름만 정해져 있고 \
이 버전은 값을 무시하며 경고합니다.
*Refused* · *거부*: not in this version; a start with a value is refused. · 이 버전에는 없으며, 값이 \
있으면 시작하지 않습니다.
";

/// The matrix of every setting, as Markdown.
pub fn matrix() -> String {
    let mut out = INTRO.to_owned();
    // Writing to a String cannot fail.
    for section in table::sections() {
        let _ = write!(
            out,
            "\n## {}\n\n| name · 이름 | type · 형식 | default · 기본값 | English | 한국어 |\n|---|---|---|---|---|\n",
            if section.en == section.ko {
                section.en.to_owned()
            } else {
                format!("{} · {}", section.en, section.ko)
            }
        );
        for row in section.rows {
            let (en, ko) = notes(row);
            let _ = writeln!(
                out,
                "| `{}` | {} | {} | {en}{} | {ko}{} |",
                row.name,
                kind(row.kind),
                if row.default.is_empty() {
                    "–".to_owned()
                } else {
                    format!("`{}`", row.default)
                },
                row.en,
                row.ko,
            );
        }
    }
    out.push_str("\n## Families · 이름 묶음\n\n| name · 이름 | type · 형식 | English | 한국어 |\n|---|---|---|---|\n");
    for family in table::families() {
        let _ = writeln!(
            out,
            "| `{}{}` | {} | *Reserved.* {} | *예약.* {} |",
            family.prefix,
            family.end,
            kind(family.kind),
            family.en,
            family.ko
        );
    }
    out
}

fn notes(row: &Setting) -> (&'static str, &'static str) {
    match row.standing {
        Standing::Used => ("", ""),
        Standing::Reserved => ("*Reserved.* ", "*예약.* "),
        Standing::Refused(..) => ("*Refused.* ", "*거부.* "),
    }
}

fn kind(kind: Kind) -> String {
    match kind {
        Kind::Bool(_) => "true, false".into(),
        Kind::Seconds(least, most, _) => format!("seconds {least}–{most}"),
        Kind::Count(least, most, _) => format!("number {least}–{most}"),
        Kind::Bytes(least, most, _) => format!("bytes {least}–{most}"),
        Kind::Decimal(least, most) => format!("decimal {least}–{most}"),
        Kind::Text(_) => "text".into(),
        Kind::Choice(words, _) => words.join(", "),
        Kind::Language(_) => "ko, en".into(),
        Kind::TenantPart(_) => "name".into(),
        Kind::List(_) => "list".into(),
        Kind::Codes(_) => "list of failure codes".into(),
        Kind::Hosts(_) => "list of hosts".into(),
        Kind::SecondsList(_) => "list of seconds".into(),
        Kind::Numbers(least, most, _) => format!("list of name=number, {least}–{most}"),
        Kind::Address(_) => "address:port".into(),
        Kind::Path(_) => "path".into(),
        Kind::Url(_) | Kind::UrlOrNone(_) => "URL".into(),
        Kind::Json => "JSON object".into(),
        Kind::Routes(_) => "JSON list, secret".into(),
        Kind::Secret(_) => "secret".into(),
    }
}

/// `.env.example`: every name with its default, commented out, so that a copy changes nothing until
/// somebody means it; an uncommented empty key would close a door.
pub fn example() -> String {
    let mut out = String::from(
        "# NEXUS: copy to .env and uncomment what you change. What is not set has the default shown.\n\
         # NEXUS: .env로 복사한 뒤 바꿀 줄만 주석을 푸세요. 설정하지 않은 값은 표시된 기본값입니다.\n\
         # An empty key closes its door; without any key the first run makes two in <data dir>/keys.env.\n\
         # 빈 키는 그 문을 닫습니다. 키가 없으면 첫 실행이 <data dir>/keys.env에 두 개를 만듭니다.\n\
         # The whole matrix · 전체 표: docs/ops/CONFIG_MATRIX.md\n",
    );
    for section in table::sections() {
        let _ = write!(out, "\n# ---- {} · {}\n", section.en, section.ko);
        for row in section.rows {
            let standing = match row.standing {
                Standing::Used => "",
                Standing::Reserved => " (reserved · 예약)",
                Standing::Refused(..) => " (not in this version · 이 버전에 없음)",
            };
            // A deployment wants to hear at the start that no model answers.
            let value = if row.name == "LLM_REQUIRED" { "true" } else { row.default };
            let _ = write!(out, "# {}{standing}\n# {}\n# {}={value}\n", row.en, row.ko, row.name);
        }
    }
    out
}
