-- Alerts: what happened, the repetitions of it counted; kept for a while.

CREATE TABLE alert (
    tenant     TEXT   NOT NULL,
    alert_id   TEXT   NOT NULL,
    seq        BIGINT NOT NULL,
    event      TEXT   NOT NULL,
    severity   TEXT   NOT NULL,
    dedupe_key TEXT   NOT NULL,
    count      BIGINT NOT NULL,
    settled    BIGINT NOT NULL,
    notice     TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    last_at    BIGINT NOT NULL,
    until      BIGINT NOT NULL,
    PRIMARY KEY (tenant, alert_id)
) WITHOUT ROWID;
CREATE INDEX alert_by_key ON alert (tenant, dedupe_key, created_at);
CREATE INDEX alert_by_event ON alert (tenant, event, created_at);
CREATE INDEX alert_by_age ON alert (tenant, created_at);

-- What alerts came of, so that nothing is told twice; what a reminder will say stands beside it.
CREATE TABLE alert_seen (
    tenant  TEXT   NOT NULL,
    source  TEXT   NOT NULL,
    seen_at BIGINT NOT NULL,
    notice  TEXT,
    PRIMARY KEY (tenant, source)
) WITHOUT ROWID;
CREATE INDEX alert_seen_by_age ON alert_seen (tenant, seen_at);

-- One message of an alert to one destination. Where that is stands with the route alone.
CREATE TABLE alert_delivery (
    tenant      TEXT   NOT NULL,
    delivery_id TEXT   NOT NULL,
    alert_id    TEXT   NOT NULL,
    route       TEXT   NOT NULL,
    channel     TEXT   NOT NULL,
    state       TEXT   NOT NULL,
    attempts    BIGINT NOT NULL,
    status      BIGINT,
    code        TEXT,
    error       TEXT,
    created_at  BIGINT NOT NULL,
    next_at     BIGINT,
    finished_at BIGINT,
    PRIMARY KEY (tenant, delivery_id)
) WITHOUT ROWID;
CREATE INDEX alert_delivery_by_alert ON alert_delivery (tenant, alert_id);

-- The routes of a tenant's own, which a person approved.
CREATE TABLE alert_route (
    tenant     TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    place      BIGINT NOT NULL,
    route      TEXT   NOT NULL,
    secret     TEXT,
    old_secret TEXT,
    old_until  BIGINT,
    changed_at BIGINT NOT NULL,
    changed_by TEXT   NOT NULL,
    PRIMARY KEY (tenant, name)
) WITHOUT ROWID;

-- What is due of alerts, across tenants and without content: messages to send (send), asks to remind
-- of (remind), old alerts to forget (forget). A lane is one destination.
CREATE TABLE alert_due (
    tenant TEXT   NOT NULL,
    kind   TEXT   NOT NULL,
    id     TEXT   NOT NULL,
    lane   TEXT   NOT NULL,
    due_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, kind, id)
) WITHOUT ROWID;
CREATE INDEX alert_due_by_time ON alert_due (due_at);
CREATE INDEX alert_due_by_lane ON alert_due (tenant, kind, lane, due_at);

-- Alerts are of what happens from now on.
INSERT INTO log_follower (tenant, name, epoch, number, wanted)
    SELECT tenant, 'alerts', epoch, last, 1 FROM stream_head;
