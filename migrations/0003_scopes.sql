-- Which vendor last asked for a scope by which name; written at intervals, never by a click.
CREATE TABLE scope_asked (
    vendor  TEXT   NOT NULL,
    name    TEXT   NOT NULL,
    last_at BIGINT NOT NULL,
    PRIMARY KEY (vendor, name)
);

-- OIDC standard claims, in JSON, of patrons whom a configuration file declares. Rosters never bring any.
ALTER TABLE patron ADD COLUMN standard_claims TEXT;
