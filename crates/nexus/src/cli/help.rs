//! Help and mistakes of the command line in both languages.

use std::ffi::OsString;
use std::fmt::Write as _;

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, CommandFactory as _, FromArgMatches as _};
use nexus_kit::settings::Lang;

use super::Cli;
use super::boxes::help_ko;
use super::exit::Exit;
use super::help_ko::KO;
use super::out::{Line, Out, Style};

/// The heading of the options that every command takes.
pub const GLOBAL: &str = "Options of every command";

/// Why the command line gave no command.
pub enum NoCommand {
    /// Help was asked for.
    Help(String),
    /// It is wrong.
    Wrong(String),
}

/// Reads the command line.
pub fn parse(args: Vec<OsString>, lang: Lang) -> Result<Cli, NoCommand> {
    let command = localized(Cli::command(), lang);
    command.try_get_matches_from(args).and_then(|found| Cli::from_arg_matches(&found)).map_err(
        |error| match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                NoCommand::Help(error.to_string())
            }
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                NoCommand::Wrong(error.to_string())
            }
            _ => NoCommand::Wrong(mistake(lang, &error)),
        },
    )
}

/// Prints help or the mistake.
pub fn show(out: &Out, why: &NoCommand) -> Exit {
    match why {
        NoCommand::Help(text) => {
            out.document(text.trim_end());
            Exit::Ok
        }
        NoCommand::Wrong(text) => {
            // Clap repeats what was typed, which may be anything that was pasted.
            for line in text.trim_end().lines() {
                out.note(&Line::new(Style::Plain, line));
            }
            Exit::Usage
        }
    }
}

/// The command with its help in one language, and the exit codes below it.
pub fn localized(command: Command, lang: Lang) -> Command {
    let command = command.after_help(Exit::table(lang));
    match lang {
        Lang::En => command,
        Lang::Ko => korean(command, ""),
    }
}

/// What `path` is called in the Korean table: `send` for a verb, `send.risk` for an argument of it.
fn ko(path: &str) -> Option<&'static str> {
    let table = KO.iter().chain(help_ko::VERBS);
    let own = table.clone().find(|(name, _)| *name == path);
    own.or_else(|| shared(path)).map(|(_, text)| *text)
}

/// What an argument is called that several verbs of the boxes share.
fn shared(path: &str) -> Option<&'static (&'static str, &'static str)> {
    let (verb, arg) = path.split_once('.')?;
    help_ko::VERBS.iter().find(|(name, _)| *name == verb)?;
    help_ko::ARGS.iter().find(|(name, _)| *name == arg)
}

fn korean(command: Command, path: &str) -> Command {
    let mut command = command
        .help_template("{about-with-newline}\n사용법: {usage}\n\n{all-args}{after-help}")
        .subcommand_help_heading("명령")
        .subcommand_value_name("명령");
    if let Some(text) = ko(path) {
        command = command.about(text);
    }
    command = command.mut_args(|arg| {
        let heading = match arg.get_help_heading() {
            Some(GLOBAL) => "공통 옵션",
            _ if arg.is_positional() => "인자",
            _ => "옵션",
        };
        let text = ko(&format!("{path}.{}", arg.get_id()));
        let values = arg.get_possible_values();
        let shown = values.iter().map(clap::builder::PossibleValue::get_name).collect::<Vec<_>>();
        let listed = arg.get_action().takes_values() && !shown.is_empty();
        let mut hint =
            if listed { format!(" [가능한 값: {}]", shown.join(", ")) } else { String::new() };
        let filled = match arg.get_default_values() {
            [default, ..] if arg.get_action().takes_values() => {
                // Writing to a String cannot fail.
                let _ = write!(hint, " [기본값: {}]", default.display());
                true
            }
            _ => false,
        };
        let arg = arg.help_heading(heading);
        let arg = if filled { arg.hide_default_value(true) } else { arg };
        let arg = if listed { arg.hide_possible_values(true) } else { arg };
        match text {
            Some(text) => arg.help(StyledStr::from(format!("{text}{hint}"))),
            None => arg,
        }
    });
    command.mut_subcommands(|verb| {
        let name = verb.get_name().to_owned();
        korean(verb, &if path.is_empty() { name } else { format!("{path} {name}") })
    })
}

/// A mistake in words. English is clap's own.
fn mistake(lang: Lang, error: &clap::Error) -> String {
    if lang == Lang::En {
        return error.to_string();
    }
    let part = |kind| {
        error.get(kind).map(|value| match value {
            ContextValue::Strings(all) => all.join(", "),
            ContextValue::StyledStr(text) => text.to_string(),
            ContextValue::StyledStrs(all) => {
                all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
            }
            other => other.to_string(),
        })
    };
    let arg = part(ContextKind::InvalidArg).unwrap_or_default();
    let value = part(ContextKind::InvalidValue).unwrap_or_default();
    let mut text = match error.kind() {
        ErrorKind::UnknownArgument => format!("알 수 없는 인자입니다: {arg}"),
        ErrorKind::InvalidSubcommand => {
            format!(
                "알 수 없는 명령입니다: {}",
                part(ContextKind::InvalidSubcommand).unwrap_or_default()
            )
        }
        ErrorKind::MissingSubcommand => "명령이 필요합니다".to_owned(),
        ErrorKind::MissingRequiredArgument => format!("필요한 인자가 없습니다: {arg}"),
        ErrorKind::InvalidValue if value.is_empty() => format!("{arg}에 값이 필요합니다"),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            format!("{arg}에 쓸 수 없는 값입니다: {value:?}")
        }
        ErrorKind::ArgumentConflict => format!(
            "함께 쓸 수 없습니다: {arg}, {}",
            part(ContextKind::PriorArg).unwrap_or_default()
        ),
        ErrorKind::TooManyValues => format!("{arg}의 값이 너무 많습니다: {value:?}"),
        ErrorKind::NoEquals => format!("{arg}에는 =로 값을 붙여야 합니다"),
        ErrorKind::InvalidUtf8 => "명령줄이 UTF-8이 아닙니다".to_owned(),
        _ => return error.to_string(),
    };
    text.insert_str(0, "오류: ");
    for (kind, label) in [
        (ContextKind::ValidValue, "가능한 값"),
        (ContextKind::SuggestedArg, "혹시 이것인가요"),
        (ContextKind::SuggestedSubcommand, "혹시 이것인가요"),
        (ContextKind::SuggestedValue, "혹시 이것인가요"),
    ] {
        if let Some(found) = part(kind).filter(|found| !found.is_empty()) {
            // Writing to a String cannot fail.
            let _ = write!(text, "\n  {label}: {found}");
        }
    }
    if let Some(usage) = part(ContextKind::Usage) {
        let usage = usage.trim_start_matches("Usage:").trim();
        let _ = write!(text, "\n\n사용법: {usage}");
    }
    text.push_str("\n\n자세한 내용은 '--help'를 보세요.");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every verb and argument, as the table names them.
    fn paths(command: &Command, path: &str, found: &mut Vec<String>) {
        found.push(path.to_owned());
        for arg in command.get_arguments() {
            // Global ones stand at the root alone.
            found.push(format!("{path}.{}", arg.get_id()));
            assert!(arg.get_help().is_some(), "{path}.{} has no help", arg.get_id());
        }
        for verb in command.get_subcommands() {
            let name = verb.get_name();
            assert!(verb.get_about().is_some(), "{path} {name} has no help");
            paths(
                verb,
                &if path.is_empty() { name.to_owned() } else { format!("{path} {name}") },
                found,
            );
        }
    }

    #[test]
    fn the_korean_table_has_everything_and_nothing_else() {
        let mut found = Vec::new();
        paths(&Cli::command(), "", &mut found);
        let missing: Vec<&String> = found.iter().filter(|path| ko(path).is_none()).collect();
        assert!(missing.is_empty(), "missing: {missing:#?}");
        let all = || KO.iter().chain(help_ko::VERBS);
        let idle: Vec<&str> = all()
            .map(|(path, _)| *path)
            .filter(|path| !found.iter().any(|found| found == path))
            .collect();
        assert!(idle.is_empty(), "of nothing: {idle:#?}");
        for (arg, _) in help_ko::ARGS {
            let used = |path: &String| shared(path).is_some_and(|(name, _)| name == arg);
            assert!(found.iter().any(used), "of nothing: {arg}");
        }
        for (path, text) in all().chain(help_ko::ARGS) {
            assert!(text.chars().any(|c| ('가'..='힣').contains(&c)), "{path}: {text}");
        }
    }

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
        localized(Cli::command(), Lang::Ko).debug_assert();
    }

    fn missing(page: &str, command: &Command, path: &str, found: &mut Vec<String>) {
        let longs = command.get_arguments().filter_map(clap::Arg::get_long);
        let longs = longs.filter(|long| !matches!(*long, "help" | "version" | "config"));
        found.extend(
            longs.map(|long| format!("--{long}")).filter(|long| !page.contains(long.as_str())),
        );
        if !command.has_subcommands() && !page.contains(path) {
            found.push(path.to_owned());
        }
        for verb in command.get_subcommands() {
            missing(page, verb, &format!("{path} {}", verb.get_name()), found);
        }
    }

    #[test]
    fn the_page_about_the_command_line_has_every_verb_option_and_code() {
        let page = include_str!("../../../../docs/cli.md");
        let mut found = Vec::new();
        missing(page, &Cli::command(), "nexus", &mut found);
        let codes = Exit::ALL.iter().map(|exit| format!("| {} |", *exit as u8));
        found.extend(codes.filter(|code| !page.contains(code.as_str())));
        assert!(found.is_empty(), "not in docs/cli.md: {found:#?}");
    }

    fn wrong(lang: Lang, args: &[&str]) -> String {
        match parse(args.iter().map(OsString::from).collect(), lang) {
            Ok(_) => panic!("{args:?} was read"),
            Err(NoCommand::Wrong(text) | NoCommand::Help(text)) => text,
        }
    }

    #[test]
    fn help_speaks_both_languages() {
        let english = wrong(Lang::En, &["nexus", "--help"]);
        let korean = wrong(Lang::Ko, &["nexus", "--help"]);
        assert!(english.contains("Usage:") && english.contains("Exit codes:"), "{english}");
        assert!(english.contains("The control plane for AI agents"), "{english}");
        assert!(korean.contains("사용법:") && korean.contains("종료 코드:"), "{korean}");
        for heading in ["Usage", "Options", "Commands", "Print"] {
            assert!(!korean.contains(heading), "{heading} in\n{korean}");
        }
        let send = wrong(Lang::Ko, &["nexus", "send", "-h"]);
        for heading in ["인자:", "\n옵션:", "공통 옵션:"] {
            assert!(send.contains(heading), "{heading} in\n{send}");
        }
        assert!(!send.contains("Print"), "{send}");
        let check = wrong(Lang::Ko, &["nexus", "stream", "check", "-h"]);
        assert!(check.contains("[기본값: 2000]") && !check.contains("default:"), "{check}");
    }

    #[test]
    fn mistakes_speak_both_languages() {
        for args in [
            &["nexus", "sned"][..],
            &["nexus", "send"],
            &["nexus", "send", "x", "--rsik", "red"],
            &["nexus", "send", "x", "--risk", "purple"],
            &["nexus", "send", "x", "--deadline", "soon"],
            &["nexus", "audit", "verify", "--expect", "1:a"],
            &["nexus", "task"],
        ] {
            let korean = wrong(Lang::Ko, args);
            assert!(korean.chars().any(|c| ('가'..='힣').contains(&c)), "{args:?}: {korean}");
            assert!(!korean.contains("error:"), "{args:?}: {korean}");
            assert!(wrong(Lang::En, args).is_ascii(), "{args:?}");
        }
    }
}
