//! `nexus runbook`: what a failure code means and what to do, out of the program itself: no server and
//! no key is needed, for this is read when they are away.

use clap::Args;
use clap::builder::PossibleValuesParser;
use nexus_core::failure::FailureCode;
use nexus_kit::settings::Lang;
use nexus_ops::runbook;
use serde_json::json;

use super::context::{Ctx, Done};
use super::exit::Exit;
use super::out::Style;
use super::{table, text};

/// `runbook`
#[derive(Debug, Args)]
pub struct RunbookArgs {
    /// The failure code; without one all are listed
    #[arg(value_name = "CODE", ignore_case = true, hide_possible_values = true,
        value_parser = PossibleValuesParser::new(FailureCode::ALL.iter().map(|code| code.as_str())))]
    pub code: Option<String>,
}

/// Prints a runbook, or the list of codes.
pub fn run(ctx: &Ctx, args: &RunbookArgs) -> Done {
    let lang = ctx.lang();
    let code = args.code.as_deref().map(str::to_ascii_uppercase);
    match code.as_deref().and_then(FailureCode::parse) {
        Some(code) if ctx.out.json => {
            let mut line = outline(code);
            line["lang"] = match lang {
                Lang::En => "en".into(),
                Lang::Ko => "ko".into(),
            };
            line["text"] = runbook(code, lang).into();
            ctx.out.json(&line);
        }
        Some(code) => ctx.out.document(runbook(code, lang)),
        None if ctx.out.json => {
            FailureCode::ALL.iter().for_each(|code| ctx.out.json(&outline(*code)));
        }
        None => list(ctx),
    }
    Ok(Exit::Ok)
}

fn outline(code: FailureCode) -> serde_json::Value {
    json!({
        "code": code, "retryable": code.retryable(), "triage": code.triage().status(),
        "title_en": code.title_en(), "title_ko": code.title_ko(),
    })
}

fn list(ctx: &Ctx) {
    let lang = ctx.lang();
    let rows: Vec<Vec<(Style, String)>> = FailureCode::ALL
        .iter()
        .map(|code| {
            let title = match lang {
                Lang::En => code.title_en(),
                Lang::Ko => code.title_ko(),
            };
            let again = if code.retryable() { text::again(lang) } else { text::once(lang) };
            vec![
                (Style::Name, code.as_str().to_owned()),
                (Style::Plain, again),
                (Style::Plain, text::status(lang, code.triage().status().as_str())),
                (Style::Plain, title.to_owned()),
            ]
        })
        .collect();
    table::print(&ctx.out, &text::runbooks_heading(lang), &rows);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, help};
    use clap::CommandFactory as _;

    /// The words of a line as a shell reads it, as far as the runbooks go.
    fn words(line: &str) -> Vec<std::ffi::OsString> {
        let mut words = vec![String::new()];
        let mut quote = None;
        for c in line.chars() {
            match quote {
                Some(open) if c == open => quote = None,
                None if c == '\'' || c == '"' => quote = Some(c),
                None if c == ' ' => words.push(String::new()),
                _ => words.last_mut().unwrap().push(c),
            }
        }
        words.into_iter().map(Into::into).collect()
    }

    #[test]
    fn every_command_of_a_runbook_is_one() {
        let mut commands = 0;
        for (code, lang) in FailureCode::ALL.iter().flat_map(|c| [(c, Lang::En), (c, Lang::Ko)]) {
            let fences = runbook(*code, lang).split("```").skip(1).step_by(2);
            for line in fences.flat_map(str::lines).filter(|line| line.starts_with("nexus ")) {
                commands += 1;
                if let Err(help::NoCommand::Wrong(why) | help::NoCommand::Help(why)) =
                    help::parse(words(line), Lang::En)
                {
                    panic!("{code}: {line}: {why}");
                }
            }
        }
        assert!(commands > 100, "{commands}");
    }

    #[test]
    fn every_verb_that_a_runbook_names_is_one() {
        for (code, lang) in FailureCode::ALL.iter().flat_map(|c| [(c, Lang::En), (c, Lang::Ko)]) {
            let text = runbook(*code, lang).replace("```", "");
            for named in text.split('`').skip(1).step_by(2) {
                let Some(named) = named.strip_prefix("nexus ") else { continue };
                let mut command = &Cli::command();
                for word in named.split_whitespace().take_while(|word| !word.starts_with('-')) {
                    if !command.has_subcommands() {
                        break;
                    }
                    command = command
                        .find_subcommand(word)
                        .unwrap_or_else(|| panic!("{code}: nexus {named}: {word}"));
                }
                assert!(!command.has_subcommands(), "{code}: nexus {named} does nothing");
            }
        }
    }
}
