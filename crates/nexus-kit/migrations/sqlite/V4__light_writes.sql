-- What every write costs less from now on.

-- The digest of the callback that ended a task well. The attempt that did so is the task's own row;
-- only attempts that ended badly have rows of their own.
ALTER TABLE task ADD COLUMN callback TEXT;

-- A report's id is made once, of 80 random bits, together with its number, which is unique: an index
-- that looks for a second one would cost every report a write of its own.
DROP INDEX report_id_once;

-- Tasks that wait to be claimed are found by what is due, as those that run are by their leases.
DROP INDEX task_by_status;
CREATE INDEX task_by_status ON task (tenant, status, task_id)
    WHERE status NOT IN ('queued', 'running', 'succeeded');

-- Used keys are forgotten tenant by tenant, the oldest first, some at a time.
DROP INDEX idempotency_by_age;
CREATE INDEX idempotency_by_age ON idempotency (tenant, created_at);
