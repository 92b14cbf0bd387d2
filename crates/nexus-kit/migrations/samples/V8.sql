UPDATE task SET attempt_until = 60 WHERE task_id = 'tsk_1';
INSERT INTO work_due (kind, command_type, tenant, rank, due_at, id, timed, capped)
VALUES ('lease', 'billing.invoice', 'kaist:lab', 0, 60, 'tsk_8', 1, 1);
INSERT INTO work_due (kind, command_type, tenant, rank, due_at, id, timed, expires_at)
VALUES ('ready', 'billing.invoice', 'kaist:lab', 0, 1, 'tsk_9', 0, 90);
UPDATE command_type SET concurrency = 2;
