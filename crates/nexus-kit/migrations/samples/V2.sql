INSERT INTO person VALUES ('usr_1', 'mina@example.com', '미나', 1, 'admin', 2, NULL);
INSERT INTO password VALUES ('usr_1', '$argon2id$v=19$m=19456,t=2,p=1$AAAA$AAAA', 1);
INSERT INTO session VALUES ('ses_1', 'usr_1', x'00', 1, 1, 2, NULL, 'Mozilla/5.0', '127.0.0.1');
INSERT INTO link VALUES (x'01', 'reset', 'usr_1', 1, 'admin', 2, NULL);
INSERT INTO login_try VALUES ('00', 1, '01', '127.0.0.1');
INSERT INTO membership VALUES ('kaist:lab', 'usr_1', 'approver', 1, 'admin');
UPDATE task SET requested_by_name = '미나' WHERE tenant = 'kaist:lab';
