//! Settings as somebody who runs a server meets them. No test touches the process environment.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use nexus_core::failure::FailureCode;

use super::load::{Inputs, Loaded, SettingProblem, Source, load, load_client};
use super::table::{self, Standing};
use super::{Lang, Settings, docs, keys, value};

/// A working directory and an environment.
struct Place {
    home: tempfile::TempDir,
    inputs: Inputs,
}

impl Place {
    fn new(env: &[(&str, &str)]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let inputs = Inputs {
            env: env.iter().map(|(name, value)| (name.into(), value.into())).collect(),
            dir: home.path().to_owned(),
            config: None,
        };
        Self { home, inputs }
    }

    fn file(self, name: &str, text: &str) -> Self {
        let path = self.home.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        chmod(&path, 0o600);
        self
    }

    fn load(&self) -> Loaded {
        load(&self.inputs).unwrap()
    }

    fn problems(&self) -> Vec<String> {
        load(&self.inputs).unwrap_err().iter().map(SettingProblem::to_string).collect()
    }
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn the_table_and_the_structs_mean_the_same_defaults() {
    let mut by_table = Settings::default();
    let mut names = std::collections::BTreeSet::new();
    for row in table::rows() {
        assert!(names.insert(row.name), "{} stands twice", row.name);
        assert!(!row.en.is_empty() && !row.ko.is_empty(), "{}", row.name);
        assert!(!row.en.contains('|') && !row.ko.contains('|'), "{}", row.name);
        value::apply(row.kind, row.default, &mut by_table)
            .unwrap_or_else(|text| panic!("{}: {}", row.name, text.en));
    }
    assert_eq!(format!("{by_table:?}"), format!("{:?}", Settings::default()));
}

#[test]
fn every_name_in_the_docs_of_the_structs_is_a_row_that_is_used() {
    let source = include_str!("mod.rs");
    let documented: Vec<&str> = source
        .lines()
        .filter(|line| line.trim_start().starts_with("/// `"))
        .filter_map(|line| line.split('`').nth(1))
        .filter(|name| {
            name.contains('_') && name.bytes().all(|b| b == b'_' || b.is_ascii_uppercase())
        })
        .collect();
    assert!(documented.len() > 30, "{documented:?}");
    for name in documented {
        let row = table::find(name).unwrap_or_else(|| panic!("{name} is no row"));
        assert!(matches!(row.standing, Standing::Used), "{name}");
    }
}

#[test]
fn an_empty_place_gives_the_defaults_and_says_so() {
    let loaded = Place::new(&[("PATH", "/bin"), ("HOME", "/root")]).load();
    assert_eq!(format!("{:?}", loaded.settings), format!("{:?}", Settings::default()));
    assert!(loaded.values.iter().all(|(.., source)| *source == Source::Default));
    assert!(loaded.warnings.is_empty());
    assert!(loaded.wants_keys());
}

#[test]
fn the_stronger_source_wins_and_the_place_is_kept() {
    let place = Place::new(&[("MAX_RETRIES", "1")])
        .file(".env", "MAX_RETRIES=2\nTASK_WORKERS=2\n")
        .file("nexus.toml", "MAX_RETRIES = 3\nTASK_WORKERS = 3\nRETRY_DELAYS_SECONDS = [1, 2]\n");
    let loaded = place.load();
    assert_eq!(loaded.settings.tasks.max_retries, 1);
    assert_eq!(loaded.settings.tasks.workers, 2);
    assert_eq!(loaded.settings.tasks.retry_delays, [1, 2].map(Duration::from_secs));
    assert_eq!(loaded.source("MAX_RETRIES"), Some(&Source::Environment));
    assert!(matches!(loaded.source("TASK_WORKERS"), Some(Source::DotEnv(_))));
    assert!(matches!(loaded.source("RETRY_DELAYS_SECONDS"), Some(Source::Config(_))));
    assert_eq!(loaded.source("NEXUS_BIND"), Some(&Source::Default));
}

#[test]
fn a_named_config_replaces_the_usual_one_and_must_be_there() {
    let mut place = Place::new(&[])
        .file("nexus.toml", "TASK_WORKERS = 3\n")
        .file("etc/other.toml", "MAX_RETRIES = 7\nAPPROVAL_REQUIRE_OTHER_PERSON = true\n");
    place.inputs.config = Some("etc/other.toml".into());
    let loaded = place.load();
    assert_eq!((loaded.settings.tasks.max_retries, loaded.settings.tasks.workers), (7, 256));
    assert!(loaded.settings.approval.require_other_person);
    place.inputs.config = Some("etc/missing.toml".into());
    assert_eq!(place.problems().len(), 1);
}

#[test]
fn every_problem_is_said_at_once() {
    let place = Place::new(&[
        ("NEXUS_BIMD", "127.0.0.1:1"),
        ("MAX_RETRIES", "many"),
        ("APPROVAL_TIMEOUT_SECONDS", "301"),
        ("NEXUS_LOG", "loud"),
        ("STREAM_SOMETHING_ELSE", "1"),
        ("EGRESS_ALLOW", "ok.example,http://no.example/"),
    ])
    .file(".env", "ALERT_NONSENSE=1\nRATE_LIMIT_TENANT_PER_MINUTE=x\n")
    .file("nexus.toml", "colour = \"red\"\n[NEXUS_BIND]\nport = 1\n");
    let problems = place.problems();
    let all = problems.join("\n");
    for expected in [
        "NEXUS_BIMD [environment]: is not a setting; did you mean NEXUS_BIND?",
        "MAX_RETRIES [environment]: must be a whole number from 0 to 100",
        "APPROVAL_TIMEOUT_SECONDS [environment]: must be from 1 to 300",
        "NEXUS_LOG [environment]: must be one of error, warn, info, debug, trace",
        "STREAM_SOMETHING_ELSE [environment]: is not a setting; `nexus config docs`",
        "EGRESS_ALLOW [environment]: entry 2: must be a host",
        "ALERT_NONSENSE",
        "RATE_LIMIT_TENANT_PER_MINUTE",
        "colour",
        "NEXUS_BIND",
    ] {
        assert!(all.contains(expected), "{expected} is missing in\n{all}");
    }
    assert_eq!(problems.len(), 10, "{all}");
    for problem in load(&place.inputs).unwrap_err() {
        assert!(problem.text.ko.chars().any(|c| ('가'..='힣').contains(&c)), "{problem}");
    }
}

#[test]
fn numbers_go_by_names() {
    let place = Place::new(&[
        ("TASK_TYPE_CONCURRENCY", "kakao.send=1, youtube.search = 4"),
        ("TASK_TENANT_WEIGHTS", "kaist:lab=3"),
        ("TASK_TENANT_CONCURRENCY", "0"),
    ]);
    let loaded = place.load();
    let tasks = &loaded.settings.tasks;
    let of = |name: &str| tasks.type_concurrency.get(name).copied();
    assert_eq!(
        (of("kakao.send"), of("youtube.search"), of("rag.search")),
        (Some(1), Some(4), None)
    );
    assert_eq!(tasks.tenant_weights.get("kaist:lab"), Some(&3));
    assert_eq!(tasks.tenant_concurrency, None);
    for wrong in ["kakao.send", "kakao.send=0", "kakao.send=1,kakao.send=2", "=1", "a=x", "a=1,"] {
        assert_eq!(Place::new(&[("TASK_TYPE_CONCURRENCY", wrong)]).problems().len(), 1, "{wrong}");
    }
}

#[test]
fn no_value_is_ever_repeated() {
    let secret = "hunter2-한";
    let place = Place::new(&[
        ("ADMIN_API_KEY", secret),
        ("MAX_RETRIES", secret),
        ("NEXUS_BIND", secret),
        ("NEXUS_URL", secret),
        ("EGRESS_ALLOW", &format!("{secret}!")),
        ("DATABASE_URL", "postgres://u:hunter2@h/db"),
    ])
    .file(".env", "this line hunter2 is broken\n")
    .file("nexus.toml", "NEXUS_API_KEY = \"hunter2\nMAX = \n");
    let all = place.problems().join("\n");
    assert!(!all.contains("hunter2"), "{all}");
    assert!(all.contains("line 1 is not NAME=value"), "{all}");

    let loaded = Place::new(&[("NEXUS_API_KEY", "hunter2-service-key-1")]).load();
    assert!(!format!("{loaded:?}").contains("hunter2"));
    let shown = loaded.values.iter().find(|(name, ..)| name == "NEXUS_API_KEY").unwrap();
    assert_eq!(shown.1, "•••");
}

#[test]
fn a_value_can_stand_in_a_file() {
    let place = Place::new(&[("ADMIN_API_KEY_FILE", "secrets/admin")])
        .file("secrets/admin", "admin-key-0123456789\n")
        .file(".env", "MAX_RETRIES_FILE=retries\n")
        .file("retries", "9\r\n");
    let loaded = place.load();
    assert_eq!(loaded.settings.keys.admin.expose(), "admin-key-0123456789");
    assert_eq!(loaded.settings.tasks.max_retries, 9);
    let Some(Source::File(_, by)) = loaded.source("MAX_RETRIES") else { panic!("no file") };
    assert!(matches!(**by, Source::DotEnv(_)));

    // Only one newline is trimmed, and what is left is no key.
    let two = Place::new(&[("ADMIN_API_KEY_FILE", "k")]).file("k", "key\n\n");
    assert!(two.problems()[0].contains("visible ASCII"), "{:?}", two.problems());

    let open = Place::new(&[("ADMIN_API_KEY_FILE", "k")]).file("k", "key");
    chmod(&open.home.path().join("k"), 0o644);
    assert!(open.problems()[0].contains("chmod 600"), "{:?}", open.problems());

    let both = Place::new(&[("MAX_RETRIES", "1"), ("MAX_RETRIES_FILE", "x")]);
    assert!(both.problems()[0].contains("both set"), "{:?}", both.problems());

    let missing = Place::new(&[("MAX_RETRIES_FILE", "nowhere")]);
    assert!(missing.problems()[0].contains("cannot be read"), "{:?}", missing.problems());
}

#[test]
fn keys_of_the_first_run_are_the_weakest_source() {
    let place = Place::new(&[("NEXUS_DATA_DIR", "store")]);
    let data = place.home.path().join("store");
    assert!(keys::ensure_keys(&data, &[3; 64]).unwrap());
    let loaded = place.load();
    assert!(loaded.settings.keys.service.expose().starts_with(keys::SERVICE_PREFIX));
    assert!(loaded.settings.keys.admin.expose().starts_with(keys::ADMIN_PREFIX));
    assert!(matches!(loaded.source("ADMIN_API_KEY"), Some(Source::Keys(_))));
    assert!(!loaded.wants_keys());

    let mut closed = place;
    closed.inputs.env.push(("NEXUS_API_KEY".into(), "".into()));
    let loaded = closed.load();
    assert!(loaded.settings.keys.service.is_empty(), "an empty value closes the door");

    chmod(&data.join(keys::FILE), 0o644);
    assert!(closed.problems()[0].contains("chmod 600"));
    fs::write(data.join(keys::FILE), "NEXUS_BIND=0.0.0.0:1\n").unwrap();
    chmod(&data.join(keys::FILE), 0o600);
    assert!(closed.problems()[0].contains("does not belong here"));
}

#[test]
fn an_empty_key_counts_as_set_and_half_a_pair_is_warned_about() {
    let empty = Place::new(&[("NEXUS_API_KEY", "")]).load();
    assert!(!empty.wants_keys());
    let half = Place::new(&[("NEXUS_API_KEY", "0123456789abcdef")]).load();
    assert!(half.warnings[0].en.contains("nobody can approve"), "{:?}", half.warnings);
    let short = Place::new(&[("NEXUS_API_KEY", "short"), ("ADMIN_API_KEY", "")]).load();
    assert_eq!(short.warnings.len(), 1, "{:?}", short.warnings);
}

#[test]
fn what_this_version_lacks_is_refused_or_said() {
    let place = Place::new(&[
        ("REDIS_URL", "redis://h"),
        ("TRUSTED_PROXIES", "10.0.0.1"),
        ("NEXUS_MASTER_KEY", "abc"),
    ]);
    let problems = place.problems();
    assert_eq!(problems.len(), 3);
    assert!(problems.iter().all(|p| p.contains("not in this version")), "{problems:?}");

    let loaded = Place::new(&[
        ("REDIS_URL", ""),
        ("LLM_BUDGET_DAILY_USD", "30"),
        ("LLM_BUDGET_HARD_PCT", "1"),
        ("BREAKER_WINDOW_SECONDS", "300"),
        ("LLM_RPM_ANTHROPIC", "50"),
    ])
    .load();
    let warnings: Vec<&str> = loaded.warnings.iter().map(|w| w.en.as_str()).collect();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].starts_with("LLM_BUDGET_DAILY_USD [environment] has no effect"));
    assert!(warnings[1].starts_with("LLM_RPM_ANTHROPIC"));

    let wrong = Place::new(&[("LLM_RPM_X", "many"), ("LLM_RPM_", "1"), ("LLM_RPM_x", "1")]);
    assert_eq!(wrong.problems().len(), 3);
}

#[test]
fn contradictions_are_refused() {
    for (env, part) in [
        (&[("NEXUS_BIND", "0.0.0.0:8000")][..], "plain HTTP"),
        (&[("NEXUS_BIND", "[::]:8000")][..], "plain HTTP"),
        (&[("NEXUS_API_KEY", "same-key"), ("ADMIN_API_KEY", "same-key")][..], "every program"),
        (&[("NEXUS_STORE_BATCH", "10"), ("NEXUS_STORE_QUEUE", "9")][..], "commit"),
        (&[("DATABASE_OWNER_URL", "postgres://o@h/db")][..], "serves no request"),
        (&[("STREAM_IDLE_SECONDS", "10")][..], "first ping"),
        (&[("CALLBACK_SIGNATURE_SECRET", "a,b,c")][..], "one secret, or two"),
        // Left empty by whoever meant to set it: no door may stand open because of that.
        (&[("CALLBACK_SIGNATURE_SECRET", "")][..], "unsigned"),
        (&[("CALLBACK_SIGNATURE_SECRET", " , ")][..], "visible ASCII"),
        (&[("NEXUS_MAX_URI_BYTES", "20000")][..], "request line"),
        (&[("AUTO_HOLD_FAILURE_CODES", "PROVIDER_TIMEOUT")][..], "PROVIDER_TIMEOUT stands twice"),
        (
            &[("AUTO_ALARM_FAILURE_CODES", "AGENT_ERROR,AGENT_ERROR")][..],
            "AGENT_ERROR stands twice",
        ),
        (&[("AUTO_REQUEUE_FAILURE_CODES", "EFFECT_UNKNOWN")][..], "never requeued by policy"),
        (&[("AUTO_HOLD_FAILURE_CODES", "AGENT_EROR")][..], "no failure code; there are PROVIDER_"),
    ] {
        let problems = Place::new(env).problems();
        assert!(problems.len() == 1 && problems[0].contains(part), "{problems:?}");
    }
    for env in [
        &[("NEXUS_BIND", "0.0.0.0:8000"), ("NEXUS_ALLOW_PLAIN_HTTP", "true")][..],
        &[("NEXUS_BIND", "localhost:9000")][..],
        &[("NEXUS_BIND", "[::1]:0")][..],
    ] {
        Place::new(env).load();
    }
}

#[test]
fn the_triage_policy_is_read_as_it_is_written() {
    let loaded = Place::new(&[
        ("AUTO_REQUEUE_FAILURE_CODES", " AGENT_TIMEOUT , AGENT_CRASHED"),
        ("AUTO_HOLD_FAILURE_CODES", ""),
        ("ENFORCE_ALARM_NO_REQUEUE", "false"),
        ("DLQ_APPLY_MAX_AGE_SECONDS", "60"),
    ])
    .load();
    let failures = &loaded.settings.failures;
    let codes = [FailureCode::AgentTimeout, FailureCode::AgentCrashed];
    assert_eq!(failures.policy.requeue, codes);
    assert!(failures.policy.hold.is_empty() && !failures.policy.enforce_alarm_no_requeue);
    assert_eq!(failures.policy.alarm.len(), 2, "the default");
    assert_eq!(failures.apply_max_age, Duration::from_secs(60));
    assert!(loaded.warnings.iter().all(|warning| !warning.en.contains("no effect")));
}

#[test]
fn names_that_an_orchestrator_makes_are_no_mistakes() {
    Place::new(&[
        ("NEXUS_SERVICE_HOST", "10.0.0.1"),
        ("NEXUS_SERVICE_PORT", "8000"),
        ("NEXUS_SERVICE_PORT_HTTP", "8000"),
        ("NEXUS_PORT", "tcp://10.0.0.1:8000"),
        ("NEXUS_PORT_8000_TCP", "tcp://10.0.0.1:8000"),
        ("NEXUS_PORT_8000_TCP_ADDR", "10.0.0.1"),
    ])
    .load();
    assert_eq!(Place::new(&[("NEXUS_PORT", "8000")]).problems().len(), 1);
    assert_eq!(Place::new(&[]).file(".env", "NEXUS_SERVICE_HOST=x\n").problems().len(), 1);
}

#[test]
fn a_secret_in_a_file_that_everybody_reads_is_warned_about() {
    let place = Place::new(&[]).file(".env", "ADMIN_API_KEY=0123456789abcdef\nMAX_RETRIES=1\n");
    assert!(place.load().warnings.is_empty());
    chmod(&place.home.path().join(".env"), 0o644);
    let warnings = place.load().warnings;
    assert!(warnings.len() == 1 && warnings[0].en.contains("chmod 600"), "{warnings:?}");
    assert!(!warnings[0].en.contains("0123456789abcdef"));
}

#[test]
fn values_stand_in_the_order_of_the_table() {
    let loaded = Place::new(&[("LLM_TPM_X", "1")]).load();
    let names: Vec<&str> = loaded.values.iter().map(|(name, ..)| name.as_str()).collect();
    let mut expected: Vec<&str> = table::rows().map(|row| row.name).collect();
    expected.push("LLM_TPM_X");
    assert_eq!(names, expected);
}

#[test]
fn a_name_twice_in_a_file_is_a_mistake() {
    let place = Place::new(&[]).file(".env", "MAX_RETRIES=1\nMAX_RETRIES=2\n");
    assert!(place.problems()[0].contains("twice"));
}

#[test]
fn the_terminal_reads_its_own_rows_only() {
    let place = Place::new(&[
        ("NEXUS_URL", "https://nexus.example/base/"),
        ("NEXUS_ORG", "kaist"),
        ("NEXUS_LANG", "ko_KR.UTF-8"),
        ("NEXUS_BIND", "nonsense"),
        ("NEXUS_FROM_A_LATER_VERSION", "1"),
    ]);
    let loaded = load_client(&place.inputs).unwrap();
    let client = &loaded.settings.client;
    assert_eq!(client.url, "https://nexus.example/base");
    assert_eq!((client.org.as_str(), client.project.as_str()), ("kaist", "default"));
    assert_eq!(client.lang, Some(Lang::Ko));

    for (name, bad) in [
        ("NEXUS_URL", "ftp://h"),
        ("NEXUS_URL", "http://u:p@h"),
        ("NEXUS_URL", "nexus.example"),
        ("NEXUS_ORG", "a:b"),
        ("NEXUS_PROJECT", ".."),
        ("NEXUS_LANG", "fr"),
    ] {
        assert!(load_client(&Place::new(&[(name, bad)]).inputs).is_err(), "{name}={bad}");
    }
}

#[test]
fn an_environment_that_is_not_utf_8_is_refused_where_it_matters() {
    use std::os::unix::ffi::OsStringExt as _;
    let mut place = Place::new(&[]);
    let bad = || std::ffi::OsString::from_vec(vec![0xff]);
    place.inputs.env.push((bad(), "x".into()));
    place.inputs.env.push(("OTHER".into(), bad()));
    place.load();
    place.inputs.env.push(("NEXUS_BIND".into(), bad()));
    assert!(place.problems()[0].contains("UTF-8"));
}

#[test]
fn the_documents_are_current() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for (name, text) in
        [("docs/ops/CONFIG_MATRIX.md", docs::matrix()), (".env.example", docs::example())]
    {
        let path = root.join(name);
        // `UPDATE_DOCS` is read here alone, to write the files anew.
        if std::env::var_os("UPDATE_DOCS").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &text).unwrap();
        }
        let standing = fs::read_to_string(&path).unwrap_or_default();
        assert!(standing == text, "{name} is old: run this test with UPDATE_DOCS=1");
    }
}

#[test]
fn runbooks_stand_here_or_at_one_address() {
    assert_eq!(Place::new(&[]).load().settings.runbooks.base_url, "");
    let own = Place::new(&[("RUNBOOK_BASE_URL", "https://wiki.example/nexus/")]).load();
    assert_eq!(own.settings.runbooks.base_url, "https://wiki.example/nexus");
    let code = FailureCode::AgentError;
    assert_eq!(own.settings.runbooks.url(code), "https://wiki.example/nexus/AGENT_ERROR");
    assert_eq!(Settings::default().runbooks.url(code), "/runbooks/AGENT_ERROR");
    for bad in ["wiki.example", "javascript:alert(1)", "https://wiki.example/?page="] {
        let problems = Place::new(&[("RUNBOOK_BASE_URL", bad)]).problems();
        assert!(problems[0].contains("RUNBOOK_BASE_URL"), "{problems:?}");
    }
}

#[test]
fn a_copied_example_changes_nothing() {
    let loaded = Place::new(&[]).file(".env", &docs::example()).load();
    assert!(loaded.wants_keys() && loaded.warnings.is_empty());
    // And every line is a line that could be meant; only LLM_REQUIRED differs from its default.
    let uncommented: String = docs::example()
        .lines()
        .filter_map(|line| line.strip_prefix("# "))
        .filter(|line| line.split_once('=').is_some_and(|(name, _)| table::find(name).is_some()))
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(uncommented.lines().count(), table::rows().count());
    // But for the one whose empty value would leave a door open that somebody meant to close.
    let empty_secret = "CALLBACK_SIGNATURE_SECRET=\n";
    assert_eq!(Place::new(&[]).file(".env", empty_secret).problems().len(), 1);
    let uncommented = uncommented.replace(empty_secret, "");
    let loaded = Place::new(&[]).file(".env", &uncommented).load();
    assert_eq!(loaded.warnings.len(), 1, "{:?}", loaded.warnings);
}

#[test]
fn routes_of_alerts_are_read_checked_and_never_shown() {
    let routes =
        r#"[{"name":"ops","channel":"slack","to":"https://hooks.slack.com/services/secret"}]"#;
    let place = Place::new(&[("ALERT_ROUTES", routes)]);
    let loaded = place.load();
    assert_eq!(loaded.settings.alerts.routes.len(), 1);
    let shown = loaded.values.iter().find(|(name, ..)| name == "ALERT_ROUTES").unwrap();
    assert_eq!(shown.1, "•••");
    assert!(!format!("{:?}", loaded.settings).contains("services/"), "nor in a log");

    let wrong = Place::new(&[("ALERT_ROUTES", r#"[{"name":"ops","channel":"fax","to":"x"},{}]"#)]);
    let problems = wrong.problems().join("\n");
    assert!(problems.contains("/0") && problems.contains("/1"), "{problems}");
    let file = Place::new(&[("ALERT_ROUTES_FILE", "routes.json")]).file("routes.json", routes);
    assert_eq!(file.load().settings.alerts.routes[0].name, "ops");
}

#[test]
fn webhooks_are_signed_mail_has_a_sender_and_no_password_travels_in_the_clear() {
    let own = Place::new(&[("ALERT_WEBHOOK_URL", "https://alerts.example.com/x")]);
    assert!(own.problems().join("\n").contains("ALERT_WEBHOOK_SECRET"));
    let slack = Place::new(&[("ALERT_WEBHOOK_URL", "https://hooks.slack.com/services/x")]);
    assert!(!slack.load().settings.alerts.webhook_url.is_empty());
    let signed = Place::new(&[
        ("ALERT_WEBHOOK_URL", "https://alerts.example.com/x"),
        ("ALERT_WEBHOOK_SECRET", "whsec_bmV3,whsec_b2xk"),
    ]);
    signed.load();
    for (env, name) in [
        (vec![("NEXUS_SMTP_HOST", "mail.example.com")], "NEXUS_SMTP_FROM"),
        (
            vec![("NEXUS_SMTP_TLS", "none"), ("NEXUS_SMTP_PASSWORD", "hunter2")],
            "NEXUS_SMTP_PASSWORD",
        ),
        (
            vec![("ALERT_ROUTES", r#"[{"name":"a","channel":"email","to":"a@b.example"}]"#)],
            "NEXUS_SMTP_HOST",
        ),
        (vec![("ALERT_WEBHOOK_URL", "ftp://x.example")], "ALERT_WEBHOOK_URL"),
    ] {
        let problems = Place::new(&env).problems().join("\n");
        assert!(problems.contains(name), "{problems}");
        assert!(!problems.contains("hunter2"));
    }
}
