-- Who signs in elsewhere, at an identity provider of their school's.

-- Which of an upstream's people is which patron, settled when she first came that way: one to one.
CREATE TABLE upstream_link (
    upstream  TEXT   NOT NULL,
    -- Keyed digest of issuer and subject.
    subject   TEXT   NOT NULL,
    patron    TEXT   NOT NULL,
    linked_at BIGINT NOT NULL,
    PRIMARY KEY (upstream, subject),
    UNIQUE (upstream, patron)
);
