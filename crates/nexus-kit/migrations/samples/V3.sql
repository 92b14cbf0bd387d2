INSERT INTO log_follower VALUES ('kaist:lab', 'autopilot', 'abcdefgh', 1, 1);
INSERT INTO youtube_player VALUES ('kaist:lab', '[]', NULL, '[]');
INSERT INTO youtube_search VALUES ('kaist:lab', '00', '{"items":[]}', 1);
INSERT INTO youtube_quota VALUES ('kaist:lab', '2026-01-01', 100);
INSERT INTO autopilot_run VALUES ('kaist:lab', 'run_1', 1, '/file list', 'en', 'default', 'tsk_1',
    'service', 'cor_1', 'active', 0, NULL, 1, NULL, 1, 1, 2, NULL, NULL);
INSERT INTO autopilot_step VALUES ('kaist:lab', 'run_1', 1, 'file.list', '{}', NULL, 'planned', NULL,
    NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO chat_message VALUES ('kaist:lab', 'default', 1, 'user', '/file list', 'run_1', 'service', 1);
