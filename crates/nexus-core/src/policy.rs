//! What rates a command: the type's level, the tenant's rules, an admin's override, the caller's
//! own caution, and a floor that none of them lowers.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::UserId;
use crate::role::Role;

/// Most rules that a tenant's policy has.
pub const MAX_RULES: usize = 200;

/// Most approvers that a rule names.
pub const MAX_APPROVERS: usize = 20;

/// How risky a command is; ordered.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Risk {
    /// Runs.
    Green,
    /// Runs and warns.
    Yellow,
    /// Waits for a person's yes.
    Red,
}

impl Risk {
    /// `GREEN`, `YELLOW` or `RED`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Green => "GREEN",
            Self::Yellow => "YELLOW",
            Self::Red => "RED",
        }
    }

    /// `green`, `yellow` or `red`, as `approval_level` says it.
    pub const fn level(self) -> &'static str {
        match self {
            Self::Green => "green",
            Self::Yellow => "yellow",
            Self::Red => "red",
        }
    }

    /// Reads `GREEN`, `YELLOW` or `RED`.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Green, Self::Yellow, Self::Red].into_iter().find(|risk| risk.as_str() == text)
    }
}

/// How a condition compares.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compare {
    /// The same JSON value.
    Eq,
    /// Another JSON value, or none.
    Ne,
    /// One of the array `value`.
    In,
    /// None of the array `value`.
    NotIn,
    /// A number above `value`.
    Gt,
    /// A number of `value` or above.
    Gte,
    /// A number below `value`.
    Lt,
    /// A number of `value` or below.
    Lte,
    /// A text that has `value` in it, or an array that has it as an item.
    Contains,
    /// A text that starts with `value`.
    StartsWith,
    /// A text that ends with `value`.
    EndsWith,
    /// A text that the glob `value` matches.
    Glob,
    /// Present; `value` is ignored.
    Exists,
    /// Not present; `value` is ignored.
    Absent,
}

/// A condition on the params; a list or object on the way is looked up by JSON Pointer.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// JSON Pointer (RFC 6901) into the params.
    pub pointer: String,
    /// How to compare.
    pub op: Compare,
    /// With what.
    #[serde(default)]
    pub value: Value,
}

/// One rule of a tenant's policy; it can only raise a level or shorten a time.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Names the rule in asks and explanations.
    pub id: String,
    /// Glob over command types, `share.*`.
    #[serde(rename = "type")]
    pub command_type: String,
    /// All must hold; none means always.
    #[serde(default)]
    pub when: Vec<Condition>,
    /// At least this level.
    pub level: Risk,
    /// Makes a YELLOW command wait for a yes like a RED one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub wait: bool,
    /// Who may decide: `role:approver`, `user:usr_…`; the platform admin always may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approvers: Option<Vec<String>>,
    /// Shortens the time for a decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<u64>,
    /// What a person reads on the ask.
    pub why: String,
}

/// Why a rule cannot be kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BadRule {
    /// JSON Pointer into the policy document.
    pub path: String,
    /// What is wrong.
    pub message: String,
}

/// Everything that rates one command.
#[derive(Clone, Debug)]
pub struct Rating<'a> {
    /// What is to be done.
    pub command_type: &'a str,
    /// With what.
    pub params: &'a Value,
    /// The type's own level.
    pub builtin: Risk,
    /// Whether nothing takes the type below RED.
    pub floor: bool,
    /// The tenant's rules.
    pub rules: &'a [Rule],
    /// An admin's level for this type, which alone can lower it.
    pub admin_override: Option<Risk>,
    /// The caller's own wish, which only raises.
    pub requested: Option<Risk>,
}

/// How a command is rated, and why.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Verdict {
    /// The level.
    pub level: Risk,
    /// Whether a person decides before anything runs.
    pub waits: bool,
    /// What decided: `builtin`, `rule:{id}`, `override`, `caller` or `floor`.
    pub rule: String,
    /// Why, for a person.
    pub why: String,
    /// Who may decide, if a rule says.
    pub approvers: Option<Vec<String>>,
    /// The shortest time that a matching rule allows.
    pub timeout_seconds: Option<u64>,
    /// Every rule that matched.
    pub matched: Vec<String>,
}

/// Rates a command. Pure: the same input always gets the same verdict, when it is accepted, when it
/// is approved and when it is executed.
pub fn rate(rating: &Rating<'_>) -> Verdict {
    let matched: Vec<&Rule> = rating
        .rules
        .iter()
        .filter(|rule| glob(&rule.command_type, rating.command_type))
        .filter(|rule| rule.when.iter().all(|condition| condition.holds(rating.params)))
        .collect();
    let mut verdict = Verdict {
        level: rating.builtin,
        waits: false,
        rule: "builtin".to_owned(),
        why: format!("{} is {} by itself", rating.command_type, rating.builtin.as_str()),
        approvers: None,
        timeout_seconds: matched.iter().filter_map(|rule| rule.timeout_seconds).min(),
        matched: matched.iter().map(|rule| rule.id.clone()).collect(),
    };
    for rule in &matched {
        if rule.level > verdict.level
            || (rule.wait && !verdict.waits && rule.level == verdict.level)
        {
            verdict.level = rule.level;
            verdict.rule = format!("rule:{}", rule.id);
            verdict.why.clone_from(&rule.why);
        }
        verdict.waits |= rule.wait;
        if verdict.approvers.is_none() {
            verdict.approvers.clone_from(&rule.approvers);
        }
    }
    let set = |verdict: &mut Verdict, level, rule: &str, why: String| {
        verdict.level = level;
        verdict.rule = rule.to_owned();
        verdict.why = why;
    };
    if let Some(level) = rating.admin_override.filter(|level| *level != verdict.level) {
        set(&mut verdict, level, "override", format!("an admin rated it {}", level.as_str()));
    }
    if let Some(level) = rating.requested.filter(|level| *level > verdict.level) {
        set(&mut verdict, level, "caller", "the caller asked for more caution".to_owned());
    }
    if rating.floor && verdict.level < Risk::Red {
        let why = format!(
            "{} shares, sends, deletes or changes the system: always RED",
            rating.command_type
        );
        set(&mut verdict, Risk::Red, "floor", why);
    }
    verdict.waits = match verdict.level {
        Risk::Green => false,
        Risk::Yellow => verdict.waits,
        Risk::Red => true,
    };
    verdict
}

impl Condition {
    /// Whether the condition holds for these params. Where the pointer leads nowhere, only `ne`,
    /// `not_in` and `absent` hold.
    pub fn holds(&self, params: &Value) -> bool {
        let found = params.pointer(&self.pointer);
        let number = |order: fn(&f64, &f64) -> bool| {
            found
                .and_then(Value::as_f64)
                .zip(self.value.as_f64())
                .is_some_and(|(a, b)| order(&a, &b))
        };
        let text = |test: fn(&str, &str) -> bool| {
            found.and_then(Value::as_str).zip(self.value.as_str()).is_some_and(|(a, b)| test(a, b))
        };
        let listed = || {
            let list = self.value.as_array();
            found.is_some_and(|found| list.is_some_and(|list| list.iter().any(|v| same(v, found))))
        };
        match self.op {
            Compare::Eq => found.is_some_and(|found| same(found, &self.value)),
            Compare::Ne => !found.is_some_and(|found| same(found, &self.value)),
            Compare::In => listed(),
            Compare::NotIn => !listed(),
            Compare::Gt => number(f64::gt),
            Compare::Gte => number(f64::ge),
            Compare::Lt => number(f64::lt),
            Compare::Lte => number(f64::le),
            Compare::Contains => {
                text(|a, b| a.contains(b))
                    || found
                        .and_then(Value::as_array)
                        .is_some_and(|items| items.iter().any(|item| same(item, &self.value)))
            }
            Compare::StartsWith => text(|a, b| a.starts_with(b)),
            Compare::EndsWith => text(|a, b| a.ends_with(b)),
            Compare::Glob => text(|a, b| glob(b, a)),
            Compare::Exists => found.is_some(),
            Compare::Absent => found.is_none(),
        }
    }
}

/// Equal as JSON: `1` and `1.0` are the same number.
fn same(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}

/// Whether `pattern`, in which `*` stands for any run of characters, matches all of `text`.
pub fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(first) = parts.next() else { return text.is_empty() };
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Every reason why a policy cannot be kept; paths are JSON Pointers into `{"rules": […]}`.
pub fn check_rules(rules: &[Rule]) -> Vec<BadRule> {
    let mut bad = Vec::new();
    let mut say = |path: String, message: &str| {
        bad.push(BadRule { path, message: message.to_owned() });
    };
    if rules.len() > MAX_RULES {
        say("/rules".to_owned(), "more than 200 rules");
    }
    for (index, rule) in rules.iter().enumerate() {
        let at = |field: &str| format!("/rules/{index}/{field}");
        if rule.id.is_empty() || rule.id.len() > 64 {
            say(at("id"), "an id has 1 to 64 characters");
        } else if rules[..index].iter().any(|other| other.id == rule.id) {
            say(at("id"), "another rule has this id");
        }
        if rule.command_type.is_empty() || rule.command_type.len() > 128 {
            say(at("type"), "a glob has 1 to 128 characters");
        }
        if rule.why.is_empty() || rule.why.len() > 500 {
            say(at("why"), "says in 1 to 500 bytes why the rule exists");
        }
        let approvers = rule.approvers.as_deref().unwrap_or_default();
        if approvers.len() > MAX_APPROVERS || approvers.iter().any(|who| who.len() > 128) {
            say(at("approvers"), "at most 20 names of at most 128 bytes");
        } else if !approvers.iter().all(|who| names_somebody(who)) {
            say(at("approvers"), "each is role:approver, role:admin or user:usr_…");
        }
        if rule.timeout_seconds == Some(0) {
            say(at("timeout_seconds"), "at least 1");
        }
        if rule.wait && rule.level == Risk::Green {
            say(at("wait"), "a GREEN command never waits; raise it to YELLOW or RED");
        }
        for (number, condition) in rule.when.iter().enumerate() {
            let field = |name: &str| at(&format!("when/{number}/{name}"));
            if !condition.pointer.is_empty() && !condition.pointer.starts_with('/') {
                say(field("pointer"), "a JSON Pointer is empty or starts with /");
            }
            let fits = match condition.op {
                Compare::In | Compare::NotIn => condition.value.is_array(),
                Compare::Gt | Compare::Gte | Compare::Lt | Compare::Lte => {
                    condition.value.is_number()
                }
                Compare::StartsWith | Compare::EndsWith | Compare::Glob => {
                    condition.value.is_string()
                }
                _ => true,
            };
            if !fits {
                say(field("value"), "does not fit the op");
            }
        }
    }
    bad
}

/// Whether an approver of a rule can be anybody at all.
fn names_somebody(who: &str) -> bool {
    match who.split_once(':') {
        Some(("role", role)) => Role::parse(role).is_some_and(|role| role >= Role::Approver),
        Some(("user", user)) => UserId::parse(user).is_ok(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn rule(id: &str, command_type: &str, level: Risk) -> Rule {
        Rule {
            id: id.into(),
            command_type: command_type.into(),
            when: vec![],
            level,
            wait: false,
            approvers: None,
            timeout_seconds: None,
            why: format!("because of {id}"),
        }
    }

    fn rating<'a>(params: &'a Value, rules: &'a [Rule]) -> Rating<'a> {
        Rating {
            command_type: "file.write",
            params,
            builtin: Risk::Yellow,
            floor: false,
            rules,
            admin_override: None,
            requested: None,
        }
    }

    #[test]
    fn rules_raise_and_say_why() {
        let params = json!({"path": "계약/2026.txt", "size": 12});
        let mut contracts = rule("contracts", "file.*", Risk::Red);
        contracts.when = vec![Condition {
            pointer: "/path".into(),
            op: Compare::StartsWith,
            value: json!("계약/"),
        }];
        contracts.timeout_seconds = Some(60);
        let rules = [rule("never-lowers", "*", Risk::Green), contracts];
        let verdict = rate(&rating(&params, &rules));
        assert_eq!((verdict.level, verdict.waits), (Risk::Red, true));
        assert_eq!(verdict.rule, "rule:contracts");
        assert_eq!(verdict.timeout_seconds, Some(60));
        let elsewhere = json!({"path": "notes.txt"});
        assert_eq!(rate(&rating(&elsewhere, &rules)).level, Risk::Yellow);
    }

    #[test]
    fn a_yellow_command_can_be_made_to_wait() {
        let params = json!({});
        let rules = [Rule { wait: true, ..rule("ask-first", "file.write", Risk::Yellow) }];
        let verdict = rate(&rating(&params, &rules));
        assert_eq!((verdict.level, verdict.waits), (Risk::Yellow, true));
        assert_eq!(verdict.rule, "rule:ask-first");
    }

    #[test]
    fn globs_match_whole_names() {
        for (pattern, text, matches) in [
            ("*", "", true),
            ("share.*", "share.email", true),
            ("share.*", "reshare.email", false),
            ("*.delete", "file.delete", true),
            ("a*b*c", "a__b__c", true),
            ("a*b*c", "acb", false),
            ("file", "file.read", false),
            ("a*a", "a", false),
            ("**", "x", true),
        ] {
            assert_eq!(glob(pattern, text), matches, "{pattern} {text}");
        }
    }

    #[test]
    fn bad_rules_are_named_by_path() {
        let mut twin = rule("a", "x.*", Risk::Red);
        twin.when = vec![Condition { pointer: "x".into(), op: Compare::In, value: json!(1) }];
        let paths: Vec<_> = check_rules(&[rule("a", "x.*", Risk::Red), twin])
            .into_iter()
            .map(|bad| bad.path)
            .collect();
        assert_eq!(paths, ["/rules/1/id", "/rules/1/when/0/pointer", "/rules/1/when/0/value"]);
    }

    fn any_risk() -> impl Strategy<Value = Risk> {
        prop::sample::select(vec![Risk::Green, Risk::Yellow, Risk::Red])
    }

    proptest! {
        #[test]
        fn nothing_takes_a_floored_type_below_red(
            builtin in any_risk(), admin in prop::option::of(any_risk()),
            requested in prop::option::of(any_risk()), level in any_risk(), wait in any::<bool>(),
        ) {
            let params = json!({});
            let rules = [Rule { wait, ..rule("r", "*", level) }];
            let verdict = rate(&Rating {
                builtin, floor: true, admin_override: admin, requested, ..rating(&params, &rules)
            });
            prop_assert_eq!((verdict.level, verdict.waits), (Risk::Red, true));
        }

        #[test]
        fn only_an_admin_lowers(
            builtin in any_risk(), requested in prop::option::of(any_risk()),
            levels in prop::collection::vec(any_risk(), 0..5),
        ) {
            let params = json!({});
            let rules: Vec<_> = levels.iter().enumerate()
                .map(|(i, level)| rule(&i.to_string(), "*", *level)).collect();
            let verdict = rate(&Rating { builtin, requested, ..rating(&params, &rules) });
            let highest = levels.iter().copied().chain(requested).chain([builtin]).max();
            prop_assert_eq!(Some(verdict.level), highest);
            prop_assert_eq!(verdict.waits, verdict.level == Risk::Red);
        }
    }
}
