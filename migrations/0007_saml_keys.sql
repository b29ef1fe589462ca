-- Which SAML parties are known to have which certificate of ours, by the key's kid: they move to it when it comes into
-- use, the others at the deadline. `how`: 'fetched' (seen fetching our metadata with it), 'attested' (an operator vouches),
-- 'withdrawn' (an operator knows better). Gone with the key.
CREATE TABLE certificate_seen (
    entity_id TEXT   NOT NULL,
    kid       TEXT   NOT NULL,
    how       TEXT   NOT NULL,
    at        BIGINT NOT NULL,
    PRIMARY KEY (entity_id, kid)
);
