-- Who follows a tenant's log on its own, and how far it has come; read across tenants by name, and
-- without content. A follower that has nothing to wait for has no row.

CREATE TABLE log_follower (
    tenant TEXT   NOT NULL,
    name   TEXT   NOT NULL,
    epoch  TEXT   NOT NULL,
    number BIGINT NOT NULL,
    wanted BIGINT NOT NULL,
    PRIMARY KEY (tenant, name)
) WITHOUT ROWID;
CREATE INDEX log_follower_by_name ON log_follower (name, tenant);

-- The player of a tenant: what waits, what plays, what played before, each as JSON.

CREATE TABLE youtube_player (
    tenant TEXT NOT NULL PRIMARY KEY,
    queue  TEXT NOT NULL,
    now    TEXT,
    past   TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE youtube_search (
    tenant     TEXT   NOT NULL,
    query_hash TEXT   NOT NULL,
    result     TEXT   NOT NULL,
    found_at   BIGINT NOT NULL,
    PRIMARY KEY (tenant, query_hash)
) WITHOUT ROWID;

-- Units of the Data API that were used, by the day of the provider's own clock.
CREATE TABLE youtube_quota (
    tenant TEXT   NOT NULL,
    day    TEXT   NOT NULL,
    units  BIGINT NOT NULL,
    PRIMARY KEY (tenant, day)
) WITHOUT ROWID;

-- Runs of the autopilot and their steps; the conversation that they come from.

CREATE TABLE autopilot_run (
    tenant         TEXT   NOT NULL,
    run_id         TEXT   NOT NULL,
    seq            BIGINT NOT NULL,
    goal           TEXT   NOT NULL,
    language       TEXT   NOT NULL,
    session_id     TEXT   NOT NULL,
    task_id        TEXT   NOT NULL,
    requested_by   TEXT   NOT NULL,
    correlation_id TEXT   NOT NULL,
    phase          TEXT   NOT NULL,
    paused         BIGINT NOT NULL,
    stopping       TEXT,
    open           BIGINT NOT NULL,
    summary        TEXT,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL,
    deadline_at    BIGINT NOT NULL,
    finished_at    BIGINT,
    requested_by_name TEXT,
    PRIMARY KEY (tenant, run_id)
) WITHOUT ROWID;
CREATE INDEX autopilot_run_open ON autopilot_run (tenant, open, deadline_at);
CREATE INDEX autopilot_run_finished ON autopilot_run (tenant, finished_at)
    WHERE finished_at IS NOT NULL;

CREATE TABLE autopilot_step (
    tenant       TEXT   NOT NULL,
    run_id       TEXT   NOT NULL,
    step         BIGINT NOT NULL,
    command_type TEXT   NOT NULL,
    params       TEXT   NOT NULL,
    inputs       TEXT,
    state        TEXT   NOT NULL,
    risk         TEXT,
    task_id      TEXT,
    ask_id       TEXT,
    started_at   BIGINT,
    finished_at  BIGINT,
    failure_code TEXT,
    error        TEXT,
    PRIMARY KEY (tenant, run_id, step)
) WITHOUT ROWID;
CREATE INDEX autopilot_step_by_task ON autopilot_step (tenant, task_id) WHERE task_id IS NOT NULL;

CREATE TABLE chat_message (
    tenant       TEXT   NOT NULL,
    session_id   TEXT   NOT NULL,
    seq          BIGINT NOT NULL,
    role         TEXT   NOT NULL,
    text         TEXT   NOT NULL,
    run_id       TEXT   NOT NULL,
    requested_by TEXT   NOT NULL,
    at           BIGINT NOT NULL,
    PRIMARY KEY (tenant, session_id, seq)
) WITHOUT ROWID;
CREATE INDEX chat_message_by_age ON chat_message (tenant, at);

-- Whose request a line is about; none for lines that were written before this was noted.
ALTER TABLE worklog ADD COLUMN requested_by TEXT NOT NULL DEFAULT '';
