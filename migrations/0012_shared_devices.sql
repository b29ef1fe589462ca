-- A session on a computer that many readers share ends sooner, whatever its browser says.
ALTER TABLE session ADD COLUMN shared BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX session_open_shared ON session (authenticated_at) WHERE ended_at IS NULL AND shared;

-- Browsers that an operator marked as shared. `link` is the hex SHA-256 of the enrolment link's secret until the link is
-- used, `cookie` that of the browser's own cookie from then on.
CREATE TABLE shared_device (
    id          TEXT   PRIMARY KEY,
    name        TEXT   NOT NULL,
    link        TEXT   UNIQUE,
    link_until  BIGINT NOT NULL,
    cookie      TEXT   UNIQUE,
    created_at  BIGINT NOT NULL,
    enrolled_at BIGINT,
    until       BIGINT
);
