-- Times are microseconds since 1970, booleans 0 or 1, ids and JSON text.
-- A tenant is one text, {org}:{project}, and comes first in every key.

CREATE TABLE tenant (
    tenant         TEXT   NOT NULL PRIMARY KEY,
    title          TEXT   NOT NULL,
    created_at     BIGINT NOT NULL,
    paused_at      BIGINT,
    paused_by      TEXT,
    policy_version BIGINT NOT NULL,
    types_version  BIGINT NOT NULL
) WITHOUT ROWID;

-- The report log: head, reports, and the fold of everything below them.

CREATE TABLE stream_head (
    tenant       TEXT   NOT NULL PRIMARY KEY,
    epoch        TEXT   NOT NULL,
    last         BIGINT NOT NULL,
    worklog_keep BIGINT NOT NULL
) WITHOUT ROWID;

CREATE TABLE report (
    tenant    TEXT   NOT NULL,
    number    BIGINT NOT NULL,
    report_id TEXT   NOT NULL,
    body      TEXT   NOT NULL,
    PRIMARY KEY (tenant, number)
) WITHOUT ROWID;
CREATE UNIQUE INDEX report_id_once ON report (tenant, report_id);

CREATE TABLE stream_base (
    tenant TEXT   NOT NULL PRIMARY KEY,
    number BIGINT NOT NULL,
    view   TEXT   NOT NULL
) WITHOUT ROWID;

-- Audit: one hash chain per tenant over salted hashes, details beside them.

CREATE TABLE audit (
    tenant         TEXT   NOT NULL,
    seq            BIGINT NOT NULL,
    at             BIGINT NOT NULL,
    actor          TEXT   NOT NULL,
    action         TEXT   NOT NULL,
    target         TEXT   NOT NULL,
    correlation_id TEXT   NOT NULL,
    salt           BLOB,
    details        TEXT,
    details_hash   BLOB   NOT NULL,
    hash           BLOB   NOT NULL,
    PRIMARY KEY (tenant, seq)
) WITHOUT ROWID;

-- Keys of programs. Looked up by id across tenants; the secret is stored hashed.

CREATE TABLE api_key (
    key_id      TEXT   NOT NULL PRIMARY KEY,
    tenant      TEXT,
    kind        TEXT   NOT NULL,
    title       TEXT   NOT NULL,
    secret_hash BLOB   NOT NULL,
    types       TEXT,
    created_at  BIGINT NOT NULL,
    created_by  TEXT   NOT NULL,
    expires_at  BIGINT,
    last_used   BIGINT,
    revoked_at  BIGINT
) WITHOUT ROWID;
CREATE INDEX api_key_by_tenant ON api_key (tenant, key_id);

-- Commands: policy, types that outside agents perform, idempotency.

CREATE TABLE policy (
    tenant     TEXT   NOT NULL,
    version    BIGINT NOT NULL,
    rules      TEXT   NOT NULL,
    changed_at BIGINT NOT NULL,
    changed_by TEXT   NOT NULL,
    PRIMARY KEY (tenant, version)
) WITHOUT ROWID;

CREATE TABLE command_type (
    tenant          TEXT   NOT NULL,
    command_type    TEXT   NOT NULL,
    builtin         BIGINT NOT NULL,
    risk            TEXT,
    sends_outside   BIGINT NOT NULL,
    title_en        TEXT   NOT NULL,
    title_ko        TEXT   NOT NULL,
    params_schema   TEXT   NOT NULL,
    timeout_seconds BIGINT NOT NULL,
    retryable       BIGINT NOT NULL,
    changed_at      BIGINT NOT NULL,
    changed_by      TEXT   NOT NULL,
    PRIMARY KEY (tenant, command_type)
) WITHOUT ROWID;

CREATE TABLE idempotency (
    tenant     TEXT   NOT NULL,
    key        TEXT   NOT NULL,
    digest     TEXT   NOT NULL,
    task_id    TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, key)
) WITHOUT ROWID;
CREATE INDEX idempotency_by_age ON idempotency (created_at);

-- Tasks. The row is the truth.

CREATE TABLE task (
    tenant           TEXT   NOT NULL,
    task_id          TEXT   NOT NULL,
    seq              BIGINT NOT NULL,
    command_type     TEXT   NOT NULL,
    params           TEXT   NOT NULL,
    status           TEXT   NOT NULL,
    risk             TEXT   NOT NULL,
    rule             TEXT   NOT NULL,
    waits            BIGINT NOT NULL,
    requested_risk   TEXT,
    precondition     TEXT,
    priority         BIGINT NOT NULL,
    correlation_id   TEXT   NOT NULL,
    requested_by     TEXT   NOT NULL,
    created_at       BIGINT NOT NULL,
    updated_at       BIGINT NOT NULL,
    deadline_at      BIGINT,
    ask_id           TEXT,
    attempt          BIGINT NOT NULL,
    retry_count      BIGINT NOT NULL,
    agent            TEXT,
    attempt_token    TEXT,
    lease_owner      TEXT,
    lease_until      BIGINT,
    started_at       BIGINT,
    progress         DOUBLE PRECISION,
    cancel_requested BIGINT NOT NULL,
    finished_at      BIGINT,
    result           TEXT,
    failure_code     TEXT,
    last_error       TEXT,
    PRIMARY KEY (tenant, task_id)
) WITHOUT ROWID;
-- Tasks that run are found by their leases, those that went well in the order of their ids: the two
-- statuses that every task passes cost no index.
CREATE INDEX task_by_status ON task (tenant, status, task_id)
    WHERE status NOT IN ('running', 'succeeded');
CREATE INDEX task_by_correlation ON task (tenant, correlation_id, task_id);
CREATE INDEX task_finished ON task (tenant, finished_at) WHERE finished_at IS NOT NULL;

-- What is due, across tenants and without content: tasks to claim (ready), claims that run out
-- (lease), asks that expire (ask). What nobody but the clock will look at is timed.

CREATE TABLE work_due (
    kind         TEXT   NOT NULL,
    command_type TEXT   NOT NULL,
    tenant       TEXT   NOT NULL,
    rank         BIGINT NOT NULL,
    due_at       BIGINT NOT NULL,
    id           TEXT   NOT NULL,
    timed        BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
) WITHOUT ROWID;
CREATE INDEX work_due_ready ON work_due (command_type, tenant, rank, due_at) WHERE kind = 'ready';
CREATE INDEX work_due_time ON work_due (kind, due_at) WHERE timed = 1;

CREATE TABLE attempt (
    tenant       TEXT   NOT NULL,
    task_id      TEXT   NOT NULL,
    attempt      BIGINT NOT NULL,
    agent        TEXT   NOT NULL,
    started_at   BIGINT NOT NULL,
    finished_at  BIGINT NOT NULL,
    outcome      TEXT   NOT NULL,
    failure_code TEXT,
    agent_code   TEXT,
    error        TEXT,
    callback     TEXT,
    PRIMARY KEY (tenant, task_id, attempt)
) WITHOUT ROWID;

CREATE TABLE callback_seen (
    tenant  TEXT   NOT NULL,
    task_id TEXT   NOT NULL,
    attempt BIGINT NOT NULL,
    digest  TEXT   NOT NULL,
    PRIMARY KEY (tenant, task_id, attempt, digest)
) WITHOUT ROWID;

-- Callback ids that were taken, so that a replayed signature changes nothing.
CREATE TABLE webhook_seen (
    id      TEXT   NOT NULL PRIMARY KEY,
    seen_at BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX webhook_seen_by_age ON webhook_seen (seen_at);

-- What acts on the outside: the intent before the first byte, the outcome after.

CREATE TABLE effect (
    tenant      TEXT   NOT NULL,
    task_id     TEXT   NOT NULL,
    attempt     BIGINT NOT NULL,
    target      TEXT   NOT NULL,
    digest      TEXT   NOT NULL,
    bytes       BIGINT NOT NULL,
    state       TEXT   NOT NULL,
    intended_at BIGINT NOT NULL,
    settled_at  BIGINT,
    PRIMARY KEY (tenant, task_id, attempt)
) WITHOUT ROWID;

-- The exact bytes that were sent outside, or were about to be; kept as long as the audit.
CREATE TABLE sent (
    tenant TEXT NOT NULL,
    digest TEXT NOT NULL,
    bytes  BLOB NOT NULL,
    PRIMARY KEY (tenant, digest)
);

-- Asks and the yeses that they have.

CREATE TABLE ask (
    tenant       TEXT   NOT NULL,
    ask_id       TEXT   NOT NULL,
    seq          BIGINT NOT NULL,
    task_id      TEXT   NOT NULL,
    status       TEXT   NOT NULL,
    command_type TEXT   NOT NULL,
    params       TEXT   NOT NULL,
    bound        TEXT   NOT NULL,
    digest       TEXT   NOT NULL,
    risk         TEXT   NOT NULL,
    rule         TEXT   NOT NULL,
    why          TEXT   NOT NULL,
    question     TEXT   NOT NULL,
    question_ko  TEXT   NOT NULL,
    target       TEXT,
    approvers    TEXT,
    changed      TEXT,
    quorum       BIGINT NOT NULL,
    other_person BIGINT NOT NULL,
    edited_by    TEXT,
    requested_by TEXT   NOT NULL,
    correlation_id TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    decided_at   BIGINT,
    decided_by   TEXT,
    reason       TEXT,
    PRIMARY KEY (tenant, ask_id)
) WITHOUT ROWID;
CREATE INDEX ask_by_status ON ask (tenant, status, ask_id);
CREATE INDEX ask_by_task ON ask (tenant, task_id, ask_id);

CREATE TABLE ask_vote (
    tenant   TEXT   NOT NULL,
    ask_id   TEXT   NOT NULL,
    approver TEXT   NOT NULL,
    voted_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, ask_id, approver)
) WITHOUT ROWID;

CREATE TABLE worklog (
    tenant         TEXT   NOT NULL,
    line_id        TEXT   NOT NULL,
    seq            BIGINT NOT NULL,
    at             BIGINT NOT NULL,
    level          TEXT   NOT NULL,
    agent          TEXT   NOT NULL,
    text           TEXT   NOT NULL,
    correlation_id TEXT   NOT NULL,
    task_id        TEXT,
    PRIMARY KEY (tenant, line_id)
) WITHOUT ROWID;
CREATE INDEX worklog_by_task ON worklog (tenant, task_id, line_id);
CREATE INDEX worklog_by_correlation ON worklog (tenant, correlation_id, line_id);
