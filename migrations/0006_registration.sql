-- Invitations: initial access tokens for dynamic client registration (RFC 7591). `token` is the hex SHA-256, `bounds`
-- what a client registered by it may be, `uses_left` counts down.
CREATE TABLE invitation (
    id           TEXT   PRIMARY KEY,
    vendor       TEXT   NOT NULL,
    token        TEXT   NOT NULL UNIQUE,
    bounds       TEXT   NOT NULL,
    uses         BIGINT NOT NULL,
    uses_left    BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    withdrawn_at BIGINT
);
CREATE INDEX invitation_vendor ON invitation (vendor);
