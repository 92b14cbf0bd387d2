//! The runbooks: what a failure code means and what to do about it, for whoever looks at a failed task
//! at night. They stand in `docs/runbooks` and are in the binary, so that they are there when
//! everything else is away; a code without one in either language does not compile.

use nexus_core::failure::FailureCode;
use nexus_kit::settings::Lang;

macro_rules! runbooks {
    ($($name:ident = $code:literal;)*) => {
        /// The runbook of a code, as Markdown.
        pub const fn runbook(code: FailureCode, lang: Lang) -> &'static str {
            match (code, lang) {$(
                (FailureCode::$name, Lang::En) => {
                    include_str!(concat!("../../../docs/runbooks/en/", $code, ".md"))
                }
                (FailureCode::$name, Lang::Ko) => {
                    include_str!(concat!("../../../docs/runbooks/ko/", $code, ".md"))
                }
            )*}
        }
    };
}

runbooks! {
    ProviderTimeout = "PROVIDER_TIMEOUT";
    ProviderUpstreamError = "PROVIDER_UPSTREAM_ERROR";
    ProviderRateLimit = "PROVIDER_RATE_LIMIT";
    ProviderAuthError = "PROVIDER_AUTH_ERROR";
    ProviderDisabled = "PROVIDER_DISABLED";
    SchemaParseError = "SCHEMA_PARSE_ERROR";
    SchemaValidationError = "SCHEMA_VALIDATION_ERROR";
    SchemaRepairFailed = "SCHEMA_REPAIR_FAILED";
    BudgetExceeded = "BUDGET_EXCEEDED";
    QuotaExceeded = "QUOTA_EXCEEDED";
    AgentTimeout = "AGENT_TIMEOUT";
    AgentCrashed = "AGENT_CRASHED";
    AgentError = "AGENT_ERROR";
    InvalidParams = "INVALID_PARAMS";
    UnsupportedDocument = "UNSUPPORTED_DOCUMENT";
    ApprovalParamsMismatch = "APPROVAL_PARAMS_MISMATCH";
    UnknownTaskType = "UNKNOWN_TASK_TYPE";
    EffectUnknown = "EFFECT_UNKNOWN";
    EgressBlocked = "EGRESS_BLOCKED";
    DeliveryFailed = "DELIVERY_FAILED";
    GithubError = "GITHUB_ERROR";
    StorageError = "STORAGE_ERROR";
    InternalError = "INTERNAL_ERROR";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    const HEADINGS: [(Lang, &str, [&str; 6]); 2] = [
        (
            Lang::En,
            "en",
            ["What it means", "Likely causes", "Checks", "Fix", "Retry or not", "Links"],
        ),
        (Lang::Ko, "ko", ["무슨 뜻인가", "흔한 원인", "확인", "조치", "재시도", "링크"]),
    ];

    #[test]
    fn every_runbook_is_titled_as_its_code_and_has_the_same_sections() {
        for (lang, folder, headings) in HEADINGS {
            for code in FailureCode::ALL {
                let text = runbook(*code, lang);
                let title = match lang {
                    Lang::En => code.title_en(),
                    Lang::Ko => code.title_ko(),
                };
                assert_eq!(text.lines().next(), Some(format!("# {code}: {title}").as_str()));
                let found: Vec<&str> = text.lines().filter_map(|l| l.strip_prefix("## ")).collect();
                assert_eq!(found, headings, "{folder}/{code}");
                let korean = text.chars().any(|c| ('가'..='힣').contains(&c));
                assert_eq!(korean, lang == Lang::Ko, "{folder}/{code}");
                let count = text.lines().count();
                assert!((20..=60).contains(&count), "{folder}/{code} has {count} lines");
            }
        }
    }

    #[test]
    fn both_languages_show_the_same_commands_and_links() {
        let fixed = |text: &str| -> Vec<String> {
            let fenced = text.split("```").skip(1).step_by(2).flat_map(str::lines);
            let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
            fenced.chain(links).map(str::to_owned).collect()
        };
        for code in FailureCode::ALL {
            let english = fixed(runbook(*code, Lang::En));
            assert!(english.len() > 3, "{code}");
            assert_eq!(english, fixed(runbook(*code, Lang::Ko)), "{code}");
        }
    }

    #[test]
    fn links_lead_to_pages_that_are_there_and_no_page_is_of_nothing() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/runbooks");
        for (lang, folder, _) in HEADINGS {
            let folder = root.join(folder);
            for code in FailureCode::ALL {
                for rest in runbook(*code, lang).split("](").skip(1) {
                    let to = rest.split(')').next().unwrap_or_default();
                    assert!(folder.join(to).is_file(), "{code}: {to}");
                }
            }
            for entry in std::fs::read_dir(&folder).unwrap() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                let code = name.strip_suffix(".md").and_then(FailureCode::parse);
                assert!(code.is_some(), "{name} is the runbook of no code");
            }
        }
    }
}
