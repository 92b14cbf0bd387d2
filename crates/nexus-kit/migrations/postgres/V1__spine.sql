-- Texts are compared byte by byte, as in SQLite and in this program.
-- Times are microseconds since 1970, booleans 0 or 1, ids and JSON text.
-- A tenant is one text, {org}:{project}, and comes first in every key.

CREATE TABLE tenant (
    tenant         TEXT COLLATE "C"   NOT NULL PRIMARY KEY,
    title          TEXT COLLATE "C"   NOT NULL,
    created_at     BIGINT NOT NULL,
    paused_at      BIGINT,
    paused_by      TEXT COLLATE "C",
    policy_version BIGINT NOT NULL,
    types_version  BIGINT NOT NULL
);

-- The report log: head, reports, and the fold of everything below them.

CREATE TABLE stream_head (
    tenant       TEXT COLLATE "C"   NOT NULL PRIMARY KEY,
    epoch        TEXT COLLATE "C"   NOT NULL,
    last         BIGINT NOT NULL,
    worklog_keep BIGINT NOT NULL
);

CREATE TABLE report (
    tenant    TEXT COLLATE "C"   NOT NULL,
    number    BIGINT NOT NULL,
    report_id TEXT COLLATE "C"   NOT NULL,
    body      TEXT COLLATE "C"   NOT NULL,
    PRIMARY KEY (tenant, number)
);
CREATE UNIQUE INDEX report_id_once ON report (tenant, report_id);

CREATE TABLE stream_base (
    tenant TEXT COLLATE "C"   NOT NULL PRIMARY KEY,
    number BIGINT NOT NULL,
    view   TEXT COLLATE "C"   NOT NULL
);

-- Audit: one hash chain per tenant over salted hashes, details beside them.

CREATE TABLE audit (
    tenant         TEXT COLLATE "C"   NOT NULL,
    seq            BIGINT NOT NULL,
    at             BIGINT NOT NULL,
    actor          TEXT COLLATE "C"   NOT NULL,
    action         TEXT COLLATE "C"   NOT NULL,
    target         TEXT COLLATE "C"   NOT NULL,
    correlation_id TEXT COLLATE "C"   NOT NULL,
    salt           BYTEA,
    details        TEXT COLLATE "C",
    details_hash   BYTEA   NOT NULL,
    hash           BYTEA   NOT NULL,
    PRIMARY KEY (tenant, seq)
);

-- Keys of programs. Looked up by id across tenants; the secret is stored hashed.

CREATE TABLE api_key (
    key_id      TEXT COLLATE "C"   NOT NULL PRIMARY KEY,
    tenant      TEXT COLLATE "C",
    kind        TEXT COLLATE "C"   NOT NULL,
    title       TEXT COLLATE "C"   NOT NULL,
    secret_hash BYTEA   NOT NULL,
    types       TEXT COLLATE "C",
    created_at  BIGINT NOT NULL,
    created_by  TEXT COLLATE "C"   NOT NULL,
    expires_at  BIGINT,
    last_used   BIGINT,
    revoked_at  BIGINT
);
CREATE INDEX api_key_by_tenant ON api_key (tenant, key_id);

-- Commands: policy, types that outside agents perform, idempotency.

CREATE TABLE policy (
    tenant     TEXT COLLATE "C"   NOT NULL,
    version    BIGINT NOT NULL,
    rules      TEXT COLLATE "C"   NOT NULL,
    changed_at BIGINT NOT NULL,
    changed_by TEXT COLLATE "C"   NOT NULL,
    PRIMARY KEY (tenant, version)
);

CREATE TABLE command_type (
    tenant          TEXT COLLATE "C"   NOT NULL,
    command_type    TEXT COLLATE "C"   NOT NULL,
    builtin         BIGINT NOT NULL,
    risk            TEXT COLLATE "C",
    sends_outside   BIGINT NOT NULL,
    title_en        TEXT COLLATE "C"   NOT NULL,
    title_ko        TEXT COLLATE "C"   NOT NULL,
    params_schema   TEXT COLLATE "C"   NOT NULL,
    timeout_seconds BIGINT NOT NULL,
    retryable       BIGINT NOT NULL,
    changed_at      BIGINT NOT NULL,
    changed_by      TEXT COLLATE "C"   NOT NULL,
    PRIMARY KEY (tenant, command_type)
);

CREATE TABLE idempotency (
    tenant     TEXT COLLATE "C"   NOT NULL,
    key        TEXT COLLATE "C"   NOT NULL,
    digest     TEXT COLLATE "C"   NOT NULL,
    task_id    TEXT COLLATE "C"   NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, key)
);
CREATE INDEX idempotency_by_age ON idempotency (created_at);

-- Tasks. The row is the truth.

CREATE TABLE task (
    tenant           TEXT COLLATE "C"   NOT NULL,
    task_id          TEXT COLLATE "C"   NOT NULL,
    seq              BIGINT NOT NULL,
    command_type     TEXT COLLATE "C"   NOT NULL,
    params           TEXT COLLATE "C"   NOT NULL,
    status           TEXT COLLATE "C"   NOT NULL,
    risk             TEXT COLLATE "C"   NOT NULL,
    rule             TEXT COLLATE "C"   NOT NULL,
    waits            BIGINT NOT NULL,
    requested_risk   TEXT COLLATE "C",
    precondition     TEXT COLLATE "C",
    priority         BIGINT NOT NULL,
    correlation_id   TEXT COLLATE "C"   NOT NULL,
    requested_by     TEXT COLLATE "C"   NOT NULL,
    created_at       BIGINT NOT NULL,
    updated_at       BIGINT NOT NULL,
    deadline_at      BIGINT,
    ask_id           TEXT COLLATE "C",
    attempt          BIGINT NOT NULL,
    retry_count      BIGINT NOT NULL,
    agent            TEXT COLLATE "C",
    attempt_token    TEXT COLLATE "C",
    lease_owner      TEXT COLLATE "C",
    lease_until      BIGINT,
    started_at       BIGINT,
    progress         DOUBLE PRECISION,
    cancel_requested BIGINT NOT NULL,
    finished_at      BIGINT,
    result           TEXT COLLATE "C",
    failure_code     TEXT COLLATE "C",
    last_error       TEXT COLLATE "C",
    PRIMARY KEY (tenant, task_id)
);
-- Tasks that run are found by their leases, those that went well in the order of their ids: the two
-- statuses that every task passes cost no index.
CREATE INDEX task_by_status ON task (tenant, status, task_id)
    WHERE status NOT IN ('running', 'succeeded');
CREATE INDEX task_by_correlation ON task (tenant, correlation_id, task_id);
CREATE INDEX task_finished ON task (tenant, finished_at) WHERE finished_at IS NOT NULL;

-- What is due, across tenants and without content: tasks to claim (ready), claims that run out
-- (lease), asks that expire (ask). What nobody but the clock will look at is timed.

CREATE TABLE work_due (
    kind         TEXT COLLATE "C"   NOT NULL,
    command_type TEXT COLLATE "C"   NOT NULL,
    tenant       TEXT COLLATE "C"   NOT NULL,
    rank         BIGINT NOT NULL,
    due_at       BIGINT NOT NULL,
    id           TEXT COLLATE "C"   NOT NULL,
    timed        BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX work_due_ready ON work_due (command_type, tenant, rank, due_at) WHERE kind = 'ready';
CREATE INDEX work_due_time ON work_due (kind, due_at) WHERE timed = 1;

CREATE TABLE attempt (
    tenant       TEXT COLLATE "C"   NOT NULL,
    task_id      TEXT COLLATE "C"   NOT NULL,
    attempt      BIGINT NOT NULL,
    agent        TEXT COLLATE "C"   NOT NULL,
    started_at   BIGINT NOT NULL,
    finished_at  BIGINT NOT NULL,
    outcome      TEXT COLLATE "C"   NOT NULL,
    failure_code TEXT COLLATE "C",
    agent_code   TEXT COLLATE "C",
    error        TEXT COLLATE "C",
    callback     TEXT COLLATE "C",
    PRIMARY KEY (tenant, task_id, attempt)
);

CREATE TABLE callback_seen (
    tenant  TEXT COLLATE "C"   NOT NULL,
    task_id TEXT COLLATE "C"   NOT NULL,
    attempt BIGINT NOT NULL,
    digest  TEXT COLLATE "C"   NOT NULL,
    PRIMARY KEY (tenant, task_id, attempt, digest)
);

-- Callback ids that were taken, so that a replayed signature changes nothing.
CREATE TABLE webhook_seen (
    id      TEXT COLLATE "C"   NOT NULL PRIMARY KEY,
    seen_at BIGINT NOT NULL
);
CREATE INDEX webhook_seen_by_age ON webhook_seen (seen_at);

-- What acts on the outside: the intent before the first byte, the outcome after.

CREATE TABLE effect (
    tenant      TEXT COLLATE "C"   NOT NULL,
    task_id     TEXT COLLATE "C"   NOT NULL,
    attempt     BIGINT NOT NULL,
    target      TEXT COLLATE "C"   NOT NULL,
    digest      TEXT COLLATE "C"   NOT NULL,
    bytes       BIGINT NOT NULL,
    state       TEXT COLLATE "C"   NOT NULL,
    intended_at BIGINT NOT NULL,
    settled_at  BIGINT,
    PRIMARY KEY (tenant, task_id, attempt)
);

-- The exact bytes that were sent outside, or were about to be; kept as long as the audit.
CREATE TABLE sent (
    tenant TEXT COLLATE "C" NOT NULL,
    digest TEXT COLLATE "C" NOT NULL,
    bytes  BYTEA NOT NULL,
    PRIMARY KEY (tenant, digest)
);

-- Asks and the yeses that they have.

CREATE TABLE ask (
    tenant       TEXT COLLATE "C"   NOT NULL,
    ask_id       TEXT COLLATE "C"   NOT NULL,
    seq          BIGINT NOT NULL,
    task_id      TEXT COLLATE "C"   NOT NULL,
    status       TEXT COLLATE "C"   NOT NULL,
    command_type TEXT COLLATE "C"   NOT NULL,
    params       TEXT COLLATE "C"   NOT NULL,
    bound        TEXT COLLATE "C"   NOT NULL,
    digest       TEXT COLLATE "C"   NOT NULL,
    risk         TEXT COLLATE "C"   NOT NULL,
    rule         TEXT COLLATE "C"   NOT NULL,
    why          TEXT COLLATE "C"   NOT NULL,
    question     TEXT COLLATE "C"   NOT NULL,
    question_ko  TEXT COLLATE "C"   NOT NULL,
    target       TEXT COLLATE "C",
    approvers    TEXT COLLATE "C",
    changed      TEXT COLLATE "C",
    quorum       BIGINT NOT NULL,
    other_person BIGINT NOT NULL,
    edited_by    TEXT COLLATE "C",
    requested_by TEXT COLLATE "C"   NOT NULL,
    correlation_id TEXT COLLATE "C" NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    decided_at   BIGINT,
    decided_by   TEXT COLLATE "C",
    reason       TEXT COLLATE "C",
    PRIMARY KEY (tenant, ask_id)
);
CREATE INDEX ask_by_status ON ask (tenant, status, ask_id);
CREATE INDEX ask_by_task ON ask (tenant, task_id, ask_id);

CREATE TABLE ask_vote (
    tenant   TEXT COLLATE "C"   NOT NULL,
    ask_id   TEXT COLLATE "C"   NOT NULL,
    approver TEXT COLLATE "C"   NOT NULL,
    voted_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, ask_id, approver)
);

CREATE TABLE worklog (
    tenant         TEXT COLLATE "C"   NOT NULL,
    line_id        TEXT COLLATE "C"   NOT NULL,
    seq            BIGINT NOT NULL,
    at             BIGINT NOT NULL,
    level          TEXT COLLATE "C"   NOT NULL,
    agent          TEXT COLLATE "C"   NOT NULL,
    text           TEXT COLLATE "C"   NOT NULL,
    correlation_id TEXT COLLATE "C"   NOT NULL,
    task_id        TEXT COLLATE "C",
    PRIMARY KEY (tenant, line_id)
);
CREATE INDEX worklog_by_task ON worklog (tenant, task_id, line_id);
CREATE INDEX worklog_by_correlation ON worklog (tenant, correlation_id, line_id);

-- Rows that come and go with every command are cleared away before they are many.
ALTER TABLE work_due SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
    autovacuum_vacuum_cost_delay = 0);
ALTER TABLE stream_head SET (fillfactor = 20);
ALTER TABLE task SET (fillfactor = 80);

-- Row security. A transaction names its tenant before anything else; one that names none sees
-- nothing. The system's own transactions are those of 'platform', which is no tenant's name.

ALTER TABLE tenant ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenant FORCE ROW LEVEL SECURITY;
ALTER TABLE stream_head ENABLE ROW LEVEL SECURITY;
ALTER TABLE stream_head FORCE ROW LEVEL SECURITY;
ALTER TABLE report ENABLE ROW LEVEL SECURITY;
ALTER TABLE report FORCE ROW LEVEL SECURITY;
ALTER TABLE stream_base ENABLE ROW LEVEL SECURITY;
ALTER TABLE stream_base FORCE ROW LEVEL SECURITY;
ALTER TABLE audit ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit FORCE ROW LEVEL SECURITY;
ALTER TABLE api_key ENABLE ROW LEVEL SECURITY;
ALTER TABLE api_key FORCE ROW LEVEL SECURITY;
ALTER TABLE policy ENABLE ROW LEVEL SECURITY;
ALTER TABLE policy FORCE ROW LEVEL SECURITY;
ALTER TABLE command_type ENABLE ROW LEVEL SECURITY;
ALTER TABLE command_type FORCE ROW LEVEL SECURITY;
ALTER TABLE idempotency ENABLE ROW LEVEL SECURITY;
ALTER TABLE idempotency FORCE ROW LEVEL SECURITY;
ALTER TABLE task ENABLE ROW LEVEL SECURITY;
ALTER TABLE task FORCE ROW LEVEL SECURITY;
ALTER TABLE work_due ENABLE ROW LEVEL SECURITY;
ALTER TABLE work_due FORCE ROW LEVEL SECURITY;
ALTER TABLE attempt ENABLE ROW LEVEL SECURITY;
ALTER TABLE attempt FORCE ROW LEVEL SECURITY;
ALTER TABLE callback_seen ENABLE ROW LEVEL SECURITY;
ALTER TABLE callback_seen FORCE ROW LEVEL SECURITY;
ALTER TABLE effect ENABLE ROW LEVEL SECURITY;
ALTER TABLE effect FORCE ROW LEVEL SECURITY;
ALTER TABLE sent ENABLE ROW LEVEL SECURITY;
ALTER TABLE sent FORCE ROW LEVEL SECURITY;
ALTER TABLE ask ENABLE ROW LEVEL SECURITY;
ALTER TABLE ask FORCE ROW LEVEL SECURITY;
ALTER TABLE ask_vote ENABLE ROW LEVEL SECURITY;
ALTER TABLE ask_vote FORCE ROW LEVEL SECURITY;
ALTER TABLE worklog ENABLE ROW LEVEL SECURITY;
ALTER TABLE worklog FORCE ROW LEVEL SECURITY;

CREATE POLICY of_tenant ON report
    USING (tenant = current_setting('nexus.tenant', true))
    WITH CHECK (tenant = current_setting('nexus.tenant', true));
CREATE POLICY of_tenant ON stream_base
    USING (tenant = current_setting('nexus.tenant', true))
    WITH CHECK (tenant = current_setting('nexus.tenant', true));
CREATE POLICY of_tenant ON audit
    USING (tenant = current_setting('nexus.tenant', true))
    WITH CHECK (tenant = current_setting('nexus.tenant', true));
CREATE POLICY of_tenant ON policy
    USING (tenant = current_setting('nexus.tenant', true))
    WITH CHECK (tenant = current_setting('nexus.tenant', true));
CREATE POLICY of_tenant ON command_type
    USING (tenant = current_setting('nexus.tenant', true))
    WITH CHECK (tenant = current_setting('nexus.tenant', true));
CREATE POLICY of_tenant ON idempotency
    USING (tenant = current_setting('nexus.tenant', true))
    WITH CHECK (tenant = current_setting('nexus.tenant', true));
CREATE POLICY of_tenant ON task
    USING (tenant = current_setting('nexus.tenant', true))
    WITH CHECK (tenant = current_setting('nexus.tenant', true));
CREATE POLICY of_tenant ON attempt
    USING (tenant = current_setting('nexus.tenant', true))
    WITH CHECK (tenant = current_setting('nexus.tenant', true));
CREATE POLICY of_tenant ON callback_seen
    USING (tenant = current_setting('nexus.tenant', true))
    WITH CHECK (tenant = current_setting('nexus.tenant', true));
CREATE POLICY of_tenant ON effect
    USING (tenant = current_setting('nexus.tenant', true))
    WITH CHECK (tenant = current_setting('nexus.tenant', true));
CREATE POLICY of_tenant ON sent
    USING (tenant = current_setting('nexus.tenant', true))
    WITH CHECK (tenant = current_setting('nexus.tenant', true));
CREATE POLICY of_tenant ON ask
    USING (tenant = current_setting('nexus.tenant', true))
    WITH CHECK (tenant = current_setting('nexus.tenant', true));
CREATE POLICY of_tenant ON ask_vote
    USING (tenant = current_setting('nexus.tenant', true))
    WITH CHECK (tenant = current_setting('nexus.tenant', true));
CREATE POLICY of_tenant ON worklog
    USING (tenant = current_setting('nexus.tenant', true))
    WITH CHECK (tenant = current_setting('nexus.tenant', true));

-- Routing tables: what the system must find before it knows the tenant, or for all of them. They
-- hold names, numbers and hashes, nothing that a tenant has written but titles.

CREATE POLICY of_tenant_or_system ON api_key
    USING (tenant = current_setting('nexus.tenant', true)
        OR current_setting('nexus.tenant', true) = 'platform')
    WITH CHECK (tenant = current_setting('nexus.tenant', true)
        OR current_setting('nexus.tenant', true) = 'platform');
CREATE POLICY of_tenant_or_system ON stream_head
    USING (tenant = current_setting('nexus.tenant', true)
        OR current_setting('nexus.tenant', true) = 'platform')
    WITH CHECK (tenant = current_setting('nexus.tenant', true)
        OR current_setting('nexus.tenant', true) = 'platform');
CREATE POLICY of_tenant_or_system ON tenant
    USING (tenant = current_setting('nexus.tenant', true)
        OR current_setting('nexus.tenant', true) = 'platform')
    WITH CHECK (tenant = current_setting('nexus.tenant', true)
        OR current_setting('nexus.tenant', true) = 'platform');
CREATE POLICY of_tenant_or_system ON work_due
    USING (tenant = current_setting('nexus.tenant', true)
        OR current_setting('nexus.tenant', true) = 'platform')
    WITH CHECK (tenant = current_setting('nexus.tenant', true)
        OR current_setting('nexus.tenant', true) = 'platform');

-- Signatures that were seen belong to no tenant: webhook_seen has no row security.
