-- What failed for good, and what is to be done about it.

-- How often somebody put a task back to work, from 1; what the agent itself called its failure.
ALTER TABLE task ADD COLUMN run BIGINT NOT NULL DEFAULT 1;
ALTER TABLE task ADD COLUMN agent_code TEXT COLLATE "C";

-- One narrow row for each task that stands in a box (dlq, hold, alarm), written and deleted together
-- with the status of the task: what is listed, counted and searched. A task that goes well never has
-- one. The text is what is searched: error and agent's code, in lower case. A cause that is empty has
-- yet to be made out of the error.
CREATE TABLE failed (
    tenant        TEXT COLLATE "C"   NOT NULL,
    task_id       TEXT COLLATE "C"   NOT NULL,
    box           TEXT COLLATE "C"   NOT NULL,
    failed_at     BIGINT NOT NULL,
    failure_code  TEXT COLLATE "C"   NOT NULL,
    command_type  TEXT COLLATE "C"   NOT NULL,
    cause         TEXT COLLATE "C"   NOT NULL,
    text          TEXT COLLATE "C"   NOT NULL,
    run           BIGINT NOT NULL DEFAULT 1,
    acked_at      BIGINT,
    acked_by      TEXT COLLATE "C",
    acked_by_name TEXT COLLATE "C",
    ack_note      TEXT COLLATE "C",
    resolved_at   BIGINT,
    PRIMARY KEY (tenant, task_id)
);
CREATE INDEX failed_by_time ON failed (tenant, box, failed_at, task_id);
CREATE INDEX failed_by_cause ON failed
    (tenant, box, failure_code, command_type, cause, failed_at, run);
CREATE INDEX failed_without_cause ON failed (tenant, task_id) WHERE cause = '';

-- The owner of the tables is no tenant, and must see what it fills in.
ALTER TABLE task NO FORCE ROW LEVEL SECURITY;
ALTER TABLE attempt NO FORCE ROW LEVEL SECURITY;
UPDATE task SET agent_code = (
    SELECT attempt.agent_code FROM attempt WHERE attempt.tenant = task.tenant
        AND attempt.task_id = task.task_id AND attempt.attempt = task.attempt)
WHERE status IN ('dead', 'held', 'alarmed');
INSERT INTO failed (tenant, task_id, box, failed_at, failure_code, command_type, cause, text)
SELECT tenant, task_id,
    CASE status WHEN 'dead' THEN 'dlq' WHEN 'held' THEN 'hold' ELSE 'alarm' END,
    COALESCE(finished_at, updated_at), COALESCE(failure_code, 'INTERNAL_ERROR'), command_type, '',
    lower(COALESCE(last_error, '') || ' ' || COALESCE(agent_code, ''))
FROM task WHERE status IN ('dead', 'held', 'alarmed');
ALTER TABLE task FORCE ROW LEVEL SECURITY;
ALTER TABLE attempt FORCE ROW LEVEL SECURITY;

-- How many tasks failed for good on a day (of UTC, since 1970), so that a policy can be tried on what
-- was long dealt with.
CREATE TABLE failure_count (
    tenant       TEXT COLLATE "C"   NOT NULL,
    day          BIGINT NOT NULL,
    failure_code TEXT COLLATE "C"   NOT NULL,
    count        BIGINT NOT NULL,
    PRIMARY KEY (tenant, day, failure_code)
);
INSERT INTO failure_count (tenant, day, failure_code, count)
SELECT tenant, failed_at / 86400000000, failure_code, COUNT(*) FROM failed
GROUP BY tenant, failed_at / 86400000000, failure_code;

-- A tenant's own triage policy; NULL goes back to the settings'.
CREATE TABLE triage_policy (
    tenant     TEXT COLLATE "C"   NOT NULL,
    version    BIGINT NOT NULL,
    policy     TEXT COLLATE "C",
    changed_at BIGINT NOT NULL,
    changed_by TEXT COLLATE "C"   NOT NULL,
    PRIMARY KEY (tenant, version)
);

-- Codes whose cause somebody says is gone.
CREATE TABLE resolved_code (
    tenant           TEXT COLLATE "C"   NOT NULL,
    failure_code     TEXT COLLATE "C"   NOT NULL,
    resolved_at      BIGINT NOT NULL,
    resolved_by      TEXT COLLATE "C"   NOT NULL,
    resolved_by_name TEXT COLLATE "C",
    note             TEXT COLLATE "C"   NOT NULL,
    PRIMARY KEY (tenant, failure_code)
);

-- Row security.

ALTER TABLE failed ENABLE ROW LEVEL SECURITY;
ALTER TABLE failed FORCE ROW LEVEL SECURITY;
ALTER TABLE failure_count ENABLE ROW LEVEL SECURITY;
ALTER TABLE failure_count FORCE ROW LEVEL SECURITY;
ALTER TABLE triage_policy ENABLE ROW LEVEL SECURITY;
ALTER TABLE triage_policy FORCE ROW LEVEL SECURITY;
ALTER TABLE resolved_code ENABLE ROW LEVEL SECURITY;
ALTER TABLE resolved_code FORCE ROW LEVEL SECURITY;

CREATE POLICY of_tenant ON failed
    USING (tenant = current_setting('nexus.tenant', true))
    WITH CHECK (tenant = current_setting('nexus.tenant', true));
CREATE POLICY of_tenant ON failure_count
    USING (tenant = current_setting('nexus.tenant', true))
    WITH CHECK (tenant = current_setting('nexus.tenant', true));
CREATE POLICY of_tenant ON triage_policy
    USING (tenant = current_setting('nexus.tenant', true))
    WITH CHECK (tenant = current_setting('nexus.tenant', true));
CREATE POLICY of_tenant ON resolved_code
    USING (tenant = current_setting('nexus.tenant', true))
    WITH CHECK (tenant = current_setting('nexus.tenant', true));
