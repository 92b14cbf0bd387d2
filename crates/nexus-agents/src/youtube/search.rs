//! `youtube.search`: `search.list` of the YouTube Data API v3, through the egress guard, remembered
//! for some hours.

use std::time::Duration;

use nexus_core::failure::FailureCode;
use nexus_core::json::{canonical, sha256_hex};
use nexus_core::time::Time;
use nexus_kit::app::App;
use nexus_kit::db::DbError;
use nexus_kit::egress::{Guard, SendError};
use nexus_work::agent::{Failure, Job};
use serde_json::{Value, json};
use url::Url;

use super::sql;
use super::video;

pub(super) const TYPE: &str = "youtube.search";

/// What to do where there is no key.
pub(super) const NO_KEY: &str = "YOUTUBE_API_KEY is not set. Make a key for the YouTube Data API v3 \
    in the Google Cloud console, set it, and start the server again";

/// Units of the daily quota that a search costs, whatever it finds.
const UNITS: u64 = 100;

/// How long what was found is given again.
const REMEMBER: Duration = Duration::from_secs(6 * 3_600);

/// Hits unless asked otherwise, and at most: more would not fit into a bounded answer.
const RESULTS: u64 = 10;
pub(super) const MOST_RESULTS: u64 = 25;

/// What the provider is asked to leave out is not paid for in bytes.
const FIELDS: &str =
    "items(id/videoId,snippet(title,channelTitle,publishedAt,thumbnails/medium/url))";

/// A day of the provider's quota begins at midnight there, eight hours behind.
const QUOTA_BEHIND: Duration = Duration::from_secs(8 * 3_600);

/// Searches, or gives what was found before.
pub(super) async fn search(app: &App, guard: &Guard, job: &Job) -> Result<Value, Failure> {
    let settings = &app.settings.youtube;
    if settings.api_key.is_empty() {
        return Err(Failure::new(FailureCode::ProviderDisabled, NO_KEY));
    }
    let text = |name: &str, default: &str| {
        job.params[name].as_str().map_or_else(|| default.to_owned(), str::to_owned)
    };
    let query = text("query", "").trim().to_owned();
    let region = text("region", &settings.region).to_uppercase();
    let language = text("language", &settings.language);
    let most = job.params["max_results"].as_u64().unwrap_or(RESULTS).min(MOST_RESULTS);
    let asked = json!({"query": query, "region": region, "language": language, "most": most});
    let hash = sha256_hex(canonical(&asked).as_bytes());
    let now = app.clock.now();
    let day = day(now);
    let (tenant, key, today) = (job.tenant.clone(), hash.clone(), day.clone());
    let known = app.db.read(&job.tenant, move |q| {
        let known = sql::found(q, &tenant, &key, now.minus(REMEMBER))?;
        Ok::<_, DbError>((known, sql::units(q, &tenant, &today)?))
    });
    let (known, used) = known.await.map_err(stored)?;
    let (items, cached, used) = match known.and_then(|text| serde_json::from_str(&text).ok()) {
        Some(items) => (items, true, used),
        None => {
            let url = address(&settings.api_url, &query, &region, &language, most)?;
            // What is sent is counted, whatever comes of it: so does the provider.
            let (tenant, today) = (job.tenant.clone(), day);
            let counted =
                app.db.write(&job.tenant, move |tx| sql::count(tx, &tenant, &today, UNITS));
            let used = counted.await.map_err(stored)?;
            let items = ask(guard, url.as_str(), settings.api_key.expose()).await?;
            let (tenant, text) = (job.tenant.clone(), items.to_string());
            let kept = app.db.write(&job.tenant, move |tx| {
                sql::remember(tx, &tenant, &hash, &text, now.minus(REMEMBER))
            });
            kept.await.map_err(stored)?;
            (items, false, used)
        }
    };
    Ok(json!({
        "items": items, "query": query, "region": region, "language": language, "cached": cached,
        "units": if cached { 0 } else { UNITS }, "units_today": used,
    }))
}

fn stored(error: DbError) -> Failure {
    Failure::new(FailureCode::StorageError, error.to_string())
}

/// The day of the provider's quota, `2026-01-01`.
fn day(now: Time) -> String {
    now.minus(QUOTA_BEHIND).to_string().chars().take(10).collect()
}

fn address(
    base: &str,
    query: &str,
    region: &str,
    language: &str,
    most: u64,
) -> Result<Url, Failure> {
    let most = most.to_string();
    let params = [
        ("part", "snippet"),
        ("type", "video"),
        // What plays in the console's frame.
        ("videoEmbeddable", "true"),
        ("q", query),
        ("maxResults", &most),
        ("regionCode", region),
        ("relevanceLanguage", language),
        ("fields", FIELDS),
    ];
    Url::parse_with_params(&format!("{base}/search"), params)
        .map_err(|_| Failure::new(FailureCode::ProviderDisabled, "YOUTUBE_API_URL is no address"))
}

/// Asks the provider, and reads what it found.
async fn ask(guard: &Guard, url: &str, key: &str) -> Result<Value, Failure> {
    let destination = guard.check_url(url).map_err(|refusal| failure(&refusal.into()))?;
    let pinned = guard.resolve(&destination).await.map_err(|error| failure(&error))?;
    // In a header, so that no log of addresses ever has it.
    let headers = [("x-goog-api-key", key), ("accept", "application/json")];
    let (answer, body) = pinned.get(&headers).await.map_err(|error| failure(&error))?;
    let body: Option<Value> = serde_json::from_slice(&body).ok().filter(|_| answer.whole);
    match (answer.status, body) {
        (200, Some(body)) => Ok(hits(&body)),
        (200, None) => {
            let message = "YouTube's answer could not be read";
            Err(Failure::new(FailureCode::ProviderUpstreamError, message))
        }
        (status, body) => Err(refused(status, &body.unwrap_or_default())),
    }
}

fn failure(error: &SendError) -> Failure {
    let code = match error {
        SendError::Blocked(_) => FailureCode::EgressBlocked,
        SendError::TimedOut(_) => FailureCode::ProviderTimeout,
        _ => FailureCode::ProviderUpstreamError,
    };
    Failure::new(code, format!("YouTube: {error}"))
}

/// What the provider's refusal means; its reasons are in the Data API's list of errors.
fn refused(status: u16, body: &Value) -> Failure {
    let error = &body["error"];
    let reason = error["errors"][0]["reason"].as_str().unwrap_or_default();
    let message = error["message"].as_str().unwrap_or_default();
    let bad_key = message.contains("API key") || reason.starts_with("key");
    let code = match (status, reason) {
        (_, "quotaExceeded" | "dailyLimitExceeded") => FailureCode::QuotaExceeded,
        (429, _) | (_, "rateLimitExceeded" | "userRateLimitExceeded") => {
            FailureCode::ProviderRateLimit
        }
        (401 | 403, _) => FailureCode::ProviderAuthError,
        (400, _) if bad_key => FailureCode::ProviderAuthError,
        (400, _) => FailureCode::InvalidParams,
        _ => FailureCode::ProviderUpstreamError,
    };
    let why = match code {
        FailureCode::QuotaExceeded => {
            "the day's quota is used up; it is new at midnight Pacific Time".to_owned()
        }
        FailureCode::ProviderAuthError => {
            "the key is not accepted; look at YOUTUBE_API_KEY and whether its project has the \
             YouTube Data API v3 enabled"
                .to_owned()
        }
        _ => nexus_core::text::clip(&nexus_core::mask::mask(message), 300),
    };
    Failure::new(code, format!("YouTube answered {status}: {why}"))
}

/// The hits as they are shown.
fn hits(body: &Value) -> Value {
    let items = body["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let hits = items.iter().filter_map(|item| {
        let id = video::video_id(item["id"]["videoId"].as_str()?)?;
        let snippet = &item["snippet"];
        let text = |name: &str| snippet[name].as_str().map(readable);
        Some(json!({
            "video_id": id, "title": text("title"), "channel": text("channelTitle"),
            "published_at": snippet["publishedAt"], "url": video::url(&id),
            "thumbnail": snippet["thumbnails"]["medium"]["url"],
        }))
    });
    hits.collect()
}

/// A title as people read it: the provider writes it with the entities of HTML.
fn readable(text: &str) -> String {
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")]
        .iter()
        .fold(text.to_owned(), |text, (entity, meant)| text.replace(entity, meant))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_days_of_the_quota_begin_in_the_west() {
        assert_eq!(day(Time::parse("2026-01-02T07:59:59.000Z").unwrap()), "2026-01-01");
        assert_eq!(day(Time::parse("2026-01-02T08:00:00.000Z").unwrap()), "2026-01-02");
    }

    #[test]
    fn a_refusal_says_what_to_do_and_nothing_secret() {
        let body = |reason: &str, message: &str| json!({"error": {"message": message, "errors": [{"reason": reason}]}});
        for (status, body, code) in [
            (400, body("badRequest", "API key not valid."), FailureCode::ProviderAuthError),
            (400, body("invalidParameter", "q is bad"), FailureCode::InvalidParams),
            (403, body("quotaExceeded", ""), FailureCode::QuotaExceeded),
            (403, body("accessNotConfigured", ""), FailureCode::ProviderAuthError),
            (429, json!(null), FailureCode::ProviderRateLimit),
            (503, json!(null), FailureCode::ProviderUpstreamError),
        ] {
            assert_eq!(refused(status, &body).code, code, "{status} {body}");
        }
        let text = refused(500, &body("x", "key=AIzaSyA-0123456789-0123456789-0123456789"));
        assert!(!text.message.contains("AIza"), "{}", text.message);
    }

    #[test]
    fn titles_read_as_people_wrote_them() {
        assert_eq!(
            readable("Tom &amp; Jerry&#39;s &quot;재즈&quot; &amp;lt;"),
            "Tom & Jerry's \"재즈\" &lt;"
        );
    }
}
