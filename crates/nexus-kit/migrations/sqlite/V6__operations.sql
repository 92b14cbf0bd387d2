-- Bulk operations on the boxes of failed tasks. The tasks of one are its items, written down before it
-- is accepted: what it touches does not change any more.

CREATE TABLE operation (
    tenant            TEXT   NOT NULL,
    operation_id      TEXT   NOT NULL,
    box               TEXT   NOT NULL,
    action            TEXT   NOT NULL,
    status            TEXT   NOT NULL,
    count             BIGINT NOT NULL,
    changed           BIGINT NOT NULL,
    skipped           BIGINT NOT NULL,
    failed            BIGINT NOT NULL,
    per_second        BIGINT NOT NULL,
    canary            BIGINT NOT NULL,
    canary_passed     BIGINT NOT NULL,
    note              TEXT,
    nothing_was_sent  BIGINT NOT NULL,
    digest            TEXT   NOT NULL,
    task_id           TEXT,
    ask_id            TEXT,
    correlation_id    TEXT   NOT NULL,
    requested_by      TEXT   NOT NULL,
    requested_by_name TEXT,
    created_at        BIGINT NOT NULL,
    finished_at       BIGINT,
    why               TEXT,
    shown             BIGINT NOT NULL,
    PRIMARY KEY (tenant, operation_id)
) WITHOUT ROWID;
CREATE INDEX operation_by_task ON operation (tenant, task_id) WHERE task_id IS NOT NULL;
CREATE INDEX operation_finished ON operation (tenant, finished_at) WHERE finished_at IS NOT NULL;

-- An item is open while it has no outcome. The run is the one that a requeue began.
CREATE TABLE operation_item (
    tenant       TEXT   NOT NULL,
    operation_id TEXT   NOT NULL,
    position     BIGINT NOT NULL,
    task_id      TEXT   NOT NULL,
    action       TEXT   NOT NULL,
    outcome      TEXT,
    run          BIGINT,
    why          TEXT,
    PRIMARY KEY (tenant, operation_id, position)
) WITHOUT ROWID;
