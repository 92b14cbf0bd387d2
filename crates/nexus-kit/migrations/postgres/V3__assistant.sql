-- Who follows a tenant's log on its own, and how far it has come; read across tenants by name, and
-- without content. A follower that has nothing to wait for has no row.

CREATE TABLE log_follower (
    tenant TEXT COLLATE "C"   NOT NULL,
    name   TEXT COLLATE "C"   NOT NULL,
    epoch  TEXT COLLATE "C"   NOT NULL,
    number BIGINT NOT NULL,
    wanted BIGINT NOT NULL,
    PRIMARY KEY (tenant, name)
);
CREATE INDEX log_follower_by_name ON log_follower (name, tenant);

-- The player of a tenant: what waits, what plays, what played before, each as JSON.

CREATE TABLE youtube_player (
    tenant TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    queue  TEXT COLLATE "C" NOT NULL,
    now    TEXT COLLATE "C",
    past   TEXT COLLATE "C" NOT NULL
);

CREATE TABLE youtube_search (
    tenant     TEXT COLLATE "C"   NOT NULL,
    query_hash TEXT COLLATE "C"   NOT NULL,
    result     TEXT COLLATE "C"   NOT NULL,
    found_at   BIGINT NOT NULL,
    PRIMARY KEY (tenant, query_hash)
);

-- Units of the Data API that were used, by the day of the provider's own clock.
CREATE TABLE youtube_quota (
    tenant TEXT COLLATE "C"   NOT NULL,
    day    TEXT COLLATE "C"   NOT NULL,
    units  BIGINT NOT NULL,
    PRIMARY KEY (tenant, day)
);

-- Runs of the autopilot and their steps; the conversation that they come from.

CREATE TABLE autopilot_run (
    tenant         TEXT COLLATE "C"   NOT NULL,
    run_id         TEXT COLLATE "C"   NOT NULL,
    seq            BIGINT NOT NULL,
    goal           TEXT COLLATE "C"   NOT NULL,
    language       TEXT COLLATE "C"   NOT NULL,
    session_id     TEXT COLLATE "C"   NOT NULL,
    task_id        TEXT COLLATE "C"   NOT NULL,
    requested_by   TEXT COLLATE "C"   NOT NULL,
    correlation_id TEXT COLLATE "C"   NOT NULL,
    phase          TEXT COLLATE "C"   NOT NULL,
    paused         BIGINT NOT NULL,
    stopping       TEXT COLLATE "C",
    open           BIGINT NOT NULL,
    summary        TEXT COLLATE "C",
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL,
    deadline_at    BIGINT NOT NULL,
    finished_at    BIGINT,
    requested_by_name TEXT COLLATE "C",
    PRIMARY KEY (tenant, run_id)
);
CREATE INDEX autopilot_run_open ON autopilot_run (tenant, open, deadline_at);
CREATE INDEX autopilot_run_finished ON autopilot_run (tenant, finished_at)
    WHERE finished_at IS NOT NULL;

CREATE TABLE autopilot_step (
    tenant       TEXT COLLATE "C"   NOT NULL,
    run_id       TEXT COLLATE "C"   NOT NULL,
    step         BIGINT NOT NULL,
    command_type TEXT COLLATE "C"   NOT NULL,
    params       TEXT COLLATE "C"   NOT NULL,
    inputs       TEXT COLLATE "C",
    state        TEXT COLLATE "C"   NOT NULL,
    risk         TEXT COLLATE "C",
    task_id      TEXT COLLATE "C",
    ask_id       TEXT COLLATE "C",
    started_at   BIGINT,
    finished_at  BIGINT,
    failure_code TEXT COLLATE "C",
    error        TEXT COLLATE "C",
    PRIMARY KEY (tenant, run_id, step)
);
CREATE INDEX autopilot_step_by_task ON autopilot_step (tenant, task_id) WHERE task_id IS NOT NULL;

CREATE TABLE chat_message (
    tenant       TEXT COLLATE "C"   NOT NULL,
    session_id   TEXT COLLATE "C"   NOT NULL,
    seq          BIGINT NOT NULL,
    role         TEXT COLLATE "C"   NOT NULL,
    text         TEXT COLLATE "C"   NOT NULL,
    run_id       TEXT COLLATE "C"   NOT NULL,
    requested_by TEXT COLLATE "C"   NOT NULL,
    at           BIGINT NOT NULL,
    PRIMARY KEY (tenant, session_id, seq)
);
CREATE INDEX chat_message_by_age ON chat_message (tenant, at);

-- Whose request a line is about; none for lines that were written before this was noted.
ALTER TABLE worklog ADD COLUMN requested_by TEXT COLLATE "C" NOT NULL DEFAULT '';

-- Row security.

ALTER TABLE log_follower ENABLE ROW LEVEL SECURITY;
ALTER TABLE log_follower FORCE ROW LEVEL SECURITY;
ALTER TABLE youtube_player ENABLE ROW LEVEL SECURITY;
ALTER TABLE youtube_player FORCE ROW LEVEL SECURITY;
ALTER TABLE youtube_search ENABLE ROW LEVEL SECURITY;
ALTER TABLE youtube_search FORCE ROW LEVEL SECURITY;
ALTER TABLE youtube_quota ENABLE ROW LEVEL SECURITY;
ALTER TABLE youtube_quota FORCE ROW LEVEL SECURITY;
ALTER TABLE autopilot_run ENABLE ROW LEVEL SECURITY;
ALTER TABLE autopilot_run FORCE ROW LEVEL SECURITY;
ALTER TABLE autopilot_step ENABLE ROW LEVEL SECURITY;
ALTER TABLE autopilot_step FORCE ROW LEVEL SECURITY;
ALTER TABLE chat_message ENABLE ROW LEVEL SECURITY;
ALTER TABLE chat_message FORCE ROW LEVEL SECURITY;

CREATE POLICY of_tenant_or_system ON log_follower
    USING (tenant = current_setting('nexus.tenant', true)
        OR current_setting('nexus.tenant', true) = 'platform')
    WITH CHECK (tenant = current_setting('nexus.tenant', true)
        OR current_setting('nexus.tenant', true) = 'platform');
CREATE POLICY of_tenant ON youtube_player
    USING (tenant = current_setting('nexus.tenant', true))
    WITH CHECK (tenant = current_setting('nexus.tenant', true));
CREATE POLICY of_tenant ON youtube_search
    USING (tenant = current_setting('nexus.tenant', true))
    WITH CHECK (tenant = current_setting('nexus.tenant', true));
CREATE POLICY of_tenant ON youtube_quota
    USING (tenant = current_setting('nexus.tenant', true))
    WITH CHECK (tenant = current_setting('nexus.tenant', true));
CREATE POLICY of_tenant ON autopilot_run
    USING (tenant = current_setting('nexus.tenant', true))
    WITH CHECK (tenant = current_setting('nexus.tenant', true));
CREATE POLICY of_tenant ON autopilot_step
    USING (tenant = current_setting('nexus.tenant', true))
    WITH CHECK (tenant = current_setting('nexus.tenant', true));
CREATE POLICY of_tenant ON chat_message
    USING (tenant = current_setting('nexus.tenant', true))
    WITH CHECK (tenant = current_setting('nexus.tenant', true));
