//! Dead letters, written into the store past the server: of six codes and four types, in English and
//! Korean, failed over the last 40 days among tasks that went well.

use std::path::Path;

use nexus_bench::Error;
use nexus_bench::http::tenant;
use nexus_bench::seed::{Store, now};
use nexus_core::cause;
use nexus_core::failure::FailureCode;
use nexus_core::text::folded;
use rusqlite::{Connection, params};
use tokio_postgres::Client;

/// Failed over this time before now.
const SPREAD_MICROS: u64 = 40 * 86_400_000_000;

/// Rows of one statement on Postgres.
const CHUNK: usize = 5_000;

const TYPES: [&str; 4] = ["rag.search", "share.webhook", "file.read", "youtube.search"];

/// How often each code comes, of a hundred; timeouts most of all.
const CODES: [(FailureCode, u64); 6] = [
    (FailureCode::ProviderTimeout, 60),
    (FailureCode::AgentError, 20),
    (FailureCode::SchemaParseError, 10),
    (FailureCode::InvalidParams, 6),
    (FailureCode::ProviderAuthError, 3),
    (FailureCode::DeliveryFailed, 1),
];

/// One dead letter.
struct Row {
    task_id: String,
    correlation_id: String,
    at: i64,
    code: FailureCode,
    task_type: &'static str,
    error: String,
    cause: String,
    text: String,
}

/// The dead letter of a number, always the same for a beginning.
fn row(number: u64, count: u64, first: u64) -> Row {
    let at = first + SPREAD_MICROS * number / count;
    // Scattered, and the same on every machine.
    let chance = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    let mut share = chance % 100;
    let code = CODES.iter().find(|(_, part)| {
        let found = share < *part;
        share = share.saturating_sub(*part);
        found
    });
    let code = code.map_or(FailureCode::AgentError, |(code, _)| *code);
    let task_type = TYPES[(chance / 100 % 4) as usize];
    let error = match chance / 400 % 5 {
        0 => format!(
            "the provider did not answer in {} ms (request req_{chance:016x}), tried \
             https://api.example.com/v1/videos?id={number} three times; connection reset by peer",
            chance % 30_000
        ),
        1 => format!("upstream answered 503 after {number} ms: overloaded, shard {}", chance % 64),
        2 => format!(
            "사용자 '김{number}'의 문서 /자료/{}/보고서_{number}.hwp를 읽을 수 없습니다: 지원되지 \
             않는 형식입니다. 파일을 확인해 주세요",
            chance % 12
        ),
        3 => format!(
            "응답을 해석할 수 없습니다: {}번째 줄에 예상하지 못한 문자가 있습니다",
            chance % 500
        ),
        _ => format!("the answer misses \"items\" at line {} column {}", chance % 400, chance % 80),
    };
    let id = format!("{:012x}7{:03x}9{number:015x}", at / 1_000, number % 4_096);
    Row {
        task_id: format!("tsk_{id}"),
        correlation_id: format!("cor_{id}"),
        at: i64::try_from(at).unwrap_or_default(),
        cause: cause::id(code, task_type, &error),
        text: folded(&format!("{error} ")),
        code,
        task_type,
        error,
    }
}

/// Writes dead letters into a store; on Postgres, `vacuum` them.
///
/// # Errors
/// The store has another schema.
pub async fn write(store: &Store, count: u64, vacuum: bool) -> Result<(), Error> {
    let first = u64::try_from(now()?.as_micros())? - SPREAD_MICROS;
    let rows = (0..count).map(|number| row(number, count, first));
    match store {
        Store::Sqlite(data_dir) => in_file(data_dir, rows),
        Store::Postgres(client) => in_database(client, rows, vacuum).await,
    }
}

fn in_file(data_dir: &Path, rows: impl Iterator<Item = Row>) -> Result<(), Error> {
    let mut store = Connection::open(data_dir.join("nexus.db"))?;
    store.pragma_update(None, "journal_mode", "MEMORY")?;
    store.pragma_update(None, "synchronous", "OFF")?;
    store.pragma_update(None, "cache_size", -262_144)?;
    let transaction = store.transaction()?;
    {
        let tenant = tenant(0);
        let mut task = transaction.prepare(
            "INSERT INTO task (tenant, task_id, seq, command_type, params, status, risk, rule,
                 waits, priority, correlation_id, requested_by, created_at, updated_at, attempt,
                 retry_count, agent, started_at, cancel_requested, finished_at, failure_code,
                 last_error)
             VALUES (?1, ?2, 0, ?3, '{}', 'dead', 'GREEN', 'builtin', 0, 0, ?4, 'service', ?5, ?5,
                 4, 3, 'files', ?5, 0, ?5, ?6, ?7)",
        )?;
        let mut failed = transaction.prepare(
            "INSERT INTO failed (tenant, task_id, box, failed_at, failure_code, command_type, cause,
                 text)
             VALUES (?1, ?2, 'dlq', ?3, ?4, ?5, ?6, ?7)",
        )?;
        for row in rows {
            let code = row.code.as_str();
            let (task_id, at) = (&row.task_id, row.at);
            task.execute(params![
                tenant,
                task_id,
                row.task_type,
                row.correlation_id,
                at,
                code,
                row.error
            ])?;
            failed.execute(params![
                tenant,
                task_id,
                at,
                code,
                row.task_type,
                row.cause,
                row.text
            ])?;
        }
    }
    transaction.commit()?;
    store.pragma_update(None, "journal_mode", "WAL")?;
    Ok(())
}

async fn in_database(
    client: &Client,
    rows: impl Iterator<Item = Row>,
    vacuum: bool,
) -> Result<(), Error> {
    let made = "WITH row AS (
            SELECT * FROM unnest($2::TEXT[], $3::TEXT[], $4::BIGINT[], $5::TEXT[], $6::TEXT[],
                $7::TEXT[], $8::TEXT[], $9::TEXT[])
                AS row (task_id, correlation_id, at, code, type, error, cause, text)),
        tasks AS (
            INSERT INTO task (tenant, task_id, seq, command_type, params, status, risk, rule, waits,
                priority, correlation_id, requested_by, created_at, updated_at, attempt,
                retry_count, agent, started_at, cancel_requested, finished_at, failure_code,
                last_error)
            SELECT $1::TEXT, task_id, 0, type, '{}', 'dead', 'GREEN', 'builtin', 0, 0,
                correlation_id, 'service', at, at, 4, 3, 'files', at, 0, at, code, error FROM row)
        INSERT INTO failed (tenant, task_id, box, failed_at, failure_code, command_type, cause, text)
        SELECT $1::TEXT, task_id, 'dlq', at, code, type, cause, text FROM row";
    let mut rows = rows.peekable();
    while rows.peek().is_some() {
        let chunk: Vec<Row> = rows.by_ref().take(CHUNK).collect();
        let texts = |of: fn(&Row) -> &str| chunk.iter().map(of).collect::<Vec<&str>>();
        let at: Vec<i64> = chunk.iter().map(|row| row.at).collect();
        client
            .execute(
                made,
                &[
                    &tenant(0),
                    &texts(|row| &row.task_id),
                    &texts(|row| &row.correlation_id),
                    &at,
                    &texts(|row| row.code.as_str()),
                    &texts(|row| row.task_type),
                    &texts(|row| &row.error),
                    &texts(|row| &row.cause),
                    &texts(|row| &row.text),
                ],
            )
            .await?;
    }
    // As autovacuum does after so many new rows.
    for table in ["failed", "task"] {
        let tidied = if vacuum { "VACUUM (ANALYZE)" } else { "ANALYZE" };
        client.batch_execute(&format!("{tidied} {table}")).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dead_letters_are_of_all_codes_and_types_and_few_causes() {
        let rows: Vec<Row> = (0..10_000).map(|number| row(number, 10_000, 0)).collect();
        for (code, part) in CODES {
            let found = rows.iter().filter(|row| row.code == code).count() as u64;
            assert!((part * 80..part * 120).contains(&found), "{code}: {found}");
        }
        let causes: std::collections::BTreeSet<&str> =
            rows.iter().map(|row| row.cause.as_str()).collect();
        assert!((100..=CODES.len() * TYPES.len() * 5).contains(&causes.len()), "{}", causes.len());
    }
}
