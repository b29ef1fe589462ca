-- What deliveries of changes need of earlier ones, how other directories find a person, cards that outlive a school
-- year, and fetches by timetable.

-- What the roster said besides, so that a change can be put in place: JSON, NULL in rows of earlier releases.
ALTER TABLE roster_entry ADD COLUMN named TEXT;
-- Keyed digests, separated by blanks, by which other directories find the person.
ALTER TABLE roster_entry ADD COLUMN lookups TEXT NOT NULL DEFAULT '';
-- Of a row that says somebody is here no more: until when the card lives on; 0 where it does not.
ALTER TABLE roster_entry ADD COLUMN bridged_until BIGINT NOT NULL DEFAULT 0;
-- The number comes from an organisation that the person was at before.
ALTER TABLE roster_entry ADD COLUMN kept_card BOOLEAN NOT NULL DEFAULT FALSE;

-- What the source left with us, to ask it for changes alone after this run.
ALTER TABLE roster_run ADD COLUMN bookmark TEXT;

-- The directory's tree, one row for each run that changed it; the newest visible one holds.
CREATE TABLE roster_orgs (
    source TEXT   NOT NULL,
    run    BIGINT NOT NULL,
    body   TEXT   NOT NULL,
    PRIMARY KEY (source, run)
);

-- Candidates alone: whom a digest means now, their newest visible row says.
CREATE TABLE roster_lookup (
    source TEXT NOT NULL,
    digest TEXT NOT NULL,
    patron TEXT NOT NULL,
    PRIMARY KEY (source, digest, patron)
);

-- Whoever moves `due_at` on carries the fetch out.
CREATE TABLE source_schedule (
    source      TEXT   PRIMARY KEY,
    due_at      BIGINT NOT NULL,
    started_at  BIGINT,
    finished_at BIGINT,
    -- `never`, `running`, `taken`, `nothing-new`, `stopped`, `failed`.
    outcome     TEXT   NOT NULL,
    detail      TEXT   NOT NULL,
    -- When it last went well.
    good_at     BIGINT
);
