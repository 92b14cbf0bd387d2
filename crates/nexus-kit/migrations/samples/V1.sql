INSERT INTO tenant VALUES ('kaist:lab', 'Lab', 1, NULL, NULL, 0, 0);
INSERT INTO stream_head VALUES ('kaist:lab', 'abcdefgh', 1, 200);
INSERT INTO report VALUES ('kaist:lab', 1, 'rpt_1', '{"changes":[]}');
INSERT INTO stream_base VALUES ('kaist:lab', 0, '{"rag":{"index":true,"name":"둘 \"2\"","none":null,"size":1.5},
    "tasks":{"tsk_1":{"seq":1,"done":false,"title":"하나"}},"worklog":{},"youtube":{"queue":[1,"둘",{}]}}');
INSERT INTO audit VALUES ('kaist:lab', 1, 1, 'key:service', 'command.accepted', 'tsk_1', 'cor_1', x'00', '{}', x'01', x'02');
INSERT INTO task (tenant, task_id, seq, command_type, params, status, risk, rule, waits, priority,
    correlation_id, requested_by, created_at, updated_at, attempt, retry_count, cancel_requested)
VALUES ('kaist:lab', 'tsk_1', 1, 'file.read', '{"path":"a.txt"}', 'queued', 'GREEN', 'builtin', 0, 0,
    'cor_1', 'key:service', 1, 1, 0, 0, 0);
INSERT INTO work_due VALUES ('ready', 'file.read', 'kaist:lab', 0, 1, 'tsk_1', 0);
