-- The life of each signing key. Instants are planned or past; a key's state follows from them and the clock.
-- The row outlives the private half, which is key_material's row of the same id and goes when the key is retired.
CREATE TABLE signing_key (
    id            TEXT   PRIMARY KEY,
    kid           TEXT   NOT NULL UNIQUE,
    algorithm     TEXT   NOT NULL,
    jwk           TEXT   NOT NULL,
    published_at  BIGINT NOT NULL,
    active_from   BIGINT NOT NULL,
    pinned_from   BIGINT NOT NULL,
    retiring_from BIGINT,
    retired_at    BIGINT,
    lost_at       BIGINT
);

-- How often a published key set was fetched, named by its entity tag: advice for the operator, nothing waits for it.
CREATE TABLE jwks_fetch (
    etag    TEXT   PRIMARY KEY,
    fetches BIGINT NOT NULL,
    last_at BIGINT NOT NULL
);
