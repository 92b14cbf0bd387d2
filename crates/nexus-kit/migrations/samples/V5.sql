INSERT INTO task (tenant, task_id, seq, command_type, params, status, risk, rule, waits, priority,
    correlation_id, requested_by, created_at, updated_at, attempt, retry_count, cancel_requested, agent,
    started_at, finished_at, failure_code, last_error, run, agent_code)
VALUES ('kaist:lab', 'tsk_5', 3, 'file.read', '{}', 'dead', 'GREEN', 'builtin', 0, 0,
    'cor_5', 'service', 1, 3, 4, 3, 0, 'files', 2, 3, 'STORAGE_ERROR', 'no such disk', 2, 'E_DISK');
INSERT INTO failed (tenant, task_id, box, failed_at, failure_code, command_type, cause, text, acked_at,
    acked_by, acked_by_name, ack_note)
VALUES ('kaist:lab', 'tsk_5', 'alarm', 3, 'STORAGE_ERROR', 'file.read', 'cau_0123456789abcdef',
    'no such disk e_disk', 4, 'user:usr_1', 'Mina', 'looking');
INSERT INTO failure_count (tenant, day, failure_code, count) VALUES ('kaist:lab', 0, 'STORAGE_ERROR', 1);
INSERT INTO triage_policy (tenant, version, policy, changed_at, changed_by)
VALUES ('kaist:lab', 1, '{"requeue":[],"hold":[],"alarm":[],"enforce_alarm_no_requeue":true}', 4, 'admin'),
    ('kaist:lab', 2, NULL, 5, 'admin');
INSERT INTO resolved_code (tenant, failure_code, resolved_at, resolved_by, note)
VALUES ('kaist:lab', 'STORAGE_ERROR', 6, 'admin', 'new disk');
