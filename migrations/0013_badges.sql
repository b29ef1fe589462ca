-- Classes of a roster, one row for each run that changed one: visible and in force as rows of roster_entry are.
-- `members` holds a line for each: `s user-1`, `t user-9`.
CREATE TABLE class_roll (
    source  TEXT    NOT NULL,
    class   TEXT    NOT NULL,
    run     BIGINT  NOT NULL,
    present BOOLEAN NOT NULL,
    title   TEXT    NOT NULL,
    org     TEXT    NOT NULL,
    grades  TEXT    NOT NULL,
    members TEXT    NOT NULL,
    digest  TEXT    NOT NULL,
    PRIMARY KEY (source, class, run)
);
CREATE INDEX class_roll_run ON class_roll (source, run);

-- What a printed badge opens. Of its secret only the SHA-256 is kept. `pictures` is a password hash over the keyed
-- pictures; `wrong_picks` are those since the last right ones.
CREATE TABLE badge (
    id           TEXT   PRIMARY KEY,
    secret       TEXT   NOT NULL UNIQUE,
    patron       TEXT   NOT NULL,
    organisation TEXT   NOT NULL,
    class        TEXT   NOT NULL,
    school_year  TEXT   NOT NULL,
    made_at      BIGINT NOT NULL,
    void_at      BIGINT,
    pictures     TEXT,
    wrong_picks  BIGINT NOT NULL
);
CREATE INDEX badge_patron ON badge (patron);
CREATE INDEX badge_class ON badge (class);

-- How somebody signed in: `pin`, `badge`, `badge+picture`, `upstream:ID`. Kept with what was granted as well, since
-- tokens outlive the page that asked.
ALTER TABLE session ADD COLUMN method TEXT NOT NULL DEFAULT 'pin';
ALTER TABLE passage ADD COLUMN method TEXT NOT NULL DEFAULT 'pin';
