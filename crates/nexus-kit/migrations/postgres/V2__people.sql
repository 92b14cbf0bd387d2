-- People. Who they are, how they prove it and what failed are of no tenant; these tables are
-- reached in the system's scope alone. An e-mail is stored in lower case.

CREATE TABLE person (
    user_id     TEXT COLLATE "C"   NOT NULL PRIMARY KEY,
    email       TEXT COLLATE "C"   NOT NULL,
    name        TEXT COLLATE "C"   NOT NULL,
    created_at  BIGINT NOT NULL,
    created_by  TEXT COLLATE "C"   NOT NULL,
    last_login  BIGINT,
    disabled_at BIGINT
);
CREATE UNIQUE INDEX person_by_email ON person (email);

-- Argon2id with its parameters, as a PHC string. A person who was invited has none yet.
CREATE TABLE password (
    user_id    TEXT COLLATE "C"   NOT NULL PRIMARY KEY,
    phc        TEXT COLLATE "C"   NOT NULL,
    changed_at BIGINT NOT NULL
);

-- A sign-in. The secret is stored hashed.
CREATE TABLE session (
    session_id  TEXT COLLATE "C"   NOT NULL PRIMARY KEY,
    user_id     TEXT COLLATE "C"   NOT NULL,
    secret_hash BYTEA   NOT NULL,
    created_at  BIGINT NOT NULL,
    last_seen   BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    ended_at    BIGINT,
    user_agent  TEXT COLLATE "C"   NOT NULL,
    peer        TEXT COLLATE "C"   NOT NULL
);
CREATE INDEX session_by_user ON session (user_id, session_id);
CREATE INDEX session_by_end ON session (expires_at);

-- One-time links: first_admin, invite, reset. The token is stored hashed; one UPDATE uses it up.
CREATE TABLE link (
    token_hash BYTEA   NOT NULL PRIMARY KEY,
    purpose    TEXT COLLATE "C"   NOT NULL,
    user_id    TEXT COLLATE "C",
    created_at BIGINT NOT NULL,
    created_by TEXT COLLATE "C"   NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT
);
CREATE INDEX link_by_user ON link (user_id);
CREATE INDEX link_by_end ON link (expires_at);

-- Tries to sign in that failed or have not ended yet. The account is the SHA-256 of the e-mail, so
-- that what somebody typed by mistake is not kept.
CREATE TABLE login_try (
    account  TEXT COLLATE "C"   NOT NULL,
    tried_at BIGINT NOT NULL,
    try_id   TEXT COLLATE "C"   NOT NULL,
    peer     TEXT COLLATE "C"   NOT NULL,
    PRIMARY KEY (account, tried_at, try_id)
);
CREATE INDEX login_try_by_peer ON login_try (peer, tried_at);
CREATE INDEX login_try_by_age ON login_try (tried_at);

-- Who belongs to which tenant, and as what. Read across tenants by user, to know a session's
-- rights; it holds no content.
CREATE TABLE membership (
    tenant     TEXT COLLATE "C"   NOT NULL,
    user_id    TEXT COLLATE "C"   NOT NULL,
    role       TEXT COLLATE "C"   NOT NULL,
    granted_at BIGINT NOT NULL,
    granted_by TEXT COLLATE "C"   NOT NULL,
    PRIMARY KEY (tenant, user_id)
);
CREATE INDEX membership_by_user ON membership (user_id, tenant);

-- What people were called when they asked and decided.
ALTER TABLE task ADD COLUMN requested_by_name TEXT COLLATE "C";
ALTER TABLE ask ADD COLUMN requested_by_name TEXT COLLATE "C";
ALTER TABLE ask ADD COLUMN decided_by_name TEXT COLLATE "C";

-- Row security.

ALTER TABLE person ENABLE ROW LEVEL SECURITY;
ALTER TABLE person FORCE ROW LEVEL SECURITY;
ALTER TABLE password ENABLE ROW LEVEL SECURITY;
ALTER TABLE password FORCE ROW LEVEL SECURITY;
ALTER TABLE session ENABLE ROW LEVEL SECURITY;
ALTER TABLE session FORCE ROW LEVEL SECURITY;
ALTER TABLE link ENABLE ROW LEVEL SECURITY;
ALTER TABLE link FORCE ROW LEVEL SECURITY;
ALTER TABLE login_try ENABLE ROW LEVEL SECURITY;
ALTER TABLE login_try FORCE ROW LEVEL SECURITY;
ALTER TABLE membership ENABLE ROW LEVEL SECURITY;
ALTER TABLE membership FORCE ROW LEVEL SECURITY;

CREATE POLICY of_system ON person
    USING (current_setting('nexus.tenant', true) = 'platform')
    WITH CHECK (current_setting('nexus.tenant', true) = 'platform');
CREATE POLICY of_system ON password
    USING (current_setting('nexus.tenant', true) = 'platform')
    WITH CHECK (current_setting('nexus.tenant', true) = 'platform');
CREATE POLICY of_system ON session
    USING (current_setting('nexus.tenant', true) = 'platform')
    WITH CHECK (current_setting('nexus.tenant', true) = 'platform');
CREATE POLICY of_system ON link
    USING (current_setting('nexus.tenant', true) = 'platform')
    WITH CHECK (current_setting('nexus.tenant', true) = 'platform');
CREATE POLICY of_system ON login_try
    USING (current_setting('nexus.tenant', true) = 'platform')
    WITH CHECK (current_setting('nexus.tenant', true) = 'platform');
CREATE POLICY of_tenant_or_system ON membership
    USING (tenant = current_setting('nexus.tenant', true)
        OR current_setting('nexus.tenant', true) = 'platform')
    WITH CHECK (tenant = current_setting('nexus.tenant', true)
        OR current_setting('nexus.tenant', true) = 'platform');
