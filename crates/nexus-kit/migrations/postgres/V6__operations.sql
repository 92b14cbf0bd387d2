-- Bulk operations on the boxes of failed tasks. The tasks of one are its items, written down before it
-- is accepted: what it touches does not change any more.

CREATE TABLE operation (
    tenant            TEXT COLLATE "C"   NOT NULL,
    operation_id      TEXT COLLATE "C"   NOT NULL,
    box               TEXT COLLATE "C"   NOT NULL,
    action            TEXT COLLATE "C"   NOT NULL,
    status            TEXT COLLATE "C"   NOT NULL,
    count             BIGINT NOT NULL,
    changed           BIGINT NOT NULL,
    skipped           BIGINT NOT NULL,
    failed            BIGINT NOT NULL,
    per_second        BIGINT NOT NULL,
    canary            BIGINT NOT NULL,
    canary_passed     BIGINT NOT NULL,
    note              TEXT COLLATE "C",
    nothing_was_sent  BIGINT NOT NULL,
    digest            TEXT COLLATE "C"   NOT NULL,
    task_id           TEXT COLLATE "C",
    ask_id            TEXT COLLATE "C",
    correlation_id    TEXT COLLATE "C"   NOT NULL,
    requested_by      TEXT COLLATE "C"   NOT NULL,
    requested_by_name TEXT COLLATE "C",
    created_at        BIGINT NOT NULL,
    finished_at       BIGINT,
    why               TEXT COLLATE "C",
    shown             BIGINT NOT NULL,
    PRIMARY KEY (tenant, operation_id)
);
CREATE INDEX operation_by_task ON operation (tenant, task_id) WHERE task_id IS NOT NULL;
CREATE INDEX operation_finished ON operation (tenant, finished_at) WHERE finished_at IS NOT NULL;

-- An item is open while it has no outcome. The run is the one that a requeue began.
CREATE TABLE operation_item (
    tenant       TEXT COLLATE "C"   NOT NULL,
    operation_id TEXT COLLATE "C"   NOT NULL,
    position     BIGINT NOT NULL,
    task_id      TEXT COLLATE "C"   NOT NULL,
    action       TEXT COLLATE "C"   NOT NULL,
    outcome      TEXT COLLATE "C",
    run          BIGINT,
    why          TEXT COLLATE "C",
    PRIMARY KEY (tenant, operation_id, position)
);

-- Row security.

ALTER TABLE operation ENABLE ROW LEVEL SECURITY;
ALTER TABLE operation FORCE ROW LEVEL SECURITY;
ALTER TABLE operation_item ENABLE ROW LEVEL SECURITY;
ALTER TABLE operation_item FORCE ROW LEVEL SECURITY;

CREATE POLICY of_tenant ON operation
    USING (tenant = current_setting('nexus.tenant', true))
    WITH CHECK (tenant = current_setting('nexus.tenant', true));
CREATE POLICY of_tenant ON operation_item
    USING (tenant = current_setting('nexus.tenant', true))
    WITH CHECK (tenant = current_setting('nexus.tenant', true));
