INSERT INTO operation VALUES ('kaist:lab', 'op_1', 'dlq', 'requeue', 'running', 2, 1, 0, 0, 100, 0, 0,
    NULL, 0, '00', NULL, NULL, 'cor_1', 'admin', NULL, 1, NULL, NULL, 1);
INSERT INTO operation_item VALUES ('kaist:lab', 'op_1', 1, 'tsk_1', 'requeue', 'changed', 2, NULL);
INSERT INTO operation_item VALUES ('kaist:lab', 'op_1', 2, 'tsk_4', 'requeue', NULL, NULL, NULL);
