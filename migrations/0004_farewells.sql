-- Relying parties hear of a session's end. What ends a session only sets `ended_at`, wherever it is done; `parted` says
-- that those to be told were put down in `farewell`.
ALTER TABLE session ADD COLUMN parted BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE session SET parted = TRUE WHERE ended_at IS NOT NULL;
CREATE INDEX session_unparted ON session (ended_at) WHERE ended_at IS NOT NULL AND NOT parted;
CREATE INDEX session_open ON session (authenticated_at) WHERE ended_at IS NULL;

-- One message of one session to one relying party. `due_at`: when it is tried next; none where it was told, or given up.
-- `patron` is emptied with the last try.
CREATE TABLE farewell (
    session       TEXT   NOT NULL,
    protocol      TEXT   NOT NULL,
    relying_party TEXT   NOT NULL,
    vendor        TEXT   NOT NULL,
    patron        TEXT   NOT NULL,
    created_at    BIGINT NOT NULL,
    tries         BIGINT NOT NULL,
    due_at        BIGINT,
    told_at       BIGINT,
    trouble       TEXT,
    PRIMARY KEY (session, protocol, relying_party)
);
CREATE INDEX farewell_due ON farewell (protocol, relying_party, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX farewell_vendor ON farewell (vendor, created_at);
