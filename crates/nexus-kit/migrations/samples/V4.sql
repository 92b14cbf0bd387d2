INSERT INTO task (tenant, task_id, seq, command_type, params, status, risk, rule, waits, priority,
    correlation_id, requested_by, created_at, updated_at, attempt, retry_count, cancel_requested, agent,
    started_at, finished_at, result, callback)
VALUES ('kaist:lab', 'tsk_4', 2, 'file.list', '{}', 'succeeded', 'GREEN', 'builtin', 0, 0,
    'cor_4', 'service', 1, 3, 1, 0, 0, 'files', 2, 3, '{"entries":[]}', '00ff');
INSERT INTO task (tenant, task_id, seq, command_type, params, status, risk, rule, waits, priority,
    correlation_id, requested_by, created_at, updated_at, attempt, retry_count, cancel_requested, agent,
    started_at, finished_at, failure_code, last_error)
VALUES ('kaist:lab', 'tsk_4d', 4, 'file.read', '{}', 'dead', 'GREEN', 'builtin', 0, 0, 'cor_4', 'service',
        1, 3, 2, 1, 0, 'files', 2, 172800000003, 'AGENT_ERROR', 'No such Disk'),
    ('kaist:lab', 'tsk_4h', 5, 'file.read', '{}', 'held', 'RED', 'builtin', 1, 0, 'cor_4', 'service',
        1, 3, 1, 0, 0, 'files', 2, NULL, NULL, NULL);
INSERT INTO attempt (tenant, task_id, attempt, agent, started_at, finished_at, outcome, failure_code,
    agent_code, error)
VALUES ('kaist:lab', 'tsk_4d', 1, 'files', 1, 2, 'failed', 'AGENT_ERROR', 'E_FIRST', 'first'),
    ('kaist:lab', 'tsk_4d', 2, 'files', 2, 3, 'failed', 'AGENT_ERROR', 'E_DISK', 'No such Disk');
