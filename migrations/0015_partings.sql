-- Every replica hears of ended sessions: when one is parted it is given the next number of the version `sessions`, and each
-- process asks which were since it last looked. `grants` moves when one is revoked by itself.
ALTER TABLE session ADD COLUMN parting BIGINT;
CREATE INDEX session_parting ON session (parting) WHERE parting IS NOT NULL;
INSERT INTO version (name, n) VALUES ('sessions', 0);
INSERT INTO version (name, n) VALUES ('grants', 0);
