-- Alerts: what happened, the repetitions of it counted; kept for a while.

CREATE TABLE alert (
    tenant     TEXT COLLATE "C"   NOT NULL,
    alert_id   TEXT COLLATE "C"   NOT NULL,
    seq        BIGINT NOT NULL,
    event      TEXT COLLATE "C"   NOT NULL,
    severity   TEXT COLLATE "C"   NOT NULL,
    dedupe_key TEXT COLLATE "C"   NOT NULL,
    count      BIGINT NOT NULL,
    settled    BIGINT NOT NULL,
    notice     TEXT COLLATE "C"   NOT NULL,
    created_at BIGINT NOT NULL,
    last_at    BIGINT NOT NULL,
    until      BIGINT NOT NULL,
    PRIMARY KEY (tenant, alert_id)
);
CREATE INDEX alert_by_key ON alert (tenant, dedupe_key, created_at);
CREATE INDEX alert_by_event ON alert (tenant, event, created_at);
CREATE INDEX alert_by_age ON alert (tenant, created_at);

-- What alerts came of, so that nothing is told twice; what a reminder will say stands beside it.
CREATE TABLE alert_seen (
    tenant  TEXT COLLATE "C"   NOT NULL,
    source  TEXT COLLATE "C"   NOT NULL,
    seen_at BIGINT NOT NULL,
    notice  TEXT COLLATE "C",
    PRIMARY KEY (tenant, source)
);
CREATE INDEX alert_seen_by_age ON alert_seen (tenant, seen_at);

-- One message of an alert to one destination. Where that is stands with the route alone.
CREATE TABLE alert_delivery (
    tenant      TEXT COLLATE "C"   NOT NULL,
    delivery_id TEXT COLLATE "C"   NOT NULL,
    alert_id    TEXT COLLATE "C"   NOT NULL,
    route       TEXT COLLATE "C"   NOT NULL,
    channel     TEXT COLLATE "C"   NOT NULL,
    state       TEXT COLLATE "C"   NOT NULL,
    attempts    BIGINT NOT NULL,
    status      BIGINT,
    code        TEXT COLLATE "C",
    error       TEXT COLLATE "C",
    created_at  BIGINT NOT NULL,
    next_at     BIGINT,
    finished_at BIGINT,
    PRIMARY KEY (tenant, delivery_id)
);
CREATE INDEX alert_delivery_by_alert ON alert_delivery (tenant, alert_id);

-- The routes of a tenant's own, which a person approved.
CREATE TABLE alert_route (
    tenant     TEXT COLLATE "C"   NOT NULL,
    name       TEXT COLLATE "C"   NOT NULL,
    place      BIGINT NOT NULL,
    route      TEXT COLLATE "C"   NOT NULL,
    secret     TEXT COLLATE "C",
    old_secret TEXT COLLATE "C",
    old_until  BIGINT,
    changed_at BIGINT NOT NULL,
    changed_by TEXT COLLATE "C"   NOT NULL,
    PRIMARY KEY (tenant, name)
);

-- What is due of alerts, across tenants and without content: messages to send (send), asks to remind
-- of (remind), old alerts to forget (forget). A lane is one destination.
CREATE TABLE alert_due (
    tenant TEXT COLLATE "C"   NOT NULL,
    kind   TEXT COLLATE "C"   NOT NULL,
    id     TEXT COLLATE "C"   NOT NULL,
    lane   TEXT COLLATE "C"   NOT NULL,
    due_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, kind, id)
);
CREATE INDEX alert_due_by_time ON alert_due (due_at);
CREATE INDEX alert_due_by_lane ON alert_due (tenant, kind, lane, due_at);

-- Row security.

ALTER TABLE alert ENABLE ROW LEVEL SECURITY;
ALTER TABLE alert FORCE ROW LEVEL SECURITY;
ALTER TABLE alert_seen ENABLE ROW LEVEL SECURITY;
ALTER TABLE alert_seen FORCE ROW LEVEL SECURITY;
ALTER TABLE alert_delivery ENABLE ROW LEVEL SECURITY;
ALTER TABLE alert_delivery FORCE ROW LEVEL SECURITY;
ALTER TABLE alert_route ENABLE ROW LEVEL SECURITY;
ALTER TABLE alert_route FORCE ROW LEVEL SECURITY;
ALTER TABLE alert_due ENABLE ROW LEVEL SECURITY;
ALTER TABLE alert_due FORCE ROW LEVEL SECURITY;

CREATE POLICY of_tenant ON alert
    USING (tenant = current_setting('nexus.tenant', true))
    WITH CHECK (tenant = current_setting('nexus.tenant', true));
CREATE POLICY of_tenant ON alert_seen
    USING (tenant = current_setting('nexus.tenant', true))
    WITH CHECK (tenant = current_setting('nexus.tenant', true));
CREATE POLICY of_tenant ON alert_delivery
    USING (tenant = current_setting('nexus.tenant', true))
    WITH CHECK (tenant = current_setting('nexus.tenant', true));
CREATE POLICY of_tenant ON alert_route
    USING (tenant = current_setting('nexus.tenant', true))
    WITH CHECK (tenant = current_setting('nexus.tenant', true));
CREATE POLICY of_tenant_or_system ON alert_due
    USING (tenant = current_setting('nexus.tenant', true)
        OR current_setting('nexus.tenant', true) = 'platform')
    WITH CHECK (tenant = current_setting('nexus.tenant', true)
        OR current_setting('nexus.tenant', true) = 'platform');

-- Alerts are of what happens from now on. The owner is bound by row security too.
SELECT set_config('nexus.tenant', 'platform', true);
INSERT INTO log_follower (tenant, name, epoch, number, wanted)
    SELECT tenant, 'alerts', epoch, last, 1 FROM stream_head;
