-- Deadlines and caps. What nobody bounds costs no index.

-- When an attempt of an agent outside is over, whatever its heartbeats say.
ALTER TABLE task ADD COLUMN attempt_until BIGINT;

-- A claim that a cap counts, and when a task that waits is worth nothing any more.
ALTER TABLE work_due ADD COLUMN capped BIGINT NOT NULL DEFAULT 0;
ALTER TABLE work_due ADD COLUMN expires_at BIGINT;
CREATE INDEX work_due_capped ON work_due (tenant, command_type) WHERE capped = 1;
CREATE INDEX work_due_expires ON work_due (expires_at) WHERE expires_at IS NOT NULL;

-- How many tasks of a type run at once.
ALTER TABLE command_type ADD COLUMN concurrency BIGINT;

-- The tenants that stand still, without looking at the others.
CREATE INDEX tenant_paused ON tenant (tenant) WHERE paused_at IS NOT NULL;
