-- Portable column types only: TEXT, BIGINT, BOOLEAN. Instants are unix milliseconds, bytes are hex.

-- Counters that tell every process when to look again.
CREATE TABLE version (name TEXT PRIMARY KEY, n BIGINT NOT NULL);
INSERT INTO version (name, n) VALUES ('catalogue', 1), ('patrons', 1), ('keys', 1);

-- The programme: organisations, agreements, scopes, vendors, sources, opt-outs.
CREATE TABLE catalogue (
    kind       TEXT   NOT NULL,
    id         TEXT   NOT NULL,
    body       TEXT   NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (kind, id)
);

-- Private keys and secrets, each wrapped by the key-encryption key, which is not in here.
CREATE TABLE key_material (
    id         TEXT   PRIMARY KEY,
    purpose    TEXT   NOT NULL,
    algorithm  TEXT   NOT NULL,
    wrapped    TEXT   NOT NULL,
    created_at BIGINT NOT NULL
);

-- What outlives rosters: the person's identity, the card's status, the PIN that the patron chose.
CREATE TABLE patron (
    id           TEXT    PRIMARY KEY,
    source       TEXT    NOT NULL,
    sourced_id   TEXT    NOT NULL,
    created_at   BIGINT  NOT NULL,
    card_status  TEXT    NOT NULL,
    pin_verifier TEXT,
    pin_set_at   BIGINT,
    pin_change_due BOOLEAN NOT NULL,
    UNIQUE (source, sourced_id)
);

-- What a roster said of a person, one row for each run that changed it. Visible are the rows of runs up to the
-- source's live run; the newest visible row of a patron is what holds.
CREATE TABLE roster_entry (
    patron       TEXT    NOT NULL,
    run          BIGINT  NOT NULL,
    source       TEXT    NOT NULL,
    present      BOOLEAN NOT NULL,
    given_name   TEXT    NOT NULL,
    family_name  TEXT    NOT NULL,
    affiliations TEXT    NOT NULL,
    card         TEXT    NOT NULL,
    initial_pin  TEXT,
    digest       TEXT    NOT NULL,
    PRIMARY KEY (patron, run)
);
CREATE INDEX roster_entry_card ON roster_entry (card);
CREATE INDEX roster_entry_run ON roster_entry (source, run);
CREATE INDEX roster_entry_gone ON roster_entry (source, run) WHERE NOT present;

-- `holder` is the run that may write for this source, as long as its heart beats.
CREATE TABLE roster_source (
    source   TEXT   PRIMARY KEY,
    live_run BIGINT NOT NULL,
    holder   BIGINT,
    beat_at  BIGINT NOT NULL
);

CREATE TABLE roster_run (
    id          BIGINT PRIMARY KEY,
    source      TEXT   NOT NULL,
    origin      TEXT   NOT NULL,
    state       TEXT   NOT NULL,
    before_run  BIGINT NOT NULL,
    started_at  BIGINT NOT NULL,
    finished_at BIGINT,
    summary     TEXT   NOT NULL
);

CREATE TABLE session (
    id               TEXT    PRIMARY KEY,
    handle           TEXT    NOT NULL UNIQUE,
    patron           TEXT    NOT NULL,
    authenticated_at BIGINT  NOT NULL,
    last_seen        BIGINT  NOT NULL,
    ended_at         BIGINT,
    pin_change_due   BOOLEAN NOT NULL
);
CREATE INDEX session_patron ON session (patron);
CREATE INDEX session_last_seen ON session (last_seen);

CREATE TABLE passage (
    id               TEXT   PRIMARY KEY,
    session          TEXT   NOT NULL,
    patron           TEXT   NOT NULL,
    vendor           TEXT   NOT NULL,
    protocol         TEXT   NOT NULL,
    relying_party    TEXT   NOT NULL,
    scopes           TEXT   NOT NULL,
    authenticated_at BIGINT NOT NULL,
    created_at       BIGINT NOT NULL,
    expires_at       BIGINT NOT NULL,
    revoked_at       BIGINT
);
CREATE INDEX passage_session ON passage (session);
CREATE INDEX passage_expires_at ON passage (expires_at);

-- Each writer keeps a chain of its own; an event's hash covers its predecessor's hash and its payload's commitment.
CREATE TABLE audit_chain (
    id         TEXT   PRIMARY KEY,
    started_at BIGINT NOT NULL,
    length     BIGINT NOT NULL,
    head       TEXT   NOT NULL
);
CREATE TABLE audit_event (
    chain      TEXT   NOT NULL,
    seq        BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    kind       TEXT   NOT NULL,
    commitment TEXT   NOT NULL,
    hash       TEXT   NOT NULL,
    salt       TEXT,
    payload    TEXT,
    PRIMARY KEY (chain, seq)
);
CREATE INDEX audit_event_at ON audit_event (at);

-- What remains when who-went-where is erased.
CREATE TABLE usage_daily (
    day          TEXT   NOT NULL,
    kind         TEXT   NOT NULL,
    vendor       TEXT   NOT NULL,
    organisation TEXT   NOT NULL,
    n            BIGINT NOT NULL,
    PRIMARY KEY (day, kind, vendor, organisation)
);
