-- Grants that are renewed (refresh tokens), and such that outlive their session (an app or e-reader that may stay).
-- `generation` counts renewals: only the newest refresh token of a grant counts. `terms` is the protocol's.
ALTER TABLE passage ADD COLUMN offline BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE passage ADD COLUMN generation BIGINT;
ALTER TABLE passage ADD COLUMN turned_at BIGINT;
ALTER TABLE passage ADD COLUMN terms TEXT;
