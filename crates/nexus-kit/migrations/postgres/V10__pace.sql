-- What a running task has said and that is not shown yet, as JSON, and when something was shown last.

ALTER TABLE task ADD COLUMN held TEXT COLLATE "C";
ALTER TABLE task ADD COLUMN said_at BIGINT;
