UPDATE task SET said_at = 50, held = '[{"level":"info","agent":"word-count","text":"둘"}]'
WHERE task_id = 'tsk_1';
