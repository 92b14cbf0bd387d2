UPDATE stream_base SET number = 1;
INSERT INTO base_item VALUES ('kaist:lab', 'tasks', 'tsk_9', '{"seq":1,"done":false}');
