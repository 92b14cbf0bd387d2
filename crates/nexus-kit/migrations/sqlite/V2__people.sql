-- People. Who they are, how they prove it and what failed are of no tenant; these tables are
-- reached in the system's scope alone. An e-mail is stored in lower case.

CREATE TABLE person (
    user_id     TEXT   NOT NULL PRIMARY KEY,
    email       TEXT   NOT NULL,
    name        TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    created_by  TEXT   NOT NULL,
    last_login  BIGINT,
    disabled_at BIGINT
) WITHOUT ROWID;
CREATE UNIQUE INDEX person_by_email ON person (email);

-- Argon2id with its parameters, as a PHC string. A person who was invited has none yet.
CREATE TABLE password (
    user_id    TEXT   NOT NULL PRIMARY KEY,
    phc        TEXT   NOT NULL,
    changed_at BIGINT NOT NULL
) WITHOUT ROWID;

-- A sign-in. The secret is stored hashed.
CREATE TABLE session (
    session_id  TEXT   NOT NULL PRIMARY KEY,
    user_id     TEXT   NOT NULL,
    secret_hash BLOB   NOT NULL,
    created_at  BIGINT NOT NULL,
    last_seen   BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    ended_at    BIGINT,
    user_agent  TEXT   NOT NULL,
    peer        TEXT   NOT NULL
) WITHOUT ROWID;
CREATE INDEX session_by_user ON session (user_id, session_id);
CREATE INDEX session_by_end ON session (expires_at);

-- One-time links: first_admin, invite, reset. The token is stored hashed; one UPDATE uses it up.
CREATE TABLE link (
    token_hash BLOB   NOT NULL PRIMARY KEY,
    purpose    TEXT   NOT NULL,
    user_id    TEXT,
    created_at BIGINT NOT NULL,
    created_by TEXT   NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT
) WITHOUT ROWID;
CREATE INDEX link_by_user ON link (user_id);
CREATE INDEX link_by_end ON link (expires_at);

-- Tries to sign in that failed or have not ended yet. The account is the SHA-256 of the e-mail, so
-- that what somebody typed by mistake is not kept.
CREATE TABLE login_try (
    account  TEXT   NOT NULL,
    tried_at BIGINT NOT NULL,
    try_id   TEXT   NOT NULL,
    peer     TEXT   NOT NULL,
    PRIMARY KEY (account, tried_at, try_id)
) WITHOUT ROWID;
CREATE INDEX login_try_by_peer ON login_try (peer, tried_at);
CREATE INDEX login_try_by_age ON login_try (tried_at);

-- Who belongs to which tenant, and as what. Read across tenants by user, to know a session's
-- rights; it holds no content.
CREATE TABLE membership (
    tenant     TEXT   NOT NULL,
    user_id    TEXT   NOT NULL,
    role       TEXT   NOT NULL,
    granted_at BIGINT NOT NULL,
    granted_by TEXT   NOT NULL,
    PRIMARY KEY (tenant, user_id)
) WITHOUT ROWID;
CREATE INDEX membership_by_user ON membership (user_id, tenant);

-- What people were called when they asked and decided.
ALTER TABLE task ADD COLUMN requested_by_name TEXT;
ALTER TABLE ask ADD COLUMN requested_by_name TEXT;
ALTER TABLE ask ADD COLUMN decided_by_name TEXT;
