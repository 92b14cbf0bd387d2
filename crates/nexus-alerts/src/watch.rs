//! What this process measures of itself: error rate, latency, refusals and error lines, in windows.
//!
//! Counters only ever rise, so a window is the difference of two samples. These alerts are of one
//! process and of the platform; a process that starts begins with an empty window.

use std::collections::VecDeque;
use std::time::Duration;

use nexus_core::alert::Event;
use nexus_core::time::Time;
use nexus_kit::db::{DbError, Scope};
use nexus_kit::settings;
use nexus_kit::telemetry::logs::error_lines;

use crate::Alerts;
use crate::actions::raise;
use crate::notice::{Both, Happened, Notice, number};
use crate::row::Owner;

/// Samples of a window.
const SAMPLES: u32 = 10;

/// Routes whose answers wait on purpose.
const WAITING: [&str; 1] = ["/agent/tasks/claim"];

/// Refused sign-ins.
const LOGIN: [&str; 2] = ["login_failed", "login_throttled"];

/// What was counted up to a moment.
#[derive(Clone, Debug, Default, PartialEq)]
struct Counts {
    requests: u64,
    failures: u64,
    limited: u64,
    refused_logins: u64,
    error_lines: u64,
    /// Upper bounds in seconds, and how many took at most so long; cumulative.
    buckets: Vec<(f64, u64)>,
}

/// Looks at the counters again and again.
pub(crate) async fn run(alerts: &Alerts) {
    let settings = &alerts.rules.settings;
    let mut samples: VecDeque<Counts> = VecDeque::new();
    loop {
        let counts = read(&alerts.app.metrics.render(), error_lines());
        samples.push_back(counts);
        // Two windows: what rises is more than it was.
        if samples.len() > 2 * SAMPLES as usize + 1 {
            samples.pop_front();
        }
        let happened = judge(&samples, settings, alerts.app.clock.now());
        if !happened.is_empty()
            && let Err(error) = tell(alerts, happened).await
        {
            tracing::warn!(%error, "an alert of the platform was not written down; the next look tries again");
        }
        alerts.app.clock.sleep(settings.window / SAMPLES).await;
    }
}

async fn tell(alerts: &Alerts, happened: Vec<Happened>) -> Result<(), DbError> {
    let rules = alerts.rules.clone();
    let raised =
        alerts.app.db.write(Scope::System, move |tx| raise(tx, &Owner::Platform, happened, &rules));
    alerts.told(raised.await?);
    Ok(())
}

/// The counters, out of the text that Prometheus reads: one form for both.
fn read(text: &str, error_lines: u64) -> Counts {
    let mut counts = Counts { error_lines, ..Counts::default() };
    for line in text.lines() {
        let Some((name, value)) = line.rsplit_once(' ') else { continue };
        let value = value.parse::<f64>().unwrap_or(0.0) as u64;
        if name.starts_with("nexus_http_requests_total{") {
            counts.requests += value;
            let status = label(name, "status").unwrap_or_default();
            counts.failures += if status.starts_with('5') { value } else { 0 };
            counts.limited += if status == "429" { value } else { 0 };
        } else if name.starts_with("nexus_refusals_total{") {
            let code = label(name, "code").unwrap_or_default();
            counts.refused_logins += if LOGIN.contains(&code) { value } else { 0 };
        } else if name.starts_with("nexus_http_request_duration_seconds_bucket{") {
            let waits = label(name, "route").is_some_and(|route| WAITING.contains(&route));
            let bound = match label(name, "le") {
                Some("+Inf") => Some(f64::INFINITY),
                Some(bound) => bound.parse().ok(),
                None => None,
            };
            if let Some(bound) = bound.filter(|_| !waits) {
                match counts.buckets.iter_mut().find(|(known, _)| *known == bound) {
                    Some((_, count)) => *count += value,
                    None => counts.buckets.push((bound, value)),
                }
            }
        }
    }
    counts.buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    counts
}

fn label<'a>(name: &'a str, label: &str) -> Option<&'a str> {
    let rest = name.split_once(&format!("{label}=\""))?.1;
    rest.split('"').next()
}

/// The difference of two samples.
fn between(from: &Counts, to: &Counts) -> Counts {
    let buckets = to.buckets.iter().map(|(bound, count)| {
        let before = from.buckets.iter().find(|(known, _)| known == bound);
        (*bound, count.saturating_sub(before.map_or(0, |(_, count)| *count)))
    });
    Counts {
        requests: to.requests.saturating_sub(from.requests),
        failures: to.failures.saturating_sub(from.failures),
        limited: to.limited.saturating_sub(from.limited),
        refused_logins: to.refused_logins.saturating_sub(from.refused_logins),
        error_lines: to.error_lines.saturating_sub(from.error_lines),
        buckets: buckets.collect(),
    }
}

/// The bound below which 95 of 100 stay; none where nothing was measured.
fn p95(buckets: &[(f64, u64)]) -> Option<f64> {
    let total = buckets.last()?.1;
    if total == 0 {
        return None;
    }
    let wanted = total - total / 20;
    buckets.iter().find(|(_, count)| *count >= wanted).map(|(bound, _)| *bound)
}

/// What the newest window says.
fn judge(samples: &VecDeque<Counts>, settings: &settings::Alerts, now: Time) -> Vec<Happened> {
    let Some(last) = samples.back() else { return Vec::new() };
    let at = |back: usize| samples.len().checked_sub(back + 1).and_then(|at| samples.get(at));
    let window = SAMPLES as usize;
    let none = Counts::default();
    // A process that is younger than a window is judged by its whole life.
    let start = at(window).unwrap_or(samples.front().unwrap_or(&none));
    let newest = between(start, last);
    let before = match at(2 * window) {
        Some(earlier) => between(earlier, start),
        None => at(window).map_or(none.clone(), |start| between(&samples[0], start)),
    };
    let mut found = Vec::new();
    let mut say = |event: Event, en: String, ko: String| found.push(happened(event, en, ko, now));
    let minutes = number(settings.window.as_secs_f64() / 60.0);
    let percent = |part: u64, of: u64| 100.0 * part as f64 / of.max(1) as f64;
    if newest.requests >= settings.min_requests {
        let rate = percent(newest.failures, newest.requests);
        if rate > settings.error_rate_percent as f64 {
            let (rate, failures, requests) = (number(rate), newest.failures, newest.requests);
            say(
                Event::ErrorRate,
                format!(
                    "{failures} of {requests} requests failed in {minutes} minutes ({rate} %)."
                ),
                format!(
                    "{minutes}분 동안 요청 {requests}건 중 {failures}건이 실패했습니다({rate}%)."
                ),
            );
        }
        if let Some(p95) = p95(&newest.buckets).filter(|p95| *p95 > bound(settings.p95, &newest)) {
            let p95 = if p95.is_finite() { format!("{p95:.3}") } else { "16+".to_owned() };
            say(
                Event::LatencyHigh,
                format!("95 of 100 requests took up to {p95} seconds in {minutes} minutes."),
                format!("{minutes}분 동안 요청의 95%가 최대 {p95}초 걸렸습니다."),
            );
        }
    }
    let rising = |count: u64, was: u64, most: u64| count >= most && count >= 2 * was;
    if rising(newest.error_lines, before.error_lines, settings.error_lines) {
        let (count, was) = (newest.error_lines, before.error_lines);
        say(
            Event::ErrorLines,
            format!(
                "{count} log lines of level error in {minutes} minutes, {was} in those before."
            ),
            format!("{minutes}분 동안 error 로그 {count}줄, 그 전에는 {was}줄."),
        );
    }
    let (count, was) = (newest.refused_logins, before.refused_logins);
    if count >= 5 * settings.login_refusals {
        say(
            Event::LoginAttack,
            format!("{count} refused sign-ins in {minutes} minutes."),
            format!("{minutes}분 동안 로그인 거부 {count}건."),
        );
    } else if rising(count, was, settings.login_refusals) {
        say(
            Event::LoginRefused,
            format!("{count} refused sign-ins in {minutes} minutes, {was} in those before."),
            format!("{minutes}분 동안 로그인 거부 {count}건, 그 전에는 {was}건."),
        );
    }
    if rising(newest.limited, before.limited, settings.limit_refusals) {
        let (count, was) = (newest.limited, before.limited);
        say(
            Event::RateLimited,
            format!("{count} answers with 429 in {minutes} minutes, {was} in those before."),
            format!("{minutes}분 동안 429 응답 {count}건, 그 전에는 {was}건."),
        );
    }
    found
}

/// The bucket that the limit falls into: what is within it is not known to be beyond the limit.
fn bound(limit: Duration, counts: &Counts) -> f64 {
    let limit = limit.as_secs_f64();
    counts.buckets.iter().map(|(bound, _)| *bound).find(|bound| *bound >= limit).unwrap_or(limit)
}

fn happened(event: Event, en: String, ko: String, now: Time) -> Happened {
    Happened {
        event,
        severity: event.severity(),
        // One look is one occurrence.
        source: format!("{}/{}", event.as_str(), now.micros()),
        key: event.as_str().to_owned(),
        notice: Notice::of(event, Both::new(en, ko)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"nexus_http_requests_total{method="GET",route="/tasks",status="200"} 90
nexus_http_requests_total{method="GET",route="/tasks",status="503"} 7
nexus_http_requests_total{method="GET",route="/tasks",status="429"} 3
nexus_refusals_total{code="login_failed"} 4
nexus_refusals_total{code="login_throttled"} 2
nexus_refusals_total{code="key_invalid"} 50
nexus_http_request_duration_seconds_bucket{le="0.512",route="/tasks"} 94
nexus_http_request_duration_seconds_bucket{le="1.024",route="/tasks"} 96
nexus_http_request_duration_seconds_bucket{le="+Inf",route="/tasks"} 100
nexus_http_request_duration_seconds_bucket{le="0.512",route="/agent/tasks/claim"} 0
nexus_http_request_duration_seconds_bucket{le="+Inf",route="/agent/tasks/claim"} 1000
"#;

    fn events(samples: &[Counts]) -> Vec<Event> {
        let samples: VecDeque<Counts> = samples.iter().cloned().collect();
        let settings = settings::Alerts::default();
        let found = judge(&samples, &settings, Time::from_millis(0));
        found.iter().map(|one| one.event).collect()
    }

    #[test]
    fn the_counters_are_read_from_what_prometheus_reads() {
        let counts = read(TEXT, 9);
        assert_eq!((counts.requests, counts.failures, counts.limited), (100, 7, 3));
        assert_eq!((counts.refused_logins, counts.error_lines), (6, 9));
        assert_eq!(p95(&counts.buckets), Some(1.024), "long polls do not count");
    }

    #[test]
    fn the_servers_own_metrics_have_these_names() {
        let metrics = nexus_kit::telemetry::metrics::Metrics::new();
        let request =
            nexus_kit::telemetry::metrics::Http { method: "GET", route: "/x".into(), status: 500 };
        metrics.http_requests.get_or_create(&request).inc();
        let route = nexus_kit::telemetry::metrics::Route { route: "/x".into() };
        metrics.http_duration.get_or_create(&route).observe(2.0);
        metrics.refused("login_failed");
        let counts = read(&metrics.render(), 0);
        assert_eq!((counts.requests, counts.failures, counts.refused_logins), (1, 1, 1));
        assert!(p95(&counts.buckets).unwrap() > 1.0);
    }

    #[test]
    fn a_window_is_judged_by_what_it_brought() {
        let start = Counts::default();
        let bad = Counts { requests: 100, failures: 6, ..start.clone() };
        assert_eq!(events(&[start.clone(), bad.clone()]), [Event::ErrorRate]);
        let fine = Counts { requests: 100, failures: 5, ..start.clone() };
        assert!(events(&[start.clone(), fine]).is_empty(), "five of a hundred are not over five");
        let few = Counts { requests: 19, failures: 19, ..start.clone() };
        assert!(events(&[start.clone(), few]).is_empty(), "too few to say");
        // What is past does not count again.
        let mut long = vec![start; 1];
        long.extend(std::iter::repeat_n(bad, 11));
        assert!(events(&long).is_empty());
    }

    #[test]
    fn slow_requests_and_rising_counts_are_told() {
        let start = Counts { buckets: vec![(1.024, 0), (f64::INFINITY, 0)], ..Counts::default() };
        let slow = Counts {
            requests: 100,
            buckets: vec![(1.024, 90), (f64::INFINITY, 100)],
            ..start.clone()
        };
        assert_eq!(events(&[start.clone(), slow]), [Event::LatencyHigh]);
        let rising = Counts { error_lines: 20, refused_logins: 20, limited: 100, ..start.clone() };
        let expected = [Event::ErrorLines, Event::LoginRefused, Event::RateLimited];
        assert_eq!(events(&[start.clone(), rising]), expected);
        let attack = Counts { refused_logins: 100, ..start.clone() };
        assert_eq!(events(&[start.clone(), attack]), [Event::LoginAttack]);
        // As many as in the window before: not rising.
        let mut steady = vec![start.clone()];
        let of = |n| Counts { error_lines: n, ..start.clone() };
        steady.extend((1..=20).map(|n| of(n * 3)));
        assert!(events(&steady).is_empty());
    }
}
