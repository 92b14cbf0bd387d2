INSERT INTO alert VALUES ('kaist:lab', 'alr_1', 3, 'task.held', 'warning', 'task.held/AGENT_ERROR', 2, 0,
    '{}', 1, 2, 3);
INSERT INTO alert_seen VALUES ('kaist:lab', 'ask.created/ask_1', 1, '{}');
INSERT INTO alert_delivery VALUES ('kaist:lab', 'dlv_1', 'alr_1', 'ops', 'slack', 'pending', 1, 503, NULL,
    'The destination answered 503', 1, 2, NULL);
INSERT INTO alert_route VALUES ('kaist:lab', 'ops', 0, '{"name":"ops"}', NULL, NULL, NULL, 1, 'user:usr_1');
INSERT INTO alert_due VALUES ('kaist:lab', 'send', 'dlv_1', 'ops', 2);
